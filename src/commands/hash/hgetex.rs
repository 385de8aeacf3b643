//! HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS numfields field [field ...]: values of fields, whose times may change.
//! Ref: redis.io/commands/hgetex

use super::deadline::{clock_of, expiration, moment, tell};
use super::fields::{LIST, NOT_POSITIVE, first_of};
use super::shared::{before_write, edit_replying, expire_words, gone, record_fields, reply_value};
use crate::data::collection::Collection;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HGETEX",
    since: "8.0.0",
    group: Group::Hash,
    summary: "Returns the values of fields of a hash and sets or takes away their time to live.",
    cost: "O(N), N fields named",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE)).noted("An option changes the times to live")],
    args: &[Arg::key("key"), expiration!("persist", "PERSIST"), LIST],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HGETEX h FIELDS 1    -ERR wrong number of arguments for 'hgetex' command
        > SET s v               +OK
        > HGETEX s FOO 1 a      -WRONGTYPE Operation against a key holding the wrong kind of value
        > HGETEX h FOO FIELDS 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HGETEX h EX 10 PERSIST FIELDS 1 a    -ERR Mandatory argument FIELDS is missing or not at the right position
        > HGETEX h FIELDS 0 a    -ERR Number of fields must be a positive integer
        > HGETEX h FIELDS 2 a    -ERR The `numfields` parameter must match the number of arguments
        > HGETEX h EX x FIELDS 1 a    -ERR value is not an integer or out of range
        > HGETEX h EX -1 FIELDS 1 a    -ERR invalid expire time, must be >= 0
        > HGETEX h EX 99999999999999 FIELDS 1 a    -ERR invalid expire time in 'hgetex' command
        > HGETEX h FIELDS 2 a b    [nil, nil]
        > HSET h a 1 b 2 c 3    :3
        > HGETEX h EX 100 FIELDS 2 a x    [1, nil]
        > HTTL h FIELDS 2 a b   [:100, :-1]
        > HGETEX h FIELDS 1 a   [1]
        > HTTL h FIELDS 1 a     [:100]
        > HGETEX h PERSIST FIELDS 2 a b    [1, 2]
        > HTTL h FIELDS 1 a     [:-1]
        > HGETEX h PXAT 1 FIELDS 2 a b    [1, 2]
        > HGETALL h             {c: 3}
        > HGETEX h EX 0 FIELDS 1 c    [3]
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

/// What happens to the fields' times.
#[derive(Clone, Copy)]
enum Plan {
    Leave,
    Persist,
    At(i64),
}

/// The plan, and the number of the first field's word.
fn plan(call: &Call) -> Result<(Plan, usize), Refusal> {
    let args = call.args;
    if args.is(2, "PERSIST") {
        return Ok((Plan::Persist, first_of(&args, 3, NOT_POSITIVE)?));
    }
    let Some(clock) = args.try_get(2).and_then(clock_of) else {
        return Ok((Plan::Leave, first_of(&args, 2, NOT_POSITIVE)?));
    };
    let at = moment(call.arg(3), clock, call.now, "hgetex")?;
    Ok((Plan::At(at), first_of(&args, 4, NOT_POSITIVE)?))
}

fn run(call: &mut Call) -> Outcome {
    let is_there = before_write(call, |hash| hash.is_some())?;
    let (plan, first) = plan(call)?;
    let (args, now) = (call.args, call.over_until());
    if !is_there {
        call.out.array(args.len() - first);
        (first..args.len()).for_each(|_| call.out.null());
        return Ok(());
    }
    expire_words(call, first..args.len())?;
    let mut done: Vec<&[u8]> = Vec::new();
    let edited = edit_replying(call, |hash, out| {
        out.array(args.len() - first);
        for field in args.from(first) {
            reply_value(out, Some(hash.view()), field, now);
            let ttl = hash.view().find(field).map(|(_, ttl)| ttl);
            let is_changed = match (plan, ttl) {
                (Plan::Leave, _) | (_, None) | (Plan::Persist, Some(None)) => false,
                (Plan::Persist, _) => hash.set_ttl(field, None),
                (Plan::At(at), _) if at <= now => hash.remove(field),
                (Plan::At(at), _) => hash.set_ttl(field, Some(at)),
            };
            if is_changed {
                done.push(field);
            }
        }
        done.len() as u64
    })?;
    match plan {
        Plan::At(at) => tell(call, at, &done),
        _ if done.is_empty() => call.no_effect(),
        _ => {
            call.event(Class::Hash, "hpersist", 1);
            record_fields(call, b"HPERSIST", None, &done);
        }
    }
    gone(call, &edited);
    Ok(())
}
