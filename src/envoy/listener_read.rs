//! Reading the listeners of a dump.

use super::address::AddressWire;
use super::dump::{Dump, List, Section};
use super::intern::Intern;
use super::listener_text::Network;
use super::listener_wire::{Cidr, FilterChain, ListenerEntry, ListenerWire, Named, Sort, Stated};
use super::listeners::Listener;
use super::matcher::Paths;
use super::tls_context::TlsContext;
use super::wire::{Flaws, Own, Text, Wire, read};
use crate::error::Result;
use crate::json::{At, Entry, Found, each};
use std::sync::Arc;

/// The listeners of a dump, a row for each filter chain, in istioctl's order: by port, address and type, those of one listener
/// by destination, from the end of the alphabet.
///
/// # Errors
/// When the document holds something else.
pub fn listeners(dump: &Dump) -> Result<Vec<Found<Listener>>> {
    dump.expect(&[Section::Listeners])?;
    let again = Intern::default();
    let lists = dump.lists(Section::Listeners).into_iter();
    let mut all: Vec<Vec<Found<Listener>>> = lists.flat_map(|list| of_list(list, &again)).flatten().collect();
    all.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut rows = Vec::with_capacity(all.iter().map(Vec::len).sum());
    all.into_iter().for_each(|more| rows.extend(more));
    Ok(rows)
}

/// What the listener of some rows is sorted by; those inside of the proxy by their names.
fn key(rows: &[Found<Listener>]) -> Option<(u16, &str, &str, &str)> {
    let row = &rows.first()?.record;
    let address = row.addresses.as_deref();
    Some((
        row.port.unwrap_or(0),
        address.unwrap_or_default(),
        row.r#type,
        if address.is_none() { row.name.as_deref().unwrap_or_default() } else { "" },
    ))
}

/// The listeners of a list, each in all of its states.
fn of_list(list: &List, again: &Intern) -> Vec<Vec<Vec<Found<Listener>>>> {
    each(&list.node, |entry| match list.bare {
        true => read_entry(entry, |wire: ListenerWire<'_>, flaws: &Flaws, at| {
            of_entry(ListenerEntry::alone(wire), list, at, (again, flaws))
        }),
        false => read_entry(entry, |wire, flaws: &Flaws, at| of_entry(wire, list, at, (again, flaws))),
    })
}

fn read_entry<'a, T: Wire<'a>, R>(entry: &Entry<'a>, make: impl FnOnce(T, &Flaws, At) -> R) -> (R, Option<usize>) {
    let flaws = Flaws::default();
    let (wire, size) = read(entry.rest(), &flaws);
    (make(wire, &flaws, At::new(entry.start)), size)
}

/// The rows of one listener, for each of its states.
fn of_entry(mut entry: ListenerEntry<'_>, list: &List, at: At, (again, flaws): (&Intern, &Flaws)) -> Vec<Vec<Found<Listener>>> {
    let name = std::mem::take(&mut entry.name);
    let error_state: Option<Arc<str>> = entry.error_state.as_ref().map(|failure| failure.line().into());
    let mut found = entry.states(list, flaws);
    if found.is_empty() && flaws.count() > 0 {
        let state = (!list.state.is_empty()).then_some(list.state);
        found.push(Stated { state, way: "", version: None, last_updated: None, listener: Box::default() });
    }
    let rows = |stated: Stated<'_>| {
        let common = Common {
            name: &name,
            state: stated.state,
            version: stated.version.map(Arc::from),
            last_updated: stated.last_updated.map(Arc::from),
            error_state: error_state.clone(),
            at,
            again,
        };
        common.rows(&stated.listener, flaws)
    };
    found.into_iter().map(rows).collect()
}

/// What all filter chains of a listener have in common.
struct Common<'a> {
    name: &'a str,
    state: Option<&'static str>,
    version: Option<Arc<str>>,
    last_updated: Option<Arc<str>>,
    error_state: Option<Arc<str>>,
    at: At,
    again: &'a Intern,
}

impl Common<'_> {
    fn rows(&self, listener: &ListenerWire<'_>, flaws: &Flaws) -> Vec<Found<Listener>> {
        let paths = listener.filter_chain_matcher.as_ref().map(|matcher| matcher.paths(flaws));
        let mut whole = self.whole(listener, flaws);
        whole.broken = flaws.line();
        let chains = listener.filter_chains.iter().map(|chain| (chain, false));
        let chains = chains.chain(listener.default_filter_chain.iter().map(|chain| (chain, true)));
        let mut rows = Vec::new();
        let mut sorts = Vec::new();
        for (chain, is_default) in chains {
            let (row, found) = of_chain(Listener { is_default, ..whole.clone() }, chain, paths.as_ref(), self.again);
            rows.push(Found { record: row, at: self.at });
            sorts.extend(found);
        }
        if rows.is_empty() {
            rows.push(Found { record: whole, at: self.at });
        }
        let kind = kind(&sorts);
        rows.iter_mut().for_each(|row| row.record.r#type = kind);
        rows.sort_by(|a, b| b.record.destination.cmp(&a.record.destination));
        rows
    }

    /// A row with what is said of the whole listener.
    fn whole(&self, listener: &ListenerWire<'_>, flaws: &Flaws) -> Listener {
        let name = if listener.name.is_empty() { self.name } else { &listener.name };
        let name = (!name.is_empty()).then(|| name.into());
        let direction = listener.traffic_direction.as_ref();
        let bind = listener.bind_to_port.or(listener.deprecated_v1.bind_to_port);
        let none = self.again.list(std::iter::empty());
        Listener {
            addresses: addresses(listener).map(Into::into),
            port: port(&listener.address, flaws),
            matches: None,
            destination: None,
            r#type: "UNKNOWN",
            state: self.state,
            name,
            chain: None,
            is_default: false,
            direction: ["inbound", "outbound"].into_iter().find(|known| direction.eq_ignore_ascii_case(known)),
            server_names: Vec::new(),
            transport_protocol: None,
            application_protocols: none.clone(),
            prefix_ranges: Vec::new(),
            destination_port: None,
            source_type: None,
            source_prefix_ranges: Vec::new(),
            direct_source_prefix_ranges: Vec::new(),
            source_ports: Vec::new(),
            matcher: None,
            http_filters: none.clone(),
            network_filters: none.clone(),
            listener_filters: self.again.list(names(&listener.listener_filters)),
            route_name: None,
            inline_routes: false,
            clusters: Vec::new(),
            stat_prefix: None,
            tls_mode: None,
            require_client_certificate: false,
            secrets: none.clone(),
            access_logs: self.again.list(names(&listener.access_log)),
            bind_to_port: bind.unwrap_or(true) && !listener.internal_listener.is_some(),
            use_original_dst: listener.use_original_dst,
            version: self.version.clone(),
            last_updated: self.last_updated.clone(),
            error_state: self.error_state.clone(),
            broken: None,
        }
    }
}

/// The row of a filter chain, and what sorts of filters it has.
fn of_chain(whole: Listener, chain: &Own<FilterChain<'_>>, paths: Option<&Paths>, again: &Intern) -> (Listener, Vec<Sort>) {
    let Own { part: chain, broken } = chain;
    let flaws = Flaws::default();
    let network = Network::of(chain, &flaws);
    let matches = &chain.filter_chain_match;
    let context = chain.transport_socket.as_ref().and_then(|socket| socket.tls(&flaws));
    let tls = context.as_ref().or(chain.tls_context.as_deref());
    let full = |text: &str| (!text.is_empty()).then(|| Box::from(text));
    let ranges = |list: &[Cidr<'_>]| list.iter().map(Cidr::text).collect();
    let mut row = Listener {
        matches: again.some(&matches.text()),
        destination: Some(again.text(&network.destination(&flaws))),
        chain: full(&chain.name),
        server_names: texts(&matches.server_names),
        transport_protocol: again.some(&matches.transport_protocol),
        application_protocols: again.list(matches.application_protocols.iter().map(AsRef::as_ref)),
        prefix_ranges: ranges(&matches.prefix_ranges),
        destination_port: matches.destination_port,
        source_type: again.some(&matches.source_type).filter(|kind| kind.as_ref() != "ANY"),
        source_prefix_ranges: ranges(&matches.source_prefix_ranges),
        direct_source_prefix_ranges: ranges(&matches.direct_source_prefix_ranges),
        source_ports: matches.source_ports.clone(),
        matcher: paths.map(|paths| paths.get(chain.name.as_ref()).cloned().unwrap_or_else(|| vec!["NONE".into()])),
        network_filters: again.list(network.names.iter().copied()),
        tls_mode: tls.map(server_mode),
        require_client_certificate: tls.is_some_and(|tls| tls.require_client_certificate),
        secrets: again.list(tls.map(TlsContext::secrets).unwrap_or_default().iter().map(String::as_str)),
        ..whole
    };
    if let Some((sort, settings)) = network.known.first() {
        row.stat_prefix = full(&settings.stat_prefix);
        row.access_logs = again.list(names(&settings.access_log).chain(row.access_logs.iter().map(AsRef::as_ref)));
        row.http_filters = again.list(settings.http_filters.iter().map(|filter| filter.part.name.as_ref()));
        match sort {
            Sort::Http => {
                let (name, inline) = settings.route_name(&flaws);
                (row.route_name, row.inline_routes) = (name.map(Into::into), inline);
            }
            _ => row.clusters = settings.tcp_clusters(&flaws).into_iter().map(|(name, _)| name).collect(),
        }
    }
    let filters = network.known.iter().flat_map(|(_, settings)| &settings.http_filters);
    let mut told: Vec<String> = filters.filter_map(|filter| filter.broken.as_deref()).map(Into::into).collect();
    told.splice(0..0, row.broken.take().into_iter().chain(broken.as_deref().map(Into::into)));
    told.extend(flaws.line());
    row.broken = (!told.is_empty()).then(|| told.join(", "));
    let sorts = [Sort::Http, Sort::Tcp].into_iter().filter(|sort| network.has(*sort)).collect();
    (row, sorts)
}

/// istioctl's word for what the chains of a listener speak.
fn kind(sorts: &[Sort]) -> &'static str {
    match (sorts.contains(&Sort::Http), sorts.contains(&Sort::Tcp)) {
        (true, true) => "HTTP+TCP",
        (true, false) => "HTTP",
        (false, true) => "TCP",
        (false, false) => "UNKNOWN",
    }
}

/// The mode of a server, in a Gateway's words.
fn server_mode(tls: &TlsContext<'_>) -> &'static str {
    let common = &tls.common_tls_context;
    let asks = common.validation_context.is_some()
        || common.validation_context_sds_secret_config.is_some()
        || common.combined_validation_context.is_some();
    match (tls.require_client_certificate, tls.mode()) {
        (true, "ISTIO_MUTUAL") => "ISTIO_MUTUAL",
        (true, _) => "MUTUAL",
        (false, _) if asks => "OPTIONAL_MUTUAL",
        _ => "SIMPLE",
    }
}

fn texts(list: &[Text<'_>]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn names<'a>(list: &'a [Named<'_>]) -> impl Iterator<Item = &'a str> {
    list.iter().map(|named| named.name.as_ref())
}

fn addresses(listener: &ListenerWire<'_>) -> Option<String> {
    let more = listener.additional_addresses.iter().map(|more| &more.address);
    let all: Vec<&str> = std::iter::once(&listener.address).chain(more).filter_map(address).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// The address without its port, or the path of a socket.
fn address<'a>(address: &'a AddressWire<'_>) -> Option<&'a str> {
    let socket = address.socket_address.as_ref().map(|socket| socket.address.as_ref());
    socket.or_else(|| address.pipe.as_ref().map(|pipe| pipe.path.as_ref())).filter(|text| !text.is_empty())
}

fn port(address: &AddressWire<'_>, flaws: &Flaws) -> Option<u16> {
    let port = address.socket_address.as_ref()?.port_value;
    u16::try_from(port).map_err(|_| flaws.add(format!("port_value is {port}, which is no port"))).ok()
}

#[cfg(test)]
#[path = "listeners_tests.rs"]
mod tests;
