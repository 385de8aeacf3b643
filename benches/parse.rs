//! How long the request parser takes for one command, per shape of traffic.
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfort::proto::parse::{Limits, Parsed, Resume, parse};
use std::hint::black_box;

/// Parses `input` to its end; returns the commands found.
fn drain(input: &[u8], resume: &mut Resume, spans: &mut Vec<ringfort::proto::Span>, scratch: &mut Vec<u8>) -> usize {
    let limits = Limits { max_bulk: 512 << 20, authenticated: true };
    let (mut at, mut commands) = (0, 0);
    loop {
        spans.clear();
        scratch.clear();
        match parse(&input[at..], &limits, resume, spans, scratch) {
            Parsed::Command { used } | Parsed::Inline { used } => {
                black_box(&spans);
                at += used;
                commands += 1;
            }
            Parsed::Nothing { used } => at += used,
            Parsed::More { .. } | Parsed::Error(_) => return commands,
        }
    }
}

fn shapes(criterion: &mut Criterion) {
    let shapes: [(&str, &[u8]); 5] = [
        ("get", b"*2\r\n$3\r\nGET\r\n$8\r\nkey:1234\r\n"),
        ("set", b"*3\r\n$3\r\nSET\r\n$8\r\nkey:1234\r\n$12\r\nabcdefghijkl\r\n"),
        ("set_long_value", &[&b"*3\r\n$3\r\nSET\r\n$8\r\nkey:1234\r\n$1024\r\n"[..], &[b'x'; 1024], b"\r\n"].concat()),
        ("mset_20", &[&b"*21\r\n$4\r\nMSET\r\n"[..], &b"$8\r\nkey:1234\r\n".repeat(20)].concat()),
        ("inline", b"SET key:1234 abcdefghijkl\r\n"),
    ];
    let mut group = criterion.benchmark_group("parse");
    for (name, command) in shapes {
        const COMMANDS: usize = 64;
        let input = command.repeat(COMMANDS);
        let (mut resume, mut spans, mut scratch) = (Resume::default(), Vec::new(), Vec::new());
        group.throughput(Throughput::Elements(COMMANDS as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let commands = drain(black_box(&input), &mut resume, &mut spans, &mut scratch);
                assert_eq!(commands, COMMANDS);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, shapes);
criterion_main!(benches);
