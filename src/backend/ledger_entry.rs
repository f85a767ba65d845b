//! What the ledger keeps of a tune: where, what was set before, and which process it was.

use super::tune::Place;
use crate::error::Error;
use crate::record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Start times of a process are told in whole seconds, by a proxy that answers a moment later.
const VAGUE: i64 = 3;

/// One question that set levels, as it is to be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the session.
    pub id: u64,
    /// When it was put.
    pub at: Timestamp,
    /// Where.
    pub place: Place,
    /// The process there.
    pub process: Process,
    /// What it set.
    pub settings: Vec<Setting>,
}

/// One level that was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The logger, or istiod's scope.
    pub name: String,
    /// What it was before; nothing where a ztunnel had no level of its own for it.
    #[serde(default)]
    pub old: Option<String>,
    /// What it was set to.
    pub new: String,
}

impl Entry {
    /// What it set, a line each: `shop/web: rbac warning → debug`.
    pub fn told(&self) -> Vec<String> {
        let old = |setting: &Setting| setting.old.clone().unwrap_or_else(|| "the level of all".into());
        let told = |setting: &Setting| format!("{}: {} {} → {}", self.place, setting.name, old(setting), setting.new);
        self.settings.iter().map(told).collect()
    }
}

/// What tells a process from the one that takes its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// The pod's `uid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The container's `containerID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// When the process began at the earliest, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
}

impl Process {
    /// Whether this process, as it was at that time, can still be the one that is there later. It is another one only when it
    /// surely is: a slow answer, or a word that is missing, proves nothing.
    pub fn can_be(&self, at: Timestamp, later: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let known = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        // Then it is the same; the clocks of two machines, or of one that slept, prove nothing against that.
        if known(&self.uid, &later.uid) && known(&self.container, &later.container) {
            return true;
        }
        let began_since = later.started.is_some_and(|began| began > at);
        let differs = match (self.started, later.started) {
            (Some(one), Some(other)) => (one.as_second() - other.as_second()).abs() > VAGUE,
            _ => false,
        };
        same(&self.uid, &later.uid) && same(&self.container, &later.container) && !(began_since && differs)
    }
}

/// What became of a level that was to be put back.
#[derive(Debug, Clone, PartialEq)]
pub struct Undone {
    /// Where.
    pub place: Place,
    /// The logger or scope.
    pub name: String,
    /// What it was before it was put back, if that is known.
    pub from: Option<String>,
    /// What it was put back to; nothing where a ztunnel has no level of its own for it.
    pub to: Option<String>,
    /// How it went.
    pub how: How,
}

/// How putting back went.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// It is what it was before.
    PutBack,
    /// It is what it was before already.
    Already,
    /// The pod is gone, or its process began anew: what was set is gone with it.
    Restarted,
    /// It was set to something else meanwhile, and not by this session: left alone.
    Left,
    /// Another session set it, and will put it back when it ends.
    HandedOver,
    /// A session that ended set it after this one, and left that: both are to be undone, the later one first.
    HandedDown,
    /// Another session set it to stay, after this one.
    Kept,
    /// It could not be put back.
    Failed(Error),
}

impl Undone {
    /// Whether it is of the same level.
    pub fn is_of(&self, other: &Self) -> bool {
        self.place.is(&other.place) && self.name == other.name
    }

    /// Whether nothing remains to be done by anybody.
    pub fn is_settled(&self) -> bool {
        !matches!(self.how, How::Failed(_))
    }

    /// Whether it is now at a level that nobody leaves a proxy at: it was so before, perhaps by a session elsewhere that ended first.
    pub fn is_loud(&self) -> bool {
        matches!(self.how, How::PutBack | How::Already) && matches!(self.to.as_deref(), Some("debug" | "trace"))
    }

    fn still_loud(&self) -> String {
        if !self.is_loud() {
            return String::new();
        }
        let quiet = if self.place.is_istiod() || self.place.pod.starts_with("ztunnel") { "info" } else { "warning" };
        let by_hand = self.place.by_hand(&self.name, Some(quiet));
        format!(
            ": so it was before this session; if nobody needs that any more, `pilotage run log-levels` finds it; by hand: {by_hand}"
        )
    }

    /// In a sentence.
    pub fn told(&self) -> String {
        let Self { place, name, .. } = self;
        let level = |level: &Option<String>| level.clone().unwrap_or_else(|| "the level of all".into());
        let (from, to) = (level(&self.from), level(&self.to));
        match &self.how {
            How::PutBack => format!("{name} of {place} is {to} again, no longer {from}{}", self.still_loud()),
            How::Already => format!("{name} of {place} is {to} already{}", self.still_loud()),
            How::Restarted => format!("{place} is gone, or was restarted since: its {name} needs no putting back"),
            How::Left => format!(
                "{name} of {place} is {from} now, which this session did not set: left as it is; before this session it was {to}; {} shows it; by hand: {}",
                if place.is_istiod() { "`scopes()`".to_owned() } else { format!("`log_levels(\"{place}\")`") },
                place.by_hand(name, self.to.as_deref())
            ),
            How::HandedOver => format!(
                "{name} of {place} is {from}, as another session that still runs wants it: that one puts it back to {to} when it ends"
            ),
            How::HandedDown => format!(
                "{name} of {place} is {from}: another session set it after this one, and ended without putting it back; `pilotage undo` brings it back to {to}"
            ),
            How::Kept => format!("{name} of {place} was set to stay by another session since: left as that one wants it"),
            How::Failed(error) => {
                let by_hand = place.by_hand(name, self.to.as_deref());
                format!("{name} of {place} is still {from}, not {to}: {error}; `pilotage undo` tries again; by hand: {by_hand}")
            }
        }
    }
}

record! {
    /// A level that is to be put back, and what became of it.
    pub struct UndoRow as "undo" {
        /// The pod's namespace.
        pub namespace: String,
        /// The pod.
        pub pod: String,
        /// The logger, or istiod's scope.
        pub logger: String,
        /// What it was before it was put back; unknown where that could not be asked.
        pub level: Option<String>,
        /// What it is put back to; nothing where a ztunnel has no level of its own for it.
        pub old: Option<String>,
        /// `put_back`, `already`, `restarted` (nothing to undo), `left` (somebody else set it meanwhile), `handed_over` (to a session that still runs, or to the undo of a later one), `kept` (another session set it to stay), `failed`.
        pub outcome: String,
        /// The same in a sentence; of failures with the command to do it by hand.
        [wide] pub told: String,
    }
}

impl From<&Undone> for UndoRow {
    fn from(undone: &Undone) -> Self {
        let outcome = match undone.how {
            How::PutBack => "put_back",
            How::Already => "already",
            How::Restarted => "restarted",
            How::Left => "left",
            How::HandedOver | How::HandedDown => "handed_over",
            How::Kept => "kept",
            How::Failed(_) => "failed",
        };
        Self {
            namespace: undone.place.namespace.clone(),
            pod: undone.place.pod.clone(),
            logger: undone.name.clone(),
            level: undone.from.clone(),
            old: undone.to.clone(),
            outcome: outcome.into(),
            told: undone.told(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;

    fn process(uid: &str, container: Option<&str>, started: Option<&str>) -> Process {
        Process { uid: Some(uid.into()), container: container.map(str::to_owned), started: started.map(at) }
    }

    #[test]
    fn a_process_that_began_anew_is_another() {
        let old = process("a", Some("c"), Some("2026-11-22T10:00:00Z"));
        let can_be = |later: &Process| old.can_be(at("2026-11-22T10:05:00Z"), later);
        assert!(can_be(&process("a", Some("c"), Some("2026-11-22T10:00:02Z"))), "told in whole seconds");
        assert!(can_be(&process("a", Some("c"), Some("2026-11-22T10:00:40Z"))), "a slow answer");
        assert!(can_be(&Process::default()), "nothing is known against it");
        assert!(!can_be(&process("b", Some("c"), None)), "another pod of that name");
        assert!(!can_be(&process("a", Some("d"), None)), "another container");
        assert!(!can_be(&process("a", None, Some("2026-11-22T10:05:09Z"))), "began later");
        assert!(can_be(&process("a", Some("c"), Some("2026-11-22T10:05:09Z"))), "a clock that drifts");
    }
}
