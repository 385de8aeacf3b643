//! Whose database it is: transactions that choose another one, with commands over several cores right behind them, in a pipeline of a
//! client and in a log that more cores load than wrote it; and blocks that stay blocks in the log of one core.

use super::{Policy, increments, site};
use crate::support::client::request;
use crate::support::{Client, Program, Reply};

const ROUNDS: usize = 20;
/// Hash tags on all cores.
const TAGS: usize = 8;

/// In each round one key in database 4, then a block that goes to database 3, and MSET there. At last database 5 is filled and flushed.
fn pipeline() -> (Vec<u8>, usize) {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut say = |line: &str| lines.push(line.split(' ').map(str::to_string).collect());
    for n in 0..ROUNDS {
        let all = |name: &str| (0..TAGS).map(|tag| format!(" {{g{tag}}}{name} {n}")).collect::<String>();
        say("SELECT 4");
        say(&format!("SET {{g{}}}alone {n}", n % TAGS));
        say("MULTI");
        say("SELECT 3");
        (0..TAGS).for_each(|tag| say(&format!("SET {{g{tag}}}block {n}")));
        say("EXEC");
        say(&format!("MSET{}", all("many")));
    }
    for line in ["MULTI", "SELECT 5", "SET {g0}x 1", "SET {g1}x 1", "SET {g2}x 1", "EXEC", "FLUSHDB"] {
        say(line);
    }
    (lines.iter().flat_map(|words| request(words)).collect(), lines.len())
}

fn check(client: &mut Client) {
    for (db, keys) in [("0", 0), ("3", 2 * TAGS), ("4", TAGS), ("5", 0)] {
        client.call(&["SELECT", db]);
        assert_eq!(client.call(&["DBSIZE"]), Reply::Int(keys as i64), "database {db}");
    }
    client.call(&["SELECT", "3"]);
    for tag in 0..TAGS {
        for name in ["block", "many"] {
            let key = format!("{{g{tag}}}{name}");
            assert_eq!(client.call(&["GET", &key]).bytes(), (ROUNDS - 1).to_string().as_bytes(), "{key}");
        }
    }
}

#[test]
fn a_block_that_changes_the_database_counts_for_what_follows_it() {
    for (wrote, reads) in [(5, 5), (1, 5), (1, 2), (5, 1)] {
        let mut site = site(Program::Ringfort, Policy::Always);
        site.cores = wrote;
        site.start();
        let mut client = site.client();
        let (bytes, replies) = pipeline();
        client.send(&bytes);
        for _ in 0..replies {
            let reply = client.read().expect("a reply");
            assert!(!matches!(reply, Reply::Error(_)), "{reply:?}");
        }
        check(&mut client);
        site.kill();
        site.cores = reads;
        site.start();
        check(&mut site.client());
    }
}

#[test]
fn a_block_with_a_command_of_all_cores_is_one_unit_in_the_log_of_one_core() {
    let mut site = site(Program::Ringfort, Policy::Always);
    site.cores = 1;
    site.start();
    let mut client = site.client();
    for line in [&["MULTI"][..], &["SET", "first", "1"], &["DBSIZE"], &["KEYS", "*"], &["SET", "second", "1"], &["EXEC"]] {
        client.call(line);
    }
    site.kill();
    let files = increments(&site.data);
    let text: String = files.iter().map(|f| String::from_utf8_lossy(&std::fs::read(f).expect("a log")).into_owned()).collect();
    let block = text.split("MULTI\r\n").nth(1).and_then(|rest| rest.split("EXEC\r\n").next()).unwrap_or_default();
    assert!(block.contains("first") && block.contains("second"), "{text}");
}
