//! Ringfort.
pub mod metrics;
