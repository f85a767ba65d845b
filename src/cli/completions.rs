//! `pilotage completions`: what a shell must know to complete commands, playbooks and their parameters; or what kubectl must.

use super::app::{App, Outcome};
use super::{params, plugin};
use crate::host::Playbook;
use clap::builder::PossibleValue;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

/// Arguments of `pilotage completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell, or kubectl: its script is to lie on the PATH as kubectl_complete-pilotage
    #[arg(value_name = "SHELL")]
    completer: Completer,
}

/// What completes.
#[derive(Debug, Clone)]
enum Completer {
    Shell(Shell),
    Kubectl,
}

impl ValueEnum for Completer {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Shell(Shell::Bash),
            Self::Shell(Shell::Zsh),
            Self::Shell(Shell::Fish),
            Self::Shell(Shell::Elvish),
            Self::Shell(Shell::PowerShell),
            Self::Kubectl,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Shell(shell) => shell.to_possible_value(),
            Self::Kubectl => Some(PossibleValue::new("kubectl")),
        }
    }
}

impl Completions {
    /// Print the script.
    pub fn main(&self, app: &App) -> Outcome {
        let Completer::Shell(shell) = self.completer else {
            app.print(plugin::COMPLETE)?;
            return Ok(0);
        };
        let mut command = super::Cli::command();
        for playbook in Playbook::shipped() {
            command = params::with_playbook(command, &playbook, &playbook.name);
        }
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "pilotage", &mut script);
        app.print(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
