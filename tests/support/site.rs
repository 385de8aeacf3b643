//! A server whose data outlive it: it is killed, frozen, ended and started again in the same directory, maybe as another program.
//! The child is killed by its process id when the test ends, also by a panic; its directory goes with it unless it was lent.

use super::{Client, Program, Reply};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for a server that loads its data, or that ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// Below the ports that the kernel hands out, so that nobody's outgoing connection takes one while the server is down.
const PORTS: std::ops::Range<u16> = 21200..21300;

/// The program that the tests of durability judge: `RINGFORT_JUDGED` (ringfort, redis8, debian, valkey9). A stock server in the place of
/// ours shows what the tests are worth.
pub fn judged() -> Program {
    match std::env::var("RINGFORT_JUDGED").as_deref() {
        Err(_) | Ok("" | "ringfort") => Program::Ringfort,
        Ok("redis8") => Program::Redis8,
        Ok("debian") => Program::Debian,
        Ok("valkey9") => Program::Valkey9,
        Ok(other) => panic!("RINGFORT_JUDGED={other}: ringfort, redis8, debian or valkey9"),
    }
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<ExitStatus>,
    /// What it printed since its start.
    pub words: String,
}

/// A place with data, and the server that may run there.
pub struct Site {
    pub program: Program,
    /// Only Ringfort has several.
    pub cores: usize,
    /// A file of options before all others.
    pub config: Option<PathBuf>,
    /// Behind the options that every site has.
    pub options: Vec<String>,
    /// The directory of the server's files.
    pub data: PathBuf,
    home: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Site {
    /// An empty directory; nothing runs yet.
    pub fn new(program: Program, options: &[&str]) -> Site {
        let home = folder("site");
        let data = home.join("data");
        std::fs::create_dir_all(&data).expect("the target directory can be written");
        Site {
            program,
            cores: 2,
            config: None,
            options: options.iter().map(|o| o.to_string()).collect(),
            data,
            home,
            port: free_port(),
            child: None,
        }
    }

    /// The same over a directory of somebody else.
    pub fn over(program: Program, data: &Path, options: &[&str]) -> Site {
        let mut site = Site::new(program, options);
        site.data = data.to_path_buf();
        site
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Starts the server and waits until it has loaded its data. Fails the test if it does not.
    pub fn start(&mut self) {
        if let Err(ended) = self.try_start() {
            panic!("{:?} in {} did not start ({:?}):\n{}", self.program, self.data.display(), ended.status, ended.words);
        }
    }

    /// Starts the server and waits until it has loaded its data or ended.
    pub fn try_start(&mut self) -> Result<(), Ended> {
        loop {
            match self.start_once() {
                Err(ended) if ended.words.contains("in use") => self.port = free_port(),
                other => return other,
            }
        }
    }

    fn start_once(&mut self) -> Result<(), Ended> {
        assert!(self.child.is_none(), "one server at a time");
        let log = std::fs::File::create(self.home.join("log")).expect("the target directory can be written");
        let mut command = self.program.command();
        command.args(&self.config).args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        if self.config.is_none() {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        if self.program == Program::Ringfort {
            command.args(["--cores", &self.cores.to_string()]);
        }
        command.arg("--dir").arg(&self.data).args(["--enable-debug-command", "yes"]).args(&self.options).current_dir(&self.data);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file handle can be doubled")).stderr(log);
        self.child = Some(command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}; {}", self.program, self.program.how_to_get())));
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.ended() {
                return Err(Ended { status: Some(status), words: self.words() });
            }
            if self.answers() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        self.kill();
        Err(Ended { status: None, words: format!("no PONG in {PATIENCE:?}; {}", self.words()) })
    }

    /// Whether the child serves: while data are loaded the reply is -LOADING, and another server may have taken the port.
    fn answers(&self) -> bool {
        let Ok(mut client) = Client::connect(self.address()) else { return false };
        if client.try_call(&["PING"]) != Ok(Reply::Simple(b"PONG".to_vec())) {
            return false;
        }
        let id = self.child.as_ref().map_or(0, Child::id);
        let is_it = |info: &Reply| String::from_utf8_lossy(info.bytes()).lines().any(|l| l == format!("process_id:{id}"));
        client.try_call(&["INFO", "server"]).is_ok_and(|info| is_it(&info))
    }

    /// The exit status, once the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().expect("a child can be waited for")?;
        self.child = None;
        Some(status)
    }

    /// Waits for the end of the process.
    pub fn wait_end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        None
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address()).unwrap_or_else(|e| panic!("{:?} takes no connection: {e}\n{}", self.program, self.words()))
    }

    /// SIGKILL; returns when the process is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
        }
    }

    /// SHUTDOWN: the server must end by itself, and well.
    pub fn shut_down(&mut self) {
        self.client().send_words(&["SHUTDOWN"]);
        match self.wait_end(PATIENCE) {
            Some(status) => assert!(status.success(), "{:?} ended with {status} after SHUTDOWN:\n{}", self.program, self.words()),
            None => panic!("{:?} does not end after SHUTDOWN:\n{}", self.program, self.words()),
        }
    }

    /// Sends a signal by name (STOP, CONT, TERM) to the process.
    pub fn signal(&self, name: &str) {
        let Some(child) = &self.child else { return };
        let done = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
        assert!(done.is_ok_and(|s| s.success()), "kill -{name} works");
    }

    /// What the server has printed since its last start.
    pub fn words(&self) -> String {
        let text = std::fs::read(self.home.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("last words of {:?} in {}:\n{}", self.program, self.data.display(), self.words());
            if std::env::var_os("RINGFORT_KEEP").is_some() {
                return;
            }
        }
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// A new folder in the target directory.
pub fn folder(kind: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{kind}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the target directory can be written");
    folder
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).expect("a folder can be read");
        if path.is_dir() {
            copy_folder(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).expect("a file can be copied");
        }
    }
}

/// A port of the range that is free now. Another process may take it before the server does; then the server is started on another.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() as u16 % PORTS.len() as u16;
    for _ in PORTS {
        let port = PORTS.start + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS.len() as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in {PORTS:?}")
}
