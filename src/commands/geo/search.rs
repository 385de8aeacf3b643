//! The search of GEOSEARCH, GEORADIUS and their like: what the words ask for, the members inside, reply or store.
//! Ref: redis.io/commands/geosearch, redis.io/commands/georadius
//!
//! Order of members without ASC or DESC: that of the nine ranges of scores (see `data::geo`), ascending in each.

use super::shared::{position_at, position_of, reply_distance, reply_position, scores, unit};
use crate::base::num::{parse_f64, parse_i64};
use crate::commands::common::{limits, missed, stored, will_tell_new, wrote};
use crate::data::collection::Collection;
use crate::data::geo::{Form, Position, Search, position};
use crate::data::pack::Item;
use crate::data::zset::{Zset, ZsetRef};
use crate::keyspace::{Look, Ttl};
use crate::spec::effect::Class;
use crate::spec::{Args, Call, Outcome, Refusal, Shard};
use std::sync::Arc;

/// How a command of this family names the area.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// GEORADIUS key longitude latitude radius unit.
    Radius,
    /// GEORADIUSBYMEMBER key member radius unit.
    Member,
    /// GEOSEARCH key FROM... BY...
    Search,
}

/// A command of this family.
#[derive(Clone, Copy)]
pub struct Style {
    words: Words,
    /// Word of the key that is searched.
    source: usize,
    /// First word of the options.
    options: usize,
    /// STORE and STOREDIST name a key.
    may_store: bool,
    /// Word 1 is the key that takes the result.
    stores: bool,
}

/// How GEORADIUS reads its words.
pub const GEORADIUS: Style = Style { words: Words::Radius, source: 1, options: 6, may_store: true, stores: false };
/// How GEORADIUS_RO reads its words.
pub const GEORADIUS_RO: Style = Style { may_store: false, ..GEORADIUS };
/// How GEORADIUSBYMEMBER reads its words.
pub const GEORADIUSBYMEMBER: Style = Style { words: Words::Member, options: 5, ..GEORADIUS };
/// How GEORADIUSBYMEMBER_RO reads its words.
pub const GEORADIUSBYMEMBER_RO: Style = Style { may_store: false, ..GEORADIUSBYMEMBER };
/// How GEOSEARCH reads its words.
pub const GEOSEARCH: Style = Style { words: Words::Search, source: 1, options: 2, may_store: false, stores: false };
/// How GEOSEARCHSTORE reads its words.
pub const GEOSEARCHSTORE: Style = Style { source: 2, options: 3, stores: true, ..GEOSEARCH };

impl Style {
    /// First word of the options.
    pub const fn first_option(self) -> usize {
        self.options
    }
}

/// The keys of GEORADIUS and GEORADIUSBYMEMBER: the source and every destination, although of several only the last is used.
pub fn find_keys(args: &Args, first_option: usize, out: &mut Vec<(u32, u8)>) {
    out.push((1, 0));
    let mut i = first_option;
    while i + 1 < args.len() {
        let (stores, stores_distances) = (args.is(i, "STORE"), args.is(i, "STOREDIST"));
        if stores || stores_distances {
            out.push((i as u32 + 1, if stores { 1 } else { 2 }));
        }
        i += if stores || stores_distances || args.is(i, "COUNT") { 2 } else { 1 };
    }
}

/// What the words ask for.
#[derive(Default)]
struct Asked {
    /// `None` until it is named; also where it cannot be told because there is no source.
    centre: Option<Position>,
    is_centre_named: [bool; 2],
    form: Option<Form>,
    unit: f64,
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    is_descending: Option<bool>,
    /// 0 = all.
    count: usize,
    any: bool,
    /// Word of the key that takes the result.
    target: Option<usize>,
    stores_distances: bool,
}

/// The number of word `i`; `text` refuses what is none.
fn length(call: &Call, i: usize, text: &'static str) -> Result<f64, Refusal> {
    parse_f64(call.arg(i)).ok_or(Refusal::fixed(text))
}

impl Asked {
    /// A radius and its unit from word `i` on.
    fn circle(&mut self, call: &Call, i: usize) -> Outcome {
        let radius = length(call, i, "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(Refusal::fixed("ERR radius cannot be negative"));
        }
        self.unit = unit(call.arg(i + 1))?;
        self.form = Some(Form::Circle(radius));
        Ok(())
    }

    /// Width, height and their unit from word `i` on.
    fn rectangle(&mut self, call: &Call, i: usize) -> Outcome {
        let width = length(call, i, "ERR need numeric width")?;
        let height = length(call, i + 1, "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(Refusal::fixed("ERR height or width cannot be negative"));
        }
        self.unit = unit(call.arg(i + 2))?;
        self.form = Some(Form::Box(width, height));
        Ok(())
    }

    /// The position of the member in word `i`; nothing where there is no source.
    fn member(&mut self, call: &mut Call, style: Style, i: usize) -> Outcome {
        let member = call.arg(i);
        if let Some(zset) = source(call, style) {
            let place = position_of(zset, member).ok_or(Refusal::fixed("ERR could not decode requested zset member"))?;
            self.centre = Some(place);
        }
        Ok(())
    }
}

/// The source, which [`run`] has looked up and found to be a sorted set if there is any.
fn source<'c>(call: &'c mut Call, style: Style) -> Option<ZsetRef<'c>> {
    let key = call.key(style.source);
    call.shard.ks.find(call.db, &key, call.now, Look::Quiet)?.get::<Zset>()
}

fn asked(call: &mut Call, style: Style, has_source: bool) -> Result<Asked, Refusal> {
    let mut asked = Asked::default();
    match style.words {
        Words::Radius => {
            asked.centre = Some(position_at(call, 2)?);
            asked.circle(call, 4)?;
        }
        Words::Member if has_source => {
            asked.member(call, style, 2)?;
            asked.circle(call, 3)?;
        }
        Words::Member => {}
        Words::Search => asked.target = style.stores.then_some(1),
    }
    let mut i = style.options;
    while i < call.args.len() {
        i += option(call, style, &mut asked, i)?;
    }
    check(call, style, &asked)?;
    if asked.count > 0 && asked.is_descending.is_none() && !asked.any {
        // The first few make sense only in some order.
        asked.is_descending = Some(false);
    }
    Ok(asked)
}

/// Reads the option at word `i`; returns how many words it has.
fn option(call: &mut Call, style: Style, asked: &mut Asked, i: usize) -> Result<usize, Refusal> {
    let is = |word: &str| call.args.is(i, word);
    let behind = call.args.len() - i - 1;
    let searches = style.words == Words::Search;
    let [from_member, from_position] = asked.is_centre_named;
    let has_box = matches!(asked.form, Some(Form::Box(..)));
    let has_circle = matches!(asked.form, Some(Form::Circle(_)));
    match () {
        () if is("WITHDIST") => asked.with_distance = true,
        () if is("WITHHASH") => asked.with_hash = true,
        () if is("WITHCOORD") => asked.with_position = true,
        () if is("ANY") => asked.any = true,
        () if is("ASC") => asked.is_descending = Some(false),
        () if is("DESC") => asked.is_descending = Some(true),
        () if is("COUNT") && behind >= 1 => {
            let count = parse_i64(call.arg(i + 1)).ok_or(Refusal::NOT_INTEGER)?;
            if count <= 0 {
                return Err(Refusal::fixed("ERR COUNT must be > 0"));
            }
            asked.count = count as usize;
            return Ok(2);
        }
        () if style.may_store && (is("STORE") || is("STOREDIST")) && behind >= 1 => {
            asked.stores_distances = is("STOREDIST");
            asked.target = Some(i + 1);
            return Ok(2);
        }
        () if searches && is("FROMMEMBER") && behind >= 1 && !from_position => {
            asked.member(call, style, i + 1)?;
            asked.is_centre_named[0] = true;
            return Ok(2);
        }
        () if searches && is("FROMLONLAT") && behind >= 2 && !from_member => {
            asked.centre = Some(position_at(call, i + 1)?);
            asked.is_centre_named[1] = true;
            return Ok(3);
        }
        () if searches && is("BYRADIUS") && behind >= 2 && !has_box => {
            asked.circle(call, i + 1)?;
            return Ok(3);
        }
        () if searches && is("BYBOX") && behind >= 3 && !has_circle => {
            asked.rectangle(call, i + 1)?;
            return Ok(4);
        }
        () if style.stores && is("STOREDIST") => asked.stores_distances = true,
        () => return Err(Refusal::SYNTAX),
    }
    Ok(1)
}

/// Options that do not go together, or are missing.
fn check(call: &Call, style: Style, asked: &Asked) -> Outcome {
    if asked.target.is_some() && (asked.with_distance || asked.with_hash || asked.with_position) {
        let what = if style.stores { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
        return Err(Refusal::text(format!("ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")));
    }
    if style.words == Words::Search {
        let quote = |text: &[u8]| Refusal::quoting([text, call.arg(0)].concat());
        if asked.is_centre_named == [false, false] {
            return Err(quote(b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for "));
        }
        if asked.form.is_none() {
            return Err(quote(b"ERR exactly one of BYRADIUS and BYBOX can be specified for "));
        }
    }
    if asked.any && asked.count == 0 {
        return Err(Refusal::fixed("ERR the ANY argument requires COUNT argument"));
    }
    Ok(())
}

/// A member inside.
struct Found<'z> {
    member: Item<'z>,
    score: f64,
    place: Position,
    /// From the centre, metres.
    distance: f64,
}

/// The members inside, in the order of the ranges; with ANY no more than wanted.
fn inside<'z>(zset: ZsetRef<'z>, search: &Search, limit: usize) -> Vec<Found<'z>> {
    let mut all = Vec::new();
    for (from, to) in search.ranges() {
        for (member, score) in zset.range_by_score(&scores(from, to)) {
            let place = position(score);
            if let Some(distance) = search.admits(place) {
                all.push(Found { member, score, place, distance });
                if all.len() == limit {
                    return all;
                }
            }
        }
    }
    all
}

/// Puts the first `count` in order by distance and drops the rest; members at the same distance stay as they are.
fn sort(mut all: Vec<Found>, is_descending: bool, count: usize) -> Vec<Found> {
    let order = |a: &Found, b: &Found| {
        let order = a.distance.total_cmp(&b.distance);
        if is_descending { order.reverse() } else { order }
    };
    if count < all.len() / 4 {
        // Few of many: the last one wanted first, then order among the chosen.
        let mut numbers: Vec<usize> = (0..all.len()).collect();
        numbers.select_nth_unstable_by(count, |a, b| order(&all[*a], &all[*b]).then(a.cmp(b)));
        let mut is_chosen = vec![false; all.len()];
        numbers[..count].iter().for_each(|n| is_chosen[*n] = true);
        let mut n = 0;
        all.retain(|_| {
            n += 1;
            is_chosen[n - 1]
        });
    }
    all.sort_by(order);
    all
}

/// Runs a command of this family.
pub fn run(call: &mut Call, style: Style) -> Outcome {
    let (key, look) = (call.key(style.source), call.look());
    let has_source = match call.shard.ks.find(call.db, &key, call.now, look) {
        None => false,
        Some(item) if item.get::<Zset>().is_none() => return Err(Refusal::WRONG_TYPE),
        Some(_) => true,
    };
    if !has_source {
        missed(call, style.source);
    }
    let asked = asked(call, style, has_source)?;
    let (Some(centre), Some(form)) = (asked.centre, asked.form) else { return without_source(call, &asked) };
    if !has_source {
        return without_source(call, &asked);
    }
    let search = Search { centre, form, unit: asked.unit };
    match asked.target {
        Some(target) => store(call, style, &asked, &search, target),
        None => {
            let Call { shard, out, db, now, .. } = call;
            let all = found(shard, (*db, *now), &key, &asked, &search);
            reply(out, &all, &asked);
            Ok(())
        }
    }
}

/// The members that are asked for.
fn found<'k>(shard: &'k mut Shard, (db, now): (usize, i64), key: &crate::keyspace::Key, asked: &Asked, search: &Search) -> Vec<Found<'k>> {
    let Some(zset) = shard.ks.find(db, key, now, Look::Quiet).and_then(|item| item.get::<Zset>()) else { return Vec::new() };
    let mut all = inside(zset, search, if asked.any { asked.count } else { 0 });
    let wanted = if asked.count == 0 { all.len() } else { asked.count.min(all.len()) };
    if let Some(is_descending) = asked.is_descending {
        all = sort(all, is_descending, wanted);
    }
    all.truncate(wanted);
    all
}

fn without_source(call: &mut Call, asked: &Asked) -> Outcome {
    match asked.target {
        Some(target) => {
            forget(call, target);
            call.out.int(0);
        }
        None => call.out.array(0),
    }
    Ok(())
}

/// The key that takes the result goes away.
fn forget(call: &mut Call, target: usize) {
    let key = call.key(target);
    let is_there = call.shard.ks.find(call.db, &key, call.now, Look::Write).is_some();
    if is_there && call.shard.ks.remove(call.db, &key) {
        call.event(Class::Generic, "del", target);
    }
}

fn reply(out: &mut crate::proto::encode::Out, all: &[Found], asked: &Asked) {
    let extras = usize::from(asked.with_distance) + usize::from(asked.with_hash) + usize::from(asked.with_position);
    let mut digits = itoa::Buffer::new();
    out.array(all.len());
    for found in all {
        if extras > 0 {
            out.array(extras + 1);
        }
        out.bulk(found.member.text(&mut digits));
        if asked.with_distance {
            reply_distance(out, found.distance / asked.unit);
        }
        if asked.with_hash {
            out.int(found.score as i64);
        }
        if asked.with_position {
            reply_position(out, found.place);
        }
    }
}

fn store(call: &mut Call, style: Style, asked: &Asked, search: &Search, target: usize) -> Outcome {
    let source = call.key(style.source);
    let limits = limits(call.shard);
    let mut result = Zset::default();
    let all = found(call.shard, (call.db, call.now), &source, asked, search);
    let count = all.len();
    let mut digits = itoa::Buffer::new();
    for found in &all {
        let score = if asked.stores_distances { found.distance / asked.unit } else { found.score };
        result.insert(found.member.text(&mut digits), score, &limits);
    }
    if count == 0 {
        forget(call, target);
        call.out.int(0);
        return Ok(());
    }
    let is_new = will_tell_new(call, target);
    let key = call.key(target);
    stored(call.shard.ks.put_object(call.db, &key, Zset::wrap(Arc::new(result)), Ttl::None))?;
    call.shard.ks.stats.changes += count as u64 - 1;
    let name = if style.words == Words::Search { "geosearchstore" } else { "georadiusstore" };
    wrote(call, is_new, Class::Zset, name, target);
    call.out.int(count as i64);
    Ok(())
}
