//! How XADD and XTRIM trim: the words that say it, the trimming, and the words that repeat it exactly.
//! Ref: redis.io/commands/xtrim

use super::shared::{NewId, digits, id, integer, new_id};
use crate::data::stream::{Id, Keep, Stream, Trim};
use crate::spec::{Arg, Args, Call, Refusal};

/// What becomes of references that groups hold to entries that go. Since 8.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Refs {
    /// They stay.
    #[default]
    Keep,
    /// They go too.
    Drop,
    /// Entries that a group still needs stay.
    Acked,
}

impl Refs {
    /// The policy that `word` names.
    pub fn of(word: &[u8]) -> Option<Refs> {
        [("KEEPREF", Refs::Keep), ("DELREF", Refs::Drop), ("ACKED", Refs::Acked)]
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, refs)| refs)
    }
}

/// The trimming of XADD and XTRIM.
pub const TRIM: Arg = Arg::block(
    "trim",
    &[
        Arg::one_of("strategy", &[Arg::word("maxlen", "MAXLEN"), Arg::word("minid", "MINID").since("6.2.0")]),
        Arg::one_of("operator", &[Arg::word("equal", "="), Arg::word("approximately", "~")]).optional(),
        Arg::string("threshold"),
        Arg::integer("count").token("LIMIT").optional().since("6.2.0"),
    ],
);

/// What becomes of references of groups.
pub const POLICY: Arg =
    Arg::one_of("condition", &[Arg::word("keepref", "KEEPREF"), Arg::word("delref", "DELREF"), Arg::word("acked", "ACKED")])
        .optional()
        .since("8.2.0");

/// The options of XADD and XTRIM.
pub struct Plan {
    /// How to trim, if at all.
    pub trim: Option<Trim>,
    /// What becomes of references of groups.
    pub refs: Refs,
    /// A missing stream is not made (XADD).
    pub no_mkstream: bool,
    /// Of XADD: the word of the ID, and what it says.
    pub id_at: usize,
    pub id: NewId,
}

/// Options from word 2 on; of XADD up to the ID.
pub fn plan(args: &Args, is_add: bool, node_max_entries: i64) -> Result<Plan, Refusal> {
    let mut plan = Plan { trim: None, refs: Refs::Keep, no_mkstream: false, id_at: args.len(), id: NewId::Auto };
    let mut limit: Option<i64> = None;
    let mut refs = None;
    let mut i = 2;
    while i < args.len() {
        let (word, more) = (args.get(i), args.len() - 1 - i);
        if is_add && word == b"*" {
            plan.id_at = i;
            break;
        }
        let is_maxlen = args.is(i, "MAXLEN");
        if (is_maxlen || args.is(i, "MINID")) && more > 0 {
            i = threshold(args, i, is_maxlen, &mut plan)?;
        } else if args.is(i, "LIMIT") && more > 0 {
            let number = integer(args.get(i + 1))?;
            if number < 0 {
                return Err(Refusal::fixed("ERR The LIMIT argument must be >= 0."));
            }
            limit = Some(number);
            i += 1;
        } else if is_add && args.is(i, "NOMKSTREAM") {
            plan.no_mkstream = true;
        } else if let Some(policy) = Refs::of(word) {
            if refs.replace(policy).is_some() {
                return Err(Refusal::SYNTAX);
            }
            plan.refs = policy;
        } else if is_add {
            plan.id = new_id(word)?;
            plan.id_at = i;
            break;
        } else {
            return Err(Refusal::SYNTAX);
        }
        i += 1;
    }
    if limit.is_some_and(|limit| limit > 0) && plan.trim.is_none() {
        return Err(Refusal::fixed("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"));
    }
    if !is_add && plan.trim.is_none() {
        return Err(Refusal::fixed("ERR syntax error, XTRIM must be called with a trimming strategy"));
    }
    bound(&mut plan, limit, node_max_entries)?;
    Ok(plan)
}

/// `MAXLEN|MINID [=|~] threshold` from word `i` on; the word of the threshold.
fn threshold(args: &Args, i: usize, is_maxlen: bool, plan: &mut Plan) -> Result<usize, Refusal> {
    if plan.trim.is_some() {
        return Err(Refusal::fixed("ERR syntax error, MAXLEN and MINID options at the same time are not compatible"));
    }
    let has_sign = args.len() - 1 - i >= 2 && matches!(args.get(i + 1), b"~" | b"=");
    let at = if has_sign { i + 2 } else { i + 1 };
    let is_about = has_sign && args.get(i + 1) == b"~";
    let keep = if is_maxlen {
        let most = integer(args.get(at))?;
        Keep::Newest(u64::try_from(most).map_err(|_| Refusal::fixed("ERR The MAXLEN argument must be >= 0."))?)
    } else {
        Keep::From(id(args.get(at), 0)?)
    };
    plan.trim = Some(Trim { keep, is_about, limit: 0 });
    Ok(at)
}

/// How many entries may go at once.
fn bound(plan: &mut Plan, limit: Option<i64>, node_max_entries: i64) -> Result<(), Refusal> {
    let is_about = plan.trim.is_some_and(|trim| trim.is_about);
    let most = match limit {
        Some(_) if !is_about => return Err(Refusal::fixed("ERR syntax error, LIMIT cannot be used without the special ~ option")),
        Some(limit) => limit,
        None if is_about => match node_max_entries.saturating_mul(100) {
            ..=0 => 10_000,
            most => most.min(1_000_000),
        },
        None => 0,
    };
    if let Some(trim) = &mut plan.trim {
        trim.limit = most.unsigned_abs();
    }
    Ok(())
}

/// What trimming did.
#[derive(Default)]
pub struct Trimmed {
    /// Number of entries that went.
    pub removed: u64,
    /// Entries that went from among others that stayed: replayed as XDEL.
    pub deleted: Vec<Id>,
    /// References that went: group and IDs, replayed as XACK.
    pub acked: Vec<(Vec<u8>, Vec<Id>)>,
}

/// Trims `stream`.
pub fn trim(stream: &mut Stream, trim: &Trim, refs: Refs) -> Trimmed {
    match refs {
        Refs::Keep => Trimmed { removed: stream.trim(trim), ..Trimmed::default() },
        Refs::Drop => {
            let gone = doomed(stream, trim, false);
            let removed = stream.trim(trim);
            Trimmed { removed, deleted: Vec::new(), acked: drop_refs(stream, &gone) }
        }
        Refs::Acked => {
            let mut deleted = doomed(stream, trim, true);
            deleted.retain(|id| stream.delete(*id));
            Trimmed { removed: deleted.len() as u64, deleted, acked: Vec::new() }
        }
    }
}

/// The entries that trimming removes. `only_acked`: passing over those that a group still needs.
fn doomed(stream: &Stream, trim: &Trim, only_acked: bool) -> Vec<Id> {
    let mut gone = Vec::new();
    let mut left = stream.facts.length;
    let mut considered = 0;
    for block in stream.log().blocks() {
        let live = u64::from(block.live);
        considered += live;
        let is_whole = match trim.keep {
            Keep::Newest(most) => left.saturating_sub(live) >= most,
            Keep::From(id) => block.last < id,
        };
        if (trim.limit > 0 && considered > trim.limit) || (trim.is_about && !is_whole) {
            break;
        }
        for entry in block.iter().filter(|entry| !entry.is_deleted) {
            let is_kept = match trim.keep {
                Keep::Newest(most) => left <= most,
                Keep::From(id) => entry.id >= id,
            };
            if is_kept {
                return gone;
            }
            if !(only_acked && stream.is_wanted(entry.id)) {
                gone.push(entry.id);
                left -= 1;
            }
        }
    }
    gone
}

/// Takes `ids` out of all groups; which of them were pending in which group.
pub fn drop_refs(stream: &mut Stream, ids: &[Id]) -> Vec<(Vec<u8>, Vec<Id>)> {
    let holds = |group: &crate::data::stream::Group| ids.iter().any(|id| group.get(*id).is_some());
    let names: Vec<Vec<u8>> = stream.groups().filter(|(_, group)| holds(group)).map(|(name, _)| name.to_vec()).collect();
    let mut acked = Vec::new();
    for name in names {
        if let Some((mut group, ..)) = stream.group_mut(&name) {
            let own = ids.iter().copied().filter(|id| group.ack(*id)).collect();
            acked.push((name, own));
        }
    }
    acked
}

/// The words that trim exactly as far as was trimmed.
pub fn exact_words(stream: &Stream, trim: &Trim) -> [Vec<u8>; 3] {
    match trim.keep {
        Keep::Newest(most) => {
            let most = if trim.is_about { stream.facts.length } else { most };
            [b"MAXLEN".to_vec(), b"=".to_vec(), digits(most as i64)]
        }
        Keep::From(id) => {
            let first = if stream.facts.length == 0 { Id::MAX } else { stream.facts.first };
            let id = if trim.is_about { first } else { id };
            [b"MINID".to_vec(), b"=".to_vec(), id.text().to_vec()]
        }
    }
}

/// Records what older words for trimming cannot say: entries deleted among others, references dropped.
pub fn record_rest(call: &mut Call, trimmed: &Trimmed) {
    let key = call.arg(1);
    record_ids(call, &[b"XDEL", key], &trimmed.deleted);
    for (group, ids) in &trimmed.acked {
        record_ids(call, &[b"XACK", key, group], ids);
    }
}

/// Records `words` and the IDs, if there are any.
pub fn record_ids(call: &mut Call, words: &[&[u8]], ids: &[Id]) {
    if call.shard.fx.is_on && !ids.is_empty() {
        let texts: Vec<_> = ids.iter().map(|id| id.text()).collect();
        let words: Vec<&[u8]> = words.iter().copied().chain(texts.iter().map(|text| &**text)).collect();
        call.effect(&words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Span;

    fn plan_of(words: &[&str]) -> Result<Plan, Refusal> {
        let base = words.concat().into_bytes();
        let mut start = 0;
        let spans: Vec<Span> = words
            .iter()
            .map(|word| {
                start += word.len() as u32;
                Span { start: start - word.len() as u32, len: word.len() as u32 }
            })
            .collect();
        plan(&Args { base: &base, spans: &spans }, true, 100)
    }

    #[test]
    fn approximate_trimming_is_bounded_unless_told_otherwise() {
        let limit = |words: &[&str]| plan_of(words).ok().and_then(|plan| plan.trim).map(|trim| trim.limit);
        assert_eq!(limit(&["XADD", "k", "MAXLEN", "~", "5", "*", "f", "v"]), Some(10_000));
        assert_eq!(limit(&["XADD", "k", "MAXLEN", "~", "5", "LIMIT", "0", "*", "f", "v"]), Some(0));
        assert_eq!(limit(&["XADD", "k", "MAXLEN", "=", "5", "*", "f", "v"]), Some(0));
        assert_eq!(limit(&["XADD", "k", "MAXLEN", "5", "LIMIT", "1", "*", "f", "v"]), None);
    }
}
