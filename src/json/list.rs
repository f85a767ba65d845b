//! Long lists read by all cores: each member is handed out as the text that starts with it, so that reading it finds its
//! end, and nothing is scanned twice.

use super::lex;
use super::node::{Node, Type};
use super::walk::Cursor;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Lists shorter than this are read by one core.
const PARALLEL: usize = if cfg!(test) { 400 } else { 1 << 20 };

/// About as much text is read at a time by each core.
const PART: usize = if cfg!(test) { 50 } else { 1 << 21 };

/// An element of a list that is being read.
pub struct Entry<'a> {
    /// The whole document.
    text: &'a [u8],
    /// Where the element starts in it.
    pub start: usize,
}

impl<'a> Entry<'a> {
    /// The document from this element on; what follows the element is left to the reader to stop at.
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.start..).unwrap_or_default()
    }
}

/// Read every element of a list, in order, long lists by all cores. `read` gives what it makes of the element, and how many
/// bytes it read; when it does not know how many, the end is searched.
pub fn each<T: Send>(list: &Node, read: impl Fn(&Entry<'_>) -> (T, Option<usize>) + Sync) -> Vec<T> {
    each_into(list, |entry, items| {
        let (item, size) = read(entry);
        items.push(item);
        size
    })
}

/// The same where an element makes any number of things: `read` adds them to those before. All of it stands in memory once.
pub fn each_into<T: Send>(list: &Node, read: impl Fn(&Entry<'_>, &mut Vec<T>) -> Option<usize> + Sync) -> Vec<T> {
    if list.kind() != Type::Array {
        return Vec::new();
    }
    let (count, size) = (list.len(), list.size());
    let cores = if size < PARALLEL { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    if cores == 1 {
        let mut items = Vec::new();
        run(list, 0..count, &read, &mut items);
        return items;
    }
    // Many parts: elements differ in size, and what is read waits only until the part before it is there.
    let parts = (size / PART).max(cores * 4).min(count.max(1));
    let (next, merged) = (AtomicUsize::new(0), Mutex::new(Merged::default()));
    let work = || loop {
        let part = next.fetch_add(1, Ordering::Relaxed);
        if part >= parts {
            return;
        }
        let mut items = Vec::new();
        run(list, count * part / parts..count * (part + 1) / parts, &read, &mut items);
        merged.lock().unwrap_or_else(PoisonError::into_inner).add(part, items);
    };
    std::thread::scope(|scope| {
        (1..cores).for_each(|_| {
            scope.spawn(work);
        });
        work();
    });
    merged.into_inner().unwrap_or_else(PoisonError::into_inner).all
}

/// What was read so far.
struct Merged<T> {
    all: Vec<T>,
    /// How many parts are in it.
    parts: usize,
    /// Parts that came before their turn.
    early: HashMap<usize, Vec<T>>,
}

impl<T> Default for Merged<T> {
    fn default() -> Self {
        Self { all: Vec::new(), parts: 0, early: HashMap::new() }
    }
}

impl<T> Merged<T> {
    fn add(&mut self, part: usize, items: Vec<T>) {
        self.early.insert(part, items);
        while let Some(mut items) = self.early.remove(&self.parts) {
            self.all.append(&mut items);
            self.parts += 1;
        }
    }
}

/// Read the elements of these numbers.
fn run<T>(list: &Node, numbers: Range<usize>, read: &impl Fn(&Entry<'_>, &mut Vec<T>) -> Option<usize>, items: &mut Vec<T>) {
    let doc = list.doc();
    let bytes = doc.text();
    let mut cursor = Cursor::new(doc, list.start());
    cursor.seek(doc, numbers.start);
    while cursor.ordinal() < numbers.start && cursor.next(doc).is_some() {}
    let mut left = numbers.len();
    let Some(mut start) = (left > 0).then(|| cursor.next(doc)).flatten().map(|member| member.value) else { return };
    loop {
        let size = read(&Entry { text: bytes, start }, items);
        left -= 1;
        if left == 0 {
            return;
        }
        let end = size.map_or_else(|| lex::value_end(bytes, start), |size| start + size);
        let comma = lex::skip_space(bytes, end);
        if bytes.get(comma) != Some(&b',') {
            return;
        }
        start = lex::skip_space(bytes, comma + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::doc::Doc;
    use super::*;

    fn numbers(entry: &Entry<'_>) -> (u64, Option<usize>) {
        let mut stream = serde_json::Deserializer::from_slice(entry.rest()).into_iter::<Vec<u64>>();
        let number = stream.next().unwrap().unwrap()[0];
        (number, Some(stream.byte_offset()))
    }

    #[test]
    fn order_is_kept_however_many_read() {
        for count in [0_u64, 1, 2, 7, 100, 1000] {
            let list: Vec<[u64; 1]> = (0..count).map(|number| [number]).collect();
            let doc = Doc::parse(serde_json::to_vec_pretty(&list).unwrap().into()).unwrap();
            let expected: Vec<u64> = (0..count).collect();
            assert_eq!(each(&doc.root(), numbers), expected);
            assert_eq!(each(&doc.root(), |entry| (numbers(entry).0, None)), expected);
            let twice = each_into(&doc.root(), |entry, all| {
                let (number, size) = numbers(entry);
                all.extend((0..number % 3).map(|_| number));
                size
            });
            assert_eq!(twice, expected.iter().flat_map(|n| vec![*n; (n % 3) as usize]).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_list_has_no_elements() {
        let doc = Doc::parse(r#"{"a":[1]}"#.into()).unwrap();
        assert!(each(&doc.root(), |entry| (entry.start, None)).is_empty());
    }
}
