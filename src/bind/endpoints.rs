//! Where the requests of a proxy go, and how those endpoints are doing.

use super::filter::{Port, same};
use super::joins;
use super::subject::{Page, Where, rows};
use crate::envoy::{self, Dump, Endpoint, Section, Status};
use crate::error::Result;
use crate::host::{Call, Fallible, options};
use crate::json::Found;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

/// The page with the state of each host.
pub(super) const HOSTS: Page = Page::Path("/clusters?format=json");

crate::options! {
    /// Which endpoints to list. Text fits when it is the same, in any case.
    pub struct EndpointOptions as "endpoint options" {
        /// Only this address: `"10.1.0.7"`, `"10.1.0.7:8080"`, `"unix://./etc/istio/proxy/XDS"`.
        pub address: Option<String>,
        /// Only this port, 1 to 65535.
        pub port: Option<Port>,
        /// Only these: `"healthy"`, `"unhealthy"`, `"degraded"`, `"draining"`, `"timeout"`, `"unknown"`.
        pub status: Option<Status>,
        /// Only those of this cluster, by Envoy's whole name.
        pub cluster: Option<String>,
        /// From the proxy's configuration (`/config_dump?include_eds`) instead of its state: other addresses and workloads, but no
        /// health flags and no counters.
        pub eds: bool,
        /// Only those whose fields have these values: `#{ failed_active_health_check: true }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, a document, or clusters.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The endpoints of a proxy, with their health. Returns `endpoint` rows.
    ///
    /// Of a `cluster` row, those of that cluster. Of an array of pods, rows gain `namespace` and `pod`. A document is read as
    /// well: the answer of `/clusters?format=json`, a `config_dump` with endpoints, istiod's `/debug/edsz`.
    ///
    /// Symptoms: `503 UH`; `no healthy upstream`; `no_healthy_upstream`; an endpoint that outlier detection ejected; `delayed
    /// connect error: 111`; `Connection refused`: nobody listens on that port; a readiness probe that fails.
    ///
    /// ```rhai
    /// endpoints("deploy/customer.olaf-customer").all(|endpoint| endpoint.status == "HEALTHY")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn endpoints(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        endpoints_with(context, proxy, Map::new())
    }

    /// Those endpoints of a proxy that fit. Returns `endpoint` rows; takes `endpoint options`.
    ///
    /// ```rhai
    /// endpoints("deploy/customer.olaf-customer", #{ port: 15020 })[0].cluster    // "agent"
    /// ```
    #[rhai_fn(name = "endpoints", return_raw)]
    pub fn endpoints_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: EndpointOptions = options(&call, more)?;
        let fields = Where::of::<Endpoint>(&call, &more.r#where)?;
        let page = if more.eds { Page::Part(Section::Endpoints) } else { HOSTS };
        let fits = move |endpoint: &Endpoint| more.fits(endpoint) && fields.fits(endpoint);
        if let Some(clusters) = joins::given(&call, &proxy, "endpoints", &["cluster"])? {
            return joins::endpoints(&call, &clusters, page, fits);
        }
        rows(&call, &proxy, page, move |dump: &Dump| -> Result<Vec<Found<Endpoint>>> {
            let mut found = envoy::endpoints(dump)?;
            found.retain(|found| fits(&found.record));
            Ok(found)
        })
    }
}

impl EndpointOptions {
    fn fits(&self, endpoint: &Endpoint) -> bool {
        self.address.as_ref().is_none_or(|address| endpoint.state.endpoint.is(address))
            && self.port.is_none_or(|port| endpoint.state.endpoint.port() == port.number())
            && self.status.is_none_or(|status| endpoint.state.status == status)
            && same(&self.cluster, endpoint.state.cluster.as_ref().map_or("", |cluster| cluster.as_str()))
    }
}
