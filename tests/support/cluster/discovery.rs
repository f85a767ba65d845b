//! What kinds there are: as recorded, or worked out from the lists where nobody asked when recording.

use super::api::{as_recorded, find, json};
use super::objects::{Known, Objects};
use super::path::ApiPath;
use super::question::Question;
use super::recording::{Entry, Recording, Via};
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
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (group, version) in objects.kinds().into_keys().filter(|(group, _)| !group.is_empty()) {
        versions.entry(group).or_default().push(version);
    }
    let groups = versions.iter().map(|(group, versions)| {
        let entry = |version: &String| json!({"groupVersion": format!("{group}/{version}"), "version": version});
        let all: Vec<Value> = versions.iter().map(entry).collect();
        json!({"name": group, "preferredVersion": all[0], "versions": all})
    });
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
}

fn kinds(objects: &Objects, group: &str, version: &str) -> Option<Value> {
    let kinds = objects.kinds().remove(&(group.to_string(), version.to_string()))?;
    let resources = kinds.iter().map(|known| {
        let Known { plural, singular, kind, namespaced } = known;
        json!({"name": plural, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]})
    });
    let version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    let resources: Vec<Value> = resources.collect();
    Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}))
}

/// What a recording says of the kinds, in either form of discovery.
pub fn known(recording: &Recording) -> BTreeMap<(String, String), Vec<Known>> {
    let mut known = BTreeMap::new();
    let asked = |entry: &&Entry| entry.status == 200 && ApiPath::parse(&entry.question.path).is_none();
    for entry in recording.via(Via::Kube).filter(asked) {
        let Ok(body) = serde_json::from_slice::<Value>(&entry.body) else { continue };
        if let Some(version) = body["groupVersion"].as_str() {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            let kinds = list(&body["resources"]).iter().filter_map(legacy).collect();
            known.insert((group.to_string(), version.to_string()), kinds);
        }
        for group in list(&body["items"]) {
            for version in list(&group["versions"]) {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
                let kinds = list(&version["resources"]).iter().filter_map(aggregated).collect();
                known.insert((text(&group["metadata"]["name"]), text(&version["version"])), kinds);
            }
        }
    }
    known
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn legacy(kind: &Value) -> Option<Known> {
    Some(Known {
        plural: kind["name"].as_str()?.into(),
        singular: kind["singularName"].as_str()?.into(),
        kind: kind["kind"].as_str()?.into(),
        namespaced: kind["namespaced"].as_bool()?,
    })
}

fn aggregated(kind: &Value) -> Option<Known> {
    Some(Known {
        plural: kind["resource"].as_str()?.into(),
        singular: kind["singularResource"].as_str().unwrap_or_default().into(),
        kind: kind["responseKind"]["kind"].as_str()?.into(),
        namespaced: kind["scope"] == "Namespaced",
    })
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
