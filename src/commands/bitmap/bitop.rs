//! BITOP AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE destkey key [key ...]: combines strings bit by bit into another.
//! An empty result deletes the destination. The last four operations are of Redis 8.2.
//! Ref: redis.io/commands/bitop

use super::shared;
use crate::commands::common::{stored, will_tell_new, wrote};
use crate::data::bits::{self, Combine};
use crate::keyspace::{Ttl, Value};
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec, route};

pub const SPEC: Spec = Spec {
    name: "BITOP",
    since: "2.6.0",
    group: Group::Bitmap,
    summary: "Combines strings bit by bit and stores the result.",
    cost: "O(N)",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::BITMAP,
    keys: &[
        KeySpec::one(2, Access::OW.and(Access::UPDATE)),
        KeySpec::range(3, -1, 1, Access::RO.and(Access::ACCESS)),
    ],
    args: &[Arg::one_of("operation", &OPERATIONS), Arg::key("destkey"), Arg::key_of("key", 1).multiple()],
    history: &[("8.2.0", "Added the `DIFF`, `DIFF1`, `ANDOR`, and `ONE` operations.")],
    route: Route::Keys(Multi::Gather(route::same_db)),
    run,
    cases: r#"
        > BITOP NOR d a                           -ERR syntax error
        > BITOP NOT d a b                         -ERR BITOP NOT must be called with a single source key.
        > BITOP DIFF d a                          -ERR BITOP DIFF must be called with at least two source keys.    # stock: skip
        > SET a "\xff\x0f"                        +OK
        > SET b "\x0f"                            +OK
        > BITOP AND d a b                         :2
        > GET d                                   "\x0f\x00"
        > OBJECT ENCODING d                       $raw
        > BITOP XOR d a b missing                 :2
        > GET d                                   "\xf0\x0f"
        > BITOP NOT a a                           :2
        > GET a                                   "\x00\xf0"
        > BITOP or d a b                          :2
        > GET d                                   "\x0f\xf0"
        > BITOP DIFF d a b                        :2    # stock: skip
        > BITOP DIFF1 d a b                       :2    # stock: skip
        > BITOP ANDOR d a a b                     :2    # stock: skip
        > BITOP ONE d a a b                       :2    # stock: skip
        > BITOP AND d missing other               :0
        > EXISTS d                                :0
    "#,
    ..Spec::DEFAULT
};

/// The operations with the words that name them.
const NAMES: [(&str, Combine); 8] = [
    ("AND", Combine::And),
    ("OR", Combine::Or),
    ("XOR", Combine::Xor),
    ("NOT", Combine::Not),
    ("DIFF", Combine::Diff),
    ("DIFF1", Combine::Diff1),
    ("ANDOR", Combine::AndOr),
    ("ONE", Combine::One),
];

const OPERATIONS: [Arg; 8] = [
    Arg::word("and", "AND"),
    Arg::word("or", "OR"),
    Arg::word("xor", "XOR"),
    Arg::word("not", "NOT"),
    Arg::word("diff", "DIFF"),
    Arg::word("diff1", "DIFF1"),
    Arg::word("andor", "ANDOR"),
    Arg::word("one", "ONE"),
];

fn run(call: &mut Call) -> Outcome {
    let (name, op) = *NAMES.iter().find(|(name, _)| call.args.is(1, name)).ok_or(Refusal::SYNTAX)?;
    let sources = call.args.len() - 3;
    if op == Combine::Not && sources != 1 {
        return Err(Refusal::BITOP_NOT);
    }
    if matches!(op, Combine::Diff | Combine::Diff1 | Combine::AndOr) && sources < 2 {
        return Err(Refusal::text(format!("ERR BITOP {name} must be called with at least two source keys.")));
    }
    let mut inputs = Vec::with_capacity(sources);
    for i in 3..call.args.len() {
        inputs.push(shared::with_bytes(call, i, |bytes| bytes.unwrap_or(b"").to_vec())?);
    }
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let result = bits::combine(op, &inputs);
    let len = result.len();
    let key = call.key(2);
    if result.is_empty() {
        if call.shard.ks.remove(call.db, &key) {
            call.event(Class::Generic, "del", 2);
        }
    } else {
        let is_new = will_tell_new(call, 2);
        // Redis keeps the result as it is: OBJECT ENCODING says raw, also of a short one or a number.
        stored(call.shard.ks.put(call.db, &key, Value::Str { bytes: result.into(), raw: true }, Ttl::None))?;
        wrote(call, is_new, Class::String, "set", 2);
    }
    call.out.int(len as i64);
    Ok(())
}
