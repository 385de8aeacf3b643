//! Latency of commands (histograms, INFO latencystats, LATENCY HISTOGRAM) and latency events (LATENCY LATEST, HISTORY).
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor

use hdrhistogram::Histogram;
use std::collections::{BTreeMap, VecDeque};

/// Samples kept per event.
const HISTORY_MAX: usize = 160;
/// Longest time a histogram tells apart, nanoseconds: one second, as Redis's.
const NANOS_MAX: u64 = 1_000_000_000;

/// Samples of one event: `(unix seconds, milliseconds)`, oldest first.
#[derive(Clone, Default, Debug)]
pub struct Event {
    pub samples: VecDeque<(i64, u64)>,
    pub max_ms: u64,
}

/// Histograms and events of one core.
#[derive(Default)]
pub struct Latency {
    /// By command id; made when a command first runs.
    pub histograms: Vec<Option<Box<Histogram<u64>>>>,
    pub events: BTreeMap<&'static str, Event>,
}

impl Latency {
    /// Counts `calls` calls of command `id` that took `nanos` each.
    pub fn record(&mut self, id: usize, nanos: u64, calls: u64) {
        if self.histograms.len() <= id {
            self.histograms.resize_with(id + 1, || None);
        }
        let place = &mut self.histograms[id];
        if place.is_none() {
            // Two significant digits over 1 ns .. 1 s, as Redis keeps them; the bounds are constants that cannot fail.
            *place = Histogram::new_with_bounds(1, NANOS_MAX, 2).ok().map(Box::new);
        }
        if let Some(h) = place {
            h.saturating_record_n(nanos.max(1), calls);
        }
    }

    /// Notes that `event` took `ms` milliseconds at `now_ms`; one sample a second, the longest counts.
    pub fn note(&mut self, event: &'static str, ms: u64, now_ms: i64) {
        let e = self.events.entry(event).or_default();
        e.max_ms = e.max_ms.max(ms);
        let second = now_ms / 1000;
        match e.samples.back_mut() {
            Some(last) if last.0 == second => last.1 = last.1.max(ms),
            _ => {
                e.samples.push_back((second, ms));
                if e.samples.len() > HISTORY_MAX {
                    e.samples.pop_front();
                }
            }
        }
    }
}
