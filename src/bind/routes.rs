//! What a proxy runs, as rows: its routes.

use super::joins;
use super::subject::{Page, Where, rows};
use crate::envoy::{self, Route, Section};
use crate::host::{Call, Fallible, options};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which routes to list.
    pub struct RouteOptions as "route options" {
        /// Only those of the route configuration of exactly this name: `"80"`.
        pub name: Option<String>,
        /// Only those of virtual hosts whose name contains this.
        pub vhost: Option<String>,
        /// Only those for hosts that contain this.
        pub domain: Option<String>,
        /// Whether to list what istioctl hides, too: routes that only pass requests on to where they were going, and what was
        /// rejected.
        pub all: bool,
        /// Only those whose fields have these values: `#{ virtual_service: "reviews.shop" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The routes of a proxy: which requests go to which cluster, and on what terms. Returns `route` rows.
    ///
    /// istioctl's MATCH is the column `matches`: scripts cannot use the other word. Inline routes of listeners are the static
    /// ones. Of a `listener` row, those that it asks for or has itself. Of an array of pods, rows gain `namespace` and `pod`. A `config_dump`, or what istioctl kept, is read as well.
    ///
    /// Symptoms: `404 NR`; `route_not_found`; a VirtualService that is ignored; `504 UT`: the timeout of the route; `upstream
    /// request timeout`; requests sent twice: retries.
    ///
    /// ```rhai
    /// routes("deploy/customer.olaf-customer").some(|route| route.matches == "/*")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn routes(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        routes_with(context, proxy, Map::new())
    }

    /// Those routes of a proxy that fit. Returns `route` rows; takes `route options`.
    ///
    /// ```rhai
    /// routes("deploy/customer.olaf-customer", #{ name: "8080", domain: "recommendation" })[0].num_retries    // 2
    /// ```
    #[rhai_fn(name = "routes", return_raw)]
    pub fn routes_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: RouteOptions = options(&call, more)?;
        let fields = Where::of::<Route>(&call, &more.r#where)?;
        if let Some(listeners) = joins::given(&call, &proxy, "routes", &["listener"])? {
            let more = RouteOptions { all: true, ..more };
            return joins::routes(&call, &listeners, |route| more.fits(route) && fields.fits(route));
        }
        let mesh = call.mesh().clone();
        rows(&call, &proxy, Page::Part(Section::Routes), move |dump| {
            let mut found = envoy::routes(dump)?;
            for rejected in found.iter().filter(|found| found.record.is_rejected() && !more.lists(&found.record)) {
                let name = rejected.record.shared.host.name.as_deref().unwrap_or("without a name");
                mesh.note(format!("route configuration {name} was rejected, and nothing is in its place (`all: true` shows it)"));
            }
            found.retain(|found| more.fits(&found.record) && fields.fits(&found.record));
            Ok(found)
        })
    }
}

impl RouteOptions {
    /// Whether such a route is listed at all.
    fn lists(&self, route: &Route) -> bool {
        self.all || route.is_shown() || ["state", "cluster"].iter().any(|column| self.r#where.contains_key(*column))
    }

    fn fits(&self, route: &Route) -> bool {
        let part = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|part| text.contains(part.as_str()));
        let domains = &route.shared.domains.all_domains;
        self.lists(route)
            && self.name.as_ref().is_none_or(|name| route.shared.host.name.as_deref().unwrap_or_default() == name)
            && part(&self.vhost, &route.shared.host.vhost_name)
            && self.domain.as_ref().is_none_or(|part| domains.iter().any(|domain| domain.contains(part.as_str())))
    }
}
