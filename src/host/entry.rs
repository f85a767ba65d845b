//! One function of the reference, read from the function itself.

use super::way::Way;
use crate::record::Schema;
use serde_json::Value;

/// One function with all its overloads.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, without a module.
    pub name: String,
    /// The module of the standard library it belongs to; global functions have none.
    pub module: Option<String>,
    /// Where it stands in the reference: `kube`, `envoy`, …; for the standard library its module.
    pub family: String,
    /// One a way to call it: `pods(namespace: string)`.
    pub signatures: Vec<String>,
    /// The same, taken apart.
    pub ways: Vec<Way>,
    /// What it does, in a sentence.
    pub summary: String,
    /// The whole description, Markdown, examples included; its symptoms stand apart.
    pub doc: String,
    /// What somebody sees whom it helps: `503 UH`, `no healthy upstream`.
    pub symptoms: Vec<String>,
    /// What each overload says, by its number of parameters.
    told: Vec<(usize, String)>,
    /// Its examples, runnable on the demo tape.
    pub examples: Vec<Example>,
    /// The kinds of rows it returns, the first overload's first.
    pub rows: Vec<&'static Schema>,
    /// The kinds of rows that its description names besides: those it takes, mostly.
    pub takes: Vec<&'static Schema>,
    /// The options it takes.
    pub options: Option<&'static Schema>,
}

/// A documented call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The code.
    pub code: String,
    /// What its last line is worth, as JSON, when the documentation says so.
    pub result: Option<String>,
}

impl Entry {
    /// Nothing is known of it yet but where it belongs.
    pub(super) fn blank(name: &str, family: &str, module: Option<&str>) -> Self {
        Self {
            name: name.into(),
            module: module.map(Into::into),
            family: family.into(),
            signatures: Vec::new(),
            ways: Vec::new(),
            summary: String::new(),
            doc: String::new(),
            symptoms: Vec::new(),
            told: Vec::new(),
            examples: Vec::new(),
            rows: Vec::new(),
            takes: Vec::new(),
            options: None,
        }
    }

    /// Whether scripts call it by this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        match (name.split_once("::"), &self.module) {
            (Some((module, name)), Some(own)) => module == own && name == self.name,
            (None, None) => name == self.name,
            _ => false,
        }
    }

    /// Its name as scripts write it.
    pub fn full_name(&self) -> String {
        match &self.module {
            Some(module) => format!("{module}::{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its description without the examples.
    pub fn prose(&self) -> String {
        self.doc.split("```").step_by(2).collect()
    }

    /// The shortest way to call it.
    pub fn call(&self) -> &str {
        self.signatures.first().map_or(self.name.as_str(), String::as_str)
    }

    /// The names of the parameters of all ways to call it.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let inside = |signature: &str| signature.find('(').map_or(0, |at| at + 1);
        let lists = self.signatures.iter().map(move |signature| signature[inside(signature)..].trim_end_matches(')'));
        lists.flat_map(|list| list.split(", ")).filter_map(|one| one.split(':').next()).filter(|name| !name.is_empty())
    }

    /// One more way to call it, as the engine tells it.
    pub(super) fn add_overload(&mut self, function: &Value) {
        let way = Way::read(function);
        let signature = way.signature(&self.full_name());
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
            self.ways.push(way);
        }
        let doc = doc(function);
        // Each way to call it has something to say, the simplest first.
        if !doc.is_empty() && !self.told.iter().any(|(_, known)| *known == doc) {
            let ways = function["params"].as_array().map_or(0, Vec::len);
            self.told.push((ways, doc));
            // The engine tells them in another order after each build.
            self.told.sort_by_cached_key(|(ways, doc)| (*ways, doc.starts_with("The same"), doc.clone()));
        }
    }

    /// Read out of the descriptions what they say about it.
    pub(super) fn finish(&mut self, schemas: &[&'static Schema]) {
        self.signatures.sort_by_cached_key(|signature| (signature.len(), signature.clone()));
        let told = self.told.iter().map(|(_, doc)| doc.as_str()).collect::<Vec<_>>().join("\n\n");
        (self.doc, self.symptoms) = apart(&told);
        self.summary = first_sentence(self.doc.split("\n\n").next().unwrap_or_default());
        self.examples = examples(&self.doc);
        let prose = self.prose();
        // What it returns, apart from what else it speaks of.
        let clauses = prose.split("Returns").skip(1).filter_map(|rest| rest.split(['.', ';']).next());
        self.rows = mentioned(schemas, &clauses.collect::<Vec<_>>().join("\n"));
        let named = mentioned(schemas, &prose);
        self.takes = named.into_iter().filter(|schema| !self.rows.iter().any(|own| own.name == schema.name)).collect();
        self.options = schemas
            .iter()
            .find(|schema| schema.name.ends_with(" options") && prose.contains(&format!("`{}`", schema.name)))
            .copied();
    }
}

/// The kinds of rows that a text names (``"`pod` rows"``), in the order in which it does.
fn mentioned(schemas: &[&'static Schema], text: &str) -> Vec<&'static Schema> {
    let mut found: Vec<&'static Schema> = Vec::new();
    for (end, _) in text.match_indices("` row") {
        let name = text[..end].rsplit('`').next().unwrap_or_default();
        let known = schemas.iter().find(|schema| schema.name == name);
        found.extend(known.filter(|_| !found.iter().any(|own| own.name == name)));
    }
    found
}

/// The description of a function as the engine tells it, without the marks of comments.
fn doc(function: &Value) -> String {
    let lines: Vec<&str> = function["docComments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    undoc(&lines.join("\n"))
}

fn undoc(comment: &str) -> String {
    let line = |line: &str| {
        let line = line.trim();
        line.strip_prefix("///").map(|rest| rest.strip_prefix(' ').unwrap_or(rest)).unwrap_or(line).trim_end().to_string()
    };
    comment.lines().map(line).collect::<Vec<_>>().join("\n").trim().to_string()
}

/// What a paragraph of symptoms begins with.
const SYMPTOMS: &str = "Symptoms:";

/// A description, and the symptoms that it names: a paragraph of its own, `Symptoms: one; another.`
pub(super) fn apart(doc: &str) -> (String, Vec<String>) {
    let (told, rest): (Vec<&str>, Vec<&str>) = doc.split("\n\n").partition(|paragraph| paragraph.starts_with(SYMPTOMS));
    let items = told.iter().flat_map(|paragraph| paragraph.trim_start_matches(SYMPTOMS).trim_end_matches('.').split(';'));
    let plain = |item: &str| item.split_whitespace().collect::<Vec<_>>().join(" ");
    (rest.join("\n\n"), items.map(plain).filter(|item| !item.is_empty()).collect())
}

/// The first sentence of a paragraph.
fn first_sentence(paragraph: &str) -> String {
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    // A point within code ends nothing.
    let outside = |at: usize| line[..at].matches('`').count() % 2 == 0;
    let end = line.match_indices(". ").map(|(at, _)| at).find(|at| outside(*at));
    end.map_or_else(|| line.clone(), |at| line[..=at].to_string())
}

fn examples(doc: &str) -> Vec<Example> {
    let blocks = doc.split("```rhai\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .map(|block| {
            let block = block.trim_end();
            let last = block.lines().last().unwrap_or_default();
            match last.rsplit_once("    // ") {
                Some((_, result)) => Example { code: block.to_string(), result: Some(result.trim().into()) },
                None => Example { code: block.into(), result: None },
            }
        })
        .collect()
}
