//! The only gate: every command of every client passes here, in the order of checks that Redis has, before it is routed,
//! queued or run.
//! Ref: redis.io/docs/latest/commands (error replies); the order is that of Redis 7.2.

use crate::spec::{Args, Flags, Refusal, Shard, client::Client};

/// Most bytes of words that the text about an unknown command repeats.
const ECHO_MAX: usize = 128;

/// What the gate says.
pub enum Verdict {
    /// Row of the command table.
    Go(u16),
    Refuse(Refusal),
    /// A web browser or a form talks to us: close without a word.
    CrossProtocol,
}

/// Decides about one command of the client at `index`.
#[inline]
pub fn admit(shard: &Shard, index: usize, args: &Args) -> Verdict {
    let table = &shard.server.commands;
    let Some(mut id) = table.find(args.get(0)) else {
        let name = args.get(0);
        if name.eq_ignore_ascii_case(b"host:") || name.eq_ignore_ascii_case(b"post") {
            return Verdict::CrossProtocol;
        }
        return Verdict::Refuse(unknown(args));
    };
    let mut row = table.row(id);
    if row.spec.flags.has(Flags::CONTAINER) && args.len() > 1 {
        match table.find_sub(id, args.get(1)) {
            Some(sub) => {
                id = sub;
                row = table.row(sub);
            }
            None => return Verdict::Refuse(Refusal::subcommand(args.get(1), row.spec.name)),
        }
    }
    if !row.spec.arity_fits(args.len()) {
        return Verdict::Refuse(Refusal::arity(row.full_name));
    }
    let client = &shard.clients[index];
    let flags = row.spec.flags;
    if flags.has(Flags::PROTECTED)
        && let Some(refusal) = protected(shard, client, row.spec.name)
    {
        return Verdict::Refuse(refusal);
    }
    if !client.is_authenticated && !flags.has(Flags::NO_AUTH) {
        return Verdict::Refuse(Refusal::NO_AUTH);
    }
    if flags.has(Flags::NO_MULTI) && client.multi.is_some() {
        return Verdict::Refuse(Refusal::NO_MULTI);
    }
    Verdict::Go(id)
}

/// DEBUG and loading of modules are allowed only where the configuration says so.
fn protected(shard: &Shard, client: &Client, name: &str) -> Option<Refusal> {
    let (setting, refusal) = match name {
        "DEBUG" => (shard.config.enable_debug_command.word(), Refusal::DEBUG_REFUSED),
        _ => (shard.config.enable_module_command.word(), Refusal::MODULE_REFUSED),
    };
    match setting {
        "yes" => None,
        "local" if client.is_local => None,
        _ => Some(refusal),
    }
}

/// `unknown command 'foo', with args beginning with: 'bar' 'baz' `, with the client's own bytes.
fn unknown(args: &Args) -> Refusal {
    let cut = |w: &[u8], max: usize| w[..w.len().min(max)].to_vec();
    let mut list = Vec::new();
    for word in args.from(1) {
        if list.len() >= ECHO_MAX {
            break;
        }
        list.extend([b"'".as_slice(), &cut(word, ECHO_MAX - list.len()), b"' "].concat());
    }
    let name = cut(args.get(0), ECHO_MAX);
    Refusal::quoting([b"ERR unknown command '", name.as_slice(), b"', with args beginning with: ", &list].concat())
}
