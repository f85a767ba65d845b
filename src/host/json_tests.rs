//! What scripts can do with documents.

use crate::Pilotage;
use crate::backend::testing::Script;
use crate::error::Kind;
use crate::host::Failure;
use crate::report::Content;
use serde_json::{Value, json};
use std::path::PathBuf;

/// An engine that has loaded this text as `doc`.
fn with(name: &str, text: &str) -> Pilotage {
    let file: PathBuf = std::env::temp_dir().join(format!("pilotage-json-{}-{name}.json", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let engine = Pilotage::builder(Script::silent()).build().unwrap();
    let loaded = engine.eval(&format!("let doc = load({:?});", file.display().to_string()));
    std::fs::remove_file(&file).unwrap();
    loaded.unwrap();
    engine
}

const DUMP: &str = r#"{"configs": [
  {"@type": "a.ClustersConfigDump", "version_info": "7", "clusters": [{"name": "x", "n": 1, "f": 1.5}, {"name": "y", "up": true, "no": null}]},
  {"@type": "a.Empty", "list": [], "big": 18446744073709551615}
]}"#;

fn value(engine: &Pilotage, script: &str) -> Value {
    match engine.eval(script).unwrap_or_else(|failure| panic!("{script}: {failure}")) {
        Content::Document(node) => node.to_value().unwrap_or_else(|_| crate::host::describe(&node).into()),
        Content::Nothing => Value::Null,
        Content::Page(page) => page.data,
        Content::Text(text) => text.into(),
        Content::Value(value) => value,
        Content::Table(table) => json!({"columns": table.columns, "rows": table.rows.made()}),
    }
}

fn failure(engine: &Pilotage, script: &str) -> Failure {
    *engine.eval(script).expect_err("it fails")
}

#[test]
fn a_document_reads_like_a_map() {
    let engine = with("map", DUMP);
    for (script, wanted) in [
        ("doc.configs[0][\"@type\"]", json!("a.ClustersConfigDump")),
        ("doc.configs[-1].list.is_empty()", json!(true)),
        ("doc.configs.len()", json!(2)),
        ("doc.configs[0].keys()", json!(["@type", "version_info", "clusters"])),
        ("\"clusters\" in doc.configs[0]", json!(true)),
        ("\"routes\" in doc.configs[0]", json!(false)),
        ("doc.configs[0].clusters[0].n + 1", json!(2)),
        ("doc.configs[0].clusters[0].f", json!(1.5)),
        ("doc.configs[0].clusters[1].up", json!(true)),
        ("doc.configs[0].clusters[1].no == ()", json!(true)),
        ("doc.configs[1].big > 1.8e19", json!(true)),
        ("let names = []; for c in doc.configs[0].clusters { names.push(c.name) } names", json!(["x", "y"])),
        ("let keys = []; for m in doc { keys.push(m.key) } keys", json!(["configs"])),
        ("doc.configs.find(|s| s[\"@type\"].contains(\"Empty\"))[\"@type\"]", json!("a.Empty")),
        ("doc.configs.find(|s| false) == ()", json!(true)),
        ("doc.configs[0].clusters.filter(|c| c.name == \"y\").len()", json!(1)),
        ("doc.configs[0].clusters.map(|c| c.name)", json!(["x", "y"])),
        ("[doc.configs.some(|s| \"list\" in s), doc.configs.all(|s| \"list\" in s)]", json!([true, false])),
        ("doc.configs[0].clusters.to_array().len()", json!(2)),
        ("let m = doc.to_map(); m.configs[1].list.push(3); m.configs[1].list", json!([3])),
        ("doc.configs[0] == doc.configs[0] && doc.configs[0] != doc.configs[1]", json!(true)),
        ("doc.configs[1].list", json!([])),
        ("`${doc.configs[0].clusters[0]}`", json!("{\"name\": \"x\", \"n\": 1, \"f\": 1.5}")),
        ("json(doc.configs[1].list)", json!("[]")),
    ] {
        assert_eq!(value(&engine, script), wanted, "{script}");
    }
}

#[test]
fn examples_in_the_descriptions_hold() {
    let engine = with("examples", "{}");
    let family = |entry: &&crate::host::Entry| entry.family == "json";
    let examples: Vec<_> = engine.catalog().entries.iter().filter(family).flat_map(|entry| &entry.examples).collect();
    assert!(examples.len() >= 14, "{}", examples.len());
    for example in examples {
        let wanted: Value = serde_json::from_str(example.result.as_deref().unwrap()).unwrap();
        assert_eq!(value(&engine, &example.code), wanted, "{}", example.code);
    }
}

#[test]
fn a_wrong_step_says_what_there_is() {
    let engine = with("wrong", DUMP);
    for (script, message, hint) in [
        ("doc.config", "no key \"config\"", "did you mean \"configs\"?"),
        ("doc.configs[0].zzz", "no key \"zzz\"", "its keys are: @type, version_info, clusters"),
        ("doc.configs.clusters", "array and has no key \"clusters\"", "it has 2 elements"),
        ("doc.configs[2]", "no element 2: the array has 2", ""),
        ("doc.configs[-3]", "no element -3", ""),
        ("doc[0]", "an object and has no element 0", "have keys"),
    ] {
        let failure = failure(&engine, script);
        assert!(failure.error.message().contains(message), "{script}: {failure}");
        assert!(failure.error.next_step().unwrap_or_default().contains(hint), "{script}: {:?}", failure.error);
        assert!(failure.position.is_some(), "{script} has a position");
    }
    assert!(engine.eval("doc.configs[0].version_info = 8").is_err(), "a document does not change");
}

#[test]
fn jsonpath_searches_documents_maps_and_text() {
    let engine = with("path", DUMP);
    for (script, wanted) in [
        ("jsonpath(doc, \"$..clusters[?@.up].name\")", json!(["y"])),
        ("doc.jsonpath(\"$.configs[?@['@type'] == 'a.Empty'].list\").len()", json!(1)),
        ("jsonpath(#{ a: [1, 2] }, \"$.a[*]\")", json!([1, 2])),
        ("jsonpath([1, 2], \"$[-1]\")", json!([2])),
        ("jsonpath(\"[{\\\"a\\\": 1}]\", \"$[0].a\")", json!([1])),
        ("jsonpath(doc, \"$..name\", #{ paths: true })[1].path", json!("$['configs'][0]['clusters'][1]['name']")),
        (
            "table(jsonpath(doc, \"$..clusters[*]\"), [\"name\", \"n\"])",
            json!({"columns": ["name", "n"], "rows": [["x", 1], ["y", null]]}),
        ),
    ] {
        assert_eq!(value(&engine, script), wanted, "{script}");
    }
    let bad = failure(&engine, "jsonpath(doc, \"$.configs[?@.a ==]\")");
    assert_eq!(bad.error.kind(), Kind::BadInput);
    assert!(bad.error.message().contains("from character"), "{bad}");
    assert!(failure(&engine, "jsonpath(doc, \"$\", #{ path: true })").error.next_step().unwrap().contains("paths"));
}

#[test]
fn a_file_that_is_cut_off_gives_the_rest_with_a_note() {
    let engine = with("cut", &DUMP[..150]);
    assert_eq!(value(&engine, "doc.configs[0].clusters[0].name"), json!("x"));
    let notes = engine.take_notes();
    assert!(notes.iter().any(|note| note.contains("cut off at byte 150, in `configs[0].clusters[1]")), "{notes:?}");
}

#[test]
fn a_document_too_big_to_print_says_what_it_is() {
    let big = format!("{{\"configs\": [{}1]}}", "{\"name\": \"some cluster\"},\n".repeat(1_000_000));
    let engine = with("big", &big);
    assert_eq!(value(&engine, "doc"), json!("json object of 1 key (configs), 24 MB"));
    assert_eq!(value(&engine, "doc.configs[-2].name"), json!("some cluster"));
    let refused = failure(&engine, "doc.to_map()");
    assert_eq!(refused.error.kind(), Kind::Limit);
    assert!(refused.error.next_step().unwrap().contains("jsonpath()"), "{refused}");
}
