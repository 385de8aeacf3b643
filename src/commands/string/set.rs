//! SET key value [NX | XX | IFEQ v | IFNE v | IFDEQ d | IFDNE d] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]: stores a string.
//! Ref: redis.io/commands/set

use super::options::{Condition, Expiry, Options, Reader, options};
use super::shared::{bulk_of, store, ttl_of};
use crate::commands::common::{Clock, missed, string_of};
use crate::keyspace::{Look, Ttl};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "SET",
    since: "1.0.0",
    group: Group::String,
    summary: "Sets the string value of a key, whatever it held before.",
    cost: "O(1)",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::STRING,
    keys: &[KeySpec::one(
        1,
        Access::RW
            .and(Access::ACCESS)
            .and(Access::UPDATE)
            .and(Access::VARIABLE_FLAGS),
    )
    .noted("GET reads the old value")],
    args: &[
        Arg::key("key"),
        Arg::string("value"),
        Arg::one_of(
            "condition",
            &[
                Arg::word("nx", "NX").since("2.6.12"),
                Arg::word("xx", "XX").since("2.6.12"),
                Arg::string("ifeq-value").token("IFEQ").since("8.4.0"),
                Arg::string("ifne-value").token("IFNE").since("8.4.0"),
                Arg::string("ifdeq-digest").token("IFDEQ").since("8.4.0"),
                Arg::string("ifdne-digest").token("IFDNE").since("8.4.0"),
            ],
        )
        .optional(),
        Arg::word("get", "GET").optional().since("6.2.0"),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX").since("2.6.12"),
                Arg::integer("milliseconds").token("PX").since("2.6.12"),
                Arg::unix_time("unix-time-seconds")
                    .token("EXAT")
                    .since("6.2.0"),
                Arg::unix_time("unix-time-milliseconds")
                    .token("PXAT")
                    .since("6.2.0"),
                Arg::word("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[
        ("2.6.12", "EX, PX, NX and XX."),
        ("6.0.0", "KEEPTTL."),
        ("6.2.0", "GET, EXAT and PXAT."),
        ("7.0.0", "NX and GET together."),
        ("8.4.0", "IFEQ, IFNE, IFDEQ and IFDNE."),
    ],
    cases: "
        > SET k                   -ERR wrong number of arguments for 'set' command
        > SET k v FOO             -ERR syntax error
        > SET k v NX XX           -ERR syntax error
        > SET k v EX              -ERR syntax error
        > SET k v EX 1 KEEPTTL    -ERR syntax error
        > SET k v EX x            -ERR value is not an integer or out of range
        > SET k v EX 0            -ERR invalid expire time in 'set' command
        > SET k v PX 9223372036854775807    -ERR invalid expire time in 'set' command
        > SET k v XX              nil
        > SET k v NX EX 100       +OK
        > SET k w NX GET          $v
        > SET k w KEEPTTL GET     $v
        > TTL k                   :100
        > SET k x                 +OK
        > TTL k                   :-1
        > SET k y EXAT 99999999999    +OK
        > EXPIRETIME k            :99999999999
        > SET k z IFEQ q          nil    # stock: skip
        > SET k z IFEQ y NX       -ERR syntax error    # stock: skip
        > SET k z IFDEQ 12        -ERR must be exactly 16 hexadecimal characters    # stock: skip
        > SET k z IFEQ y GET      $y    # stock: skip
        > SET m z IFEQ y          nil    # stock: skip
        > SET m z IFNE y          +OK    # stock: skip
        > SET m hello             +OK    # stock: skip
        > SET m z IFDNE 9555E8555C62DCFD    nil    # stock: skip
        > SET m z IFDEQ 9555e8555c62dcfd    +OK    # stock: skip
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if call.args.len() > 3 {
        return with_options(call);
    }
    let value = call.arg(2);
    store(call, 1, value, Ttl::None)?;
    call.out.ok();
    Ok(())
}

fn with_options(call: &mut Call) -> Outcome {
    let all = options(&call.args, 3, Reader::Set)?;
    let at = all.expiry.moment(call.now, "set")?;
    all.condition.check()?;
    if !admits(call, &all)? {
        if !all.get {
            call.out.null();
        }
        return Ok(());
    }
    let value = call.arg(2);
    store(call, 1, value, ttl_of(all.expiry, at))?;
    if at.is_some() {
        call.event(Class::Generic, "expire", 1);
    }
    if call.shard.fx.is_on {
        record(call, &all, at);
    }
    if !all.get {
        call.out.ok();
    }
    Ok(())
}

/// Whether the condition holds. With GET, writes the old value as the reply.
fn admits(call: &mut Call, all: &Options) -> Result<bool, Refusal> {
    if !all.get && all.condition == Condition::Always {
        return Ok(true);
    }
    let key = call.key(1);
    let look = if all.get { call.look() } else { Look::Write };
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else {
        if all.get {
            call.out.null();
            missed(call, 1);
        }
        return Ok(all.condition.holds(None));
    };
    if !all.get && !all.condition.reads_value() {
        return Ok(all.condition == Condition::Present);
    }
    let value = string_of(&item)?;
    let holds = all.condition.holds(Some(value));
    if all.get {
        bulk_of(call.out, value);
    }
    Ok(holds)
}

/// Relative times become absolute; what other servers or older ones cannot repeat is left out.
fn record(call: &mut Call, all: &Options, at: Option<i64>) {
    let (key, value) = (call.arg(1), call.arg(2));
    let is_verbatim = !all.condition.reads_value();
    match (all.expiry, at) {
        (Expiry::At(Clock::UnixMillis, _), _) if is_verbatim => {}
        (_, Some(at)) => call.effect(&[
            b"SET",
            key,
            value,
            b"PXAT",
            itoa::Buffer::new().format(at).as_bytes(),
        ]),
        (Expiry::Keep, _) if !is_verbatim => call.effect(&[b"SET", key, value, b"KEEPTTL"]),
        _ if !is_verbatim => call.effect(&[b"SET", key, value]),
        _ if all.get => {
            let options = call
                .args
                .from(3)
                .filter(|word| !word.eq_ignore_ascii_case(b"GET"));
            let words: Vec<&[u8]> = call.args.from(0).take(3).chain(options).collect();
            call.effect(&words);
        }
        _ => {}
    }
}
