//! CLIENT KILL addr | filter value ...: closes connections, on whatever core they are.
//! The caller's own connection is closed after its reply, others at once.
//! Ref: redis.io/commands/client-kill

use super::OPERATOR;
use super::line::Type;
use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::spec::client::Client;
use crate::spec::{Arg, Args, Call, Category, Group, Merge, Outcome, Refusal, Route, Spec};

const TYPES: &[Arg] = &[
    Arg::word("normal", "NORMAL"),
    Arg::word("master", "MASTER").since("3.2.0"),
    Arg::word("slave", "SLAVE"),
    Arg::word("replica", "REPLICA").since("5.0.0"),
    Arg::word("pubsub", "PUBSUB"),
];

const OLD_FORMAT: Arg = Arg::string("old-format").display("ip:port").deprecated("2.8.12");

const FILTERS: &[Arg] = &[
    Arg::integer("client-id").token("ID").optional().since("2.8.12"),
    Arg::one_of("client-type", TYPES).token("TYPE").optional().since("2.8.12"),
    Arg::string("username").token("USER").optional(),
    Arg::string("addr").display("ip:port").token("ADDR").optional(),
    Arg::string("laddr").display("ip:port").token("LADDR").optional().since("6.2.0"),
    Arg::one_of("skipme", &[Arg::word("yes", "YES"), Arg::word("no", "NO")]).token("SKIPME").optional(),
    Arg::integer("maxage").token("MAXAGE").optional().since("7.4.0"),
];

pub const SPEC: Spec = Spec {
    name: "KILL",
    since: "2.4.0",
    group: Group::Connection,
    summary: "Closes connections.",
    cost: "O(N), N connections",
    arity: -3,
    flags: OPERATOR,
    categories: Category::CONNECTION,
    args: &[Arg::one_of("filter", &[OLD_FORMAT, Arg::one_of("new-format", FILTERS).multiple()])],
    route: Route::Every(Merge::Custom(merge)),
    history: &[
        ("2.8.12", "Takes filters."),
        ("2.8.12", "Has the filter `ID`."),
        ("3.2.0", "Knows the type `master`."),
        ("5.0.0", "Calls the type `slave` `replica`; the old word still works."),
        ("6.2.0", "Has the filter `LADDR`."),
        ("7.4.0", "Has the filter `MAXAGE`."),
    ],
    run,
    cases: "
        > CLIENT KILL                       -ERR wrong number of arguments for 'client|kill' command
        > CLIENT KILL 1.2.3.4:5             -ERR No such client
        > CLIENT KILL ID x                  -ERR client-id should be greater than 0
        > CLIENT KILL ID 0                  -ERR client-id should be greater than 0
        > CLIENT KILL MAXAGE x              -ERR maxage is not an integer or out of range
        > CLIENT KILL MAXAGE 0              -ERR maxage should be greater than 0
        > CLIENT KILL TYPE nonsense         -ERR Unknown client type 'nonsense'
        > CLIENT KILL USER nobody           -ERR No such user 'nobody'
        > CLIENT KILL SKIPME maybe          -ERR syntax error
        > CLIENT KILL ID 1 SKIPME           -ERR syntax error
        > CLIENT KILL nonsense x            -ERR syntax error
        > CLIENT KILL ID 99999999999        :0
        > CLIENT KILL LADDR 1.2.3.4:5       :0
        > CLIENT KILL TYPE replica          :0
    ",
    ..Spec::DEFAULT
};

/// Which clients are closed: those to which everything given applies.
#[derive(Default)]
struct Filter<'a> {
    id: Option<u64>,
    kind: Option<Type>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    max_age: Option<i64>,
    keeps_caller: bool,
}

impl Filter<'_> {
    fn fits(&self, c: &Client, now: i64) -> bool {
        self.id.is_none_or(|id| id == c.id)
            && self.kind.is_none_or(|kind| kind.fits(c))
            && self.addr.is_none_or(|addr| addr == c.addr.as_bytes())
            && self.laddr.is_none_or(|addr| addr == c.laddr.as_bytes())
            && self.user.is_none_or(|user| user == c.user.as_bytes())
            && self.max_age.is_none_or(|age| (now - c.created_ms) / 1000 >= age)
    }
}

fn parse<'a>(args: &Args<'a>) -> Result<Filter<'a>, Refusal> {
    if args.len() == 3 {
        return Ok(Filter { addr: Some(args.get(2)), ..Filter::default() });
    }
    let mut filter = Filter { keeps_caller: true, ..Filter::default() };
    let mut i = 2;
    while i < args.len() {
        let value = args.try_get(i + 1).ok_or(Refusal::SYNTAX)?;
        if args.is(i, "ID") {
            let id = parse_i64(value).filter(|n| *n > 0).ok_or(Refusal::CLIENT_ID)?;
            filter.id = Some(id as u64);
        } else if args.is(i, "MAXAGE") {
            let age = parse_i64(value).ok_or(Refusal::fixed("ERR maxage is not an integer or out of range"))?;
            if age <= 0 {
                return Err(Refusal::fixed("ERR maxage should be greater than 0"));
            }
            filter.max_age = Some(age);
        } else if args.is(i, "TYPE") {
            filter.kind = Some(Type::parse(value)?);
        } else if args.is(i, "ADDR") {
            filter.addr = Some(value);
        } else if args.is(i, "LADDR") {
            filter.laddr = Some(value);
        } else if args.is(i, "USER") {
            if value != b"default" {
                return Err(Refusal::text(format!("ERR No such user '{}'", String::from_utf8_lossy(value))));
            }
            filter.user = Some(value);
        } else if args.is(i, "SKIPME") {
            filter.keeps_caller = args.is(i + 1, "yes");
            if !filter.keeps_caller && !args.is(i + 1, "no") {
                return Err(Refusal::SYNTAX);
            }
        } else {
            return Err(Refusal::SYNTAX);
        }
        i += 2;
    }
    Ok(filter)
}

/// Closes this core's clients; the part's reply is their number.
fn run(call: &mut Call) -> Outcome {
    let filter = parse(&call.args)?;
    let (caller, now) = (call.origin.client, call.now);
    let mut closed = 0u64;
    for (_, client) in call.shard.clients.iter_mut() {
        let is_caller = client.id == caller;
        if client.close_now || (is_caller && filter.keeps_caller) || !filter.fits(client, now) {
            continue;
        }
        if is_caller {
            client.close_after_reply = true;
        } else {
            client.close_now = true;
        }
        closed += 1;
    }
    parts::send_numbers(call, &[closed]);
    Ok(())
}

fn merge(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(mut records) = parts::receive(call, parts) else {
        return Ok(());
    };
    let closed: u64 = records.iter_mut().filter_map(parts::number).sum();
    match (call.args.len(), closed) {
        (3, 0) => return Err(Refusal::NO_SUCH_CLIENT),
        (3, _) => call.out.ok(),
        _ => call.out.int(closed as i64),
    }
    Ok(())
}
