//! Trees: of values, documents and rows, whole and in little room.

use super::*;
use crate::json::Doc;
use serde_json::json;

fn shown(part: &Part, limits: Limits, look: &Look) -> String {
    crate::render::in_memory(|out| write(out, part, limits, look))
}

fn pod() -> Value {
    json!({
        "metadata": {"name": "web-1", "labels": {"app": "web", "version": "1"}, "ownerReferences": []},
        "spec": {
            "containers": [
                {"name": "web", "ports": [80, 443], "env": [{"name": "A", "value": "true"}]},
                {"name": "istio-proxy", "ports": [], "image": null},
            ],
        },
        "ready": true,
    })
}

#[test]
fn a_whole_tree() {
    let value = pod();
    insta::assert_snapshot!(shown(&Part::from(&value), Limits::NONE, &Look::plain()), @r#"
    ├─ metadata {3}
    │  ├─ name: web-1
    │  ├─ labels {2}
    │  │  ├─ app: web
    │  │  └─ version: "1"
    │  └─ ownerReferences: []
    ├─ spec {1}
    │  └─ containers [2]
    │     ├─ 0 {3}
    │     │  ├─ name: web
    │     │  ├─ ports: [80, 443]
    │     │  └─ env [1]
    │     │     └─ 0 {2}
    │     │        ├─ name: A
    │     │        └─ value: "true"
    │     └─ 1 {3}
    │        ├─ name: istio-proxy
    │        ├─ ports: []
    │        └─ image: null
    └─ ready: true
    "#);
}

#[test]
fn what_is_deeper_is_counted() {
    let value = pod();
    insta::assert_snapshot!(shown(&Part::from(&value), Limits { depth: 2, members: 2 }, &Look::plain()), @r#"
    ├─ metadata {3}
    │  ├─ name: web-1
    │  ├─ labels {…2}
    │  └─ … 1 more
    ├─ spec {1}
    │  └─ containers […2]
    └─ … 1 more
    "#);
}

#[test]
fn documents_and_rows_are_trees_like_values() {
    let value = pod();
    let node = Doc::parse(value.to_string().into_bytes().into()).unwrap().root();
    for depth in 1..6 {
        let limits = Limits { depth, ..Limits::NONE };
        assert_eq!(shown(&Part::Node(node.clone()), limits, &Look::plain()), shown(&Part::from(&value), limits, &Look::plain()));
    }
    let rows = json!([{"name": "a", "more": {"x": [{}]}}, {"name": "b", "more": null}]);
    let table = crate::render::value::as_table(&rows).expect("a table");
    assert_eq!(shown(&Part::Rows(&table), Limits::NONE, &Look::plain()), shown(&Part::from(&rows), Limits::NONE, &Look::plain()));
}

#[test]
fn a_tree_is_as_deep_as_the_screen_is_high() {
    let value = pod();
    let lines = |lines: usize| fitted(&Part::from(&value), &Look::fitted(80), lines);
    let whole = shown(&Part::from(&value), Limits::NONE, &Look::fitted(80));
    assert_eq!(lines(100), whole);
    for most in 1..30 {
        assert!((1..=most).contains(&lines(most).lines().count()), "{most}:\n{}", lines(most));
    }
    let many: Value = (0..5000).collect::<Vec<_>>().into();
    assert!(fitted(&Part::from(&many), &Look::plain(), 10).ends_with("└─ … 4,991 more\n"));
}

#[test]
fn of_a_config_dump_one_sees_its_sections() {
    let section = |name: &str, count: usize| json!({"@type": format!("type.googleapis.com/envoy.admin.v3.{name}"), "items": vec![json!({"a": "x".repeat(100)}); count]});
    let dump = json!({"configs": [section("BootstrapConfigDump", 1), section("ClustersConfigDump", 2000)]});
    let node = Doc::parse(dump.to_string().into_bytes().into()).unwrap().root();
    insta::assert_snapshot!(format!("{}\n{}", title(&Part::Node(node.clone())), fitted(&Part::Node(node), &Look::fitted(80), 6)), @r#"
    object of 1 key, 213 KB
    └─ configs [2]
       ├─ 0 {…2} BootstrapConfigDump
       └─ 1 {…2} ClustersConfigDump, 212 KB
    "#);
}

#[test]
fn long_texts_are_cut_and_fit() {
    let value = json!({"key": "x".repeat(500), "outbound|80||a": {"網格": ["網".repeat(90)]}, "e\u{301}": "\u{1b}[2J"});
    for width in 24..100 {
        let text = shown(&Part::from(&value), Limits::NONE, &Look::fitted(width));
        assert!(text.lines().all(|line| fit::width(line) <= width), "{width}:\n{text}");
        assert!(!text.contains('\u{1b}'));
    }
    assert!(shown(&Part::from(&value), Limits::NONE, &Look::fitted(70)).contains("… 500 characters"));
}

#[test]
fn texts_that_look_like_something_else_are_quoted() {
    for text in ["", "1.5", "true", "null", " a", "[x]", "NaN"] {
        assert!(quoted(text).starts_with('"'), "{text}");
    }
    for text in ["web-1", "1.2.3.4", "a b", "10.0.0.1:80", "HEALTHY"] {
        assert_eq!(quoted(text), text);
    }
}

#[test]
fn a_status_in_a_tree_keeps_its_colour_and_its_word() {
    let value = json!({"status": "UNHEALTHY", "count": 3});
    let text = shown(&Part::from(&value), Limits::NONE, &Look { color: true, ..Look::plain() });
    assert!(text.contains("\u{1b}[31mUNHEALTHY"), "{text:?}");
}
