//! Commands of the group transactions.

commands![];
