//! Ringfort.

pub mod config;
