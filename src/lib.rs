//! Ringfort.
pub mod base;
pub mod cli;
pub mod proto;
