//! What differs between the configurations of two proxies, of one at two moments, or between what a proxy holds and what
//! istiod would send it: by resource and field.

use super::diff_pairs::{Pair, pairs};
use super::diff_resources::{Resource, resources, text};
use super::diff_rules::{Identity, rules};
use super::dump::{Dump, Section};
use crate::error::{Error, Kind, Result};
use crate::json::{At, Delta, Doc, Node, Rules, differences, on_all_cores};
use crate::record;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

record! {
    /// Something that differs.
    pub struct Difference as "difference" {
        /// What part of a configuration: `bootstrap`, `clusters`, `endpoints`, `listeners`, `routes`, `secrets`, `ecds`, `hosts`;
        /// nothing when plain values were compared.
        pub section: Option<&'static str>,
        /// Envoy's name of the resource.
        pub resource: Option<Arc<str>>,
        /// `added` (only the right has it), `removed` (only the left) or `changed`.
        pub change: &'static str,
        /// Where in the resource, as JSONPath: in the left one, of what was added in the right one. `$` is all of it. What Envoy says
        /// about a resource is told by the name of its column: `state`, `error_state`, `version`, `last_updated`.
        pub path: String,
        /// What the left has there. Of a list whose order means something and is all that differs: the names in their order.
        pub left: Told,
        /// What the right has there.
        pub right: Told,
    }
}

/// One side of a difference.
#[derive(Debug, Clone)]
pub enum Told {
    /// It has none.
    Nothing,
    /// A value.
    Value(Value),
    /// A whole resource, read when it is asked for.
    Whole(Node),
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Value(a), Self::Value(b)) => a == b,
            (Self::Whole(a), Self::Whole(b)) => a.text() == b.text(),
            _ => false,
        }
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => to.serialize_none(),
            Self::Value(value) => value.serialize(to),
            Self::Whole(node) => node.to_value().map_err(serde::ser::Error::custom)?.serialize(to),
        }
    }
}

impl From<Option<Value>> for Told {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::Nothing, Self::Value)
    }
}

/// What counts as a difference.
#[derive(Debug, Clone, Copy, Default)]
pub struct Care {
    /// Versions, times, and order where it has no meaning.
    pub noise: bool,
    /// Names, addresses and certificates of the proxies themselves, when they are two.
    pub own: bool,
}

/// What was found out.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The differences, by section, then by resource in the order of the left.
    pub rows: Vec<Difference>,
    /// The sections that both sides tell of.
    pub compared: Vec<&'static str>,
    /// The sections that one side alone tells of.
    pub left_out: Vec<&'static str>,
}

impl Difference {
    /// Read what is wanted of the documents, and let go of them.
    pub fn let_go(&mut self) {
        for side in [&mut self.left, &mut self.right] {
            if let Told::Whole(node) = side {
                *side = node.to_value().map_or(Told::Nothing, Told::Value);
            }
        }
    }
}

/// The names of the sections, in the order of their rows.
pub fn sections() -> impl Iterator<Item = &'static str> {
    ORDER.iter().map(|(_, name)| *name)
}

/// The sections in the order of their rows, with their names.
const ORDER: [(Section, &str); 8] = [
    (Section::Bootstrap, "bootstrap"),
    (Section::Clusters, "clusters"),
    (Section::Endpoints, "endpoints"),
    (Section::Listeners, "listeners"),
    (Section::Routes, "routes"),
    (Section::Secrets, "secrets"),
    (Section::Ecds, "ecds"),
    (Section::Hosts, "hosts"),
];

/// Compare two dumps. Of both, only what differs in its text is read as values, one resource at a time on each core.
///
/// Resources are matched by section and name. What istiod sends holds neither the bootstrap nor what came with it, and of the
/// secrets only some: what it lacks of these is no difference. Static route configurations stand in their listeners, and are
/// compared there.
///
/// # Errors
/// When the two have no section in common, or one is damaged.
pub fn diff(left: &Dump, right: &Dump, care: Care) -> Result<Comparison> {
    let mut done = Comparison::default();
    let identity = Identity::of(left, right, care);
    let (sent, has) = ([left.is_sent(), right.is_sent()], [left.sections(), right.sections()]);
    for (section, name) in ORDER {
        let told = [0, 1].map(|side| has[side].contains(&section) && tells(section, [left, right][side], sent[side]));
        match told {
            [true, true] => {
                [left, right].into_iter().try_for_each(|dump| dump.expect(&[section]))?;
                let [ours, theirs] = [left, right].map(|dump| kept(dump, section, sent, care));
                let mut pairs = pairs(&ours, &theirs, &identity);
                // Of certificates that the agent gives istiod knows nothing.
                let agents = |(ours, theirs): &Pair<'_>| (sent[0] && ours.is_none()) || (sent[1] && theirs.is_none());
                pairs.retain(|pair| section != Section::Secrets || !agents(pair));
                done.compared.push(name);
                done.rows
                    .extend(compare(&Task { docs: [left.doc(), right.doc()], section, name, care, identity: &identity }, &pairs));
            }
            [false, false] => {}
            _ => done.left_out.push(name),
        }
    }
    if done.compared.is_empty() {
        let error = Error::new(Kind::BadInput, "the two have no section in common: there is nothing to compare");
        return Err(error.hint("compare whole dumps, or the same part of both"));
    }
    Ok(done)
}

/// What istiod says nothing of, it says nothing about.
fn tells(section: Section, dump: &Dump, is_sent: bool) -> bool {
    !is_sent || dump.has(section)
}

fn kept(dump: &Dump, section: Section, sent: [bool; 2], care: Care) -> Vec<Resource> {
    let mut all = resources(dump, section);
    let elsewhere = section == Section::Routes && dump.has(Section::Listeners);
    all.retain(|resource| !resource.fixed || !(elsewhere || sent.contains(&true)));
    if section == Section::Endpoints && !care.noise {
        // What passes through a proxy leaves its address there: that is traffic, not configuration.
        all.retain(|resource| !resource.name.starts_with("inbound|") && !resource.name.ends_with("PassthroughCluster"));
    }
    all
}

/// What the resources of a section are compared by.
struct Task<'t> {
    docs: [&'t Arc<Doc>; 2],
    section: Section,
    name: &'static str,
    care: Care,
    identity: &'t Identity,
}

fn compare(task: &Task<'_>, pairs: &[Pair<'_>]) -> Vec<Difference> {
    // Many of a size, so that no core waits for another's big one.
    const PART: usize = 16;
    on_all_cores(pairs.len().div_ceil(PART), |part| {
        let mine = pairs.iter().skip(part * PART).take(PART);
        mine.flat_map(|pair| task.pair(*pair)).collect()
    })
}

impl Task<'_> {
    fn pair(&self, (left, right): Pair<'_>) -> Vec<Difference> {
        let Some(one) = left.or(right) else { return Vec::new() };
        let name: Arc<str> = one.name.as_str().into();
        let row = |path: &str, left: Told, right: Told| {
            let change = match (&left, &right) {
                (Told::Nothing, _) => "added",
                (_, Told::Nothing) => "removed",
                _ => "changed",
            };
            Difference { section: Some(self.name), resource: Some(name.clone()), change, path: path.into(), left, right }
        };
        let body = |side: Option<&Resource>| side.and_then(|resource| resource.body);
        let mut rows: Vec<Difference> = match (body(left), body(right)) {
            (Some(a), Some(b)) => self.fields(a, b, one).into_iter().map(|(path, a, b)| row(&path, a, b)).collect(),
            (None, None) => Vec::new(),
            (a, b) => vec![row("$", self.whole(0, a), self.whole(1, b))],
        };
        for (path, tell) in ABOUT {
            let [a, b] = [left, right].map(|side| side.and_then(|resource| tell(resource, self.care)));
            let both = left.is_some() && right.is_some();
            if a != b && (both || path == "error_state") {
                rows.push(row(path, a.map(Value::from).into(), b.map(Value::from).into()));
            }
        }
        rows
    }

    fn fields(&self, left: (usize, usize), right: (usize, usize), one: &Resource) -> Vec<(String, Told, Told)> {
        if text(self.docs[0], left) == text(self.docs[1], right) {
            return Vec::new();
        }
        let value = |side: usize, body: (usize, usize)| serde_json::from_slice::<Value>(text(self.docs[side], body));
        let (Ok(a), Ok(b)) = (value(0, left), value(1, right)) else {
            // Nested too deep to be read as values.
            return vec![("$".into(), self.whole(0, Some(left)), self.whole(1, Some(right)))];
        };
        let rules = rules(self.section, &one.name, self.care, self.identity);
        differences(&a, &b, &rules).into_iter().map(|delta| (delta.path, delta.left.into(), delta.right.into())).collect()
    }

    fn whole(&self, side: usize, body: Option<(usize, usize)>) -> Told {
        body.and_then(|(start, _)| At::new(start).node(self.docs[side])).map_or(Told::Nothing, Told::Whole)
    }
}

/// Tells something that Envoy says about a resource, if it is cared for.
type About = fn(&Resource, Care) -> Option<String>;

/// What Envoy says about resources, by the name of the column that shows it.
const ABOUT: [(&str, About); 4] = [
    ("state", |resource, _| Some(resource.state.replace("dynamic", "active")).filter(|state| !state.is_empty())),
    ("error_state", |resource, _| resource.error.clone()),
    ("version", |resource, care| resource.version.clone().filter(|_| care.noise)),
    ("last_updated", |resource, care| resource.last_updated.clone().filter(|_| care.noise)),
];

/// Compare plain values, to the letter.
pub fn diff_values(left: &Value, right: &Value) -> Vec<Difference> {
    values(left, right, &Rules::default())
}

/// Compare answers of a proxy that are no dumps: versions, times and uptimes are noise in them, too.
pub fn diff_answers(left: &Value, right: &Value, care: Care) -> Vec<Difference> {
    values(left, right, &rules(Section::Bootstrap, "", care, &Identity::default()))
}

fn values(left: &Value, right: &Value, rules: &Rules) -> Vec<Difference> {
    let row = |delta: Delta| {
        let change = match (&delta.left, &delta.right) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        Difference { section: None, resource: None, change, path: delta.path, left: delta.left.into(), right: delta.right.into() }
    };
    differences(left, right, rules).into_iter().map(row).collect()
}
