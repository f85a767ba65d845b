//! The domain: pods and their proxies, control planes, logs and policies of one mesh, told as rows.
//!
//! Everything here is an async function over [`Mesh`] and asks only [`Backend`](crate::backend::Backend).
//! It prints nothing and reads neither clock, environment nor disk. What did not answer becomes a note
//! ([`Mesh::take_notes`]) and marks the mesh as [`partial`](Mesh::partial); what did answer is returned.

pub mod access;
pub mod access_log;
mod access_own;
mod age;
pub mod deployments;
mod dig;
mod discovery;
pub mod distribution;
pub mod dump_choice;
pub mod events;
mod external;
mod extra_ca;
#[cfg(test)]
pub(crate) mod fake;
pub mod fan_out;
pub mod follow;
pub mod forwards;
pub mod istiod_choice;
pub mod istiod_debug;
pub mod istiod_logs;
mod istiod_page;
pub mod istiods;
pub mod jwt_rules;
pub mod kinds;
pub mod kube;
mod leaders;
mod log_messages;
mod log_source;
pub mod log_tune;
pub mod logs;
pub mod mesh_config;
pub mod names;
pub mod namespaces;
pub mod objects;
pub mod platform;
pub mod pod_address;
mod pod_proxy;
pub mod pod_ref;
mod pod_status;
pub mod pod_target;
pub mod pods;
pub mod proxy_status;
pub mod reach;
pub mod scopes;
mod selector;
pub mod services;
pub mod since;
mod status;
pub mod trust;
pub mod versions;

use crate::backend::{Answer, Ask, Followed, Query, SharedBackend};
use crate::error::Result;
use jiff::Timestamp;
use kinds::KindInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many questions are open at once, unless told otherwise.
pub const PARALLEL: usize = 32;

/// One mesh, seen through a backend. Clones share their notes.
#[derive(Clone)]
pub struct Mesh {
    backend: SharedBackend,
    parallel: usize,
    told: Arc<Told>,
    kinds: Arc<Mutex<Option<Arc<Vec<KindInfo>>>>>,
}

/// What was worth telling.
#[derive(Default)]
struct Told {
    notes: Mutex<Vec<String>>,
    partial: AtomicBool,
}

impl Mesh {
    /// The mesh behind this backend.
    pub fn new(backend: SharedBackend) -> Self {
        Self { backend, parallel: PARALLEL, told: Arc::default(), kinds: Arc::default() }
    }

    /// Another mesh that is looked at beside this one, such as a tape: its notes are told with those of this one.
    #[must_use]
    pub fn beside(&self, backend: SharedBackend) -> Self {
        Self { told: self.told.clone(), parallel: self.parallel, ..Self::new(backend) }
    }

    /// Whether both ask the same backend.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend)
    }

    /// The same mesh, with at most so many questions open at once.
    #[must_use]
    pub fn with_parallel(mut self, parallel: usize) -> Self {
        self.parallel = parallel.max(1);
        self
    }

    /// How many questions may be open at once.
    pub fn parallel(&self) -> usize {
        self.parallel
    }

    /// The backend that is asked.
    pub fn backend(&self) -> &SharedBackend {
        &self.backend
    }

    /// The namespace of a name that comes without one.
    pub fn home(&self) -> String {
        self.backend.namespace()
    }

    /// Which namespace a list is about: the one asked for, else all (`None`), as `*` and nothing are. The namespace at hand is for
    /// names: a fault of the mesh must not be missed because somebody chose one.
    pub fn scope<'a>(&self, asked: Option<&'a str>) -> Option<&'a str> {
        asked.filter(|name| !matches!(*name, "" | "*"))
    }

    /// The time to judge by.
    pub fn now(&self) -> Timestamp {
        self.backend.now()
    }

    /// Put one question to this mesh's cluster.
    ///
    /// # Errors
    /// When no answer came. A refusal by status is an answer.
    pub async fn ask(&self, ask: Ask) -> Result<Answer> {
        self.backend.ask(&Query::new(self.backend.cluster(), ask)).await
    }

    /// Stream a log of this mesh's cluster.
    ///
    /// # Errors
    /// When no answer came. A refusal by status is an answer.
    pub async fn follow(&self, ask: Ask) -> Result<Followed> {
        self.backend.follow(&Query::new(self.backend.cluster(), ask)).await
    }

    /// Keep something worth knowing that is no failure. The same words are kept once.
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        let mut notes = self.notes();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Keep a note on a target that did not answer.
    pub fn note_missing(&self, text: impl Into<String>) {
        self.mark_partial();
        self.note(text);
    }

    /// Remember that some target did not answer, where the failure itself is told.
    pub fn mark_partial(&self) {
        self.told.partial.store(true, Ordering::Relaxed);
    }

    /// The notes so far, in order; they are forgotten here.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes())
    }

    /// Whether some target did not answer, since the mesh was made.
    pub fn partial(&self) -> bool {
        self.told.partial.load(Ordering::Relaxed)
    }

    /// The kinds of the cluster, if they were asked for before.
    fn known_kinds(&self) -> Option<Arc<Vec<KindInfo>>> {
        self.kinds().clone()
    }

    fn learn_kinds(&self, kinds: Arc<Vec<KindInfo>>) {
        *self.kinds() = Some(kinds);
    }

    fn forget_kinds(&self) {
        *self.kinds() = None;
    }

    fn kinds(&self) -> MutexGuard<'_, Option<Arc<Vec<KindInfo>>>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Vec<String>> {
        self.told.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh").field("backend", &self.backend.describe()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::fake::Fake;

    #[test]
    fn notes_are_kept_once_and_shared_by_clones() {
        let mesh = Fake::new().mesh();
        mesh.clone().note("a");
        mesh.note("a");
        assert!(!mesh.partial());
        mesh.note_missing("b");
        assert_eq!((mesh.take_notes(), mesh.partial()), (vec!["a".to_owned(), "b".to_owned()], true));
        assert!(mesh.take_notes().is_empty());
    }

    #[test]
    fn a_mesh_beside_another_has_its_own_answers_and_tells_its_notes_there() {
        let (here, there) = (Fake::new().mesh(), Fake::new().mesh());
        let beside = here.beside(there.backend().clone());
        beside.note_missing("a");
        assert!(beside.is(&there) && !beside.is(&here) && here.partial() && !there.partial());
        assert_eq!(here.take_notes(), ["a"]);
    }

    #[test]
    fn a_list_is_about_what_was_asked_or_all() {
        let mesh = Fake::new().mesh();
        assert_eq!([None, Some(""), Some("*"), Some("olaf")].map(|asked| mesh.scope(asked)), [None, None, None, Some("olaf")]);
    }
}
