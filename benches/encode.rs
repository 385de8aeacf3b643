//! How long the reply writer takes for one reply, per kind of reply.
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfort::proto::encode::Out;
use ringfort::proto::reply::skip;
use std::hint::black_box;

fn kinds(criterion: &mut Criterion) {
    type Write = fn(&mut Out);
    let kinds: [(&str, Write); 6] = [
        ("ok", |out| out.ok()),
        ("int", |out| out.int(black_box(123_456))),
        ("bulk_12", |out| out.bulk(black_box(b"abcdefghijkl"))),
        ("null", |out| out.null()),
        ("double", |out| out.double(black_box(3.6))),
        ("deferred_array_of_20", |out| {
            let mark = out.deferred();
            for _ in 0..20 {
                out.bulk(black_box(b"abcdefghijkl"));
            }
            out.fix_array(mark, 20);
        }),
    ];
    let mut group = criterion.benchmark_group("encode");
    for (name, write) in kinds {
        const REPLIES: usize = 64;
        let mut out = Out::new(true);
        group.throughput(Throughput::Elements(REPLIES as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.buf.clear();
                for _ in 0..REPLIES {
                    write(&mut out);
                }
                black_box(&out.buf);
            });
        });
        let mut rest = out.buf.as_slice();
        while !rest.is_empty() {
            let len = skip(rest).expect("the writer makes whole replies");
            rest = &rest[len..];
        }
    }
    group.finish();
}

criterion_group!(benches, kinds);
criterion_main!(benches);
