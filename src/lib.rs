//! Ringfort.
pub mod data;
