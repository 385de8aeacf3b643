//! A server as a child process: ours or a stock one, on a free port of the loopback interface, in a directory of its own.
//! It is killed by its process id when the test is done with it; after a failure its last words are shown.

use super::Client;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for a server's first PONG.
const START: Duration = Duration::from_secs(20);
/// Starts tried when another process took the port that was free a moment ago.
const TRIES: usize = 5;

/// Which server to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// The binary of this package, or the one that `RINGFORT_BIN` names.
    Ringfort,
    /// The distribution's redis-server (7.0 in Debian 12).
    Debian,
    /// Redis 8 of the peers folder: `RINGFORT_PEERS`, or `target/peers` where tests/run puts it.
    Redis8,
    /// Valkey 9 of the same folder.
    Valkey9,
}

impl Program {
    /// The program, without arguments.
    pub fn command(self) -> Command {
        match self {
            Program::Ringfort => Command::new(std::env::var("RINGFORT_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_ringfort").to_string())),
            Program::Debian => Command::new("redis-server"),
            Program::Redis8 | Program::Valkey9 => {
                let mut command = Command::new(peers().join("run"));
                command.arg(if self == Program::Redis8 { "redis-server" } else { "valkey-server" });
                command
            }
        }
    }

    /// Whether the program can be started here.
    pub fn is_installed(self) -> bool {
        self.command().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    }

    /// What whoever lacks it should do.
    pub fn how_to_get(self) -> &'static str {
        match self {
            Program::Ringfort => "build it with `cargo build` or name it in RINGFORT_BIN",
            Program::Debian => "install the package redis-server; tests/run does it",
            Program::Redis8 | Program::Valkey9 => "run tests/peers.sh target/peers or name its folder in RINGFORT_PEERS; tests/run does it",
        }
    }
}

/// The folder of the newer packaged servers and their tools.
pub fn peers() -> PathBuf {
    match std::env::var_os("RINGFORT_PEERS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers"),
    }
}

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub program: Program,
    folder: PathBuf,
}

impl Server {
    /// Starts `program` with `arguments` behind the ones that every test needs. Fails the test if it does not answer.
    pub fn start(program: Program, arguments: &[&str]) -> Server {
        assert!(program.is_installed(), "{program:?} is not installed: {}", program.how_to_get());
        let mut said = String::new();
        for _ in 0..TRIES {
            match Server::try_start(program, arguments) {
                Ok(server) => return server,
                Err(log) => said = log,
            }
            if !said.contains("in use") {
                break;
            }
        }
        panic!("{program:?} {arguments:?} did not start:\n{said}");
    }

    /// Ours with so many cores.
    pub fn ringfort(cores: usize, arguments: &[&str]) -> Server {
        let cores = cores.to_string();
        let mut all = vec!["--cores", &cores];
        all.extend_from_slice(arguments);
        Server::start(Program::Ringfort, &all)
    }

    fn try_start(program: Program, arguments: &[&str]) -> Result<Server, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("server-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("the target directory can be written");
        let log = std::fs::File::create(folder.join("log")).expect("the target directory can be written");
        let port = free_port();
        let child = program
            .command()
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(&folder)
            .args(["--enable-debug-command", "yes"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be doubled"))
            .stderr(log)
            .spawn()
            .map_err(|e| format!("{e}; {}", program.how_to_get()))?;
        let mut server = Server { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), program, folder };
        if server.answers() { Ok(server) } else { Err(server.last_words()) }
    }

    /// Waits until the server speaks RESP: any reply to PING, even a refusal, will do.
    fn answers(&mut self) -> bool {
        let until = Instant::now() + START;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            if Client::connect(self.address).is_ok_and(|mut c| c.try_call(&["PING"]).is_ok()) {
                return matches!(self.child.try_wait(), Ok(None));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.address).unwrap_or_else(|e| panic!("{:?} takes no connection: {e}\n{}", self.program, self.last_words()))
    }

    /// A new connection that speaks version `resp` of the protocol.
    pub fn client_speaking(&self, resp: u8) -> Client {
        let mut client = self.client();
        if resp == 3 {
            client.call(&["HELLO", "3"]);
        }
        client
    }

    /// Whether the process lives.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of what the server has printed.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("last words of {:?} at {}:\n{}", self.program, self.address, self.last_words());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that is free now. Another process may take it before the server does: see [`TRIES`].
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
