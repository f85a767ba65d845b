//! What a proxy says of its own process: version, state, how long it runs, how it was started.

use super::node::NodeWire;
use super::page::one;
use super::wire::{Flaws, Pairs, Raw, Text};
use crate::error::Result;
use crate::json::{Found, Node};
use crate::record;
use serde_json::{Map, Value};

record! {
    /// A proxy's process.
    pub struct ServerInfo as "server info" {
        /// Envoy's version: `1.40.0`.
        pub version: String,
        /// What it does: `LIVE`, `PRE_INITIALIZING`, `INITIALIZING` (waits for its configuration) or `DRAINING`.
        pub state: String,
        /// For how long it runs: `3600s`.
        pub uptime: Option<String>,
        /// How often it was restarted in place (hot restart): 0 for never.
        pub restart_epoch: Option<u64>,
        /// How many worker threads it runs.
        pub concurrency: Option<u64>,
        /// The version of Istio that it came with.
        pub istio_version: Option<String>,
        /// The name by which istiod knows it.
        pub node_id: Option<String>,
        /// For how many seconds it runs.
        [wide] pub uptime_seconds: Option<u64>,
        /// The same counted over all in-place restarts.
        [wide] pub uptime_all_epochs: Option<String>,
        /// The commit that Envoy was built from.
        [wide] pub revision: Option<String>,
        /// Whether that commit was changed before building: `Clean` or `Modified`.
        [wide] pub revision_status: Option<String>,
        /// `RELEASE` or `DEBUG`.
        [wide] pub build: Option<String>,
        /// The TLS library: `BoringSSL`, `BoringSSL-FIPS`.
        [wide] pub ssl: Option<String>,
        /// The version of the in-place restart; `disabled` under Istio.
        [wide] pub hot_restart_version: Option<String>,
        /// The service cluster that it says it is in.
        [wide] pub service_cluster: Option<String>,
        /// The log level that it was started with.
        [wide] pub log_level: Option<String>,
        /// Loggers that it was started with another level for: `misc:error`.
        [wide] pub component_log_level: Option<String>,
        /// All options of its command line.
        [wide] pub command_line_options: Map<String, Value>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct InfoWire<'de> {
        version: Text<'de>,
        state: Option<Text<'de>>,
        uptime_current_epoch: Option<Text<'de>>,
        uptime_all_epochs: Option<Text<'de>>,
        hot_restart_version: Option<Text<'de>>,
        command_line_options: Pairs<'de, Raw<'de>>,
        node: Option<NodeWire<'de>>,
    }
}

/// What `/server_info` says: one.
///
/// # Errors
/// The document is another page.
pub fn server_info(root: &Node) -> Result<Vec<Found<ServerInfo>>> {
    Ok(vec![one(root, "/server_info", "version", record)?])
}

fn record(wire: InfoWire<'_>, flaws: &Flaws) -> ServerInfo {
    let option = |key: &str| wire.command_line_options.get(key).map(|value| value.value());
    let count = |key: &str| option(key)?.as_u64();
    let word = |key: &str| Some(option(key)?.as_str()?.to_owned()).filter(|text| !text.is_empty());
    // `sha/1.40.0/Clean/RELEASE/BoringSSL`
    let parts: Vec<&str> = wire.version.split('/').collect();
    let part = |index: usize| parts.get(index).map(|part| (*part).to_owned());
    let node = wire.node.as_ref();
    ServerInfo {
        version: part(1).unwrap_or_else(|| wire.version.to_string()),
        // The first state is a default, and left out by some.
        state: wire.state.as_deref().unwrap_or("LIVE").to_owned(),
        uptime_seconds: wire.uptime_current_epoch.as_deref().and_then(|uptime| uptime.trim_end_matches('s').parse().ok()),
        uptime: wire.uptime_current_epoch.map(Text::into_owned),
        restart_epoch: count("restart_epoch"),
        concurrency: count("concurrency"),
        istio_version: node.and_then(|node| node.text("ISTIO_VERSION")),
        node_id: node.map(|node| node.id.to_string()).filter(|id| !id.is_empty()),
        uptime_all_epochs: wire.uptime_all_epochs.map(Text::into_owned),
        revision: part(0).filter(|_| parts.len() > 1),
        revision_status: part(2),
        build: part(3),
        ssl: part(4),
        hot_restart_version: wire.hot_restart_version.map(Text::into_owned),
        service_cluster: node.map(|node| node.cluster.to_string()).filter(|cluster| !cluster.is_empty()),
        log_level: word("log_level"),
        component_log_level: word("component_log_level"),
        command_line_options: wire.command_line_options.0.iter().map(|(key, value)| (key.to_string(), value.value())).collect(),
        broken: flaws.line(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<ServerInfo> {
        Ok(server_info(&Node::from_value(&value)?)?.remove(0).record)
    }

    #[test]
    fn the_version_is_taken_apart() {
        let row = read(
            json!({"version": "9e55/1.40.0/Clean/RELEASE/BoringSSL", "state": "INITIALIZING", "uptime_current_epoch": "3600s",
            "command_line_options": {"concurrency": 2, "restart_epoch": 0, "log_level": "warning", "component_log_level": ""},
            "node": {"id": "sidecar~a", "cluster": "web.shop", "metadata": {"ISTIO_VERSION": "1.31.0"}}}),
        )
        .unwrap();
        assert_eq!(
            (row.version.as_str(), row.revision.as_deref(), row.ssl.as_deref()),
            ("1.40.0", Some("9e55"), Some("BoringSSL"))
        );
        assert_eq!(
            (row.state.as_str(), row.uptime_seconds, row.concurrency, row.restart_epoch),
            ("INITIALIZING", Some(3600), Some(2), Some(0))
        );
        assert_eq!(
            (row.istio_version.as_deref(), row.log_level.as_deref(), row.component_log_level),
            (Some("1.31.0"), Some("warning"), None)
        );
        assert_eq!((row.command_line_options["concurrency"].clone(), row.broken), (json!(2), None));
    }

    #[test]
    fn a_version_of_another_form_is_shown_whole() {
        let row = read(json!({"version": "dev"})).unwrap();
        assert_eq!((row.version.as_str(), row.revision, row.node_id), ("dev", None, None));
    }

    #[test]
    fn another_page_and_another_type_are_told() {
        let error = read(json!({"configs": []})).unwrap_err();
        assert!(error.message().contains("not the answer of /server_info: it looks like a config dump"), "{error}");
        let row = read(json!({"version": 7, "command_line_options": []})).unwrap();
        assert_eq!(row.broken.as_deref(), Some("version is not text, command_line_options is not an object"));
    }
}
