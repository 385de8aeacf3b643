//! What operators see and do, on two cores: pauses, sleeping, figures of clients and of memory, skipped replies.

use crate::support::{Client, Reply, Server};
use std::time::{Duration, Instant};

fn server() -> Server {
    Server::ringfort(2, &["--enable-debug-command", "yes"])
}

fn ok() -> Reply {
    Reply::Simple(b"OK".to_vec())
}

fn text(reply: Reply) -> String {
    match reply {
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => panic!("{other:?}"),
    }
}

/// The number behind `name`, which its separator follows: `:` in INFO, `=` in lists of clients.
fn figure(text: &str, name: &str) -> u64 {
    let at = text.find(name).unwrap_or_else(|| panic!("{name} in {text}")) + name.len();
    let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{name} in {text}"))
}

fn info(client: &mut Client, name: &str) -> u64 {
    figure(&text(client.call(&["INFO", "everything"])), &format!("\r\n{name}:"))
}

/// Asks again until a figure of INFO is `wanted`.
fn wait_for(client: &mut Client, name: &str, wanted: u64) {
    let until = Instant::now() + Duration::from_secs(10);
    while info(client, name) != wanted {
        assert!(Instant::now() < until, "{name} does not become {wanted}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_pause_of_writes_holds_them_up_counts_them_and_ends_at_once() {
    let server = server();
    let (mut admin, mut writer, mut counter) = (server.client(), server.client(), server.client());
    admin.call(&["PFADD", "hll", "a"]);
    assert_eq!(admin.call(&["CLIENT", "PAUSE", "60000", "WRITE"]), ok());
    assert_eq!(admin.call(&["CLIENT", "PAUSE", "10", "WRITE"]), ok());
    writer.send_words(&["SET", "k", "v"]);
    counter.send_words(&["PFCOUNT", "hll"]);
    wait_for(&mut admin, "blocked_clients", 2);
    assert_eq!(admin.call(&["GET", "k"]), Reply::Null);
    assert_eq!(admin.call(&["CLIENT", "UNPAUSE"]), ok());
    assert_eq!((writer.read(), counter.read()), (Ok(ok()), Ok(Reply::Int(1))));
    wait_for(&mut admin, "blocked_clients", 0);
}

#[test]
fn a_pause_of_everything_holds_up_its_own_end_and_keeps_expired_keys() {
    let server = server();
    let mut client = server.client();
    let start = Instant::now();
    assert_eq!(client.call(&["CLIENT", "PAUSE", "200"]), ok());
    assert_eq!(client.call(&["CLIENT", "UNPAUSE"]), ok());
    assert!(start.elapsed() >= Duration::from_millis(190));
    client.call(&["SET", "k", "v", "PX", "20"]);
    client.call(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!((client.call(&["GET", "k"]), info(&mut client, "expired_keys")), (Reply::Null, 0));
    client.call(&["CLIENT", "UNPAUSE"]);
    wait_for(&mut client, "expired_keys", 1);
}

#[test]
fn a_sleep_is_a_slow_call_of_that_length() {
    let server = server();
    let mut client = server.client();
    client.call(&["CONFIG", "SET", "slowlog-log-slower-than", "50000", "latency-monitor-threshold", "50"]);
    assert_eq!(client.call(&["DEBUG", "SLEEP", "0.1"]), ok());
    let Reply::Array(entries) = client.call(&["SLOWLOG", "GET"]) else { panic!("an array") };
    let [Reply::Array(entry)] = entries.as_slice() else { panic!("{entries:?}") };
    assert!(matches!(entry[2], Reply::Int(100_000..)), "{entry:?}");
    let Reply::Array(events) = client.call(&["LATENCY", "LATEST"]) else { panic!("an array") };
    assert!(matches!(&events[..], [Reply::Array(event)] if event[0] == Reply::Bulk(b"command".to_vec())), "{events:?}");
    let line = text(client.call(&["INFO", "latencystats"]));
    assert!(figure(&line, "latency_percentiles_usec_debug:p50=") >= 100_000, "{line}");
}

#[test]
fn a_client_sees_its_own_command_in_its_line_and_nothing_unsent() {
    let server = server();
    let mut client = server.client();
    for _ in 0..2 {
        assert_eq!(client.call(&["WATCH", "a", "b", "a"]), ok());
    }
    let request = "*2\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n";
    let line = text(client.call(&["CLIENT", "LIST"]));
    assert_eq!(figure(&line, " qbuf="), request.len() as u64, "{line}");
    assert!(line.contains(" watch=2 ") && line.contains(" obl=0 oll=0 omem=0 ") && line.contains(" events=r "), "{line}");
    assert_eq!((info(&mut client, "watching_clients"), info(&mut client, "total_watched_keys")), (1, 2));
}

#[test]
fn memory_of_a_big_value_and_of_a_flush_is_given_back_and_counted() {
    let server = server();
    let mut client = server.client();
    let members: Vec<String> = (0..50_000).map(|n| format!("member-{n}")).collect();
    let words: Vec<&str> = ["SADD", "big"].into_iter().chain(members.iter().map(String::as_str)).collect();
    let before = info(&mut client, "used_memory");
    assert!(before > 0, "the server itself takes some");
    assert_eq!(client.call(&words), Reply::Int(50_000));
    let peak = info(&mut client, "used_memory");
    assert_eq!(client.call(&["UNLINK", "big"]), Reply::Int(1));
    wait_for(&mut client, "lazyfreed_objects", 1);
    assert_eq!(info(&mut client, "lazyfree_pending_objects"), 0);
    assert!(info(&mut client, "used_memory") < before + (peak - before) / 4);
    client.call(&["DEBUG", "POPULATE", "3000"]);
    client.call(&["FLUSHALL", "ASYNC"]);
    wait_for(&mut client, "lazyfreed_objects", 3001);
    client.call(&["MULTI"]);
    client.call(&["MSET", "a", "1", "b", "2"]);
    client.call(&["FLUSHALL"]);
    client.call(&["EXEC"]);
    assert_eq!(info(&mut client, "lazyfreed_objects"), 3001, "inside EXEC it is done at once");
}

#[test]
fn scanning_deletes_what_it_meets_and_is_over() {
    let server = server();
    let mut client = server.client();
    client.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    client.call(&["SET", "stays", "v"]);
    client.call(&["SET", "over", "v", "PX", "1"]);
    client.call(&["RPUSH", "list", "v"]);
    client.call(&["PEXPIRE", "list", "1"]);
    std::thread::sleep(Duration::from_millis(20));
    let mut cursor = "0".to_string();
    loop {
        let Reply::Array(parts) = client.call(&["SCAN", &cursor, "TYPE", "string", "MATCH", "*"]) else { panic!("an array") };
        cursor = text(parts[0].clone());
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(client.call(&["DBSIZE"]), Reply::Int(1));
}

#[test]
fn replies_that_were_to_be_skipped_come_back_on_request() {
    let server = server();
    let mut client = server.client();
    client.send_words(&["CLIENT", "REPLY", "SKIP"]);
    assert_eq!(client.call(&["CLIENT", "REPLY", "ON"]), ok());
    client.send_words(&["CLIENT", "REPLY", "SKIP"]);
    client.send_words(&["CLIENT", "REPLY", "SKIP"]);
    client.send_words(&["PING"]);
    assert_eq!(client.call(&["ECHO", "x"]), Reply::Bulk(b"x".to_vec()));
}

#[test]
fn modules_are_refused_by_the_setting_or_fail_to_load() {
    let refused = Server::ringfort(1, &[]).client().call(&["MODULE", "LOAD", "x.so"]);
    let Reply::Error(why) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with(b"ERR MODULE command not allowed."), "{}", String::from_utf8_lossy(&why));
    let open = Server::ringfort(1, &["--enable-module-command", "yes"]);
    let failed = open.client().call(&["MODULE", "LOAD", "x.so"]);
    assert_eq!(failed, Reply::Error(b"ERR Error loading the extension. Please check the server logs.".to_vec()));
    let missing = open.client().call(&["MODULE", "UNLOAD", "x"]);
    assert_eq!(missing, Reply::Error(b"ERR Error unloading module: no such module with that name".to_vec()));
}

#[test]
fn listeners_stay_where_they_are() {
    let server = server();
    let mut client = server.client();
    let port = text_of_setting(&mut client, "port");
    assert_eq!(client.call(&["CONFIG", "SET", "port", &port]), ok(), "its own value");
    let refused = client.call(&["CONFIG", "SET", "port", "1"]);
    assert!(
        matches!(&refused, Reply::Error(why) if why.starts_with(b"ERR CONFIG SET failed (possibly related to argument 'port')")),
        "{refused:?}"
    );
    assert_eq!(text_of_setting(&mut client, "port"), port);
}

fn text_of_setting(client: &mut Client, name: &str) -> String {
    match client.call(&["CONFIG", "GET", name]) {
        Reply::Array(both) => both.into_iter().next_back().map(text).unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}
