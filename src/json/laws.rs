//! Laws that hold for any JSON: the document agrees with serde_json, and jsonpath with jsonpath-rust on the whole.

use super::scan::scan;
use super::{Doc, Node, Type, jsonpath};
use crate::error::Kind;
use jsonpath_rust::JsonPath;
use proptest::prelude::*;
use serde_json::Value;

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abc]",
        1 => prop::sample::select(vec!["@type", "name", "configs", "it's", "a\\b", "q\"q", "é", "new\nline", "", "a/b"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000i32..1000).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        any_key().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 200, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..12).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn text_of(value: &Value, pretty: bool) -> String {
    if pretty { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() }
}

fn doc(text: &str) -> Node {
    Doc::parse(text.to_owned().into()).unwrap().root()
}

fn agree(node: &Node, value: &Value) {
    assert_eq!(&serde_json::from_str::<Value>(node.text()).unwrap(), value);
    match value {
        Value::Null => assert!(node.is_null()),
        Value::Bool(value) => assert_eq!(node.as_bool(), Some(*value)),
        Value::Number(value) => assert_eq!((node.as_i64(), node.as_f64()), (value.as_i64(), value.as_f64())),
        Value::String(value) => assert_eq!(node.as_str().as_deref(), Some(value.as_str())),
        Value::Array(values) => {
            assert_eq!((node.kind(), node.len(), node.is_empty()), (Type::Array, values.len(), values.is_empty()));
            assert_eq!(node.iter().count(), values.len());
            assert!(node.at(values.len()).is_none());
            for (at, (value, item)) in values.iter().zip(node.iter()).enumerate() {
                assert_eq!(item.start(), node.at(at).unwrap().start());
                agree(&item, value);
            }
        }
        Value::Object(members) => {
            assert_eq!((node.kind(), node.len()), (Type::Object, members.len()));
            assert_eq!(node.keys().collect::<Vec<_>>(), members.keys().cloned().collect::<Vec<_>>());
            assert!(node.get("no such key").is_none());
            for ((key, value), (name, item)) in members.iter().zip(node.items()) {
                assert_eq!(Some(key), name.as_ref());
                assert_eq!(node.get(key).unwrap().start(), item.start());
                agree(&item, value);
            }
        }
    }
}

/// Queries over the keys that [`any_json`] likes.
fn any_query() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        4 => prop::sample::select(vec![
            ".a", ".b", ".c", "['@type']", "..a", "..b", "..*", "[*]", ".*", "[0]", "[-1]", "[1:]", "[:-1]", "[::2]", "[::-1]",
            "[5:1:-2]", "[-3:]", "[0:0]", "[::0]", "..[0]", "['it\\'s']", "[\"q\\\"q\"]", "['é']", "[99]", "[-99]", "['a/b']",
        ]),
        3 => prop::sample::select(vec![
            "[?@.a]", "[?!@.a]", "[?@.a == 1]", "[?@ == 1]", "[?@.a.b > 0]", "[?@.a < @.b]", "[?@.a == $.a]", "[?$.a]",
            "[?$.b == 1 || @.c]", "[?@.a && @.b]", "[?length(@) > 1]", "[?length(@.a) > 1]", "[?count(@.*) > 2]",
            "[?count($.*) > 2]", "[?match(@.name, 'a.*')]", "[?search(@, 'a')]", "[?@.a[?@.b]]", "[?@[0] == null]", "[?@..a]",
            "[?in(@.a, $.b)]", "[?value(@.a) == true]", "[?(@.a == 'a' || @.b != null) && !(@.c)]", "..[?@.a]", "..[?@ == $.a]",
            "[?@.a[?@ == $.b]]", "[?@.b.c]", "[?$.a[?@.b == 1]]", "[?@ == $]", "[?$]", "[?@]",
        ]),
    ];
    prop::collection::vec(step, 0..4).prop_map(|steps| format!("${}", steps.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_document_agrees_with_serde_json(value in any_json(), pretty: bool) {
        agree(&doc(&text_of(&value, pretty)), &value);
        prop_assert_eq!(Node::from_value(&value).unwrap().to_value().unwrap(), value);
    }

    #[test]
    fn a_cut_text_fails_in_words_or_gives_what_came_whole(value in any_json(), pretty: bool, cut in 0.0..1.0f64) {
        let text = text_of(&value, pretty);
        let length = (text.len() as f64 * cut) as usize;
        let part = &text.as_bytes()[..length];
        match Doc::parse(part.to_vec().into()) {
            Ok(doc) => prop_assert!(doc.notes().len() == 1 || !matches!(value, Value::Object(_) | Value::Array(_)), "{}", text),
            Err(error) => prop_assert_eq!(error.kind(), Kind::BadAnswer),
        }
        if let Ok(doc) = Doc::parse_partial(part.to_vec().into()) {
            doc.root().to_value().unwrap();
        }
    }

    #[test]
    fn what_is_taken_is_what_serde_json_takes(value in any_json(), at in 0.0..1.0f64, byte: u8, sign in "[\\[\\]{}\",:0-9.eE+\\\\u -]") {
        for with in [byte, sign.as_bytes()[0]] {
            let mut text = value.to_string().into_bytes();
            let at = (text.len() as f64 * at) as usize;
            text[at] = with;
            let ours = scan(&text, 0).is_ok_and(|found| text[found.end..].trim_ascii().is_empty()) && std::str::from_utf8(&text).is_ok();
            let theirs = serde_json::from_slice::<Value>(&text);
            let too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(ours == theirs.is_ok() || too_large, "{} {:?}", String::from_utf8_lossy(&text), theirs);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, json in "[\\[\\]{}\",:0-9a \\\\]{0,60}") {
        for text in [bytes, json.into_bytes()] {
            let _ = Doc::parse_partial(text.clone().into());
            if let Ok(doc) = Doc::parse(text.into()) {
                doc.root().to_value().unwrap();
            }
        }
    }

    #[test]
    fn jsonpath_by_parts_finds_what_it_finds_on_the_whole(value in any_json(), query in any_query(), pretty: bool) {
        let node = doc(&text_of(&value, pretty));
        let ours: Vec<_> = jsonpath(&node, &query, true).unwrap().into_iter()
            .map(|hit| (hit.path.unwrap(), hit.node.to_value().unwrap())).collect();
        let theirs: Vec<_> = value.query_with_path(&query).unwrap().into_iter()
            .map(|hit| (hit.clone().path(), hit.val().clone())).collect();
        prop_assert_eq!(ours, theirs, "{} on {}", query, value);
    }
}

#[test]
fn a_union_finds_the_same_in_the_order_of_the_document() {
    let value: Value =
        serde_json::json!({"list": (0..20).map(|n| serde_json::json!({"a": n, "b": -n, "c": [n]})).collect::<Vec<_>>()});
    let ours: Vec<_> = jsonpath(&doc(&value.to_string()), "$.list[*]['b','a']", true).unwrap();
    let mut theirs: Vec<_> = value.query_only_path("$.list[*]['b','a']").unwrap();
    let mut paths: Vec<_> = ours.into_iter().map(|hit| hit.path.unwrap()).collect();
    assert_eq!(paths[..3], ["$['list'][0]['b']", "$['list'][0]['a']", "$['list'][1]['b']"]);
    paths.sort();
    theirs.sort();
    assert_eq!(paths, theirs);
}
