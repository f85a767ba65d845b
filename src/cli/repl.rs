//! `pilotage` alone: an interactive session.

use super::app::{App, Outcome};
use super::places;
use crate::repl::{self, Session, show};

/// Read, evaluate, print, until the end of input.
pub fn main(app: &App) -> Outcome {
    app.with_engine(true, |engine| {
        let calm = || engine.signals.calm();
        let quiet = || app.quiet();
        let session = Session {
            pilotage: &engine.pilotage,
            place: engine.backend.cluster(),
            greeting: engine.backend.describe(),
            history: places::history(),
            out: app.out,
            err: app.err,
            before: &calm,
            after: &quiet,
        };
        repl::start(&session).map_err(show::boxed)
    })
}
