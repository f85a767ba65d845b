//! `pilotage completions`: what makes a shell, or kubectl, ask pilotage what may stand where somebody types.

use super::app::{App, Outcome};
use super::{complete, plugin};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
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
        app.print(&complete::script(&shell.to_string()))?;
        Ok(0)
    }
}
