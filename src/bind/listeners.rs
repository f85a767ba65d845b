//! What a proxy runs, as rows: its listeners.

use super::filter::{Port, same};
use super::subject::{Page, Where, rows};
use crate::envoy::{self, Listener, Section};
use crate::host::{Call, Fallible, options};
use crate::json::Found;
use crate::mesh::Mesh;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which listeners to list.
    pub struct ListenerOptions as "listener options" {
        /// Only those on exactly this address, in any case.
        pub address: Option<String>,
        /// Only those on this port.
        pub port: Option<Port>,
        /// Only those of this type, in any case: `HTTP`, `TCP`, `HTTP+TCP`, `UNKNOWN`.
        pub r#type: Option<String>,
        /// Only those whose name contains this.
        pub name: Option<String>,
        /// Whether to list what is not in force, too: what is draining or rejected, and what has no filter chain.
        pub all: bool,
        /// Only those whose fields have these values: `#{ route_name: "8080" }`. Who asks for a `state` gets it, hidden or not.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The listeners of a proxy, a row for each filter chain: which connections it takes, and where they go. Returns `listener`
    /// rows.
    ///
    /// istioctl's MATCH is the column `matches`: scripts cannot use the other word. What is warming is listed, as it
    /// is of clusters and secrets (istioctl hides it); what is rejected is told in a note; `all: true` lists that, too. Of an array of pods, rows gain `namespace` and `pod`. A `config_dump`, or what istioctl kept,
    /// is read as well.
    ///
    /// Symptoms: `filter_chain_not_found`; a plain-text client at STRICT mTLS: connection reset, empty reply; a port whose
    /// protocol is taken for another (`0.0.0.0_8080`); a gateway port that does not listen.
    ///
    /// ```rhai
    /// listeners("deploy/customer.olaf-customer").some(|listener| listener.destination == "PassthroughCluster")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn listeners(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        listeners_with(context, proxy, Map::new())
    }

    /// Those listeners of a proxy that fit, a row for each filter chain. Returns `listener` rows; takes `listener options`.
    ///
    /// ```rhai
    /// listeners("deploy/customer.olaf-customer", #{ port: 15006, where: #{ destination: "Cluster: inbound|8080||" } })[0].tls_mode    // "ISTIO_MUTUAL"
    /// ```
    #[rhai_fn(name = "listeners", return_raw)]
    pub fn listeners_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: ListenerOptions = options(&call, more)?;
        let fields = Where::of::<Listener>(&call, &more.r#where)?;
        let mesh = call.mesh().clone();
        rows(&call, &proxy, Page::Part(Section::Listeners), move |dump| {
            let mut found = envoy::listeners(dump)?;
            if !more.wants_all() {
                tell_hidden(&mesh, &found);
                found.retain(|found| found.record.is_shown());
            }
            found.retain(|found| more.fits(&found.record) && fields.fits(&found.record));
            Ok(found)
        })
    }
}

/// What never will be in force is worth knowing even where it is not shown.
fn tell_hidden(mesh: &Mesh, found: &[Found<Listener>]) {
    for Found { record, .. } in found.iter().filter(|found| found.record.is_rejected()) {
        // Where it is the update of a listener that goes on, its rows say so.
        let known = |other: &Found<Listener>| other.record.is_shown() && other.record.name == record.name;
        if !found.iter().any(known) {
            let name = record.name.as_deref().unwrap_or("without a name");
            let why = record.error_state.as_deref().unwrap_or("no reason is told");
            mesh.note(format!("listener {name} was rejected: {why}"));
        }
    }
}

impl ListenerOptions {
    fn wants_all(&self) -> bool {
        self.all || self.r#where.contains_key("state")
    }

    fn fits(&self, listener: &Listener) -> bool {
        let name = listener.name.as_deref().unwrap_or_default();
        self.address.as_ref().is_none_or(|address| listener.is_at(address))
            && self.port.is_none_or(|port| listener.port == Some(port.number()))
            && same(&self.r#type, listener.r#type)
            && self.name.as_ref().is_none_or(|part| name.contains(part.as_str()))
    }
}
