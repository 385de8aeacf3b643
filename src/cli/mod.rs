//! The modes of the binary, one file each: the server, and tools by their name.
//!
//! Sits at the very top and may use everything, `std` included. A mode's name must not look like a configuration file or an
//! option, because everything else on the command line belongs to the server.

pub mod bench;
mod server;

/// Runs the mode that the arguments ask for. Returns the exit code.
pub fn main() -> i32 {
    // A server's arguments may be any bytes; a tool's name is text.
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    tool(&arguments).unwrap_or_else(server::main)
}

/// If `arguments` (without the program's name) begin with the name of a tool, runs it and returns the exit code: 0 done,
/// 1 failed, 2 not understood. `None`: the server is meant.
pub fn tool(arguments: &[String]) -> Option<i32> {
    match arguments.first().map(String::as_str) {
        Some("bench") => Some(bench::main(&arguments[1..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_tools_are_taken_from_the_server() {
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        for server in ["", "bench.conf", "--port 0", "/etc/bench"] {
            assert_eq!(tool(&words(server)), None, "{server}");
        }
        assert_eq!(tool(&words("bench --no-such-option")), Some(2));
    }
}
