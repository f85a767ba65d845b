//! The resources of a dump as places in its text: what they are called, and where they stand. Nothing else is read of them.

use super::dump::{Dump, List, Section, member};
use super::update::Failure;
use super::wire::{Flaws, Raw, Text, read};
use crate::json::{At, Doc, Node, each};
use std::sync::Arc;

/// A resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Resource {
    /// Envoy's name for it; nothing when it has none.
    pub name: String,
    /// What Envoy does with it: `active`, `warming`, …
    pub state: &'static str,
    /// Whether it came with the bootstrap, not from istiod.
    pub fixed: bool,
    /// Where it starts, and how long it is; nothing when only a rejected update is told.
    pub body: Option<(usize, usize)>,
    /// Why Envoy rejected its last update.
    pub error: Option<String>,
    pub version: Option<String>,
    pub last_updated: Option<String>,
}

wire! {
    /// A resource with what Envoy says about it. Where it stands depends on what it is.
    struct Entry<'de> {
        name: Text<'de>,
        version_info: Option<Text<'de>>,
        last_updated: Option<Text<'de>>,
        error_state: Option<Failure<'de>>,
        cluster: Raw<'de>,
        listener: Raw<'de>,
        route_config: Raw<'de>,
        endpoint_config: Raw<'de>,
        secret: Raw<'de>,
        ecds_filter: Raw<'de>,
        active_state: Option<State<'de>>,
        warming_state: Option<State<'de>>,
    }
}

wire! {
    /// A listener in one of its states.
    struct State<'de> {
        version_info: Option<Text<'de>>,
        last_updated: Option<Text<'de>>,
        listener: Raw<'de>,
    }
}

/// The resources of a section. What is draining is on its way out, and left out.
pub(super) fn resources(dump: &Dump, section: Section) -> Vec<Resource> {
    let mut all: Vec<Resource> = Vec::new();
    for list in dump.lists(section).into_iter().filter(|list| list.state != "draining") {
        match section {
            Section::Bootstrap => all.extend(bootstrap(dump.doc(), &list.node)),
            _ => all.extend(of_list(dump.doc(), list, section).into_iter().flatten()),
        }
    }
    errors_to_their_resources(all)
}

/// The text of a resource.
pub(super) fn text(doc: &Doc, (start, length): (usize, usize)) -> &[u8] {
    doc.text().get(start..start + length).unwrap_or_default()
}

fn bootstrap(doc: &Doc, node: &Node) -> Option<Resource> {
    let body = place(doc, node.text())?;
    Some(Resource { name: "bootstrap".into(), state: "static", fixed: true, body: Some(body), ..Resource::default() })
}

fn of_list(doc: &Arc<Doc>, list: &List, section: Section) -> Vec<Vec<Resource>> {
    each(&list.node, |entry| {
        let flaws = Flaws::default();
        // Bare resources are nothing but themselves; hosts are told by cluster.
        if list.bare || section == Section::Hosts {
            let (raw, size) = read::<Raw<'_>>(entry.rest(), &flaws);
            let bare = Entry { cluster: raw, ..Entry::default() };
            return (of_entry(doc, &bare, list.state), size);
        }
        let (told, size) = read::<Entry<'_>>(entry.rest(), &flaws);
        (of_entry(doc, &told, list.state), size)
    })
}

fn of_entry(doc: &Arc<Doc>, entry: &Entry<'_>, state: &'static str) -> Vec<Resource> {
    let bodies = [entry.cluster, entry.listener, entry.route_config, entry.endpoint_config, entry.secret, entry.ecds_filter];
    let body = bodies.into_iter().find(|raw| raw.is_some()).unwrap_or_default();
    let all = |text: &Option<Text<'_>>| text.as_ref().map(ToString::to_string);
    let make = |raw: Raw<'_>, state, version, updated| {
        let body = place(doc, raw.json());
        let name = body.and_then(|(start, _)| name(doc, start)).unwrap_or_else(|| entry.name.to_string());
        let error = entry.error_state.as_ref().map(|error| error.details.to_string());
        Resource { name, state, fixed: state == "static", body, error, version: all(version), last_updated: all(updated) }
    };
    let states = [(&entry.active_state, "active"), (&entry.warming_state, "warming")];
    let mut found: Vec<Resource> = states
        .into_iter()
        .filter_map(|(told, state)| told.as_ref().map(|told| (told, state)))
        .map(|(told, state)| make(told.listener, state, &told.version_info, &told.last_updated))
        .collect();
    if body.is_some() || (found.is_empty() && entry.error_state.is_some()) {
        found.push(make(body, state, &entry.version_info, &entry.last_updated));
    }
    if let (Some(error), [nameless]) = (&entry.error_state, found.as_mut_slice())
        && nameless.body.is_none()
        && nameless.name.is_empty()
    {
        let failed = place(doc, error.failed_configuration.json());
        nameless.name = failed.and_then(|(start, _)| name(doc, start)).unwrap_or_default();
    }
    // What is warming beside an active one is another thing.
    if let [_, warming] = found.as_mut_slice() {
        warming.name.push_str(" (warming)");
    }
    found
}

/// Envoy tells of a rejected update beside the resource that it goes on with, or as an entry of its own, or both.
fn errors_to_their_resources(all: Vec<Resource>) -> Vec<Resource> {
    let (errors, mut all): (Vec<_>, Vec<_>) = all.into_iter().partition(|resource| resource.body.is_none());
    for rejected in errors {
        match all.iter_mut().find(|resource| resource.name == rejected.name) {
            Some(resource) => resource.error = resource.error.take().or(rejected.error),
            None => all.push(rejected),
        }
    }
    all
}

fn name(doc: &Arc<Doc>, start: usize) -> Option<String> {
    let node = At::new(start).node(doc)?;
    let found = node.get("name").or_else(|| member(&node, "cluster_name"))?;
    Some(found.as_str()?.into_owned())
}

/// Where a part of the document's text stands in it.
fn place(doc: &Doc, text: &str) -> Option<(usize, usize)> {
    let start = (text.as_ptr() as usize).checked_sub(doc.text().as_ptr() as usize)?;
    (!text.is_empty() && start < doc.text().len()).then_some((start, text.len()))
}
