//! What the blocking commands on sorted sets have in common, and ZMPOP with BZMPOP.
//! Ref: redis.io/commands/bzpopmin, redis.io/commands/bzmpop

use super::shared::{End, pop_first, positive, reply_popped_with_key};
use crate::keyspace::Kind;
use crate::spec::{Call, Outcome, Refusal};
use std::ops::Range;

/// BZPOPMIN, BZPOPMAX: pops from the first of the keys before the last word that has a member, and replies key, member, score.
pub(super) fn pop_or_block(call: &mut Call, end: End) -> Outcome {
    let last = call.args.len() - 1;
    let until = call.timeout_seconds(last)?;
    let Some((word, popped)) = pop_first(call, 1..last, end, 1)? else {
        call.block_or_null(1..last, Kind::Zset, until);
        return Ok(());
    };
    let key = call.arg(word);
    call.out.array(3);
    call.out.bulk(key);
    for (member, score) in &popped {
        call.out.bulk(member);
        call.out.double(*score);
    }
    call.effect(&[end.command(), key]);
    Ok(())
}

/// The words of ZMPOP and BZMPOP.
pub(super) struct PopPlan {
    /// The words that are keys.
    pub keys: Range<usize>,
    end: End,
    count: u64,
}

impl PopPlan {
    /// `numkeys` is word `at`.
    pub fn read(call: &Call, at: usize) -> Result<PopPlan, Refusal> {
        const KEYS: Refusal = Refusal::fixed("ERR numkeys should be greater than 0");
        const COUNT: Refusal = Refusal::fixed("ERR count should be greater than 0");
        let args = call.args;
        let keys = positive(args.get(at)).filter(|n| *n > 0).ok_or(KEYS)?;
        let place = usize::try_from(keys).ok().and_then(|n| n.checked_add(at + 1));
        let place = place.filter(|i| *i < args.len()).ok_or(Refusal::SYNTAX)?;
        let end = End::of(args.get(place)).ok_or(Refusal::SYNTAX)?;
        let mut count = None;
        let mut i = place + 1;
        while i < args.len() {
            if count.is_some() || !args.is(i, "COUNT") || i + 1 >= args.len() {
                return Err(Refusal::SYNTAX);
            }
            count = Some(positive(args.get(i + 1)).filter(|n| *n > 0).ok_or(COUNT)?);
            i += 2;
        }
        Ok(PopPlan { keys: at + 1..place, end, count: count.unwrap_or(1) })
    }
}

/// Pops what `plan` says and replies it. False, and no reply, if no key has a member. Recorded as ZPOPMIN or ZPOPMAX with the number of members.
pub(super) fn pop_and_reply(call: &mut Call, plan: &PopPlan) -> Result<bool, Refusal> {
    let Some((word, popped)) = pop_first(call, plan.keys.clone(), plan.end, plan.count)? else { return Ok(false) };
    let key = call.arg(word);
    reply_popped_with_key(call.out, key, &popped);
    call.effect(&[plan.end.command(), key, itoa::Buffer::new().format(popped.len()).as_bytes()]);
    Ok(true)
}
