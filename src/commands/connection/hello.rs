//! HELLO [protover [AUTH username password] [SETNAME clientname]]: chooses the protocol and introduces both sides.
//! Ref: redis.io/commands/hello

use super::shared::{ENTRY, is_plain, log_in};
use crate::base::num::parse_i64;
use crate::metrics::catalog::REDIS_VERSION;
use crate::spec::{Arg, Call, Category, Group, Outcome, Refusal, Spec};

const CREDENTIALS: Arg = Arg::block("auth", &[Arg::string("username"), Arg::string("password")]).token("AUTH").optional();
const NAME: Arg = Arg::string("clientname").token("SETNAME").optional();

pub const SPEC: Spec = Spec {
    name: "HELLO",
    since: "6.0.0",
    group: Group::Connection,
    summary: "Chooses the protocol version and introduces client and server to each other.",
    arity: -1,
    flags: ENTRY,
    categories: Category::CONNECTION,
    args: &[Arg::block("arguments", &[Arg::integer("protover"), CREDENTIALS, NAME]).optional()],
    run,
    history: &[("6.2.0", "Without arguments it only reports.")],
    cases: "
        > HELLO abc                    -ERR Protocol version is not an integer or out of range
        > HELLO 1                      -NOPROTO unsupported protocol version
        > HELLO 4                      -NOPROTO unsupported protocol version
        > HELLO 2 AUTH u               -ERR Syntax error in HELLO option 'AUTH'
        > HELLO 2 nonsense             -ERR Syntax error in HELLO option 'nonsense'
        > HELLO 2 SETNAME 'a b'        -ERR Client names cannot contain spaces, newlines or special characters.
        > HELLO 2 AUTH nobody secret   -WRONGPASS invalid username-password pair or user is disabled.
        > HELLO                        {server: ?, version: ?, proto: ?, id: ?, mode: standalone, role: master, modules: ?}
    ",
    ..Spec::DEFAULT
};

fn run(call: &mut Call) -> Outcome {
    let asked = parse(call)?;
    if let Some((user, password)) = asked.credentials {
        log_in(call, user, password)?;
    }
    if !call.client().is_authenticated {
        return Err(Refusal::HELLO_NO_AUTH);
    }
    if let Some(name) = asked.name {
        call.client().name = name.to_vec();
    }
    if let Some(is_resp3) = asked.is_resp3 {
        call.client().is_resp3 = is_resp3;
        call.out.resp3 = is_resp3;
    }
    introduce(call);
    Ok(())
}

/// What the words of a HELLO ask for.
struct Asked<'a> {
    is_resp3: Option<bool>,
    credentials: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

fn parse<'a>(call: &Call<'a>) -> Result<Asked<'a>, Refusal> {
    let args = call.args;
    let mut asked = Asked { is_resp3: None, credentials: None, name: None };
    if let Some(version) = args.try_get(1) {
        asked.is_resp3 = match parse_i64(version).ok_or(Refusal::PROTO_NOT_INTEGER)? {
            2 => Some(false),
            3 => Some(true),
            _ => return Err(Refusal::NO_PROTO),
        };
    }
    let mut i = 2;
    while let Some(word) = args.try_get(i) {
        match (args.try_get(i + 1), args.try_get(i + 2)) {
            (Some(user), Some(password)) if args.is(i, "AUTH") => {
                asked.credentials = Some((user, password));
                i += 3;
            }
            (Some(name), _) if args.is(i, "SETNAME") => {
                if !is_plain(name) {
                    return Err(Refusal::CLIENT_NAME);
                }
                asked.name = Some(name);
                i += 2;
            }
            _ => {
                let word = String::from_utf8_lossy(word);
                return Err(Refusal::text(format!("ERR Syntax error in HELLO option '{word}'")));
            }
        }
    }
    Ok(asked)
}

fn introduce(call: &mut Call) {
    let id = call.client().id;
    let out = &mut *call.out;
    let proto = if out.resp3 { 3 } else { 2 };
    out.map(7);
    out.bulk(b"server");
    out.bulk(b"redis");
    out.bulk(b"version");
    out.bulk(REDIS_VERSION.as_bytes());
    out.bulk(b"proto");
    out.int(proto);
    out.bulk(b"id");
    out.int(id as i64);
    out.bulk(b"mode");
    out.bulk(b"standalone");
    out.bulk(b"role");
    out.bulk(b"master");
    out.bulk(b"modules");
    out.array(0);
}
