//! Tapes as values: an old recording beside the mesh at hand, or two of them.

use super::pod_arg::Home;
use super::source::{allowed, blocking, ordinary};
use crate::backend::{Backend, Tape, demo};
use crate::host::{Call, Fallible, OpenTape, Row, options};
use crate::mesh::pod_ref::{PodArg, resolve};
use crate::mesh::pods::{self, PodOptions};
use rhai::plugin::*;
use rhai::{Array, Map, Module};
use std::sync::Arc;

/// The tape that a file holds.
fn recorded(call: &Call, file: &str) -> Fallible<Tape> {
    let path = call.check(allowed(&call.session().files(), file))?;
    let name = file.to_owned();
    call.wait(blocking(move || ordinary(&name, &path).and_then(|_| Tape::open(path))))
}

/// What can be done with a tape, as a family of functions.
pub fn functions() -> Module {
    let mut module = rhai::exported_module!(of_tapes);
    module.set_custom_type::<OpenTape>("tape");
    module
}

/// Recordings as values. Whatever takes a pod takes the rows of a tape's pods, and asks the tape.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
mod of_tapes {
    /// Open a tape, to look at it beside the mesh at hand. All functions about proxies take it: they ask all of its proxies.
    ///
    /// `tape("demo")` is the one that comes with pilotage. A playbook may only open tapes below the folder it is run in.
    ///
    /// Symptoms: somebody else's case, recorded.
    ///
    /// ```rhai
    /// let old = tape("demo");
    /// filters(old, #{ name: "router" }).len() > 0    // true
    /// ```
    #[rhai_fn(name = "tape", return_raw)]
    pub fn open(context: NativeCallContext, file: &str) -> Fallible<OpenTape> {
        let call = Call::of(&context)?;
        let tape = if file == OpenTape::DEMO { call.check(demo())? } else { recorded(&call, file)? };
        tape.notes().into_iter().for_each(|note| call.mesh().note(note));
        Ok(OpenTape::new(call.mesh().beside(Arc::new(tape))))
    }

    /// All pods that were recorded. Returns `pod` rows; whoever asks one of them asks the tape.
    ///
    /// ```rhai
    /// tape("demo").pods().len() > 1    // true
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn all_pods(context: NativeCallContext, tape: OpenTape) -> Fallible<Array> {
        pods_with(context, tape, "*", Map::new())
    }

    /// The recorded pods of a namespace; `"*"` for all. Returns `pod` rows.
    ///
    /// ```rhai
    /// tape("demo").pods("olaf")[0].namespace    // "olaf"
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn pods_in(context: NativeCallContext, tape: OpenTape, namespace: &str) -> Fallible<Array> {
        pods_with(context, tape, namespace, Map::new())
    }

    /// Those recorded pods of a namespace that fit. Returns `pod` rows; takes `pod options`.
    ///
    /// ```rhai
    /// tape("demo").pods("*", #{ app: "customer" })[0].app    // "customer"
    /// ```
    #[rhai_fn(name = "pods", return_raw)]
    pub fn pods_with(context: NativeCallContext, tape: OpenTape, namespace: &str, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: PodOptions = options(&call, more)?;
        let rows = call.wait(pods::pods(tape.mesh(), Some(namespace), &more))?;
        Ok(Row::many_from(Home::of(tape.mesh()), rows))
    }

    /// One recorded pod, in any form that names pods: `"web-0.shop"`, `"deploy/web.shop"`. Returns a `pod` row.
    ///
    /// ```rhai
    /// tape("demo").pod("deploy/customer.olaf-customer").proxy    // "sidecar"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pod(context: NativeCallContext, tape: OpenTape, pod: &str) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let mesh = tape.mesh();
        let found = call.wait(async {
            let target = resolve(mesh, &PodArg::Text(pod.into())).await?;
            let all = pods::pods(mesh, Some(&target.namespace), &PodOptions::default()).await?;
            Ok(all.into_iter().filter(|pod| pod.name == target.name).take(1).collect::<Vec<_>>())
        })?;
        Ok(Row::many_from(Home::of(mesh), found).pop().unwrap_or_default())
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show(tape: &mut OpenTape) -> String {
        tape.to_string()
    }
}
