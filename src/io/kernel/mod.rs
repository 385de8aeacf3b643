//! Linux bodies of `io`: one file per thing the kernel gives.
//!
//! `net.rs` and `send.rs` are the reactor's face, `reap.rs` its completions, `ring.rs` the io_uring itself, `slab.rs` what is known of
//! each connection, `buffers.rs` the provided buffers, `file.rs` what is done with files. The rest stands alone. `unsafe` is in the files that begin with
//! the permission for it, and nowhere else.

pub mod buffers;
pub mod clock;
pub mod executor;
mod file;
pub mod helper;
pub mod listen;
pub mod net;
pub mod probe;
pub mod process;
mod reap;
mod ring;
mod send;
pub mod signals;
mod slab;
pub mod wake;

#[cfg(test)]
mod tests;

pub use net::Reactor;
pub use wake::Waker;
