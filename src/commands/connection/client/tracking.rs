//! CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: the client keeps copies of what it reads and hears when they are stale.
//! TRACKING runs on every core, because each has to know prefixes and one has to know the client that a redirection names; whether
//! it may be is decided at home, which alone knows the state of the client. The engine does the telling.
//! A redirection to a client that speaks RESP2 tells nobody anything: that client would have to subscribe, which does not exist yet.
//! Ref: redis.io/commands/client-tracking, redis.io/docs/latest/develop/reference/client-side-caching

use super::OWN;
use crate::base::num::parse_i64;
use crate::commands::parts;
use crate::keyspace::Reader;
use crate::spec::tracking::{Caching, Mode};
use crate::spec::{Arg, Args, Call, Category, Group, Merge, Outcome, Refusal, Route, Spec};
use std::collections::BTreeSet;

/// What the subcommands of this file have in common.
const BASE: Spec =
    Spec { since: "6.0.0", group: Group::Connection, arity: 2, flags: OWN, categories: Category::CONNECTION, ..Spec::DEFAULT };

pub const CACHING: Spec = Spec {
    name: "CACHING",
    summary: "Says whether the keys of the next command are tracked.",
    arity: 3,
    args: &[Arg::one_of("mode", &[Arg::word("yes", "YES"), Arg::word("no", "NO")])],
    run: caching,
    cases: "
        > CLIENT CACHING YES              -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        > CLIENT TRACKING ON OPTIN        +OK
        > CLIENT CACHING nonsense         -ERR syntax error
        > CLIENT CACHING NO               -ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
        > CLIENT CACHING YES              +OK
        > CLIENT TRACKINGINFO             {flags: ~[on, optin, caching-yes], redirect: :0, prefixes: []}
        > CLIENT TRACKING OFF             +OK
        > CLIENT TRACKING ON OPTOUT       +OK
        > CLIENT CACHING YES              -ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.
        > CLIENT CACHING NO               +OK
        > CLIENT TRACKING OFF             +OK
    ",
    ..BASE
};

pub const GETREDIR: Spec = Spec {
    name: "GETREDIR",
    summary: "Returns the id of the client that is told of stale keys in place of this one.",
    run: get_redir,
    cases: "
        > CLIENT GETREDIR         :-1
        > CLIENT TRACKING ON      +OK
        > CLIENT GETREDIR         :0
        > CLIENT TRACKING OFF     +OK
    ",
    ..BASE
};

pub const TRACKINGINFO: Spec = Spec {
    name: "TRACKINGINFO",
    since: "6.2.0",
    summary: "Describes how keys are tracked for this connection.",
    run: info,
    cases: "
        > CLIENT TRACKINGINFO x           -ERR wrong number of arguments for 'client|trackinginfo' command
        > CLIENT TRACKINGINFO             {flags: ~[off], redirect: :-1, prefixes: []}
    ",
    ..BASE
};

pub const TRACKING: Spec = Spec {
    name: "TRACKING",
    summary: "Tells the client when keys that it has read change.",
    cost: "O(1), and some more with prefixes",
    arity: -3,
    args: &[
        Arg::one_of("status", &[Arg::word("on", "ON"), Arg::word("off", "OFF")]),
        Arg::integer("client-id").token("REDIRECT").optional(),
        Arg::string("prefix").token("PREFIX").optional().multiple().multiple_token(),
        Arg::word("bcast", "BCAST").optional(),
        Arg::word("optin", "OPTIN").optional(),
        Arg::word("optout", "OPTOUT").optional(),
        Arg::word("noloop", "NOLOOP").optional(),
    ],
    route: Route::Every(Merge::Custom(merge)),
    run,
    cases: "
        > CLIENT TRACKING                                   -ERR wrong number of arguments for 'client|tracking' command
        > CLIENT TRACKING nonsense                          -ERR syntax error
        > CLIENT TRACKING ON nonsense                       -ERR syntax error
        > CLIENT TRACKING ON REDIRECT                       -ERR syntax error
        > CLIENT TRACKING ON REDIRECT x                     -ERR value is not an integer or out of range
        > CLIENT TRACKING ON REDIRECT 99999999 nonsense     -ERR The client ID you want redirect to does not exist
        > CLIENT TRACKING ON PREFIX a                       -ERR PREFIX option requires BCAST mode to be enabled
        > CLIENT TRACKING ON BCAST OPTIN                    -ERR OPTIN and OPTOUT are not compatible with BCAST
        > CLIENT TRACKING ON OPTIN OPTOUT                   -ERR You can't specify both OPTIN mode and OPTOUT mode
        > CLIENT TRACKING ON BCAST PREFIX a PREFIX ab       -ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must not overlap.
        > CLIENT TRACKINGINFO                               {flags: ~[off], redirect: :-1, prefixes: []}
        > CLIENT TRACKING ON BCAST PREFIX b PREFIX a        +OK
        > CLIENT TRACKING ON BCAST PREFIX aa                -ERR Prefix 'aa' overlaps with an existing prefix 'a'. Prefixes for a single client must not overlap.
        > CLIENT TRACKING ON                                -ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.
        > CLIENT TRACKING ON BCAST PREFIX c NOLOOP          +OK
        > CLIENT TRACKINGINFO                               {flags: ~[on, bcast, noloop], redirect: :0, prefixes: [a, b, c]}
        > CLIENT TRACKING OFF                               +OK
        > CLIENT TRACKING ON OPTIN                          +OK
        > CLIENT TRACKING ON OPTOUT                         -ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.
        > CLIENT TRACKING OFF                               +OK
    ",
    ..BASE
};

/// The words of CLIENT TRACKING.
#[derive(Default)]
struct Words<'a> {
    /// What comes into force, if tracking is turned on; without prefixes.
    mode: Mode,
    prefixes: Vec<&'a [u8]>,
}

/// Reads the options. `core_of` names the core of the client with an id, if there is one.
fn parse<'a>(args: &Args<'a>, core_of: &mut dyn FnMut(i64) -> Option<usize>) -> Result<Words<'a>, Refusal> {
    let mut words = Words::default();
    let mut i = 3;
    while i < args.len() {
        let value = args.try_get(i + 1);
        let mode = &mut words.mode;
        match value {
            Some(value) if args.is(i, "REDIRECT") => {
                if mode.redirect != 0 {
                    return Err(Refusal::fixed("ERR A client can only redirect to a single other client"));
                }
                let id = parse_i64(value).ok_or(Refusal::NOT_INTEGER)?;
                let core = core_of(id).ok_or(Refusal::fixed("ERR The client ID you want redirect to does not exist"))?;
                (mode.redirect, mode.redirect_core) = (id as u64, core);
                i += 1;
            }
            Some(value) if args.is(i, "PREFIX") => {
                words.prefixes.push(value);
                i += 1;
            }
            _ if args.is(i, "BCAST") => mode.is_broadcast = true,
            _ if args.is(i, "OPTIN") => mode.is_optin = true,
            _ if args.is(i, "OPTOUT") => mode.is_optout = true,
            _ if args.is(i, "NOLOOP") => mode.is_noloop = true,
            _ => return Err(Refusal::SYNTAX),
        }
        i += 1;
    }
    Ok(words)
}

/// Prefixes that are registered: all keys begin with the empty one.
fn registered(words: &Words) -> Vec<Box<[u8]>> {
    match words.prefixes.as_slice() {
        [] => vec![Box::default()],
        some => some.iter().map(|p| Box::from(*p)).collect(),
    }
}

/// Each core: looks for the client that is named, and takes prefixes in as if nothing were wrong with them.
fn run(call: &mut Call) -> Outcome {
    let mut named = None;
    let words = parse(&call.args, &mut |id| {
        named.get_or_insert(id);
        Some(0)
    });
    let here = named.and_then(|id| call.shard.clients.iter().find(|(_, c)| c.id as i64 == id).map(|(i, c)| (c.id, i)));
    if let Some((id, i)) = here {
        call.shard.tracking.places.insert(id, i);
    }
    if let Ok(words) = words
        && call.args.is(2, "ON")
        && words.mode.is_broadcast
    {
        let client = Reader { core: call.origin.home, client: call.origin.client };
        let ticket = call.shard.fx.ticket.unwrap_or(0);
        call.shard.tracking.register(&mut call.shard.ks, client, &registered(&words), ticket);
    }
    parts::send_numbers(call, &[u64::from(here.is_some())]);
    Ok(())
}

fn merge(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(records) = parts::receive(call, parts) else {
        return Ok(());
    };
    let found = records.into_iter().map(|mut r| parts::number(&mut r)).position(|found| found == Some(1));
    // A client that is gone asks for nothing any more.
    let outcome = call.home.map_or(Err(Refusal::NO_SUCH_CLIENT), |i| decide(call, i, found));
    let mut prefixes = BTreeSet::new();
    if let Some(i) = call.home {
        let client = &mut call.shard.clients[i];
        client.tracking.refresh();
        if let Some(mode) = &client.tracking.mode {
            prefixes.clone_from(&mode.prefixes);
            call.shard.tracking.places.insert(client.id, i);
        }
    }
    let client = Reader { core: call.shard.core as u16, client: call.origin.client };
    // All cores took the prefixes in before anything was decided.
    if (outcome.is_err() || prefixes.is_empty()) && call.shard.tracking.has_registered(client) {
        call.shard.tracking.renew(&mut call.shard.ks, client, prefixes);
    }
    outcome?;
    call.out.ok();
    Ok(())
}

/// Changes the client's mode, or says why not. `found`: the core that has the client which a redirection names.
fn decide(call: &mut Call, i: usize, found: Option<usize>) -> Outcome {
    let words = parse(&call.args, &mut |_| found)?;
    let (is_on, is_off) = (call.args.is(2, "ON"), call.args.is(2, "OFF"));
    let tracking = &mut call.shard.clients[i].tracking;
    match (is_on, is_off) {
        (true, _) => {}
        (_, true) => {
            tracking.end();
            return Ok(());
        }
        _ => return Err(Refusal::SYNTAX),
    }
    check(&words, tracking.mode.as_deref())?;
    let old = tracking.mode.take().map(|m| m.prefixes).unwrap_or_default();
    let mut mode = words.mode.clone();
    if mode.is_broadcast {
        mode.prefixes = old.into_iter().chain(registered(&words)).collect();
    }
    tracking.mode = Some(Box::new(mode));
    Ok(())
}

/// Whether the options go together and with those that are in force.
fn check(words: &Words, old: Option<&Mode>) -> Outcome {
    let new = &words.mode;
    if !new.is_broadcast && !words.prefixes.is_empty() {
        return Err(Refusal::fixed("ERR PREFIX option requires BCAST mode to be enabled"));
    }
    if old.is_some_and(|old| old.is_broadcast != new.is_broadcast) {
        return Err(Refusal::fixed(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
        ));
    }
    if new.is_broadcast && (new.is_optin || new.is_optout) {
        return Err(Refusal::fixed("ERR OPTIN and OPTOUT are not compatible with BCAST"));
    }
    if new.is_optin && new.is_optout {
        return Err(Refusal::fixed("ERR You can't specify both OPTIN mode and OPTOUT mode"));
    }
    if old.is_some_and(|old| (new.is_optin && old.is_optout) || (new.is_optout && old.is_optin)) {
        return Err(Refusal::fixed(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
        ));
    }
    let none = BTreeSet::new();
    check_prefixes(&words.prefixes, old.map_or(&none, |old| &old.prefixes))
}

/// No key may begin with two prefixes of one client.
fn check_prefixes(new: &[&[u8]], old: &BTreeSet<Box<[u8]>>) -> Outcome {
    let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    let refuse = |prefix: &[u8], what: &[u8], other: &[u8]| {
        let shown = |text: &[u8]| text.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        let end = b"'. Prefixes for a single client must not overlap.".as_slice();
        Err(Refusal::quoting([b"ERR Prefix '".as_slice(), &shown(prefix), b"' overlaps with ", what, b" prefix '", &shown(other), end].concat()))
    };
    for (n, prefix) in new.iter().enumerate() {
        if let Some(other) = old.iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, b"an existing", other);
        }
        if let Some(other) = new[n + 1..].iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, b"another provided", other);
        }
    }
    Ok(())
}

fn caching(call: &mut Call) -> Outcome {
    let (is_yes, is_no) = (call.args.is(2, "YES"), call.args.is(2, "NO"));
    let tracking = &mut call.client().tracking;
    let Some(mode) = tracking.mode.as_ref() else {
        return Err(Refusal::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    if !is_yes && !is_no {
        return Err(Refusal::SYNTAX);
    }
    if is_yes && !mode.is_optin {
        return Err(Refusal::fixed("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."));
    }
    if is_no && !mode.is_optout {
        return Err(Refusal::fixed("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."));
    }
    tracking.caching = Caching::Said;
    tracking.refresh();
    call.out.ok();
    Ok(())
}

fn get_redir(call: &mut Call) -> Outcome {
    let redirect = call.client().tracking.redirect();
    call.out.int(redirect);
    Ok(())
}

fn info(call: &mut Call) -> Outcome {
    let tracking = call.client().tracking.clone();
    let is_on = tracking.mode.is_some();
    let mode = tracking.mode.as_deref().cloned().unwrap_or_default();
    let is_said = tracking.caching != Caching::Unsaid;
    let flags = [
        (!is_on, "off"),
        (is_on, "on"),
        (mode.is_broadcast, "bcast"),
        (mode.is_optin, "optin"),
        (mode.is_optin && is_said, "caching-yes"),
        (mode.is_optout, "optout"),
        (mode.is_optout && is_said, "caching-no"),
        (mode.is_noloop, "noloop"),
        (mode.is_broken, "broken_redirect"),
    ];
    let set: Vec<&str> = flags.iter().filter(|f| f.0).map(|f| f.1).collect();
    let out = &mut *call.out;
    out.map(3);
    out.bulk(b"flags");
    out.set(set.len());
    set.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"redirect");
    out.int(tracking.redirect());
    out.bulk(b"prefixes");
    out.array(mode.prefixes.len());
    mode.prefixes.iter().for_each(|prefix| out.bulk(prefix));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_overlap_when_a_key_can_begin_with_both() {
        let old = BTreeSet::from([Box::from(b"old".as_slice())]);
        for (new, is_fine) in [
            (&[b"a".as_slice(), b"b"][..], true),
            (&[b"a", b"a"], false),
            (&[b"a", b"b", b"bc"], false),
            (&[b"olde"], false),
            (&[b"o"], false),
            (&[b""], false),
            (&[b"x"], true),
            (&[], true),
        ] {
            assert_eq!(check_prefixes(new, &old).is_ok(), is_fine, "{new:?}");
        }
    }
}
