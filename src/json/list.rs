//! Long lists read by all cores: each member is handed out as the text that starts with it, so that reading it finds its
//! end, and nothing is scanned twice.

use super::cores::on_all_cores;
use super::lex;
use super::node::{Node, Type};
use super::walk::Cursor;

/// Lists shorter than this are read by one core.
const PARALLEL: usize = if cfg!(test) { 400 } else { 1 << 20 };

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
    if list.kind() != Type::Array {
        return Vec::new();
    }
    let count = list.len();
    let cores = if list.size() < PARALLEL { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    // More parts than cores: elements differ in size.
    let parts = if cores == 1 { 1 } else { (cores * 4).min(count.max(1)) };
    let bound = |part: usize| count * part / parts;
    if parts == 1 {
        return run(list, 0, count, &read);
    }
    on_all_cores(parts, |part| run(list, bound(part), bound(part + 1), &read))
}

/// Read the elements of these numbers.
fn run<T>(list: &Node, first: usize, behind: usize, read: &impl Fn(&Entry<'_>) -> (T, Option<usize>)) -> Vec<T> {
    let doc = list.doc();
    let bytes = doc.text();
    let mut cursor = Cursor::new(doc, list.start());
    cursor.seek(doc, first);
    while cursor.ordinal() < first && cursor.next(doc).is_some() {}
    let mut items = Vec::with_capacity(behind - first);
    let Some(mut start) = (first < behind).then(|| cursor.next(doc)).flatten().map(|member| member.value) else { return items };
    loop {
        let (item, size) = read(&Entry { text: bytes, start });
        items.push(item);
        if items.len() == behind - first {
            return items;
        }
        let end = size.map_or_else(|| lex::value_end(bytes, start), |size| start + size);
        let comma = lex::skip_space(bytes, end);
        if bytes.get(comma) != Some(&b',') {
            return items;
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
        }
    }

    #[test]
    fn what_is_no_list_has_no_elements() {
        let doc = Doc::parse(r#"{"a":[1]}"#.into()).unwrap();
        assert!(each(&doc.root(), |entry| (entry.start, None)).is_empty());
    }
}
