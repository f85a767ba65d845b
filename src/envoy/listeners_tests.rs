//! Listeners of every sort, in every form of a dump, and broken ones.

use super::*;
use crate::json::Doc;
use crate::record::Record;
use serde_json::{Value, json};

fn open(dump: &Value) -> Vec<Found<Listener>> {
    let doc = Doc::parse(dump.to_string().into()).unwrap();
    let found = listeners(&Dump::open(&doc).unwrap()).unwrap();
    for row in &found {
        assert!(row.at.node(&doc).is_some(), "{row:?}");
    }
    found
}

fn dump(entries: Value) -> Value {
    json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": entries}]})
}

fn active(listener: Value) -> Value {
    json!({"name": "l", "active_state": {"version_info": "v1", "last_updated": "2026-11-22T13:05:41Z", "listener": listener}})
}

fn fields(row: &Listener) -> Value {
    let schema = Listener::schema();
    schema.columns.iter().enumerate().map(|(index, column)| (column.name.to_owned(), row.value(index))).collect()
}

fn rows(listener: Value) -> Vec<Value> {
    open(&dump(json!([active(listener)]))).iter().map(|row| fields(&row.record)).collect()
}

fn has(row: &Value, wanted: Value) {
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(row.get(name), Some(value), "{name} of {row:#}");
    }
}

fn socket(address: &str, port: u32) -> Value {
    json!({"socket_address": {"address": address, "port_value": port}})
}

fn http(config: Value) -> Value {
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": config})
}

fn tcp(cluster: &str) -> Value {
    json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": {"@type": "x/a.TcpProxy", "stat_prefix": cluster, "cluster": cluster}})
}

#[test]
fn istioctls_columns_come_first() {
    let names: Vec<_> = Listener::schema().names().take(5).collect();
    assert_eq!(names, ["addresses", "port", "matches", "destination", "type"]);
    assert!(Listener::schema().columns.iter().filter(|column| !column.wide).count() <= 8);
}

#[test]
fn a_chain_tells_all_of_it() {
    let tls = json!({"name": "envoy.transport_sockets.tls", "typed_config": {"@type": "x/a.DownstreamTlsContext",
        "require_client_certificate": true, "common_tls_context": {"tls_certificate_sds_secret_configs": [{"name": "default"}],
            "combined_validation_context": {"validation_context_sds_secret_config": {"name": "ROOTCA"}}}}});
    let chain = json!({"name": "mutual", "transport_socket": tls,
        "filter_chain_match": {"destination_port": 8443, "transport_protocol": "tls", "application_protocols": ["istio"],
            "server_names": ["a.example"], "source_type": "EXTERNAL", "source_ports": [7],
            "source_prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}], "prefix_ranges": [{"address_prefix": "10.0.0.7", "prefix_len": 32}]},
        "filters": [{"name": "envoy.filters.network.rbac"}, http(json!({"stat_prefix": "in", "rds": {"route_config_name": "8443"},
            "access_log": [{"name": "envoy.access_loggers.file"}], "http_filters": [{"name": "jwt"}, {"name": "router"}]}))]});
    let listener = json!({"name": "in", "address": socket("10.0.0.7", 8443), "traffic_direction": "INBOUND", "bind_to_port": false,
        "additional_addresses": [{"address": socket("fd00::7", 8443)}], "use_original_dst": true,
        "listener_filters": [{"name": "tls_inspector"}], "access_log": [{"name": "of-listener"}], "filter_chains": [chain]});
    let rows = rows(listener);
    has(
        &rows[0],
        json!({"addresses": "10.0.0.7,fd00::7", "port": 8443, "type": "HTTP", "destination": "Route: 8443", "state": "active",
        "matches": "SNI: a.example; Trans: tls; App: istio; Addr: 10.0.0.7/32:8443", "name": "in", "chain": "mutual",
        "is_default": false, "direction": "inbound", "server_names": ["a.example"], "transport_protocol": "tls",
        "application_protocols": ["istio"], "prefix_ranges": ["10.0.0.7/32"], "destination_port": 8443, "source_type": "EXTERNAL",
        "source_prefix_ranges": ["10.0.0.0/8"], "source_ports": [7], "http_filters": ["jwt", "router"],
        "network_filters": ["envoy.filters.network.rbac", "envoy.filters.network.http_connection_manager"],
        "listener_filters": ["tls_inspector"], "route_name": "8443", "inline_routes": false, "stat_prefix": "in",
        "tls_mode": "ISTIO_MUTUAL", "require_client_certificate": true, "secrets": ["default", "ROOTCA"], "matcher": null,
        "access_logs": ["envoy.access_loggers.file", "of-listener"], "bind_to_port": false, "use_original_dst": true,
        "version": "v1", "last_updated": "2026-11-22T13:05:41Z", "error_state": null, "broken": null}),
    );
}

#[test]
fn the_default_chain_is_one_too_and_destinations_go_down_the_alphabet() {
    let chain = |cluster: &str| json!({"filters": [tcp(cluster)]});
    let listener = json!({"address": socket("0.0.0.0", 80), "filter_chains": [chain("a"), chain("c"), {"filters": [http(json!({}))]}],
        "default_filter_chain": {"name": "other", "filters": [tcp("b")]}});
    let rows = rows(listener);
    let told: Vec<(&str, bool)> =
        rows.iter().map(|row| (row["destination"].as_str().unwrap(), row["is_default"].as_bool().unwrap())).collect();
    assert_eq!(told, [("HTTP", false), ("Cluster: c", false), ("Cluster: b", true), ("Cluster: a", false)]);
    assert!(rows.iter().all(|row| row["type"] == "HTTP+TCP" && row["name"] == "l"));
    has(&rows[2], json!({"chain": "other", "matches": "ALL", "clusters": ["b"], "tls_mode": null}));
}

#[test]
fn rows_come_by_port_address_and_type() {
    let at = |address: &str, port: u32, filter: Value| {
        active(json!({"address": socket(address, port), "filter_chains": [{"filters": [filter]}]}))
    };
    let entries = json!([
        at("10.0.0.9", 443, tcp("x")),
        at("0.0.0.0", 15006, tcp("x")),
        at("10.0.0.10", 443, tcp("x")),
        at("10.0.0.10", 443, http(json!({}))),
        active(json!({"name": "b", "internal_listener": {}, "filter_chains": [{}]})),
        active(json!({"name": "a", "internal_listener": {}, "filter_chains": [{}]})),
        at("0.0.0.0", 80, tcp("x"))
    ]);
    let rows = open(&dump(entries));
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{}:{} {}",
                row.record.addresses.as_deref().or(row.record.name.as_deref()).unwrap(),
                row.record.port.unwrap_or(0),
                row.record.r#type
            )
        })
        .collect();
    let expected = [
        "a:0 UNKNOWN",
        "b:0 UNKNOWN",
        "0.0.0.0:80 TCP",
        "10.0.0.10:443 HTTP",
        "10.0.0.10:443 TCP",
        "10.0.0.9:443 TCP",
        "0.0.0.0:15006 TCP",
    ];
    assert_eq!(told, expected);
    has(&fields(&rows[0].record), json!({"addresses": null, "port": null, "bind_to_port": false}));
}

#[test]
fn every_state_of_a_listener_is_a_row_and_istioctl_shows_two() {
    let listener = |cluster: &str| json!({"listener": {"name": "l", "address": socket("1.1.1.1", 1), "filter_chains": [{"filters": [tcp(cluster)]}]}});
    let failed = json!({"failed_configuration": {"@type": "x/a.Listener", "name": "new", "filter_chains": [{"filters": [tcp("d")]}]}, "details": "no"});
    let rows = open(&dump(json!([
        {"name": "l", "active_state": listener("a"), "warming_state": listener("b"), "draining_state": listener("c"), "error_state": failed},
        {"error_state": failed}, {"error_state": {"details": "why", "last_update_attempt": "t"}}])));
    let told =
        |row: &Found<Listener>| format!("{} {}", row.record.state.unwrap(), row.record.destination.as_deref().unwrap_or("-"));
    let all: Vec<String> = rows.iter().map(told).collect();
    assert_eq!(all, ["rejected Cluster: d", "rejected -", "active Cluster: a", "warming Cluster: b", "draining Cluster: c"]);
    let shown: Vec<bool> = rows.iter().map(|row| row.record.is_shown()).collect();
    assert_eq!(shown, [false, false, true, true, false], "what is warming is shown, as of clusters and secrets");
    has(&fields(&rows[0].record), json!({"name": "new", "error_state": "no"}));
    has(&fields(&rows[1].record), json!({"name": null, "error_state": "t why", "matches": null}));
    has(&fields(&rows[2].record), json!({"error_state": "no"}));
}

#[test]
fn every_form_of_a_dump_gives_the_same() {
    let kind = "type.googleapis.com/envoy.admin.v3.ListenersConfigDump";
    let snake = json!({"name": "x", "address": socket("1.1.1.1", 80), "filter_chains": [{"filters": [tcp("a")]}]});
    let camel = json!({"name": "x", "address": {"socketAddress": {"address": "1.1.1.1", "portValue": 80}},
        "filterChains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typedConfig": {"statPrefix": "s", "cluster": "a"}}]}]});
    let old = json!({"@type": "type.googleapis.com/envoy.admin.v2alpha.ListenersConfigDump", "dynamic_active_listeners": [{"listener":
        {"name": "x", "address": socket("1.1.1.1", 80), "deprecated_v1": {"bind_to_port": false},
         "filter_chains": [{"filters": [{"name": "envoy.tcp_proxy", "config": {"cluster": "a"}}], "tls_context": {"require_client_certificate": true,
            "common_tls_context": {"tls_certificates": [{}]}}}]}}]});
    for (dump, state) in [
        (dump(json!([active(snake.clone())])), json!("active")),
        (json!({"@type": kind, "staticListeners": [{"listener": camel}]}), json!("static")),
        (
            json!({"configs": [{"@type": format!("{kind}.DynamicListener"), "name": "x", "active_state": {"listener": snake}}]}),
            json!("active"),
        ),
        (json!([camel]), json!(null)),
        (json!({"configs": [old]}), json!("active")),
    ] {
        let rows = open(&dump);
        let row = fields(&rows[0].record);
        has(
            &row,
            json!({"addresses": "1.1.1.1", "port": 80, "destination": "Cluster: a", "type": "TCP", "state": state, "broken": null}),
        );
        assert!(rows[0].record.is_shown());
        if dump.to_string().contains("deprecated_v1") {
            has(&row, json!({"bind_to_port": false, "tls_mode": "MUTUAL"}));
        }
    }
}

#[test]
fn the_mode_of_a_server_is_told() {
    let mode = |context: Value| {
        let socket = json!({"name": "tls", "typed_config": {"@type": "x/a.DownstreamTlsContext", "common_tls_context": context}});
        rows(json!({"filter_chains": [{"transport_socket": socket}]}))[0]["tls_mode"].clone()
    };
    assert_eq!(mode(json!({"tls_certificate_sds_secret_configs": [{"name": "kubernetes://x"}]})), "SIMPLE");
    assert_eq!(mode(json!({"validation_context_sds_secret_config": {"name": "x-cacert"}})), "OPTIONAL_MUTUAL");
}

#[test]
fn http_3_has_its_tls_inside() {
    let context = json!({"require_client_certificate": true, "common_tls_context": {
        "tls_certificate_sds_secret_configs": [{"name": "kubernetes://shop"}], "validation_context_sds_secret_config": {"name": "ca"}}});
    let socket = json!({"name": "envoy.transport_sockets.quic", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport", "downstream_tls_context": context}});
    let rows = rows(json!({"filter_chains": [{"transport_socket": socket}]}));
    has(&rows[0], json!({"tls_mode": "MUTUAL", "require_client_certificate": true, "secrets": ["kubernetes://shop", "ca"]}));
}

#[test]
fn a_waypoints_chains_say_how_they_are_found() {
    let to =
        |name: &str| json!({"action": {"name": name, "typed_config": {"@type": "x/google.protobuf.StringValue", "value": name}}});
    let listener = json!({"name": "main_internal", "internal_listener": {}, "filter_chains": [{"name": "a", "filters": [tcp("a")]}, {"name": "b"}],
        "filter_chain_matcher": {"matcher_tree": {"input": {"name": "port"}, "exact_match_map": {"map": {"80": to("a"), "443": to("a")}}}}});
    let rows = rows(listener);
    has(&rows[1], json!({"chain": "a", "matcher": ["port=443", "port=80"], "matches": "ALL"}));
    has(&rows[0], json!({"chain": "b", "matcher": ["NONE"]}));
}

#[test]
fn what_is_of_the_wrong_type_marks_only_its_own_row() {
    let chains = json!([{"filters": [tcp("b")]}, {"filters": [{"name": 7, "typed_config": []}], "filter_chain_match": {"server_names": "x"}}, 5]);
    let found = rows(json!({"filter_chains": chains}));
    let broken: Vec<Option<&str>> = found.iter().map(|row| row["broken"].as_str()).collect();
    assert_eq!(
        broken,
        [
            Some("name is not text, typed_config is not an object, server_names is not a list"),
            Some("filter_chains is not an object"),
            None
        ]
    );
    has(
        &rows(json!({"address": socket("1.1.1.1", 70_000)}))[0],
        json!({"port": null, "broken": "port_value is 70000, which is no port"}),
    );
    for entry in [json!(7), json!({"active_state": 7}), json!({"active_state": {"listener": "x"}})] {
        let rows = open(&dump(json!([entry])));
        assert!(rows[0].record.broken.is_some() && rows[0].record.is_shown(), "{entry}");
    }
}
