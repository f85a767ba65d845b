//! The index of a document and the rows of a dump: no text makes them panic, and what serde_json reads they read alike.
#![no_main]

use jiff::Timestamp;
use jsonpath_rust::JsonPath;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use pilotage_fuzz::cell::Cell;
use pilotage_fuzz::envoy::{self, Care};
use pilotage_fuzz::error::Result;
use pilotage_fuzz::json::{Doc, Found, Node, jsonpath};
use pilotage_fuzz::record::Record;
use serde_json::Value;
use std::sync::Arc;

/// Queries of every kind: by place, by name anywhere, with slices and filters.
const QUERIES: &[&str] = &[
    "$.configs[*]['@type']",
    "$.configs[?@.dynamic_listeners].dynamic_listeners[-1]",
    "$..name",
    "$..[?@.name == 'default']",
    "$.configs[::-2]",
    "$.configs[0:3].*",
];

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { pilotage_fuzz::mutate(data, size, max_size, seed) });

fuzz_target!(|data: &[u8]| {
    let known = serde_json::from_slice::<Value>(data);
    match (Doc::parse(data.to_vec().into()), &known) {
        (Ok(doc), Ok(value)) => {
            let root = doc.root();
            assert_eq!(&root.to_value().expect("JSON"), value);
            same(&root, value);
            query(&root, value, QUERIES[data.len() % QUERIES.len()]);
        }
        // What serde_json refuses we may take: numbers that it cannot hold, junk before the JSON.
        (Ok(doc), Err(_)) => walk(&doc.root()),
        (Err(error), Ok(_)) => panic!("refused, but it is JSON: {error}"),
        (Err(error), Err(_)) => {
            assert!(!error.message().is_empty());
            if let Ok(doc) = Doc::parse_partial(data.to_vec().into()) {
                walk(&doc.root());
            }
        }
    }
    rows(data);
});

/// A node and a tree of values say the same.
fn same(node: &Node, value: &Value) {
    match value {
        Value::Object(members) => {
            // Of members that are said twice serde_json knows the last alone.
            assert!(node.len() >= members.len());
            members.keys().for_each(|key| assert!(node.get(key).is_some(), "{key}"));
        }
        Value::Array(items) => {
            assert_eq!(node.len(), items.len());
            for (at, (item, value)) in node.iter().zip(items).enumerate() {
                assert_eq!(node.at(at).map(|same| same.text().as_ptr()), Some(item.text().as_ptr()));
                same(&item, value);
            }
        }
        Value::String(text) => assert_eq!(node.as_str().as_deref(), Some(text.as_str())),
        Value::Bool(flag) => assert_eq!(node.as_bool(), Some(*flag)),
        Value::Number(number) => {
            // Minus zero is a fraction to serde_json.
            assert!(node.as_i64() == number.as_i64() || node.text() == "-0");
            assert!(near(node.as_f64(), number.as_f64()), "{:?} of {}, not {number}", node.as_f64(), node.text());
        }
        Value::Null => assert!(node.is_null()),
    }
}

/// The same number, but for the last digit: serde_json reads fast, not exactly.
fn near(ours: Option<f64>, theirs: Option<f64>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= theirs.abs() * 4.0 * f64::EPSILON + f64::MIN_POSITIVE,
        (ours, theirs) => ours == theirs,
    }
}

/// Every place of a document can be visited.
fn walk(node: &Node) {
    let _ = (node.kind(), node.len(), node.text(), node.as_str());
    for (key, item) in node.items() {
        if let Some(key) = key {
            assert!(node.get(&key).is_some(), "{key}");
        }
        walk(&item);
    }
}

/// A query finds the same through the index as in the tree.
fn query(node: &Node, value: &Value, query: &str) {
    if says_twice(node) {
        return;
    }
    let ours = jsonpath(node, query, true).expect("a legal query").into_iter();
    let ours: Vec<(String, Value)> =
        ours.map(|hit| (hit.path.expect("paths were wanted"), hit.node.to_value().expect("JSON"))).collect();
    let theirs = value.query_with_path(query).expect("a legal query").into_iter();
    let theirs: Vec<(String, Value)> = theirs.map(|hit| (hit.path.clone(), hit.val.clone())).collect();
    assert_eq!(ours, theirs, "{query}");
}

/// Whether some object has two members of one name: their order is nobody's law.
fn says_twice(node: &Node) -> bool {
    let mut keys: Vec<String> = node.keys().collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    keys.len() < count || node.iter().any(|item| says_twice(&item))
}

/// Rows of all kinds: an error is fine, a panic is not.
fn rows(data: &[u8]) {
    let Ok(doc) = Doc::parse(data.to_vec().into()) else { return };
    let (root, now) = (doc.root(), Timestamp::UNIX_EPOCH);
    touch(&doc, envoy::certs(&root, now));
    touch(&doc, envoy::stats(&root));
    touch(&doc, envoy::server_info(&root));
    touch(&doc, envoy::memory(&root));
    touch(&doc, envoy::log_levels(&root));
    touch(&doc, envoy::workloads(&root));
    touch(&doc, envoy::ztunnel_services(&root));
    touch(&doc, envoy::ztunnel_policies(&root));
    touch(&doc, envoy::ztunnel_certificates(&root, now));
    touch(&doc, envoy::connections(&root, false));
    let Ok(dump) = envoy::Dump::open(&doc) else { return };
    touch(&doc, envoy::bootstrap(&dump));
    touch(&doc, envoy::clusters(&dump));
    touch(&doc, envoy::endpoints(&dump));
    touch(&doc, envoy::ecds(&dump));
    touch(&doc, envoy::filters(&dump));
    touch(&doc, envoy::listeners(&dump));
    touch(&doc, envoy::routes(&dump));
    touch(&doc, envoy::secrets(&dump, now));
    if let Ok(compared) = envoy::diff(&dump, &dump, Care::default()) {
        assert!(compared.rows.is_empty(), "it differs from itself: {:?}", compared.rows);
    }
}

/// Every field of every row can be shown, and every row leads back to where it was found.
fn touch<R: Record>(doc: &Arc<Doc>, rows: Result<Vec<Found<R>>>) {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return assert!(!error.message().is_empty()),
    };
    let mut cell = Cell::default();
    for row in rows {
        for column in 0..R::schema().columns.len() {
            let _ = row.record.value(column);
            row.record.cell(column, &mut cell);
        }
        let raw = row.at.node(doc).expect("it is where it was found");
        assert!(doc.text().as_ptr_range().contains(&raw.text().as_ptr()));
    }
}
