//! What a value is, by what stands there: by the functions' own words, by the rows that they give, and by what variables hold.
//! Nothing is evaluated.

use super::complete_chain::{Base, Chain, Link, at_top, chain};
use super::complete_cursor::{Cursor, Frame, Open};
use crate::Pilotage;
use crate::host::{Entry, Form, Step, TokenKind as K, Way};
use crate::record::{Column, Schema};
use std::ops::Range;

/// Expressions within expressions are followed so far.
pub const DEPTH: usize = 12;

/// Finds out what values are.
pub struct Types<'a> {
    /// The engine that knows functions and variables.
    pub pilotage: &'a Pilotage,
    /// The text.
    pub cursor: &'a Cursor<'a>,
}

impl Types<'_> {
    /// What the chain is whose last piece this is.
    pub fn ending(&self, last: usize) -> Form {
        self.chain(&chain(self.cursor, last), 0)
    }

    /// What a chain is.
    pub fn chain(&self, chain: &Chain, depth: usize) -> Form {
        if depth > DEPTH {
            return Form::Unknown;
        }
        if let Base::Variable(name) = &chain.base {
            return self.variable_chain(name, chain, depth);
        }
        let base = self.base(chain, depth);
        self.follow(base, &chain.links, depth)
    }

    fn base(&self, chain: &Chain, depth: usize) -> Form {
        match &chain.base {
            Base::Call(name, open) => self.call(name, *open, None, depth),
            Base::Text => Form::Text,
            Base::Number(whole) => {
                if *whole {
                    Form::Int
                } else {
                    Form::Float
                }
            }
            Base::Bool => Form::Bool,
            Base::List(first) if first.is_empty() => Form::Unknown.listed(),
            Base::List(first) => self.expression(first.start, first.end, depth + 1).listed(),
            Base::Map(keys) => Form::Map(keys.clone()),
            Base::Group(inside) => self.expression(inside.start, inside.end, depth + 1),
            Base::Variable(_) | Base::Unknown => Form::Unknown,
        }
    }

    /// What an expression is, if it is one chain.
    fn expression(&self, start: usize, end: usize, depth: usize) -> Form {
        let Some(last) = end.checked_sub(1).filter(|last| *last >= start) else { return Form::Unknown };
        let found = chain(self.cursor, last);
        if found.first == start { self.chain(&found, depth) } else { Form::Unknown }
    }

    /// A name of the text at hand hides one of the session.
    fn variable_chain(&self, name: &str, chain: &Chain, depth: usize) -> Form {
        if let Some(found) = self.named_here(name, chain.first, depth) {
            return self.follow(found, &chain.links, depth);
        }
        // As far as only fields and places are named, the value itself can tell.
        let known: Vec<Step> = chain
            .links
            .iter()
            .map_while(|link| match link {
                Link::Step(step) => Some(step.clone()),
                _ => None,
            })
            .collect();
        match self.pilotage.form_of(name, &known) {
            Some(form) => self.follow(form, &chain.links[known.len()..], depth),
            None => Form::Unknown,
        }
    }

    /// What the text before says of a name: a closure's parameter, a loop's variable, a `let`.
    fn named_here(&self, name: &str, before: usize, depth: usize) -> Option<Form> {
        if let Some(found) = self.cursor.frames.iter().rev().find_map(|frame| self.parameter(frame, name, before, depth)) {
            return Some(found);
        }
        let (value, is_item) = self.given_here(name, before)?;
        let form = self.expression(value.start, value.end, depth + 1);
        Some(if is_item { item(form) } else { form })
    }

    /// Where the text before gives a name its value: the pieces of that expression, and whether the name is each of its items.
    pub fn given_here(&self, name: &str, before: usize) -> Option<(Range<usize>, bool)> {
        let cursor = self.cursor;
        for at in (1..before).rev().filter(|at| cursor.kind(*at) == Some(K::Name) && cursor.of(*at) == name) {
            if ["let", "const"].contains(&cursor.of(at - 1)) && cursor.is(at + 1, "=") {
                let end = at_top(cursor, at + 2, before).find(|piece| cursor.kind(*piece) == Some(K::Semicolon));
                let end = end.or_else(|| self.line_end(at + 2, before))?;
                return Some((at + 2..end, false));
            }
            if cursor.is(at - 1, "for") && cursor.is(at + 1, "in") {
                let end = at_top(cursor, at + 2, before).find(|piece| cursor.is(*piece, "{"))?;
                return Some((at + 2..end, true));
            }
        }
        None
    }

    /// Where an expression ends that no semicolon does: at the end of its line.
    fn line_end(&self, from: usize, before: usize) -> Option<usize> {
        let line_breaks = |piece: usize| {
            let (end, next) = (self.cursor.tokens[piece - 1].range.end, self.cursor.tokens[piece].range.start);
            self.cursor.text[end..next].contains('\n')
        };
        at_top(self.cursor, from, before + 1).skip(1).find(|piece| line_breaks(*piece))
    }

    /// What a closure's parameter is, where the closure is an argument of the call that this frame is.
    fn parameter(&self, frame: &Frame, name: &str, before: usize, depth: usize) -> Option<Form> {
        let cursor = self.cursor;
        let place = self.place_of_parameter(frame, name, before)?;
        let function = cursor.of(frame.at - 1);
        let Some(subject) = cursor.subject(frame.at) else {
            // A function that hands on its rows one by one.
            return Some(item(self.call(&cursor.callee(frame.at)?, frame.at, None, depth + 1)));
        };
        let listed = match self.chain(&chain(cursor, subject), depth + 1) {
            Form::Map(_) => return Some(if place == 0 { Form::Text } else { Form::Unknown }),
            listed => listed,
        };
        let takes_all = ["sort", "order_by"].contains(&function);
        let items = if function.starts_with("reduce") { place == 1 } else { place == 0 || takes_all };
        Some(if items { item(listed) } else { Form::Unknown })
    }

    /// The how-manieth parameter a name is of the closure that is an argument of the call that this frame is.
    pub fn place_of_parameter(&self, frame: &Frame, name: &str, before: usize) -> Option<usize> {
        let cursor = self.cursor;
        if frame.kind != Open::Call || !cursor.is(frame.part, "|") {
            return None;
        }
        let end = (frame.part + 1..before).find(|piece| cursor.is(*piece, "|"))?;
        let mut params = (frame.part + 1..end).filter(|piece| cursor.kind(*piece) == Some(K::Name));
        params.position(|piece| cursor.of(piece) == name)
    }

    fn follow(&self, base: Form, links: &[Link], depth: usize) -> Form {
        links.iter().fold(base, |form, link| match link {
            Link::Step(Step::Item(_)) | Link::Index => item(form),
            Link::Step(Step::Field(name)) => self.field(&form, name),
            Link::Method(name, open) => self.method(form, name, *open, depth),
        })
    }

    /// What a field of a value is.
    pub fn field(&self, form: &Form, name: &str) -> Form {
        match form {
            Form::Row(kind, _) => self.column(kind, name).map_or(Form::Unknown, |column| self.held(column.holds)),
            Form::Document(_) => Form::Document(Vec::new()),
            _ => Form::Unknown,
        }
    }

    /// The column of a kind of rows.
    pub fn column(&self, kind: &str, name: &str) -> Option<&'static Column> {
        let schema = self.pilotage.catalog().schema(kind)?;
        schema.columns.iter().find(|column| column.name == name)
    }

    /// The form of what is declared to be of this type.
    fn held(&self, kind: &str) -> Form {
        let inner = |start: &str| kind.strip_prefix(start).and_then(|rest| rest.strip_suffix('>')).map(str::trim);
        if let Some(inner) = inner("Option<") {
            return self.held(inner);
        }
        if let Some(inner) = inner("Vec<") {
            return self.held(inner).listed();
        }
        match kind {
            "String" | "Timestamp" | "Cow<'static, str>" => Form::Text,
            "bool" => Form::Bool,
            "f64" | "f32" => Form::Float,
            "Value" | "serde_json::Value" => Form::Unknown,
            _ if kind.starts_with("BTreeMap<") => Form::Map(Vec::new()),
            _ if kind.starts_with(['i', 'u']) && kind[1..].chars().all(|c| c.is_ascii_digit()) || kind == "usize" => Form::Int,
            // Rows within rows are named as their struct.
            _ => {
                let name = kind.rsplit("::").next().unwrap_or(kind).to_lowercase();
                self.pilotage.catalog().schema(&name).map_or(Form::Unknown, |schema| rows(schema, &[]))
            }
        }
    }

    /// What a method gives.
    fn method(&self, subject: Form, name: &str, open: usize, depth: usize) -> Form {
        const ONE_OF: [&str; 7] = ["first", "last", "find", "pop", "shift", "remove", "get"];
        const SAME: [&str; 10] =
            ["filter", "where", "sort_by", "unique", "extract", "drain", "sort", "order_by", "reverse", "dedup"];
        match &subject {
            Form::Array(of) if ONE_OF.contains(&name) => return (**of).clone(),
            Form::Array(_) if SAME.contains(&name) => return subject,
            Form::Array(_) if name == "map" => return self.closure_result(open, depth).listed(),
            Form::Row(kind, fields) if name == "to_map" && !kind.is_empty() => return Form::Map(fields.clone()),
            Form::Row(..) if name == "raw" => return Form::Document(Vec::new()),
            Form::Row(..) | Form::Map(_) if name == "keys" => return Form::Text.listed(),
            Form::Text if name == "split" => return Form::Text.listed(),
            Form::Document(_) if name == "to_map" => return Form::Map(Vec::new()),
            Form::Document(_) if ["find", "first"].contains(&name) => return subject,
            Form::Document(_) if ["filter", "to_array", "values", "jsonpath"].contains(&name) => return subject.listed(),
            _ => {}
        }
        self.call(name, open, Some(&subject), depth)
    }

    /// What the closure gives that is the argument of a call.
    fn closure_result(&self, open: usize, depth: usize) -> Form {
        let cursor = self.cursor;
        let close = (open + 1..cursor.tokens.len())
            .find(|piece| cursor.kind(*piece) == Some(K::Close) && cursor.opening(*piece) == Some(open));
        let Some(close) = close.filter(|_| cursor.is(open + 1, "|") && depth < DEPTH) else { return Form::Unknown };
        let Some(bar) = (open + 2..close).find(|piece| cursor.is(*piece, "|")) else { return Form::Unknown };
        let body = chain(cursor, close - 1);
        if body.first != bar + 1 {
            return Form::Unknown;
        }
        let frame = Frame { kind: Open::Call, at: open, part: open + 1, commas: 0, key: None, keys: Vec::new() };
        match &body.base {
            Base::Variable(name) => match self.parameter(&frame, name, close, depth + 1) {
                Some(form) => self.follow(form, &body.links, depth + 1),
                None => Form::Unknown,
            },
            _ => self.chain(&body, depth + 1),
        }
    }

    /// What a function gives, called with these arguments, or on this subject.
    fn call(&self, name: &str, open: usize, subject: Option<&Form>, depth: usize) -> Form {
        let catalog = self.pilotage.catalog();
        let fits = |entry: &&Entry| subject.is_none_or(|form| entry.ways.iter().any(|way| takes(entry, way, form)));
        let own = catalog.entries.iter().filter(|entry| entry.full_name() == name).find(fits);
        let Some(entry) = own.or_else(|| catalog.language.iter().filter(|entry| entry.name == name).find(fits)) else {
            return Form::Unknown;
        };
        let way = entry.ways.iter().find(|way| subject.is_none_or(|form| takes(entry, way, form))).or(entry.ways.first());
        let many = subject.map_or_else(|| self.first_is_array(open, depth), |form| matches!(form, Form::Array(_) | Form::Tape));
        given(entry, way.map_or("any", |way| way.returns.as_str()), many)
    }

    /// What the first argument of a call is, or the subject of a method.
    pub fn first_argument(&self, frame: &Frame) -> Option<Form> {
        match self.cursor.subject(frame.at) {
            Some(last) => Some(self.ending(last)),
            None => {
                let end = at_top(self.cursor, frame.at + 1, self.cursor.tokens.len())
                    .find(|piece| self.cursor.kind(*piece) == Some(K::Comma))?;
                Some(self.expression(frame.at + 1, end, 0))
            }
        }
    }

    fn first_is_array(&self, open: usize, depth: usize) -> bool {
        let cursor = self.cursor;
        let end =
            at_top(cursor, open + 1, cursor.tokens.len()).find(|piece| matches!(cursor.kind(*piece), Some(K::Comma | K::Close)));
        let first = end.map_or(Form::Unknown, |end| self.expression(open + 1, end, depth + 1));
        matches!(first, Form::Array(_) | Form::Tape)
    }
}

/// What an item of a value is.
pub fn item(form: Form) -> Form {
    match form {
        Form::Array(of) => *of,
        Form::Document(_) => Form::Document(Vec::new()),
        Form::Text => Form::Text,
        _ => Form::Unknown,
    }
}

/// A row of this shape, with these columns in front where it lacks them.
fn rows(schema: &Schema, front: &[&str]) -> Form {
    let extra = front.iter().filter(|name| schema.index(name).is_none()).map(ToString::to_string);
    let fields = extra.chain(schema.names().map(str::to_owned)).collect();
    Form::Row(schema.name.to_owned(), fields)
}

/// What a function gives: its type, and where that may be anything, what its description says.
fn given(entry: &Entry, returns: &str, many: bool) -> Form {
    let front: &[&str] = if many { &["namespace", "pod"] } else { &[] };
    let row = entry.rows.first().map_or(Form::Unknown, |schema| rows(schema, front));
    let listed = entry.rows.first().is_some_and(|schema| entry.doc.contains(&format!("`{}` rows", schema.name)));
    match returns {
        "array" => row.listed(),
        "row" => row,
        "any" if listed => row.listed(),
        "any" => row,
        "string" => Form::Text,
        "int" => Form::Int,
        "float" => Form::Float,
        "bool" => Form::Bool,
        "map" => Form::Map(Vec::new()),
        "tape" => Form::Tape,
        "secret" => Form::Secret,
        "document" => Form::Document(Vec::new()),
        _ => Form::Unknown,
    }
}

/// Whether a value may be the subject of a function, called this way.
pub fn takes(entry: &Entry, way: &Way, form: &Form) -> bool {
    let Some((name, kind)) = way.params.first() else { return false };
    let Some(word) = form.word() else { return true };
    if kind != "any" {
        return kind == word;
    }
    match name.as_str() {
        "value" | "left" => true,
        // What leads to a proxy; and rows of which the function says that it takes them.
        "pod" | "proxy" | "which" => match form {
            Form::Row(kind, fields) => is_of_pod(kind, fields) || entry.doc.contains(&format!("`{kind}` row")),
            Form::Array(of) => {
                !matches!(**of, Form::Bool | Form::Int | Form::Float | Form::Map(_))
                    && match &**of {
                        Form::Row(kind, fields) => is_of_pod(kind, fields) || entry.doc.contains(&format!("`{kind}` row")),
                        _ => true,
                    }
            }
            Form::Text | Form::Tape => true,
            Form::Document(_) => name == "proxy",
            _ => false,
        },
        "token" => matches!(form, Form::Text | Form::Secret),
        "istiod" => matches!(form, Form::Text) || matches!(form, Form::Row(kind, _) if kind == "istiod"),
        "chain" | "roots" | "jwks" | "pods" | "rows" | "lines" => matches!(form, Form::Array(_)),
        // A kind of row: `endpoint.pod()`.
        named => matches!(form, Form::Row(kind, _) if kind == named),
    }
}

fn is_of_pod(kind: &str, fields: &[String]) -> bool {
    kind == "pod" || fields.iter().any(|field| field == "pod")
}
