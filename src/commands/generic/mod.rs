//! Commands of the group generic.

commands![];
