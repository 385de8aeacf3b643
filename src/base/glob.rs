//! The pattern language of KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL key rules, matched without recursion.
//!
//! `*` any bytes, `?` one byte, `[a-z]` one byte of a class (`[^a-z]` outside of it), `\x` the byte x itself.
//! A pattern is a row of elements that each take exactly one byte, cut by stars. So only the last star seen ever needs
//! to grow: if the elements after it do not fit here, they are tried one byte later, and nothing before them changes.
//! That gives at most pattern x text steps (1 KB on 1 KB well below a millisecond) and no memory.
//! The part after the last star has a fixed length and is tried only at the end of the text.
//! Invariants: any two byte strings are valid input; no allocation. A pattern in which more than [`STARS_MAX`] stars have something
//! behind them matches nothing.
//! It does not know UTF-8: `?` is one byte.
//!
//! Ref: redis.io/commands/keys. Odd forms follow redis-server 7.2: an unterminated class ends with the pattern, a range
//! may be written backwards, `[a-]` is a range that ends at `]`, a lone trailing `\` is itself, and no pattern with a
//! byte in it, not even `*`, matches the empty text.

/// Stars with something behind them that one match may go past. Redis gives up there too, so that an abusive pattern costs little.
const STARS_MAX: usize = 1000;

/// True if the whole of `text` fits `pattern`; with `ignore_case`, ASCII letters match either case.
/// O(pattern x text) at worst.
pub fn matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    if text.is_empty() || pattern.is_empty() {
        return text.is_empty() && pattern.is_empty();
    }
    let mut pattern_at = 0;
    let mut text_at = 0;
    // Where to go on when an element does not fit: the pattern after the last star, and the text it was tried at.
    let mut retry: Option<(usize, usize)> = None;
    let mut stars = 0;
    loop {
        if pattern.get(pattern_at) == Some(&b'*') {
            pattern_at += pattern[pattern_at..].iter().take_while(|&&byte| byte == b'*').count();
            if pattern_at == pattern.len() {
                return true;
            }
            stars += 1;
            if stars > STARS_MAX {
                return false;
            }
            if let Some(count) = elements_to_end(&pattern[pattern_at..]) {
                // The last star: what follows can only sit at the end of the text.
                let Some(start) = text.len().checked_sub(count) else {
                    return false;
                };
                if start < text_at {
                    return false;
                }
                text_at = start;
                retry = None;
                continue;
            }
            retry = Some((pattern_at, text_at));
            continue;
        }
        let is_fit = match (pattern_at == pattern.len(), text.get(text_at)) {
            (true, None) => return true,
            (true, Some(_)) => None,
            // Elements are left but no text: growing the star leaves even less.
            (false, None) => return false,
            (false, Some(&byte)) => element(pattern, pattern_at, byte, ignore_case),
        };
        match (is_fit, &mut retry) {
            (Some(next), _) => {
                pattern_at = next;
                text_at += 1;
            }
            (None, Some((after_star, tried_at))) => {
                *tried_at += 1;
                pattern_at = *after_star;
                text_at = *tried_at;
            }
            (None, None) => return false,
        }
    }
}

/// True if `pattern` has no special byte, so that it matches only itself.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// How many one-byte elements `pattern` has, or `None` if a star is among them.
fn elements_to_end(pattern: &[u8]) -> Option<usize> {
    let (mut at, mut count) = (0, 0);
    while let Some(&first) = pattern.get(at) {
        at = match first {
            b'*' => return None,
            b'[' => class_end(pattern, at),
            b'\\' if at + 1 < pattern.len() => at + 2,
            _ => at + 1,
        };
        count += 1;
    }
    Some(count)
}

/// Tries the element at `at` on one byte. Returns where the next element starts if it fits.
#[inline]
fn element(pattern: &[u8], at: usize, byte: u8, ignore_case: bool) -> Option<usize> {
    let (literal, next) = match pattern[at] {
        b'?' => return Some(at + 1),
        b'[' => return class(pattern, at, byte, ignore_case),
        b'\\' => match pattern.get(at + 1) {
            Some(&escaped) => (escaped, at + 2),
            None => (b'\\', at + 1),
        },
        literal => (literal, at + 1),
    };
    let is_same = literal == byte || (ignore_case && literal.eq_ignore_ascii_case(&byte));
    is_same.then_some(next)
}

/// One member of a class: a byte that must be equal as written, a byte, a range, or the end of the class.
enum Member {
    Escaped(u8),
    Single(u8),
    Range(u8, u8),
    End,
}

/// Reads the class member at `at`; returns it and where the next one starts.
#[inline]
fn member(pattern: &[u8], at: usize) -> (Member, usize) {
    match pattern.get(at..).unwrap_or_default() {
        [b'\\', escaped, ..] => (Member::Escaped(*escaped), at + 2),
        [b']', ..] => (Member::End, at + 1),
        [] => (Member::End, at),
        [low, b'-', high, ..] => (Member::Range(*low, *high), at + 3),
        [single, ..] => (Member::Single(*single), at + 1),
    }
}

fn class_start(pattern: &[u8], at: usize) -> (bool, usize) {
    let is_negated = pattern.get(at + 1) == Some(&b'^');
    (is_negated, at + 1 + usize::from(is_negated))
}

/// Where the element after the class at `at` starts.
fn class_end(pattern: &[u8], at: usize) -> usize {
    let (_, mut at) = class_start(pattern, at);
    loop {
        match member(pattern, at) {
            (Member::End, next) => return next,
            (_, next) => at = next,
        }
    }
}

/// Tries the class at `at` on one byte. Returns where the next element starts if it fits.
fn class(pattern: &[u8], at: usize, byte: u8, ignore_case: bool) -> Option<usize> {
    let fold = |byte: u8| {
        if ignore_case { byte.to_ascii_lowercase() } else { byte }
    };
    let (is_negated, mut at) = class_start(pattern, at);
    let mut is_member = false;
    loop {
        let (found, next) = member(pattern, at);
        at = next;
        is_member |= match found {
            Member::End => break,
            // Escaped members ignore the case rule, as in redis-server.
            Member::Escaped(escaped) => escaped == byte,
            Member::Single(single) => fold(single) == fold(byte),
            Member::Range(one, other) => {
                // The ends are ordered before the case is folded.
                let (low, high) = (fold(one.min(other)), fold(one.max(other)));
                (low..=high).contains(&fold(byte))
            }
        };
    }
    (is_member != is_negated).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        matches(pattern.as_bytes(), text.as_bytes(), false)
    }

    #[test]
    fn plain_forms() {
        for (pattern, text) in [
            ("h?llo", "hello"),
            ("h*llo", "hllo"),
            ("h*llo", "heeeello"),
            ("h[ae]llo", "hallo"),
            ("h[^e]llo", "hallo"),
            ("h[a-b]llo", "hbllo"),
            ("h[b-a]llo", "hallo"),
            ("*", "x"),
            ("***", "x"),
            ("a*", "a"),
            ("*a*b*", "xaybz"),
            ("\\*", "*"),
            ("a\\", "a\\"),
            ("[\\]]", "]"),
            ("[a", "a"),
            ("[^", "x"),
            ("[a-]", "]"),
            ("[a-]x]", "x"),
            ("", ""),
            ("[^]a", "xa"),
            ("*[0-9]", "ab9"),
            ("a*b*c", "aXbYbZc"),
            ("a*?", "ab"),
            ("[*]", "*"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("h?llo", "hllo"),
            ("h[^e]llo", "hello"),
            ("*", ""),
            ("**", ""),
            ("?", ""),
            ("", "a"),
            ("a", ""),
            ("\\*", "a"),
            ("[", "["),
            ("a*b", "abc"),
            ("[]a", "a"),
            ("a*?", "a"),
            ("*ab*ab", "xab"),
            ("A", "a"),
            ("ab", "a"),
            ("a", "ab"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn case_is_ignored_on_request_except_for_escaped_class_members() {
        assert!(matches(b"MAX*[M-N]", b"maxmem", true));
        assert!(matches(b"\\A", b"a", true));
        assert!(!matches(b"[\\A]", b"a", true));
    }

    #[test]
    fn pattern_bombs_stay_cheap() {
        let bomb = [b"*a".repeat(100), b"b".to_vec()].concat();
        let (stars, text) = (vec![b'*'; 1 << 20], vec![b'a'; 1024]);
        let search = [&[b'*'][..], &[b'a'; 511], b"b*"].concat();
        for pattern in [bomb.as_slice(), search.as_slice(), b"*?*?*?*?*?*?*?*?*?*?*?*?b".as_slice()] {
            assert!(!matches(pattern, &text, false));
        }
        assert!(matches(&stars, &text, false));
        assert!(matches(&[stars.as_slice(), b"a"].concat(), &text, false));
        let (most, more) = (b"*?".repeat(1000), b"*?".repeat(1001));
        assert!(matches(&most, &text, false) && matches(&[most.as_slice(), b"*"].concat(), &text, false));
        assert!(!matches(&more, &text, false), "too many stars fit nothing");
    }

    /// The plain definition, exponential but obvious.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([], _) => false,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
            (_, []) => false,
            (_, [first, text_rest @ ..]) => element(pattern, 0, *first, false).is_some_and(|next| slow(&pattern[next..], text_rest)),
        }
    }

    #[test]
    fn agrees_with_the_plain_definition() {
        let mut seed = 5u64;
        let mut byte = |letters: &[u8]| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            letters[(seed >> 33) as usize % letters.len()]
        };
        for round in 0..60_000 {
            let pattern: Vec<u8> = (0..1 + round % 9).map(|_| byte(b"ab*?[]^-\\c")).collect();
            let text: Vec<u8> = (0..1 + round % 7).map(|_| byte(b"abc]-\\^")).collect();
            let expected = slow(&pattern, &text);
            assert_eq!(matches(&pattern, &text, false), expected, "{} {}", pattern.escape_ascii(), text.escape_ascii());
        }
    }
}
