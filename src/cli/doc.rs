//! `pilotage doc`: the reference, made from what scripts can really call.

use super::app::{App, Outcome};
use super::{nowhere, places};
use crate::Pilotage;
use crate::error::Kind;
use crate::help;
use crate::host::{Failure, Playbook};
use crate::report::{Content, Page};
use clap::Args;

/// Arguments of `pilotage doc`.
#[derive(Debug, Args)]
pub struct Doc {
    /// A function (`pods`, `jwks::stand_ins`), a module, a family, a playbook, a command (`:help`), rows (`pod rows`), or an
    /// error's text (`"503 UH"`); the whole reference when left out
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Doc {
    /// Print Markdown; on a terminal, text.
    pub fn main(&self, app: &App) -> Outcome {
        let pilotage = nowhere::pilotage()?;
        let page = match self.name.as_deref() {
            None => pilotage.reference(),
            Some(name) => page(&pilotage, name)?,
        };
        app.show(&Content::Page(page))?;
        Ok(0)
    }
}

/// The page about a name; of a playbook that cannot be read, why.
fn page(pilotage: &Pilotage, name: &str) -> Result<Page, Box<Failure>> {
    let known = pilotage.doc(name);
    let Err(unknown) = known else { return Ok(known?) };
    match Playbook::find(name, &places::playbook_folders()) {
        Ok(playbook) => Ok(help::playbook(&playbook)),
        Err(failure) if failure.error.kind() != Kind::NotFound => Err(failure),
        Err(_) => Err(unknown.into()),
    }
}
