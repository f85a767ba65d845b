//! The node that a proxy says it is: its name, and what Istio wrote about it.

use super::wire::{Flaws, Pairs, Raw, Text};
use serde_json::Value;

wire! {
    /// Envoy's `Node`.
    pub(super) struct NodeWire<'de> {
        id: Text<'de>,
        cluster: Text<'de>,
        metadata: Pairs<'de, Raw<'de>>,
        locality: Locality<'de>,
        build_version: Option<Text<'de>>,
        user_agent_build_version: Option<BuildVersion<'de>>,
    }
}

wire! {
    /// Where it runs.
    pub(super) struct Locality<'de> {
        region: Text<'de>,
        zone: Text<'de>,
        sub_zone: Text<'de>,
    }
}

wire! {
    /// Which Envoy it is.
    pub(super) struct BuildVersion<'de> {
        version: Semantic<'de>,
        metadata: Pairs<'de, Raw<'de>>,
    }
}

wire! {
    /// The parts of a version number.
    pub(super) struct Semantic<'de> {
        major_number: u64,
        minor_number: u64,
        patch: u64,
    }
}

impl NodeWire<'_> {
    /// A text or number of the metadata; nothing when it is missing or empty.
    pub fn text(&self, key: &str) -> Option<String> {
        text(self.metadata.get(key)?.value())
    }

    /// A part of the metadata as it is.
    pub fn value(&self, key: &str) -> Option<Value> {
        Some(self.metadata.get(key)?.value()).filter(|value| !value.is_null())
    }

    /// A field of the proxy's own settings (`ProxyConfig`).
    pub fn setting(&self, key: &str) -> Option<Value> {
        let settings: Pairs<'_, Raw<'_>> = self.metadata.get("PROXY_CONFIG")?.read(&Flaws::default());
        Some(settings.get(key)?.value())
    }

    /// A text of the proxy's own settings.
    pub fn setting_text(&self, key: &str) -> Option<String> {
        text(self.setting(key)?)
    }

    /// `region/zone/sub_zone`, as far as it is known.
    pub fn place(&self) -> Option<String> {
        let parts = [&self.locality.region, &self.locality.zone, &self.locality.sub_zone];
        let known: Vec<&str> = parts.iter().map(|part| part.as_ref()).take_while(|part| !part.is_empty()).collect();
        (!known.is_empty()).then(|| known.join("/"))
    }

    /// The commit that the proxy was built from.
    pub fn revision(&self) -> Option<String> {
        let build = self.user_agent_build_version.as_ref()?;
        text(build.metadata.get("revision.sha")?.value())
    }

    /// The version as istioctl writes it: `1.40.0/Clean/RELEASE/BoringSSL`.
    pub fn envoy_version(&self) -> Option<String> {
        let Some(build) = &self.user_agent_build_version else {
            // Until 2020: `sha/1.12.0/Clean/RELEASE/BoringSSL`.
            let old = self.build_version.as_deref()?;
            return Some(old.split_once('/').map_or(old, |(_, version)| version).to_owned());
        };
        let Semantic { major_number, minor_number, patch, .. } = &build.version;
        let mut version = format!("{major_number}.{minor_number}.{patch}");
        let part = |key: &str| build.metadata.get(key).and_then(|part| text(part.value()));
        if let Some(label) = part("build.label") {
            version = format!("{version}-{label}");
        }
        for part in ["revision.status", "build.type", "ssl.version"].into_iter().filter_map(part) {
            version = format!("{version}/{part}");
        }
        Some(version)
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
