//! What one run of scripts shares: the mesh, the runtime, the interrupt, the report at hand, where print goes.

use super::catalog::{Catalog, Sources};
use super::failure::{Fallible, Place, raise};
use super::playbook::Playbook;
use crate::backend::{Answer, Effect, Forwards, How, Ledger, Observed, Observer, Query, SharedBackend, Which};
use crate::error::{Error, Kind, Result};
use crate::json::Doc;
use crate::mesh::Mesh;
use crate::report::{Item, Report, Section};
use rhai::{Dynamic, NativeCallContext, Position};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Where the text goes that a script prints while it runs.
pub trait Output: Send + Sync {
    /// One `print()`, without its line end.
    fn print(&self, text: &str);

    /// Print while something goes on. `false`: nobody reads it any more, and it may end.
    fn stream(&self, text: &str) -> bool {
        self.print(text);
        true
    }

    /// Open a URL in the user's browser.
    ///
    /// # Errors
    /// When there is none: as for an engine inside another program.
    fn open(&self, _url: &str) -> Result<()> {
        Err(Error::new(Kind::Refused, "no browser is opened from here"))
    }

    /// Tell something beside the output, at once. `false`: it was not told, and is kept for the end.
    fn note(&self, _text: &str) -> bool {
        false
    }
}

/// An output that drops everything: the default of an embedded engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Output for Silent {
    fn print(&self, _text: &str) {}
}

/// Stops a waiting call and a tight loop alike. Clones stop the same session.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    raised: AtomicBool,
    bell: Notify,
}

impl Interrupt {
    /// Stop whatever runs.
    pub fn trigger(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        self.0.bell.notify_waiters();
    }

    /// Whether it was triggered since the last evaluation began.
    pub fn is_triggered(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Forget an earlier trigger: a new evaluation begins.
    pub fn renew(&self) {
        self.0.raised.store(false, Ordering::SeqCst);
    }

    pub(super) async fn raised(&self) {
        let bell = self.0.bell.notified();
        tokio::pin!(bell);
        // Listening begins before looking: a trigger in between is not lost.
        bell.as_mut().enable();
        if !self.is_triggered() {
            bell.await;
        }
    }
}

/// Which local files a script may read and write.
#[derive(Debug, Clone)]
pub enum Files {
    /// Any: the user types at a prompt.
    Any,
    /// Only those below this folder: a playbook, maybe a stranger's.
    Below(PathBuf),
}

impl Files {
    /// The path that somebody typed, with what a shell does to `~/`.
    pub fn at_home(file: &str) -> PathBuf {
        match file.strip_prefix("~/").zip(dirs::home_dir()) {
            Some((rest, home)) => home.join(rest),
            None => file.into(),
        }
    }
}

/// Whether a script may read standard input, as the file `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// It may.
    Free,
    /// It is where the user types.
    Prompt,
    /// It may not, for this reason.
    Taken(&'static str),
}

/// How files with documents are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether private keys and tokens in them stay.
    pub keep_secrets: bool,
    /// The most bytes that a packed file may unpack to.
    pub unpacked: u64,
}

impl Default for Reading {
    /// Without secrets, and packed files up to 1 GiB: a dump of 200 MB fits five times.
    fn default() -> Self {
        Self { keep_secrets: false, unpacked: 1 << 30 }
    }
}

/// What an evaluation did besides giving a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deeds {
    /// Whether it began at all: its text was whole.
    pub ran: bool,
    /// The greatest effect of what it asked.
    pub effect: Effect,
    /// Whether it printed or reported something.
    pub told: bool,
    /// Whether a finding was among that.
    pub judged: bool,
    /// Whether it wrote a file.
    pub wrote: bool,
    /// Where it looked for names that came without a namespace, if it met one.
    pub home: Option<String>,
    /// Which result each `out[…]` in it was: the places of the brackets, and the numbers.
    pub looked: Vec<(Place, usize)>,
}

impl Default for Deeds {
    fn default() -> Self {
        Self { ran: false, effect: Effect::Observe, told: false, judged: false, wrote: false, home: None, looked: Vec::new() }
    }
}

/// What is asked there is seen.
fn observed(backend: SharedBackend, deeds: &Arc<Mutex<Deeds>>) -> SharedBackend {
    Arc::new(Observed::new(backend, Arc::new(Effects(deeds.clone()))))
}

/// Sees the effects of what is asked.
struct Effects(Arc<Mutex<Deeds>>);

impl Observer for Effects {
    fn asked(&self, query: &Query) {
        let mut deeds = lock(&self.0);
        deeds.effect = deeds.effect.max(query.ask.effect());
    }

    fn at_home(&self, namespace: &str) {
        lock(&self.0).home = Some(namespace.to_owned());
    }

    fn answered(&self, _: &Query, _: &Result<Answer>) {}
}

/// What standard input held, once it was read.
pub(crate) type Piped = Arc<OnceLock<Result<Arc<Doc>>>>;

/// What is asked, and what knows how to undo what is set there. A session may go elsewhere: then both are others.
#[derive(Clone)]
struct Here {
    mesh: Mesh,
    ledger: Arc<Ledger>,
}

/// Shared by all functions that scripts call.
pub struct Session {
    here: RwLock<Here>,
    pub(super) runtime: Handle,
    pub(super) interrupt: Interrupt,
    pub(super) output: Arc<dyn Output>,
    pub(super) sources: Sources,
    input: Input,
    reading: Reading,
    piped: Piped,
    files: Mutex<Files>,
    report: Mutex<Option<Report>>,
    warned: Mutex<HashSet<String>>,
    forwards: Forwards,
    deeds: Arc<Mutex<Deeds>>,
}

impl Session {
    /// How long putting levels back may take in all, where few processes are concerned.
    pub const PATIENCE: Duration = Duration::from_secs(15);
    /// So much longer for each of many.
    const EACH: Duration = Duration::from_millis(20);

    /// How long putting back so many entries of the ledger may take in all.
    pub fn patience(entries: usize) -> Duration {
        Self::PATIENCE + Self::EACH.saturating_mul(u32::try_from(entries).unwrap_or(u32::MAX))
    }

    pub(super) fn new(
        (backend, parallel): (SharedBackend, usize),
        ledger: Arc<Ledger>,
        runtime: Handle,
        (output, interrupt): (Arc<dyn Output>, Interrupt),
        input: Input,
        reading: Reading,
        sources: Sources,
    ) -> Arc<Self> {
        let deeds = Arc::new(Mutex::new(Deeds::default()));
        let backend = observed(backend, &deeds);
        Arc::new(Self {
            here: RwLock::new(Here { mesh: Mesh::new(backend).with_parallel(parallel), ledger }),
            runtime,
            interrupt,
            output,
            sources,
            input,
            reading,
            piped: Arc::default(),
            files: Mutex::new(Files::Any),
            report: Mutex::new(None),
            warned: Mutex::default(),
            forwards: Forwards::default(),
            deeds,
        })
    }

    /// What was done since [`Session::begin`].
    pub(super) fn deeds(&self) -> Deeds {
        lock(&self.deeds).clone()
    }

    /// An evaluation begins that has done nothing so far.
    pub(super) fn begin(&self) {
        *lock(&self.deeds) = Deeds::default();
    }

    /// Something else is done.
    pub fn did(&self, what: impl FnOnce(&mut Deeds)) {
        what(&mut lock(&self.deeds));
    }

    /// A result was looked at again from here. Loops come by more than once.
    pub(super) fn looked(&self, at: Place, number: usize) {
        let mut deeds = lock(&self.deeds);
        if !deeds.looked.contains(&(at, number)) {
            deeds.looked.push((at, number));
        }
    }

    /// What knows how to undo what was set.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.here().ledger
    }

    /// The mesh that is asked.
    pub fn mesh(&self) -> Mesh {
        self.here().mesh
    }

    /// From now on, ask there. What runs goes on where it began.
    pub(super) fn go(&self, backend: SharedBackend, ledger: Arc<Ledger>) {
        let backend = observed(backend, &self.deeds);
        let mut here = self.here.write().unwrap_or_else(PoisonError::into_inner);
        *here = Here { mesh: here.mesh.beside(backend), ledger };
        lock(&self.warned).clear();
    }

    /// From now on, put so many questions at once at most.
    pub(super) fn set_parallel(&self, most: usize) {
        let mut here = self.here.write().unwrap_or_else(PoisonError::into_inner);
        here.mesh = here.mesh.clone().with_parallel(most);
    }

    fn here(&self) -> Here {
        self.here.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Say this now, before what it warns of happens; the same words once a session.
    pub fn warn(&self, text: &str) {
        if lock(&self.warned).insert(text.to_owned()) && !self.output.note(text) {
            self.mesh().note(text);
        }
    }

    /// What was to last only as long as this evaluation is put back, however it ended.
    pub(super) fn end_passing(&self) {
        let Here { mesh, ledger } = self.here();
        let entries = ledger.passing();
        if entries.is_empty() {
            return;
        }
        let within = Self::patience(entries.len());
        let which = Which { entries: Some(entries), ..Which::default() };
        for undone in self.runtime.block_on(ledger.undo(&which, within)) {
            if !matches!(undone.how, How::PutBack | How::Already) {
                mesh.note(undone.told());
            }
        }
    }

    /// Begin a report: until [`Session::end_report`], findings and prints go into it.
    pub(super) fn begin_report(&self, report: Report) {
        *self.report_slot() = Some(report);
    }

    pub(super) fn end_report(&self) -> Report {
        self.report_slot().take().unwrap_or_default()
    }

    /// Put something into the section at hand; `false` when no report is being written.
    pub fn tell(&self, item: Item) -> bool {
        let judges = matches!(item, Item::Finding(_));
        self.did(|deeds| (deeds.told, deeds.judged) = (true, deeds.judged || judges));
        match self.report_slot().as_mut() {
            Some(report) => {
                report.section_mut().items.push(item);
                true
            }
            None => false,
        }
    }

    /// Begin a section of the report; `false` when no report is being written.
    pub fn open_section(&self, section: Section) -> bool {
        match self.report_slot().as_mut() {
            Some(report) => {
                report.sections.push(section);
                true
            }
            None => false,
        }
    }

    pub(super) fn set_files(&self, files: Files) -> Files {
        std::mem::replace(&mut lock(&self.files), files)
    }

    /// Which local files the script may touch.
    pub fn files(&self) -> Files {
        lock(&self.files).clone()
    }

    /// Whether the script may read standard input.
    pub fn input(&self) -> Input {
        self.input
    }

    /// How files are read.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// What standard input held, once it was read.
    pub(crate) fn piped(&self) -> &Piped {
        &self.piped
    }

    /// Print a line: into the report while one is written, else to the output.
    pub fn print(&self, text: &str) {
        if !self.tell(Item::Text(text.into())) {
            self.output.print(text);
        }
    }

    /// Print while something goes on; `false` when nobody reads it any more.
    pub fn stream(&self, text: &str) -> bool {
        self.tell(Item::Text(text.into())) || self.output.stream(text)
    }

    /// Tell something at once, beside what is printed; `false` when that cannot be.
    pub fn note(&self, text: &str) -> bool {
        !self.reports() && self.output.note(text)
    }

    /// Open a URL in the user's browser; a playbook opens none.
    ///
    /// # Errors
    /// When there is none, or it does not start.
    pub fn open(&self, url: &str) -> Result<()> {
        if self.reports() {
            return Err(Error::new(Kind::Refused, "a playbook opens no browser"));
        }
        self.output.open(url)
    }

    /// The port-forwards that are open.
    pub fn forwards(&self) -> &Forwards {
        &self.forwards
    }

    /// Whether a report is being written.
    pub fn reports(&self) -> bool {
        self.report_slot().is_some()
    }

    fn report_slot(&self) -> MutexGuard<'_, Option<Report>> {
        lock(&self.report)
    }
}

/// A poisoned lock only says that some native panicked; the data is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One call of a native function: the session, and where in the script it stands.
pub struct Call {
    session: Arc<Session>,
    mesh: Mesh,
    at: Position,
}

impl Call {
    /// The call that this context belongs to.
    ///
    /// # Errors
    /// Only when the engine was not built by [`crate::Pilotage`].
    pub fn of(context: &NativeCallContext) -> Fallible<Self> {
        let at = context.call_position();
        let session = context.tag().and_then(|tag| tag.clone().try_cast::<Arc<Session>>());
        let no_session = || raise(Error::new(Kind::Internal, "this engine has no pilotage session"), at);
        let session = session.ok_or_else(no_session)?;
        Ok(Self { mesh: session.mesh(), session, at })
    }

    /// The mesh that is asked.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Everything a script can call, with the engine that the call came from.
    pub fn catalog(&self, context: &NativeCallContext) -> &Catalog {
        self.session.sources.catalog(context.engine())
    }

    /// The playbooks at hand: those of the user's folders, and the shipped ones. A playbook sees only these.
    pub fn playbooks(&self) -> Vec<Playbook> {
        if self.session.reports() { Playbook::shipped() } else { Playbook::all(&self.session.sources.playbooks) }
    }

    /// A failure that points at this call.
    pub fn fail(&self, error: Error) -> Box<rhai::EvalAltResult> {
        raise(error, self.at)
    }

    /// Let an ordinary result point at this call when it failed.
    ///
    /// # Errors
    /// Those of the result.
    pub fn check<T>(&self, result: Result<T>) -> Fallible<T> {
        result.map_err(|error| self.fail(error))
    }

    /// To be asked now and then by work that takes long without waiting.
    ///
    /// # Errors
    /// When the user pressed Ctrl-C.
    pub fn go_on(&self) -> Result<()> {
        if self.session.interrupt.is_triggered() { Err(Error::new(Kind::Interrupted, "interrupted")) } else { Ok(()) }
    }

    /// Wait for an answer. Ctrl-C wins: the future is dropped and what it holds is freed.
    ///
    /// # Errors
    /// Those of the work, pointing at this call; an interrupt cannot be caught by the script.
    pub fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Fallible<T> {
        let outcome = self.session.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.session.interrupt.raised() => None,
                outcome = work => Some(outcome),
            }
        });
        match outcome {
            Some(outcome) => self.check(outcome),
            None => Err(Box::new(rhai::EvalAltResult::ErrorTerminated(interrupted(), self.at))),
        }
    }
}

/// The token with which an interrupted script ends.
pub(super) fn interrupted() -> Dynamic {
    Dynamic::from(Error::new(Kind::Interrupted, "interrupted"))
}
