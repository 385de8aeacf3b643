//! What several generic commands need: expiry, deletion, renaming, counting, names collected for a reply.

use crate::commands::common::{Clock, QUIETLY, any_deadline, event_in, missed, removal, stored};
use crate::config::kinds::MaxmemoryPolicy;
use crate::keyspace::{Look, Ttl};
use crate::proto::encode::Out;
use crate::spec::{Call, Outcome, Refusal, effect::Class};

/// The option words of EXPIRE and its like.
#[derive(Clone, Copy, Default)]
struct Only {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Only {
    fn read(call: &Call) -> Result<Only, Refusal> {
        let mut only = Only::default();
        for word in call.args.from(3) {
            match () {
                () if word.eq_ignore_ascii_case(b"NX") => only.nx = true,
                () if word.eq_ignore_ascii_case(b"XX") => only.xx = true,
                () if word.eq_ignore_ascii_case(b"GT") => only.gt = true,
                () if word.eq_ignore_ascii_case(b"LT") => only.lt = true,
                () => {
                    return Err(Refusal::quoting([b"ERR Unsupported option ".as_slice(), word].concat()));
                }
            }
        }
        match only {
            Only { nx: true, xx, gt, lt } if xx || gt || lt => Err(Refusal::NX_AND_OTHERS),
            Only { gt: true, lt: true, .. } => Err(Refusal::GT_AND_LT),
            _ => Ok(only),
        }
    }

    /// Whether a key that expires at `old` (`None` = never, which counts as later than all) may be set to expire at `new`.
    fn admits(self, old: Option<i64>, new: i64) -> bool {
        !(self.nx && old.is_some()
            || self.xx && old.is_none()
            || self.gt && old.is_none_or(|old| new <= old)
            || self.lt && old.is_some_and(|old| new >= old))
    }
}

/// EXPIRE and its like: key 1 is to expire as word 2 tells. A moment that has passed deletes it.
pub fn expire(call: &mut Call, clock: Clock, command: &str) -> Outcome {
    let only = Only::read(call)?;
    let at = any_deadline(call.arg(2), clock, call.now, command)?;
    let key = call.key(1);
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, Look::Write) else {
        call.out.int(0);
        return Ok(());
    };
    if !only.admits(item.expire_at(), at) {
        call.out.int(0);
        return Ok(());
    }
    if at <= call.over_until() {
        delete(call, 1);
        let word = removal(call.shard.config.lazyfree_lazy_expire);
        call.effect(&[word, key.bytes]);
    } else {
        call.shard.ks.set_expire(call.db, &key, at);
        call.event(Class::Generic, "expire", 1);
        if clock != Clock::UnixMillis {
            record(call, at);
        }
    }
    call.out.int(1);
    Ok(())
}

/// The absolute form, options kept.
fn record(call: &mut Call, at: i64) {
    let mut digits = itoa::Buffer::new();
    let head: [&[u8]; 3] = [b"PEXPIREAT", call.arg(1), digits.format(at).as_bytes()];
    let words: Vec<&[u8]> = head.into_iter().chain(call.args.from(3)).collect();
    call.effect(&words);
}

/// Deletes the key of word `i` and tells so. Returns whether there was one.
pub fn delete(call: &mut Call, i: usize) -> bool {
    let key = call.key(i);
    // Found first: a key whose time has passed counts as gone already.
    let db = call.db;
    let was_there = is_there(call, db, i);
    if was_there {
        call.shard.ks.remove(call.db, &key);
        call.event(Class::Generic, "del", i);
    }
    was_there
}

/// DEL and UNLINK.
pub fn delete_all(call: &mut Call) -> Outcome {
    let mut gone = 0;
    for i in 1..call.args.len() {
        gone += i64::from(delete(call, i));
    }
    call.out.int(gone);
    Ok(())
}

/// Counts those of the named keys that exist (EXISTS, TOUCH).
pub fn count_found(call: &mut Call, look: Look) -> Outcome {
    let mut count = 0;
    for i in 1..call.args.len() {
        let key = call.key(i);
        if call.shard.ks.find(call.db, &key, call.now, look).is_some() {
            count += 1;
        } else {
            missed(call, i);
        }
    }
    call.out.int(count);
    Ok(())
}

/// When key 1 expires: `Err(-2)` without such a key, `Err(-1)` if never, else Unix milliseconds.
pub fn expiry(call: &mut Call) -> Result<i64, i64> {
    let key = call.key(1);
    match call.shard.ks.find(call.db, &key, call.now, QUIETLY) {
        None => {
            missed(call, 1);
            Err(-2)
        }
        Some(item) => item.expire_at().ok_or(-1),
    }
}

/// Replies what `expiry` says, turned by `to_reply` where there is an expiry.
pub fn reply_expiry(call: &mut Call, to_reply: fn(at: i64, now: i64) -> i64) -> Outcome {
    let n = match expiry(call) {
        Ok(at) => to_reply(at, call.now),
        Err(n) => n,
    };
    call.out.int(n);
    Ok(())
}

/// Rounds milliseconds to seconds.
pub fn seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

/// Whether the key of word `i` exists in database `db`, looked up for writing.
pub fn is_there(call: &mut Call, db: usize, i: usize) -> bool {
    let key = call.key(i);
    call.shard.ks.find(db, &key, call.now, Look::Write).is_some()
}

/// Stores a copy of key `from` of the call's database, with its time to live, at key `to` of database `db`; the numbers
/// are those of words. The caller has looked whether it is there and its time not over; without it, returns false. Tells of the new key; the rest is the caller's to tell.
pub fn copy(call: &mut Call, from: usize, to: usize, db: usize) -> Result<bool, Refusal> {
    let (from, target) = (call.key(from), call.key(to));
    let Some((value, expire_at)) = call.shard.ks.get_value(call.db, &from) else {
        return Ok(false);
    };
    let ttl = expire_at.map_or(Ttl::None, Ttl::At);
    stored(call.shard.ks.put(db, &target, value, ttl))?;
    event_in(call, Class::New, "new", db, to);
    Ok(true)
}

/// RENAME and RENAMENX: moves the value of key 1 to key 2. Returns whether it did.
pub fn rename(call: &mut Call, only_if_free: bool) -> Result<bool, Refusal> {
    let (from, to, db) = (call.key(1), call.key(2), call.db);
    if !is_there(call, db, 1) {
        return Err(Refusal::NO_KEY);
    }
    if from.bytes == to.bytes {
        return Ok(!only_if_free);
    }
    if is_there(call, db, 2) && only_if_free {
        return Ok(false);
    }
    // Copied before it is removed: without memory for the copy nothing is lost. Large values are shared, not copied.
    copy(call, 1, 2, db)?;
    call.shard.ks.remove(db, &from);
    call.event(Class::Generic, "rename_from", 1);
    call.event(Class::Generic, "rename_to", 2);
    Ok(true)
}

/// The policy goes by how often keys are used.
pub fn is_lfu(call: &Call) -> bool {
    matches!(call.shard.config.maxmemory_policy, MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu)
}

/// Names collected before their number is known, end to end in one buffer.
#[derive(Default)]
pub struct Names {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Names {
    /// Adds one.
    pub fn push(&mut self, name: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
    }

    /// Writes them as an array.
    pub fn reply(&self, out: &mut Out) {
        out.array(self.ends.len());
        let mut start = 0;
        for &end in &self.ends {
            out.bulk(&self.bytes[start..end]);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_counts_as_later_than_any_moment() {
        let gt = Only { gt: true, ..Only::default() };
        let lt = Only { lt: true, ..Only::default() };
        assert!(!gt.admits(None, 5) && lt.admits(None, 5));
        assert!(gt.admits(Some(4), 5) && !gt.admits(Some(5), 5));
        assert!(lt.admits(Some(6), 5) && !lt.admits(Some(5), 5));
    }

    #[test]
    fn seconds_are_rounded() {
        assert_eq!((seconds(499), seconds(500), seconds(i64::MAX)), (0, 1, i64::MAX / 1000));
    }
}
