//! How one setting is read, checked and shown: the types that a directive's value can have.
//!
//! Where it sits: under the directive table (`options.rs`). Each field of `Config` has a type that implements
//! [`Setting`]; the table's row adds a [`Shape`] (bounds, unit, text check) and nothing else is needed to parse,
//! validate, show and rewrite it.
//! Invariants: a failed parse leaves the value as it was; what `show` prints, `parse` reads back to the same value.
//! What it does not do: it never touches files, sockets or the clock, and knows no directive's name.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/config (units), CONFIG GET of 7.2.

/// Why a value was refused: the text that follows ` - ` in the reply of CONFIG SET, or ends a start-up error.
pub type Why = String;

/// The unit in which a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Plain decimal.
    Plain,
    /// Bytes, with an optional `b`, `k`, `kb`, `m`, `mb`, `g` or `gb`.
    Memory,
    /// Bytes as above, or `0%` to `100%`, which is kept as a negative number.
    MemoryOrPercent,
    /// Octal file mode.
    Octal,
}

/// What the table's row says about a value besides its type.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Nothing: booleans, choices and the special types check themselves.
    Own,
    /// A number in `low..=high`.
    Number {
        /// Smallest allowed value.
        low: i128,
        /// Largest allowed value.
        high: i128,
        /// How it is written.
        unit: Unit,
    },
    /// Free text.
    Text {
        /// True when the empty text means "not set": such a directive disappears from a rewritten file.
        empty_is_unset: bool,
        /// Refuses texts the directive cannot have.
        check: fn(&[u8]) -> Result<(), &'static str>,
    },
}

impl Shape {
    /// True when the empty text stands for "not set".
    pub fn empty_is_unset(&self) -> bool {
        matches!(self, Shape::Text { empty_is_unset: true, .. })
    }
}

/// One line of a rewritten file without the directive's name, and whether it is written although the file has no line
/// for the directive yet (it differs from the built-in default).
#[derive(Debug, PartialEq, Eq)]
pub struct RewriteLine {
    /// What follows the name, already quoted where needed.
    pub text: Vec<u8>,
    /// True when the line is added even if the old file did not name the directive.
    pub is_forced: bool,
}

/// A type that a directive's value can have.
pub trait Setting: PartialEq + Sized {
    /// True when a directive line may carry several values (`save 900 1`).
    const IS_LIST: bool = false;

    /// Reads the value from the words after the directive's name. On `Err` the value is unchanged.
    fn parse(&mut self, words: &[&[u8]], shape: &Shape) -> Result<(), Why>;

    /// The value as CONFIG GET prints it.
    fn show(&self, shape: &Shape) -> Vec<u8>;

    /// The lines that CONFIG REWRITE writes; none removes the directive from the file.
    fn rewrite(&self, default: &Self, shape: &Shape) -> Vec<RewriteLine> {
        vec![RewriteLine { text: self.show(shape), is_forced: self != default }]
    }
}

/// The one word of a single-value directive.
pub(super) fn one_word<'a>(words: &[&'a [u8]]) -> Result<&'a [u8], Why> {
    match words {
        [word] => Ok(word),
        _ => Err("wrong number of arguments".into()),
    }
}

impl Setting for bool {
    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let word = one_word(words)?;
        if word.eq_ignore_ascii_case(b"yes") {
            *self = true;
        } else if word.eq_ignore_ascii_case(b"no") {
            *self = false;
        } else {
            return Err("argument must be 'yes' or 'no'".into());
        }
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        if *self { b"yes".to_vec() } else { b"no".to_vec() }
    }
}

impl Setting for Vec<u8> {
    fn parse(&mut self, words: &[&[u8]], shape: &Shape) -> Result<(), Why> {
        let word = one_word(words)?;
        if let Shape::Text { check, .. } = shape {
            check(word)?;
        }
        *self = word.to_vec();
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        self.clone()
    }

    fn rewrite(&self, default: &Self, shape: &Shape) -> Vec<RewriteLine> {
        if self.is_empty() && shape.empty_is_unset() {
            return Vec::new();
        }
        vec![RewriteLine { text: quoted(self), is_forced: self != default }]
    }
}

macro_rules! number_setting {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn parse(&mut self, words: &[&[u8]], shape: &Shape) -> Result<(), Why> {
                let number = parse_number(one_word(words)?, shape)?;
                // The row's bounds lie inside the type, so this cannot fail; a test walks the whole table.
                *self = <$type>::try_from(number).map_err(|_| "argument out of range".to_string())?;
                Ok(())
            }

            fn show(&self, shape: &Shape) -> Vec<u8> {
                show_number(i128::from(*self), shape)
            }

            fn rewrite(&self, default: &Self, shape: &Shape) -> Vec<RewriteLine> {
                let text = match shape {
                    Shape::Number { unit: Unit::Memory | Unit::MemoryOrPercent, .. } if i128::from(*self) >= 0 => {
                        short_memory(i128::from(*self))
                    }
                    _ => self.show(shape),
                };
                vec![RewriteLine { text, is_forced: self != default }]
            }
        }
    )*};
}
number_setting!(u16, i32, u32, i64, u64);

/// Reads a number in the shape's unit and checks its bounds.
fn parse_number(word: &[u8], shape: &Shape) -> Result<i128, Why> {
    let Shape::Number { low, high, unit } = *shape else {
        return Err("argument couldn't be parsed into an integer".into());
    };
    let number = match unit {
        Unit::Plain => {
            // Signed 64 bits, except for the one setting whose range goes beyond.
            let readable = |n: &i128| *n <= high.max(i128::from(i64::MAX));
            strict_integer(word).filter(readable).ok_or("argument couldn't be parsed into an integer")?
        }
        Unit::Memory => i128::from(memory_bytes(word).ok_or("argument must be a memory value")?),
        Unit::Octal => octal(word).ok_or("argument couldn't be parsed as an octal number")?,
        Unit::MemoryOrPercent => {
            if let Some(digits) = word.strip_suffix(b"%") {
                let percent = strict_integer(digits).filter(|p| *p >= 0).ok_or("argument must be a memory or percent value")?;
                if -percent < low {
                    return Err(format!("percentage argument must be less or equal to {}", -low));
                }
                return Ok(-percent);
            }
            let bytes = memory_bytes(word).ok_or("argument must be a memory or percent value")?;
            // A value above the signed range reads as an absurd percentage in Redis; the text is kept.
            if i128::from(bytes) > high {
                return Err(format!("percentage argument must be less or equal to {}", -low));
            }
            i128::from(bytes)
        }
    };
    if number < low || number > high {
        return Err(match unit {
            Unit::Octal => format!("argument must be between {low:o} and {high:o} inclusive"),
            _ => format!("argument must be between {low} and {high} inclusive"),
        });
    }
    Ok(number)
}

/// A number as CONFIG GET prints it.
fn show_number(number: i128, shape: &Shape) -> Vec<u8> {
    match shape {
        Shape::Number { unit: Unit::Octal, .. } => format!("{number:o}").into_bytes(),
        Shape::Number { unit: Unit::MemoryOrPercent, .. } if number < 0 => format!("{}%", -number).into_bytes(),
        _ => number.to_string().into_bytes(),
    }
}

/// A decimal integer in its one canonical spelling (no sign `+`, no leading zero, no blanks), within the range of
/// i64 and u64 together; anything else is None.
pub fn strict_integer(word: &[u8]) -> Option<i128> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let is_negative = digits.len() != word.len();
    if digits.is_empty() || digits.len() > 20 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if digits[0] == b'0' && (digits.len() > 1 || is_negative) {
        return None;
    }
    let magnitude = digits.iter().fold(0i128, |sum, d| sum * 10 + i128::from(d - b'0'));
    let number = if is_negative { -magnitude } else { magnitude };
    (number >= i128::from(i64::MIN) && number <= i128::from(u64::MAX)).then_some(number)
}

/// Bytes of a memory value such as `100`, `1k` (1000), `64mb` (64 x 1024 x 1024). No digits at all read as 0 and too
/// many digits as the largest number, as Redis does; a product that does not fit is None instead of wrapping round.
pub fn memory_bytes(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, unit) = word.split_at(digits);
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let count = number.iter().fold(0u64, |sum, d| sum.saturating_mul(10).saturating_add(u64::from(d - b'0')));
    count.checked_mul(factor)
}

/// The shortest exact spelling of a memory value: `64mb`, `1gb`, `3000`.
pub fn short_memory(bytes: i128) -> Vec<u8> {
    for (size, unit) in [(1i128 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")] {
        if bytes != 0 && bytes % size == 0 {
            return format!("{}{unit}", bytes / size).into_bytes();
        }
    }
    bytes.to_string().into_bytes()
}

/// An octal number of at most 9 digits.
fn octal(word: &[u8]) -> Option<i128> {
    if word.is_empty() || word.len() > 9 || !word.iter().all(|b| (b'0'..=b'7').contains(b)) {
        return None;
    }
    Some(word.iter().fold(0, |sum, d| sum * 8 + i128::from(d - b'0')))
}

/// `text` in double quotes, with everything outside printable ASCII escaped, so that the inline splitting rules give
/// it back and no value can start a line of its own.
pub fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
    out
}

/// A word as it is when the splitting rules give it back unchanged, quoted otherwise.
pub fn quoted_if_needed(word: &[u8]) -> Vec<u8> {
    let is_plain = !word.is_empty() && word.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\'));
    if is_plain { word.to_vec() } else { quoted(word) }
}

/// Declares enums whose variants are the words a directive accepts, in the order in which the error text lists them.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = concat!("`", $word, "`")] $(#[$vdoc])* $variant),* }

        impl $name {
            /// Every choice with its word, in the order of the error text.
            pub const ALL: &'static [(&'static str, $name)] = &[$(($word, $name::$variant)),*];

            /// The word as written in a configuration file.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
        }

        impl $crate::config::value::Setting for $name {
            fn parse(&mut self, words: &[&[u8]], _: &$crate::config::value::Shape)
                -> Result<(), $crate::config::value::Why> {
                let word = $crate::config::value::one_word(words)?;
                match Self::ALL.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes())) {
                    Some((_, choice)) => *self = *choice,
                    None => return Err($crate::config::value::not_a_choice(Self::ALL.iter().map(|(name, _)| *name))),
                }
                Ok(())
            }

            fn show(&self, _: &$crate::config::value::Shape) -> Vec<u8> {
                self.word().as_bytes().to_vec()
            }
        }
    )*};
}
pub(super) use choices;

/// The refusal of a word that is none of `words`.
pub(super) fn not_a_choice(words: impl Iterator<Item = &'static str>) -> Why {
    let list: Vec<&str> = words.collect();
    format!("argument(s) must be one of the following: {}", list.join(", "))
}
