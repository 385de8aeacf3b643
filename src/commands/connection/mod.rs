//! Commands of the group connection.

commands![];
