//! What a script calls a pod: a row, or text in istioctl's forms. Resolved, and told apart before a proxy is asked.

use super::Mesh;
use super::dig::Dig;
use super::kube::{check_namespace, encode, find};
use super::pod_proxy::ADMIN_PORT;
use super::pod_target::explain;
use super::pods::{Pod, raw};
use super::selector::Selector;
use crate::error::{Error, Kind, Result};
use crate::suggest::closest;
use serde_json::{Map, Value};
use std::fmt;

pub use super::pod_target::{PodTarget, Runs};

/// A pod, as an argument of a function.
#[derive(Debug, Clone, PartialEq)]
pub enum PodArg {
    /// `name`, `name.ns`, `ns/name`, `deploy/name[.ns]`, `svc/name[.ns]`, `sts/…`, `ds/…`.
    Text(String),
    /// A row or a map with a `namespace`, and with the pod's name under `pod` or `name`.
    Row(Map<String, Value>),
}

impl PodArg {
    /// The word for its proxy, as far as the row says it; empty when that must be asked.
    pub fn proxy(&self) -> &str {
        match self {
            Self::Text(_) => "",
            Self::Row(row) => row.get("proxy").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

impl fmt::Display for PodArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Row(row) => match PodTarget::from_row(row) {
                Ok(target) => target.fmt(f),
                Err(_) => f.write_str("(no pod)"),
            },
        }
    }
}

/// A pod, and the mesh that knows it: the one at hand, or a tape that was opened beside it.
#[derive(Clone)]
pub struct Asked {
    /// The mesh to ask.
    pub mesh: Mesh,
    /// The pod.
    pub pod: PodArg,
}

impl Asked {
    /// Find the pod, and make sure that it runs a proxy of this sort which can be asked.
    ///
    /// # Errors
    /// As [`resolve_proxy`]; [`Kind::NoProxy`] when it runs the other sort.
    pub async fn proxy(&self, runs: Runs) -> Result<PodTarget> {
        let target = resolve_proxy(&self.mesh, &self.pod).await?;
        target.check_runs(runs)?;
        Ok(target)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pod.fmt(f)
    }
}

/// Find the pod that is meant, whatever it runs.
///
/// # Errors
/// When there is none (with the nearest names), or the text could mean several.
pub async fn resolve(mesh: &Mesh, arg: &PodArg) -> Result<PodTarget> {
    match arg {
        PodArg::Text(text) => named(mesh, text.trim()).await.map(PodTarget::from),
        PodArg::Row(row) => match PodTarget::from_row(row)? {
            target if target.proxy.is_empty() => in_namespace(mesh, &target.namespace, &target.name).await.map(PodTarget::from),
            target => Ok(target),
        },
    }
}

/// Find the pod that is meant, and make sure that it runs a proxy which can be asked.
///
/// # Errors
/// As [`resolve`]; [`Kind::NoProxy`] and [`Kind::NotRunning`] say why, and what to do about it.
pub async fn resolve_proxy(mesh: &Mesh, arg: &PodArg) -> Result<PodTarget> {
    let mut target = resolve(mesh, arg).await?;
    if (target.check().is_err() || target.admin_port != ADMIN_PORT) && matches!(arg, PodArg::Row(_)) {
        // A row may be old, or made up: what it says is only held against the pod when the pod still is like that, and
        // which port is asked the pod itself decides.
        target = in_namespace(mesh, &target.namespace, &target.name).await?.into();
    }
    match target.check() {
        Err(error) if error.kind() == Kind::NoProxy => Err(explain(mesh, &target, error).await),
        Err(error) => Err(error),
        Ok(()) => Ok(target),
    }
}

async fn named(mesh: &Mesh, text: &str) -> Result<Pod> {
    if text.is_empty() {
        return Err(Error::new(Kind::BadInput, "a pod's name is empty").hint("`pods()` lists them"));
    }
    if let Some((left, right)) = text.split_once('/') {
        let Some(kind) = workload(left) else { return in_namespace(mesh, left, right).await };
        let (name, namespace) = match right.rsplit_once('.') {
            Some((name, namespace)) => (name, namespace.to_owned()),
            None => (right, mesh.home()),
        };
        return match kind {
            "Pod" => in_namespace(mesh, &namespace, name).await,
            "Service" => of_service(mesh, &namespace, name).await,
            kind => of_workload(mesh, &namespace, kind, name).await,
        };
    }
    match text.rsplit_once('.') {
        Some((name, namespace)) => match in_namespace(mesh, namespace, name).await {
            // Pod names may hold dots themselves.
            Err(missing) if missing.kind() == Kind::NotFound => get(mesh, &mesh.home(), text).await?.ok_or(missing),
            found => found,
        },
        None => anywhere(mesh, text).await,
    }
}

/// The name of standard input.
pub const STDIN: &str = "-";

/// Whether text is a file's name rather than a pod's: it is `-`, begins with `./`, `../`, `/` or `~/`, or ends as files with
/// documents do. With a workload's kind in front (`deploy/name.json`) it is a pod's all the same.
pub fn names_file(text: &str) -> bool {
    const STARTS: [&str; 4] = ["./", "../", "/", "~/"];
    const ENDINGS: [&str; 8] = ["json", "txt", "gz", "zst", "yaml", "yml", "html", "tape"];
    let text = text.trim();
    let ends = text
        .rsplit_once('.')
        .is_some_and(|(name, ending)| !name.is_empty() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
    let kind = text.split_once('/').is_some_and(|(kind, _)| is_workload(kind));
    text == STDIN || STARTS.iter().any(|start| text.starts_with(start)) || (ends && !kind)
}

/// Whether a word is a kind that names pods: `deploy`, `svc`, `pod`.
pub fn is_workload(word: &str) -> bool {
    workload(word).is_some()
}

fn workload(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "po" | "pod" | "pods" => "Pod",
        "svc" | "service" | "services" => "Service",
        "deploy" | "deployment" | "deployments" | "deployment.apps" => "Deployment",
        "sts" | "statefulset" | "statefulsets" => "StatefulSet",
        "ds" | "daemonset" | "daemonsets" => "DaemonSet",
        "rs" | "replicaset" | "replicasets" => "ReplicaSet",
        "job" | "jobs" => "Job",
        _ => return None,
    })
}

async fn get(mesh: &Mesh, namespace: &str, name: &str) -> Result<Option<Pod>> {
    let path = format!("/api/v1/namespaces/{}/pods/{}", encode(namespace), encode(name));
    Ok(find(mesh, &path).await?.map(|pod| Pod::read(&pod, mesh.now())))
}

async fn in_namespace(mesh: &Mesh, namespace: &str, name: &str) -> Result<Pod> {
    if let Some(pod) = get(mesh, namespace, name).await? {
        return Ok(pod);
    }
    let missing = Error::new(Kind::NotFound, format!("there is no pod {name} in namespace {namespace}"));
    let others = rows(mesh, Some(namespace)).await.unwrap_or_default();
    if others.is_empty() {
        check_namespace(mesh, Some(namespace)).await?;
        return Err(
            missing.hint(format!("namespace {namespace} has no pods that you can see; `namespaces()` lists the namespaces"))
        );
    }
    Err(near(missing, name, &others))
}

/// A bare name: in the namespace at hand, else wherever there is exactly one of that name.
async fn anywhere(mesh: &Mesh, name: &str) -> Result<Pod> {
    let home = mesh.home();
    if let Some(pod) = get(mesh, &home, name).await? {
        return Ok(pod);
    }
    let missing = Error::new(Kind::NotFound, format!("there is no pod {name} in namespace {home}"));
    let Ok(all) = rows(mesh, None).await else {
        return Err(missing.hint(format!("write \"{name}.NAMESPACE\" if it lives elsewhere")));
    };
    let same: Vec<&Pod> = all.iter().filter(|pod| pod.name == name).collect();
    match same.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(near(missing, name, &all)),
        several => {
            let places: Vec<String> = several.iter().map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect();
            Err(Error::new(Kind::BadInput, format!("{name} could be several pods: {}", places.join(", ")))
                .hint("write it as \"namespace/name\""))
        }
    }
}

async fn rows(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<Pod>> {
    let now = mesh.now();
    Ok(raw(mesh, namespace, "").await?.iter().map(|pod| Pod::read(pod, now)).collect())
}

/// Name the nearest pods, and the workload of that very name if there is one.
fn near(missing: Error, name: &str, pods: &[Pod]) -> Error {
    if let Some(pod) = pods.iter().find(|pod| pod.owner.rsplit('/').next() == Some(name) || pod.app == name) {
        let workload = pod.owner.rsplit('/').next().unwrap_or(name);
        let form = if pod.owner.starts_with("Deployment/") {
            format!("deploy/{workload}.{}", pod.namespace)
        } else {
            format!("{}/{}", pod.namespace, pod.name)
        };
        return missing.hint(format!("did you mean \"{form}\"?"));
    }
    let names = closest(name, pods.iter().map(|pod| pod.name.as_str()), 3);
    let full = |name: &&str| pods.iter().find(|pod| pod.name == **name).map(|pod| format!("{}/{}", pod.namespace, pod.name));
    let names: Vec<String> = names.iter().filter_map(full).collect();
    match names.is_empty() {
        true => missing.hint("`pods()` lists them all"),
        false => missing.hint(format!("the nearest names are {}", names.join(", "))),
    }
}

async fn of_workload(mesh: &Mesh, namespace: &str, kind: &str, name: &str) -> Result<Pod> {
    let all = rows(mesh, Some(namespace)).await?;
    let wanted = format!("{kind}/{name}");
    let own: Vec<Pod> = all.iter().filter(|pod| pod.owner == wanted).cloned().collect();
    best(own).ok_or_else(|| {
        let missing = Error::new(Kind::NotFound, format!("no pod in namespace {namespace} belongs to {wanted}"));
        let mut owners: Vec<&str> = all.iter().map(|pod| pod.owner.as_str()).filter(|owner| !owner.is_empty()).collect();
        owners.sort_unstable();
        owners.dedup();
        let near = closest(&wanted, owners.iter().copied(), 3);
        match near.is_empty() {
            true => missing.hint(format!("it may be scaled to zero: `deployments(\"{namespace}\")` tells")),
            false => missing.hint(format!("pods there belong to {}", near.join(", "))),
        }
    })
}

async fn of_service(mesh: &Mesh, namespace: &str, name: &str) -> Result<Pod> {
    let path = format!("/api/v1/namespaces/{}/services/{}", encode(namespace), encode(name));
    let service = find(mesh, &path).await?.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("there is no service {name} in namespace {namespace}"))
            .hint(format!("`services(\"{namespace}\")` lists them"))
    })?;
    let labels = service.map("/spec/selector");
    if labels.is_empty() {
        return Err(Error::new(Kind::NotFound, format!("service {namespace}/{name} selects no pods: it has no selector"))
            .hint("its endpoints are made by hand or lie outside the cluster: name a pod instead"));
    }
    let selector = Selector::of(&labels);
    let own = rows(mesh, Some(namespace)).await?.into_iter().filter(|pod| selector.matches(&pod.labels)).collect();
    best(own).ok_or_else(|| {
        let wanted: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Error::new(Kind::NotFound, format!("service {namespace}/{name} selects no pod: none has {}", wanted.join(",")))
            .hint("compare the service's selector with the pods' labels")
    })
}

/// The pod to ask when a workload has several: one with a running proxy, else a running one, by name.
fn best(mut pods: Vec<Pod>) -> Option<Pod> {
    pods.sort_by_key(|pod| (pod.proxy_state != "running", pod.status != "Running", pod.name.clone()));
    pods.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const NO_POD: &str = include_str!("../../tests/data/kube/no-such-pod.json");
    const CUSTOMER: &str = "customer-686cf5bf47-mtgsn";

    /// The recorded pods as a cluster answers: every list, every pod by name, and 404 for the names given.
    fn cluster(missing: &[&str]) -> Fake {
        let all: Value = serde_json::from_str(PODS).unwrap();
        let mut fake = Fake::new().kube("/api/v1/pods?limit=500", PODS);
        for pod in all.list("/items") {
            fake = fake.kube(&path(&pod.string("/metadata/namespace"), &pod.string("/metadata/name")), pod.to_string());
        }
        for namespace in ["olaf", "olaf-customer", "istio-system", "nowhere", "default"] {
            let items: Vec<_> = all.list("/items").iter().filter(|p| p.text("/metadata/namespace") == Some(namespace)).collect();
            fake = fake.kube(&format!("/api/v1/namespaces/{namespace}/pods?limit=500"), json!({"items": items}).to_string());
        }
        missing.iter().fold(fake, |fake, name| {
            let (namespace, name) = name.split_once('/').unwrap();
            fake.refuses(&format!("kube GET {}", path(namespace, name)), 404, NO_POD)
        })
    }

    fn path(namespace: &str, name: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/pods/{name}")
    }

    fn text(mesh: &Mesh, text: &str) -> Result<String> {
        wait(resolve(mesh, &PodArg::Text(text.into()))).map(|target| target.to_string())
    }

    #[test]
    fn every_form_leads_to_the_pod() {
        let service = json!({"spec": {"selector": {"app": "recommendation"}}}).to_string();
        let mesh = cluster(&["default/customer-686cf5bf47-mtgsn"])
            .kube("/api/v1/namespaces/olaf-customer/services/recommendation", service)
            .mesh();
        let full = format!("olaf-customer/{CUSTOMER}");
        for form in [
            format!("olaf-customer/{CUSTOMER}"),
            format!("{CUSTOMER}.olaf-customer"),
            format!("pod/{CUSTOMER}.olaf-customer"),
            "deploy/customer.olaf-customer".into(),
            "Deployment/customer.olaf-customer".into(),
            format!(" {CUSTOMER} "),
        ] {
            assert_eq!(text(&mesh, &form).unwrap(), full, "{form}");
        }
        assert_eq!(text(&mesh, "svc/recommendation.olaf-customer").unwrap(), "olaf-customer/recommendation-v1-54cf68f5fb-kmkbj");
        let here = crate::backend::Site::new(cluster(&[]).mesh().backend().clone(), Some("olaf-customer".into()));
        let at_home = Mesh::new(std::sync::Arc::new(here));
        assert_eq!(text(&at_home, "deploy/customer").unwrap(), full);
    }

    #[test]
    fn an_unknown_pod_names_the_nearest() {
        let mesh = cluster(&[
            "olaf-customer/customer-686cf5bf47-mtgsx",
            "olaf-customer/customer",
            "default/customer",
            "nowhere/a",
            "default/customer-686cf5bf47-mtgsx.olaf-customer",
            "default/customer.olaf-customer",
            "default/a.nowhere",
        ])
        .mesh();
        for (form, hint) in [
            ("customer-686cf5bf47-mtgsx.olaf-customer", "the nearest names are olaf-customer/customer-686cf5bf47-mtgsn"),
            ("customer", "did you mean \"deploy/customer.olaf-customer\"?"),
            ("customer.olaf-customer", "did you mean \"deploy/customer.olaf-customer\"?"),
            ("deploy/custmer.olaf-customer", "pods there belong to Deployment/customer"),
            ("a.nowhere", "namespace nowhere has no pods"),
        ] {
            let error = text(&mesh, form).unwrap_err();
            assert_eq!(error.kind(), Kind::NotFound, "{form}");
            assert!(error.next_step().unwrap().contains(hint), "{form}: {error:?}");
        }
    }

    #[test]
    fn a_name_that_two_namespaces_have_is_not_guessed() {
        let pod = |namespace: &str| json!({"metadata": {"name": "web", "namespace": namespace}});
        let mesh = Fake::new()
            .refuses("kube GET /api/v1/namespaces/default/pods/web", 404, NO_POD)
            .kube("/api/v1/pods?limit=500", json!({"items": [pod("a"), pod("b")]}).to_string())
            .mesh();
        let error = text(&mesh, "web").unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::BadInput, "web could be several pods: a/web, b/web"));
    }

    #[test]
    fn services_that_select_nothing_say_so() {
        let mesh = cluster(&[])
            .kube("/api/v1/namespaces/olaf/services/none", r#"{"spec":{}}"#)
            .kube("/api/v1/namespaces/olaf/services/miss", r#"{"spec":{"selector":{"app":"zzz"}}}"#)
            .refuses("kube GET /api/v1/namespaces/olaf/services/gone", 404, NO_POD)
            .mesh();
        for (name, says) in [("none", "no selector"), ("miss", "none has app=zzz"), ("gone", "there is no service gone")] {
            let error = text(&mesh, &format!("svc/{name}.olaf")).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }

    #[test]
    fn rows_are_taken_as_they_are_and_other_tables_by_their_pod_column() {
        let (mesh, fake) = cluster(&[]).shared();
        let pods = wait(super::super::pods::pods(&mesh, Some("olaf-customer"), &Default::default())).unwrap();
        let Value::Object(row) = serde_json::to_value(&pods[0]).unwrap() else { panic!("a row is an object") };
        let before = fake.asked().len();
        assert_eq!(wait(resolve_proxy(&mesh, &PodArg::Row(row))).unwrap(), PodTarget::from(pods[0].clone()));
        assert_eq!(fake.asked().len(), before);
        let filter = json!({"namespace": "olaf-customer", "pod": CUSTOMER, "name": "envoy.filters.http.router"});
        let target = wait(resolve(&mesh, &PodArg::Row(filter.as_object().unwrap().clone()))).unwrap();
        assert_eq!((target.name.as_str(), target.proxy.as_str()), (CUSTOMER, "sidecar"));
        let nonsense = json!({"a": 1}).as_object().unwrap().clone();
        assert!(wait(resolve(&mesh, &PodArg::Row(nonsense))).unwrap_err().message().contains("this is no pod: it has a"));
    }
    #[test]
    fn an_old_row_is_not_held_against_a_pod_that_recovered() {
        let mesh = cluster(&[]).mesh();
        let row = json!({"namespace": "olaf-customer", "name": CUSTOMER, "proxy": "sidecar", "proxy_state": "CrashLoopBackOff", "status": "Error"});
        let target = wait(resolve_proxy(&mesh, &PodArg::Row(row.as_object().unwrap().clone()))).unwrap();
        assert_eq!(target.proxy_state, "running");
    }
}
