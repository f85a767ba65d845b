//! Listeners: where a proxy takes connections, which of them, and what it does with them. One row a filter chain.

use crate::record;
use std::sync::Arc;

record! {
    /// A filter chain of a listener: what a proxy does with some of the connections to an address.
    pub struct Listener as "listener" {
        /// The addresses, or the path of a socket; nothing for one inside of the proxy.
        pub addresses: Option<Arc<str>>,
        /// The port; nothing for one inside of the proxy, and for a socket in the file system.
        pub port: Option<u16>,
        /// Which connections the chain takes: `SNI: a.example; Trans: tls; App: HTTP; Addr: 10.0.0.7/32:80`, `ALL`. Sources stand
        /// in columns of their own.
        pub matches: Option<Arc<str>>,
        /// Where they go: `Route: 8080`, `Cluster: …`, `Inline Route: …`, `PassthroughCluster`, `Clusters: a 90, b 10`,
        /// `Non-HTTP/Non-TCP`.
        pub destination: Option<Arc<str>>,
        /// What the listener's chains speak: `HTTP`, `TCP`, `HTTP+TCP`, `UNKNOWN`.
        pub r#type: &'static str,
        /// What Envoy does with it: `active`, `warming` (waits for its routes or certificates), `draining` (serves old
        /// connections), `static`, or `rejected` (never used: see `error_state`); nothing when that is not known.
        pub state: Option<&'static str>,
        /// The listener's name: `virtualInbound`, `0.0.0.0_8080`; nothing for one without.
        [wide] pub name: Option<Arc<str>>,
        /// The filter chain's name, if it has one.
        [wide] pub chain: Option<Box<str>>,
        /// Whether it takes what no other chain takes.
        [wide] pub is_default: bool,
        /// `inbound` or `outbound`, as Istio says.
        [wide] pub direction: Option<&'static str>,
        /// The server names (SNI) that it takes; any when empty.
        [wide] pub server_names: Vec<String>,
        /// `tls` or `raw_buffer` (plain text), if it takes only one of them.
        [wide] pub transport_protocol: Option<Arc<str>>,
        /// The application protocols (ALPN) that it takes; any when empty.
        [wide] pub application_protocols: Arc<[Arc<str>]>,
        /// The addresses connections must have been meant for; any when empty.
        [wide] pub prefix_ranges: Vec<String>,
        /// The port they must have been meant for.
        [wide] pub destination_port: Option<u64>,
        /// `EXTERNAL` or `SAME_IP_OR_LOOPBACK`, if it takes only one of them.
        [wide] pub source_type: Option<Arc<str>>,
        /// The addresses that connections must come from; any when empty.
        [wide] pub source_prefix_ranges: Vec<String>,
        /// The same, before a proxy protocol says otherwise.
        [wide] pub direct_source_prefix_ranges: Vec<String>,
        /// The ports that connections must come from; any when empty.
        [wide] pub source_ports: Vec<u64>,
        /// By which ways the listener's matcher leads here: `ip=10.0.0.7 -> port=80`, `UNMATCHED`; `NONE` when none does.
        /// Nothing for listeners without one: those of waypoints have it.
        [wide] pub matcher: Option<Vec<String>>,
        /// The HTTP filters, in the order in which requests pass them; `filters()` tells more of them.
        [wide] pub http_filters: Arc<[Arc<str>]>,
        /// The network filters, in their order.
        [wide] pub network_filters: Arc<[Arc<str>]>,
        /// The filters that look at a connection before a chain is chosen, in their order.
        [wide] pub listener_filters: Arc<[Arc<str>]>,
        /// The route configuration: what `routes(pod, #{ name: … })` has. Nothing for one inline without a name.
        [wide] pub route_name: Option<Box<str>>,
        /// Whether the routes stand in the listener itself.
        [wide] pub inline_routes: bool,
        /// The clusters that TCP connections go to.
        [wide] pub clusters: Vec<String>,
        /// What the names of its statistics begin with.
        [wide] pub stat_prefix: Option<Box<str>>,
        /// How connections are encrypted, in a Gateway's words: `ISTIO_MUTUAL`, `MUTUAL`, `OPTIONAL_MUTUAL`, `SIMPLE`; nothing
        /// for plain text.
        [wide] pub tls_mode: Option<&'static str>,
        /// Whether clients must show a certificate.
        [wide] pub require_client_certificate: bool,
        /// The secrets (SDS) it needs: own certificates, then authorities.
        [wide] pub secrets: Arc<[Arc<str>]>,
        /// Where it writes access logs: those of the chain, then those of the listener.
        [wide] pub access_logs: Arc<[Arc<str>]>,
        /// Whether it opens a port of its own; otherwise it gets connections handed on by another.
        [wide] pub bind_to_port: bool,
        /// Whether it hands connections on to the listener of their original destination.
        [wide] pub use_original_dst: bool,
        /// The version of the update it came with.
        [wide] pub version: Option<Arc<str>>,
        /// When that was, in UTC.
        [wide] pub last_updated: Option<Arc<str>>,
        /// Why Envoy rejected the last update of it; it goes on with what is shown, unless the state is `rejected`.
        [wide] pub error_state: Option<Arc<str>>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

impl Listener {
    /// Whether it is shown unless asked for: what is in force or about to be, and has a filter chain. (istioctl hides what is
    /// warming as well.)
    pub fn is_shown(&self) -> bool {
        self.broken.is_some()
            || (matches!(self.state, Some("active" | "static" | "warming") | None) && self.destination.is_some())
    }

    /// Whether Envoy refused it, and has nothing in its place.
    pub fn is_rejected(&self) -> bool {
        self.state == Some("rejected")
    }

    /// Whether it is on one of its addresses, in any case.
    pub fn is_at(&self, address: &str) -> bool {
        self.addresses.iter().flat_map(|all| all.split(',')).any(|own| own.eq_ignore_ascii_case(address))
    }
}
