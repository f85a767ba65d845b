//! What is noise in a proxy's configuration, which lists have no order, and what is a proxy's own.

use super::diff::Care;
use super::dump::{Dump, Section};
use crate::json::{Node, Rules};
use memchr::memmem;

/// Keys of versions and times, without `_` and in lower case.
const NOISE: &[&str] = &[
    "versioninfo",
    "lastupdated",
    "lastupdateattempt",
    "kubernetes.io/config.seen",
    "uptimecurrentepoch",
    "uptimeallepochs",
    "hotrestartversion",
];
/// The same, and where a proxy runs.
const NOISE_OF_TWO: &[&str] = &[
    "versioninfo",
    "lastupdated",
    "lastupdateattempt",
    "kubernetes.io/config.seen",
    "uptimecurrentepoch",
    "uptimeallepochs",
    "hotrestartversion",
    "nodename",
];
/// Never shown, whatever is asked for.
const KEYS: &[&str] = &["privatekey", "sessionticketkeys", "genericsecret"];
/// Of secrets: nobody shows keys, and each hides them in another way.
const NOISE_OF_SECRETS: &[&str] = &["versioninfo", "lastupdated", "privatekey", "sessionticketkeys", "genericsecret"];
/// Of the workload's own certificate, when there are two workloads.
const NOISE_OF_OWN_CERTIFICATE: &[&str] =
    &["versioninfo", "lastupdated", "privatekey", "sessionticketkeys", "genericsecret", "certificatechain"];
/// Of hosts: what they have done so far.
const NOISE_OF_HOSTS: &[&str] = &["stats"];

/// Lists that are sets, or of which Envoy takes the most specific or any element, or all. Order means something everywhere
/// else: `http_filters`, `filter_chains`, `routes`, the `rules` of jwt_authn (the first that fits), `transport_socket_matches` (the first that fits), `alpn_protocols` and
/// `cipher_suites` (the best first), headers to add.
const UNORDERED: &[&str] = &[
    // The domain that fits best is taken, wherever it stands.
    "virtualhosts",
    "domains",
    // Endpoints are chosen by load balancing; their priority is a field.
    "endpoints",
    "lbendpoints",
    "hoststatuses",
    "healthchecks",
    // Any of these names will do.
    "matchsubjectaltnames",
    "matchtypedsubjectaltnames",
    "verifysubjectaltname",
    "verifycertificatehash",
    "verifycertificatespki",
    // One for each priority.
    "thresholds",
    "perhostthresholds",
    // A filter chain's match, and a route's: sets, and conditions that hold together.
    "servernames",
    "applicationprotocols",
    "prefixranges",
    "sourceprefixranges",
    "directsourceprefixranges",
    "sourceports",
    "headers",
    "queryparameters",
    // Retries: any of these, all of those.
    "retriablestatuscodes",
    "retriableheaders",
    "retryhostpredicate",
    // Of a route, chosen by chance, according to weight. Those of an aggregate cluster are names, and have an order.
    "clusters",
    // Rules of access: any, or all, of them.
    "principals",
    "permissions",
    "ids",
    "audiences",
    // The rest are sets by what they are.
    "accesslog",
    "services",
    "upgradeconfigs",
    "patterns",
    "requestheaderstoremove",
    "responseheaderstoremove",
];

/// Of those, the ones that have an order where they are lists of names.
const ORDERED_NAMES: &[&str] = &["clusters"];

/// Who the two proxies are.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// What is each one's own; nothing when both are one, or that does not matter.
    pub own: [Vec<String>; 2],
    /// Whether one of the two writes fields that are not set, and the other does not.
    zeros: bool,
}

impl Identity {
    pub fn of(left: &Dump, right: &Dump, care: Care) -> Self {
        let zeros = writes_zeros(left) != writes_zeros(right);
        let own = match (who(left), who(right)) {
            (Some(a), Some(b)) if !care.own && a.first() != b.first() => [a, b],
            _ => Default::default(),
        };
        Self { own, zeros }
    }

    /// What is each one's own outside of its bootstrap. A pod's name is not: there it is a service's, or a cluster's, that
    /// happens to be called so, too.
    pub fn addresses(&self) -> [Vec<String>; 2] {
        [0, 1].map(|side: usize| self.own[side].iter().skip(1).cloned().collect())
    }

    /// Whether they are two, and that is to be overlooked.
    pub fn is_of_two(&self) -> bool {
        self.own.iter().any(|own| !own.is_empty())
    }
}

/// A proxy's name, and its addresses: `sidecar~ADDRESS~NAME.NAMESPACE~DOMAIN` is its id.
fn who(dump: &Dump) -> Option<Vec<String>> {
    let lists = dump.lists(Section::Bootstrap);
    let node = lists.first()?.node.get("node")?;
    let text = |node: &Node, key: &str| Some(node.get(key)?.as_str()?.into_owned());
    let id = text(&node, "id")?;
    let mut parts = id.split('~').skip(1);
    let (address, name) = (parts.next()?.to_owned(), parts.next()?.split('.').next()?.to_owned());
    let more = node.get("metadata").and_then(|metadata| text(&metadata, "INSTANCE_IPS")).unwrap_or_default();
    let more: Vec<String> = more.split(',').filter(|ip| **ip != address && !ip.is_empty()).map(str::to_owned).collect();
    Some([name, address].into_iter().chain(more).collect())
}

/// Envoys of old write out what is not set; every address shows it. What istiod writes never does.
fn writes_zeros(dump: &Dump) -> bool {
    let start = dump.doc().text().get(..1 << 20).unwrap_or(dump.doc().text());
    memmem::find(start, br#""protocol": "TCP""#).is_some()
}

/// The rules for a resource.
pub(super) fn rules(section: Section, name: &str, care: Care, identity: &Identity) -> Rules {
    let two = identity.is_of_two();
    let noise = match section {
        Section::Secrets if two && name == "default" => NOISE_OF_OWN_CERTIFICATE,
        Section::Secrets => NOISE_OF_SECRETS,
        Section::Hosts => NOISE_OF_HOSTS,
        _ if two => NOISE_OF_TWO,
        _ => NOISE,
    };
    let shown = if section == Section::Secrets { KEYS } else { &[] };
    let (noise, unordered) = if care.noise { (shown, &[][..]) } else { (noise, UNORDERED) };
    let own = if section == Section::Bootstrap { identity.own.clone() } else { identity.addresses() };
    Rules { lenient: true, zeros: identity.zeros, noise, unordered, ordered_names: ORDERED_NAMES, own }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::differences;
    use serde_json::json;

    #[test]
    fn the_first_rule_of_jwt_authn_that_fits_is_taken() {
        let rule = |prefix: &str| json!({"match": {"prefix": prefix}, "requires": {"provider_name": "a"}});
        let filter = |first: &str, second: &str| json!({"typed_config": {"rules": [rule(first), rule(second)]}});
        let rules = rules(Section::Listeners, "l", Care::default(), &Identity::default());
        let found = differences(&filter("/", "/admin"), &filter("/admin", "/"), &rules);
        assert_eq!(found.len(), 1, "{found:?}");
        // Of RBAC they are an object, and names of policies have no order.
        let rbac = |ids: [&str; 2]| json!({"rules": {"policies": {"p": {"principals": ids}}}});
        assert!(differences(&rbac(["a", "b"]), &rbac(["b", "a"]), &rules).is_empty());
    }

    #[test]
    fn an_aggregate_cluster_asks_its_clusters_in_their_order() {
        let rules = rules(Section::Clusters, "c", Care::default(), &Identity::default());
        let aggregate = |names: [&str; 2]| json!({"cluster_type": {"typed_config": {"clusters": names}}});
        assert_eq!(differences(&aggregate(["a", "b"]), &aggregate(["b", "a"]), &rules).len(), 1);
        let weighted =
            |names: [&str; 2]| json!({"weighted_clusters": {"clusters": names.map(|name| json!({"name": name, "weight": 50}))}});
        assert!(differences(&weighted(["a", "b"]), &weighted(["b", "a"]), &rules).is_empty());
    }

    #[test]
    fn a_service_called_as_the_pod_is_no_pods_own() {
        let own = [vec!["web".to_owned(), "10.0.0.1".into()], vec!["api".into(), "10.0.0.2".into()]];
        let identity = Identity { own, zeros: false };
        let host = |name: &str, address: &str| json!({"cluster": format!("outbound|80||{name}.shop.svc"), "address": address});
        let (left, right) = (host("web", "10.0.0.1"), host("api", "10.0.0.2"));
        let found = differences(&left, &right, &rules(Section::Routes, "r", Care::default(), &identity));
        assert_eq!(found.iter().map(|delta| delta.path.as_str()).collect::<Vec<_>>(), ["$.cluster"]);
        let node = |name: &str| json!({"metadata": {"NAME": name}});
        assert!(differences(&node("web"), &node("api"), &rules(Section::Bootstrap, "b", Care::default(), &identity)).is_empty());
    }

    #[test]
    fn keys_are_never_shown() {
        let secret = |key: &str| json!({"tls_certificate": {"private_key": {"inline_string": key}}, "session_ticket_keys": {"keys": [key]}});
        for noise in [false, true] {
            let care = Care { noise, ..Care::default() };
            let found = differences(&secret("a"), &secret("b"), &rules(Section::Secrets, "s", care, &Identity::default()));
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
