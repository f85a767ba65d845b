//! The ledger: no level is set before its undo is written down.
//!
//! A decorator. A question that sets log levels passes only when what is set now could be read and kept: in a file of the
//! session, so that even a killed session can be undone by the next (`pilotage undo`). Levels are put back by
//! [`Ledger::undo`], whoever calls it: the end of the session, `reset_log`, a signal.

use super::ledger_chain::same_process;
use super::ledger_entry::{Entry, Setting};
use super::ledger_file::{self, Book, Header, Leftover};
use super::ledger_state::{self, State};
use super::tune::{Place, STACK_TRACE, Tune, scope_levels};
use super::{Answer, Backend, Observed, Observer, Query, SharedBackend};
use crate::error::{Error, Kind, Result};
use crate::log_level::{DEFAULT, Levels};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a session's ledger is kept.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// The folder of all sessions' files; without one a crash loses what was changed.
    pub folder: Option<PathBuf>,
    /// The kubeconfig files in use, where they were named, so that `pilotage undo` finds the cluster again.
    pub kubeconfig: Option<String>,
    /// The cluster of the kubeconfig that was chosen in place of the context's.
    pub cluster: Option<String>,
    /// The user of the kubeconfig that was chosen in place of the context's.
    pub user: Option<String>,
}

/// Keeps of every question that sets levels how to undo it.
pub struct Ledger {
    pub(super) inner: SharedBackend,
    /// The same way, for what the ledger does itself: nobody above it would see that.
    pub(super) own: SharedBackend,
    /// Asks what is set, beside the recorder: on a replay nobody asks that.
    pub(super) aside: SharedBackend,
    pub(super) shelf: Shelf,
    /// What was connected to when the entries were made, if that was another session.
    pub(super) recorded: Option<String>,
    /// Whether what is set may be lost in a crash: an engine that is embedded, without a folder.
    in_memory: bool,
    kept: Mutex<Kept>,
    /// One undo at a time: a signal may come while the session ends.
    pub(super) undoing: tokio::sync::Mutex<()>,
    /// Held for reading by what is being set: an undo comes after it.
    pub(super) setting: Arc<tokio::sync::RwLock<()>>,
}

#[derive(Default)]
struct Kept {
    open: Vec<Entry>,
    next: u64,
    book: Option<Book>,
    /// On a replay: what was last seen of each process.
    seen: HashMap<Place, State>,
    /// Entries that end with the evaluation at hand.
    passing: Vec<u64>,
    /// The mark at which all was tried to be undone.
    tried: Option<u64>,
}

impl Ledger {
    /// Keep what passes to `inner`; what is set before is asked of `aside`, which may be the same.
    pub fn new(inner: SharedBackend, aside: SharedBackend, shelf: Shelf) -> Self {
        let own = inner.clone();
        let (undoing, setting) = (tokio::sync::Mutex::default(), Arc::default());
        Self { inner, own, aside, shelf, recorded: None, in_memory: false, kept: Mutex::default(), undoing, setting }
    }

    /// Tell this observer what the ledger asks and does itself.
    #[must_use]
    pub fn watched(mut self, observer: &Arc<dyn Observer>) -> Self {
        self.own = Arc::new(Observed::new(self.own, observer.clone()));
        self.aside = Arc::new(Observed::new(self.aside, observer.clone()));
        self
    }

    /// A ledger in memory: undone when the engine ends, lost in a crash.
    pub fn in_memory(inner: SharedBackend) -> Self {
        Self { in_memory: true, ..Self::new(inner.clone(), inner, Shelf::default()) }
    }

    /// The ledger of a session that ended, to be undone through this backend.
    pub fn adopt(inner: SharedBackend, shelf: Shelf, leftover: Leftover) -> Self {
        let ledger = Self::in_memory(inner);
        let Leftover { contents, book } = leftover;
        let recorded = Some(contents.header.source);
        let kept = Kept { open: contents.open, book: Some(book), ..Kept::default() };
        Self { kept: Mutex::new(kept), shelf, recorded, ..ledger }
    }

    /// What is not undone yet, oldest first.
    pub fn open(&self) -> Vec<Entry> {
        self.kept().open.clone()
    }

    /// The file that keeps it, if there is one.
    pub fn file(&self) -> Option<PathBuf> {
        self.kept().book.as_ref().map(|book| book.path().to_owned())
    }

    /// That all that is open was tried to be undone.
    pub(crate) fn tried(&self) {
        let mut kept = self.kept();
        kept.tried = Some(kept.next);
    }

    /// Whether nothing was set since all was tried to be undone: what is open then could not be.
    pub(crate) fn was_tried(&self) -> bool {
        let kept = self.kept();
        kept.tried == Some(kept.next)
    }

    /// A mark: what is set from now on comes after it.
    pub fn mark(&self) -> u64 {
        self.kept().next
    }

    /// What was set since this mark is to stay: it is not undone, and neither is what was set there before, by whichever
    /// session of this machine.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_since(&self, mark: u64) -> Result<()> {
        let mut kept = self.kept();
        let fresh: Vec<Entry> = kept.open.iter().filter(|entry| entry.id >= mark).cloned().collect();
        let mut done = Vec::new();
        for entry in &fresh {
            let names: Vec<String> = entry.settings.iter().map(|setting| setting.name.clone()).collect();
            let same = kept.open.iter().filter(|open| open.place.is(&entry.place));
            done.extend(same.map(|open| (open.id, names.clone())));
        }
        done.iter().try_for_each(|(id, names)| kept.close(*id, names))?;
        drop(kept);
        match self.shelf.folder.as_ref().filter(|_| !self.inner.replays()) {
            Some(folder) => ledger_file::release(folder, self.file().as_deref(), |entry| names_kept(entry, &fresh)),
            None => Ok(()),
        }
    }

    /// What is open here, and closed in the file: another session set it to stay. With the names.
    pub(super) fn closed_by_others(&self) -> Vec<(Entry, Vec<String>)> {
        let kept = self.kept();
        let Some(written) = kept.book.as_ref().and_then(Book::open) else { return Vec::new() };
        let stands = |id: u64, name: &str| {
            written.iter().any(|entry| entry.id == id && entry.settings.iter().any(|setting| setting.name == name))
        };
        let gone = |entry: &Entry| -> Vec<String> {
            let names = entry.settings.iter().map(|setting| setting.name.clone());
            names.filter(|name| !stands(entry.id, name)).collect()
        };
        kept.open.iter().map(|entry| (entry.clone(), gone(entry))).filter(|(_, names)| !names.is_empty()).collect()
    }

    /// What was set since this mark lasts only as long as the evaluation at hand ([`Ledger::passing`]).
    pub fn pass_since(&self, mark: u64) {
        let mut kept = self.kept();
        let fresh: Vec<u64> = kept.open.iter().map(|entry| entry.id).filter(|id| *id >= mark).collect();
        kept.passing.extend(fresh);
    }

    /// What ends with the evaluation at hand, and is open; forgotten here.
    pub fn passing(&self) -> Vec<u64> {
        let mut kept = self.kept();
        let passing = std::mem::take(&mut kept.passing);
        passing.into_iter().filter(|id| kept.open.iter().any(|entry| entry.id == *id)).collect()
    }

    /// These names of an entry need no undo any more; when nothing is open, the file goes.
    pub(super) fn close(&self, id: u64, names: &[String]) -> Result<()> {
        self.kept().close(id, names)
    }

    /// What was last seen of a process, on a replay.
    pub(super) fn seen(&self, place: &Place) -> Option<State> {
        self.kept().seen.get(&Place { exec: None, ..place.clone() }).cloned()
    }

    async fn tune(&self, query: &Query, tune: Tune, place: Place) -> Result<Answer> {
        let id = if self.inner.replays() {
            let Some(now) = self.seen(&place) else { return self.replayed(query, &place).await };
            self.write(place.clone(), Default::default(), settings(&tune, &now))?
        } else {
            self.shelved(&place)?;
            let (now, process) = futures::join!(State::ask(&*self.aside, &place), ledger_state::process(&*self.aside, &place));
            if now.as_ref().is_err_and(|error| error.kind() == Kind::Forbidden) {
                // Once more by the way that is recorded, so that a replay finds the refusal.
                let _ = self.inner.ask(&State::question(&place)).await;
            }
            let now = now.map_err(|error| {
                error.context(format!(
                    "nothing was changed at {place}: what is set there now cannot be read, so it could not be undone"
                ))
            })?;
            self.write(place.clone(), process.unwrap_or_default(), settings(&tune, &now))?
        };
        let answer = if self.inner.replays() { self.replayed(query, &place).await } else { self.send(query).await };
        if let Some(id) = id
            && did_nothing(&answer)
        {
            self.close_all(id)?;
        }
        self.look(&place, &answer);
        answer
    }

    /// A tape does not tell of what was never sent, as its place refused to be read before: then it tells of that.
    async fn replayed(&self, query: &Query, place: &Place) -> Result<Answer> {
        let missing = match self.inner.ask(query).await {
            Err(error) if error.kind() == Kind::TapeMiss => error,
            answer => return answer,
        };
        match self.inner.ask(&State::question(place)).await {
            Err(error) if error.kind() == Kind::Forbidden => Err(error),
            _ => Err(missing),
        }
    }

    /// Without a folder a crash would lose how to undo it.
    fn shelved(&self, place: &Place) -> Result<()> {
        if self.in_memory || self.shelf.folder.is_some() {
            return Ok(());
        }
        let told = format!("nothing was changed at {place}: there is no folder of yours to keep in how to undo it");
        Err(Error::new(Kind::File, told).hint("set HOME, or XDG_STATE_HOME"))
    }

    /// Ask to its end, also when nobody waits for it any more: were it cut off on its way, it could take effect after its undo.
    async fn send(&self, query: &Query) -> Result<Answer> {
        let (inner, query, setting) = (self.inner.clone(), query.clone(), self.setting.clone().read_owned().await);
        let sent = tokio::spawn(async move {
            let answer = inner.ask(&query).await;
            drop(setting);
            answer
        });
        sent.await.unwrap_or_else(|error| Err(Error::new(Kind::Internal, "setting a level failed").caused_by(&error)))
    }

    /// Write an entry down before it is done. What sets nothing known needs none: the process will refuse it.
    fn write(&self, place: Place, process: super::ledger_entry::Process, settings: Vec<Setting>) -> Result<Option<u64>> {
        if settings.is_empty() {
            return Ok(None);
        }
        let now = self.inner.now();
        let mut kept = self.kept();
        let entry = Entry { id: kept.next, at: now, place, process, settings };
        if kept.book.is_none()
            && let Some(folder) = self.shelf.folder.as_ref().filter(|_| !self.inner.replays())
        {
            let header = Header::new(now, self.inner.cluster(), self.inner.describe(), &self.shelf);
            kept.book = Some(Book::create(folder, &header)?);
        }
        if let Some(book) = &mut kept.book {
            book.tuned(&entry)?;
        }
        kept.next += 1;
        let id = entry.id;
        kept.open.push(entry);
        Ok(Some(id))
    }

    fn close_all(&self, id: u64) -> Result<()> {
        let mut kept = self.kept();
        let entry = kept.open.iter().find(|entry| entry.id == id);
        let names: Vec<String> = entry.into_iter().flat_map(|entry| &entry.settings).map(|one| one.name.clone()).collect();
        kept.close(id, &names)
    }

    /// Remember what an answer says is set; only a replay needs it.
    fn look(&self, place: &Place, answer: &Result<Answer>) {
        if !self.inner.replays() {
            return;
        }
        if let Ok(answer) = answer
            && let Some(state) = State::read(place, answer)
        {
            self.kept().seen.insert(Place { exec: None, ..place.clone() }, state);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn close(&mut self, id: u64, names: &[String]) -> Result<()> {
        if let Some(book) = &mut self.book {
            book.closed(id, names)?;
        }
        ledger_file::close(&mut self.open, id, names);
        if self.open.is_empty()
            && let Some(book) = self.book.take()
        {
            book.remove();
        }
        Ok(())
    }
}

/// Which names of another session's entry are among these, which are to stay.
fn names_kept(entry: &Entry, fresh: &[Entry]) -> Vec<String> {
    let here = fresh.iter().filter(|ours| same_process(entry, ours, &ours.place));
    let kept: Vec<&str> = here.flat_map(|ours| &ours.settings).map(|setting| setting.name.as_str()).collect();
    entry.settings.iter().map(|setting| setting.name.clone()).filter(|name| kept.contains(&name.as_str())).collect()
}

/// What a question would set, beside what is set now.
fn settings(tune: &Tune, now: &State) -> Vec<Setting> {
    let old = |name: &str| now.get(name).map(str::to_owned);
    let known = |name: &str| now.is_ztunnel() || old(name).is_some();
    let setting = |(name, new): (String, String)| known(&name).then(|| Setting { old: old(&name), name, new });
    let all = |level: &str| now.levels().iter().map(|(name, _)| (name.clone(), level.to_owned())).collect();
    let wanted: Vec<(String, String)> = match tune {
        Tune::All(level) if now.is_ztunnel() => vec![(DEFAULT.into(), level.clone())],
        Tune::All(level) => all(level),
        Tune::Some(pairs) => pairs.clone(),
        Tune::Filter(filter) => Levels::filter(filter),
        Tune::Scope(_, body) => scope_levels(&serde_json::from_str(body).unwrap_or_default()),
    };
    let found: Vec<Setting> = wanted.into_iter().filter_map(setting).collect();
    match tune {
        Tune::Scope(..) => of_scope(found),
        _ => found,
    }
}

/// A scope is always sent with both its levels: meant is the one that changes; if none does, the one that lines are written by.
fn of_scope(found: Vec<Setting>) -> Vec<Setting> {
    let changed: Vec<Setting> = found.iter().filter(|one| one.old.as_ref() != Some(&one.new)).cloned().collect();
    if changed.is_empty() { found.into_iter().filter(|one| !one.name.ends_with(STACK_TRACE)).collect() } else { changed }
}

/// Whether a question surely set nothing: it was refused, or never got there.
fn did_nothing(answer: &Result<Answer>) -> bool {
    match answer {
        Ok(answer) => !answer.is_success(),
        Err(error) => matches!(
            error.kind(),
            Kind::Forbidden
                | Kind::Unauthorized
                | Kind::NotFound
                | Kind::NoCluster
                | Kind::BadInput
                | Kind::Refused
                | Kind::TapeMiss
        ),
    }
}

impl Backend for Ledger {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        match (Tune::of(&query.ask), Place::of(query)) {
            (Some(tune), Some(place)) => Box::pin(self.tune(query, tune, place)),
            (None, Some(place)) if self.inner.replays() => Box::pin(async move {
                let answer = self.inner.ask(query).await;
                self.look(&place, &answer);
                answer
            }),
            _ => self.inner.ask(query),
        }
    }

    forward_the_rest!();
}

/// That an undo took too long.
pub(super) fn too_late() -> Error {
    Error::new(Kind::Timeout, "there was no time left to put it back")
}
