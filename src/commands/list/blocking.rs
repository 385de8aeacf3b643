//! What the blocking list commands have in common. Ref: redis.io/commands/blpop

use super::shared::{len_to_write, pop};
use crate::data::list::Side;
use crate::keyspace::Kind;
use crate::spec::{Call, Outcome};

/// BLPOP, BRPOP: pops from the first of the keys before the last word that is a list, and replies key and element.
pub(super) fn pop_or_block(call: &mut Call, side: Side) -> Outcome {
    let last = call.args.len() - 1;
    let until = call.timeout_seconds(last)?;
    for i in 1..last {
        if len_to_write(call, i)?.is_none() {
            continue;
        }
        let (key, start) = (call.arg(i), call.out.buf.len());
        call.out.array(2);
        call.out.bulk(key);
        if let Err(refusal) = pop(call, i, side, 1) {
            call.out.buf.truncate(start);
            return Err(refusal);
        }
        let name: &[u8] = if side == Side::Left { b"LPOP" } else { b"RPOP" };
        call.effect(&[name, key]);
        return Ok(());
    }
    call.block_or_null(1..last, Kind::List, until);
    Ok(())
}

/// BLMOVE, BRPOPLPUSH: moves an element from the list at word 1 to that at word 2, or waits until there is one. The timeout is
/// the last word.
pub(super) fn move_or_block(call: &mut Call, from: Side, to: Side) -> Outcome {
    let until = call.timeout_seconds(call.args.len() - 1)?;
    if len_to_write(call, 1)?.is_none() {
        if call.may_block() {
            call.block_or_null(1..2, Kind::List, until);
        } else {
            call.out.null();
        }
        return Ok(());
    }
    super::shared::move_element(call, 1, 2, from, to)?;
    let word = |side| -> &[u8] { if side == Side::Left { b"left" } else { b"right" } };
    let (source, target) = (call.arg(1), call.arg(2));
    if call.args.is(0, "BRPOPLPUSH") {
        call.effect(&[b"RPOPLPUSH", source, target]);
    } else {
        call.effect(&[b"LMOVE", source, target, word(from), word(to)]);
    }
    Ok(())
}
