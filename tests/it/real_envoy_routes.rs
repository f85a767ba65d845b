//! Listeners and routes of real Envoys.

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
