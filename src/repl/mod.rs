//! Read, evaluate, print: the interactive session.
//!
//! At a terminal a line editor asks for input; from a pipe or a file lines are read as they come, without a prompt. Both
//! ask the parser whether a text is complete, and both survive whatever a line does.

mod again;
pub mod ask;
mod assistant;
pub mod command;
pub mod complete;
mod complete_call;
mod complete_chain;
mod complete_command;
mod complete_cursor;
mod complete_files;
mod complete_live;
mod complete_means;
mod complete_offers;
mod complete_rank;
#[cfg(test)]
mod complete_tests;
mod complete_topics;
mod complete_types;
mod complete_whose;
mod editor;
mod effects;
mod examples;
pub mod external;
mod ground;
pub mod highlight;
pub mod hint;
pub mod history;
mod history_file;
mod keys;
pub mod known;
mod leave;
mod load;
mod pager;
mod places;
mod prompt;
mod recording;
mod reference;
mod reshow;
mod results;
mod run;
mod save;
mod screen;
mod set;
pub mod settings;
pub mod show;
mod startup;
mod validate;

pub use ground::{Ground, Meant, Place, Setting, Source, Target};
use save::Journal;
pub use settings::Settings;

use crate::Pilotage;
use crate::error::{Error, Kind, Result};
use crate::host::always;
use crate::render::style;
use crate::render::{self, Looks};
use std::io::{BufRead, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// What a session works with.
pub struct Session<'a> {
    /// The program around it.
    pub ground: &'a dyn Ground,
    /// The file that keeps what was typed.
    pub history: Option<PathBuf>,
    /// How the outputs look.
    pub looks: Looks,
    /// What the user chose. It can be changed while the session lives.
    settings: RwLock<Arc<Settings>>,
    /// The exit code that the last input would have given.
    failed: AtomicU8,
    /// Whether what every line takes is told.
    timed: AtomicBool,
    /// The folder of the user's own playbooks.
    pub scripts: Option<PathBuf>,
    /// What was typed so far.
    journal: Journal,
}

/// How a session goes on after an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The next input.
    Go,
    /// The same, after a failure.
    Failed(u8),
    /// This input, as if it had been typed.
    Input(String),
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
        if take_all(session, std::mem::take(&mut text), &mut code) {
            return Ok(code);
        }
    }
    // What is still incomplete at the end is an error, and the parser says which.
    take_all(session, text, &mut code);
    Ok(code)
}

/// Take an input, and those that it leads to; says whether the session is over.
fn take_all(session: &Session, input: String, code: &mut u8) -> bool {
    let mut next = Next::Input(input);
    while let Next::Input(input) = next {
        next = session.take(&input);
    }
    if let Next::Failed(failed) = next {
        *code = failed;
    }
    next == Next::Quit
}

impl<'a> Session<'a> {
    /// A session on this ground, which nothing was typed into yet.
    pub fn new(ground: &'a dyn Ground, history: Option<PathBuf>, looks: Looks, settings: Settings) -> Self {
        let settings = RwLock::new(Arc::new(settings));
        Self {
            ground,
            history,
            looks,
            settings,
            failed: AtomicU8::default(),
            timed: AtomicBool::default(),
            scripts: None,
            journal: Journal::default(),
        }
    }
}

impl Session<'_> {
    /// The engine at hand.
    pub fn pilotage(&self) -> Arc<Pilotage> {
        self.ground.pilotage()
    }

    /// What the user chose.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an input is the beginning of something longer.
    fn is_incomplete(&self, input: &str) -> bool {
        keys::is_incomplete(&self.pilotage(), &self.settings().aliases, input)
    }

    /// Do one input, whatever it is.
    fn take(&self, input: &str) -> Next {
        let expanded = self.settings().aliases.expand(input);
        let input = expanded.as_deref().unwrap_or(input);
        let text = input.trim();
        if text.is_empty() {
            return Next::Go;
        }
        let next = self.survive(|| match text.strip_prefix(':') {
            Some(command) => command::run(self, command).unwrap_or_else(|error| self.fail(&error)),
            None if leave::is_meant(self, text) => leave::leave(self),
            None if self.timed.load(Relaxed) => load::timed(self, || self.evaluate(input)),
            None => self.evaluate(input),
        });
        self.failed.store(if let Next::Failed(code) = next { code } else { 0 }, Relaxed);
        next
    }

    /// A defect in one function, in a command, or in showing a result must not cost the session with all its variables.
    fn survive(&self, work: impl FnOnce() -> Next) -> Next {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| self.fail(&defect()))
    }

    fn evaluate(&self, input: &str) -> Next {
        let begun = Instant::now();
        let outcome = self.guarded(|pilotage| pilotage.enter(input));
        let took = begun.elapsed();
        self.journal.keep(&self.pilotage(), input, outcome.as_ref().map(|shown| shown.number).map_err(|failure| &**failure));
        match outcome {
            Ok(shown) => self.show_result(&shown, took),
            Err(failure) => {
                style::write_stderr(&show::failure(&failure, &self.looks.err()));
                Next::Failed(failure.error.exit_code())
            }
        }
    }

    /// Evaluate, and tell the notes.
    fn guarded<T>(&self, evaluate: impl FnOnce(&Pilotage) -> T) -> T {
        self.ground.before();
        let pilotage = self.pilotage();
        always(
            || evaluate(&pilotage),
            || {
                self.ground.after();
                for note in pilotage.take_notes() {
                    self.note(&note);
                }
            },
        )
    }

    /// Let another program have the terminal, and Ctrl-C with it.
    fn aside<T>(&self, other: impl FnOnce() -> T) -> T {
        self.ground.aside(true);
        always(other, || self.ground.aside(false))
    }

    /// Say why a command failed.
    fn fail(&self, error: &Error) -> Next {
        style::write_stderr(&render::diagnostic::error(error, &self.looks.err()));
        Next::Failed(error.exit_code())
    }

    /// Tell something worth knowing that is no failure.
    fn note(&self, text: &str) {
        style::write_stderr(&show::note(text, &self.looks.err()));
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

/// What is said when a function of ours panicked; the panic itself has said where.
fn defect() -> Error {
    let version = env!("CARGO_PKG_VERSION");
    Error::new(Kind::Internal, "a function of pilotage panicked; the session goes on, with all its variables").hint(format!(
        "this is a defect of pilotage {version}: please report it, with the lines above, what was typed, and a tape of it (`--record FILE`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::ground::testing::Still;
    use super::*;
    use crate::backend::demo;

    /// The demo, and a function with a defect.
    fn with_a_defect() -> Still {
        let mut module = rhai::Module::new();
        module.set_native_fn("explode", || -> std::result::Result<i64, Box<rhai::EvalAltResult>> { panic!("as it was told to") });
        let engine = Pilotage::builder(Arc::new(demo().expect("the demo tape"))).module("odd", module).build();
        Still::new(engine.expect("an engine"))
    }

    #[test]
    fn a_panic_in_a_function_is_a_failure_and_the_session_lives() {
        let ground = with_a_defect();
        let session = Session::new(&ground, None, Looks::default(), Settings::default());
        assert_eq!(session.take("let kept = 41; fn twice(x) { x * 2 }"), Next::Go);
        for input in ["explode()", "[1].map(|x| explode())", "let lost = 1; try { explode() } catch { 1 }"] {
            assert_eq!(session.take(input), Next::Failed(1), "{input}");
        }
        assert_eq!(session.take("if kept + 1 != 42 || twice(3) != 6 { throw `lost` }"), Next::Go);
        assert_eq!(session.take("pods().len()"), Next::Go);
        assert_eq!(ground.open.load(Relaxed), 0, "what is begun ends in spite of defects");
        let aside = catch_unwind(AssertUnwindSafe(|| session.aside(|| panic!("as it was told to"))));
        assert!(aside.is_err() && ground.open.load(Relaxed) == 0, "the terminal is the session's again");
        assert!(session.is_incomplete("[1,") && !session.is_incomplete("[1]"));
        let told = defect();
        assert!(told.next_step().is_some_and(|hint| hint.contains(env!("CARGO_PKG_VERSION"))), "{told:?}");
        assert_eq!(run_lines(&session, "explode()\nkept\n".as_bytes()).expect("it reads"), 1);
    }
}
