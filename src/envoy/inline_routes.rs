//! Routes that stand in a listener itself.

use super::dump::member;
use super::listener_wire::Cidr;
use super::wire::{Flaws, read};
use crate::json::{Doc, Node};
use std::sync::Arc;

/// What a filter chain is known by within its listener: names stand more than once there, and many have none.
#[derive(Debug, Default, PartialEq)]
pub struct ChainKey {
    /// Its name.
    pub name: String,
    /// Whether it takes what no other takes.
    pub is_default: bool,
    /// The transport protocol it takes.
    pub transport_protocol: String,
    /// The application protocols it takes.
    pub application_protocols: Vec<String>,
    /// The server names it takes.
    pub server_names: Vec<String>,
    /// The port connections must have been meant for.
    pub destination_port: Option<u64>,
    /// The addresses connections must have been meant for.
    pub prefix_ranges: Vec<String>,
    /// Where connections must come from, when that is not `ANY`.
    pub source_type: String,
    /// The addresses they must come from.
    pub source_prefix_ranges: Vec<String>,
    /// The same, before a proxy protocol says otherwise.
    pub direct_source_prefix_ranges: Vec<String>,
    /// The ports they must come from.
    pub source_ports: Vec<u64>,
}

/// The route configurations inside of a filter chain, as a document that routes can be read from. `resource` is what the row of
/// the chain was made of: a listener, or its entry of a dump, of which this state is meant.
pub fn inline_routes(resource: &Node, state: &str, wanted: &ChainKey) -> Option<Arc<Doc>> {
    let listener = listener(resource, state)?;
    let chains = member(&listener, "filter_chains");
    let named = chains.iter().flat_map(Node::iter).map(|chain| (chain, false));
    let default = member(&listener, "default_filter_chain").map(|chain| (chain, true));
    let (chain, _) = named.chain(default).find(|(chain, is_default)| key(chain, *is_default) == *wanted)?;
    let filters = member(&chain, "filters")?;
    let configs: Vec<String> = filters.iter().filter_map(|filter| Some(routes_of(&filter)?.text().to_string())).collect();
    (!configs.is_empty()).then(|| Doc::parse(format!("[{}]", configs.join(",")).into()).ok()).flatten()
}

fn listener(resource: &Node, state: &str) -> Option<Node> {
    let stated = member(resource, &format!("{state}_state")).and_then(|state| member(&state, "listener"));
    let rejected = || member(resource, "error_state").and_then(|error| member(&error, "failed_configuration"));
    let alone = || member(resource, "listener").or_else(|| Some(resource.clone()));
    stated.or_else(|| if state == "rejected" { rejected() } else { None }).or_else(alone)
}

fn routes_of(filter: &Node) -> Option<Node> {
    let config = member(filter, "typed_config").or_else(|| member(filter, "config"))?;
    // Some wrap what they hold (TypedStruct).
    let routes = member(&config, "route_config").or_else(|| member(&member(&config, "value")?, "route_config"))?;
    member(&routes, "virtual_hosts").is_some().then_some(routes)
}

fn key(chain: &Node, is_default: bool) -> ChainKey {
    let conditions = member(chain, "filter_chain_match");
    let condition = |name: &str| conditions.as_ref().and_then(|conditions| member(conditions, name));
    let text = |node: Option<Node>| node.and_then(|node| node.as_str().map(|text| text.into_owned())).unwrap_or_default();
    let items = |name: &str| condition(name).into_iter().flat_map(|list| list.iter().collect::<Vec<_>>());
    let texts = |name: &str| items(name).map(|node| text(Some(node))).collect();
    let range = |node: Node| read::<Cidr<'_>>(node.text().as_bytes(), &Flaws::default()).0.text();
    let ranges = |name: &str| items(name).map(range).collect();
    ChainKey {
        name: text(member(chain, "name")),
        is_default,
        transport_protocol: text(condition("transport_protocol")),
        application_protocols: texts("application_protocols"),
        server_names: texts("server_names"),
        destination_port: condition("destination_port").and_then(|port| port.text().parse().ok()),
        prefix_ranges: ranges("prefix_ranges"),
        source_type: Some(text(condition("source_type"))).filter(|kind| kind != "ANY").unwrap_or_default(),
        source_prefix_ranges: ranges("source_prefix_ranges"),
        direct_source_prefix_ranges: ranges("direct_source_prefix_ranges"),
        source_ports: items("source_ports").filter_map(|port| port.text().parse().ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::{Dump, routes};

    fn chain(application: &str, domain: &str) -> String {
        format!(
            r#"{{"name":"same","filter_chain_match":{{"application_protocols":["{application}"],"destination_port":80}},"filters":[{{"name":"x"}},
            {{"name":"hcm","typed_config":{{"route_config":{{"name":"r","virtual_hosts":[{{"name":"v","domains":["{domain}"],"routes":[]}}]}}}}}}]}}"#
        )
    }

    fn found(resource: &str, state: &str, key: &ChainKey) -> Option<Vec<String>> {
        let doc = inline_routes(&Doc::parse(resource.to_owned().into()).unwrap().root(), state, key)?;
        let rows = routes(&Dump::open(&doc).unwrap()).unwrap();
        Some(rows.into_iter().map(|row| row.record.shared.host.domains.to_string()).collect())
    }

    #[test]
    fn the_chain_is_told_by_all_it_is_known_by() {
        let listener = format!(r#"{{"name":"l","filter_chains":[{},{}]}}"#, chain("h2", "a"), chain("http/1.1", "b"));
        let key = ChainKey {
            name: "same".into(),
            application_protocols: vec!["http/1.1".into()],
            destination_port: Some(80),
            ..ChainKey::default()
        };
        for (resource, state) in [
            (listener.clone(), ""),
            (format!(r#"{{"listener":{listener}}}"#), "static"),
            (format!(r#"{{"warming_state":{{"listener":{{}}}},"active_state":{{"listener":{listener}}}}}"#), "active"),
            (format!(r#"{{"error_state":{{"failed_configuration":{listener}}}}}"#), "rejected"),
        ] {
            assert_eq!(found(&resource, state, &key).unwrap(), ["b"], "{resource}");
        }
        let other = ChainKey { is_default: true, ..key };
        assert_eq!(found(&listener, "", &other), None);
    }

    #[test]
    fn chains_that_differ_in_addresses_alone_are_told_apart() {
        let chain = |more: &str, domain: &str| chain("h2", domain).replace(r#""destination_port":80"#, more);
        let conditions = [
            r#""prefix_ranges":[{"address_prefix":"10.0.0.1","prefix_len":32}]"#,
            r#""prefix_ranges":[{"address_prefix":"10.0.0.2","prefix_len":32}],"source_type":"ANY""#,
            r#""source_prefix_ranges":[{"address_prefix":"10.1.0.0","prefix_len":16}]"#,
            r#""direct_source_prefix_ranges":[{"address_prefix":"10.1.0.0","prefix_len":16}]"#,
            r#""source_type":"EXTERNAL""#,
            r#""source_ports":[7,8]"#,
        ];
        let chains: Vec<String> =
            conditions.iter().zip(["a", "b", "c", "d", "e", "f"]).map(|(more, domain)| chain(more, domain)).collect();
        let listener = format!(r#"{{"filter_chains":[{}]}}"#, chains.join(","));
        let base = || ChainKey { name: "same".into(), application_protocols: vec!["h2".into()], ..ChainKey::default() };
        let one = |text: &str| vec![text.to_owned()];
        for (key, domain) in [
            (ChainKey { prefix_ranges: one("10.0.0.1/32"), ..base() }, "a"),
            (ChainKey { prefix_ranges: one("10.0.0.2/32"), ..base() }, "b"),
            (ChainKey { source_prefix_ranges: one("10.1.0.0/16"), ..base() }, "c"),
            (ChainKey { direct_source_prefix_ranges: one("10.1.0.0/16"), ..base() }, "d"),
            (ChainKey { source_type: "EXTERNAL".into(), ..base() }, "e"),
            (ChainKey { source_ports: vec![7, 8], ..base() }, "f"),
        ] {
            assert_eq!(found(&listener, "", &key).unwrap(), [domain]);
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        for resource in ["7", "{}", r#"{"filter_chains":7}"#, r#"{"filter_chains":[7,{"filters":{}}]}"#] {
            assert_eq!(found(resource, "active", &ChainKey::default()), None, "{resource}");
        }
    }
}
