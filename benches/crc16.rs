//! How long it takes to find the slot of a key, by its length and with a hash tag.
use criterion::{Criterion, criterion_group, criterion_main};
use ringfort::keyspace::slots::{owner_of, slot_of};
use std::hint::black_box;

/// Keys with the slots that `CLUSTER KEYSLOT` of a stock server gives them.
const KEYS: [(&str, &[u8], u16); 4] = [
    ("9", b"123456789", 12739),
    ("16", b"key:000000000042", 7803),
    ("64", b"customer:12345678:orders:2026-01-01:lines:0000000000000000000042", 269),
    ("tag", b"{user1000}.following", 3443),
];

fn slots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("crc16/slot_of");
    for (name, key, slot) in KEYS {
        assert_eq!(slot_of(key), slot, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| slot_of(black_box(key))));
    }
    group.finish();
}

fn owners(criterion: &mut Criterion) {
    assert_eq!((owner_of(0, 3), owner_of(16383, 3)), (0, 2));
    criterion.bench_function("crc16/owner_of", |bencher| bencher.iter(|| owner_of(black_box(12739), black_box(7))));
}

criterion_group!(benches, slots, owners);
criterion_main!(benches);
