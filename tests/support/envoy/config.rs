//! The files that an Envoy starts with: the bootstrap, and beside it what istiod would send over the wire.
//!
//! `@FOLDER@` stands for the folder they lie in.

use super::{Identity, Workload, clusters, listeners};
use serde_json::{Value, json};

/// All files, by name.
pub fn files(identity: &Identity, workload: &Workload) -> Vec<(&'static str, String)> {
    vec![
        ("bootstrap.json", bootstrap(identity, workload).to_string()),
        ("cds.json", delivery("cds-1", vec![clusters::ratings()])),
        ("eds_reviews.json", delivery("eds-1", vec![clusters::reviews_endpoints()])),
        ("eds_ratings.json", delivery("eds-1", vec![clusters::ratings_endpoints()])),
        ("lds.json", delivery("lds-1", vec![listeners::outbound(), listeners::by_server_name()])),
        ("rds.json", delivery("rds-1", vec![listeners::dynamic_routes()])),
        ("ecds.json", delivery("ecds-1", vec![listeners::extension()])),
        ("sds_default.json", delivery("sds-1", vec![certificate("default", identity)])),
        ("sds_root.json", delivery("sds-2", vec![root("ROOTCA", identity)])),
    ]
}

/// What some of the files hold later: a cluster more that waits for its endpoints, a listener that cannot be accepted.
pub fn second_files() -> Vec<(&'static str, String)> {
    let listeners = vec![listeners::rejected(), listeners::by_server_name()];
    vec![
        ("cds.json", delivery("cds-2", vec![clusters::ratings(), clusters::waiting()])),
        ("lds.json", delivery("lds-2", listeners)),
    ]
}

/// Where a kind of resource comes from: a file that is watched.
pub fn file(name: &str) -> Value {
    json!({"path_config_source": {"path": format!("@FOLDER@/{name}")}, "resource_api_version": "V3", "initial_fetch_timeout": "1s"})
}

/// A message of an extension, with its type.
pub fn typed(kind: &str, mut body: Value) -> Value {
    body["@type"] = format!("type.googleapis.com/{kind}").into();
    body
}

/// Where something listens or is.
pub fn address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

/// What Istio tells about the object that something was made from.
pub fn made_by(path: &str) -> Value {
    json!({"filter_metadata": {"istio": {"config": path}}})
}

fn delivery(version: &str, resources: Vec<Value>) -> String {
    json!({"version_info": version, "resources": resources}).to_string()
}

fn bootstrap(identity: &Identity, workload: &Workload) -> Value {
    json!({
        "node": {
            "id": "sidecar~10.1.0.5~web-1.shop~shop.svc.cluster.local",
            "cluster": "web.shop",
            "locality": {"region": "lab", "zone": "one"},
            "metadata": {"ISTIO_VERSION": "1.30.3", "CLUSTER_ID": "Kubernetes", "NAMESPACE": "shop"},
        },
        "admin": {"address": address("127.0.0.1", 0)},
        "dynamic_resources": {"cds_config": file("cds.json"), "lds_config": file("lds.json")},
        "static_resources": {
            "clusters": clusters::static_clusters(workload),
            "listeners": [listeners::ingress(), listeners::secured()],
            "secrets": [secret("static-root", "validation_context", authorities(identity))],
        },
    })
}

fn certificate(name: &str, identity: &Identity) -> Value {
    let body = json!({"certificate_chain": {"inline_string": identity.chain}, "private_key": {"inline_string": identity.key}});
    typed("envoy.extensions.transport_sockets.tls.v3.Secret", secret(name, "tls_certificate", body))
}

fn root(name: &str, identity: &Identity) -> Value {
    typed("envoy.extensions.transport_sockets.tls.v3.Secret", secret(name, "validation_context", authorities(identity)))
}

fn authorities(identity: &Identity) -> Value {
    json!({"trusted_ca": {"inline_string": identity.root}})
}

fn secret(name: &str, kind: &str, body: Value) -> Value {
    json!({"name": name, kind: body})
}
