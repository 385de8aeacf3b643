//! How entries become a consumer's, and what commands that hand out entries record: for each entry who has it now, and how far
//! the group has read.
//! Ref: redis.io/commands/xclaim (TIME, RETRYCOUNT, FORCE, JUSTID, LASTID)

use super::shared::{digits, no_group, read, reply_entry, reply_id};
use crate::data::stream::{Group, Id, Log, Pending, Stream};
use crate::proto::encode::Out;
use crate::spec::effect::Class;
use crate::spec::{Call, Outcome, Refusal};

/// Something that befell a group, to be recorded once the change is done.
pub enum Told {
    /// A consumer came to be.
    Enrolled(Vec<u8>),
    /// An entry belongs to a consumer, whose name this is.
    Claimed(Id, Pending, Vec<u8>),
    /// The group has read so far.
    Read,
}

/// What befell a group, and where it stands after that.
pub struct Tale {
    /// Somebody records.
    is_on: bool,
    told: Vec<Told>,
    last: Id,
    read: i64,
}

impl Tale {
    /// Nothing yet. It notes nothing unless somebody records.
    pub fn new(call: &Call) -> Tale {
        Tale { is_on: call.shard.fx.is_on, told: Vec::new(), last: Id::MIN, read: 0 }
    }

    /// A consumer came to be.
    pub fn enrolled(&mut self, name: &[u8]) {
        if self.is_on {
            self.told.push(Told::Enrolled(name.to_vec()));
        }
    }

    /// An entry belongs to the consumer it is pending for.
    pub fn claimed(&mut self, group: &Group, id: Id, pending: Pending) {
        if self.is_on {
            self.told.push(Told::Claimed(id, pending, group.name(pending.consumer).to_vec()));
        }
    }

    /// The group has read further.
    pub fn read(&mut self) {
        if self.is_on {
            self.told.push(Told::Read);
        }
    }

    /// Where the group stands after all.
    pub fn stands(&mut self, group: &Group) {
        (self.last, self.read) = (group.last, group.read);
    }

    /// Records it in place of the call's own words. `key`, `group`: their words.
    pub fn record(self, call: &mut Call, key: usize, group: usize) {
        let (key, group) = (call.arg(key), call.arg(group));
        call.no_effect();
        let last = self.last.text();
        for told in self.told {
            match told {
                Told::Enrolled(name) => call.effect(&[b"XGROUP", b"CREATECONSUMER", key, group, &name]),
                Told::Read => call.effect(&[b"XGROUP", b"SETID", key, group, &last, b"ENTRIESREAD", &digits(self.read)]),
                Told::Claimed(id, pending, name) => {
                    let (time, count) = (digits(pending.time), digits(pending.count as i64));
                    let id = id.text();
                    call.effect(&[
                        b"XCLAIM",
                        key,
                        group,
                        &name,
                        b"0",
                        &id,
                        b"TIME",
                        &time,
                        b"RETRYCOUNT",
                        &count,
                        b"FORCE",
                        b"JUSTID",
                        b"LASTID",
                        &last,
                    ]);
                }
            }
        }
    }
}

/// Whether the key of word 1 holds a stream with the group of word 2.
pub fn need_group(call: &mut Call) -> Outcome {
    let name = call.arg(2);
    if read(call, 1, |stream, _| stream.group(name).is_some())? != Some(true) {
        return Err(no_group(call, 1, 2));
    }
    Ok(())
}

/// Making entries a consumer's: XCLAIM and XAUTOCLAIM.
pub struct Claim<'c> {
    /// The entries of the stream.
    pub log: &'c Log,
    /// The consumer.
    pub number: u32,
    /// Unix ms.
    pub now: i64,
    /// What befalls the group, to be recorded.
    pub tale: Tale,
    /// What the call changed, as Redis counts it.
    pub changes: u64,
}

impl Claim<'_> {
    /// A pending entry is no longer in the stream: nobody waits for it any more.
    pub fn forget(&mut self, group: &mut Group, id: Id, old: Pending) {
        self.tale.claimed(group, id, old);
        group.ack(id);
        self.changes += 1;
    }

    /// An entry is the consumer's now.
    pub fn give(&mut self, group: &mut Group, id: Id, pending: Pending) {
        group.assign(id, pending);
        if let Some(consumer) = group.consumer_mut(self.number) {
            consumer.active = self.now;
        }
        self.tale.claimed(group, id, pending);
        self.changes += 1;
    }

    /// Replies an entry that is there.
    pub fn reply(&self, out: &mut Out, id: Id, just_id: bool) {
        match self.log.range(id, id).next() {
            Some(entry) if !just_id => reply_entry(out, &entry),
            _ => reply_id(out, id),
        }
    }
}

/// Runs `claim` for the consumer of word 3, which is made if it is not there, and records what it did.
pub fn claim_with(call: &mut Call, claim: impl FnOnce(&mut Claim, &mut Group, &mut Out)) -> Outcome {
    let (key, name, consumer, now) = (call.key(1), call.arg(2), call.arg(3), call.now);
    let mut tale = Tale::new(call);
    let out = &mut *call.out;
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| {
        let Some((mut group, log, _)) = stream.group_mut(name) else { return ((false, tale), 0) };
        let (number, is_new) = group.enroll(consumer, now);
        if is_new {
            tale.enrolled(consumer);
        }
        if let Some(consumer) = group.consumer_mut(number) {
            consumer.seen = now;
        }
        let mut state = Claim { log, number, now, tale, changes: u64::from(is_new) };
        claim(&mut state, &mut group, out);
        state.tale.stands(&group);
        ((is_new, state.tale), state.changes)
    });
    let (is_new, tale) = edited.ok_or(Refusal::ARENA_FULL)?.out;
    if is_new {
        call.event(Class::Stream, "xgroup-createconsumer", 1);
    }
    tale.record(call, 1, 2);
    Ok(())
}
