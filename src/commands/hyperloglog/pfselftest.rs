//! PFSELFTEST: checks on the running machine that both forms of a HyperLogLog agree and that estimates are as close as
//! their standard error promises. Takes some milliseconds.
//! Ref: redis.io/commands/pfselftest

use crate::data::hll;
use crate::spec::{Call, Category, Flags, Group, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "PFSELFTEST",
    since: "2.8.9",
    group: Group::Hyperloglog,
    summary: "Tests the HyperLogLog code of the server.",
    cost: "N/A",
    arity: 1,
    flags: Flags::ADMIN,
    categories: Category::HYPERLOGLOG,
    route: Route::Home,
    run,
    cases: "
        > PFSELFTEST x    -ERR wrong number of arguments for 'pfselftest' command
        > PFSELFTEST      +OK
    ",
    ..Spec::DEFAULT
};

/// Elements added in all; the estimate is looked at whenever their number is a power of two.
const ELEMENTS: u64 = 1 << 16;
/// Six standard errors of 1.04 / sqrt(16384), in thousandths of the true number, rounded up.
const ERROR_PER_MILLE: u64 = 49;

fn run(call: &mut Call) -> Outcome {
    let (mut sparse, mut dense) = (hll::create(), hll::create());
    let failed = |what: &str, n: u64| Refusal::text(format!("TESTFAILED {what} at {n} elements"));
    hll::to_dense(&mut dense).map_err(|_| failed("an empty value has no dense form", 0))?;
    for n in 1..=ELEMENTS {
        // Turns dense on its way, where hll-sparse-max-bytes says so.
        let first = hll::add(&mut sparse, &n.to_le_bytes(), super::shared::sparse_max(call));
        let second = hll::add(&mut dense, &n.to_le_bytes(), 0);
        if first.is_err() || first != second {
            return Err(failed("dense and sparse registers differ", n));
        }
        if n.is_power_of_two() {
            let (one, other) = (hll::count(&sparse), hll::count(&dense));
            let off = other.unwrap_or(0).abs_diff(n);
            if one != other || off * 1000 > n * ERROR_PER_MILLE {
                return Err(failed("the estimate is too far off", n));
            }
        }
    }
    call.out.ok();
    Ok(())
}
