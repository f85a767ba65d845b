//! `pilotage` alone: an interactive session.

use super::app::{App, Engine, Outcome};
use super::places;
use crate::Pilotage;
use crate::host::Input;
use crate::repl::{self, Ground, Session};
use std::sync::Arc;

/// Read, evaluate, print, until the end of input.
pub fn main(app: &App) -> Outcome {
    app.with_engine(Input::Prompt, |engine| {
        let session = Session {
            ground: &Here { app, engine },
            place: place(app, engine),
            greeting: engine.backend.describe(),
            history: places::history(),
            out: app.out,
            err: app.err,
            settings: app.settings.clone(),
        };
        Ok(repl::start(&session)?)
    })
}

/// This program, around a session.
struct Here<'a> {
    app: &'a App,
    engine: &'a Engine,
}

impl Ground for Here<'_> {
    fn pilotage(&self) -> Arc<Pilotage> {
        self.engine.pilotage.clone()
    }

    fn before(&self) {
        self.engine.signals.calm();
    }

    fn after(&self) {
        self.app.quiet();
    }
}

/// Where questions go, in a word: a tape is told from the cluster it was recorded on.
fn place(app: &App, engine: &Engine) -> String {
    match &app.options.tape {
        _ if app.options.demo => "demo".into(),
        Some(file) => file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
        None => engine.backend.cluster(),
    }
}
