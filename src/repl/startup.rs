//! The user's script that runs before the first prompt: its variables and functions are there from the beginning.

use super::{Session, show};
use crate::error::{Error, Kind};
use crate::host::{Failure, INPUT};
use crate::render::style;
use std::path::Path;

/// Run it, if there is one. What fails is told, and ends nothing.
pub(super) fn run(session: &Session) {
    let settings = session.settings();
    let Some(file) = &settings.startup else { return };
    match std::fs::read_to_string(file) {
        Ok(source) => {
            // What it printed was seen; its value is nobody's answer.
            let outcome = session.guarded(|pilotage| pilotage.eval(&source));
            if let Some(outcome) = &outcome {
                session.journal.keep(&session.pilotage(), &source, outcome.as_ref().map(|_| None).map_err(|failure| &**failure));
            }
            if let Some(Err(failure)) = outcome {
                style::write_stderr(&show::failure(&in_file(*failure, file), &session.looks.err()));
            }
        }
        Err(error) => {
            let told = Error::new(Kind::File, format!("the startup script {} cannot be read", file.display()));
            session.fail(&told.caused_by(&error).hint("`startup` below [repl] of the configuration names it"));
        }
    }
}

/// The failure of what was read from a file, which the engine takes for typed.
pub(super) fn in_file(mut failure: Failure, file: &Path) -> Failure {
    let name = file.display().to_string();
    let frames = failure.frames.iter_mut().map(|frame| &mut frame.file);
    for place in frames.chain([&mut failure.file]).filter(|place| *place == INPUT) {
        place.clone_from(&name);
    }
    failure
}
