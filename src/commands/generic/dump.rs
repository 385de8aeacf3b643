//! DUMP key: the value of a key in the form that RESTORE reads: of the version that `rdb-version` names, or of the oldest that has
//! the value's type among those of Redis 7.2 and 7.4.
//! Ref: redis.io/commands/dump

use crate::commands::common::missed;
use crate::config::kinds::RdbVersion;
use crate::data::codec::collection::{dump_object, dump_object_for};
use crate::data::codec::{self, Edition};
use crate::keyspace::{Item, StrRef};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Refusal, Route, Spec,
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
        > HSET hash f v     :1
        > HPEXPIREAT hash 32503680000000 FIELDS 1 f   [:1]
        > CONFIG SET rdb-version 10   +OK   # stock: skip
        > DUMP k            ?
        > DUMP hash         -ERR fields of this hash expire, which payloads of the version that rdb-version names cannot hold   # stock: skip
        > CONFIG SET rdb-version valkey   +OK   # stock: skip
        > DUMP k            ?
        > DUMP hash         ?
        > CONFIG SET rdb-version auto   +OK   # stock: skip
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
    let edition = edition(call.shard.config.rdb_version);
    match (item.to_object(), edition) {
        (None, _) => dump_string(&mut payload, &item, compress),
        (Some(object), None) => dump_object(&mut payload, &object, compress),
        (Some(object), Some(edition)) => {
            if !dump_object_for(&mut payload, &object, edition, compress) {
                return Err(Refusal::DUMP_CANNOT_HOLD);
            }
        }
    }
    match edition {
        None => codec::add_footer(&mut payload),
        Some(edition) => codec::add_footer_of(&mut payload, edition.version()),
    }
    call.out.bulk(&payload);
    Ok(())
}

/// Whose readers payloads are for; `None`: the oldest that have the type.
fn edition(option: RdbVersion) -> Option<Edition> {
    Some(match option {
        RdbVersion::Auto => return None,
        RdbVersion::V9 => Edition::V9,
        RdbVersion::V10 => Edition::V10,
        RdbVersion::V11 => Edition::V11,
        RdbVersion::V12 => Edition::V12,
        RdbVersion::Valkey => Edition::Valkey,
    })
}

fn dump_string(out: &mut Vec<u8>, item: &Item, compress: bool) {
    let mut digits = itoa::Buffer::new();
    let text = match item.string() {
        StrRef::Bytes(bytes) => bytes,
        StrRef::Int(n) => digits.format(n).as_bytes(),
    };
    codec::dump_string(out, text, compress);
}
