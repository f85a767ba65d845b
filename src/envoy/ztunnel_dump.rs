//! How the dump of a ztunnel is taken apart: whole, or one of its sections alone; lists in new versions, maps in older ones.

use super::wire::{Flaws, Text, Wire, read};
use crate::error::{Error, Kind, Result};
use crate::json::{At, Found, Node, Type, each};

/// A part of a ztunnel's dump: its name there, and a member that only its resources have, for lists that stand alone.
pub(super) type Part = (&'static str, &'static str);

pub(super) const WORKLOADS: Part = ("workloads", "workloadIps");
pub(super) const SERVICES: Part = ("services", "vips");
pub(super) const POLICIES: Part = ("policies", "scope");
pub(super) const CERTIFICATES: Part = ("certificates", "certChain");
pub(super) const STATES: Part = ("workloadState", "connections");

/// A part of a document, in both spellings; an empty part when the dump has none.
///
/// # Errors
/// The document is no dump of a ztunnel.
pub(super) fn part(root: &Node, part: Part) -> Result<Option<Node>> {
    let (name, mark) = part;
    if root.kind() == Type::Array {
        let alone = root.at(0).is_none_or(|first| first.get(mark).is_some());
        return if alone { Ok(Some(root.clone())) } else { Err(no_ztunnel(root, name)) };
    }
    let known = [WORKLOADS, SERVICES, POLICIES, CERTIFICATES, STATES].iter().any(|(name, _)| member(root, name).is_some());
    // Envoy's page of certificates has a member of this name, too.
    let envoys = member(root, "certificates").and_then(|all| all.at(0)).is_some_and(|first| first.get("cert_chain").is_some());
    if known && !envoys { Ok(member(root, name)) } else { Err(no_ztunnel(root, name)) }
}

fn member(root: &Node, name: &str) -> Option<Node> {
    root.get(name).or_else(|| root.get(&super::wire::snake(name.into()))).filter(|found| !found.is_null())
}

fn no_ztunnel(root: &Node, name: &str) -> Error {
    let envoy = root.get("configs").is_some();
    let looks = if envoy { "it is one of Envoy".to_owned() } else { super::foreign::looks_like(root) };
    let error = Error::new(Kind::BadInput, format!("this is no config dump of ztunnel with {name}: {looks}"));
    error.hint(if envoy {
        "clusters, listeners, routes, endpoints, secrets, bootstrap, ecds and filters read that"
    } else {
        "take GET /config_dump of the admin port (15000) of a ztunnel pod, or what `istioctl ztunnel-config … -o json` prints"
    })
}

/// Every resource of a list or a map, in its order; long lists are read by all cores.
pub(super) fn all<R: Send>(list: Option<Node>, make: impl Fn(&[u8]) -> (R, Option<usize>) + Sync) -> Vec<Found<R>> {
    let Some(list) = list else { return Vec::new() };
    if list.kind() == Type::Array {
        return each(&list, |entry| {
            let (record, size) = make(entry.rest());
            (Found { record, at: At::new(entry.start) }, size)
        });
    }
    list.items().map(|(_, node)| Found { record: make(node.text().as_bytes()).0, at: At::of(&node) }).collect()
}

/// Read one resource.
pub(super) fn one<'a, T: Wire<'a>, R>(text: &'a [u8], make: impl FnOnce(T, &Flaws) -> R) -> (R, Option<usize>) {
    let flaws = Flaws::default();
    let (wire, size) = read(text, &flaws);
    (make(wire, &flaws), size)
}

/// Text that says something.
pub(super) fn some(text: Option<Text<'_>>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(Text::into_owned)
}
