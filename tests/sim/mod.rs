//! The engine under a scheduler that wants it to fail: N cores on one thread, every interleaving that a seed can draw, checked
//! against one map. What is proved: strict serializability of commands, blocks and watches over all cores; replies in order, one
//! for each command; no command without its reply; effects that rebuild the same values on another number of cores.
//! What shows that the proof can fail: each planted fault (engine/probe.rs) is found.
//!
//! RINGFORT_SEEDS: worlds of the main run (2000). RINGFORT_SEED: its first seed (1). A failure names its seed.

mod check;
mod crash;
mod disk;
mod history;
mod long;
mod queue;
mod replay;
mod sort;
mod world;

use check::Verdict;
use history::KEYS;
use ringfort::base::rng::Rng;
use ringfort::engine::probe::Fault;
use world::{Shape, World};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// What a world of one seed came to.
#[derive(Debug, PartialEq)]
enum Result {
    Fine,
    Undecided,
    Wrong(String),
}

/// Runs the world of `seed` with `fault` planted. Returns what came of it and the hash of all events.
fn run(seed: u64, fault: Option<Fault>) -> (Result, u64) {
    let mut rng = Rng::new(seed);
    let mut shape = Shape { fault, ..Shape::random(&mut rng) };
    if fault == Some(Fault::MarksReused) {
        (shape.cores, shape.marks, shape.ring) = (shape.cores.min(3), 4, 64);
    }
    let plan = history::plan(&mut rng, shape.cores);
    let world = World::new(rng.next_u64(), shape, plan.scripts);
    let outcomes = match world.run() {
        Ok(outcomes) => outcomes,
        Err(text) => return (Result::Wrong(text), world.hash()),
    };
    let entries = match history::entries(&plan.operations, &outcomes) {
        Ok(entries) => entries,
        Err(text) => return (Result::Wrong(text), world.hash()),
    };
    let mut last = [None; KEYS];
    for (value, name) in last.iter_mut().zip(&plan.names) {
        *value = world.value(name).and_then(|(text, _)| text.parse().ok());
    }
    let result = match check::check(&entries, &plan.names, shape.cores, last) {
        Verdict::Fine => Result::Fine,
        Verdict::TooLong => Result::Undecided,
        Verdict::Violation => {
            let mut lines: Vec<String> = vec![format!("no order explains this history ({shape:?}):")];
            let mut sorted = entries.clone();
            sorted.sort_by_key(|e| e.invoke);
            lines.extend(
                sorted
                    .iter()
                    .map(|e| format!("  {:>6}..{:<6} client {} {:?} -> {:?}", e.invoke, e.respond, e.client, e.operation, e.reply)),
            );
            lines.push(format!("  at the end: {last:?}"));
            Result::Wrong(lines.join("\n"))
        }
    };
    (result, world.hash())
}

#[test]
fn every_history_has_an_order_that_explains_it() {
    let (first, count) = (number("RINGFORT_SEED", 1), number("RINGFORT_SEEDS", 2000));
    let mut undecided = 0;
    for seed in first..first + count {
        match run(seed, None).0 {
            Result::Fine => {}
            Result::Undecided => undecided += 1,
            Result::Wrong(text) => panic!("RINGFORT_SEED={seed} RINGFORT_SEEDS=1: {text}"),
        }
    }
    assert!(undecided * 100 <= count, "{undecided} of {count} histories were too long to decide");
}

#[test]
fn the_same_seed_gives_the_same_events() {
    for seed in 1..40 {
        assert_eq!(run(seed, None).1, run(seed, None).1, "seed {seed}");
    }
}

/// Seeds within which a planted fault must be found.
const FAULT_SEEDS: u64 = 3000;

fn is_found(fault: Fault) -> Option<u64> {
    (1..=FAULT_SEEDS).find(|seed| matches!(run(*seed, Some(fault)).0, Result::Wrong(_)))
}

macro_rules! found {
    ($($test:ident: $fault:ident,)*) => {$(
        #[test]
        fn $test() {
            let seed = is_found(Fault::$fault);
            println!("{:?} found at seed {seed:?}", Fault::$fault);
            assert!(seed.is_some(), "{:?} was not noticed in {FAULT_SEEDS} worlds", Fault::$fault);
        }
    )*};
}

found! {
    finds_rings_drained_before_marks: DrainBeforeMarks,
    finds_a_mark_before_the_last_push: MarkBeforeLastPush,
    finds_calls_run_before_tickets: CallsBeforeTickets,
    finds_calls_taken_after_marks: CallsTakenLate,
    finds_calls_that_pass_a_hold: CallsPassHolds,
    finds_tickets_that_overtake: TicketsOvertake,
    finds_a_ticket_that_passes_calls: TicketPassesCalls,
    finds_a_call_that_passes_tickets: CallPassesTickets,
    finds_a_lost_round: RoundLost,
    finds_a_lost_change: ChangeLost,
    finds_an_early_release: EarlyRelease,
    finds_marks_used_again: MarksReused,
    finds_an_ignored_watch: WatchIgnored,
    finds_a_forgotten_hold: HoldForgotten,
    finds_a_bound_that_is_too_far: BoundTooFar,
    finds_sleep_on_unrun_tickets: SleepsOnTickets,
    finds_commands_queued_behind_exec: QueuedBehindExec,
    finds_watches_forgotten_too_early: WatchesForgotten,
    finds_tickets_that_are_not_tried_again: StarvedForgotten,
    finds_late_answers_that_wake_nobody: LateAnswerSleeps,
    finds_replies_out_of_order: RepliesUnordered,
}
