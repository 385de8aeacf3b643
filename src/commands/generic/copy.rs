//! COPY source destination [DB database] [REPLACE]: copies a value to another key.
//! Ref: redis.io/commands/copy

use super::shared::{copy, is_there};
use crate::base::num::parse_i64;
use crate::commands::common::{database, event_in, missed};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Args, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "COPY",
    since: "6.2.0",
    group: Group::Generic,
    summary: "Copies the value of a key, with its time to live, to another key.",
    cost: "O(N), N elements of the value",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS)), KeySpec::one(2, Access::OW.and(Access::UPDATE))],
    args: &[Arg::key("source"), Arg::key_of("destination", 1), Arg::integer("destination-db").token("DB").optional(), Arg::word("replace", "REPLACE").optional()],
    route: Route::Keys(Multi::Gather(db_of)),
    run,
    cases: "
        > COPY a a                  -ERR source and destination objects are the same
        > COPY a b FOO              -ERR syntax error
        > COPY a b DB               -ERR syntax error
        > COPY a b DB x             -ERR value is not an integer or out of range
        > COPY a b DB 3000000000    -ERR value is out of range, value must between -2147483648 and 2147483647
        > COPY a b DB 16            -ERR DB index is out of range
        > COPY a b DB -1            -ERR DB index is out of range
        > COPY a b                  :0
        > SET a 1 EX 100            +OK
        > COPY a b                  :1
        > MGET a b                  [1, 1]
        > TTL b                     :100
        > SET c 2                   +OK
        > COPY c b                  :0
        > COPY c b REPLACE          :1
        > GET b                     $2
        > TTL b                     :-1
        > COPY c c DB 1             :1
    ",
    ..Spec::DEFAULT
};

/// What the words after the keys say.
struct Plan {
    db: usize,
    replace: bool,
}

fn plan(call: &Call) -> Result<Plan, Refusal> {
    let mut plan = Plan {
        db: call.db,
        replace: false,
    };
    let mut i = 3;
    while i < call.args.len() {
        if call.args.is(i, "REPLACE") {
            plan.replace = true;
            i += 1;
        } else if call.args.is(i, "DB") && i + 1 < call.args.len() {
            plan.db = database(call, call.arg(i + 1))?;
            i += 2;
        } else {
            return Err(Refusal::SYNTAX);
        }
    }
    Ok(plan)
}

/// The database of a key: of the destination (word 2) what DB says, as far as it can be read; `run` refuses the rest.
fn db_of(args: &Args, db: usize, word: usize) -> usize {
    let mut of_destination = db;
    let mut i = 3;
    while i < args.len() {
        if args.is(i, "DB") {
            let named = args
                .try_get(i + 1)
                .and_then(parse_i64)
                .and_then(|n| usize::try_from(n).ok());
            of_destination = named.unwrap_or(db);
            i += 1;
        }
        i += 1;
    }
    if word == 2 { of_destination } else { db }
}

fn run(call: &mut Call) -> Outcome {
    let plan = plan(call)?;
    let (from, to) = (call.key(1), call.key(2));
    if plan.db == call.db && from.bytes == to.bytes {
        return Err(Refusal::SAME_OBJECT);
    }
    let look = call.look();
    if call.shard.ks.find(call.db, &from, call.now, look).is_none() {
        missed(call, 1);
        call.out.int(0);
        return Ok(());
    }
    let is_free = plan.replace || !is_there(call, plan.db, 2);
    let did = is_free && copy(call, 1, 2, plan.db)?;
    if did {
        event_in(call, Class::Generic, "copy_to", plan.db, 2);
    }
    call.out.int(i64::from(did));
    Ok(())
}
