//! One process: listens, starts a core per CPU, serves until told to stop. Semantics of commands are below; the kernel is in `io`.

mod accept;
mod control;
mod core;
pub mod disk;
mod durability;
mod log;
mod output;
mod start;
pub mod store;

pub use start::run;
