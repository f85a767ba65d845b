//! What counts as a difference, and what does not.

use super::diff::{differences, without_own};
use super::diff_rules::Rules;
use serde_json::{Value, json};

fn lenient() -> Rules {
    Rules { lenient: true, noise: &["lastupdated"], unordered: &["domains", "endpoints", "ids"], ..Rules::default() }
}

/// Each difference as `path: left → right`.
fn told(left: &Value, right: &Value, rules: &Rules) -> Vec<String> {
    let side = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
    differences(left, right, rules)
        .iter()
        .map(|delta| format!("{}: {} → {}", delta.path, side(&delta.left), side(&delta.right)))
        .collect()
}

fn differs(left: Value, right: Value, expected: &[&str]) {
    assert_eq!(told(&left, &right, &lenient()), expected);
}

#[test]
fn writers_differ_and_values_do_not() {
    for (left, right) in [
        (json!({"lb_policy": "A"}), json!({"lbPolicy": "A"})),
        (json!({"consecutive_5xx": 2, "proxy_100_continue": true}), json!({"consecutive5xx": 2, "proxy100Continue": true})),
        (json!({"t": "0.250s", "u": "10s"}), json!({"t": "0.25s", "u": "10s"})),
        (json!({"n": "4294967295", "f": 1.0}), json!({"n": 4_294_967_295_u32, "f": 1})),
        (json!({"a": [], "b": "", "c": null}), json!({})),
        (json!({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "n": 1}), json!({"n": 1})),
        (json!({"@type": "x/envoy.api.v2.Cluster", "n": 1}), json!({"@type": "y/envoy.config.cluster.v3.Cluster", "n": 1})),
        (json!({"last_updated": "1"}), json!({"lastUpdated": "2"})),
        (json!({"domains": ["a", "b"]}), json!({"domains": ["b", "a"]})),
    ] {
        differs(left.clone(), right.clone(), &[]);
        differs(right, left, &[]);
    }
}

#[test]
fn a_zero_that_is_said_says_something_unless_one_side_says_all() {
    let (left, right) = (json!({"num_retries": 0, "on": false, "x": {}}), json!({"x": {}}));
    differs(left.clone(), right.clone(), &["$.num_retries: 0 → nothing", "$.on: false → nothing"]);
    let all = Rules { zeros: true, ..lenient() };
    assert_eq!(told(&left, &right, &all), Vec::<String>::new());
    // A message that is there is never nothing: `ads: {}`.
    differs(json!({"ads": {}}), json!({}), &["$.ads: {} → nothing"]);
}

#[test]
fn keys_of_scripts_that_differ_in_spelling_only_are_not_confused() {
    differs(json!({"aB": 1, "a_b": 2}), json!({"aB": 1, "a_b": 3}), &["$.a_b: 2 → 3"]);
    differs(json!({"aB": 1, "a_b": 2}), json!({"a_b": 2}), &["$.aB: 1 → nothing"]);
    differs(json!({"a-b.c": 1}), json!({"a-b.c": 2}), &["$['a-b.c']: 1 → 2"]);
}

#[test]
fn one_element_more_is_one_difference() {
    let filters = |names: &[&str]| json!({"http_filters": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()});
    differs(filters(&["a", "b", "c"]), filters(&["x", "a", "b", "c"]), &[r#"$.http_filters[0]: nothing → {"name":"x"}"#]);
    differs(filters(&["a", "b", "c"]), filters(&["a", "c"]), &[r#"$.http_filters[1]: {"name":"b"} → nothing"#]);
}

#[test]
fn where_order_means_something_another_order_is_one_difference() {
    let filters = |names: &[&str]| json!({"http_filters": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()});
    differs(filters(&["a", "b", "c"]), filters(&["c", "a", "b"]), &[r#"$.http_filters: ["a","b","c"] → ["c","a","b"]"#]);
    differs(
        json!({"alpn": ["h2", "http/1.1"]}),
        json!({"alpn": ["http/1.1", "h2"]}),
        &[r#"$.alpn: ["h2","http/1.1"] → ["http/1.1","h2"]"#],
    );
}

#[test]
fn elements_are_matched_by_what_tells_them_apart() {
    let endpoint = |address: &str, health: &str| json!({"endpoint": {"address": {"socket_address": {"address": address}}}, "health_status": health});
    differs(
        json!({"endpoints": [endpoint("10.0.0.1", "HEALTHY"), endpoint("10.0.0.2", "HEALTHY")]}),
        json!({"endpoints": [endpoint("10.0.0.2", "DRAINING"), endpoint("10.0.0.1", "HEALTHY")]}),
        &[r#"$.endpoints[1].health_status: "HEALTHY" → "DRAINING""#],
    );
    let route =
        |prefix: &str, cluster: &str| json!({"name": "default", "match": {"prefix": prefix}, "route": {"cluster": cluster}});
    differs(
        json!({"routes": [route("/a", "a"), route("/", "b")]}),
        json!({"routes": [route("/new", "n"), route("/a", "a"), route("/", "c")]}),
        &[
            r#"$.routes[1].route.cluster: "b" → "c""#,
            r#"$.routes[0]: nothing → {"name":"default","match":{"prefix":"/new"},"route":{"cluster":"n"}}"#,
        ],
    );
    differs(json!({"thresholds": [{"max": 1}]}), json!({"thresholds": [{"max": 2}]}), &["$.thresholds[0].max: 1 → 2"]);
}

#[test]
fn a_message_of_another_type_is_another_message() {
    differs(
        json!({"c": {"@type": "x/a.Buffer", "n": 1}}),
        json!({"c": {"@type": "x/a.Cors"}}),
        &[r#"$.c: {"@type":"x/a.Buffer","n":1} → {"@type":"x/a.Cors"}"#],
    );
    differs(json!({"a": [1]}), json!({"a": {"b": 1}}), &[r#"$.a: [1] → {"b":1}"#]);
}

#[test]
fn what_is_a_sides_own_is_no_difference() {
    let own = |name: &str, address: &str| vec![name.to_owned(), address.to_owned()];
    let rules = Rules { own: [own("api-0", "10.0.0.1"), own("api-1", "10.0.0.2")], ..lenient() };
    let id =
        |name: &str, address: &str| json!({"id": format!("sidecar~{address}~{name}.shop~x"), "ips": format!("{address},::1")});
    assert!(told(&id("api-0", "10.0.0.1"), &id("api-1", "10.0.0.2"), &rules).is_empty());
    assert_eq!(told(&id("api-0", "10.0.0.1"), &id("api-1", "10.0.0.9"), &rules).len(), 2);
    // Both are endpoints of one service: the lists are equal, although each holds what is the other's own.
    let list = |addresses: &[&str]| json!({"endpoints": addresses.iter().map(|address| json!({"address": address})).collect::<Vec<_>>()});
    let both = list(&["10.0.0.1", "10.0.0.2"]);
    assert!(told(&both, &both, &rules).is_empty());
    assert_eq!(told(&both, &list(&["10.0.0.2"]), &rules), [r#"$.endpoints[0]: {"address":"10.0.0.1"} → nothing"#]);
    assert_eq!(without_own("10.0.0.1 10.0.0.12 110.0.0.1", &own("api-0", "10.0.0.1")), "\u{1}1 10.0.0.12 110.0.0.1");
    assert_eq!(without_own("api-0 api-0-cert api-01", &own("api-0", "")), "\u{1}0 api-0-cert api-01");
}

#[test]
fn plain_values_are_compared_to_the_letter() {
    let rules = Rules::default();
    assert_eq!(told(&json!({"a": 1}), &json!({"a": 2}), &rules), ["$.a: 1 → 2"]);
    assert_eq!(told(&json!({"a": "1", "aB": 1, "n": null}), &json!({"a": 1, "a_b": 1}), &rules).len(), 4);
    assert_eq!(told(&json!(1), &json!(1.0), &rules), Vec::<String>::new());
    assert_eq!(told(&json!([1, 2]), &json!([1, 3]), &rules), ["$[1]: 2 → 3"]);
    assert_eq!(told(&json!(null), &json!("a"), &rules), [r#"$: null → "a""#]);
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3_i64).prop_map(Value::from),
            "[a-c0]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("name|a|aB|a_b|domains", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(value in value()) {
            for rules in [Rules::default(), lenient()] {
                prop_assert_eq!(differences(&value, &value, &rules), vec![]);
            }
        }

        #[test]
        fn two_ways_to_look_see_as_many_differences(left in value(), right in value()) {
            let strict = Rules::default();
            prop_assert_eq!(differences(&left, &right, &strict).is_empty(), left == right);
            prop_assert_eq!(differences(&left, &right, &lenient()).is_empty(), differences(&right, &left, &lenient()).is_empty());
        }
    }
}
