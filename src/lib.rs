//! Ringfort.
pub mod base;
pub mod commands;
pub mod config;
pub mod data;
pub mod keyspace;
pub mod proto;
pub mod spec;
