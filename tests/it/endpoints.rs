//! Endpoints and joins on recorded meshes.

use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::report::Content;
use serde_json::{Value, json};

fn on(tape: &str, script: &str) -> Value {
    value(&tapes::engine(tape), script)
}

fn value(engine: &Pilotage, script: &str) -> Value {
    match engine.eval(script) {
        Ok(Content::Value(value)) => value,
        Ok(Content::Document(node)) => node.to_value().expect("it is small"),
        Ok(Content::Text(text)) => text.into(),
        Ok(Content::Nothing) => Value::Null,
        Ok(Content::Page(page)) => page.data,
        Ok(Content::Table(table)) => json!(table.rows.len()),
        Err(failure) => panic!("{script}: {failure}"),
    }
}

fn fails(tape: &str, script: &str) -> String {
    match tapes::engine(tape).eval(script) {
        Err(failure) => failure.to_string(),
        Ok(_) => panic!("{script} does not fail"),
    }
}

#[test]
fn an_ejected_endpoint_is_not_healthy() {
    let rows = on(
        "c-unhealthy",
        r#"endpoints("web-0.shop", #{ cluster: "OUTBOUND|80||ratings.shop.svc.cluster.local" })
            .map(|e| [e.endpoint, e.status, e.outlier_check, e.eds_status, e.why, e.failed_outlier_check])"#,
    );
    let why = "ejected by outlier detection";
    assert_eq!(
        rows,
        json!([
            ["10.88.1.4:8080", "HEALTHY", "OK", "HEALTHY", null, false],
            ["10.88.1.5:8080", "UNHEALTHY", "FAILED", "HEALTHY", why, true]
        ])
    );
    let sick = r#"endpoints(pods("shop"), #{ status: "unhealthy" }).map(|e| `${e.pod} ${e.endpoint} ${e.stats.rq_error > 0}`)"#;
    assert_eq!(on("c-unhealthy", sick), json!(["web-0 10.88.1.5:8080 true"]));
}

#[test]
fn what_was_sent_is_asked_for_by_option_and_read_from_dumps() {
    let sent =
        r#"endpoints("web-0.shop", #{ eds: true, port: 8080 }).map(|e| [e.endpoint, e.status, e.outlier_check, e.locality])"#;
    let expected = json!([["10.88.1.4:8080", "HEALTHY", null, "lab/lab-a"], ["10.88.1.5:8080", "UNHEALTHY", null, "lab/lab-a"]]);
    assert_eq!(on("c-unhealthy", sent), expected);
    // The ejected one: a dump's health status is Envoy's own verdict, not what istiod sent.
    let dump = sent.replace("\"web-0.shop\", #{ eds: true", "config_dump(\"web-0.shop\", #{ include_eds: true }), #{ eds: false");
    assert_eq!(on("c-unhealthy", &dump), expected);
}

#[test]
fn a_cluster_leads_to_its_endpoints_and_they_to_their_pods() {
    let script = r#"clusters("web-0.shop", #{ fqdn: "ratings" })[0].endpoints().map(|e| e.pod().name)"#;
    assert_eq!(on("c-unhealthy", script), json!(["ratings-0", "ratings-1"]));
    let all = r#"clusters("web-0.shop").endpoints(#{ status: "unhealthy" }).map(|e| e.endpoint)"#;
    assert_eq!(on("c-unhealthy", all), json!(["10.88.1.5:8080"]));
    let own = r#"endpoints("web-0.shop", #{ cluster: "xds-grpc" })[0].pod().name"#;
    assert_eq!(on("c-unhealthy", own), json!("web-0"));
    let many = r#"clusters(pods("shop"), #{ fqdn: "ratings.shop" }).map(|c| c.endpoints()[0].pod)"#;
    assert_eq!(on("c-unhealthy", many), json!(["ratings-0", "ratings-1", "web-0"]));
}

#[test]
fn a_route_leads_to_its_clusters() {
    let script = r#"routes("web-0.shop", #{ vhost: "ratings" })[0].clusters().map(|c| [c.name, c.weight, c.endpoints().len()])"#;
    assert_eq!(on("c-unhealthy", script), json!([["outbound|80||ratings.shop.svc.cluster.local", 100, 2]]));
}

#[test]
fn a_listener_leads_to_its_routes_by_name_and_inline() {
    let named = r#"listeners("web-0.shop", #{ port: 80 }).filter(|l| l.route_name == "80")[0].routes()
        .map(|r| [r.name, r.vhost_name, r.clusters()[0].service_fqdn])"#;
    let service = "ratings.shop.svc.cluster.local";
    assert_eq!(
        on("c-unhealthy", named).as_array().map(|rows| rows.contains(&json!(["80", format!("{service}:80"), service]))),
        Some(true)
    );
    let inline = r#"listeners("web-0.shop", #{ port: 15021 })[0].routes().map(|r| [r.matches, r.clusters()[0].name])"#;
    assert_eq!(on("c-unhealthy", inline), json!([["/healthz/ready*", "agent"]]));
    let inbound =
        r#"listeners("ratings-0.shop", #{ port: 15006 }).filter(|l| l.inline_routes).map(|l| l.routes().clusters()[0].name)"#;
    let found = on("c-unhealthy", inbound);
    assert!(found.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_string)), "{found}");
    let of_document = r#"listeners(config_dump("web-0.shop"), #{ port: 15021 })[0].routes()[0].clusters()[0].name"#;
    assert_eq!(on("c-unhealthy", of_document), json!("agent"));
}

#[test]
fn a_tcp_listener_leads_to_its_cluster() {
    let engine = tapes::engine("c-unhealthy");
    let script = r#"let tcp = listeners("web-0.shop", #{ port: 15012 })[0]; [tcp.clusters()[0].port, tcp.routes().len()]"#;
    assert_eq!(value(&engine, script), json!([15012, 0]));
    let notes = engine.take_notes();
    assert!(notes.iter().any(|note| note.contains("has no routes there")), "{notes:?}");
}

#[test]
fn a_route_to_a_cluster_that_is_not_there_is_told() {
    let engine = tapes::engine("e-missing-subset");
    let script = r#"pods("shop").filter(|p| p.proxy != "none").routes().filter(|r| r.clusters().is_empty()).map(|r| r.cluster)"#;
    let lost = value(&engine, script);
    let notes = engine.take_notes();
    assert!(lost.as_array().is_some_and(|lost| !lost.is_empty()), "{lost} {notes:?}");
    assert!(notes.iter().any(|note| note.contains("leads to cluster") && note.contains("does not have")), "{notes:?}");
}

#[test]
fn a_cluster_leads_to_its_certificate_and_its_authorities() {
    let cluster = r#"let cluster = clusters("web-0.shop", #{ fqdn: "ratings" })[0];"#;
    let script = format!("{cluster} [cluster.secret().resource_name, cluster.secrets().map(|s| s.resource_name)]");
    assert_eq!(on("c-unhealthy", &script), json!(["default", ["default", "ROOTCA"]]));
    assert_eq!(on("c-unhealthy", r#"clusters("web-0.shop", #{ fqdn: "xds-grpc" })[0].secret() == ()"#), json!(true));
}

#[test]
fn a_document_is_joined_with_itself() {
    let dump = r#"let dump = config_dump("web-0.shop", #{ include_eds: true });"#;
    let script = format!("{dump} clusters(dump, #{{ fqdn: \"ratings\" }})[0].endpoints().map(|e| e.endpoint)");
    assert_eq!(on("c-unhealthy", &script), json!(["10.88.1.4:8080", "10.88.1.5:8080"]));
    let without = r#"clusters(config_dump("web-0.shop"))[0].endpoints()"#;
    assert!(fails("c-unhealthy", without).contains("no endpoints in this dump"));
}

#[test]
fn endpoints_that_were_sent_stand_under_the_name_of_their_service() {
    let cluster = |name: &str, service: &str| json!({"cluster": {"name": name, "type": "EDS", "eds_cluster_config": {"service_name": service}}});
    let address = |ip: &str| json!({"endpoint": {"address": {"socket_address": {"address": ip, "port_value": 80}}}});
    let endpoints =
        |name: &str, ip: &str| json!({"endpoint_config": {"cluster_name": name, "endpoints": [{"lb_endpoints": [address(ip)]}]}});
    let clusters = json!({"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
        "dynamic_active_clusters": [cluster("api", "shop/api"), cluster("shop/api", "other"), cluster("plain", "")]});
    let sent = json!({"@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump", "dynamic_endpoint_configs":
        [endpoints("shop/api", "10.0.0.1"), endpoints("other", "10.0.0.2"), endpoints("plain", "10.0.0.3")]});
    let of = |more: Value| {
        let file = std::env::temp_dir().join(format!("pilotage-eds-{}.json", std::process::id()));
        std::fs::write(&file, more.to_string()).unwrap();
        let script = format!("clusters({:?}).map(|c| `${{c.name}} ${{c.endpoints()[0].endpoint}}`)", file.display().to_string());
        let found = on("c-unhealthy", &script);
        std::fs::remove_file(file).unwrap();
        found
    };
    let wanted = json!(["api 10.0.0.1:80", "plain 10.0.0.3:80", "shop/api 10.0.0.2:80"]);
    assert_eq!(of(json!({"configs": [clusters, sent]})), wanted);
}

#[test]
fn an_address_of_nobody_is_nothing_and_a_note() {
    let engine = tapes::engine("c-unhealthy");
    let script = r#"endpoints("web-0.shop", #{ address: "10.88.0.1", port: 6443 })[0].pod() == ()"#;
    assert_eq!(value(&engine, script), json!(true));
    let notes = engine.take_notes();
    assert!(notes.iter().any(|note| note.contains("endpoint 10.88.0.1:6443")), "{notes:?}");
}

#[test]
fn a_loop_over_rows_asks_once() {
    let engine = tapes::engine("c-unhealthy");
    let script = r#"let all = clusters("web-0.shop"); all.map(|c| c.endpoints().len()).reduce(|sum, n| sum + n, 0) == endpoints("web-0.shop").len()"#;
    assert_eq!(value(&engine, script), json!(true));
}

#[test]
fn wrong_arguments_say_what_is_right() {
    for (script, words) in [
        (r#"endpoints("web-0.shop", #{ port: 70000 })"#, &["70000 is no port", "1 to 65535"][..]),
        (r#"endpoints("web-0.shop", #{ port: 0 })"#, &["0 is no port"]),
        (r#"endpoints("web-0.shop", #{ status: "sick" })"#, &["\"sick\" is no status", "HEALTHY, UNHEALTHY"]),
        (r#"endpoints("web-0.shop", #{ adress: "x" })"#, &["adress"]),
        (r#"endpoints("web-0.shop", #{ where: #{ stat: 1 } })"#, &["endpoint rows have no field"]),
        (r#"endpoints("web-0.shop")[0].endpoints()"#, &["endpoints() of an endpoint row", "cluster rows only"]),
        (r#"clusters("web-0.shop")[0].pod()"#, &["pod() of a cluster row", "endpoint rows only"]),
        (r#"clusters("web-0.shop")[0].clusters()"#, &["clusters() of a cluster row", "route and listener rows only"]),
        (r#"pods("shop")[0].pod()"#, &["pod() of a pod row"]),
        (r#"pod("web-0")"#, &["pod() of string"]),
        (r#"endpoints(config_dump("web-0.shop"))"#, &["no endpoints in this dump"]),
    ] {
        let failure = fails("c-unhealthy", script);
        for word in words {
            assert!(failure.contains(word), "{script}: {failure}");
        }
    }
}
