//! Upstream clusters: where a proxy can send requests, and how.

use super::dump::{Dump, List, Section};
use super::groups::joined;
use super::names::{ClusterName, Metadata, owner};
use super::tls_context::{TlsContext, TransportSocket};
use super::wire::{Flaws, Pairs, Raw, Text, found, last_word};
use crate::error::Result;
use crate::json::{Found, each};
use crate::record;
use serde_json::Value;

record! {
    /// An upstream cluster of a proxy.
    pub struct Cluster as "cluster" {
        /// The service's host; of a cluster that is not named by Istio's rule, its whole name.
        pub service_fqdn: String,
        /// The service's port.
        pub port: Option<u16>,
        /// The subset of the DestinationRule that it is for.
        pub subset: Option<String>,
        /// `inbound` or `outbound`.
        pub direction: Option<String>,
        /// How endpoints are found: `EDS`, `STATIC`, `STRICT_DNS`, `LOGICAL_DNS`, `ORIGINAL_DST`.
        pub r#type: String,
        /// The DestinationRule that shaped it, as `name.namespace`.
        pub destination_rule: Option<String>,
        /// Envoy's name for it: `outbound|8080|v1|reviews.shop.svc.cluster.local`.
        [wide] pub name: String,
        /// What Envoy does with it: `active`, `warming` (waits for its endpoints or certificates) or `static`.
        pub state: String,
        /// How requests to it are encrypted, in a DestinationRule's words: `ISTIO_MUTUAL`, `MUTUAL`, `SIMPLE`; `AUTO` when it
        /// is mutual to those endpoints that can; nothing for plain text.
        pub tls_mode: Option<String>,
        /// The server name it sends in the TLS handshake.
        [wide] pub sni: Option<String>,
        /// The names of which the server's certificate must have one.
        [wide] pub sans: Vec<String>,
        /// The application protocols it offers in the TLS handshake.
        [wide] pub alpn: Vec<String>,
        /// The secrets (SDS) it needs: own certificate, then authorities.
        [wide] pub secrets: Vec<String>,
        /// How an endpoint is chosen: `LEAST_REQUEST`, `ROUND_ROBIN`, `RING_HASH`, `RANDOM`, `CLUSTER_PROVIDED`, …
        [wide] pub lb_policy: String,
        /// How long to wait for a connection: `10s`.
        [wide] pub connect_timeout: Option<String>,
        /// The most connections at a time: 1024, Envoy's default, where nothing is set; nothing when practically unlimited, as
        /// Istio has it.
        [wide] pub max_connections: Option<u64>,
        /// The most requests that wait for a connection, likewise.
        [wide] pub max_pending_requests: Option<u64>,
        /// The most requests at a time, likewise.
        [wide] pub max_requests: Option<u64>,
        /// The most retries at a time: 3 where nothing is set; nothing when practically unlimited, and when a share of the requests
        /// may be retried (`retry_budget`).
        [wide] pub max_retries: Option<u64>,
        /// How bad endpoints are ejected, as configured; nothing when they are not.
        [wide] pub outlier_detection: Option<Value>,
        /// The active health checks, as configured.
        [wide] pub health_checks: Option<Value>,
        /// How many endpoints stand in the cluster itself (`STATIC` and DNS); those of `EDS` come separately.
        [wide] pub static_endpoints: Option<usize>,
        /// The name its endpoints are asked by (EDS).
        [wide] pub eds_service_name: Option<String>,
        /// The services it stands for, as `name.namespace`.
        [wide] pub services: Vec<String>,
        /// The version of the update it came with.
        [wide] pub version: Option<String>,
        /// When that was, in UTC.
        [wide] pub last_updated: Option<String>,
        /// Why Envoy rejected the last update of it; it goes on with what is shown.
        [wide] pub error_state: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    /// A cluster with what Envoy says about it.
    struct Entry<'de> {
        version_info: Option<Text<'de>>,
        cluster: ClusterWire<'de>,
        last_updated: Option<Text<'de>>,
        error_state: Option<super::update::Failure<'de>>,
    }
}

wire! {
    struct ClusterWire<'de> {
        name: Text<'de>,
        kind = "type": Option<Text<'de>>,
        cluster_type: Option<ClusterType<'de>>,
        eds_cluster_config: Option<EdsConfig<'de>>,
        connect_timeout: Option<Text<'de>>,
        lb_policy: Option<Text<'de>>,
        load_balancing_policy: Raw<'de>,
        circuit_breakers: CircuitBreakers<'de>,
        outlier_detection: Raw<'de>,
        health_checks: Raw<'de>,
        load_assignment: Option<Assignment<'de>>,
        transport_socket: Option<TransportSocket<'de>>,
        transport_socket_matches: Vec<SocketMatch<'de>>,
        metadata: Metadata<'de>,
    }
}

wire! {
    struct ClusterType<'de> {
        name: Text<'de>,
    }
}

wire! {
    struct EdsConfig<'de> {
        service_name: Text<'de>,
    }
}

wire! {
    struct CircuitBreakers<'de> {
        thresholds: Vec<Thresholds<'de>>,
    }
}

wire! {
    struct Thresholds<'de> {
        priority: Option<Text<'de>>,
        max_connections: Option<u64>,
        max_pending_requests: Option<u64>,
        max_requests: Option<u64>,
        max_retries: Option<u64>,
        retry_budget: Raw<'de>,
    }
}

wire! {
    struct Assignment<'de> {
        endpoints: Vec<Locality<'de>>,
    }
}

wire! {
    struct Locality<'de> {
        lb_endpoints: Vec<Raw<'de>>,
    }
}

wire! {
    struct SocketMatch<'de> {
        matches = "match": Pairs<'de, Raw<'de>>,
        transport_socket: Option<TransportSocket<'de>>,
    }
}

/// The clusters of a dump, in istioctl's order: by host, subset, port and direction.
///
/// # Errors
/// When the document holds something else.
pub fn clusters(dump: &Dump) -> Result<Vec<Found<Cluster>>> {
    dump.expect(&[Section::Clusters])?;
    let mut all = joined(dump.lists(Section::Clusters).into_iter().map(of_list));
    all.sort_unstable_by(|a, b| key(&a.record).cmp(&key(&b.record)).then_with(|| a.at.cmp(&b.at)));
    Ok(all)
}

fn key(cluster: &Cluster) -> (&str, &Option<String>, Option<u16>, &Option<String>) {
    (&cluster.service_fqdn, &cluster.subset, cluster.port, &cluster.direction)
}

fn of_list(list: &List) -> Vec<Found<Cluster>> {
    if list.bare {
        return each(&list.node, |entry| {
            found(entry, |wire: ClusterWire<'_>, flaws: &Flaws| read(alone(wire), list.state, flaws))
        });
    }
    each(&list.node, |entry| found(entry, |wire: Entry<'_>, flaws: &Flaws| read(wire, list.state, flaws)))
}

/// A cluster about which Envoy says nothing.
fn alone(cluster: ClusterWire<'_>) -> Entry<'_> {
    Entry { cluster, ..Entry::default() }
}

fn read(entry: Entry<'_>, state: &str, flaws: &Flaws) -> Cluster {
    let wire = entry.cluster;
    let name = ClusterName::parse(&wire.name);
    let tls = Tls::of(&wire, flaws);
    let istio = wire.metadata.istio();
    let limits = wire.circuit_breakers.thresholds.iter().find(|limits| limits.priority.as_deref().is_none_or(|p| p == "DEFAULT"));
    let limit = |default: u64, pick: fn(&Thresholds<'_>) -> Option<u64>| {
        Some(limits.and_then(pick).unwrap_or(default)).filter(|limit| *limit < u64::from(u32::MAX))
    };
    let budget = limits.is_some_and(|limits| limits.retry_budget.is_some());
    Cluster {
        service_fqdn: name.map_or(wire.name.as_ref(), |name| name.host).to_owned(),
        port: name.and_then(|name| name.port.parse().ok()),
        subset: name.map(|name| name.subset.to_owned()).filter(|subset| !subset.is_empty()),
        direction: name.map(|name| name.direction.to_owned()),
        r#type: wire.kind.as_deref().unwrap_or("STATIC").to_owned(),
        destination_rule: owner(&istio.config),
        name: wire.name.to_string(),
        state: state.to_owned(),
        tls_mode: tls.mode,
        sni: tls.context.as_ref().map(|tls| tls.sni.to_string()).filter(|sni| !sni.is_empty()),
        sans: tls.context.as_ref().map(TlsContext::sans).unwrap_or_default(),
        alpn: tls.context.iter().flat_map(|tls| &tls.common_tls_context.alpn_protocols).map(ToString::to_string).collect(),
        secrets: tls.context.as_ref().map(TlsContext::secrets).unwrap_or_default(),
        lb_policy: lb_policy(&wire, flaws),
        connect_timeout: wire.connect_timeout.map(Text::into_owned),
        max_connections: limit(1024, |limits| limits.max_connections),
        max_pending_requests: limit(1024, |limits| limits.max_pending_requests),
        max_requests: limit(1024, |limits| limits.max_requests),
        max_retries: limit(3, |limits| limits.max_retries).filter(|_| !budget),
        outlier_detection: wire.outlier_detection.is_some().then(|| wire.outlier_detection.value()),
        health_checks: wire.health_checks.is_some().then(|| wire.health_checks.value()),
        static_endpoints: wire.load_assignment.map(|all| all.endpoints.iter().map(|part| part.lb_endpoints.len()).sum()),
        eds_service_name: wire.eds_cluster_config.map(|eds| eds.service_name.into_owned()).filter(|name| !name.is_empty()),
        services: istio.services.iter().map(|service| format!("{}.{}", service.name, service.namespace)).collect(),
        version: entry.version_info.map(Text::into_owned),
        last_updated: entry.last_updated.map(Text::into_owned),
        error_state: entry.error_state.map(|failure| failure.line()),
        broken: flaws.line(),
    }
}

/// The policy, or the extension that took its place.
fn lb_policy(wire: &ClusterWire<'_>, flaws: &Flaws) -> String {
    wire! {
        struct Policies<'de> {
            policies: Vec<Policy<'de>>,
        }
    }
    wire! {
        struct Policy<'de> {
            typed_extension_config: Extension<'de>,
        }
    }
    wire! {
        struct Extension<'de> {
            name: Text<'de>,
        }
    }
    let policies: Policies<'_> = wire.load_balancing_policy.read(flaws);
    match (policies.policies.first(), wire.lb_policy.as_deref()) {
        (Some(policy), None | Some("LOAD_BALANCING_POLICY_CONFIG")) => {
            last_word(&policy.typed_extension_config.name).to_ascii_uppercase()
        }
        (_, policy) => policy.unwrap_or("ROUND_ROBIN").to_owned(),
    }
}

/// How a cluster encrypts.
struct Tls<'de> {
    mode: Option<String>,
    context: Option<TlsContext<'de>>,
}

impl<'de> Tls<'de> {
    fn of(wire: &ClusterWire<'de>, flaws: &Flaws) -> Self {
        // Auto mTLS: mutual to endpoints whose metadata say they can, plain text to the others.
        let mut matches = wire.transport_socket_matches.iter();
        let auto = matches.find(|entry| entry.matches.get("tlsMode").is_some_and(|mode| mode.json().contains("istio")));
        if let Some(context) = auto.and_then(|entry| entry.transport_socket.as_ref()).and_then(|socket| socket.tls(flaws)) {
            let mode = if wire.transport_socket_matches.len() > 1 { "AUTO" } else { context.mode() };
            return Self { mode: Some(mode.to_owned()), context: Some(context) };
        }
        let context = wire.transport_socket.as_ref().and_then(|socket| socket.tls(flaws));
        Self { mode: context.as_ref().map(|tls| tls.mode().to_owned()), context }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Doc;
    use serde_json::json;

    fn rows(cluster: Value) -> Vec<Found<Cluster>> {
        let dump = json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump", "dynamic_active_clusters": [
            {"version_info": "v1", "cluster": cluster, "last_updated": "2026-11-22T13:05:41.334Z"}]}]});
        let doc = Doc::parse(dump.to_string().into()).unwrap();
        let found = clusters(&Dump::open(&doc).unwrap()).unwrap();
        assert!(found[0].at.node(&doc).unwrap().get("cluster").is_some());
        found
    }

    fn one(cluster: Value) -> Cluster {
        rows(cluster).remove(0).record
    }

    fn tls(kind: &str, certificate: &str) -> Value {
        json!({"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": format!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}"), "sni": "x.test",
            "common_tls_context": {"alpn_protocols": ["istio"], "tls_certificate_sds_secret_configs": [{"name": certificate}],
                "combined_validation_context": {"default_validation_context": {"match_subject_alt_names": [{"exact": "spiffe://a"}]},
                    "validation_context_sds_secret_config": {"name": "ROOTCA"}}}}})
    }

    #[test]
    fn an_outbound_subset_is_taken_apart() {
        let row = one(
            json!({"name": "outbound|8080|v1|a.shop.svc", "type": "EDS", "transport_socket": tls("UpstreamTlsContext", "default"),
            "eds_cluster_config": {"service_name": "s"}, "lb_policy": "LEAST_REQUEST",
            "circuit_breakers": {"thresholds": [{"priority": "HIGH", "max_connections": 1}, {"max_connections": 5, "max_retries": 4294967295u32}]},
            "metadata": {"filter_metadata": {"istio": {"config": "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/a",
                "services": [{"name": "a", "namespace": "shop"}]}}}}),
        );
        assert_eq!((row.service_fqdn.as_str(), row.port, row.subset.as_deref()), ("a.shop.svc", Some(8080), Some("v1")));
        assert_eq!((row.destination_rule.as_deref(), row.tls_mode.as_deref()), (Some("a.shop"), Some("ISTIO_MUTUAL")));
        assert_eq!((row.max_connections, row.max_retries, row.secrets), (Some(5), None, vec!["default".into(), "ROOTCA".into()]));
        assert_eq!(
            (row.sans, row.sni.as_deref(), row.version.as_deref()),
            (vec!["spiffe://a".into()], Some("x.test"), Some("v1"))
        );
        assert_eq!((row.services, row.broken), (vec!["a.shop".to_string()], None));
    }

    #[test]
    fn auto_mtls_is_told_from_mutual() {
        let istio = json!({"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": tls("UpstreamTlsContext", "default")});
        let plain = json!({"name": "tlsMode-disabled", "match": {}, "transport_socket": {"name": "raw"}});
        assert_eq!(one(json!({"name": "a", "transport_socket_matches": [istio, plain]})).tls_mode.as_deref(), Some("AUTO"));
        assert_eq!(
            one(json!({"name": "a", "transport_socket": tls("UpstreamTlsContext", "kubernetes://x")})).tls_mode.as_deref(),
            Some("MUTUAL")
        );
        assert_eq!(one(json!({"name": "a"})).tls_mode, None);
    }

    #[test]
    fn limits_that_are_not_set_are_told_from_none() {
        let limits = |thresholds: Value| {
            let row = one(json!({"name": "a", "circuit_breakers": {"thresholds": thresholds}}));
            [row.max_connections, row.max_pending_requests, row.max_requests, row.max_retries]
        };
        let envoys = [Some(1024), Some(1024), Some(1024), Some(3)];
        assert_eq!(limits(json!([])), envoys);
        assert_eq!(limits(json!([{"priority": "HIGH", "max_connections": 1}])), envoys);
        assert_eq!(limits(json!([{"max_connections": 4294967295u32, "max_requests": 0}])), [None, Some(1024), Some(0), Some(3)]);
        assert_eq!(limits(json!([{"max_retries": 7, "retry_budget": {}}])), [Some(1024), Some(1024), Some(1024), None]);
        assert_eq!(one(json!({"name": "a"})).max_retries, Some(3));
    }

    #[test]
    fn a_name_of_no_rule_is_shown_whole() {
        let row = one(json!({"name": "outbound_.80_._.a.b"}));
        assert_eq!(
            (row.service_fqdn.as_str(), row.port, row.direction, row.r#type.as_str()),
            ("outbound_.80_._.a.b", None, None, "STATIC")
        );
    }

    #[test]
    fn what_is_of_the_wrong_type_marks_the_row() {
        let row = one(json!({"name": "a", "lb_policy": 3, "transport_socket_matches": "x"}));
        assert_eq!(row.name, "a");
        let broken = row.broken.unwrap();
        assert!(
            broken.contains("lb_policy is not text") && broken.contains("transport_socket_matches is not a list"),
            "{broken}"
        );
    }
}
