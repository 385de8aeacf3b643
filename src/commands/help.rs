//! HELP of containers: what their specs say, as lines. One function for all of them.
//! Ref: redis.io/commands/client-help

use crate::spec::{Call, Category, Flags, Group, Outcome, Run, Spec};

/// Replies `lines` between the usual head and tail. `name`: the container's word in upper case.
pub fn reply(call: &mut Call, name: &str, lines: &[&str]) -> Outcome {
    call.out.array(lines.len() + 3);
    call.out.simple(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines {
        call.out.simple(line);
    }
    call.out.simple("HELP");
    call.out.simple("    Print this help.");
    Ok(())
}

/// The spec of a container's HELP.
pub const fn spec(group: Group, since: &'static str, categories: Category, run: Run) -> Spec {
    Spec {
        name: "HELP",
        since,
        group,
        summary: "Lists the subcommands with a line about each.",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE),
        categories,
        run,
        ..Spec::DEFAULT
    }
}
