//! HPERSIST key FIELDS numfields field [field ...]: lets fields stay for ever.
//! Ref: redis.io/commands/hpersist

use super::fields::{LIST, NOT_POSITIVE, first_of, time_of};
use super::shared::{before_write, edit_replying, record_fields};
use crate::data::collection::Collection;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HPERSIST",
    since: "7.4.0",
    group: Group::Hash,
    summary: "Takes the time to live of fields of a hash away.",
    cost: "O(N), N fields named",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[Arg::key("key"), LIST],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HPERSIST h FIELDS 1    -ERR wrong number of arguments for 'hpersist' command
        > SET s v               +OK
        > HPERSIST s FOO 1 a    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HPERSIST h FOO 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HPERSIST h FIELDS 0 a    -ERR Number of fields must be a positive integer
        > HPERSIST h FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HPERSIST h FIELDS 1 a    [:-2]
        > HSET h a 1 b 2        :2
        > HEXPIRE h 100 FIELDS 1 a    [:1]
        > HPERSIST h FIELDS 4 a b c a    [:1, :-1, :-2, :-1]
        > HTTL h FIELDS 1 a     [:-1]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let (args, now) = (call.args, call.over_until());
    let first = before_write(call, |_| first_of(&args, 2, NOT_POSITIVE))??;
    let mut done = Vec::new();
    edit_replying(call, |hash, out| {
        out.array(args.len() - first);
        for field in args.from(first) {
            let time = time_of(Some(hash.view()), field, now);
            if time.is_ok() && hash.set_ttl(field, None) {
                done.push(field);
            }
            out.int(time.map_or_else(|n| n, |_| 1));
        }
        done.len() as u64
    })?;
    if !done.is_empty() {
        call.event(Class::Hash, "hpersist", 1);
        record_fields(call, b"HPERSIST", None, &done);
    }
    Ok(())
}
