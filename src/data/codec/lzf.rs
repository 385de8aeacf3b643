//! LZF, the compression of long strings in payloads and files.
//!
//! Layer 1, under `codec::string`. A stream is a row of
//!
//! ```text
//! 000LLLLL                         L+1 literal bytes follow (1..=32)
//! LLLOOOOO OOOOOOOO                copy L+2 bytes (3..=8) from O+1 bytes back (1..=8192), L = 1..=6
//! 111OOOOO LLLLLLLL OOOOOOOO       copy L+9 bytes (9..=264) from O+1 bytes back
//! ```
//!
//! and a copy may overlap what it writes. The compressor is our own because a value is compressed on the path of a
//! save: its table is 16 KiB at most and starts at 512 bytes, where the `lzf` crate clears 512 KiB for
//! every call. That crate judges both directions in the tests.
//!
//! Invariants: the decompressor's memory follows what the stream really produces, never what it claims; both
//! directions stop at the limit they were given.
//! Ref: the format description in the documentation of liblzf (oldhome.schmorp.de/marc/liblzf.html).

const COPY_MIN: usize = 3;
const COPY_MAX: usize = 264;
const DISTANCE_MAX: usize = 8192;
const LITERALS_MAX: usize = 32;
/// Entries of the position table for short inputs, up to [`SHORT`] bytes, and for others: it is cleared for every input.
const SHORT_BITS: u32 = 7;
const LONG_BITS: u32 = 12;
const SHORT: usize = 256;

/// Appends the compressed form of `input` to `out`, if it takes at most `limit` bytes; else leaves `out` as it
/// was and returns false. `input`: shorter than 2^32 bytes, else false.
pub fn compress(input: &[u8], limit: usize, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let end = start.saturating_add(limit);
    let is_done = match input.len() {
        0..=SHORT => compress_within(input, end, out, SHORT_BITS, &mut [0; 1 << SHORT_BITS]),
        len => u32::try_from(len).is_ok() && compress_within(input, end, out, LONG_BITS, &mut [0; 1 << LONG_BITS]),
    };
    if is_done {
        return true;
    }
    out.truncate(start);
    false
}

/// `end`: the length `out` may not pass. `table`: 2^`bits` zeros.
#[inline]
fn compress_within(input: &[u8], end: usize, out: &mut Vec<u8>, bits: u32, table: &mut [u32]) -> bool {
    let slot = |three: &[u8]| {
        let word = u32::from_le_bytes([three[0], three[1], three[2], 0]);
        (word.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
    };
    let (mut at, mut literals_from) = (0, 0);
    while at + COPY_MIN <= input.len() {
        let entry = &mut table[slot(&input[at..at + COPY_MIN])];
        // Positions are kept plus one, so that zero means none.
        let candidate = std::mem::replace(entry, at as u32 + 1) as usize;
        let distance = (at + 1).wrapping_sub(candidate);
        let is_copy =
            candidate != 0 && distance <= DISTANCE_MAX && input[candidate - 1..candidate - 1 + COPY_MIN] == input[at..at + COPY_MIN];
        if !is_copy {
            at += 1;
            continue;
        }
        let most = (input.len() - at).min(COPY_MAX);
        let more = input[at - distance + COPY_MIN..].iter().zip(&input[at + COPY_MIN..at + most]);
        let len = COPY_MIN + more.take_while(|(a, b)| a == b).count();
        if !put_literals(&input[literals_from..at], end, out) || !put_copy(len, distance, end, out) {
            return false;
        }
        // The last two positions of the copy enter the table too: text that repeats often goes on from there.
        for next in at + len - 2..(at + len).min(input.len().saturating_sub(COPY_MIN - 1)) {
            table[slot(&input[next..next + COPY_MIN])] = next as u32 + 1;
        }
        at += len;
        literals_from = at;
    }
    put_literals(&input[literals_from..], end, out)
}

fn put_literals(literals: &[u8], end: usize, out: &mut Vec<u8>) -> bool {
    if out.len() + literals.len() + literals.len().div_ceil(LITERALS_MAX) > end {
        return false;
    }
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
    true
}

/// `len`: 3..=264. `distance`: 1..=8192.
fn put_copy(len: usize, distance: usize, end: usize, out: &mut Vec<u8>) -> bool {
    let (len, back) = (len - 2, distance - 1);
    let high = (back >> 8) as u8;
    if len < 7 {
        out.extend_from_slice(&[(len as u8) << 5 | high, back as u8]);
    } else {
        out.extend_from_slice(&[7 << 5 | high, (len - 7) as u8, back as u8]);
    }
    out.len() <= end
}

/// Decompresses a stream that states its decompressed length. None unless it yields exactly `length` bytes.
///
/// Three bytes of stream yield at most 264, so a claim beyond that ratio fails before anything is reserved.
pub fn decompress(stream: &[u8], length: u64) -> Option<Vec<u8>> {
    let most = (stream.len() as u64).saturating_mul((COPY_MAX / 3) as u64);
    if length > most {
        return None;
    }
    let length = usize::try_from(length).ok()?;
    // A true claim is usually below ten times the stream; beyond that memory grows with what was produced.
    let mut out = Vec::with_capacity(length.min(stream.len().saturating_mul(8)));
    let mut rest = stream;
    while let Some((&control, tail)) = rest.split_first() {
        rest = tail;
        if control < 32 {
            let (literals, tail) = rest.split_at_checked(usize::from(control) + 1)?;
            rest = tail;
            out.extend_from_slice(literals);
        } else {
            let mut len = usize::from(control >> 5) + 2;
            if len == 9 {
                let (&more, tail) = rest.split_first()?;
                len += usize::from(more);
                rest = tail;
            }
            let (&low, tail) = rest.split_first()?;
            rest = tail;
            let distance = (usize::from(control & 31) << 8 | usize::from(low)) + 1;
            copy_back(&mut out, distance, len)?;
        }
        if out.len() > length {
            return None;
        }
    }
    (out.len() == length).then_some(out)
}

/// Appends `len` bytes from `distance` back; the source may run into what is being written.
fn copy_back(out: &mut Vec<u8>, distance: usize, len: usize) -> Option<()> {
    let from = out.len().checked_sub(distance)?;
    let mut left = len;
    while left > 0 {
        // What lies between `from` and the end is a whole number of periods: each round can take all of it.
        let n = left.min(out.len() - from);
        out.extend_from_within(from..from + n);
        left -= n;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs of many lengths: random, repetitive, and words of a small alphabet.
    fn inputs() -> impl Iterator<Item = Vec<u8>> {
        let mut state = 0x1234_5678_9abc_def1u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..600usize).map(move |i| {
            let len = if i < 300 { i } else { (next() % 40_000) as usize };
            let alphabet = [1, 2, 3, 5, 26, 256][i % 6];
            let period = 1 + (next() % 300) as usize;
            let mut text: Vec<u8> = (0..len).map(|_| (next() % alphabet) as u8).collect();
            if i % 3 == 0 {
                (period..len).for_each(|at| text[at] = text[at - period]);
            }
            text
        })
    }

    #[test]
    fn what_is_compressed_comes_back_here_and_in_the_lzf_crate() {
        let mut smaller = 0;
        for text in inputs() {
            let mut stream = Vec::new();
            if !compress(&text, text.len(), &mut stream) {
                assert!(stream.is_empty());
                continue;
            }
            smaller += 1;
            assert!(stream.len() <= text.len());
            assert_eq!(decompress(&stream, text.len() as u64).as_deref(), Some(&text[..]));
            if !text.is_empty() {
                assert_eq!(lzf::decompress(&stream, text.len()).unwrap(), text);
            }
        }
        assert!(smaller > 300, "{smaller}");
    }

    #[test]
    fn streams_of_the_lzf_crate_decompress() {
        for text in inputs() {
            if let Ok(stream) = lzf::compress(&text) {
                assert_eq!(decompress(&stream, text.len() as u64), Some(text));
            }
        }
    }

    #[test]
    fn streams_cut_or_changed_never_yield_another_length() {
        for text in inputs().take(200) {
            let mut stream = Vec::new();
            if !compress(&text, text.len(), &mut stream) {
                continue;
            }
            for at in 0..stream.len() {
                assert!(decompress(&stream[..at], text.len() as u64).is_none_or(|t| t.len() == text.len()));
                let mut changed = stream.clone();
                changed[at] ^= 0xe0;
                assert!(decompress(&changed, text.len() as u64).is_none_or(|t| t.len() == text.len()));
            }
        }
    }

    #[test]
    fn false_claims_and_references_before_the_start_are_refused() {
        assert_eq!(decompress(&[0, b'a'], u64::MAX), None);
        assert_eq!(decompress(&[0, b'a'], 2), None);
        assert_eq!(decompress(&[0, b'a'], 1), Some(vec![b'a']));
        assert_eq!(decompress(&[0, b'a', 0x20, 1], 4), None);
        assert_eq!(decompress(&[0, b'a', 0x20, 0], 4), Some(b"aaaa".to_vec()));
        assert_eq!(decompress(&[0xe0, 0xff], 9), None);
        assert_eq!(decompress(&[], 1), None);
    }

    #[test]
    fn output_past_the_limit_is_taken_back() {
        let mut out = b"kept".to_vec();
        assert!(!compress(b"abcdefghijklmnopqrstuvwxyz", 22, &mut out));
        assert_eq!(out, b"kept");
        assert!(compress(&[b'a'; 40], 36, &mut out));
        assert!(out.len() < 16);
    }
}
