//! Makes sidecar config dumps of any size, in the shape and with the indentation that Envoy gives them.

use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How many endpoints each cluster has.
const ENDPOINTS: usize = 25;

/// The text of a dump of about this many megabytes. The same size gives the same text.
pub fn dump(megabytes: usize) -> Vec<u8> {
    let services = megabytes * 26 + 1;
    let mut text = String::from("{\n \"configs\": [\n");
    let bootstrap = json!({"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": bootstrap()});
    let _ = writeln!(text, "  {},", pretty(&bootstrap).replace('\n', "\n  "));
    let clusters: Vec<Value> = (0..services).flat_map(|service| ports().map(move |port| cluster(service, port))).collect();
    section(&mut text, "Clusters", &[("dynamic_active_clusters", clusters)], true);
    let endpoints: Vec<Value> = (0..services).flat_map(|service| ports().map(move |port| endpoints_of(service, port))).collect();
    section(&mut text, "Endpoints", &[("dynamic_endpoint_configs", endpoints)], true);
    section(&mut text, "Listeners", &[("dynamic_listeners", (0..services / 10 + 1).map(listener).collect())], true);
    section(&mut text, "Routes", &[("dynamic_route_configs", (0..services / 10 + 1).map(routes).collect())], true);
    section(
        &mut text,
        "Secrets",
        &[("dynamic_active_secrets", vec![json!({"name": "default"}), json!({"name": "ROOTCA"})])],
        false,
    );
    text.push_str(" ]\n}\n");
    text.into_bytes()
}

fn ports() -> impl Iterator<Item = usize> {
    [80, 8080].into_iter()
}

fn host(service: usize) -> String {
    format!("service-{service}.namespace-{}.svc.cluster.local", service % 97)
}

fn section(text: &mut String, name: &str, lists: &[(&str, Vec<Value>)], more: bool) {
    let _ = write!(text, "  {{\n   \"@type\": \"type.googleapis.com/envoy.admin.v3.{name}ConfigDump\"");
    for (key, items) in lists {
        let _ = write!(text, ",\n   \"{key}\": [");
        for (number, item) in items.iter().enumerate() {
            text.push_str(if number == 0 { "\n    " } else { ",\n    " });
            text.push_str(&pretty(item).replace('\n', "\n    "));
        }
        text.push_str("\n   ]");
    }
    text.push_str(if more { "\n  },\n" } else { "\n  }\n" });
}

/// One space a level, as Envoy's admin interface has it.
fn pretty(value: &Value) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter));
    written.expect("a value serializes");
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn bootstrap() -> Value {
    json!({"node": {"id": "sidecar~10.0.0.1~web-0.shop~shop.svc.cluster.local", "cluster": "web.shop",
        "metadata": {"ISTIO_VERSION": "1.31.0", "CLUSTER_ID": "Kubernetes", "NAMESPACE": "shop"}}})
}

fn sds(name: &str) -> Value {
    json!({"name": name, "sds_config": {"api_config_source": {"api_type": "GRPC",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
        "set_node_on_first_message_only": true, "transport_api_version": "V3"},
        "initial_fetch_timeout": "0s", "resource_api_version": "V3"}})
}

fn cluster(service: usize, port: usize) -> Value {
    let host = host(service);
    let name = format!("outbound|{port}||{host}");
    let tls = json!({"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
                "alpn_protocols": ["istio-peer-exchange", "istio"],
                "tls_certificate_sds_secret_configs": [sds("default")],
                "combined_validation_context": {
                    "default_validation_context": {"match_subject_alt_names": [{"exact": format!("spiffe://cluster.local/ns/n/sa/{service}")}]},
                    "validation_context_sds_secret_config": sds("ROOTCA")}},
            "sni": format!("outbound_.{port}_._.{host}")}}});
    json!({"version_info": "2026-11-22T13:05:37Z/42", "cluster": {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name, "type": "EDS",
        "eds_cluster_config": {"eds_config": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}, "service_name": name},
        "connect_timeout": "10s", "lb_policy": if service.is_multiple_of(3) { "ROUND_ROBIN" } else { "LEAST_REQUEST" },
        "circuit_breakers": {"thresholds": [{"max_connections": 4294967295u32, "max_pending_requests": 4294967295u32,
            "max_requests": 4294967295u32, "max_retries": 4294967295u32}]},
        "metadata": {"filter_metadata": {"istio": {"services": [{"host": host, "name": format!("service-{service}"), "namespace": "n"}]}}},
        "common_lb_config": {"healthy_panic_threshold": {}},
        "transport_socket_matches": [tls, {"name": "tlsMode-disabled", "match": {}, "transport_socket": {
            "name": "envoy.transport_sockets.raw_buffer",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}}]},
        "last_updated": "2026-11-22T13:05:37.824Z"})
}

fn endpoints_of(service: usize, port: usize) -> Value {
    let endpoint = |number: usize| {
        let address = format!("10.{}.{}.{number}", service / 250 % 250, service % 250);
        let sick = (service * ENDPOINTS + number).is_multiple_of(20);
        json!({"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}, "health_check_config": {}},
            "health_status": if sick { "UNHEALTHY" } else { "HEALTHY" },
            "metadata": {"filter_metadata": {"istio": {"workload": format!("service-{service};n;service-{service};v1;Kubernetes")},
                "envoy.transport_socket_match": {"tlsMode": "istio"}}},
            "load_balancing_weight": 1})
    };
    json!({"endpoint_config": {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": format!("outbound|{port}||{}", host(service)),
        "endpoints": [{"locality": {"region": "lab", "zone": format!("lab-{}", service % 3)},
            "lb_endpoints": (0..ENDPOINTS).map(endpoint).collect::<Vec<_>>(), "load_balancing_weight": ENDPOINTS}],
        "policy": {"overprovisioning_factor": 140}}})
}

fn filter(name: &str, kind: &str) -> Value {
    json!({"name": name, "typed_config": {"@type": format!("type.googleapis.com/{kind}")}})
}

fn listener(number: usize) -> Value {
    let address = format!("10.96.{}.{}", number / 250, number % 250);
    let http = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": format!("outbound_{address}_80;"),
        "rds": {"config_source": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}, "route_config_name": format!("route-{number}")},
        "http_filters": [
            filter("envoy.filters.http.grpc_stats", "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig"),
            filter("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault"),
            filter("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors"),
            filter("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router")],
        "tracing": {"client_sampling": {"value": 100}, "random_sampling": {}, "overall_sampling": {"value": 100}}}});
    json!({"name": format!("{address}_80"), "active_state": {"version_info": "2026-11-22T13:05:37Z/42", "listener": {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": format!("{address}_80"),
        "address": {"socket_address": {"address": address, "port_value": 80}},
        "filter_chains": [{"filter_chain_match": {"transport_protocol": "raw_buffer", "application_protocols": ["http/1.1", "h2c"]}, "filters": [http]}],
        "listener_filters_timeout": "0s", "traffic_direction": "OUTBOUND"}, "last_updated": "2026-11-22T13:05:38.824Z"}})
}

fn routes(number: usize) -> Value {
    let virtual_host = |service: usize| {
        let host = host(service);
        json!({"name": format!("{host}:80"), "domains": [host, format!("service-{service}"), format!("service-{service}.n")],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": format!("outbound|80||{host}"), "timeout": "0s",
                "retry_policy": {"retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", "num_retries": 2,
                    "retry_host_predicate": [filter("envoy.retry_host_predicates.previous_hosts",
                        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")],
                    "host_selection_retry_max_attempts": "5"}, "max_grpc_timeout": "0s"},
                "decorator": {"operation": format!("{host}:80/*")}, "name": "default"}],
            "include_request_attempt_count": true})
    };
    json!({"version_info": "2026-11-22T13:05:41Z/42", "route_config": {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": format!("route-{number}"),
        "virtual_hosts": (number * 10..number * 10 + 10).map(virtual_host).collect::<Vec<_>>(),
        "validate_clusters": false, "ignore_port_in_host_matching": true}, "last_updated": "2026-11-22T13:05:41.377Z"})
}

/// The text of an istiod log of about this many megabytes, in which one line of two hundred tells of a failure.
pub fn log(megabytes: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < megabytes << 20 {
        let second = number / 50 % 60;
        let _ = match number % 200 {
            0 => writeln!(
                text,
                "2026-11-22T13:06:{second:02}.638695Z\twarn\tmodel\tFailed to GET from \"https://login.apps.acme.test/certs\": \
                 tls: failed to verify certificate: x509: certificate signed by unknown authority. Retry in 1s"
            ),
            1..60 => writeln!(
                text,
                "2026-11-22T13:06:{second:02}.1Z\tinfo\tads\tPush debounce stable[{number}] 1 for config: 100ms since last change"
            ),
            _ => writeln!(
                text,
                "2026-11-22T13:06:{second:02}.238695Z\tinfo\tads\tCDS: PUSH for node:web-{number}.shop resources:{} size:122.1kB cached:41/42",
                number % 97
            ),
        };
        number += 1;
    }
    text.into_bytes()
}
