//! From a configuration to running cores: limits, sockets, rings, threads; and the way out.

use super::{
    accept::{Handovers, TAG_CORE, TAG_UNIX},
    core::{Common, Core, Start},
    log::Log,
    store::{self, FileStore},
};
use crate::base::rng::Rng;
use crate::config::{Config, kinds::Supervised};
use crate::engine::{link, txn::marks::Marks, worker::Worker};
use crate::io::kernel::{Waker, clock, executor, helper::Helper, listen, probe, process, signals};
use crate::persist::{self, Persist, book::Book, plan::Now, plan::temporary_name};
use crate::spec::{Shard, Table, shard::Server};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

/// Places in each ring between two cores: credits for parcels or parts and room for late answers.
const RING_PLACES: usize = 256;
/// Descriptors that the process needs besides its clients'.
const RESERVED_FILES: u64 = 128;
/// Files of the log and of snapshots that each core may have open.
const FILES_A_CORE: u64 = 16;
/// Jobs that may wait for the helper thread.
const HELPER_QUEUE: usize = 4096;

/// Serves until told to stop. Returns the process's exit code. `config_file`: absolute path, empty without one.
pub fn run(config: Config, config_file: String) -> i32 {
    match start(config, config_file) {
        Ok(()) => 0,
        Err(lines) => {
            lines.iter().for_each(|l| eprintln!("{l}"));
            1
        }
    }
}

type Failed = Vec<String>;

fn one(line: impl std::fmt::Display) -> Failed {
    vec![line.to_string()]
}

fn start(mut config: Config, config_file: String) -> Result<(), Failed> {
    let mut log = Log::new(&config.logfile, config.loglevel);
    let supervised = supervision(&config, &log);
    let is_background = config.daemonize && supervised == Supervised::No;
    if is_background {
        signals::daemonize().map_err(|e| one(format!("Can't daemonize: {e}")))?;
    }
    if config.disable_thp {
        process::disable_huge_pages();
    }
    let cpus = executor::allowed_cpus().len().max(1);
    let cores = if config.cores == 0 { cpus } else { config.cores as usize };
    config.cores = cores as u32;
    probe::raise_locked_memory(cores).map_err(one)?;
    let kernel = probe::check().map_err(one)?;
    limit_clients(&mut config)?;
    let (mut sockets, listeners) = open_sockets(&config, cores, &log)?;
    if !config.pidfile.is_empty() || is_background {
        write_pid_file(&config, &log);
    }
    let (helper, helper_thread) = Helper::start(HELPER_QUEUE).map_err(one)?;
    log = log.with(helper);
    let waker = Waker::new(cores).map_err(one)?;
    signals::install(&waker, &temporary_name(std::process::id()));
    let clock = clock::Clock::new();
    let server = leak(server(&config, config_file, &kernel, listeners, supervised.word(), clock.now().wall_ms()));
    let startup_bytes = process::resident_bytes();
    let common = Arc::new(Common {
        stopping: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        resident_bytes: AtomicU64::new(startup_bytes),
        startup_bytes,
        connections: (0..cores).map(|_| AtomicU64::new(0)).collect(),
        waker,
        clock,
    });
    log.notice(&format!("Ringfort {} starts: {cores} cores, PID: {}", env!("CARGO_PKG_VERSION"), server.pid));
    warn_about_system(&log);
    // Whoever starts redis-server by a script waits for these words.
    log.notice("Server initialized");
    let failures = Arc::new(Mutex::new(Vec::<String>::new()));
    let durability = match recover(&config, cores, server, &log) {
        Ok(durability) => durability,
        Err(why) => {
            log.warning(&why);
            drop(log);
            helper_thread.join();
            clean_up(&config);
            return Err(Vec::new());
        }
    };
    let mut parts = core_parts(&config, cores, server, durability, common.clock.now());
    let mut handovers = Handovers::mesh(cores);
    let running = executor::run_cores(cores, executor::Placement::Pinned, |core| {
        let start = Start {
            core,
            common: common.clone(),
            log: log.clone(),
            sockets: std::mem::take(&mut sockets[core]),
            handovers: std::mem::take(&mut handovers[core]),
        };
        let make = parts[core].take();
        let (failures, common) = (failures.clone(), common.clone());
        move || async move {
            let Some(make) = make else { return };
            match Core::new(start, make()) {
                Ok(core) => core.serve().await,
                Err(refused) => {
                    if let Ok(mut f) = failures.lock() {
                        f.push(refused.to_string());
                    }
                    common.stopping.store(true, std::sync::atomic::Ordering::SeqCst);
                    (0..common.waker.cores()).for_each(|c| common.waker.wake_always(c));
                }
            }
        }
    })
    .map_err(one)?;
    log.notice("Ready to accept connections tcp");
    if supervised == Supervised::Systemd {
        tell_systemd(&log);
    }
    running.join().map_err(one)?;
    drop(log);
    helper_thread.join();
    clean_up(&config);
    let mut failed = failures.lock().map(|f| f.clone()).unwrap_or_default();
    failed.truncate(1);
    let is_well = failed.is_empty() && !common.failed.load(std::sync::atomic::Ordering::SeqCst);
    if is_well { Ok(()) } else { Err(failed) }
}

fn leak(server: Server) -> &'static Server {
    // One per process, read by every core until the process ends.
    Box::leak(Box::new(server))
}

/// Raises the limit of open files for maxclients, or lowers maxclients to what there is, as redis-server does.
fn limit_clients(config: &mut Config) -> Result<(), Failed> {
    let reserved = RESERVED_FILES + FILES_A_CORE * u64::from(config.cores);
    let want = u64::from(config.maxclients) + reserved;
    let have = probe::raise_open_files(want);
    if have < want {
        if have <= reserved {
            return Err(one(format!("Your current 'ulimit -n' of {have} is not enough for the server to start. Please increase it.")));
        }
        config.maxclients = (have - reserved) as u32;
    }
    Ok(())
}

type Sockets = Vec<Vec<(OwnedFd, u8)>>;

/// Listening sockets of every core, and how INFO shows them.
fn open_sockets(config: &Config, cores: usize, log: &Log) -> Result<(Sockets, Vec<String>), Failed> {
    let mut sockets: Sockets = (0..cores).map(|_| Vec::new()).collect();
    let mut shown = Vec::new();
    let keepalive = config.tcp_keepalive.max(0) as u32;
    let bind: Vec<String> = config.bind.0.iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    let opts =
        |port: u16, cores: usize| listen::TcpOpts { bind: bind.clone(), port, backlog: config.tcp_backlog.max(1) as u32, keepalive, cores };
    if config.port != 0 && !bind.is_empty() {
        let tcp = listen::tcp(&opts(config.port, cores)).map_err(|e| e.0)?;
        tcp.warnings.iter().for_each(|w| log.warning(w));
        for (core, fds) in tcp.by_core.into_iter().enumerate() {
            sockets[core].extend(fds.into_iter().enumerate().map(|(n, fd)| (fd, n as u8)));
        }
        let binds: String = bind.iter().map(|b| format!(",bind={b}")).collect();
        shown.push(format!("name=tcp{binds},port={}", config.port));
    }
    if config.core_listeners && config.port != 0 {
        for (core, own) in sockets.iter_mut().enumerate() {
            let port = config.port.checked_add(1 + core as u16).ok_or_else(|| one("core-listeners: no port left for every core"))?;
            let tcp = listen::tcp(&opts(port, 1)).map_err(|e| e.0)?;
            let fds = tcp.by_core.into_iter().flatten();
            own.extend(fds.enumerate().map(|(n, fd)| (fd, TAG_CORE + n as u8)));
        }
    }
    if !config.unixsocket.is_empty() {
        let path = Path::new(std::ffi::OsStr::from_bytes(&config.unixsocket));
        let fd = listen::unix(path, config.unixsocketperm, config.tcp_backlog.max(1) as u32).map_err(one)?;
        sockets[0].push((fd, TAG_UNIX));
        shown.push(format!("name=unix,bind={}", path.display()));
    }
    if shown.is_empty() {
        return Err(one("Configured to not listen anywhere, exiting."));
    }
    Ok((sockets, shown))
}

fn write_pid_file(config: &Config, log: &Log) {
    let path = if config.pidfile.is_empty() { b"/var/run/redis.pid".as_slice() } else { &config.pidfile };
    if let Err(error) = signals::write_pid_file(Path::new(std::ffi::OsStr::from_bytes(path))) {
        log.warning(&format!("Failed to write PID file: {error}"));
    }
}

fn server(
    config: &Config,
    config_file: String,
    kernel: &probe::Kernel,
    listeners: Vec<String>,
    supervised: &'static str,
    now_ms: i64,
) -> Server {
    let renames: Vec<(String, String)> =
        config.renames.iter().map(|(a, b)| (String::from_utf8_lossy(a).into_owned(), String::from_utf8_lossy(b).into_owned())).collect();
    let executable = std::env::current_exe().map(|p| p.display().to_string()).unwrap_or_default();
    let mut rng = Rng::new(process::entropy());
    let run_id = (0..40).map(|_| char::from_digit((rng.next_u64() >> 60) as u32, 16).unwrap_or('0')).collect();
    Server {
        run_id,
        pid: std::process::id(),
        started_ms: now_ms,
        executable,
        config_file,
        os: format!("Linux {} {}", kernel.release, std::env::consts::ARCH),
        commands: Table::new(crate::commands::GROUPS, &renames),
        next_client: AtomicU64::new(1),
        next_slow: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        listeners,
        supervised,
        enter_dir: store::enter_dir,
        sleep: |usec| std::thread::sleep(std::time::Duration::from_micros(usec)),
    }
}

/// Looks at the files that a former run left behind. The error is for the log.
fn recover(config: &Config, cores: usize, server: &Server, log: &Log) -> Result<persist::Start, String> {
    let (mut store, boot) = (FileStore::new(), process::boot_id());
    if config.appendonly {
        Book::prepare(&mut store, config)?;
        own_log(config)?;
    }
    let found = persist::aof::recover(&mut store, config, cores, &boot)?;
    found.report.iter().for_each(|(level, line)| log.line(*level, line));
    Ok(persist::Start::new(found, &server.run_id, &boot))
}

/// Makes the directory of the log this process's own until it ends: two servers would write over each other's files.
fn own_log(config: &Config) -> Result<(), String> {
    let name = String::from_utf8_lossy(&config.appenddirname);
    let folder = Path::new(std::ffi::OsStr::from_bytes(&config.appenddirname));
    let lock = std::fs::File::open(folder).map_err(|e| format!("Can't open the append-only directory {name}: {e}"))?;
    match lock.try_lock() {
        Ok(()) => {
            // The kernel lets go of it when the process ends, however that is.
            Box::leak(Box::new(lock));
            Ok(())
        }
        Err(std::fs::TryLockError::WouldBlock) => Err(format!("Another server writes to the append-only directory {name}")),
        // A file system without locks is no reason not to serve.
        Err(std::fs::TryLockError::Error(_)) => Ok(()),
    }
}

/// What makes each core's worker, on that core's own thread so that its memory is near.
#[allow(clippy::type_complexity)]
fn core_parts(
    config: &Config,
    cores: usize,
    server: &'static Server,
    durability: persist::Start,
    now: clock::Now,
) -> Vec<Option<Box<dyn FnOnce() -> Worker + Send>>> {
    let marks = Arc::new(Marks::new(cores));
    let hash_seed = if config.hash_seed == 0 { process::entropy() } else { config.hash_seed };
    let seeds = process::entropy();
    link::mesh(cores, RING_PLACES)
        .into_iter()
        .enumerate()
        .map(|(core, links)| {
            let (config, marks, durability) = (config.clone(), marks.clone(), durability.clone());
            let make: Box<dyn FnOnce() -> Worker + Send> = Box::new(move || {
                let mut shard = Shard::new(core, cores, config, server, hash_seed, seeds ^ (core as u64).wrapping_mul(0x9e37_79b9));
                tune_keyspace(&mut shard);
                let now = Now { wall_ms: now.wall_ms(), mono_ms: now.mono_ms() };
                let persist = Persist::new(durability, now, &mut shard);
                let mut worker = Worker::new(shard, links, marks, nanos);
                worker.persist = Some(Box::new(persist));
                worker
            });
            Some(make)
        })
        .collect()
}

/// Settings that the keyspace reads.
pub fn tune_keyspace(shard: &mut Shard) {
    let config = &shard.config;
    shard.ks.tuning.is_lfu = config.maxmemory_policy.word().contains("lfu");
    shard.ks.tuning.lfu_log_factor = config.lfu_log_factor.max(0) as u32;
    shard.ks.tuning.lfu_decay_time = config.lfu_decay_time.max(0) as u32;
}

/// Nanoseconds of the tick counter.
fn nanos() -> u64 {
    static TICKS: OnceLock<clock::Ticks> = OnceLock::new();
    let ticks = TICKS.get_or_init(clock::Ticks::calibrate);
    ticks.nanos(0, ticks.now())
}

/// What an operator should change on this machine; the manual is linux-only.md.
fn warn_about_system(log: &Log) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    if read("/proc/sys/net/core/somaxconn").trim().parse().unwrap_or(i64::MAX) < 511 {
        log.warning("The TCP backlog setting of 511 cannot be enforced because net.core.somaxconn is lower.");
    }
}

/// Who supervises the process: what the configuration says, if the environment bears it out. For upstart the process stops here until
/// it is continued. Ref: redis.io/docs/latest/operate/oss_and_stack/management/admin; init(5) of upstart, `expect stop`.
fn supervision(config: &Config, log: &Log) -> Supervised {
    let has = |name: &str| std::env::var_os(name).is_some();
    let wanted = match config.supervised {
        Supervised::Auto if has("UPSTART_JOB") => Supervised::Upstart,
        Supervised::Auto if has("NOTIFY_SOCKET") => Supervised::Systemd,
        Supervised::Auto => Supervised::No,
        other => other,
    };
    match wanted {
        Supervised::Upstart if has("UPSTART_JOB") => {
            log.notice("supervised by upstart, will stop to signal readiness.");
            signals::stop_self();
            wanted
        }
        Supervised::Systemd if has("NOTIFY_SOCKET") => wanted,
        Supervised::Upstart => {
            log.warning("upstart supervision requested, but UPSTART_JOB not found!");
            Supervised::No
        }
        Supervised::Systemd => {
            log.warning("systemd supervision requested, but NOTIFY_SOCKET not found!");
            Supervised::No
        }
        _ => Supervised::No,
    }
}

/// Tells systemd that the server is ready, if it is systemd that waits for it. Ref: sd_notify(3), the protocol of NOTIFY_SOCKET.
fn tell_systemd(log: &Log) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        path => SocketAddr::from_pathname(Path::new(std::ffi::OsStr::from_bytes(path))),
    };
    let message = b"STATUS=Ready to accept connections\nREADY=1\n";
    let sent = address.and_then(|to| UnixDatagram::unbound()?.send_to_addr(message, &to));
    if let Err(error) = sent {
        log.warning(&format!("systemd could not be told that the server is ready: {error}"));
    }
}

fn clean_up(config: &Config) {
    let remove = |path: &[u8]| {
        if !path.is_empty() {
            // Gone already is as good.
            let _ = std::fs::remove_file(Path::new(std::ffi::OsStr::from_bytes(path)));
        }
    };
    remove(&config.pidfile);
    remove(&config.unixsocket);
}
