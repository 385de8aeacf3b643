//! Ringfort: a Redis-compatible server for Linux in which every core owns a range of the hash slots and everything in it.
//!
//! The folders and what each may know: ARCHITECTURE.md. A folder imports only folders of a lower layer; `io` is reached by
//! `node` and `cli` alone.

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
pub mod persist;
pub mod proto;
pub mod spec;
