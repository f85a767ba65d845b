//! What istioctl printed at the moment a tape was recorded, kept beside the tape: tables as rows in
//! `NAME.istioctl.jsonl`, its JSON in `NAME.istioctl.json.zst`. `cargo run --example record_tapes` writes them.

mod keep;
mod text;

pub use keep::keep;

use super::tapes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::path::PathBuf;

/// One table that istioctl printed, or that it failed to print.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The pod as it was named: `api-0.shop`.
    pub pod: String,
    /// What was asked: `clusters`, `listeners`, `routes`, `endpoints`, `secret`, `bootstrap`, `log`, `ecds`; the tables of
    /// `proxy-config all` are `all/clusters`, …, and `all/eds`.
    pub kind: String,
    /// The whole command line.
    pub command: String,
    /// When it was asked, where that matters (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Its filters: `--port 15006` is `("port", "15006")`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<(String, String)>,
    /// What it wrote to standard error, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The titles in our spelling: `SERVICE FQDN` is `service_fqdn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The cells as they were printed, without the padding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<String>>,
}

/// One JSON document that istioctl printed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document {
    /// The pod as it was named.
    pub pod: String,
    /// What was asked, as in [`Run::kind`]; `all` is Envoy's own dump.
    pub kind: String,
    /// What it printed.
    pub json: Box<RawValue>,
}

/// Where the rows of a tape are kept.
fn rows_file(tape: &str) -> PathBuf {
    tapes::path(tape).with_extension("istioctl.jsonl")
}

/// Where the JSON of a tape is kept.
fn json_file(tape: &str) -> PathBuf {
    tapes::path(tape).with_extension("istioctl.json.zst")
}

/// The kind of tables and documents about all proxies at once.
pub const PROXY_STATUS: &str = "proxy-status";

/// The tables of single proxies that belong to a tape.
pub fn runs(tape: &str) -> Vec<Run> {
    all_runs(tape).into_iter().filter(|run| run.kind != PROXY_STATUS).collect()
}

/// What `istioctl proxy-status -v 1` printed.
pub fn proxy_status(tape: &str) -> Run {
    let run = all_runs(tape).into_iter().find(|run| run.kind == PROXY_STATUS);
    run.unwrap_or_else(|| panic!("proxy-status is kept beside {tape}"))
}

fn all_runs(tape: &str) -> Vec<Run> {
    let file = rows_file(tape);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", file.display()))).collect()
}

/// The JSON documents that belong to a tape; none when istioctl was not asked for any then.
pub fn documents(tape: &str) -> Vec<Document> {
    let file = json_file(tape);
    let Ok(packed) = std::fs::read(&file) else { return Vec::new() };
    let text = zstd::decode_all(packed.as_slice()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let line = |line| serde_json::from_slice(line).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(line).collect()
}
