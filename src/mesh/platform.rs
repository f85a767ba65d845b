//! Who installed the mesh, and so where a lasting change to istiod must be written.
//!
//! An operator undoes what is changed behind its back: the object it follows is the one to edit.

use super::Mesh;
use super::dig::{Dig, annotation, label};
use super::fan_out::told;
use super::istiods::objects;
use super::kinds::has;
use super::kube::{encode, find, list};
use super::pods::owner;
use crate::error::{Error, Kind, Result};
use crate::record;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

record! {
    /// How one istiod was installed, and by which object it is kept as it is.
    pub struct Platform as "platform" {
        /// `ossm2` (a ServiceMeshControlPlane), `sail` (an Istio of the Sail operator or OpenShift Service Mesh 3),
        /// `istio_operator`, `helm`, `istioctl`, `plain` (none of them), or `unknown` (it could not be seen).
        pub kind: String,
        /// The object to edit: `ServiceMeshControlPlane/basic`, `Istio/default`; the release of a Helm chart: `release/istiod`.
        pub object: String,
        /// The namespace of that object, or of the release; empty for an object of the whole cluster.
        pub object_namespace: String,
        /// istiod's namespace.
        pub namespace: String,
        /// istiod's workload: `Deployment/istiod`.
        pub istiod: String,
        /// istiod's revision.
        pub revision: String,
        /// The version of the object's API: `sailoperator.io/v1`.
        [wide] pub api_version: String,
        /// The chart it came from, if a label says so.
        [wide] pub chart: String,
    }
}

/// Objects by which an operator keeps a control plane: kind of platform, group, plural.
const CONTROLS: [(&str, &str, &str); 3] = [
    ("ossm2", "maistra.io", "servicemeshcontrolplanes"),
    ("sail", "sailoperator.io", "istios"),
    ("istio_operator", "install.istio.io", "istiooperators"),
];

/// An object that an operator follows.
struct Control {
    platform: &'static str,
    object: Value,
}

/// How each istiod of the cluster was installed. What may not be seen is a note, and the kind then `unknown`.
///
/// # Errors
/// Only when nothing can be asked at all.
pub async fn platforms(mesh: &Mesh) -> Result<Vec<Platform>> {
    let (controls, all_seen) = controls(mesh).await?;
    let pods = match objects(mesh).await {
        Err(error) if error.kind() == Kind::Forbidden => {
            mesh.note_missing(format!("how istiod was installed is only known by what operators follow: {error}"));
            Vec::new()
        }
        pods => pods?,
    };
    let mut rows: BTreeMap<(String, String), Platform> = BTreeMap::new();
    for pod in &pods {
        let (namespace, workload) = (pod.string("/metadata/namespace"), owner(pod));
        if let Entry::Vacant(place) = rows.entry((namespace.clone(), workload.clone())) {
            let deployment = deployment(mesh, &namespace, &workload).await;
            place.insert(row(pod, deployment.as_ref(), &controls, all_seen));
        }
    }
    if rows.is_empty() {
        return Ok(controls.iter().map(|control| control.row(String::new(), String::new(), control.name())).collect());
    }
    Ok(rows.into_values().collect())
}

/// The operators' objects, and whether all that could be there were seen.
async fn controls(mesh: &Mesh) -> Result<(Vec<Control>, bool)> {
    let mut found = Vec::new();
    let mut all_seen = true;
    for (platform, group, plural) in CONTROLS {
        let objects = match has(mesh, group, plural).await {
            Ok(None) => continue,
            Ok(Some(kind)) => list(mesh, &kind.list(None)).await,
            Err(error) => Err(error),
        };
        match objects {
            Ok(objects) => found.extend(objects.into_iter().map(|object| Control { platform, object })),
            Err(error) if fatal(&error) => return Err(error),
            Err(error) => {
                all_seen = false;
                mesh.note_missing(format!("whether an operator keeps istiod as it is cannot be seen: {error}"));
            }
        }
    }
    Ok((found, all_seen))
}

fn fatal(error: &Error) -> bool {
    matches!(error.kind(), Kind::NoCluster | Kind::Unauthorized | Kind::Unreachable | Kind::Interrupted)
}

async fn deployment(mesh: &Mesh, namespace: &str, owner: &str) -> Option<Value> {
    let name = owner.strip_prefix("Deployment/")?;
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/{}", encode(namespace), encode(name));
    match find(mesh, &path).await {
        Ok(found) => found,
        Err(error) => {
            mesh.note_missing(told("how this was installed cannot be seen:", &format!("{owner} of {namespace}"), &error));
            None
        }
    }
}

fn row(pod: &Value, deployment: Option<&Value>, controls: &[Control], all_seen: bool) -> Platform {
    let namespace = pod.string("/metadata/namespace");
    let istiod = owner(pod);
    let revision = label(pod, "istio.io/rev").filter(|rev| !rev.is_empty()).unwrap_or("default").to_owned();
    if let Some(control) = controls.iter().find(|control| control.keeps(&namespace, &istiod, &revision)) {
        return control.row(namespace, istiod, revision);
    }
    let (kind, object, object_namespace) = match deployment {
        None => ("unknown", String::new(), String::new()),
        Some(deployment) => by_labels(deployment, &namespace, all_seen),
    };
    let chart = deployment.and_then(|object| label(object, "helm.sh/chart")).unwrap_or_default().to_owned();
    Platform { kind: kind.into(), object, object_namespace, namespace, istiod, revision, api_version: String::new(), chart }
}

/// What the labels of istiod's own deployment say of its origin.
fn by_labels(deployment: &Value, namespace: &str, all_seen: bool) -> (&'static str, String, String) {
    let manager = label(deployment, "app.kubernetes.io/managed-by").unwrap_or_default();
    if label(deployment, "maistra.io/owner").is_some() || manager.starts_with("maistra") {
        let name = label(deployment, "maistra.io/owner-name").map(|name| format!("ServiceMeshControlPlane/{name}"));
        return ("ossm2", name.unwrap_or_default(), label(deployment, "maistra.io/owner").unwrap_or(namespace).to_owned());
    }
    let kept = deployment.list("/metadata/ownerReferences").iter().find(|owner| owner.text("/kind") == Some("IstioRevision"));
    if kept.is_some() || manager == "sail-operator" {
        return ("sail", kept.map(|owner| format!("IstioRevision/{}", owner.string("/name"))).unwrap_or_default(), String::new());
    }
    if let Some(release) = annotation(deployment, "meta.helm.sh/release-name") {
        let place = annotation(deployment, "meta.helm.sh/release-namespace").unwrap_or(namespace);
        return ("helm", format!("release/{release}"), place.to_owned());
    }
    if label(deployment, "install.operator.istio.io/owning-resource").is_some()
        || label(deployment, "operator.istio.io/component").is_some()
    {
        return ("istioctl", String::new(), String::new());
    }
    match (manager, all_seen) {
        ("Helm", _) => ("helm", String::new(), namespace.to_owned()),
        (_, true) => ("plain", String::new(), String::new()),
        (_, false) => ("unknown", String::new(), String::new()),
    }
}

impl Control {
    fn name(&self) -> String {
        self.object.string("/metadata/name")
    }

    /// Whether this is the object that keeps that istiod.
    fn keeps(&self, namespace: &str, istiod: &str, revision: &str) -> bool {
        let name = self.name();
        match self.platform {
            "ossm2" => {
                self.object.text("/metadata/namespace") == Some(namespace)
                    && (istiod.ends_with(&format!("istiod-{name}")) || revision == name || istiod.ends_with("istio-pilot"))
            }
            // One Istio makes revisions NAME, or NAME-v1-26-0 when it keeps the old beside the new.
            "sail" => self.place() == namespace && (revision == name || revision.starts_with(&format!("{name}-v"))),
            _ => {
                self.object.text("/metadata/namespace") == Some(namespace)
                    && self.object.text("/spec/revision").unwrap_or("default") == revision
            }
        }
    }

    /// The namespace that a Sail `Istio` installs into.
    fn place(&self) -> &str {
        self.object.text("/spec/namespace").unwrap_or("istio-system")
    }

    fn row(&self, namespace: String, istiod: String, revision: String) -> Platform {
        let own = self.object.string("/metadata/namespace");
        let place = if self.platform == "sail" { self.place().to_owned() } else { own.clone() };
        Platform {
            kind: self.platform.into(),
            object: format!("{}/{}", self.object.string("/kind"), self.name()),
            object_namespace: own,
            namespace: if namespace.is_empty() { place } else { namespace },
            istiod,
            revision,
            api_version: self.object.string("/apiVersion"),
            chart: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const NONE: &str = r#"{"kind":"APIGroupDiscoveryList","items":[]}"#;

    /// A cluster with these operators' kinds.
    fn cluster(kinds: &[(&str, &str, &str, bool)]) -> Fake {
        let groups: Vec<_> = kinds
            .iter()
            .map(|(group, kind, plural, namespaced)| {
                json!({"metadata": {"name": group}, "versions": [{"version": "v1", "resources": [
                    {"resource": plural, "responseKind": {"kind": kind}, "scope": if *namespaced { "Namespaced" } else { "Cluster" }}]}]})
            })
            .collect();
        let apis = json!({"kind": "APIGroupDiscoveryList", "items": groups}).to_string();
        Fake::new().kube("/apis", apis).kube("/api", NONE)
    }

    fn pods(name: &str, namespace: &str, revision: &str) -> String {
        json!({"items": [{"metadata": {"name": format!("{name}-x"), "namespace": namespace, "labels": {"app": "istiod", "istio.io/rev": revision, "pod-template-hash": "h"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": format!("{name}-h"), "controller": true}]},
            "spec": {"containers": [{"name": "discovery"}]}}]})
        .to_string()
    }

    fn first(fake: Fake) -> (String, String, String, String) {
        let row = wait(platforms(&fake.mesh())).unwrap().remove(0);
        (row.kind, row.object, row.istiod, row.namespace)
    }

    fn expect(kind: &str, object: &str, istiod: &str, namespace: &str) -> (String, String, String, String) {
        (kind.into(), object.into(), istiod.into(), namespace.into())
    }

    #[test]
    fn an_operators_object_is_matched_with_its_istiod() {
        let smcp = json!({"kind": "ServiceMeshControlPlaneList", "apiVersion": "maistra.io/v2", "items": [
            {"metadata": {"name": "other", "namespace": "elsewhere"}}, {"metadata": {"name": "basic", "namespace": "olaf"}}]});
        let ossm2 = cluster(&[("maistra.io", "ServiceMeshControlPlane", "servicemeshcontrolplanes", true)])
            .kube("/apis/maistra.io/v1/servicemeshcontrolplanes?limit=500", smcp.to_string())
            .kube("/api/v1/pods?limit=500", pods("istiod-basic", "olaf", "basic"));
        assert_eq!(first(ossm2), expect("ossm2", "ServiceMeshControlPlane/basic", "Deployment/istiod-basic", "olaf"));
        let istio = json!({"kind": "IstioList", "apiVersion": "sailoperator.io/v1", "items": [{"metadata": {"name": "default"}, "spec": {"namespace": "mesh"}}]});
        let sail = cluster(&[("sailoperator.io", "Istio", "istios", false)])
            .kube("/apis/sailoperator.io/v1/istios?limit=500", istio.to_string())
            .kube("/api/v1/pods?limit=500", pods("istiod-default-v1-26-0", "mesh", "default-v1-26-0"));
        assert_eq!(first(sail), expect("sail", "Istio/default", "Deployment/istiod-default-v1-26-0", "mesh"));
    }

    #[test]
    fn without_an_operator_the_deployments_labels_tell() {
        for (metadata, kind, object) in [
            (json!({"annotations": {"meta.helm.sh/release-name": "istiod"}}), "helm", "release/istiod"),
            (json!({"labels": {"install.operator.istio.io/owning-resource": "x"}}), "istioctl", ""),
            (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), "helm", ""),
            (
                json!({"labels": {"maistra.io/owner": "olaf", "maistra.io/owner-name": "basic"}}),
                "ossm2",
                "ServiceMeshControlPlane/basic",
            ),
            (json!({"ownerReferences": [{"kind": "IstioRevision", "name": "default"}]}), "sail", "IstioRevision/default"),
            (json!({}), "plain", ""),
        ] {
            let fake = cluster(&[])
                .kube("/api/v1/pods?limit=500", PODS)
                .kube("/apis/apps/v1/namespaces/istio-system/deployments/istiod", json!({"metadata": metadata}).to_string());
            assert_eq!(first(fake), expect(kind, object, "Deployment/istiod", "istio-system"), "{metadata}");
        }
    }

    #[test]
    fn what_may_not_be_seen_is_unknown_and_noted() {
        let mesh = cluster(&[("sailoperator.io", "Istio", "istios", false)])
            .refuses("kube GET /apis/sailoperator.io/v1/istios?limit=500", 403, r#"{"message":"no"}"#)
            .refuses("kube GET /apis/apps/v1/namespaces/istio-system/deployments/istiod", 403, r#"{"message":"no"}"#)
            .kube("/api/v1/pods?limit=500", PODS)
            .mesh();
        assert_eq!(wait(platforms(&mesh)).unwrap()[0].kind, "unknown");
        let notes = mesh.take_notes();
        assert!(mesh.partial() && notes.len() == 2 && notes[0].contains("cannot be seen"), "{notes:?}");
    }

    #[test]
    fn without_a_cluster_it_is_a_failure() {
        let mesh = Fake::new().fails("kube GET /apis", Kind::NoCluster).mesh();
        assert_eq!(wait(platforms(&mesh)).unwrap_err().kind(), Kind::NoCluster);
    }
}
