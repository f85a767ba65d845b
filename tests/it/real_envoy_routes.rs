//! Listeners, routes and extensions of real Envoys.

use crate::real_envoy::{each, has, row};
use serde_json::{Value, json};

#[test]
fn a_route_holds_all_that_a_virtual_service_asks_for() {
    each(r#"routes(POD, #{ name: "8080" })"#, |_, rows| {
        let api = row(&rows, "route_name", "api");
        has(
            api,
            json!({
                "name": "8080", "vhost_name": "reviews.shop.svc.cluster.local:8080", "matches": "/api*", "virtual_service": "reviews.shop",
                "cluster": null, "timeout": "7.500s", "retry_on": "5xx,reset", "num_retries": 4, "per_try_timeout": "2s",
                "prefix_rewrite": "/v2", "host_rewrite": "reviews.example.com", "headers": ["x-team=blue"], "state": "dynamic",
                "version": "rds-1",
            }),
        );
        let shares: Vec<(&Value, &Value)> = api["weighted_clusters"]
            .as_array()
            .expect("clusters")
            .iter()
            .map(|share| (&share["name"], &share["weight"]))
            .collect();
        assert_eq!(
            shares,
            [
                (&json!("outbound|8080|v1|reviews.shop.svc.cluster.local"), &json!(90)),
                (&json!("outbound|7070||ratings.shop.svc.cluster.local"), &json!(10))
            ]
        );
        has(row(&rows, "route_name", "old"), json!({"matches": "/old", "redirect": "302 /new"}));
        let default = row(&rows, "route_name", "default");
        has(
            default,
            json!({"cluster": "outbound|7070||ratings.shop.svc.cluster.local", "timeout": "0s", "virtual_service": null}),
        );
        assert_eq!(default["all_domains"].as_array().map(Vec::len), Some(5));
        has(row(&rows, "vhost_name", "allow_any"), json!({"direct_response": 404}));
    });
}

#[test]
fn inline_routes_are_static() {
    each(r#"routes(POD, #{ name: "ingress-routes" })"#, |_, rows| {
        has(
            row(&rows, "route_name", "flaky"),
            json!({"state": "static", "matches": "/flaky*", "timeout": "3s", "cluster": "outbound|8090||flaky.shop.svc.cluster.local"}),
        );
        has(row(&rows, "route_name", "live"), json!({"matches": "regex /li.e", "cluster": "inbound|8080||"}));
    });
}

#[test]
fn a_filter_chain_holds_its_conditions_and_its_tls() {
    each("listeners(POD)", |_, rows| {
        has(
            row(&rows, "chain", "mutual"),
            json!({
                "name": "virtualInbound", "addresses": "0.0.0.0", "port": 8443, "type": "HTTP", "state": "static",
                "server_names": ["web.shop.svc.cluster.local"], "transport_protocol": "tls", "destination_port": 8443,
                "application_protocols": ["istio-h2", "istio"], "source_prefix_ranges": ["10.0.0.0/8"],
                "require_client_certificate": true, "secrets": ["default", "ROOTCA"], "http_filters": ["envoy.filters.http.router"],
                "inline_routes": true, "bind_to_port": false, "broken": null,
            }),
        );
        let ingress = row(&rows, "name", "ingress");
        has(
            ingress,
            json!({"type": "HTTP", "bind_to_port": true, "tls_mode": null, "direction": "inbound", "chain": "requests"}),
        );
        let filters = ["envoy.filters.http.jwt_authn", "envoy.filters.http.rbac", "shop.header", "envoy.filters.http.router"];
        assert_eq!(ingress["http_filters"], json!(filters));
    });
}

#[test]
fn chains_by_server_name_and_the_one_for_all_others() {
    each(r#"listeners(POD, #{ port: 9000 })"#, |_, rows| {
        assert_eq!(rows.as_array().map(Vec::len), Some(3), "{rows:#}");
        let to = |cluster: &str| {
            let found = rows.as_array().into_iter().flatten().find(|row| row["clusters"] == json!([cluster]));
            found.unwrap_or_else(|| panic!("no chain leads to {cluster}: {rows:#}"))
        };
        has(
            to("outbound|9000||dead.shop.svc.cluster.local"),
            json!({"server_names": ["dead.shop", "dead.shop.svc"], "transport_protocol": "tls", "is_default": false, "tls_mode": null,
                "network_filters": ["envoy.filters.network.tcp_proxy"], "addresses": "10.96.0.20", "type": "TCP"}),
        );
        has(
            to("outbound|7070||ratings.shop.svc.cluster.local"),
            json!({"application_protocols": ["h2"], "server_names": [], "require_client_certificate": true, "is_default": false}),
        );
        has(
            to("outbound|8090||flaky.shop.svc.cluster.local"),
            json!({"is_default": true, "chain": "PassthroughFilterChain", "state": "active", "version": "lds-1",
                "listener_filters": ["envoy.filters.listener.tls_inspector"]}),
        );
    });
}

#[test]
fn a_rejected_update_stands_beside_what_is_active() {
    let script = r#"listeners(POD).filter(|one| one.name == "0.0.0.0_8080" && one.state == "active")"#;
    each(script, |_, rows| {
        let active = row(&rows, "name", "0.0.0.0_8080");
        has(active, json!({"version": "lds-1", "tls_mode": null, "route_name": "8080", "destination": "Route: 8080"}));
        let error = active["error_state"].as_str().expect("an error");
        assert!(error.contains("Failed to load certificate chain"), "{error}");
    });
}

#[test]
fn an_extension_that_came_by_itself() {
    each("ecds(POD)", |_, rows| {
        let header = row(&rows, "ecds_name", "shop.header");
        has(header, json!({"state": "active", "version": "ecds-1", "error_state": null, "broken": null}));
        assert!(header.to_string().contains("header_to_metadata"), "{header:#}");
        assert!(header["config"].to_string().contains("x-team"), "{header:#}");
    });
}

#[test]
fn a_route_leads_to_its_clusters_with_their_shares() {
    let script = r#"
        let route = routes(POD, #{ name: "8080" }).find(|route| route.route_name == "api");
        route.clusters().map(|cluster| [cluster.name, cluster.weight])
    "#;
    each(script, |_, found| {
        let reviews = json!(["outbound|8080|v1|reviews.shop.svc.cluster.local", 90]);
        let ratings = json!(["outbound|7070||ratings.shop.svc.cluster.local", 10]);
        assert_eq!(found, json!([reviews, ratings]));
    });
}

#[test]
fn a_listener_leads_to_its_routes_by_file_and_inline() {
    let names = |listener: &str, other: &str| {
        format!(r#"listeners(POD).find(|one| {other} == "{listener}").routes().map(|route| route.route_name)"#)
    };
    each(&names("0.0.0.0_8080", "one.name"), |_, found| {
        for name in ["api", "old", "default"] {
            assert!(found.as_array().expect("names").contains(&json!(name)), "{found}");
        }
    });
    each(&names("ingress", "one.name"), |_, found| assert_eq!(found, json!(["flaky", "live"])));
    each(&names("mutual", "one.chain"), |_, found| assert_eq!(found, json!(["default"])));
}

#[test]
fn a_chain_leads_to_its_clusters() {
    let script = r#"listeners(POD, #{ port: 9000 }).find(|one| one.is_default).clusters().map(|cluster| cluster.name)"#;
    each(script, |_, found| assert_eq!(found, json!(["outbound|8090||flaky.shop.svc.cluster.local"])));
}
