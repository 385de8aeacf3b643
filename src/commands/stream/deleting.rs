//! How XDELEX and XACKDEL delete: their words, what becomes of each entry, what is recorded.
//! Ref: redis.io/commands/xdelex (8.2)

use super::shared::id;
use super::trimming::{Refs, drop_refs, record_ids};
use crate::base::num::parse_i64;
use crate::data::stream::{Id, Stream};
use crate::spec::effect::Class;
use crate::spec::{Arg, Call, Refusal};

/// The IDs of XDELEX and XACKDEL.
pub const IDS: Arg = Arg::block("ids", &[Arg::integer("numids"), Arg::string("id").multiple()]).token("IDS");

/// Reads the words from `i` on.
pub fn plan(call: &Call, mut i: usize) -> Result<(Refs, Vec<Id>), Refusal> {
    let (mut refs, mut ids) = (None, None);
    while i < call.args.len() {
        if let Some(policy) = Refs::of(call.arg(i)) {
            if refs.replace(policy).is_some() {
                return Err(Refusal::SYNTAX);
            }
            i += 1;
        } else if call.args.is(i, "IDS") && ids.is_none() {
            let count = call.args.try_get(i + 1).ok_or(Refusal::SYNTAX)?;
            let count = parse_i64(count).and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
            let count = count.ok_or(Refusal::fixed("ERR Number of IDs must be a positive integer"))?;
            if count > call.args.len() - (i + 2) {
                return Err(Refusal::fixed("ERR The `numids` parameter must match the number of arguments"));
            }
            ids = Some(call.args.from(i + 2).take(count).map(|word| id(word, 0)).collect::<Result<Vec<Id>, _>>()?);
            i += 2 + count;
        } else {
            return Err(Refusal::SYNTAX);
        }
    }
    Ok((refs.unwrap_or_default(), ids.ok_or(Refusal::SYNTAX)?))
}

/// What became of the entries.
#[derive(Default)]
pub struct Done {
    /// -1 = there was none, 1 = it is gone, 2 = it stays because a group needs it.
    pub results: Vec<i64>,
    /// Entries that are gone.
    pub deleted: Vec<Id>,
    /// References that went: group and IDs.
    pub acked: Vec<(Vec<u8>, Vec<Id>)>,
}

impl Done {
    /// Deletes one entry as `refs` allows; the result.
    pub fn delete(&mut self, stream: &mut Stream, id: Id, refs: Refs) -> i64 {
        if refs == Refs::Acked && stream.log().contains(id) && stream.is_wanted(id) {
            return 2;
        }
        if refs == Refs::Drop {
            self.acked.extend(drop_refs(stream, &[id]));
        }
        if !stream.delete(id) {
            return -1;
        }
        self.deleted.push(id);
        1
    }

    /// Replies, tells and records it.
    pub fn finish(self, call: &mut Call) {
        call.out.array(self.results.len());
        self.results.iter().for_each(|result| call.out.int(*result));
        if !self.deleted.is_empty() {
            call.event(Class::Stream, "xdel", 1);
        }
        let key = call.arg(1);
        call.no_effect();
        for (group, ids) in &self.acked {
            record_ids(call, &[b"XACK", key, group], ids);
        }
        record_ids(call, &[b"XDEL", key], &self.deleted);
    }
}
