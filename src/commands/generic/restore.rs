//! RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]: creates a key from the form that DUMP returns.
//! Ref: redis.io/commands/restore

use super::shared::{delete, is_lfu};
use crate::base::num::parse_i64;
use crate::commands::common::{stored, wrote};
use crate::data::codec::{self, Fault};
use crate::keyspace::{Look, Ttl, Value};
use crate::spec::effect::Class;
use crate::spec::{
    Access, Arg, Args, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "RESTORE",
    since: "2.6.0",
    group: Group::Generic,
    summary: "Creates a key from the serialised form of a value that DUMP returned.",
    cost: "O(N), N bytes of the value",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::KEYSPACE.and(Category::DANGEROUS),
    keys: &[KeySpec::one(1, Access::OW.and(Access::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("ttl"), Arg::string("serialized-value"), Arg::word("replace", "REPLACE").optional().since("3.0.0"), Arg::word("absttl", "ABSTTL").optional().since("5.0.0"), Arg::integer("seconds").token("IDLETIME").optional().since("5.0.0"), Arg::integer("frequency").token("FREQ").optional().since("5.0.0")],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("3.0.0", "REPLACE."), ("5.0.0", "ABSTTL, IDLETIME and FREQ.")],
    cases: "
        > RESTORE k 0 x FOO             -ERR syntax error
        > RESTORE k 0 x IDLETIME -1     -ERR Invalid IDLETIME value, must be >= 0
        > RESTORE k 0 x IDLETIME x      -ERR value is not an integer or out of range
        > RESTORE k 0 x FREQ 256        -ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE k 0 x FREQ 1 IDLETIME 1    -ERR syntax error
        > RESTORE k -1 x                -ERR Invalid TTL value, must be >= 0
        > RESTORE k x x                 -ERR value is not an integer or out of range
        > RESTORE k 0 x                 -ERR DUMP payload version or checksum are wrong
        > RESTORE k 0 \"\\x00\\x01v\\x0b\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\"    -ERR DUMP payload version or checksum are wrong
    ",
    ..Spec::DEFAULT
};

/// What the words after the payload say.
#[derive(Default)]
struct Plan {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
}

fn plan(args: &Args) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut i = 4;
    while i < args.len() {
        let next = args.try_get(i + 1);
        match next {
            _ if args.is(i, "REPLACE") => plan.replace = true,
            _ if args.is(i, "ABSTTL") => plan.absolute = true,
            Some(next) if args.is(i, "IDLETIME") && plan.frequency.is_none() => {
                let seconds = parse_i64(next).ok_or(Refusal::NOT_INTEGER)?;
                plan.idle_seconds =
                    Some(u64::try_from(seconds).map_err(|_| Refusal::RESTORE_IDLE)?);
                i += 1;
            }
            Some(next) if args.is(i, "FREQ") && plan.idle_seconds.is_none() => {
                let frequency = parse_i64(next).ok_or(Refusal::NOT_INTEGER)?;
                plan.frequency = Some(u8::try_from(frequency).map_err(|_| Refusal::RESTORE_FREQ)?);
                i += 1;
            }
            _ => return Err(Refusal::SYNTAX),
        }
        i += 1;
    }
    Ok(plan)
}

fn run(call: &mut Call) -> Outcome {
    let plan = plan(&call.args)?;
    let key = call.key(1);
    if !plan.replace
        && call
            .shard
            .ks
            .find(call.db, &key, call.now, Look::Write)
            .is_some()
    {
        return Err(Refusal::BUSY_KEY);
    }
    let ttl = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    if ttl < 0 {
        return Err(Refusal::RESTORE_TTL);
    }
    let value = decode(call.arg(3))?;
    let at = match ttl {
        0 => None,
        _ if plan.absolute => Some(ttl),
        // A moment past the end of time can only be a mistake.
        _ => Some(ttl.checked_add(call.now).ok_or(Refusal::RESTORE_TTL)?),
    };
    if at.is_some_and(|at| at <= call.now) {
        // Expired before it came: only what it was to replace goes.
        if plan.replace && delete(call, 1) {
            call.effect(&[b"DEL", key.bytes]);
        }
        call.out.ok();
        return Ok(());
    }
    let ttl = at.map_or(Ttl::None, Ttl::At);
    stored(call.shard.ks.put(call.db, &key, value, ttl))?;
    set_usage(call, &plan);
    // As new even where it replaced a key.
    wrote(call, true, Class::Generic, "restore", 1);
    if let (Some(at), false) = (at, plan.absolute) {
        record(call, at);
    }
    call.out.ok();
    Ok(())
}

/// Idle time or frequency of use as told: the one that the policy goes by, as Redis does.
fn set_usage(call: &mut Call, plan: &Plan) {
    let clock = match (is_lfu(call), plan.frequency, plan.idle_seconds) {
        (true, Some(frequency), _) => call.shard.ks.clock_for_freq(frequency, call.now),
        (false, _, Some(seconds)) => call.shard.ks.clock_for_idle(seconds, call.now),
        _ => return,
    };
    let key = call.key(1);
    call.shard.ks.set_clock(call.db, &key, clock);
}

fn decode(payload: &[u8]) -> Result<Value, Refusal> {
    match codec::restore(payload) {
        Ok(codec::Value::Int(n)) => Ok(Value::Int(n)),
        Ok(codec::Value::Str(bytes)) => Ok(Value::Str {
            bytes: bytes.into(),
            raw: false,
        }),
        Err(Fault::Footer) => Err(Refusal::DUMP_CHECKSUM),
        Err(_) => Err(Refusal::BAD_FORMAT),
    }
}

/// The same words with an absolute time.
fn record(call: &mut Call, at: i64) {
    let mut digits = itoa::Buffer::new();
    let head: [&[u8]; 4] = [
        b"RESTORE",
        call.arg(1),
        digits.format(at).as_bytes(),
        call.arg(3),
    ];
    let tail: [&[u8]; 1] = [b"ABSTTL"];
    let words: Vec<&[u8]> = head
        .into_iter()
        .chain(call.args.from(4))
        .chain(tail)
        .collect();
    call.effect(&words);
}
