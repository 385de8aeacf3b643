//! The append-only log on disk: its manifest, the bytes of its files, what of them is loaded, and values as commands.
//!
//! ```text
//! manifest.rs     which files there are          annotation.rs   lines that start with `#`: marks, tickets, runs
//! read.rs         scanner of one file            rewrite.rs      values as commands
//! recover.rs      start-up: what is loaded, what is cut          cut.rs   where logs of several cores end together
//! ```
//! Layer 4, pure: files are reached through [`super::disk::Store`] only, and only before the cores run (or from a tool).
//!
//! ```text
//! <dir>/<appenddirname>/<appendfilename>.manifest          text, one line a file
//!                       <appendfilename>.<n>.base.rdb      or .base.aof: the dataset at one instant
//!                       <appendfilename>.<n>.incr.aof      what happened since, as commands
//! ```
//! Our own incremental files come in **generations**: one file a core, written at the same time, so their order among each other
//! means nothing; what concerns all slots (FLUSHALL, SWAPDB, ...) is alone in a file before them. Stock servers read the same
//! files one after the other, which gives the same dataset.
//! Ref: redis.io/docs/latest/operate/oss_and_stack/management/persistence

pub mod annotation;
pub mod cut;
pub mod manifest;
pub mod own;
pub mod plan;
mod preamble;
pub mod read;
pub mod recover;
pub mod rewrite;
pub mod survey;

pub use annotation::{Annotation, Cores, Owner, Rf, Sum, put_end, put_mark, put_rf, put_ts, put_tx};
pub use manifest::{FileKind, Listed, Manifest};
pub use plan::{LoadFile, LoadKind, LoadPlan};
pub use recover::{Append, Recovered, look, recover};
