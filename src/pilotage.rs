//! The engine to embed: all functions over a backend of the caller's choice.

use crate::backend::SharedBackend;
use crate::bind;
use crate::error::Result;
use crate::host::{Catalog, Failed, Failure, Host, Interrupt, Limits, Output, Parts, Playbook, Silent};
use crate::report::{Content, Report};
use rhai::Module;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// A script engine with all of pilotage's functions.
///
/// It blocks the calling thread while it asks; do not use it inside an async task.
pub struct Pilotage {
    host: Host,
}

/// Chooses what a [`Pilotage`] is made of.
pub struct Builder {
    backend: SharedBackend,
    limits: Limits,
    parallel: usize,
    output: Arc<dyn Output>,
    extra: Vec<(&'static str, Module)>,
    import_folders: Vec<PathBuf>,
}

impl Pilotage {
    /// Begin with the source of answers: a live cluster, a tape, or a backend of your own.
    pub fn builder(backend: SharedBackend) -> Builder {
        Builder {
            backend,
            limits: Limits::default(),
            parallel: 32,
            output: Arc::new(Silent),
            extra: Vec::new(),
            import_folders: Vec::new(),
        }
    }

    /// Evaluate a text; its variables, functions and imports live on to the next call.
    ///
    /// # Errors
    /// When it does not compile, fails, or is stopped.
    pub fn eval(&self, source: &str) -> std::result::Result<Content, Box<Failure>> {
        self.host.eval(source).map(|value| self.host.content(&value))
    }

    /// Run a playbook. Parameters are checked against what it declares.
    ///
    /// # Errors
    /// When a parameter is wrong, or the script fails or is stopped; with what it had reported by then.
    pub fn run(&self, playbook: &Playbook, params: Map<String, Value>) -> std::result::Result<Report, Box<Failed>> {
        let bound = playbook.bind(params).map_err(|error| Box::new(Failed { failure: error.into(), report: Report::default() }))?;
        self.host.run(playbook, &bound)
    }

    /// Whether a text is only the beginning of something longer.
    pub fn is_incomplete(&self, source: &str) -> bool {
        self.host.is_incomplete(source)
    }

    /// Everything a script can call.
    pub fn catalog(&self) -> &Catalog {
        self.host.catalog()
    }

    /// What stops this engine's scripts, from any thread.
    pub fn interrupt(&self) -> Interrupt {
        self.host.interrupt()
    }

    /// What was worth telling since the last time: pods that did not answer, permissions that are missing.
    pub fn take_notes(&self) -> Vec<String> {
        self.host.take_notes()
    }

    /// Whether some target did not answer since this was last asked.
    pub fn take_partial(&self) -> bool {
        self.host.take_partial()
    }
}

impl Builder {
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

    /// Build the engine.
    ///
    /// # Errors
    /// When no runtime can be started.
    pub fn build(self) -> Result<Pilotage> {
        let mut families = bind::families();
        families.extend(self.extra);
        let host = Host::new(Parts {
            backend: self.backend,
            limits: self.limits,
            parallel: self.parallel,
            output: self.output,
            families,
            schemas: bind::schemas(),
            import_folders: self.import_folders,
        })?;
        Ok(Pilotage { host })
    }
}
