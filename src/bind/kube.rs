//! What the cluster holds: pods, services and the rest, as rows.

use super::pod_arg;
use crate::host::{Call, Fallible, Row, options};
use crate::mesh::logs::{self, LogOptions};
use crate::mesh::pods::{self, PodOptions};
use rhai::plugin::*;
use rhai::{Array, Map};

/// What the Kubernetes API server knows.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The pods of the namespace at hand, or of all when none was chosen. Returns `pod` rows.
    ///
    /// ```rhai
    /// pods().len() > 3    // true
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn all_pods(context: NativeCallContext) -> Fallible<Array> {
        pods_with(context, "", Map::new())
    }

    /// The pods of a namespace; `"*"` for all. Returns `pod` rows.
    ///
    /// ```rhai
    /// pods("olaf")[0].proxy    // "gateway"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pods(context: NativeCallContext, namespace: &str) -> Fallible<Array> {
        pods_with(context, namespace, Map::new())
    }

    /// The pods of a namespace (`""` for the one at hand, `"*"` for all) that fit. Returns `pod` rows; takes `pod options`.
    ///
    /// ```rhai
    /// pods("*", #{ selector: "app=customer" }).len()    // 1
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn pods_with(context: NativeCallContext, namespace: &str, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: PodOptions = options(&call, more)?;
        let rows = call.wait(pods::pods(call.mesh(), Some(namespace), &more))?;
        Ok(Row::many(rows))
    }

    /// The log of a pod, or of an array of pods merged by time. Returns `log_line` rows.
    ///
    /// ```rhai
    /// logs("deploy/customer.olaf-customer").len() > 0    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn logs(context: NativeCallContext, pod: Dynamic) -> Fallible<Array> {
        logs_with(context, pod, Map::new())
    }

    /// Part of the log of a pod, or of an array of pods merged by time. Returns `log_line` rows; takes `log options`.
    ///
    /// Who is asked and does not answer becomes a note.
    ///
    /// ```rhai
    /// logs(pods("olaf"), #{ container: "istio-proxy", tail: 5 }).len()    // 5
    /// ```
    #[rhai_fn(name = "logs", return_raw)]
    pub fn logs_with(context: NativeCallContext, pod: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: LogOptions = options(&call, more)?;
        let pods = pod_arg::arguments(&call, &pod)?;
        Ok(Row::many(call.wait(logs::logs(call.mesh(), &pods, &more))?))
    }
}
