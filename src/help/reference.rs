//! The complete reference, on one page.

use super::{Known, kinds, pages};
use crate::host::Entry;
use crate::record::Schema;
use crate::report::Page;

/// Everything: functions by family, the standard library, kinds of rows, playbooks and commands.
pub fn reference(known: &Known) -> Page {
    let mut text = String::from(
        "# Reference\n\nMade by `pilotage doc` from what the functions, playbooks and commands say of themselves.\n",
    );
    let families = pages::families(known.catalog.entries.iter());
    text += &contents(&families);
    for (family, entries) in &families {
        text += &format!("\n## {family}\n");
        if let Some(doc) = entries[0].module.as_deref().and_then(|module| known.catalog.module_doc(module)) {
            text += &format!("\n{doc}\n");
        }
        entries.iter().for_each(|entry| text += &function(entry));
    }
    text += "\n## Rows\n";
    for schema in rows(known) {
        text += &format!("\n### {} rows\n\n{}\n\n{}", schema.name, kinds::plain(schema.doc), kinds::columns(schema));
    }
    text += "\n## Playbooks\n";
    known.playbooks.iter().for_each(|playbook| text += &format!("\n{}", pages::playbook_text(playbook, "###")));
    if !known.catalog.commands.is_empty() {
        text += "\n## Commands of a session\n";
        known.catalog.commands.iter().for_each(|command| text += &format!("\n{}", pages::command_text(command, "###")));
    }
    super::page(text, pages::data(&known.catalog.entries.iter().collect::<Vec<_>>()))
}

fn contents(families: &[(&str, Vec<&Entry>)]) -> String {
    let names = families.iter().map(|(family, _)| (*family).to_owned());
    let rest = ["Rows", "Playbooks", "Commands of a session"].map(str::to_owned);
    let link = |name: String| format!("[{name}](#{})", name.to_lowercase().replace(' ', "-"));
    format!("\n{}\n", names.chain(rest).map(link).collect::<Vec<_>>().join(" · "))
}

fn function(entry: &Entry) -> String {
    let mut text = format!("\n### {}\n\n{}", entry.full_name(), pages::told(entry));
    if !entry.rows.is_empty() {
        let link = |schema: &&Schema| format!("[{}](#{}-rows)", schema.name, schema.name.replace(' ', "-"));
        text += &format!("\nRows: {}.\n", entry.rows.iter().map(link).collect::<Vec<_>>().join(", "));
    }
    text + pages::options(entry).as_str()
}

/// The kinds of rows that some function gives or takes.
fn rows(known: &Known) -> Vec<&'static Schema> {
    let mut found: Vec<&'static Schema> = Vec::new();
    for schema in known.catalog.entries.iter().flat_map(|entry| entry.rows.iter().chain(&entry.takes)) {
        if !found.iter().any(|known| known.name == schema.name) {
            found.push(schema);
        }
    }
    found.sort_by_key(|schema| schema.name);
    found
}
