//! What a proxy was started with.

use super::dump::{Dump, Section, member};
use super::node::NodeWire;
use super::wire::{Flaws, Raw, Text, last_word, read};
use crate::error::{Error, Kind, Result};
use crate::json::{At, Found, Node};
use crate::record;
use serde_json::{Value, json};

record! {
    /// What a proxy was started with, and who it says it is.
    pub struct Bootstrap as "bootstrap" {
        /// The version of Istio that the proxy came with.
        pub istio_version: Option<String>,
        /// The commit of Istio's proxy repository.
        pub istio_proxy_version: Option<String>,
        /// Envoy's version with how it was built: `1.40.0/Clean/RELEASE/BoringSSL`.
        pub envoy_version: Option<String>,
        /// The name by which istiod knows it: `sidecar~10.1.0.5~web-0.shop~shop.svc.cluster.local`.
        pub node_id: String,
        /// The Kubernetes cluster that it says it is in.
        pub cluster_id: Option<String>,
        /// The namespace that it says it is in.
        pub namespace: Option<String>,
        /// Its workload.
        pub workload: Option<String>,
        /// Where it finds istiod: `istiod.istio-system.svc:15012`.
        pub discovery_address: Option<String>,
        /// The mesh that it says it is part of.
        [wide] pub mesh_id: Option<String>,
        /// The network that it is in, in a mesh of several.
        [wide] pub network: Option<String>,
        /// The domain of istiod's identity, where the bootstrap tells it; that of the proxy stands in its certificate (`secrets`).
        [wide] pub trust_domain: Option<String>,
        /// The labels of its pod, as they were when it started.
        [wide] pub labels: Option<Value>,
        /// Its service account.
        [wide] pub service_account: Option<String>,
        /// What made its pod: `kubernetes://apis/apps/v1/namespaces/shop/deployments/web`.
        [wide] pub owner: Option<String>,
        /// How traffic gets to it: `REDIRECT`, `TPROXY`, `NONE`.
        [wide] pub interception_mode: Option<String>,
        /// The addresses of its pod.
        [wide] pub addresses: Vec<String>,
        /// `region/zone/sub_zone`.
        [wide] pub locality: Option<String>,
        /// The service cluster that it reports in traces and statistics.
        [wide] pub service_cluster: Option<String>,
        /// How many worker threads it was told to run; nothing when as many as there are cores.
        [wide] pub concurrency: Option<i64>,
        /// What is known of the machine: cloud, region, instance.
        [wide] pub platform_metadata: Option<Value>,
        /// Its own settings (`ProxyConfig`).
        [wide] pub proxy_config: Option<Value>,
        /// The commit that Envoy was built from.
        [wide] pub envoy_revision: Option<String>,
        /// Where its admin interface listens.
        [wide] pub admin_address: Option<String>,
        /// How many clusters stand in the bootstrap itself.
        [wide] pub static_clusters: usize,
        /// How many listeners stand in the bootstrap itself.
        [wide] pub static_listeners: usize,
        /// What traces are sent with, if any: `ZipkinConfig`.
        [wide] pub tracing: Option<String>,
        /// Which statistics it makes, and which tags they get, as configured.
        [wide] pub stats_config: Option<Value>,
        /// When Envoy read it, in UTC. It stands beside the bootstrap: a whole `config_dump` has it, the bootstrap alone has not.
        [wide] pub last_updated: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct BootstrapWire<'de> {
        node: NodeWire<'de>,
        static_resources: Static<'de>,
        admin: Admin<'de>,
        tracing: Option<Tracing<'de>>,
        stats_config: Raw<'de>,
    }
}

wire! {
    struct Static<'de> {
        clusters: Vec<Raw<'de>>,
        listeners: Vec<Raw<'de>>,
    }
}

wire! {
    struct Admin<'de> {
        address: Address<'de>,
    }
}

wire! {
    struct Address<'de> {
        socket_address: Option<SocketAddress<'de>>,
        pipe: Option<Pipe<'de>>,
    }
}

wire! {
    struct SocketAddress<'de> {
        address: Text<'de>,
        port_value: u64,
    }
}

wire! {
    struct Pipe<'de> {
        path: Text<'de>,
    }
}

wire! {
    struct Tracing<'de> {
        http: Option<Tracer<'de>>,
    }
}

wire! {
    struct Tracer<'de> {
        name: Text<'de>,
        typed_config: Raw<'de>,
    }
}

/// The bootstrap of a dump: one.
///
/// # Errors
/// When the document holds something else, or no bootstrap.
pub fn bootstrap(dump: &Dump) -> Result<Vec<Found<Bootstrap>>> {
    dump.expect(&[Section::Bootstrap])?;
    let list = dump.lists(Section::Bootstrap).first().map(|list| list.node.clone());
    let node = list.ok_or_else(|| {
        Error::new(Kind::BadInput, "the dump has no bootstrap")
            .hint("istiod's view has none: ask the proxy itself, or give its whole `config_dump`")
    })?;
    let flaws = Flaws::default();
    let (wire, _) = read(node.text().as_bytes(), &flaws);
    let record = Bootstrap { last_updated: last_updated(dump, &node), ..record(&wire, &flaws) };
    Ok(vec![Found { record, at: At::of(&node) }])
}

fn record(wire: &BootstrapWire<'_>, flaws: &Flaws) -> Bootstrap {
    let node = &wire.node;
    let words = |key: &str| node.text(key).unwrap_or_default();
    Bootstrap {
        istio_version: node.text("ISTIO_VERSION"),
        istio_proxy_version: node
            .text("ISTIO_PROXY_SHA")
            .map(|sha| sha.split_once(':').map_or(sha.clone(), |(_, sha)| sha.into())),
        envoy_version: node.envoy_version(),
        node_id: node.id.to_string(),
        cluster_id: node.text("CLUSTER_ID"),
        namespace: node.text("NAMESPACE"),
        workload: node.text("WORKLOAD_NAME"),
        discovery_address: node.setting_text("discoveryAddress"),
        mesh_id: node.text("MESH_ID"),
        network: node.text("NETWORK"),
        trust_domain: trust_domain(node),
        labels: node.value("LABELS"),
        service_account: node.text("SERVICE_ACCOUNT"),
        owner: node.text("OWNER"),
        interception_mode: node.text("INTERCEPTION_MODE"),
        addresses: words("INSTANCE_IPS").split(',').filter(|ip| !ip.is_empty()).map(str::to_owned).collect(),
        locality: node.place(),
        service_cluster: Some(node.cluster.to_string()).filter(|cluster| !cluster.is_empty()),
        concurrency: node.setting("concurrency").and_then(|count| count.as_i64()),
        platform_metadata: node.value("PLATFORM_METADATA"),
        proxy_config: node.value("PROXY_CONFIG"),
        envoy_revision: node.revision(),
        admin_address: address(&wire.admin.address),
        static_clusters: wire.static_resources.clusters.len(),
        static_listeners: wire.static_resources.listeners.len(),
        tracing: wire.tracing.as_ref().and_then(|tracing| tracing.http.as_ref()).map(tracer),
        stats_config: wire.stats_config.is_some().then(|| wire.stats_config.value()),
        last_updated: None,
        broken: flaws.line(),
    }
}

/// The names that istiod may have: one of them is a `spiffe://` id where the mesh checks that.
fn trust_domain(node: &NodeWire<'_>) -> Option<String> {
    let sans = node.value("PILOT_SAN").unwrap_or(json!([]));
    let ids = sans.as_array().into_iter().flatten().filter_map(|san| san.as_str()?.strip_prefix("spiffe://"));
    ids.map(|id| id.split('/').next().unwrap_or_default().to_owned()).find(|domain| !domain.is_empty())
}

fn address(address: &Address<'_>) -> Option<String> {
    let socket = address.socket_address.as_ref().map(|socket| match socket.address.contains(':') {
        true => format!("[{}]:{}", socket.address, socket.port_value),
        false => format!("{}:{}", socket.address, socket.port_value),
    });
    socket.or_else(|| address.pipe.as_ref().map(|pipe| pipe.path.to_string()))
}

fn tracer(tracer: &Tracer<'_>) -> String {
    tracer.typed_config.kind().unwrap_or_else(|| last_word(&tracer.name).to_owned())
}

/// It stands beside the bootstrap, in the section.
fn last_updated(dump: &Dump, bootstrap: &Node) -> Option<String> {
    let root = dump.doc().root();
    let sections = root.get("configs").into_iter().flat_map(|configs| configs.iter()).chain([root.clone()]);
    let is_it = |section: &Node| member(section, "bootstrap").is_some_and(|found| At::of(&found) == At::of(bootstrap));
    let section = sections.into_iter().find(is_it)?;
    Some(member(&section, "last_updated")?.as_str()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Doc;

    fn one(text: &str) -> Bootstrap {
        let doc = Doc::parse(text.to_owned().into()).unwrap();
        let found = bootstrap(&Dump::open(&doc).unwrap()).unwrap().remove(0);
        assert!(found.at.node(&doc).unwrap().get("node").is_some());
        found.record
    }

    fn dump(bootstrap: Value) -> String {
        json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": bootstrap,
            "last_updated": "2026-11-22T13:05:41.334Z"}]})
        .to_string()
    }

    #[test]
    fn who_it_is_stands_in_its_metadata() {
        let metadata = json!({"ISTIO_VERSION": "1.31.0", "ISTIO_PROXY_SHA": "proxy:abc", "CLUSTER_ID": "east", "INSTANCE_IPS": "10.0.0.1,fd00::1",
            "LABELS": {"app": "web"}, "PILOT_SAN": ["istiod.istio-system.svc", "spiffe://mesh.test/ns/istio-system/sa/istiod"],
            "PROXY_CONFIG": {"discoveryAddress": "istiod:15012", "concurrency": 2}, "PLATFORM_METADATA": {"gcp_location": "x"}});
        let version = json!({"version": {"major_number": 1, "minor_number": 40, "patch": 2},
            "metadata": {"revision.sha": "9e", "build.label": "dev", "revision.status": "Clean", "build.type": "RELEASE", "ssl.version": "BoringSSL"}});
        let row = one(&dump(json!({
            "node": {"id": "sidecar~a", "cluster": "web.shop", "metadata": metadata, "locality": {"region": "r", "zone": "z"}, "user_agent_build_version": version},
            "static_resources": {"clusters": [{}, {}], "listeners": [{}]},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 15000}}},
            "tracing": {"http": {"name": "envoy.tracers.zipkin", "typed_config": {"@type": "x/envoy.config.trace.v3.ZipkinConfig"}}}})));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!((row.istio_version, row.istio_proxy_version), (text("1.31.0"), text("abc")));
        assert_eq!(row.envoy_version, text("1.40.2-dev/Clean/RELEASE/BoringSSL"));
        assert_eq!((row.discovery_address, row.concurrency, row.locality), (text("istiod:15012"), Some(2), text("r/z")));
        assert_eq!((row.static_clusters, row.static_listeners, row.tracing), (2, 1, text("ZipkinConfig")));
        assert_eq!((row.admin_address, row.trust_domain), (text("127.0.0.1:15000"), text("mesh.test")));
        assert_eq!(row.addresses, ["10.0.0.1", "fd00::1"]);
        assert_eq!((row.last_updated, row.broken), (text("2026-11-22T13:05:41.334Z"), None));
    }

    #[test]
    fn what_istioctl_kept_and_what_is_old_is_read_too() {
        let row = one(
            r#"{"bootstrap":{"node":{"id":"a","buildVersion":"9e/1.12.0/Clean/RELEASE/BoringSSL"},"staticResources":{"clusters":[{}]}},"lastUpdated":"t"}"#,
        );
        assert_eq!(row.envoy_version.as_deref(), Some("1.12.0/Clean/RELEASE/BoringSSL"));
        assert_eq!((row.static_clusters, row.last_updated.as_deref(), row.istio_version), (1, Some("t"), None));
    }

    #[test]
    fn what_is_of_the_wrong_type_marks_the_row() {
        let row = one(&dump(json!({"node": {"id": 7, "metadata": "x"}, "static_resources": []})));
        let broken = row.broken.unwrap();
        assert!(broken.contains("id is not text") && broken.contains("static_resources is not an object"), "{broken}");
    }

    #[test]
    fn a_dump_without_a_bootstrap_says_so() {
        let doc = Doc::parse(r#"{"configs":[]}"#.into()).unwrap();
        let error = bootstrap(&Dump::open(&doc).unwrap()).unwrap_err();
        assert!(error.message().contains("no bootstrap") && error.next_step().is_some());
    }
}
