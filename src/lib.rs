//! Ringfort: a Redis-compatible server for Linux in which every core owns a range of the hash slots and everything in it.
//! Folders in reading order, lowest layer first; a folder imports only folders above it in this list
//! (`io` is the exception: only `node` and `cli` may).

pub mod base;
pub mod cli;
pub mod commands;
pub mod config;
pub mod data;
pub mod engine;
pub mod io;
pub mod keyspace;
pub mod metrics;
pub mod node;
pub mod proto;
pub mod spec;
