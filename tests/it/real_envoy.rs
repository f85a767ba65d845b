//! Real Envoys behind a served cluster: what each function says of a proxy whose configuration and state are known.
//!
//! Whatever is asserted was written by `tests/support/envoy`, or is what Envoy's own page says at the same moment.

use crate::bad_days::Mesh;
use crate::support::cluster::{ClusterOptions, Entry, PodTarget, Question, Recording, Via};
use crate::support::envoy::{Lab, VERSIONS, get};
use serde_json::{Value, json};

/// The mesh: a pod with each Envoy, and one pod that they send requests to.
pub fn mesh() -> Mesh {
    let proxies = VERSIONS.map(|version| (name(version), "10.1.0.5", "web"));
    let pods: Vec<Value> =
        proxies.iter().map(|(name, ip, app)| pod(name, ip, app)).chain([pod("reviews-v1-0", "10.1.0.7", "reviews")]).collect();
    let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": pods});
    let entry = Entry {
        content_type: Some("application/json".into()),
        body: list.to_string().into(),
        ..Entry::new(Via::Kube, "GET", Question::parse("/api/v1/pods"))
    };
    let end = "2026-11-22T10:00:00Z".parse().expect("a time");
    let recording = Recording { name: "envoys".into(), cluster: "lab".into(), end, entries: vec![entry] };
    Mesh::serve(VERSIONS.iter().fold(ClusterOptions::new(recording), |options, version| {
        options.port(&format!("shop/{}", name(version)), 15000, PodTarget::Tcp(Lab::of(version).envoy.admin))
    }))
}

/// The pod of an Envoy.
pub fn name(version: &str) -> String {
    format!("web-{}", version.replace('.', "-"))
}

fn pod(name: &str, ip: &str, app: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {"app": app}},
        "spec": {"serviceAccountName": app, "containers": [{"name": app}, {"name": "istio-proxy", "args": ["proxy", "sidecar"]}]},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "containerStatuses": [
            {"name": app, "ready": true, "state": {"running": {}}}, {"name": "istio-proxy", "ready": true, "state": {"running": {}}}]},
    })
}

/// What a script gives on each Envoy, in whose text `POD` stands for its pod; as JSON.
#[track_caller]
pub fn each(script: &str, judge: impl Fn(&'static Lab, Value)) {
    let mesh = mesh();
    for version in VERSIONS {
        let source = script.replace("POD", &format!("\"{}.shop\"", name(version)));
        let output = mesh.run(&["eval", "-o", "json", &source]);
        assert_eq!(output.code, Some(0), "Envoy {version}: {source}: {output:#?}");
        let value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("Envoy {version}: {error}: {output:#?}"));
        judge(Lab::of(version), value);
    }
}

/// What a script fails with on each Envoy: it must say all of these words.
#[track_caller]
pub fn each_fails(script: &str, words: &[&str]) {
    let mesh = mesh();
    for version in VERSIONS {
        let output = mesh.eval(&script.replace("POD", &format!("\"{}.shop\"", name(version))));
        assert_eq!(output.code, Some(1), "Envoy {version}: {output:#?}");
        for word in words {
            assert!(output.stderr.contains(word), "Envoy {version} does not say {word:?}: {output:#?}");
        }
    }
}

/// A page of an Envoy's admin interface, without us between.
pub fn page(lab: &Lab, path: &str) -> Value {
    let (status, text) = get(lab.envoy.admin, path);
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}

/// The one row of this name in that column.
#[track_caller]
pub fn row<'a>(rows: &'a Value, column: &str, name: &str) -> &'a Value {
    let found: Vec<&Value> = rows.as_array().expect("rows").iter().filter(|row| row[column] == name).collect();
    let [row] = found.as_slice() else { panic!("{} rows have {column} {name:?}: {rows:#}", found.len()) };
    row
}

/// A row has at least these fields.
#[track_caller]
pub fn has(row: &Value, fields: Value) {
    for (name, value) in fields.as_object().expect("fields") {
        assert_eq!(row.get(name), Some(value), "{name} of {row:#}");
    }
}

#[test]
fn the_whole_configuration_is_what_envoy_says() {
    each("config_dump(POD)", |lab, dump| assert_eq!(dump, page(lab, "/config_dump")));
}

#[test]
fn a_mask_asks_for_one_section() {
    let script = r#"config_dump(POD, #{ mask: "dynamic_active_clusters,dynamic_warming_clusters" })"#;
    each(script, |lab, dump| {
        assert_eq!(dump, page(lab, "/config_dump?mask=dynamic_active_clusters,dynamic_warming_clusters"));
        let names = |list: &str| dump["configs"][0][list][0]["cluster"]["name"].clone();
        assert_eq!(names("dynamic_active_clusters"), "outbound|7070||ratings.shop.svc.cluster.local");
        assert_eq!(names("dynamic_warming_clusters"), "outbound|7071||waiting.shop.svc.cluster.local");
    });
}

#[test]
fn a_mask_that_envoy_does_not_know_is_refused_in_its_words() {
    each_fails(r#"config_dump(POD, #{ mask: "no_such_section" })"#, &["no_such_section", "could not be successfully applied"]);
}

#[test]
fn no_private_key_leaves_the_proxy() {
    each("config_dump(POD)", |lab, dump| {
        let text = dump.to_string();
        assert!(text.contains("certificate_chain"), "the certificates are there");
        let body = lab.identity.key.lines().nth(1).expect("a line of the key");
        assert!(!text.contains(body) && !text.contains("PRIVATE KEY"), "the key is not");
    });
}

#[test]
fn filters_stand_in_the_order_of_requests() {
    each("filters(POD)", |_, rows| {
        let of = |listener: &str| -> Vec<String> {
            let rows = rows.as_array().expect("rows").iter();
            rows.filter(|row| row["listener"] == listener).map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
        };
        let ingress = ["envoy.filters.http.jwt_authn", "envoy.filters.http.rbac", "shop.header", "envoy.filters.http.router"];
        assert_eq!(of("ingress"), ingress);
        assert_eq!(of("virtualInbound"), ["envoy.filters.http.router"]);
        assert!(of("0.0.0.0_8080").contains(&"envoy.filters.http.router".to_owned()));
    });
}

#[test]
fn a_filter_that_is_delivered_by_itself_is_shown_with_its_configuration() {
    each(r#"filters(POD, #{ where: #{ discovered: true } })"#, |_, rows| {
        let header = row(&rows, "name", "shop.header");
        has(header, json!({"listener": "ingress", "kind": "Config", "broken": null}));
        assert_eq!(header["config"]["request_rules"][0]["header"], "x-team");
    });
}

#[test]
fn the_jwt_filter_lists_its_issuer_with_the_keys() {
    each(r#"filters(POD, #{ name: "jwt" })"#, |_, rows| {
        let [row] = rows.as_array().expect("rows").as_slice() else { panic!("not one filter: {rows}") };
        let [provider] = row["jwt"].as_array().expect("providers").as_slice() else { panic!("not one provider: {row}") };
        assert_eq!(provider["issuer"], "https://login.example.com/realms/shop");
        assert_eq!(provider["audiences"], json!(["web"]));
        assert_eq!((&provider["source"], &provider["provider"]), (&json!("local"), &json!("origins-0")));
        assert_eq!(provider["keys"][0]["kid"], "Ek9wxUoZGSSp5eePlJBMu");
    });
}

#[test]
fn pages_of_the_admin_interface() {
    each(r#"admin(POD, "/ready")"#, |_, text| assert_eq!(text.as_str().map(str::trim), Some("LIVE")));
    each(r#"admin(POD, "/server_info").version"#, |lab, version| {
        assert!(version.as_str().expect("text").contains(&format!("/{}/", lab.version)), "{version}");
    });
    each_fails(r#"admin(POD, "/no_such_page")"#, &["404", "/no_such_page"]);
}

#[test]
fn json_path_finds_what_the_dump_holds() {
    let script = r#"jsonpath(config_dump(POD), "$..dynamic_listeners[?@.error_state && @.name].error_state.details")"#;
    each(script, |_, hits| assert_eq!(hits, json!(["Failed to load certificate chain from <inline>"])));
}
