//! `pilotage` alone: an interactive session.

use super::app::{App, Outcome};
use super::config::{Config, OPTIONS, Origin};
use super::config_command::told_place;
use super::config_keys::sections;
use super::ground::Here;
use super::places;
use crate::host::Input;
use crate::repl::{self, Session, ask};
use clap::ArgMatches;

/// Read, evaluate, print, until the end of input.
pub fn main(app: &App, config: &Config, typed: &ArgMatches) -> Outcome {
    app.with_engine(Input::Prompt, |engine| {
        let ground = Here::new(app, engine, config.clone(), typed);
        let mut session = Session::new(&ground, places::history(), app.looks.clone(), app.settings.clone());
        session.scripts = places::user_scripts();
        if let Some(told) = unasked(config, typed).filter(|_| ask::somebody()) {
            app.note(&told);
        }
        Ok(repl::start(&session)?)
    })
}

/// That changes are allowed, where nobody typed so just now.
fn unasked(config: &Config, typed: &ArgMatches) -> Option<String> {
    let [options, ..] = sections();
    let (values, origin) = config.holds(OPTIONS, &options.key("allow")?, typed);
    let changes = origin != Origin::CommandLine && values.iter().any(|value| value == "change");
    changes.then(|| {
        let place = told_place("allow", &origin);
        format!(
            "scripts may change objects of the cluster from the start: allow is change, from {place}; `:allow tune` ends that"
        )
    })
}
