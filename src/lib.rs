//! Ringfort.
