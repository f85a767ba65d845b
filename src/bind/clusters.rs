//! What a proxy runs, as rows: clusters, and whatever else its configuration holds.

use super::filter::{Direction, Port};
use super::joins;
use super::subject::{Page, Where, rows};
use crate::envoy::{self, Cluster, Section};
use crate::host::{Call, Fallible, options};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which clusters to list. Text fits when the cluster's own contains it.
    pub struct ClusterOptions as "cluster options" {
        /// Only those whose service's host contains this.
        pub fqdn: Option<String>,
        /// Only those of this service port.
        pub port: Option<Port>,
        /// Only those of this subset.
        pub subset: Option<String>,
        /// Only `inbound` or `outbound` ones.
        pub direction: Option<Direction>,
        /// Only those whose fields have these values: `#{ state: "warming" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The upstream clusters of a proxy: where it can send requests, and how. Returns `cluster` rows.
    ///
    /// Of a `route` row, those that it leads to, with their `weight` (100 for a single one); of a `listener` row, those that its
    /// TCP connections go to. Of an array of pods, rows gain
    /// `namespace` and `pod`. A `config_dump`, or what istioctl kept, is read as well.
    ///
    /// Symptoms: `503 NC`; `cluster_not_found`; a subset that no DestinationRule defines; `503 UO`: a circuit breaker,
    /// `overflow`; egress through `BlackHoleCluster` or `PassthroughCluster`; a DestinationRule that is ignored.
    ///
    /// ```rhai
    /// clusters("deploy/customer.olaf-customer").some(|cluster| cluster.service_fqdn == "BlackHoleCluster")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn clusters(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        clusters_with(context, proxy, Map::new())
    }

    /// Those upstream clusters of a proxy that fit. Returns `cluster` rows; takes `cluster options`.
    ///
    /// ```rhai
    /// clusters("deploy/customer.olaf-customer", #{ fqdn: "preference", subset: "version-v1" })[0].tls_mode    // "ISTIO_MUTUAL"
    /// ```
    #[rhai_fn(name = "clusters", return_raw)]
    pub fn clusters_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: ClusterOptions = options(&call, more)?;
        let fields = Where::of::<Cluster>(&call, &more.r#where)?;
        if let Some(leading) = joins::given(&call, &proxy, "clusters", &["route", "listener"])? {
            return joins::clusters(&call, &leading, |cluster| more.fits(cluster) && fields.fits(cluster));
        }
        rows(&call, &proxy, Page::Part(Section::Clusters), move |dump| {
            let mut found = envoy::clusters(dump)?;
            found.retain(|found| more.fits(&found.record) && fields.fits(&found.record));
            Ok(found)
        })
    }
}

impl ClusterOptions {
    fn fits(&self, cluster: &Cluster) -> bool {
        let part = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|part| text.contains(part.as_str()));
        let field = |wanted: &Option<String>, text: &Option<String>| part(wanted, text.as_deref().unwrap_or_default());
        part(&self.fqdn, &cluster.service_fqdn)
            && self.port.is_none_or(|port| cluster.port == Some(port.number()))
            && field(&self.subset, &cluster.subset)
            && self.direction.is_none_or(|wanted| wanted.is(cluster.direction.as_deref().unwrap_or_default()))
    }
}
