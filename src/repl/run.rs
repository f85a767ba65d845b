//! `:run`: a playbook where the session is.

use super::command::{Command, Takes};
use super::{Meant, Next, Session, always, show};
use crate::error::{Error, Kind, Result};
use crate::host::{Files, Playbook};
use crate::render::{self, style};
use crate::report::Report;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};

/// The exit code of a wrong parameter, as on the command line.
const USAGE: u8 = 2;

/// Run a playbook.
pub const RUN: Command = Command {
    names: &["run"],
    argument: "NAME [--PARAMETER VALUE]...",
    takes: Takes::Playbook,
    about: "runs a playbook here, by name or path: `:run proxy-sync --namespace shop`",
    manual: "`:run NAME --help` tells what it does and its parameters; they are those of `pilotage run NAME`, quoted as in a shell. \
             It does not see the session's variables, and leaves none. It may do what it says it needs, as far as `:allow` goes; \
             what it sets is put back when it ends, except what it means to keep. A secret is better named as a file: `--token @FILE`.\n\n\
             Its report is a result, as `pilotage run -o json` prints it: `_.findings` are its findings, `_.findings.filter(|one| \
             one.severity == \"error\")` the bad ones, `_.status` the worst, and `:json` shows all of it again. `:save` says that a run is no \
             part of what it saves.",
    run,
};

fn run(session: &Session, typed: &str) -> Result<Next> {
    let unclosed = || Error::new(Kind::BadInput, "a quote is not closed, or a backslash stands at the end");
    let mut words = shlex::split(typed).ok_or_else(unclosed)?;
    if let Some(home) = words.first_mut().filter(|name| name.starts_with("~/")) {
        *home = Files::at_home(home).to_string_lossy().into_owned();
    }
    match session.ground.playbook(&words) {
        Ok(Meant::Run(playbook, params)) => investigate(session, &playbook, params),
        Ok(Meant::Help(text)) => Ok(session.print(&text)),
        Ok(Meant::Wrong(text)) => {
            style::write_stderr(&text);
            Ok(Next::Failed(USAGE))
        }
        Err(failure) => {
            style::write_stderr(&show::failure(&failure, &session.looks.err()));
            Ok(Next::Failed(failure.error.exit_code()))
        }
    }
}

fn investigate(session: &Session, playbook: &Playbook, params: Map<String, Value>) -> Result<Next> {
    let (begun, mark) = (Instant::now(), session.ground.mark());
    let allowed = session.ground.place().allowed;
    let needed = playbook.within(allowed).map_err(|refused| {
        let word = playbook.needed().word();
        refused.hint(format!("read it first (`:doc {}`); then `:allow {word}`", playbook.name))
    })?;
    // It goes no further than it says.
    session.ground.allow(needed);
    let mut all_back = true;
    let outcome = always(
        || session.guarded(|pilotage| pilotage.run(playbook, params)),
        || {
            session.ground.allow(allowed);
            // At once: nothing is to stay set while somebody reads.
            all_back = put_back(session, mark);
        },
    );
    let (report, failure) = match outcome {
        Ok(report) => (report, None),
        Err(failed) => {
            let (report, failure) = failed.cut_short();
            (report, Some(failure))
        }
    };
    let mut next = if all_back { Next::Go } else { Next::Failed(1) };
    if failure.is_none() || !report.sections.is_empty() {
        let shown = show_kept(session, playbook, &report, begun.elapsed())?;
        next = if all_back { shown } else { next };
    }
    if let Some(failure) = failure {
        style::write_stderr(&show::failure(&failure, &session.looks.err()));
        next = Next::Failed(failure.error.exit_code());
    }
    Ok(next)
}

/// Put back what it set. One press of Ctrl-C ended the playbook; another one ends this.
fn put_back(session: &Session, mark: u64) -> bool {
    session.ground.before();
    session.pilotage().interrupt().renew();
    let all = session.ground.undo_since(mark);
    if !all {
        session.note("not all that it set is put back: `:undo list` shows it, and `:undo` tries again");
    }
    all
}

/// Keep the report as a result, and show it.
fn show_kept(session: &Session, playbook: &Playbook, report: &Report, took: Duration) -> Result<Next> {
    // Without its parameters, for some are secret.
    let typed = format!(":run {}", playbook.name);
    let unwritten = |error| Error::new(Kind::Internal, "the report cannot be kept as a result").caused_by(&error);
    let pilotage = session.pilotage();
    let kept = pilotage.keep(&typed, serde_json::to_value(render::json::report(report)).map_err(unwritten)?);
    session.journal.keep_command(&pilotage, &typed, kept.number);
    Ok(session.show_report(report, &kept, took))
}
