//! `pilotage show`: the text of a playbook, to read or to begin one's own with.

use super::app::{App, Outcome};
use super::places;
use crate::host::Playbook;
use clap::Args;

/// Arguments of `pilotage show`.
#[derive(Debug, Args)]
pub struct Show {
    /// A playbook's name or path
    #[arg(value_name = "PLAYBOOK")]
    name: String,
}

impl Show {
    /// Print it as it is.
    pub fn main(&self, app: &App) -> Outcome {
        let playbook = Playbook::find(&self.name, &places::playbook_folders())?;
        app.print(&playbook.source)?;
        Ok(0)
    }
}
