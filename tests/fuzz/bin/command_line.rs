#![no_main]

#[path = "../../support/cores.rs"]
mod cores;
#[path = "../command_line.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
