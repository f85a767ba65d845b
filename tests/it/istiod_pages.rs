//! istiod's own pages, settings and versions, on every recorded mesh.

use super::bad_days::{Mesh, faulty};
use crate::support::cluster::PodTarget;
use crate::support::tapes;
use pilotage::error::Kind;
use pilotage::report::Content;
use serde_json::Value;

const TAPES: [&str; 6] =
    ["b-authz-deny", "c-unhealthy", "d-nack", "e-missing-subset", "g-expired-cert", "jwks-certificate-fault"];

fn value(tape: &str, code: &str) -> Value {
    match tapes::engine(tape).eval(code).unwrap_or_else(|failure| panic!("{tape}: {code}: {failure}")) {
        Content::Nothing => Value::Null,
        Content::Text(text) => text.into(),
        Content::Value(value) => value,
        Content::Document(node) => node.to_value().unwrap(),
        Content::Page(page) => page.data,
        Content::Table(_) => panic!("{tape}: {code} gives rows: ask for less"),
    }
}

#[test]
fn every_page_on_istiods_list_that_was_recorded_is_read() {
    for tape in TAPES {
        let script = r#"
            let read = [];
            for page in istiod_debug("list") {
                if page.contains("?") { continue; }
                try { istiod_debug(page); read.push(page); } catch (e) {
                    // Not recorded; or it is about one proxy, and says so.
                    if e.kind != "tape_miss" && !(e.kind == "bad_input" && e.hint.contains("proxyID=NAME.NAMESPACE")) { throw e; }
                }
            }
            read
        "#;
        let read = value(tape, script);
        let read: Vec<&str> = read.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for page in ["adsz", "configz", "endpointShardz", "mesh", "registryz", "syncz", "push_status", "networkz"] {
            assert!(read.contains(&page), "{tape}: {page} is not among {read:?}");
        }
    }
}

#[test]
fn an_empty_list_is_nothing_and_text_stays_text() {
    for tape in TAPES {
        assert_eq!(value(tape, r#"istiod_debug("networkz") == ()"#), true, "{tape}");
        assert!(value(tape, r#"istiod_debug("/version")"#).as_str().unwrap().contains("-Clean"), "{tape}");
    }
}

#[test]
fn a_page_about_a_proxy_is_the_same_by_name_and_by_path() {
    let same = r#"json(istiod_debug("edsz?proxyID=web-0.shop")) == json(istiod_debug("/debug/edsz?proxyID=web-0.shop"))"#;
    assert_eq!(value("d-nack", same), true);
}

#[test]
fn an_unknown_page_gets_a_suggestion_and_one_that_changes_something_is_refused() {
    let engine = tapes::engine("d-nack");
    let failure = engine.eval(r#"istiod_debug("endpointShards")"#).unwrap_err();
    assert_eq!(failure.error.kind(), Kind::NotFound);
    assert!(failure.error.next_step().unwrap().contains("\"endpointShardz\""), "{:?}", failure.error);
    let failure = engine.eval(r#"istiod_debug("adsz?push=true")"#).unwrap_err();
    assert_eq!(failure.error.kind(), Kind::Refused);
    let failure = engine.eval(r#"istiod_debug("syncz", #{ istoid: "x" })"#).unwrap_err();
    assert!(failure.error.next_step().unwrap().contains("\"istiod\""), "{:?}", failure.error);
}

#[test]
fn settings_and_versions_are_what_istiod_says() {
    for tape in TAPES {
        assert_eq!(value(tape, r#"json(mesh_config()) == json(istiod_debug("mesh"))"#), true, "{tape}");
        let istiod = value(tape, r#"versions().filter(|row| row.component == "istiod").map(|row| [row.name, row.version])"#);
        assert_eq!(istiod[0][0], "istio-system/istiod-lab", "{tape}");
        assert!(istiod[0][1].as_str().unwrap().starts_with("1.31"), "{tape}: {istiod}");
        // Every proxy is counted once.
        let script = r#"
            let counted = versions().filter(|row| row.component == "proxy").map(|row| row.count).reduce(|sum, count| sum + count, 0);
            [counted, unique(proxy_status().map(|row| `${row.namespace}/${row.name}`)).len()]
        "#;
        let counts = value(tape, script);
        assert!(counts[0] == counts[1] && counts[0] != 0, "{tape}: {counts}");
    }
}

const ISTIOD: &str = "istio-system/istiod-lab";

#[test]
fn a_served_istiod_is_asked_through_its_port() {
    let mesh = Mesh::serve(faulty());
    mesh.eval(r#"istiod_debug("clusterz")[0].id"#).gives(0, "Kubernetes");
    mesh.eval(r#"istiod_debug("synz")"#).fails(1, "not_found", &["has no debug page \"synz\"", "did you mean \"syncz\"?"]);
    let stranger = r#"istiod_debug("sidecarz", #{ istiod: "istiod-lap" })"#;
    mesh.eval(stranger).fails(1, "not_found", &["no istiod replica \"istiod-lap\"", "did you mean \"istiod-lab\"?"]);
}

#[test]
fn an_istiod_that_cannot_be_asked_leaves_its_configmap_and_the_images() {
    let mesh = Mesh::serve(faulty().port(ISTIOD, 15014, PodTarget::Closed).port(ISTIOD, 8080, PodTarget::Closed));
    mesh.eval(r#"istiod_debug("syncz")"#).fails(1, "unreachable", &[ISTIOD, "/debug/syncz"]);
    let words = ["ConfigMap istio-system/istio", "without the defaults", ISTIOD];
    mesh.eval(r#"mesh_config().accessLogFile"#).gives(0, "/dev/stdout").says(&words);
    let known = r#"versions().filter(|row| row.component == "istiod")[0].version"#;
    mesh.eval(known).gives(4, "lab").says(&["the version of istiod", "by its image", "proxies are told by their images"]);
}
