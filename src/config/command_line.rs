//! The server's own command line: `ringfort [file] [--directive value ...] [-]`, read as redis-server reads it.
//!
//! Where it sits: the first thing at start. The options become lines that follow the file's text, so that one reader
//! (`file.rs`) checks both; the line numbers in its errors count on past the file, as in Redis.
//! Invariants: every value is quoted, so no value can begin a directive of its own.
//! What it does not do: it neither opens the file nor checks directives.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/config (passing arguments using the command line)

use super::SplitWords;
use super::value::quoted;

/// What the process was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Serve.
    Server,
    /// Watch other servers (`--sentinel` among the arguments).
    Sentinel,
    /// `-v`, `--version`: print the version and end.
    Version,
    /// `-h`, `--help`: print the usage and end.
    Help,
    /// `--test-memory n`: test n megabytes and end; None when n is missing.
    TestMemory(Option<Vec<u8>>),
}

/// The command line, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// What to do.
    pub mode: Mode,
    /// The configuration file, as given.
    pub config_file: Option<Vec<u8>>,
    /// True when more configuration is to be read from standard input.
    pub reads_stdin: bool,
    /// The options as configuration lines, joined by line feeds; empty without options.
    pub options: Vec<u8>,
}

impl CommandLine {
    /// The whole configuration: `file`, then `stdin` (each empty if there is none), then the options.
    pub fn full_text(&self, file: &[u8], stdin: &[u8]) -> Vec<u8> {
        let mut text = [file, stdin].concat();
        if !self.options.is_empty() {
            text.push(b'\n');
            text.extend_from_slice(&self.options);
        }
        text
    }
}

/// Takes the arguments after the program's name apart. Never fails: what makes no sense ends up in `options`, where the
/// reader reports it with its line.
pub fn parse_command_line(args: &[Vec<u8>], split: SplitWords) -> CommandLine {
    let mut line = CommandLine { mode: Mode::Server, config_file: None, reads_stdin: false, options: Vec::new() };
    match args.first().map(Vec::as_slice) {
        Some(b"-v" | b"--version") => line.mode = Mode::Version,
        Some(b"-h" | b"--help") => line.mode = Mode::Help,
        Some(b"--test-memory") => {
            line.mode = Mode::TestMemory(if args.len() == 2 { args.get(1).cloned() } else { None });
        }
        _ => {
            if args.iter().any(|a| a == b"--sentinel") {
                line.mode = Mode::Sentinel;
            }
            read_arguments(args, split, &mut line);
        }
    }
    line
}

/// Reads the file's name, `-` and the options.
fn read_arguments(args: &[Vec<u8>], split: SplitWords, line: &mut CommandLine) {
    let mut next = 0;
    if let Some(first) = args.first().filter(|a| !a.starts_with(b"-")) {
        line.config_file = Some(first.clone());
        next = 1;
    }
    // False right after an option's name: what follows is its value even if it begins with `--`.
    let mut may_be_option = true;
    for (index, arg) in args.iter().enumerate().skip(next) {
        let is_last = index + 1 == args.len();
        if arg == b"-" && (index == 0 || is_last) {
            line.reads_stdin = true;
            continue;
        }
        let name = arg.strip_prefix(b"--").filter(|_| may_be_option);
        let Some(name) = name else {
            line.options.extend_from_slice(&quoted(arg));
            line.options.push(b' ');
            may_be_option = true;
            continue;
        };
        if !line.options.is_empty() {
            line.options.push(b'\n');
        }
        line.options.extend_from_slice(name);
        line.options.push(b' ');
        // `--port 1` in one argument carries its value already.
        may_be_option = split(arg).is_none_or(|words| words.len() != 1);
        let ends_here = is_last || args.get(index + 1).is_some_and(|a| a.starts_with(b"--"));
        if !may_be_option && ends_here {
            // Two options may stand without a value: `--save` (an empty list) and `--sentinel`.
            if arg.eq_ignore_ascii_case(b"--save") {
                line.options.extend_from_slice(b"\"\"");
                may_be_option = true;
            } else if arg.eq_ignore_ascii_case(b"--sentinel") {
                may_be_option = true;
            }
        }
    }
}
