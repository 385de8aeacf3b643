//! The types of settings that are neither number, text nor yes/no: choices, address lists, limits per client class,
//! event classes, save points.
//!
//! Where it sits: beside `value.rs`, under the directive table.
//! Invariants: those of `Setting`; every list has a bound.
//! What it does not do: it does not resolve addresses and does not act on any value.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/config-file, redis.io/docs/latest/develop/use/keyspace-notifications

use super::value::{RewriteLine, Setting, Shape, Why, choices, memory_bytes, not_a_choice, quoted, quoted_if_needed};
use super::value::{short_memory, strict_integer};

choices! {
    /// Channels a new ACL user may use.
    AclPubsubDefault { AllChannels = "allchannels", ResetChannels = "resetchannels" }
    /// When the append-only log is forced to disk.
    AppendFsync { EverySec = "everysec", Always = "always", No = "no" }
    /// Who may use a guarded command or directive.
    Permission { No = "no", Yes = "yes", Local = "local" }
    /// Least important message that is logged.
    LogLevel { Debug = "debug", Verbose = "verbose", Notice = "notice", Warning = "warning", Nothing = "nothing" }
    /// What is evicted when memory is full.
    MaxmemoryPolicy {
        VolatileLru = "volatile-lru", VolatileLfu = "volatile-lfu", VolatileRandom = "volatile-random",
        VolatileTtl = "volatile-ttl", AllkeysLru = "allkeys-lru", AllkeysLfu = "allkeys-lfu",
        AllkeysRandom = "allkeys-random", NoEviction = "noeviction",
    }
    /// How the kernel's out-of-memory score is set.
    OomScoreAdj { No = "no", Yes = "yes", Relative = "relative", Absolute = "absolute" }
    /// What a replica does when a propagated command fails.
    PropagationErrors { Ignore = "ignore", Panic = "panic", PanicOnReplicas = "panic-on-replicas" }
    /// Version of the format of snapshots. `auto` is 11 (Redis 7.2), or 12 (7.4) where fields of hashes have times to live.
    RdbVersion { Auto = "auto", V9 = "9", V10 = "10", V11 = "11", V12 = "12", Valkey = "valkey" }
    /// How a replica loads a snapshot that it receives.
    ReplDisklessLoad { Disabled = "disabled", OnEmptyDb = "on-empty-db", SwapDb = "swapdb" }
    /// Which payloads are checked deeply.
    SanitizeDumpPayload { No = "no", Yes = "yes", Clients = "clients" }
    /// Which process supervisor is told about the server's state.
    Supervised { Upstart = "upstart", Systemd = "systemd", Auto = "auto", No = "no" }
    /// Facility of messages to the system log.
    SyslogFacility {
        User = "user", Local0 = "local0", Local1 = "local1", Local2 = "local2", Local3 = "local3",
        Local4 = "local4", Local5 = "local5", Local6 = "local6", Local7 = "local7",
    }
    /// Whether TLS clients must show a certificate.
    TlsAuthClients { No = "no", Yes = "yes", Optional = "optional" }
    /// What cluster clients are told as a node's address.
    PreferredEndpoint { Ip = "ip", Hostname = "hostname", UnknownEndpoint = "unknown-endpoint" }
}

/// What a signal does: a set of the flags `default`, `save`, `nosave`, `now`, `force`; no flag is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownOn(pub u8);

impl ShutdownOn {
    /// Save although no save point is configured.
    pub const SAVE: u8 = 1;
    /// Do not save although save points are configured.
    pub const NOSAVE: u8 = 2;
    /// Do not wait for lagging replicas.
    pub const NOW: u8 = 4;
    /// Exit although something failed.
    pub const FORCE: u8 = 8;
    const WORDS: [(&'static str, u8); 5] =
        [("default", 0), ("save", Self::SAVE), ("nosave", Self::NOSAVE), ("now", Self::NOW), ("force", Self::FORCE)];
}

impl Setting for ShutdownOn {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let mut flags = 0;
        for word in words {
            let found = Self::WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
            flags |= found.ok_or_else(|| not_a_choice(Self::WORDS.iter().map(|w| w.0)))?.1;
        }
        if words.is_empty() {
            return Err(not_a_choice(Self::WORDS.iter().map(|w| w.0)));
        }
        if flags & Self::SAVE != 0 && flags & Self::NOSAVE != 0 {
            return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
        }
        *self = ShutdownOn(flags);
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        let words: Vec<&str> = Self::WORDS.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name).collect();
        if words.is_empty() { b"default".to_vec() } else { words.join(" ").into_bytes() }
    }
}

/// Most addresses in `bind`.
pub const BIND_MAX: usize = 16;

/// Addresses to listen on, as written: a leading `-` allows an address to be missing, `*` is every address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind(pub Vec<Vec<u8>>);

impl Bind {
    /// The loopback addresses; IPv6 may be absent.
    pub fn loopback() -> Bind {
        Bind(vec![b"127.0.0.1".to_vec(), b"-::1".to_vec()])
    }
}

impl Setting for Bind {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        if words.len() > BIND_MAX {
            return Err("Too many bind addresses specified.".into());
        }
        // A single empty word means no address at all.
        let words = if words == [b"".as_slice()] { &[] } else { words };
        self.0 = words.iter().map(|w| w.to_vec()).collect();
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        self.0.join(&b' ')
    }

    fn rewrite(&self, default: &Self, _: &Shape) -> Vec<RewriteLine> {
        let words: Vec<Vec<u8>> = self.0.iter().map(|w| quoted_if_needed(w)).collect();
        let text = if words.is_empty() { b"\"\"".to_vec() } else { words.join(&b' ') };
        vec![RewriteLine { text, is_forced: self != default }]
    }
}

/// Save points: seconds and least number of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavePoints(pub Vec<(i32, i32)>);

impl SavePoints {
    /// The built-in ones.
    pub fn standard() -> SavePoints {
        SavePoints(vec![(3600, 1), (300, 100), (60, 10_000)])
    }
}

impl Setting for SavePoints {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let words = if words == [b"".as_slice()] { &[] } else { words };
        let wrong = || Why::from("Invalid save parameters");
        let mut points = Vec::new();
        for pair in words.chunks(2) {
            let [seconds, changes] = pair else {
                return Err(wrong());
            };
            let number = |word: &[u8]| strict_integer(word).and_then(|n| i32::try_from(n).ok());
            let seconds = number(seconds).filter(|s| *s >= 1).ok_or_else(wrong)?;
            let changes = number(changes).filter(|c| *c >= 0).ok_or_else(wrong)?;
            points.push((seconds, changes));
        }
        self.0 = points;
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        let points: Vec<String> = self.0.iter().map(|(s, c)| format!("{s} {c}")).collect();
        points.join(" ").into_bytes()
    }

    fn rewrite(&self, _: &Self, _: &Shape) -> Vec<RewriteLine> {
        // Always written, as Redis does: it takes many lines, and each of them counts.
        if self.0.is_empty() {
            return vec![RewriteLine { text: b"\"\"".to_vec(), is_forced: true }];
        }
        let line = |(s, c): &(i32, i32)| RewriteLine { text: format!("{s} {c}").into_bytes(), is_forced: true };
        self.0.iter().map(line).collect()
    }
}

/// Bounds of one client class's waiting output; 0 is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is closed at once.
    pub hard_bytes: u64,
    /// Bytes that may be waiting for `soft_seconds` at most.
    pub soft_bytes: u64,
    /// How long the soft bound may be exceeded.
    pub soft_seconds: i64,
}

/// Output bounds of the classes normal, replica and pubsub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Subscribers.
    pub pubsub: OutputLimit,
}

impl OutputLimits {
    /// The built-in bounds of Redis 7.2.
    pub fn standard() -> OutputLimits {
        let limit = |hard_bytes, soft_bytes, soft_seconds| OutputLimit { hard_bytes, soft_bytes, soft_seconds };
        OutputLimits { normal: limit(0, 0, 0), replica: limit(256 << 20, 64 << 20, 60), pubsub: limit(32 << 20, 8 << 20, 60) }
    }

    fn classes(&self) -> [(&'static str, OutputLimit); 3] {
        [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)]
    }
}

impl Setting for OutputLimits {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        if !words.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = *self;
        for group in words.chunks_exact(4) {
            let place = match group[0].to_ascii_lowercase().as_slice() {
                b"normal" => &mut limits.normal,
                b"slave" | b"replica" => &mut limits.replica,
                b"pubsub" => &mut limits.pubsub,
                _ => {
                    return Err("Invalid client class specified in buffer limit configuration.".into());
                }
            };
            let read = || {
                Some(OutputLimit {
                    hard_bytes: memory_bytes(group[1])?,
                    soft_bytes: memory_bytes(group[2])?,
                    soft_seconds: strict_integer(group[3]).and_then(|n| i64::try_from(n).ok()).filter(|n| *n >= 0)?,
                })
            };
            *place = read().ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
        }
        *self = limits;
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        let text: Vec<String> =
            self.classes().iter().map(|(name, l)| format!("{name} {} {} {}", l.hard_bytes, l.soft_bytes, l.soft_seconds)).collect();
        text.join(" ").into_bytes()
    }

    fn rewrite(&self, default: &Self, _: &Shape) -> Vec<RewriteLine> {
        let line = |((name, limit), (_, usual)): (&(&str, OutputLimit), &(&str, OutputLimit))| {
            // Files call the class by its newer name, CONFIG GET by the older one.
            let mut text = if *name == "slave" { b"replica ".to_vec() } else { format!("{name} ").into_bytes() };
            text.extend(short_memory(i128::from(limit.hard_bytes)));
            text.push(b' ');
            text.extend(short_memory(i128::from(limit.soft_bytes)));
            text.extend(format!(" {}", limit.soft_seconds).into_bytes());
            RewriteLine { text, is_forced: limit != usual }
        };
        self.classes().iter().zip(default.classes().iter()).map(line).collect()
    }
}

/// Event classes that are notified, and on which channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyFlags(pub u16);

impl NotifyFlags {
    /// Publish on the channel of the key.
    pub const KEYSPACE: u16 = 1;
    /// Publish on the channel of the event.
    pub const KEYEVENT: u16 = 1 << 1;
    /// Commands of no type: DEL, EXPIRE, RENAME, ...
    pub const GENERIC: u16 = 1 << 2;
    /// Strings.
    pub const STRING: u16 = 1 << 3;
    /// Lists.
    pub const LIST: u16 = 1 << 4;
    /// Sets.
    pub const SET: u16 = 1 << 5;
    /// Hashes.
    pub const HASH: u16 = 1 << 6;
    /// Sorted sets.
    pub const ZSET: u16 = 1 << 7;
    /// Keys that expired.
    pub const EXPIRED: u16 = 1 << 8;
    /// Keys that were evicted.
    pub const EVICTED: u16 = 1 << 9;
    /// Streams.
    pub const STREAM: u16 = 1 << 10;
    /// Reads of keys that are not there.
    pub const KEY_MISS: u16 = 1 << 11;
    /// Module types.
    pub const MODULE: u16 = 1 << 12;
    /// Keys that did not exist before.
    pub const NEW: u16 = 1 << 13;
    /// Everything that the letter `A` stands for.
    pub const ALL: u16 = Self::GENERIC
        | Self::STRING
        | Self::LIST
        | Self::SET
        | Self::HASH
        | Self::ZSET
        | Self::EXPIRED
        | Self::EVICTED
        | Self::STREAM
        | Self::MODULE;
    /// Letters in the order in which they are printed.
    const LETTERS: [(u8, u16); 14] = [
        (b'g', Self::GENERIC),
        (b'$', Self::STRING),
        (b'l', Self::LIST),
        (b's', Self::SET),
        (b'h', Self::HASH),
        (b'z', Self::ZSET),
        (b'x', Self::EXPIRED),
        (b'e', Self::EVICTED),
        (b't', Self::STREAM),
        (b'd', Self::MODULE),
        (b'n', Self::NEW),
        (b'K', Self::KEYSPACE),
        (b'E', Self::KEYEVENT),
        (b'm', Self::KEY_MISS),
    ];
}

impl Setting for NotifyFlags {
    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let mut flags = 0;
        for letter in super::value::one_word(words)? {
            flags |= match Self::LETTERS.iter().find(|(l, _)| l == letter) {
                Some((_, bit)) => *bit,
                None if *letter == b'A' => Self::ALL,
                None => return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
            };
        }
        *self = NotifyFlags(flags);
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        let has_all = self.0 & Self::ALL == Self::ALL;
        let mut out = if has_all { b"A".to_vec() } else { Vec::new() };
        // `A` replaces the letters it stands for and, as in Redis, `n`.
        let named = if has_all { self.0 & !(Self::ALL | Self::NEW) } else { self.0 };
        out.extend(Self::LETTERS.iter().filter(|(_, bit)| named & bit != 0).map(|(letter, _)| *letter));
        out
    }

    fn rewrite(&self, default: &Self, shape: &Shape) -> Vec<RewriteLine> {
        let mut text = self.show(shape);
        // Unlike CONFIG GET the file must not lose `n`.
        if self.0 & Self::NEW != 0 && !text.contains(&b'n') {
            text.push(b'n');
        }
        vec![RewriteLine { text: quoted(&text), is_forced: self != default }]
    }
}

/// Out-of-memory scores of a master, a replica and a background child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomScores(pub [i32; 3]);

impl Setting for OomScores {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let [first, second, third] = words else {
            return Err("wrong number of arguments".into());
        };
        let mut scores = [0; 3];
        for (score, word) in scores.iter_mut().zip([first, second, third]) {
            let number = strict_integer(word).filter(|n| (-2000..=2000).contains(n));
            let number = number.ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
            *score = i32::try_from(number).unwrap_or(0);
        }
        self.0 = scores;
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        format!("{} {} {}", self.0[0], self.0[1], self.0[2]).into_bytes()
    }
}

/// Most percentiles that INFO latencystats can list.
const PERCENTILES_MAX: usize = 64;

/// Percentiles that INFO latencystats lists, each in 0..=100.
#[derive(Clone, Debug, PartialEq)]
pub struct Percentiles(pub Vec<f64>);

impl Setting for Percentiles {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let words = if words == [b"".as_slice()] { &[] } else { words };
        let wrong = || Why::from("Invalid latency-tracking-info-percentiles parameters");
        if words.len() > PERCENTILES_MAX {
            return Err(format!("at most {PERCENTILES_MAX} percentiles are allowed"));
        }
        let mut values = Vec::with_capacity(words.len());
        for word in words {
            let text = std::str::from_utf8(word).map_err(|_| wrong())?;
            let value: f64 = text.parse().ok().filter(|v: &f64| !v.is_nan()).ok_or_else(wrong)?;
            if !(0.0..=100.0).contains(&value) {
                return Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into());
            }
            values.push(value);
        }
        self.0 = values;
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        let one = |value: &f64| {
            // Six digits after the point at most, without zeros at the end: 99.9, 50.
            let text = format!("{value:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(" ").into_bytes()
    }

    fn rewrite(&self, default: &Self, shape: &Shape) -> Vec<RewriteLine> {
        let text = if self.0.is_empty() { b"\"\"".to_vec() } else { self.show(shape) };
        vec![RewriteLine { text, is_forced: self != default }]
    }
}

/// The master to follow: host and port, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaOf(pub Option<(Vec<u8>, u16)>);

impl Setting for ReplicaOf {
    const IS_LIST: bool = true;

    fn parse(&mut self, words: &[&[u8]], _: &Shape) -> Result<(), Why> {
        let [host, port] = words else {
            return Err("wrong number of arguments".into());
        };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            self.0 = None;
            return Ok(());
        }
        let number = strict_integer(port).and_then(|n| u16::try_from(n).ok()).ok_or("Invalid master port")?;
        self.0 = Some((host.to_vec(), number));
        Ok(())
    }

    fn show(&self, _: &Shape) -> Vec<u8> {
        match &self.0 {
            None => Vec::new(),
            Some((host, port)) => [host.as_slice(), format!(" {port}").as_bytes()].concat(),
        }
    }

    fn rewrite(&self, default: &Self, _: &Shape) -> Vec<RewriteLine> {
        let Some((host, port)) = &self.0 else {
            return Vec::new();
        };
        let text = [quoted_if_needed(host).as_slice(), format!(" {port}").as_bytes()].concat();
        vec![RewriteLine { text, is_forced: self != default }]
    }
}
