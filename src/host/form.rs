//! What a value is, as far as those must know who complete its fields and methods. Nothing is evaluated for it.

use super::results::Results;
use super::{Host, OpenTape, Row, Secret};
use crate::json::{Node, Type};
use rhai::{Array, Dynamic, FnPtr, INT, Map};

/// What a value is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Form {
    /// It may be anything.
    #[default]
    Unknown,
    /// Nothing.
    Nothing,
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// Another number.
    Float,
    /// Text.
    Text,
    /// Text that is not shown.
    Secret,
    /// A closure.
    Closure,
    /// A recording that was opened.
    Tape,
    /// The results of a session.
    Results,
    /// A row: its kind, and its fields.
    Row(String, Vec<String>),
    /// A list, and what its items are.
    Array(Box<Form>),
    /// A map, and its keys as far as they are known.
    Map(Vec<String>),
    /// A document, and its keys if it is an object.
    Document(Vec<String>),
}

/// The way from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A field, or a key.
    Field(String),
    /// The item at this place; from the end when it is negative.
    Item(INT),
}

/// More keys than that are of no use to anybody.
const KEYS: usize = 1_000;

impl Form {
    /// A list of these.
    #[must_use]
    pub fn listed(self) -> Self {
        Self::Array(Box::new(self))
    }

    /// The word for it in signatures; none for what may be anything.
    pub fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => return None,
            Self::Nothing => "nothing",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "string",
            Self::Secret => "secret",
            Self::Closure => "closure",
            Self::Tape => "tape",
            Self::Results => "results",
            Self::Row(..) => "row",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Document(_) => "document",
        })
    }

    /// The form of a value.
    fn of(value: &Dynamic) -> Self {
        if let Some(row) = value.read_lock::<Row>() {
            let shape = row.shape();
            return Self::Row(shape.kind.clone(), shape.columns.iter().map(|column| column.name.to_string()).collect());
        }
        if let Some(items) = value.read_lock::<Array>() {
            return items.first().map_or(Self::Unknown, Self::of).listed();
        }
        if let Some(map) = value.read_lock::<Map>() {
            return Self::Map(map.keys().take(KEYS).map(ToString::to_string).collect());
        }
        if let Some(node) = value.read_lock::<Node>() {
            return Self::Document(if node.kind() == Type::Object { node.keys().take(KEYS).collect() } else { Vec::new() });
        }
        match () {
            () if value.is_unit() => Self::Nothing,
            () if value.is_bool() => Self::Bool,
            () if value.is_int() => Self::Int,
            () if value.is_float() => Self::Float,
            () if value.is_string() => Self::Text,
            () if value.is::<FnPtr>() => Self::Closure,
            () if value.is::<OpenTape>() => Self::Tape,
            () if value.is::<Results>() => Self::Results,
            () if value.is::<Secret>() => Self::Secret,
            () => Self::Unknown,
        }
    }
}

/// A part of a value.
pub(super) fn part(value: &Dynamic, step: &Step) -> Option<Dynamic> {
    match step {
        Step::Field(name) => {
            if let Some(row) = value.read_lock::<Row>() {
                return row.get(name);
            }
            if let Some(map) = value.read_lock::<Map>() {
                return map.get(name.as_str()).cloned();
            }
            value.read_lock::<Node>()?.get(name).map(|node| super::from_node(&node))
        }
        Step::Item(index) => {
            let place = |length: usize| {
                let from_end = || length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
                if *index < 0 { from_end() } else { usize::try_from(*index).ok() }
            };
            if let Some(results) = value.read_lock::<Results>() {
                return results.get(*index).ok().map(|kept| kept.value);
            }
            if let Some(items) = value.read_lock::<Array>() {
                return items.get(place(items.len())?).cloned();
            }
            let node = value.read_lock::<Node>()?;
            node.at(place(node.len())?).map(|node| super::from_node(&node))
        }
    }
}

impl Host {
    /// What a variable holds, or a part of it. `None` when there is no such variable or part, or it is in use.
    pub fn form_of(&self, variable: &str, way: &[Step]) -> Option<Form> {
        let typed = self.idle()?;
        let value = typed.scope.get(variable)?;
        match way.split_first() {
            None => Some(Form::of(value)),
            Some((first, rest)) => {
                let found = rest.iter().try_fold(part(value, first)?, |value, step| part(&value, step))?;
                Some(Form::of(&found))
            }
        }
    }

    /// The value of a variable that is short text, for completion: the pod that is meant.
    pub fn text_of(&self, variable: &str) -> Option<String> {
        const MOST: usize = 256;
        let typed = self.idle()?;
        let value = typed.scope.get(variable)?;
        if let Some(row) = value.read_lock::<Row>() {
            let name = [row.text("pod"), row.text("name")].into_iter().find(|name| !name.is_empty())?;
            return Some(format!("{}/{name}", row.text("namespace")));
        }
        value.clone().into_string().ok().filter(|text| text.len() <= MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::Script;

    fn host(source: &str) -> crate::Pilotage {
        let engine = crate::Pilotage::builder(Script::silent()).build().expect("it builds");
        engine.eval(source).expect("it runs");
        engine
    }

    fn field(name: &str) -> Step {
        Step::Field(name.into())
    }

    #[test]
    fn values_are_told_apart() {
        let engine = host("let a = 1; let b = [#{ x: \"t\", y: [1.5] }]; let c = |x| x; let d = secret(\"s\"); let e = [];");
        let form = |name: &str, way: &[Step]| engine.form_of(name, way);
        let map = Form::Map(vec!["x".into(), "y".into()]);
        assert_eq!(form("a", &[]), Some(Form::Int));
        assert_eq!(form("b", &[]), Some(map.clone().listed()));
        assert_eq!(form("b", &[Step::Item(-1)]), Some(map));
        assert_eq!(form("b", &[Step::Item(0), field("y"), Step::Item(0)]), Some(Form::Float));
        assert_eq!(form("c", &[]), Some(Form::Closure));
        assert_eq!(form("d", &[]), Some(Form::Secret));
        assert_eq!(form("e", &[]), Some(Form::Unknown.listed()));
        for (name, way) in [("nobody", vec![]), ("b", vec![Step::Item(1)]), ("b", vec![Step::Item(-2)]), ("a", vec![field("x")])]
        {
            assert_eq!(form(name, &way), None, "{name} {way:?}");
        }
    }

    #[test]
    fn documents_are_told_by_their_keys() {
        let engine =
            host("save(#{ list: [#{ a: 1 }] }, \"/tmp/pilotage-form.json\"); let doc = load(\"/tmp/pilotage-form.json\");");
        assert_eq!(engine.form_of("doc", &[]), Some(Form::Document(vec!["list".into()])));
        let way = [field("list"), Step::Item(0)];
        assert_eq!(engine.form_of("doc", &way), Some(Form::Document(vec!["a".into()])));
    }
}
