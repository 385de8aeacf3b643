//! The last generation of our own logs after a stop of any kind: where each log ends so that all of them show one state.
//!
//! 1. Each log ends with its longest whole prefix.
//! 2. All logs belong to one run. A start that did not get as far as serving clients left its first lines in some logs: they go.
//! 3. If the machine stopped as well and the policy was not `always`, all logs end at the newest mark that all have: what came after it
//!    may have reached the disk in any order.
//! 4. A ticket is in the logs of all its participants, or in none ([`super::cut`]).
//!
//! Steps 3 and 4 begin at the newest common mark: a mark is a ticket of all cores, so every ticket before it is complete.
//! Nothing is written here. Doing it all again after it was interrupted anywhere gives the same result.

use super::annotation::{Annotation, Cores, Owner};
use super::cut::{Lack, Tails};
use super::read::{Fault, Sink};
use super::survey::{Mark, Run, Survey, WINDOW, scan, sum};
use crate::config::kinds::AppendFsync;
use crate::persist::disk::Store;

/// Most marks that a stop can take from a log, or leave in one log and not in another: a mark every 100 ms, and no disk is a minute behind.
/// More than that is a log of another time, and cutting the others to match it would lose what was promised.
const MARKS_LOST_MAX: usize = 600;
/// How a mark begins, behind the end of a line.
const MARK: &[u8] = b"\n#MARK:";

/// One core's log of the generation.
pub struct Log<'a> {
    pub name: &'a [u8],
    pub path: &'a [u8],
    pub survey: &'a Survey,
}

/// Where a log ends, and why not later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct End {
    pub at: u64,
    pub why: Why,
}

/// The last reason for which a log was shortened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It is whole.
    Whole,
    /// Its last write was torn.
    Torn,
    /// A start that served nobody.
    EmptyRun,
    /// The machine stopped, and bytes before a mark are not those that were written.
    Hole,
    /// The machine stopped, and what follows is not in all logs.
    AfterMark,
    /// Somebody asked for the state at an earlier time.
    AfterTime,
    /// A ticket that a participant lacks.
    Ticket(Lack),
}

impl Why {
    /// As the end of a sentence about bytes that were cut off.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Why::Whole => "nothing is missing".into(),
            Why::Torn => "the last write was incomplete".into(),
            Why::Hole => "the machine stopped before all of what precedes them was on disk".into(),
            Why::EmptyRun => "they belong to a start that served no client".into(),
            Why::AfterMark => "the machine stopped before all cores had written them".into(),
            Why::AfterTime => "it is later than the time asked for".into(),
            Why::Ticket(lack) => format!("transaction {} is missing in the log of core {}", lack.ticket, lack.core),
        }
    }
}

/// What decides how strict the cut is.
pub struct Rules<'a> {
    /// The boot of the machine as it is now.
    pub boot: &'a str,
    /// aof-load-truncated.
    pub may_truncate: bool,
    /// aof-load-corrupt-tail-max-size, bytes.
    pub corrupt_tail_max: u64,
}

/// Decides where every log of the generation ends; `logs` by core. The error is for the log of the server: it does not start.
pub fn ends(store: &mut dyn Store, logs: &[Log], rules: &Rules) -> Result<Vec<End>, String> {
    let mut ends = Vec::with_capacity(logs.len());
    for log in logs {
        ends.push(whole(store, log, rules)?);
    }
    let runs = one_run(logs, &mut ends)?;
    let Some(first) = runs.first() else { return Ok(ends) };
    if first.rf.boot != rules.boot {
        for ((log, run), end) in logs.iter().zip(&runs).zip(&mut ends) {
            end_before_hole(store, log, run, end)?;
        }
    }
    let common = newest_common(logs, &runs, &ends)?;
    let policy = common.first().map_or(first.rf.policy, |mark| mark.policy);
    let starts: Vec<u64> =
        if common.is_empty() { runs.iter().map(|run| run.end).collect() } else { common.iter().map(|m| m.end).collect() };
    let has_stopped = first.rf.boot != rules.boot;
    // One log alone is in order however much of it is left.
    if has_stopped && policy != AppendFsync::Always && logs.len() > 1 {
        for (end, start) in ends.iter_mut().zip(&starts) {
            if *start < end.at {
                *end = End { at: *start, why: Why::AfterMark };
            }
        }
        return Ok(ends);
    }
    settle(store, logs, &mut ends, &starts, has_stopped)?;
    Ok(ends)
}

/// Where the logs end that were looked through up to a time only: a mark is a ticket of all of them, so that a log in which nothing
/// tells the time ends with the others.
pub fn ends_at_time(store: &mut dyn Store, logs: &[Log]) -> Result<Vec<End>, String> {
    let end = |log: &Log| {
        let at = log.survey.found.whole;
        End { at, why: if at < log.survey.size { Why::AfterTime } else { Why::Whole } }
    };
    let mut ends: Vec<End> = logs.iter().map(end).collect();
    let runs = common_run(logs).ok_or_else(|| other_run(logs))?;
    for ((log, end), run) in logs.iter().zip(&mut ends).zip(&runs) {
        if let Some(later) = log.survey.runs.iter().find(|later| later.at > run.at) {
            *end = End { at: later.at, why: Why::AfterTime };
        }
    }
    let common = common_mark(&runs, &ends).unwrap_or_default();
    let starts: Vec<u64> =
        if common.is_empty() { runs.iter().map(|run| run.end).collect() } else { common.iter().map(|m| m.end).collect() };
    settle(store, logs, &mut ends, &starts, true)?;
    Ok(ends)
}

/// The end of one log by itself.
fn whole(store: &mut dyn Store, log: &Log, rules: &Rules) -> Result<End, String> {
    let Survey { size, found, runs, .. } = log.survey;
    let name = String::from_utf8_lossy(log.name);
    let torn = End { at: found.whole, why: Why::Torn };
    match found.fault {
        None => Ok(End { at: found.whole, why: Why::Whole }),
        Some(Fault::End | Fault::EndOfNote) if rules.may_truncate => Ok(torn),
        Some(Fault::End | Fault::EndOfNote) => Err(unexpected_end(&name)),
        // What was promised to be on disk is no zeros: after a stop of the machine any number of them is a torn write.
        Some(Fault::Bad(_)) if log.survey.has_nul_tail() => {
            let has_stopped = runs.last().is_some_and(|run| run.rf.boot != rules.boot);
            let is_small = size - found.whole <= rules.corrupt_tail_max;
            if is_small || (has_stopped && rules.may_truncate) { Ok(torn) } else { Err(bad_format(&name)) }
        }
        Some(Fault::Bad(_)) => {
            if rules.may_truncate && is_hole(store, log, rules)? {
                Ok(torn)
            } else {
                Err(bad_format(&name))
            }
        }
    }
}

/// Whether the bad byte is the first zero of a hole that a power failure left: later writes reached the disk before an earlier one. Only
/// as far back as something can be of which nothing was promised: with `always` the last batches, otherwise what a slow disk still owed.
fn is_hole(store: &mut dyn Store, log: &Log, rules: &Rules) -> Result<bool, String> {
    let Some(run) = log.survey.runs.last() else { return Ok(false) };
    let Some(Fault::Bad(at)) = log.survey.found.fault else { return Ok(false) };
    if run.rf.boot == rules.boot {
        return Ok(false);
    }
    let mut window = vec![0; WINDOW];
    let (mut offset, mut is_zero, mut marks, mut carry) = (at, None, 0, Vec::new());
    while marks <= MARKS_LOST_MAX {
        let count = store.read(log.path, offset, &mut window).map_err(|e| read_error(log.name, e))?;
        let bytes = window.get(..count).unwrap_or_default();
        is_zero = is_zero.or(bytes.first().map(|b| *b == 0));
        if count == 0 || is_zero == Some(false) {
            break;
        }
        // What two windows share is looked at with the second one.
        carry.extend_from_slice(bytes);
        marks += memchr::memmem::find_iter(&carry, MARK).count();
        carry.drain(..carry.len().saturating_sub(MARK.len() - 1));
        offset += count as u64;
    }
    Ok(is_zero == Some(true) && marks <= MARKS_LOST_MAX)
}

/// Ends a log before the first mark whose checksum is not that of the bytes before it: a power failure took a page out of what was not
/// synced, maybe inside of a value, where nothing else would tell. Only as far back as something can be of which nothing was promised;
/// with `always` parts of what precedes a mark were promised one by one.
fn end_before_hole(store: &mut dyn Store, log: &Log, run: &Run, end: &mut End) -> Result<(), String> {
    let marks: Vec<&Mark> = run.marks.iter().filter(|mark| mark.end <= end.at).collect();
    let first = marks.len().saturating_sub(MARKS_LOST_MAX);
    for (n, mark) in marks.iter().enumerate().skip(first) {
        let (from, to, policy) = match n.checked_sub(1).and_then(|n| marks.get(n)) {
            Some(before) => (before.end, before.end, before.policy),
            // What stands before the oldest mark that is known is longer than what the checksum covers.
            None if run.has_forgotten => continue,
            None => (run.end, run.end, run.rf.policy),
        };
        let Some(expected) = mark.sum.filter(|_| policy != AppendFsync::Always) else { continue };
        let found = sum(store, log.path, from, mark.at).map_err(|e| read_error(log.name, e))?;
        if found != expected {
            *end = End { at: to, why: Why::Hole };
            break;
        }
    }
    Ok(())
}

/// The text of stock servers for a file that ends too early.
#[must_use]
pub fn unexpected_end(name: &str) -> String {
    format!(
        "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF file, then use \
         ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes \
         and restart the server."
    )
}

/// The text of stock servers for bytes that cannot be there.
#[must_use]
pub fn bad_format(name: &str) -> String {
    format!(
        "Bad file format reading the append only file {name}: make a backup of your AOF file, then use ./redis-check-aof --fix \
         <filename.manifest>"
    )
}

/// By core: the newest run that all logs have.
fn common_run<'a>(logs: &[Log<'a>]) -> Option<Vec<&'a Run>> {
    let find = |log: &Log<'a>, name: &str| log.survey.runs.iter().rfind(|run| run.rf.run == name);
    let newest_first = logs.first()?.survey.runs.iter().rev();
    newest_first.map(|run| logs.iter().map(|log| find(log, &run.rf.run)).collect()).find_map(|all: Option<Vec<_>>| all)
}

/// By core: the run that all logs ended with. Shortens logs in which a later one began that served nobody.
fn one_run<'a>(logs: &[Log<'a>], ends: &mut [End]) -> Result<Vec<&'a Run>, String> {
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let runs = common_run(logs).ok_or_else(|| other_run(logs))?;
    for ((log, end), run) in logs.iter().zip(ends).zip(&runs) {
        let Survey { found, runs: own, .. } = log.survey;
        if let Some(later) = own.iter().find(|later| later.at > run.at) {
            if later.commands_before != found.commands || !matches!(found.fault, None | Some(Fault::EndOfNote)) {
                return Err(other_run(logs));
            }
            *end = End { at: later.at, why: Why::EmptyRun };
        }
    }
    Ok(runs)
}

/// Names every core with the run that wrote its log last.
fn other_run(logs: &[Log]) -> String {
    let each = logs.iter().enumerate().map(|(core, log)| {
        let run = log.survey.runs.last().map_or("none", |run| run.rf.run.as_str());
        format!("core {core} ({}): run {run}, {} commands", String::from_utf8_lossy(log.name), log.survey.found.commands)
    });
    let each: Vec<String> = each.collect();
    format!(
        "The append only logs of the cores do not belong together: they were last written by different runs of the server. \
         Has one of them been restored from a backup? {}. Restore all files of the directory from the same time.",
        each.join("; ")
    )
}

/// By core: the newest mark that all logs have.
fn common_mark(runs: &[&Run], ends: &[End]) -> Option<Vec<Mark>> {
    let find = |run: &Run, end: &End, ticket: u64| {
        let at = run.marks.binary_search_by_key(&ticket, |mark| mark.ticket).ok()?;
        run.marks.get(at).filter(|mark| mark.end <= end.at).copied()
    };
    let newest_first = runs.first()?.marks.iter().rev();
    newest_first
        .map(|mark| runs.iter().zip(ends).map(|(run, end)| find(run, end, mark.ticket)).collect())
        .find_map(|all: Option<Vec<_>>| all)
}

/// The same; empty if there is none. Refuses logs that are of different times.
fn newest_common(logs: &[Log], runs: &[&Run], ends: &[End]) -> Result<Vec<Mark>, String> {
    let common = common_mark(runs, ends);
    let newest = common.as_ref().and_then(|c| c.first()).map(|mark| mark.ticket);
    let after = |run: &Run| run.marks.iter().rev().take_while(|mark| Some(mark.ticket) > newest).count();
    let is_apart = runs.iter().any(|run| after(run) > MARKS_LOST_MAX) || (common.is_none() && runs.iter().any(|run| run.has_forgotten));
    if is_apart { Err(too_far_apart(logs, runs)) } else { Ok(common.unwrap_or_default()) }
}

/// Names every core with its newest mark.
fn too_far_apart(logs: &[Log], runs: &[&Run]) -> String {
    let each = logs.iter().zip(runs).enumerate().map(|(core, (log, run))| {
        let mark = run.marks.back().map_or("none".into(), |mark| mark.ticket.to_string());
        format!("core {core} ({}): mark {mark}", String::from_utf8_lossy(log.name))
    });
    let each: Vec<String> = each.collect();
    format!(
        "The append only logs of the cores do not belong together: they end too far apart in run {}. Has one of them been restored from a \
         backup? {}. Restore all files of the directory from the same time.",
        runs.first().map_or("", |run| run.rf.run.as_str()),
        each.join("; ")
    )
}

/// Cuts logs before tickets that are not complete. After a stop of the machine a mark is such a ticket too: what follows it may be
/// bound to another policy.
fn settle(store: &mut dyn Store, logs: &[Log], ends: &mut [End], starts: &[u64], has_stopped: bool) -> Result<(), String> {
    let mut tails = Tails::new(ends.iter().map(|end| end.at).collect());
    for (core, log) in logs.iter().enumerate() {
        let (Some(start), Some(end)) = (starts.get(core), ends.get(core)) else { continue };
        let everyone = has_stopped.then(|| Cores::of(logs.len(), |_| true));
        let mut sink = Tickets { core, tails: &mut tails, everyone, is_wrong: false };
        scan(store, log.path, *start, end.at.max(*start), &mut sink).map_err(|e| read_error(log.name, e))?;
        if sink.is_wrong {
            let name = String::from_utf8_lossy(log.name);
            return Err(format!("{} (a transaction names cores that have no log)", bad_format(&name)));
        }
    }
    let lacks = tails.settle();
    for ((end, lack), at) in ends.iter_mut().zip(lacks).zip(&tails.ends) {
        if let Some(lack) = lack {
            *end = End { at: *at, why: Why::Ticket(lack) };
        }
    }
    Ok(())
}

/// The text of stock servers for a file that cannot be read.
#[must_use]
pub fn read_error(name: &[u8], errno: i32) -> String {
    format!("Unrecoverable error reading the append only file {}: {}", String::from_utf8_lossy(name), errno_text(errno))
}

/// The operating system's text for an errno.
#[must_use]
pub fn errno_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

/// Collects tickets.
struct Tickets<'a> {
    core: usize,
    tails: &'a mut Tails,
    everyone: Option<Cores>,
    is_wrong: bool,
}

impl Sink for Tickets<'_> {
    fn annotation(&mut self, at: u64, line: &[u8], _: bool) {
        let (ticket, participants) = match (Annotation::read(line), &self.everyone) {
            (Annotation::Tx { ticket, participants, .. }, _) => (ticket, participants),
            (Annotation::Mark { ticket, .. }, Some(everyone)) => (ticket, everyone.clone()),
            _ => return,
        };
        self.is_wrong |= !self.tails.push(self.core, ticket, at, participants);
    }
}

/// Whether the logs are those of all cores of one generation, in the order of the cores.
#[must_use]
pub fn is_complete(surveys: &[&Survey]) -> bool {
    surveys
        .iter()
        .enumerate()
        .all(|(core, survey)| survey.rf().is_some_and(|rf| rf.owner == Owner::Core(core) && rf.cores == surveys.len()))
}
