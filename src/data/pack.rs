//! The packed form of small collections: elements one after the other in one piece of memory.
//!
//! Layer 1. Elements are encoded as in a listpack, so that DUMP and files need no conversion and thresholds counted in
//! listpack bytes are exact; the listpack's own length field and end mark are left out:
//!
//! ```text
//! u16 LE   number of elements, 0xFFFF = that many or more: count by walking
//! element  encoding and data, then the length of those two backwards (1 to 5 bytes), so that it can be walked both ways
//!   0xxxxxxx                  0..=127                    110xxxxx + 1     13-bit signed number
//!   10LLLLLL + bytes          up to 63 bytes             F1 F2 F3 F4      i16, i24, i32, i64 LE
//!   1110LLLL + 1 + bytes      up to 4095 bytes           F0 + u32 LE      longer bytes
//! ```
//! Invariants: a pack was written by this file, or checked by [`from_listpack`]; text that is the canonical decimal
//! form of an `i64` is stored as that number. Reading a damaged pack ends early, it never panics or reads elsewhere.
//!
//! Ref: redis.io/docs/latest/develop/reference/protocol-spec is silent on it; the layout is that of DUMP payloads.

use crate::base::num::parse_i64;

/// Bytes before the first element.
pub const HEAD: usize = 2;
/// What a listpack has and a pack has not: total length and end mark.
const LISTPACK_EXTRA: usize = 5;
const UNKNOWN: u16 = u16::MAX;
/// Longest decimal text of an `i64`.
const NUMBER_TEXT_MAX: usize = 20;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Stored as a number; its text is the canonical decimal form.
    Int(i64),
    /// Stored as bytes.
    Text(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The element as it is stored in a pack: numbers are recognised.
    #[inline]
    #[must_use]
    pub fn of(text: &'a [u8]) -> Item<'a> {
        number_of(text).map_or(Item::Text(text), Item::Int)
    }

    /// Its text; `buffer` holds the digits of a number.
    #[inline]
    #[must_use]
    pub fn text<'b>(&self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Item::Int(n) => buffer.format(n).as_bytes(),
            Item::Text(text) => text,
        }
    }

    /// Whether its text is `text`.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        match *self {
            Item::Int(n) => number_of(text) == Some(n),
            Item::Text(own) => own == text,
        }
    }

    /// Its text, owned.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.text(&mut itoa::Buffer::new()).to_vec()
    }
}

/// The number whose canonical decimal text is `text`.
#[inline]
#[must_use]
pub fn number_of(text: &[u8]) -> Option<i64> {
    match text.first() {
        Some(b'0'..=b'9' | b'-') if text.len() <= NUMBER_TEXT_MAX => parse_i64(text),
        _ => None,
    }
}

/// A pack, to read. Offsets are byte positions of elements in it; they are valid until it changes.
#[derive(Clone, Copy, Debug)]
pub struct Pack<'a>(&'a [u8]);

impl<'a> Pack<'a> {
    /// `bytes`: a whole pack; an empty slice counts as a pack without elements.
    #[inline]
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Pack<'a> {
        Pack(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Number of elements. O(1) below 65,535.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0.first_chunk::<2>().map(|c| u16::from_le_bytes(*c)) {
            None => 0,
            Some(UNKNOWN) => self.iter().count(),
            Some(n) => usize::from(n),
        }
    }

    /// Whether it has no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() <= HEAD
    }

    /// Bytes of a listpack with these elements.
    #[must_use]
    pub fn listpack_bytes(&self) -> usize {
        self.0.len().max(HEAD) + LISTPACK_EXTRA
    }

    /// The element at `offset` and the offset behind it; `None` at the end.
    #[inline]
    #[must_use]
    pub fn at(&self, offset: usize) -> Option<(Item<'a>, usize)> {
        let (item, size) = decode(self.0.get(offset..)?)?;
        Some((item, offset + size + back_len(size)))
    }

    /// The offset of the element that ends at `offset`; `None` at the front.
    #[inline]
    #[must_use]
    pub fn before(&self, offset: usize) -> Option<usize> {
        if offset <= HEAD {
            return None;
        }
        let head = self.0.get(..offset)?;
        let (mut size, mut shift) = (0usize, 0u32);
        for (n, byte) in head.iter().rev().take(5).enumerate() {
            size |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return offset.checked_sub(size + n + 1).filter(|&at| at >= HEAD);
            }
        }
        None
    }

    /// The offset of element `index`, negative from the end; `None` out of range. O(distance to the nearer end).
    #[must_use]
    pub fn seek(&self, index: i64) -> Option<usize> {
        let len = self.len() as i64;
        let index = if index < 0 { index + len } else { index };
        if !(0..len).contains(&index) {
            return None;
        }
        if index < len / 2 {
            let mut at = HEAD;
            for _ in 0..index {
                at = self.at(at)?.1;
            }
            return Some(at);
        }
        let mut at = self.0.len();
        for _ in index..len {
            at = self.before(at)?;
        }
        Some(at)
    }

    /// Element `index`, negative from the end.
    #[must_use]
    pub fn get(&self, index: i64) -> Option<Item<'a>> {
        Some(self.at(self.seek(index)?)?.0)
    }

    /// Elements in order; `rev` works.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        Iter { pack: *self, front: HEAD, back: self.0.len() }
    }

    /// Elements in order from the element at `offset` on.
    #[must_use]
    pub fn iter_from(&self, offset: usize) -> Iter<'a> {
        Iter { pack: *self, front: offset.max(HEAD), back: self.0.len() }
    }

    /// Offset and index of the first element whose text is `text`, looking at every `stride`-th from the first on
    /// (1 = all, 2 = the fields of a hash).
    #[must_use]
    pub fn find(&self, text: &[u8], stride: usize) -> Option<(usize, usize)> {
        let wanted = Item::of(text);
        let (mut at, mut index) = (HEAD, 0);
        loop {
            let (item, next) = self.at(at)?;
            if item == wanted {
                return Some((at, index));
            }
            at = next;
            for _ in 1..stride {
                at = self.at(at)?.1;
            }
            index += stride;
        }
    }

    /// Appends the listpack with these elements.
    pub fn write_listpack(&self, out: &mut Vec<u8>) {
        let elements = self.0.get(HEAD..).unwrap_or_default();
        out.extend_from_slice(&(self.listpack_bytes() as u32).to_le_bytes());
        out.extend_from_slice(self.0.first_chunk::<2>().unwrap_or(&[0, 0]));
        out.extend_from_slice(elements);
        out.push(0xFF);
    }
}

/// Elements of a pack.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    pack: Pack<'a>,
    front: usize,
    back: usize,
}

impl Iter<'_> {
    /// Offset of the next element from the front.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.front
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (item, next) = self.pack.at(self.front)?;
        self.front = next;
        Some(item)
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Item<'a>> {
        if self.back <= self.front {
            return None;
        }
        self.back = self.pack.before(self.back)?;
        Some(self.pack.at(self.back)?.0)
    }
}

/// A pack without elements.
#[must_use]
pub fn empty() -> Vec<u8> {
    vec![0; HEAD]
}

/// Bytes that `text` takes as an element.
#[must_use]
pub fn size_of(text: &[u8]) -> usize {
    let size = match Item::of(text) {
        Item::Int(n) => int_len(n),
        Item::Text(t) => text_head(t.len()) + t.len(),
    };
    size + back_len(size)
}

/// Adds an element at the end.
#[inline]
pub fn push(pack: &mut Vec<u8>, text: &[u8]) {
    push_item(pack, Item::of(text));
}

/// Adds an element at the end; a `Text` that is a number is the caller's mistake.
pub fn push_item(pack: &mut Vec<u8>, item: Item) {
    if pack.len() < HEAD {
        pack.resize(HEAD, 0);
    }
    encode(pack, item);
    recount(pack, 1, 0);
}

/// Puts an element before the one at `offset` (the pack's length for the end).
pub fn insert(pack: &mut Vec<u8>, offset: usize, text: &[u8]) {
    splice(pack, offset, 0, &[text]);
}

/// Takes out `count` elements from the one at `offset` on; fewer at the end.
pub fn remove(pack: &mut Vec<u8>, offset: usize, count: usize) {
    splice(pack, offset, count, &[]);
}

/// Puts `text` in place of the element at `offset`.
pub fn replace(pack: &mut Vec<u8>, offset: usize, text: &[u8]) {
    splice(pack, offset, 1, &[text]);
}

/// Takes out `count` elements from the one at `offset` on and puts `texts` there.
pub fn splice(pack: &mut Vec<u8>, offset: usize, count: usize, texts: &[&[u8]]) {
    if pack.len() < HEAD {
        pack.resize(HEAD, 0);
    }
    let view = Pack::new(pack);
    let offset = offset.clamp(HEAD, pack.len());
    let (mut end, mut removed) = (offset, 0);
    while removed < count
        && let Some((_, next)) = view.at(end)
    {
        end = next;
        removed += 1;
    }
    let mut fresh = Vec::with_capacity(texts.iter().map(|t| t.len() + 10).sum());
    texts.iter().for_each(|text| encode(&mut fresh, Item::of(text)));
    let end = end.min(pack.len());
    pack.splice(offset..end, fresh);
    recount(pack, texts.len(), removed);
}

/// Elements more and fewer; the count is walked again when it leaves what the field can say.
fn recount(pack: &mut [u8], more: usize, fewer: usize) {
    let Some(old) = pack.first_chunk::<2>().map(|c| u16::from_le_bytes(*c)) else { return };
    let new = if old == UNKNOWN {
        if fewer == 0 {
            return;
        }
        let mut at = HEAD;
        let mut count = 0usize;
        let view = Pack::new(pack);
        while let Some((_, next)) = view.at(at) {
            at = next;
            count += 1;
        }
        count
    } else {
        (usize::from(old) + more).saturating_sub(fewer)
    };
    let new = u16::try_from(new).unwrap_or(UNKNOWN);
    if let Some(head) = pack.first_chunk_mut::<2>() {
        *head = new.to_le_bytes();
    }
}

/// The pack with a listpack's elements, every length and count checked, as a strict reader does.
/// `None` when `bytes` is not one whole listpack.
#[must_use]
pub fn from_listpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*head) as usize != bytes.len() {
        return None;
    }
    let (&end, pack) = rest.split_last()?;
    if end != 0xFF || pack.len() < HEAD {
        return None;
    }
    let (view, mut at, mut count) = (Pack::new(pack), HEAD, 0usize);
    while at < pack.len() {
        let (_, size) = decode(pack.get(at..)?)?;
        let next = at + size + back_len(size);
        if next > pack.len() || view.before(next)? != at {
            return None;
        }
        at = next;
        count += 1;
    }
    let said = u16::from_le_bytes(*pack.first_chunk::<2>()?);
    let is_right = said == UNKNOWN || usize::from(said) == count;
    let mut pack = pack.to_vec();
    // A count that the field could hold is written down, so that `len` is cheap.
    *pack.first_chunk_mut::<2>()? = u16::try_from(count).unwrap_or(UNKNOWN).to_le_bytes();
    is_right.then_some(pack)
}

/// Element at the front of `bytes` and its size without the backward length. `None` at the end or where it is damaged.
#[inline]
fn decode(bytes: &[u8]) -> Option<(Item<'_>, usize)> {
    let first = *bytes.first()?;
    let text = |head: usize, len: usize| Some((Item::Text(bytes.get(head..head.checked_add(len)?)?), head + len));
    match first {
        0..=0x7F => Some((Item::Int(i64::from(first)), 1)),
        0x80..=0xBF => text(1, usize::from(first & 0x3F)),
        0xC0..=0xDF => {
            let raw = (i32::from(first & 0x1F) << 8) | i32::from(*bytes.get(1)?);
            Some((Item::Int(i64::from((raw << 19) >> 19)), 2))
        }
        0xE0..=0xEF => text(2, (usize::from(first & 0x0F) << 8) | usize::from(*bytes.get(1)?)),
        0xF0 => text(5, u32::from_le_bytes(*bytes.get(1..)?.first_chunk()?) as usize),
        0xF1 => Some((Item::Int(i64::from(i16::from_le_bytes(*bytes.get(1..)?.first_chunk()?))), 3)),
        0xF2 => {
            let [a, b, c] = *bytes.get(1..)?.first_chunk::<3>()?;
            Some((Item::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)), 4))
        }
        0xF3 => Some((Item::Int(i64::from(i32::from_le_bytes(*bytes.get(1..)?.first_chunk()?))), 5)),
        0xF4 => Some((Item::Int(i64::from_le_bytes(*bytes.get(1..)?.first_chunk()?)), 9)),
        _ => None,
    }
}

fn encode(out: &mut Vec<u8>, item: Item) {
    let start = out.len();
    match item {
        Item::Int(n @ 0..=127) => out.push(n as u8),
        Item::Int(n @ -4096..=4095) => out.extend_from_slice(&[0xC0 | ((n >> 8) as u8 & 0x1F), n as u8]),
        Item::Int(n) => {
            let (mark, len) = match int_len(n) {
                3 => (0xF1, 2),
                4 => (0xF2, 3),
                5 => (0xF3, 4),
                _ => (0xF4, 8),
            };
            out.push(mark);
            out.extend_from_slice(n.to_le_bytes().get(..len).unwrap_or_default());
        }
        Item::Text(text) => {
            match text_head(text.len()) {
                1 => out.push(0x80 | text.len() as u8),
                2 => out.extend_from_slice(&[0xE0 | (text.len() >> 8) as u8, text.len() as u8]),
                _ => {
                    out.push(0xF0);
                    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                }
            }
            out.extend_from_slice(text);
        }
    }
    let size = out.len() - start;
    let len = back_len(size);
    for n in (0..len).rev() {
        let group = (size >> (7 * n)) as u8 & 0x7F;
        out.push(if n + 1 == len { group } else { group | 0x80 });
    }
}

/// Bytes of a number without the backward length.
fn int_len(n: i64) -> usize {
    match n {
        0..=127 => 1,
        -4096..=4095 => 2,
        -32_768..=32_767 => 3,
        -8_388_608..=8_388_607 => 4,
        _ if i32::try_from(n).is_ok() => 5,
        _ => 9,
    }
}

/// Bytes before a text of `len` bytes.
fn text_head(len: usize) -> usize {
    match len {
        0..=63 => 1,
        64..=4095 => 2,
        _ => 5,
    }
}

/// Bytes of the backward length of an element of `size` bytes. The bounds are those of the format, also where one more would fit.
#[inline]
fn back_len(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn texts(pack: &[u8]) -> Vec<Vec<u8>> {
        Pack::new(pack).iter().map(|item| item.to_vec()).collect()
    }

    #[test]
    fn bytes_are_those_of_a_real_listpack() {
        let mut pack = empty();
        for text in ["a", "b", "1", "-1", "300", "100000", "10000000", "5000000000"] {
            push(&mut pack, text.as_bytes());
        }
        let mut listpack = Vec::new();
        Pack::new(&pack).write_listpack(&mut listpack);
        let hex: String = listpack.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "2a000000080081610281620201 01dfff02c12c02f2a0860104f38096980005f400f2052a0100000009ff".replace(' ', ""));
        assert_eq!(from_listpack(&listpack), Some(pack));
    }

    #[test]
    fn backward_lengths_have_the_widths_of_the_format() {
        for (len, bytes) in [(127, 1), (128, 2), (16_382, 2), (16_383, 3), (16_384, 3), (2_097_150, 3), (2_097_151, 4)] {
            assert_eq!(back_len(len), bytes, "{len}");
        }
    }

    #[test]
    fn random_changes_agree_with_a_vector() {
        let mut rng = Rng::new(7);
        let (mut pack, mut model) = (empty(), Vec::<Vec<u8>>::new());
        let draw = |rng: &mut Rng| -> Vec<u8> {
            match rng.below(4) {
                0 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
                1 => vec![b'x'; rng.below(200) as usize],
                2 => vec![b'y'; rng.below(20_000) as usize],
                _ => format!("e{}", rng.below(50)).into_bytes(),
            }
        };
        for _ in 0..4000 {
            let at = rng.below(model.len() as u64 + 1) as usize;
            let offset = if at == model.len() { pack.len() } else { Pack::new(&pack).seek(at as i64).unwrap() };
            match rng.below(5) {
                0 | 1 if model.len() < 60 => {
                    let text = draw(&mut rng);
                    insert(&mut pack, offset, &text);
                    model.insert(at, text);
                }
                2 if at < model.len() => {
                    let text = draw(&mut rng);
                    replace(&mut pack, offset, &text);
                    model[at] = text;
                }
                3 => {
                    let count = (rng.below(3) as usize).min(model.len() - at);
                    remove(&mut pack, offset, count);
                    model.drain(at..at + count);
                }
                _ => {
                    let text = draw(&mut rng);
                    let found = Pack::new(&pack).find(&text, 1).map(|(_, i)| i);
                    assert_eq!(found, model.iter().position(|m| *m == text));
                }
            }
            assert_eq!(Pack::new(&pack).len(), model.len());
            assert_eq!(texts(&pack), model);
        }
        let back: Vec<_> = Pack::new(&pack).iter().rev().map(|item| item.to_vec()).collect();
        assert!(back.iter().eq(model.iter().rev()));
        let mut listpack = Vec::new();
        Pack::new(&pack).write_listpack(&mut listpack);
        assert_eq!(from_listpack(&listpack), Some(pack));
    }

    #[test]
    fn damaged_listpacks_are_refused_and_never_panic() {
        let mut pack = empty();
        for n in 0..40 {
            push(&mut pack, format!("{}", n * n * n * 1001).as_bytes());
            push(&mut pack, &vec![b'z'; n * 7]);
        }
        let mut good = Vec::new();
        Pack::new(&pack).write_listpack(&mut good);
        let mut rng = Rng::new(3);
        for _ in 0..20_000 {
            let mut bad = good.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bad.len() as u64) as usize;
                bad[at] = rng.next_u64() as u8;
            }
            bad.truncate(bad.len() - (rng.below(8) as usize).saturating_sub(6));
            if let Some(pack) = from_listpack(&bad) {
                let count = Pack::new(&pack).iter().count();
                assert_eq!(count, Pack::new(&pack).len());
                assert_eq!(count, Pack::new(&pack).iter().rev().count());
            }
            let _ = Pack::new(&bad).iter().count();
        }
    }
}
