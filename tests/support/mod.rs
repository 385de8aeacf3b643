//! What the tests of a running server share: starting one, talking to it, transcripts, seeded random numbers.
//! Nothing here knows a command; nothing here is used by the server.

pub mod cases;
pub mod client;
pub mod cores;
pub mod mount;
pub mod random;
pub mod reply;
pub mod server;
pub mod site;

pub use client::Client;
pub use random::Random;
pub use reply::Reply;
pub use server::{Program, Server};
pub use site::Site;
