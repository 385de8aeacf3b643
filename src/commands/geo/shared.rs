//! What several commands on positions need: reading coordinates and units, finding members, printing.
//! Ref: redis.io/commands/geopos, redis.io/commands/geodist

use crate::base::num::parse_f64;
use crate::commands::common::missed;
use crate::data::geo::{Position, is_valid, position};
use crate::data::zset::{ScoreRange, Zset, ZsetRef};
use crate::keyspace::Look;
use crate::proto::encode::Out;
use crate::spec::{Arg, Call, Refusal};

/// The alternatives of a unit, for COMMAND DOCS.
pub const UNITS: &[Arg] = &[Arg::word("m", "M"), Arg::word("km", "KM"), Arg::word("ft", "FT"), Arg::word("mi", "MI")];
/// The alternatives of an order, for COMMAND DOCS.
pub const ORDERS: &[Arg] = &[Arg::word("asc", "ASC"), Arg::word("desc", "DESC")];

/// The position that words `i` and `i + 1` tell.
pub fn position_at(call: &Call, i: usize) -> Result<Position, Refusal> {
    let longitude = parse_f64(call.arg(i)).ok_or(Refusal::NOT_FLOAT)?;
    let latitude = parse_f64(call.arg(i + 1)).ok_or(Refusal::NOT_FLOAT)?;
    if is_valid((longitude, latitude)) {
        return Ok((longitude, latitude));
    }
    Err(Refusal::text(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")))
}

/// The metres of the unit that `word` names.
pub fn unit(word: &[u8]) -> Result<f64, Refusal> {
    const NAMES: [(&str, f64); 4] = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
    let named = NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|(_, metres)| *metres).ok_or(Refusal::fixed("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// The sorted set at the key of word `i`, looked up for reading; `None` if there is no such key, which is told then.
pub fn read_zset<'c>(call: &'c mut Call, i: usize) -> Result<Option<ZsetRef<'c>>, Refusal> {
    let key = call.key(i);
    let (db, now, look) = (call.db, call.now, call.look());
    if call.shard.ks.find(db, &key, now, look).is_none() {
        missed(call, i);
        return Ok(None);
    }
    let item = call.shard.ks.find(db, &key, now, Look::Quiet);
    item.map(|item| item.get::<Zset>().ok_or(Refusal::WRONG_TYPE)).transpose()
}

/// The position of a member.
pub fn position_of(zset: ZsetRef, member: &[u8]) -> Option<Position> {
    zset.score(member).map(position)
}

/// Scores from the first up to, not including, the second.
pub fn scores(from: u64, to: u64) -> ScoreRange {
    ScoreRange { min: from as f64, max: to as f64, min_open: false, max_open: true }
}

/// Writes a distance: text with four digits behind the point, in both versions of the protocol.
pub fn reply_distance(out: &mut Out, distance: f64) {
    // Scaled and rounded as a whole number, ties to even: not always what printing the double would give.
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    out.bulk(format!("{}.{:04}", scaled / 10_000, scaled % 10_000).as_bytes());
}

/// Writes a position: two numbers with up to 17 digits behind the point.
pub fn reply_position(out: &mut Out, (longitude, latitude): Position) {
    out.array(2);
    for degrees in [longitude, latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        let text = if text == "-0" { "0" } else { text };
        if out.resp3 {
            out.raw(format!(",{text}\r\n").as_bytes());
        } else {
            out.bulk(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_four_digits() {
        let text = |d| {
            let mut out = Out::new(false);
            reply_distance(&mut out, d);
            String::from_utf8(out.buf).expect("digits")
        };
        assert_eq!(
            (text(0.0), text(166274.15156), text(0.00005)),
            ("$6\r\n0.0000\r\n".into(), "$11\r\n166274.1516\r\n".into(), "$6\r\n0.0000\r\n".into())
        );
    }

    #[test]
    fn positions_show_the_whole_double() {
        let mut out = Out::new(true);
        reply_position(&mut out, (-0.0, 180.0));
        reply_position(&mut out, (13.361389338970184, -85.051_127_512_639_43));
        assert_eq!(out.buf, b"*2\r\n,0\r\n,180\r\n*2\r\n,13.36138933897018433\r\n,-85.05112751263942528\r\n");
    }
}
