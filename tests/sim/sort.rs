//! SORT over cores: the keys that its patterns name become known only when the list has been read, and yet it must see all of
//! them at one moment. Clients move amounts between the keys; whoever sorts must always find the same sum.

use super::history::encode;
use super::number;
use super::world::{Outcome, Request, Script, Shape, World};
use ringfort::base::rng::Rng;
use ringfort::engine::probe::Fault;
use ringfort::proto::reply::Reply;

/// Keys that the patterns name.
const COUNT: u64 = 6;
/// What they hold together once the list is there.
const TOTAL: i64 = 600;

fn request(lines: &[String]) -> Request {
    let mut request = Request { bytes: Vec::new(), last: 0, replies: lines.len() };
    for line in lines {
        request.last = request.bytes.len();
        let words: Vec<Vec<u8>> = line.split(' ').map(|w| w.as_bytes().to_vec()).collect();
        encode(&words, &mut request.bytes);
    }
    request
}

/// A block that creates the list and gives every key its part.
fn setup() -> Request {
    let mut lines = vec!["MULTI".to_string(), "RPUSH l 0 1 2 3 4 5".into()];
    lines.extend((0..COUNT).map(|n| format!("INCRBY w_{n} {}", TOTAL / COUNT as i64)));
    lines.push("EXEC".into());
    request(&lines)
}

fn any(rng: &mut Rng) -> Request {
    let (a, b, n) = (rng.below(COUNT), rng.below(COUNT), rng.below(50));
    match rng.below(8) {
        0 => request(&["SORT l BY nosort GET w_*".into()]),
        1 => request(&["SORT_RO l BY w_* GET w_*".into()]),
        2 => request(&["SORT l BY w_* GET w_* DESC STORE d".into(), "LRANGE d 0 -1".into()]),
        3 => request(&[
            "MULTI".into(),
            format!("DECRBY w_{a} {n}"),
            "SORT l GET w_* STORE d".into(),
            format!("INCRBY w_{a} {n}"),
            "EXEC".into(),
        ]),
        4 => request(&["LRANGE d 0 -1".into()]),
        _ => request(&["MULTI".into(), format!("DECRBY w_{a} {n}"), format!("INCRBY w_{b} {n}"), "EXEC".into()]),
    }
}

/// The sum of a list of numbers; `None` where the reply is something else or empty.
fn sum(reply: &Reply) -> Option<i64> {
    let Reply::Array(items) = reply else { return None };
    let number = |item: &Reply| match item {
        Reply::Bulk(text) => String::from_utf8_lossy(text).parse::<i64>().ok(),
        _ => None,
    };
    let numbers: Vec<i64> = items.iter().filter_map(number).collect();
    (numbers.len() as u64 == COUNT).then(|| numbers.iter().sum())
}

/// The sums that clients saw; inside the block that changes a key on both sides of SORT the list in `d` lacks that amount.
fn sums(request: &Request, outcome: &Outcome) -> Vec<i64> {
    let text = String::from_utf8_lossy(&request.bytes);
    if text.contains("MULTI") { Vec::new() } else { outcome.replies.iter().filter_map(sum).collect() }
}

/// Runs the world of `seed`; `Err` tells what is wrong. Returns how many sums were seen.
fn run(seed: u64, fault: Option<Fault>) -> Result<usize, String> {
    let mut rng = Rng::new(seed);
    let shape = Shape { fault, ..Shape::random(&mut rng) };
    let mut scripts = Vec::new();
    for client in 0..3 {
        let mut requests: Vec<Request> = (0..25).map(|_| any(&mut rng)).collect();
        if client == 0 {
            requests.insert(0, setup());
        }
        scripts.push(Script {
            core: rng.below(shape.cores as u64) as usize,
            pipeline: 1 + rng.below(3) as usize,
            requests,
            breaks_after: None,
        });
    }
    let sent: Vec<Vec<Request>> = scripts.iter().map(|s| s.requests.clone()).collect();
    let outcomes = World::new(rng.next_u64(), shape, scripts).run()?;
    let mut seen = 0;
    for (requests, outcomes) in sent.iter().zip(&outcomes) {
        for (request, outcome) in requests.iter().zip(outcomes) {
            let stores = String::from_utf8_lossy(&request.bytes).contains("LRANGE");
            for sum in sums(request, outcome) {
                seen += 1;
                // What lies in `d` may be of the block that had taken up to 49 away.
                let is_right = if stores { (TOTAL - 49..=TOTAL).contains(&sum) } else { sum == TOTAL };
                if !is_right {
                    return Err(format!("{shape:?}: sum {sum} from {:?}", String::from_utf8_lossy(&request.bytes)));
                }
            }
        }
    }
    Ok(seen)
}

#[test]
fn sorting_sees_all_keys_at_one_moment() {
    let (first, count) = (number("RINGFORT_SEED", 1), number("RINGFORT_SEEDS", 150));
    let mut seen = 0;
    for seed in first..first + count {
        seen += run(seed, None).unwrap_or_else(|text| panic!("RINGFORT_SEED={seed} RINGFORT_SEEDS=1: {text}"));
    }
    assert!(seen as u64 > count * 5, "only {seen} sums in {count} worlds");
}

#[test]
fn sorting_without_holding_the_cores_is_found_out() {
    assert!((1..400).any(|seed| run(seed, Some(Fault::HoldForgotten)).is_err()));
}
