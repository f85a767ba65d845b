//! What `row.raw()` gives is the resource that istioctl's JSON holds.

use super::json::each_document;
use super::kinds::{Kind, kind};
use pilotage::Pilotage;
use pilotage::report::Content;
use serde_json::{Map, Value};

#[test]
fn raw_resources_are_those_of_its_json() {
    each_document(RAW, |tape, engine, _, document| {
        let kind = kind(&document.kind);
        let theirs = resources(&document.kind, &serde_json::from_str(document.json.get()).unwrap());
        let ours = raws(engine, kind, &document.pod);
        assert!(!theirs.is_empty());
        for resource in &theirs {
            let same = |other: &&Value| ["name", "address"].iter().all(|name| other.get(name) == resource.get(name));
            let near = || ours.iter().find(same).unwrap_or(&Value::Null);
            assert!(ours.contains(resource), "{tape}: {}: {}", document.pod, first_difference(resource, near(), "$"));
        }
        let more: Vec<&Value> = ours.iter().filter(|resource| !theirs.contains(resource)).collect();
        assert!(more.is_empty(), "{tape}: {}: not in istioctl's JSON: {more:?}", document.pod);
    });
}

/// The resources that the rows of a pod were made of, each once, in the spelling both can be compared in.
fn raws(engine: &Pilotage, kind: &Kind, pod: &str) -> Vec<Value> {
    // With those that istioctl's tables hide.
    let all = if kind.kind == "routes" { ", #{ all: true }" } else { "" };
    let script = format!("{}({pod:?}{all}).map(|row| [row.raw()])", kind.function);
    let raws = match engine.eval(&script) {
        Ok(Content::Value(Value::Array(raws))) => raws,
        other => panic!("{script} gives {other:?}"),
    };
    let mut once: Vec<Value> = Vec::new();
    for resource in raws.iter().flat_map(|raw| resources(kind.kind, &raw[0])) {
        if !once.contains(&resource) {
            once.push(resource);
        }
    }
    once
}

/// The resources in a document of istioctl's, or in what a row was made of.
fn resources(kind: &str, json: &Value) -> Vec<Value> {
    let json = alike(json);
    let items = match json {
        Value::Array(items) => items,
        one => vec![one],
    };
    items.into_iter().flat_map(|item| unwrapped(kind, item)).collect()
}

/// Without what Envoy's dump has around a resource: its version, and when it came. The counters of a host go on between
/// the tape and the JSON.
fn unwrapped(kind: &str, item: Value) -> Vec<Value> {
    let inner = |path: &[&str]| path.iter().try_fold(&item, |at, name| at.get(name)).cloned();
    let list = |name: &str| item.get(name).and_then(Value::as_array).cloned();
    let found = match kind {
        "clusters" => inner(&["cluster"]),
        "listeners" => inner(&["activestate", "listener"]).or_else(|| inner(&["listener"])),
        "routes" => return routes(&item).unwrap_or_else(|| vec![item]),
        "endpoints" => {
            let hosts = list("hoststatuses").unwrap_or_else(|| vec![item]);
            return hosts.into_iter().map(|host| without(host, "stats")).collect();
        }
        "secret" => {
            let lists = ["dynamicactivesecrets", "dynamicwarmingsecrets"].map(list);
            return if lists.iter().any(Option::is_some) { lists.into_iter().flatten().flatten().collect() } else { vec![item] };
        }
        "bootstrap" => inner(&["bootstrap"]),
        _ => None,
    };
    // A resource stands in Envoy's dump as an `Any`, which says its type; istioctl prints it without.
    vec![without(found.unwrap_or(item), "@type")]
}

/// The routes of a route configuration; a virtual host without any stands for itself, as it does in our rows.
fn routes(configuration: &Value) -> Option<Vec<Value>> {
    let hosts = configuration.get("virtualhosts")?.as_array()?;
    let routes = |host: &Value| match host.get("routes").and_then(Value::as_array) {
        Some(routes) if !routes.is_empty() => routes.clone(),
        _ => vec![host.clone()],
    };
    Some(hosts.iter().flat_map(routes).collect())
}

fn without(mut resource: Value, name: &str) -> Value {
    if let Some(fields) = resource.as_object_mut() {
        fields.remove(name);
    }
    resource
}

/// Modulo spelling: `portValue` and `port_value` are alike, and the order of fields means nothing. Defaults are no
/// matter: Envoy leaves the same ones out as istioctl's protojson does, as both print proto3 fields only when they are
/// set, and wrapped values (`"port_value": 0`, `false`) whenever they are there.
fn alike(json: &Value) -> Value {
    match json {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.iter().map(|(name, value)| (name.replace('_', "").to_lowercase(), alike(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(alike).collect(),
        other => other.clone(),
    }
}

/// Where two resources begin to differ.
fn first_difference(theirs: &Value, ours: &Value, path: &str) -> String {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys());
            let differs = names.clone().find(|name| a.get(*name) != b.get(*name));
            let at = |object: &Map<String, Value>, name: &String| object.get(name).cloned().unwrap_or(Value::Null);
            differs.map_or("equal".into(), |name| first_difference(&at(a, name), &at(b, name), &format!("{path}.{name}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let differs = (0..a.len()).find(|index| a[*index] != b[*index]);
            differs.map_or("equal".into(), |index| first_difference(&a[index], &b[index], &format!("{path}[{index}]")))
        }
        _ => format!("{path}: istioctl {theirs:.300}, pilotage {ours:.300}"),
    }
}

/// Whose resources are compared.
const RAW: &[&str] = &["bootstrap", "clusters", "endpoints", "listeners", "routes", "secret"];
