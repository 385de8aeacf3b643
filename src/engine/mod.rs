//! Running calls on one core, and transactions over several. Pure: no socket, no clock, no thread.

pub mod admit;
pub mod block;
pub mod conn;
pub mod durable;
pub mod intake;
pub mod link;
pub mod multi;
pub mod probe;
pub mod remote;
pub mod run;
pub mod tracking;
pub mod txn;
pub mod worker;

use crate::spec::{call::Origin, client::Client, request::LogLevel, request::Request};

/// What a call on another core needs to know of its client.
fn origin(client: &Client, in_multi: bool) -> Origin {
    let (no_touch, is_local, is_loader) = (client.no_touch, client.is_local, client.id == 0);
    let (is_tracking, home) = (client.tracking.is_reading, client.tracking.home);
    Origin { client: client.id, no_touch, in_multi, is_local, is_loader, is_tracking, home }
}

/// The log line about somebody who makes a browser talk to the server.
fn cross_protocol_warning() -> Request {
    Request::Log(
        LogLevel::Warning,
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to this server. \
         The connection is closed."
            .to_string(),
    )
}
