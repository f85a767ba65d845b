//! What kinds there are: as recorded, or worked out from the lists where nobody asked when recording.

use super::api::{as_recorded, find, json};
use super::objects::Objects;
use super::question::Question;
use super::recording::Entry;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The answer to a path that names no kind: `/version`, `/api`, `/apis/apps/v1`, health checks.
pub fn answer(recorded: &[Entry], objects: &Objects, question: &Question, accept: &str) -> Option<Response> {
    let aggregated = accept.contains("as=APIGroupDiscoveryList");
    let best = |accept: &str| find(recorded, question, accept).map(as_recorded);
    if let Some(entry) = recorded.iter().find(|entry| {
        aggregated
            && entry.question == *question
            && entry.accept.as_deref().is_some_and(|known| known.contains("as=APIGroupDiscoveryList"))
    }) {
        return Some(as_recorded(entry));
    }
    if let Some(response) = best("") {
        return Some(response);
    }
    let parts: Vec<&str> = question.path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["healthz" | "livez" | "readyz"] => Some("ok".into_response()),
        ["version"] => Some(json(200, &json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64"}))),
        ["api"] => Some(json(200, &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))),
        ["apis"] => Some(json(200, &groups(objects))),
        ["api", version] => kinds(objects, "", version).map(|list| json(200, &list)),
        ["apis", group, version] => kinds(objects, group, version).map(|list| json(200, &list)),
        _ => None,
    }
}

fn groups(objects: &Objects) -> Value {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (group, _, list) in objects.all().filter(|(group, ..)| !group.is_empty()) {
        let known = versions.entry(group).or_default();
        if !known.contains(&list.version.as_str()) {
            known.push(&list.version);
        }
    }
    let groups = versions.iter().map(|(group, versions)| {
        let entry = |version: &&str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
        let all: Vec<Value> = versions.iter().map(entry).collect();
        json!({"name": group, "preferredVersion": all[0], "versions": all})
    });
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
}

fn kinds(objects: &Objects, group: &str, version: &str) -> Option<Value> {
    let here = objects.all().filter(|(known, _, list)| *known == group && list.version == version);
    let resources: Vec<Value> = here
        .map(|(_, plural, list)| {
            let namespaced = list.items.first().is_none_or(|item| item["metadata"].get("namespace").is_some());
            let kind = &list.kind;
            json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]})
        })
        .collect();
    let version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    (!resources.is_empty())
        .then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}))
}

/// A list with nothing but the metadata of its objects.
pub fn partial(list: Value) -> Value {
    let strip =
        |item: &Value| json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]});
    match list["items"].as_array() {
        Some(items) => json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": list["metadata"],
            "items": items.iter().map(strip).collect::<Vec<_>>()}),
        None => list,
    }
}
