//! DUMP key: the value of a key in the form that RESTORE reads.
//! Ref: redis.io/commands/dump

use crate::commands::common::missed;
use crate::data::codec::{self, collection::dump_object};
use crate::keyspace::{Item, StrRef};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DUMP",
    since: "2.6.0",
    group: Group::Generic,
    summary: "Returns the value of a key in a serialised form that RESTORE reads.",
    cost: "O(N), N bytes of the value",
    arity: 2,
    flags: Flags::READONLY,
    categories: Category::KEYSPACE,
    keys: &[KeySpec::one(1, Access::RO.and(Access::ACCESS))],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    tips: &["nondeterministic_output"],
    cases: "
        > DUMP              -ERR wrong number of arguments for 'dump' command
        > DUMP missing      nil
        > SET k v           +OK
        > DUMP k            ?
        > RPUSH list a      :1
        > DUMP list         ?
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let look = call.look();
    let Some(item) = call.shard.ks.find(call.db, &key, call.now, look) else {
        call.out.null();
        missed(call, 1);
        return Ok(());
    };
    let mut payload = Vec::new();
    let compress = call.shard.config.rdbcompression;
    match item.to_object() {
        Some(object) => dump_object(&mut payload, &object, compress),
        None => dump_string(&mut payload, &item, compress),
    }
    codec::add_footer(&mut payload);
    call.out.bulk(&payload);
    Ok(())
}

fn dump_string(out: &mut Vec<u8>, item: &Item, compress: bool) {
    let mut digits = itoa::Buffer::new();
    let text = match item.string() {
        StrRef::Bytes(bytes) => bytes,
        StrRef::Int(n) => digits.format(n).as_bytes(),
    };
    codec::dump_string(out, text, compress);
}
