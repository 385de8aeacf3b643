//! Commands of the group server.

commands![];
