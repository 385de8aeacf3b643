//! The list: one pack while it is small, chunks of packs afterwards.
//!
//! Layer 1. The forms and the moments at which one turns into the other are those of Redis, so that OBJECT ENCODING and
//! the payloads of DUMP agree with it; where bytes lie is our own. Pushing and popping at both ends, and reaching an element
//! by its index, cost the same in the longest list as in a short one, but for a walk over the groups of its chunks.
//!
//! Invariants: the small form is one pack, the long form has no empty chunk; `Clone` copies no element of the long form.
//!
//! ```text
//! List -- Small: Buf (a pack with room at both ends)
//!      `- Long: Quick -> Nodes -> groups of up to 128 -> Arc<Chunk> (a Buf, a compressed pack, or one long element)
//! ```
//! Ref: redis.io/docs/latest/develop/data-types/lists

mod chunk;
mod limit;
mod nodes;
mod quick;
mod read;

pub use chunk::{ListChunk, Side};
pub use read::{Elem, Iter, ListRef, is_same};

use super::collection::{Collection, Limits, collection};
use super::pack::{Item, Pack};
use chunk::{Buf, Chunk, Growth};
use limit::Limit;
use quick::Quick;

/// A list.
#[derive(Clone)]
pub struct List {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Small(Buf),
    Long(Quick),
}

impl Default for List {
    fn default() -> List {
        List { form: Form::Small(Buf::default()) }
    }
}

impl List {
    /// Prepares for `count` more elements of `bytes` bytes of text together: a small list that would grow beyond its limit
    /// takes the long form now. Comes before the pushes of one command.
    pub fn make_room(&mut self, bytes: usize, count: u64, limits: &Limits) {
        if let Form::Small(buf) = &self.form
            && Limit::of(limits).is_exceeded(buf.listpack_bytes() + bytes, u64::from(buf.count()) + count)
        {
            self.lengthen();
        }
    }

    fn lengthen(&mut self) -> &mut Quick {
        loop {
            match self.form {
                Form::Long(ref mut quick) => return quick,
                Form::Small(ref mut buf) => self.form = Form::Long(Quick::of(std::mem::take(buf))),
            }
        }
    }

    /// After elements went away or became shorter: a long list of one chunk that is at most half full is small again.
    pub fn shrink(&mut self, limits: &Limits) {
        if let Form::Long(quick) = &mut self.form
            && let Some((bytes, count)) = quick.single()
            && !Limit::of(limits).is_over_half(bytes, count)
            && let Some(buf) = quick.take_single()
        {
            self.form = Form::Small(buf);
        }
    }

    /// Adds an element at an end, in the form that the list has. [`List::make_room`] comes first.
    #[inline]
    pub fn push(&mut self, side: Side, text: &[u8], limits: &Limits) {
        match &mut self.form {
            Form::Small(buf) => buf.push(side, text, Growth::Tight),
            Form::Long(quick) => quick.push(side, text, limits),
        }
    }

    /// Adds an element at the end.
    pub fn push_back(&mut self, text: &[u8], limits: &Limits) {
        self.make_room(text.len(), 1, limits);
        self.push(Side::Right, text, limits);
    }

    /// Adds an element at the front.
    pub fn push_front(&mut self, text: &[u8], limits: &Limits) {
        self.make_room(text.len(), 1, limits);
        self.push(Side::Left, text, limits);
    }

    /// Adds the elements of a whole pack at the end, as one chunk where it is not much larger than a chunk may be.
    pub fn adopt_pack(&mut self, pack: Vec<u8>, limits: &Limits) {
        let buf = Buf::from_pack(pack);
        if buf.count() == 0 {
            return;
        }
        let limit = Limit::of(limits);
        let is_long = limit.is_exceeded(buf.listpack_bytes(), u64::from(buf.count()));
        match &mut self.form {
            Form::Small(own) if own.count() == 0 && !is_long => *own = buf,
            _ if buf.listpack_bytes() <= 2 * limit.room() => {
                self.lengthen().add_end(Side::Right, Chunk::Raw(buf), limits);
            }
            _ => {
                let quick = self.lengthen();
                let mut digits = itoa::Buffer::new();
                buf.pack().iter().for_each(|item| quick.push(Side::Right, item.text(&mut digits), limits));
            }
        }
    }

    /// Adds one element at the end as a chunk of its own.
    pub fn push_plain(&mut self, text: Vec<u8>, limits: &Limits) {
        self.lengthen().add_end(Side::Right, Chunk::Plain(text.into()), limits);
    }

    /// Takes the element at an end; `take` sees it first. [`List::shrink`] comes after the last one of a command.
    #[inline]
    pub fn pop<R>(&mut self, side: Side, limits: &Limits, take: impl FnOnce(Item) -> R) -> Option<R> {
        match &mut self.form {
            Form::Small(buf) => buf.pop(side, take),
            Form::Long(quick) => quick.pop(side, limits, take),
        }
    }

    /// Takes out `count` elements from element `start` on.
    pub fn remove(&mut self, start: u64, count: u64, limits: &Limits) {
        match &mut self.form {
            Form::Small(buf) => {
                let clamp = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
                buf.remove(clamp(start), clamp(count));
            }
            Form::Long(quick) => quick.remove(start, count, limits),
        }
        self.shrink(limits);
    }

    /// Keeps `count` elements from element `start` on.
    pub fn keep(&mut self, start: u64, count: u64, limits: &Limits) {
        let end = start.saturating_add(count);
        let len = self.view().len();
        if end < len {
            self.remove_only(end, len - end, limits);
        }
        self.remove_only(0, start, limits);
        self.shrink(limits);
    }

    fn remove_only(&mut self, start: u64, count: u64, limits: &Limits) {
        match &mut self.form {
            Form::Small(buf) => buf.remove(start as u32, count as u32),
            Form::Long(quick) => quick.remove(start, count, limits),
        }
    }

    /// Puts `text` in place of element `index`; false when there is none.
    pub fn set(&mut self, index: u64, text: &[u8], limits: &Limits) -> bool {
        if index >= self.view().len() {
            return false;
        }
        self.make_room(text.len(), 1, limits);
        match &mut self.form {
            Form::Small(buf) => {
                if let Some(offset) = buf.pack().seek(index as i64) {
                    buf.replace(offset, text);
                }
            }
            Form::Long(quick) => quick.set(index, text, limits),
        }
        self.shrink(limits);
        true
    }

    /// Puts an element before or behind the first one that is `pivot`; false when there is none, and nothing changed.
    pub fn insert(&mut self, pivot: &[u8], text: &[u8], after: bool, limits: &Limits) -> bool {
        let Some(index) = self.view().find(pivot) else { return false };
        self.make_room(text.len(), 1, limits);
        match &mut self.form {
            Form::Small(buf) => {
                let offset = buf.pack().seek(index as i64 + i64::from(after)).unwrap_or(buf.bytes().len());
                buf.insert(offset, text);
            }
            Form::Long(quick) => {
                if let Some((at, first)) = quick.nodes.locate(index) {
                    quick.insert(quick.nodes.number(at), first, text, after, limits);
                }
            }
        }
        true
    }

    /// Takes out elements whose text is `text`: `most` at most, counted from `side`. Returns how many.
    pub fn remove_equal(&mut self, side: Side, text: &[u8], most: u64, limits: &Limits) -> u64 {
        let removed = match &mut self.form {
            Form::Small(buf) => buf.remove_equal(side, text, most),
            Form::Long(quick) => quick.remove_equal(side, text, most, limits),
        };
        if removed > 0 {
            self.shrink(limits);
        }
        removed
    }
}

impl Collection for List {
    collection!(List);
    const INLINE_MAX: usize = 512;
    type Ref<'a> = ListRef<'a>;

    #[inline]
    fn view(&self) -> ListRef<'_> {
        match &self.form {
            Form::Small(buf) => ListRef::Pack(buf.pack()),
            Form::Long(quick) => ListRef::Quick(quick),
        }
    }

    #[inline]
    fn view_pack(pack: &[u8]) -> ListRef<'_> {
        ListRef::Pack(Pack::new(pack))
    }

    #[inline]
    fn from_pack(pack: Vec<u8>) -> Self {
        List { form: Form::Small(Buf::from_pack(pack)) }
    }

    #[inline]
    fn as_pack(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Small(buf) => Some(buf.bytes()),
            Form::Long(_) => None,
        }
    }

    #[inline]
    fn is_gone(&self) -> bool {
        match &self.form {
            Form::Small(buf) => buf.count() == 0,
            Form::Long(quick) => quick.nodes.len() == 0,
        }
    }

    fn bytes(&self) -> usize {
        match &self.form {
            Form::Small(buf) => buf.capacity(),
            Form::Long(quick) => quick.nodes.bytes(),
        }
    }

    fn free_some(&mut self, budget: usize) -> bool {
        match &mut self.form {
            Form::Small(_) => true,
            Form::Long(quick) => quick.nodes.free_some(budget),
        }
    }
}

#[cfg(test)]
mod tests;
