//! Pods as rows: their state in kubectl's words, and the proxy that each of them runs.

use super::Mesh;
use super::age::age_of;
use super::dig::{Dig, annotation, label};
use super::kube::{check_namespace, list_path, list_selected, whole_or_own};
use super::{pod_proxy, pod_status};
use crate::error::Result;
use crate::{options, record};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

record! {
    /// A pod, with its state and its proxy.
    pub struct Pod as "pod" {
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// The application, by the label `app` or `app.kubernetes.io/name`.
        pub app: String,
        /// Its proxy: `sidecar`, `native-sidecar`, `gateway`, `waypoint`, `ztunnel`, `agentgateway` or `none`.
        pub proxy: String,
        /// Ready containers of all: `2/2`.
        pub ready: String,
        /// Its state, in kubectl's word: `Running`, `CrashLoopBackOff`, `Completed`, `Terminating` …
        pub status: String,
        /// Restarts of all its containers together.
        pub restarts: i64,
        /// How long ago it was made: `3m`.
        pub age: String,
        /// Its address.
        pub ip: String,
        /// The node it runs on.
        pub node: String,
        /// The application's version, by the label `version`.
        [wide] pub version: String,
        /// The revision of the control plane that injected it.
        [wide] pub revision: String,
        /// The proxy's version, by the tag of its image.
        [wide] pub istio_version: String,
        /// What it belongs to: `Deployment/web`.
        [wide] pub owner: String,
        /// Its service account: the identity in certificates and policies.
        [wide] pub service_account: String,
        /// Its labels.
        [wide] pub labels: BTreeMap<String, String>,
        /// Its containers, native sidecars included.
        [wide] pub containers: Vec<String>,
        /// The container that logs are read from when none is named, if the pod says so.
        [wide] pub default_container: String,
        /// The port of the proxy's admin interface inside the pod.
        [wide] pub admin_port: u16,
        /// Whether ztunnel carries its traffic.
        [wide] pub ambient: bool,
        /// What the proxy's container does: `running`, or why not. Empty without a proxy.
        [wide] pub proxy_state: String,
        /// What keeps the sidecar out, as far as the pod itself says: a label, an annotation, the host's network.
        [wide] pub opted_out: String,
        /// Why it is not running, in the kubelet's or the scheduler's words.
        [wide] pub why: String,
        /// When it was made (RFC 3339).
        [wide] pub created: String,
    }
}

options! {
    /// Which pods to list.
    pub struct PodOptions as "pod options" {
        /// A label selector: `app=web,version!=v1`.
        pub selector: Option<String>,
        /// Only pods of this application.
        pub app: Option<String>,
    }
}

/// The pods of a namespace, or of all of them.
///
/// Who may not list the whole cluster gets the pods of his own namespace, and a note that says so.
///
/// # Errors
/// When the API server refuses, or the selector is wrong.
pub async fn pods(mesh: &Mesh, namespace: Option<&str>, options: &PodOptions) -> Result<Vec<Pod>> {
    let selector = options.selector.as_deref().unwrap_or_default();
    let scope = mesh.scope(namespace);
    let objects = raw(mesh, scope, selector).await?;
    if objects.is_empty() {
        check_namespace(mesh, scope).await?;
    }
    let now = mesh.now();
    let rows = objects.iter().map(|pod| Pod::read(pod, now));
    Ok(rows.filter(|pod| options.app.as_ref().is_none_or(|app| *app == pod.app)).collect())
}

/// The pod objects of a namespace, or of all.
pub(crate) async fn raw(mesh: &Mesh, scope: Option<&str>, selector: &str) -> Result<Vec<Value>> {
    let list = async |scope: Option<&str>| list_selected(mesh, &list_path("/api/v1", scope, "pods"), selector).await;
    whole_or_own(mesh, scope, "pods", "shown", list).await
}

impl Pod {
    /// Read a pod object.
    pub(crate) fn read(pod: &Value, now: Timestamp) -> Self {
        let state = pod_status::state(pod);
        let containers = pod.list("/spec/containers").iter().chain(pod_status::natives(pod));
        Self {
            namespace: pod.string("/metadata/namespace"),
            name: pod.string("/metadata/name"),
            app: app(pod),
            proxy: pod_proxy::proxy(pod).into(),
            ready: state.ready,
            status: state.status,
            restarts: state.restarts,
            age: age_of(pod, now),
            ip: pod.string("/status/podIP"),
            node: pod.string("/spec/nodeName"),
            version: label(pod, "version").or_else(|| label(pod, "app.kubernetes.io/version")).unwrap_or_default().into(),
            revision: pod_proxy::revision(pod).unwrap_or_default(),
            istio_version: pod_proxy::version(pod).unwrap_or_default(),
            owner: owner(pod),
            service_account: pod.string("/spec/serviceAccountName"),
            labels: pod.map("/metadata/labels"),
            containers: containers.map(|container| container.string("/name")).collect(),
            default_container: annotation(pod, "kubectl.kubernetes.io/default-container").unwrap_or_default().into(),
            admin_port: pod_proxy::admin_port(pod),
            ambient: pod_proxy::is_ambient(pod),
            proxy_state: pod_status::container_state(pod, pod_proxy::PROXY),
            opted_out: pod_proxy::opted_out(pod),
            why: state.why,
            created: pod.string("/metadata/creationTimestamp"),
        }
    }
}

fn app(object: &Value) -> String {
    let keys = ["app", "app.kubernetes.io/name", "service.istio.io/canonical-name"];
    keys.iter().find_map(|key| label(object, key)).unwrap_or_default().to_owned()
}

/// What a pod belongs to. A ReplicaSet that a Deployment made is told as the Deployment.
pub(crate) fn owner(pod: &Value) -> String {
    let owners = pod.list("/metadata/ownerReferences");
    let Some(owner) = owners.iter().find(|owner| owner.flag("/controller")).or(owners.first()) else { return String::new() };
    let (kind, name) = (owner.string("/kind"), owner.string("/name"));
    let hash = label(pod, "pod-template-hash").map(|hash| format!("-{hash}"));
    match hash.and_then(|hash| name.strip_suffix(&hash).map(str::to_owned)) {
        Some(deployment) if kind == "ReplicaSet" => format!("Deployment/{deployment}"),
        _ => format!("{kind}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use crate::error::Kind;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const FORBIDDEN: &str = include_str!("../../tests/data/kube/forbidden-list-pods.json");

    fn all() -> Vec<Pod> {
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", PODS).mesh();
        wait(pods(&mesh, None, &PodOptions::default())).unwrap()
    }

    #[test]
    fn the_recorded_mesh_reads_as_kubectl_and_istioctl_show_it() {
        let rows: Vec<_> = all().into_iter().map(|p| (p.name, p.proxy, p.ready, p.status, p.age, p.owner)).collect();
        let customer = ("customer-686cf5bf47-mtgsn", "sidecar", "2/2", "Running", "39s", "Deployment/customer");
        let istiod = ("istiod-lab", "none", "1/1", "Running", "48s", "Deployment/istiod");
        for (name, proxy, ready, status, age, owner) in [customer, istiod] {
            let row = (name.into(), proxy.into(), ready.into(), status.into(), age.into(), owner.into());
            assert!(rows.contains(&row), "{row:?} not in {rows:#?}");
        }
        let gateway = all().into_iter().find(|pod| pod.namespace == "olaf").unwrap();
        assert_eq!((gateway.proxy.as_str(), gateway.revision.as_str(), gateway.admin_port), ("gateway", "default", 15000));
    }

    #[test]
    fn pods_are_chosen_by_namespace_selector_and_app() {
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", PODS).mesh();
        let named = |selector: Option<&str>, app: Option<&str>| {
            let options = PodOptions { selector: selector.map(Into::into), app: app.map(Into::into) };
            let mut names: Vec<_> = wait(pods(&mesh, None, &options)).unwrap().into_iter().map(|pod| pod.name).collect();
            names.sort();
            names
        };
        assert_eq!(named(Some("version=v2"), None), ["recommendation-v2-5fb7467455-nkssc"]);
        assert_eq!(named(None, Some("recommendation")).len(), 2);
        assert_eq!(named(Some("version=v1"), Some("recommendation")), ["recommendation-v1-54cf68f5fb-kmkbj"]);
        let wrong = PodOptions { selector: Some("a===".into()), app: None };
        assert_eq!(wait(pods(&mesh, None, &wrong)).unwrap_err().kind(), Kind::BadInput);
    }

    #[test]
    fn who_may_only_see_his_own_namespace_sees_that_and_is_told() {
        let fake = || Fake::new().refuses("kube GET /api/v1/pods?limit=500", 403, FORBIDDEN);
        let mesh = fake().kube("/api/v1/namespaces/default/pods?limit=500", PODS).mesh();
        assert_eq!(wait(pods(&mesh, None, &PodOptions::default())).unwrap().len(), 6);
        assert!(mesh.partial() && mesh.take_notes()[0].contains("only those of default are shown"));
        let nothing = fake().refuses("kube GET /api/v1/namespaces/default/pods?limit=500", 403, FORBIDDEN).mesh();
        assert_eq!(wait(pods(&nothing, None, &PodOptions::default())).unwrap_err().kind(), Kind::Forbidden);
    }

    #[test]
    fn a_pod_of_nothing_is_still_a_row() {
        let pod = Pod::read(&serde_json::json!({"metadata": {"name": "bare"}}), super::super::fake::now());
        assert_eq!((pod.name.as_str(), pod.proxy.as_str(), pod.owner.as_str(), pod.ready.as_str()), ("bare", "none", "", "0/0"));
    }
}
