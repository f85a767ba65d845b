//! Who set a level in which order: all open settings of it, of this session and of others, the newest first, and how far back
//! they can be undone.

use super::ledger_entry::{Entry, How, Undone};
use super::ledger_file::{self, Contents, Leftover};
use super::ledger_state::State;
use super::tune::Place;
use crate::error::{Error, Result};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// A level that this session set: all of its settings that are to be undone.
#[derive(Debug, Clone)]
pub(super) struct Net {
    pub(super) name: String,
    /// Oldest first.
    pub(super) steps: Vec<Step>,
    /// The newest entry of them.
    pub(super) last: Entry,
}

/// One setting of one level.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) id: u64,
    pub(super) at: Timestamp,
    pub(super) old: Option<String>,
    pub(super) new: String,
}

/// What sessions other than this one hold open.
pub(super) struct Others {
    living: Vec<Contents>,
    ended: Vec<Leftover>,
}

/// A name of an entry of a session that ended, settled together with ours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inherited {
    file: PathBuf,
    id: u64,
    name: String,
}

/// What is to be done about one level, or was.
pub(super) struct Judged {
    pub(super) undone: Undone,
    /// Our entries that are settled by it.
    pub(super) ids: Vec<u64>,
    /// Those of others.
    pub(super) inherited: Vec<Inherited>,
}

/// Whose a setting is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whose<'a> {
    Own,
    Living,
    Ended(&'a Path),
}

/// A setting among all of that level.
struct Link<'a> {
    whose: Whose<'a>,
    id: u64,
    at: Timestamp,
    old: Option<&'a str>,
    new: &'a str,
}

/// Why a walk back ended before all that is ours was undone.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stop {
    /// What is set is not what the next one set.
    Broken,
    /// A session that lives set it after the next one of ours.
    Living,
    /// So did one that ended.
    Ended,
}

impl Net {
    /// What it was before the first.
    pub(super) fn old(&self) -> Option<&str> {
        self.steps.first().and_then(|step| step.old.as_deref())
    }

    /// What the last made it.
    pub(super) fn level(&self) -> &str {
        self.steps.last().map_or("", |step| &step.new)
    }

    fn ids(&self) -> Vec<u64> {
        self.steps.iter().map(|step| step.id).collect()
    }

    fn undone(&self, place: &Place, from: Option<&str>, to: Option<&str>, how: How) -> Undone {
        let text = |level: Option<&str>| level.map(str::to_owned);
        Undone { place: place.clone(), name: self.name.clone(), from: text(from), to: text(to), how }
    }

    /// The process is another one: nothing is to be undone.
    pub(super) fn restarted(&self, place: &Place) -> Judged {
        let undone = self.undone(place, None, self.old(), How::Restarted);
        Judged { undone, ids: self.ids(), inherited: Vec::new() }
    }

    /// It could not be put back.
    pub(super) fn failed(&self, place: &Place, error: Error) -> Judged {
        let undone = self.undone(place, Some(self.level()), self.old(), How::Failed(error));
        Judged { undone, ids: Vec::new(), inherited: Vec::new() }
    }
}

impl Judged {
    /// What must be set; nothing when that would change nothing.
    pub(super) fn wanted(&self) -> Option<(String, Option<String>)> {
        (self.undone.how == How::PutBack).then(|| (self.undone.name.clone(), self.undone.to.clone()))
    }

    /// How it went.
    pub(super) fn finished(mut self, outcome: &Result<()>) -> Self {
        if self.undone.how == How::PutBack
            && let Err(error) = outcome
        {
            self.undone.how = How::Failed(error.clone());
            self.ids.clear();
            self.inherited.clear();
        }
        self
    }
}

impl Others {
    pub(super) fn none() -> Self {
        Self { living: Vec::new(), ended: Vec::new() }
    }

    /// What the files in this folder tell, our own left out.
    pub(super) fn read(folder: &Path, own: Option<&Path>) -> Self {
        Self { living: ledger_file::living(folder, own), ended: ledger_file::leftovers(folder) }
    }

    /// What is still ours to put back, and to what? Where only ended sessions are undone, all of theirs is (`all_ended`).
    pub(super) fn judge(&self, net: &Net, place: &Place, now: &State, all_ended: bool) -> Judged {
        let level = now.get(&net.name);
        let (mut to, mut ids, mut inherited, mut stop) = (level, Vec::new(), Vec::new(), None);
        for link in self.links(net, place) {
            let done = ids.len() == net.steps.len();
            let (above, idle) = (!all_ended && ids.is_empty(), link.old == Some(link.new));
            match link.whose {
                // What is below all of ours is another's to undo, unless that one ended, and ours stood on it.
                Whose::Living if done => break,
                Whose::Ended(_) if done && Some(link.new) != to => break,
                Whose::Living => stop = Some(Stop::Living),
                // It made no difference, or was put back by somebody.
                Whose::Ended(_) if above && level == Some(net.level()) && !(idle && link.old == to) => continue,
                Whose::Ended(_) if above && !idle => stop = Some(Stop::Ended),
                _ if Some(link.new) == to => to = link.old,
                // It did not take effect, or was put back already.
                _ if link.old == to => {}
                _ => stop = Some(Stop::Broken),
            }
            if stop.is_some() {
                break;
            }
            match link.whose {
                Whose::Ended(file) => inherited.push(Inherited { file: file.to_owned(), id: link.id, name: net.name.clone() }),
                _ => ids.push(link.id),
            }
        }
        let how = match stop {
            Some(Stop::Living) if ids.is_empty() => How::HandedOver,
            Some(Stop::Ended) => How::HandedDown,
            Some(Stop::Broken) if to == level && ids.is_empty() && level != net.old() => How::Left,
            _ if to == level => How::Already,
            _ => How::PutBack,
        };
        if stop == Some(Stop::Broken) {
            // Who set it otherwise meanwhile did so on top of the rest.
            ids = net.ids();
        }
        let to = if matches!(how, How::PutBack | How::Already) { to } else { net.old() };
        Judged { undone: net.undone(place, level, to, how), ids, inherited }
    }

    /// All settings of this level, the newest first.
    fn links<'a>(&'a self, net: &'a Net, place: &Place) -> Vec<Link<'a>> {
        let mut latest = Timestamp::MIN;
        let own = net.steps.iter().map(|step| {
            // The order of a session's own is known, whatever the clock did.
            latest = latest.max(step.at);
            Link { whose: Whose::Own, id: step.id, at: latest, old: step.old.as_deref(), new: &step.new }
        });
        let of = |whose: Whose<'a>, entries: &'a [Entry]| {
            let same = entries.iter().filter(|entry| same_process(entry, &net.last, place));
            let named = same.filter_map(|entry| Some((entry, entry.settings.iter().find(|one| one.name == net.name)?)));
            let link = |(entry, setting): (&'a Entry, &'a super::Setting)| Link {
                whose,
                id: entry.id,
                at: entry.at,
                old: setting.old.as_deref(),
                new: &setting.new,
            };
            named.map(link).collect::<Vec<_>>()
        };
        let mut links: Vec<Link<'a>> = own.collect();
        links.extend(self.living.iter().flat_map(|contents| of(Whose::Living, &contents.open)));
        links.extend(self.ended.iter().flat_map(|left| of(Whose::Ended(left.book.path()), &left.contents.open)));
        links.sort_by_key(|link| link.at);
        links.reverse();
        links
    }

    /// What was settled with ours is closed in the files it stands in.
    pub(super) fn settle<'a>(&mut self, inherited: impl Iterator<Item = &'a Inherited>) {
        for one in inherited {
            let Some(left) = self.ended.iter_mut().find(|left| left.book.path() == one.file) else { continue };
            // A line that cannot be written leaves work for `pilotage undo`, which will find the level put back.
            let _ = left.book.closed(one.id, std::slice::from_ref(&one.name));
            ledger_file::close(&mut left.contents.open, one.id, std::slice::from_ref(&one.name));
        }
        let done = |left: &Leftover| left.contents.open.is_empty();
        let (done, _): (Vec<_>, Vec<_>) = std::mem::take(&mut self.ended).into_iter().partition(done);
        done.into_iter().for_each(|left| left.book.remove());
    }
}

/// Whether an entry of another session is of the same process as this one, at that place.
pub(super) fn same_process(entry: &Entry, ours: &Entry, place: &Place) -> bool {
    let Place { namespace, pod, port, .. } = place;
    let here = (&entry.place.namespace, &entry.place.pod, entry.place.port) == (namespace, pod, *port);
    let cluster = entry.place.cluster == place.cluster || entry.process.uid.is_some() && entry.process.uid == ours.process.uid;
    let (first, second) = if entry.at <= ours.at { (entry, ours) } else { (ours, entry) };
    here && cluster && first.process.can_be(first.at, &second.process)
}
