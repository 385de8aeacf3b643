//! Layer 2: what INFO shows. [`report`] is one core's figures as a record that travels to another core and adds up there;
//! [`catalog`] is the one table of sections and fields; [`human`] prints sizes.
//! Does not count anything and knows no command: commands/server/info.rs fills a report from a core's state.
//! Ref: redis.io/commands/info

pub mod catalog;
pub mod human;
pub mod report;
