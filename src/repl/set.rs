//! `:set`: what can be changed of a session while it lives.

use super::command::{self, Command, Takes};
use super::ground::Setting;
use super::{Next, Session};
use crate::error::{Error, Kind, Result};
use crate::report::{Content, Table};
use crate::suggest::nearest;
use serde_json::Value;
use std::sync::{Arc, PoisonError};

/// Show or change a setting.
pub const SET: Command = Command {
    names: &["set"],
    argument: "[KEY [VALUE]...]",
    takes: Takes::Setting,
    about: "lists what is set of this session, explains one setting, or changes it until the session ends",
    manual: "`:set edit_mode vi` changes one, `:set prod live eu-*` gives a list. The keys are those of the configuration \
             (`pilotage config show`), where a value is kept for later sessions; with `timeout` and `parallel`, what runs goes on as it \
             began.\n\n\
             `:set output json` shows whole results in that form from then on, and the reports of `:run`; what commands say stays text. \
             `:set no_color true` takes the colours away, `:set colors.bad bold magenta` chooses one, `:set width 80` fits the output, and \
             `:set width 0` to the terminal again.",
    run: set,
};

fn set(session: &Session, typed: &str) -> Result<Next> {
    let all = session.ground.settings();
    let (name, value) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let (name, value) = (name.replace('-', "_"), value.trim());
    if name.is_empty() {
        return Ok(session.show(&table(&all)));
    }
    let setting = all.iter().find(|setting| setting.name == name).ok_or_else(|| unknown(&name, &all))?;
    if value.is_empty() {
        let (held, from) = (written(&setting.value), &setting.from);
        return Ok(session.print(&format!("{name} = {held}, from {from}\n{}\n", setting.about)));
    }
    let settings = session.ground.set(&name, &values(setting, value)?)?;
    *session.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    let now = session.ground.settings().into_iter().find(|setting| setting.name == name);
    session.note(&format!("{name} is {}", now.map_or_else(String::new, |setting| written(&setting.value))));
    Ok(Next::Go)
}

/// The words of a list; else one text, in quotes or not.
fn values(setting: &Setting, typed: &str) -> Result<Vec<String>> {
    let unclosed = || Error::new(Kind::BadInput, "a quote is not closed, or a backslash stands at the end");
    let words = shlex::split(typed).ok_or_else(unclosed)?;
    Ok(if setting.list || words.len() == 1 { words } else { vec![typed.to_owned()] })
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Array(all) => all.iter().map(written).collect::<Vec<_>>().join(" "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn table(all: &[Setting]) -> Content {
    let row = |setting: &Setting| -> Vec<Value> {
        vec![setting.name.clone().into(), setting.value.clone(), setting.from.clone().into(), setting.about.clone().into()]
    };
    let columns = ["key", "value", "from", "about"].map(String::from).to_vec();
    Content::Table(Table { columns, rows: all.iter().map(row).collect::<Vec<_>>().into(), ..Table::default() })
}

fn unknown(name: &str, all: &[Setting]) -> Error {
    let error = Error::new(Kind::BadInput, format!("a session has no setting {name}"));
    match (nearest(name, all.iter().map(|setting| setting.name.as_str())), command::find(name)) {
        (_, Some(command)) => error.hint(format!("{} {}", command.typed(), command.about)),
        (Some(near), None) => error.hint(format!("did you mean {near}? :set lists all")),
        (None, None) => error.hint(":set lists all; what else `pilotage config show` names is chosen when pilotage starts"),
    }
}
