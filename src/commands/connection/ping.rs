//! PING [message]: PONG, or the message.
//! Ref: redis.io/commands/ping

use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "PING",
    group: Group::Connection,
    summary: "Answers, so that the client knows that the server is there.",
    arity: -1,
    flags: Flags::FAST,
    categories: Category::CONNECTION,
    args: &[Arg::string("message").optional()],
    // One core answers for all, but a client that knows several nodes is to ask each of them.
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    run,
    cases: "
        > PING a b     -ERR wrong number of arguments for 'ping' command
        > PING         +PONG
        > PING hello   $hello
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    match call.args.len() {
        1 => call.out.simple("PONG"),
        2 => call.out.bulk(call.args.get(1)),
        _ => return Err(Refusal::arity("ping")),
    }
    Ok(())
}
