//! `pilotage run`: a playbook, its report, and the exit code it deserves.

use super::Start;
use super::app::{App, Outcome};
use super::eval::PARTIAL;
use super::{options::Options, params, places};
use crate::backend::Effect;
use crate::called::called;
use crate::error::{Error, Kind};
use crate::host::{Failure, Input, Playbook};
use crate::render;
use crate::repl::ask;
use crate::report::Severity;
use clap::{Args, FromArgMatches, Subcommand};
use serde_json::{Map, Value};
use std::ffi::OsString;

/// Findings at or above `--fail-on`.
const FOUND: u8 = 3;

/// Arguments of `pilotage run`, as far as they are known before the playbook is.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct Run {
    #[command(subcommand)]
    playbook: Option<Named>,
}

#[derive(Debug, Subcommand)]
enum Named {
    /// The playbook's name and everything after it.
    #[command(external_subcommand)]
    Playbook(Vec<OsString>),
}

/// The command's help, as the program is called.
pub fn explained(run: clap::Command) -> clap::Command {
    let called = called();
    run.override_usage(format!("{called} run [OPTIONS] <PLAYBOOK> [--PARAMETER <VALUE>]...")).after_help(format!(
        "PLAYBOOK is a name (`{called} list` shows them) or the path of a .rhai file.\n\
         `{called} run PLAYBOOK --help` shows what it does and its parameters."
    ))
}

impl Run {
    /// Read the command line again, with the playbook's parameters; then run it.
    pub fn main(&self, start: &Start, options: Options) -> u8 {
        let Some(Named::Playbook(words)) = &self.playbook else {
            return App::new(options, &start.config, None).finish(Err(nameless().into()));
        };
        let typed = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let playbook = match Playbook::find(&typed, &places::playbook_folders()) {
            Ok(playbook) => playbook,
            Err(failure) => return not_found(&App::new(options, &start.config, None), failure),
        };
        let mut command = params::with_playbook(start.command.clone(), &playbook, &typed);
        let matches = match command.try_get_matches_from_mut(start.args) {
            Ok(matches) => matches,
            Err(error) => {
                let code = super::say(&error);
                if error.use_stderr() {
                    render::style::write_stderr(&format!("\n{}", params::help(&mut command, &typed)));
                }
                return code;
            }
        };
        let app = App::new(Options::from_arg_matches(&matches).unwrap_or(options), &start.config, Some(&playbook));
        // Bound here only to find mistakes before anybody is asked anything.
        let given = params::given(&playbook, &matches, &app.options);
        match given.and_then(|given| playbook.bind(given.clone()).map(|_| given)) {
            Ok(given) => app.finish(investigate(&app, &playbook, given)),
            Err(error) => {
                let code = app.finish(Err(error.into()));
                if code == super::USAGE {
                    app.tell(&format!("\n{}", params::help(&mut command, &typed)));
                }
                code
            }
        }
    }
}

/// What is said where no playbook is named.
pub fn nameless() -> Error {
    let names: Vec<String> = super::list::all().into_iter().map(|(name, _, _)| name).collect();
    Error::new(Kind::Usage, "run needs a playbook").hint(format!("there are: {}", names.join(", ")))
}

/// A name that does not exist is a slip on the command line; a playbook that does not compile is a failure.
fn not_found(app: &App, failure: Box<Failure>) -> u8 {
    let slip = failure.error.kind() == Kind::NotFound;
    let code = app.finish(Err(failure));
    if slip { super::USAGE } else { code }
}

fn investigate(app: &App, playbook: &Playbook, params: Map<String, Value>) -> Outcome {
    let allowed = allowed(playbook, app)?;
    app.with_engine_up_to(allowed, Input::Free, |engine| {
        let (report, failure) = match engine.pilotage.run(playbook, params) {
            Ok(report) => (report, None),
            Err(failed) => {
                let (report, failure) = failed.cut_short();
                (report, Some(failure))
            }
        };
        if failure.is_none() || !report.sections.is_empty() {
            app.write(|out| render::write_report(out, &report, app.options.output.into(), &app.looks.out()))?;
        }
        match failure {
            Some(failure) => Err(Box::new(failure)),
            None => Ok(exit_code(report.status(), app.options.fail_on.into(), engine.pilotage.partial())),
        }
    })
}

/// How far a playbook may go: as far as it says it needs, if the user allows that; by option, or when asked at a terminal.
fn allowed(playbook: &Playbook, app: &App) -> crate::error::Result<Effect> {
    let refused = match check_needs(playbook, app.options.allow.into()) {
        Ok(needed) => return Ok(needed),
        Err(refused) => refused,
    };
    let needed = playbook.needed();
    if needed == Effect::Tune && ask::somebody() && says_yes(playbook, app) { Ok(needed) } else { Err(refused) }
}

fn says_yes(playbook: &Playbook, app: &App) -> bool {
    ask::forget_typed();
    app.tell(&format!(
        "{} sets log levels in running processes, and puts them back when it ends. Go on? [y/N] ",
        playbook.title()
    ));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// What a playbook says it needs, the user must have allowed.
fn check_needs(playbook: &Playbook, allowed: Effect) -> crate::error::Result<Effect> {
    playbook.within(allowed).map_err(|refused| {
        let word = playbook.needed().word();
        refused.hint(format!("read it first (`pilotage show {}`); then add --allow {word}", playbook.name))
    })
}

fn exit_code(status: Severity, fail_on: Severity, partial: bool) -> u8 {
    if status >= fail_on {
        FOUND
    } else if partial {
        PARTIAL
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_outweigh_missing_answers() {
        assert_eq!(exit_code(Severity::Error, Severity::Error, true), FOUND);
        assert_eq!(exit_code(Severity::Warning, Severity::Error, true), PARTIAL);
        assert_eq!(exit_code(Severity::Warning, Severity::Warning, false), FOUND);
        assert_eq!(exit_code(Severity::Info, Severity::Error, false), 0);
    }

    #[test]
    fn a_playbook_that_needs_more_than_allowed_is_not_begun() {
        let source = "const PLAYBOOK = #{ title: \"t\", needs: [\"tune\"], params: #{} };";
        let playbook = Playbook::parse("t", None, source).expect("it parses");
        let error = check_needs(&playbook, Effect::Observe).expect_err("not allowed");
        assert_eq!(error.kind(), Kind::Refused);
        assert!(check_needs(&playbook, Effect::Tune).is_ok());
    }
}
