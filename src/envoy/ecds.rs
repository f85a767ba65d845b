//! Extension configurations (ECDS): filters that are delivered by themselves, as Istio does with Wasm plugins.

use super::dump::{Dump, List, Section};
use super::kept::Kept;
use super::trail::Trail;
use super::update::Failure;
use super::wire::{Flaws, Raw, Text, found};
use crate::error::Result;
use crate::json::{Doc, Found, each};
use crate::record;
use std::collections::HashMap;
use std::sync::Arc;

record! {
    /// An extension configuration that a proxy was sent by itself: filters refer to it by name.
    pub struct Extension as "ecds" {
        /// Its name.
        pub ecds_name: String,
        /// The type of its configuration, with its package: `envoy.extensions.filters.http.wasm.v3.Wasm`.
        pub r#type: Option<String>,
        /// The type without its package; of a wrapper (`TypedStruct`), the type that it stands for.
        pub kind: Option<String>,
        /// `active`, or `rejected` (never used: see `error_state`).
        pub state: &'static str,
        /// Its configuration, as it stands in the dump.
        [wide] pub config: Option<Kept>,
        /// The version of the update it came with.
        [wide] pub version: Option<String>,
        /// When that was, in UTC.
        [wide] pub last_updated: Option<String>,
        /// Why Envoy rejected the last update of it; it goes on with what is shown, unless the state is `rejected`.
        [wide] pub error_state: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct Entry<'de> {
        version_info: Option<Text<'de>>,
        ecds_filter: Option<TypedConfig<'de>>,
        last_updated: Option<Text<'de>>,
        error_state: Option<Failure<'de>>,
    }
}

wire! {
    struct TypedConfig<'de> {
        name: Text<'de>,
        typed_config: Raw<'de>,
    }
}

wire! {
    struct Typed<'de> {
        at_type = "@type": Text<'de>,
    }
}

/// The extension configurations of a dump, by type and name. A dump without any has none.
///
/// # Errors
/// When the document holds something else.
pub fn ecds(dump: &Dump) -> Result<Vec<Found<Extension>>> {
    dump.expect(&[Section::Ecds])?;
    let read_all = |list: &List| each(&list.node, |entry| found(entry, read));
    let mut all: Vec<Found<Extension>> = dump.lists(Section::Ecds).into_iter().flat_map(read_all).collect();
    all.sort_by(|a, b| (&a.record.r#type, &a.record.ecds_name).cmp(&(&b.record.r#type, &b.record.ecds_name)));
    Ok(all)
}

fn read(entry: Entry<'_>, flaws: &Flaws) -> Extension {
    let rejected = entry.ecds_filter.is_none().then_some(entry.error_state.as_ref()).flatten();
    let config =
        entry.ecds_filter.or_else(|| rejected.map(|failure| failure.failed_configuration.read(flaws))).unwrap_or_default();
    let typed: Typed<'_> = config.typed_config.read(flaws);
    let kind = typed.at_type.strip_prefix("type.googleapis.com/").unwrap_or(&typed.at_type);
    Extension {
        ecds_name: config.name.to_string(),
        r#type: (!kind.is_empty()).then(|| kind.to_owned()),
        kind: config.typed_config.kind(),
        state: if rejected.is_some() { "rejected" } else { "active" },
        config: Kept::of(config.typed_config),
        version: entry.version_info.map(Text::into_owned),
        last_updated: entry.last_updated.map(Text::into_owned),
        error_state: entry.error_state.map(|failure| failure.line()),
        broken: flaws.line(),
    }
}

/// An extension configuration that a filter refers to.
pub(super) struct Delivered {
    pub config: Kept,
    /// The way to it in the dump.
    pub trail: Trail,
}

/// The extension configurations that filters can refer to, by name.
pub(super) fn delivered(dump: &Dump) -> HashMap<String, Delivered> {
    let mut all = HashMap::new();
    for list in dump.lists(Section::Ecds) {
        let one = |entry: &crate::json::Entry<'_>| {
            let (row, size) = found(entry, read);
            ((row.record, is_camel(entry.rest(), size, &["ecdsFilter"])), size)
        };
        for (number, (row, camel)) in each(&list.node, one).into_iter().enumerate() {
            if let (Some(config), "active") = (row.config, row.state) {
                let trail = Trail::new(&list.path, camel).at(number).to("ecds_filter.typed_config");
                all.insert(row.ecds_name, Delivered { config, trail });
            }
        }
    }
    all
}

/// Whether an entry is written in istiod's spelling: then it has one of these keys.
pub(super) fn is_camel(rest: &[u8], size: Option<usize>, keys: &[&str]) -> bool {
    let text = rest.get(..size.unwrap_or(0)).unwrap_or_default();
    keys.iter().any(|key| memchr::memmem::find(text, format!("\"{key}\"").as_bytes()).is_some())
}

/// A dump of listeners together with the extension configurations of another answer, so that their filters can be told.
///
/// # Errors
/// When they cannot be put together, for want of memory.
pub fn with_extensions(listeners: &Arc<Doc>, extensions: &Arc<Doc>) -> Result<Arc<Doc>> {
    let configs = |doc: &Arc<Doc>| doc.root().get("configs").into_iter().flat_map(|configs| configs.iter()).collect::<Vec<_>>();
    let of_ecds =
        |config: &crate::json::Node| config.get("@type").and_then(|kind| Some(kind.as_str()?.contains(".Ecds"))) == Some(true);
    let (own, other) = (configs(listeners), configs(extensions));
    let texts: Vec<&str> = own.iter().chain(other.iter().filter(|config| of_ecds(config))).map(|config| config.text()).collect();
    Doc::parse(format!("{{\"configs\":[{}]}}", texts.join(",")).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rows(entries: Value) -> Vec<Extension> {
        let dump = json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.EcdsConfigDump", "ecds_filters": entries}]});
        let doc = Doc::parse(dump.to_string().into()).unwrap();
        ecds(&Dump::open(&doc).unwrap()).unwrap().into_iter().map(|found| found.record).collect()
    }

    fn extension(name: &str, kind: &str) -> Value {
        json!({"version_info": "v1", "last_updated": "2026-11-22T13:05:41Z", "ecds_filter": {
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": name,
            "typed_config": {"@type": format!("type.googleapis.com/{kind}"), "a": 1}}})
    }

    #[test]
    fn they_come_by_type_and_name() {
        let found = rows(json!([extension("b", "x.Wasm"), extension("a", "x.Wasm"), extension("z", "x.Lua")]));
        let told: Vec<(&str, &str)> = found.iter().map(|row| (row.r#type.as_deref().unwrap(), row.ecds_name.as_str())).collect();
        assert_eq!(told, [("x.Lua", "z"), ("x.Wasm", "a"), ("x.Wasm", "b")]);
        let row = &found[1];
        assert_eq!((row.kind.as_deref(), row.version.as_deref(), row.state), (Some("Wasm"), Some("v1"), "active"));
        assert_eq!(row.config.as_ref().unwrap().value()["a"], 1);
    }

    #[test]
    fn wrappers_say_what_they_stand_for() {
        let mut wrapped = extension("a", "udpa.type.v1.TypedStruct");
        wrapped["ecds_filter"]["typed_config"]["type_url"] = "type.googleapis.com/envoy.x.v3.Jwt".into();
        let row = rows(json!([wrapped])).remove(0);
        assert_eq!((row.r#type.as_deref(), row.kind.as_deref()), (Some("udpa.type.v1.TypedStruct"), Some("Jwt")));
    }

    #[test]
    fn rejected_and_broken_ones_are_told() {
        let failed = extension("new", "x.Wasm")["ecds_filter"].clone();
        let found = rows(json!([{"error_state": {"failed_configuration": failed, "details": "no"}}, 7]));
        let rejected = found.iter().find(|row| row.ecds_name == "new").unwrap();
        assert_eq!((rejected.state, rejected.error_state.as_deref()), ("rejected", Some("no")));
        assert!(found.iter().any(|row| row.broken.is_some()));
        assert!(rows(json!([])).is_empty());
    }

    #[test]
    fn a_dump_without_that_section_has_none() {
        let doc = Doc::parse(r#"{"configs":[]}"#.into()).unwrap();
        assert!(ecds(&Dump::open(&doc).unwrap()).unwrap().is_empty());
    }
}
