//! Routes: which request goes to which cluster, and on what terms.

use super::route_match::shown_domains;
use super::shared::Shared;
use super::wire::Text;
use crate::{record, record_of};
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

record! {
    /// What a route is part of.
    pub struct RouteHost as "route host" {
        /// The route configuration: the port, or the port and address, that a listener asks for; nothing for one that has
        /// no name.
        pub name: Option<Arc<str>>,
        /// The virtual host: the service's host and port, mostly.
        pub vhost_name: Box<str>,
        /// The hosts that requests name, shortened as istioctl does; all of them stand in `all_domains`.
        pub domains: ShownDomains,
    }
}

/// All hosts that requests may name. They are kept as one text: of 150,000 virtual hosts each has six.
#[derive(Debug, Clone, PartialEq)]
pub struct Domains(Shared);

/// The first of them, as istioctl shows them.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownDomains(pub Domains);

impl Domains {
    /// Keep these; none of them has lines.
    pub(super) fn of(domains: &[Text<'_>]) -> Self {
        Self(Shared::new(&domains.join("\n")))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.as_str().lines()
    }
}

impl Serialize for Domains {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl fmt::Display for ShownDomains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_domains(&self.0.iter().collect::<Vec<_>>()))
    }
}

impl Serialize for ShownDomains {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

record! {
    /// What a route does.
    pub struct RouteRule as "route rule" {
        /// The path: `/a*` for a prefix, `PathPrefix:/a`, `/a` exactly, `regex /a.*`; `/*` of a virtual host without routes.
        pub matches: Option<Arc<str>>,
        /// The VirtualService that made it, as `name.namespace`; of a virtual host without routes `404`, as istioctl has it.
        pub virtual_service: Option<Arc<str>>,
        /// The cluster that requests go to; nothing when there are several, or none.
        pub cluster: Option<Box<str>>,
        /// The route's own name: that of the rule in its VirtualService, or `default`.
        [wide] pub route_name: Option<Arc<str>>,
        /// How long a request may take: `15s`; `0s` is without end.
        [wide] pub timeout: Option<Arc<str>>,
    }
}

record! {
    /// When a request is sent again.
    pub struct RouteRetry as "route retry" {
        /// After which failures a request is sent again: `connect-failure,refused-stream`.
        [wide] pub retry_on: Option<Box<str>>,
        /// How often at most.
        [wide] pub num_retries: Option<u64>,
        /// How long each try may take.
        [wide] pub per_try_timeout: Option<Box<str>>,
    }
}

/// One of several clusters that share the requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightedCluster {
    /// Its name; nothing when each request names it.
    pub name: Option<String>,
    /// The header in which requests name it, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_header: Option<String>,
    /// Its share, of the sum of all.
    pub weight: u64,
}

record! {
    /// What only some routes have.
    pub struct RouteMore as "route extras" {
        /// The HTTPRoute it comes from, as `name.namespace`, when Istio made the VirtualService of one.
        [wide] pub http_route: Option<String>,
        /// The clusters that share the requests: `name`, `weight`.
        [wide] pub weighted_clusters: Vec<WeightedCluster>,
        /// The header that names the cluster.
        [wide] pub cluster_header: Option<String>,
        /// The methods it takes; any when empty.
        [wide] pub methods: Vec<String>,
        /// The headers that requests must have: `x-team=blue`, `x-team=blue*`, `x-team=~b.*`, `!x-team`.
        [wide] pub headers: Vec<String>,
        /// The query parameters that requests must have.
        [wide] pub query_parameters: Vec<String>,
        /// What takes the place of the path's matched part.
        [wide] pub prefix_rewrite: Option<String>,
        /// How the path is rewritten: `pattern -> substitution`.
        [wide] pub regex_rewrite: Option<String>,
        /// The host that is asked for instead: a name, `auto` (the endpoint's own), a header, or `pattern -> substitution`.
        [wide] pub host_rewrite: Option<String>,
        /// Where clients are sent instead, with the status: `301 https://new.example.com/a`.
        [wide] pub redirect: Option<String>,
        /// The status that the proxy answers with itself.
        [wide] pub direct_response: Option<u64>,
        /// The clusters that get copies of the requests: `name 10%`.
        [wide] pub mirrors: Vec<String>,
        /// The delays and failures that are injected, as configured.
        [wide] pub fault: Option<serde_json::Value>,
        /// The origins that browsers may ask from, as configured.
        [wide] pub cors: Option<serde_json::Value>,
        /// By what requests are bound to endpoints, as configured.
        [wide] pub hash_policy: Option<serde_json::Value>,
        /// The filters that have a configuration of their own for this route.
        [wide] pub filters: Vec<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

record! {
    /// For which hosts a route is.
    pub struct RouteDomains as "route domains" {
        /// All hosts that requests may name.
        [wide] pub all_domains: Domains,
    }
}

record! {
    /// How a route came.
    pub struct RouteUpdate as "route update" {
        /// `dynamic` (sent by istiod), `static` (inline in a listener, or in the bootstrap), or `rejected` (never used: see
        /// `error_state`); nothing when that is not known.
        [wide] pub state: Option<&'static str>,
        /// The version of the update it came with.
        [wide] pub version: Option<Arc<str>>,
        /// When that was, in UTC.
        [wide] pub last_updated: Option<Arc<str>>,
        /// Why Envoy rejected the last update of it; it goes on with what is shown.
        [wide] pub error_state: Option<Arc<str>>,
    }
}

/// What the routes of a virtual host share.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteShared {
    /// What they are part of.
    pub host: RouteHost,
    /// How they came; all routes of a configuration share it.
    pub update: Arc<RouteUpdate>,
    /// For which hosts they are.
    pub domains: RouteDomains,
}

record_of! {
    /// A route of a proxy: which requests go to which cluster, and on what terms.
    pub struct Route as "route" {
        /// What the routes of a virtual host share.
        pub shared: Arc<RouteShared>,
        /// What it does.
        pub rule: RouteRule,
        /// When a request is sent again; nothing for never.
        pub retry: Option<Arc<RouteRetry>>,
        /// What only some routes have.
        pub more: Option<Box<RouteMore>>,
    }
    columns {
        RouteHost: |row| &row.shared.host,
        RouteRule: |row| &row.rule,
        RouteRetry: |row| row.retry.as_deref().unwrap_or(&NO_RETRY),
        RouteMore: |row| row.more.as_deref().unwrap_or(&NO_MORE),
        RouteDomains: |row| &row.shared.domains,
        RouteUpdate: |row| &row.shared.update,
    }
}

/// Of routes that are never tried again.
static NO_RETRY: RouteRetry = RouteRetry { retry_on: None, num_retries: None, per_try_timeout: None };

/// Of plain routes.
static NO_MORE: RouteMore = RouteMore::new();

impl Default for RouteMore {
    fn default() -> Self {
        Self::new()
    }
}

impl RouteMore {
    const fn new() -> Self {
        Self {
            http_route: None,
            weighted_clusters: Vec::new(),
            cluster_header: None,
            methods: Vec::new(),
            headers: Vec::new(),
            query_parameters: Vec::new(),
            prefix_rewrite: None,
            regex_rewrite: None,
            host_rewrite: None,
            redirect: None,
            direct_response: None,
            mirrors: Vec::new(),
            fault: None,
            cors: None,
            hash_policy: None,
            filters: Vec::new(),
            broken: None,
        }
    }

    /// Nothing at all, when there is nothing.
    pub(super) fn if_any(self) -> Option<Box<Self>> {
        (self != NO_MORE).then(|| Box::new(self))
    }
}

impl RouteRule {
    /// Of a route of which nothing can be told.
    pub(super) const NONE: Self = Self { matches: None, virtual_service: None, cluster: None, route_name: None, timeout: None };
}

impl Route {
    /// Whether Envoy uses it, and istioctl shows it: that leaves out what merely passes requests on to where they were
    /// going, and what was rejected.
    pub fn is_shown(&self) -> bool {
        self.rule.cluster.as_deref() != Some("PassthroughCluster") && !self.is_rejected()
    }

    /// Whether Envoy refused it, and has nothing in its place.
    pub fn is_rejected(&self) -> bool {
        self.shared.update.state == Some("rejected")
    }
}
