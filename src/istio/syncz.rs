//! istiod's page `/debug/syncz`: what it sent to each proxy, and what the proxy said to that.

use crate::error::{Error, Kind, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A proxy's connection to one istiod.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The proxy: `NAME.NAMESPACE`.
    pub proxy: String,
    /// The cluster it is in; empty where istiod is too old to say.
    pub cluster: String,
    /// `sidecar`, `router`, `waypoint`, `ztunnel`; empty where istiod is too old to say.
    pub proxy_type: String,
    /// The version of Istio that it is of.
    pub istio_version: String,
    /// What else istiod says of its version.
    pub proxy_version: Option<String>,
    /// What was sent, by type: `cds`, `lds`, `eds`, `rds`, `ecds`, `sds`, …; types that the proxy did not ask for are absent.
    pub types: BTreeMap<String, Exchange>,
}

/// The state of one type of configuration on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The proxy took what was sent last.
    Synced,
    /// Sent, and not answered.
    Stale,
    /// Asked for, and nothing was sent.
    NotSent,
    /// Refused.
    Error,
}

/// What was sent of one type, and what came back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exchange {
    /// The nonce of what was sent last.
    pub sent: String,
    /// The nonce that was last accepted.
    pub acked: String,
    /// When it was sent (RFC 3339); older istiods tell it to the second, in the nonce.
    pub sent_time: Option<String>,
    /// Why the proxy refused it, in Envoy's words.
    pub last_error: Option<String>,
}

/// The last part of a type's URL, and its short name.
const TYPES: [(&str, &str); 10] = [
    ("Cluster", "cds"),
    ("Listener", "lds"),
    ("ClusterLoadAssignment", "eds"),
    ("RouteConfiguration", "rds"),
    ("TypedExtensionConfig", "ecds"),
    ("Secret", "sds"),
    ("NameTable", "nds"),
    ("ProxyConfig", "pcds"),
    ("Address", "wds"),
    ("Authorization", "wads"),
];

/// The fields in which every version tells of a type.
const FIELDS: [(&str, &str); 5] =
    [("cluster", "cds"), ("listener", "lds"), ("endpoint", "eds"), ("route", "rds"), ("extensionconfig", "ecds")];

impl Exchange {
    /// istiod's own reckoning.
    pub fn state(&self) -> State {
        if self.last_error.is_some() {
            State::Error
        } else if self.sent.is_empty() {
            State::NotSent
        } else if self.sent == self.acked {
            State::Synced
        } else {
            State::Stale
        }
    }

    /// When what the proxy last accepted was sent to it (RFC 3339). istiod does not say when the answer came.
    pub fn accepted(&self) -> Option<String> {
        match self.state() {
            State::Synced => self.sent_time.clone(),
            _ => stamp(&self.acked),
        }
    }
}

/// Read the page. Connections of debugging clients, such as istioctl's own, are left out.
///
/// # Errors
/// When it is no list of connections.
pub fn read(body: &[u8]) -> Result<Vec<Connection>> {
    let page: Value = serde_json::from_slice(body).map_err(|error| {
        let start: String = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        Error::new(Kind::BadAnswer, format!("that is no JSON: it begins {start:?}")).caused_by(&error)
    })?;
    let connections = match page {
        Value::Null => Vec::new(),
        Value::Array(connections) => connections,
        other => {
            let start: String = other.to_string().chars().take(60).collect();
            return Err(Error::new(Kind::BadAnswer, format!("that is no list of connections: it begins {start:?}")));
        }
    };
    Ok(connections.iter().filter_map(Value::as_object).filter_map(connection).collect())
}

fn connection(said: &Map<String, Value>) -> Option<Connection> {
    let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut types = old_types(said);
    if let Some(resources) = said.get("resources").and_then(Value::as_object) {
        // Beside the new form the old one says nothing more, and less of what was not asked for.
        types = resources.iter().map(|(url, said)| (short(url), exchange(said))).collect();
    }
    let read = Connection {
        proxy: text("proxy"),
        cluster: text("cluster_id"),
        proxy_type: text("proxy_type"),
        istio_version: text("istio_version"),
        proxy_version: Some(text("proxy_version")).filter(|version| !version.is_empty()),
        types,
    };
    (!read.proxy.is_empty() && !is_debugger(&read, said)).then_some(read)
}

/// Whether this is no proxy: it gets nothing, is in no cluster, and has a version that no proxy has.
fn is_debugger(read: &Connection, said: &Map<String, Value>) -> bool {
    let silent = said.get("resources").is_none() && read.types.values().all(|exchange| exchange.sent.is_empty());
    silent && read.cluster.is_empty() && (read.istio_version.is_empty() || read.istio_version.starts_with("65536"))
}

/// What istiods before 1.24 tell: a nonce is absent both of what was not sent and of what was not asked for. Every Envoy asks
/// for four types; of extensions, absent means that it did not.
fn old_types(said: &Map<String, Value>) -> BTreeMap<String, Exchange> {
    let nonce =
        |field: &str, what: &str| said.get(&format!("{field}_{what}")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut types = BTreeMap::new();
    for (field, name) in FIELDS {
        let (sent, acked) = (nonce(field, "sent"), nonce(field, "acked"));
        if name != "ecds" || !sent.is_empty() {
            types.insert(name.to_owned(), Exchange { sent_time: stamp(&sent), sent, acked, last_error: None });
        }
    }
    types
}

fn exchange(said: &Value) -> Exchange {
    let text = |key: &str| said.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let sent = text("sent").unwrap_or_default();
    // Go writes the year 1 for a time that is not set.
    let sent_time = text("sentTime").filter(|time| !time.starts_with("0001-")).or_else(|| stamp(&sent));
    Exchange { sent_time, acked: text("acked").unwrap_or_default(), last_error: text("lastError"), sent }
}

/// The time in a nonce: `2026-11-22T13:09:19Z/54e9c6b90-…` begins with the version of the push.
fn stamp(nonce: &str) -> Option<String> {
    let (time, _) = nonce.split_once('/')?;
    time.parse::<jiff::Timestamp>().ok()?;
    Some(time.to_owned())
}

fn short(url: &str) -> String {
    let last = url.rsplit(['.', '/']).next().unwrap_or(url);
    TYPES.iter().find(|(name, _)| *name == last).map_or_else(|| last.to_ascii_lowercase(), |(_, short)| (*short).to_owned())
}

#[cfg(test)]
#[path = "syncz_tests.rs"]
mod tests;
