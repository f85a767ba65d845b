//! Listeners as Envoy writes them.

use super::address::AddressWire;
use super::dump::List;
use super::matcher::Matcher;
use super::tls_context::{TlsContext, TransportSocket};
use super::trail::Trail;
use super::update::Failure;
use super::wire::{Flaws, Own, Raw, Text, is_wrapper, last_word};

wire! {
    /// A listener with what Envoy says about it: a dynamic one by its states, any other directly.
    pub(super) struct ListenerEntry<'de> {
        name: Text<'de>,
        version_info: Option<Text<'de>>,
        listener: Option<Box<ListenerWire<'de>>>,
        last_updated: Option<Text<'de>>,
        active_state: Option<Box<State<'de>>>,
        warming_state: Option<Box<State<'de>>>,
        draining_state: Option<Box<State<'de>>>,
        error_state: Option<Failure<'de>>,
    }
}

wire! {
    /// A listener in one of its states.
    pub(super) struct State<'de> {
        version_info: Option<Text<'de>>,
        listener: Option<Box<ListenerWire<'de>>>,
        last_updated: Option<Text<'de>>,
    }
}

wire! {
    /// `Listener`.
    pub(super) struct ListenerWire<'de> {
        name: Text<'de>,
        address: AddressWire<'de>,
        additional_addresses: Vec<AdditionalAddress<'de>>,
        filter_chains: Vec<Own<FilterChain<'de>>>,
        default_filter_chain: Option<Own<FilterChain<'de>>>,
        filter_chain_matcher: Option<Matcher<'de>>,
        listener_filters: Vec<Named<'de>>,
        access_log: Vec<Named<'de>>,
        traffic_direction: Text<'de>,
        bind_to_port: Option<bool>,
        deprecated_v1: OldSwitch<'de>,
        use_original_dst: bool,
        internal_listener: Raw<'de>,
    }
}

wire! {
    /// Another address of the same listener.
    pub(super) struct AdditionalAddress<'de> {
        address: AddressWire<'de>,
    }
}

wire! {
    /// Where `bind_to_port` stood until 2020.
    pub(super) struct OldSwitch<'de> {
        bind_to_port: Option<bool>,
    }
}

wire! {
    /// Anything of which only the name matters.
    pub(super) struct Named<'de> {
        name: Text<'de>,
    }
}

wire! {
    /// What is done with some of the connections.
    pub(super) struct FilterChain<'de> {
        name: Text<'de>,
        filter_chain_match: ChainMatch<'de>,
        filters: Vec<NetworkFilter<'de>>,
        transport_socket: Option<TransportSocket<'de>>,
        tls_context: Option<Box<TlsContext<'de>>>,
    }
}

wire! {
    /// Which connections a chain takes.
    pub(super) struct ChainMatch<'de> {
        server_names: Vec<Text<'de>>,
        transport_protocol: Text<'de>,
        application_protocols: Vec<Text<'de>>,
        prefix_ranges: Vec<Cidr<'de>>,
        destination_port: Option<u64>,
        source_type: Text<'de>,
        source_prefix_ranges: Vec<Cidr<'de>>,
        direct_source_prefix_ranges: Vec<Cidr<'de>>,
        source_ports: Vec<u64>,
    }
}

wire! {
    /// A range of addresses.
    pub(super) struct Cidr<'de> {
        address_prefix: Text<'de>,
        prefix_len: u64,
    }
}

impl Cidr<'_> {
    /// `10.0.0.0/8`.
    pub fn text(&self) -> String {
        format!("{}/{}", self.address_prefix, self.prefix_len)
    }
}

wire! {
    /// A network filter; until 2020 with an untyped configuration.
    pub(super) struct NetworkFilter<'de> {
        name: Text<'de>,
        typed_config: Option<NetworkConfig<'de>>,
        config: Option<NetworkConfig<'de>>,
    }
}

wire! {
    /// What matters of the network filters that matter: HTTP's and TCP's in one, so that both are read in one pass.
    pub(super) struct NetworkConfig<'de> {
        at_type = "@type": Text<'de>,
        type_url: Text<'de>,
        value: Raw<'de>,
        stat_prefix: Text<'de>,
        rds: Rds<'de>,
        route_config: Raw<'de>,
        http_filters: Vec<Own<HttpFilterWire<'de>>>,
        cluster: Raw<'de>,
        weighted_clusters: Raw<'de>,
        access_log: Vec<Named<'de>>,
    }
}

wire! {
    /// An HTTP filter; until 2020 with an untyped configuration.
    pub(super) struct HttpFilterWire<'de> {
        name: Text<'de>,
        typed_config: Raw<'de>,
        config: Raw<'de>,
        config_discovery: Option<Discovery<'de>>,
        disabled: bool,
    }
}

wire! {
    /// That the configuration is delivered by itself.
    pub(super) struct Discovery<'de> {
        default_config: Raw<'de>,
        type_urls: Vec<Text<'de>>,
    }
}

wire! {
    /// Routes by name.
    pub(super) struct Rds<'de> {
        route_config_name: Text<'de>,
    }
}

/// A listener in one of its states.
pub(super) struct Stated<'de> {
    /// `active`, `warming`, `draining`, `static` or `rejected`; nothing when that is not known.
    pub state: Option<&'static str>,
    /// Where it stands in its entry.
    pub way: &'static str,
    /// With which update it came.
    pub version: Option<Text<'de>>,
    /// When that was.
    pub last_updated: Option<Text<'de>>,
    /// The listener.
    pub listener: Box<ListenerWire<'de>>,
}

impl<'de> ListenerEntry<'de> {
    /// A listener about which Envoy says nothing.
    pub fn alone(listener: ListenerWire<'de>) -> Self {
        Self { listener: Some(Box::new(listener)), ..Self::default() }
    }

    /// The listener in all of its states; one that was only ever rejected as it was sent.
    pub fn states(self, list: &List, flaws: &Flaws) -> Vec<Stated<'de>> {
        let mut found = Vec::new();
        if let Some(listener) = self.listener {
            let (version, last_updated) = (self.version_info, self.last_updated);
            let state = (!list.state.is_empty()).then_some(list.state);
            found.push(Stated { state, way: "listener", version, last_updated, listener });
        }
        for (name, way, state) in [
            ("active", "active_state.listener", self.active_state),
            ("warming", "warming_state.listener", self.warming_state),
            ("draining", "draining_state.listener", self.draining_state),
        ] {
            let Some(state) = state else { continue };
            let State { version_info: version, last_updated, listener, .. } = *state;
            if let Some(listener) = listener {
                found.push(Stated { state: Some(name), way, version, last_updated, listener });
            }
        }
        if let Some(failure) = self.error_state.filter(|_| found.is_empty()) {
            let listener = Box::new(failure.failed_configuration.read(flaws));
            let way = "error_state.failed_configuration";
            found.push(Stated { state: Some("rejected"), way, version: failure.version_info, last_updated: None, listener });
        }
        found
    }
}

impl ListenerWire<'_> {
    /// Its name; of one without, its address and port.
    pub fn shown_name(&self) -> Option<String> {
        if !self.name.is_empty() {
            return Some(self.name.to_string());
        }
        let socket = self.address.socket_address.as_ref().filter(|socket| !socket.address.is_empty())?;
        Some(format!("{}_{}", socket.address, socket.port_value))
    }
}

/// What a network filter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// It makes HTTP of a connection.
    Http,
    /// It passes a connection on.
    Tcp,
    /// It takes a connection to the black hole, or does something else.
    Other,
}

impl<'de> NetworkFilter<'de> {
    /// Its configuration, out of a wrapper if it is in one.
    pub fn settings(&self, flaws: &Flaws) -> NetworkConfig<'de> {
        let config = self.typed_config.as_ref().or(self.config.as_ref()).cloned().unwrap_or_default();
        if is_wrapper(&config.at_type) && config.value.is_some() {
            let inner: NetworkConfig<'de> = config.value.read(flaws);
            return NetworkConfig { at_type: config.type_url, ..inner };
        }
        config
    }

    /// The way to its HTTP filters.
    pub fn trail(&self, own: &Trail) -> Trail {
        let (config, field) = match (&self.typed_config, &self.config) {
            (Some(config), _) => (config, "typed_config"),
            (None, Some(config)) => (config, "config"),
            (None, None) => return own.clone(),
        };
        if is_wrapper(&config.at_type) && config.value.is_some() {
            return own.to(field).key("value").within(config.value, "http_filters");
        }
        own.to(field).to("http_filters")
    }

    /// What it does, by its name as istioctl has it, or by its type.
    pub fn sort(&self, settings: &NetworkConfig<'_>) -> Sort {
        let name = self.name.strip_prefix("envoy.filters.network.").or_else(|| self.name.strip_prefix("envoy."));
        match (name, last_word(&settings.at_type)) {
            (Some("http_connection_manager"), _) | (_, "HttpConnectionManager") => Sort::Http,
            (Some("tcp_proxy"), _) | (_, "TcpProxy") if !settings.is_black_hole() => Sort::Tcp,
            _ => Sort::Other,
        }
    }
}

impl NetworkConfig<'_> {
    fn is_black_hole(&self) -> bool {
        [self.cluster.json(), self.weighted_clusters.json(), &self.stat_prefix]
            .iter()
            .any(|text| text.contains("BlackHoleCluster"))
    }
}
