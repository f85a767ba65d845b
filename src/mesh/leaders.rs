//! Who leads: of several replicas one alone writes statuses, patches webhooks and hands out addresses.

use super::Mesh;
use super::dig::{Dig, annotation};
use super::kube::{encode, list};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where older istiods keep an election, in a ConfigMap.
const RECORD: &str = "control-plane.alpha.kubernetes.io/leader";
/// A leader renews every few seconds; clocks differ by more.
const SLACK: i64 = 60;

/// An election of istiods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Election {
    pub namespace: String,
    pub name: String,
    /// The pod that won it; empty when nobody holds it any more.
    pub holder: String,
}

/// The elections in these namespaces; none where they may not be read.
pub(crate) async fn elections(mesh: &Mesh, namespaces: &BTreeSet<String>) -> BTreeSet<Election> {
    let now = mesh.now();
    let one = |namespace: &String| {
        let place = encode(namespace);
        let namespace = namespace.clone();
        async move {
            let (leases, maps) = (
                format!("/apis/coordination.k8s.io/v1/namespaces/{place}/leases"),
                format!("/api/v1/namespaces/{place}/configmaps"),
            );
            let (leases, maps) = futures::join!(list(mesh, &leases), list(mesh, &maps));
            let leases =
                leases.unwrap_or_default().into_iter().map(|lease| of_lease(&lease, &namespace, now)).collect::<Vec<_>>();
            let maps = maps.unwrap_or_default();
            let maps = maps.iter().filter_map(|map| of_config_map(map, &namespace, now));
            leases.into_iter().chain(maps).filter(|election| election.name.starts_with("istio")).collect::<Vec<_>>()
        }
    };
    futures::future::join_all(namespaces.iter().map(one)).await.into_iter().flatten().collect()
}

fn of_lease(lease: &Value, namespace: &str, now: Timestamp) -> Election {
    let spec = &lease["spec"];
    Election { namespace: namespace.to_owned(), name: lease.string("/metadata/name"), holder: holder(spec, now) }
}

fn of_config_map(map: &Value, namespace: &str, now: Timestamp) -> Option<Election> {
    let record: Value = serde_json::from_str(annotation(map, RECORD)?).ok()?;
    Some(Election { namespace: namespace.to_owned(), name: map.string("/metadata/name"), holder: holder(&record, now) })
}

/// Who holds it. A term that ran out long ago is nobody's.
fn holder(record: &Value, now: Timestamp) -> String {
    let renewed = record.text("/renewTime").and_then(|time| time.parse::<Timestamp>().ok());
    let term = record.int("/leaseDurationSeconds").unwrap_or(30);
    let over = renewed.is_some_and(|at| now.as_second() - at.as_second() > term + SLACK);
    if over { String::new() } else { record.string("/holderIdentity") }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    #[test]
    fn elections_are_leases_or_older_configmaps_and_end() {
        let lease = |name: &str, holder: &str, renewed: &str| {
            json!({"metadata": {"name": name, "namespace": "mesh"},
                "spec": {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": renewed}})
        };
        let leases = json!({"items": [
            lease("istio-gateway-deployment", "a", "2026-11-22T13:06:10.000001Z"),
            lease("istio-gone", "b", "2026-11-22T13:00:00Z"),
            lease("other-operator", "x", "2026-11-22T13:06:10Z")]});
        let record = json!({"holderIdentity": "b", "leaseDurationSeconds": 30, "renewTime": "2026-11-22T13:06:01Z"}).to_string();
        let maps = json!({"items": [
            {"metadata": {"name": "istio-leader", "namespace": "mesh", "annotations": {RECORD: record}}},
            {"metadata": {"name": "istio-broken", "namespace": "mesh", "annotations": {RECORD: "{"}}},
            {"metadata": {"name": "istio", "namespace": "mesh"}}]});
        let mesh = Fake::new()
            .kube("/apis/coordination.k8s.io/v1/namespaces/mesh/leases?limit=500", leases.to_string())
            .kube("/api/v1/namespaces/mesh/configmaps?limit=500", maps.to_string())
            .mesh();
        let found = wait(elections(&mesh, &["mesh".to_owned(), "elsewhere".to_owned()].into()));
        let told: Vec<(&str, &str)> = found.iter().map(|one| (one.name.as_str(), one.holder.as_str())).collect();
        assert_eq!(told, [("istio-gateway-deployment", "a"), ("istio-gone", ""), ("istio-leader", "b")]);
        assert!(mesh.take_notes().is_empty());
    }
}
