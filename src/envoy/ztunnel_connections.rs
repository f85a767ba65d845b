//! The connections that are open through a ztunnel.

use super::wire::{Flaws, Text};
use super::ztunnel::names;
use super::ztunnel_dump::{STATES, all, one, part, some};
use crate::error::Result;
use crate::json::{At, Found, Node};
use crate::record;
use std::collections::BTreeMap;

record! {
    /// A connection that is open through a ztunnel.
    pub struct Connection as "connection" {
        /// The workload of this node, as `name.namespace`.
        pub workload: String,
        /// `Inbound` or `Outbound`, seen from the workload.
        pub direction: String,
        /// The workload's side: `name:port`; the bare address where nobody is known by it.
        pub local: String,
        /// The other side, where the connection really leads.
        pub remote: String,
        /// What the client asked for, before it was led elsewhere.
        pub remote_target: Option<String>,
        /// `HBONE` or `TCP`.
        pub protocol: String,
        /// The workload's side, as `address:port`.
        [wide] pub local_address: String,
        /// The other side, as `address:port`.
        [wide] pub remote_address: String,
        /// What the client asked for, as `address:port`.
        [wide] pub target_address: Option<String>,
        /// The workload's namespace.
        [wide] pub workload_namespace: Option<String>,
        /// The account of the workload's identity.
        [wide] pub service_account: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct StateWire<'de> {
        connections: Connections<'de>,
        info: Info<'de>,
    }
}

wire! {
    struct Connections<'de> {
        inbound: Vec<ConnectionWire<'de>>,
        outbound: Vec<ConnectionWire<'de>>,
    }
}

wire! {
    struct ConnectionWire<'de> {
        src: Text<'de>,
        original_dst: Option<Text<'de>>,
        actual_dst: Text<'de>,
        protocol: Text<'de>,
    }
}

wire! {
    #[allow(missing_docs)]
    struct Info<'de> {
        name: Text<'de>,
        namespace: Option<Text<'de>>,
        service_account: Option<Text<'de>>,
    }
}

/// The connections, by workload: those to it, then those from it. With `raw`, addresses stand where names would.
///
/// # Errors
/// The document is no dump of a ztunnel.
pub fn connections(root: &Node, raw: bool) -> Result<Vec<Found<Connection>>> {
    let states = part(root, STATES)?;
    let names = Names(if raw { BTreeMap::new() } else { names(root) });
    let mut workloads = all(states, |text| one(text, |wire: StateWire<'_>, flaws| of_workload(&wire, &names, flaws)));
    let first = |found: &Found<Vec<Connection>>| {
        let row = found.record.first();
        row.map(|row| (row.workload_namespace.clone(), row.workload.clone()))
    };
    workloads.sort_by_cached_key(first);
    Ok(workloads.into_iter().flat_map(places).collect())
}

/// Each connection, with where it stands in its workload's state.
fn places(workload: Found<Vec<Connection>>) -> impl Iterator<Item = Found<Connection>> {
    let at = workload.at;
    let inbound = workload.record.iter().filter(|row| row.direction == INBOUND).count();
    let place = move |number: usize| match number.checked_sub(inbound) {
        None => at.inside(&["connections.inbound"], [number, 0]),
        Some(number) => at.inside(&["connections.outbound"], [number, 0]),
    };
    workload.record.into_iter().enumerate().map(move |(number, record)| Found { record, at: place(number) as At })
}

const INBOUND: &str = "Inbound";
const OUTBOUND: &str = "Outbound";

fn of_workload(state: &StateWire<'_>, names: &Names, flaws: &Flaws) -> Vec<Connection> {
    let row = |wire: &ConnectionWire<'_>, direction: &str| {
        let inbound = direction == INBOUND;
        let (local, remote) = if inbound { (&wire.actual_dst, &wire.src) } else { (&wire.src, &wire.actual_dst) };
        let target = some(wire.original_dst.clone());
        Connection {
            workload: format!("{}.{}", state.info.name, state.info.namespace.as_deref().unwrap_or_default()),
            direction: direction.into(),
            local: names.of(local),
            remote: names.of(remote),
            // Who connects to a workload asked for the workload itself: its name would say nothing new.
            remote_target: target.as_ref().map(|target| if inbound { target.clone() } else { names.of(target) }),
            protocol: wire.protocol.to_string(),
            local_address: local.to_string(),
            remote_address: remote.to_string(),
            target_address: target,
            workload_namespace: some(state.info.namespace.clone()),
            service_account: some(state.info.service_account.clone()),
            broken: flaws.line(),
        }
    };
    let inbound = state.connections.inbound.iter().map(|wire| row(wire, INBOUND));
    inbound.chain(state.connections.outbound.iter().map(|wire| row(wire, OUTBOUND))).collect()
}

/// Who is behind an address.
struct Names(BTreeMap<String, String>);

impl Names {
    /// `10.0.0.1:80` with its name in place of the address, if it is known by one.
    fn of(&self, address: &str) -> String {
        let known = address.rsplit_once(':').and_then(|(ip, port)| {
            let name = self.0.get(ip.trim_start_matches('[').trim_end_matches(']'))?;
            Some(format!("{name}:{port}"))
        });
        known.unwrap_or_else(|| address.to_owned())
    }
}
