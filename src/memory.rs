//! How much memory the process holds. Only a program can count that, since only it chooses the allocator; a library
//! without such a program simply has no limit.

use std::sync::OnceLock;

static USED: OnceLock<fn() -> usize> = OnceLock::new();

/// A program whose allocator counts says so here, once, at its start.
pub fn counted_by(used: fn() -> usize) {
    // A second counter of the same memory would say the same.
    let _ = USED.set(used);
}

/// What counts the bytes in use, if anything does: for [`crate::host::Limits::memory`].
pub fn counter() -> Option<fn() -> usize> {
    USED.get().copied()
}
