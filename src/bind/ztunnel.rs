//! What a ztunnel, the node proxy of ambient meshes, knows and holds.

use super::filter::{Direction, same};
use super::source::names_file;
use super::subject::{Page, Where, rows_at};
use crate::envoy::{self, Connection, Workload, ZtunnelCertificate, ZtunnelPolicy, ZtunnelService};
use crate::error::Result;
use crate::host::{Call, Fallible, options};
use crate::json::{Found, Node};
use crate::record::Record;
use jiff::Timestamp;
use rhai::plugin::*;
use rhai::{Array, Map};

crate::options! {
    /// Which workloads of a ztunnel to list. Text fits when it is the same, in any case.
    pub struct WorkloadOptions as "workload options" {
        /// Only the one with this address.
        pub address: Option<String>,
        /// Only those of this namespace.
        pub workload_namespace: Option<String>,
        /// Only those of this node.
        pub workload_node: Option<String>,
        /// Only those whose fields have these values: `#{ protocol: "TCP" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

crate::options! {
    /// Which services of a ztunnel to list.
    pub struct ServiceOptions as "ztunnel service options" {
        /// Only those of this namespace.
        pub service_namespace: Option<String>,
        /// Only those whose fields have these values: `#{ healthy: 0 }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

crate::options! {
    /// Which policies of a ztunnel to list.
    pub struct PolicyOptions as "ztunnel policy options" {
        /// Only those of this namespace.
        pub policy_namespace: Option<String>,
        /// Only those whose fields have these values: `#{ action: "Deny" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

crate::options! {
    /// Which certificates of a ztunnel to list.
    pub struct CertificateOptions as "ztunnel certificate options" {
        /// Only those whose fields have these values: `#{ type: "Root" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

crate::options! {
    /// Which connections of a ztunnel to list, and how.
    pub struct ConnectionOptions as "connection options" {
        /// Only `inbound` or `outbound` ones.
        pub direction: Option<Direction>,
        /// Only those of workloads of this namespace.
        pub workload_namespace: Option<String>,
        /// Show addresses where names would stand.
        pub raw: bool,
        /// Only those whose fields have these values: `#{ protocol: "TCP" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// Whether text that names services means a ztunnel: a namespace has neither dots nor slashes.
pub fn is_meant(text: &str) -> bool {
    text.contains(['.', '/']) || names_file(text)
}

/// One ztunnel, an array of them at once, a tape, or a dump.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The workloads that a ztunnel knows: those of the whole mesh, not only of its node. Returns `workload` rows.
    ///
    /// Of an array of pods, rows gain `ztunnel`. A saved dump is read as well, and what `istioctl ztunnel-config` prints as JSON.
    ///
    /// Symptoms: ambient: `connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008`; ambient: a pod that
    /// ztunnel does not capture; ambient: a waypoint that is bypassed.
    ///
    /// ```rhai
    /// workloads("tests/data/ztunnel_dump.json")[0].waypoint    // "waypoint"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn workloads(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        workloads_with(context, proxy, Map::new())
    }

    /// Those workloads of a ztunnel that fit. Returns `workload` rows; takes `workload options`.
    ///
    /// ```rhai
    /// workloads("tests/data/ztunnel_dump.json", #{ workload_namespace: "shop", where: #{ status: "Unhealthy" } })[0].address    // "10.88.1.9"
    /// ```
    #[rhai_fn(name = "workloads", return_raw)]
    pub fn workloads_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: WorkloadOptions = options(&call, more)?;
        let fields = Where::of::<Workload>(&call, &more.r#where)?;
        let fits = move |row: &Workload| {
            let address = more.address.as_ref().is_none_or(|wanted| row.address.split(',').any(|own| own == wanted));
            address
                && same(&more.workload_namespace, &row.namespace)
                && same(&more.workload_node, row.node.as_deref().unwrap_or_default())
                && fields.fits(row)
        };
        of_ztunnel(&call, &proxy, |root, _| envoy::workloads(root), fits)
    }

    /// The services that a ztunnel knows. Returns `ztunnel_service` rows.
    ///
    /// Text without a dot or a slash is a namespace, whose services the cluster lists: write `"ztunnel-abcde.istio-system"`.
    ///
    /// Symptoms: ambient: a waypoint that is not used: `istio.io/use-waypoint`.
    ///
    /// ```rhai
    /// services("tests/data/ztunnel_dump.json").find(|service| service.service_name == "reviews").endpoints    // "1/2"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn services(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        services_with(context, proxy, Map::new())
    }

    /// Those services of a ztunnel that fit. Returns `ztunnel_service` rows; takes `ztunnel service options`.
    ///
    /// ```rhai
    /// services("tests/data/ztunnel_dump.json", #{ service_namespace: "default" })[0].service_vip    // "10.89.0.1"
    /// ```
    #[rhai_fn(name = "services", return_raw)]
    pub fn services_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: ServiceOptions = options(&call, more)?;
        let fields = Where::of::<ZtunnelService>(&call, &more.r#where)?;
        let fits = move |row: &ZtunnelService| same(&more.service_namespace, &row.namespace) && fields.fits(row);
        of_ztunnel(&call, &proxy, |root, _| envoy::ztunnel_services(root), fits)
    }

    /// The authorization policies that a ztunnel enforces. Returns `ztunnel_policy` rows.
    ///
    /// Symptoms: ambient: `connection closed due to policy rejection`; ambient: `allow policies exist, but none allowed`.
    ///
    /// ```rhai
    /// policies("tests/data/ztunnel_dump.json")[0].action    // "Deny"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn policies(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        policies_with(context, proxy, Map::new())
    }

    /// Those policies of a ztunnel that fit. Returns `ztunnel_policy` rows; takes `ztunnel policy options`.
    ///
    /// ```rhai
    /// policies("tests/data/ztunnel_dump.json", #{ policy_namespace: "shop" }).len()    // 1
    /// ```
    #[rhai_fn(name = "policies", return_raw)]
    pub fn policies_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: PolicyOptions = options(&call, more)?;
        let fields = Where::of::<ZtunnelPolicy>(&call, &more.r#where)?;
        let fits = move |row: &ZtunnelPolicy| same(&more.policy_namespace, &row.namespace) && fields.fits(row);
        of_ztunnel(&call, &proxy, |root, _| envoy::ztunnel_policies(root), fits)
    }

    /// The certificates that a ztunnel holds for the identities on its node. Returns `ztunnel_certificate` rows.
    ///
    /// Symptoms: ambient: a ztunnel certificate that is missing or has expired.
    ///
    /// ```rhai
    /// certificates("tests/data/ztunnel_dump.json")[0].serial_number    // "ff"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn certificates(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        certificates_with(context, proxy, Map::new())
    }

    /// Those certificates of a ztunnel that fit. Returns `ztunnel_certificate` rows; takes `ztunnel certificate options`.
    ///
    /// ```rhai
    /// certificates("tests/data/ztunnel_dump.json", #{ where: #{ status: "Unavailable" } })[0].serial_number    // ()
    /// ```
    #[rhai_fn(name = "certificates", return_raw)]
    pub fn certificates_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: CertificateOptions = options(&call, more)?;
        let fields = Where::of::<ZtunnelCertificate>(&call, &more.r#where)?;
        of_ztunnel(&call, &proxy, envoy::ztunnel_certificates, move |row| fields.fits(row))
    }

    /// The connections that are open through a ztunnel, by workload. Returns `connection` rows.
    ///
    /// ```rhai
    /// connections("tests/data/ztunnel_dump.json")[0].remote    // "web-0.shop:41000"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn connections(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        connections_with(context, proxy, Map::new())
    }

    /// Those connections through a ztunnel that fit. Returns `connection` rows; takes `connection options`.
    ///
    /// ```rhai
    /// connections("tests/data/ztunnel_dump.json", #{ direction: "inbound", raw: true })[0].remote    // "10.88.1.3:41000"
    /// ```
    #[rhai_fn(name = "connections", return_raw)]
    pub fn connections_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: ConnectionOptions = options(&call, more)?;
        let fields = Where::of::<Connection>(&call, &more.r#where)?;
        let raw = more.raw;
        let fits = move |row: &Connection| {
            more.direction.is_none_or(|wanted| wanted.is(&row.direction))
                && same(&more.workload_namespace, row.workload_namespace.as_deref().unwrap_or_default())
                && fields.fits(row)
        };
        of_ztunnel(&call, &proxy, move |root, _| envoy::connections(root, raw), fits)
    }
}

fn of_ztunnel<R: Record>(
    call: &Call,
    proxy: &Dynamic,
    read: impl Fn(&Node, Timestamp) -> Result<Vec<Found<R>>> + Clone + Send + 'static,
    fits: impl Fn(&R) -> bool + Clone + Send + 'static,
) -> Fallible<Array> {
    rows_at(call, proxy, Page::Ztunnel, move |root, now| {
        let mut found = read(root, now)?;
        found.retain(|found| fits(&found.record));
        Ok(found)
    })
}
