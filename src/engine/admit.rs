//! The only gate: every command of every client passes here, in the order of checks that Redis has, before it is routed,
//! queued or run.
//! Ref: redis.io/docs/latest/commands (error replies); the order is that of Redis 7.2.

use crate::spec::persist::Loading;
use crate::spec::{Args, Flags, Refusal, Route, SessionOp, Shard, Spec, client::Client};

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
        return refuse(row.spec, Refusal::arity(row.full_name));
    }
    let client = &shard.clients[index];
    let flags = row.spec.flags;
    if flags.has(Flags::PROTECTED)
        && let Some(refusal) = protected(shard, client, row.spec.name)
    {
        return Verdict::Refuse(refusal);
    }
    if !client.is_authenticated && !flags.has(Flags::NO_AUTH) {
        return refuse(row.spec, Refusal::NO_AUTH);
    }
    if flags.has(Flags::NO_MULTI) && client.multi.is_some() {
        return Verdict::Refuse(Refusal::NO_MULTI);
    }
    if shard.persist.is_guarded()
        && let Some(refusal) = unsafe_now(shard, client, row.spec)
    {
        return refuse(row.spec, refusal);
    }
    Verdict::Go(id)
}

/// Whether the command is EXEC, whose refusal ends the transaction.
pub fn is_exec(spec: &Spec) -> bool {
    matches!(spec.route, Route::Session(SessionOp::Exec))
}

#[cold]
fn refuse(spec: &Spec, refusal: Refusal) -> Verdict {
    Verdict::Refuse(if is_exec(spec) { refusal.of_exec() } else { refusal })
}

/// Writes (and PING, by which monitors find out) are refused after disk errors, most commands while keys are being loaded. EXEC counts
/// as what it would run. What a log has to say (client 0) is never refused.
#[cold]
fn unsafe_now(shard: &Shard, client: &Client, spec: &Spec) -> Option<Refusal> {
    if client.id == 0 {
        return None;
    }
    let queue = || client.multi.iter().flat_map(|multi| &multi.queue).map(|queued| queued.spec.flags).filter(|_| is_exec(spec));
    let writes = || spec.flags.has(Flags::WRITE) || spec.name == "PING" || queue().any(|flags| flags.has(Flags::WRITE));
    if let Some(refusal) = shard.persist.refuses_writes.as_ref().filter(|_| writes()) {
        return Some(refusal.clone());
    }
    let waits = || !spec.flags.has(Flags::LOADING) || queue().any(|flags| !flags.has(Flags::LOADING));
    (shard.persist.loading == Loading::Refuses && waits()).then_some(Refusal::LOADING)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::proto::Span;
    use crate::spec::Table;
    use crate::spec::client::{Queued, Transaction};
    use crate::spec::shard::Server;
    use std::sync::atomic::AtomicU64;

    const GET: Spec = Spec { name: "GET", arity: 2, flags: Flags::READONLY, ..Spec::DEFAULT };
    const SET: Spec = Spec { name: "SET", arity: 3, flags: Flags::WRITE, ..Spec::DEFAULT };
    const PING: Spec = Spec { name: "PING", ..Spec::DEFAULT };
    const INFO: Spec = Spec { name: "INFO", flags: Flags::LOADING, ..Spec::DEFAULT };
    const EXEC: Spec = Spec { name: "EXEC", arity: 1, flags: Flags::LOADING, route: Route::Session(SessionOp::Exec), ..Spec::DEFAULT };

    fn shard() -> Shard {
        let server = Server {
            run_id: String::new(),
            pid: 1,
            started_ms: 0,
            executable: String::new(),
            config_file: String::new(),
            os: String::new(),
            commands: Table::new(&[&[&GET, &SET, &PING, &INFO, &EXEC]], &[]),
            next_client: AtomicU64::new(1),
            next_slow: AtomicU64::new(0),
            clients: AtomicU64::new(0),
            listeners: Vec::new(),
            supervised: "no",
            enter_dir: |dir| Ok(dir.to_vec()),
            sleep: |_| (),
        };
        let mut shard = Shard::new(0, 1, Config::default(), Box::leak(Box::new(server)), 1, 1);
        shard.clients.insert(Client { id: 1, is_authenticated: true, ..Client::default() });
        shard
    }

    /// The refusal of a command of so many words, empty if it may go.
    fn refusal(shard: &Shard, name: &str, words: usize) -> String {
        let spans = vec![Span { start: 0, len: name.len() as u32 }; words];
        match admit(shard, 0, &Args { base: name.as_bytes(), spans: &spans }) {
            Verdict::Go(_) => String::new(),
            Verdict::Refuse(refusal) => String::from_utf8_lossy(refusal.as_bytes()).into_owned(),
            Verdict::CrossProtocol => panic!("no browser"),
        }
    }

    /// The client has queued these behind MULTI.
    fn queue(shard: &mut Shard, specs: &[&'static Spec]) {
        let queued = |spec: &&'static Spec| Queued { spec, row: 0, bytes: Vec::new(), spans: Vec::new() };
        let queue = specs.iter().map(queued).collect();
        shard.clients[0].multi = Some(Box::new(Transaction { queue, ..Transaction::default() }));
    }

    #[test]
    fn while_keys_are_loaded_only_commands_that_need_none_may_go() {
        let mut shard = shard();
        shard.persist.loading = Loading::Refuses;
        let loading = "LOADING Redis is loading the dataset in memory";
        assert_eq!([("GET", 2), ("SET", 3), ("PING", 1)].map(|(name, n)| refusal(&shard, name, n)), [loading; 3]);
        assert_eq!([refusal(&shard, "INFO", 1), refusal(&shard, "EXEC", 1)], ["", ""]);
        assert_eq!(refusal(&shard, "GET", 1), "ERR wrong number of arguments for 'get' command", "what is wrong is told first");
        queue(&mut shard, &[&INFO]);
        assert_eq!(refusal(&shard, "EXEC", 1), "");
        queue(&mut shard, &[&INFO, &GET]);
        assert_eq!(refusal(&shard, "EXEC", 1), format!("EXECABORT Transaction discarded because of: {loading}"));
        shard.persist.loading = Loading::Waits;
        assert_eq!(refusal(&shard, "GET", 2), "", "clients that wait are no business of the gate");
    }

    #[test]
    fn after_an_error_of_the_disk_writes_are_refused_and_ping_tells() {
        let mut shard = shard();
        shard.persist.refuses_writes = Some(Refusal::misconf_log("No space left on device"));
        let text = "MISCONF Errors writing to the AOF file: No space left on device";
        assert_eq!([refusal(&shard, "SET", 3), refusal(&shard, "PING", 1)], [text, text]);
        assert_eq!([refusal(&shard, "GET", 2), refusal(&shard, "INFO", 1)], ["", ""]);
        queue(&mut shard, &[&GET]);
        assert_eq!(refusal(&shard, "EXEC", 1), "");
        queue(&mut shard, &[&SET, &GET]);
        assert_eq!(refusal(&shard, "EXEC", 1), format!("EXECABORT Transaction discarded because of: {text}"));
        assert_eq!(refusal(&shard, "GET", 2), "", "what is queued concerns EXEC alone");
        shard.persist.loading = Loading::Refuses;
        assert_eq!(refusal(&shard, "SET", 3), text, "before loading");
    }

    #[test]
    fn what_a_log_says_is_never_refused_and_a_refused_exec_tells_why() {
        let mut shard = shard();
        (shard.persist.loading, shard.persist.refuses_writes) = (Loading::Refuses, Some(Refusal::MISCONF_SAVE));
        shard.clients[0].id = 0;
        assert_eq!(refusal(&shard, "SET", 3), "");
        let arity = "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
        assert_eq!(refusal(&shard, "EXEC", 2), arity);
        shard.clients[0].is_authenticated = false;
        assert_eq!(refusal(&shard, "EXEC", 1), "EXECABORT Transaction discarded because of: NOAUTH Authentication required.");
    }
}
