//! Ports of pods on this machine, as rows; and which pod and port a dashboard is.

use super::Mesh;
use super::istiods::objects;
use super::pod_ref::{Asked, PodArg, PodTarget, resolve, resolve_proxy};
use super::pods::{Pod, PodOptions, pods};
use crate::backend::{Forward, Forwards, PodPort};
use crate::error::{Error, Kind, Result};
use crate::suggest::nearest;
use crate::{options, record};

options! {
    /// How to open a port-forward.
    pub struct ForwardOptions as "forward options" {
        /// Open the URL in a browser.
        pub open: bool,
    }
}

record! {
    /// A port of a pod that can be reached from this machine.
    pub struct ForwardRow as "forward" {
        /// What to open in a browser, or to give to `curl`.
        pub url: String,
        /// The pod's namespace.
        pub namespace: String,
        /// The pod.
        pub pod: String,
        /// The port inside the pod.
        pub port: u16,
        /// The port on this machine.
        pub local_port: u16,
        /// Connections so far.
        pub connections: u64,
        /// Connections that are open.
        pub open: u64,
        /// Bytes that came from the pod.
        pub received: u64,
        /// Bytes that went to the pod.
        pub sent: u64,
        /// Why the last connection failed, of those that did.
        pub last_error: String,
    }
}

impl ForwardRow {
    /// As it stands now.
    pub fn of(forward: &Forward) -> Self {
        let traffic = forward.traffic();
        Self {
            url: forward.url(),
            namespace: forward.target.namespace.clone(),
            pod: forward.target.pod.clone(),
            port: forward.target.port,
            local_port: forward.local.port(),
            connections: traffic.connections,
            open: traffic.open,
            received: traffic.received,
            sent: traffic.sent,
            last_error: traffic.last_error,
        }
    }
}

/// Make a port of a pod reachable from here, on the loopback address.
///
/// # Errors
/// When there is no such pod, it may not be done, or one of the two ports cannot be used.
pub async fn forward(forwards: &Forwards, asked: &Asked, port: u16, local: Option<u16>) -> Result<ForwardRow> {
    let pod = resolve(&asked.mesh, &asked.pod).await?;
    open(forwards, &asked.mesh, &pod, port, local, "").await
}

async fn open(
    forwards: &Forwards,
    mesh: &Mesh,
    pod: &PodTarget,
    port: u16,
    local: Option<u16>,
    path: &str,
) -> Result<ForwardRow> {
    let target = PodPort { namespace: pod.namespace.clone(), pod: pod.name.clone(), port };
    let forward = forwards.open(mesh.backend(), target, local, path).await?;
    mesh.note(format!("{} leads to port {port} of pod {pod}", forward.url()));
    Ok(ForwardRow::of(&forward))
}

/// A page that people look at in a browser.
struct Dashboard {
    name: &'static str,
    port: u16,
    path: &'static str,
}

/// In the order of istioctl's help, which has the same names and ports.
const DASHBOARDS: [Dashboard; 9] = [
    Dashboard { name: "controlz", port: 9876, path: "" },
    Dashboard { name: "envoy", port: 15000, path: "" },
    Dashboard { name: "grafana", port: 3000, path: "" },
    Dashboard { name: "istiod-debug", port: 15014, path: "/debug" },
    Dashboard { name: "jaeger", port: 16686, path: "" },
    Dashboard { name: "kiali", port: 20001, path: "/kiali" },
    Dashboard { name: "prometheus", port: 9090, path: "" },
    Dashboard { name: "skywalking", port: 8080, path: "" },
    Dashboard { name: "zipkin", port: 9411, path: "" },
];

/// Make a dashboard reachable from here. Without a pod it is looked for; only Envoy's needs one.
///
/// # Errors
/// When there is no dashboard of this name, no pod that runs it, or as for [`forward`].
pub async fn dashboard(mesh: &Mesh, forwards: &Forwards, what: &str, asked: Option<&Asked>) -> Result<ForwardRow> {
    let dashboard = named(what)?;
    match asked {
        Some(asked) if dashboard.name == "envoy" => {
            let pod = resolve_proxy(&asked.mesh, &asked.pod).await?;
            let port = if pod.admin_port == 0 { dashboard.port } else { pod.admin_port };
            open(forwards, &asked.mesh, &pod, port, None, dashboard.path).await
        }
        Some(asked) => {
            let pod = resolve(&asked.mesh, &asked.pod).await?;
            open(forwards, &asked.mesh, &pod, dashboard.port, None, dashboard.path).await
        }
        None => {
            let pod = found(mesh, dashboard).await?;
            open(forwards, mesh, &pod, dashboard.port, None, dashboard.path).await
        }
    }
}

fn named(what: &str) -> Result<&'static Dashboard> {
    let what = what.trim().to_ascii_lowercase();
    let name = if what == "proxy" { "envoy" } else { &what };
    let all = DASHBOARDS.map(|dashboard| dashboard.name);
    DASHBOARDS.iter().find(|dashboard| dashboard.name == name).ok_or_else(|| {
        let error = Error::new(Kind::BadInput, format!("there is no dashboard `{what}`"));
        let known = format!("there are {}; any other port: `port_forward(pod, port)`", all.join(", "));
        match nearest(&what, all) {
            Some(near) => error.hint(format!("did you mean `{near}`? {known}")),
            None => error.hint(known),
        }
    })
}

/// The pod that runs a dashboard: of several the first, those beside istiod before others.
async fn found(mesh: &Mesh, dashboard: &Dashboard) -> Result<PodTarget> {
    let name = dashboard.name;
    if name == "envoy" {
        return Err(Error::new(Kind::BadInput, "which pod's Envoy?").hint("`dashboard(\"envoy\", \"deploy/web\")`"));
    }
    let mut all: Vec<Pod> = if matches!(name, "controlz" | "istiod-debug") {
        objects(mesh).await?.iter().map(|pod| Pod::read(pod, mesh.now())).collect()
    } else {
        let mut all = pods(mesh, Some("*"), &PodOptions::default()).await?;
        all.retain(|pod| runs(pod, name));
        all
    };
    all.retain(|pod| pod.status == "Running");
    all.sort_by_key(|pod| (pod.namespace != "istio-system", pod.namespace.clone(), pod.name.clone()));
    let others = all.len().saturating_sub(1);
    let Some(pod) = all.into_iter().next() else {
        return Err(Error::new(Kind::NotFound, format!("no running pod is known to be {name}")).hint(format!(
            "it is looked for by the labels app={name} and app.kubernetes.io/name={name}; name the pod: `dashboard(\"{name}\", \"namespace/pod\")`"
        )));
    };
    if others > 0 {
        mesh.note(format!("{} of {} pods that run {name}: {}/{}", 1, others + 1, pod.namespace, pod.name));
    }
    Ok(pod.into())
}

fn runs(pod: &Pod, name: &str) -> bool {
    let label = |key: &str| pod.labels.get(key).map(String::as_str);
    let is = |value: Option<&str>| value == Some(name) || (name == "skywalking" && value == Some("skywalking-ui"));
    is(label("app")) || is(label("app.kubernetes.io/name"))
}

/// The pod that an argument names, when it names one at all: empty text stands for none.
pub fn maybe(asked: Asked) -> Option<Asked> {
    match &asked.pod {
        PodArg::Text(text) if text.trim().is_empty() => None,
        _ => Some(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");

    fn asked(mesh: &Mesh, pod: &str) -> Asked {
        Asked { mesh: mesh.clone(), pod: PodArg::Text(pod.into()) }
    }

    #[test]
    fn a_name_that_is_none_is_told_with_the_nearest() {
        let error = wait(dashboard(&Fake::new().mesh(), &Forwards::default(), "kialy", None)).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::BadInput, "there is no dashboard `kialy`"));
        assert!(error.next_step().unwrap().starts_with("did you mean `kiali`?"), "{error:?}");
    }

    #[test]
    fn dashboards_are_found_and_need_something_live() {
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", PODS).mesh();
        let forwards = Forwards::default();
        let error = wait(dashboard(&mesh, &forwards, "controlz", None)).unwrap_err();
        assert_eq!(error.kind(), Kind::TapeMiss, "{error:?}");
        assert!(
            error.message().starts_with("port istio-system/istiod-") && error.message().contains(":9876 cannot be opened"),
            "{error}"
        );
        let error = wait(dashboard(&mesh, &forwards, "kiali", None)).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::NotFound, "no running pod is known to be kiali"));
        let error = wait(dashboard(&mesh, &forwards, "proxy", None)).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::BadInput, "which pod's Envoy?"));
        assert!(forwards.all().is_empty());
    }

    #[test]
    fn a_pod_that_is_none_is_told_before_anything_is_opened() {
        let mesh = Fake::new().kube("/api/v1/namespaces/olaf-customer/pods?limit=500", PODS).mesh();
        let one = asked(&mesh, "deploy/nobody.olaf-customer");
        assert!(wait(forward(&Forwards::default(), &one, 8080, None)).is_err());
        assert!(maybe(asked(&mesh, " ")).is_none() && maybe(one).is_some());
    }
}
