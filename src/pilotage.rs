//! The engine to embed: all functions over a backend of the caller's choice.

use crate::backend::{Answer, Backend, Entry, Forward, Ledger, Query, SharedBackend, Undone, Which};
use crate::bind;
use crate::error::Result;
use crate::help::{self, Known};
use crate::host::{
    self, Catalog, CommandEntry, Deeds, Entered, Failed, Failure, Form, Host, Input, Interrupt, Limits, Listed, LiveNames, Names,
    Output, Parts, Playbook, Reading, Row, Session, Silent, Step, Whose, distill,
};
use crate::mesh::forwards::ForwardRow;
use crate::report::{Content, Page, Report};
use rhai::Module;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A script engine with all of pilotage's functions.
///
/// It blocks the calling thread while it asks; do not use it inside an async task.
///
/// What its scripts set in processes of the mesh (log levels) is put back when it is dropped, or before by [`Pilotage::undo`].
pub struct Pilotage {
    host: Host,
}

/// What a typed text gave, to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// What it shows itself as.
    pub content: Content,
    /// Its number among the results: the `n` of `out[n]`. What shows nothing has none.
    pub number: Option<usize>,
    /// What was typed that gave it.
    pub typed: String,
}

/// Puts back what an engine's scripts set, from any thread; of no use once the engine is gone.
#[derive(Clone)]
pub struct Undoer {
    session: Arc<Session>,
    runtime: tokio::runtime::Handle,
}

/// Chooses what a [`Pilotage`] is made of.
pub struct Builder {
    backend: SharedBackend,
    ledger: Option<Arc<Ledger>>,
    aside: Option<SharedBackend>,
    limits: Limits,
    parallel: usize,
    output: Arc<dyn Output>,
    input: Input,
    reading: Reading,
    extra: Vec<(&'static str, Module)>,
    import_folders: Vec<PathBuf>,
    playbook_folders: Vec<PathBuf>,
    commands: Vec<CommandEntry>,
    interrupt: Interrupt,
}

impl Pilotage {
    /// Make what all engines of a process share, so that the first need not wait for it: from another thread, while the source of
    /// answers is looked for. Without this the first one makes it.
    pub fn prepare() {
        host::prepare();
    }

    /// Begin with the source of answers: a live cluster, a tape, or a backend of your own.
    pub fn builder(backend: SharedBackend) -> Builder {
        Builder {
            backend,
            ledger: None,
            aside: None,
            limits: Limits::default(),
            parallel: 32,
            output: Arc::new(Silent),
            input: Input::Taken("it belongs to the program around this engine"),
            reading: Reading::default(),
            extra: Vec::new(),
            import_folders: Vec::new(),
            playbook_folders: Vec::new(),
            commands: Vec::new(),
            interrupt: Interrupt::default(),
        }
    }

    /// Evaluate a text; its variables, functions and imports live on to the next call.
    ///
    /// # Errors
    /// When it does not compile, fails, or is stopped.
    pub fn eval(&self, source: &str) -> std::result::Result<Content, Box<Failure>> {
        // Shared, an array is held by what shows it and not copied.
        self.host.eval(source).map(|value| self.host.content(&if value.is_array() { value.into_shared() } else { value }))
    }

    /// Evaluate what somebody typed at a prompt. As [`Pilotage::eval`], and what it gives is kept: later texts see it as `_` and
    /// `out[n]`, and the last failure as `_e`.
    ///
    /// # Errors
    /// As for [`Pilotage::eval`].
    pub fn enter(&self, source: &str) -> std::result::Result<Shown, Box<Failure>> {
        self.host.enter(source).map(|entered| self.shown(entered))
    }

    /// The results that are kept of typed texts, the oldest first.
    pub fn results(&self) -> Vec<Listed> {
        self.host.results()
    }

    /// What a typed text gave, by its number; -1 is the last.
    ///
    /// # Errors
    /// When there is no such result, or not any more.
    pub fn result(&self, number: i64) -> Result<Shown> {
        self.host.result(number).map(|entered| self.shown(entered))
    }

    /// Keep a value as the result of something that was typed beside the language: later texts see it as `_` and `out[n]`.
    pub fn keep(&self, typed: &str, value: Value) -> Shown {
        self.shown(self.host.keep(typed, value))
    }

    fn shown(&self, entered: Entered) -> Shown {
        Shown { content: self.host.content(&entered.value), number: entered.number, typed: entered.typed }
    }

    /// Run a playbook. Parameters are checked against what it declares.
    ///
    /// # Errors
    /// When a parameter is wrong, or the script fails or is stopped; with what it had reported by then.
    pub fn run(&self, playbook: &Playbook, params: Map<String, Value>) -> std::result::Result<Report, Box<Failed>> {
        let bound =
            playbook.bind(params).map_err(|error| Box::new(Failed { failure: error.into(), report: Report::default() }))?;
        self.host.run(playbook, &bound)
    }

    /// Whether a text is only the beginning of something longer.
    pub fn is_incomplete(&self, source: &str) -> bool {
        self.host.is_incomplete(source)
    }

    /// The variables, functions and modules that evaluated texts left behind.
    pub fn names(&self) -> Names {
        self.host.names()
    }

    /// What the last evaluation did besides giving a value.
    pub fn deeds(&self) -> Deeds {
        self.host.deeds()
    }

    /// Turn what was evaluated into a playbook.
    ///
    /// # Errors
    /// When there is nothing to keep, or it cannot be said in one script.
    pub fn distill(
        &self,
        inputs: &[distill::Input],
        recorded: &distill::Recorded,
        keep: distill::Keep,
    ) -> Result<distill::Distilled> {
        self.host.distill(inputs, recorded, keep)
    }

    /// Everything a script can call.
    pub fn catalog(&self) -> &Catalog {
        self.host.catalog()
    }

    /// The names of what lives in the mesh, for completion: asked beside the scripts ([`Builder::aside`]).
    pub fn live_names(&self) -> Arc<LiveNames> {
        self.host.live_names()
    }

    /// The same of another mesh, where somebody speaks of one: a tape beside the mesh at hand. `None` when nobody can be asked
    /// about it unseen.
    pub fn names_for(&self, whose: &Whose) -> Option<Arc<LiveNames>> {
        self.host.names_for(whose)
    }

    /// The playbooks at hand: those of the user's folders, and the shipped ones.
    pub fn playbooks(&self) -> Vec<Playbook> {
        self.host.playbooks()
    }

    /// What a variable holds, or a part of it; nothing is evaluated for it.
    pub fn form_of(&self, variable: &str, way: &[Step]) -> Option<Form> {
        self.host.form_of(variable, way)
    }

    /// The pod that a variable means, as far as it is text or a row.
    pub fn text_of(&self, variable: &str) -> Option<String> {
        self.host.text_of(variable)
    }

    /// What help says about a name or a few words, as `help()` in a script. Nothing asks for an overview.
    ///
    /// # Errors
    /// When nothing is known about it, with the nearest name.
    pub fn help(&self, about: &str) -> Result<Page> {
        help::about(&Known { catalog: self.catalog(), playbooks: &self.host.playbooks() }, about)
    }

    /// The same, but of a module or a family all functions in full.
    ///
    /// # Errors
    /// As for [`Pilotage::help`].
    pub fn doc(&self, name: &str) -> Result<Page> {
        help::whole(&Known { catalog: self.catalog(), playbooks: &self.host.playbooks() }, name)
    }

    /// The complete reference of what ships with pilotage.
    pub fn reference(&self) -> Page {
        help::reference(&Known { catalog: self.catalog(), playbooks: &Playbook::shipped() })
    }

    /// What stops this engine's scripts, from any thread.
    pub fn interrupt(&self) -> Interrupt {
        self.host.interrupt()
    }

    /// Keep port-forwards open: waits until it is interrupted, when there are any; `waiting` is told so first. `false` when there
    /// are none.
    pub fn hold(&self, waiting: impl FnOnce()) -> bool {
        self.host.hold(waiting)
    }

    /// What was worth telling since the last time: pods that did not answer, permissions that are missing.
    pub fn take_notes(&self) -> Vec<String> {
        self.host.take_notes()
    }

    /// Whether some target did not answer.
    pub fn partial(&self) -> bool {
        self.host.partial()
    }

    /// Put back what scripts set and is not put back yet; within this time, and what did not work is said.
    pub fn undo(&self, within: Duration) -> Vec<Undone> {
        self.undoer().undo(within)
    }

    /// The same, for another thread.
    pub fn undoer(&self) -> Undoer {
        Undoer { session: self.host.session().clone(), runtime: self.host.runtime().clone() }
    }

    /// Put back what scripts set, as far as it is meant; `None` when it was interrupted.
    pub fn put_back(&self, which: &Which, within: Duration) -> Option<Vec<Undone>> {
        let ledger = self.host.session().ledger();
        self.host.wait(ledger.undo(which, within))
    }

    /// The cluster that questions go to.
    pub fn cluster(&self) -> String {
        self.host.session().mesh().backend().cluster()
    }

    /// Put one question beside scripts; `None` when no answer came within this time, or it was interrupted.
    pub fn ask(&self, query: &Query, within: Duration) -> Option<Result<Answer>> {
        let backend = self.host.session().mesh().backend().clone();
        self.host.wait(async move { tokio::time::timeout(within, backend.ask(query)).await.ok() }).flatten()
    }

    /// From now on, ask there: variables, functions and imports live on, and rows of pods go on asking where they were read. What
    /// was set before is best put back first, and what is open be closed. The ledger and what is asked aside are those of
    /// [`Builder::ledger`] and [`Builder::aside`].
    pub fn go(&self, backend: SharedBackend, ledger: Arc<Ledger>, aside: Option<SharedBackend>) {
        self.host.go(backend, ledger, aside);
    }

    /// From now on, put so many questions at the same time at most.
    pub fn set_parallel(&self, most: usize) {
        self.host.set_parallel(most.max(1));
    }

    /// The port-forwards that are open, in the order in which they were opened.
    pub fn forwards(&self) -> Vec<Arc<Forward>> {
        self.host.session().forwards().all()
    }

    /// The same as `forwards()` shows them.
    pub fn forward_rows(&self) -> Content {
        let rows = self.forwards().iter().map(|forward| ForwardRow::of(forward)).collect::<Vec<_>>();
        self.host.content(&Row::many(rows).into())
    }

    /// Close the port-forwards that a test fulfils; says how many.
    pub fn close_forwards(&self, which: impl Fn(&Forward) -> bool) -> usize {
        self.host.runtime().block_on(self.host.session().forwards().close(which))
    }
}

impl Undoer {
    /// As [`Pilotage::undo`].
    pub fn undo(&self, within: Duration) -> Vec<Undone> {
        let ledger = self.session.ledger();
        if ledger.replays() || ledger.open().is_empty() {
            return Vec::new();
        }
        let undone = self.runtime.block_on(ledger.undo(&Which::default(), within));
        ledger.tried();
        undone
    }

    /// What is not put back yet.
    pub fn open(&self) -> Vec<Entry> {
        let ledger = self.session.ledger();
        if ledger.replays() { Vec::new() } else { ledger.open() }
    }
}

impl Drop for Pilotage {
    fn drop(&mut self) {
        // What could not be put back stays in the ledger's file; whoever wants to know calls `undo` before. That is enough.
        let ledger = self.host.session().ledger();
        if !ledger.was_tried() {
            self.undo(Session::patience(ledger.open().len()));
        }
    }
}

impl Builder {
    /// The ledger that questions pass on their way through the backend, where the caller put one there. Without this the
    /// engine keeps a ledger in memory: what its scripts set is put back when it is dropped, and stays after a crash.
    #[must_use]
    pub fn ledger(mut self, ledger: Arc<Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Where names are asked for that somebody is about to type: the same mesh, on a way where nothing is recorded or changed.
    /// There are none without it.
    #[must_use]
    pub fn aside(mut self, backend: SharedBackend) -> Self {
        self.aside = Some(backend);
        self
    }

    /// How much a script may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many questions are put at the same time at most. 32 unless said otherwise.
    #[must_use]
    pub fn parallel(mut self, most: usize) -> Self {
        self.parallel = most.max(1);
        self
    }

    /// Where `print` goes. Nowhere unless said otherwise; within a playbook it goes into the report.
    #[must_use]
    pub fn output(mut self, output: Arc<dyn Output>) -> Self {
        self.output = output;
        self
    }

    /// Whether scripts may read standard input, as the file `-`. They may not unless said otherwise.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// How files with documents are read.
    #[must_use]
    pub fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Functions of your own, global like all others. `family` is their place in the reference.
    #[must_use]
    pub fn module(mut self, family: &'static str, module: Module) -> Self {
        self.extra.push((family, module));
        self
    }

    /// Folders where `import` looks for modules, besides the one a playbook lies in.
    #[must_use]
    pub fn import_folders(mut self, folders: Vec<PathBuf>) -> Self {
        self.import_folders = folders;
        self
    }

    /// Folders of playbooks that help knows besides the shipped ones.
    #[must_use]
    pub fn playbook_folders(mut self, folders: Vec<PathBuf>) -> Self {
        self.playbook_folders = folders;
        self
    }

    /// What can be typed beside the language, where this engine serves a session: for help.
    #[must_use]
    pub fn commands(mut self, commands: Vec<CommandEntry>) -> Self {
        self.commands = commands;
        self
    }

    /// What stops its scripts, where that is there already: what stops another engine then stops this one, too.
    #[must_use]
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Build the engine.
    ///
    /// # Errors
    /// When no runtime can be started.
    pub fn build(self) -> Result<Pilotage> {
        let mut families = bind::families();
        families.extend(self.extra);
        let (backend, ledger) = match self.ledger {
            Some(ledger) => (self.backend, ledger),
            None => {
                let ledger = Arc::new(Ledger::in_memory(self.backend));
                (ledger.clone() as SharedBackend, ledger)
            }
        };
        let host = Host::new(Parts {
            backend,
            ledger,
            aside: self.aside,
            limits: self.limits,
            parallel: self.parallel,
            output: self.output,
            input: self.input,
            reading: self.reading,
            families,
            schemas: bind::schemas(),
            import_folders: self.import_folders,
            playbook_folders: self.playbook_folders,
            commands: self.commands,
            interrupt: self.interrupt,
        })?;
        Ok(Pilotage { host })
    }
}
