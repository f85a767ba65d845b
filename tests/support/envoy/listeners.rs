//! The listeners: filter chains, HTTP filters and routes.

use super::config::{address, file, made_by, typed};
use serde_json::{Value, json};

/// Keys of an issuer.
const KEYS: &str = include_str!("../../data/keycloak_jwks.json");

/// The listener that requests of the tests go through: its routes are inline.
pub fn ingress() -> Value {
    let filters = vec![jwt_authn(), rbac(), extension_point(), router()];
    let manager = manager("ingress", json!({"route_config": inline_routes()}), filters);
    json!({"name": "ingress", "address": address("127.0.0.1", 0), "traffic_direction": "INBOUND",
        "filter_chains": [{"name": "requests", "filters": [manager]}]})
}

/// A listener with mutual TLS. Nothing listens there: like most of Istio's it is only looked up by address.
pub fn secured() -> Value {
    let manager = manager(
        "inbound_0.0.0.0_8443",
        json!({"route_config": {"name": "inbound|8443||", "virtual_hosts": [
        {"name": "inbound|http|8443", "domains": ["*"], "routes": [
            {"name": "default", "match": {"prefix": "/"}, "route": {"cluster": "inbound|8080||", "timeout": "0s"}}]}]}}),
        vec![router()],
    );
    unbound(
        "virtualInbound",
        "0.0.0.0",
        8443,
        json!([{
        "name": "mutual", "filter_chain_match": {
            "destination_port": 8443, "transport_protocol": "tls", "application_protocols": ["istio-h2", "istio"],
            "server_names": ["web.shop.svc.cluster.local"], "source_prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]},
        "filters": [manager], "transport_socket": downstream_tls()}]),
    )
}

/// A listener that comes by file, with routes that come by file.
pub fn outbound() -> Value {
    let manager = manager(
        "outbound_0.0.0.0_8080",
        json!({"rds": {"route_config_name": "8080", "config_source": file("rds.json")}}),
        vec![router()],
    );
    typed("envoy.config.listener.v3.Listener", unbound("0.0.0.0_8080", "0.0.0.0", 8080, json!([{"filters": [manager]}])))
}

/// The same listener with a certificate that is none.
pub fn rejected() -> Value {
    let mut listener = outbound();
    let context = json!({"common_tls_context": {"tls_certificates": [
        {"certificate_chain": {"inline_string": "no certificate"}, "private_key": {"inline_string": "no key"}}]}});
    listener["filter_chains"][0]["transport_socket"] = json!({"name": "envoy.transport_sockets.tls",
        "typed_config": typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", context)});
    listener
}

/// A listener for TLS that it does not open: chains by server name, and one for all others.
pub fn by_server_name() -> Value {
    let chain = |names: &[&str], cluster: &str| json!({"filter_chain_match": {"server_names": names, "transport_protocol": "tls"}, "filters": [tcp_proxy(cluster)]});
    let mut listener = unbound(
        "10.96.0.20_9000",
        "10.96.0.20",
        9000,
        json!([
        chain(&["dead.shop", "dead.shop.svc"], "outbound|9000||dead.shop.svc.cluster.local"),
        {"filter_chain_match": {"transport_protocol": "tls", "application_protocols": ["h2"]},
         "filters": [tcp_proxy("outbound|7070||ratings.shop.svc.cluster.local")], "transport_socket": downstream_tls()}]),
    );
    listener["default_filter_chain"] =
        json!({"name": "PassthroughFilterChain", "filters": [tcp_proxy("outbound|8090||flaky.shop.svc.cluster.local")]});
    listener["listener_filters"] = json!([{"name": "envoy.filters.listener.tls_inspector",
        "typed_config": typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", json!({}))}]);
    typed("envoy.config.listener.v3.Listener", listener)
}

/// The routes that come by file.
pub fn dynamic_routes() -> Value {
    typed(
        "envoy.config.route.v3.RouteConfiguration",
        json!({"name": "8080", "virtual_hosts": [
        {"name": "reviews.shop.svc.cluster.local:8080",
         "domains": ["reviews.shop.svc.cluster.local", "reviews", "reviews.shop.svc", "reviews.shop", "10.96.0.20"],
         "routes": [weighted(), moved(), {"name": "default", "match": {"prefix": "/"},
            "route": {"cluster": "outbound|7070||ratings.shop.svc.cluster.local", "timeout": "0s"}}]},
        {"name": "allow_any", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 404}}]}]}),
    )
}

/// A route with all that a VirtualService can ask for.
fn weighted() -> Value {
    json!({
        "name": "api",
        "match": {"prefix": "/api", "headers": [{"name": "x-team", "string_match": {"exact": "blue"}}]},
        "metadata": made_by("/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews"),
        "route": {
            "weighted_clusters": {"clusters": [
                {"name": "outbound|8080|v1|reviews.shop.svc.cluster.local", "weight": 90},
                {"name": "outbound|7070||ratings.shop.svc.cluster.local", "weight": 10}]},
            "timeout": "7.500s", "prefix_rewrite": "/v2", "host_rewrite_literal": "reviews.example.com",
            "retry_policy": {"retry_on": "5xx,reset", "num_retries": 4, "per_try_timeout": "2s"}}})
}

fn moved() -> Value {
    json!({"name": "old", "match": {"path": "/old"}, "redirect": {"path_redirect": "/new", "response_code": "FOUND"}})
}

fn inline_routes() -> Value {
    json!({"name": "ingress-routes", "virtual_hosts": [{"name": "everything", "domains": ["*"], "routes": [
        {"name": "flaky", "match": {"prefix": "/flaky"},
         "route": {"cluster": "outbound|8090||flaky.shop.svc.cluster.local", "timeout": "3s"}},
        {"name": "live", "match": {"safe_regex": {"regex": "/li.e"}}, "route": {"cluster": "inbound|8080||", "timeout": "15s"}}]}]})
}

fn manager(prefix: &str, mut routes: Value, filters: Vec<Value>) -> Value {
    routes["stat_prefix"] = prefix.into();
    routes["http_filters"] = filters.into();
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config":
        typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", routes)})
}

fn jwt_authn() -> Value {
    json!({"name": "envoy.filters.http.jwt_authn", "typed_config": typed("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", json!({
        "providers": {"origins-0": {"issuer": "https://login.example.com/realms/shop", "audiences": ["web"], "forward": true,
            "local_jwks": {"inline_string": KEYS}, "payload_in_metadata": "payload"}},
        "rules": [{"match": {"prefix": "/private"}, "requires": {"provider_name": "origins-0"}}]}))})
}

fn rbac() -> Value {
    json!({"name": "envoy.filters.http.rbac", "typed_config": typed("envoy.extensions.filters.http.rbac.v3.RBAC", json!({
        "rules": {"action": "DENY", "policies": {"ns[shop]-policy[deny-admin]-rule[0]": {
            "permissions": [{"url_path": {"path": {"prefix": "/admin"}}}], "principals": [{"any": true}]}}}}))})
}

/// A filter whose configuration comes by file.
fn extension_point() -> Value {
    json!({"name": "shop.header", "config_discovery": {"config_source": file("ecds.json"),
        "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config"]}})
}

/// That configuration.
pub fn extension() -> Value {
    let config = typed(
        "envoy.extensions.filters.http.header_to_metadata.v3.Config",
        json!({"request_rules": [
        {"header": "x-team", "on_header_present": {"metadata_namespace": "shop", "key": "team"}}]}),
    );
    typed("envoy.config.core.v3.TypedExtensionConfig", json!({"name": "shop.header", "typed_config": config}))
}

fn router() -> Value {
    json!({"name": "envoy.filters.http.router", "typed_config": typed("envoy.extensions.filters.http.router.v3.Router", json!({}))})
}

fn tcp_proxy(cluster: &str) -> Value {
    json!({"name": "envoy.filters.network.tcp_proxy", "typed_config":
        typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", json!({"stat_prefix": cluster, "cluster": cluster}))})
}

fn unbound(name: &str, host: &str, port: u16, chains: Value) -> Value {
    json!({"name": name, "address": address(host, port), "bind_to_port": false, "filter_chains": chains})
}

fn downstream_tls() -> Value {
    let body = json!({"require_client_certificate": true, "common_tls_context": {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [{"name": "default", "sds_config": file("sds_default.json")}],
        "validation_context_sds_secret_config": {"name": "ROOTCA", "sds_config": file("sds_root.json")}}});
    json!({"name": "envoy.transport_sockets.tls",
        "typed_config": typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", body)})
}
