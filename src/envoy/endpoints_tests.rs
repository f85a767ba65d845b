//! Endpoints of every sort of document, and of broken ones.

use super::*;
use crate::json::Doc;
use crate::record::Record;
use serde_json::{Value, json};
use std::sync::Arc;

fn rows(document: &Value) -> (Arc<Doc>, Vec<Found<Endpoint>>) {
    let doc = Doc::parse(document.to_string().into()).unwrap();
    let found = endpoints(&Dump::open(&doc).unwrap()).unwrap();
    (doc, found)
}

fn host(ip: &str, port: u64, more: &Value) -> Value {
    let mut host = json!({"address": {"socket_address": {"address": ip, "port_value": port}}, "health_status": {"eds_health_status": "HEALTHY"}});
    let more = more.as_object().unwrap().clone();
    host.as_object_mut().unwrap().extend(more);
    host
}

fn clusters(hosts: &[Value]) -> Value {
    json!({"cluster_statuses": [{"name": "c", "added_via_api": true, "observability_name": "short", "host_statuses": hosts}]})
}

fn get(endpoint: &Endpoint, column: &str) -> Value {
    endpoint.value(Endpoint::schema().index(column).unwrap())
}

#[test]
fn a_host_says_all_that_is_known() {
    let stats =
        json!([{"name": "cx_total", "value": "7"}, {"name": "rq_error"}, {"name": "new_one", "value": "3", "type": "GAUGE"}]);
    let (doc, found) = rows(&clusters(&[host(
        "10.1.0.7",
        80,
        &json!({"stats": stats, "weight": 3, "priority": 1, "hostname": "a.example", "success_rate": {"value": 97.5},
            "locality": {"region": "r", "zone": "z", "sub_zone": "s"}}),
    )]));
    let row = &found[0].record;
    for (column, value) in [
        ("endpoint", json!("10.1.0.7:80")),
        ("status", json!("HEALTHY")),
        ("outlier_check", json!("OK")),
        ("cluster", json!("c")),
        ("why", Value::Null),
        ("locality", json!("r/z/s")),
        ("failed_active_health_check", json!(false)),
        ("weight", json!(3)),
        ("priority", json!(1)),
        ("hostname", json!("a.example")),
        ("success_rate", json!(97.5)),
        ("stats", json!({"cx_total": 7, "rq_error": 0, "new_one": 3})),
        ("observability_name", json!("short")),
        ("added_via_api", json!(true)),
        ("broken", Value::Null),
    ] {
        assert_eq!(get(row, column), value, "{column}");
    }
    assert_eq!(found[0].at.node(&doc).unwrap().get("weight").unwrap().text(), "3");
}

#[test]
fn rows_come_in_istioctls_order() {
    let other = json!({"name": "b", "host_statuses": [host("10.10.0.1", 80, &json!({}))]});
    let mut document = clusters(&[
        host("10.10.0.1", 8080, &json!({})),
        host("10.10.0.1", 80, &json!({})),
        host("10.9.0.1", 1, &json!({})),
        json!({"address": {"pipe": {"path": "./x"}}}),
    ]);
    document["cluster_statuses"].as_array_mut().unwrap().push(other);
    let order: Vec<String> = rows(&document)
        .1
        .iter()
        .map(|row| format!("{} {}", row.record.state.endpoint, row.record.state.cluster.as_ref().unwrap()))
        .collect();
    assert_eq!(order, ["10.10.0.1:80 b", "10.10.0.1:80 c", "10.10.0.1:8080 c", "10.9.0.1:1 c", "unix://./x c"]);
}

#[test]
fn what_istioctl_kept_reads_the_same() {
    let kept = json!([{"name": "c", "addedViaApi": true, "hostStatuses": [
        {"address": {"socketAddress": {"address": "10.1.0.7", "portValue": 80}}, "stats": [{"name": "cx_total", "value": "1"}],
         "healthStatus": {"failedOutlierCheck": true, "edsHealthStatus": "HEALTHY"}, "weight": 1, "locality": {}}]}]);
    let (doc, found) = rows(&kept);
    let row = &found[0].record;
    assert_eq!((get(row, "status"), get(row, "eds_status")), (json!("UNHEALTHY"), json!("HEALTHY")));
    assert_eq!((get(row, "outlier_check"), get(row, "failed_outlier_check")), (json!("FAILED"), json!(true)));
    assert_eq!(get(row, "locality"), Value::Null);
    assert!(found[0].at.node(&doc).unwrap().get("healthStatus").is_some());
}

fn assignment() -> Value {
    json!({"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "cluster_name": "outbound|80||a", "endpoints": [
        {"locality": {"region": "r", "zone": "z"}, "priority": 1, "lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": "10.1.0.7", "port_value": 80}},
                "additional_addresses": [{"address": {"socket_address": {"address": "fd00::7", "port_value": 80}}}]},
             "health_status": "DRAINING", "load_balancing_weight": 2,
             "metadata": {"filter_metadata": {"istio": {"workload": "a-v1;shop;a;v1;Kubernetes"}}}}]},
        {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": "/run/x"}}}},
            {"endpoint": {"address": {"envoy_internal_address": {"server_listener_name": "inner", "endpoint_id": "10.1.0.8:80"}}}}]}]})
}

#[test]
fn what_was_sent_has_no_state_but_knows_workloads() {
    let section = json!({"@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
        "dynamic_endpoint_configs": [{"endpoint_config": assignment()}], "static_endpoint_configs": [
            {"endpoint_config": {"cluster_name": "agent", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1"}}}}]}]}}]});
    let sent = (json!("DRAINING"), json!("DRAINING in the last update"));
    for (document, told) in [
        (json!({"configs": [section]}), (Value::Null, Value::Null)),
        (json!({"configs": [assignment()]}), sent.clone()),
        (json!([assignment()]), sent),
    ] {
        let (doc, found) = rows(&document);
        let found: Vec<_> =
            found.into_iter().filter(|row| row.record.state.cluster.as_ref().unwrap().as_str() != "agent").collect();
        let texts: Vec<String> = found.iter().map(|row| row.record.state.endpoint.to_string()).collect();
        assert_eq!(texts, ["10.1.0.7:80", "unix:///run/x", "envoy://inner/10.1.0.8:80"]);
        let row = &found[0].record;
        for (column, value) in [
            ("status", json!("DRAINING")),
            ("outlier_check", Value::Null),
            ("failed_active_health_check", Value::Null),
            ("stats", Value::Null),
            ("locality", json!("r/z")),
            ("priority", json!(1)),
            ("weight", json!(2)),
            ("additional_addresses", json!(["[fd00::7]:80"])),
            ("workload", json!("a-v1.shop")),
        ] {
            assert_eq!(get(row, column), value, "{column}");
        }
        // A proxy's dump holds Envoy's verdict in the place of the update's word.
        assert_eq!((get(row, "eds_status"), get(row, "why")), told);
        assert!(found[2].at.node(&doc).unwrap().text().contains("10.1.0.8"), "each row finds its own resource");
        assert_eq!(get(&found[1].record, "status"), json!("UNKNOWN"));
    }
}

#[test]
fn what_is_of_the_wrong_type_marks_its_own_row() {
    let (_, found) =
        rows(&clusters(&[host("10.1.0.7", 80, &json!({"weight": "x", "stats": {"a": 1}})), host("10.1.0.8", 80, &json!({}))]));
    let broken = found[0].record.more.as_ref().unwrap().broken.as_ref().unwrap().as_str();
    assert!(broken.contains("weight is not a whole number") && broken.contains("stats is not a list"), "{broken}");
    assert!(found[1].record.more.is_none());
}

#[test]
fn a_broken_cluster_is_a_row_even_without_hosts() {
    let (_, found) = rows(&json!({"cluster_statuses": [{"name": "c", "host_statuses": 7}, {"name": "fine"}, 5]}));
    let told: Vec<_> = found.iter().map(|row| (get(&row.record, "cluster"), get(&row.record, "broken"))).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&(json!("c"), json!("host_statuses is not a list"))), "{told:?}");
    assert!(
        told.iter().any(|(cluster, broken)| cluster.is_null() && broken.as_str().unwrap().contains("not an object")),
        "{told:?}"
    );
    let (_, found) = rows(&clusters(&[json!("x"), json!(null), host("10.1.0.7", 80, &json!({}))]));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_broken_name_marks_all_of_its_hosts() {
    let (_, found) =
        rows(&json!({"cluster_statuses": [{"name": [1], "host_statuses": [host("10.1.0.7", 80, &json!({"weight": []}))]}]}));
    let broken = found[0].record.more.as_ref().unwrap().broken.as_ref().unwrap().as_str();
    assert!(broken.contains("weight is not") && broken.contains("name is not text"), "{broken}");
}

#[test]
fn a_dump_without_endpoints_says_how_to_take_one_with() {
    let doc = Doc::parse(r#"{"configs":[{"@type":"x/envoy.admin.v3.ClustersConfigDump","static_clusters":[]}]}"#.into()).unwrap();
    let error = endpoints(&Dump::open(&doc).unwrap()).unwrap_err();
    assert!(error.next_step().unwrap().contains("include_eds"), "{error}");
    let doc = Doc::parse(r#"[{"virtualHosts":[]}]"#.into()).unwrap();
    assert!(endpoints(&Dump::open(&doc).unwrap()).unwrap_err().message().contains("holds routes, not endpoints"));
}

#[test]
fn a_row_is_small() {
    assert!(size_of::<Found<Endpoint>>() <= 128, "{}", size_of::<Found<Endpoint>>());
}
