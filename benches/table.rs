//! How long the keyspace takes to find and to overwrite a key: in the cache, far beyond it, and far beyond it with prefetching.
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfort::keyspace::{Keyspace, Look, SLOTS, StrRef, Ttl};
use std::hint::black_box;

const NOW: i64 = 1_000_000;
/// Keys of one batch, as many as a turn collects.
const BATCH: usize = 128;

fn name(i: usize) -> Vec<u8> {
    format!("key:{i:012}").into_bytes()
}

fn value(i: usize) -> Vec<u8> {
    format!("value {i:026}").into_bytes()
}

/// A keyspace of `keys` keys and, in an order without pattern, the names of some of them.
fn filled(keys: usize) -> (Keyspace, Vec<(usize, Vec<u8>)>) {
    let mut keyspace = Keyspace::new(7, 1, 0..SLOTS);
    for i in 0..keys {
        let name = name(i);
        let key = keyspace.key(&name);
        assert!(keyspace.set_str(0, &key, &value(i), Ttl::None, NOW));
    }
    assert_eq!(keyspace.len(0), keys);
    // A step that shares no factor with any of the sizes goes through all of them.
    let names = (0..BATCH * 512).map(|n| n * 7_919_317 % keys).map(|i| (i, name(i))).collect();
    (keyspace, names)
}

fn finds(keyspace: &mut Keyspace, batch: &[(usize, Vec<u8>)], prefetches: bool) {
    let keys: Vec<_> = batch.iter().map(|(_, name)| keyspace.key(name)).collect();
    if prefetches {
        keys.iter().for_each(|key| keyspace.prefetch_bucket(0, key));
        keys.iter().for_each(|key| keyspace.prefetch_entry(0, key));
    }
    for ((i, _), key) in batch.iter().zip(&keys) {
        let item = keyspace.find(0, key, NOW, Look::Read).expect("every key is there");
        let StrRef::Bytes(bytes) = item.string() else { panic!("the values are no numbers") };
        // The last digits tell the values apart; comparing all of it would measure the comparison.
        assert_eq!(bytes[bytes.len() - 1], b'0' + (i % 10) as u8);
        black_box(bytes);
    }
}

fn table(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (size, keys) in [("10k", 10_000), ("1M", 1_000_000)] {
        let (mut keyspace, names) = filled(keys);
        let batches: Vec<_> = names.chunks_exact(BATCH).collect();
        let mut at = 0;
        for (how, prefetches) in [("find", false), ("find_prefetched", true)] {
            group.bench_function(format!("{how}/{size}"), |bencher| {
                bencher.iter(|| {
                    at = (at + 1) % batches.len();
                    finds(&mut keyspace, batches[at], prefetches);
                });
            });
        }
        group.bench_function(format!("set/{size}"), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % batches.len();
                for (i, name) in batches[at] {
                    let key = keyspace.key(name);
                    let value = [b"another ".as_slice(), &name[..8], &[b'0' + (i % 10) as u8]].concat();
                    assert!(keyspace.set_str(0, &key, &value, Ttl::None, NOW));
                }
            });
        });
        assert_eq!(keyspace.len(0), keys, "overwriting makes no keys");
        finds(&mut keyspace, batches[at], true);
    }
    group.finish();
}

criterion_group!(benches, table);
criterion_main!(benches);
