//! Clusters and endpoints of real Envoys: configuration as it was written, health as it is.

use crate::real_envoy::{each, has, page, row};
use serde_json::json;

const REVIEWS: &str = "outbound|8080|v1|reviews.shop.svc.cluster.local";
const DEAD: &str = "outbound|9000||dead.shop.svc.cluster.local";
const FLAKY: &str = "outbound|8090||flaky.shop.svc.cluster.local";

#[test]
fn clusters_hold_what_was_configured() {
    each("clusters(POD)", |_, rows| {
        has(
            row(&rows, "name", REVIEWS),
            json!({
                "service_fqdn": "reviews.shop.svc.cluster.local", "port": 8080, "subset": "v1", "direction": "outbound",
                "type": "EDS", "destination_rule": "reviews.shop", "state": "static", "lb_policy": "LEAST_REQUEST",
                "connect_timeout": "2.500s", "max_connections": 100, "max_pending_requests": 11, "max_requests": 1000,
                "max_retries": 3, "eds_service_name": REVIEWS, "services": ["reviews.shop"], "alpn": ["istio", "h2"],
                "sni": "outbound_.8080_.v1_.reviews.shop.svc.cluster.local", "secrets": ["default", "ROOTCA"],
                "sans": ["spiffe://cluster.local/ns/shop/sa/reviews", "reviews.shop.svc"], "broken": null,
            }),
        );
        let flaky = row(&rows, "name", FLAKY);
        has(flaky, json!({"type": "STATIC", "static_endpoints": 1, "tls_mode": null, "health_checks": null}));
        assert_eq!(flaky["outlier_detection"]["consecutive_5xx"], 2);
        assert_eq!(row(&rows, "name", DEAD)["health_checks"][0]["http_health_check"]["path"], "/");
        has(
            row(&rows, "name", "xds-grpc"),
            json!({"service_fqdn": "xds-grpc", "port": null, "direction": null, "type": "STRICT_DNS"}),
        );
        has(row(&rows, "name", "inbound|8080||"), json!({"direction": "inbound", "port": 8080, "subset": null}));
    });
}

#[test]
fn clusters_that_came_by_update_know_which_and_those_that_wait_are_marked() {
    each("clusters(POD)", |lab, rows| {
        let section = page(lab, "/config_dump?mask=dynamic_active_clusters");
        let updated = &section["configs"][0]["dynamic_active_clusters"][0]["last_updated"];
        let ratings = row(&rows, "name", "outbound|7070||ratings.shop.svc.cluster.local");
        has(ratings, json!({"state": "active", "version": "cds-1", "last_updated": updated, "destination_rule": "ratings.shop"}));
        let waiting = row(&rows, "name", "outbound|7071||waiting.shop.svc.cluster.local");
        has(waiting, json!({"state": "warming", "version": "cds-2", "port": 7071}));
    });
}

#[test]
fn a_host_that_fails_health_checks_is_not_healthy_though_istioctl_says_so() {
    each("endpoints(POD)", |_, rows| {
        let dead = row(&rows, "cluster", DEAD);
        has(
            dead,
            json!({"endpoint": "127.0.0.1:1", "status": "UNHEALTHY", "eds_status": "HEALTHY", "outlier_check": "OK",
                "failed_active_health_check": true, "failed_outlier_check": false, "pending_active_hc": false}),
        );
        assert!(dead["why"].to_string().contains("health check"), "it says why: {dead}");
    });
}

#[test]
fn a_host_that_was_ejected_is_told_from_its_twin_elsewhere() {
    each("endpoints(POD)", |lab, rows| {
        let address = lab.workload.address.to_string();
        let flaky = row(&rows, "cluster", FLAKY);
        has(flaky, json!({"endpoint": address, "status": "UNHEALTHY", "outlier_check": "FAILED", "failed_outlier_check": true}));
        // The second failure ejects it; a request or two may have been on their way by then.
        let failed = flaky["stats"]["rq_error"].as_u64().expect("a count");
        assert!((2..=4).contains(&failed), "{flaky:#}");
        has(&flaky["stats"], json!({"rq_total": failed, "rq_success": 0, "cx_connect_fail": 0}));
        let live = row(&rows, "cluster", "inbound|8080||");
        has(live, json!({"endpoint": address, "status": "HEALTHY", "outlier_check": "OK", "failed_active_health_check": false}));
        assert!(live["stats"]["rq_success"].as_u64() >= Some(1), "health checks and a request succeeded: {live}");
    });
}

#[test]
fn endpoints_from_a_file_keep_health_weight_priority_and_place() {
    each(r#"endpoints(POD, #{ cluster: "outbound|8080|v1|reviews.shop.svc.cluster.local" })"#, |_, rows| {
        assert_eq!(rows.as_array().map(Vec::len), Some(4));
        let of = |address: &str, fields| has(row(&rows, "endpoint", address), fields);
        of("10.1.0.7:8080", json!({"status": "HEALTHY", "weight": 3, "priority": 0, "locality": "lab/one"}));
        of("10.1.0.8:8080", json!({"status": "DRAINING", "eds_status": "DRAINING", "weight": 1, "locality": "lab/one"}));
        of("10.1.0.9:8080", json!({"status": "DEGRADED", "priority": 1, "locality": "lab/two"}));
        of("10.1.0.10:8080", json!({"status": "UNHEALTHY", "eds_status": "UNHEALTHY", "priority": 1}));
    });
}

#[test]
fn endpoints_from_the_configuration_know_their_workload() {
    let script = r#"endpoints(POD, #{ eds: true, address: "10.1.0.7" })"#;
    each(script, |_, rows| {
        has(row(&rows, "endpoint", "10.1.0.7:8080"), json!({"cluster": REVIEWS, "workload": "reviews-v1.shop", "weight": 3}));
    });
}

#[test]
fn a_host_by_name_keeps_it() {
    each("endpoints(POD)", |_, rows| {
        has(row(&rows, "cluster", "xds-grpc"), json!({"endpoint": "127.0.0.1:1", "hostname": "istiod.istio-system.svc"}));
    });
}

#[test]
fn from_a_cluster_to_its_endpoints_to_the_pod() {
    let script = r#"
        let cluster = clusters(POD, #{ fqdn: "reviews", subset: "v1" })[0];
        let endpoint = cluster.endpoints().find(|endpoint| endpoint.endpoint == "10.1.0.7:8080");
        [cluster.endpoints().len(), endpoint.pod().name]
    "#;
    each(script, |_, found| assert_eq!(found, json!([4, "reviews-v1-0"])));
}

#[test]
fn a_row_gives_back_what_envoy_said() {
    each(r#"clusters(POD, #{ fqdn: "ratings" })[0].raw()"#, |lab, raw| {
        assert_eq!(raw, page(lab, "/config_dump?mask=dynamic_active_clusters")["configs"][0]["dynamic_active_clusters"][0]);
    });
}
