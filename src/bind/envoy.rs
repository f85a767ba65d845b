//! What a proxy says about itself, over its admin port.

use super::pod_arg::per_pod;
use super::subject::document;
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, from_node, options};
use crate::json::Doc;
use crate::mesh::dump_choice::Choice;
use crate::mesh::reach;
use rhai::plugin::*;
use rhai::{Dynamic, Map};

crate::options! {
    /// Which part of a configuration to ask for.
    pub struct DumpOptions as "dump options" {
        /// Who is asked: `"proxy"` for what it holds, `"istiod"` for what it would be sent.
        pub from: Option<String>,
        /// Only these fields of the dump: `"dynamic_listeners,static_listeners"`. Envoy leaves out the rest at the source.
        pub mask: Option<String>,
        /// Endpoints too, which Envoy leaves out otherwise.
        pub include_eds: bool,
        /// Only the resources of this list: `"dynamic_active_clusters"`.
        pub resource: Option<String>,
        /// Only resources whose name this regular expression fits from end to end: `"outbound.*"`.
        pub name_regex: Option<String>,
    }
}

/// One proxy, or an array of them at once.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The whole configuration of a proxy, or what a file holds, as a document that is read where it is touched.
    ///
    /// Text is a file's name when it is `-` (standard input), begins with `./`, `../`, `/` or `~/`, or ends in `.json`, `.txt`,
    /// `.gz`, `.zst` or `.yaml`. Packed files, UTF-16 and a line in front of the JSON are understood. All functions about a
    /// proxy's configuration and state take such names and such documents in place of a pod: `clusters("dump.json.gz")`.
    ///
    /// ```rhai
    /// config_dump("deploy/customer.olaf-customer").configs.len() > 3    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn config_dump(context: NativeCallContext, pod: Dynamic) -> Fallible<Dynamic> {
        config_dump_with(context, pod, Map::new())
    }

    /// Part of the configuration of a proxy, as a document that is read where it is touched. Takes `dump options`.
    ///
    /// Of an array of pods: rows of `namespace`, `pod` and `config_dump`.
    ///
    /// ```rhai
    /// let dump = config_dump("deploy/customer.olaf-customer", #{ mask: "dynamic_listeners,static_listeners" });
    /// dump.configs.len()    // 1
    /// ```
    #[rhai_fn(name = "config_dump", return_raw)]
    pub fn config_dump_with(context: NativeCallContext, pod: Dynamic, more: Map) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let more: DumpOptions = options(&call, more)?;
        let sent = call.check(more.is_of_istiod())?;
        let choice = &more.choice();
        if let Some((name, node)) = document(&call, &pod)? {
            return if choice.is_whole() && !sent { Ok(from_node(&node)) } else { Err(call.fail(no_choice(name))) };
        }
        let asked = per_pod(&call, &pod, |mesh, target| async move {
            let doc = if sent { reach::sent(&mesh, &target).await } else { reach::chosen(&mesh, &target, choice).await };
            Ok(from_node(&doc?.root()))
        })?;
        Ok(asked.values("config_dump"))
    }

    /// GET a page of a proxy's admin port: JSON as a document, anything else as text.
    ///
    /// Of an array of pods: rows of `namespace`, `pod` and `answer`. A refusal in Envoy's own words is an error that says them.
    ///
    /// ```rhai
    /// admin("deploy/customer.olaf-customer", "/ready").contains("LIVE")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn admin(context: NativeCallContext, pod: Dynamic, path: &str) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        if !path.starts_with('/') {
            let error = Error::new(Kind::BadInput, format!("{path:?} is no path of an admin page"));
            return Err(call.fail(error.hint(format!("it begins with a slash: {:?}", format!("/{path}")))));
        }
        let asked = per_pod(&call, &pod, |mesh, target| async move {
            let answer = reach::admin(&mesh, &target, path).await?;
            let first = answer.body.iter().find(|byte| !byte.is_ascii_whitespace());
            Ok(match first {
                Some(b'{' | b'[') => match Doc::parse(answer.body.clone()) {
                    Ok(doc) => from_node(&doc.root()),
                    Err(_) => answer.text().into_owned().into(),
                },
                _ => answer.text().into_owned().into(),
            })
        })?;
        Ok(asked.values("answer"))
    }
}

impl DumpOptions {
    /// Whether istiod is asked in place of the proxy.
    fn is_of_istiod(&self) -> Result<bool> {
        let sent = match self.from.as_deref() {
            None | Some("proxy") => false,
            Some("istiod") => true,
            Some(other) => {
                let error = Error::new(Kind::BadInput, format!("option \"from\": {other:?} is nobody who can be asked"));
                return Err(error.hint("it is \"proxy\" or \"istiod\""));
            }
        };
        if sent && !self.clone().choice().is_whole() {
            let error = Error::new(Kind::BadInput, "istiod gives all that it would send, and no part of it");
            return Err(error.hint("leave out mask, include_eds, resource and name_regex"));
        }
        Ok(sent)
    }

    fn choice(self) -> Choice {
        let Self { mask, include_eds, resource, name_regex, .. } = self;
        Choice { mask, include_eds, resource, name_regex }
    }
}

fn no_choice(file: Option<String>) -> Error {
    let name = file.unwrap_or_else(|| "a document".into());
    Error::new(Kind::BadInput, format!("{name} holds what it holds: `dump options` are for proxies"))
        .hint("take a part of it: `.configs[0]`, or `jsonpath(dump, \"$.configs[?@.dynamic_listeners]\")`")
}
