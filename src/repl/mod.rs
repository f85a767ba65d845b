//! Read, evaluate, print: the interactive session.
//!
//! At a terminal a line editor asks for input; from a pipe or a file lines are read as they come, without a prompt. Both
//! ask the parser whether a text is complete, and both survive whatever a line does.

pub mod command;
mod complete;
mod editor;
pub mod help;
mod history;
mod leave;
mod reference;
pub mod settings;
pub mod show;
mod startup;

pub use settings::Settings;

use crate::Pilotage;
use crate::error::{Error, Kind, Result};
use crate::host::Failure;
use crate::render::style;
use crate::render::{self, Format, Look};
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// What the program around a session does for it.
pub trait Ground {
    /// The engine at hand. It may be another one after a command that goes elsewhere: ask each time.
    fn pilotage(&self) -> Arc<Pilotage>;
    /// An evaluation begins: earlier Ctrl-C presses are over.
    fn before(&self);
    /// An evaluation ended: what was shown while it waited goes away.
    fn after(&self);
}

/// What a session works with.
pub struct Session<'a> {
    /// The program around it.
    pub ground: &'a dyn Ground,
    /// Where questions go, for the prompt.
    pub place: String,
    /// The same, at length, said once at the start.
    pub greeting: String,
    /// The file that keeps what was typed.
    pub history: Option<PathBuf>,
    /// How standard output looks.
    pub out: Look,
    /// How standard error looks.
    pub err: Look,
    /// What the user chose.
    pub settings: Settings,
}

/// How a session goes on after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next input.
    Go,
    /// The same, after a failure.
    Failed(u8),
    /// The end.
    Quit,
}

/// Run a session; gives the exit code. At a terminal that is 0, else that of the last failure.
///
/// # Errors
/// When the terminal or the input cannot be read.
pub fn start(session: &Session) -> Result<u8> {
    if std::io::stdin().is_terminal() { editor::run(session) } else { run_lines(session, std::io::stdin().lock()) }
}

/// Read a script line by line; what is incomplete takes the next line with it.
fn run_lines(session: &Session, input: impl BufRead) -> Result<u8> {
    let mut code = 0;
    let mut text = String::new();
    for line in input.lines() {
        let line = line.map_err(|error| Error::new(Kind::File, "standard input cannot be read as text").caused_by(&error))?;
        text.push_str(&line);
        if session.is_incomplete(&text) {
            text.push('\n');
            continue;
        }
        match session.take(&std::mem::take(&mut text)) {
            Next::Go => {}
            Next::Failed(failed) => code = failed,
            Next::Quit => return Ok(code),
        }
    }
    // What is still incomplete at the end is an error, and the parser says which.
    if !text.trim().is_empty()
        && let Next::Failed(failed) = session.take(&text)
    {
        code = failed;
    }
    Ok(code)
}

impl Session<'_> {
    /// The engine at hand.
    pub fn pilotage(&self) -> Arc<Pilotage> {
        self.ground.pilotage()
    }

    /// Whether an input is the beginning of something longer.
    fn is_incomplete(&self, input: &str) -> bool {
        let expanded = self.settings.aliases.expand(input);
        let input = expanded.as_deref().unwrap_or(input);
        !input.trim_start().starts_with(':') && self.pilotage().is_incomplete(input)
    }

    /// Do one input, whatever it is.
    fn take(&self, input: &str) -> Next {
        let expanded = self.settings.aliases.expand(input);
        let input = expanded.as_deref().unwrap_or(input);
        let text = input.trim();
        if text.is_empty() {
            return Next::Go;
        }
        match text.strip_prefix(':') {
            Some(command) => command::run(self, command).unwrap_or_else(|error| self.fail(&error)),
            None => self.evaluate(input),
        }
    }

    fn evaluate(&self, input: &str) -> Next {
        match self.guarded(|pilotage| pilotage.enter(input)) {
            Some(Ok(shown)) => self.write(|out| render::write(out, &shown.content, Format::Text, &self.out)),
            Some(Err(failure)) => {
                style::write_stderr(&show::failure(&failure, &self.err));
                Next::Failed(failure.error.exit_code())
            }
            None => Next::Failed(1),
        }
    }

    /// Evaluate, and tell the notes; `None` after a defect, which is told.
    fn guarded<T>(
        &self,
        evaluate: impl FnOnce(&Pilotage) -> std::result::Result<T, Box<Failure>>,
    ) -> Option<std::result::Result<T, Box<Failure>>> {
        self.ground.before();
        let pilotage = self.pilotage();
        // A defect in one function must not cost the session with all its variables.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| evaluate(&pilotage)));
        self.ground.after();
        for note in pilotage.take_notes() {
            style::write_stderr(&show::note(&note, &self.err));
        }
        if outcome.is_err() {
            let error = Error::new(Kind::Internal, "a function of pilotage panicked; the session goes on")
                .hint("this is a defect; please report it with the lines above");
            self.fail(&error);
        }
        outcome.ok()
    }

    /// Say why a command failed.
    fn fail(&self, error: &Error) -> Next {
        style::write_stderr(&render::diagnostic::error(error, &self.err));
        Next::Failed(error.exit_code())
    }

    fn print(&self, text: &str) -> Next {
        self.write(|out| out.write_all(text.as_bytes()))
    }

    fn write(&self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Next {
        match style::to_stdout(write) {
            Ok(()) => Next::Go,
            Err(_) => Next::Failed(1),
        }
    }
}
