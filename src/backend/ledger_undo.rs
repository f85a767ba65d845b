//! Putting levels back: what each should be again, whether it is still ours to set, and how it went.

use super::ledger::{Ledger, too_late};
use super::ledger_entry::{Entry, How, Undone};
use super::ledger_file::{self, Contents, Leftover};
use super::ledger_state::{self, State};
use super::query::LOGGERS;
use super::tune::{Place, SCOPES, STACK_TRACE};
use super::{Answer, Query};
use crate::error::{Error, Kind, Result};
use crate::log_level::DEFAULT;
use futures::StreamExt;
use serde_json::Value;
use std::time::Duration;

/// How many processes are undone at once.
const PARALLEL: usize = 32;

/// What is to be undone.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Only these pods: namespace and name.
    pub pods: Option<Vec<(String, String)>>,
    /// Only these loggers or scopes.
    pub names: Option<Vec<String>>,
    /// Only istiods, or only proxies.
    pub istiods: Option<bool>,
    /// Only these entries.
    pub entries: Option<Vec<u64>>,
    /// Nothing is done: only what would be.
    pub dry_run: bool,
}

/// A level that this session set, as a whole: from what it was before the first to what the last made it.
#[derive(Debug, Clone)]
struct Net {
    name: String,
    old: Option<String>,
    new: String,
    /// The entries it stands in.
    ids: Vec<u64>,
    /// The newest of them.
    last: Entry,
}

/// What sessions other than this one hold open.
struct Others {
    living: Vec<Contents>,
    ended: Vec<Leftover>,
}

impl Ledger {
    /// Put levels back, each process by itself and all within this time. What could not be put back stays open.
    pub async fn undo(&self, which: &Which, within: Duration) -> Vec<Undone> {
        let end = tokio::time::Instant::now() + within;
        let turn = async { (self.undoing.lock().await, self.setting.write().await) };
        let turn = tokio::time::timeout_at(end, turn).await;
        let nets = nets(&self.open(), which);
        if turn.is_err() {
            let late = |(place, nets): &(Place, Vec<Net>)| nets.iter().map(|net| net.failed(place, None, too_late())).collect();
            return nets.iter().flat_map(|one| -> Vec<Undone> { late(one) }).collect();
        }
        let mut others = self.others();
        let all = futures::stream::iter(nets).map(|(place, nets)| {
            let others = &others;
            async move {
                let undone = tokio::time::timeout_at(end, self.undo_place(&place, &nets, others, which.dry_run)).await;
                undone.unwrap_or_else(|_| nets.iter().map(|net| (net.failed(&place, None, too_late()), Vec::new())).collect())
            }
        });
        let done: Vec<(Undone, Vec<Inherited>)> =
            all.buffered(PARALLEL).collect::<Vec<_>>().await.into_iter().flatten().collect();
        let inherited: Vec<Inherited> = done.iter().flat_map(|(_, inherited)| inherited.clone()).collect();
        others.settle(&inherited);
        done.into_iter().map(|(undone, _)| undone).collect()
    }

    fn others(&self) -> Others {
        let Some(folder) = self.shelf.folder.as_ref().filter(|_| !self.inner.replays()) else {
            return Others { living: Vec::new(), ended: Vec::new() };
        };
        let own = self.file();
        Others { living: ledger_file::living(folder, own.as_deref()), ended: ledger_file::leftovers(folder) }
    }

    async fn undo_place(&self, place: &Place, nets: &[Net], others: &Others, dry: bool) -> Vec<(Undone, Vec<Inherited>)> {
        let told = |how: &dyn Fn(&Net) -> Undone| nets.iter().map(|net| (how(net), Vec::new())).collect::<Vec<_>>();
        let now = match self.now(place, nets).await {
            Ok(Some(now)) => now,
            Ok(None) => {
                let restarted = told(&|net| net.undone(place, None, How::Restarted));
                return if dry { restarted } else { self.closed(nets, restarted) };
            }
            Err(error) => return told(&|net| net.failed(place, None, error.clone())),
        };
        let judged: Vec<Judged> = nets.iter().map(|net| judge(net, place, &now, others)).collect();
        if dry {
            return judged.into_iter().map(|judged| (judged.undone, Vec::new())).collect();
        }
        let wanted: Vec<(String, Option<String>)> = judged.iter().filter_map(Judged::wanted).collect();
        let outcome = if wanted.is_empty() { Ok(()) } else { self.set(place, &now, &wanted).await };
        let finished: Vec<_> = judged.into_iter().map(|judged| judged.finished(&outcome)).collect();
        self.closed(nets, finished)
    }

    /// What is set now; nothing when the process is another one.
    async fn now(&self, place: &Place, nets: &[Net]) -> Result<Option<State>> {
        if self.inner.replays() {
            return self.seen(place).map(Some).ok_or_else(|| Error::new(Kind::TapeMiss, "the tape does not tell its levels"));
        }
        self.same_server()?;
        let Some(process) = ledger_state::process(&*self.aside, place).await else { return Ok(None) };
        if nets.iter().any(|net| !net.last.process.can_be(net.last.at, &process)) {
            return Ok(None);
        }
        match State::ask(&*self.aside, place).await {
            // Who may not read pods learns here that it is gone.
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            state => state.map(Some),
        }
    }

    /// Another cluster may have the same context name, and pods of the same names.
    fn same_server(&self) -> Result<()> {
        let here = self.inner.describe();
        let recorded = self.recorded.as_deref().unwrap_or(&here);
        match (server(recorded), server(&here)) {
            (Some(then), Some(now)) if then != now => Err(Error::new(
                Kind::NoCluster,
                format!(
                    "this was recorded on {then}, and the context leads to {now}: set KUBECONFIG or --kubeconfig to the file that has the other"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// What is settled needs no undo any more.
    fn closed(&self, nets: &[Net], done: Vec<(Undone, Vec<Inherited>)>) -> Vec<(Undone, Vec<Inherited>)> {
        let close = |(net, (mut undone, inherited)): (&Net, (Undone, Vec<Inherited>))| {
            if undone.is_settled() && !matches!(undone.how, How::HandedOver | How::HandedDown) {
                let names = std::slice::from_ref(&net.name);
                if let Err(error) = net.ids.iter().try_for_each(|id| self.close(*id, names)) {
                    undone.how = How::Failed(error);
                }
            }
            (undone, inherited)
        };
        nets.iter().zip(done).map(close).collect()
    }

    /// Set these levels, all at once where the process can; then see that they are set.
    async fn set(&self, place: &Place, now: &State, wanted: &[(String, Option<String>)]) -> Result<()> {
        let answer = match now {
            State::Scopes(_, scopes) => return self.set_scopes(place, scopes, wanted).await,
            State::Loggers(_) if now.is_ztunnel() => self.post(place, &format!("reset&level={}", filter(now, wanted))).await?,
            State::Loggers(_) => self.set_loggers(place, wanted).await?,
        };
        if self.inner.replays() {
            return Ok(());
        }
        let after = State::read(place, &answer).ok_or_else(|| refused(place, &answer))?;
        check(place, &after, wanted)
    }

    async fn set_loggers(&self, place: &Place, wanted: &[(String, Option<String>)]) -> Result<Answer> {
        let pairs: Vec<(&str, &str)> =
            wanted.iter().map(|(name, level)| (name.as_str(), level.as_deref().unwrap_or_default())).collect();
        if let [(name, level)] = pairs.as_slice() {
            return self.post(place, &format!("{name}={level}")).await;
        }
        let paths: Vec<String> = pairs.iter().map(|(name, level)| format!("{name}:{level}")).collect();
        match self.post(place, &format!("paths={}", paths.join(","))).await {
            // Before 1.22 Envoy sets one at a time.
            Err(error) if error.kind() == Kind::BadAnswer => {}
            done => return done,
        }
        let mut last = Err(Error::new(Kind::Internal, "there was nothing to set"));
        for (name, level) in pairs {
            last = Ok(self.post(place, &format!("{name}={level}")).await?);
        }
        last
    }

    async fn set_scopes(&self, place: &Place, scopes: &[Value], wanted: &[(String, Option<String>)]) -> Result<()> {
        for scope in scopes {
            let name = scope.get("name").and_then(Value::as_str).unwrap_or_default();
            let mut body = scope.clone();
            for (wanted, level) in wanted {
                let key = match wanted.strip_suffix(STACK_TRACE) {
                    Some(of) if of == name => "stack_trace_level",
                    None if wanted == name => "output_level",
                    _ => continue,
                };
                body[key] = level.clone().into();
            }
            if body != *scope {
                self.answer(place, &place.request("PUT", &format!("{SCOPES}{name}"), Some(body.to_string()))).await?;
            }
        }
        if self.inner.replays() {
            return Ok(());
        }
        check(place, &State::ask(&*self.aside, place).await?, wanted)
    }

    async fn post(&self, place: &Place, params: &str) -> Result<Answer> {
        self.answer(place, &place.request("POST", &format!("{LOGGERS}?{params}"), None)).await
    }

    async fn answer(&self, place: &Place, query: &Query) -> Result<Answer> {
        let answer = self.own.ask(query).await?;
        if answer.is_success() { Ok(answer) } else { Err(refused(place, &answer)) }
    }
}

fn refused(place: &Place, answer: &Answer) -> Error {
    let text = answer.text();
    let said = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
    Error::new(Kind::BadAnswer, format!("{place} answered with status {}: {said}", answer.status))
}

fn check(place: &Place, after: &State, wanted: &[(String, Option<String>)]) -> Result<()> {
    let set = |(name, level): &&(String, Option<String>)| after.get(name) != level.as_deref();
    match wanted.iter().find(set) {
        // A ztunnel's own start-up filter may name a module: then it is set, and to what it was.
        Some((name, Some(level))) => Err(Error::new(
            Kind::BadAnswer,
            format!("{place} took it, and {name} is {} and not {level}", after.get(name).unwrap_or("unknown")),
        )),
        _ => Ok(()),
    }
}

/// A ztunnel's filter with these changes.
fn filter(now: &State, wanted: &[(String, Option<String>)]) -> String {
    let wish = |name: &str| wanted.iter().find(|(wanted, _)| wanted == name).map(|(_, level)| level.as_deref());
    let parts = now.levels().iter().filter_map(|(name, level)| {
        let level = wish(name).unwrap_or(Some(level.as_str()))?;
        Some(if name == DEFAULT { level.to_owned() } else { format!("{name}={level}") })
    });
    parts.collect::<Vec<_>>().join(",")
}

/// What the open entries come to, by process and name.
fn nets(open: &[Entry], which: &Which) -> Vec<(Place, Vec<Net>)> {
    let mut found: Vec<(Place, Vec<Net>)> = Vec::new();
    for entry in open.iter().filter(|entry| which.wants(entry)) {
        let at = match found.iter().position(|(place, _)| place.is(&entry.place)) {
            Some(at) => at,
            None => {
                found.push((entry.place.clone(), Vec::new()));
                found.len() - 1
            }
        };
        let nets = &mut found[at].1;
        for setting in entry.settings.iter().filter(|setting| which.wants_name(&setting.name)) {
            match nets.iter_mut().find(|net| net.name == setting.name) {
                Some(net) => {
                    net.new.clone_from(&setting.new);
                    net.ids.push(entry.id);
                    net.last = entry.clone();
                }
                None => nets.push(Net {
                    name: setting.name.clone(),
                    old: setting.old.clone(),
                    new: setting.new.clone(),
                    ids: vec![entry.id],
                    last: entry.clone(),
                }),
            }
        }
    }
    found.retain(|(_, nets)| !nets.is_empty());
    found
}

impl Which {
    fn wants(&self, entry: &Entry) -> bool {
        let Place { namespace, pod, .. } = &entry.place;
        let here = self.pods.as_ref().is_none_or(|pods| pods.iter().any(|one| (&one.0, &one.1) == (namespace, pod)));
        let sort = self.istiods.is_none_or(|istiods| istiods == entry.place.is_istiod());
        here && sort && self.entries.as_ref().is_none_or(|ids| ids.contains(&entry.id))
    }

    fn wants_name(&self, name: &str) -> bool {
        let bare = name.strip_suffix(STACK_TRACE).unwrap_or(name);
        self.names.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name || wanted == bare))
    }
}

impl Net {
    fn undone(&self, place: &Place, from: Option<&str>, how: How) -> Undone {
        Undone { place: place.clone(), name: self.name.clone(), from: from.map(str::to_owned), to: self.old.clone(), how }
    }

    fn failed(&self, place: &Place, from: Option<&str>, error: Error) -> Undone {
        self.undone(place, from.or(Some(&self.new)), How::Failed(error))
    }
}

/// A name of an entry of a session that ended, settled together with ours.
#[derive(Debug, Clone, PartialEq)]
struct Inherited {
    file: std::path::PathBuf,
    id: u64,
    name: String,
}

/// What is to be done about one level.
struct Judged {
    undone: Undone,
    inherited: Vec<Inherited>,
}

impl Judged {
    /// What must be set; nothing when that would change nothing.
    fn wanted(&self) -> Option<(String, Option<String>)> {
        (self.undone.how == How::PutBack).then(|| (self.undone.name.clone(), self.undone.to.clone()))
    }

    fn finished(mut self, outcome: &Result<()>) -> (Undone, Vec<Inherited>) {
        if self.undone.how == How::PutBack
            && let Err(error) = outcome
        {
            self.undone.how = How::Failed(error.clone());
        }
        if !matches!(self.undone.how, How::PutBack | How::Already) {
            self.inherited.clear();
        }
        (self.undone, self.inherited)
    }
}

/// Is it still ours to put back, and to what?
fn judge(net: &Net, place: &Place, now: &State, others: &Others) -> Judged {
    let level = now.get(&net.name);
    let plain = |how: How| Judged { undone: net.undone(place, level, how), inherited: Vec::new() };
    if others.wanted_by_the_living(net, place) {
        return plain(How::HandedOver);
    }
    if level != Some(net.new.as_str()) && others.wanted_by_the_ended(net, place) {
        return plain(How::HandedDown);
    }
    if level != Some(net.new.as_str()) {
        return plain(if level == net.old.as_deref() { How::Already } else { How::Left });
    }
    let (old, inherited) = others.inherit(net, place);
    let how = if level == old.as_deref() { How::Already } else { How::PutBack };
    Judged { undone: Undone { to: old, ..net.undone(place, level, how) }, inherited }
}

impl Others {
    /// Whether a session that lives set this level after us.
    fn wanted_by_the_living(&self, net: &Net, place: &Place) -> bool {
        self.living.iter().any(|contents| sets_later(contents, net, place))
    }

    /// Whether a session that ended set this level after us, and left it so.
    fn wanted_by_the_ended(&self, net: &Net, place: &Place) -> bool {
        self.ended.iter().any(|left| sets_later(&left.contents, net, place))
    }

    /// What we found may be what a session set that ended before us, and left to us to put back.
    fn inherit(&self, net: &Net, place: &Place) -> (Option<String>, Vec<Inherited>) {
        let (mut old, mut inherited) = (net.old.clone(), Vec::new());
        let mut before = net.last.at;
        while let Some((file, entry, setting)) = self.outer(net, place, old.as_deref(), before) {
            inherited.push(Inherited { file, id: entry.id, name: net.name.clone() });
            before = entry.at;
            old.clone_from(&setting);
        }
        (old, inherited)
    }

    /// The newest open setting of an ended session, before this time, that made the level what it was.
    fn outer(
        &self,
        net: &Net,
        place: &Place,
        level: Option<&str>,
        before: jiff::Timestamp,
    ) -> Option<(std::path::PathBuf, &Entry, Option<String>)> {
        let entries = self.ended.iter().flat_map(|left| left.contents.open.iter().map(|entry| (left.book.path(), entry)));
        let older = entries.filter(|(_, entry)| entry.at < before && same_process(entry, net, place));
        let named =
            older.filter_map(|(path, entry)| Some((path, entry, entry.settings.iter().find(|one| one.name == net.name)?)));
        let (path, entry, setting) = named.max_by_key(|(_, entry, _)| entry.at)?;
        (Some(setting.new.as_str()) == level).then(|| (path.to_owned(), entry, setting.old.clone()))
    }

    /// What was settled with ours is closed in the files it stands in.
    fn settle(&mut self, inherited: &[Inherited]) {
        for left in &mut self.ended {
            let path = left.book.path().to_owned();
            for one in inherited.iter().filter(|one| one.file == path) {
                // A line that cannot be written leaves work for `pilotage undo`, which will find the level put back.
                let _ = left.book.closed(one.id, std::slice::from_ref(&one.name));
                ledger_file::close(&mut left.contents.open, one.id, std::slice::from_ref(&one.name));
            }
        }
        let done = |left: &Leftover| left.contents.open.is_empty();
        let (done, _): (Vec<_>, Vec<_>) = std::mem::take(&mut self.ended).into_iter().partition(done);
        done.into_iter().for_each(|left| left.book.remove());
    }
}

fn sets_later(contents: &Contents, net: &Net, place: &Place) -> bool {
    let later = |entry: &&Entry| entry.at > net.last.at && same_process(entry, net, place);
    contents.open.iter().filter(later).any(|entry| entry.settings.iter().any(|setting| setting.name == net.name))
}

/// The address in what a live backend says of itself: `context NAME (SERVER)`.
fn server(source: &str) -> Option<&str> {
    source.rsplit_once(" (")?.1.strip_suffix(')')
}

fn same_process(entry: &Entry, net: &Net, place: &Place) -> bool {
    let Place { namespace, pod, port, .. } = place;
    let here = (&entry.place.namespace, &entry.place.pod, entry.place.port) == (namespace, pod, *port);
    let cluster =
        entry.place.cluster == place.cluster || entry.process.uid.is_some() && entry.process.uid == net.last.process.uid;
    let (first, second) = if entry.at <= net.last.at { (entry, &net.last) } else { (&net.last, entry) };
    here && cluster && first.process.can_be(first.at, &second.process)
}
