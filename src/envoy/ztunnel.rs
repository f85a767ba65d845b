//! The config dump of a ztunnel, the node proxy of ambient meshes: workloads, services and policies that it knows.
//!
//! Its sections are lists in new versions and maps in older ones; both are read, and what istioctl kept of one section alone.

use super::wire::{Flaws, Pairs, Raw, Text};
use super::ztunnel_dump::{POLICIES, SERVICES, WORKLOADS, all, one, part, some};
use crate::error::Result;
use crate::json::{Found, Node};
use crate::record;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

record! {
    /// A workload that a ztunnel knows.
    pub struct Workload as "workload" {
        /// Its namespace.
        pub namespace: String,
        /// Its name; a pod's, mostly.
        pub pod_name: String,
        /// Its addresses, with commas between them; its host name when it has none.
        pub address: String,
        /// The node it runs on.
        pub node: Option<String>,
        /// The service that is its waypoint; where no service has that address, the address. Nothing without a waypoint.
        pub waypoint: Option<String>,
        /// How it is reached: `HBONE` (encrypted) or `TCP`.
        pub protocol: String,
        /// `Healthy` or `Unhealthy`: only healthy ones get connections.
        pub status: Option<String>,
        /// What it belongs to: `deployment/web`.
        [wide] pub workload: Option<String>,
        /// Its identity's account.
        [wide] pub service_account: Option<String>,
        /// The trust domain of its identity, where it is told.
        [wide] pub trust_domain: Option<String>,
        /// The name telemetry knows it by.
        [wide] pub canonical_name: Option<String>,
        /// The revision telemetry knows it by.
        [wide] pub canonical_revision: Option<String>,
        /// Where it is: `region/zone/subzone`.
        [wide] pub locality: Option<String>,
        /// Its network.
        [wide] pub network: Option<String>,
        /// Its cluster.
        [wide] pub cluster_id: Option<String>,
        /// The waypoint as it is told: `network/address` or `namespace/host`.
        [wide] pub waypoint_destination: Option<String>,
        /// The gateway to its network, as `address:port`.
        [wide] pub network_gateway: Option<String>,
        /// The policies that name it.
        [wide] pub policies: Vec<String>,
        /// The services it serves.
        [wide] pub services: Vec<String>,
        /// Its weight beside others; 1 unless told.
        [wide] pub capacity: Option<u64>,
        /// ztunnel's key for it: `Kubernetes//Pod/shop/web-0`.
        [wide] pub uid: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

record! {
    /// A service that a ztunnel knows.
    pub struct ZtunnelService as "ztunnel_service" {
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub service_name: String,
        /// Its addresses, with commas between them.
        pub service_vip: String,
        /// The service that is its waypoint; where no service has that address, the address. Nothing without a waypoint.
        pub waypoint: Option<String>,
        /// Healthy endpoints of all: `1/2`.
        pub endpoints: String,
        /// Its host name.
        pub hostname: String,
        /// How many endpoints are healthy.
        [wide] pub healthy: usize,
        /// How many endpoints there are.
        [wide] pub total: usize,
        /// Its ports, and those of its pods: `80 → 8080`.
        [wide] pub ports: Vec<String>,
        /// The names of which a server's certificate must have one.
        [wide] pub sans: Vec<String>,
        /// How an endpoint is chosen, as configured; nothing for any.
        [wide] pub load_balancer: Option<Value>,
        /// The families of its addresses: `IPv4`, `Dual`.
        [wide] pub ip_families: Option<String>,
        /// The waypoint as it is told: `network/address` or `namespace/host`.
        [wide] pub waypoint_destination: Option<String>,
        /// The workloads behind it, by ztunnel's keys.
        [wide] pub workloads: Vec<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

record! {
    /// An authorization policy that a ztunnel enforces.
    pub struct ZtunnelPolicy as "ztunnel_policy" {
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub policy_name: String,
        /// `Allow` or `Deny`.
        pub action: String,
        /// Whom it is for: `Global`, `Namespace` or `WorkloadSelector`.
        pub scope: String,
        /// Its rules, as ztunnel holds them.
        [wide] pub rules: Option<Value>,
        /// Whether it only says what it would do.
        [wide] pub dry_run: Option<bool>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    #[allow(missing_docs)]
    pub(super) struct WorkloadWire<'de> {
        workload_ips: Vec<Text<'de>>,
        hostname: Text<'de>,
        waypoint: Gateway<'de>,
        network_gateway: Gateway<'de>,
        protocol: Text<'de>,
        name: Text<'de>,
        namespace: Text<'de>,
        service_account: Option<Text<'de>>,
        workload_name: Text<'de>,
        workload_type: Text<'de>,
        canonical_name: Option<Text<'de>>,
        canonical_revision: Option<Text<'de>>,
        cluster_id: Option<Text<'de>>,
        trust_domain: Option<Text<'de>>,
        locality: Locality<'de>,
        node: Option<Text<'de>>,
        network: Option<Text<'de>>,
        status: Option<Text<'de>>,
        authorization_policies: Vec<Text<'de>>,
        services: Vec<Text<'de>>,
        capacity: Option<u64>,
        uid: Option<Text<'de>>,
    }
}

wire! {
    pub(super) struct Gateway<'de> {
        destination: Text<'de>,
        address: Text<'de>,
        hbone_mtls_port: Option<u64>,
    }
}

wire! {
    pub(super) struct Locality<'de> {
        region: Text<'de>,
        zone: Text<'de>,
        subzone: Text<'de>,
    }
}

wire! {
    pub(super) struct ServiceWire<'de> {
        name: Text<'de>,
        namespace: Text<'de>,
        hostname: Text<'de>,
        vips: Vec<Text<'de>>,
        waypoint: Gateway<'de>,
        ports: Pairs<'de, Raw<'de>>,
        endpoints: Raw<'de>,
        subject_alt_names: Vec<Text<'de>>,
        load_balancer: Raw<'de>,
        ip_families: Option<Text<'de>>,
    }
}

wire! {
    struct EndpointWire<'de> {
        workload_uid: Text<'de>,
    }
}

wire! {
    struct PolicyWire<'de> {
        name: Text<'de>,
        namespace: Text<'de>,
        action: Text<'de>,
        scope: Text<'de>,
        rules: Raw<'de>,
        dry_run: Option<bool>,
    }
}

/// What of the dump the rows of other parts need.
struct Known {
    /// Services by `namespace/host` and by each address.
    services: HashMap<String, String>,
    /// Which workloads are healthy, by key.
    healthy: HashMap<String, bool>,
}

impl Known {
    fn of(root: &Node) -> Self {
        let named = all(part(root, SERVICES).ok().flatten(), |text| {
            one(text, |wire: ServiceWire<'_>, _| {
                let keys = std::iter::once(format!("{}/{}", wire.namespace, wire.hostname));
                let keys: Vec<String> = keys.chain(wire.vips.iter().map(ToString::to_string)).collect();
                (keys, wire.name.into_owned())
            })
        });
        let health = all(part(root, WORKLOADS).ok().flatten(), |text| {
            one(text, |wire: WorkloadWire<'_>, _| {
                (wire.uid.unwrap_or_default().into_owned(), wire.status.as_deref() == Some("Healthy"))
            })
        });
        let services = named.into_iter().flat_map(|found| {
            let (keys, name) = found.record;
            keys.into_iter().map(move |key| (key, name.clone()))
        });
        Self { services: services.collect(), healthy: health.into_iter().map(|found| found.record).collect() }
    }

    fn waypoint(&self, gateway: &Gateway<'_>) -> Option<String> {
        let destination = gateway.destination()?;
        Some(self.services.get(&destination).cloned().unwrap_or(destination))
    }
}

impl Gateway<'_> {
    fn destination(&self) -> Option<String> {
        let told = if self.destination.is_empty() { &self.address } else { &self.destination };
        (!told.is_empty()).then(|| told.to_string())
    }
}

/// The workloads, sorted by `namespace.name` and node.
///
/// # Errors
/// The document is no dump of a ztunnel.
pub fn workloads(root: &Node) -> Result<Vec<Found<Workload>>> {
    let list = part(root, WORKLOADS)?;
    let known = Known::of(root);
    let mut rows = all(list, |text| one(text, |wire: WorkloadWire<'_>, flaws| workload(wire, &known, flaws)));
    rows.sort_by_cached_key(|found| {
        let row = &found.record;
        (format!("{}.{}", row.namespace, row.pod_name), row.node.clone())
    });
    Ok(rows)
}

fn workload(wire: WorkloadWire<'_>, known: &Known, flaws: &Flaws) -> Workload {
    let parts = [&wire.locality.region, &wire.locality.zone, &wire.locality.subzone];
    let locality = parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>().join("/");
    let locality = locality.trim_end_matches('/');
    let port = |port: u64| format!(":{port}");
    let gateway = wire.network_gateway.destination();
    let belongs = [wire.workload_type.as_ref(), wire.workload_name.as_ref()];
    Workload {
        address: if wire.workload_ips.is_empty() { wire.hostname.to_string() } else { wire.workload_ips.join(",") },
        waypoint: known.waypoint(&wire.waypoint),
        waypoint_destination: wire.waypoint.destination(),
        network_gateway: gateway.map(|to| to + wire.network_gateway.hbone_mtls_port.map(port).unwrap_or_default().as_str()),
        workload: (!belongs[1].is_empty()).then(|| belongs.join("/").trim_start_matches('/').to_owned()),
        locality: (!locality.is_empty()).then(|| locality.to_owned()),
        namespace: wire.namespace.into_owned(),
        pod_name: wire.name.into_owned(),
        node: some(wire.node),
        protocol: wire.protocol.into_owned(),
        status: some(wire.status),
        service_account: some(wire.service_account),
        trust_domain: some(wire.trust_domain),
        canonical_name: some(wire.canonical_name),
        canonical_revision: some(wire.canonical_revision),
        network: some(wire.network),
        cluster_id: some(wire.cluster_id),
        policies: wire.authorization_policies.into_iter().map(Text::into_owned).collect(),
        services: wire.services.into_iter().map(Text::into_owned).collect(),
        capacity: wire.capacity,
        uid: some(wire.uid),
        broken: flaws.line(),
    }
}

/// The services, sorted by namespace, name and host.
///
/// # Errors
/// The document is no dump of a ztunnel.
pub fn ztunnel_services(root: &Node) -> Result<Vec<Found<ZtunnelService>>> {
    let list = part(root, SERVICES)?;
    let known = Known::of(root);
    let mut rows = all(list, |text| one(text, |wire: ServiceWire<'_>, flaws| service(wire, &known, flaws)));
    rows.sort_by(|a, b| {
        let key = |row: &Found<ZtunnelService>| {
            (row.record.namespace.clone(), row.record.service_name.clone(), row.record.hostname.clone())
        };
        key(a).cmp(&key(b))
    });
    Ok(rows)
}

fn service(wire: ServiceWire<'_>, known: &Known, flaws: &Flaws) -> ZtunnelService {
    let workloads = behind(&wire, flaws);
    let healthy = workloads.iter().filter(|uid| known.healthy.get(*uid) == Some(&true)).count();
    ZtunnelService {
        service_vip: wire.vips.iter().map(|vip| address(vip)).collect::<Vec<_>>().join(","),
        waypoint: known.waypoint(&wire.waypoint),
        waypoint_destination: wire.waypoint.destination(),
        endpoints: format!("{healthy}/{}", workloads.len()),
        healthy,
        total: workloads.len(),
        ports: wire.ports.0.iter().map(|(port, target)| format!("{port} → {}", target.json())).collect(),
        sans: wire.subject_alt_names.into_iter().map(Text::into_owned).collect(),
        load_balancer: wire.load_balancer.is_some().then(|| wire.load_balancer.value()),
        ip_families: some(wire.ip_families),
        namespace: wire.namespace.into_owned(),
        service_name: wire.name.into_owned(),
        hostname: wire.hostname.into_owned(),
        workloads,
        broken: flaws.line(),
    }
}

/// The workloads behind a service: its endpoints are a map by workload, or a list.
fn behind(wire: &ServiceWire<'_>, flaws: &Flaws) -> Vec<String> {
    let json = wire.endpoints.json();
    if json.starts_with('[') {
        let list: Vec<EndpointWire<'_>> = wire.endpoints.read(flaws);
        return list.into_iter().map(|endpoint| endpoint.workload_uid.into_owned()).collect();
    }
    let map: Pairs<'_, EndpointWire<'_>> = wire.endpoints.read(flaws);
    let uid = |(key, endpoint): (Text<'_>, EndpointWire<'_>)| {
        if endpoint.workload_uid.is_empty() { key } else { endpoint.workload_uid }.into_owned()
    };
    map.0.into_iter().map(uid).collect()
}

/// An address without its network: `network/10.0.0.1`.
pub(super) fn address(vip: &str) -> &str {
    vip.split_once('/').map_or(vip, |(_, address)| address)
}

/// The policies, sorted by namespace and name.
///
/// # Errors
/// The document is no dump of a ztunnel.
pub fn ztunnel_policies(root: &Node) -> Result<Vec<Found<ZtunnelPolicy>>> {
    let mut rows = all(part(root, POLICIES)?, |text| {
        one(text, |wire: PolicyWire<'_>, flaws| ZtunnelPolicy {
            rules: wire.rules.is_some().then(|| wire.rules.value()),
            dry_run: wire.dry_run,
            namespace: wire.namespace.into_owned(),
            policy_name: wire.name.into_owned(),
            action: wire.action.into_owned(),
            scope: wire.scope.into_owned(),
            broken: flaws.line(),
        })
    });
    rows.sort_by(|a, b| (&a.record.namespace, &a.record.policy_name).cmp(&(&b.record.namespace, &b.record.policy_name)));
    Ok(rows)
}

/// Who an address is, as istioctl names it: the host of the service whose first address it is, else the workload whose first
/// address it is.
pub(super) fn names(root: &Node) -> BTreeMap<String, String> {
    let workloads = all(part(root, WORKLOADS).ok().flatten(), |text| {
        one(text, |wire: WorkloadWire<'_>, _| {
            wire.workload_ips.first().map(|ip| (ip.to_string(), format!("{}.{}", wire.name, wire.namespace)))
        })
    });
    let services = all(part(root, SERVICES).ok().flatten(), |text| {
        one(text, |wire: ServiceWire<'_>, _| wire.vips.first().map(|vip| (address(vip).to_owned(), wire.hostname.to_string())))
    });
    workloads.into_iter().chain(services).filter_map(|found| found.record).collect()
}
