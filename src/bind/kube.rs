//! What the cluster holds: pods, services and the rest, as rows.

use crate::host::{Call, Fallible, Row, options};
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
}
