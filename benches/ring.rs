//! How long a message between two cores takes: through an empty ring, in batches, and there and back between threads.
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfort::base::ring::ring;
use std::hint::black_box;

/// Pushes `batch` numbers and takes them out again on the same thread; the sum shows that all came, in order.
fn same_thread(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/same_thread");
    for batch in [1u64, 64] {
        let (mut sender, mut receiver) = ring::<u64>(64);
        group.throughput(Throughput::Elements(batch));
        group.bench_function(batch.to_string(), |bencher| {
            bencher.iter(|| {
                for i in 0..batch {
                    assert_eq!(sender.push(black_box(i)), Ok(()));
                }
                for i in 0..batch {
                    assert_eq!(receiver.pop(), Some(i));
                }
            });
        });
    }
    group.finish();
}

/// One message to another thread and its answer: the least that a call of another core's key costs while both are awake.
fn there_and_back(criterion: &mut Criterion) {
    let (mut calls, mut called) = ring::<u64>(64);
    let (mut answers, mut answered) = ring::<u64>(64);
    let other = std::thread::spawn(move || {
        loop {
            match called.pop() {
                Some(u64::MAX) => return,
                Some(n) => assert_eq!(answers.push(n + 1), Ok(())),
                // On a machine with fewer CPUs than threads spinning would only wait for the scheduler.
                None => std::thread::yield_now(),
            }
        }
    });
    let mut n = 0;
    criterion.bench_function("ring/there_and_back", |bencher| {
        bencher.iter(|| {
            n += 1;
            assert_eq!(calls.push(n), Ok(()));
            let answer = loop {
                match answered.pop() {
                    Some(answer) => break answer,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(answer, n + 1);
        });
    });
    assert_eq!(calls.push(u64::MAX), Ok(()));
    other.join().expect("the other thread saw only numbers that were sent");
}

criterion_group!(benches, same_thread, there_and_back);
criterion_main!(benches);
