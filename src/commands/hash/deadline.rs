//! When fields are to expire: reading it, and HEXPIRE with its like.
//! Ref: redis.io/commands/hexpire

use crate::base::num::parse_i64;
use crate::commands::common::Clock;
use crate::data::collection::Collection;
use crate::spec::{Arg, Call, Outcome, Refusal, effect::Class};

use super::fields::{LIST, first_of};
use super::shared::{before_write, edit_replying, gone, record_fields, record_removed};

/// The latest moment that may be asked for, Unix ms.
const MOMENT_MAX: i64 = (1 << 46) - 1;

/// The Unix time in milliseconds that `word` tells; the past is no mistake.
pub fn moment(word: &[u8], clock: Clock, now: i64, command: &str) -> Result<i64, Refusal> {
    let number = parse_i64(word).ok_or(Refusal::NOT_INTEGER)?;
    if number < 0 {
        return Err(Refusal::fixed("ERR invalid expire time, must be >= 0"));
    }
    let is_seconds = matches!(clock, Clock::Seconds | Clock::UnixSeconds);
    let base = if matches!(clock, Clock::Seconds | Clock::Millis) { now } else { 0 };
    let ms = if is_seconds { number.checked_mul(1000) } else { Some(number) };
    ms.and_then(|ms| ms.checked_add(base)).filter(|at| *at <= MOMENT_MAX).ok_or_else(|| Refusal::expire(command))
}

/// The clock that EX, PX, EXAT or PXAT names.
pub fn clock_of(word: &[u8]) -> Option<Clock> {
    let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
    match () {
        () if is(b"EX") => Some(Clock::Seconds),
        () if is(b"PX") => Some(Clock::Millis),
        () if is(b"EXAT") => Some(Clock::UnixSeconds),
        () if is(b"PXAT") => Some(Clock::UnixMillis),
        () => None,
    }
}

/// The grammar of EX, PX, EXAT, PXAT and one more word.
macro_rules! expiration {
    ($name:literal, $token:literal) => {
        crate::spec::Arg::one_of(
            "expiration",
            &[
                crate::spec::Arg::integer("seconds").token("EX"),
                crate::spec::Arg::integer("milliseconds").token("PX"),
                crate::spec::Arg::unix_time("unix-time-seconds").token("EXAT"),
                crate::spec::Arg::unix_time("unix-time-milliseconds").token("PXAT"),
                crate::spec::Arg::word($name, $token),
            ],
        )
        .optional()
    };
}
pub(super) use expiration;

/// The grammar of NX, XX, GT, LT.
pub const CONDITION: Arg =
    Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")]).optional();

/// The grammar of HEXPIRE and its like.
pub const fn grammar(when: Arg) -> [Arg; 4] {
    [Arg::key("key"), when, CONDITION, LIST]
}

/// Under which condition a field's time is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    Any,
    Nx,
    Xx,
    Gt,
    Lt,
}

impl Only {
    fn read(word: Option<&[u8]>) -> Only {
        let names: [(&[u8], Only); 4] = [(b"NX", Only::Nx), (b"XX", Only::Xx), (b"GT", Only::Gt), (b"LT", Only::Lt)];
        let found = |word: &[u8]| names.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, only)| *only);
        word.and_then(found).unwrap_or(Only::Any)
    }

    /// Never counts as later than all.
    fn admits(self, old: Option<i64>, new: i64) -> bool {
        match self {
            Only::Any => true,
            Only::Nx => old.is_none(),
            Only::Xx => old.is_some(),
            Only::Gt => old.is_some_and(|old| new > old),
            Only::Lt => old.is_none_or(|old| new < old),
        }
    }
}

/// HEXPIRE and its like: the listed fields of key 1 are to expire as word 2 tells.
pub fn expire(call: &mut Call, clock: Clock, command: &str) -> Outcome {
    let is_there = before_write(call, |hash| hash.is_some())?;
    let at = moment(call.arg(2), clock, call.now, command)?;
    let only = Only::read(call.args.try_get(3));
    let list = if only == Only::Any { 3 } else { 4 };
    let first = first_of(&call.args, list, Refusal::fixed("ERR Parameter `numFields` should be greater than 0"))?;
    let args = call.args;
    if !is_there {
        call.out.array(args.len() - first);
        (first..args.len()).for_each(|_| call.out.int(-2));
        return Ok(());
    }
    let is_past = at <= call.over_until();
    let mut done = Vec::new();
    let edited = edit_replying(call, |hash, out| {
        out.array(args.len() - first);
        for field in args.from(first) {
            let reply = match hash.view().find(field) {
                None => -2,
                Some((_, old)) if !only.admits(old, at) => 0,
                Some(_) if is_past => 2 * i64::from(hash.remove(field)),
                Some(_) => i64::from(hash.set_ttl(field, Some(at))),
            };
            if reply > 0 {
                done.push(field);
            }
            out.int(reply);
        }
        done.len() as u64
    })?;
    tell(call, at, &done);
    gone(call, &edited);
    Ok(())
}

/// Tells that `fields` of key 1 were set to expire at `at`, or deleted where that has passed, and records it.
pub fn tell(call: &mut Call, at: i64, fields: &[&[u8]]) {
    if fields.is_empty() {
        return call.no_effect();
    }
    if at <= call.over_until() {
        call.event(Class::Hash, "hdel", 1);
        record_removed(call, fields);
    } else {
        call.event(Class::Hash, "hexpire", 1);
        record_fields(call, b"HPEXPIREAT", Some(at), fields);
    }
}
