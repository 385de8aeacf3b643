//! Server mode: reads the command line and the configuration file as redis-server does, then serves.

use crate::config::{self, Config, Mode, Source};
use crate::proto::inline::split_args;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Reads what the arguments name and runs. Returns the exit code.
pub fn main() -> i32 {
    let args: Vec<Vec<u8>> = std::env::args_os().skip(1).map(OsStringExt::into_vec).collect();
    let line = config::parse_command_line(&args, split_args);
    match &line.mode {
        Mode::Version => {
            println!("Ringfort server v={} sha=00000000:0 malloc=mimalloc bits=64", env!("CARGO_PKG_VERSION"));
            return 0;
        }
        Mode::Help => {
            print!("{HELP}");
            return 0;
        }
        Mode::Server => {}
        Mode::Sentinel => return refuse("sentinel mode is not supported yet by this version"),
        Mode::TestMemory(_) => return refuse("--test-memory is not supported"),
    }
    match configuration(&line) {
        Ok((config, file)) => crate::node::run(config, file),
        Err(text) => refuse(&text),
    }
}

fn refuse(text: &str) -> i32 {
    eprintln!("{}", text.trim_end());
    1
}

const HELP: &str = "\
Usage: ringfort [/path/to/redis.conf] [options] [-]
       ringfort - (read config from stdin)
       ringfort -v or --version
       ringfort -h or --help
       ringfort bench [options]   (load generator; --help for its options)
       ringfort check-rdb FILE    (is this snapshot file whole?)
       ringfort report FILE       (what is in this snapshot file; --help for its options)
       ringfort check-aof [--fix] FILE|DIRECTORY   (can this append only log be loaded?)

Examples:
       ringfort (run the server with default conf)
       echo 'maxclients 128' | ringfort -
       ringfort /etc/redis/6379.conf
       ringfort --port 7777
       ringfort --cores 4 --bind 127.0.0.1 -::1
";

fn configuration(line: &config::CommandLine) -> Result<(Config, String), String> {
    let mut file_text = Vec::new();
    let mut file_path = String::new();
    if let Some(path) = &line.config_file {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let why = |e: std::io::Error| format!("Fatal error, can't open config file '{}': {e}", path.display());
        file_text = std::fs::read(path).map_err(why)?;
        file_path = std::fs::canonicalize(path).map_err(why)?.display().to_string();
    }
    let mut stdin_text = Vec::new();
    if line.reads_stdin {
        std::io::stdin().read_to_end(&mut stdin_text).map_err(|e| format!("Can't read standard input: {e}"))?;
    }
    let text = line.full_text(&file_text, &stdin_text);
    let mut config = config::load(&text, &Files, split_args).map_err(|e| e.to_string())?;
    if config.dir.is_empty() {
        let here = std::env::current_dir().map_err(|e| format!("Can't find the working directory: {e}"))?;
        config.dir = here.into_os_string().into_vec();
    }
    Ok((config, file_path))
}

/// Files as the configuration asks for them.
struct Files;

impl Source for Files {
    fn include(&self, pattern: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let shown = String::from_utf8_lossy(pattern).into_owned();
        let path = Path::new(std::ffi::OsStr::from_bytes(pattern));
        let name = path.file_name().map(|n| n.as_bytes().to_vec()).unwrap_or_default();
        if crate::base::glob::is_literal(&name) {
            let text = std::fs::read(path).map_err(|e| format!("Fatal error, can't open config file '{shown}': {e}"))?;
            return Ok(vec![text]);
        }
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let entries = std::fs::read_dir(dir).map_err(|e| format!("Fatal error, can't open config file '{shown}': {e}"))?;
        let mut paths: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|e| crate::base::glob::matches(&name, e.file_name().as_bytes(), false))
            .map(|e| e.path())
            .collect();
        paths.sort();
        paths.iter().map(|p| std::fs::read(p).map_err(|e| format!("Fatal error, can't open config file '{}': {e}", p.display()))).collect()
    }

    fn enter_dir(&self, dir: &[u8]) -> Result<Vec<u8>, String> {
        crate::node::store::enter_dir(dir)
    }
}
