//! LOLWUT [VERSION n]: a small picture, new each time, and the version of Redis whose commands this is.
//! The picture is a one-dimensional cellular automaton: each cell is the XOR of its left neighbour and (itself OR its right
//! neighbour), from a random first row.
//! Ref: redis.io/commands/lolwut

use crate::base::num::parse_i64;
use crate::metrics::catalog::REDIS_VERSION;
use crate::spec::{Arg, Call, Flags, Group, Outcome, Refusal, Spec};

const WIDTH: u32 = 64;
const ROWS: usize = 16;

pub const SPEC: Spec = Spec {
    name: "LOLWUT",
    since: "5.0.0",
    group: Group::Server,
    summary: "Shows computer art and the version.",
    cost: "",
    arity: -1,
    flags: Flags::READONLY.and(Flags::FAST),
    args: &[Arg::integer("version").token("VERSION").optional()],
    run,
    cases: "
        > LOLWUT VERSION x   -ERR value is not an integer or out of range
        > LOLWUT             ?
        > LOLWUT VERSION 5   ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    if call.args.len() >= 3 && call.args.is(1, "VERSION") && parse_i64(call.args.get(2)).is_none() {
        return Err(Refusal::NOT_INTEGER);
    }
    let mut text = picture(call.shard.rng.next_u64());
    text.push_str(&format!("\nRingfort {}. Redis ver. {REDIS_VERSION}\n", env!("CARGO_PKG_VERSION")));
    call.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// The automaton's rows from a first one whose bits are the cells; two rows share a line of text.
fn picture(mut cells: u64) -> String {
    let mut text = String::new();
    for _ in 0..ROWS {
        let below = cells.rotate_right(1) ^ (cells | cells.rotate_left(1));
        for x in (0..WIDTH).rev() {
            text.push(match (cells >> x & 1, below >> x & 1) {
                (1, 1) => '█',
                (1, _) => '▀',
                (_, 1) => '▄',
                _ => ' ',
            });
        }
        text.push('\n');
        cells = below.rotate_right(1) ^ (below | below.rotate_left(1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_their_size_and_differ() {
        assert_eq!(picture(1).lines().count(), ROWS);
        assert!(picture(1).lines().all(|l| l.chars().count() == WIDTH as usize));
        assert_ne!(picture(1), picture(2));
    }
}
