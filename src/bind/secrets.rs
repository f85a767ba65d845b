//! The certificates and other secrets of a proxy.

use super::joins;
use super::subject::{Page, Where, rows_at};
use crate::envoy::{self, Dump, Secret, Section};
use crate::host::{Call, Fallible, options};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which secrets to list.
    pub struct SecretOptions as "secret options" {
        /// Only those whose name contains this: `"ROOTCA"`, `"kubernetes://"`.
        pub name: Option<String>,
        /// Only those whose fields have these values: `#{ status: "WARMING" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The certificates, authorities and other secrets of a proxy, also those it waits for. Returns `secret` rows.
    ///
    /// Of a `cluster` row, those that it needs: own certificate, then authorities. Of an array of pods, rows gain `namespace`
    /// and `pod`. A `config_dump`, or what istioctl kept, is read as well; then validity is judged by the time of now. Private keys are never shown.
    ///
    /// Symptoms: `Secret is not supplied by SDS`; `CERTIFICATE_VERIFY_FAILED`; a workload certificate that has expired; a
    /// gateway without its certificate: `credentialName`, `SSL_ERROR_SYSCALL`.
    ///
    /// ```rhai
    /// secrets("deploy/customer.olaf-customer").map(|secret| secret.resource_name)    // ["default","ROOTCA"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn secrets(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        secrets_with(context, proxy, Map::new())
    }

    /// Those secrets of a proxy that fit. Returns `secret` rows; takes `secret options`.
    ///
    /// ```rhai
    /// secrets("deploy/customer.olaf-customer", #{ name: "default" })[0].spiffe_id    // "spiffe://cluster.local/ns/olaf-customer/sa/customer"
    /// ```
    #[rhai_fn(name = "secrets", return_raw)]
    pub fn secrets_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: SecretOptions = options(&call, more)?;
        let fields = Where::of::<Secret>(&call, &more.r#where)?;
        let named = move |name: &str| more.name.as_ref().is_none_or(|part| name.contains(part.as_str()));
        let fits = move |secret: &Secret| named(&secret.resource_name) && fields.fits(secret);
        if let Some(clusters) = joins::given(&call, &proxy, "secrets", &["cluster"])? {
            return joins::secrets(&call, &clusters, fits);
        }
        rows_at(&call, &proxy, Page::Part(Section::Secrets), move |node, now| {
            let mut found = envoy::secrets(&Dump::at(node)?, now)?;
            found.retain(|found| fits(&found.record));
            Ok(found)
        })
    }

    /// The certificates that a proxy has loaded, each once, with exact times. Returns `loaded certificate` rows.
    ///
    /// Unlike `secrets`, it knows those that came from files. Of an array of pods, rows gain `namespace` and `pod`. A saved
    /// `/certs` is read as well; then validity is judged by the time of now.
    ///
    /// Symptoms: `certificate has expired`; which certificate is loaded.
    ///
    /// ```rhai
    /// certs("deploy/customer.olaf-customer").map(|certificate| certificate.status)    // ["valid","valid"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn certs(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        let call = Call::of(&context)?;
        rows_at(&call, &proxy, Page::Path("/certs"), envoy::certs)
    }
}
