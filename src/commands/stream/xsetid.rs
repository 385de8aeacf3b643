//! XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]: sets what a stream remembers of entries that are gone.
//! Ref: redis.io/commands/xsetid

use super::shared::{id, integer, is_stream_to_write};
use crate::data::stream::{Id, Stream};
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "XSETID",
    since: "5.0.0",
    group: Group::Stream,
    summary: "Sets the last ID of a stream, for replication.",
    cost: "O(1)",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STREAM,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::string("last-id"),
        Arg::integer("entries-added").token("ENTRIESADDED").optional().since("7.0.0"),
        Arg::string("max-deleted-id").token("MAXDELETEDID").optional().since("7.0.0"),
    ],
    route: Route::Keys(Multi::Single),
    history: &[("7.0.0", "Accepts ENTRIESADDED and MAXDELETEDID.")],
    run,
    cases: "
        > XSETID x foo                         -ERR Invalid stream ID specified as stream command argument
        > XSETID x 1 FOO 1                     -ERR syntax error
        > XSETID x 1 ENTRIESADDED -1           -ERR entries_added must be positive
        > XSETID x 1 MAXDELETEDID 2            -ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
        > XSETID x 1                           -ERR no such key
        > SET s v                              +OK
        > XSETID s 1                           -WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD x 5-1 a 1                       $5-1
        > XADD x 5-2 a 2                       $5-2
        > XSETID x 5-1                         -ERR The ID specified in XSETID is smaller than the target stream top item
        > XSETID x 6 ENTRIESADDED 1            -ERR The entries_added specified in XSETID is smaller than the target stream length
        > XSETID x 200 ENTRIESADDED 9 MAXDELETEDID 100   +OK
        > XSETID x 99                          -ERR The ID specified in XSETID is smaller than current max_deleted_entry_id
        > XADD x 200-0 a 1                     -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD x 200-1 a 1                     $200-1
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let last = id(call.arg(2), 0)?;
    let (mut added, mut max_deleted) = (None, Id::MIN);
    let mut i = 3;
    while i < call.args.len() {
        let value = call.args.try_get(i + 1);
        match value {
            Some(word) if call.args.is(i, "ENTRIESADDED") => {
                let number = integer(word)?;
                added = Some(u64::try_from(number).map_err(|_| Refusal::fixed("ERR entries_added must be positive"))?);
            }
            Some(word) if call.args.is(i, "MAXDELETEDID") => {
                max_deleted = id(word, 0)?;
                if last < max_deleted {
                    return Err(Refusal::fixed("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"));
                }
            }
            _ => return Err(Refusal::SYNTAX),
        }
        i += 2;
    }
    if !is_stream_to_write(call, 1)? {
        return Err(Refusal::NO_KEY);
    }
    let key = call.key(1);
    let edited = call.shard.ks.edit(call.db, &key, |stream: &mut Stream| match set(stream, last, added, max_deleted) {
        Ok(()) => (Ok(()), 1),
        Err(refusal) => (Err(refusal), 0),
    });
    edited.ok_or(Refusal::ARENA_FULL)?.out?;
    call.out.ok();
    call.event(Class::Stream, "xsetid", 1);
    Ok(())
}

fn set(stream: &mut Stream, last: Id, added: Option<u64>, max_deleted: Id) -> Outcome {
    if last < stream.facts.max_deleted {
        return Err(Refusal::fixed("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"));
    }
    if let Some(top) = stream.log().last_entry() {
        if last < top {
            return Err(Refusal::fixed("ERR The ID specified in XSETID is smaller than the target stream top item"));
        }
        if added.is_some_and(|added| added < stream.facts.length) {
            return Err(Refusal::fixed("ERR The entries_added specified in XSETID is smaller than the target stream length"));
        }
    }
    stream.facts.last = last;
    stream.facts.added = added.unwrap_or(stream.facts.added);
    if max_deleted != Id::MIN {
        stream.facts.max_deleted = max_deleted;
    }
    Ok(())
}
