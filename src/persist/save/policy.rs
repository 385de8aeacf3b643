//! Core 0: when a snapshot is made without anybody calling for one, what it means for figures, and who gets which answer.
//!
//! Layer 4, under `save`. Save points, SAVE, BGSAVE and its scheduling, SHUTDOWN with its last snapshot.
//! Ref: redis.io/commands/save, redis.io/commands/bgsave, redis.io/commands/shutdown; the option `save`

use std::collections::VecDeque;

use super::leader::{For, Running};
use crate::persist::plan::{Now, Out, Point, Purpose, SaveJob};
use crate::spec::persist::{Ask, Figures, Wish};
use crate::spec::request::LogLevel::{Notice, Warning};
use crate::spec::{Refusal, Shard};

/// After a snapshot that failed the next one is not tried for so many seconds.
const RETRY_SECONDS: i64 = 5;

/// See the file's head.
pub struct Policy {
    /// Changes since the last snapshot, by core.
    changes: Vec<u64>,
    /// Unix seconds at which a snapshot was last begun in the background.
    last_try: i64,
    /// A save point is reached: changes and seconds.
    reached: Option<(i32, i32)>,
    asked: VecDeque<Ask>,
    wants_background: bool,
    /// The snapshot that is on has to go.
    pub wants_cancel: bool,
    shutdown: Option<Leaving>,
    /// Clients of SHUTDOWN, who hear of it only if it fails.
    leavers: Vec<Ask>,
    is_fresh: bool,
}

/// A shutdown that is under way.
#[derive(Clone, Copy)]
struct Leaving {
    saves: bool,
    force: bool,
    has_begun: bool,
}

/// A snapshot that ended.
pub(super) struct Ended<'a> {
    pub job: &'a SaveJob,
    pub whom: For,
    pub started: Now,
    pub is_cancelled: bool,
}

impl Policy {
    pub fn new(cores: usize) -> Policy {
        Policy {
            changes: vec![0; cores],
            last_try: 0,
            reached: None,
            asked: VecDeque::new(),
            wants_background: false,
            wants_cancel: false,
            shutdown: None,
            leavers: Vec::new(),
            is_fresh: true,
        }
    }

    /// A core's changes since the last snapshot.
    pub fn changed(&mut self, core: usize, changes: u64) {
        if let Some(slot) = self.changes.get_mut(core) {
            *slot = changes;
        }
    }

    /// Looks at the save points.
    pub fn tick(&mut self, now: Now, shard: &mut Shard) {
        let seconds = now.wall_ms.div_euclid(1000);
        if self.is_fresh {
            self.is_fresh = false;
            shard.persist.last_save = seconds;
        }
        let may_try = may_retry(&shard.persist, self.last_try, seconds);
        let changes: u64 = self.changes.iter().sum();
        let is_reached = |&&(after, least): &&(i32, i32)| {
            changes >= u64::try_from(least).unwrap_or(0) && seconds - shard.persist.last_save > i64::from(after)
        };
        let point = shard.config.save.0.iter().find(is_reached).filter(|_| may_try);
        self.reached = point.map(|&(after, _)| (i32::try_from(changes).unwrap_or(i32::MAX), after));
    }

    /// What is to be begun now that nothing is on.
    pub fn due(&mut self, now: Now, shard: &mut Shard, out: &mut Vec<Out>) -> Option<For> {
        // Where housekeeping is stopped, what a signal asked for has not begun, and may be taken back.
        if let Some(leaving) = self.shutdown.as_mut().filter(|leaving| leaving.has_begun || !shard.debug.pause_cron) {
            return (!std::mem::replace(&mut leaving.has_begun, true)).then(|| leave(*leaving, out))?;
        }
        if shard.persist.loading != crate::spec::persist::Loading::No {
            return None;
        }
        if let Some(ask) = self.asked.pop_front() {
            return Some(For::Asked(ask));
        }
        if shard.persist.is_rewriting {
            return None;
        }
        if std::mem::take(&mut self.wants_background) {
            return Some(For::Background);
        }
        if let Some((changes, seconds)) = self.reached.take() {
            out.push(Out::Line(Notice, format!("{changes} changes in {seconds} seconds. Saving...")));
            return Some(For::Background);
        }
        let seconds = now.wall_ms.div_euclid(1000);
        let is_scheduled = shard.persist.is_save_scheduled && may_retry(&shard.persist, self.last_try, seconds);
        is_scheduled.then_some(For::Background)
    }

    /// A snapshot begins.
    pub fn begun(&mut self, job: &SaveJob, whom: For, now: Now, shard: &mut Shard, out: &mut Vec<Out>) {
        let seconds = now.wall_ms.div_euclid(1000);
        let figures = &mut shard.persist;
        (figures.save_keys_total, figures.save_keys_done) = (0, 0);
        if job.purpose != Purpose::Dump {
            return;
        }
        figures.is_saving = true;
        figures.save_started = seconds;
        figures.saves += 1;
        if whom == For::Background {
            self.last_try = seconds;
            figures.is_save_scheduled = false;
            self.reached = None;
            out.push(Out::Line(Notice, format!("Background saving started by pid {}", shard.server.pid)));
        }
    }

    /// A snapshot ended. What is to be known on all cores: whether the last one in the background failed.
    pub(super) fn ended(&mut self, what: &Ended, is_good: bool, now: Now, shard: &mut Shard, out: &mut Vec<Out>) -> Option<bool> {
        let figures = &mut shard.persist;
        if what.job.purpose != Purpose::Dump {
            return None;
        }
        figures.is_saving = false;
        if is_good {
            figures.last_save = now.wall_ms.div_euclid(1000);
            figures.has_save_failed = false;
            self.changes.fill(0);
            out.push(Out::Line(Notice, "DB saved on disk".into()));
        }
        match what.whom {
            For::Caller | For::Reload => {}
            For::Asked(ask) => {
                let reply = if is_good { "+OK\r\n" } else { "-ERR\r\n" };
                out.push(Out::Reply(ask, reply.into()));
            }
            For::Background => {
                figures.last_save_seconds = (now.mono_ms - what.started.mono_ms).max(0) / 1000;
                figures.has_save_failed |= !is_good && !what.is_cancelled;
                out.push(match (is_good, what.is_cancelled) {
                    (true, _) => Out::Line(Notice, "Background saving terminated with success".into()),
                    (false, true) => Out::Line(Warning, "Background saving stopped".into()),
                    (false, false) => Out::Line(Warning, "Background saving error".into()),
                });
            }
            For::Shutdown => self.left(is_good, shard, out),
        }
        Some(shard.persist.has_save_failed)
    }

    /// A wish of a command; `false` if it is none of these.
    pub fn wish(&mut self, wish: &Wish, running: Option<&Running>, shard: &mut Shard, out: &mut Vec<Out>) -> bool {
        let dumps = running.is_some_and(|running| running.job.purpose == Purpose::Dump);
        match wish {
            Wish::Save(ask) if dumps => out.push(Out::Reply(*ask, b"-ERR Background save already in progress\r\n".to_vec())),
            Wish::Save(ask) => self.asked.push_back(*ask),
            Wish::BackgroundSave if dumps => {}
            Wish::BackgroundSave if running.is_some() || shard.persist.is_rewriting => shard.persist.is_save_scheduled = true,
            Wish::BackgroundSave => self.wants_background = true,
            Wish::Shutdown { saves, force, .. } => self.shut_down(*saves, *force, running, shard, out),
            Wish::AwaitEnd(ask) => self.leavers.push(*ask),
            Wish::AbortShutdown => self.abort(running, shard, out),
            _ => return false,
        }
        true
    }

    fn shut_down(&mut self, saves: Option<bool>, force: bool, running: Option<&Running>, shard: &mut Shard, out: &mut Vec<Out>) {
        if let Some(leaving) = &mut self.shutdown {
            leaving.force |= force;
            return;
        }
        out.push(Out::Line(Notice, "User requested shutdown...".into()));
        let is_first_log = running.is_some_and(|running| running.job.is_afresh && !running.is_cancelled());
        if is_first_log && shard.config.appendonly {
            // Without it the next start would load a log that lacks everything.
            if !force {
                out.push(Out::Line(Warning, "Writing initial AOF, can't exit.".into()));
                out.push(Out::Line(Warning, "Errors trying to shut down the server. Check the logs for more information.".into()));
                return self.stay(shard, out);
            }
            out.push(Out::Line(Warning, "Writing initial AOF. Exit anyway.".into()));
        }
        // While loading there is nothing yet that could be saved.
        let saves = saves.unwrap_or(!shard.config.save.0.is_empty()) && !shard.persist.is_loading();
        shard.persist.is_ending = true;
        self.shutdown = Some(Leaving { saves, force, has_begun: false });
        self.wants_cancel = running.is_some();
        if let Some(running) = running {
            let what = match running.job.purpose {
                Purpose::Dump => "There is a child saving an .rdb. Killing it!",
                Purpose::Base { .. } => "There is a child rewriting the AOF. Killing it!",
            };
            out.push(Out::Line(Warning, what.into()));
        }
    }

    fn abort(&mut self, running: Option<&Running>, shard: &mut Shard, out: &mut Vec<Out>) {
        if let Some(leaving) = self.shutdown.take() {
            out.push(Out::Line(Notice, "Shutdown manually aborted.".into()));
            self.wants_cancel = running.is_some_and(|running| running.whom == For::Shutdown);
            if leaving.has_begun {
                out.push(Out::Point(Point::Freeze(false)));
            }
            self.stay(shard, out);
        }
    }

    /// The process goes on after all.
    fn stay(&mut self, shard: &mut Shard, out: &mut Vec<Out>) {
        self.shutdown = None;
        shard.persist.is_ending = false;
        let reply = [b"-", Refusal::SHUTDOWN_ERRORS.as_bytes(), b"\r\n"].concat();
        out.extend(self.leavers.drain(..).map(|ask| Out::Reply(ask, reply.clone())));
    }

    /// The last snapshot of a shutdown ended.
    fn left(&mut self, is_good: bool, shard: &mut Shard, out: &mut Vec<Out>) {
        // Without one, the shutdown was given up meanwhile.
        let Some(leaving) = self.shutdown else { return };
        if is_good {
            return out.push(Out::End);
        }
        if leaving.force {
            out.push(Out::Line(Warning, "Error trying to save the DB. Exit anyway.".into()));
            return out.push(Out::End);
        }
        out.push(Out::Line(Warning, "Error trying to save the DB, can't exit.".into()));
        out.push(Out::Line(Warning, "Errors trying to shut down the server. Check the logs for more information.".into()));
        out.push(Out::Point(Point::Freeze(false)));
        self.stay(shard, out);
    }
}

/// Nothing is on any more: clients wait from here on, so that nothing is promised that the last snapshot or the log lacks.
fn leave(leaving: Leaving, out: &mut Vec<Out>) -> Option<For> {
    out.push(Out::Point(Point::Freeze(true)));
    if leaving.saves {
        out.push(Out::Line(Notice, "Saving the final RDB snapshot before exiting.".into()));
        return Some(For::Shutdown);
    }
    out.push(Out::End);
    None
}

fn may_retry(figures: &Figures, last_try: i64, seconds: i64) -> bool {
    !figures.has_save_failed || seconds - last_try > RETRY_SECONDS
}
