//! When marks are due, which of them all cores have on disk, and who waits for that: WAITAOF, and the end of the process.
//!
//! What is on disk on one core may still be cut off after a power failure, at the newest mark that all have. So something is durable when
//! a mark that was put after it is on disk on all cores. Where nothing was logged since the newest mark no other is put for somebody who
//! waits: all logs are asked first.

use crate::persist::plan::Now;
use crate::spec::persist::Ask;

/// Ms between marks while something is logged.
const EVERY_MS: i64 = 100;
/// The same under `always`, where they only bound what recovery has to look at.
const EVERY_ALWAYS_MS: i64 = 1000;
/// Ms between marks that somebody waits for under `always`.
const WANTED_MS: i64 = 10;

#[derive(Debug)]
struct Wait {
    ask: Ask,
    until: i64,
    /// A mark that is under way may already have passed another core: the one after it counts.
    skips: bool,
    /// The first mark that was asked for after the wish, or the newest one where nothing was logged since.
    mark: Option<u64>,
    /// Wants to know how it is at the time of the wish, and waits for nothing else.
    is_look: bool,
    question: Question,
}

/// Whether logs have something behind their newest mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Question {
    /// To be asked.
    Due,
    /// Number `n` is under way to `left` logs; the newest mark of those that have nothing behind it; one that has.
    Asked {
        n: u64,
        left: usize,
        newest: Option<u64>,
        is_behind: bool,
    },
    Answered,
}

/// The end of the process, or of the log, waits for the disk.
#[derive(Debug)]
enum Flush {
    /// For the mark; `skips` as above.
    Asked {
        skips: bool,
    },
    /// For so many more cores; the first error.
    Running {
        left: usize,
        error: Option<String>,
    },
    Done(Result<(), String>),
}

/// See the file's head.
#[derive(Debug)]
pub struct Marks {
    cores: usize,
    last_ms: i64,
    /// One was asked for and is not in the logs yet.
    is_out: bool,
    /// Something was logged since the last one.
    has_growth: bool,
    /// All logs know the policy that the next mark brings.
    has_new_policy: bool,
    /// Logs that have not answered yet whether they know it. No mark is put meanwhile.
    unheard: usize,
    /// Number of the last policy.
    policies: u64,
    /// The log was switched on and does not know the policy.
    is_fresh: bool,
    /// By core: the newest mark on disk.
    durable: Vec<Option<u64>>,
    waits: Vec<Wait>,
    /// Number of the last question.
    questions: u64,
    flush: Option<Flush>,
}

impl Marks {
    #[must_use]
    pub fn new(cores: usize) -> Marks {
        let durable = vec![None; cores];
        Marks {
            cores,
            last_ms: i64::MIN / 2,
            is_out: false,
            has_growth: false,
            has_new_policy: false,
            unheard: 0,
            policies: 0,
            is_fresh: false,
            durable,
            waits: Vec::new(),
            questions: 0,
            flush: None,
        }
    }

    pub fn growth(&mut self) {
        self.has_growth = true;
    }

    /// The log was switched on: it has to hear what the policy is before its first mark.
    pub fn switched_on(&mut self) {
        self.is_fresh = true;
    }

    /// Whether logs are to be told a policy now, under this number; `is_other`: it is not the one in force.
    pub fn take_policy(&mut self, is_other: bool) -> Option<u64> {
        if self.is_out || self.unheard > 0 || self.has_new_policy || !(is_other || self.is_fresh) {
            return None;
        }
        self.is_fresh = false;
        self.unheard = self.cores;
        self.policies += 1;
        Some(self.policies)
    }

    /// A log knows the policy.
    pub fn heard_policy(&mut self, n: u64) {
        if n == self.policies && self.unheard > 0 {
            self.unheard -= 1;
            self.has_new_policy = self.unheard == 0;
        }
    }

    /// Somebody waits until everything so far is durable; not beyond unix ms `until` (0 = for ever, in the past = is told how it is now).
    pub fn wait(&mut self, ask: Ask, until: i64, now: Now) {
        let is_look = until != 0 && until <= now.wall_ms;
        self.waits.push(Wait { ask, until, skips: self.is_out, mark: None, is_look, question: Question::Due });
    }

    /// Ends the wait of `ask`. `is_told`: with an answer, at the next [`Marks::answers`].
    pub fn stop_waiting(&mut self, ask: Ask, is_told: bool) {
        if is_told {
            self.waits.iter_mut().filter(|wait| wait.ask == ask).for_each(|wait| (wait.until, wait.is_look) = (1, false));
        } else {
            self.waits.retain(|wait| wait.ask != ask);
        }
    }

    /// Once: the number under which all logs are to be asked whether they rest.
    pub fn take_question(&mut self) -> Option<u64> {
        if self.waits.iter().all(|wait| wait.question != Question::Due) {
            return None;
        }
        self.questions += 1;
        let asked = Question::Asked { n: self.questions, left: self.cores, newest: None, is_behind: false };
        self.waits.iter_mut().filter(|wait| wait.question == Question::Due).for_each(|wait| wait.question = asked);
        Some(self.questions)
    }

    /// A log answers question `number`: its newest mark if there is nothing behind it.
    pub fn heard_rest(&mut self, number: u64, mark: Option<u64>) {
        for wait in &mut self.waits {
            let Question::Asked { n, left, newest, is_behind } = &mut wait.question else { continue };
            if *n != number {
                continue;
            }
            *left = left.saturating_sub(1);
            *newest = (*newest).max(mark);
            *is_behind |= mark.is_none();
            if *left == 0 {
                // One that was put meanwhile is on disk later.
                wait.mark = newest.filter(|_| !*is_behind).or(wait.mark);
                wait.question = Question::Answered;
            }
        }
    }

    /// Everything is to be put on disk. Again while it is under way is fine.
    pub fn flush(&mut self, is_on: bool) {
        if matches!(self.flush, None | Some(Flush::Done(_))) {
            self.flush = Some(if is_on { Flush::Asked { skips: self.is_out } } else { Flush::Done(Ok(())) });
        }
    }

    /// How [`Marks::flush`] ended.
    #[must_use]
    pub fn flushed(&self) -> Option<Result<(), String>> {
        match &self.flush {
            Some(Flush::Done(result)) => Some(result.clone()),
            _ => None,
        }
    }

    /// Whether a mark is to be put now; if so it is under way from here on.
    pub fn take_due(&mut self, now: Now, is_always: bool) -> bool {
        let due = self.due(is_always).is_some_and(|at| now.mono_ms >= at) && !self.is_out;
        if due {
            self.is_out = true;
            // What is logged from here on may stand after the mark.
            self.has_growth = false;
            self.last_ms = now.mono_ms;
        }
        due
    }

    /// Ms (of the clock that never jumps) of the next mark.
    #[must_use]
    pub fn due(&self, is_always: bool) -> Option<i64> {
        if self.is_out || self.unheard > 0 || self.is_fresh {
            return None;
        }
        if self.has_new_policy || matches!(self.flush, Some(Flush::Asked { .. })) {
            return Some(self.last_ms);
        }
        let is_wanted = self.waits.iter().any(|wait| wait.mark.is_none() && wait.question == Question::Answered && !wait.is_look);
        match (is_wanted, self.has_growth, is_always) {
            (true, _, true) => Some(self.last_ms + WANTED_MS),
            (true, _, false) | (_, true, false) => Some(self.last_ms + EVERY_MS),
            (false, true, true) => Some(self.last_ms + EVERY_ALWAYS_MS),
            (false, false, _) => None,
        }
    }

    /// A mark is in all logs. Tells whether all are to be flushed up to it.
    pub fn put(&mut self, ticket: u64) -> bool {
        self.is_out = false;
        self.has_new_policy = false;
        for wait in self.waits.iter_mut().filter(|wait| wait.mark.is_none()) {
            wait.mark = (!std::mem::take(&mut wait.skips)).then_some(ticket);
        }
        let is_asked = match &mut self.flush {
            Some(Flush::Asked { skips }) => !std::mem::take(skips),
            _ => false,
        };
        if is_asked {
            self.flush = Some(Flush::Running { left: self.cores, error: None });
        }
        is_asked
    }

    /// Logs ended: nothing becomes durable any more.
    pub fn ended(&mut self) {
        self.is_out = false;
        self.has_growth = false;
        self.has_new_policy = false;
        self.unheard = 0;
        self.is_fresh = false;
        if matches!(self.flush, Some(Flush::Asked { .. })) {
            self.flush = Some(Flush::Done(Ok(())));
        }
    }

    /// The mark of this ticket is on disk at `core`.
    pub fn durable(&mut self, core: usize, ticket: u64) {
        if let Some(newest) = self.durable.get_mut(core) {
            *newest = Some(newest.map_or(ticket, |old| old.max(ticket)));
        }
    }

    /// A core's flush ended.
    pub fn core_flushed(&mut self, failure: Option<String>) {
        if let Some(Flush::Running { left, error }) = &mut self.flush {
            *left = left.saturating_sub(1);
            if error.is_none() {
                *error = failure;
            }
            if *left == 0 {
                let result = error.take().map_or(Ok(()), Err);
                self.flush = Some(Flush::Done(result));
            }
        }
    }

    /// Replies that are due: who asked, and whether it is durable.
    pub fn answers(&mut self, now: Now, is_on: bool) -> Vec<(Ask, bool)> {
        let newest = self.durable.iter().copied().min().flatten();
        let mut answers = Vec::new();
        self.waits.retain(|wait| {
            let is_durable = wait.mark.is_some() && wait.mark <= newest;
            let is_asked = matches!(wait.question, Question::Asked { .. });
            let is_over = !is_on || (wait.until != 0 && now.wall_ms >= wait.until && !(wait.is_look && is_asked));
            if is_durable || is_over {
                answers.push((wait.ask, is_durable));
            }
            !(is_durable || is_over)
        });
        answers
    }
}
