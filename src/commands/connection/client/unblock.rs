//! CLIENT UNBLOCK id [TIMEOUT|ERROR]: ends another client's wait, on whatever core it is. A client that is just being served
//! does not wait any more.
//! Ref: redis.io/commands/client-unblock

use super::OPERATOR;
use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::spec::client::{Blocked, Client};
use crate::spec::{Arg, Call, Category, Group, Merge, Outcome, Refusal, Route, Spec};

pub const SPEC: Spec = Spec {
    name: "UNBLOCK",
    since: "5.0.0",
    group: Group::Connection,
    summary: "Ends the wait of another client's blocking command.",
    cost: "O(log N), N connections",
    arity: -3,
    flags: OPERATOR,
    categories: Category::CONNECTION,
    args: &[
        Arg::integer("client-id"),
        Arg::one_of("unblock-type", &[Arg::word("timeout", "TIMEOUT"), Arg::word("error", "ERROR")]).optional(),
    ],
    route: Route::Every(Merge::Custom(merge)),
    run,
    cases: "
        > CLIENT UNBLOCK 1 ERROR x     -ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.
        > CLIENT UNBLOCK 1 nonsense    -ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
        > CLIENT UNBLOCK x             -ERR value is not an integer or out of range
        > CLIENT UNBLOCK 1             :0
        > CLIENT UNBLOCK 1 ERROR       :0
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let args = call.args;
    if args.len() > 4 {
        return Err(Refusal::subcommand_or_arity(args.get(1), "CLIENT"));
    }
    if args.len() == 4 && !args.is(3, "TIMEOUT") && !args.is(3, "ERROR") {
        return Err(Refusal::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
    }
    let id = parse_i64(args.get(2)).ok_or(Refusal::NOT_INTEGER)?;
    let waiting = |c: &&mut Client| c.id as i64 == id && c.blocked == Blocked::Waiting && !c.close_now;
    let found = call.shard.clients.iter_mut().map(|(_, c)| c).find(waiting);
    let ended = u64::from(found.is_some());
    if let Some(client) = found {
        client.blocked = Blocked::Ending(args.is(3, "ERROR"));
    }
    parts::send_numbers(call, &[ended]);
    Ok(())
}

fn merge(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    if let Some(mut records) = parts::receive(call, parts) {
        let ended: u64 = records.iter_mut().filter_map(parts::number).sum();
        call.out.int(ended as i64);
    }
    Ok(())
}
