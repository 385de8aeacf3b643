//! What commands of several groups need: words that say when a key expires, and the event that announces new keys.
//! Ref: redis.io/commands/set (EX, PX, EXAT, PXAT), redis.io/commands/expire

use crate::base::num::parse_i64;
use crate::data::collection::Limits;
use crate::keyspace::{Item, Kind, Look, StrRef, Unedited};
use crate::spec::{Call, Refusal, Shard, effect::Class};

/// How a word tells a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// Seconds from now (EX, EXPIRE).
    Seconds,
    /// Milliseconds from now (PX, PEXPIRE).
    Millis,
    /// Unix time in seconds (EXAT, EXPIREAT).
    UnixSeconds,
    /// Unix time in milliseconds (PXAT, PEXPIREAT).
    UnixMillis,
}

impl Clock {
    fn is_seconds(self) -> bool {
        matches!(self, Clock::Seconds | Clock::UnixSeconds)
    }

    fn is_relative(self) -> bool {
        matches!(self, Clock::Seconds | Clock::Millis)
    }

    /// The Unix time in milliseconds that `number` tells; `None` where it does not fit 64 bits.
    fn moment(self, number: i64, now: i64) -> Option<i64> {
        let ms = if self.is_seconds() { number.checked_mul(1000)? } else { number };
        if self.is_relative() { ms.checked_add(now) } else { Some(ms) }
    }
}

/// The Unix time in milliseconds that `word` tells, which must be above zero (SET EX and its like).
/// Refuses with the text of `command`, a lower-case name.
pub fn deadline(word: &[u8], clock: Clock, now: i64, command: &str) -> Result<i64, Refusal> {
    let number = parse_i64(word).ok_or(Refusal::NOT_INTEGER)?;
    let moment = if number > 0 { clock.moment(number, now) } else { None };
    moment.ok_or_else(|| Refusal::expire(command))
}

/// The same for EXPIRE and its like, which accept moments in the past.
pub fn any_deadline(word: &[u8], clock: Clock, now: i64, command: &str) -> Result<i64, Refusal> {
    let number = parse_i64(word).ok_or(Refusal::NOT_INTEGER)?;
    clock.moment(number, now).ok_or_else(|| Refusal::expire(command))
}

/// An integer of 32 bits, as database numbers are read.
pub fn parse_i32(word: &[u8]) -> Result<i32, Refusal> {
    let number = parse_i64(word).ok_or(Refusal::NOT_INTEGER)?;
    i32::try_from(number).map_err(|_| Refusal::fixed("ERR value is out of range, value must between -2147483648 and 2147483647"))
}

/// The number of the database that `word` names.
pub fn database(call: &Call, word: &[u8]) -> Result<usize, Refusal> {
    let number = parse_i32(word)?;
    let number = usize::try_from(number).map_err(|_| Refusal::DB_RANGE)?;
    if number < databases(call) { Ok(number) } else { Err(Refusal::DB_RANGE) }
}

fn databases(call: &Call) -> usize {
    usize::try_from(call.shard.config.databases).unwrap_or(1)
}

/// How the removal of a whole key that no client asked for is recorded; `is_lazy`: as the `lazyfree-lazy-*` setting of its reason says.
pub fn removal(is_lazy: bool) -> &'static [u8] {
    if is_lazy { b"UNLINK" } else { b"DEL" }
}

/// Whether a write is about to create the key of word `i` and somebody listens to that; looks for the key only then.
/// To be asked before the write; [`wrote`] tells of it after.
#[inline(always)]
pub fn will_tell_new(call: &mut Call, i: usize) -> bool {
    call.shard.fx.mask & Class::New as u32 != 0 && is_absent(call, i)
}

#[cold]
fn is_absent(call: &mut Call, i: usize) -> bool {
    let key = call.key(i);
    call.shard.ks.find(call.db, &key, call.now, Look::Quiet).is_none()
}

/// Refuses where the keyspace had no memory for a write and so changed nothing.
#[inline(always)]
pub fn stored(did: bool) -> Result<(), Refusal> {
    if did { Ok(()) } else { Err(Refusal::ARENA_FULL) }
}

/// Why a collection was not changed, as a client is told.
#[must_use]
pub fn unedited(why: Unedited) -> Refusal {
    match why {
        Unedited::WrongType => Refusal::WRONG_TYPE,
        Unedited::NoRoom => Refusal::ARENA_FULL,
    }
}

/// Tells of a write to the key of word `i`: that it is new, then that event `name` of `class` happened.
#[inline(always)]
pub fn wrote(call: &mut Call, is_new: bool, class: Class, name: &'static str, i: usize) {
    if is_new {
        call.event(Class::New, "new", i);
    }
    call.event(class, name, i);
}

/// Tells that event `name` happened to the key of word `i` in database `db`.
pub fn event_in(call: &mut Call, class: Class, name: &'static str, db: usize, i: usize) {
    if call.shard.fx.mask & class as u32 != 0 {
        let key = call.arg(i);
        call.shard.fx.event(class, name, db, key);
    }
}

/// Where collections change their form, as configured.
#[must_use]
pub fn limits(shard: &Shard) -> Limits {
    shard.limits()
}

/// How a reading command looks keys up whose access clock it must not move; hits and misses are counted.
pub const QUIETLY: Look = Look::Peek;

/// The string that was found; refused if it is of another type.
#[inline(always)]
pub fn string_of<'k>(item: &Item<'k>) -> Result<StrRef<'k>, Refusal> {
    match item.kind() {
        Kind::String => Ok(item.string()),
        _ => Err(Refusal::WRONG_TYPE),
    }
}

/// The name of a type of value, as TYPE replies it.
pub fn name_of(kind: Kind) -> &'static str {
    kind.name()
}

/// Tells that a reading command found nothing at the key of word `i`.
#[inline(always)]
pub fn missed(call: &mut Call, i: usize) {
    call.event(Class::KeyMiss, "keymiss", i);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_refuse_zero_and_what_does_not_fit() {
        assert_eq!(deadline(b"10", Clock::Seconds, 5, "set"), Ok(10_005));
        assert_eq!(deadline(b"10", Clock::UnixMillis, 5, "set"), Ok(10));
        assert_eq!(deadline(b"0", Clock::Millis, 5, "set"), Err(Refusal::expire("set")));
        assert_eq!(deadline(b"9223372036854775807", Clock::Millis, 5, "set"), Err(Refusal::expire("set")));
        assert_eq!(deadline(b"9223372036854776", Clock::UnixSeconds, 0, "set"), Err(Refusal::expire("set")));
        assert_eq!(deadline(b"1.5", Clock::Millis, 5, "set"), Err(Refusal::NOT_INTEGER));
    }

    #[test]
    fn any_deadline_accepts_the_past() {
        assert_eq!(any_deadline(b"-10", Clock::Seconds, 5, "expire"), Ok(-9_995));
        assert_eq!(any_deadline(b"-9223372036854775808", Clock::Millis, 5, "pexpire"), Ok(i64::MIN + 5));
        assert_eq!(any_deadline(b"-9223372036854775808", Clock::Seconds, 5, "expire"), Err(Refusal::expire("expire")));
    }
}
