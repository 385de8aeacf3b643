//! The binary: `ringfort [conf] [--option value ...]`, and its tools by name.

#[global_allocator]
static ALLOCATOR: ringfort::base::heap::Heap = ringfort::base::heap::Heap;

fn main() {
    std::process::exit(ringfort::cli::main());
}
