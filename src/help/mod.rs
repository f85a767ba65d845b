//! What there is to know about a function, a module, a playbook, a command, a kind of row, a response flag or a symptom:
//! one page each, made from what these say of themselves.
//!
//! `help()` in scripts, `:help` and `:doc` at the prompt, and `pilotage doc` all give these pages.

mod corpus;
mod kinds;
mod pages;
mod reference;
mod search;
mod words;

pub use corpus::Sort;
pub use kinds::{kind, listed, takers};
pub use pages::functions;
pub use reference::reference;
pub use search::Hit;

use crate::error::Result;
use crate::host::{Catalog, Playbook};
use crate::report::Page;
use serde_json::json;

/// What help knows.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The functions, kinds of rows and commands.
    pub catalog: &'a Catalog,
    /// The playbooks.
    pub playbooks: &'a [Playbook],
}

/// The page about a name, a symptom, or a few words; nothing asks for an overview.
///
/// # Errors
/// When nothing is known about it, with the nearest name.
pub fn about(known: &Known, text: &str) -> Result<Page> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(pages::overview(known));
    }
    named(known, text).map_or_else(|| search::page_of(known, text), Ok)
}

/// The page about what has this name, if something has.
pub fn named(known: &Known, name: &str) -> Option<Page> {
    let catalog = known.catalog;
    if let Some(command) = name.strip_prefix(':') {
        return catalog.command(command).map(pages::command);
    }
    let name = name.trim_end_matches("()").trim_end_matches("::");
    let functions = catalog.named(name);
    if !functions.is_empty() {
        return Some(pages::functions(known, &functions));
    }
    let playbook = || known.playbooks.iter().find(|playbook| playbook.name == name).map(pages::playbook);
    let row = || kinds::find(catalog, name).map(|schema| kinds::page(known, schema));
    let built_in = || catalog.built_in(name).map(pages::built_in);
    let command = || catalog.command(name).map(pages::command);
    pages::family(known, name).or_else(playbook).or_else(row).or_else(built_in).or_else(command)
}

/// Everything about a name: as [`about`], but of a module or a family all functions in full.
///
/// # Errors
/// As for [`about`].
pub fn whole(known: &Known, name: &str) -> Result<Page> {
    let family = pages::of_family(known.catalog, name.trim_end_matches("::"));
    if family.is_empty() || !known.catalog.named(name).is_empty() {
        return about(known, name);
    }
    Ok(pages::functions(known, &family))
}

/// The page of a playbook.
pub fn playbook(playbook: &Playbook) -> Page {
    pages::playbook(playbook)
}

/// A page with a title, for what has no name.
pub fn page(markdown: String, data: serde_json::Value) -> Page {
    Page { markdown: markdown.trim_end().to_owned() + "\n", data }
}

/// The hits of a search as data.
fn hits_as_data(hits: &[Hit]) -> serde_json::Value {
    let one =
        |hit: &Hit| json!({"kind": hit.sort.word(), "name": hit.name, "call": hit.call, "about": hit.about, "why": hit.why});
    hits.iter().map(one).collect()
}
