//! The only test binary. Unit tests live beside the code; what is here looks at the house as a whole or at a running server.

mod clients;
mod crash;
mod fuzz;
mod interchange;
mod oracle;
mod queue;
mod roads;
mod sim;
mod support;
mod tidy;
mod tracking;
mod turns;
mod wire;
