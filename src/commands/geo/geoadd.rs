//! GEOADD key [NX | XX] [CH] longitude latitude member [...]: adds members with positions, or moves them.
//! Ref: redis.io/commands/geoadd

use super::shared::position_at;
use crate::commands::common::{limits, stored, wrote};
use crate::data::geo;
use crate::data::zset::Zset;
use crate::keyspace::{Kind, Look};
use crate::spec::effect::Class;
use crate::spec::{Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "GEOADD",
    since: "3.2.0",
    group: Group::Geo,
    summary: "Adds members with their positions to a geospatial index, or moves them; creates the key if needed.",
    cost: "O(log(N)) for each member, where N is the number of members in the index.",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    categories: Category::GEO,
    keys: &[KeySpec::one(1, Access::RW.and(Access::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")]).since("6.2.0").optional(),
        Arg::word("change", "CH").since("6.2.0").optional(),
        Arg::block("data", &[Arg::double("longitude"), Arg::double("latitude"), Arg::string("member")]).multiple(),
    ],
    route: Route::Keys(Multi::Single),
    run,
    history: &[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
    cases: "
        > GEOADD g NX XX 1 1 a          -ERR syntax error
        > GEOADD g NX 1 1 a b           -ERR syntax error
        > GEOADD g CH CH CH             -ERR syntax error
        > GEOADD g 1 x a                -ERR value is not a valid float
        > GEOADD g 181 0 a              -ERR invalid longitude,latitude pair 181.000000,0.000000
        > GEOADD g 1 inf a              -ERR invalid longitude,latitude pair 1.000000,inf
        > GEOADD g 1 1 a 200 nan b      -ERR value is not a valid float
        > EXISTS g                      :0
        > SET s x                       +OK
        > GEOADD s 1 86 a               -ERR invalid longitude,latitude pair 1.000000,86.000000
        > GEOADD s 1 1 a                -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD g XX 1 1 a             :0
        > EXISTS g                      :0
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania    :2
        > ZCOUNT g 3479099956230698 3479099956230698    :1
        > GEOHASH g Palermo Catania     [sqc8b49rny0, sqdtr74hyu0]
        > GEOADD g 13.361389 38.115556 Palermo     :0
        > GEOADD g ch NX 1 1 Palermo 2 2 new       :1
        > GEOADD g XX CH 1 1 Palermo 3 3 other     :1
        > GEOADD g 1 1 same 2 2 same               :1
        > ZCARD g                       :4
        > GEOADD g CH 1 1 same 1 1 same            :1
    ",
    ..Spec::DEFAULT
};

/// The words before the positions.
#[derive(Default)]
struct Options {
    only_new: bool,
    only_old: bool,
    counts_changes: bool,
    /// First word of the positions.
    first: usize,
}

fn options(call: &Call) -> Result<Options, Refusal> {
    let mut options = Options { first: 2, ..Options::default() };
    loop {
        match () {
            () if call.args.is(options.first, "NX") => options.only_new = true,
            () if call.args.is(options.first, "XX") => options.only_old = true,
            () if call.args.is(options.first, "CH") => options.counts_changes = true,
            () => break,
        }
        options.first += 1;
    }
    let count = call.args.len() - options.first;
    if count == 0 || !count.is_multiple_of(3) || (options.only_new && options.only_old) {
        return Err(Refusal::SYNTAX);
    }
    Ok(options)
}

fn run(call: &mut Call) -> Outcome {
    let options = options(call)?;
    let mut members = Vec::with_capacity((call.args.len() - options.first) / 3);
    for i in (options.first..call.args.len()).step_by(3) {
        members.push((geo::score(position_at(call, i)?), call.arg(i + 2)));
    }
    let key = call.key(1);
    let limits = limits(call.shard);
    match call.shard.ks.find(call.db, &key, call.now, Look::Write).map(|item| item.kind()) {
        None if options.only_old => {
            call.out.int(0);
            return Ok(());
        }
        None | Some(Kind::Zset) => {}
        Some(_) => return Err(Refusal::WRONG_TYPE),
    }
    let add = |zset: &mut Zset| {
        let (mut added, mut moved) = (0u64, 0u64);
        for (score, member) in &members {
            let score = *score as f64;
            zset.update(member, &limits, |old| {
                let is_wanted = match old {
                    None => !options.only_old,
                    Some(old) => !options.only_new && old != score,
                };
                added += u64::from(is_wanted && old.is_none());
                moved += u64::from(is_wanted && old.is_some());
                is_wanted.then_some(score)
            });
        }
        ((added, moved), added + moved)
    };
    let edited = call.shard.ks.edit(call.db, &key, add);
    stored(edited.is_some())?;
    let Some(edited) = edited else { return Ok(()) };
    let (added, moved) = edited.out;
    if added + moved > 0 {
        wrote(call, edited.is_new, Class::Zset, "zadd", 1);
        record(call, options.first, &members);
    }
    call.out.int((if options.counts_changes { added + moved } else { added }) as i64);
    Ok(())
}

/// The effect is that of ZADD with the scores.
fn record(call: &mut Call, first: usize, members: &[(u64, &[u8])]) {
    let scores: Vec<String> = members.iter().map(|(score, _)| score.to_string()).collect();
    let mut words: Vec<&[u8]> = vec![b"zadd"];
    words.extend((1..first).map(|i| call.arg(i)));
    for (score, (_, member)) in scores.iter().zip(members) {
        words.extend([score.as_bytes(), member]);
    }
    call.effect(&words);
}
