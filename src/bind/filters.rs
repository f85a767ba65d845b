//! What a proxy runs, as rows: its HTTP filters.

use super::subject::{Page, Where, rows};
use crate::envoy::{self, Filter};
use crate::host::{Call, Fallible, options};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which filters to list.
    pub struct FilterOptions as "filter options" {
        /// Only filters whose name contains this: `"jwt"`, `"rbac"`.
        pub name: Option<String>,
        /// Only filters of listeners whose name contains this.
        pub listener: Option<String>,
        /// Only those whose fields have these values: `#{ state: "active" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The HTTP filters of a proxy, in the order in which requests pass them. Returns `filter` rows.
    ///
    /// Those whose configuration is delivered by itself (ECDS) are shown with it. Of an array of pods, rows gain `namespace` and
    /// `pod`. A `config_dump`, or what istioctl kept, is read as well; `row.raw()` is the listener.
    ///
    /// Symptoms: an EnvoyFilter that is silently not applied; requests without a token that pass; `403 UAEX`:
    /// `ext_authz_denied`, `ext_authz_error`; `rbac_access_denied_matched_policy[none]`; rate limits: `429`.
    ///
    /// ```rhai
    /// filters("deploy/customer.olaf-customer").some(|filter| filter.name == "envoy.filters.http.router")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn filters(context: NativeCallContext, pod: Dynamic) -> Fallible<Array> {
        filters_with(context, pod, Map::new())
    }

    /// Those HTTP filters of a proxy that fit. Returns `filter` rows; takes `filter options`.
    ///
    /// A JWT filter lists the issuers it knows, with their keys, in `jwt`.
    ///
    /// ```rhai
    /// filters(pods("olaf-customer"), #{ name: "jwt" })[0].jwt[0].provider    // "origins-0"
    /// ```
    #[rhai_fn(name = "filters", return_raw)]
    pub fn filters_with(context: NativeCallContext, pod: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: FilterOptions = options(&call, more)?;
        let fields = Where::of::<Filter>(&call, &more.r#where)?;
        rows(&call, &pod, Page::Filters, move |dump| {
            let mut found = envoy::filters(dump)?;
            found.retain(|found| more.fits(&found.record) && fields.fits(&found.record));
            Ok(found)
        })
    }
}

impl FilterOptions {
    fn fits(&self, filter: &Filter) -> bool {
        let contains = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|part| text.contains(part.as_str()));
        contains(&self.name, &filter.name) && contains(&self.listener, &filter.listener)
    }
}
