//! ROLE: the server's part in replication. There is none yet: a master without replicas.
//! Ref: redis.io/commands/role

use crate::spec::{Call, Category, Flags, Group, Outcome, Spec};

pub const SPEC: Spec = Spec {
    name: "ROLE",
    since: "2.8.12",
    group: Group::Server,
    summary: "Returns the server's part in replication.",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST),
    categories: Category::ADMIN.and(Category::DANGEROUS),
    run,
    cases: "
        > ROLE x   -ERR wrong number of arguments for 'role' command
        > ROLE     [master, :0, []]
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    call.out.array(3);
    call.out.bulk(b"master");
    call.out.int(0);
    call.out.array(0);
    Ok(())
}
