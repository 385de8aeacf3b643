//! What the cores record rebuilds what they hold: the effects of a world, merged, run on an empty world with another number of
//! cores leave every key with the same value and the same expiry.

use super::history::{encode, key_names};
use super::number;
use super::world::{Request, Script, Shape, World};
use ringfort::base::rng::Rng;
use ringfort::proto::reply::Reply;
use ringfort::spec::effect::Effect;
use std::collections::{BTreeMap, VecDeque};

type Words = Vec<Vec<u8>>;

fn words(text: &str) -> Words {
    text.split(' ').map(|w| w.as_bytes().to_vec()).collect()
}

fn request(commands: &[Words]) -> Request {
    let mut request = Request { bytes: Vec::new(), last: 0, replies: commands.len() };
    for command in commands {
        request.last = request.bytes.len();
        encode(command, &mut request.bytes);
    }
    request
}

/// A command that changes something, with lifetimes from a few to many milliseconds.
fn command(rng: &mut Rng, names: &[String]) -> Words {
    let mut key = || &names[rng.below(names.len() as u64) as usize];
    let (a, b, c) = (key().clone(), key().clone(), key().clone());
    let (n, ttl) = (rng.below(1000), [3, 40, 100_000][rng.below(3) as usize]);
    words(&match rng.below(20) {
        0 => format!("SET {a} {n}"),
        1 => format!("SET {a} text{n} PX {ttl}"),
        2 => format!("SET {a} {n} KEEPTTL"),
        3 => format!("SET {a} {n} NX GET"),
        4 => format!("INCRBY {a} {n}"),
        5 => format!("INCRBYFLOAT {a} 1.5"),
        6 => format!("APPEND {a} {n}"),
        7 => format!("SETRANGE {a} 3 {n}"),
        8 => format!("MSET {a} {n} {b} {n} {c} x{n}"),
        9 => format!("MSETNX {a} {n} {b} {n}"),
        10 => format!("RENAME {a} {b}"),
        11 => format!("RENAMENX {a} {b}"),
        12 => format!("COPY {a} {b} REPLACE"),
        13 => format!("DEL {a} {b}"),
        14 => format!("PEXPIRE {a} {ttl}"),
        15 => format!("PERSIST {a}"),
        16 => format!("GETEX {a} PX {ttl}"),
        17 => format!("GETDEL {a}"),
        18 => format!("GETSET {a} {n}"),
        _ => format!("MGET {a} {b}"),
    })
}

fn script(rng: &mut Rng, cores: usize, names: &[String]) -> Script {
    let requests = (0..60).map(|_| match rng.below(4) {
        0 => {
            let mut block = vec![words("MULTI")];
            block.extend((0..1 + rng.below(3)).map(|_| command(rng, names)));
            block.push(words("EXEC"));
            request(&block)
        }
        _ => request(&[command(rng, names)]),
    });
    let requests = requests.collect();
    Script { core: rng.below(cores as u64) as usize, pipeline: 1 + rng.below(6) as usize, requests, breaks_after: None }
}

/// One order of all effects: each core's own order, the parts of a ticket together.
fn merged(cores: Vec<Vec<Effect>>) -> Vec<Vec<Effect>> {
    // A ticket of several rounds counts, at each core, where its last effect there is: its slots were held until then.
    let mut lanes: Vec<VecDeque<(Option<u64>, Vec<Effect>)>> = Vec::new();
    for effects in cores {
        let mut lane: VecDeque<(Option<u64>, Vec<Effect>)> = VecDeque::new();
        for effect in effects {
            let mut group = Vec::new();
            if effect.ticket.is_some()
                && let Some(at) = lane.iter().position(|(t, _)| *t == effect.ticket)
            {
                group = lane.remove(at).map(|(_, g)| g).unwrap_or_default();
            }
            let ticket = effect.ticket;
            group.push(effect);
            lane.push_back((ticket, group));
        }
        lanes.push(lane);
    }
    let mut out = Vec::new();
    loop {
        for lane in &mut lanes {
            while lane.front().is_some_and(|(t, _)| t.is_none()) {
                out.extend(lane.pop_front().map(|(_, g)| g));
            }
        }
        // Now every lane is empty or starts with a ticket; of those that nothing stands before, the smallest goes.
        let heads: Vec<u64> = lanes.iter().filter_map(|l| l.front()?.0).collect();
        let is_free = |t: &u64| lanes.iter().all(|l| l.iter().position(|(x, _)| *x == Some(*t)).is_none_or(|at| at == 0));
        let Some(ticket) = heads.iter().copied().filter(is_free).min().or(heads.iter().copied().min()) else { return out };
        let mut group = Vec::new();
        for lane in &mut lanes {
            if let Some(at) = lane.iter().position(|(t, _)| *t == Some(ticket)) {
                group.extend(lane.remove(at).map(|(_, g)| g).unwrap_or_default());
            }
        }
        out.push(group);
    }
}

fn replay(seed: u64) {
    let mut rng = Rng::new(seed);
    let shape = Shape { records: true, ..Shape::random(&mut rng) };
    let names: Vec<String> = key_names(shape.cores, 8).into_iter().map(|n| String::from_utf8_lossy(&n).into_owned()).collect();
    let scripts = (0..4).map(|_| script(&mut rng, shape.cores, &names)).collect();
    let world = World::new(seed, shape, scripts);
    world.clock_step.set([0, 1, 5][rng.below(3) as usize]);
    world.run().unwrap_or_else(|text| panic!("seed {seed}: {text}"));
    let groups = merged(world.effects());
    let requests: Vec<Request> = groups
        .iter()
        .map(|group| {
            let mut commands: Vec<Words> = group.iter().map(|e| e.words.clone()).collect();
            if commands.len() > 1 {
                commands.insert(0, words("MULTI"));
                commands.push(words("EXEC"));
            }
            request(&commands)
        })
        .collect();
    let cores = 1 + (shape.cores + rng.below(3) as usize) % 4;
    let again =
        World::new(seed, Shape { cores, records: false, ..shape }, vec![Script { core: 0, pipeline: 1, requests, breaks_after: None }]);
    let outcomes = again.run().unwrap_or_else(|text| panic!("seed {seed}, replay: {text}"));
    for (group, outcome) in groups.iter().zip(outcomes.first().map_or(&[][..], |o| o)) {
        let has_failed = outcome.replies.iter().any(|r| matches!(r, Reply::Error(_)));
        assert!(!has_failed, "seed {seed}: {group:?} was answered {:?}", outcome.replies);
    }
    again.set_now(world.now());
    let state = |w: &World| -> BTreeMap<String, _> { names.iter().map(|n| (n.clone(), w.value(n.as_bytes()))).collect() };
    assert_eq!(state(&world), state(&again), "seed {seed}, {shape:?}, replayed on {cores} cores\n{groups:#?}");
}

#[test]
fn recorded_effects_rebuild_the_same_values_on_other_cores() {
    let first = number("RINGFORT_SEED", 1);
    (first..first + number("RINGFORT_SEEDS", 2000).div_ceil(5)).for_each(replay);
}
