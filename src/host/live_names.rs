//! The names of what lives in the mesh, for whoever completes them while somebody types: fetched in the background, kept for a
//! while, and never waited for longer than is bearable at a key.
//!
//! These questions are nobody's: they are neither recorded nor shown, and what they find out is no note of the session's.

use super::OpenTape;
use crate::backend::{Aside, SharedBackend};
use crate::error::{Error, Kind, Result};
use crate::mesh::Mesh;
use crate::mesh::names::{self, Name, NamesOf};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Names are asked for anew after this time. Until the answer is there, the old ones do.
const FRESH: Duration = Duration::from_secs(30);
/// What failed is not asked again before this time.
const RETRY: Duration = Duration::from_secs(5);
/// The most lists that are kept.
const LISTS: usize = 64;
/// The most questions that are under way at once.
const UNDER_WAY: usize = 8;
/// The most names of one list.
const MOST: usize = 100_000;
/// A tape has its answer at hand; only reading it takes a while.
const READING: Duration = Duration::from_secs(10);

/// Names of the mesh, kept for a while.
pub struct LiveNames {
    asked: Asked,
    runtime: Handle,
    lists: Arc<Lists>,
    over: watch::Sender<bool>,
}

/// Who is asked.
#[derive(Clone)]
enum Asked {
    Nobody,
    Mesh(Mesh),
    Tape(Arc<Unopened>),
}

/// A tape that is opened when something is asked of it.
struct Unopened {
    file: String,
    mesh: OnceLock<Result<Mesh>>,
}

impl Unopened {
    fn mesh(&self) -> Result<Mesh> {
        self.mesh.get_or_init(|| OpenTape::read(&self.file).map(|tape| Mesh::new(Arc::new(Aside::new(Arc::new(tape)))))).clone()
    }
}

impl Asked {
    /// The mesh, which takes a while where it must be opened first.
    fn mesh(&self) -> Result<Mesh> {
        match self {
            Self::Mesh(mesh) => Ok(mesh.clone()),
            Self::Tape(tape) => tape.mesh(),
            Self::Nobody => Err(Error::new(Kind::Internal, "there is nobody to ask")),
        }
    }

    /// The same, if it is at hand.
    fn at_hand(&self) -> Option<&Mesh> {
        match self {
            Self::Nobody => None,
            Self::Mesh(mesh) => Some(mesh),
            Self::Tape(tape) => tape.mesh.get()?.as_ref().ok(),
        }
    }
}

#[derive(Default)]
struct Lists {
    known: Mutex<HashMap<NamesOf, List>>,
    bell: Condvar,
}

/// What is known of one list of names.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// The names, once they were had.
    pub names: Option<Arc<Vec<Name>>>,
    /// Whether there may be more, that this user may not see.
    pub partial: bool,
    /// Since when an answer is waited for, if one is.
    pub asked: Option<Instant>,
    /// Why the last question failed, if it did.
    pub failure: Option<Error>,
    ended: Option<Instant>,
    /// The namespace at hand when it was asked for.
    home: String,
}

impl LiveNames {
    /// No key waits longer than that for the mesh.
    pub const PATIENCE: Duration = Duration::from_millis(150);

    /// Names that are asked of this backend; none without one.
    pub(super) fn new(backend: Option<SharedBackend>, runtime: Handle) -> Self {
        Self::asking(backend.map_or(Asked::Nobody, |backend| Asked::Mesh(Mesh::new(backend))), runtime)
    }

    /// Names that are asked of the tape in this file, which is opened for it.
    pub(super) fn of_tape(file: &str, runtime: Handle) -> Self {
        Self::asking(Asked::Tape(Arc::new(Unopened { file: file.to_owned(), mesh: OnceLock::new() })), runtime)
    }

    fn asking(asked: Asked, runtime: Handle) -> Self {
        Self { asked, runtime, lists: Arc::default(), over: watch::Sender::new(false) }
    }

    /// What is known, after waiting for it at most so long. What is old is asked for anew and shown meanwhile.
    pub fn get(&self, of: &NamesOf, patience: Duration) -> List {
        let patience = if self.asked.at_hand().is_some_and(|mesh| mesh.backend().replays()) { READING } else { patience };
        let mut known = self.lists.lock();
        self.ask_when_due(&mut known, of);
        let waits = |known: &mut HashMap<NamesOf, List>| known.get(of).is_some_and(List::is_awaited);
        let waited = self.lists.bell.wait_timeout_while(known, patience, waits);
        let (known, _) = waited.unwrap_or_else(PoisonError::into_inner);
        known.get(of).cloned().unwrap_or_default()
    }

    /// Ask for names that will be wanted soon, if they are not known.
    pub fn prepare(&self, of: &NamesOf) {
        self.ask_when_due(&mut self.lists.lock(), of);
    }

    /// The namespace of a name that comes without one.
    pub fn home(&self) -> String {
        self.asked.at_hand().map(Mesh::home).unwrap_or_default()
    }

    /// Let go of all questions: the runtime ends.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }

    /// What is awaited or failed, for who wonders why no names come.
    pub fn troubles(&self) -> Vec<(NamesOf, List)> {
        let troubled = |list: &List| list.asked.is_some() || list.failure.is_some();
        self.lists.lock().iter().filter(|(_, list)| troubled(list)).map(|(of, list)| (of.clone(), list.clone())).collect()
    }

    fn ask_when_due(&self, known: &mut HashMap<NamesOf, List>, of: &NamesOf) {
        if matches!(self.asked, Asked::Nobody) {
            return;
        }
        // In another namespace, who may not list all sees others.
        let home = self.home();
        if known.get(of).is_some_and(|list| list.partial && list.asked.is_none() && list.home != home) {
            known.remove(of);
        }
        if known.get(of).is_some_and(|list| !list.is_due()) {
            return;
        }
        if known.values().filter(|list| list.asked.is_some()).count() >= UNDER_WAY {
            return;
        }
        if known.len() >= LISTS && !known.contains_key(of) {
            make_room(known);
        }
        let list = known.entry(of.clone()).or_default();
        (list.asked, list.home) = (Some(Instant::now()), home);
        let (who, lists, of_what) = (self.asked.clone(), self.lists.clone(), of.clone());
        let (runtime, mut over) = (self.runtime.clone(), self.over.subscribe());
        // A thread of its own, since not all of it can move between those of the runtime.
        let ask = move || {
            // A mesh of its own: its notes are its own, too.
            let mesh = match who.mesh() {
                Ok(mesh) => Mesh::new(mesh.backend().clone()),
                Err(error) => return lists.take(&of_what, Err(error), false),
            };
            let found = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = over.wait_for(|over| *over) => None,
                    found = names::names(&mesh, &of_what) => Some(found),
                }
            });
            if let Some(found) = found {
                lists.take(&of_what, found, mesh.partial());
            }
        };
        if std::thread::Builder::new().name("names".into()).spawn(ask).is_err() {
            known.remove(of);
        }
    }
}

/// Forget the list that was not asked for the longest.
fn make_room(known: &mut HashMap<NamesOf, List>) {
    let oldest = known.iter().filter(|(_, list)| list.asked.is_none()).min_by_key(|(_, list)| list.ended);
    if let Some(oldest) = oldest.map(|(of, _)| of.clone()) {
        known.remove(&oldest);
    }
}

impl List {
    fn is_due(&self) -> bool {
        let age = if self.failure.is_some() { RETRY } else { FRESH };
        self.asked.is_none() && self.ended.is_none_or(|ended| ended.elapsed() > age)
    }

    /// Nothing is known yet, and an answer is under way.
    fn is_awaited(&self) -> bool {
        self.names.is_none() && self.asked.is_some()
    }
}

impl Lists {
    fn lock(&self) -> MutexGuard<'_, HashMap<NamesOf, List>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, of: &NamesOf, found: Result<Vec<Name>>, partial: bool) {
        let mut known = self.lock();
        let list = known.entry(of.clone()).or_default();
        (list.asked, list.ended) = (None, Some(Instant::now()));
        match found {
            Ok(mut names) => {
                names.truncate(MOST);
                (list.names, list.partial, list.failure) = (Some(Arc::new(names)), partial, None);
            }
            // What was known before is better than nothing.
            Err(error) => list.failure = Some(error),
        }
        drop(known);
        self.bell.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::{Script, answer};

    const PODS: &str = r#"{"kind":"PodList","items":[{"metadata":{"name":"web-0","namespace":"shop"}}]}"#;
    const PATIENCE: Duration = Duration::from_secs(20);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    }

    fn all() -> NamesOf {
        NamesOf::Pods(None)
    }

    #[test]
    fn names_are_asked_for_once_and_kept() {
        let (runtime, script) = (runtime(), Script::new([Ok(answer(PODS))]));
        let names = LiveNames::new(Some(script.clone()), runtime.handle().clone());
        names.prepare(&all());
        for _ in 0..3 {
            let list = names.get(&all(), PATIENCE);
            assert_eq!(list.names.expect("they came")[0].name, "web-0");
        }
        assert_eq!(script.asked(), ["kube GET /api/v1/pods?limit=500"]);
        assert!(names.troubles().is_empty());
    }

    #[test]
    fn who_never_answers_is_asked_once_and_keeps_nobody_waiting() {
        let (runtime, script) = (runtime(), Script::silent());
        let names = LiveNames::new(Some(script.clone()), runtime.handle().clone());
        let begun = Instant::now();
        for _ in 0..3 {
            let list = names.get(&all(), Duration::from_millis(20));
            assert!(list.names.is_none() && list.asked.is_some());
        }
        assert!(begun.elapsed() < PATIENCE / 2 && script.asked().len() <= 1);
        assert_eq!(names.troubles().len(), 1);
        names.end();
        runtime.shutdown_background();
        assert!(names.get(&all(), Duration::from_millis(20)).names.is_none(), "after the end nothing hangs either");
    }

    #[test]
    fn a_failure_is_kept_and_not_repeated_at_each_key() {
        let (runtime, script) = (runtime(), Script::new([Err(Error::new(Kind::Unreachable, "no route"))]));
        let names = LiveNames::new(Some(script.clone()), runtime.handle().clone());
        for _ in 0..3 {
            let list = names.get(&all(), PATIENCE);
            assert_eq!(list.failure.expect("it failed").message(), "no route");
        }
        assert_eq!(script.asked().len(), 1);
    }

    #[test]
    fn without_a_backend_there_are_none() {
        let runtime = runtime();
        let names = LiveNames::new(None, runtime.handle().clone());
        names.prepare(&all());
        assert!(names.get(&all(), PATIENCE).names.is_none() && names.home().is_empty());
    }

    #[test]
    fn few_lists_are_kept() {
        let mut known: HashMap<NamesOf, List> = HashMap::new();
        for number in 0..3 {
            let ended = Some(Instant::now());
            known.insert(NamesOf::Loggers(number.to_string()), List { ended, ..List::default() });
        }
        known.insert(all(), List { asked: Some(Instant::now()), ..List::default() });
        make_room(&mut known);
        assert!(known.len() == 3 && known.contains_key(&all()) && !known.contains_key(&NamesOf::Loggers("0".into())));
    }
}
