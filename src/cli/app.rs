//! What every command works with: its options, how the output looks, the engine once it is needed.

use super::config::Config;
use super::connect::{self, Source};
use super::options::Options;
use super::signals::{End, INTERRUPTED, Signals};
use super::{browser, params, places, undo, verbose};
use crate::backend::{Effect, Observer, Tally};
use crate::error::{Error, Kind, Result};
use crate::host::{Failure, Input, Limits, Output, Playbook, Reading};
use crate::render::progress::Progress;
use crate::render::style::{self, Look};
use crate::render::{self, Looks, diagnostic};
use crate::repl::{Settings, command, show};
use crate::report::Content;
use crate::{Pilotage, Undoer};
use std::io::{IsTerminal, Write};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};

/// The exit code when all went well, but something that was set could not be put back.
const NOT_BACK: u8 = 1;

/// How a command ends: with an exit code, or with a failure that has one.
pub type Outcome = std::result::Result<u8, Box<Failure>>;

/// What every command works with.
pub struct App {
    /// The options of the command line, and of what is configured.
    pub options: Options,
    /// What the user chose of the session at a prompt.
    pub settings: Settings,
    /// How the outputs look.
    pub looks: Looks,
    progress: Arc<Progress>,
}

/// An engine, and what it is connected to.
pub struct Engine {
    /// The engine.
    pub pilotage: Arc<Pilotage>,
    /// Where its answers come from. A session may go elsewhere.
    pub source: Arc<Current>,
    /// What Ctrl-C does.
    pub signals: Signals,
    /// What was asked so far.
    pub tally: Arc<Tally>,
}

/// The source of answers at hand, for whoever needs it later.
pub struct Current(RwLock<Arc<Source>>);

impl Current {
    /// The source at hand.
    pub fn get(&self) -> Arc<Source> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, it is this one.
    pub fn set(&self, source: Arc<Source>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

impl App {
    /// Nothing is connected yet. What of the configuration means nothing is told; `playbook` may know more variables.
    pub fn new(options: Options, config: &Config, playbook: Option<&Playbook>) -> Self {
        let looks = Looks::default();
        look(&looks, &options, config);
        // What `-v` tells line by line needs no moving line as well.
        let progress = Progress::new(looks.clone(), looks.err().terminal && options.verbose == 0);
        let app = Self { options, settings: config.settings(), looks, progress };
        for warning in config.warnings(|variable| params::is_known(variable, playbook)) {
            app.note(&warning);
        }
        app
    }

    /// How standard error looks.
    pub fn err(&self) -> Look {
        self.looks.err()
    }

    /// Work with an engine on the cluster or tape that the options name; then close what was recorded.
    /// `input`: what standard input is for; at a prompt several evaluations will follow.
    pub fn with_engine(&self, input: Input, work: impl FnOnce(&Engine) -> Outcome) -> Outcome {
        let typed = input == Input::Prompt && std::io::stdin().is_terminal();
        // Who types at a prompt sees what is set; it is put back when the session ends.
        let allowed = if typed { Effect::Tune.max(self.options.allow.into()) } else { self.options.allow.into() };
        self.with_engine_up_to(allowed, input, work)
    }

    /// The same, with another level of effect than the options name.
    pub fn with_engine_up_to(&self, allowed: Effect, input: Input, work: impl FnOnce(&Engine) -> Outcome) -> Outcome {
        let engine = self.engine(allowed, input)?;
        // What was set is put back whatever happens, also when a function of ours panics.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| work(&engine)));
        engine.signals.last_steps();
        self.quiet();
        let all_back = undo::put_back(&engine.pilotage.undoer(), &self.err());
        let closed = self.close(&engine);
        match (outcome, closed) {
            (Err(panic), _) => std::panic::resume_unwind(panic),
            (Ok(Ok(_)), Err(error)) => Err(error.into()),
            (Ok(Ok(0)), Ok(())) if !all_back => Ok(NOT_BACK),
            (Ok(outcome), Ok(())) => outcome,
            (Ok(Err(failure)), Err(error)) => {
                self.tell(&diagnostic::error(&error, &self.err()));
                Err(failure)
            }
        }
    }

    fn engine(&self, allowed: Effect, input: Input) -> Result<Engine> {
        let signals = Signals::listen()?;
        verbose::install_log(self.options.verbose);
        let observer: Arc<dyn Observer> =
            if self.options.verbose > 0 { Arc::new(verbose::Told::new(self.looks.clone())) } else { self.progress.clone() };
        let tally = Arc::new(Tally::new(observer));
        let source = Arc::new(connect::source(&self.options, allowed, tally.clone())?);
        let printer = Printer { looks: self.looks.clone(), progress: self.progress.clone() };
        let pilotage = Pilotage::builder(source.backend.clone())
            .ledger(source.ledger.clone())
            .aside(source.aside.clone())
            .limits(self.limits())
            .parallel(self.options.parallel)
            .output(Arc::new(printer))
            .input(input)
            .reading(self.reading())
            .import_folders(places::user_scripts().into_iter().collect())
            .playbook_folders(places::playbook_folders())
            .commands(command::entries())
            .build()?;
        signals.stop(pilotage.interrupt(), input == Input::Prompt);
        if signals.pressed() {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        for note in source.backend.notes().into_iter().chain(undo::leftover_notes()) {
            self.note(&note);
        }
        let source = Arc::new(Current(RwLock::new(source)));
        signals.at_end(ending(&pilotage.undoer(), source.clone(), self.looks.clone()));
        Ok(Engine { pilotage: Arc::new(pilotage), source, signals, tally })
    }

    /// Close the tape that was recorded.
    fn close(&self, engine: &Engine) -> Result<()> {
        if let Some(recording) = engine.source.get().taping.finish()? {
            self.note(&recording.told());
        }
        Ok(())
    }

    fn limits(&self) -> Limits {
        let memory = crate::memory::counter().map(|used| (self.options.max_memory.saturating_mul(1 << 20), used));
        Limits { operations: self.options.max_operations, memory, ..Limits::default() }
    }

    fn reading(&self) -> Reading {
        Reading { keep_secrets: self.options.keep_secrets, unpacked: self.options.max_unpacked.saturating_mul(1 << 20) }
    }

    /// Take away what is shown while something waits.
    pub fn quiet(&self) {
        self.progress.hide();
    }

    /// Print to standard output. A closed pipe is no failure.
    ///
    /// # Errors
    /// When it cannot be written for another reason.
    pub fn print(&self, text: &str) -> Result<()> {
        self.write(|out| out.write_all(text.as_bytes()))
    }

    /// Print a value in the format that the options name.
    ///
    /// # Errors
    /// As for [`App::print`].
    pub fn show(&self, content: &Content) -> Result<()> {
        self.write(|out| render::write(out, content, self.options.output.into(), &self.looks.out()))
    }

    /// Print piece by piece. A closed pipe ends it, and is no failure.
    ///
    /// # Errors
    /// As for [`App::print`].
    pub fn write(&self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
        self.progress.hide();
        let full = |error: std::io::Error| Error::new(Kind::File, "standard output cannot be written").caused_by(&error);
        style::to_stdout(write).map_err(full)
    }

    /// Print to standard error.
    pub fn tell(&self, text: &str) {
        self.progress.hide();
        style::write_stderr(text);
    }

    /// Tell something worth knowing that is no failure.
    pub fn note(&self, text: &str) {
        self.tell(&show::note(text, &self.err()));
    }

    /// Say why it failed, if it did; give the exit code.
    pub fn finish(&self, outcome: Outcome) -> u8 {
        match outcome {
            Ok(code) => code,
            Err(failure) => {
                if failure.error.kind() == Kind::Interrupted {
                    self.tell("interrupted\n");
                    return INTERRUPTED;
                }
                self.tell(&show::failure(&failure, &self.err()));
                failure.error.exit_code()
            }
        }
    }
}

/// From now on, the outputs look as options and configuration say.
pub fn look(looks: &Looks, options: &Options, config: &Config) {
    let (width, color, theme) = (options.width, !options.no_color, config.theme());
    looks.set(Look { theme, ..Look::stdout(width, color) }, Look { theme, ..Look::stderr(width, color) });
}

/// What a signal that ends the program, or one press of Ctrl-C too many, still does.
fn ending(undoer: &Undoer, source: Arc<Current>, looks: Looks) -> impl Fn(End) + Send + Sync + 'static {
    let undoer = undoer.clone();
    move |end| {
        match end {
            End::Orderly => {
                undo::put_back(&undoer, &looks.err());
            }
            End::AtOnce => undo::tell_left(&undoer, &looks.err()),
        }
        // Whom would a failure be told?
        let _ = source.get().taping.finish();
    }
}

/// Prints of scripts go to standard output as they come.
struct Printer {
    looks: Looks,
    progress: Arc<Progress>,
}

impl Output for Printer {
    fn print(&self, text: &str) {
        self.progress.hide();
        // A full disk shows again, and is told, when the result is written.
        let _ = style::write_stdout(&show::printed(text, &self.looks.out()));
    }

    fn stream(&self, text: &str) -> bool {
        self.progress.hide();
        style::stream_stdout(&show::printed(text, &self.looks.out()))
    }

    fn open(&self, url: &str) -> Result<()> {
        browser::open(url)
    }

    fn note(&self, text: &str) -> bool {
        self.progress.hide();
        style::write_stderr(&show::note(text, &self.looks.err()));
        true
    }
}
