//! Ringfort.

pub mod base;
pub mod keyspace;
