//! A small part of a document, read as a tree that jsonpath-rust can query. Each value remembers where it stands.

use super::doc::Doc;
use super::lex;
use super::node::slice;
use super::search::Way;
use jsonpath_rust::query::queryable::Queryable;
use std::borrow::Cow;

/// A value and its place. Strings borrow from the document; members are few, so objects are plain lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree<'d> {
    value: Val<'d>,
    /// Where it starts in the document's text; 0 for values that a query made.
    pub(super) start: usize,
}

#[derive(Debug, Clone, Default)]
enum Val<'d> {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'d, str>),
    Array(Vec<Tree<'d>>),
    Object(Vec<(Cow<'d, str>, Tree<'d>)>),
    /// Another tree's value.
    Same(&'d Tree<'d>),
}

impl<'d> Tree<'d> {
    /// Read the value at `start`, which ends before `bound`.
    pub(super) fn read(doc: &'d Doc, start: usize, bound: usize) -> Self {
        let mut reader = Reader { text: slice(doc, start, bound), base: start, at: 0 };
        reader.value()
    }

    /// An object of these members.
    pub(super) fn object(members: Vec<(Cow<'d, str>, Tree<'d>)>, start: usize) -> Self {
        Self { value: Val::Object(members), start }
    }

    /// An array of these elements.
    pub(super) fn array(elements: Vec<Tree<'d>>, start: usize) -> Self {
        Self { value: Val::Array(elements), start }
    }

    /// The same value once more, without copying it.
    pub(super) fn of<'t>(tree: &'t Tree<'t>) -> Tree<'t> {
        Tree { value: Val::Same(tree), start: tree.start }
    }

    /// What jsonpath-rust runs on: the root as filters see it, and the value to be searched.
    pub(super) fn pair<'t>(root: &'t Tree<'t>, second: &'t Tree<'t>) -> Tree<'t> {
        Tree::array(vec![Tree::of(root), Tree::of(second)], 0)
    }

    fn value(&self) -> &Val<'d> {
        match &self.value {
            Val::Same(tree) => tree.value(),
            value => value,
        }
    }

    pub(super) fn is_container(&self) -> bool {
        matches!(self.value(), Val::Array(_) | Val::Object(_))
    }

    /// The member of a key.
    pub(super) fn member(&self, key: &str) -> Option<&Self> {
        let Val::Object(members) = self.value() else { return None };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// All members with the step that leads to each.
    pub(super) fn members(&self) -> impl Iterator<Item = (Way<'_>, &Self)> {
        let (elements, members) = match self.value() {
            Val::Array(elements) => (elements.as_slice(), &[][..]),
            Val::Object(members) => (&[][..], members.as_slice()),
            _ => (&[][..], &[][..]),
        };
        let elements = elements.iter().enumerate().map(|(index, element)| (Way::Index(index), element));
        elements.chain(members.iter().map(|(key, member)| (Way::Key(key), member)))
    }
}

/// Reads checked text: it never fails, and what cannot be is null.
struct Reader<'d> {
    text: &'d str,
    base: usize,
    at: usize,
}

impl<'d> Reader<'d> {
    fn value(&mut self) -> Tree<'d> {
        let start = self.base + self.at;
        let value = match self.text.as_bytes().get(self.at) {
            Some(b'{') => Val::Object(self.members()),
            Some(b'[') => Val::Array(self.elements()),
            Some(b'"') => Val::Text(self.string()),
            _ => self.scalar(),
        };
        Tree { value, start }
    }

    /// Skip white space; the byte there.
    fn next(&mut self) -> Option<u8> {
        self.at = lex::skip_space(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied()
    }

    fn elements(&mut self) -> Vec<Tree<'d>> {
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            match self.next() {
                Some(b']') | None => break,
                Some(b',') => self.at += 1,
                Some(_) => elements.push(self.value()),
            }
        }
        self.at += 1;
        elements
    }

    fn members(&mut self) -> Vec<(Cow<'d, str>, Tree<'d>)> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            match self.next() {
                Some(b'"') => {
                    let key = self.string();
                    self.next();
                    self.at += 1;
                    self.next();
                    members.push((key, self.value()));
                }
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.at += 1;
        members
    }

    fn string(&mut self) -> Cow<'d, str> {
        let (start, end) = (self.at, lex::string_end(self.text.as_bytes(), self.at));
        self.at = end;
        let raw = self.text.get(start + 1..end.saturating_sub(1)).unwrap_or_default();
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Cow::Borrowed(raw);
        }
        let quoted = self.text.get(start..end).unwrap_or_default();
        serde_json::from_str(quoted).map_or(Cow::Borrowed(raw), Cow::Owned)
    }

    fn scalar(&mut self) -> Val<'d> {
        let (start, end) = (self.at, lex::scalar_end(self.text.as_bytes(), self.at));
        self.at = end.max(start + 1);
        match self.text.get(start..end).unwrap_or_default() {
            "true" => Val::Bool(true),
            "false" => Val::Bool(false),
            "null" => Val::Null,
            number => match (number.parse(), number.parse()) {
                (Ok(int), _) => Val::Int(int),
                (_, Ok(float)) => Val::Float(float),
                _ => Val::Null,
            },
        }
    }
}

/// Objects are equal whatever the order of their members; where a value stands does not matter.
impl PartialEq for Tree<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.value(), other.value()) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::Int(a), Val::Int(b)) => a == b,
            (Val::Float(a), Val::Float(b)) => a == b,
            (Val::Text(a), Val::Text(b)) => a == b,
            (Val::Array(a), Val::Array(b)) => a == b,
            (Val::Object(a), Val::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, value)| other.member(key).is_some_and(|found| found == value))
            }
            _ => false,
        }
    }
}

impl From<&str> for Tree<'_> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Tree<'_> {
    fn from(text: String) -> Self {
        Self { value: Val::Text(text.into()), start: 0 }
    }
}

impl From<bool> for Tree<'_> {
    fn from(value: bool) -> Self {
        Self { value: Val::Bool(value), start: 0 }
    }
}

impl From<i64> for Tree<'_> {
    fn from(value: i64) -> Self {
        Self { value: Val::Int(value), start: 0 }
    }
}

impl From<f64> for Tree<'_> {
    fn from(value: f64) -> Self {
        Self { value: Val::Float(value), start: 0 }
    }
}

impl From<Vec<Self>> for Tree<'_> {
    fn from(elements: Vec<Self>) -> Self {
        Self { value: Val::Array(elements), start: 0 }
    }
}

impl Queryable for Tree<'_> {
    fn get(&self, key: &str) -> Option<&Self> {
        self.member(key)
    }

    fn as_array(&self) -> Option<&Vec<Self>> {
        if let Val::Array(elements) = self.value() { Some(elements) } else { None }
    }

    fn as_object(&self) -> Option<Vec<(&str, &Self)>> {
        let Val::Object(members) = self.value() else { return None };
        Some(members.iter().map(|(key, value)| (key.as_ref(), value)).collect())
    }

    fn as_str(&self) -> Option<&str> {
        if let Val::Text(text) = self.value() { Some(text) } else { None }
    }

    fn as_i64(&self) -> Option<i64> {
        if let Val::Int(value) = *self.value() { Some(value) } else { None }
    }

    #[expect(clippy::cast_precision_loss, reason = "JSONPath compares all numbers as floats")]
    fn as_f64(&self) -> Option<f64> {
        match *self.value() {
            Val::Int(value) => Some(value as f64),
            Val::Float(value) => Some(value),
            _ => None,
        }
    }

    fn as_bool(&self) -> Option<bool> {
        if let Val::Bool(value) = *self.value() { Some(value) } else { None }
    }

    fn null() -> Self {
        Self::default()
    }

    /// jsonpath-rust's own functions on lists: `in`, `nin`, `any_of`, `none_of`, `subset_of`.
    fn extension_custom(name: &str, args: Vec<Cow<'_, Self>>) -> Self {
        let [one, list] = args.as_slice() else { return Self::null() };
        let Some(list) = list.as_array() else { return Self::null() };
        let of = |test: fn(&[Self], &[Self]) -> bool| one.as_array().map_or_else(Self::null, |some| test(some, list).into());
        match name {
            "in" => list.contains(one).into(),
            "nin" => (!list.contains(one)).into(),
            "any_of" => of(|some, list| some.iter().any(|item| list.contains(item))),
            "none_of" => of(|some, list| !some.iter().any(|item| list.contains(item))),
            "subset_of" => of(|some, list| some.iter().all(|item| list.contains(item))),
            _ => Self::null(),
        }
    }
}
