//! Ringfort.
pub mod base;
pub mod proto;
