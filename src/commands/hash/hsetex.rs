//! HSETEX key [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS numfields field value [field value ...]: sets fields with a time to live.
//! Ref: redis.io/commands/hsetex

use super::deadline::{clock_of, expiration, moment};
use super::shared::{before_write, edit, expire_named, gone, record_fields, record_removed};
use crate::base::num::parse_i64;
use crate::data::collection::Collection;
use crate::data::hash::is_over;
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Args, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "HSETEX",
    since: "8.0.0",
    group: Group::Hash,
    summary: "Sets fields of a hash with one time to live, if none or all of them are there.",
    cost: "O(N), N fields named",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    categories: Category::HASH,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::one_of("condition", &[Arg::word("fnx", "FNX"), Arg::word("fxx", "FXX")]).optional(),
        expiration!("keepttl", "KEEPTTL"),
        Arg::block(
            "fields",
            &[Arg::integer("numfields"), Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple()],
        )
        .token("FIELDS"),
    ],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > HSETEX h FIELDS 1 a   -ERR wrong number of arguments for 'hsetex' command
        > HSETEX h FIELDS 2 a b c    -ERR wrong number of arguments for 'hsetex' command
        > HSETEX h FIELDS 0 a b    -ERR invalid number of fields
        > HSETEX h FOO FIELDS 1 a b    -ERR unknown argument: FOO
        > HSETEX h FNX FXX FIELDS 1 a b    -ERR Only one of FXX or FNX arguments can be specified
        > HSETEX h EX 10 KEEPTTL FIELDS 1 a b    -ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
        > HSETEX h EX x FIELDS 1 a b    -ERR value is not an integer or out of range
        > HSETEX h EX -1 FIELDS 1 a b    -ERR invalid expire time, must be >= 0
        > HSETEX h EX 99999999999999 FIELDS 1 a b    -ERR invalid expire time in 'hsetex' command
        > SET s v               +OK
        > HSETEX s FIELDS 1 a b    -WRONGTYPE Operation against a key holding the wrong kind of value
        > HSETEX h FXX FIELDS 1 a b    :0
        > HSETEX h FNX EX 100 FIELDS 2 a 1 b 2    :1
        > HTTL h FIELDS 2 a b   [:100, :100]
        > HSETEX h FNX FIELDS 2 a 3 c 3    :0
        > HSETEX h KEEPTTL FIELDS 2 a 3 c 3    :1
        > HTTL h FIELDS 2 a c   [:100, :-1]
        > HSETEX h FIELDS 1 a 4    :1
        > HTTL h FIELDS 1 a     [:-1]
        > HMGET h a b c         [4, 2, 3]
        > HSETEX h PXAT 1 FIELDS 4 a 1 b 2 c 3 d 4    :1
        > EXISTS h              :0
    ",
    ..Spec::DEFAULT
};

/// What becomes of the fields' times.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    None,
    Keep,
    At(i64),
}

/// All that was said.
struct Plan {
    /// The fields have to be there (true) or must not be.
    present: Option<bool>,
    time: Time,
    /// Word of the first field.
    first: usize,
}

fn plan(args: &Args, now: i64) -> Result<Plan, Refusal> {
    const TWO_TIMES: Refusal = Refusal::fixed("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    let mut plan = Plan { present: None, time: Time::None, first: 0 };
    let mut i = 2;
    while let Some(word) = args.try_get(i) {
        let is = |name: &str| args.is(i, name);
        let clock = clock_of(word);
        match () {
            () if is("FIELDS") => {
                plan.first = first_of(args, i)?;
                return Ok(plan);
            }
            () if is("FNX") || is("FXX") => {
                if plan.present.is_some() {
                    return Err(Refusal::fixed("ERR Only one of FXX or FNX arguments can be specified"));
                }
                plan.present = Some(is("FXX"));
            }
            () if (is("KEEPTTL") || clock.is_some()) && plan.time != Time::None => return Err(TWO_TIMES),
            () if is("KEEPTTL") => plan.time = Time::Keep,
            () => {
                let Some(clock) = clock else {
                    return Err(Refusal::quoting([b"ERR unknown argument: ".as_slice(), word].concat()));
                };
                i += 1;
                let word = args.try_get(i).ok_or(Refusal::fixed("ERR missing expire time"))?;
                plan.time = Time::At(moment(word, clock, now, "hsetex")?);
            }
        }
        i += 1;
    }
    Err(Refusal::arity("hsetex"))
}

/// The word of the first field, where word `i` is FIELDS.
fn first_of(args: &Args, i: usize) -> Result<usize, Refusal> {
    if i + 3 >= args.len() {
        return Err(Refusal::arity("hsetex"));
    }
    let count = parse_i64(args.get(i + 1)).and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0);
    let count = count.ok_or(Refusal::fixed("ERR invalid number of fields"))? as usize;
    if args.len() - i - 2 != 2 * count {
        return Err(Refusal::arity("hsetex"));
    }
    Ok(i + 2)
}

fn run(call: &mut Call) -> Outcome {
    let (args, now) = (call.args, call.over_until());
    let Plan { present, time, first } = plan(&args, call.now)?;
    let fields = || (first..args.len()).step_by(2).map(|i| args.get(i));
    let (over, fits) = before_write(call, |hash| {
        let live = |field| hash.and_then(|hash| hash.get_live(field, now)).is_some();
        let is_over = |field: &&[u8]| hash.and_then(|hash| hash.find(field)).is_some_and(|(_, ttl)| is_over(ttl, now));
        let over: Vec<&[u8]> = if hash.is_some_and(|hash| hash.has_due(now)) { fields().filter(is_over).collect() } else { Vec::new() };
        (over, present.is_none_or(|wanted| fields().all(|field| live(field) == wanted)))
    })?;
    if !over.is_empty() {
        expire_named(call, &over);
    }
    if !fits {
        call.no_effect();
        call.out.int(0);
        return Ok(());
    }
    match time {
        Time::At(at) if at <= now => delete(call, first)?,
        _ => set(call, first, time)?,
    }
    call.out.int(1);
    Ok(())
}

/// The time has passed: nothing of what is set is to be seen, only told.
fn delete(call: &mut Call, first: usize) -> Outcome {
    let args = call.args;
    let mut done: Vec<&[u8]> = Vec::new();
    let is_there = before_write(call, |hash| hash.is_some())?;
    let edited = edit(call, |hash, _| {
        done.extend((first..args.len()).step_by(2).map(|i| args.get(i)).filter(|field| hash.remove(field)));
        ((), done.len() as u64)
    })?;
    if !is_there {
        call.event(Class::New, "new", 1);
    }
    call.event(Class::Hash, "hset", 1);
    call.event(Class::Hash, "hdel", 1);
    if edited.is_gone || !is_there {
        call.event(Class::Generic, "del", 1);
    }
    record_removed(call, &done);
    Ok(())
}

fn set(call: &mut Call, first: usize, time: Time) -> Outcome {
    let args = call.args;
    let pairs = (args.len() - first) / 2;
    let longest = args.from(first).map(<[u8]>::len).max().unwrap_or(0);
    // Fields and times to set again after HSET, which takes them away.
    let mut kept: Vec<(&[u8], i64)> = Vec::new();
    let edited = edit(call, |hash, limits| {
        hash.prepare(pairs, longest, limits);
        for i in (first..args.len()).step_by(2) {
            let (field, value) = (args.get(i), args.get(i + 1));
            match time {
                Time::None => drop(hash.insert(field, value, None, limits)),
                Time::At(at) => drop(hash.insert(field, value, Some(at), limits)),
                Time::Keep => {
                    hash.insert_keeping(field, value, limits);
                    kept.extend(hash.view().find(field).and_then(|(_, ttl)| ttl).map(|at| (field, at)));
                }
            }
        }
        ((), pairs as u64)
    })?;
    call.event(Class::Hash, "hset", 1);
    if matches!(time, Time::At(_)) {
        call.event(Class::Hash, "hexpire", 1);
    }
    if call.shard.fx.is_on {
        let words: Vec<&[u8]> = [b"HSET".as_slice(), args.get(1)].into_iter().chain(args.from(first)).collect();
        call.effect(&words);
        if let Time::At(at) = time {
            let fields: Vec<&[u8]> = (first..args.len()).step_by(2).map(|i| args.get(i)).collect();
            record_fields(call, b"HPEXPIREAT", Some(at), &fields);
        }
        for (field, at) in kept {
            record_fields(call, b"HPEXPIREAT", Some(at), &[field]);
        }
    }
    gone(call, &edited);
    Ok(())
}
