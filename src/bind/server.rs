//! What a proxy says of itself: how it was started, its process, its memory, its loggers.

use super::subject::{Page, rows, rows_of};
use crate::envoy::{self, Section};
use crate::host::{Call, Fallible};
use rhai::plugin::*;
use rhai::{Array, Dynamic};

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// What a proxy was started with, and who it says it is. Returns one `bootstrap` row.
    ///
    /// Of an array of pods, a row each. A `config_dump`, or what istioctl kept, is read as well.
    ///
    /// ```rhai
    /// bootstrap("deploy/customer.olaf-customer")[0].envoy_version    // "1.40.0/Clean/RELEASE/BoringSSL"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn bootstrap(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        rows(&Call::of(&context)?, &proxy, Page::Part(Section::Bootstrap), envoy::bootstrap)
    }

    /// The process of a proxy: version, state, how long it runs, its options. Returns one `server info` row.
    ///
    /// Of an array of pods, a row each, with `namespace` and `pod`. A saved `/server_info` is read as well.
    ///
    /// Symptoms: a proxy that restarts, drains, or is still initializing: `PRE_INITIALIZING`.
    ///
    /// ```rhai
    /// server_info("deploy/customer.olaf-customer")[0].state    // "LIVE"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn server_info(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        rows_of(&Call::of(&context)?, &proxy, Page::Path("/server_info"), envoy::server_info)
    }

    /// How much memory a proxy uses, in bytes. Returns one `memory` row.
    ///
    /// Of an array of pods, a row each, with `namespace` and `pod`. A saved `/memory` is read as well.
    ///
    /// Symptoms: a proxy that is `OOMKilled`, or whose memory grows.
    ///
    /// ```rhai
    /// memory("deploy/customer.olaf-customer")[0].allocated > 1000000    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn memory(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        rows_of(&Call::of(&context)?, &proxy, Page::Path("/memory"), envoy::memory)
    }

    /// The loggers of a proxy, and from which level on each writes. Nothing is changed. Returns `logger` rows.
    ///
    /// Of an array of pods, rows gain `namespace` and `pod`. The text that Envoy answers to `POST /logging` is read as well.
    ///
    /// Symptoms: loggers that were left at debug; tokens and headers in a proxy's log.
    ///
    /// ```rhai
    /// log_levels("deploy/customer.olaf-customer").filter(|logger| logger.logger == "rbac")[0].level    // "warning"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn log_levels(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        rows_of(&Call::of(&context)?, &proxy, Page::Loggers, envoy::log_levels)
    }
}
