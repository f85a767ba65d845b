//! Endpoints: where the requests of each cluster go, and how each of them is doing. From `/clusters?format=json`, which knows
//! their state, or from a dump's endpoint section and istiod's `/debug/edsz`, which know what was sent.

use super::address::{Address, AddressWire};
use super::assignments;
use super::dump::{Dump, List, Section};
use super::groups::joined;
use super::health::{Flags, HealthWire, Outlier, Status, Why};
use super::host_stats::{HostStats, StatWire};
use super::shared::Shared;
use super::wire::{Flaws, Text, Wire, read};
use crate::error::{Error, Kind, Result};
use crate::json::{At, Found, each_into};
use crate::{record, record_of};
use serde::Deserializer;
use std::num::NonZeroU32;

record! {
    /// What is known of every endpoint.
    pub struct EndpointState as "endpoint state" {
        /// Its address: `10.1.0.7:8080`, `unix:///run/x.sock`, `envoy://listener/id`.
        pub endpoint: Address,
        /// Whether Envoy sends requests to it: `HEALTHY`; `UNHEALTHY` when it fails active health checks, waits for the first
        /// one, is ejected by outlier detection or asked to be left out; `DEGRADED`, `DRAINING`, `TIMEOUT` and `UNKNOWN` as
        /// the last update says. Of a dump it is Envoy's own verdict, of istiod's `/debug/edsz` what istiod sent.
        pub status: Status,
        /// `FAILED` when outlier detection ejected it, else `OK`; nothing where that is not known.
        pub outlier_check: Option<Outlier>,
        /// Its cluster, by Envoy's name.
        pub cluster: Option<Shared>,
        /// Why it is not plainly healthy.
        pub why: Why,
        /// Where it runs: `region/zone/subzone`.
        pub locality: Option<Shared>,
        /// The status of the last update (EDS or DNS), which is all that istioctl's STATUS looks at; nothing of a dump, which
        /// does not tell it.
        [wide] pub eds_status: Option<Status>,
        /// Whether it fails the cluster's active health checks.
        [wide] pub failed_active_health_check: Option<bool>,
        /// Whether outlier detection ejected it.
        [wide] pub failed_outlier_check: Option<bool>,
        /// Whether it calls itself degraded in active health checks: it gets requests only when too few others are healthy.
        [wide] pub failed_active_degraded_check: Option<bool>,
        /// Whether it is gone from the last update, and kept only while it passes active health checks.
        [wide] pub pending_dynamic_removal: Option<bool>,
        /// Whether its first active health check has no result yet.
        [wide] pub pending_active_hc: Option<bool>,
        /// Whether it asked to be left out, by the header `x-envoy-immediate-health-check-fail`.
        [wide] pub excluded_via_immediate_hc_fail: Option<bool>,
        /// Whether the last active health check was not answered in time.
        [wide] pub active_hc_timeout: Option<bool>,
        /// Its share of requests beside the others of its locality.
        [wide] pub weight: Option<NonZeroU32>,
        /// Zero is asked first; the next only when too few of those are healthy.
        [wide] pub priority: u32,
        /// Requests and connections, by Envoy's names: `cx_total`, `cx_active`, `rq_error`, …; nothing where they are not known.
        [wide] pub stats: Option<HostStats>,
        /// The name that the cluster's metrics go by, where it is another one.
        [wide] pub observability_name: Option<Shared>,
        /// Whether the cluster came from istiod, and not with the bootstrap.
        [wide] pub added_via_api: Option<bool>,
        /// The workload behind it as `name.namespace`, where istiod says so.
        [wide] pub workload: Option<Shared>,
    }
}

record! {
    /// What only some endpoints have.
    pub struct EndpointMore as "endpoint extras" {
        /// Its host name, when it came by DNS.
        [wide] pub hostname: Option<Shared>,
        /// Percent of requests that outlier detection counts as successful, once there were enough.
        [wide] pub success_rate: Option<f64>,
        /// The same of failures on this side alone (connections, timeouts), where they are told apart.
        [wide] pub local_origin_success_rate: Option<f64>,
        /// Its other addresses, of another IP family.
        [wide] pub additional_addresses: Option<Vec<Address>>,
        /// What could not be read of it.
        [wide] pub broken: Option<Shared>,
    }
}

static NO_MORE: EndpointMore = EndpointMore::NONE;

record_of! {
    /// An endpoint of a cluster, as a proxy sees it.
    pub struct Endpoint as "endpoint" {
        /// What is known of every endpoint.
        pub state: EndpointState,
        /// What only some have: tables hold 200,000 of those that have nothing of it.
        pub more: Option<Box<EndpointMore>>,
    }
    columns {
        EndpointState: |row| &row.state,
        EndpointMore: |row| row.more.as_deref().unwrap_or(&NO_MORE),
    }
}

wire! {
    struct ClusterStatus<'de> {
        name: Text<'de>,
        added_via_api: bool,
        host_statuses: Vec<Host>,
        observability_name: Text<'de>,
    }
}

wire! {
    struct HostWire<'de> {
        address: AddressWire<'de>,
        stats: Vec<StatWire<'de>>,
        health_status: HealthWire<'de>,
        success_rate: Option<Percent<'de>>,
        local_origin_success_rate: Option<Percent<'de>>,
        weight: Option<u64>,
        hostname: Text<'de>,
        priority: u64,
        locality: LocalityWire<'de>,
    }
}

wire! {
    struct Percent<'de> {
        value: f64,
    }
}

wire! {
    pub(super) struct LocalityWire<'de> {
        region: Text<'de>,
        zone: Text<'de>,
        sub_zone: Text<'de>,
    }
}

impl LocalityWire<'_> {
    /// `region/zone/subzone`, as far as they go.
    pub fn line(&self) -> Option<Shared> {
        let mut line = format!("{}/{}/{}", self.region, self.zone, self.sub_zone);
        line.truncate(line.trim_end_matches('/').len());
        Shared::some(&line)
    }
}

/// One host, made into a row as soon as it is read, so that a cluster of 100,000 hosts is never there twice. What it shares
/// with its cluster follows.
#[derive(Debug, Default, Clone)]
struct Host(Option<Endpoint>);

impl<'de> Wire<'de> for Host {
    fn read<D: Deserializer<'de>>(from: D, flaws: &Flaws) -> std::result::Result<Self, D::Error> {
        let before = flaws.count();
        let wire = HostWire::read(from, flaws)?;
        let mut endpoint = host(&wire, flaws);
        endpoint.set_broken(flaws.take(before));
        Ok(Self(Some(endpoint)))
    }
}

fn host(wire: &HostWire<'_>, flaws: &Flaws) -> Endpoint {
    let (health, flags) = (&wire.health_status, Flags::of(&wire.health_status));
    let told = Status::told(health.eds_health_status.as_deref(), flaws);
    let percent = |rate: &Option<Percent<'_>>| rate.as_ref().map(|rate| rate.value);
    let state = EndpointState {
        endpoint: Address::of(&wire.address, flaws),
        status: flags.status(told),
        outlier_check: Some(Outlier(health.failed_outlier_check)),
        why: Why { flags, told },
        locality: wire.locality.line(),
        eds_status: Some(told),
        failed_active_health_check: Some(health.failed_active_health_check),
        failed_outlier_check: Some(health.failed_outlier_check),
        failed_active_degraded_check: Some(health.failed_active_degraded_check),
        pending_dynamic_removal: Some(health.pending_dynamic_removal),
        pending_active_hc: Some(health.pending_active_hc),
        excluded_via_immediate_hc_fail: Some(health.excluded_via_immediate_hc_fail),
        active_hc_timeout: Some(health.active_hc_timeout),
        weight: weight(wire.weight),
        priority: u32::try_from(wire.priority).unwrap_or(u32::MAX),
        stats: Some(HostStats::of(&wire.stats)),
        ..EndpointState::UNKNOWN
    };
    let more = EndpointMore {
        hostname: Shared::some(&wire.hostname),
        success_rate: percent(&wire.success_rate),
        local_origin_success_rate: percent(&wire.local_origin_success_rate),
        ..EndpointMore::NONE
    };
    Endpoint { state, more: more.if_any() }
}

pub(super) fn weight(weight: Option<u64>) -> Option<NonZeroU32> {
    weight.and_then(|weight| NonZeroU32::new(u32::try_from(weight).unwrap_or(u32::MAX)))
}

impl EndpointState {
    /// Of one of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        endpoint: Address::Unknown,
        status: Status::Unknown,
        outlier_check: None,
        cluster: None,
        why: Why { flags: Flags::NONE, told: Status::Unknown },
        locality: None,
        eds_status: None,
        failed_active_health_check: None,
        failed_outlier_check: None,
        failed_active_degraded_check: None,
        pending_dynamic_removal: None,
        pending_active_hc: None,
        excluded_via_immediate_hc_fail: None,
        active_hc_timeout: None,
        weight: None,
        priority: 0,
        stats: None,
        observability_name: None,
        added_via_api: None,
        workload: None,
    };
}

impl EndpointMore {
    /// Nothing.
    pub(super) const NONE: Self =
        Self { hostname: None, success_rate: None, local_origin_success_rate: None, additional_addresses: None, broken: None };

    /// It, if it says anything.
    pub(super) fn if_any(self) -> Option<Box<Self>> {
        (self != Self::NONE).then(|| Box::new(self))
    }
}

impl Endpoint {
    /// One of which nothing is known but what is wrong with it.
    pub(super) fn lost(cluster: Option<Shared>, broken: Shared) -> Self {
        let more = EndpointMore { broken: Some(broken), ..EndpointMore::NONE };
        Self { state: EndpointState { cluster, ..EndpointState::UNKNOWN }, more: more.if_any() }
    }

    /// Of a proxy's dump: Envoy writes what it makes of a host where the update's word stood, and not why.
    pub(super) fn judged_by_envoy(&mut self) {
        self.state.eds_status = None;
        self.state.why = EndpointState::UNKNOWN.why;
    }

    fn more(&mut self) -> &mut EndpointMore {
        self.more.get_or_insert_with(|| Box::new(EndpointMore::NONE))
    }

    /// Say what could not be read of it.
    pub(super) fn set_broken(&mut self, told: Option<String>) {
        if let Some(told) = told {
            self.more().broken = Some(Shared::new(&told));
        }
    }

    /// Say what could not be read of its cluster as well.
    pub(super) fn also_broken(&mut self, more: &Shared) {
        let broken = &mut self.more().broken;
        *broken = Some(match broken {
            Some(own) => Shared::new(&format!("{own}, {more}")),
            None => more.clone(),
        });
    }
}

/// The endpoints of a document. Those with state come in istioctl's order: by address, port and cluster; those of a dump as
/// istioctl orders clusters.
///
/// # Errors
/// When the document holds neither: a dump that was not asked to include them, or something else.
pub fn endpoints(dump: &Dump) -> Result<Vec<Found<Endpoint>>> {
    let hosts = dump.lists(Section::Hosts);
    if hosts.is_empty() {
        dump.expect(&[Section::Endpoints])?;
        if !dump.has(Section::Endpoints) {
            return Err(Error::new(Kind::BadInput, "there are no endpoints in this dump: it was taken without them")
                .hint("take one with `config_dump(pod, #{include_eds: true})`, or ask the proxy: `endpoints(pod)`"));
        }
        return Ok(assignments::endpoints(&dump.lists(Section::Endpoints)));
    }
    let mut all = joined(hosts.into_iter().map(of_list));
    all.sort_unstable_by(|a, b| {
        let (first, second) = (&a.record.state, &b.record.state);
        first.endpoint.order(&second.endpoint).then_with(|| first.cluster.cmp(&second.cluster)).then(a.at.cmp(&b.at))
    });
    Ok(all)
}

fn of_list(list: &List) -> Vec<Found<Endpoint>> {
    each_into(&list.node, |entry, all| {
        let flaws = Flaws::default();
        let (cluster, size) = read::<ClusterStatus<'_>>(entry.rest(), &flaws);
        of_cluster(cluster, entry.start, &flaws, all);
        size
    })
}

fn of_cluster(cluster: ClusterStatus<'_>, start: usize, flaws: &Flaws, all: &mut Vec<Found<Endpoint>>) {
    let name = Shared::some(&cluster.name);
    let metrics = Shared::some(&cluster.observability_name).filter(|metrics| Some(metrics) != name.as_ref());
    let mut hosts: Vec<Endpoint> = cluster.host_statuses.into_iter().filter_map(|host| host.0).collect();
    let broken = flaws.line().as_deref().map(Shared::new);
    if let Some(broken) = &broken {
        if hosts.is_empty() {
            // Without a row nobody would see that something is wrong.
            return all.push(Found { record: Endpoint::lost(name, broken.clone()), at: At::new(start) });
        }
        hosts.iter_mut().for_each(|host| host.also_broken(broken));
    }
    share(&mut hosts);
    let found = |(number, mut host): (usize, Endpoint)| {
        host.state.cluster.clone_from(&name);
        host.state.added_via_api = Some(cluster.added_via_api);
        host.state.observability_name.clone_from(&metrics);
        Found { record: host, at: At::new(start).inside(&["host_statuses"], [number, 0]) }
    };
    all.extend(hosts.into_iter().enumerate().map(found));
}

/// What a host has in common with the one before is kept once.
pub(super) fn share(hosts: &mut [Endpoint]) {
    for number in 1..hosts.len() {
        let (before, host) = hosts.split_at_mut(number);
        let (Some(before), Some(host)) = (before.last(), host.first_mut()) else { return };
        let (own, other) = (&mut host.state, &before.state);
        for (own, other) in [(&mut own.locality, &other.locality), (&mut own.workload, &other.workload)] {
            if own == other {
                own.clone_from(other);
            }
        }
    }
}

#[cfg(test)]
#[path = "endpoints_tests.rs"]
mod tests;
