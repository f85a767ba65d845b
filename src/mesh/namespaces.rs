//! Namespaces and nodes as rows: what takes part in the mesh, and by which revision.

use super::Mesh;
use super::age::age_of;
use super::dig::{Dig, label};
use super::kube::list;
use crate::error::Result;
use crate::record;
use serde_json::Value;
use std::collections::BTreeMap;

record! {
    /// A namespace.
    pub struct Namespace as "namespace" {
        /// Its name.
        pub name: String,
        /// `Active` or `Terminating`.
        pub status: String,
        /// How its pods join the mesh: `enabled` or `disabled` by `istio-injection`, `revision` by `istio.io/rev`, `ambient`, or `none`.
        pub injection: String,
        /// The revision or tag that injects here, if one is named.
        pub revision: String,
        /// How long ago it was made.
        pub age: String,
        /// The network it belongs to, by `topology.istio.io/network`.
        [wide] pub network: String,
        /// The waypoint its traffic passes, by `istio.io/use-waypoint`.
        [wide] pub waypoint: String,
        /// Its labels.
        [wide] pub labels: BTreeMap<String, String>,
    }
}

record! {
    /// A node.
    pub struct Node as "node" {
        /// Its name.
        pub name: String,
        /// Whether it is ready for pods.
        pub ready: bool,
        /// The kubelet's version.
        pub version: String,
        /// Its address inside the cluster.
        pub ip: String,
        /// The region, by its label.
        pub region: String,
        /// The zone, by its label.
        pub zone: String,
        /// How long ago it joined.
        pub age: String,
        /// Its labels.
        [wide] pub labels: BTreeMap<String, String>,
    }
}

/// All namespaces.
///
/// # Errors
/// When the API server refuses.
pub async fn namespaces(mesh: &Mesh) -> Result<Vec<Namespace>> {
    let now = mesh.now();
    Ok(list(mesh, "/api/v1/namespaces").await?.iter().map(|object| namespace(object, age_of(object, now))).collect())
}

/// All nodes.
///
/// # Errors
/// When the API server refuses.
pub async fn nodes(mesh: &Mesh) -> Result<Vec<Node>> {
    let now = mesh.now();
    Ok(list(mesh, "/api/v1/nodes").await?.iter().map(|object| node(object, age_of(object, now))).collect())
}

fn namespace(object: &Value, age: String) -> Namespace {
    let text = |key: &str| label(object, key).unwrap_or_default().to_owned();
    Namespace {
        name: object.string("/metadata/name"),
        status: object.string("/status/phase"),
        injection: injection(object).into(),
        revision: text("istio.io/rev"),
        age,
        network: text("topology.istio.io/network"),
        waypoint: text("istio.io/use-waypoint"),
        labels: object.map("/metadata/labels"),
    }
}

/// `istio-injection` wins over `istio.io/rev` where both stand.
fn injection(object: &Value) -> &'static str {
    match (label(object, "istio-injection"), label(object, "istio.io/rev"), label(object, "istio.io/dataplane-mode")) {
        (Some("enabled"), ..) => "enabled",
        (Some("disabled"), _, Some("ambient")) => "ambient",
        (Some("disabled"), ..) => "disabled",
        (_, _, Some("ambient")) => "ambient",
        (_, Some(revision), _) if !revision.is_empty() => "revision",
        _ => "none",
    }
}

fn node(object: &Value, age: String) -> Node {
    let mut conditions = object.list("/status/conditions").iter();
    let mut addresses = object.list("/status/addresses").iter();
    let text = |key: &str| label(object, key).unwrap_or_default().to_owned();
    Node {
        name: object.string("/metadata/name"),
        ready: conditions.any(|condition| condition.text("/type") == Some("Ready") && condition.text("/status") == Some("True")),
        version: object.string("/status/nodeInfo/kubeletVersion"),
        ip: addresses
            .find(|address| address.text("/type") == Some("InternalIP"))
            .map(|a| a.string("/address"))
            .unwrap_or_default(),
        region: text("topology.kubernetes.io/region"),
        zone: text("topology.kubernetes.io/zone"),
        age,
        labels: object.map("/metadata/labels"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    #[test]
    fn how_a_namespace_joins_is_read_from_its_labels() {
        for (labels, expected) in [
            (json!({}), "none"),
            (json!({"istio-injection": "enabled"}), "enabled"),
            (json!({"istio-injection": "disabled", "istio.io/rev": "a"}), "disabled"),
            (json!({"istio.io/rev": "1-29"}), "revision"),
            (json!({"istio.io/dataplane-mode": "ambient"}), "ambient"),
            (json!({"istio-injection": "disabled", "istio.io/dataplane-mode": "ambient"}), "ambient"),
        ] {
            let object = json!({"metadata": {"name": "n", "labels": labels}});
            assert_eq!(namespace(&object, String::new()).injection, expected, "{labels}");
        }
    }

    #[test]
    fn nodes_say_whether_they_are_ready() {
        let body = json!({"items": [{"metadata": {"name": "a"}, "status": {"nodeInfo": {"kubeletVersion": "v1.36.0"},
            "conditions": [{"type": "Ready", "status": "Unknown"}], "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}}]});
        let mesh = Fake::new().kube("/api/v1/nodes?limit=500", body.to_string()).mesh();
        let node = wait(nodes(&mesh)).unwrap().remove(0);
        assert_eq!((node.ready, node.version.as_str(), node.ip.as_str()), (false, "v1.36.0", "10.0.0.1"));
    }
}
