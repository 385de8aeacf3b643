//! SRANDMEMBER key [count]: members drawn by chance, which stay. A negative count may draw the same one again.
//! Ref: redis.io/commands/srandmember

use super::shared::{members, read, reply_item};
use crate::base::num::parse_i64;
use crate::base::rng::Rng;
use crate::data::set::{SetRef, algebra};
use crate::proto::encode::Out;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "SRANDMEMBER",
    since: "1.0.0",
    group: Group::Set,
    summary: "Returns one or more members of a set, drawn by chance.",
    cost: "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
    arity: -2,
    flags: Flags::READONLY,
    categories: Category::SET,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("count").optional().since("2.6.0")],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("2.6.0", "Added the optional `count` argument.")],
    tips: &["nondeterministic_output"],
    cases: r#"
        > SRANDMEMBER                           -ERR wrong number of arguments for 'srandmember' command
        > SRANDMEMBER s 1 2                     -ERR syntax error
        > SRANDMEMBER s x                       -ERR value is not an integer or out of range
        > SRANDMEMBER s -9223372036854775808    -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > SET text 1                            +OK
        > SRANDMEMBER text                      -WRONGTYPE Operation against a key holding the wrong kind of value
        > SRANDMEMBER text 0                    -WRONGTYPE Operation against a key holding the wrong kind of value
        > SRANDMEMBER missing                   nil
        > SRANDMEMBER missing 3                 []
        > SRANDMEMBER missing -3                []
        > SADD s a                              :1
        > SRANDMEMBER s                         $a
        > SRANDMEMBER s 0                       []
        > SRANDMEMBER s 5                       [a]
        > SRANDMEMBER s 9223372036854775807     [a]
        > SRANDMEMBER s -3                      [a, a, a]
        > SADD s b 3                            :2
        > SRANDMEMBER s 3                       ~[a, b, 3]
        > SRANDMEMBER s 2                       [?, ?]
        > SRANDMEMBER s -4                      [?, ?, ?, ?]
        > SCARD s                               :3
    "#,
    ..Spec::DEFAULT
};

/// Most members that one call draws with repetition: Redis has no bound and runs out of memory.
const REPEATS_MAX: u64 = 1 << 27;
const BEYOND_LONG: Refusal = Refusal::fixed("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");

fn run(call: &mut Call) -> Outcome {
    match call.args.len() {
        2 => draw_one(call),
        3 => draw_many(call),
        _ => Err(Refusal::SYNTAX),
    }
}

fn draw_one(call: &mut Call) -> Outcome {
    let found = read(call, 1, |set, out, rng| set.random(rng).map(|item| reply_item(out, item)))?;
    if found.flatten().is_none() {
        call.out.null();
    }
    Ok(())
}

fn draw_many(call: &mut Call) -> Outcome {
    let count = parse_i64(call.arg(2)).ok_or(Refusal::NOT_INTEGER)?;
    if count == i64::MIN {
        return Err(BEYOND_LONG);
    }
    let found = read(call, 1, |set, out, rng| draw(set, count, out, rng))?;
    match found {
        Some(outcome) => outcome,
        None => {
            call.out.array(0);
            Ok(())
        }
    }
}

fn draw(set: SetRef, count: i64, out: &mut Out, rng: &mut Rng) -> Outcome {
    let number = count.unsigned_abs();
    if count < 0 {
        if number > REPEATS_MAX {
            return Err(Refusal::OUT_OF_RANGE);
        }
        out.array(number as usize);
        for _ in 0..number {
            set.random(rng).into_iter().for_each(|item| reply_item(out, item));
        }
    } else if number >= set.len() as u64 {
        out.array(set.len());
        members(out, set);
    } else {
        out.array(number as usize);
        algebra::draw(set, number as usize, rng, |item| reply_item(out, item));
    }
    Ok(())
}
