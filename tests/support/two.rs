//! Two served clusters and one that is dead, in one kubeconfig: for sessions that go from one to the other.

use super::cluster::{Cluster, ClusterOptions, Entry, FakeProxy, PodTarget, Question, Recording, Via};
use super::run::TempDir;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::Duration;

/// The pod that each of the clusters has, in its namespace `shop`.
pub const POD: &str = "shop/web";

/// The clusters `lab` and `eu-prod`, and `dead`, whose API server takes connections and never answers.
pub struct Two {
    /// With the kubeconfig.
    pub home: TempDir,
    pub lab: Cluster,
    pub prod: Cluster,
    /// The proxies of their pods.
    pub proxies: [FakeProxy; 2],
    _dead: TcpListener,
}

impl Two {
    /// Served, with `lab` as the current context, whose namespace is `shop`.
    pub fn serve() -> Self {
        let home = TempDir::new();
        let proxies = [(); 2].map(|()| FakeProxy::new(Duration::from_secs(600), Duration::ZERO));
        let start =
            |name: &str, proxy: &FakeProxy| Cluster::start(options(name, PodTarget::Proxy(proxy.clone()))).expect("a cluster");
        let (lab, prod) = (start("lab", &proxies[0]), start("eu-prod", &proxies[1]));
        let dead = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let hung = json!({"name": "dead", "cluster": {"server": format!("http://{}", dead.local_addr().expect("bound"))}});
        let mut merged = read(&home, &lab);
        for list in ["clusters", "users", "contexts"] {
            let more = read(&home, &prod)[list].as_array().cloned().unwrap_or_default();
            merged[list].as_array_mut().expect("a list").extend(more);
        }
        merged["contexts"][0]["context"]["namespace"] = "shop".into();
        merged["clusters"].as_array_mut().expect("a list").push(hung);
        let context = json!({"name": "dead", "context": {"cluster": "dead", "user": "nobody"}});
        merged["contexts"].as_array_mut().expect("a list").push(context);
        merged["users"].as_array_mut().expect("a list").push(json!({"name": "nobody", "user": {}}));
        home.write("kubeconfig", &merged.to_string());
        Self { home, lab, prod, proxies, _dead: dead }
    }
}

fn read(home: &TempDir, cluster: &Cluster) -> Value {
    cluster.kubeconfig(&home.file("one")).expect("a kubeconfig");
    serde_json::from_str(&std::fs::read_to_string(home.file("one")).expect("it was written")).expect("JSON")
}

/// A cluster of one pod, with this as the admin interface of its proxy.
pub fn options(cluster: &str, admin: PodTarget) -> ClusterOptions {
    let status = json!({"name": "istio-proxy", "ready": true, "state": {"running": {}}});
    let pod = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": format!("uid-of-web-on-{cluster}"), "labels": {"app": "web"}},
        "spec": {"nodeName": format!("node-of-{cluster}"), "containers": [{"name": "istio-proxy", "args": ["proxy", "sidecar"]}, {"name": "web"}]},
        "status": {"phase": "Running", "podIP": "10.1.0.5", "containerStatuses": [status]},
    });
    let namespace = |name: &str| json!({"metadata": {"name": name}});
    let list = |kind: &str, path: &str, items: Value| Entry {
        content_type: Some("application/json".into()),
        body: json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}).to_string().into(),
        ..Entry::new(Via::Kube, "GET", Question::parse(path))
    };
    let entries = vec![
        list("PodList", "/api/v1/pods", json!([pod])),
        list("NamespaceList", "/api/v1/namespaces", json!([namespace("shop"), namespace("default")])),
    ];
    let end = "2026-11-22T10:00:00Z".parse().expect("a time");
    let recording = Recording { name: cluster.into(), cluster: cluster.into(), end, entries };
    ClusterOptions::new(recording).port(POD, 15000, admin)
}
