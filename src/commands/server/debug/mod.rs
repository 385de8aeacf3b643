//! DEBUG subcommand ...: for tests of servers and clients. Allowed by enable-debug-command only.
//! One command, not a container, as in Redis: it has no subcommands in the table. Every core runs its part; home joins them.
//! RELOAD and LOADAOF run on core 0 alone and answer when all keys are there again. What needs parts that do not exist yet is unknown.
//! Ref: redis.io/commands/debug

mod keys;
mod protocol;
mod reload;
mod values;

use super::shared::{OPERATOR, databases, write_settings};
use crate::base::num::{parse_f64, parse_i64};
use crate::commands::{help, parts};
use crate::config::value::memory_bytes;
use crate::spec::request::{LogLevel, Request};
use crate::spec::shard::Debug;
use crate::spec::{Args, Call, Flags, Group, Merge, Outcome, Refusal, Route, Shard, Spec};

pub const SPEC: Spec = Spec {
    name: "DEBUG",
    group: Group::Server,
    summary: "Groups the commands for tests.",
    cost: "Depends on the subcommand",
    arity: -2,
    flags: OPERATOR.and(Flags::PROTECTED),
    route: Route::Every(Merge::Custom(merge)),
    on_first: Some(reload::is_reload),
    defers: true,
    help: LINES,
    run,
    cases: "
        > DEBUG                            -ERR wrong number of arguments for 'debug' command
        > DEBUG nonsense                   -ERR unknown subcommand or wrong number of arguments for 'nonsense'. Try DEBUG HELP.
        > DEBUG SLEEP                      -ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.
        > DEBUG OBJECT missing             -ERR no such key
        > DEBUG LISTPACK missing           -ERR no such key
        > DEBUG QUICKLIST missing          -ERR no such key
        > DEBUG HTSTATS-KEY missing        -ERR no such key
        > DEBUG HTSTATS 99                 -ERR Out of range database
        > DEBUG POPULATE x                 -ERR value is out of range, must be positive
        > DEBUG PROTOCOL nonsense          -ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
        > DEBUG RELOAD nonsense            -ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
        > DEBUG ERROR 'CODE text'          -CODE text
        > FLUSHALL                         +OK
        > DEBUG DIGEST                     +0000000000000000000000000000000000000000
        > DEBUG POPULATE 20 key 3          +OK
        > DBSIZE                           :20
        > GET key:19                       $val
        > DEBUG POPULATE 2 other 9         +OK
        > GET other:1                      \"value:1\\x00\\x00\"
        > DEBUG CHANGE-REPL-ID             +OK
        > DEBUG PROTOCOL integer           :12345
        > DEBUG PROTOCOL null              nil
        > DEBUG SET-SKIP-CHECKSUM-VALIDATION 0    +OK
        > RPUSH list a 1                   :2
        > DEBUG LISTPACK list              +Listpack structure printed on stdout
        > DEBUG QUICKLIST list             -ERR Not a quicklist encoded object.
        > DEBUG HTSTATS-KEY list           -ERR The value stored at the specified key is not represented using an hash table
        > DEBUG LISTPACK key:19            -ERR Not a listpack encoded object.
        > DEBUG DIGEST-VALUE missing       [+0000000000000000000000000000000000000000]
    ",
    ..Spec::DEFAULT
};

const LINES: &[&str] = &[
    "CHANGE-REPL-ID",
    "    Gives the server another replication id.",
    "CONFIG-REWRITE-FORCE-ALL",
    "    Writes all settings into the configuration file, those at their defaults too.",
    "DIGEST",
    "    Shows a digest of the whole dataset.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    Shows a digest of the value of each key.",
    "ERROR <string>",
    "    Replies an error with this text.",
    "HTSTATS <dbid>",
    "    Describes the index of a database.",
    "HTSTATS-KEY <key>",
    "    Describes the table at a key.",
    "LISTPACK <key>",
    "    Writes the elements of a packed value to the log.",
    "LOADAOF",
    "    Writes out the append-only log, empties all databases and loads it again.",
    "LOG <message>",
    "    Writes a message to the log.",
    "OBJECT <key> [fast]",
    "    Describes how a value is stored.",
    "PANIC",
    "    Ends the server as an error of its own would.",
    "PAUSE-CRON <0|1>",
    "    1 stops the periodic work, 0 lets it go on.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Makes <count> strings <prefix>:<number> (default prefix: key), of <size> bytes if given.",
    "PROTOCOL <type>",
    "    Replies a sample of a type: string, integer, double, bignum, null, array, set, map,",
    "    attrib, push, verbatim, true, false.",
    "QUICKLIST <key> [<0|1>]",
    "    Writes the chunks of a long list to the log, with 1 their elements too.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Sets from which size on an element of a list is stored alone; 0 means the default.",
    "RELOAD [<option> ...]",
    "    Makes a snapshot, empties all databases and loads it again. Options:",
    "    * MERGE: keys of the file replace those that are there.",
    "    * NOFLUSH: the databases are not emptied; a key that is there twice ends the server, unless MERGE is given.",
    "    * NOSAVE: no snapshot is made, the file that is there is loaded.",
    "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|time>",
    "    Sets how long the largest reply is remembered, in milliseconds.",
    "REPLYBUFFER RESIZING <0|1>",
    "    Says whether reply buffers shrink.",
    "SEGFAULT",
    "    Ends the server as a bad memory access would.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    0 leaves expired keys until they are met, 1 removes them at once.",
    "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
    "    1 makes RESTORE take payloads whatever their checksum.",
    "SLEEP <seconds>",
    "    Lets the server do nothing for some time; decimals are allowed.",
    "STRUCTSIZE",
    "    Shows sizes of structures.",
];

/// A subcommand with its arguments read.
enum Sub<'a> {
    Crash,
    Digest,
    DigestValue,
    Error(&'a [u8]),
    Help,
    HtStats(usize),
    Look(values::Form),
    Log(&'a [u8]),
    Object { is_fast: bool },
    Populate { count: u64, prefix: &'a [u8], size: Option<usize> },
    Protocol(&'a [u8]),
    Reload(reload::Reload),
    Set(Setting),
    RewriteConfig,
    Sleep(u64),
    StructSize,
}

/// A switch of every core.
enum Setting {
    ActiveExpire(bool),
    PauseCron(bool),
    PackedThreshold(u64),
    SkipChecksum(bool),
    PeakReset(i64),
    Resizing(bool),
    ReplId,
}

impl<'a> Sub<'a> {
    fn parse(args: &Args<'a>, shard: &Shard) -> Result<Sub<'a>, Refusal> {
        if let Some(setting) = Setting::parse(args)? {
            return Ok(Sub::Set(setting));
        }
        if let Some(reload) = reload::parse(args)? {
            return Ok(Sub::Reload(reload));
        }
        let is = |name: &str, least: usize, most: usize| args.is(1, name) && (least..=most).contains(&args.len());
        let word = args.try_get(2).unwrap_or_default();
        Ok(if is("HELP", 2, 2) {
            Sub::Help
        } else if is("SLEEP", 3, 3) {
            // What is no number counts as 0, and a float turns into an integer by saturation.
            Sub::Sleep((parse_f64(word).unwrap_or(0.0) * 1e6) as u64)
        } else if is("OBJECT", 3, 4) {
            Sub::Object { is_fast: args.is(3, "fast") }
        } else if is("DIGEST", 2, 2) {
            Sub::Digest
        } else if is("DIGEST-VALUE", 2, usize::MAX) {
            Sub::DigestValue
        } else if is("POPULATE", 3, 5) {
            populate(args, shard)?
        } else if is("HTSTATS", 3, 4) {
            let db = parse_i64(word).ok_or(Refusal::NOT_INTEGER)?;
            let db = usize::try_from(db).ok().filter(|db| *db < databases(shard));
            Sub::HtStats(db.ok_or(Refusal::fixed("ERR Out of range database"))?)
        } else if is("HTSTATS-KEY", 3, 4) {
            Sub::Look(values::Form::Table)
        } else if is("LISTPACK", 3, 3) {
            Sub::Look(values::Form::Listpack)
        } else if is("QUICKLIST", 3, 4) {
            Sub::Look(values::Form::Quicklist)
        } else if is("ERROR", 3, 3) {
            Sub::Error(word)
        } else if is("LOG", 3, 3) {
            Sub::Log(word)
        } else if is("PROTOCOL", 3, 3) {
            Sub::Protocol(word)
        } else if is("SEGFAULT", 2, 2) || is("PANIC", 2, 2) {
            Sub::Crash
        } else if is("CONFIG-REWRITE-FORCE-ALL", 2, 2) {
            Sub::RewriteConfig
        } else if is("STRUCTSIZE", 2, 2) {
            Sub::StructSize
        } else {
            return Err(Refusal::subcommand_or_arity(args.get(1), "DEBUG"));
        })
    }
}

impl Setting {
    /// The switch that the words set; `None` if they are about something else.
    fn parse(args: &Args) -> Result<Option<Setting>, Refusal> {
        let word = |i: usize| args.try_get(i).unwrap_or_default();
        Ok(match args.len() {
            3 if args.is(1, "SET-ACTIVE-EXPIRE") => Some(Setting::ActiveExpire(is_on(word(2)))),
            2 if args.is(1, "CHANGE-REPL-ID") => Some(Setting::ReplId),
            3 if args.is(1, "PAUSE-CRON") => Some(Setting::PauseCron(is_on(word(2)))),
            3 if args.is(1, "QUICKLIST-PACKED-THRESHOLD") => Some(Setting::PackedThreshold(packed_threshold(word(2))?)),
            3 if args.is(1, "SET-SKIP-CHECKSUM-VALIDATION") => Some(Setting::SkipChecksum(is_on(word(2)))),
            4 if args.is(1, "REPLYBUFFER") && args.is(2, "PEAK-RESET-TIME") => Some(Setting::PeakReset(peak_reset(word(3))?)),
            4 if args.is(1, "REPLYBUFFER") && args.is(2, "RESIZING") => Some(Setting::Resizing(is_on(word(3)))),
            _ => None,
        })
    }
}

fn populate<'a>(args: &Args<'a>, shard: &Shard) -> Result<Sub<'a>, Refusal> {
    let positive = |i: usize| {
        let number = args.try_get(i).and_then(parse_i64);
        number.filter(|n| *n >= 0).ok_or(Refusal::OUT_OF_RANGE_POSITIVE)
    };
    let count = positive(2)? as u64;
    let size = if args.len() > 4 { positive(4)? } else { 0 };
    if size > shard.config.proto_max_bulk_len {
        return Err(Refusal::TOO_BIG);
    }
    let prefix = args.try_get(3).unwrap_or(b"key");
    Ok(Sub::Populate { count, prefix, size: (size > 0).then_some(size as usize) })
}

/// A switch: any number but 0 is on, anything else off.
fn is_on(word: &[u8]) -> bool {
    parse_i64(word).is_some_and(|n| n != 0)
}

fn packed_threshold(word: &[u8]) -> Result<u64, Refusal> {
    let wrong = Refusal::fixed("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
    match memory_bytes(word) {
        Some(0) => Ok(Debug::default().quicklist_packed_threshold),
        Some(n) if n < 1 << 32 => Ok(n),
        _ => Err(wrong),
    }
}

fn peak_reset(word: &[u8]) -> Result<i64, Refusal> {
    if word.eq_ignore_ascii_case(b"never") {
        return Ok(-1);
    }
    if word.eq_ignore_ascii_case(b"reset") {
        return Ok(Debug::default().reply_buffer_peak_reset_ms);
    }
    parse_i64(word).ok_or(Refusal::NOT_INTEGER)
}

/// This core's part.
fn run(call: &mut Call) -> Outcome {
    let mut record = Vec::new();
    match Sub::parse(&call.args, call.shard)? {
        // In place, so that the time is the command's own wherever commands are timed.
        Sub::Sleep(usec) => (call.shard.server.sleep)(usec),
        Sub::Set(setting) => apply(call.shard, setting, call.now),
        Sub::Object { is_fast } => keys::object(call, is_fast, &mut record),
        Sub::Digest => keys::digest(call, &mut record),
        Sub::DigestValue => keys::digest_values(call, &mut record),
        Sub::Populate { count, prefix, size } => keys::populate(call, count, prefix, size)?,
        Sub::HtStats(db) => keys::index_stats(call, db, &mut record),
        Sub::Look(form) => values::describe(call, form, &mut record),
        Sub::Reload(how) => return reload::run(call, how),
        // The rest happens once, at home.
        _ => {}
    }
    parts::send(call, &record);
    Ok(())
}

fn apply(shard: &mut Shard, setting: Setting, now: i64) {
    match setting {
        Setting::ActiveExpire(is_on) => shard.ks.tuning.active_expire = is_on,
        Setting::PauseCron(is_on) => shard.debug.pause_cron = is_on,
        Setting::PackedThreshold(bytes) => shard.debug.quicklist_packed_threshold = bytes,
        Setting::SkipChecksum(is_on) => shard.debug.skip_checksum = is_on,
        Setting::PeakReset(ms) => shard.debug.reply_buffer_peak_reset_ms = ms,
        Setting::ReplId => shard.debug.repl_id_salt = now,
        Setting::Resizing(is_on) => shard.debug.reply_buffer_resizing = is_on,
    }
}

fn merge(call: &mut Call, parts: &[&[u8]]) -> Outcome {
    let Some(records) = parts::receive(call, parts) else {
        return Ok(());
    };
    match Sub::parse(&call.args, call.shard)? {
        Sub::Object { .. } => return keys::first_or_no_key(call, &records),
        Sub::Digest => keys::join_digests(call, &records),
        Sub::DigestValue => keys::join_values(call, &records),
        Sub::HtStats(_) => keys::join_stats(call, &records),
        Sub::Look(form) => return values::answer(call, form, &records),
        Sub::Error(text) => return Err(Refusal::text(String::from_utf8_lossy(text))),
        Sub::Help => return help::reply(call, "DEBUG", LINES),
        Sub::RewriteConfig => return write_settings(call, true),
        Sub::Protocol(kind) => return protocol::sample(call.out, kind),
        Sub::StructSize => call.out.bulk(sizes().as_bytes()),
        Sub::Crash => call.shard.requests.push(Request::Crash),
        Sub::Log(text) => {
            let line = format!("DEBUG LOG: {}", String::from_utf8_lossy(text));
            call.shard.requests.push(Request::Log(LogLevel::Warning, line));
            call.out.ok();
        }
        // Runs on one core, or is refused there.
        Sub::Reload(_) => return Err(Refusal::NO_MULTI),
        Sub::Sleep(_) | Sub::Set(_) | Sub::Populate { .. } => call.out.ok(),
    }
    Ok(())
}

fn sizes() -> String {
    use std::mem::size_of;
    let client = size_of::<crate::spec::client::Client>();
    format!("bits:{} client:{client} shard:{} ", usize::BITS, size_of::<Shard>())
}
