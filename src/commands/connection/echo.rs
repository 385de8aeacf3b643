//! ECHO message: the message back.
//! Ref: redis.io/commands/echo

use crate::spec::{Arg, Call, Category, Flags, Group, Outcome, Spec};

pub const SPEC: Spec = Spec {
    name: "ECHO",
    group: Group::Connection,
    summary: "Returns what it was given.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Category::CONNECTION,
    args: &[Arg::string("message")],
    run,
    cases: r#"
        > ECHO             -ERR wrong number of arguments for 'echo' command
        > ECHO a b         -ERR wrong number of arguments for 'echo' command
        > ECHO ""             ""
        > ECHO "two words"    $two words
    "#,
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    call.out.bulk(call.args.get(1));
    Ok(())
}
