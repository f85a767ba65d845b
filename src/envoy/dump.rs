//! The sections of a config dump, wherever they come from: Envoy's `/config_dump` whole, masked or by resource; istiod's
//! `/debug/config_dump`; what `istioctl proxy-config … -o json` kept.

use super::foreign::no_dump;
use super::wire::last_word;
use crate::error::{Error, Kind, Result};
use crate::json::{Doc, Node, Type, camel};
use std::fmt;
use std::sync::Arc;

/// What a part of a dump is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// What the proxy was started with.
    Bootstrap,
    /// Upstream clusters.
    Clusters,
    /// Endpoints as istiod sends them.
    Endpoints,
    /// Listeners.
    Listeners,
    /// Route configurations.
    Routes,
    /// Certificates, keys and validation contexts.
    Secrets,
    /// Extension configurations (ECDS).
    Ecds,
    /// Not a dump at all: the answer of `/clusters?format=json`, with the state of each host.
    Hosts,
}

/// Lists of resources: name, and the state of what stands in it.
type Lists = &'static [(&'static str, &'static str)];

/// The sections, with the name their type has before `ConfigDump`, and the lists that hold their resources, with the state of
/// what stands in them. A list whose entries say their state themselves has none.
const SECTIONS: [(Section, &str, Lists); 8] = [
    (Section::Bootstrap, "Bootstrap", &[("bootstrap", "static")]),
    (
        Section::Clusters,
        "Clusters",
        &[("dynamic_active_clusters", "active"), ("dynamic_warming_clusters", "warming"), ("static_clusters", "static")],
    ),
    (Section::Endpoints, "Endpoints", &[("dynamic_endpoint_configs", "dynamic"), ("static_endpoint_configs", "static")]),
    (
        Section::Listeners,
        "Listeners",
        &[
            ("dynamic_listeners", ""),
            ("static_listeners", "static"),
            // Until 2019 the states were lists of their own.
            ("dynamic_active_listeners", "active"),
            ("dynamic_warming_listeners", "warming"),
            ("dynamic_draining_listeners", "draining"),
        ],
    ),
    (Section::Routes, "Routes", &[("dynamic_route_configs", "dynamic"), ("static_route_configs", "static")]),
    (
        Section::Secrets,
        "Secrets",
        &[("dynamic_warming_secrets", "warming"), ("dynamic_active_secrets", "active"), ("static_secrets", "static")],
    ),
    (Section::Ecds, "Ecds", &[("ecds_filters", "dynamic")]),
    (Section::Hosts, "", &[("cluster_statuses", "")]),
];

impl Section {
    /// The lists that hold its resources, in the order of their rows: name, and the state of what stands in it.
    fn lists(self) -> Lists {
        SECTIONS.iter().find(|(section, ..)| *section == self).map_or(&[], |(.., lists)| lists)
    }

    /// The mask that makes Envoy send this section only.
    pub fn mask(self) -> String {
        let modern = self.lists().iter().filter(|(name, _)| !is_old(name)).map(|(name, _)| *name);
        modern.collect::<Vec<_>>().join(",")
    }

    /// The section a type belongs to, and the rest of the type's name: `ClustersConfigDump.StaticCluster`.
    fn of_type(kind: &str) -> Option<(Self, &str)> {
        let name = kind.split("v2alpha.").nth(1).or_else(|| kind.split(".v3.").nth(1)).unwrap_or(last_word(kind));
        SECTIONS.iter().filter(|(_, word, _)| !word.is_empty()).find_map(|(section, word, _)| {
            let rest = name.strip_prefix(word)?.strip_prefix("ConfigDump")?;
            Some((*section, rest.trim_start_matches('.')))
        })
    }
}

fn is_old(list: &str) -> bool {
    list != "dynamic_listeners" && list.starts_with("dynamic_") && list.ends_with("_listeners")
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bootstrap => "a bootstrap",
            Self::Clusters => "clusters",
            Self::Endpoints => "endpoints",
            Self::Listeners => "listeners",
            Self::Routes => "routes",
            Self::Secrets => "secrets",
            Self::Ecds => "extension configurations",
            Self::Hosts => "the answer of /clusters?format=json",
        })
    }
}

/// Resources that stand together in a dump.
#[derive(Debug, Clone)]
pub(super) struct List {
    /// The array; of a section that is one object, that object.
    pub node: Node,
    /// What Envoy does with them; empty when each says so itself.
    pub state: &'static str,
    /// Whether the resources stand there without what Envoy says about them (version, time, error).
    pub bare: bool,
    /// The JSON path to it.
    pub path: String,
}

/// A config dump, its sections found.
#[derive(Debug, Clone)]
pub struct Dump {
    doc: Arc<Doc>,
    parts: Vec<(Section, List)>,
    /// The sections that are named, with or without anything in them.
    told: Vec<Section>,
}

impl Dump {
    /// Find the sections of a document.
    ///
    /// # Errors
    /// It is no dump; the error says what it looks like.
    pub fn open(doc: &Arc<Doc>) -> Result<Self> {
        Self::at(&doc.root())
    }

    /// The same of a part of a document, so that `dump.configs[1]` can be looked at alone.
    ///
    /// # Errors
    /// As [`Dump::open`].
    pub fn at(root: &Node) -> Result<Self> {
        let parts = parts(root).ok_or_else(|| no_dump(root))?;
        Ok(Self { doc: root.doc().clone(), parts, told: told(root) })
    }

    /// The document.
    pub fn doc(&self) -> &Arc<Doc> {
        &self.doc
    }

    /// Whether there is anything of a section.
    pub fn has(&self, section: Section) -> bool {
        self.parts.iter().any(|(found, _)| *found == section)
    }

    /// The sections that it tells of, also of those in which nothing stands.
    pub(super) fn sections(&self) -> Vec<Section> {
        let mut found = self.told.clone();
        for (section, _) in &self.parts {
            if !found.contains(section) {
                found.push(*section);
            }
        }
        found
    }

    /// Whether it is what istiod sends to a proxy, not what the proxy holds: istiod leaves the bootstrap empty.
    pub fn is_sent(&self) -> bool {
        self.told.contains(&Section::Bootstrap) && !self.has(Section::Bootstrap)
    }

    /// The lists of a section, in the order of their rows.
    pub(super) fn lists(&self, section: Section) -> Vec<&List> {
        let order = |list: &List| section.lists().iter().position(|(_, state)| *state == list.state);
        let mut lists: Vec<&List> = self.parts.iter().filter(|(found, _)| *found == section).map(|(_, list)| list).collect();
        lists.sort_by_key(|list| order(list));
        lists
    }

    /// That what is wanted is not here, but something else is: a file of listeners asked for its clusters.
    ///
    /// # Errors
    /// When none of the sections is there, in a document that is no whole dump; when one is no list.
    pub fn expect(&self, wanted: &[Section]) -> Result<()> {
        if let Some((_, list)) = self.parts.iter().find(|(section, list)| wanted.contains(section) && !fits(*section, list)) {
            let names = wanted.iter().flat_map(|section| section.lists()).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            let error =
                Error::new(Kind::BadAnswer, format!("the dump is damaged: one of {names} is {}", list.node.kind().word()));
            return Err(error.hint("take the dump again; was it edited?"));
        }
        let whole = self.doc.root().get("configs").is_some();
        if whole || wanted.iter().any(|section| self.has(*section)) {
            return Ok(());
        }
        let Some((found, _)) = self.parts.first() else { return Ok(()) };
        let wanted = wanted.first().map(ToString::to_string).unwrap_or_default();
        Err(Error::new(Kind::BadInput, format!("this document holds {found}, not {wanted}"))
            .hint("give the whole `config_dump`, or the answer that fits"))
    }
}

/// Whether resources can stand there.
fn fits(section: Section, list: &List) -> bool {
    list.node.kind() == if section == Section::Bootstrap && !list.bare { Type::Object } else { Type::Array }
}

fn told(root: &Node) -> Vec<Section> {
    let Some(configs) = root.get("configs").filter(|configs| configs.kind() == Type::Array) else { return Vec::new() };
    let mut told = Vec::new();
    for config in configs.iter() {
        match kind(&config).as_deref().and_then(Section::of_type) {
            Some((section, "")) => told.push(section),
            // Asked by resource, `configs` is as long as a list of resources.
            Some(_) => break,
            None if told.is_empty() => break,
            None => {}
        }
    }
    told
}

fn parts(root: &Node) -> Option<Vec<(Section, List)>> {
    if root.kind() == Type::Array {
        return bare(root);
    }
    if let Some(configs) = root.get("configs").filter(|configs| configs.kind() == Type::Array) {
        let mut parts = Vec::new();
        for (number, config) in configs.iter().enumerate() {
            match kind(&config).as_deref().and_then(Section::of_type) {
                // Asked by resource, every element of `configs` is one of the same list.
                Some((section, rest)) if !rest.is_empty() => {
                    let list = List { node: configs.clone(), state: state(section, rest), bare: false, path: CONFIGS.into() };
                    return Some(vec![(section, list)]);
                }
                Some((section, _)) => parts.extend(lists_of(section, &config, &format!("{CONFIGS}[{number}]"))),
                None => parts.extend(assignments(&configs, &config)),
            }
        }
        return Some(parts);
    }
    let known = SECTIONS.iter().filter(|(section, ..)| !lists_of(*section, root, ROOT).is_empty()).map(|(section, ..)| *section);
    let known = known.chain(kind(root).as_deref().and_then(Section::of_type).map(|(section, _)| section)).next()?;
    Some(lists_of(known, root, ROOT))
}

/// istiod's `/debug/edsz` has bare assignments in `configs`.
fn assignments(configs: &Node, config: &Node) -> Option<(Section, List)> {
    let first = configs.at(0)?;
    let is_first = first.text().as_ptr() == config.text().as_ptr();
    let kind = kind(config)?;
    let list = List { node: configs.clone(), state: "dynamic", bare: true, path: CONFIGS.into() };
    (is_first && last_word(&kind) == "ClusterLoadAssignment").then_some((Section::Endpoints, list))
}

/// The paths of a document, and of its sections.
const ROOT: &str = "$";
const CONFIGS: &str = "$.configs";

fn lists_of(section: Section, parent: &Node, path: &str) -> Vec<(Section, List)> {
    let list = |(name, state): &(&str, &'static str)| {
        let node = member(parent, name)?;
        let name = if parent.get(name).is_some() { (*name).to_owned() } else { camel(name) };
        Some((section, List { node, state, bare: false, path: format!("{path}.{name}") }))
    };
    section.lists().iter().filter_map(list).collect()
}

/// A member in Envoy's spelling or in istiod's.
pub(super) fn member(node: &Node, name: &str) -> Option<Node> {
    node.get(name).or_else(|| node.get(&camel(name))).filter(|found| !found.is_null())
}

fn kind(node: &Node) -> Option<String> {
    Some(node.get("@type")?.as_str()?.into_owned())
}

fn state(section: Section, rest: &str) -> &'static str {
    let wanted = if rest.starts_with("Static") { "static" } else { "" };
    match (section, wanted) {
        (Section::Listeners, "") => "",
        (Section::Clusters | Section::Secrets, "") => "active",
        (_, "") => "dynamic",
        _ => "static",
    }
}

/// An array of resources without anything around them, told apart by what only one sort of them has.
fn bare(root: &Node) -> Option<Vec<(Section, List)>> {
    let Some(first) = root.at(0) else { return Some(Vec::new()) };
    let has = |name: &str| member(&first, name).is_some();
    let section = if has("host_statuses") || has("added_via_api") {
        Section::Hosts
    } else if has("virtual_hosts") {
        Section::Routes
    } else if has("cluster_name") {
        Section::Endpoints
    } else if has("filter_chains") || has("default_filter_chain") || has("traffic_direction") || has("internal_listener") {
        Section::Listeners
    } else if has("name") && (has("type") || has("cluster_type") || has("connect_timeout") || has("lb_policy")) {
        Section::Clusters
    } else {
        return None;
    };
    Some(vec![(section, List { node: root.clone(), state: "", bare: true, path: ROOT.into() })])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Dump> {
        Dump::open(&Doc::parse(text.to_owned().into())?)
    }

    #[test]
    fn sections_are_found_in_every_form() {
        for text in [
            r#"{"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump","static_clusters":[{}]}]}"#,
            r#"{"configs":[{"@type":"type.googleapis.com/envoy.admin.v2alpha.ClustersConfigDump","static_clusters":[{}]}]}"#,
            r#"{"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster","cluster":{}}]}"#,
            r#"{"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump","staticClusters":[{}]}"#,
            r#"{"static_clusters":[{}]}"#,
        ] {
            let dump = open(text).unwrap();
            let lists = dump.lists(Section::Clusters);
            assert_eq!((lists.len(), lists[0].state, lists[0].bare), (1, "static", false), "{text}");
            assert!(!dump.has(Section::Listeners));
        }
    }

    #[test]
    fn what_istioctl_kept_is_told_apart_by_what_it_holds() {
        for (text, section) in [
            (r#"[{"name":"a","type":"EDS"}]"#, Section::Clusters),
            (r#"[{"name":"a","filterChains":[]}]"#, Section::Listeners),
            (r#"[{"name":"80","virtualHosts":[]}]"#, Section::Routes),
            (r#"[{"name":"a","hostStatuses":[]}]"#, Section::Hosts),
            (r#"{"cluster_statuses":[]}"#, Section::Hosts),
            (r#"[{"clusterName":"a"}]"#, Section::Endpoints),
            (
                r#"{"configs":[{"@type":"x/envoy.config.endpoint.v3.ClusterLoadAssignment"},{"@type":"x/a.ClusterLoadAssignment"}]}"#,
                Section::Endpoints,
            ),
        ] {
            let dump = open(text).unwrap();
            assert_eq!(dump.lists(section).len(), 1, "{text}");
        }
    }

    #[test]
    fn rows_come_in_istioctls_order() {
        let dump = open(r#"{"configs":[{"@type":"envoy.admin.v3.ClustersConfigDump","static_clusters":[],"dynamic_warming_clusters":[],"dynamic_active_clusters":[]}]}"#).unwrap();
        let states: Vec<_> = dump.lists(Section::Clusters).iter().map(|list| list.state).collect();
        assert_eq!(states, ["active", "warming", "static"]);
    }

    #[test]
    fn a_document_of_something_else_is_named() {
        let error = open(r#"[{"virtualHosts":[]}]"#).unwrap().expect(&[Section::Clusters]).unwrap_err();
        assert_eq!(error.message(), "this document holds routes, not clusters");
    }

    #[test]
    fn masks_are_those_istioctl_uses() {
        assert_eq!(Section::Listeners.mask(), "dynamic_listeners,static_listeners");
        assert_eq!(Section::Clusters.mask(), "dynamic_active_clusters,dynamic_warming_clusters,static_clusters");
    }
}
