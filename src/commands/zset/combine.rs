//! Unions, intersections and differences of sorted sets; plain sets count as sorted sets with all scores 1.

use super::shared::{positive, reply_members, store};
use crate::base::num::{parse_f64, parse_i64};
use crate::commands::common::{limits, missed};
use crate::data::collection::{Collection, Limits, Object};
use crate::data::pack::Item;
use crate::data::zset::Zset;
use crate::keyspace::Kind;
use crate::spec::{Call, Outcome, Refusal};

/// Which combination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Union,
    Inter,
    Diff,
}

/// What happens to the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Replied; the number of keys is word 1.
    Reply,
    /// Counted; the number of keys is word 1.
    Count,
    /// Stored at key 1; the number of keys is word 2.
    Store,
}

/// How the scores of one member become one.
#[derive(Clone, Copy, Default)]
enum Aggregate {
    #[default]
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(word: &[u8]) -> Result<Aggregate, Refusal> {
        match () {
            () if word.eq_ignore_ascii_case(b"SUM") => Ok(Aggregate::Sum),
            () if word.eq_ignore_ascii_case(b"MIN") => Ok(Aggregate::Min),
            () if word.eq_ignore_ascii_case(b"MAX") => Ok(Aggregate::Max),
            () => Err(Refusal::SYNTAX),
        }
    }

    fn join(self, a: f64, b: f64) -> f64 {
        match self {
            // Infinity and minus infinity come to 0.
            Aggregate::Sum => number(a + b),
            Aggregate::Min => {
                if b < a {
                    b
                } else {
                    a
                }
            }
            Aggregate::Max => {
                if b > a {
                    b
                } else {
                    a
                }
            }
        }
    }
}

/// 0 in place of what is not a number.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// One input; a missing key is empty.
struct Source {
    value: Option<Object>,
    weight: f64,
}

impl Source {
    fn len(&self) -> usize {
        match &self.value {
            Some(Object::Zset(zset)) => zset.view().len(),
            Some(Object::Set(set)) => set.view().len(),
            _ => 0,
        }
    }

    fn members(&self) -> Box<dyn Iterator<Item = (Item<'_>, f64)> + '_> {
        match &self.value {
            Some(Object::Zset(zset)) => Box::new(zset.view().iter()),
            Some(Object::Set(set)) => Box::new(set.view().iter().map(|member| (member, 1.0))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.value {
            Some(Object::Zset(zset)) => zset.view().score(member),
            Some(Object::Set(set)) => set.view().contains(member).then_some(1.0),
            _ => None,
        }
    }
}

/// What the words say.
struct Plan {
    sources: Vec<Source>,
    aggregate: Aggregate,
    with_scores: bool,
    /// Most members to count; 0 = all.
    limit: u64,
}

fn plan(call: &mut Call, op: Op, end: End) -> Result<Plan, Refusal> {
    let at = if end == End::Store { 2 } else { 1 };
    let number = parse_i64(call.arg(at)).ok_or(Refusal::NOT_INTEGER)?;
    if number < 1 {
        let name = call.spec.name.to_ascii_lowercase();
        return Err(Refusal::text(format!("ERR at least 1 input key is needed for '{name}' command")));
    }
    let number = usize::try_from(number).ok().filter(|n| *n < call.args.len() - at).ok_or(Refusal::SYNTAX)?;
    let mut sources = Vec::with_capacity(number);
    for i in at + 1..=at + number {
        sources.push(Source { value: source(call, i)?, weight: 1.0 });
    }
    let mut plan = Plan { sources, aggregate: Aggregate::default(), with_scores: false, limit: 0 };
    options(call, &mut plan, at + number + 1, op, end)?;
    Ok(plan)
}

fn source(call: &mut Call, i: usize) -> Result<Option<Object>, Refusal> {
    let (key, look) = (call.key(i), call.look());
    match call.shard.ks.find(call.db, &key, call.now, look) {
        Some(item) if matches!(item.kind(), Kind::Zset | Kind::Set) => Ok(item.to_object()),
        Some(_) => Err(Refusal::WRONG_TYPE),
        None => {
            missed(call, i);
            Ok(None)
        }
    }
}

fn options(call: &Call, plan: &mut Plan, first: usize, op: Op, end: End) -> Outcome {
    let (args, keys) = (&call.args, plan.sources.len());
    let mut i = first;
    while i < args.len() {
        let more = args.len() - i - 1;
        let combines_scores = op != Op::Diff && end != End::Count;
        match () {
            () if combines_scores && more >= keys && args.is(i, "WEIGHTS") => {
                for (n, source) in plan.sources.iter_mut().enumerate() {
                    let weight = parse_f64(args.get(i + 1 + n));
                    source.weight = weight.ok_or(Refusal::fixed("ERR weight value is not a float"))?;
                }
                i += keys;
            }
            () if combines_scores && more >= 1 && args.is(i, "AGGREGATE") => {
                plan.aggregate = Aggregate::of(args.get(i + 1))?;
                i += 1;
            }
            () if end == End::Reply && args.is(i, "WITHSCORES") => plan.with_scores = true,
            () if end == End::Count && more >= 1 && args.is(i, "LIMIT") => {
                plan.limit = positive(args.get(i + 1)).ok_or(Refusal::fixed("ERR LIMIT can't be negative"))?;
                i += 1;
            }
            () => return Err(Refusal::SYNTAX),
        }
        i += 1;
    }
    Ok(())
}

/// Carries a combination out.
pub(super) fn run(call: &mut Call, op: Op, end: End) -> Outcome {
    let mut plan = plan(call, op, end)?;
    let limits = limits(call.shard);
    if op != Op::Diff {
        // Smallest first: the fewest look-ups. Sums are in this order, as in Redis.
        plan.sources.sort_by_key(Source::len);
    }
    if end == End::Count {
        let most = if plan.limit == 0 { usize::MAX } else { usize::try_from(plan.limit).unwrap_or(usize::MAX) };
        call.out.int(inter(&plan).take(most).count() as i64);
        return Ok(());
    }
    let has_big = |source: &Source| matches!(&source.value, Some(Object::Zset(zset)) if zset.as_pack().is_none());
    // Packs hold no -0, which only big inputs and weights not above 0 bring about: a result with it is made big first.
    let never_packed = Limits { zset_max_listpack_entries: 0, ..limits };
    let is_big = plan.sources.iter().any(|source| source.weight <= 0.0 || has_big(source));
    let made = if is_big { never_packed } else { limits };
    let mut result = match op {
        Op::Union => union(&plan, &made),
        Op::Inter => collect(inter(&plan), &made),
        Op::Diff => collect(diff(&plan), &made),
    };
    if end == End::Store {
        result.shrink(&limits);
        let event = match op {
            Op::Union => "zunionstore",
            Op::Inter => "zinterstore",
            Op::Diff => "zdiffstore",
        };
        return store(call, 1, result, event);
    }
    let view = result.view();
    reply_members(call.out, view.iter(), view.len(), plan.with_scores);
    Ok(())
}

fn collect<'a>(members: impl Iterator<Item = (Item<'a>, f64)>, limits: &Limits) -> Zset {
    let (mut result, mut digits) = (Zset::default(), itoa::Buffer::new());
    for (member, score) in members {
        result.insert(member.text(&mut digits), score, limits);
    }
    result
}

fn union(plan: &Plan, limits: &Limits) -> Zset {
    let (mut result, mut digits) = (Zset::default(), itoa::Buffer::new());
    for source in &plan.sources {
        for (member, score) in source.members() {
            let score = number(score * source.weight);
            let join = |old: Option<f64>| Some(old.map_or(score, |old| plan.aggregate.join(old, score)));
            result.update(member.text(&mut digits), limits, join);
        }
    }
    result
}

fn inter(plan: &Plan) -> impl Iterator<Item = (Item<'_>, f64)> {
    let (first, others) = match plan.sources.split_first() {
        Some((first, others)) => (Some(first), others),
        None => (None, &[][..]),
    };
    let mut digits = itoa::Buffer::new();
    first.into_iter().flat_map(|first| first.members().map(|(member, score)| (member, number(score * first.weight)))).filter_map(
        move |(member, mut score)| {
            let text = member.text(&mut digits);
            for other in others {
                score = plan.aggregate.join(score, other.score(text)? * other.weight);
            }
            Some((member, score))
        },
    )
}

fn diff(plan: &Plan) -> impl Iterator<Item = (Item<'_>, f64)> {
    let mut digits = itoa::Buffer::new();
    let others = plan.sources.get(1..).unwrap_or_default();
    plan.sources.first().into_iter().flat_map(Source::members).filter(move |(member, _)| {
        let text = member.text(&mut digits);
        others.iter().all(|other| other.score(text).is_none())
    })
}
