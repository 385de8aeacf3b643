//! The generator against small servers of its own.

use super::*;
use std::net::TcpListener;

/// A server on a free port that answers `+OK` to every command after what `delay` says for its number.
fn server(delay: fn(u64) -> Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("accepting");
            std::thread::spawn(move || {
                let (mut input, mut chunk, mut seen) = (Vec::new(), [0; 4096], 0);
                while let Ok(n @ 1..) = stream.read(&mut chunk) {
                    input.extend_from_slice(&chunk[..n]);
                    // Requests have the form of replies: arrays of bulk strings.
                    while let Some(len) = reply::skip(&input) {
                        input.drain(..len);
                        std::thread::sleep(delay(seen));
                        seen += 1;
                        if stream.write_all(b"+OK\r\n").is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}

fn options(port: u16) -> Options {
    let (duration, warmup) = (Duration::from_millis(300), Duration::from_millis(50));
    Options { port, rate: 2000.0, connections: 3, threads: 2, duration, warmup, ratio: [1, 1, 1], ..Options::default() }
}

fn figure(text: &str, name: &str) -> f64 {
    let word = text.lines().last().unwrap_or("").split_whitespace().find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
    word.and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn every_command_of_the_schedule_is_sent_and_answered() {
    let text = load(&Options { pipeline: 4, ..options(server(|_| Duration::ZERO)) }).expect("the server answers");
    let done = figure(&text, "done");
    assert!((690.0..=710.0).contains(&done), "{text}");
    assert_eq!((figure(&text, "lost"), figure(&text, "errors")), (0.0, 0.0));
    assert!((0.98..=1.02).contains(&figure(&text, "achieved")), "{text}");
}

#[test]
fn stall_counts_for_every_command_that_should_have_left_in_it() {
    // One connection, a command every millisecond; one answer takes 150 ms and the next 150 commands wait behind it.
    let port = server(|n| Duration::from_millis(if n == 100 { 150 } else { 0 }));
    let text = load(&Options { rate: 1000.0, connections: 1, threads: 1, ..options(port) }).expect("the server answers");
    assert!(figure(&text, "max_ms") >= 150.0, "{text}");
    assert!(figure(&text, "p99_ms") >= 100.0, "a closed loop would show one slow command: {text}");
}

#[test]
fn probe_reports_the_longest_wait() {
    let port = server(|n| Duration::from_millis(if n == 20 { 80 } else { 0 }));
    let text = stall::probe(&Options { stall: true, pid: Some(std::process::id()), ..options(port) }).expect("the server answers");
    assert!((80.0..200.0).contains(&figure(&text, "max_ms")), "{text}");
    // Other tests run in this process too, so how much of it is the server's is not known here; never more than the wait.
    assert!((0.0..=figure(&text, "max_ms")).contains(&figure(&text, "cpu_ms")), "{text}");
}

#[test]
fn server_that_hangs_up_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    assert!(load(&options(port)).is_err());
}

#[test]
fn poisson_gaps_have_the_asked_mean() {
    let options = Options { poisson: true, ..Options::default() };
    let mut source = Source { options: &options, rng: Rng::new(7), value: Vec::new() };
    let sum: Duration = (0..20_000).map(|_| source.gap(0.001)).sum();
    assert!((19.0..21.0).contains(&sum.as_secs_f64()), "{sum:?}");
}
