//! Queues: consumers that block on keys of different cores, producers, connections that break. Every item is taken
//! once or still there; whoever waited longer on a key gets the earlier item; nobody waits for ever beside an item.
//!
//! An item may be lost with a connection, at most one for each: then it was on its way to the client. If the client only waited
//! when its connection broke, nothing that is pushed later is lost with it.

use super::history::{encode, key_names};
use super::number;
use super::world::{Outcome, Request, Script, Shape, World};
use ringfort::base::rng::Rng;
use ringfort::engine::probe::Fault;
use ringfort::proto::reply::Reply;
use std::collections::BTreeMap;

/// Keys that items are pushed to; as many others take what is moved.
const KEYS: usize = 4;
const CONSUMERS: usize = 8;

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split_whitespace().map(|w| w.as_bytes().to_vec()).collect()
}

fn request(lines: &[String]) -> Request {
    let mut request = Request { bytes: Vec::new(), last: 0, replies: lines.len() };
    for line in lines {
        request.last = request.bytes.len();
        encode(&words(line), &mut request.bytes);
    }
    request
}

/// What is asked of the keys, so that producers can push enough.
#[derive(Default)]
struct Demand {
    /// Items that may be taken from each key for ever-waiting requests to be served for sure.
    of: Vec<usize>,
}

/// One consumer's requests. Those that wait for ever are counted in `demand`.
/// The last two consumers take what is moved, the others move: so none of them waits for itself.
fn consumer(
    rng: &mut Rng,
    names: &[String],
    demand: &mut Demand,
    supply: &mut [usize],
    (is_taker, is_mortal): (bool, bool),
) -> Vec<Request> {
    let count = 3 + rng.below(8) as usize;
    let mut requests = Vec::new();
    for _ in 0..count {
        let first = rng.below(KEYS as u64) as usize;
        let width = 1 + rng.below(KEYS as u64) as usize;
        let keys: Vec<usize> = (0..width).map(|n| (first + n) % KEYS).collect();
        let list = keys.iter().map(|k| names[*k].as_str()).collect::<Vec<_>>().join(" ");
        let timeout = if rng.below(3) == 0 { "0.03" } else { "0" };
        let line = match rng.below(6) {
            0..3 => format!("BLPOP {list} {timeout}"),
            3 => format!("BLMPOP {timeout} {width} {list} LEFT"),
            4 if !is_taker => {
                // To the place for moved items, which others take from.
                if timeout == "0" && !is_mortal {
                    supply[first] += 1;
                }
                demand.of[first] += 1;
                requests.push(request(&[format!("BLMOVE {} {} LEFT RIGHT {timeout}", names[first], names[KEYS + first])]));
                continue;
            }
            5 if !is_taker => continue,
            _ => {
                let moved = (0..KEYS).find(|k| supply[*k] > 0);
                let Some(k) = moved else { continue };
                supply[k] -= 1;
                requests.push(request(&[format!("BLPOP {} {timeout}", names[KEYS + k])]));
                continue;
            }
        };
        keys.iter().for_each(|k| demand.of[*k] += 1);
        requests.push(request(&[line]));
    }
    requests
}

/// One producer for each key: it pushes its items in the order of their numbers.
fn producer(rng: &mut Rng, names: &[String], key: usize, items: usize) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut next = 0;
    while next < items {
        let count = (1 + rng.below(3) as usize).min(items - next);
        let list = (next..next + count).map(|n| format!("{key}:{n}")).collect::<Vec<_>>().join(" ");
        next += count;
        let push = format!("RPUSH {} {list}", names[key]);
        requests.push(match rng.below(4) {
            // Another core's key makes it a block over cores.
            0 => request(&["MULTI".into(), push, format!("GET {}x", names[(key + 1) % KEYS]), "EXEC".into()]),
            1 => request(&[push, format!("LLEN {}", names[key])]),
            _ => request(&[push]),
        });
    }
    requests
}

/// The items of a reply to a consumer, with the key they came from.
fn items_of(reply: &Reply) -> Vec<(String, String)> {
    let text = |r: &Reply| if let Reply::Bulk(b) = r { String::from_utf8_lossy(b).into_owned() } else { String::new() };
    match reply {
        Reply::Array(pair) if pair.len() == 2 => match &pair[1] {
            Reply::Array(list) => list.iter().map(|item| (text(&pair[0]), text(item))).collect(),
            item => vec![(text(&pair[0]), text(item))],
        },
        _ => Vec::new(),
    }
}

fn is_pop(request: &Request) -> bool {
    !request.bytes.windows(6).any(|w| w == b"BLMOVE")
}

/// Runs the world of `seed`; says what is wrong.
fn run(seed: u64, fault: Option<Fault>) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let shape = Shape { fault, ..Shape::random(&mut rng) };
    let names: Vec<String> = key_names(shape.cores, KEYS).iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
    let names: Vec<String> = names.iter().cloned().chain(names.iter().rev().map(|n| format!("moved{n}"))).collect();
    let mut demand = Demand { of: vec![0; KEYS] };
    let mut supply = vec![0; KEYS];
    let mut scripts = Vec::new();
    for n in 0..CONSUMERS {
        let is_mortal = rng.below(3) == 0;
        let requests = consumer(&mut rng, &names, &mut demand, &mut supply, (n + 2 >= CONSUMERS, is_mortal));
        let breaks_after = is_mortal.then(|| 1 + rng.below(requests.len().max(1) as u64) as usize);
        scripts.push(Script { core: rng.below(shape.cores as u64) as usize, pipeline: 1 + rng.below(2) as usize, requests, breaks_after });
    }
    for key in 0..KEYS {
        let items = demand.of[key] + rng.below(3) as usize;
        let requests = producer(&mut rng, &names, key, items);
        scripts.push(Script {
            core: rng.below(shape.cores as u64) as usize,
            pipeline: 1 + rng.below(4) as usize,
            requests,
            breaks_after: None,
        });
    }
    let requests: Vec<Vec<Request>> = scripts.iter().map(|s| s.requests.clone()).collect();
    let world = World::new(rng.next_u64(), shape, scripts);
    world.clock_step.set(rng.below(2));
    let outcomes = world.run().map_err(|text| {
        let lists: Vec<String> = names.iter().map(|n| format!("{n}: {:?}", world.list(n.as_bytes()))).collect();
        format!("{text}\n  {}", lists.join("\n  "))
    })?;
    let found: Vec<(String, String)> = names.iter().flat_map(|n| world.list(n.as_bytes()).into_iter().map(|i| (n.clone(), i))).collect();
    check_items(&requests, &outcomes, &world.deaths(), &found)?;
    check_order(&requests, &outcomes)
}

/// Every item is in one place; those that are in none were on their way to a client when it died.
fn check_items(requests: &[Vec<Request>], outcomes: &[Vec<Outcome>], deaths: &[u64], left: &[(String, String)]) -> Result<(), String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut pushed: BTreeMap<String, u64> = BTreeMap::new();
    for (client, own) in outcomes.iter().enumerate() {
        for (n, outcome) in own.iter().enumerate() {
            if client >= CONSUMERS {
                let text = String::from_utf8_lossy(&requests[client][n].bytes).into_owned();
                text.split("\r\n").filter(|w| w.contains(':')).for_each(|w| {
                    pushed.insert(w.to_string(), outcome.invoke);
                });
            } else if is_pop(&requests[client][n]) {
                let items = outcome.replies.iter().flat_map(items_of);
                items.for_each(|(_, item)| places.entry(item).or_default().push(format!("client {client}")));
            }
        }
    }
    left.iter().for_each(|(key, item)| places.entry(item.clone()).or_default().push(key.clone()));
    if let Some((item, twice)) = places.iter().find(|(_, p)| p.len() > 1) {
        return Err(format!("{item} is in several places: {twice:?}"));
    }
    if let Some((item, _)) = places.iter().find(|(item, _)| !pushed.contains_key(*item)) {
        return Err(format!("{item} was never pushed"));
    }
    let mut lost: Vec<(u64, &String)> = pushed.iter().filter(|(i, _)| !places.contains_key(*i)).map(|(i, at)| (*at, i)).collect();
    // Of each connection that broke over a request that takes something out.
    let mut ends: Vec<u64> = outcomes
        .iter()
        .enumerate()
        .filter(|(c, own)| own.iter().enumerate().any(|(n, o)| o.respond == u64::MAX && is_pop(&requests[*c][n])))
        .map(|(c, _)| deaths[c])
        .filter(|at| *at != u64::MAX)
        .collect();
    lost.sort_unstable_by(|a, b| b.cmp(a));
    ends.sort_unstable_by(|a, b| b.cmp(a));
    for (n, (at, item)) in lost.iter().enumerate() {
        if ends.get(n).is_none_or(|end| end < at) {
            return Err(format!("{item}, pushed at {at}, is lost; connections broke at {ends:?}, lost are {lost:?}"));
        }
    }
    Ok(())
}

/// Of two that got an item from the same key, the one that was waiting before the other came got the earlier one.
fn check_order(requests: &[Vec<Request>], outcomes: &[Vec<Outcome>]) -> Result<(), String> {
    let mut served: BTreeMap<String, Vec<(u64, u64, u64, usize)>> = BTreeMap::new();
    for (client, own) in outcomes.iter().enumerate().take(CONSUMERS) {
        for (n, outcome) in own.iter().enumerate().filter(|(n, _)| is_pop(&requests[client][*n])) {
            for (key, item) in outcome.replies.iter().flat_map(items_of).filter(|(key, _)| !key.starts_with("moved")) {
                let number: u64 = item.split(':').nth(1).and_then(|n| n.parse().ok()).unwrap_or(u64::MAX);
                served.entry(key).or_default().push((outcome.invoke, outcome.waits_since, number, client * 100 + n));
            }
        }
    }
    for (key, all) in &served {
        for a in all {
            if let Some(b) = all.iter().find(|b| a.1 < b.0 && a.2 > b.2) {
                return Err(format!("{key}: {a:?} waited before {b:?} came and got the later item (invoke, waits since, item, request)"));
            }
        }
    }
    Ok(())
}

#[test]
fn every_item_is_taken_once_and_the_longest_waiting_is_served_first() {
    // These worlds are several times as long as those of single commands.
    let (first, count) = (number("RINGFORT_SEED", 1), number("RINGFORT_SEEDS", 2000).div_ceil(5));
    for seed in first..first + count {
        if let Err(text) = run(seed, None) {
            panic!("RINGFORT_SEED={seed} RINGFORT_SEEDS=1: {text}");
        }
    }
}

#[test]
fn the_push_is_recorded_first_and_then_what_was_taken() {
    for seed in 1..30 {
        let cores = 3;
        let shape = Shape { cores, records: true, ring: 64, marks: 4096, interrupts: 100, stalls: 5, fragment: 1000, fault: None };
        let names: Vec<String> = key_names(cores, 3).iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
        let waiter = |line: String| Script { core: 0, pipeline: 1, requests: vec![request(&[line])], breaks_after: None };
        let (first, second) = (&names[1], &names[2]);
        let world = World::new(seed, shape, vec![waiter(format!("BLPOP {first} {second} 0")), waiter(format!("RPUSH {second} a b"))]);
        world.run().unwrap_or_else(|text| panic!("seed {seed}: {text}"));
        let words = |e: &ringfort::spec::effect::Effect| {
            e.words.iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect::<Vec<_>>().join(" ")
        };
        let recorded: Vec<String> = world.effects().iter().flatten().map(words).collect();
        assert_eq!(recorded, [format!("RPUSH {second} a b"), format!("LPOP {second}")], "seed {seed}");
    }
}

/// Worlds within which a planted fault must be found.
const FAULT_SEEDS: u64 = 3000;

macro_rules! found {
    ($($test:ident: $fault:ident,)*) => {$(
        #[test]
        fn $test() {
            let seed = (1..=FAULT_SEEDS).find(|seed| run(*seed, Some(Fault::$fault)).is_err());
            println!("{:?} found at seed {seed:?}", Fault::$fault);
            assert!(seed.is_some(), "{:?} was not noticed in {FAULT_SEEDS} worlds", Fault::$fault);
        }
    )*};
}

found! {
    finds_a_call_tried_twice_at_a_time: ClaimedTwice,
    finds_a_lost_withdrawal: WithdrawalLost,
    finds_waiters_served_without_asking: ServedUnclaimed,
    finds_waiters_served_after_their_death: DeathIgnored,
    finds_waiters_that_overtake: OffersOvertake,
    finds_newcomers_that_are_served_first: NewcomersFirst,
    finds_waits_that_begin_too_late: WaitsTooLate,
}
