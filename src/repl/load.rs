//! `:load` and `:time`: evaluate what stands in a file, and tell what an evaluation took.

use super::command::{Command, Takes};
use super::startup::in_file;
use super::{Next, Session, show};
use crate::error::{Error, Kind, Result};
use crate::host::{Files, Playbook};
use crate::render::style;
use crate::suggest::nearest;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Evaluate a file.
pub const LOAD: Command = Command {
    names: &["load"],
    argument: "FILE",
    takes: Takes::FileOr(&[]),
    about: "evaluates a script as if it were typed: its variables and functions stay",
    manual: "What fails is told with its place in the file; what stands before it was done. A playbook is run, not loaded: \
             `:run FILE`.",
    run: load,
};

/// Tell what an evaluation takes.
pub const TIME: Command = Command {
    names: &["time"],
    argument: "[on|off|EXPRESSION]",
    takes: Takes::Expression,
    about: "tells how long an expression takes, how many questions it puts and how much comes back; `:time on` for every line",
    manual: "",
    run: time,
};

fn load(session: &Session, typed: &str) -> Result<Next> {
    if typed.is_empty() {
        return Err(Error::new(Kind::Usage, ":load needs a file").hint("as in `:load helpers.rhai`; Tab behind it lists files"));
    }
    let file = Files::at_home(typed);
    let source = std::fs::read_to_string(&file).map_err(|error| unread(&file, &error))?;
    if Playbook::is_declared(&source) {
        return Err(Error::new(Kind::BadInput, format!("{} is a playbook: it wants its parameters", file.display()))
            .hint(format!("`:run {typed}` runs it, `:run {typed} --help` tells its parameters")));
    }
    let outcome = session.guarded(|pilotage| pilotage.enter(&source));
    let number = outcome.as_ref().map(|shown| shown.number).map_err(|failure| &**failure);
    session.journal.keep(&session.pilotage(), &source, number);
    Ok(match outcome {
        Ok(shown) => session.show(&shown.content),
        Err(failure) => {
            let failure = in_file(*failure, &file);
            style::write_stderr(&show::failure(&failure, &session.looks.err()));
            Next::Failed(failure.error.exit_code())
        }
    })
}

/// Why a file cannot be read, and which may be meant instead.
fn unread(file: &Path, error: &io::Error) -> Error {
    let told = Error::new(Kind::File, format!("{} cannot be read", file.display())).caused_by(error);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match error.kind() {
        io::ErrorKind::NotFound if !folder.is_dir() => told.hint(format!("there is no folder {}", folder.display())),
        io::ErrorKind::NotFound => {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            let wanted = file.file_name().unwrap_or_default().to_string_lossy();
            match nearest(&wanted, names.iter().map(String::as_str)) {
                Some(near) => told.hint(format!("did you mean {}?", file.with_file_name(near).display())),
                None => told.hint(format!("no file in {} has a name like it; Tab behind `:load ` lists files", folder.display())),
            }
        }
        io::ErrorKind::IsADirectory => told.hint("it is a folder: name a script in it"),
        io::ErrorKind::InvalidData => told.hint("it is no text, so no script; `load(FILE)` reads documents, packed ones too"),
        _ => told,
    }
}

fn time(session: &Session, typed: &str) -> Result<Next> {
    match typed {
        "" => session.note(if session.timed.load(Relaxed) { "every line is timed" } else { "lines are not timed" }),
        "on" | "off" => session.timed.store(typed == "on", Relaxed),
        expression => return Ok(timed(session, || session.evaluate(expression))),
    }
    Ok(Next::Go)
}

/// Do something, and tell what it took.
pub(super) fn timed(session: &Session, work: impl FnOnce() -> Next) -> Next {
    let (begun, (questions, bytes)) = (Instant::now(), session.ground.asked());
    let next = work();
    let (took, (all, received)) = (begun.elapsed(), session.ground.asked());
    session.note(&told(took, all - questions, received - bytes));
    next
}

fn told(took: Duration, questions: u64, bytes: u64) -> String {
    let asked = match questions {
        0 => "nothing was asked".to_owned(),
        1 => "1 question".to_owned(),
        many => format!("{many} questions"),
    };
    let received = if questions == 0 { String::new() } else { format!(", {} came back", show::bytes(bytes)) };
    let took = if took < Duration::from_secs(1) {
        format!("{:.1} ms", took.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", took.as_secs_f64())
    };
    format!("{took}, {asked}{received}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_took_is_told_in_units_that_fit() {
        assert_eq!(told(Duration::from_micros(1250), 0, 0), "1.2 ms, nothing was asked");
        assert_eq!(told(Duration::from_millis(2500), 1, 1500), "2.50 s, 1 question, 1.5 kB came back");
        assert_eq!(told(Duration::from_millis(20), 12, 12), "20.0 ms, 12 questions, 12 B came back");
    }
}
