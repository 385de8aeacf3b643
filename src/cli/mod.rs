//! The binary's modes beside the server: `ringfort bench` so far. Each mode is one file and reads its own arguments.
//!
//! Sits at the very top and may use everything, `std` included. A mode's first word must not look like a configuration
//! file or an option, because everything else on the command line belongs to the server.
//!
//! Not here: the server's own command line, which follows redis-server's grammar (config/command_line.rs).

pub mod bench;

/// If `arguments` (without the program's name) begin with the name of a mode, runs it and returns the exit status of the
/// process: 0 done, 1 failed, 2 not understood. `None`: the server is meant.
pub fn mode(arguments: &[String]) -> Option<i32> {
    match arguments.first().map(String::as_str) {
        Some("bench") => Some(bench::main(&arguments[1..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_modes_are_taken_from_the_server() {
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        for server in ["", "bench.conf", "--port 0", "/etc/bench"] {
            assert_eq!(mode(&words(server)), None, "{server}");
        }
        assert_eq!(mode(&words("bench --no-such-option")), Some(2));
    }
}
