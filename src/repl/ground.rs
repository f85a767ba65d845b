//! What the program around a session does for it: where questions go, and how to go elsewhere.

use super::Settings;
use crate::Pilotage;
use crate::backend::{Acting, ContextOf, Effect, Recording};
use crate::error::Result;
use crate::host::{Failure, Playbook};
use crate::render::Format;
use crate::report::Table;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the program around a session does for it.
pub trait Ground {
    /// The engine at hand.
    fn pilotage(&self) -> Arc<Pilotage>;

    /// An evaluation begins: earlier Ctrl-C presses are over.
    fn before(&self);

    /// An evaluation ended: what was shown while it waited goes away.
    fn after(&self);

    /// Another program has the terminal, or has it no more: while it does, Ctrl-C is for that one alone.
    fn aside(&self, other: bool);

    /// Where questions go.
    fn place(&self) -> Place;

    /// The contexts that the kubeconfig has; nothing is asked.
    ///
    /// # Errors
    /// When it cannot be read.
    fn contexts(&self) -> Result<Vec<ContextOf>>;

    /// Go elsewhere: what was set at the place at hand is put back, its port-forwards and its recording are closed, all told.
    /// Nothing is asked there yet.
    ///
    /// # Errors
    /// When there is no such place, or Ctrl-C was pressed meanwhile: then the place at hand stays.
    fn go(&self, to: &Target) -> Result<()>;

    /// From now on, this is the namespace of names that come without one.
    fn choose_namespace(&self, name: &str);

    /// Begin to keep answers in a new file.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or a recording goes on.
    fn record(&self, file: &Path) -> Result<()>;

    /// Close the recording that goes on, if there is one.
    ///
    /// # Errors
    /// When it could not be written whole.
    fn end_recording(&self) -> Result<Option<Recording>>;

    /// From now on, allow effects up to this level.
    fn allow(&self, level: Effect);

    /// Put back what this session set here, or only tell what would be; `None` when Ctrl-C ended it. What fails is told.
    fn undo(&self, dry_run: bool) -> Option<Table>;

    /// How much was set so far, for [`Ground::undo_since`].
    fn mark(&self) -> u64;

    /// Put back what was set since this mark and is not to stay, and say so; whether nothing is left of it.
    fn undo_since(&self, mark: u64) -> bool;

    /// What this session set and has not put back, a line each.
    fn still_set(&self) -> Vec<String>;

    /// What can be set of a session, as it holds now.
    fn settings(&self) -> Vec<Setting>;

    /// From now on, let these values of a setting hold; gives what then holds of the session itself.
    ///
    /// # Errors
    /// When there is no such setting, a value is wrong, or it cannot hold here.
    fn set(&self, name: &str, values: &[String]) -> Result<Settings>;

    /// The form of results.
    fn format(&self) -> Format;

    /// The playbook that is meant by a name or a path, with the parameters behind it, checked.
    ///
    /// # Errors
    /// When there is none, or it does not compile.
    fn playbook(&self, words: &[String]) -> std::result::Result<Meant, Box<Failure>>;

    /// The command line that runs a playbook where the session is, with these words behind `run`.
    fn run_line(&self, words: &[String]) -> String;

    /// How many questions were put so far, and how many bytes came back.
    fn asked(&self) -> (u64, u64);
}

/// What is meant by a playbook's name and what stands behind it.
pub enum Meant {
    /// To run it with these parameters.
    Run(Box<Playbook>, Map<String, Value>),
    /// To read this about it.
    Help(String),
    /// Nothing that it takes: this is wrong.
    Wrong(String),
}

/// What can be set of a session.
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// What holds.
    pub value: Value,
    /// Where that comes from.
    pub from: String,
    /// Whether it may have several values.
    pub list: bool,
    /// Values that it may have, where they are words.
    pub choices: Vec<String>,
}

/// Where to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A context of the kubeconfig.
    Context(String),
    /// A tape.
    Tape(PathBuf),
    /// The tape that comes with pilotage.
    Demo,
    /// From a tape back to where the session was before, or would have begun.
    Live,
}

/// Where questions go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is.
    pub source: Source,
    /// Its name: of the context, or of the tape's file.
    pub name: String,
    /// The namespace of names that come without one.
    pub namespace: String,
    /// Whether that is somebody's choice: the place has another one by itself.
    pub chosen: bool,
    /// The same at length: `context lab (https://…)`.
    pub described: String,
    /// Whom the user acts as there.
    pub acting: Acting,
    /// The recording that goes on.
    pub recording: Option<Recording>,
    /// What is allowed.
    pub allowed: Effect,
    /// How many levels this session set and has not put back.
    pub set: usize,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A cluster.
    Live,
    /// A tape.
    Tape,
    /// The tape that comes with pilotage.
    Demo,
    /// Nobody: there is no kubeconfig.
    Nobody,
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::error::{Error, Kind};
    use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

    /// A ground for tests, from which nothing leads away.
    pub struct Still {
        pub pilotage: Arc<Pilotage>,
        /// How much began and did not end: evaluations, and other programs at the terminal.
        pub open: AtomicIsize,
    }

    impl Still {
        pub fn new(pilotage: Pilotage) -> Self {
            Self { pilotage: Arc::new(pilotage), open: AtomicIsize::default() }
        }
    }

    impl Ground for Still {
        fn pilotage(&self) -> Arc<Pilotage> {
            self.pilotage.clone()
        }

        fn before(&self) {
            self.open.fetch_add(1, Relaxed);
        }

        fn after(&self) {
            self.open.fetch_sub(1, Relaxed);
        }

        fn aside(&self, other: bool) {
            self.open.fetch_add(if other { 1 } else { -1 }, Relaxed);
        }

        fn place(&self) -> Place {
            Place {
                source: Source::Demo,
                name: "demo".into(),
                namespace: "default".into(),
                chosen: false,
                described: "a test".into(),
                acting: Acting::default(),
                recording: None,
                allowed: Effect::Observe,
                set: 0,
            }
        }

        fn contexts(&self) -> Result<Vec<ContextOf>> {
            Ok(Vec::new())
        }

        fn go(&self, _to: &Target) -> Result<()> {
            Err(Error::new(Kind::Refused, "nothing leads away from here"))
        }

        fn choose_namespace(&self, _name: &str) {}

        fn record(&self, _file: &Path) -> Result<()> {
            Err(Error::new(Kind::Refused, "nothing is recorded here"))
        }

        fn end_recording(&self) -> Result<Option<Recording>> {
            Ok(None)
        }

        fn allow(&self, _level: Effect) {}

        fn undo(&self, _dry_run: bool) -> Option<Table> {
            Some(Table::default())
        }

        fn mark(&self) -> u64 {
            0
        }

        fn undo_since(&self, _mark: u64) -> bool {
            true
        }

        fn still_set(&self) -> Vec<String> {
            Vec::new()
        }

        fn settings(&self) -> Vec<Setting> {
            Vec::new()
        }

        fn set(&self, _name: &str, _values: &[String]) -> Result<Settings> {
            Err(Error::new(Kind::Refused, "nothing can be set here"))
        }

        fn format(&self) -> Format {
            Format::Text
        }

        fn playbook(&self, _words: &[String]) -> std::result::Result<Meant, Box<Failure>> {
            Err(Error::new(Kind::NotFound, "there are no playbooks here").into())
        }

        fn run_line(&self, words: &[String]) -> String {
            format!("pilotage run {}", words.join(" "))
        }

        fn asked(&self) -> (u64, u64) {
            (0, 0)
        }
    }
}
