//! Rows of the catalogue of bad inputs that are not one input and one reply: splits, floods, clients that die.

use crate::support::{Client, Program, Random, Reply, Server, client::Silence, client::request, random};
use std::time::Duration;

/// The rows that the tests below run.
pub const ROWS: &[u8] = &[23, 29, 31, 41, 42, 50, 53, 54, 56, 62, 63];

const PIPELINE: &[&[&str]] = &[&["SET", "k", "1"], &["INCR", "k"], &["MSET", "a", "1", "b", "2"], &["MGET", "a", "b", "c"], &["nothing"]];
const PIPELINE_REPLIES: &[u8] =
    b"+OK\r\n:2\r\n+OK\r\n*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n-ERR unknown command 'nothing', with args beginning with: \r\n";

fn pipeline() -> Vec<u8> {
    PIPELINE.iter().flat_map(|words| request(words)).collect()
}

fn read_len(client: &mut Client, len: usize) -> Vec<u8> {
    client.read_raw(Duration::from_secs(20), |b| b.len() >= len).0
}

#[test]
fn b023_a_pipeline_split_anywhere_gets_the_same_replies() {
    let server = Server::ringfort(2, &[]);
    let all = pipeline();
    let mut client = server.client();
    for at in 1..all.len() {
        // Every pair of offsets that are one, some and many bytes apart.
        for second in [at + 1, at + 7, at + 40] {
            let second = second.min(all.len());
            for part in [&all[..at], &all[at..second], &all[second..]] {
                client.send(part);
                std::thread::yield_now();
            }
            let got = read_len(&mut client, PIPELINE_REPLIES.len());
            assert_eq!(got, PIPELINE_REPLIES, "split at {at} and {second}");
        }
    }
}

#[test]
fn b029_inline_and_framed_requests_keep_their_order() {
    let server = Server::ringfort(2, &[]);
    let mut client = server.client();
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    for i in 0..10_000 {
        let text = i.to_string();
        match i % 2 {
            0 => input.extend_from_slice(format!("ECHO {text}\r\n").as_bytes()),
            _ => input.extend_from_slice(&request(&["ECHO", &text])),
        }
        expected.extend_from_slice(format!("${}\r\n{text}\r\n", text.len()).as_bytes());
    }
    client.send(&input);
    assert!(read_len(&mut client, expected.len()) == expected);
}

#[test]
fn b031_a_command_of_a_million_words_works() {
    let server = Server::ringfort(2, &[]);
    let mut client = server.client();
    let mut words = vec!["MSET".to_string()];
    for i in 0..524_288 {
        words.extend([format!("k{i}"), "v".to_string()]);
    }
    assert_eq!(client.call(&words), Reply::Simple(b"OK".to_vec()));
    assert_eq!(client.call(&["DBSIZE"]), Reply::Int(524_288));
}

#[test]
fn b041_random_bytes_never_stop_the_server() {
    let mut server = Server::ringfort(2, &[]);
    let seed = random::seed();
    for n in 0..300 {
        let mut random = Random::new(seed.wrapping_add(n));
        let length = 1 + random.below(4096);
        let bytes: Vec<u8> =
            (0..length).map(|_| if random.once_in(3) { *random.pick(b"*$\r\n0123456789 \"'") } else { random.bits() as u8 }).collect();
        let mut client = server.client();
        client.send(&bytes);
        client.finish();
        client.read_raw(Duration::from_secs(20), |_| false);
        assert!(server.is_alive(), "seed {} stopped the server: {}", seed.wrapping_add(n), server.last_words());
    }
    assert_eq!(server.client().call(&["PING"]), Reply::Simple(b"PONG".to_vec()));
}

#[test]
fn b042_flipped_bits_never_stop_the_server() {
    let mut server = Server::ringfort(2, &[]);
    let seed = random::seed();
    for n in 0..500 {
        let mut random = Random::new(seed.wrapping_add(n));
        let mut bytes = pipeline();
        for _ in 0..=random.below(8) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let mut client = server.client();
        client.send(&bytes);
        client.finish();
        client.read_raw(Duration::from_secs(20), |_| false);
        assert!(server.is_alive(), "seed {} stopped the server: {}", seed.wrapping_add(n), server.last_words());
    }
}

#[test]
fn b050_one_client_too_many_is_told_so() {
    for program in [Program::Debian, Program::Ringfort] {
        let server = Server::start(program, &["--maxclients", "5"]);
        let mut clients = Vec::new();
        let refused = loop {
            assert!(clients.len() <= 5, "{program:?} takes more clients than maxclients");
            let mut client = server.client();
            match client.try_call(&["PING"]) {
                Ok(Reply::Simple(_)) => clients.push(client),
                other => break other,
            }
        };
        assert_eq!(refused, Ok(Reply::Error(b"ERR max number of clients reached".to_vec())), "{program:?}");
    }
}

#[test]
fn b053_a_client_that_stops_sending_gets_all_its_replies() {
    let server = Server::ringfort(2, &[]);
    let mut client = server.client();
    client.send(&pipeline().repeat(1000));
    client.finish();
    let (bytes, has_closed) = client.read_raw(Duration::from_secs(20), |_| false);
    assert!(has_closed);
    assert!(bytes == PIPELINE_REPLIES.repeat(1000));
}

#[test]
fn b054_half_a_request_of_a_dead_client_does_nothing() {
    let server = Server::ringfort(2, &[]);
    for cut in [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nab".as_slice(), b"SET k v", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv"] {
        let mut client = server.client();
        client.send(cut);
        drop(client);
    }
    let mut client = server.client();
    assert_eq!(client.call(&["EXISTS", "k"]), Reply::Int(0));
}

#[test]
fn b056_a_transaction_dies_with_its_client() {
    let server = Server::ringfort(2, &[]);
    let mut client = server.client();
    for words in [&["WATCH", "k"][..], &["MULTI"], &["SET", "k", "v"]] {
        client.call(words);
    }
    drop(client);
    let mut client = server.client();
    assert_eq!(client.call(&["EXISTS", "k"]), Reply::Int(0));
    assert_eq!(client.call(&["SET", "k", "w"]), Reply::Simple(b"OK".to_vec()));
}

#[test]
fn b062_a_client_that_reads_late_gets_every_reply() {
    const PINGS: usize = 300_000;
    let server = Server::ringfort(2, &[]);
    let mut reader = server.client();
    let mut writer = reader.twin();
    let sender = std::thread::spawn(move || {
        for _ in 0..PINGS / 1000 {
            writer.send(&b"PING\r\n".repeat(1000));
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.client().call(&["PING"]), Reply::Simple(b"PONG".to_vec()), "others are served meanwhile");
    let expected = b"+PONG\r\n".repeat(PINGS);
    let got = read_len(&mut reader, expected.len());
    sender.join().expect("the sender ends");
    assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
}

#[test]
fn b063_a_client_may_kill_itself() {
    let server = Server::ringfort(2, &[]);
    for block in [false, true] {
        let mut client = server.client();
        let Reply::Int(id) = client.call(&["CLIENT", "ID"]) else { panic!("CLIENT ID is a number") };
        let kill = ["CLIENT", "KILL", "ID", &id.to_string(), "SKIPME", "no"];
        if block {
            client.call(&["MULTI"]);
            assert_eq!(client.call(&kill), Reply::Simple(b"QUEUED".to_vec()));
            assert_eq!(client.call(&["EXEC"]), Reply::Array(vec![Reply::Int(1)]));
        } else {
            assert_eq!(client.call(&kill), Reply::Int(1));
        }
        assert!(matches!(client.try_call(&["PING"]), Err(Silence::Closed(_))));
    }
}
