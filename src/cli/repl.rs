//! `pilotage` alone: an interactive session.

use super::app::{App, Engine, Outcome};
use super::places;
use crate::host::Input;
use crate::repl::{self, Session};

/// Read, evaluate, print, until the end of input.
pub fn main(app: &App) -> Outcome {
    app.with_engine(Input::Prompt, |engine| {
        let calm = || engine.signals.calm();
        let quiet = || app.quiet();
        let session = Session {
            pilotage: &engine.pilotage,
            place: place(app, engine),
            greeting: engine.backend.describe(),
            history: places::history(),
            out: app.out,
            err: app.err,
            before: &calm,
            after: &quiet,
        };
        Ok(repl::start(&session)?)
    })
}

/// Where questions go, in a word: a tape is told from the cluster it was recorded on.
fn place(app: &App, engine: &Engine) -> String {
    match &app.options.tape {
        _ if app.options.demo => "demo".into(),
        Some(file) => file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
        None => engine.backend.cluster(),
    }
}
