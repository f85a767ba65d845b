//! `pilotage` alone: an interactive session.

use super::app::{App, Outcome};
use super::config::Config;
use super::ground::Here;
use super::places;
use crate::host::Input;
use crate::repl::{self, Session};
use clap::ArgMatches;

/// Read, evaluate, print, until the end of input.
pub fn main(app: &App, config: &Config, typed: &ArgMatches) -> Outcome {
    app.with_engine(Input::Prompt, |engine| {
        let ground = Here::new(app, engine, config.clone(), typed);
        let mut session = Session::new(&ground, places::history(), app.looks.clone(), app.settings.clone());
        session.scripts = places::user_scripts();
        Ok(repl::start(&session)?)
    })
}
