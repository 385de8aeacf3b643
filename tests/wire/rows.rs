//! TABLE of bad inputs, by the number of their row in the catalogue of bad inputs: what is sent, what must come back.
//! Redis defines them all, so the distribution's server must do the same; `# stock: skip` marks what only later versions do.

use crate::support::client::request;

/// Password of the guarded server.
pub const PASSWORD: &str = "secret-word";

/// Which server a row talks to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Where {
    Plain,
    /// Started with requirepass.
    Guarded,
}

/// What must come back.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// These bytes, and the connection still answers.
    Replies(&'static [u8]),
    /// These bytes, then the end of the connection.
    Closes(&'static [u8]),
    /// Nothing yet: the server waits for more.
    Waits,
    /// What redis-server says.
    Same,
}

/// A row of bytes.
pub struct Raw {
    pub number: u8,
    pub what: &'static str,
    pub place: Where,
    /// The segments to send.
    pub input: fn() -> Vec<Vec<u8>>,
    /// Pause between segments, so that each arrives alone.
    pub is_slow: bool,
    pub expected: Expected,
}

/// A row of commands: a transcript as in a command's `cases`.
pub struct Talk {
    pub number: u8,
    pub place: Where,
    pub lines: &'static str,
}

const fn raw(number: u8, what: &'static str, input: fn() -> Vec<Vec<u8>>, expected: Expected) -> Raw {
    Raw { number, what, place: Where::Plain, input, is_slow: false, expected }
}

impl Raw {
    const fn guarded(mut self) -> Raw {
        self.place = Where::Guarded;
        self
    }
    const fn slow(mut self) -> Raw {
        self.is_slow = true;
        self
    }
}

const fn talk(number: u8, lines: &'static str) -> Talk {
    Talk { number, place: Where::Plain, lines }
}

impl Talk {
    const fn guarded(mut self) -> Talk {
        self.place = Where::Guarded;
        self
    }
}

fn one(bytes: &[u8]) -> Vec<Vec<u8>> {
    vec![bytes.to_vec()]
}

/// A beginning, `count` times `byte`, an end.
fn filled(start: &[u8], byte: u8, count: usize, end: &[u8]) -> Vec<Vec<u8>> {
    vec![[start, &vec![byte; count], end].concat()]
}

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const PONG: Expected = Expected::Replies(b"+PONG\r\n");
const BAD_COUNT: Expected = Expected::Closes(b"-ERR Protocol error: invalid multibulk length\r\n");
const BAD_LENGTH: Expected = Expected::Closes(b"-ERR Protocol error: invalid bulk length\r\n");
const UNBALANCED: Expected = Expected::Closes(b"-ERR Protocol error: unbalanced quotes in request\r\n");
const NO_AUTH: Expected = Expected::Replies(b"-NOAUTH Authentication required.\r\n+OK\r\n");
/// Sent last on the guarded server, so that the marker behind it is answered.
const LOGIN: &[u8] = b"AUTH secret-word\r\n";
/// Length of the filler that has no end of line in it.
const ENDLESS: usize = 65537;

pub const RAW: &[Raw] = &[
    raw(1, "empty line", || one(b"\r\nPING\r\n"), PONG),
    raw(2, "10,000 line feeds", || filled(b"", b'\n', 10_000, PING), PONG),
    raw(3, "negative count", || one(b"*-10\r\nPING\r\n"), PONG),
    raw(
        4,
        "count 0, inline and request in one segment",
        || one(b"*0\r\nPING\r\n*1\r\n$4\r\nPING\r\n"),
        Expected::Replies(b"+PONG\r\n+PONG\r\n"),
    ),
    raw(5, "count of 3,000,000,000", || one(b"*3000000000\r\n"), BAD_COUNT),
    raw(6, "greatest count", || one(b"*2147483647\r\n"), Expected::Waits),
    raw(7, "count +3", || one(b"*+3\r\n"), BAD_COUNT),
    raw(7, "count with a space before", || one(b"* 3\r\n"), BAD_COUNT),
    raw(7, "count with a zero before", || one(b"*03\r\n"), BAD_COUNT),
    raw(7, "count with a space behind", || one(b"*3 \r\n"), BAD_COUNT),
    raw(7, "hexadecimal count", || one(b"*0x3\r\n"), BAD_COUNT),
    raw(7, "count with a fraction", || one(b"*3.0\r\n"), BAD_COUNT),
    raw(7, "no count", || one(b"*\r\n"), BAD_COUNT),
    raw(7, "minus as count", || one(b"*-\r\n"), BAD_COUNT),
    raw(8, "count of twenty digits", || one(b"*99999999999999999999\r\n"), BAD_COUNT),
    raw(9, "endless count", || filled(b"*", b'1', ENDLESS, b""), Expected::Closes(b"-ERR Protocol error: too big mbulk count string\r\n")),
    raw(
        10,
        "endless length",
        || filled(b"*1\r\n$", b'1', ENDLESS, b""),
        Expected::Closes(b"-ERR Protocol error: too big bulk count string\r\n"),
    ),
    raw(11, "word instead of a length", || one(b"*1\r\nfoo\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got 'f'\r\n")),
    raw(
        12,
        "third argument without a length",
        || one(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"),
        Expected::Closes(b"-ERR Protocol error: expected '$', got 'f'\r\n"),
    ),
    raw(13, "argument begins with :", || one(b"*1\r\n:1\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got ':'\r\n")),
    raw(13, "argument begins with +", || one(b"*1\r\n+PING\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '+'\r\n")),
    raw(13, "argument begins with -", || one(b"*1\r\n-PING\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '-'\r\n")),
    raw(13, "argument begins with %", || one(b"*1\r\n%1\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '%'\r\n")),
    raw(13, "argument begins with ~", || one(b"*1\r\n~1\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '~'\r\n")),
    raw(13, "argument begins with >", || one(b"*1\r\n>1\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '>'\r\n")),
    raw(13, "argument begins with #", || one(b"*1\r\n#t\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '#'\r\n")),
    raw(13, "argument begins with a comma", || one(b"*1\r\n,1\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got ','\r\n")),
    raw(13, "argument begins with (", || one(b"*1\r\n(1\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '('\r\n")),
    raw(13, "argument begins with _", || one(b"*1\r\n_\r\n"), Expected::Closes(b"-ERR Protocol error: expected '$', got '_'\r\n")),
    raw(13, "argument begins with NUL", || one(b"*1\r\n\x00\r\n"), Expected::Waits),
    raw(13, "argument begins with a line feed", || one(b"*1\r\n\nx\r\n"), Expected::Same),
    raw(14, "length -1", || one(b"*1\r\n$-1\r\n"), BAD_LENGTH),
    raw(14, "length -10", || one(b"*2\r\n$3\r\nGET\r\n$-10\r\n"), BAD_LENGTH),
    raw(15, "greatest length", || one(b"*1\r\n$536870912\r\n"), Expected::Waits),
    raw(15, "length one too great", || one(b"*1\r\n$536870913\r\n"), BAD_LENGTH),
    raw(16, "length 2^63-1", || one(b"*1\r\n$9223372036854775807\r\n"), BAD_LENGTH),
    raw(16, "length 2^64-1", || one(b"*1\r\n$18446744073709551615\r\n"), BAD_LENGTH),
    raw(17, "word as length", || one(b"*1\r\n$blabla\r\n"), BAD_LENGTH),
    raw(17, "length with a space before", || one(b"*1\r\n$ 3\r\n"), BAD_LENGTH),
    raw(17, "length with a zero before", || one(b"*1\r\n$03\r\n"), BAD_LENGTH),
    raw(17, "length +3", || one(b"*1\r\n$+3\r\n"), BAD_LENGTH),
    raw(17, "length 3a", || one(b"*1\r\n$3a\r\n"), BAD_LENGTH),
    raw(17, "no length", || one(b"*1\r\n$\r\n"), BAD_LENGTH),
    raw(18, "bulk ended by other bytes than CR LF", || one(b"*2\r\n$4\r\nECHO\r\n$3\r\nfooXY"), Expected::Replies(b"$3\r\nfoo\r\n")),
    raw(19, "request with line feeds only", || one(b"*1\n$4\nPING\n"), Expected::Waits),
    raw(20, "other byte than LF behind CR", || one(b"*1\rX$4\rXPING\rX"), Expected::Replies(b"+PONG\r\n")),
    raw(21, "a byte a segment", each_byte_alone, Expected::Replies(b"+OK\r\n$5\r\nhello\r\n:1\r\n+PONG\r\n")).slow(),
    raw(22, "requests that end around buffer sizes", around_buffer_sizes, Expected::Same),
    raw(
        24,
        "NUL first, endless",
        || filled(b"\x00", b'A', ENDLESS, b""),
        Expected::Closes(b"-ERR Protocol error: too big inline request\r\n"),
    ),
    raw(
        24,
        "* NUL, endless",
        || filled(b"*\x00", b'A', ENDLESS, b""),
        Expected::Closes(b"-ERR Protocol error: too big mbulk count string\r\n"),
    ),
    raw(
        24,
        "$ NUL, endless",
        || filled(b"*1\r\n$\x00", b'A', ENDLESS, b""),
        Expected::Closes(b"-ERR Protocol error: too big bulk count string\r\n"),
    ),
    raw(25, "inline ended by LF", || one(b"PING\n"), PONG),
    raw(25, "inline with spaces around", || one(b"  PING \r\n"), PONG),
    raw(25, "inline in double quotes", || one(b"\"PING\"\r\n"), PONG),
    raw(25, "inline in single quotes", || one(b"'PING'\r\n"), PONG),
    raw(25, "inline with an escaped NUL", || one(b"SET k \"a\\x00b\"\r\nGET k\r\n"), Expected::Replies(b"+OK\r\n$3\r\na\0b\r\n")),
    raw(25, "inline with every escape", || one(b"ECHO \"\\n\\r\\t\\b\\a\\\\\\\"\\q\\x4\\xZZ\"\r\nECHO 'a\\'b\\n'\r\n"), Expected::Same),
    raw(26, "quote behind quote", || one(b"set \"\"\"k\"\"\" v\r\n"), UNBALANCED),
    raw(26, "letter behind quote", || one(b"\"a\"b\r\n"), UNBALANCED),
    raw(26, "quote without an end", || one(b"SET k 'v\r\n"), UNBALANCED),
    raw(27, "inline of 65,536 bytes without an end", || filled(b"", b'a', 65536, b""), Expected::Waits),
    raw(
        27,
        "inline of 65,537 bytes without an end",
        || filled(b"", b'a', 65537, b""),
        Expected::Closes(b"-ERR Protocol error: too big inline request\r\n"),
    ),
    raw(28, "inline of 30,000 words", || one(&[&b"a ".repeat(30_000)[..], b"\r\n"].concat()), Expected::Same),
    raw(
        30,
        "unknown command",
        || one(b"nothing a b\r\n"),
        Expected::Replies(b"-ERR unknown command 'nothing', with args beginning with: 'a' 'b' \r\n"),
    ),
    raw(
        30,
        "unknown command without arguments",
        || one(b"nothing\r\n"),
        Expected::Replies(b"-ERR unknown command 'nothing', with args beginning with: \r\n"),
    ),
    raw(30, "command of a megabyte", || one(&request(&["n".repeat(1 << 20)])), Expected::Same),
    raw(30, "command with CR and LF", || one(&request(&["a\r\nb", "d\r\ne"])), Expected::Same),
    raw(30, "empty command", || one(b"*1\r\n$0\r\n\r\n"), Expected::Same),
    raw(
        30,
        "long arguments of an unknown command",
        || one(&request(&["no".to_string(), "x".repeat(100), "y".repeat(100), "z".into()])),
        Expected::Same,
    ),
    raw(
        34,
        "request in a request",
        || one(b"*1\r\n*1\r\n$4\r\nPING\r\n"),
        Expected::Closes(b"-ERR Protocol error: expected '$', got '*'\r\n"),
    ),
    raw(39, "HTTP POST", || one(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"), Expected::Closes(b"")),
    raw(
        39,
        "HTTP GET",
        || vec![b"GET / HTTP/1.1\r\n".to_vec(), b"Host: x\r\n\r\n".to_vec()],
        Expected::Closes(b"-ERR wrong number of arguments for 'get' command\r\n"),
    )
    .slow(),
    raw(40, "TLS greeting", || one(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), Expected::Waits),
    raw(40, "SSH banner", || one(b"SSH-2.0-x\r\n"), Expected::Same),
    raw(40, "PROXY v1", || one(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"), Expected::Same),
    raw(40, "memcached get", || one(b"get x\r\n"), Expected::Replies(b"$-1\r\n")),
    raw(
        43,
        "eleven arguments without a login",
        || one(b"*11\r\n"),
        Expected::Closes(b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
    )
    .guarded(),
    raw(43, "ten arguments without a login", || one(b"*10\r\n"), Expected::Waits).guarded(),
    raw(
        44,
        "16,385 bytes without a login",
        || one(b"*1\r\n$16385\r\n"),
        Expected::Closes(b"-ERR Protocol error: unauthenticated bulk length\r\n"),
    )
    .guarded(),
    raw(44, "16,384 bytes without a login", || one(b"*1\r\n$16384\r\n"), Expected::Waits).guarded(),
    raw(47, "PING without a login", || one(&[b"PING\r\n", LOGIN].concat()), NO_AUTH).guarded(),
    raw(47, "GET without a login", || one(&[b"GET k\r\n", LOGIN].concat()), NO_AUTH).guarded(),
    raw(47, "COMMAND without a login", || one(&[b"COMMAND COUNT\r\n", LOGIN].concat()), NO_AUTH).guarded(),
    raw(47, "MULTI without a login", || one(&[b"MULTI\r\n", LOGIN].concat()), NO_AUTH).guarded(),
    raw(47, "unknown command without a login", || one(&[b"nothing\r\n", LOGIN].concat()), Expected::Same).guarded(),
    raw(47, "QUIT without a login", || one(b"QUIT\r\n"), Expected::Closes(b"+OK\r\n")).guarded(),
    raw(47, "RESET without a login", || one(&[b"RESET\r\n", LOGIN].concat()), Expected::Replies(b"+RESET\r\n+OK\r\n")).guarded(),
    raw(
        67,
        "replies off and on",
        || one(b"CLIENT REPLY OFF\r\nPING\r\nnothing\r\nCLIENT REPLY ON\r\nPING\r\n"),
        Expected::Replies(b"+OK\r\n+PONG\r\n"),
    ),
    raw(67, "one reply skipped", || one(b"CLIENT REPLY SKIP\r\nnothing\r\nPING\r\n"), PONG),
    raw(67, "error in CLIENT REPLY", || one(b"CLIENT REPLY WHAT\r\nCLIENT REPLY\r\n"), Expected::Same),
    raw(
        69,
        "RESET inside MULTI",
        || one(b"MULTI\r\nSET k v\r\nRESET\r\nEXEC\r\nGET k\r\n"),
        Expected::Replies(b"+OK\r\n+QUEUED\r\n+RESET\r\n-ERR EXEC without MULTI\r\n$-1\r\n"),
    ),
    raw(69, "QUIT inside a pipeline", || one(b"PING\r\nQUIT\r\nPING\r\n"), Expected::Closes(b"+PONG\r\n+OK\r\n")),
    raw(69, "QUIT inside MULTI", || one(b"MULTI\r\nSET k v\r\nQUIT\r\n"), Expected::Closes(b"+OK\r\n+QUEUED\r\n+OK\r\n")),
];

fn each_byte_alone() -> Vec<Vec<u8>> {
    let all = [request(&["SET", "k", "hello"]), request(&["GET", "k"]), request(&["DEL", "k"]), b"PING\r\n".to_vec()].concat();
    all.chunks(1).map(<[u8]>::to_vec).collect()
}

/// Requests whose total length is 16,384 or 32,768 bytes, give or take one, each followed by a short one.
fn around_buffer_sizes() -> Vec<Vec<u8>> {
    let mut segments = Vec::new();
    for size in [16_383usize, 16_384, 16_385, 32_767, 32_768, 32_769] {
        let frame = request(&["SET", "k", &"v".repeat(10_000)]).len() - 10_000;
        segments.push([request(&["SET", "k", &"v".repeat(size - frame)]), request(&["STRLEN", "k"])].concat());
    }
    segments
}

pub const TALK: &[Talk] = &[
    talk(
        35,
        "> HELLO 1       -NOPROTO unsupported protocol version
         > HELLO 4       -NOPROTO unsupported protocol version
         > HELLO 99      -NOPROTO unsupported protocol version
         > HELLO abc     -ERR Protocol version is not an integer or out of range",
    ),
    talk(
        36,
        "> HELLO 3       -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time    # stock: skip
         > HELLO         -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time    # stock: skip
         > HELLO 3 AUTH default wrong    -WRONGPASS invalid username-password pair or user is disabled.
         > PING          -NOAUTH Authentication required.
         > HELLO 3 AUTH default secret-word    ?
         > GET k         nil",
    )
    .guarded(),
    talk(
        37,
        "> HELLO 3 AUTH u              -ERR Syntax error in HELLO option 'AUTH'
         > HELLO 3 SETNAME \"a b\"     -ERR Client names cannot contain spaces, newlines or special characters.
         > HELLO 3 SETNAME             -ERR Syntax error in HELLO option 'SETNAME'
         > HELLO 3 WHAT                -ERR Syntax error in HELLO option 'WHAT'
         > CONFIG GET maxmemory-policy    [maxmemory-policy, noeviction]",
    ),
    talk(
        38,
        "> HELLO 3                     ?
         > CONFIG GET maxmemory-policy    {maxmemory-policy: noeviction}
         > GET missing                 nil
         > HELLO 2                     ?
         > CONFIG GET maxmemory-policy    [maxmemory-policy, noeviction]",
    ),
    talk(
        48,
        "> AUTH                        -ERR wrong number of arguments for 'auth' command
         > AUTH a b c                  -ERR syntax error
         > AUTH wrong                  -WRONGPASS invalid username-password pair or user is disabled.
         > AUTH nobody secret-word     -WRONGPASS invalid username-password pair or user is disabled.
         > AUTH \"secret-word\\x00\"    -WRONGPASS invalid username-password pair or user is disabled.
         > AUTH secret-word            +OK
         > AUTH default secret-word    +OK",
    )
    .guarded(),
    talk(
        48,
        "> AUTH x        -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
         > AUTH default x    +OK",
    ),
    talk(77, "> SETRANGE k -1 x    -ERR offset is out of range"),
    talk(
        78,
        "> SETRANGE k 536870911 ab              -ERR string exceeds maximum allowed size (proto-max-bulk-len)
         > SETRANGE k 9223372036854775807 ab    -ERR string exceeds maximum allowed size (proto-max-bulk-len)
         > EXISTS k                             :0",
    ),
    talk(
        79,
        "> SETRANGE missing 5 \"\"    :0
         > EXISTS missing            :0",
    ),
    talk(
        80,
        "> CONFIG SET proto-max-bulk-len 1mb    +OK
         > SETRANGE k 1048575 x                 :1048576
         > APPEND k y                           -ERR string exceeds maximum allowed size (proto-max-bulk-len)
         > STRLEN k                             :1048576
         > CONFIG SET proto-max-bulk-len 512mb  +OK",
    ),
    talk(
        81,
        "> SETBIT k 4294967296 1    -ERR bit offset is not an integer or out of range
         > SETBIT k -1 1            -ERR bit offset is not an integer or out of range
         > GETBIT k 4294967295      :0
         > EXISTS k                 :0",
    ),
    talk(
        82,
        "> BITFIELD k GET u64 0     -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
         > BITFIELD k GET u0 0      -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
         > BITFIELD k GET i65 0     -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
         > BITFIELD k GET i0 0      -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
         > BITFIELD k GET u8 #536870912    -ERR bit offset is not an integer or out of range
         > BITFIELD k SET i64 0 9223372036854775807 OVERFLOW WRAP INCRBY i64 0 1    [:0, :-9223372036854775808]
         > BITFIELD k OVERFLOW SAT INCRBY i64 0 -1 OVERFLOW FAIL INCRBY i64 0 -1    [:-9223372036854775808, nil]
         > BITFIELD k SET u63 0 9223372036854775807 INCRBY u63 0 1    [:4611686018427387904, :0]
         > BITFIELD k OVERFLOW SAT INCRBY u63 0 -1 OVERFLOW FAIL INCRBY u63 0 -1    [:0, nil]
         > BITFIELD k OVERFLOW SAT SET u8 0 -1    [:0]
         > BITFIELD k GET u8 0      [:255]",
    ),
    talk(
        83,
        "> SET k foobar    +OK
         > BITCOUNT k -9223372036854775808 9223372036854775807 BIT    :26
         > BITCOUNT k 9223372036854775807 -9223372036854775808        :0
         > BITCOUNT k -9223372036854775808 -9223372036854775808       :4
         > BITPOS k 1 9223372036854775807    :-1
         > BITPOS k 1 -9223372036854775808 9223372036854775807 BIT    :1",
    ),
    talk(
        84,
        "> SET k 9223372036854775807          +OK
         > INCR k                             -ERR increment or decrement would overflow
         > DECRBY k -9223372036854775808      -ERR decrement would overflow
         > SET k \" 1\"                       +OK
         > INCR k                             -ERR value is not an integer or out of range
         > SET k +1                           +OK
         > INCR k                             -ERR value is not an integer or out of range
         > SET k 01                           +OK
         > INCR k                             -ERR value is not an integer or out of range
         > SET k 1e3                          +OK
         > INCR k                             -ERR value is not an integer or out of range
         > INCRBY k 9223372036854775808       -ERR value is not an integer or out of range",
    ),
    talk(
        85,
        "> INCRBYFLOAT k nan      -ERR value is not a valid float
         > INCRBYFLOAT k inf      -ERR increment would produce NaN or Infinity
         > INCRBYFLOAT k 1e400    ?
         > INCRBYFLOAT k abc      -ERR value is not a valid float
         > INCRBYFLOAT k \" 1\"   -ERR value is not a valid float
         > EXISTS k               ?",
    ),
    talk(
        86,
        "> SET k v                           +OK
         > EXPIRE k 9223372036854775807      -ERR invalid expire time in 'expire' command
         > PEXPIREAT k 9223372036854775807   :1
         > SET k v PX 9223372036854775807    -ERR invalid expire time in 'set' command
         > SET k v PX 0                      -ERR invalid expire time in 'set' command
         > SET k v EX -1                     -ERR invalid expire time in 'set' command
         > SETEX k 0 v                       -ERR invalid expire time in 'setex' command
         > PSETEX k -1 v                     -ERR invalid expire time in 'psetex' command
         > GETEX k EX 0                      -ERR invalid expire time in 'getex' command
         > EXPIREAT k -1                     :1
         > EXISTS k                          :0
         > SET k v                           +OK
         > EXPIRE k 0                        :1
         > EXISTS k                          :0",
    ),
    talk(
        102,
        "> SCAN abc                        -ERR invalid cursor
         > SCAN -1                          ?
         > SCAN 18446744073709551616        -ERR invalid cursor
         > SCAN 9223372036854775808         ?
         > SCAN 0 COUNT 0                   -ERR syntax error
         > SCAN 0 COUNT x                   -ERR value is not an integer or out of range
         > SCAN 0 MATCH                     -ERR syntax error
         > SCAN 0 WHAT x                    -ERR syntax error
         > SCAN 0 COUNT 9223372036854775807    [?, []]",
    ),
    talk(
        103,
        "> SELECT -1     -ERR DB index is out of range
         > SELECT 16     -ERR DB index is out of range
         > SELECT abc    -ERR value is not an integer or out of range
         > SELECT 15     +OK",
    ),
    talk(
        104,
        "> OBJECT             -ERR wrong number of arguments for 'object' command
         > OBJECT WHAT        -ERR unknown subcommand 'WHAT'. Try OBJECT HELP.
         > MEMORY             -ERR wrong number of arguments for 'memory' command
         > MEMORY WHAT        -ERR unknown subcommand 'WHAT'. Try MEMORY HELP.
         > DEBUG              -ERR wrong number of arguments for 'debug' command
         > CLIENT             -ERR wrong number of arguments for 'client' command
         > CLIENT WHAT        -ERR unknown subcommand 'WHAT'. Try CLIENT HELP.
         > CONFIG WHAT x      -ERR unknown subcommand 'WHAT'. Try CONFIG HELP.
         > LATENCY WHAT       -ERR unknown subcommand 'WHAT'. Try LATENCY HELP.
         > SLOWLOG            -ERR wrong number of arguments for 'slowlog' command
         > SLOWLOG WHAT       -ERR unknown subcommand 'WHAT'. Try SLOWLOG HELP.
         > CONFIG GET         -ERR wrong number of arguments for 'config|get' command
         > OBJECT ENCODING    -ERR wrong number of arguments for 'object|encoding' command",
    ),
    talk(
        105,
        "> CONFIG SET proto-max-bulk-len 1mb    +OK
         > SETRANGE a 4000 x                    :4001
         > SETRANGE b 4000 x                    :4001
         > LCS a b LEN                          -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
         > CONFIG SET proto-max-bulk-len 512mb  +OK",
    ),
    talk(
        106,
        r#"> SET k hello          +OK
         > PFCOUNT k             -WRONGTYPE Key is not a valid HyperLogLog string value.
         > PFADD k a             -WRONGTYPE Key is not a valid HyperLogLog string value.
         > PFMERGE d k           -WRONGTYPE Key is not a valid HyperLogLog string value.
         > SET k "HYLL\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"    +OK
         > PFCOUNT k             -WRONGTYPE Key is not a valid HyperLogLog string value.
         > SET k "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00"    +OK
         > PFCOUNT k             -WRONGTYPE Key is not a valid HyperLogLog string value.
         > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x80"    +OK
         > PFCOUNT k             -INVALIDOBJ Corrupted HLL object detected
         > PFMERGE d k           -INVALIDOBJ Corrupted HLL object detected
         > PFDEBUG TODENSE k     -INVALIDOBJ Corrupted HLL object detected
         > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x7f\xff\x7f\xff"    +OK
         > PFCOUNT k d           -INVALIDOBJ Corrupted HLL object detected"#,
    ),
    talk(
        108,
        "> MSETNX k 1 k 2 k 3    :1
         > GET k                 $3
         > MSETNX other 1 k 9    :0
         > EXISTS other          :0
         > MSET k 1 k            -ERR wrong number of arguments for 'mset' command
         > MSETNX k 1 k          -ERR wrong number of arguments for 'msetnx' command
         > MSET k 1 k 2 k 4      +OK
         > GET k                 $4",
    ),
    talk(
        109,
        "> COPY k k              -ERR source and destination objects are the same
         > RENAME k k            -ERR no such key
         > SET k v               +OK
         > RENAME k k            +OK
         > RENAMENX k k          :0
         > COPY k k DB 1         :1
         > COPY k k DB 99        -ERR DB index is out of range
         > MOVE k 0              -ERR source and destination objects are the same
         > MOVE k 1              :0
         > GET k                 $v",
    ),
    talk(
        111,
        "> CLIENT SETNAME \"a b\"        -ERR Client names cannot contain spaces, newlines or special characters.
         > CLIENT SETNAME \"a\\r\\nb\"    -ERR Client names cannot contain spaces, newlines or special characters.
         > CLIENT GETNAME               nil
         > CLIENT SETNAME name          +OK
         > CLIENT GETNAME               $name
         > CLIENT NO-TOUCH \"o n\"        -ERR syntax error    # stock: skip
         > CLIENT SETINFO LIB-NAME \"a b\"    -ERR LIB-NAME cannot contain spaces, newlines or special characters.    # stock: skip",
    ),
    talk(
        112,
        "> EXEC               -ERR EXEC without MULTI
         > DISCARD            -ERR DISCARD without MULTI
         > MULTI              +OK
         > MULTI              -ERR MULTI calls can not be nested
         > WATCH k            -ERR WATCH inside MULTI is not allowed
         > SET k v            +QUEUED
         > EXEC               ?
         > MULTI              +OK
         > SET k              -ERR wrong number of arguments for 'set' command
         > EXEC               -EXECABORT Transaction discarded because of previous errors.
         > MULTI              +OK
         > SET k abc          +QUEUED
         > INCR k             +QUEUED
         > SET l abc          +QUEUED
         > EXEC               [+OK, -ERR value is not an integer or out of range, +OK]
         > GET l              $abc",
    ),
    talk(
        116,
        r#"> MSET aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 bc 2 "[" 3 "\\" 4 m 5    +OK
         > KEYS *a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b    []
         > KEYS *?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*c    []
         > KEYS "["            ?
         > KEYS "[^"           ?
         > KEYS "\\"           ["\\"]
         > KEYS "[z-a]"        [m]
         > KEYS "b[^d]"        [bc]"#,
    ),
    talk(
        120,
        r#"> SET k v    +OK
         > OBJECT FREQ k    -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
         > RESTORE r 0 x FREQ 256       -ERR Invalid FREQ value, must be >= 0 and <= 255
         > RESTORE r 0 x FREQ -1        -ERR Invalid FREQ value, must be >= 0 and <= 255
         > RESTORE r 0 x IDLETIME -1    -ERR Invalid IDLETIME value, must be >= 0
         > RESTORE r -1 x               -ERR Invalid TTL value, must be >= 0
         > RESTORE k 0 x                -BUSYKEY Target key name already exists.
         > RESTORE r 0 x                -ERR DUMP payload version or checksum are wrong"#,
    ),
];

/// Rows that are not run, with the reason.
pub const LEFT_OUT: &[(u8, &str)] = &[
    (32, "needs a gigabyte in flight: long runs"),
    (33, "needs a gigabyte in flight: long runs"),
    (45, "ten arguments of 16 KB never fill 1 MB: rows 43 and 44 are the bound"),
    (46, "output limits of clients that never log in are not there yet"),
    (49, "needs a peer on another machine; servers of tests listen on the loopback interface"),
    (51, "needs raw sockets that reset: long runs"),
    (52, "needs thousands of connections: long runs"),
    (55, "no blocking commands yet"),
    (57, "output limits: long runs"),
    (58, "no pub/sub yet"),
    (59, "no replication yet"),
    (60, "no MONITOR yet"),
    (61, "no pub/sub yet"),
    (64, "no blocking commands yet"),
    (65, "process limits: long runs"),
    (66, "process limits: long runs"),
    (68, "no client tracking yet"),
    (70, "no pub/sub yet"),
    (71, "no TLS yet"),
    (72, "no TLS yet"),
    (73, "no TLS yet"),
    (74, "no TLS yet"),
    (75, "no TLS yet"),
    (76, "no TLS yet"),
    (87, "no sets, hashes and sorted sets yet"),
    (88, "no sets yet"),
    (89, "no lists and sorted sets yet"),
    (90, "no lists and sorted sets yet; GETRANGE is in the differential test"),
    (91, "no lists yet"),
    (92, "no lists yet"),
    (93, "no sorted sets yet"),
    (94, "no sorted sets yet"),
    (95, "no geo commands yet"),
    (96, "no streams yet"),
    (97, "no streams yet"),
    (98, "no streams yet"),
    (99, "no streams yet"),
    (100, "no streams yet"),
    (101, "no streams yet"),
    (107, "no SORT yet"),
    (110, "no commands with a number of keys yet"),
    (113, "no replication yet"),
    (114, "no scripts yet"),
    (115, "tests/oracle draws odd arguments for every command"),
    (117, "no pub/sub yet"),
    (118, "needs ten million keys: long runs"),
    (119, "needs a million keys: long runs"),
];
