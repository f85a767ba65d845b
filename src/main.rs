//! The `pilotage` program.

use cap::Cap;
use std::alloc::System;
use std::process::ExitCode;

/// Counts what is allocated, so that a script that takes too much is stopped and not the machine. It refuses nothing itself.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    pilotage::memory::counted_by(|| MEMORY.allocated());
    pilotage::cli::main()
}
