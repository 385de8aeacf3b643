//! AUTH [username] password: proves who the client is.
//! There is one user, `default`, whose password is the directive requirepass.
//! Ref: redis.io/commands/auth

use super::shared::{ENTRY, log_in};
use crate::spec::{Arg, Call, Category, Group, Outcome, Refusal, Spec};

pub const SPEC: Spec = Spec {
    name: "AUTH",
    group: Group::Connection,
    summary: "Proves to the server who the client is.",
    cost: "O(N), N passwords of the user",
    arity: -2,
    flags: ENTRY,
    categories: Category::CONNECTION,
    args: &[Arg::string("username").optional().since("6.0.0"), Arg::string("password")],
    run,
    history: &[("6.0.0", "Takes a user name before the password.")],
    cases: "
        > AUTH                  -ERR wrong number of arguments for 'auth' command
        > AUTH a b c            -ERR syntax error
        > AUTH secret           -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        > AUTH nobody secret    -WRONGPASS invalid username-password pair or user is disabled.
        > AUTH default secret   +OK
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    match call.args.len() {
        2 if call.shard.config.requirepass.is_empty() => return Err(Refusal::AUTH_NO_PASSWORD),
        2 => log_in(call, b"default", call.args.get(1))?,
        3 => log_in(call, call.args.get(1), call.args.get(2))?,
        _ => return Err(Refusal::SYNTAX),
    }
    call.out.ok();
    Ok(())
}
