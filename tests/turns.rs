//! What cores count about their own turns: one that is known to be long shows in INFO, and CONFIG RESETSTAT forgets it.

use crate::support::{Client, Server};

fn number(client: &mut Client, field: &str) -> u64 {
    let text = String::from_utf8_lossy(client.call(&["INFO", "stats"]).bytes()).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|v| v.trim().parse().ok()).unwrap_or_else(|| panic!("INFO has no number {field}"))
}

#[test]
fn turn_that_takes_long_is_counted() {
    let server = Server::ringfort(2, &["--enable-debug-command", "yes"]);
    let mut client = server.client();
    let (turns, slow) = (number(&mut client, "eventloop_cycles"), number(&mut client, "slow_turns"));
    client.call(&["DEBUG", "SLEEP", "0.3"]);
    assert!(number(&mut client, "eventloop_cycles") > turns);
    assert!(number(&mut client, "slow_turns") > slow);
    let longest = number(&mut client, "longest_turn_usec");
    assert!(longest >= 300_000, "{longest} us");
    assert!(number(&mut client, "eventloop_duration_sum") >= longest);
    assert_eq!(number(&mut client, "longest_turn_cpu_usec"), 0, "nobody asked for it");
    client.call(&["CONFIG", "SET", "latency-monitor-threshold", "10000"]);
    client.call(&["DEBUG", "SLEEP", "0.3"]);
    let cpu = number(&mut client, "longest_turn_cpu_usec");
    assert!((1..300_000).contains(&cpu), "who sleeps uses no CPU: {cpu} us");
    client.call(&["CONFIG", "RESETSTAT"]);
    // The turn of the reset itself goes on behind it.
    let after = number(&mut client, "longest_turn_usec");
    assert!(after < longest, "{after} us, before {longest}");
}
