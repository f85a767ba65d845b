//! The control planes: their replicas and what these wrote to their logs.

use crate::host::{Call, Fallible, Row, options};
use crate::mesh::istiod_logs::{self, IstiodLogOptions};
use crate::mesh::{istiods, platform};
use rhai::plugin::*;
use rhai::{Array, Map};

/// istiod, every replica of every revision.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The replicas of all control planes, with the extra CA mounted in each. Returns `istiod` rows.
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
}
