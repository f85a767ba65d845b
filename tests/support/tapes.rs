//! Engines on the tapes of this repository.

use pilotage::Pilotage;
use pilotage::backend::Tape;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a tape lies.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/tapes/{name}.tape"))
}

/// A fresh engine on a tape: every question is asked for the first time.
pub fn engine(name: &str) -> Pilotage {
    let tape = Tape::open(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Pilotage::builder(Arc::new(tape)).build().unwrap_or_else(|error| panic!("{name}: {error}"))
}
