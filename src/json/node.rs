//! A place in a document, read when asked.

use super::doc::{Doc, Keys};
use super::lex;
use super::walk::{Cursor, Member};
use crate::error::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The longest text that becomes a tree of values without being asked twice. Such a tree weighs about ten times its text.
const TREE: usize = 16 * 1024 * 1024;
/// From so many members on, an object asked by key gets a table of its keys.
const TABLE: usize = if cfg!(test) { 4 } else { 64 };

/// What sort of value a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Type {
    /// Its name in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// A value in a document: a place in its text. Cloning costs a counter.
#[derive(Clone)]
pub struct Node {
    doc: Arc<Doc>,
    start: usize,
}

impl Node {
    pub(super) fn new(doc: Arc<Doc>, start: usize) -> Self {
        Self { doc, start }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The document that it is a part of.
    pub fn doc(&self) -> &Arc<Doc> {
        &self.doc
    }

    /// A value made elsewhere, as a document of its own.
    ///
    /// # Errors
    /// The value nests too deep.
    pub fn from_value(value: &Value) -> Result<Self> {
        Ok(Doc::from_value(value)?.root())
    }

    /// What sort of value it is.
    pub fn kind(&self) -> Type {
        match self.doc.text().get(self.start) {
            Some(b'{') => Type::Object,
            Some(b'[') => Type::Array,
            Some(b'"') => Type::String,
            Some(b't' | b'f') => Type::Bool,
            Some(b'n') | None => Type::Null,
            Some(_) => Type::Number,
        }
    }

    /// The member of this key. Of a key said twice, the first counts.
    pub fn get(&self, key: &str) -> Option<Self> {
        if self.kind() != Type::Object {
            return None;
        }
        let mut cursor = Cursor::new(&self.doc, self.start);
        if let Some(big) = self.doc.index().find(self.start)
            && big.count >= TABLE
        {
            let keys = self.doc.keys(self.start, || self.table());
            cursor.jump(*keys.get(&hash(key))?);
        }
        while let Some(member) = cursor.next(&self.doc) {
            if self.is_key(member, key) {
                return Some(self.at_place(member.value));
            }
        }
        None
    }

    /// The element of this number; of an object, the member's value.
    pub fn at(&self, index: usize) -> Option<Self> {
        let mut cursor = Cursor::new(&self.doc, self.start);
        cursor.seek(&self.doc, index);
        loop {
            let ordinal = cursor.ordinal();
            let member = cursor.next(&self.doc)?;
            if ordinal == index {
                return Some(self.at_place(member.value));
            }
        }
    }

    /// How many members a container has; 0 for anything else.
    pub fn len(&self) -> usize {
        if let Some(big) = self.doc.index().find(self.start) {
            return big.count;
        }
        let mut cursor = Cursor::new(&self.doc, self.start);
        while cursor.next(&self.doc).is_some() {}
        cursor.ordinal()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        Cursor::new(&self.doc, self.start).next(&self.doc).is_none()
    }

    /// The keys of an object, in the text's order.
    pub fn keys(&self) -> impl Iterator<Item = String> + use<> {
        self.items().filter_map(|(key, _)| key)
    }

    /// The values of a container.
    pub fn iter(&self) -> impl Iterator<Item = Self> + use<> {
        let mut items = self.items();
        std::iter::from_fn(move || items.step().map(|(_, node)| node))
    }

    /// The members of a container: an object's with their keys.
    pub fn items(&self) -> Items {
        Items { cursor: Cursor::new(&self.doc, self.start), node: self.clone() }
    }

    /// How long its text is, in bytes.
    pub fn size(&self) -> usize {
        self.end() - self.start
    }

    fn end(&self) -> usize {
        match self.doc.index().find(self.start) {
            Some(big) => big.end,
            None => lex::value_end(self.doc.text(), self.start),
        }
    }

    /// Its text, exactly as it came.
    pub fn text(&self) -> &str {
        slice(&self.doc, self.start, self.end())
    }

    /// The text of a string, without quotes and escapes.
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        (self.kind() == Type::String).then(|| string(&self.doc, self.start))
    }

    /// A bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self.doc.text().get(self.start)? {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        }
    }

    /// A whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        if self.kind() == Type::Number { self.scalar().parse().ok() } else { None }
    }

    /// Any number.
    pub fn as_f64(&self) -> Option<f64> {
        if self.kind() == Type::Number { self.scalar().parse().ok() } else { None }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Type::Null
    }

    fn scalar(&self) -> &str {
        slice(&self.doc, self.start, lex::scalar_end(self.doc.text(), self.start))
    }

    /// All of it as a tree of values.
    ///
    /// # Errors
    /// It is too big for that: over 16 MB of text.
    pub fn to_value(&self) -> Result<Value> {
        self.to_value_within(TREE)
    }

    /// As [`Node::to_value`], with a limit of one's own.
    ///
    /// # Errors
    /// Its text is longer than `limit` bytes.
    pub fn to_value_within(&self, limit: usize) -> Result<Value> {
        let size = self.size();
        if size > limit {
            let sizes = format!("{} of JSON; as a map it would take about ten times as much memory", megabytes(size));
            return Err(Error::new(Kind::Limit, format!("this is {sizes} (limit {})", megabytes(limit)))
                .hint("go down to the part that is needed, loop over it, or select with jsonpath()"));
        }
        self.decode()
    }

    /// Decode it into a type of one's own; texts may borrow from the document.
    ///
    /// # Errors
    /// It has not the shape that the type wants.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        let text = self.text();
        serde_json::from_str(text).map_err(|error| {
            let short: String = text.chars().take(60).collect();
            Error::new(Kind::BadAnswer, format!("unexpected shape of JSON: {error}")).cause(format!("it starts with `{short}`"))
        })
    }

    fn at_place(&self, start: usize) -> Self {
        Self { doc: Arc::clone(&self.doc), start }
    }

    fn is_key(&self, member: Member, key: &str) -> bool {
        let Some(start) = member.key else { return false };
        let text = self.doc.text();
        let open = start + 1;
        let raw = text.get(open..open + key.len());
        let same = raw == Some(key.as_bytes()) && text.get(open + key.len()) == Some(&b'"') && !key.contains(['\\', '"']);
        same || (text.get(lex::string_stop(text, open)) == Some(&b'\\') && string(&self.doc, start) == key)
    }

    /// Where each key starts.
    fn table(&self) -> Keys {
        let mut keys = HashMap::new();
        let mut cursor = Cursor::new(&self.doc, self.start);
        while let Some(member) = cursor.next(&self.doc) {
            let Some(key) = member.key else { continue };
            keys.entry(hash(&string(&self.doc, key))).or_insert(key);
        }
        keys
    }
}

impl PartialEq for Node {
    /// Whether both are the same text.
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.text().chars().take(40).collect();
        write!(f, "Node({} at {}: {start})", self.kind().word(), self.start)
    }
}

/// The members of a container, one by one.
pub struct Items {
    node: Node,
    cursor: Cursor,
}

impl Items {
    fn step(&mut self) -> Option<(Option<usize>, Node)> {
        let member = self.cursor.next(&self.node.doc)?;
        Some((member.key, self.node.at_place(member.value)))
    }
}

impl Iterator for Items {
    type Item = (Option<String>, Node);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, node) = self.step()?;
        Some((key.map(|at| string(&self.node.doc, at).into_owned()), node))
    }
}

/// A part of the text. The document was checked, so the fallback is never used.
pub(super) fn slice(doc: &Doc, start: usize, end: usize) -> &str {
    doc.text().get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The string that opens here, unescaped.
pub(super) fn string(doc: &Doc, start: usize) -> Cow<'_, str> {
    let end = lex::string_end(doc.text(), start);
    let raw = slice(doc, start + 1, end.saturating_sub(1));
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str(slice(doc, start, end)).map_or(Cow::Borrowed(raw), Cow::Owned)
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// A size for people.
fn megabytes(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes / 1024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}
