//! What a proxy runs, as rows: extension configurations.

use super::subject::{Page, Where, rows};
use crate::envoy::{self, Extension, Section};
use crate::host::{Call, Fallible, options};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which extension configurations to list.
    pub struct EcdsOptions as "ecds options" {
        /// Only those whose name contains this.
        pub name: Option<String>,
        /// Only those whose fields have these values: `#{ kind: "Wasm" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The extension configurations (ECDS) of a proxy: filters that were delivered by themselves, Wasm plugins mostly. Returns
    /// `ecds` rows.
    ///
    /// Of an array of pods, rows gain `namespace` and `pod`. A `config_dump` is read as well.
    ///
    /// Symptoms: a Wasm plugin that is not loaded: `NFCF`.
    ///
    /// ```rhai
    /// ecds("deploy/customer.olaf-customer").len()    // 0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ecds(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        ecds_with(context, proxy, Map::new())
    }

    /// Those extension configurations of a proxy that fit. Returns `ecds` rows; takes `ecds options`.
    ///
    /// ```rhai
    /// ecds("deploy/customer.olaf-customer", #{ where: #{ kind: "Wasm" } }).len()    // 0
    /// ```
    #[rhai_fn(name = "ecds", return_raw)]
    pub fn ecds_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: EcdsOptions = options(&call, more)?;
        let fields = Where::of::<Extension>(&call, &more.r#where)?;
        rows(&call, &proxy, Page::Part(Section::Ecds), move |dump| {
            let mut found = envoy::ecds(dump)?;
            let named = |extension: &Extension| more.name.as_ref().is_none_or(|part| extension.ecds_name.contains(part.as_str()));
            found.retain(|found| named(&found.record) && fields.fits(&found.record));
            Ok(found)
        })
    }
}
