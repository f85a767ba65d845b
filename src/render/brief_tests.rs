//! Results on screens of several sizes.

use super::*;
use crate::json::Doc;
use serde_json::json;

fn shown(content: &Content, width: usize, screen: usize) -> String {
    let look = Look { terminal: true, ..Look::fitted(width) };
    let text = crate::render::in_memory(|out| write(out, content, &look, screen));
    for line in text.lines() {
        assert!(fit::width(line) <= width, "{line}");
    }
    assert!(text.lines().count() < screen.max(12), "{text}");
    text
}

fn rows(count: usize) -> Content {
    let row = |n: usize| vec![json!(format!("pod-{n}")), json!(n)];
    Content::Table(Table { columns: vec!["name".into(), "n".into()], rows: (0..count).map(row).collect(), ..Table::default() })
}

#[test]
fn a_long_table_is_cut_to_the_screen_with_a_count() {
    let text = shown(&rows(100_000), 80, 24);
    assert_eq!(text.lines().count(), 19, "{text}");
    assert!(text.ends_with("pod-16  16\n… 99,983 more rows · :table shows all\n"), "{text}");
    assert!(!shown(&rows(18), 80, 24).contains('…'), "what fits is shown whole");
    assert!(shown(&rows(60), 80, 70).lines().count() > 60);
    shown(&rows(1000), 80, 3);
}

#[test]
fn the_widths_are_those_of_the_rows_that_are_shown() {
    let mut all: Vec<Vec<Value>> = (0..1000).map(|n| vec![json!("short"), json!(n)]).collect();
    all.push(vec![json!("long ".repeat(30)), json!(1)]);
    let table = Table { columns: vec!["text".into(), "n".into()], rows: all.into(), ..Table::default() };
    assert!(shown(&Content::Table(table), 80, 24).starts_with("text    n\nshort   0\n"));
}

#[test]
fn a_record_is_a_line_a_field() {
    let value =
        json!({"name": "web-1", "status": "Running", "labels": {"app": "web"}, "containers": [{"name": "web", "ports": [80]}]});
    insta::assert_snapshot!(shown(&Content::Value(value), 60, 24), @r#"
    name        web-1
    status      Running
    labels      app=web
    containers  […1]
    :tree shows what is nested
    "#);
    assert_eq!(shown(&Content::Value(json!({})), 60, 24), "no fields\n");
    let many: Map<String, Value> = (0..100).map(|n| (format!("field_{n}"), json!(n))).collect();
    assert!(shown(&Content::Value(many.into()), 60, 24).ends_with("… 81 more fields · :tree shows all\n"));
}

#[test]
fn lists_stand_on_one_line_or_in_columns() {
    let list = |value: Value| shown(&Content::Value(value), 40, 12);
    assert_eq!(list(json!([])), "no rows\n");
    assert_eq!(list(json!(["a", 1, null])), "[\"a\", 1, null]\n");
    assert_eq!(list(json!(["a long name of something", "another long name"])), "a long name of something\nanother long name\n");
    let names: Value = (0..20).map(|n| format!("name-{n}")).collect::<Vec<_>>().into();
    insta::assert_snapshot!(list(names), @r#"
    name-0   name-5   name-10  name-15
    name-1   name-6   name-11  name-16
    name-2   name-7   name-12  name-17
    name-3   name-8   name-13  name-18
    name-4   name-9   name-14  name-19
    "#);
    let numbers: Value = (0..100_000).collect::<Vec<_>>().into();
    let text = list(numbers);
    assert!(text.ends_with("more items · :table shows all\n"), "{text}");
    assert_eq!(list(json!(["\u{1b}[2J", "網", "e\u{301}"])), "[\"\\u001b[2J\", \"網\", \"e\u{301}\"]\n");
}

#[test]
fn a_small_document_is_shown_and_of_a_big_one_its_shape() {
    let document = |value: &Value| Content::Document(Doc::parse(value.to_string().into_bytes().into()).unwrap().root());
    assert_eq!(shown(&document(&json!({"a": [1, {}]})), 80, 24), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n");
    let big = json!({"configs": [{"@type": "x.ListenersConfigDump", "dynamic_listeners": vec![json!({"name": "l"}); 50]}, {"@type": "x.RoutesConfigDump", "n": "x".repeat(3000)}]});
    insta::assert_snapshot!(shown(&document(&big), 80, 12), @r#"
    json object of 1 key, 3 KB
    └─ configs [2]
       ├─ 0 {…2} ListenersConfigDump
       └─ 1 {…2} RoutesConfigDump, 2 KB
    _.configs goes on · :tree and :json show all
    "#);
    let list = json!(vec![json!({"name": "l"}); 50]);
    assert!(shown(&document(&list), 80, 12).ends_with("_[0] goes on · :tree and :json show all\n"));
}

#[test]
fn long_texts_are_cut_and_others_are_not() {
    let text = |lines: usize| Content::Text((0..lines).map(|n| format!("line {n}\n")).collect());
    let look = Look { terminal: true, ..Look::fitted(80) };
    let whole = crate::render::in_memory(|out| write(out, &text(300), &look, 24));
    assert_eq!(whole.lines().count(), 300);
    assert!(shown(&text(500), 80, 24).ends_with("line 19\n… 480 more lines · :table shows all\n"));
}
