//! DIGEST key: the hash digest of a string.
//! Ref: redis.io/commands/digest

use super::options::digest;
use super::shared::text_of;
use crate::commands::common::{missed, string_of};
use crate::spec::{
    Access, Arg, Call, Category, Flags, Group, KeySpec, Multi, Outcome, Route, Spec,
};

pub const SPEC: Spec = Spec {
    name: "DIGEST",
    since: "8.4.0",
    group: Group::String,
    summary: "Returns the XXH3 digest of a string as 16 hexadecimal digits.",
    cost: "O(N), N bytes of the value",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Category::STRING,
    keys: &[KeySpec::one(1, Access::RO)],
    args: &[Arg::key("key")],
    route: Route::Keys(Multi::Single),
    run,
    cases: "
        > DIGEST                -ERR wrong number of arguments for 'digest' command    # stock: skip
        > DIGEST k              nil    # stock: skip
        > SET k hello           +OK    # stock: skip
        > DIGEST k              $9555e8555c62dcfd    # stock: skip
        > SET k 123             +OK    # stock: skip
        > DIGEST k              $404a763b3f4c8c9a    # stock: skip
        > SET k v8              +OK    # stock: skip
        > DIGEST k              $0cc76dbb41381419    # stock: skip
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let key = call.key(1);
    let look = call.look();
    match call.shard.ks.find(call.db, &key, call.now, look) {
        None => {
            call.out.null();
            missed(call, 1);
        }
        Some(item) => {
            let mut digits = itoa::Buffer::new();
            let hash = digest(text_of(string_of(&item)?, &mut digits));
            call.out.bulk(&hash);
        }
    }
    Ok(())
}
