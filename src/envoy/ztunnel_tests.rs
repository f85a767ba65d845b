//! What is read of a ztunnel's dump. No recording has one: `tests/data/ztunnel_dump.json` is made by hand from the documented
//! shape, so that every rule of every cell is met; the older shape is made from it here.

use super::*;
use crate::error::Result;
use crate::json::{Doc, Found, Node};
use jiff::Timestamp;
use serde_json::{Value, json};

const DUMP: &str = include_str!("../../tests/data/ztunnel_dump.json");

fn root(value: &Value) -> Node {
    Doc::parse(value.to_string().into()).unwrap().root()
}

fn dump() -> Value {
    serde_json::from_str(DUMP).unwrap()
}

/// As older versions wrote it: maps in place of lists.
fn old() -> Value {
    let mut dump = dump();
    for section in ["workloads", "services", "policies", "certificates"] {
        let list = dump[section].as_array().unwrap().clone();
        dump[section] = list.into_iter().enumerate().map(|(number, item)| (format!("key-{number}"), item)).collect();
    }
    for service in dump["services"].as_object_mut().unwrap().values_mut() {
        let endpoints = service["endpoints"].as_object().unwrap().clone();
        service["endpoints"] = endpoints.into_iter().map(|(_, endpoint)| endpoint).collect();
    }
    dump
}

fn records<R>(found: Result<Vec<Found<R>>>) -> Vec<R> {
    found.unwrap().into_iter().map(|found| found.record).collect()
}

fn now() -> Timestamp {
    "2026-11-22T13:06:15Z".parse().unwrap()
}

#[test]
fn workloads_have_istioctls_cells_in_lists_and_maps() {
    for dump in [dump(), old()] {
        let rows = records(workloads(&root(&dump)));
        let cells: Vec<_> = rows
            .iter()
            .map(|row| {
                (row.pod_name.as_str(), row.address.as_str(), row.node.as_deref(), row.waypoint.as_deref(), row.protocol.as_str())
            })
            .collect();
        assert_eq!(
            cells,
            [
                ("client", "10.88.0.1", Some("lab-node"), Some("waypoint"), "TCP"),
                ("db", "db.example.test", None, None, "TCP"),
                ("reviews-v1", "10.88.1.4", Some("lab-node"), Some("/10.89.0.99"), "HBONE"),
                ("reviews-v2", "10.88.1.9", Some("other-node"), None, "TCP"),
                ("web-0", "10.88.1.3,fd00::3", Some("lab-node"), Some("waypoint"), "HBONE"),
            ]
        );
        let web = &rows[4];
        assert_eq!((web.workload.as_deref(), web.locality.as_deref()), (Some("statefulset/web"), Some("lab/lab-a")));
        assert_eq!((web.policies[0].as_str(), web.trust_domain.as_deref()), ("shop/no-admin", Some("lab.local")));
        assert_eq!(rows[1].network_gateway.as_deref(), Some("far-net/192.0.2.7:15008"));
        assert!(rows.iter().all(|row| row.broken.is_none()));
    }
}

#[test]
fn services_count_their_healthy_endpoints() {
    for dump in [dump(), old()] {
        let rows = records(ztunnel_services(&root(&dump)));
        let cells: Vec<_> = rows
            .iter()
            .map(|row| (row.service_name.as_str(), row.service_vip.as_str(), row.waypoint.as_deref(), row.endpoints.as_str()))
            .collect();
        assert_eq!(
            cells,
            [
                ("kubernetes", "10.89.0.1", None, "0/1"),
                ("reviews", "10.89.0.5,fd00::5", Some("waypoint"), "1/2"),
                ("waypoint", "10.89.0.77", None, "0/0"),
            ]
        );
        assert_eq!(
            (&rows[1].ports, rows[1].load_balancer.as_ref()),
            (&vec!["80 → 8080".into(), "81 → 8081".into()], Some(&json!({"mode": "Failover"})))
        );
    }
}

#[test]
fn policies_are_sorted_by_namespace_and_name() {
    for dump in [dump(), old()] {
        let rows = records(ztunnel_policies(&root(&dump)));
        let cells: Vec<_> =
            rows.iter().map(|row| (row.namespace.as_str(), row.policy_name.as_str(), row.scope.as_str())).collect();
        assert_eq!(
            cells,
            [("istio-system", "converted_peer_authentication_strict", "Global"), ("shop", "no-admin", "WorkloadSelector")]
        );
        assert_eq!(rows[1].rules, Some(json!([[[{"destinationPorts": [9090]}]]])));
    }
}

#[test]
fn certificates_stand_in_the_order_of_the_dump() {
    let rows = records(ztunnel_certificates(&root(&dump()), now()));
    let cells: Vec<_> = rows
        .iter()
        .map(|row| (row.r#type.as_deref(), row.status.as_str(), row.valid_cert, row.serial_number.as_deref()))
        .collect();
    assert_eq!(
        cells,
        [
            (Some("Leaf"), "Available", true, Some("ff")),
            (Some("Intermediate"), "Available", false, Some("3ac242f1b8b80c35c3bddf4bddbb65")),
            (Some("Root"), "Available", true, Some("10")),
            (None, "Unavailable", false, None),
            (None, "Initializing", false, None),
        ]
    );
    assert!(rows[3].state.contains("connection refused"));
    assert!(rows[2].broken.as_ref().unwrap().contains("pem cannot be read") && rows[0].broken.is_none());
    assert_eq!(rows[0].not_after.as_deref(), Some("2026-11-23T12:00:00Z"));
    let mut old = old();
    old["certificates"]["key-0"]["rootCerts"] = json!(null);
    let kinds: Vec<_> = records(ztunnel_certificates(&root(&old), now())).into_iter().map(|row| row.r#type).collect();
    assert_eq!(kinds[..2], [Some("Leaf".into()), Some("Root".into())], "of old ones the last of the chain is the root");
}

#[test]
fn a_certificate_is_read_from_pem_and_from_pem_in_base64() {
    use base64::Engine;
    let pem = include_str!("../../tests/data/keycloak_chain.pem");
    for text in [pem.to_owned(), base64::prelude::BASE64_STANDARD.encode(pem)] {
        let mut dump = dump();
        dump["certificates"][0]["certChain"][0]["pem"] = text.into();
        let rows = records(ztunnel_certificates(&root(&dump), now()));
        assert!(rows[0].certificate.as_ref().is_some_and(|certificate| !certificate.subject.is_empty()), "{:?}", rows[0]);
    }
}

#[test]
fn connections_name_both_sides() {
    let rows = records(connections(&root(&dump()), false));
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            (row.workload.as_str(), row.direction.as_str(), row.local.as_str(), row.remote.as_str(), row.remote_target.as_deref())
        })
        .collect();
    assert_eq!(
        cells,
        [
            ("reviews-v1.shop", "Inbound", "reviews-v1.shop:8080", "web-0.shop:41000", Some("10.88.1.4:8080")),
            ("web-0.shop", "Outbound", "web-0.shop:41000", "reviews-v1.shop:15008", Some("reviews.shop.svc.cluster.local:80")),
            ("web-0.shop", "Outbound", "web-0.shop:41001", "203.0.113.9:443", Some("203.0.113.9:443")),
        ]
    );
    let raw = records(connections(&root(&dump()), true));
    assert_eq!((raw[1].local.as_str(), raw[1].remote_target.as_deref()), ("10.88.1.3:41000", Some("10.89.0.5:80")));
}

#[test]
fn a_row_leads_back_to_what_it_was_made_of() {
    for dump in [dump(), old()] {
        let root = root(&dump);
        let found = connections(&root, false).unwrap();
        let raw = |number: usize| found[number].at.node(root.doc()).unwrap().to_value().unwrap();
        assert_eq!((&raw(0)["src"], &raw(2)["src"]), (&json!("10.88.1.3:41000"), &json!("10.88.1.3:41001")));
        let first = &workloads(&root).unwrap()[0];
        assert_eq!(first.at.node(root.doc()).unwrap().get("name").unwrap().as_str().unwrap(), "client");
    }
}

#[test]
fn what_istioctl_prints_of_one_section_is_read_alone() {
    let dump = dump();
    assert_eq!(workloads(&root(&dump["workloads"])).unwrap().len(), 5);
    assert_eq!(ztunnel_certificates(&root(&dump["certificates"]), now()).unwrap().len(), 5);
    assert_eq!(workloads(&root(&json!({"workloads": {}, "services": {}}))).unwrap().len(), 0);
    assert_eq!(ztunnel_policies(&root(&json!({"workloads": []}))).unwrap().len(), 0);
}

#[test]
fn what_is_of_the_wrong_type_marks_the_row_and_no_other() {
    let mut dump = dump();
    dump["workloads"][0]["workloadIps"] = json!("10.0.0.1");
    dump["workloads"][1]["waypoint"] = json!([1]);
    dump["services"][1]["endpoints"] = json!(7);
    dump["workloadState"]["Kubernetes//Pod/shop/web-0"]["connections"]["outbound"][0]["src"] = json!(5);
    let rows = records(workloads(&root(&dump)));
    assert!(rows[4].broken.as_ref().unwrap().contains("workload_ips is not a list"));
    assert_eq!(rows.iter().filter(|row| row.broken.is_some()).count(), 2);
    let services = records(ztunnel_services(&root(&dump)));
    assert!(services[1].broken.is_some() && services[0].broken.is_none());
    let connections = records(connections(&root(&dump), false));
    assert!(connections[1].broken.as_ref().unwrap().contains("src is not text") && connections[0].broken.is_none());
}

#[test]
fn other_documents_are_told_apart() {
    for (json, says) in [
        (json!({"configs": []}), "it is one of Envoy"),
        (json!({"certificates": [{"ca_cert": [], "cert_chain": []}]}), "/certs"),
        (json!([{"virtualHosts": []}]), "an array"),
        (json!({"stats": []}), "/stats"),
        (json!("LIVE"), "a string"),
    ] {
        let error = workloads(&root(&json)).unwrap_err();
        assert!(error.message().contains(says) && error.next_step().is_some(), "{error}");
        assert!(ztunnel_certificates(&root(&json), now()).is_err());
    }
}
