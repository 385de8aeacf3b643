//! What a command *is*: one [`Spec`] per command, from which COMMAND, COMMAND DOCS, ACL categories, key extraction, routing
//! over cores, statistics and tests all derive.
//! Sits between the keyspace (below) and the engine (above): no concrete command is known here.
//! Ref: redis.io/docs/latest/develop/reference/key-specs, redis.io/commands/command-docs

pub mod args;
pub mod block;
pub mod call;
pub mod client;
pub mod effect;
pub mod flags;
pub mod keys;
pub mod latency;
pub mod persist;
pub mod refusal;
pub mod request;
pub mod route;
pub mod shard;
pub mod slowlog;
pub mod stats;
pub mod table;
pub mod tracking;

pub use args::Arg;
pub use block::Block;
pub use call::{Args, Call, Outcome};
pub use flags::{Access, Category, Flags, Group};
pub use keys::{Begin, Find, KeySpec};
pub use refusal::Refusal;
pub use route::{Merge, Multi, Route, Scout, SessionOp};
pub use shard::Shard;
pub use table::Table;

/// The function that carries a command out on one core. Writes exactly one reply to `call.out`, or refuses.
pub type Run = fn(&mut Call) -> Outcome;

/// Appends `(argument index, key spec index)` of every key of a call.
pub type FindKeys = fn(&Args, &mut Vec<(u32, u8)>);

/// One command, or one subcommand of a container. All fields are constants; [`Spec::DEFAULT`] fills the rest.
pub struct Spec {
    /// Upper-case word: `GET`; of a subcommand only its own word: `LIST` (of CLIENT).
    pub name: &'static str,
    /// First version of Redis (or of the project that brought it) that has the command.
    pub since: &'static str,
    pub group: Group,
    /// One sentence for COMMAND DOCS and help.
    pub summary: &'static str,
    /// Complexity for COMMAND DOCS, for example `O(1)`.
    pub cost: &'static str,
    /// Exact number of words if positive, least number if negative, counting the command's own word(s).
    pub arity: i32,
    pub flags: Flags,
    /// ACL categories beyond those that flags imply.
    pub categories: Category,
    pub keys: &'static [KeySpec],
    /// Finds the keys of a call as `(argument index, key spec index)` where key specs cannot tell which words are keys.
    pub find_keys: Option<FindKeys>,
    /// Word that names an element of the collection at word 1, whose memory is asked for ahead of the run; 0 = none.
    pub element: u8,
    /// Argument grammar for COMMAND DOCS, without the command's own word.
    pub args: &'static [Arg],
    pub route: Route,
    /// Calls that run on core 0 alone, whatever the route says, because their words do (DEBUG RELOAD). Inside of EXEC it does not count.
    pub on_first: Option<fn(&Args) -> bool>,
    /// The command may answer later ([`Call::defer`]).
    pub defers: bool,
    pub run: Run,
    /// Looks at the words of the whole call before it is routed, where parts of it could not tell what is wrong.
    pub check: Option<fn(&Args) -> Outcome>,
    pub subs: &'static [&'static Spec],
    /// `(version, what changed)` for COMMAND DOCS.
    pub history: &'static [(&'static str, &'static str)],
    /// Command tips, for example `nondeterministic_output`; request and response policy derive from the route.
    pub tips: &'static [&'static str],
    /// Since when and in favour of what the command is deprecated.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// Lines of HELP of a container: `SYNTAX`, then its indented explanation.
    pub help: &'static [&'static str],
    /// Example transcript, run on every road by tests/roads.rs.
    pub cases: &'static str,
}

impl Spec {
    /// All that a command may leave out.
    pub const DEFAULT: Spec = Spec {
        name: "",
        since: "1.0.0",
        group: Group::Generic,
        summary: "",
        cost: "O(1)",
        arity: -1,
        flags: Flags::NONE,
        categories: Category::NONE,
        keys: &[],
        find_keys: None,
        element: 0,
        args: &[],
        route: Route::Home,
        on_first: None,
        defers: false,
        run: call::not_runnable,
        check: None,
        subs: &[],
        history: &[],
        tips: &[],
        deprecated: None,
        help: &[],
        cases: "",
    };

    /// Whether `words` (the command's own words included) may be the length of a call.
    #[inline(always)]
    pub fn arity_fits(&self, words: usize) -> bool {
        if self.arity >= 0 { words == self.arity as usize } else { words >= self.arity.unsigned_abs() as usize }
    }
}
