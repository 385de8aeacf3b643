//! The options that SET, GETEX and MSETEX share: read left to right, each excluding the others of its kind.
//! Ref: redis.io/commands/set, redis.io/commands/getex, redis.io/commands/msetex

use super::shared::text_of;
use crate::commands::common::{Clock, deadline};
use crate::keyspace::StrRef;
use crate::spec::{Args, Refusal};

/// When the key is to expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry<'a> {
    /// Nothing was said.
    Unsaid,
    /// KEEPTTL.
    Keep,
    /// PERSIST.
    Persist,
    /// EX, PX, EXAT or PXAT and the word after it.
    At(Clock, &'a [u8]),
}

impl Expiry<'_> {
    /// The Unix time in milliseconds that was asked for, if one was. Refuses with the text of `command`.
    pub fn moment(self, now: i64, command: &str) -> Result<Option<i64>, Refusal> {
        match self {
            Expiry::At(clock, word) => deadline(word, clock, now, command).map(Some),
            _ => Ok(None),
        }
    }
}

/// Under which condition a value is set or removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition<'a> {
    Always,
    /// NX: there is no such key.
    Absent,
    /// XX: there is one.
    Present,
    /// IFEQ, IFNE: the value is (not) this.
    Value {
        is: bool,
        text: &'a [u8],
    },
    /// IFDEQ, IFDNE: the digest of the value is (not) this, of 16 hexadecimal digits in any case.
    Digest {
        is: bool,
        text: &'a [u8],
    },
}

/// The refusal of a digest that cannot be one.
pub const BAD_DIGEST: Refusal = Refusal::fixed("ERR must be exactly 16 hexadecimal characters");

impl<'a> Condition<'a> {
    /// The condition on a value that `word` introduces.
    pub fn on_value(word: &[u8], text: &'a [u8]) -> Option<Condition<'a>> {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        match () {
            () if is(b"IFEQ") => Some(Condition::Value { is: true, text }),
            () if is(b"IFNE") => Some(Condition::Value { is: false, text }),
            () if is(b"IFDEQ") => Some(Condition::Digest { is: true, text }),
            () if is(b"IFDNE") => Some(Condition::Digest { is: false, text }),
            () => None,
        }
    }

    /// Refuses a digest of the wrong length.
    pub fn check(self) -> Result<(), Refusal> {
        match self {
            Condition::Digest { text, .. } if text.len() != 16 => Err(BAD_DIGEST),
            _ => Ok(()),
        }
    }

    /// Whether it needs the value, which must then be a string.
    pub fn reads_value(self) -> bool {
        matches!(self, Condition::Value { .. } | Condition::Digest { .. })
    }

    /// Whether it holds where the key has `value`, or no such key is there.
    pub fn holds(self, value: Option<StrRef<'_>>) -> bool {
        let mut digits = itoa::Buffer::new();
        match (self, value) {
            (Condition::Always, _) => true,
            (Condition::Absent, value) => value.is_none(),
            (Condition::Present, value) => value.is_some(),
            (Condition::Value { is, .. } | Condition::Digest { is, .. }, None) => !is,
            (Condition::Value { is, text }, Some(value)) => (text_of(value, &mut digits) == text) == is,
            (Condition::Digest { is, text }, Some(value)) => digest(text_of(value, &mut digits)).eq_ignore_ascii_case(text) == is,
        }
    }
}

/// The digest of a value: its XXH3 hash of 64 bits as 16 lower-case hexadecimal digits.
/// Ref: redis.io/commands/digest, xxhash.com
pub fn digest(value: &[u8]) -> [u8; 16] {
    let hash = xxhash_rust::xxh3::xxh3_64(value);
    std::array::from_fn(|i| b"0123456789abcdef"[(hash >> (60 - 4 * i)) as usize & 15])
}

/// Whose options are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reader {
    Set,
    GetEx,
    MsetEx,
}

/// All that was said.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    pub expiry: Expiry<'a>,
    pub condition: Condition<'a>,
    /// GET: the old value is replied.
    pub get: bool,
}

/// Reads the options from word `from` on.
pub fn options<'a>(args: &Args<'a>, from: usize, reader: Reader) -> Result<Options<'a>, Refusal> {
    let mut all = Options { expiry: Expiry::Unsaid, condition: Condition::Always, get: false };
    let mut i = from;
    while let Some(word) = args.try_get(i) {
        i += 1 + all.take(word, args.try_get(i + 1), reader).ok_or(Refusal::SYNTAX)?;
    }
    Ok(all)
}

impl<'a> Options<'a> {
    /// Takes one option in; returns how many words after its own it used.
    fn take(&mut self, word: &[u8], next: Option<&'a [u8]>, reader: Reader) -> Option<usize> {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        let clock = match () {
            () if is(b"EX") => Clock::Seconds,
            () if is(b"PX") => Clock::Millis,
            () if is(b"EXAT") => Clock::UnixSeconds,
            () if is(b"PXAT") => Clock::UnixMillis,
            () if is(b"GET") && reader == Reader::Set => {
                self.get = true;
                return Some(0);
            }
            () if is(b"NX") && reader != Reader::GetEx => {
                return self.condition(Condition::Absent).map(|()| 0);
            }
            () if is(b"XX") && reader != Reader::GetEx => {
                return self.condition(Condition::Present).map(|()| 0);
            }
            () if is(b"KEEPTTL") && reader != Reader::GetEx => {
                return self.expiry(Expiry::Keep).map(|()| 0);
            }
            () if is(b"PERSIST") && reader == Reader::GetEx => {
                return self.expiry(Expiry::Persist).map(|()| 0);
            }
            () if reader == Reader::Set => {
                let condition = Condition::on_value(word, next?)?;
                if self.condition != Condition::Always {
                    return None;
                }
                self.condition = condition;
                return Some(1);
            }
            () => return None,
        };
        self.expiry(Expiry::At(clock, next?)).map(|()| 1)
    }

    /// NX and XX may be said again but not changed.
    fn condition(&mut self, new: Condition<'a>) -> Option<()> {
        let fits = self.condition == Condition::Always || self.condition == new;
        self.condition = new;
        fits.then_some(())
    }

    /// The same kind of expiry may be said again, then the last one counts.
    fn expiry(&mut self, new: Expiry<'a>) -> Option<()> {
        let fits = match (self.expiry, new) {
            (Expiry::Unsaid, _) => true,
            (Expiry::At(old, _), Expiry::At(new, _)) => old == new,
            (old, new) => old == new,
        };
        self.expiry = new;
        fits.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_published_hash() {
        assert_eq!(&digest(b""), b"2d06800538d394c2");
        assert_eq!(&digest(b"hello"), b"9555e8555c62dcfd");
        assert_eq!(&digest(b"v8"), b"0cc76dbb41381419");
        let long = b"v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd";
        assert_eq!(&digest(long), b"00006c38adf31777");
    }

    #[test]
    fn conditions_on_values_hold_for_missing_keys_only_when_negative() {
        let is = Condition::Value { is: true, text: b"7" };
        let is_not = Condition::Value { is: false, text: b"7" };
        assert!(!is.holds(None) && is_not.holds(None));
        assert!(is.holds(Some(StrRef::Int(7))) && !is_not.holds(Some(StrRef::Int(7))));
        let digest = Condition::Digest { is: true, text: b"9555E8555C62DCFD" };
        assert!(digest.holds(Some(StrRef::Bytes(b"hello"))) && !digest.holds(None));
    }
}
