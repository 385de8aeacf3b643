//! What the order of transactions costs: looking at the marks when nothing happened, and one number from taking to being seen.
use criterion::{Criterion, criterion_group, criterion_main};
use ringfort::engine::txn::marks::{MARKS, Marks};
use std::hint::black_box;

fn ticket(criterion: &mut Criterion) {
    let marks = Marks::new(8);
    let mut bound = 0;
    criterion.bench_function("ticket/idle_turn", |bencher| {
        bencher.iter(|| assert_eq!(marks.advance(black_box(bound)), bound));
    });
    criterion.bench_function("ticket/take_mark_advance", |bencher| {
        bencher.iter(|| {
            assert!(marks.may_start(bound));
            let n = marks.take();
            marks.mark(n);
            bound = marks.advance(bound);
            assert_eq!(bound, n + 1);
        });
    });
    // A core that slept while others took half a lap of numbers.
    criterion.bench_function("ticket/catch_up_half_a_lap", |bencher| {
        bencher.iter(|| {
            let before = bound;
            (0..MARKS / 2).for_each(|_| marks.mark(marks.take()));
            bound = marks.advance(before);
            assert_eq!(bound - before, MARKS / 2);
        });
    });
}

criterion_group!(benches, ticket);
criterion_main!(benches);
