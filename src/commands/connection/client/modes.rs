//! CLIENT REPLY, NO-EVICT and NO-TOUCH: how the server treats this connection.
//! Ref: redis.io/commands/client-reply, redis.io/commands/client-no-evict, redis.io/commands/client-no-touch

use super::{OPERATOR, OWN};
use crate::spec::client::ReplyMode;
use crate::spec::{Arg, Call, Category, Group, Outcome, Refusal, Spec};

const ON_OFF: &[Arg] = &[Arg::one_of("enabled", &[Arg::word("on", "ON"), Arg::word("off", "OFF")])];

/// What the subcommands of this file have in common.
const BASE: Spec = Spec { group: Group::Connection, arity: 3, flags: OWN, categories: Category::CONNECTION, ..Spec::DEFAULT };

pub const REPLY: Spec = Spec {
    name: "REPLY",
    since: "3.2.0",
    summary: "Says whether the connection wants replies.",
    args: &[Arg::one_of("action", &[Arg::word("on", "ON"), Arg::word("off", "OFF"), Arg::word("skip", "SKIP")])],
    run: reply,
    cases: "
        > CLIENT REPLY             -ERR wrong number of arguments for 'client|reply' command
        > CLIENT REPLY nonsense    -ERR syntax error
        > CLIENT REPLY ON          +OK
    ",
    ..BASE
};

pub const NO_EVICT: Spec = Spec {
    name: "NO-EVICT",
    since: "7.0.0",
    summary: "Says whether the connection is spared when clients are closed to free memory.",
    flags: OPERATOR,
    args: ON_OFF,
    run: no_evict,
    cases: "
        > CLIENT NO-EVICT nonsense   -ERR syntax error
        > CLIENT NO-EVICT on         +OK
        > CLIENT NO-EVICT off        +OK
    ",
    ..BASE
};

pub const NO_TOUCH: Spec = Spec {
    name: "NO-TOUCH",
    since: "7.2.0",
    summary: "Says whether the connection's commands mark keys as used.",
    args: ON_OFF,
    run: no_touch,
    cases: "
        > CLIENT NO-TOUCH nonsense   -ERR syntax error
        > CLIENT NO-TOUCH on         +OK
        > CLIENT NO-TOUCH off        +OK
    ",
    ..BASE
};

/// OFF and SKIP themselves have no reply.
fn reply(call: &mut Call) -> Outcome {
    if call.args.is(2, "ON") {
        call.client().reply_mode = ReplyMode::On;
        call.out.ok();
    } else if call.args.is(2, "OFF") {
        call.client().reply_mode = ReplyMode::Off;
    } else if call.args.is(2, "SKIP") {
        if call.client().reply_mode != ReplyMode::Off {
            call.client().reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(Refusal::SYNTAX);
    }
    Ok(())
}

fn on_off(call: &Call) -> Result<bool, Refusal> {
    match (call.args.is(2, "ON"), call.args.is(2, "OFF")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Refusal::SYNTAX),
    }
}

fn no_evict(call: &mut Call) -> Outcome {
    let is_on = on_off(call)?;
    call.client().no_evict = is_on;
    call.out.ok();
    Ok(())
}

fn no_touch(call: &mut Call) -> Outcome {
    let is_on = on_off(call)?;
    call.client().no_touch = is_on;
    call.out.ok();
    Ok(())
}
