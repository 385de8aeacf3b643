//! The modes of the binary, one file each.

mod server;

/// Runs the mode that the arguments ask for. Returns the exit code.
pub fn main() -> i32 {
    server::main()
}
