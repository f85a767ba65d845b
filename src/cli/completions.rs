//! `pilotage completions`: what a shell must know to complete commands, playbooks and their parameters.

use super::app::{App, Outcome};
use super::params;
use crate::host::Playbook;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Arguments of `pilotage completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Print the script.
    pub fn main(&self, app: &App) -> Outcome {
        let mut command = super::Cli::command();
        for playbook in Playbook::shipped() {
            command = params::with_playbook(command, &playbook, &playbook.name);
        }
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "pilotage", &mut script);
        app.print(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
