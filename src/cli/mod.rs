//! The modes of the binary, one file each: the server, and tools by their name.
//!
//! Sits at the very top and may use everything, `std` included. A mode's name must not look like a configuration file or an
//! option, because everything else on the command line belongs to the server.

pub mod bench;
mod check_aof;
mod check_rdb;
mod rdb_file;
mod report;
mod server;

/// Runs the mode that the arguments ask for. Returns the exit code.
pub fn main() -> i32 {
    // A server's arguments may be any bytes; a tool's name is text.
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    if is_called("redis-check-rdb") {
        return check_rdb::main(&arguments);
    }
    for name in ["redis-check-aof", "valkey-check-aof"] {
        if is_called(name) {
            return check_aof::main(name, &arguments);
        }
    }
    tool(&arguments).unwrap_or_else(server::main)
}

/// Whether the program was started by this name, by a link to it.
fn is_called(name: &str) -> bool {
    let program = std::env::args_os().next().unwrap_or_default();
    std::path::Path::new(&program).file_name().is_some_and(|own| own == name)
}

/// If `arguments` (without the program's name) begin with the name of a tool, runs it and returns the exit code: 0 done,
/// 1 failed, 2 not understood. `None`: the server is meant.
pub fn tool(arguments: &[String]) -> Option<i32> {
    match arguments.first().map(String::as_str) {
        Some("bench") => Some(bench::main(&arguments[1..])),
        Some("check-rdb") => Some(check_rdb::main(&arguments[1..])),
        Some("report") => Some(report::main(&arguments[1..])),
        Some("check-aof") => Some(check_aof::main("ringfort check-aof", &arguments[1..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_tools_are_taken_from_the_server() {
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        for server in ["", "bench.conf", "--port 0", "/etc/bench", "report.conf"] {
            assert_eq!(tool(&words(server)), None, "{server}");
        }
        assert_eq!(tool(&words("bench --no-such-option")), Some(2));
        assert_eq!(tool(&words("report --no-such-option")), Some(2));
        assert_eq!(tool(&words("check-rdb")), Some(1));
        assert_eq!(tool(&words("check-aof")), Some(1));
    }
}
