//! Everything that knows the script language, the bound functions aside.
//!
//! [`Host`] is the engine with its session: it evaluates typed lines and runs playbooks. Which functions exist it is told
//! by whoever builds it ([`crate::Pilotage`]), so it depends on none of them.

mod bare;
mod batch;
mod beside_names;
mod catalog;
pub mod convert;
#[cfg(test)]
mod defect_tests;
pub mod distill;
mod distill_changes;
mod distill_expr;
mod distill_facts;
mod distill_flow;
mod distill_lift;
mod distill_pieces;
mod distill_roles;
mod distill_text;
mod distill_walk;
mod distill_write;
mod engine;
mod entry;
mod explain;
mod failure;
mod form;
mod guards;
mod imports;
#[cfg(test)]
mod json_tests;
mod json_value;
mod left_out;
mod limits;
mod live_names;
mod looked;
mod names;
mod options;
pub mod playbook;
mod results;
mod row;
mod secret;
mod session;
mod stdlib;
mod tables;
mod tape;
mod tokens;
mod typed_secrets;
mod underscore;
mod way;

pub use crate::mesh::names::{Name, NamesOf};
pub use batch::{Batch, Origin, Shape, ShapeColumn};
pub use beside_names::Whose;
pub use catalog::{Catalog, CommandEntry};
pub use entry::{Entry, Example};
pub use explain::caught;
pub use failure::{Failure, Fallible, Frame, Place, raise};
pub use form::{Form, Step};
pub use json_value::{PathOptions, from_node};
pub(crate) use json_value::{describe, json_functions};
pub use limits::Limits;
pub use live_names::{List, LiveNames};
pub use names::Names;
pub use options::{options, text_or_secret};
pub use playbook::{Header, Param, ParamKind, Playbook};
pub use results::{Listed, Results};
pub use row::Row;
pub use secret::Secret;
pub use session::{Call, Deeds, Files, Input, Interrupt, Output, Reading, Session, Silent};
pub use tape::OpenTape;
pub use tokens::{Token, TokenKind, tokens};
pub use typed_secrets::is_secret_typed;
pub use way::Way;

use crate::backend::{Ledger, SharedBackend};
use crate::error::{Error, Kind, Result};
use crate::record::Schema;
use crate::report::{Content, Report};
use catalog::Sources;
use looked::Looked;
use rhai::{AST, Dynamic, Engine, Module, Scope, Stmt};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

/// What can be done with a row, as a family of functions.
pub(crate) fn row_functions() -> Module {
    rhai::exported_module!(row::functions)
}

/// Make what every engine has in common.
pub(crate) fn prepare() {
    // An engine that is built says what is wrong with it.
    let _ = stdlib::library();
}

/// The name under which typed input shows up in failures.
pub const INPUT: &str = "input";

/// What a host is made of.
pub(crate) struct Parts {
    pub backend: SharedBackend,
    pub ledger: Arc<Ledger>,
    pub aside: Option<SharedBackend>,
    pub limits: Limits,
    pub parallel: usize,
    pub output: Arc<dyn Output>,
    pub input: Input,
    pub reading: Reading,
    pub families: Vec<(&'static str, Module)>,
    pub schemas: Vec<&'static Schema>,
    pub import_folders: Vec<PathBuf>,
    pub playbook_folders: Vec<PathBuf>,
    pub commands: Vec<CommandEntry>,
    pub interrupt: Interrupt,
}

/// The engine with its session.
pub struct Host {
    engine: Engine,
    session: Arc<Session>,
    folders: imports::Folders,
    import_folders: Vec<PathBuf>,
    typed: Mutex<Typed>,
    live_names: RwLock<Arc<LiveNames>>,
    beside: Mutex<beside_names::Beside>,
    results: Results,
    limits: Limits,
    runtime: Option<tokio::runtime::Runtime>,
}

/// What lives on from one typed line to the next.
#[derive(Default)]
struct Typed {
    scope: Scope<'static>,
    functions: AST,
    imports: AST,
    /// Whether the names of the results stand in the scope.
    named: bool,
    looked: Looked,
}

/// What a typed text gave.
#[derive(Debug, Clone)]
pub struct Entered {
    /// The value.
    pub value: Dynamic,
    /// Its number among the results; nothing is kept of `()`.
    pub number: Option<usize>,
    /// What was typed that gave it.
    pub typed: String,
}

/// A playbook that failed, and what it had reported by then.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub failure: Failure,
    /// The report up to there.
    pub report: Report,
}

impl Failed {
    /// The report up to there, which says itself that it ends early, and why it does.
    pub fn cut_short(self) -> (Report, Failure) {
        let Self { failure, mut report } = self;
        report.notes.push(format!("this report ends early: {}", failure.error));
        (report, failure)
    }
}

impl Host {
    pub(crate) fn new(parts: Parts) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Kind::Internal, "no runtime for asking questions").caused_by(&error))?;
        let handle = runtime.handle().clone();
        let Parts { backend, ledger, aside, parallel, output, input, reading, import_folders, .. } = parts;
        let live_names = RwLock::new(Arc::new(LiveNames::new(aside, handle.clone())));
        let sources = Sources::new(parts.families, parts.schemas, parts.commands, parts.playbook_folders);
        let session = Session::new((backend, parallel), ledger, handle, (output, parts.interrupt), input, reading, sources);
        let folders = imports::Folders::default();
        folders.set(import_folders.clone());
        let mut engine = Engine::new();
        engine::language(&mut engine);
        engine::guard(&mut engine, parts.limits, session.interrupt.clone());
        guards::register(&mut engine, parts.limits);
        engine::printing(&mut engine, &session);
        engine.set_default_tag(Dynamic::from(session.clone()));
        engine.set_module_resolver(folders.clone());
        engine.register_type_with_name::<Row>("row");
        engine.register_type_with_name::<Secret>("secret");
        engine.register_type_with_name::<Error>("error");
        engine.register_type_with_name::<crate::report::Table>("table");
        engine.register_type_with_name::<crate::report::Page>("page");
        for (_, module) in &session.sources.families {
            engine.register_global_module(module.clone().into());
        }
        engine.register_global_module(results::functions().into());
        stdlib::register(&mut engine)?;
        Ok(Self {
            engine,
            session,
            folders,
            import_folders,
            typed: Mutex::default(),
            live_names,
            beside: Mutex::default(),
            results: Results::default(),
            limits: parts.limits,
            runtime: Some(runtime),
        })
    }

    /// Evaluate a text. Its variables, functions and imports live on to the next.
    ///
    /// # Errors
    /// When it does not compile, fails, or is stopped.
    pub fn eval(&self, source: &str) -> std::result::Result<Dynamic, Box<Failure>> {
        self.eval_in(&mut self.typed(), source)
    }

    /// The same for what somebody typed: what it gives is kept, and earlier results are in sight as `_`, `out[n]` and `_e`.
    ///
    /// # Errors
    /// As for [`Host::eval`].
    pub fn enter(&self, source: &str) -> std::result::Result<Entered, Box<Failure>> {
        let mut typed = self.typed();
        typed.name_results(&self.results);
        if let Some(again) = self.results.named(source, &typed.scope) {
            self.session.begin();
            self.session.did(|deeds| deeds.ran = true);
            return Ok(again);
        }
        let outcome = self.eval_in(&mut typed, source).map(|value| self.results.keep(source, value, self.limits));
        if let Err(failure) = &outcome {
            self.results.failed(&failure.error);
        }
        typed.name_results(&self.results);
        outcome
    }

    /// The results that are kept, the oldest first.
    pub fn results(&self) -> Vec<Listed> {
        self.results.list()
    }

    /// A kept result by its number, or so many from the end.
    ///
    /// # Errors
    /// When there is none, or not any more.
    pub fn result(&self, number: i64) -> Result<Entered> {
        self.results.get(number)
    }

    /// Keep a value as the result of something that was typed and is not of the language.
    pub fn keep(&self, typed: &str, value: Value) -> Entered {
        let kept = self.results.keep(typed, convert::from_value(value), self.limits);
        self.typed().name_results(&self.results);
        kept
    }

    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, unless a line is running. One that ended in a defect is over.
    fn idle(&self) -> Option<MutexGuard<'_, Typed>> {
        match self.typed.try_lock() {
            Ok(typed) => Some(typed),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn eval_in(&self, typed: &mut Typed, source: &str) -> std::result::Result<Dynamic, Box<Failure>> {
        self.session.interrupt.renew();
        self.session.begin();
        self.session.set_files(Files::Any);
        typed.looked.part(&mut typed.scope, source);
        let (compiled, source) = self.compile(&typed.scope, source);
        let mut line =
            compiled.map_err(|error| Box::new(explain::syntax(error, INPUT, &source, Some((self.catalog(), &typed.scope)))))?;
        line.set_source(INPUT);
        self.session.did(|deeds| deeds.ran = true);
        self.note_hidden(&line);
        let whole = typed.imports.merge(&typed.functions).merge(&line);
        let outcome = always(|| typed.looked.eval(&self.engine, &mut typed.scope, &whole), || self.session.end_passing());
        if outcome.is_ok() {
            typed.remember(&whole, &line);
        }
        outcome.map_err(|error| Box::new(self.failure(*error, INPUT, &source)))
    }

    /// Run a playbook with checked parameters ([`Playbook::bind`]).
    ///
    /// # Errors
    /// When it does not compile, fails, or is stopped; with what it had reported by then.
    pub fn run(&self, playbook: &Playbook, params: &Map<String, Value>) -> std::result::Result<Report, Box<Failed>> {
        self.session.interrupt.renew();
        let file = playbook.file();
        self.session.begin_report(Report { title: playbook.title().into(), params: playbook.shown(params), ..Report::default() });
        let here = std::env::current_dir().unwrap_or_default();
        let before = self.session.set_files(Files::Below(here));
        let open: Vec<_> = self.session.forwards().all().iter().map(|forward| forward.local).collect();
        self.folders.set(beside(playbook).into_iter().chain(self.import_folders.clone()));
        let mut report = Report::default();
        let end = || {
            self.session.end_passing();
            self.session.set_files(before);
            // What a playbook opened ends with it.
            self.session.runtime.block_on(self.session.forwards().close(|forward| !open.contains(&forward.local)));
            self.folders.set(self.import_folders.clone());
            report = self.session.end_report();
            report.notes = self.take_notes();
        };
        match always(|| self.run_body(playbook, params, &file), end) {
            Ok(()) => Ok(report),
            Err(failure) => Err(Box::new(Failed { failure: *failure, report })),
        }
    }

    fn run_body(&self, playbook: &Playbook, params: &Map<String, Value>, file: &str) -> std::result::Result<(), Box<Failure>> {
        let mut scope = playbook.scope(params);
        let (compiled, source) = self.compile(&scope, &playbook.source);
        let mut ast =
            compiled.map_err(|error| Box::new(explain::syntax(error, file, &source, Some((self.catalog(), &scope)))))?;
        ast.set_source(file);
        self.note_hidden(&ast);
        let outcome = self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast);
        outcome.map(|_| ()).map_err(|error| Box::new(self.failure(*error, file, &source)))
    }

    /// Compile a text; gives also how it was read.
    fn compile<'a>(&self, scope: &Scope, source: &'a str) -> (std::result::Result<AST, rhai::ParseError>, Cow<'a, str>) {
        bare::compile(&self.engine, scope, source, || self.catalog())
    }

    /// A function that is named like one of ours is called in its place, by the standard library, too.
    fn note_hidden(&self, script: &AST) {
        for function in script.iter_functions().filter(|function| self.catalog().takes(function.name, function.params.len())) {
            let told = format!(
                "your function {0}({1}) stands in place of pilotage's own {0}, wherever that is called, in the standard library too: is another name possible?",
                function.name,
                function.params.join(", ")
            );
            self.session.mesh().note(told);
        }
    }

    fn failure(&self, error: rhai::EvalAltResult, file: &str, source: &str) -> Failure {
        explain::failure(error, file, self.catalog(), |name| {
            if name == file {
                return Some(source.to_string());
            }
            stdlib::MODULES.iter().find(|(module, _)| stdlib::file(module) == name).map(|(_, source)| (*source).to_string())
        })
    }

    /// Whether a text is the beginning of something longer, by asking the parser.
    pub fn is_incomplete(&self, source: &str) -> bool {
        let (compiled, source) = self.compile(&self.typed().scope, source);
        match compiled {
            // The parser takes the end of the text for that of a comment.
            Ok(_) => ends_in(TokenKind::OpenComment, &source),
            Err(error) => incomplete(&error, &source),
        }
    }

    /// What a value shows itself as.
    pub fn content(&self, value: &Dynamic) -> Content {
        convert::content(value)
    }

    /// What the last evaluation did besides giving a value.
    pub fn deeds(&self) -> Deeds {
        self.session.deeds()
    }

    /// Everything a script can call.
    pub fn catalog(&self) -> &Catalog {
        self.session.sources.catalog(&self.engine)
    }

    /// The playbooks at hand: those of the user's folders, and the shipped ones.
    pub fn playbooks(&self) -> Vec<Playbook> {
        Playbook::all(&self.session.sources.playbooks)
    }

    /// The names of what lives in the mesh.
    pub fn live_names(&self) -> Arc<LiveNames> {
        self.live_names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What stops this host's scripts.
    pub fn interrupt(&self) -> Interrupt {
        self.session.interrupt.clone()
    }

    /// Wait until somebody interrupts, when port-forwards are open; `waiting` is told so first. `false` when none is.
    pub fn hold(&self, waiting: impl FnOnce()) -> bool {
        if self.session.forwards().all().is_empty() {
            return false;
        }
        waiting();
        self.session.runtime.block_on(self.session.interrupt.raised());
        self.session.runtime.block_on(self.session.forwards().close(|_| true));
        true
    }

    /// What was worth telling since the last time: pods that did not answer, permissions that are missing.
    pub fn take_notes(&self) -> Vec<String> {
        self.session.mesh().take_notes()
    }

    /// Whether some target did not answer.
    pub fn partial(&self) -> bool {
        self.session.mesh().partial()
    }

    /// What its scripts share.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// From now on, ask there.
    pub(crate) fn go(&self, backend: SharedBackend, ledger: Arc<Ledger>, aside: Option<SharedBackend>) {
        self.session.go(backend, ledger);
        let names = Arc::new(LiveNames::new(aside, self.session.runtime.clone()));
        let mut live_names = self.live_names.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *live_names, names).end();
    }

    /// From now on, put so many questions at once at most.
    pub(crate) fn set_parallel(&self, most: usize) {
        self.session.set_parallel(most);
    }

    /// Wait for something that Ctrl-C may end; `None` when it did.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.session.interrupt.renew();
        self.session.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.session.interrupt.raised() => None,
                done = work => Some(done),
            }
        })
    }

    /// What puts back what was set, from any thread, as long as this host lives.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.session.runtime
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.live_names().end();
        self.beside.get_mut().unwrap_or_else(PoisonError::into_inner).end();
        // A hanging connection must not keep the program alive.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Typed {
    fn name_results(&mut self, results: &Results) {
        self.scope = results.name_in(std::mem::take(&mut self.scope), std::mem::replace(&mut self.named, true));
    }

    fn remember(&mut self, whole: &AST, line: &AST) {
        self.functions = whole.clone_functions_only();
        let imports: Vec<Stmt> =
            line.statements().iter().filter(|statement| matches!(statement, Stmt::Import(..))).cloned().collect();
        if !imports.is_empty() {
            self.imports = self.imports.merge(&AST::new(imports, Module::new()));
        }
    }
}

/// Do something, and the other thing behind it even when a defect ends the first: nothing of it is left behind.
pub(crate) fn always<T>(work: impl FnOnce() -> T, end: impl FnOnce()) -> T {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    end();
    outcome.unwrap_or_else(|defect| resume_unwind(defect))
}

fn beside(playbook: &Playbook) -> Option<PathBuf> {
    playbook
        .path
        .as_ref()
        .and_then(|path| path.parent())
        .map(|folder| if folder.as_os_str().is_empty() { ".".into() } else { folder.into() })
}

fn incomplete(error: &rhai::ParseError, source: &str) -> bool {
    use rhai::{LexError, ParseErrorType};
    match error.err_type() {
        ParseErrorType::UnexpectedEOF => true,
        ParseErrorType::BadInput(LexError::UnterminatedString) => ends_in(TokenKind::Unfinished, source),
        _ => past_the_end(error.position(), source),
    }
}

fn ends_in(kind: TokenKind, source: &str) -> bool {
    tokens(source).last().is_some_and(|last| last.kind == kind)
}

fn past_the_end(position: rhai::Position, source: &str) -> bool {
    let text = source.trim_end();
    let (lines, last) = (text.lines().count(), text.lines().last().unwrap_or_default().chars().count());
    match (position.line(), position.position()) {
        (Some(line), Some(column)) => line > lines || (line == lines && column > last),
        (Some(line), None) => line > lines,
        _ => false,
    }
}
