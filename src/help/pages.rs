//! Pages about what has a name.

use super::{Known, kinds, page, search};
use crate::host::{Catalog, CommandEntry, Entry, Playbook};
use crate::record::Schema;
use crate::report::Page;
use serde_json::{Value, json};

/// What can be asked, and all names.
pub fn overview(known: &Known) -> Page {
    let mut text = String::from("# help\n\n");
    let ways = [
        ("help(endpoints)", "a function, a module (`help(jwks)`), a playbook, a command"),
        ("help(\"503 UH\")", "what helps with an error: a text, a code, a response flag"),
        ("help(row)", "what a value is: its columns, and what takes it"),
    ];
    ways.iter().for_each(|(call, what)| text += &format!("- `{call}`: {what}\n"));
    let families = families(known.catalog.entries.iter());
    for (title, module) in [("Functions", false), ("Modules, written in the language itself", true)] {
        text += &format!("\n## {title}\n\n");
        for (family, entries) in families.iter().filter(|(_, entries)| entries[0].module.is_some() == module) {
            let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            names.dedup();
            text += &format!("- `{family}`: {}\n", names.join(" "));
        }
    }
    text += "\n## Playbooks\n\n";
    known.playbooks.iter().for_each(|playbook| text += &format!("- `{}`: {}\n", playbook.name, playbook.title()));
    if !known.catalog.commands.is_empty() {
        text += "\n## Commands of a session\n\n";
        known.catalog.commands.iter().for_each(|command| text += &format!("- `{}`: {}\n", typed(command), command.about));
    }
    let names = |list: Vec<String>| Value::from(list);
    let data = json!({
        "functions": names(known.catalog.entries.iter().map(Entry::full_name).collect()),
        "playbooks": names(known.playbooks.iter().map(|playbook| playbook.name.clone()).collect()),
        "commands": names(known.catalog.commands.iter().map(|command| format!(":{}", command.names[0])).collect()),
    });
    page(text, data)
}

/// Entries by family, in the order of the reference.
pub fn families<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<(&'a str, Vec<&'a Entry>)> {
    let mut families: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        match families.iter_mut().find(|(name, _)| *name == entry.family) {
            Some((_, known)) => known.push(entry),
            None => families.push((&entry.family, vec![entry])),
        }
    }
    families
}

/// The functions of a module or a family.
pub fn of_family<'a>(catalog: &'a Catalog, name: &str) -> Vec<&'a Entry> {
    catalog.entries.iter().filter(|entry| entry.family == name).collect()
}

/// A module or a family: what each of its functions does, and what else the word leads to.
pub fn family(known: &Known, name: &str) -> Option<Page> {
    let entries = of_family(known.catalog, name);
    let first = entries.first()?;
    let mut text = format!("# {name}\n\n");
    match first.module.as_deref().and_then(|module| known.catalog.module_doc(module)) {
        Some(doc) => text += &format!("{doc}\n\n"),
        None => text += &format!("A family of {} functions.\n\n", entries.len()),
    }
    entries.iter().for_each(|entry| text += &line(entry));
    let others: Vec<_> = search::hits(known, name)
        .hits
        .into_iter()
        .filter(|hit| !entries.iter().any(|entry| entry.full_name() == hit.name))
        .take(4)
        .collect();
    if !others.is_empty() {
        text += "\n## See also\n\n";
        others.iter().for_each(|hit| text += &format!("- `{}`: {}\n", hit.call, hit.about));
    }
    text += &format!("\n`help(\"NAME\")` tells all of one, `pilotage doc {name}` all of all.\n");
    Some(page(text, data(&entries)))
}

/// One line an entry: its shortest call and its summary.
pub fn line(entry: &Entry) -> String {
    format!("- `{}`: {}\n", entry.call(), entry.summary)
}

/// The whole reference of these functions.
pub fn functions(known: &Known, entries: &[&Entry]) -> Page {
    let mut text = String::new();
    for (number, entry) in entries.iter().enumerate() {
        // Of several that have one name, the family tells which is which.
        let twin = entries[..number].iter().any(|other| other.full_name() == entry.full_name());
        let family = if twin { format!(" ({})", entry.family) } else { String::new() };
        text += &format!("# {}{family}\n\n{}", entry.full_name(), told(entry));
        for schema in &entry.rows {
            text += &format!("\nColumns of {} row:\n\n{}", kinds::article(schema.name), kinds::columns(schema));
        }
        text += &options(entry);
        text += &run_by(known, entry);
        text.push('\n');
    }
    page(text, data(entries))
}

/// The ways to call it, what it does, and whom it helps.
pub fn told(entry: &Entry) -> String {
    let mut text = format!("```rhai\n{}\n```\n\n{}\n", entry.signatures.join("\n"), entry.doc);
    text += &symptoms(&entry.symptoms);
    if !entry.takes.is_empty() {
        let rows: Vec<String> = entry.takes.iter().map(|schema| format!("`help(\"{} rows\")`", schema.name)).collect();
        text += &format!("\nOf the rows that it speaks of: {}.\n", rows.join(", "));
    }
    text
}

/// Whom something helps.
pub fn symptoms(symptoms: &[String]) -> String {
    if symptoms.is_empty() { String::new() } else { format!("\nHelps with: {}.\n", symptoms.join("; ")) }
}

/// The options that a function takes.
pub fn options(entry: &Entry) -> String {
    let list = |schema: &Schema| format!("\nOptions, a map such as `{}`:\n\n{}", sample(schema), kinds::columns(schema));
    entry.options.map(list).unwrap_or_default()
}

fn sample(schema: &Schema) -> String {
    schema.columns.first().map_or_else(|| "#{}".into(), |column| format!("#{{ {}: … }}", column.name))
}

/// The playbooks that call it, or tell people to.
fn run_by(known: &Known, entry: &Entry) -> String {
    let call = format!("{}(", entry.full_name());
    let calls = |playbook: &&Playbook| {
        let text = &playbook.source;
        let whole = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        text.match_indices(&call).any(|(at, _)| whole(at))
    };
    let names: Vec<String> = known.playbooks.iter().filter(calls).map(|playbook| format!("`{}`", playbook.name)).collect();
    if names.is_empty() { String::new() } else { format!("\nPlaybooks that name it: {}.\n", names.join(", ")) }
}

/// The reference of these entries as data.
pub fn data(entries: &[&Entry]) -> Value {
    let columns = |schema: &Schema| {
        schema.columns.iter().map(|column| json!({"name": column.name, "doc": kinds::plain(column.doc)})).collect::<Vec<_>>()
    };
    let entry = |entry: &&Entry| {
        let examples: Vec<Value> =
            entry.examples.iter().map(|example| json!({"code": example.code, "result": example.result})).collect();
        json!({
            "name": entry.full_name(), "family": entry.family, "signatures": entry.signatures, "summary": entry.summary,
            "doc": entry.doc, "symptoms": entry.symptoms, "rows": entry.rows.first().map(|schema| columns(schema)),
            "options": entry.options.map(columns), "examples": examples,
        })
    };
    Value::Array(entries.iter().map(entry).collect())
}

/// A function of the language itself.
pub fn built_in(own: &Entry) -> Page {
    // The headings of its description stand below the one of this page.
    let doc = own.doc.replace("\n# ", "\n## ");
    let ways = own.signatures.join("\n");
    page(format!("# {}\n\n```rhai\n{ways}\n```\n\nA function of the language itself.\n\n{doc}\n", own.name), data(&[own]))
}

/// How a command is typed.
fn typed(command: &CommandEntry) -> String {
    let name = command.names.first().copied().unwrap_or_default();
    if command.argument.is_empty() { format!(":{name}") } else { format!(":{name} {}", command.argument) }
}

/// A command of a session.
pub fn command(command: &CommandEntry) -> Page {
    page(
        command_text(command, "#"),
        json!({"name": command.names, "argument": command.argument, "about": command.about, "manual": command.manual}),
    )
}

/// The same as text below a heading of this depth.
pub fn command_text(command: &CommandEntry, heading: &str) -> String {
    let mut text = format!("{heading} {}\n\n{}\n", typed(command), sentence(command.about));
    if let [_, more @ ..] = command.names
        && !more.is_empty()
    {
        text += &format!("\nShort: {}.\n", more.iter().map(|name| format!("`:{name}`")).collect::<Vec<_>>().join(", "));
    }
    if !command.manual.is_empty() {
        text += &format!("\n{}\n", command.manual);
    }
    text
}

/// A line as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}{}", letters.as_str(), if text.ends_with('.') { "" } else { "." })
}

/// A playbook's manual, parameters and codes.
pub fn playbook(playbook: &Playbook) -> Page {
    let params: Vec<Value> = playbook
        .header
        .params
        .iter()
        .map(|param| json!({"name": param.name, "help": param.help, "value": param.value, "choices": param.choices}))
        .collect();
    let codes: Vec<Value> = playbook.codes().iter().map(|(code, means)| json!({"code": code, "means": means})).collect();
    let data = json!({
        "name": playbook.name, "title": playbook.title(), "manual": playbook.manual, "needs": playbook.header.needs,
        "params": params, "codes": codes,
    });
    page(playbook_text(playbook, "#"), data)
}

/// The same as text below a heading of this depth.
pub fn playbook_text(playbook: &Playbook, heading: &str) -> String {
    let mut call = format!("pilotage run {}", playbook.name);
    for param in playbook.header.params.iter().filter(|param| param.value.is_none()) {
        call += &format!(" --{} …", param.name);
    }
    let mut text = format!("{heading} {}\n\n```sh\n{call}\n```\n\n{}: {}\n", playbook.name, playbook.title(), playbook.told());
    text += &symptoms(&playbook.symptoms());
    if !playbook.header.params.is_empty() {
        text += "\nParameters:\n\n";
    }
    for param in &playbook.header.params {
        let required = if param.value.is_none() { " (required)" } else { "" };
        let choices = if param.choices.is_empty() { String::new() } else { format!("; one of {}", param.choices.join(", ")) };
        text += &format!("- `--{}`: {}{choices}{required}\n", param.name, param.help);
    }
    let codes = playbook.codes();
    if !codes.is_empty() {
        text += "\nFindings:\n\n";
        codes.iter().for_each(|(code, means)| text += &format!("- `{code}`: {means}\n"));
    }
    text
}
