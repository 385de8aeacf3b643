//! The catalogue: every command, one file each, by group. A command's path is a function of its name.

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
pub mod hyperloglog;
pub mod server;
pub mod string;
pub mod transactions;

/// The groups in the order of the table.
pub const GROUPS: &[&[&crate::spec::Spec]] =
    &[string::SPECS, generic::SPECS, bitmap::SPECS, hyperloglog::SPECS, transactions::SPECS, connection::SPECS, server::SPECS];

#[cfg(test)]
mod tests;
