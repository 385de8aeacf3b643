//! Reads configuration text: one directive a line, words split by the inline rules, `#` comments, `include`.
//!
//! Where it sits: at start, between the command line and the first core. Files are reached through [`Source`], so that
//! this stays a plain function.
//! Invariants: the first bad line ends the reading with its number and text; a directive that the server cannot honour
//! is such a line, never ignored. Only three directives that have meant nothing for years are skipped.
//! What it does not do: `user` and `sentinel` lines are refused; renamed commands are kept as data and checked by
//! whoever knows the command table.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/config-file

use std::fmt;

use super::options::Config;
use super::{SplitWords, lookup, split_at_blanks};

/// The version of Redis whose behaviour is meant, as start-up errors name it.
pub const REDIS_VERSION: &str = "7.4.0";

/// How deep `include` may nest; a file that includes itself ends here.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Directives of old versions that have no meaning any more.
const FORGOTTEN: [&[u8]; 3] = [b"list-max-ziplist-entries", b"list-max-ziplist-value", b"lua-replicate-commands"];

/// What reading a configuration needs from the file system.
pub trait Source {
    /// The texts of the files that `pattern` of an `include` line names, in name order. A pattern with wildcards that
    /// matches nothing yields none. The error is the whole message, naming the file and the reason.
    fn include(&self, pattern: &[u8]) -> Result<Vec<Vec<u8>>, String>;

    /// Makes `dir` the working directory and returns its absolute path. The error is the system's text.
    fn enter_dir(&self, dir: &[u8]) -> Result<Vec<u8>, String>;
}

/// Why the server cannot start. Prints as the block that redis-server writes to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FatalConfig {
    /// A line is wrong.
    Line {
        /// Number of the line in its file, from 1.
        number: usize,
        /// The line without surrounding blanks.
        line: Vec<u8>,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read; the whole message.
    Include(String),
}

impl fmt::Display for FatalConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FatalConfig::Line { number, line, why } => {
                writeln!(out, "\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***")?;
                writeln!(out, "Reading the configuration file, at line {number}")?;
                writeln!(out, ">>> '{}'", String::from_utf8_lossy(line))?;
                writeln!(out, "{why}")
            }
            FatalConfig::Include(message) => writeln!(out, "{message}"),
        }
    }
}

impl std::error::Error for FatalConfig {}

/// Reads `text` into a configuration that starts from the built-in defaults.
pub fn load(text: &[u8], source: &dyn Source, split: SplitWords) -> Result<Config, FatalConfig> {
    let mut reading = Reading { config: Config::default(), has_save: false };
    read_text(&mut reading, text, source, split, 0)?;
    Ok(reading.config)
}

/// What has been read so far.
struct Reading {
    config: Config,
    /// There was a `save` line: the built-in save points are gone, further lines add to those before.
    has_save: bool,
}

/// Reads the lines of one file; `depth` counts the includes around it.
fn read_text(reading: &mut Reading, text: &[u8], source: &dyn Source, split: SplitWords, depth: usize) -> Result<(), FatalConfig> {
    for (index, raw) in text.split(|b| *b == b'\n').enumerate() {
        let line = trim(raw);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let fatal = |why: String| FatalConfig::Line { number: index + 1, line: line.to_vec(), why };
        let words = split(line).ok_or_else(|| fatal("Unbalanced quotes in configuration line".into()))?;
        let Some((name, values)) = words.split_first() else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        if name == b"include" && values.len() == 1 {
            if depth >= INCLUDE_DEPTH_MAX {
                return Err(fatal(format!("include is nested deeper than {INCLUDE_DEPTH_MAX} files")));
            }
            for included in source.include(&values[0]).map_err(FatalConfig::Include)? {
                read_text(reading, &included, source, split, depth + 1)?;
            }
            continue;
        }
        read_line(reading, &name, values, source).map_err(fatal)?;
    }
    Ok(())
}

/// Carries out one directive other than `include`.
fn read_line(reading: &mut Reading, name: &[u8], values: &[Vec<u8>], source: &dyn Source) -> Result<(), String> {
    let bad = || String::from("Bad directive or wrong number of arguments");
    let config = &mut reading.config;
    if let Some((directive, _)) = lookup(name) {
        // A list may be empty: `save` alone is no save points.
        if values.len() != 1 && !directive.is_list {
            return Err("wrong number of arguments".into());
        }
        if directive.name == "dir" {
            config.dir = source.enter_dir(&values[0])?;
            return Ok(());
        }
        let words: Vec<&[u8]> = match values {
            // One argument that holds a whole list: `--save "900 1"`.
            [one] if directive.is_list => split_at_blanks(one),
            _ => values.iter().map(Vec::as_slice).collect(),
        };
        let earlier = (directive.name == "save" && std::mem::replace(&mut reading.has_save, true)).then(|| config.save.0.clone());
        config.assign(directive, &words)?;
        if let Some(mut points) = earlier.filter(|_| !config.save.0.is_empty()) {
            points.append(&mut config.save.0);
            config.save.0 = points;
        }
        return Ok(());
    }
    match (name, values) {
        (b"rename-command", [from, to]) => {
            config.renames.push((from.clone(), to.clone()));
            Ok(())
        }
        (b"loadmodule", [_, ..]) => Err("loadable modules are not supported".into()),
        (b"user", [_, ..]) => Err("users in the configuration file are not supported yet by this version".into()),
        (b"sentinel", _) => Err("sentinel directive while not in sentinel mode".into()),
        (_, [_]) if FORGOTTEN.contains(&name) => Ok(()),
        _ => Err(bad()),
    }
}

/// `line` without blanks around it.
pub(super) fn trim(line: &[u8]) -> &[u8] {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let Some(start) = line.iter().position(|b| !is_blank(b)) else {
        return &[];
    };
    let end = line.iter().rposition(|b| !is_blank(b)).map_or(start, |last| last + 1);
    &line[start..end]
}
