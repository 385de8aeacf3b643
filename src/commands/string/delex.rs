//! DELEX key [IFEQ v | IFNE v | IFDEQ digest | IFDNE digest]: deletes a key if its value is as told.
//! Ref: redis.io/commands/delex

use super::options::Condition;
use crate::commands::common::string_of;
use crate::keyspace::Look;
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DELEX",
    since: "8.4.0",
    group: Group::String,
    summary: "Deletes a key if its value or the digest of its value is, or is not, as told.",
    cost: "O(N) for IFDEQ and IFDNE, N bytes of the value; O(1) for IFEQ and IFNE",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RW.and(Access::DELETE).and(Access::VARIABLE_FLAGS))],
    args: &[Arg::key("key"), Arg::one_of("condition", &[Arg::string("ifeq-value").token("IFEQ"), Arg::string("ifne-value").token("IFNE"), Arg::string("ifdeq-digest").token("IFDEQ"), Arg::string("ifdne-digest").token("IFDNE")]).optional()],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > DELEX k IFEQ          -ERR wrong number of arguments for 'delex' command    # stock: skip
        > DELEX k IFEQ a b      -ERR wrong number of arguments for 'delex' command    # stock: skip
        > DELEX k FOO a         :0    # stock: skip
        > SET k hello           +OK    # stock: skip
        > DELEX k FOO a         -ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE    # stock: skip
        > DELEX k IFDEQ 0123    -ERR must be exactly 16 hexadecimal characters    # stock: skip
        > DELEX k IFEQ other    :0    # stock: skip
        > DELEX k IFNE hello    :0    # stock: skip
        > DELEX k IFDNE 9555E8555C62DCFD    :0    # stock: skip
        > DELEX k IFDEQ 9555E8555C62DCFD    :1    # stock: skip
        > EXISTS k              :0    # stock: skip
        > SET k 5               +OK    # stock: skip
        > DELEX k IFEQ 5        :1    # stock: skip
        > DELEX k               :0    # stock: skip
    ",
    ..Spec::DEFAULT
};

const NOT_STRING: Refusal =
    Refusal::fixed("ERR Key should be of string type if conditions are specified");

fn run(call: &mut Call) -> Outcome {
    if !matches!(call.args.len(), 2 | 4) {
        return Err(Refusal::arity("delex"));
    }
    let key = call.key(1);
    let holds = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => false,
        Some(_) if call.args.len() == 2 => true,
        Some(item) => {
            let value = string_of(&item).map_err(|_| NOT_STRING)?;
            let condition = Condition::on_value(call.args.get(2), call.args.get(3));
            let condition = condition.ok_or(Refusal::fixed(
                "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE",
            ))?;
            condition.check()?;
            condition.holds(Some(value))
        }
    };
    if holds {
        call.shard.ks.remove(call.db, &key);
        call.event(Class::Generic, "del", 1);
        call.effect(&[b"DEL", key.bytes]);
    }
    call.out.int(i64::from(holds));
    Ok(())
}
