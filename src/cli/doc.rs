//! `pilotage doc`: the reference, made from what scripts can really call.

use super::app::{App, Outcome};
use super::{nowhere, places};
use crate::error::{Error, Kind, Result};
use crate::host::{Catalog, Failure, Playbook};
use crate::render::{Format, json, terminal_markdown, yaml};
use crate::repl::help;
use clap::Args;

/// Arguments of `pilotage doc`.
#[derive(Debug, Args)]
pub struct Doc {
    /// A function (`pods`, `jwks::stand_ins`), a module, a family or a playbook; everything when left out
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Doc {
    /// Print Markdown; on a terminal, text.
    pub fn main(&self, app: &App) -> Outcome {
        let pilotage = nowhere::pilotage()?;
        let catalog = pilotage.catalog();
        let entries = match self.name.as_deref() {
            None => catalog.entries.iter().collect(),
            Some(name) => help::named(catalog, name),
        };
        match self.name.as_deref() {
            Some(name) if entries.is_empty() => markdown(app, &playbook(name, catalog)?),
            _ => match app.options.output.into() {
                Format::Json => app.print(&json::pretty(&help::as_json(&entries))),
                Format::Yaml => app.print(&yaml::value(&help::as_json(&entries))),
                _ => markdown(app, &help::reference(&entries)),
            },
        }?;
        Ok(0)
    }
}

fn markdown(app: &App, text: &str) -> Result<()> {
    let asked = Format::from(app.options.output) == Format::Markdown;
    if app.out.terminal && !asked { app.print(&terminal_markdown::render(text, &app.out)) } else { app.print(text) }
}

/// The manual of a playbook. What is neither function nor playbook is told with the nearest name of both.
fn playbook(name: &str, catalog: &Catalog) -> std::result::Result<String, Box<Failure>> {
    match Playbook::find(name, &places::playbook_folders()) {
        Ok(playbook) => Ok(help::playbook(&playbook)),
        Err(failure) if failure.error.kind() != Kind::NotFound => Err(failure),
        Err(failure) => {
            let error = Error::new(Kind::NotFound, format!("there is no function, module or playbook {name:?}"));
            let near = catalog.suggest(name).map(|near| format!("did you mean {near}? `pilotage doc` shows all"));
            let hint = near.or_else(|| failure.error.next_step().map(String::from));
            Err(error.hint(hint.unwrap_or_else(|| "`pilotage doc` shows all".into())).into())
        }
    }
}
