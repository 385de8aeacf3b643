//! Commands about libraries of functions. Libraries are kept as they stand in files; none is run.

commands![function];
