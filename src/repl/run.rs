//! `:run`: a playbook where the session is.

use super::command::{Command, Takes};
use super::{Meant, Next, Session, show};
use crate::error::{Error, Kind, Result};
use crate::host::Playbook;
use crate::render::{self, style};
use serde_json::{Map, Value};

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
             what it sets stays until `:undo` or the end of the session. A secret is better named as a file: `--token @FILE`.",
    run,
};

fn run(session: &Session, typed: &str) -> Result<Next> {
    let unclosed = || Error::new(Kind::BadInput, "a quote is not closed, or a backslash stands at the end");
    let words = shlex::split(typed).ok_or_else(unclosed)?;
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
    let before = session.ground.place();
    let needed = playbook.within(before.allowed).map_err(|refused| {
        let word = playbook.needed().word();
        refused.hint(format!("read it first (`:doc {}`); then `:allow {word}`", playbook.name))
    })?;
    // It goes no further than it says.
    session.ground.allow(needed);
    let outcome = session.guarded(|pilotage| Ok(pilotage.run(playbook, params)));
    session.ground.allow(before.allowed);
    let (report, failure) = match outcome {
        Some(Ok(Ok(report))) => (report, None),
        Some(Ok(Err(failed))) => {
            let (report, failure) = failed.cut_short();
            (report, Some(failure))
        }
        Some(Err(failure)) => return Ok(Next::Failed(failure.error.exit_code())),
        None => return Ok(Next::Failed(1)),
    };
    let mut next = Next::Go;
    if failure.is_none() || !report.sections.is_empty() {
        let format = session.ground.format();
        next = session.show_whole(&|out, look| render::write_report(out, &report, format, look));
    }
    if session.ground.place().set > before.set {
        session.note("what it set stays so until `:undo`, or the end of the session");
    }
    if let Some(failure) = failure {
        style::write_stderr(&show::failure(&failure, &session.looks.err()));
        next = Next::Failed(failure.error.exit_code());
    }
    Ok(next)
}
