//! `pilotage eval`: one expression, for shell pipes.

use super::app::{App, Outcome};
use crate::error::{Error, Kind, Result};
use crate::host::Input;
use clap::Args;
use std::io::Read;

/// Only part of the targets answered.
pub const PARTIAL: u8 = 4;

/// Arguments of `pilotage eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// The expression, or several statements; `-` reads them from standard input
    #[arg(value_name = "EXPRESSION", allow_hyphen_values = true)]
    source: String,
}

impl Eval {
    /// Evaluate and print the last value.
    pub fn main(&self, app: &App) -> Outcome {
        let (source, input) = match self.source.as_str() {
            "-" => (stdin()?, Input::Taken("the script itself came from there")),
            source => (source.to_owned(), Input::Free),
        };
        app.with_engine(input, |engine| {
            let outcome = engine.pilotage.eval(&source);
            for note in engine.pilotage.take_notes() {
                app.note(&note);
            }
            app.show(&outcome?)?;
            engine.pilotage.hold(|| app.tell("port-forwards stay open until Ctrl-C\n"));
            Ok(if engine.pilotage.partial() { PARTIAL } else { 0 })
        })
    }
}

fn stdin() -> Result<String> {
    let mut text = String::new();
    let unreadable = |error: std::io::Error| Error::new(Kind::File, "standard input cannot be read as text").caused_by(&error);
    std::io::stdin().read_to_string(&mut text).map_err(unreadable).map(|_| text)
}
