//! Nested documents as a tree: what each part is and, where parts are left out, how many.

use super::fit;
use super::style::{self, Look};
use super::theme::Role;
use crate::json::{Node, Type};
use crate::report::{Content, Table};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, Write};

/// A list of scalars that is not longer stands on one line.
const INLINE: usize = 12;
/// Keys whose text tells one element of a list from the others, the best first.
const TELLING: [&str; 4] = ["name", "@type", "id", "key"];

/// How much of a tree is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many levels.
    pub depth: usize,
    /// How many members of each list or object.
    pub members: usize,
}

impl Limits {
    /// All of it.
    pub const NONE: Self = Self { depth: usize::MAX, members: usize::MAX };
}

/// A document, or a part of one.
#[derive(Debug, Clone)]
pub enum Part<'a> {
    /// A value.
    Value(Cow<'a, Value>),
    /// A document that is read where it is looked at.
    Node(Node),
    /// Rows, as objects.
    Rows(&'a Table),
    /// One of them.
    Row(&'a Table, usize),
}

impl<'a> From<&'a Content> for Part<'a> {
    fn from(content: &'a Content) -> Self {
        match content {
            Content::Table(table) => Self::Rows(table),
            Content::Document(node) => Self::Node(node.clone()),
            Content::Value(value) => value.into(),
            Content::Page(page) => (&page.data).into(),
            Content::Text(text) => Self::Value(Cow::Owned(text.as_str().into())),
            Content::Nothing => Self::Value(Cow::Owned(Value::Null)),
        }
    }
}

impl<'a> From<&'a Value> for Part<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(Cow::Borrowed(value))
    }
}

impl From<Node> for Part<'_> {
    fn from(node: Node) -> Self {
        Self::Node(node)
    }
}

/// The members of a part, one by one: an object's with their keys.
type Members<'p, 'a> = Box<dyn Iterator<Item = (Option<String>, Part<'a>)> + 'p>;

impl<'a> Part<'a> {
    fn kind(&self) -> Type {
        match self {
            Self::Node(node) => node.kind(),
            Self::Rows(_) => Type::Array,
            Self::Row(..) => Type::Object,
            Self::Value(value) => match value.as_ref() {
                Value::Null => Type::Null,
                Value::Bool(_) => Type::Bool,
                Value::Number(_) => Type::Number,
                Value::String(_) => Type::String,
                Value::Array(_) => Type::Array,
                Value::Object(_) => Type::Object,
            },
        }
    }

    fn has_members(&self) -> bool {
        matches!(self.kind(), Type::Array | Type::Object)
    }

    fn len(&self) -> usize {
        match self {
            Self::Node(node) => node.len(),
            Self::Rows(table) => table.rows.len(),
            Self::Row(table, _) => table.columns.len(),
            Self::Value(value) => match value.as_ref() {
                Value::Array(items) => items.len(),
                Value::Object(fields) => fields.len(),
                _ => 0,
            },
        }
    }

    fn members(&self) -> Members<'_, 'a> {
        match self {
            Self::Node(node) => Box::new(node.items().map(|(key, node)| (key, Part::Node(node)))),
            Self::Rows(table) => {
                let table: &'a Table = table;
                Box::new((0..table.rows.len()).map(move |row| (None, Part::Row(table, row))))
            }
            Self::Row(table, row) => {
                let value = |column| Part::Value(Cow::Owned(table.rows.value(*row, column).into_owned()));
                Box::new(table.columns.iter().enumerate().map(move |(column, name)| (Some(name.clone()), value(column))))
            }
            Self::Value(Cow::Borrowed(value)) => inside(value, Cow::Borrowed),
            Self::Value(Cow::Owned(value)) => inside(value, |value| Cow::Owned(value.clone())),
        }
    }

    /// A scalar as text, and the colour of its sort.
    fn scalar(&self) -> (String, Role) {
        let (text, plain) = match self {
            Self::Node(node) => (node.as_str(), node.text().to_owned()),
            Self::Value(value) => (value.as_str().map(Cow::Borrowed), value.to_string()),
            Self::Rows(_) | Self::Row(..) => (None, String::new()),
        };
        match (text, self.kind()) {
            (Some(text), _) => (quoted(&text), style::status(&text).unwrap_or(style::STRING)),
            (None, Type::Number) => (plain, style::NUMBER),
            (None, _) => (plain, style::KEYWORD),
        }
    }

    /// What tells it from its neighbours in a list.
    fn telling(&self) -> Option<String> {
        let text = |key: &str| match self {
            Self::Node(node) => node.get(key)?.as_str().map(Cow::into_owned),
            Self::Value(value) => value.get(key)?.as_str().map(str::to_owned),
            Self::Row(table, row) => {
                let column = table.columns.iter().position(|name| name == key)?;
                table.rows.value(*row, column).as_str().map(str::to_owned)
            }
            Self::Rows(_) => None,
        };
        let (key, text) = TELLING.iter().find_map(|key| Some((*key, text(key).filter(|text| !text.is_empty())?)))?;
        // Of `type.googleapis.com/envoy.admin.v3.ClustersConfigDump` the end is enough.
        Some(if key == "@type" { text.rsplit(['/', '.']).next().unwrap_or_default().to_owned() } else { text })
    }

    /// How big it is, where that matters.
    fn weight(&self) -> String {
        match self {
            Self::Node(node) if node.size() >= 1024 => format!(", {}", size(node.size())),
            _ => String::new(),
        }
    }
}

fn inside<'v, 'a>(value: &'v Value, part: impl Fn(&'v Value) -> Cow<'a, Value> + 'v) -> Members<'v, 'a>
where
    'a: 'v,
{
    match value {
        Value::Array(items) => Box::new(items.iter().map(move |item| (None, Part::Value(part(item))))),
        Value::Object(fields) => Box::new(fields.iter().map(move |(key, value)| (Some(key.clone()), Part::Value(part(value))))),
        _ => Box::new(std::iter::empty()),
    }
}

/// Text that would be taken for something else stands in quotes.
fn quoted(text: &str) -> String {
    let other = text.is_empty()
        || text.trim() != text
        || matches!(text, "true" | "false" | "null")
        || text.parse::<f64>().is_ok()
        || text.starts_with(['[', '{', '"', '…']);
    if other { Value::from(text).to_string() } else { text.to_owned() }
}

/// A size for people.
fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes / 1024),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// What a document is, in a line.
pub fn title(part: &Part) -> String {
    let (count, weight) = (super::grouped(part.len()), part.weight());
    match (part.kind(), part.len()) {
        (Type::Array, 1) => format!("array of 1 element{weight}"),
        (Type::Array, _) => format!("array of {count} elements{weight}"),
        (_, 1) => format!("object of 1 key{weight}"),
        (_, _) => format!("object of {count} keys{weight}"),
    }
}

/// How many members a part has that are not shown: `[…3]` of a list, `{…3}` of an object.
pub fn summary(part: &Part) -> String {
    format!("{}{}", bracketed(part, "…"), part.weight())
}

fn bracketed(part: &Part, sign: &str) -> String {
    let count = super::grouped(part.len());
    if part.kind() == Type::Array { format!("[{sign}{count}]") } else { format!("{{{sign}{count}}}") }
}

/// Write the members of a document as a tree. A scalar is one line.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, root: &Part, limits: Limits, look: &Look) -> io::Result<()> {
    if root.len() == 0 {
        let (text, color) = if root.has_members() { (bracketed(root, ""), style::FAINT) } else { root.scalar() };
        return writeln!(out, "{}", look.paint(color, &fit::line(&text)));
    }
    Tree { out, limits, look, prefix: String::new() }.members(root, 1)
}

/// As much of a tree as fits into so many lines: as deep as it fits, and with all members of its first level if they do.
pub fn fitted(root: &Part, look: &Look, lines: usize) -> String {
    let within = |limits: Limits| {
        let mut out = Few { text: Vec::new(), lines };
        write(&mut out, root, limits, look).ok().map(|()| String::from_utf8_lossy(&out.text).into_owned())
    };
    let mut best: Option<String> = None;
    for depth in 1..16 {
        let Some(deeper) = within(Limits { depth, ..Limits::NONE }) else { break };
        if best.as_ref() == Some(&deeper) {
            break;
        }
        best = Some(deeper);
    }
    best.or_else(|| within(Limits { depth: 1, members: lines.saturating_sub(1) })).unwrap_or_default()
}

/// Takes so many lines and no more.
struct Few {
    text: Vec<u8>,
    lines: usize,
}

impl Write for Few {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        self.lines = self.lines.checked_sub(lines).ok_or(io::ErrorKind::WriteZero)?;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Tree<'w> {
    out: &'w mut dyn Write,
    limits: Limits,
    look: &'w Look,
    /// The guides of the levels above.
    prefix: String,
}

impl Tree<'_> {
    fn members(&mut self, part: &Part, depth: usize) -> io::Result<()> {
        let count = part.len();
        let shown = count.min(self.limits.members);
        for (number, (key, member)) in part.members().take(shown).enumerate() {
            let label = key.map_or_else(|| number.to_string(), |key| fit::line(&key).into_owned());
            self.member(&label, &member, part.kind() == Type::Array, number + 1 == count, depth)?;
        }
        if shown < count {
            let more = format!("{}└─ … {} more", self.prefix, super::grouped(count - shown));
            writeln!(self.out, "{}", self.look.paint(style::FAINT, &more))?;
        }
        Ok(())
    }

    fn member(&mut self, label: &str, member: &Part, listed: bool, last: bool, depth: usize) -> io::Result<()> {
        let mut guide = format!("{}{}", self.prefix, if last { "└─ " } else { "├─ " });
        if let Some(width) = self.look.width {
            // What lies so deep that its guides alone would fill the line has fewer of them.
            guide = guide.chars().skip((fit::width(&guide) + 20).saturating_sub(width)).collect();
        }
        let label = self.look.width.map_or_else(|| label.into(), |width| fit::middle(label, width - fit::width(&guide) - 10));
        let room = self.look.width.map(|width| width.saturating_sub(fit::width(&guide) + fit::width(&label) + 2));
        let painted = if listed { self.look.paint(style::FAINT, &label) } else { label.to_string() };
        let head = format!("{}{painted}", self.look.paint(style::FAINT, &guide));
        if !member.has_members() {
            let (text, color) = member.scalar();
            return writeln!(self.out, "{head}: {}", self.look.paint(color, &cut(&fit::line(&text), room)));
        }
        if let Some(line) = inline(member, room) {
            return writeln!(self.out, "{head}: {line}");
        }
        let deeper = depth < self.limits.depth;
        let (sign, weight) = if deeper { ("", String::new()) } else { ("…", member.weight()) };
        let note = bracketed(member, sign);
        let left = room.map(|room| room.saturating_sub(fit::width(&note) + weight.len()));
        let telling = member.telling().filter(|_| listed && !deeper && left.is_none_or(|left| left > 8));
        let telling = telling.map(|text| format!(" {}", cut(&fit::line(&text), left))).unwrap_or_default();
        let [note, weight] = [note, weight].map(|text| self.look.paint(style::FAINT, &text));
        writeln!(self.out, "{head} {note}{telling}{weight}")?;
        if deeper {
            let before = self.prefix.len();
            self.prefix.push_str(if last { "   " } else { "│  " });
            self.members(member, depth + 1)?;
            self.prefix.truncate(before);
        }
        Ok(())
    }
}

/// An empty container, or a short list of scalars, on one line.
fn inline(part: &Part, room: Option<usize>) -> Option<String> {
    let is_list = part.kind() == Type::Array;
    let mut items = Vec::new();
    for (_, item) in part.members().take(INLINE + 1) {
        if !is_list || item.has_members() || items.len() == INLINE {
            return None;
        }
        items.push(fit::line(&item.scalar().0).into_owned());
    }
    let line = if is_list { format!("[{}]", items.join(", ")) } else { "{}".into() };
    (fit::width(&line) <= room.unwrap_or(100)).then_some(line)
}

/// The beginning of a long text, and how long it is.
fn cut(text: &str, room: Option<usize>) -> String {
    let Some(room) = room.filter(|room| fit::width(text) > *room) else { return text.to_owned() };
    let note = format!("… {} characters", super::grouped(text.chars().count()));
    match room.checked_sub(fit::width(&note)).filter(|left| *left >= 40) {
        Some(left) => fit::take(text.chars(), left) + note.as_str(),
        None => fit::name(text, room).into_owned(),
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
