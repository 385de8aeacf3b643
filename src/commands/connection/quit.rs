//! QUIT: closes the connection after its replies have left.
//! Ref: redis.io/commands/quit

use super::shared::ENTRY;
use crate::spec::{Call, Category, Group, Outcome, Spec};

pub const SPEC: Spec = Spec {
    name: "QUIT",
    group: Group::Connection,
    summary: "Closes the connection.",
    arity: -1,
    flags: ENTRY,
    categories: Category::CONNECTION,
    deprecated: Some(("7.2.0", "just closing the connection")),
    run,
    cases: "
        > QUIT   +OK
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    call.client().close_after_reply = true;
    call.out.ok();
    Ok(())
}
