//! Command flags, ACL categories, key access flags and command groups, with the names that COMMAND and ACL CAT print.
//! Ref: redis.io/commands/command (flags), redis.io/docs/latest/operate/oss_and_stack/management/security/acl

macro_rules! bits {
    ($(#[$doc:meta])* $name:ident : $t:ty { $($(#[$d:meta])* $flag:ident = $bit:expr, $text:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name(pub $t);
        impl $name {
            pub const NONE: $name = $name(0);
            $($(#[$d])* pub const $flag: $name = $name(1 << $bit);)*
            /// Every bit with the text users see ("" where it is internal), in the order in which Redis prints them.
            pub const NAMES: &'static [($name, &'static str)] = &[$(($name::$flag, $text)),*];
            /// Both sets together.
            pub const fn and(self, other: $name) -> $name { $name(self.0 | other.0) }
            /// Whether any bit of `other` is set.
            #[inline(always)]
            pub const fn has(self, other: $name) -> bool { self.0 & other.0 != 0 }
            /// Names of the set bits that users see.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::NAMES.iter().filter(move |(b, n)| self.has(*b) && !n.is_empty()).map(|(_, n)| *n)
            }
        }
    };
}

bits! {
    /// What a command does and where it is allowed. Order = the order of COMMAND INFO.
    Flags: u32 {
        WRITE = 0, "write";
        READONLY = 1, "readonly";
        DENY_OOM = 2, "denyoom";
        ADMIN = 3, "admin";
        PUBSUB = 4, "pubsub";
        NOSCRIPT = 5, "noscript";
        BLOCKING = 6, "blocking";
        LOADING = 7, "loading";
        STALE = 8, "stale";
        SKIP_MONITOR = 9, "skip_monitor";
        SKIP_SLOWLOG = 10, "skip_slowlog";
        ASKING = 11, "asking";
        FAST = 12, "fast";
        NO_AUTH = 13, "no_auth";
        NO_MANDATORY_KEYS = 14, "no_mandatory_keys";
        NO_ASYNC_LOADING = 15, "no_async_loading";
        NO_MULTI = 16, "no_multi";
        MOVABLE_KEYS = 17, "movablekeys";
        ALLOW_BUSY = 18, "allow_busy";
        /// enable-debug-command and its like decide.
        PROTECTED = 19, "";
        /// Runs its own timing: cost is not O(1), so a batch must not hide it.
        SLOW = 20, "";
        /// A container: has subcommands and no function of its own.
        CONTAINER = 21, "";
        /// Only reads, but what it does may be recorded: CLIENT PAUSE WRITE holds it up, too.
        MAY_REPLICATE = 22, "";
    }
}

bits! {
    /// ACL categories in the order of ACL CAT.
    Category: u32 {
        KEYSPACE = 0, "keyspace";
        READ = 1, "read";
        WRITE = 2, "write";
        SET = 3, "set";
        SORTEDSET = 4, "sortedset";
        LIST = 5, "list";
        HASH = 6, "hash";
        STRING = 7, "string";
        BITMAP = 8, "bitmap";
        HYPERLOGLOG = 9, "hyperloglog";
        GEO = 10, "geo";
        STREAM = 11, "stream";
        PUBSUB = 12, "pubsub";
        ADMIN = 13, "admin";
        FAST = 14, "fast";
        SLOW = 15, "slow";
        BLOCKING = 16, "blocking";
        DANGEROUS = 17, "dangerous";
        CONNECTION = 18, "connection";
        TRANSACTION = 19, "transaction";
        SCRIPTING = 20, "scripting";
    }
}

bits! {
    /// What a command does with a key. Ref: redis.io/docs/latest/develop/reference/key-specs#flags
    Access: u16 {
        RO = 0, "RO";
        RW = 1, "RW";
        OW = 2, "OW";
        RM = 3, "RM";
        ACCESS = 4, "access";
        UPDATE = 5, "update";
        INSERT = 6, "insert";
        DELETE = 7, "delete";
        NOT_KEY = 8, "not_key";
        INCOMPLETE = 9, "incomplete";
        VARIABLE_FLAGS = 10, "variable_flags";
    }
}

impl Flags {
    /// The categories that flags alone imply, as Redis derives them.
    pub const fn implied(self) -> Category {
        let mut c = if self.has(Flags::FAST) { Category::FAST } else { Category::SLOW };
        if self.has(Flags::WRITE) {
            c = c.and(Category::WRITE);
        }
        if self.has(Flags::READONLY) {
            c = c.and(Category::READ);
        }
        if self.has(Flags::ADMIN) {
            c = c.and(Category::ADMIN).and(Category::DANGEROUS);
        }
        if self.has(Flags::PUBSUB) {
            c = c.and(Category::PUBSUB);
        }
        if self.has(Flags::BLOCKING) {
            c = c.and(Category::BLOCKING);
        }
        c
    }
}

/// The group of a command, as COMMAND DOCS names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Pubsub,
    Transactions,
    Connection,
    Server,
    Scripting,
    Hyperloglog,
    Cluster,
    Sentinel,
    Geo,
    Stream,
    Bitmap,
}

impl Group {
    /// The word of COMMAND DOCS.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::Pubsub => "pubsub",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Scripting => "scripting",
            Group::Hyperloglog => "hyperloglog",
            Group::Cluster => "cluster",
            Group::Sentinel => "sentinel",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
        }
    }
}
