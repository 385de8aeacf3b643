//! Ringfort.
pub mod io;
