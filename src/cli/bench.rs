//! `ringfort bench`: an open-loop load generator for any server that speaks RESP.
//!
//! Open loop: commands leave on a schedule that does not care how the server is doing, and latency counts from the moment a
//! command *should* have left. A closed loop, which sends the next command when the last reply is there, sends nothing during a
//! stall and so hardly sees it. Sends that are late are never skipped.
//!
//! Each thread drives its share of the connections without blocking: sends what is due, reads from connections that owe replies,
//! and sleeps only when nothing is owed and nothing is due soon. It burns its CPU, so give it one of its own. How long the loop
//! itself was kept from running is reported as `pause_ms`: a maximum below it is the client's fault.
//!
//! `--stall` is a probe instead (stall.rs): one PING a millisecond on one connection, and the longest time until an answer.
//!
//! Invariants: every reply is matched to its command by order; error replies are counted, never dropped silently; the last
//! line is `name=value` words for programs.
//!
//! Not here: correctness checks of values (tests/), throughput records (redis-benchmark and valkey-benchmark do that).
//! Ref: G. Tene, "How NOT to Measure Latency" (coordinated omission); hdrhistogram.org.

mod options;
mod stall;

use crate::{base::rng::Rng, proto::reply};
use hdrhistogram::Histogram;
use options::{Options, USAGE};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long replies may stay out after the last send.
const DRAIN: Duration = Duration::from_secs(10);
/// Commands due sooner than this are waited for without sleeping: a sleep may last this much longer than asked.
const SPIN: Duration = Duration::from_micros(200);
/// Bytes read at once.
const CHUNK: usize = 64 << 10;
/// Latencies up to an hour, in nanoseconds, with three digits.
const LATENCY_MAX: u64 = 3_600_000_000_000;

/// Runs the mode with the words behind `bench`. Returns the exit status: 0 done, 1 failed, 2 arguments not understood.
pub fn main(arguments: &[String]) -> i32 {
    if arguments.iter().any(|a| a == "--help") {
        println!("{USAGE}");
        return 0;
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("ringfort bench: {why}\n\n{USAGE}");
            return 2;
        }
    };
    let run = if options.stall { stall::probe(&options) } else { load(&options) };
    match run {
        Ok(text) => {
            println!("{text}");
            0
        }
        Err(why) => {
            eprintln!("ringfort bench: {why}");
            1
        }
    }
}

/// What one thread saw.
struct Tally {
    /// Nanoseconds from the intended send to the reply, of commands after the warm-up.
    latency: Histogram<u64>,
    sent: u64,
    done: u64,
    errors: u64,
    /// Longest time between two passes of the loop.
    pause: Duration,
    /// Text of the first error reply.
    first_error: Option<String>,
}

impl Tally {
    fn new() -> Result<Tally, String> {
        let latency = Histogram::new_with_bounds(1, LATENCY_MAX, 3).map_err(|e| e.to_string())?;
        Ok(Tally { latency, sent: 0, done: 0, errors: 0, pause: Duration::ZERO, first_error: None })
    }

    fn add(&mut self, other: &Tally) -> Result<(), String> {
        self.latency.add(&other.latency).map_err(|e| e.to_string())?;
        self.sent += other.sent;
        self.done += other.done;
        self.errors += other.errors;
        self.pause = self.pause.max(other.pause);
        self.first_error = self.first_error.take().or_else(|| other.first_error.clone());
        Ok(())
    }
}

/// One connection and what it owes.
struct Wire {
    stream: TcpStream,
    out: Vec<u8>,
    input: Vec<u8>,
    /// Intended send time and number of the commands whose replies are out, oldest first.
    owed: VecDeque<(Instant, u32)>,
    /// In the list of connections with something to do.
    is_listed: bool,
}

impl Wire {
    fn open(options: &Options) -> Result<Wire, String> {
        let mut stream = connect(options)?;
        if let Some(password) = &options.password {
            let mut hello = Vec::new();
            command(&mut hello, &[b"AUTH", password.as_bytes()]);
            let answer = ask(&mut stream, &hello)?;
            if answer.first() != Some(&b'+') {
                return Err(format!("AUTH: {}", String::from_utf8_lossy(&answer).trim_end()));
            }
        }
        stream.set_nonblocking(true).map_err(|e| e.to_string())?;
        Ok(Wire { stream, out: Vec::new(), input: Vec::new(), owed: VecDeque::new(), is_listed: false })
    }

    /// Writes as much as the socket takes.
    fn flush(&mut self) -> Result<(), String> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(0) => return Err("the server closed a connection".to_string()),
                Ok(n) => drop(self.out.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(format!("sending: {e}")),
            }
        }
        Ok(())
    }

    /// Reads what is there and books the replies in `tally`; those of commands intended before `warm` are not timed.
    fn read(&mut self, chunk: &mut [u8], tally: &mut Tally, warm: Instant) -> Result<(), String> {
        loop {
            match self.stream.read(chunk) {
                Ok(0) => return Err("the server closed a connection".to_string()),
                Ok(n) => {
                    self.input.extend_from_slice(&chunk[..n]);
                    if n < chunk.len() {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(format!("receiving: {e}")),
            }
        }
        let now = Instant::now();
        let mut at = 0;
        while let Some(len) = reply::skip(&self.input[at..]) {
            let Some((intended, count)) = self.owed.front_mut() else {
                return Err("a reply that nobody asked for".to_string());
            };
            if self.input[at] == b'-' {
                tally.errors += 1;
                let text = || String::from_utf8_lossy(&self.input[at..at + len]).trim_end().to_string();
                tally.first_error.get_or_insert_with(text);
            }
            tally.done += 1;
            if *intended >= warm {
                tally.latency.saturating_record((now - *intended).as_nanos() as u64);
            }
            *count -= 1;
            if *count == 0 {
                self.owed.pop_front();
            }
            at += len;
        }
        self.input.drain(..at);
        Ok(())
    }
}

fn connect(options: &Options) -> Result<TcpStream, String> {
    let stream =
        TcpStream::connect((options.host.as_str(), options.port)).map_err(|e| format!("{}:{}: {e}", options.host, options.port))?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(|e| e.to_string())?;
    Ok(stream)
}

/// Sends `request` and waits for one reply.
fn ask(stream: &mut TcpStream, request: &[u8]) -> Result<Vec<u8>, String> {
    stream.write_all(request).map_err(|e| format!("sending: {e}"))?;
    let (mut input, mut chunk) = (Vec::new(), [0; 4096]);
    while reply::skip(&input).is_none() {
        match stream.read(&mut chunk).map_err(|e| format!("receiving: {e}"))? {
            0 => return Err("the server closed the connection".to_string()),
            n => input.extend_from_slice(&chunk[..n]),
        }
    }
    Ok(input)
}

/// Appends one command in request form.
fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    // Writing to a Vec does not fail.
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n", word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Makes the commands of one thread.
struct Source<'a> {
    options: &'a Options,
    rng: Rng,
    value: Vec<u8>,
}

impl Source<'_> {
    fn key(&mut self) -> Vec<u8> {
        format!("key:{:012}", self.rng.below(self.options.keys)).into_bytes()
    }

    /// Appends the next command of the mix.
    fn append(&mut self, out: &mut Vec<u8>) {
        let [get, set, mset] = self.options.ratio;
        let pick = self.rng.below(get + set + mset);
        if pick < get {
            let key = self.key();
            command(out, &[b"GET", &key]);
        } else if pick < get + set {
            let key = self.key();
            command(out, &[b"SET", &key, &self.value]);
        } else {
            let keys: Vec<Vec<u8>> = (0..self.options.mset_keys).map(|_| self.key()).collect();
            let mut words: Vec<&[u8]> = vec![b"MSET"];
            keys.iter().for_each(|key| words.extend([key.as_slice(), &self.value]));
            command(out, &words);
        }
    }

    /// Time until the batch after this one is due.
    fn gap(&mut self, mean: f64) -> Duration {
        let factor = if self.options.poisson { -(1.0 - self.rng.unit()).ln() } else { 1.0 };
        Duration::from_secs_f64(mean * factor)
    }
}

/// Runs the load and describes what came out of it.
fn load(options: &Options) -> Result<String, String> {
    let threads = options.threads.min(options.connections);
    let mut wires = Vec::new();
    for i in 0..threads {
        // The first threads take what is left over.
        let share = options.connections / threads + usize::from(i < options.connections % threads);
        wires.push((0..share).map(|_| Wire::open(options)).collect::<Result<Vec<_>, _>>()?);
    }
    let start = Instant::now() + Duration::from_millis(20);
    let mut tally = Tally::new()?;
    let parts: Vec<Result<Tally, String>> = std::thread::scope(|scope| {
        let handles: Vec<_> = wires
            .into_iter()
            .enumerate()
            .map(|(i, wires)| {
                let share = wires.len() as f64 / options.connections as f64;
                scope.spawn(move || drive(options, wires, start, share, i as u64))
            })
            .collect();
        handles.into_iter().map(|h| h.join().unwrap_or_else(|_| Err("a thread panicked".to_string()))).collect()
    });
    for part in parts {
        tally.add(&part?)?;
    }
    Ok(describe(options, &tally))
}

/// One thread: `share` of the rate over `wires`, from `start` on.
fn drive(options: &Options, mut wires: Vec<Wire>, start: Instant, share: f64, number: u64) -> Result<Tally, String> {
    let mut tally = Tally::new()?;
    let mut source = Source { options, rng: Rng::new(options.seed.wrapping_add(number)), value: vec![b'v'; options.value] };
    let (end, warm) = (start + options.warmup + options.duration, start + options.warmup);
    let mean = f64::from(options.pipeline) / (options.rate * share);
    let (mut due, mut next, mut chunk) = (start, 0, vec![0; CHUNK]);
    let mut active: Vec<usize> = Vec::new();
    let mut last_pass = start;
    loop {
        let now = Instant::now();
        if now > last_pass {
            tally.pause = tally.pause.max(now - last_pass);
        }
        while due <= now && due < end {
            let wire = &mut wires[next];
            (0..options.pipeline).for_each(|_| source.append(&mut wire.out));
            wire.owed.push_back((due, options.pipeline));
            wire.flush()?;
            tally.sent += u64::from(options.pipeline);
            if !std::mem::replace(&mut wire.is_listed, true) {
                active.push(next);
            }
            next = (next + 1) % wires.len();
            due += source.gap(mean);
        }
        for &i in &active {
            let wire = &mut wires[i];
            wire.flush()?;
            wire.read(&mut chunk, &mut tally, warm)?;
            wire.is_listed = !wire.owed.is_empty();
        }
        active.retain(|i| wires[*i].is_listed);
        last_pass = Instant::now();
        if due >= end && (active.is_empty() || last_pass > end + DRAIN) {
            return Ok(tally);
        }
        if active.is_empty() && due > last_pass + SPIN {
            std::thread::sleep(due - last_pass - SPIN);
            last_pass = Instant::now();
        }
    }
}

/// Milliseconds of a percentile.
fn ms(latency: &Histogram<u64>, percentile: f64) -> f64 {
    latency.value_at_percentile(percentile) as f64 / 1e6
}

fn describe(options: &Options, tally: &Tally) -> String {
    let latency = &tally.latency;
    let lost = tally.sent - tally.done;
    // Timed replies of the measured span, over what the schedule asked for.
    let offered = options.rate * options.duration.as_secs_f64();
    let ops = latency.len() as f64 / options.duration.as_secs_f64();
    let mut text = format!(
        "{} connections, {} commands a send, {:.0} commands/s offered for {:.1} s ({}), mix get:set:mset {}:{}:{}, {} keys, {} B values\n",
        options.connections,
        options.pipeline,
        options.rate,
        options.duration.as_secs_f64(),
        if options.poisson { "Poisson" } else { "even" },
        options.ratio[0],
        options.ratio[1],
        options.ratio[2],
        options.keys,
        options.value,
    );
    if let Some(error) = &tally.first_error {
        text += &format!("{} error replies, the first: {error}\n", tally.errors);
    }
    if lost > 0 {
        text += &format!("{lost} commands were not answered within {} s of the last send\n", DRAIN.as_secs());
    }
    text + &format!(
        "ops={ops:.0} achieved={:.4} p50_ms={:.3} p99_ms={:.3} p999_ms={:.3} max_ms={:.3} done={} errors={} lost={lost} pause_ms={:.3}",
        latency.len() as f64 / offered,
        ms(latency, 50.0),
        ms(latency, 99.0),
        ms(latency, 99.9),
        latency.max() as f64 / 1e6,
        tally.done,
        tally.errors,
        tally.pause.as_secs_f64() * 1e3,
    )
}

#[cfg(test)]
mod tests;
