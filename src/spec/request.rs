//! What a command asks of the node, which alone can reach sockets, files and the process.

/// How SHUTDOWN is to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shutdown {
    pub now: bool,
    pub force: bool,
    pub abort: bool,
}

/// One request, carried out after the turn that made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// End the process.
    Shutdown(Shutdown),
    /// End the process as a crash would (DEBUG SEGFAULT, PANIC) or at once (DEBUG RESTART is refused).
    Crash,
    /// One line for the log.
    Log(LogLevel, String),
    /// Settings were changed on this core: take over those that the node keeps.
    Reconfigured,
    /// Write this core's settings into the configuration file, with `all` those as well that are at their defaults.
    WriteConfig { path: String, all: bool },
}

/// Levels of the log, as loglevel names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}
