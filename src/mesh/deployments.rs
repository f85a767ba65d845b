//! Deployments as rows.

use super::Mesh;
use super::age::age_of;
use super::dig::Dig;
use super::kube::list_in;
use crate::error::Result;
use crate::record;
use serde_json::Value;
use std::collections::BTreeMap;

record! {
    /// A deployment.
    pub struct Deployment as "deployment" {
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// Ready pods of those wanted: `2/3`.
        pub ready: String,
        /// Pods of its newest form.
        pub updated: i64,
        /// Pods that are available.
        pub available: i64,
        /// How long ago it was made.
        pub age: String,
        /// What keeps it from being complete, in its own words.
        pub problem: String,
        /// Its containers' images, by container.
        [wide] pub images: BTreeMap<String, String>,
        /// The labels by which it knows its pods.
        [wide] pub selector: BTreeMap<String, String>,
        /// Its labels.
        [wide] pub labels: BTreeMap<String, String>,
        /// The labels its pods are made with: `sidecar.istio.io/inject`, `istio.io/rev`.
        [wide] pub pod_labels: BTreeMap<String, String>,
        /// Who manages it, by the label `app.kubernetes.io/managed-by`.
        [wide] pub managed_by: String,
    }
}

/// The deployments of a namespace, or of all.
///
/// # Errors
/// When the API server refuses.
pub async fn deployments(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<Deployment>> {
    let objects = list_in(mesh, "/apis/apps/v1", mesh.scope(namespace), "deployments").await?;
    let now = mesh.now();
    Ok(objects.iter().map(|object| read(object, age_of(object, now))).collect())
}

fn read(object: &Value, age: String) -> Deployment {
    let containers = object.list("/spec/template/spec/containers").iter();
    let labels = object.map("/metadata/labels");
    let (ready, wanted) = (object.int("/status/readyReplicas").unwrap_or(0), object.int("/spec/replicas").unwrap_or(1));
    Deployment {
        namespace: object.string("/metadata/namespace"),
        name: object.string("/metadata/name"),
        ready: format!("{ready}/{wanted}"),
        updated: object.int("/status/updatedReplicas").unwrap_or(0),
        available: object.int("/status/availableReplicas").unwrap_or(0),
        age,
        problem: problem(object),
        images: containers.map(|container| (container.string("/name"), container.string("/image"))).collect(),
        selector: object.map("/spec/selector/matchLabels"),
        managed_by: labels.get("app.kubernetes.io/managed-by").cloned().unwrap_or_default(),
        labels,
        pod_labels: object.map("/spec/template/metadata/labels"),
    }
}

/// The message of a condition that is as it should not be.
fn problem(object: &Value) -> String {
    let conditions = object.list("/status/conditions").iter();
    let mut bad = conditions.filter(|condition| {
        let state = (condition.text("/type"), condition.text("/status"));
        matches!(state, (Some("ReplicaFailure"), Some("True")) | (Some("Available" | "Progressing"), Some("False")))
    });
    bad.next().map(|condition| condition.string("/message")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    #[test]
    fn deployments_say_what_is_wrong_with_them() {
        let body = json!({"items": [{"metadata": {"name": "web", "namespace": "shop", "labels": {"app.kubernetes.io/managed-by": "Helm"}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "app", "image": "web:1"}]}}},
            "status": {"readyReplicas": 1, "conditions": [{"type": "Progressing", "status": "True", "message": "fine"},
                {"type": "Available", "status": "False", "message": "too few pods"}]}},
            {"metadata": {"name": "idle", "namespace": "shop"}, "spec": {"replicas": 0}}]});
        let mesh = Fake::new().kube("/apis/apps/v1/deployments?limit=500", body.to_string()).mesh();
        let rows = wait(deployments(&mesh, None)).unwrap();
        assert_eq!(
            (rows[0].ready.as_str(), rows[0].problem.as_str(), rows[0].managed_by.as_str()),
            ("1/2", "too few pods", "Helm")
        );
        assert_eq!(rows[0].images["app"], "web:1");
        assert_eq!((rows[1].ready.as_str(), rows[1].problem.as_str()), ("0/0", ""));
    }
}
