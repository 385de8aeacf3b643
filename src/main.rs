//! The binary: `ringfort [conf] [--option value ...]`, and its tools by name.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    std::process::exit(ringfort::cli::main());
}
