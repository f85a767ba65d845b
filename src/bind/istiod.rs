//! The control planes: their replicas and what these wrote to their logs.

use super::pod_arg::argument;
use crate::error::Result;
use crate::host::OpenTape;
use crate::host::{Call, Fallible, Row, options};
use crate::mesh::distribution;
use crate::mesh::istiod_logs::{self, IstiodLogOptions};
use crate::mesh::proxy_status::{self, ProxyStatusOptions};
use crate::mesh::{istiods, platform};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

/// istiod, every replica of every revision.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The replicas of all control planes, with the version that each tells, and the extra CA mounted in it. Returns `istiod` rows.
    ///
    /// Symptoms: istiod that is not running; which CA is mounted at `/cacerts`.
    ///
    /// ```rhai
    /// istiods()[0].extra_ca    // "none"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn istiods(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(istiods::istiods(call.mesh()))?))
    }

    /// The log lines of all istiods, merged by time. Returns `istiod_log` rows.
    ///
    /// Symptoms: `x509: certificate signed by unknown authority` in istiod's log; `Failed to fetch public key from`; what
    /// istiod says.
    ///
    /// ```rhai
    /// istiod_logs().len() > 500    // true
    /// ```
    #[rhai_fn(name = "istiod_logs", return_raw)]
    pub fn all_istiod_logs(context: NativeCallContext) -> Fallible<Array> {
        istiod_logs(context, Map::new())
    }

    /// Those log lines of all istiods that fit, merged by time. Returns `istiod_log` rows; takes `istiod log options`.
    ///
    /// The lines are chosen while they stream by, so a log of any size can be searched.
    ///
    /// ```rhai
    /// istiod_logs(#{ grep: "x509", level: "error" })[0].scope    // "model"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn istiod_logs(context: NativeCallContext, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: IstiodLogOptions = options(&call, more)?;
        Ok(Row::many(call.wait(istiod_logs::istiod_logs(call.mesh(), &more))?))
    }

    /// How each control plane was installed, and which object a lasting change of it belongs in. Returns `platform` rows.
    ///
    /// ```rhai
    /// platforms()[0].istiod    // "Deployment/istiod"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn platforms(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(platform::platforms(call.mesh()))?))
    }
    /// What all control planes sent to all proxies, and what became of it: a row a proxy and connection. Returns `proxy_status` rows.
    ///
    /// Every replica of every revision is asked. Proxies that run and that no istiod knows are rows too: `DISCONNECTED`. A proxy
    /// that just stopped is `STALE` for a minute or two, and then in no list.
    ///
    /// Symptoms: `STALE`; `NACK`; `NOT SENT`; `config received from XDS server, but was rejected`; `Envoy proxy is NOT ready:
    /// config not received from XDS server (is Istiod running?)`; a change that has no effect on some pods.
    ///
    /// ```rhai
    /// proxy_status().filter(|row| row.status != "SYNCED").len()    // 0
    /// ```
    #[rhai_fn(name = "proxy_status", return_raw)]
    pub fn every_proxy_status(context: NativeCallContext) -> Fallible<Array> {
        proxy_status_with(context, Map::new())
    }

    /// Those of a namespace or a revision. Returns `proxy_status` rows; takes `proxy status options`.
    ///
    /// ```rhai
    /// proxy_status(#{ namespace: "olaf" })[0].lds    // "SYNCED"
    /// ```
    #[rhai_fn(name = "proxy_status", return_raw)]
    pub fn proxy_status_with(context: NativeCallContext, which: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: ProxyStatusOptions = options(&call, which)?;
        Ok(Row::many(call.wait(proxy_status::proxy_status(call.mesh(), &more))?))
    }

    /// What a proxy (a pod, or several) holds against what istiod would send it, by resource and field, as `diff(pod, "istiod")`. Returns `difference` rows.
    ///
    /// `left` is what Envoy holds, `right` what istiod would send. No row: they are the same, and a note says so.
    ///
    /// ```rhai
    /// proxy_status("deploy/customer.olaf-customer").len()    // 0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn proxy_status(context: NativeCallContext, which: Dynamic) -> Fallible<Array> {
        let call = Call::of(&context)?;
        call.check(are_pods(&which))?;
        let rows = super::super::diff::functions::diff(context, which, "istiod".into())?;
        call.mesh().note(if rows.is_empty() {
            "what istiod would send is what Envoy holds, of all proxies that answered: no field differs"
        } else {
            "`left` is what Envoy holds, `right` is what istiod would send"
        });
        Ok(rows)
    }
    /// What each replica of the control planes has of an object, and whether that is the newest. Returns `distribution` rows.
    ///
    /// Istio's own kinds and those of the Gateway API can be followed. `sync::reached()` tells whether the proxies have it, too.
    ///
    /// Symptoms: an object that istiod does not have, or has an old one of.
    ///
    /// ```rhai
    /// distribution("requestauthentication", "customerjwt", "olaf-customer")[0].current    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn distribution(context: NativeCallContext, kind: &str, name: &str, namespace: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(distribution::distribution(call.mesh(), kind, name, namespace))?))
    }
}

/// Whether an argument is a pod, several, or a tape of some; the error says what else it is.
fn are_pods(which: &Dynamic) -> Result<()> {
    match which.read_lock::<Array>() {
        Some(items) => items.iter().try_for_each(|item| argument(item).map(drop)),
        None if which.is::<OpenTape>() => Ok(()),
        None => argument(which).map(drop),
    }
}
