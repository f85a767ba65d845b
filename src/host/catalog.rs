//! The one index of everything a script can call, read from the functions themselves.

use super::tokens::is_own_function;
use super::way::Way;
use crate::record::Schema;
use crate::suggest::nearest;
use rhai::{Engine, Module};
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything a script can call.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Sorted by family, then name; overloads are one entry.
    pub entries: Vec<Entry>,
    /// The language's own functions.
    pub language: Vec<Entry>,
    /// The same, with the ways to call them.
    built_in: BTreeMap<String, Vec<String>>,
    schemas: Vec<&'static Schema>,
}

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
    /// The whole description, Markdown, examples included.
    pub doc: String,
    /// What each overload says, by its number of parameters.
    told: Vec<(usize, String)>,
    /// Its examples, runnable on the demo tape.
    pub examples: Vec<Example>,
    /// The rows it returns.
    pub rows: Option<&'static Schema>,
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
    /// Whether scripts call it by this name.
    fn is_called(&self, name: &str) -> bool {
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
}

impl Catalog {
    /// Index the native families and the standard library of an engine.
    pub(super) fn new(families: &[(&'static str, Module)], engine: &Engine, schemas: &[&'static Schema]) -> Self {
        let mut entries = Vec::new();
        for (family, module) in families {
            let mut alone = Engine::new_raw();
            alone.register_global_module(module.clone().into());
            let metadata = metadata(&alone, false);
            collect(&mut entries, functions(&metadata), family, None);
        }
        let metadata = metadata(engine, false);
        for (name, _) in super::stdlib::MODULES {
            let module = &metadata["modules"][name];
            collect(&mut entries, functions(module), name, Some(name));
        }
        for entry in &mut entries {
            finish(entry, schemas);
        }
        let language = language();
        Self { entries, built_in: built_in(&language), language, schemas: schemas.to_vec() }
    }

    /// An entry by its name, with or without module.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.full_name() == name)
            .or_else(|| self.entries.iter().find(|entry| entry.name == name))
    }

    /// The entries whose name or text holds all these words, those with a hit in the name first.
    pub fn search(&self, text: &str) -> Vec<&Entry> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let hit = |text: &str| words.iter().all(|word| text.to_lowercase().contains(word));
        let (named, told): (Vec<_>, Vec<_>) = self
            .entries
            .iter()
            .filter(|entry| hit(&format!("{} {} {}", entry.full_name(), entry.family, entry.doc)))
            .partition(|entry| hit(&entry.full_name()));
        named.into_iter().chain(told).collect()
    }

    /// The known name nearest to a misspelt one.
    pub fn suggest(&self, name: &str) -> Option<String> {
        let names: Vec<String> = self.entries.iter().map(Entry::full_name).chain(self.built_in.keys().cloned()).collect();
        nearest(name, names.iter().map(String::as_str)).map(ToString::to_string)
    }

    /// Whether there is a function of this name, given as scripts write it; the language's own included.
    pub fn is_known(&self, name: &str) -> bool {
        is_own_function(name) || self.built_in.contains_key(name) || self.entries.iter().any(|entry| entry.is_called(name))
    }

    /// The ways to call a function, the language's own included.
    pub fn signatures(&self, name: &str) -> Vec<String> {
        let own = self.entries.iter().find(|entry| entry.full_name() == name).map(|entry| entry.signatures.clone());
        own.or_else(|| self.built_in.get(name).cloned()).unwrap_or_default()
    }

    /// Whether scripts call a function of ours, or an operator of the language, by this name with so many arguments.
    pub(super) fn takes(&self, name: &str, arguments: usize) -> bool {
        let count = |signature: &String| if signature.ends_with("()") { 0 } else { signature.matches(", ").count() + 1 };
        let mut own = self.entries.iter().filter(|entry| entry.module.is_none() && entry.name == name);
        own.any(|entry| entry.signatures.iter().any(|way| count(way) == arguments)) || (name, arguments) == ("contains", 2)
    }

    /// The shape of a kind of row, or of options, by its name.
    pub fn schema(&self, name: &str) -> Option<&'static Schema> {
        self.schemas.iter().find(|schema| schema.name == name).copied()
    }

    /// The modules of the standard library.
    pub fn modules(&self) -> Vec<String> {
        let mut modules: Vec<String> = self.entries.iter().filter_map(|entry| entry.module.clone()).collect();
        modules.dedup();
        modules
    }
}

/// The functions that the language itself brings.
fn language() -> Vec<Entry> {
    let mut entries = Vec::new();
    collect(&mut entries, functions(&metadata(&Engine::new(), true)), "language", None);
    for entry in &mut entries {
        finish(entry, &[]);
    }
    entries
}

fn built_in(language: &[Entry]) -> BTreeMap<String, Vec<String>> {
    language.iter().map(|entry| (entry.name.clone(), entry.signatures.iter().take(4).cloned().collect())).collect()
}

pub(super) fn metadata(engine: &Engine, packages: bool) -> Value {
    engine.gen_fn_metadata_to_json(packages).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

pub(super) fn functions(module: &Value) -> &[Value] {
    module["functions"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Operators, getters, closures and what `print` calls are not looked up by name.
pub(super) fn is_callable(name: &str) -> bool {
    !["to_string", "to_debug"].contains(&name) && name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty()
}

fn collect(entries: &mut Vec<Entry>, functions: &[Value], family: &str, module: Option<&str>) {
    for function in functions {
        let name = function["name"].as_str().unwrap_or_default();
        if !is_callable(name) || function["access"] == "private" || function["isAnonymous"] == true {
            continue;
        }
        let known = entries.iter().position(|entry| entry.name == name && entry.family == family);
        let index = known.unwrap_or_else(|| {
            entries.push(blank(name, family, module));
            entries.len() - 1
        });
        add_overload(&mut entries[index], function);
    }
}

fn blank(name: &str, family: &str, module: Option<&str>) -> Entry {
    Entry {
        name: name.into(),
        module: module.map(Into::into),
        family: family.into(),
        signatures: Vec::new(),
        ways: Vec::new(),
        summary: String::new(),
        doc: String::new(),
        told: Vec::new(),
        examples: Vec::new(),
        rows: None,
        options: None,
    }
}

fn add_overload(entry: &mut Entry, function: &Value) {
    let way = Way::read(function);
    let signature = way.signature(&entry.full_name());
    if !entry.signatures.contains(&signature) {
        entry.signatures.push(signature);
        entry.ways.push(way);
    }
    let lines: Vec<&str> = function["docComments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let doc = undoc(&lines.join("\n"));
    // Each way to call it has something to say, the simplest first.
    if !doc.is_empty() && !entry.told.iter().any(|(_, known)| *known == doc) {
        let ways = function["params"].as_array().map_or(0, Vec::len);
        entry.told.push((ways, doc));
        entry.told.sort_by_key(|(ways, _)| *ways);
        entry.doc = entry.told.iter().map(|(_, doc)| doc.as_str()).collect::<Vec<_>>().join("\n\n");
    }
}

/// Doc comments without their marks.
fn undoc(comment: &str) -> String {
    let line = |line: &str| {
        let line = line.trim();
        line.strip_prefix("///").map(|rest| rest.strip_prefix(' ').unwrap_or(rest)).unwrap_or(line).trim_end().to_string()
    };
    comment.lines().map(line).collect::<Vec<_>>().join("\n").trim().to_string()
}

fn finish(entry: &mut Entry, schemas: &[&'static Schema]) {
    entry.signatures.sort_by_key(String::len);
    let paragraph = entry.doc.split("\n\n").next().unwrap_or_default();
    entry.summary = paragraph.replace('\n', " ");
    entry.examples = examples(&entry.doc);
    let said = |text: &str, name: &str| text.contains(&format!("`{name}` row"));
    // What it returns, before what else it speaks of.
    let returns: Vec<&str> = entry.doc.split("Returns").skip(1).filter_map(|rest| rest.split(['.', ';']).next()).collect();
    entry.rows = mentioned(schemas, |name| returns.iter().any(|clause| said(clause, name)))
        .or_else(|| mentioned(schemas, |name| said(&entry.doc, name)));
    entry.options = mentioned(schemas, |name| name.ends_with(" options") && entry.doc.contains(&format!("`{name}`")));
}

/// The schema that a text names: "`pod` rows", "`pod options`".
fn mentioned(schemas: &[&'static Schema], named: impl Fn(&str) -> bool) -> Option<&'static Schema> {
    schemas.iter().find(|schema| named(schema.name)).copied()
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
