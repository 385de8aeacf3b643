//! RESET: makes the connection as good as new. The attributes of CLIENT SETINFO stay.
//! Ref: redis.io/commands/reset

use super::shared::ENTRY;
use crate::keyspace::Reader;
use crate::spec::client::ReplyMode;
use crate::spec::{Call, Category, Group, Outcome, Spec};
use std::collections::BTreeSet;

pub const SPEC: Spec = Spec {
    name: "RESET",
    since: "6.2.0",
    group: Group::Connection,
    summary: "Puts the connection into the state in which it began.",
    arity: 1,
    flags: ENTRY,
    categories: Category::CONNECTION,
    run,
    cases: "
        > RESET x                -ERR wrong number of arguments for 'reset' command
        > CLIENT SETNAME mine    +OK
        > SELECT 1               +OK
        > RESET                  +RESET
        > CLIENT GETNAME         nil
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let needs_password = !call.shard.config.requirepass.is_empty();
    let client = call.client();
    client.multi = None;
    // Whoever holds the watches lets go of those that are no longer listed here.
    client.watched.clear();
    client.db = 0;
    client.name.clear();
    client.is_resp3 = false;
    client.reply_mode = ReplyMode::On;
    client.no_touch = false;
    client.no_evict = false;
    client.user = "default";
    client.is_authenticated = !needs_password;
    let id = client.id;
    if client.tracking.end() {
        let client = Reader { core: call.shard.core as u16, client: id };
        call.shard.tracking.renew(&mut call.shard.ks, client, BTreeSet::new());
    }
    call.out.resp3 = false;
    call.out.simple("RESET");
    Ok(())
}
