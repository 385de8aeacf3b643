//! Commands of the group hyperloglog.

commands![];
