//! How much a script may use before it is stopped.

use std::fmt;

/// Limits of one evaluation.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The most operations; 0 for no limit.
    pub operations: u64,
    /// The deepest nesting of calls.
    pub call_depth: usize,
    /// The most bytes the process may hold, and how to learn how many it does. Without a counting allocator
    /// there is no such limit.
    pub memory: Option<(usize, fn() -> usize)>,
}

impl Limits {
    /// So many operations end a runaway loop within seconds; no honest playbook comes near.
    pub const OPERATIONS: u64 = 100_000_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self { operations: Self::OPERATIONS, call_depth: 64, memory: None }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory.map(|(bytes, _)| bytes);
        f.debug_struct("Limits")
            .field("operations", &self.operations)
            .field("call_depth", &self.call_depth)
            .field("memory", &memory)
            .finish()
    }
}
