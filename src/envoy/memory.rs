//! How much memory a proxy uses.

use super::page::one;
use super::wire::Flaws;
use crate::error::Result;
use crate::json::{Found, Node};
use crate::record;

record! {
    /// A proxy's memory, in bytes. A number that its allocator does not tell is 0.
    pub struct Memory as "memory" {
        /// In use.
        pub allocated: Option<u64>,
        /// Reserved by the allocator, in use or not.
        pub heap_size: Option<u64>,
        /// What the kernel has given to it in truth.
        pub total_physical_bytes: Option<u64>,
        /// Reserved, unused, and kept.
        pub pageheap_free: Option<u64>,
        /// Reserved, unused, and given back.
        pub pageheap_unmapped: Option<u64>,
        /// Kept for the threads.
        pub total_thread_cache: Option<u64>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct MemoryWire<'de> {
        allocated: Option<u64>,
        heap_size: Option<u64>,
        total_physical_bytes: Option<u64>,
        pageheap_free: Option<u64>,
        pageheap_unmapped: Option<u64>,
        total_thread_cache: Option<u64>,
    }
}

/// What `/memory` says: one.
///
/// # Errors
/// The document is another page.
pub fn memory(root: &Node) -> Result<Vec<Found<Memory>>> {
    Ok(vec![one(root, "/memory", "allocated", record)?])
}

fn record(wire: MemoryWire<'_>, flaws: &Flaws) -> Memory {
    Memory {
        allocated: wire.allocated,
        heap_size: wire.heap_size,
        total_physical_bytes: wire.total_physical_bytes,
        pageheap_free: wire.pageheap_free,
        pageheap_unmapped: wire.pageheap_unmapped,
        total_thread_cache: wire.total_thread_cache,
        broken: flaws.line(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_that_come_as_text_are_numbers() {
        let root = Node::from_value(&json!({"allocated": "7945264", "heap_size": 14680064, "pageheap_free": "x"})).unwrap();
        let row = memory(&root).unwrap().remove(0).record;
        assert_eq!((row.allocated, row.heap_size, row.total_physical_bytes), (Some(7_945_264), Some(14_680_064), None));
        assert_eq!(row.broken.as_deref(), Some("pageheap_free is not a whole number"));
    }

    #[test]
    fn another_page_is_told() {
        let root = Node::from_value(&json!({"stats": []})).unwrap();
        assert!(memory(&root).unwrap_err().message().contains("it is the answer of /stats"));
    }
}
