//! The clusters: one of each kind whose state or configuration a table shows.

use super::Workload;
use super::config::{address, file, made_by, typed};
use serde_json::{Value, json};

/// The clusters of the bootstrap.
pub fn static_clusters(workload: &Workload) -> Vec<Value> {
    vec![live(workload), dead(), flaky(workload), by_name(), reviews(), secretless()]
}

/// A cluster whose endpoint answers its health checks.
fn live(workload: &Workload) -> Value {
    let mut cluster = fixed("inbound|8080||", "127.0.0.1", workload.address.port());
    cluster["health_checks"] = json!([health_check("/healthz")]);
    cluster
}

/// A cluster whose endpoint does not: nothing listens on port 1.
fn dead() -> Value {
    let mut cluster = fixed("outbound|9000||dead.shop.svc.cluster.local", "127.0.0.1", 1);
    cluster["health_checks"] = json!([health_check("/")]);
    cluster
}

/// A cluster whose endpoint fails, and is ejected for it.
fn flaky(workload: &Workload) -> Value {
    let mut cluster = fixed("outbound|8090||flaky.shop.svc.cluster.local", "127.0.0.1", workload.address.port());
    cluster["outlier_detection"] = json!({
        "consecutive_5xx": 2, "interval": "0.05s", "base_ejection_time": "3600s", "max_ejection_percent": 100,
        "enforcing_consecutive_5xx": 100});
    cluster["common_lb_config"] = json!({"healthy_panic_threshold": {"value": 0}});
    cluster
}

/// A cluster whose endpoint has a name. Nothing listens there either.
fn by_name() -> Value {
    let http2 = typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        json!({"explicit_http_config": {"http2_protocol_options": {}}}),
    );
    json!({
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "name": "xds-grpc", "type": "STRICT_DNS", "dns_lookup_family": "V4_ONLY", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "xds-grpc", "endpoints": [{"lb_endpoints": [{"endpoint": {
            "address": address("localhost", 1), "hostname": "istiod.istio-system.svc"}}]}]},
    })
}

/// A subset as istiod makes it of a DestinationRule, with endpoints from a file and mutual TLS.
fn reviews() -> Value {
    let name = "outbound|8080|v1|reviews.shop.svc.cluster.local";
    json!({
        "name": name, "type": "EDS", "connect_timeout": "2.5s", "lb_policy": "LEAST_REQUEST",
        "eds_cluster_config": {"service_name": name, "eds_config": file("eds_reviews.json")},
        "circuit_breakers": {"thresholds": [
            {"max_connections": 100, "max_pending_requests": 11, "max_requests": 1000, "max_retries": 3}]},
        "metadata": {"filter_metadata": {"istio": {
            "config": "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews",
            "subset": "v1",
            "services": [{"host": "reviews.shop.svc.cluster.local", "name": "reviews", "namespace": "shop"}]}}},
        "transport_socket": upstream_tls("default", &file("sds_default.json")),
    })
}

/// A cluster that waits for a certificate which is never delivered.
fn secretless() -> Value {
    let mut cluster = fixed("outbound|8443||secretless.shop.svc.cluster.local", "127.0.0.1", 2);
    cluster["transport_socket"] = upstream_tls("never-delivered", &nobody("0.1s"));
    cluster
}

/// A cluster that comes by file.
pub fn ratings() -> Value {
    let name = "outbound|7070||ratings.shop.svc.cluster.local";
    let mut cluster = named_elsewhere(name, file("eds_ratings.json"));
    cluster["metadata"] = made_by("/apis/networking.istio.io/v1/namespaces/shop/destination-rule/ratings");
    cluster
}

/// A cluster that comes by file and is never ready.
pub fn waiting() -> Value {
    named_elsewhere("outbound|7071||waiting.shop.svc.cluster.local", nobody("0s"))
}

fn named_elsewhere(name: &str, from: Value) -> Value {
    let body = json!({"name": name, "type": "EDS", "connect_timeout": "1s", "lb_policy": "ROUND_ROBIN",
        "eds_cluster_config": {"service_name": name, "eds_config": from}});
    typed("envoy.config.cluster.v3.Cluster", body)
}

/// A control plane that never answers, waited for so long; without end for no time.
fn nobody(patience: &str) -> Value {
    json!({"initial_fetch_timeout": patience, "resource_api_version": "V3", "api_config_source": {
        "api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}]}})
}

/// Endpoints in two places, with weights, priorities and health as the control plane sees it.
pub fn reviews_endpoints() -> Value {
    let endpoint = |host: &str, weight: u32, health: &str| {
        json!({"endpoint": {"address": address(host, 8080)}, "load_balancing_weight": weight, "health_status": health,
            "metadata": {"filter_metadata": {"istio": {"workload": "reviews-v1;shop;reviews;v1;Kubernetes"}}}})
    };
    typed(
        "envoy.config.endpoint.v3.ClusterLoadAssignment",
        json!({"cluster_name": "outbound|8080|v1|reviews.shop.svc.cluster.local", "endpoints": [
            {"locality": {"region": "lab", "zone": "one"}, "load_balancing_weight": 2, "priority": 0,
             "lb_endpoints": [endpoint("10.1.0.7", 3, "HEALTHY"), endpoint("10.1.0.8", 1, "DRAINING")]},
            {"locality": {"region": "lab", "zone": "two"}, "load_balancing_weight": 1, "priority": 1,
             "lb_endpoints": [endpoint("10.1.0.9", 1, "DEGRADED"), endpoint("10.1.0.10", 1, "UNHEALTHY")]}]}),
    )
}

/// One endpoint.
pub fn ratings_endpoints() -> Value {
    typed(
        "envoy.config.endpoint.v3.ClusterLoadAssignment",
        json!({"cluster_name": "outbound|7070||ratings.shop.svc.cluster.local", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address("10.1.0.11", 7070)}}]}]}),
    )
}

/// A cluster of one address.
fn fixed(name: &str, host: &str, port: u16) -> Value {
    json!({"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": {
        "cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(host, port)}}]}]}})
}

fn health_check(path: &str) -> Value {
    json!({"timeout": "1s", "interval": "0.2s", "unhealthy_threshold": 1, "healthy_threshold": 1, "no_traffic_interval": "0.2s",
        "http_health_check": {"path": path}})
}

fn upstream_tls(secret: &str, from: &Value) -> Value {
    let body = json!({
        "sni": "outbound_.8080_.v1_.reviews.shop.svc.cluster.local",
        "common_tls_context": {
            "alpn_protocols": ["istio", "h2"],
            "tls_certificate_sds_secret_configs": [{"name": secret, "sds_config": from}],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": [
                    {"san_type": "URI", "matcher": {"exact": "spiffe://cluster.local/ns/shop/sa/reviews"}},
                    {"san_type": "DNS", "matcher": {"exact": "reviews.shop.svc"}}]},
                "validation_context_sds_secret_config": {"name": "ROOTCA", "sds_config": file("sds_root.json")}}}});
    json!({"name": "envoy.transport_sockets.tls",
        "typed_config": typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", body)})
}
