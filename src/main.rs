//! The binary: passes the arguments to the library and returns its exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(largescale::run(std::env::args_os().collect()).code())
}
