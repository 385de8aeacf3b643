//! The request parser on any bytes: however they are cut into pieces, the same commands come out and the same error ends them.

use ringfort::proto::parse::{Limits, Parsed, Resume, parse};

/// What the parser made of some bytes: commands as words, then the error that ended them.
#[derive(Debug, PartialEq, Default)]
struct Read {
    commands: Vec<Vec<Vec<u8>>>,
    error: Option<Vec<u8>>,
}

/// Parses `input` that arrives in pieces of the lengths that `cut` gives.
fn read(input: &[u8], authenticated: bool, mut cut: impl FnMut() -> usize) -> Read {
    let limits = Limits { max_bulk: 1 << 20, authenticated };
    let (mut read, mut resume) = (Read::default(), Resume::default());
    let (mut start, mut end) = (0, 0);
    loop {
        let bytes = &input[start..end];
        let (mut spans, mut scratch) = (Vec::new(), Vec::new());
        let parsed = if bytes.is_empty() { Parsed::More { need: 0 } } else { parse(bytes, &limits, &mut resume, &mut spans, &mut scratch) };
        match parsed {
            Parsed::Command { used } => {
                read.commands.push(spans.iter().map(|s| s.of(bytes).to_vec()).collect());
                start += used;
            }
            Parsed::Inline { used } => {
                read.commands.push(spans.iter().map(|s| s.of(&scratch).to_vec()).collect());
                start += used;
            }
            Parsed::Nothing { used } => start += used,
            Parsed::Error(error) => {
                read.error = Some(error.text().into_owned());
                return read;
            }
            Parsed::More { .. } if end == input.len() => return read,
            Parsed::More { .. } => end = input.len().min(end + cut().max(1)),
        }
        assert!(start <= end, "the parser used more than there was");
    }
}

/// One input of the fuzzer.
pub fn run(data: &[u8]) {
    let Some((seed, input)) = data.split_first() else { return };
    let (authenticated, mut state) = (seed & 1 == 0, u32::from(*seed));
    let whole = read(input, authenticated, || input.len());
    let bytewise = read(input, authenticated, || 1);
    let pieces = read(input, authenticated, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as usize
    });
    assert_eq!(whole, bytewise, "byte by byte");
    assert_eq!(whole, pieces, "in pieces");
}
