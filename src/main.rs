//! The `pilotage` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    pilotage::cli::main()
}
