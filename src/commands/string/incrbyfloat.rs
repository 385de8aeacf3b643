//! INCRBYFLOAT key increment: adds to a number with a fraction.
//! Ref: redis.io/commands/incrbyfloat

use crate::base::num::Extended;
use crate::commands::common::{stored, string_of, will_tell_new, wrote};
use crate::keyspace::{Look, StrRef, Ttl, Value};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "INCRBYFLOAT",
    since: "2.6.0",
    group: Group::String,
    summary: "Adds a number with a fraction to the number at a key; a missing key counts as 0.",
    cost: "O(1)",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    args: &[Arg::key("key"), Arg::double("increment")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > INCRBYFLOAT k nan       -ERR value is not a valid float
        > INCRBYFLOAT k inf       -ERR increment would produce NaN or Infinity
        > INCRBYFLOAT k 1e5000    -ERR value is not a valid float
        > INCRBYFLOAT k \" 1\"      -ERR value is not a valid float
        > INCRBYFLOAT k 10.5      $10.5
        > INCRBYFLOAT k 0.1       $10.6
        > INCRBYFLOAT k -5        $5.6
        > SET k 5.0e3             +OK
        > INCRBYFLOAT k 2.0e2     $5200
        > OBJECT ENCODING k       $embstr
        > INCR k                  :5201
        > SET k abc               +OK
        > INCRBYFLOAT k 1         -ERR value is not a valid float
        > SET t 1 EX 1000         +OK
        > INCRBYFLOAT t 1         $2
        > TTL t                   :1000
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let old = match call.shard.ks.find(call.db, &key, call.now, Look::Write) {
        None => Extended::from_i64(0),
        Some(item) => match string_of(&item)? {
            StrRef::Int(n) => Extended::from_i64(n),
            StrRef::Bytes(bytes) => Extended::parse(bytes).ok_or(Refusal::NOT_FLOAT)?,
        },
    };
    let amount = Extended::parse(call.arg(2)).ok_or(Refusal::NOT_FLOAT)?;
    let sum = old.add(amount);
    if !sum.is_finite() {
        return Err(Refusal::NAN_OR_INFINITY);
    }
    let text = sum.to_text();
    let is_new = will_tell_new(call, 1);
    // Kept as text even where it is a whole number, as OBJECT ENCODING tells.
    let value = Value::Str {
        bytes: bytes::Bytes::copy_from_slice(text.as_bytes()),
        raw: false,
    };
    stored(call.shard.ks.put(call.db, &key, value, Ttl::Keep))?;
    wrote(call, is_new, Class::String, "incrbyfloat", 1);
    // The sum, not the addition: another machine may round differently.
    call.effect(&[b"SET", key.bytes, text.as_bytes(), b"KEEPTTL"]);
    call.out.bulk(text.as_bytes());
    Ok(())
}
