//! The line by which CLIENT LIST and INFO describe a client, and the types by which clients are chosen.
//! Fields and their order are those of 7.4; what cannot happen yet (subscriptions) shows its neutral value.
//! Ref: redis.io/commands/client-list

use crate::spec::Refusal;
use crate::spec::client::{Blocked, Client};

/// The line without its end.
pub fn of(c: &Client, now: i64) -> Vec<u8> {
    let seconds_since = |ms: i64| (now - ms).max(0) / 1000;
    let queued = c.multi.as_ref().map_or(-1, |m| m.queue.len() as i64);
    let mut out = Vec::with_capacity(320);
    let mut add = |text: String| out.extend_from_slice(text.as_bytes());
    add(format!("id={} addr={} laddr={} fd={} name=", c.id, c.addr, c.laddr, c.fd));
    out.extend_from_slice(&c.name);
    let mut add = |text: String| out.extend_from_slice(text.as_bytes());
    add(format!(" age={} idle={} flags={} db={}", seconds_since(c.created_ms), seconds_since(c.active_ms), flags(c), c.db));
    add(format!(" sub=0 psub=0 ssub=0 multi={queued} watch={}", c.watched.len()));
    add(format!(" qbuf={} qbuf-free={} argv-mem={} multi-mem={}", c.input_bytes, c.input_free, c.argv_bytes, c.multi_bytes()));
    let o = &c.output;
    add(format!(" rbs={} rbp={} obl={} oll={} omem={}", o.capacity, c.output_peak, o.bytes, o.pieces, o.piece_bytes));
    let events = if o.pieces > 0 { "rw" } else { "r" };
    let command = if c.last_command.is_empty() { "NULL" } else { c.last_command };
    let user = if c.user.is_empty() { "(superuser)" } else { c.user };
    add(format!(" tot-mem={} events={events} cmd={command} user={user} redir={}", c.total_memory(), c.tracking.redirect()));
    add(format!(" resp={} lib-name=", if c.is_resp3 { 3 } else { 2 }));
    out.extend_from_slice(&c.lib_name);
    out.extend_from_slice(b" lib-ver=");
    out.extend_from_slice(&c.lib_ver);
    out
}

/// One letter per state; `N` if there is none to tell.
fn flags(c: &Client) -> String {
    let is_blocked = c.blocked != Blocked::No || c.is_postponed;
    let (mode, is_tracking) = (c.tracking.mode.as_ref(), c.tracking.mode.is_some());
    let (is_broken, is_broadcast) = (mode.is_some_and(|m| m.is_broken), mode.is_some_and(|m| m.is_broadcast));
    let all =
        [(is_blocked, 'b'), (c.multi.is_some(), 'x'), (is_tracking, 't'), (is_broken, 'R'), (is_broadcast, 'B'), (c.close_after_reply, 'c'), (c.close_now, 'A'), (c.is_unix, 'U'), (c.no_evict, 'e'), (c.no_touch, 'T')];
    let set: String = all.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| *letter).collect();
    if set.is_empty() { "N".to_string() } else { set }
}

/// Types of clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Normal,
    /// Masters, replicas and subscribers, of which there are none yet.
    Other,
}

impl Type {
    /// Reads a type's name in any case.
    pub fn parse(word: &[u8]) -> Result<Type, Refusal> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("normal") {
            return Ok(Type::Normal);
        }
        if ["slave", "replica", "master", "pubsub"].into_iter().any(is) {
            return Ok(Type::Other);
        }
        Err(Refusal::text(format!("ERR Unknown client type '{}'", String::from_utf8_lossy(word))))
    }

    /// Whether a client is of this type.
    pub fn fits(self, _: &Client) -> bool {
        self == Type::Normal
    }
}
