//! Transactions over several cores. The protocol and its invariants: ARCHITECTURE.md, "Tickets".

pub mod gather;
pub mod marks;
pub mod merge;
pub mod plan;
pub mod queue;
pub mod ticket;
