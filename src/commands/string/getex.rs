//! GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]: the string of a key, whose time to live may change.
//! Ref: redis.io/commands/getex

use super::options::{Expiry, Options, Reader, options};
use super::shared::bulk_of;
use crate::commands::common::{Clock, missed, removal, string_of};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "GETEX",
    since: "6.2.0",
    group: Group::String,
    summary: "Returns the string value of a key and sets or removes its time to live.",
    cost: "O(1)",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )
    .noted("An option changes the time to live")],
    args: &[
        Arg::key("key"),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX"),
                Arg::integer("milliseconds").token("PX"),
                Arg::unix_time("unix-time-seconds").token("EXAT"),
                Arg::unix_time("unix-time-milliseconds").token("PXAT"),
                Arg::word("persist", "PERSIST"),
            ],
        )
        .optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > GETEX k FOO             -ERR syntax error
        > GETEX k EX              -ERR syntax error
        > GETEX k EX 1 PERSIST    -ERR syntax error
        > GETEX k KEEPTTL         -ERR syntax error
        > GETEX missing EX 0      nil
        > SET k v                 +OK
        > GETEX k EX 0            -ERR invalid expire time in 'getex' command
        > GETEX k EX x            -ERR value is not an integer or out of range
        > GETEX k EX 9223372036854775807    -ERR invalid expire time in 'getex' command
        > GETEX k EX 100          $v
        > TTL k                   :100
        > GETEX k                 $v
        > TTL k                   :100
        > GETEX k PERSIST         $v
        > TTL k                   :-1
        > GETEX k PXAT 1          $v
        > EXISTS k                :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let Options { expiry, .. } = options(&call.args, 2, Reader::GetEx)?;
    let key = call.key(1);
    let look = call.look();
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else {
        call.out.null();
        missed(call, 1);
        return Ok(());
    };
    let value = string_of(&item)?;
    let at = expiry.moment(call.now, "getex")?;
    bulk_of(call.out, value);
    match (expiry, at) {
        (Expiry::Persist, _) => persist(call),
        (Expiry::At(clock, _), Some(at)) => expire(call, clock, at),
        _ => call.no_effect(),
    }
    Ok(())
}

fn persist(call: &mut Call) {
    let key = call.key(1);
    if call.shard.ks.clear_expire(call.db, &key) {
        call.event(Class::Generic, "persist", 1);
        call.effect(&[b"PERSIST", key.bytes]);
    }
}

fn expire(call: &mut Call, clock: Clock, at: i64) {
    let key = call.key(1);
    if at <= call.over_until() && matches!(clock, Clock::UnixSeconds | Clock::UnixMillis) {
        call.shard.ks.remove(call.db, &key);
        call.event(Class::Generic, "del", 1);
        let word = removal(call.shard.config.lazyfree_lazy_expire);
        call.effect(&[word, key.bytes]);
        return;
    }
    call.shard.ks.set_expire(call.db, &key, at);
    call.event(Class::Generic, "expire", 1);
    call.effect(&[
        b"PEXPIREAT",
        key.bytes,
        itoa::Buffer::new().format(at).as_bytes(),
    ]);
}
