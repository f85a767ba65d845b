//! What istioctl says of a filter chain: which connections it takes, and where they go.

use super::listener_wire::{ChainMatch, Cidr, FilterChain, NetworkConfig, Sort};
use super::route_wire::{RouteConfig, VirtualHost, WeightedClusters};
use super::wire::{Flaws, Own, Text};

/// The lists of protocols that istioctl has a name for.
const PROTOCOLS: [(&str, &[&str]); 4] = [
    ("HTTP TLS", &["http/1.0", "http/1.1", "h2c", "istio-http/1.0", "istio-http/1.1", "istio-h2"]),
    ("Istio HTTP Plain", &["istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"]),
    ("TCP TLS", &["istio-peer-exchange", "istio"]),
    ("HTTP", &["http/1.0", "http/1.1", "h2c"]),
];

impl ChainMatch<'_> {
    /// Its conditions, `ALL` if there are none. Sources are not among them: they have columns of their own.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if !self.server_names.is_empty() {
            parts.push(format!("SNI: {}", self.server_names.join(",")));
        }
        if !self.transport_protocol.is_empty() {
            parts.push(format!("Trans: {}", self.transport_protocol));
        }
        if !self.application_protocols.is_empty() {
            parts.push(format!("App: {}", protocols(&self.application_protocols)));
        }
        let port = self.destination_port.map(|port| format!(":{port}"));
        let ranges: Vec<String> = self.prefix_ranges.iter().map(Cidr::text).collect();
        match (ranges.is_empty(), port) {
            (false, port) => parts.push(format!("Addr: {}{}", ranges.join(","), port.unwrap_or_default())),
            (true, Some(port)) => parts.push(format!("Addr: *{port}")),
            (true, None) => {}
        }
        if parts.is_empty() { "ALL".into() } else { parts.join("; ") }
    }
}

fn protocols(list: &[Text<'_>]) -> String {
    match PROTOCOLS.iter().find(|(_, known)| **known == *list) {
        Some((name, _)) => (*name).into(),
        None => list.join(","),
    }
}

/// A chain's network filters, their configurations read.
pub(super) struct Network<'a, 'de> {
    /// The name of each filter.
    pub names: Vec<&'a str>,
    /// Those that take connections somewhere.
    pub known: Vec<(Sort, NetworkConfig<'de>)>,
}

impl<'a, 'de> Network<'a, 'de> {
    /// The filters of a chain.
    pub fn of(chain: &'a FilterChain<'de>, flaws: &Flaws) -> Self {
        let read = |filter: &'a super::listener_wire::NetworkFilter<'de>| {
            let settings = filter.settings(flaws);
            (filter.sort(&settings), settings)
        };
        let known = chain.filters.iter().map(read).filter(|(sort, _)| *sort != Sort::Other).collect();
        Self { names: chain.filters.iter().map(|filter| filter.name.as_ref()).collect(), known }
    }

    /// Whether there is one of a sort.
    pub fn has(&self, sort: Sort) -> bool {
        self.known.iter().any(|(known, _)| *known == sort)
    }

    /// Where connections go.
    pub fn destination(&self, flaws: &Flaws) -> String {
        match self.known.first() {
            Some((Sort::Http, http)) => http.http_destination(flaws),
            Some((Sort::Tcp, tcp)) => tcp.tcp_destination(flaws),
            _ => "Non-HTTP/Non-TCP".into(),
        }
    }
}

impl NetworkConfig<'_> {
    /// The name of the route configuration, and whether it stands in the listener itself.
    pub fn route_name(&self, flaws: &Flaws) -> (Option<String>, bool) {
        if self.route_config.is_some() {
            let routes: RouteConfig<'_> = self.route_config.read(flaws);
            return (Some(routes.name.into_owned()).filter(|name| !name.is_empty()), true);
        }
        (Some(self.rds.route_config_name.to_string()).filter(|name| !name.is_empty()), false)
    }

    /// The clusters of a TCP proxy: name and share.
    pub fn tcp_clusters(&self, flaws: &Flaws) -> Vec<(String, Option<u64>)> {
        if self.weighted_clusters.is_some() {
            let shares: WeightedClusters<'_> = self.weighted_clusters.read(flaws);
            return shares.clusters.iter().map(|share| (share.name.to_string(), share.weight)).collect();
        }
        let cluster: Text<'_> = self.cluster.read(flaws);
        Some((cluster.into_owned(), None)).filter(|(name, _)| !name.is_empty()).into_iter().collect()
    }

    fn http_destination(&self, flaws: &Flaws) -> String {
        if self.route_config.is_some() {
            return inline(&self.route_config.read(flaws));
        }
        match self.rds.route_config_name.as_ref() {
            "" => "HTTP".into(),
            name => format!("Route: {name}"),
        }
    }

    fn tcp_destination(&self, flaws: &Flaws) -> String {
        match self.tcp_clusters(flaws).as_slice() {
            [(one, None)] => cluster(one),
            [] => "Cluster: ".into(),
            several => {
                let shares = several.iter().map(|(name, weight)| format!("{name} {}", weight.unwrap_or(0)));
                format!("Clusters: {}", shares.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// istioctl names `PassthroughCluster` and its like without saying that they are clusters.
fn cluster(name: &str) -> String {
    if name.contains("Cluster") { name.into() } else { format!("Cluster: {name}") }
}

fn inline(config: &RouteConfig<'_>) -> String {
    if let Some(name) = only_cluster(config) {
        return cluster(name);
    }
    let hosts: Vec<String> = config.virtual_hosts.iter().map(|host| host_text(&host.part)).collect();
    format!("Inline Route: {}", hosts.join("; "))
}

/// The cluster that all requests go to.
fn only_cluster<'a>(config: &'a RouteConfig<'_>) -> Option<&'a str> {
    let [Own { part: host, .. }] = config.virtual_hosts.as_slice() else { return None };
    let ([domain], [Own { part: route, .. }]) = (host.domains.as_slice(), host.routes.as_slice()) else { return None };
    if domain != "*" || route.matches.prefix != "/" {
        return None;
    }
    route.route.as_ref()?.one_cluster()
}

fn host_text(host: &VirtualHost<'_>) -> String {
    let routes: Vec<String> = host.routes.iter().map(|route| route.part.matches.path_text()).collect();
    match host.domains.as_slice() {
        [any] if any == "*" => routes.join(", "),
        domains => format!("{} {}", domains.join("/"), routes.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read;
    use super::*;
    use serde_json::{Value, json};

    fn matches(matches: Value) -> String {
        let text = matches.to_string();
        read::<ChainMatch<'_>>(text.as_bytes(), &Flaws::default()).0.text()
    }

    fn destination(filters: Value) -> String {
        let text = json!({"filters": filters}).to_string();
        let flaws = Flaws::default();
        let (chain, _) = read::<FilterChain<'_>>(text.as_bytes(), &flaws);
        Network::of(&chain, &flaws).destination(&flaws)
    }

    fn http(config: Value) -> Value {
        json!([{"name": "envoy.filters.network.rbac"}, {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}])
    }

    fn tcp(config: Value) -> Value {
        json!([{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}])
    }

    #[test]
    fn conditions_are_written_as_istioctl_writes_them() {
        assert_eq!(matches(json!({})), "ALL");
        assert_eq!(matches(json!({"source_type": "EXTERNAL"})), "ALL");
        let all = json!({"server_names": ["a", "b"], "transport_protocol": "tls", "application_protocols": ["istio-peer-exchange", "istio"],
            "prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}, {"address_prefix": "::0"}], "destination_port": 80});
        assert_eq!(matches(all), "SNI: a,b; Trans: tls; App: TCP TLS; Addr: 10.0.0.0/8,::0/0:80");
        assert_eq!(matches(json!({"destinationPort": 15006})), "Addr: *:15006");
        assert_eq!(matches(json!({"applicationProtocols": ["http/1.1", "h2c"]})), "App: http/1.1,h2c");
        assert_eq!(matches(json!({"application_protocols": ["http/1.0", "http/1.1", "h2c"]})), "App: HTTP");
    }

    #[test]
    fn http_goes_to_routes_or_to_one_cluster() {
        let routes = |hosts: Value| destination(http(json!({"route_config": {"virtual_hosts": hosts}})));
        let to = |name: &str| json!([{"domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": name}}]}]);
        assert_eq!(routes(to("inbound|80||")), "Cluster: inbound|80||");
        assert_eq!(routes(to("InboundPassthroughCluster")), "InboundPassthroughCluster");
        assert_eq!(
            routes(json!([{"domains": ["*"], "routes": [{"match": {"prefix": "/a"}}, {"match": {"path": "/b"}}]}])),
            "Inline Route: /a*, /b"
        );
        assert_eq!(
            routes(
                json!([{"domains": ["a", "b"], "routes": [{"match": {"prefix": "/"}}]}, {"domains": ["*"], "routes": [{"match": {"prefix": "/x"}}]}])
            ),
            "Inline Route: a/b /*; /x*"
        );
        assert_eq!(routes(json!([])), "Inline Route: ");
        assert_eq!(destination(http(json!({"rds": {"route_config_name": "80"}}))), "Route: 80");
        assert_eq!(destination(http(json!({"scoped_routes": {}}))), "HTTP");
    }

    #[test]
    fn tcp_goes_to_clusters_but_not_to_the_black_hole() {
        assert_eq!(destination(tcp(json!({"cluster": "outbound|1||a"}))), "Cluster: outbound|1||a");
        assert_eq!(destination(tcp(json!({"cluster": "PassthroughCluster"}))), "PassthroughCluster");
        assert_eq!(destination(tcp(json!({"cluster": "BlackHoleCluster"}))), "Non-HTTP/Non-TCP");
        let shares = json!({"weighted_clusters": {"clusters": [{"name": "a", "weight": 90}, {"name": "b", "weight": 10}]}});
        assert_eq!(destination(tcp(shares)), "Clusters: a 90, b 10");
        assert_eq!(destination(json!([])), "Non-HTTP/Non-TCP");
    }

    #[test]
    fn other_names_and_wrappers_are_known_by_their_type() {
        let typed = json!([{"name": "mine", "typed_config": {"@type": "x/a.TcpProxy", "cluster": "c"}}]);
        assert_eq!(destination(typed), "Cluster: c");
        let wrapped = json!([{"name": "mine", "typed_config": {"@type": "x/udpa.type.v1.TypedStruct",
            "type_url": "x/a.HttpConnectionManager", "value": {"rds": {"route_config_name": "9"}}}}]);
        assert_eq!(destination(wrapped), "Route: 9");
        let old = json!([{"name": "envoy.http_connection_manager", "config": {"rds": {"route_config_name": "8"}}}]);
        assert_eq!(destination(old), "Route: 8");
    }
}
