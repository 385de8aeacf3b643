//! The catalogue: every command, one file each, by group. A command's path is a function of its name.
//!
//! Where it sits: above `engine`, which finds commands in a table made of [`GROUPS`]. A group's `mod.rs` lists its commands;
//! modules beside them hold what several need. `common.rs`, `parts.rs` and `help.rs` are for all groups.
//!
//! Invariants: a command's file imports no other command's file; a command's function runs on one keyspace, which holds all
//! keys of the words it was given, whatever cores they live on.

/// Declares the modules of a group and its table: `commands![get set]` makes `mod get; mod set;` and `SPECS`.
macro_rules! commands {
    ($($name:ident)*) => {
        $(mod $name;)*
        /// All commands of this group.
        pub const SPECS: &[&crate::spec::Spec] = &[$(&$name::SPEC),*];
    };
}

pub mod help;
pub mod parts;

pub mod bitmap;
pub mod common;
pub mod connection;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod scripting;
pub mod server;
pub mod set;
pub mod stream;
pub mod string;
pub mod transactions;
pub mod zset;

/// The groups in the order of the table.
pub const GROUPS: &[&[&crate::spec::Spec]] = &[
    string::SPECS,
    generic::SPECS,
    bitmap::SPECS,
    hyperloglog::SPECS,
    list::SPECS,
    hash::SPECS,
    set::SPECS,
    zset::SPECS,
    geo::SPECS,
    stream::SPECS,
    transactions::SPECS,
    scripting::SPECS,
    connection::SPECS,
    server::SPECS,
];

#[cfg(test)]
mod tests;
