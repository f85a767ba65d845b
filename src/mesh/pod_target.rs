//! A pod that was found: whether its proxy can be asked, and if not, why.

use super::Mesh;
use super::dig::label;
use super::kube::{encode, find};
use super::pods::Pod;
use crate::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// A pod that was found, with what must be known before it is asked something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodTarget {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its proxy, in the words of [`Pod::proxy`].
    pub proxy: String,
    /// What the proxy's container does: `running`, or why not.
    pub proxy_state: String,
    /// kubectl's word for its state.
    pub status: String,
    /// Why it is not running.
    pub why: String,
    /// What in the pod keeps a sidecar out.
    pub opted_out: String,
    /// Whether ztunnel carries its traffic.
    pub ambient: bool,
    /// The proxy's admin port.
    pub admin_port: u16,
    /// Its containers.
    pub containers: Vec<String>,
    /// The container that logs are read from when none is named.
    pub default_container: String,
    /// The revision of the control plane that injected it.
    pub revision: String,
}

/// Whose pages a function reads: Envoy and ztunnel have few in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// Sidecars, gateways and waypoints.
    Envoy,
    /// The node proxies of an ambient mesh.
    Ztunnel,
    /// Pages that both have.
    Any,
}

impl Runs {
    /// Whether a proxy, in the words of [`Pod::proxy`], is of this sort. What is not known yet may be.
    pub fn fits(self, proxy: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Envoy => proxy != "ztunnel",
            // Of a pod without any proxy there is more to say than that.
            Self::Ztunnel => matches!(proxy, "ztunnel" | "none" | ""),
        }
    }

    /// That these pods run the other sort of proxy, and which functions read that.
    pub fn misfit(self, pods: &str) -> Error {
        let (runs, functions) = match self {
            Self::Ztunnel => {
                ("Envoy, not ztunnel", "clusters, listeners, routes, endpoints, secrets, bootstrap, ecds and filters")
            }
            _ => ("ztunnel, not Envoy", "workloads, services, policies, certificates and connections"),
        };
        Error::new(Kind::NoProxy, format!("{pods} {runs}"))
            .hint(format!("its configuration is read by {functions}; config_dump has all of it"))
    }
}

impl PodTarget {
    /// That its proxy is of the sort that is asked.
    ///
    /// # Errors
    /// [`Kind::NoProxy`], with the functions that read the other sort.
    pub fn check_runs(&self, runs: Runs) -> Result<()> {
        if runs.fits(&self.proxy) { Ok(()) } else { Err(runs.misfit(&format!("pod {self} runs"))) }
    }

    pub(crate) fn from_row(row: &Map<String, Value>) -> Result<Self> {
        let text = |key: &str| row.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (Some(namespace), Some(name)) = (text("namespace"), text("pod").or_else(|| text("name"))) else {
            let keys: Vec<&str> = row.keys().map(String::as_str).take(8).collect();
            return Err(Error::new(Kind::BadInput, format!("this is no pod: it has {}", keys.join(", ")))
                .hint("give a row of `pods()`, a map with `namespace` and `name`, or text such as \"name.namespace\" or \"deploy/name\""));
        };
        let pod = row.contains_key("proxy_state").then(|| serde_json::from_value(Value::Object(row.clone())).ok()).flatten();
        Ok(Self { namespace: namespace.into(), name: name.into(), ..pod.unwrap_or_default() })
    }

    /// Whether its proxy can be asked at all.
    pub(crate) fn check(&self) -> Result<()> {
        match self.proxy.as_str() {
            "" | "none" => Err(Error::new(Kind::NoProxy, format!("pod {self} runs no proxy"))),
            "agentgateway" => Err(Error::new(
                Kind::NoProxy,
                format!("pod {self} runs agentgateway, which is no Envoy and has no such admin pages"),
            )
            .hint("look at its Gateway and its logs instead: `get(\"gateway\")`, `logs(pod)`")),
            _ if self.proxy_state == "running" => Ok(()),
            _ => {
                let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
                Err(Error::new(
                    Kind::NotRunning,
                    format!("pod {self} is {}, its proxy is {}{why}", self.status, self.proxy_state),
                )
                .hint(format!("see `events(\"{}\")`, and `logs(pod, #{{previous: true}})` if it crashed", self.namespace)))
            }
        }
    }
}

impl From<Pod> for PodTarget {
    fn from(pod: Pod) -> Self {
        Self {
            namespace: pod.namespace,
            name: pod.name,
            proxy: pod.proxy,
            proxy_state: pod.proxy_state,
            status: pod.status,
            why: pod.why,
            opted_out: pod.opted_out,
            ambient: pod.ambient,
            admin_port: pod.admin_port,
            containers: pod.containers,
            default_container: pod.default_container,
            revision: pod.revision,
        }
    }
}

impl fmt::Display for PodTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Say why a pod has no proxy, and what would give it one.
pub(crate) async fn explain(mesh: &Mesh, target: &PodTarget, error: Error) -> Error {
    if target.proxy == "agentgateway" {
        return error;
    }
    if target.containers.iter().any(|name| name == "discovery") {
        return error.cause("it is istiod, the control plane").hint("ask it with `istiods()` and `istiod_logs()`");
    }
    if target.ambient {
        return error
            .cause("the mesh is ambient here: the ztunnel of its node carries it")
            .hint("ask the ztunnel pod of its node, or its waypoint");
    }
    let restart = "then restart the workload: proxies come in when pods are made";
    if !target.opted_out.is_empty() {
        return error
            .cause(format!("kept out by {}", target.opted_out))
            .hint(format!("remove that in the workload's pod template, {restart}"));
    }
    let namespace = find(mesh, &format!("/api/v1/namespaces/{}", encode(&target.namespace))).await;
    match namespace {
        Ok(Some(object)) if injects(&object) => error
            .cause(format!(
                "namespace {} injects proxies, so the pod is older than that or the injector failed",
                target.namespace
            ))
            .hint(format!(
                "restart the workload; if that does not help, see `events(\"{}\")` and istiod's webhook",
                target.namespace
            )),
        Ok(Some(_)) => error.cause(format!("namespace {} is not labelled for injection", target.namespace)).hint(format!(
            "`kubectl label namespace {0} istio-injection=enabled` (or istio.io/rev=REVISION), {restart}",
            target.namespace
        )),
        _ => error.hint(format!(
            "is namespace {} labelled istio-injection=enabled or istio.io/rev=REVISION? label it, {restart}",
            target.namespace
        )),
    }
}

fn injects(namespace: &Value) -> bool {
    match label(namespace, "istio-injection") {
        Some(word) => word == "enabled",
        None => label(namespace, "istio.io/rev").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::super::pod_ref::{PodArg, resolve_proxy};
    use super::*;
    use serde_json::json;

    fn refused(pod: Value, namespace: Option<Value>) -> Error {
        let mut fake = Fake::new().kube("/api/v1/namespaces/n/pods/p", pod.to_string());
        if let Some(namespace) = namespace {
            fake = fake.kube("/api/v1/namespaces/n", namespace.to_string());
        }
        wait(resolve_proxy(&fake.mesh(), &PodArg::Text("n/p".into()))).unwrap_err()
    }

    #[test]
    fn a_pod_without_a_proxy_says_why_and_what_to_do() {
        let pod = |metadata: Value, spec: Value| {
            json!({"metadata": {"name": "p", "namespace": "n", "labels": metadata["labels"],
            "annotations": metadata["annotations"]}, "spec": spec, "status": {"phase": "Running"}})
        };
        let plain = json!({"containers": [{"name": "web"}]});
        let bare = || pod(json!({}), plain.clone());
        let labelled = json!({"metadata": {"name": "n", "labels": {"istio-injection": "enabled"}}});
        let unlabelled = json!({"metadata": {"name": "n", "labels": {"istio-injection": "disabled", "istio.io/rev": "a"}}});
        for (error, cause, hint) in [
            (
                refused(bare(), Some(unlabelled)),
                "not labelled for injection",
                "kubectl label namespace n istio-injection=enabled",
            ),
            (refused(bare(), Some(labelled)), "injects proxies, so the pod is older", "restart the workload"),
            (refused(bare(), None), "", "is namespace n labelled"),
            (
                refused(pod(json!({"labels": {"sidecar.istio.io/inject": "false"}}), plain.clone()), None),
                "kept out by the pod's label",
                "remove that",
            ),
            (refused(pod(json!({}), json!({"hostNetwork": true, "containers": []})), None), "host's network", "remove that"),
            (
                refused(pod(json!({"annotations": {"ambient.istio.io/redirection": "enabled"}}), plain.clone()), None),
                "ztunnel",
                "waypoint",
            ),
            (refused(pod(json!({}), json!({"containers": [{"name": "discovery"}]})), None), "control plane", "istiods()"),
        ] {
            assert_eq!(error.kind(), Kind::NoProxy);
            assert!(error.to_string().contains("pod n/p runs no proxy") && error.to_string().contains(cause), "{error}");
            assert!(error.next_step().unwrap().contains(hint), "{error:?}");
        }
    }

    #[test]
    fn a_proxy_that_does_not_run_is_not_asked_but_one_beside_a_crashing_app_is() {
        let statuses = |proxy: Value| {
            json!({"metadata": {"name": "p", "namespace": "n"},
            "spec": {"containers": [{"name": "app"}, {"name": "istio-proxy"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Initialized", "status": "True"}], "containerStatuses": [
                {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}},
                {"name": "istio-proxy", "state": proxy}]}})
        };
        let down = refused(statuses(json!({"waiting": {"reason": "ImagePullBackOff"}})), None);
        assert_eq!(down.kind(), Kind::NotRunning);
        assert_eq!(down.message(), "pod n/p is CrashLoopBackOff, its proxy is ImagePullBackOff: container app: back-off");
        let up = Fake::new().kube("/api/v1/namespaces/n/pods/p", statuses(json!({"running": {}})).to_string()).mesh();
        assert_eq!(wait(resolve_proxy(&up, &PodArg::Text("n/p".into()))).unwrap().proxy, "sidecar");
    }
}
