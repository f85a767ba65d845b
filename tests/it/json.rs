//! Documents at their real size: a dump big enough for the index, for several threads, and for a cut in the middle.

#[path = "../../benches/support/generate.rs"]
#[allow(dead_code, reason = "the benches use the rest")]
mod generate;

use jsonpath_rust::JsonPath;
use pilotage::error::Kind;
use pilotage::json::{Doc, Type, jsonpath};
use serde_json::Value;

#[test]
fn a_dump_answers_as_its_tree_of_values_would() {
    let text = generate::dump(2);
    let whole: Value = serde_json::from_slice(&text).unwrap();
    let node = Doc::parse(text.into()).unwrap().root();
    assert_eq!(node.to_value().unwrap(), whole);
    for query in [
        "$.configs[1].dynamic_active_clusters[7].cluster.name",
        "$.configs[?@['@type'] == 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump'].dynamic_active_clusters[-3:].cluster.name",
        "$..lb_endpoints[?@.health_status == 'UNHEALTHY'].endpoint.address.socket_address.address",
        "$.configs[?@.dynamic_route_configs].dynamic_route_configs[*]..domains[0]",
        "$..dynamic_active_clusters[?search(@.cluster.name, '8080.*service-1[0-9]')].cluster.lb_policy",
        "$..dynamic_listeners[?@.name == $.configs[3].dynamic_listeners[2].name].active_state.version_info",
        "$.configs[*]['@type']",
        "$..local_jwks",
    ] {
        let ours: Vec<(String, Value)> = jsonpath(&node, query, true)
            .unwrap()
            .into_iter()
            .map(|hit| (hit.path.unwrap(), hit.node.to_value().unwrap()))
            .collect();
        let theirs: Vec<(String, Value)> =
            whole.query_with_path(query).unwrap().into_iter().map(|hit| (hit.path.clone(), hit.val.clone())).collect();
        assert_eq!(ours, theirs, "{query}");
        assert!(!ours.is_empty() || query.contains("local_jwks"), "{query} finds something");
    }
}

#[test]
fn a_dump_cut_anywhere_is_refused_or_gives_whole_resources() {
    let text = generate::dump(1);
    let whole: Value = serde_json::from_slice(&text).unwrap();
    for part in 1..40 {
        let cut = &text[..text.len() * part / 40];
        let error = Doc::parse(cut.to_vec().into()).unwrap_err();
        assert_eq!(error.kind(), Kind::BadAnswer);
        assert!(error.message().contains(&format!("ends at byte {}", cut.len())), "{error}");
        let doc = Doc::parse_partial(cut.to_vec().into()).unwrap();
        let sections = doc.root().get("configs").unwrap();
        for (section, known) in sections.iter().zip(whole["configs"].as_array().unwrap()) {
            assert_eq!(section.get("@type").unwrap().as_str().unwrap(), known["@type"].as_str().unwrap());
            for (key, list) in section.items().filter(|(_, value)| value.kind() == Type::Array) {
                let known = known[key.unwrap().as_str()].as_array().unwrap();
                let complete = list.len().saturating_sub(1);
                assert!(list.iter().take(complete).zip(known).all(|(ours, theirs)| &ours.to_value().unwrap() == theirs));
            }
        }
    }
}
