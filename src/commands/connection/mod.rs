//! Commands about the connection itself.

pub mod shared;

commands![auth client echo hello ping quit reset select];
