//! The one index of everything a script can call, read from the functions themselves.

use super::entry::Entry;
use super::left_out::is_left_out;
use super::tokens::is_own_function;
use crate::record::Schema;
use crate::suggest::nearest;
use rhai::{Engine, Module};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Everything a script can call, and what else help knows of.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Sorted by family, then name; overloads are one entry.
    pub entries: Vec<Entry>,
    /// The kinds of rows and options that the descriptions name.
    pub schemas: Vec<&'static Schema>,
    /// What can be typed at a session beside the language, as whoever runs one says.
    pub commands: Vec<CommandEntry>,
    /// The language's own functions.
    pub language: &'static [Entry],
    /// The same, with the ways to call them.
    built_in: BTreeMap<String, Vec<String>>,
}

/// A command of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandEntry {
    /// What is typed behind the colon: the usual name first, then its short forms.
    pub names: &'static [&'static str],
    /// What stands behind the name: `[NAME]`. Empty when nothing does.
    pub argument: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Whatever else is worth knowing, Markdown. May be empty.
    pub manual: &'static str,
}

impl Catalog {
    /// Index the native families and the standard library of an engine.
    fn new(sources: &Sources, engine: &Engine) -> Self {
        let mut entries = Vec::new();
        for (family, module) in &sources.families {
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
            entry.finish(&sources.schemas);
        }
        let language = language();
        let (schemas, commands) = (sources.schemas.clone(), sources.commands.clone());
        Self { entries, schemas, commands, built_in: built_in(language), language }
    }

    /// An entry by its name, with or without module.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.full_name() == name)
            .or_else(|| self.entries.iter().find(|entry| entry.name == name))
    }

    /// The entries of this name, with or without module: a name may stand in several families.
    pub fn named(&self, name: &str) -> Vec<&Entry> {
        let whole: Vec<&Entry> = self.entries.iter().filter(|entry| entry.full_name() == name).collect();
        if whole.is_empty() { self.entries.iter().filter(|entry| entry.name == name).collect() } else { whole }
    }

    /// What a module of the standard library says about itself.
    pub fn module_doc(&self, module: &str) -> Option<String> {
        let (_, source) = super::stdlib::MODULES.iter().find(|(name, _)| *name == module)?;
        let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
        Some(lines.map(str::trim).collect::<Vec<_>>().join("\n"))
    }

    /// A function of the language itself.
    pub fn built_in(&self, name: &str) -> Option<&Entry> {
        self.language.iter().find(|entry| entry.name == name)
    }

    /// The functions of the language that somebody may mean who looks for what can be done with a value.
    pub fn methods(&self) -> impl Iterator<Item = &Entry> {
        self.language.iter().filter(|entry| !is_left_out(&entry.name))
    }

    /// A command by one of its names, without its colon.
    pub fn command(&self, name: &str) -> Option<&CommandEntry> {
        self.commands.iter().find(|command| command.names.contains(&name))
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

/// What a catalog is made of, and the catalog once somebody asked for it.
pub(super) struct Sources {
    pub families: Vec<(&'static str, Module)>,
    pub schemas: Vec<&'static Schema>,
    pub commands: Vec<CommandEntry>,
    /// The folders of playbooks that help knows besides the shipped ones.
    pub playbooks: Vec<PathBuf>,
    made: OnceLock<Catalog>,
}

impl Sources {
    pub fn new(
        families: Vec<(&'static str, Module)>,
        schemas: Vec<&'static Schema>,
        commands: Vec<CommandEntry>,
        playbooks: Vec<PathBuf>,
    ) -> Self {
        Self { families, schemas, commands, playbooks, made: OnceLock::new() }
    }

    /// The catalog of this engine, which was made of these.
    pub fn catalog(&self, engine: &Engine) -> &Catalog {
        self.made.get_or_init(|| Catalog::new(self, engine))
    }
}

/// The functions that the language itself brings, to every engine the same.
fn language() -> &'static [Entry] {
    static LANGUAGE: OnceLock<Vec<Entry>> = OnceLock::new();
    LANGUAGE.get_or_init(|| {
        let mut entries = Vec::new();
        collect(&mut entries, functions(&metadata(&Engine::new(), true)), "language", None);
        for entry in &mut entries {
            entry.finish(&[]);
        }
        entries
    })
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
            entries.push(Entry::blank(name, family, module));
            entries.len() - 1
        });
        entries[index].add_overload(function);
    }
}
