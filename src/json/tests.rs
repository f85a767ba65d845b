//! Bad texts and edges: what is said, and what is still given.

use super::{Doc, Node, Query, Type, jsonpath};
use crate::error::{Error, Kind};
use jsonpath_rust::JsonPath;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

fn fails(text: &[u8]) -> Error {
    let error = Doc::parse(text.to_vec().into()).expect_err("it is refused");
    assert_eq!(error.kind(), Kind::BadAnswer);
    error
}

fn root(text: &str) -> Node {
    Doc::parse(text.to_owned().into()).unwrap().root()
}

#[test]
fn a_refused_text_is_explained() {
    for (text, said) in [
        (&b""[..], "the answer is empty (0 bytes)"),
        (b" \n", "the answer is empty (2 bytes)"),
        (b"{\"configs\": [{\"cluster\": {\"na", "cut off: it ends at byte 29, in `configs[0].cluster`"),
        (b"{\"configs\": [1, 2,", "cut off: it ends at byte 18, in `configs[1]`"),
        (b"{\"a\": tru", "cut off: it ends at byte 9, in `a`"),
        (b"<html><head>no</head>", "not JSON: the text starts with `<html><head>no</head>`"),
        (b"upstream connect error or disconnect/reset before headers", "the text starts with `upstream connect error"),
        (b"{\"a\": {\"b\": [1, nope]}}", "broken JSON at byte 16, in `a.b[1]`: expected a value, found `nope]}}`"),
        (b"{\"a\": 1 \"b\": 2}", "in `a`: expected `,` or `}`, found `\"b\": 2}`"),
        (b"{\"a\": 01}", "expected the end of the number, found `1}`"),
        (b"{\"a\": [1,]}", "expected a value"),
        (b"{\"a\": \"tab\there\"}", "expected an escape such as \\n"),
        (b"{\"a\": \"\\ud800 \"}", "a trailing surrogate"),
        (b"{\"a\": 1} {\"b\": 2}", "more follows after the JSON ends, at byte 9: `{\"b\": 2}`"),
        (b"{\"a\": \"\xff\"}", "byte 7 of 10 is not UTF-8"),
        (b"\x1f\x8b\x08\x00\x00\x00", "is not UTF-8"),
    ] {
        let error = fails(text);
        assert!(error.to_string().contains(said), "{:?}: {error}", String::from_utf8_lossy(text));
    }
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert!(fails(deep.as_bytes()).to_string().contains("deeper than 127 levels"));
    assert!(Doc::parse(format!("{}{}", "[".repeat(127), "]".repeat(127)).into()).is_ok());
    assert!(fails("[".repeat(10_000_000).as_bytes()).to_string().contains("deeper"), "no stack is used up");
}

#[test]
fn what_stands_around_the_json_is_left_out_with_a_note() {
    for (text, note) in [
        ("200\n{\"a\": 1}", "skipped 4 bytes before the JSON: `200`"),
        ("200{\"a\": 1}", "skipped 3 bytes before the JSON: `200`"),
        ("[warn] using defaults\n{\"a\": 1}\n", "skipped 22 bytes before the JSON: `[warn] using defaults`"),
        ("{\"a\": 1}\n200\n", "left out 4 bytes after the JSON: `200`"),
    ] {
        let doc = Doc::parse(text.to_owned().into()).unwrap();
        assert_eq!((doc.root().get("a").and_then(|a| a.as_i64()), doc.notes()), (Some(1), &[note.to_owned()][..]), "{text}");
    }
    let doc = Doc::parse("\u{feff} {\"a\": 1}".into()).unwrap();
    assert!(doc.notes().is_empty() && doc.root().get("a").is_some(), "a byte order mark is no news");
    assert_eq!(root("200").as_i64(), Some(200), "a bare number is JSON");
}

#[test]
fn a_cut_text_gives_what_came_whole() {
    let text = "{\"configs\": [{\"name\": \"a\", \"n\": [1, 2]}, {\"name\": \"b\", \"n\": [3, 4";
    let doc = Doc::parse_partial(text.into()).unwrap();
    assert_eq!(doc.root().to_value().unwrap(), json!({"configs": [{"name": "a", "n": [1, 2]}, {"name": "b", "n": [3]}]}));
    assert!(doc.notes()[0].contains("cut off at byte 65, in `configs[1].n[1]`"), "{:?}", doc.notes());
    for text in ["", "{", "[\"a", "no"] {
        assert!(Doc::parse_partial(text.into()).is_err(), "nothing came whole in {text:?}");
    }
    let in_a_letter = &"[\"a\", \"é".as_bytes()[..8];
    assert_eq!(Doc::parse_partial(in_a_letter.to_vec().into()).unwrap().root().text(), "[\"a\"]");
}

#[test]
fn keys_are_found_however_they_are_written() {
    let node =
        root(r#"{"a\u0062c": 1, "q\"q": 2, "n\nl": 3, "": 4, "ab": 5, "twice": 6, "twice": 7, "x": {}, "y": [], "s": "a\tb"}"#);
    let of = |key: &str| node.get(key).and_then(|value| value.as_i64());
    assert_eq!([of("abc"), of("q\"q"), of("n\nl"), of(""), of("ab"), of("twice")].map(Option::unwrap), [1, 2, 3, 4, 5, 6]);
    assert_eq!((of("a"), of("abcd"), of("n\\nl"), of("zz")), (None, None, None, None));
    assert_eq!(node.get("s").unwrap().as_str().unwrap(), "a\tb");
    assert!(node.get("x").unwrap().is_empty() && node.get("y").unwrap().is_empty());
    assert_eq!((node.get("x").unwrap().get("a").map(|n| n.kind()), node.get("y").unwrap().at(0).map(|n| n.kind())), (None, None));
    assert_eq!(node.get("ab").unwrap().kind(), Type::Number);
}

#[test]
fn numbers_keep_what_they_can() {
    let node = root("[9223372036854775807, 18446744073709551615, 1e3, -0.5, 1E400]");
    let number = |at: usize| (node.at(at).unwrap().as_i64(), node.at(at).unwrap().as_f64());
    assert_eq!(number(0).0, Some(i64::MAX));
    assert_eq!(number(1), (None, Some(18446744073709551615.0)));
    assert_eq!((number(2), number(3)), ((None, Some(1000.0)), (None, Some(-0.5))));
    assert_eq!(number(4).1, Some(f64::INFINITY));
}

#[test]
fn a_tree_of_values_is_refused_when_it_would_be_too_big() {
    let node = root("[1, 2, 3, 4, 5, 6, 7]");
    let error = node.to_value_within(10).unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
    assert!(error.next_step().unwrap().contains("jsonpath()"), "{error}");
    assert!(node.at(0).unwrap().to_value_within(10).is_ok());
}

#[test]
fn a_shape_can_be_decoded_and_may_borrow() {
    #[derive(serde::Deserialize)]
    struct Cluster<'a> {
        name: &'a str,
    }
    let node = root(r#"{"list": [{"name": "x"}, {"nome": "y"}]}"#);
    let list = node.get("list").unwrap();
    let first = list.at(0).unwrap();
    assert_eq!(first.decode::<Cluster<'_>>().unwrap().name, "x");
    let second = list.at(1).unwrap();
    let error = second.decode::<Cluster<'_>>().map(|cluster| cluster.name.len()).unwrap_err();
    assert!(error.to_string().contains("missing field `name`") && error.to_string().contains("nome"), "{error}");
}

#[test]
fn a_bad_query_says_where_and_how_to_write_it() {
    for (query, said, hint) in [
        ("configs", "from character 1 on, `configs`", "starts with `$`"),
        ("$.configs[0].@type", "from character 14 on, `@type`", "$['@type']"),
        ("$.a[?@.b ==]", "from character", "for example"),
        ("$.labels.app-name", "from character 13 on, `-name`", "in brackets"),
        ("$.a[", "", ""),
        ("", "", "starts with `$`"),
        ("$.a[?length(@.a, 1) > 1]", "", ""),
        ("$[99999999999999999999]", "", ""),
    ] {
        let error = Query::parse(query).expect_err(query);
        assert_eq!(error.kind(), Kind::BadInput);
        assert!(error.message().contains(said), "{query}: {error}");
        assert!(error.next_step().unwrap().contains(hint), "{query}: {:?}", error.next_step());
    }
    assert!(Query::parse(&format!("${}", "[?@.a".repeat(5000))).is_err(), "no stack is used up");
}

#[test]
fn a_run_can_be_ended_from_outside() {
    let node = root(&json!((0..500).map(|n| json!({"a": {"b": n}})).collect::<Vec<_>>()).to_string());
    let asked = AtomicUsize::new(0);
    let stop = || match asked.fetch_add(1, Ordering::SeqCst) {
        0..3 => Ok(()),
        _ => Err(Error::new(Kind::Interrupted, "interrupted")),
    };
    let error = Query::parse("$..b").unwrap().run(&node, false, &stop).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(jsonpath(&node, "$..b", false).unwrap().len(), 500);
}

/// Every pair of selectors on a document whose containers are all in the index.
#[test]
fn every_selector_agrees_with_jsonpath_rust_on_big_containers() {
    let item = |n: i64| json!({"name": format!("item {n}"), "n": n, "tags": ["x", "y", n], "deep": {"n": n * 2, "name": "d"}});
    let value = json!({"list": (0..9).map(item).collect::<Vec<_>>(), "map": {"one": item(1), "two": item(2), "it's": [1, [2, 3]]},
        "n": 4, "name": "item 3", "empty": {}, "none": []});
    let node = root(&value.to_string());
    let steps = "¦.list¦.map¦..n¦..name¦[*]¦.*¦[0]¦[8]¦[9]¦[-1]¦[-9]¦[-10]¦[2:5]¦[-3:]¦[:-3]¦[7:2:-2]¦[::-1]¦[::3]¦[-100:100]¦[5:]¦[:0]¦[1:1]\
        ¦['one','two']¦[0,2]¦[?@.n > 3]¦[?@.n == $.n]¦[?@.name == $.name]¦[?@.deep.n == 8]¦[?@.tags[2] == 2]¦[?$.list[8].n == @.n]\
        ¦[?count(@.*) > 3]¦[?count($.list[*]) == 9]¦[?length(@.tags) == 3]¦[?@.deep[?@ == $.n]]¦[?search(@.name, '[35]')]\
        ¦[?!@.n]¦..[?@.n]¦..[?@ == $.n]¦..*¦..[-1]¦[?in(@.n, $.list[3].tags)]¦[?@.empty]¦[?@.n && (@.n < 2 || @.n > 7)]";
    for (row, one) in steps.split('¦').enumerate() {
        // Each alone, and a spread of the pairs.
        for (_, two) in steps.split('¦').enumerate().filter(|(column, _)| *column == 0 || (row + column) % 5 == 0) {
            let query = format!("${one}{two}");
            let found = jsonpath(&node, &query, true).unwrap().into_iter();
            let mut ours: Vec<(String, Value)> = found.map(|hit| (hit.path.unwrap(), hit.node.to_value().unwrap())).collect();
            let mut theirs: Vec<(String, Value)> =
                value.query_with_path(&query).unwrap().into_iter().map(|hit| (hit.path.clone(), hit.val.clone())).collect();
            if query.contains(',') {
                // A union goes node by node here, and selector by selector there.
                ours.sort_by(|a, b| a.0.cmp(&b.0));
                theirs.sort_by(|a, b| a.0.cmp(&b.0));
            }
            assert_eq!(ours, theirs, "{query}");
        }
    }
}
