//! Putting levels back: what each should be again, whether it is still ours to set, and how it went.

use super::ledger::{Ledger, too_late};
use super::ledger_chain::{Judged, Net, Others, Step};
use super::ledger_entry::{Entry, How, Undone};
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

impl Ledger {
    /// Put levels back, each process by itself and all within this time. What could not be put back stays open.
    pub async fn undo(&self, which: &Which, within: Duration) -> Vec<Undone> {
        let end = tokio::time::Instant::now() + within;
        let turn = async { (self.undoing.lock().await, self.setting.write().await) };
        let turn = tokio::time::timeout_at(end, turn).await;
        let mut done = self.kept_by_others(which);
        let nets = nets(&self.open(), which);
        if turn.is_err() {
            let late = |(place, nets): &(Place, Vec<Net>)| nets.iter().map(|net| net.failed(place, too_late())).collect();
            done.extend(nets.iter().flat_map(|one| -> Vec<Judged> { late(one) }).map(|judged| judged.undone));
            return done;
        }
        let mut others = self.others();
        let all = futures::stream::iter(nets).map(|(place, nets)| {
            let others = &others;
            async move {
                let undone = tokio::time::timeout_at(end, self.undo_place(&place, &nets, others, which.dry_run)).await;
                undone.unwrap_or_else(|_| nets.iter().map(|net| net.failed(&place, too_late())).collect())
            }
        });
        let judged: Vec<Judged> = all.buffered(PARALLEL).collect::<Vec<_>>().await.into_iter().flatten().collect();
        if !which.dry_run {
            others.settle(judged.iter().flat_map(|judged| &judged.inherited));
        }
        done.extend(judged.into_iter().map(|judged| judged.undone));
        done
    }

    fn others(&self) -> Others {
        match self.shelf.folder.as_ref().filter(|_| !self.inner.replays()) {
            Some(folder) => Others::read(folder, self.file().as_deref()),
            None => Others::none(),
        }
    }

    /// What another session set to stay meanwhile, which it closed in our file: that is not ours to put back any more.
    fn kept_by_others(&self, which: &Which) -> Vec<Undone> {
        let mut kept = Vec::new();
        for (entry, names) in self.closed_by_others() {
            let names: Vec<String> = names.into_iter().filter(|name| which.wants(&entry) && which.wants_name(name)).collect();
            let undone = |setting: &super::Setting| Undone {
                place: entry.place.clone(),
                name: setting.name.clone(),
                from: None,
                to: setting.old.clone(),
                how: How::Kept,
            };
            let closed = self.close(entry.id, &names);
            let settings = entry.settings.iter().filter(|setting| closed.is_ok() && names.contains(&setting.name));
            let fresh = settings.map(undone).filter(|one| !kept.iter().any(|told: &Undone| told.is_of(one)));
            let fresh: Vec<Undone> = fresh.collect();
            kept.extend(fresh);
        }
        kept
    }

    async fn undo_place(&self, place: &Place, nets: &[Net], others: &Others, dry: bool) -> Vec<Judged> {
        let now = match self.now(place, nets).await {
            Ok(Some(now)) => now,
            Ok(None) => {
                let restarted = nets.iter().map(|net| net.restarted(place)).collect();
                return if dry { restarted } else { self.closed(restarted) };
            }
            Err(error) => return nets.iter().map(|net| net.failed(place, error.clone())).collect(),
        };
        let all_ended = self.recorded.is_some();
        let judged: Vec<Judged> = nets.iter().map(|net| others.judge(net, place, &now, all_ended)).collect();
        if dry {
            return judged;
        }
        let wanted: Vec<(String, Option<String>)> = judged.iter().filter_map(Judged::wanted).collect();
        let outcome = if wanted.is_empty() { Ok(()) } else { self.set(place, &now, &wanted).await };
        self.closed(judged.into_iter().map(|judged| judged.finished(&outcome)).collect())
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
    fn closed(&self, done: Vec<Judged>) -> Vec<Judged> {
        let close = |mut judged: Judged| {
            let names = std::slice::from_ref(&judged.undone.name);
            if let Err(error) = judged.ids.iter().try_for_each(|id| self.close(*id, names)) {
                judged.undone.how = How::Failed(error);
            }
            judged
        };
        done.into_iter().map(close).collect()
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
            let step = Step { id: entry.id, at: entry.at, old: setting.old.clone(), new: setting.new.clone() };
            match nets.iter_mut().find(|net| net.name == setting.name) {
                Some(net) => {
                    net.steps.push(step);
                    net.last = entry.clone();
                }
                None => nets.push(Net { name: setting.name.clone(), steps: vec![step], last: entry.clone() }),
            }
        }
    }
    for (place, nets) in &mut found {
        nets.retain(|net| !is_covered(net, place, open));
    }
    found.retain(|(_, nets)| !nets.is_empty());
    found
}

/// Whether this session set it once more, and that is not to be undone yet: both are, then.
fn is_covered(net: &Net, place: &Place, open: &[Entry]) -> bool {
    let later = open.iter().filter(|entry| entry.id > net.last.id && entry.place.is(place));
    later.flat_map(|entry| &entry.settings).any(|setting| setting.name == net.name)
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

/// The address in what a live backend says of itself: `context NAME (SERVER)`.
fn server(source: &str) -> Option<&str> {
    source.rsplit_once(" (")?.1.strip_suffix(')')
}
