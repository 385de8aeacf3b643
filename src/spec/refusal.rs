//! TABLE of client-visible errors: the exact text of each, once. The first word is the code that clients test and that
//! INFO errorstats counts.

use std::borrow::Cow;

/// Why a call is refused: the text behind the `-` of the reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal(Cow<'static, [u8]>);

macro_rules! refusals {
    ($($name:ident = $text:expr;)*) => {
        impl Refusal {
            $(#[doc = $text] pub const $name: Refusal = Refusal(Cow::Borrowed($text.as_bytes()));)*
        }
    };
}

refusals! {
    WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
    NO_KEY = "ERR no such key";
    SYNTAX = "ERR syntax error";
    SAME_OBJECT = "ERR source and destination objects are the same";
    INDEX_RANGE = "ERR index out of range";
    NOT_INTEGER = "ERR value is not an integer or out of range";
    NOT_FLOAT = "ERR value is not a valid float";
    OUT_OF_RANGE = "ERR value is out of range";
    OUT_OF_RANGE_POSITIVE = "ERR value is out of range, must be positive";
    TIMEOUT_NOT_FLOAT = "ERR timeout is not a float or out of range";
    TIMEOUT_NOT_INTEGER = "ERR timeout is not an integer or out of range";
    TIMEOUT_RANGE = "ERR timeout is out of range";
    TIMEOUT_NEGATIVE = "ERR timeout is negative";
    DB_RANGE = "ERR DB index is out of range";
    INVALID_DB = "ERR invalid DB index";
    INVALID_FIRST_DB = "ERR invalid first DB index";
    INVALID_SECOND_DB = "ERR invalid second DB index";
    INVALID_CURSOR = "ERR invalid cursor";
    TOO_BIG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    OFFSET_RANGE = "ERR offset is out of range";
    OVERFLOW = "ERR increment or decrement would overflow";
    DECR_OVERFLOW = "ERR decrement would overflow";
    NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity";
    LCS_NOT_STRING = "ERR The specified keys must contain string values";
    LCS_BOTH = "ERR If you want both the length and indexes, please just use IDX.";
    LCS_TOO_LONG = "ERR String too long for LCS";
    LCS_MEMORY = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
    BIT_OFFSET = "ERR bit offset is not an integer or out of range";
    BIT_VALUE = "ERR bit is not an integer or out of range";
    BIT_ARGUMENT = "ERR The bit argument must be 1 or 0.";
    BITOP_NOT = "ERR BITOP NOT must be called with a single source key.";
    BITFIELD_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
    BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified";
    BITFIELD_RO = "ERR BITFIELD_RO only supports the GET subcommand";
    NOT_HLL = "WRONGTYPE Key is not a valid HyperLogLog string value.";
    HLL_CORRUPT = "INVALIDOBJ Corrupted HLL object detected";
    BUSY_KEY = "BUSYKEY Target key name already exists.";
    DUMP_CHECKSUM = "ERR DUMP payload version or checksum are wrong";
    BAD_FORMAT = "ERR Bad data format";
    DUMP_CANNOT_HOLD = "ERR fields of this hash expire, which payloads of the version that rdb-version names cannot hold";
    NO_LIBRARY = "ERR Library not found";
    LIBRARY_WITHOUT_NAME = "ERR Missing library metadata";
    FUNCTION_FLUSH = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option";
    RESTORE_TTL = "ERR Invalid TTL value, must be >= 0";
    RESTORE_IDLE = "ERR Invalid IDLETIME value, must be >= 0";
    RESTORE_FREQ = "ERR Invalid FREQ value, must be >= 0 and <= 255";
    NX_AND_OTHERS = "ERR NX and XX, GT or LT options at the same time are not compatible";
    GT_AND_LT = "ERR GT and LT options at the same time are not compatible";
    LFU_NO_IDLE = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
    LFU_NOT_SELECTED = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
    NO_AUTH = "NOAUTH Authentication required.";
    HELLO_NO_AUTH = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time";
    WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled.";
    AUTH_NO_PASSWORD = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";
    NO_PROTO = "NOPROTO unsupported protocol version";
    PROTO_NOT_INTEGER = "ERR Protocol version is not an integer or out of range";
    OOM = "OOM command not allowed when used memory > 'maxmemory'.";
    EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors.";
    EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI";
    DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI";
    NESTED_MULTI = "ERR MULTI calls can not be nested";
    WATCH_IN_MULTI = "ERR WATCH inside MULTI is not allowed";
    NO_MULTI = "ERR Command not allowed inside a transaction";
    UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
    CLUSTER_DISABLED = "ERR This instance has cluster support disabled";
    CLIENT_NAME = "ERR Client names cannot contain spaces, newlines or special characters.";
    NO_SUCH_CLIENT = "ERR No such client";
    CLIENT_ID = "ERR client-id should be greater than 0";
    SAVING = "ERR Background save already in progress";
    SAVE_BLOCKED = "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";
    SAVE_FAILED = "ERR";
    REWRITING = "ERR Background append only file rewriting already in progress";
    RELOAD_FAILED = "ERR Error trying to load the RDB dump, check server logs.";
    LOAD_LOG_FAILED = "ERR Error trying to load the AOF files, check server logs.";
    NO_LOG = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    LOADING = "LOADING Redis is loading the dataset in memory";
    MISCONF_SAVE = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
    NO_SHUTDOWN = "ERR No shutdown in progress.";
    SHUTDOWN_ERRORS = "ERR Errors trying to SHUTDOWN. Check logs.";
    DEBUG_REFUSED = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.";
    MODULE_FAILED = "ERR Error loading the extension. Please check the server logs.";
    NO_MODULE = "ERR Error unloading module: no such module with that name";
    MODULE_REFUSED = "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.";
    MAX_CLIENTS = "ERR max number of clients reached";
    PROTECTED_MODE = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.";
    ARENA_FULL = "OOM this core's memory range is full; start the server with more cores.";
    KEY_COUNT = "ERR Number of keys can't be greater than number of args";
}

impl Refusal {
    /// A text made for the occasion, its code included.
    pub fn text(text: impl Into<String>) -> Refusal {
        Refusal(Cow::Owned(text.into().into_bytes()))
    }
    /// A fixed text that only one command has.
    pub const fn fixed(text: &'static str) -> Refusal {
        Refusal(Cow::Borrowed(text.as_bytes()))
    }
    /// A text that quotes a client's bytes, its code included.
    pub fn quoting(text: Vec<u8>) -> Refusal {
        Refusal(Cow::Owned(text))
    }
    /// `wrong number of arguments for 'get' command`; `name` in lower case, `client|kill` for subcommands.
    pub fn arity(name: &str) -> Refusal {
        Refusal::text(format!("ERR wrong number of arguments for '{name}' command"))
    }
    /// `invalid expire time in 'set' command`.
    pub fn expire(command: &str) -> Refusal {
        Refusal::text(format!("ERR invalid expire time in '{command}' command"))
    }
    /// Writes are refused because the log could not be written or synced; `why` as the system words the error.
    pub fn misconf_log(why: &str) -> Refusal {
        Refusal::text(format!("MISCONF Errors writing to the AOF file: {why}"))
    }
    /// What EXEC answers when it is itself refused with this text.
    pub fn of_exec(&self) -> Refusal {
        let why = self.0.strip_prefix(b"ERR ").unwrap_or(&self.0);
        Refusal::quoting([b"EXECABORT Transaction discarded because of: ", why].concat())
    }
    /// `unknown subcommand 'x'. Try CONFIG HELP.`; `container` in upper case.
    pub fn subcommand(word: &[u8], container: &str) -> Refusal {
        let word = &word[..word.len().min(128)];
        Refusal::quoting([b"ERR unknown subcommand '", word, b"'. Try ", container.as_bytes(), b" HELP."].concat())
    }
    /// `Library 'x' already exists`
    pub fn library_exists(name: &[u8]) -> Refusal {
        Refusal::quoting([b"ERR Library '", name, b"' already exists"].concat())
    }
    /// `unknown subcommand or wrong number of arguments for 'x'. Try CLIENT HELP.`
    pub fn subcommand_or_arity(word: &[u8], container: &str) -> Refusal {
        let word = &word[..word.len().min(128)];
        let start: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
        Refusal::quoting([start, word, b"'. Try ", container.as_bytes(), b" HELP."].concat())
    }
    /// The whole text, code first; it may quote bytes that are not UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// The code: the first word, at most 32 bytes.
    pub fn code(&self) -> String {
        let word = self.0.split(|b| *b == b' ').next().unwrap_or(b"");
        String::from_utf8_lossy(&word[..word.len().min(32)]).into_owned()
    }
}
