//! Entry IDs: a millisecond and a number within it, in that order. Layer 1, part of `stream`.
//!
//! Invariant: the text is canonical, two decimal numbers with a minus between.
//! Ref: redis.io/docs/latest/develop/data-types/streams

/// The ID of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Id {
    /// Unix time in milliseconds, or whatever the client chose.
    pub ms: u64,
    /// Number within the millisecond.
    pub seq: u64,
}

impl Id {
    /// `0-0`, which no entry has.
    pub const MIN: Id = Id { ms: 0, seq: 0 };
    /// The greatest.
    pub const MAX: Id = Id { ms: u64::MAX, seq: u64::MAX };

    /// `ms-seq`.
    #[must_use]
    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// The one after it; `None` after the greatest.
    #[must_use]
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The one before it; `None` before `0-0`.
    #[must_use]
    pub fn prev(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// Sixteen bytes that sort as IDs do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    /// The ID whose `to_bytes` is `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Id {
        let both = u128::from_be_bytes(bytes);
        Id { ms: (both >> 64) as u64, seq: both as u64 }
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> IdText {
        let mut text = IdText { bytes: [0; 41], len: 0 };
        text.push(itoa::Buffer::new().format(self.ms).as_bytes());
        text.push(b"-");
        text.push(itoa::Buffer::new().format(self.seq).as_bytes());
        text
    }
}

/// The text of an ID, kept where it is made.
#[derive(Clone, Copy)]
pub struct IdText {
    /// Two numbers of at most 20 digits and the minus.
    bytes: [u8; 41],
    len: usize,
}

impl IdText {
    fn push(&mut self, part: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + part.len()) {
            place.copy_from_slice(part);
            self.len += part.len();
        }
    }
}

impl std::ops::Deref for IdText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_carry_over_the_sequence() {
        assert_eq!(Id::new(1, u64::MAX).next(), Some(Id::new(2, 0)));
        assert_eq!(Id::new(2, 0).prev(), Some(Id::new(1, u64::MAX)));
        assert_eq!(Id::MAX.next(), None);
        assert_eq!(Id::MIN.prev(), None);
    }

    #[test]
    fn texts_and_bytes_say_the_same() {
        assert_eq!(&*Id::MAX.text(), b"18446744073709551615-18446744073709551615");
        assert_eq!(&*Id::new(12, 0).text(), b"12-0");
        let id = Id::new(0x0102, 0x0304);
        assert_eq!(Id::from_bytes(id.to_bytes()), id);
        assert!(Id::new(1, u64::MAX).to_bytes() < Id::new(2, 0).to_bytes());
    }
}
