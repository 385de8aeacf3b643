//! Commands of the group bitmap.

commands![];
