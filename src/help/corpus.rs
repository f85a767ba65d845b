//! What a search looks through: functions, playbooks and commands, with all that they say of themselves.

use super::Known;
use super::kinds::plain;
use super::words::words;
use crate::host::{CommandEntry, Entry, Playbook};
use crate::record::Schema;

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A function.
    Function,
    /// A playbook.
    Playbook,
    /// A command of a session.
    Command,
}

impl Sort {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Playbook => "playbook",
            Self::Command => "command",
        }
    }
}

/// Something that can be found.
pub struct Item {
    pub sort: Sort,
    pub name: String,
    pub call: String,
    pub about: String,
    pub fields: Vec<Field>,
}

/// One text of it.
pub struct Field {
    pub words: Vec<String>,
    pub weight: f64,
    /// Whether it is a line, rather than a text where any word may stand.
    pub short: bool,
    /// What to say when it was this that fitted.
    pub why: String,
}

impl Field {
    fn new(text: &str, weight: f64, why: impl Into<String>) -> Self {
        Self { words: words(text), weight, short: true, why: why.into() }
    }

    fn long(text: &str, weight: f64, why: impl Into<String>) -> Self {
        Self { short: false, ..Self::new(text, weight, why) }
    }
}

/// All of it.
pub fn corpus(known: &Known) -> Vec<Item> {
    // Help itself is no answer, whatever its own examples speak of.
    let functions = known.catalog.entries.iter().filter(|entry| entry.family != "help").map(function);
    let playbooks = known.playbooks.iter().map(playbook);
    let commands = known.catalog.commands.iter().filter(|command| !command.names.contains(&"help")).map(command);
    functions.chain(playbooks).chain(commands).collect()
}

fn symptoms(all: &[String]) -> impl Iterator<Item = Field> {
    all.iter().map(|symptom| Field::new(symptom, 5.0, format!("Helps with: {symptom}.")))
}

fn columns(schema: &Schema, what: &str) -> Vec<Field> {
    let field = |column: &crate::record::Column| {
        let text = format!("{} {}", column.name, column.doc);
        Field::new(&text, 0.8, format!("{what} `{}`: {}", column.name, first(&plain(column.doc))))
    };
    schema.columns.iter().map(field).collect()
}

/// As much of a text as fits on a line.
fn first(text: &str) -> &str {
    text.find(['.', ';', ':']).map_or(text, |end| &text[..end])
}

fn function(entry: &Entry) -> Item {
    let mut fields = vec![
        Field::new(&entry.full_name(), 4.0, ""),
        Field::new(&entry.family, 2.0, ""),
        Field::new(&entry.summary, 2.5, ""),
        Field::long(&entry.prose(), 1.2, ""),
    ];
    fields.extend(symptoms(&entry.symptoms));
    entry.rows.iter().for_each(|schema| fields.extend(columns(schema, "Column")));
    entry.options.iter().for_each(|schema| fields.extend(columns(schema, "Option")));
    Item { sort: Sort::Function, name: entry.full_name(), call: entry.call().into(), about: entry.summary.clone(), fields }
}

fn playbook(playbook: &Playbook) -> Item {
    let mut fields =
        vec![Field::new(&playbook.name, 4.0, ""), Field::new(playbook.title(), 4.0, ""), Field::long(&playbook.told(), 1.5, "")];
    fields.extend(symptoms(&playbook.symptoms()));
    for (code, means) in playbook.codes() {
        fields.push(Field::new(&format!("{code} {means}"), 4.0, format!("Finds {code}: {means}.")));
    }
    for param in &playbook.header.params {
        fields.push(Field::new(
            &format!("{} {}", param.name, param.help),
            1.0,
            format!("Parameter --{}: {}", param.name, param.help),
        ));
    }
    Item {
        sort: Sort::Playbook,
        name: playbook.name.clone(),
        call: format!("pilotage run {}", playbook.name),
        about: playbook.told().split("\n\n").next().unwrap_or_default().to_owned(),
        fields,
    }
}

fn command(command: &CommandEntry) -> Item {
    let name = command.names.first().copied().unwrap_or_default();
    let fields = vec![
        Field::new(&command.names.join(" "), 3.0, ""),
        Field::new(command.about, 2.0, ""),
        Field::long(command.manual, 1.0, ""),
    ];
    Item {
        sort: Sort::Command,
        name: format!(":{name}"),
        call: format!(":{name} {}", command.argument).trim_end().to_owned(),
        about: command.about.to_owned(),
        fields,
    }
}
