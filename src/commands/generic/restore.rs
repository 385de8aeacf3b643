//! RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]: creates a key from the form that DUMP returns.
//! Ref: redis.io/commands/restore

use super::shared::{delete, is_lfu};
use crate::base::num::parse_i64;
use crate::commands::common::{limits, removal, stored, wrote};
use crate::data::codec::collection::dump_object;
use crate::data::codec::{self, Dialect, Fault};
use crate::keyspace::{Look, Ttl, Value};
use crate::persist::rdb::failure::payload_failure;
use crate::spec::effect::Class;
use crate::spec::request::{LogLevel, Request};
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
    history: &[("3.0.0", "REPLACE."), ("5.0.0", "ABSTTL."), ("5.0.0", "IDLETIME and FREQ.")],
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
        > RESTORE k 0 \"\\x02\\x00\\x0b\\x00\\x53\\x11\\x84\\x73\\x66\\x16\\xd0\\x61\"    -ERR Bad data format
        > RESTORE k 0 \"\\x14\\x0a\\x0b\\x00\\x00\\x00\\x01\\x00\\x81\\x61\\x02\\xff\\x0b\\x00\\xca\\x12\\x6e\\xe9\\x6a\\xa6\\xb9\\x64\"    -ERR Bad data format
        > RESTORE k 0 \"\\x14\\x0f\\x0f\\x00\\x00\\x00\\x03\\x00\\x81\\x61\\x02\\x81\\x62\\x02\\x07\\x01\\xff\\x0b\\x00\\x6a\\x75\\x09\\x18\\xee\\xda\\x17\\xda\"    +OK
        > OBJECT ENCODING k    $listpack
        > SMEMBERS k    ~[a, b, 7]
        > RESTORE k 0 \"\\x04\\x01\\x01\\x66\\x01\\x76\\x0b\\x00\\xc4\\x2d\\xfe\\x25\\x4c\\x19\\xe7\\x75\"    -BUSYKEY Target key name already exists.
        > RESTORE k 0 \"\\x0d\\x18\\x18\\x00\\x00\\x00\\x12\\x00\\x00\\x00\\x04\\x00\\x00\\x01\\x61\\x03\\xf2\\x02\\x01\\x62\\x03\\x03\\x32\\x2e\\x35\\xff\\x0b\\x00\\x1a\\xb7\\x75\\x65\\x62\\xc1\\xbc\\xa5\" REPLACE    +OK
        > HGET k b    $2.5
        > RESTORE k 0 \"\\x0b\\x0e\\x02\\x00\\x00\\x00\\x03\\x00\\x00\\x00\\x01\\x00\\x02\\x00\\x03\\x00\\x0b\\x00\\xcc\\xdd\\xe1\\x91\\x90\\xf1\\xa4\\x92\" REPLACE    +OK
        > OBJECT ENCODING k    $intset
        > RESTORE k 0 \"\\x12\\x02\\x01\\x05\\x68\\x65\\x6c\\x6c\\x6f\\x02\\x0a\\x0a\\x00\\x00\\x00\\x01\\x00\\x81\\x61\\x02\\xff\\x0b\\x00\\x02\\xe7\\x2d\\x90\\x6a\\xe1\\x35\\xcc\" REPLACE    +OK
        > LRANGE k 0 -1    [hello, a]
        > RESTORE k 0 \"\\x05\\x02\\x01\\x62\\x00\\x00\\x00\\x00\\x00\\x00\\x04\\x40\\x01\\x61\\x00\\x00\\x00\\x00\\x00\\x00\\xf0\\x3f\\x0b\\x00\\x9d\\xb1\\x0a\\x4a\\xe4\\xe9\\x9b\\x18\" REPLACE    +OK
        > ZSCORE k b    ,2.5
        > RESTORE k 0 \"\\x19\\x00\\x50\\x5c\\x18\\xa3\\x01\\x00\\x00\\x35\\x35\\x00\\x00\\x00\\x09\\x00\\x82\\x66\\x31\\x03\\x82\\x76\\x31\\x03\\xf4\\x00\\x50\\x5c\\x18\\xa3\\x01\\x00\\x00\\x09\\x82\\x66\\x32\\x03\\x82\\x76\\x32\\x03\\xf4\\x88\\x63\\x5c\\x18\\xa3\\x01\\x00\\x00\\x09\\x82\\x66\\x33\\x03\\x82\\x76\\x33\\x03\\x00\\x01\\xff\\x0c\\x00\\x94\\x16\\x2f\\xd9\\x2f\\x9a\\x74\\x80\" REPLACE    +OK
        > OBJECT ENCODING k    $listpackex
        > HPEXPIRETIME k FIELDS 2 f1 f3    [:1800000000000, :-1]
        > RESTORE k 0 \"\\x16\\x02\\x02\\x66\\x31\\x02\\x76\\x31\\x00\\x50\\x5c\\x18\\xa3\\x01\\x00\\x00\\x02\\x66\\x32\\x02\\x76\\x32\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x50\\x00\\xee\\xd1\\x61\\x48\\x7e\\xa4\\xfa\\x5e\" REPLACE    +OK   # stock: skip
        > HPEXPIRETIME k FIELDS 2 f1 f2    [:1800000000000, :-1]   # stock: skip
        > HGET k f2    $v2   # stock: skip
        > RESTORE k 0 \"\\x00\\x01\\x76\\x50\\x00\\x5e\\x22\\x07\\x23\\x87\\x6a\\xed\\x3a\" REPLACE    +OK   # stock: skip
        > GET k    $v   # stock: skip
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
    let (value, dialect) = decode(call)?;
    // Who replays the record may be a server that does not read this version.
    let foreign = (dialect == Dialect::Valkey).then(|| payload(&value, call.shard.config.rdbcompression));
    let at = match ttl {
        0 => None,
        _ if plan.absolute => Some(ttl),
        // A moment past the end of time can only be a mistake.
        _ => Some(ttl.checked_add(call.now).ok_or(Refusal::RESTORE_TTL)?),
    };
    if at.is_some_and(|at| at <= call.over_until()) {
        // Expired before it came: only what it was to replace goes.
        if plan.replace && delete(call, 1) {
            let word = removal(call.shard.config.lazyfree_lazy_server_del);
            call.effect(&[word, key.bytes]);
        }
        call.out.ok();
        return Ok(());
    }
    let ttl = at.map_or(Ttl::None, Ttl::At);
    stored(call.shard.ks.put(call.db, &key, value, ttl))?;
    set_usage(call, &plan);
    // As new even where it replaced a key.
    wrote(call, true, Class::Generic, "restore", 1);
    if foreign.is_some() || (at.is_some() && !plan.absolute) {
        record(call, at, plan.absolute, foreign.as_deref());
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

/// The value of a payload, and in whose words it was.
fn decode(call: &mut Call) -> Result<(Value, Dialect), Refusal> {
    let payload = call.arg(3);
    let checked = if call.shard.debug.skip_checksum { codec::check_version(payload) } else { codec::check_footer(payload) };
    let (body, dialect) = checked.map_err(|_| Refusal::DUMP_CHECKSUM)?;
    let value = match codec::decode(body, dialect, &limits(call.shard)) {
        Ok(codec::Value::Int(n)) => Value::Int(n),
        Ok(codec::Value::Str(bytes)) => Value::Str {
            bytes: bytes.into(),
            raw: false,
        },
        Ok(codec::Value::Object(object)) => Value::Object(object),
        Err(Fault::Footer) => return Err(Refusal::DUMP_CHECKSUM),
        Err(fault) => {
            // The reply does not say what is wrong.
            call.shard.requests.push(Request::Log(LogLevel::Verbose, payload_failure(body, fault)));
            return Err(Refusal::BAD_FORMAT);
        }
    };
    Ok((value, dialect))
}

/// A payload that servers of the oldest version read which has the value's type.
fn payload(value: &Value, compress: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    match value {
        Value::Int(n) => codec::dump_string(&mut payload, itoa::Buffer::new().format(*n).as_bytes(), compress),
        Value::Str { bytes, .. } => codec::dump_string(&mut payload, bytes, compress),
        Value::Object(object) => dump_object(&mut payload, object, compress),
    }
    codec::add_footer(&mut payload);
    payload
}

/// The same words with an absolute time, and with another payload if there is one.
fn record(call: &mut Call, at: Option<i64>, is_absolute: bool, payload: Option<&[u8]>) {
    let mut digits = itoa::Buffer::new();
    let head: [&[u8]; 4] = [
        b"RESTORE",
        call.arg(1),
        digits.format(at.unwrap_or(0)).as_bytes(),
        payload.unwrap_or(call.arg(3)),
    ];
    let tail: Option<&[u8]> = (!is_absolute).then_some(b"ABSTTL");
    let words: Vec<&[u8]> = head
        .into_iter()
        .chain(call.args.from(4))
        .chain(tail)
        .collect();
    call.effect(&words);
}
