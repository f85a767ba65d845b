//! What control planes say of themselves: their pages, the mesh's settings, versions.

use crate::host::{Call, Fallible, Row, Shape, from_node, options};
use crate::mesh::istiod_choice::IstiodOptions;
use crate::mesh::istiod_debug::{self, IstiodAnswer, Said};
use crate::mesh::{mesh_config, versions};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

/// istiod's own pages.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// GET a page of istiod: JSON as a document, anything else as text. Of several replicas, rows of `istiod`, `revision` and `answer`.
    ///
    /// The page is a name (`"syncz"`, `"edsz?proxyID=web-0.shop"`) or a path (`"/debug/syncz"`, `"/version"`, `"/metrics"`);
    /// `istiod_debug("list")` lists them. For an empty list istiod says `null`, which is `()`. `proxyID` is looked for anywhere in
    /// the names of connections: write it as NAME.NAMESPACE. A proxy is connected to one replica, and the others do not know it.
    /// Pages that change something are refused. Read istiod's log before its `config_dump`, which makes it log anew.
    ///
    /// Symptoms: endpoints that vanish on the way from Kubernetes to the proxy: `edsz`, `endpointShardz`; a remote cluster that
    /// is not synced: `clusterz`.
    ///
    /// ```rhai
    /// istiod_debug("clusterz")[0].syncStatus    // "synced"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn istiod_debug(context: NativeCallContext, path: &str) -> Fallible<Dynamic> {
        istiod_debug_with(context, path, Map::new())
    }

    /// The same of these replicas only. Takes `istiod options`.
    ///
    /// One named replica gives its answer alone, an array of them gives rows, however many there are.
    ///
    /// ```rhai
    /// istiod_debug("syncz", #{ istiod: istiods() })[0].istiod    // "istio-system/istiod-lab"
    /// ```
    #[rhai_fn(name = "istiod_debug", return_raw)]
    pub fn istiod_debug_with(context: NativeCallContext, path: &str, more: Map) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let more: IstiodOptions = options(&call, more)?;
        let answers = call.wait(istiod_debug::istiod_debug(call.mesh(), path, &more))?;
        let mut all = answers.all;
        Ok(match all.pop() {
            Some(only) if answers.single => value(only.said),
            last => rows(all.into_iter().chain(last).collect()),
        })
    }

    /// The mesh's settings as the control plane has them, defaults included: of the only one, or of the default one.
    ///
    /// Where no istiod can be asked they are read from the ConfigMap, with a note: it holds only what differs from the defaults.
    ///
    /// Symptoms: egress that is blocked: `REGISTRY_ONLY`, `outboundTrafficPolicy`; no access log at all: `accessLogFile`.
    ///
    /// ```rhai
    /// mesh_config().trustDomain    // "cluster.local"
    /// ```
    #[rhai_fn(name = "mesh_config", return_raw)]
    pub fn default_mesh_config(context: NativeCallContext) -> Fallible<Dynamic> {
        mesh_config(context, "")
    }

    /// Those of the control plane of a revision, or of the revision that a tag stands for.
    ///
    /// ```rhai
    /// mesh_config("default").defaultConfig.proxyAdminPort    // 15000
    /// ```
    #[rhai_fn(return_raw)]
    pub fn mesh_config(context: NativeCallContext, revision: &str) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let doc = call.wait(mesh_config::mesh_config(call.mesh(), Some(revision)))?;
        Ok(from_node(&doc.root()))
    }

    /// Which versions run: pilotage's, each istiod's, and those of the proxies, counted, with how far they are from their istiod's. Returns `version` rows.
    ///
    /// Symptoms: version skew after an upgrade.
    ///
    /// ```rhai
    /// versions().filter(|row| row.component == "proxy").map(|row| row.skew)    // [0,0]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn versions(context: NativeCallContext) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.wait(versions::versions(call.mesh()))?))
    }
}

fn value(said: Said) -> Dynamic {
    match said {
        Said::Json(doc) => from_node(&doc.root()),
        Said::Text(text) => text.into(),
    }
}

fn rows(answers: Vec<IstiodAnswer>) -> Dynamic {
    let shape = Shape::named("answer", &["istiod", "revision", "answer"]);
    let row =
        |one: IstiodAnswer| Dynamic::from(Row::new(shape.clone(), vec![one.istiod.into(), one.revision.into(), value(one.said)]));
    answers.into_iter().map(row).collect::<Array>().into()
}
