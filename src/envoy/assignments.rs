//! Endpoints as they were sent (EDS) or configured: of a dump's endpoint section, and of istiod's `/debug/edsz`.

use super::address::{Address, AddressWire};
use super::dump::List;
use super::endpoints::{Endpoint, EndpointMore, EndpointState, LocalityWire, share, weight};
use super::groups::{joined, sort_groups};
use super::health::{Flags, Status, Why};
use super::names::ClusterName;
use super::shared::Shared;
use super::wire::{Flaws, Text, Wire, read};
use crate::json::{At, Found, each_into};
use serde::Deserializer;

wire! {
    struct Entry<'de> {
        endpoint_config: Assignment<'de>,
    }
}

wire! {
    struct Assignment<'de> {
        cluster_name: Text<'de>,
        endpoints: Vec<Group<'de>>,
    }
}

wire! {
    /// The endpoints of one locality and priority.
    struct Group<'de> {
        locality: LocalityWire<'de>,
        lb_endpoints: Vec<Sent>,
        priority: u64,
    }
}

wire! {
    struct SentWire<'de> {
        endpoint: TargetWire<'de>,
        health_status: Option<Text<'de>>,
        metadata: SentMetadata<'de>,
        load_balancing_weight: Option<u64>,
    }
}

wire! {
    /// Only what is shown: reading all of it would take as long as the rest.
    struct SentMetadata<'de> {
        filter_metadata: ByFilter<'de>,
    }
}

wire! {
    struct ByFilter<'de> {
        istio: Istio<'de>,
    }
}

wire! {
    struct Istio<'de> {
        workload: Text<'de>,
    }
}

wire! {
    struct TargetWire<'de> {
        address: AddressWire<'de>,
        additional_addresses: Vec<OtherWire<'de>>,
        hostname: Text<'de>,
    }
}

wire! {
    struct OtherWire<'de> {
        address: AddressWire<'de>,
    }
}

/// One endpoint, made into a row as soon as it is read.
#[derive(Debug, Default, Clone)]
struct Sent(Option<Endpoint>);

impl<'de> Wire<'de> for Sent {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> Result<Self, D::Error> {
        let before = flaws.count();
        let wire = SentWire::read(from, flaws)?;
        let mut endpoint = sent(&wire, flaws);
        endpoint.set_broken(flaws.take(before));
        Ok(Self(Some(endpoint)))
    }
}

fn sent(wire: &SentWire<'_>, flaws: &Flaws) -> Endpoint {
    let told = Status::told(wire.health_status.as_deref(), flaws);
    let target = &wire.endpoint;
    let others: Vec<Address> = target.additional_addresses.iter().map(|other| Address::of(&other.address, flaws)).collect();
    let state = EndpointState {
        endpoint: Address::of(&target.address, flaws),
        status: told,
        why: Why { flags: Flags::NONE, told },
        eds_status: Some(told),
        weight: weight(wire.load_balancing_weight),
        workload: workload(&wire.metadata.filter_metadata.istio.workload),
        ..EndpointState::UNKNOWN
    };
    let more = EndpointMore {
        hostname: Shared::some(&target.hostname),
        additional_addresses: (!others.is_empty()).then_some(others),
        ..EndpointMore::NONE
    };
    Endpoint { state, more: more.if_any() }
}

/// istiod writes `name;namespace;service;revision;cluster`.
fn workload(text: &str) -> Option<Shared> {
    let mut parts = text.split(';');
    let (name, namespace) = (parts.next()?, parts.next()?);
    (!name.is_empty()).then(|| Shared::new(&format!("{name}.{namespace}")))
}

/// The endpoints of these lists, as istioctl orders clusters; those of one cluster as they were sent.
pub(super) fn endpoints(lists: &[&List]) -> Vec<Found<Endpoint>> {
    let mut all = joined(lists.iter().map(|list| of_list(list)));
    sort_groups(&mut all, |found| found.at.start(), |a, b| key(&a.record).cmp(&key(&b.record)));
    all
}

fn key(endpoint: &Endpoint) -> (&str, &str, Option<u16>, &str) {
    let name = endpoint.state.cluster.as_ref().map_or("", Shared::as_str);
    match ClusterName::parse(name) {
        Some(parts) => (parts.host, parts.subset, parts.port.parse().ok(), parts.direction),
        None => (name, "", None, ""),
    }
}

fn of_list(list: &List) -> Vec<Found<Endpoint>> {
    each_into(&list.node, |entry, all| {
        let (flaws, before) = (Flaws::default(), all.len());
        if list.bare {
            let (assignment, size) = read::<Assignment<'_>>(entry.rest(), &flaws);
            of_cluster(assignment, entry.start, &["endpoints", "lb_endpoints"], &flaws, all);
            return size;
        }
        let (wrapped, size) = read::<Entry<'_>>(entry.rest(), &flaws);
        let lists = &["endpoint_config.endpoints", "lb_endpoints"];
        of_cluster(wrapped.endpoint_config, entry.start, lists, &flaws, all);
        all.iter_mut().skip(before).for_each(|found| found.record.judged_by_envoy());
        size
    })
}

fn of_cluster(
    cluster: Assignment<'_>,
    start: usize,
    lists: &'static [&'static str],
    flaws: &Flaws,
    all: &mut Vec<Found<Endpoint>>,
) {
    let (name, before) = (Shared::some(&cluster.cluster_name), all.len());
    for (number, group) in cluster.endpoints.into_iter().enumerate() {
        let locality = group.locality.line();
        let mut endpoints: Vec<Endpoint> = group.lb_endpoints.into_iter().filter_map(|sent| sent.0).collect();
        share(&mut endpoints);
        all.extend(endpoints.into_iter().enumerate().map(|(place, mut endpoint)| {
            endpoint.state.cluster.clone_from(&name);
            endpoint.state.locality.clone_from(&locality);
            endpoint.state.priority = u32::try_from(group.priority).unwrap_or(u32::MAX);
            Found { record: endpoint, at: At::new(start).inside(lists, [number, place]) }
        }));
    }
    if let Some(broken) = flaws.line().as_deref().map(Shared::new) {
        if all.len() == before {
            // Without a row nobody would see that something is wrong.
            return all.push(Found { record: Endpoint::lost(name, broken), at: At::new(start) });
        }
        all.iter_mut().skip(before).for_each(|found| found.record.also_broken(&broken));
    }
}
