//! The user's script that runs before the first prompt: its variables and functions are there from the beginning.

use super::{Next, Session, show};
use crate::backend::whose::{self, Doubt};
use crate::error::{Error, Kind};
use crate::host::{Failure, INPUT};
use crate::render::style;
use std::io;
use std::path::Path;

/// Run it, if there is one. What fails is told, and ends nothing.
pub(super) fn run(session: &Session) {
    if let Some(file) = &session.settings().startup {
        session.survive(|| evaluate(session, file));
    }
}

fn evaluate(session: &Session, file: &Path) -> Next {
    let told = |kind, what: &str| Error::new(kind, format!("the startup script {} {what}", file.display()));
    match read(file) {
        Ok(Err(doubt)) => session.fail(&told(Kind::Refused, &format!("is not run: {}", doubt.why)).hint(doubt.remedy)),
        Ok(Ok(source)) => {
            // What it printed was seen; its value is nobody's answer.
            let outcome = session.guarded(|pilotage| pilotage.eval(&source));
            session.journal.keep(&session.pilotage(), &source, outcome.as_ref().map(|_| None).map_err(|failure| &**failure));
            if let Err(failure) = outcome {
                style::write_stderr(&show::failure(&in_file(*failure, file), &session.looks.err()));
            }
            Next::Go
        }
        Err(error) => {
            let told = told(Kind::File, "cannot be read").caused_by(&error);
            session.fail(&told.hint("`startup` below [repl] of the configuration names it"))
        }
    }
}

/// The script, if nobody else could have written it.
fn read(file: &Path) -> io::Result<Result<String, Doubt>> {
    match whose::read(file)? {
        Ok(bytes) => String::from_utf8(bytes).map(Ok).map_err(io::Error::other),
        Err(doubt) => Ok(Err(doubt)),
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
