//! Positions and sorting: cases on one core, effects and events.

use super::*;

#[test]
fn cases_of_positions_hold_on_one_core() {
    let failures: Vec<String> = geo::SPECS.iter().flat_map(|spec| failures(spec)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn positions_are_recorded_as_scores() {
    let lines = [
        "GEOADD g NX CH 15.087269 37.502669 C",
        "GEOADD g NX 1 1 C",
        "GEOADD g XX 1 1 none",
        "GEOSEARCHSTORE d g FROMMEMBER C BYRADIUS 1 km",
        "GEORADIUS g 1 1 1 m STORE d",
        "GEORADIUS g 1 1 1 m STORE d",
    ];
    // The other writes are recorded as their own words, by the engine.
    let expected = ["zadd g NX CH 3479447370796909 C"];
    assert_eq!(effects(&lines), expected);
}

#[test]
fn what_patterns_found_is_recorded_and_not_the_patterns() {
    let lines = ["RPUSH l b a", "SORT l ALPHA STORE d", "SORT l BY nosort GET w_* STORE d", "SORT l LIMIT 9 1 BY w_* STORE d"];
    let got = effects(&lines);
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(got[0].starts_with("RESTORE d 0 ") && got[0].ends_with(" REPLACE"), "{}", got[0]);
    assert_eq!(got[1], "DEL d");
}

#[test]
fn stored_results_tell_their_events() {
    let mut shard = shard();
    for line in ["GEOADD g 1 1 a", "RPUSH l 1", "SET d x"] {
        call(&mut shard, &words(line));
    }
    shard.fx.mask = u32::MAX;
    let lines = [
        "GEOADD h 1 1 a",
        "GEOADD h NX 2 2 a",
        "GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 km",
        "GEORADIUS g 1 1 1 km STORE e",
        "GEORADIUS g 9 9 1 km STORE e",
        "GEORADIUS none 9 9 1 km STORE e",
        "SORT l STORE s BY w_*",
        "SORT none STORE s",
    ];
    for line in lines {
        call(&mut shard, &words(line));
    }
    let events: Vec<String> = shard.fx.events.iter().map(|(_, name, _, key)| format!("{name} {}", String::from_utf8_lossy(key))).collect();
    let expected = [
        "new h",
        "zadd h",
        "geosearchstore d",
        "new e",
        "georadiusstore e",
        "del e",
        "keymiss none",
        "keymiss w_1",
        "new s",
        "sortstore s",
        "keymiss none",
        "del s",
    ];
    assert_eq!(events, expected);
}

#[test]
fn no_words_break_positions_or_sorting() {
    const WORDS: &[&str] = &[
        "g",
        "l",
        "z",
        "d",
        "a",
        "b",
        "0",
        "1",
        "-1",
        "15",
        "37",
        "200",
        "inf",
        "nan",
        "-inf",
        "1e300",
        "1e-320",
        "9223372036854775807",
        "-9223372036854775808",
        "m",
        "KM",
        "ft",
        "mi",
        "FROMMEMBER",
        "FROMLONLAT",
        "BYRADIUS",
        "BYBOX",
        "COUNT",
        "ANY",
        "ASC",
        "DESC",
        "WITHDIST",
        "WITHHASH",
        "WITHCOORD",
        "STORE",
        "STOREDIST",
        "NX",
        "XX",
        "CH",
        "BY",
        "GET",
        "LIMIT",
        "ALPHA",
        "nosort",
        "w_*",
        "#",
        "*->*",
        "*",
        "",
    ];
    const COMMANDS: &[&str] = &["SORT", "SORT_RO"];
    let (mut shard, seed) = (shard(), 11);
    for line in ["GEOADD g 15 37 a 1 1 b 180 -85 1", "RPUSH l 3 a 1", "ZADD z -1 a inf b -inf 15 1e300 37", "SET w_a 1"] {
        call(&mut shard, &words(line));
    }
    let mut rng = crate::base::rng::Rng::new(seed);
    let names: Vec<&str> = geo::SPECS.iter().map(|spec| spec.name).chain(COMMANDS.iter().copied()).collect();
    for _ in 0..60_000 {
        let name = names[rng.below(names.len() as u64) as usize];
        let count = 1 + rng.below(10);
        let mut words: Vec<Vec<u8>> = vec![name.into()];
        // Often the words that let a search get as far as its area.
        match (name, rng.below(3)) {
            ("GEOSEARCH", 0) => words.extend(self::words("g FROMLONLAT 15 37 BYBOX")),
            ("GEOSEARCH", 1) => words.extend(self::words("z FROMMEMBER a BYRADIUS")),
            ("GEOSEARCHSTORE", 0) => words.extend(self::words("d z FROMMEMBER b BYRADIUS")),
            ("GEORADIUS" | "GEORADIUS_RO", 0) => words.extend(self::words("g 15 37")),
            _ => {}
        }
        words.extend((0..count).map(|_| WORDS[rng.below(WORDS.len() as u64) as usize].into()));
        let bytes = call(&mut shard, &words);
        let whole = reply::read(&bytes).expect("well formed");
        assert_eq!(whole.map(|(_, used)| used), Some(bytes.len()), "seed {seed}: {words:?}");
    }
}
