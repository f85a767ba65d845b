//! A recording from a tape: the answers that pilotage once got, as answers to give.

use super::question::Question;
use super::recording::{Entry, Recording, Via};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use pilotage::backend::{Ask, HttpGet, Logs, PodHttp, Query};
use pilotage::error::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::Path;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One line of a tape, as far as it can be served.
#[derive(Deserialize)]
struct Line<'a> {
    q: Query,
    at: Timestamp,
    #[serde(default)]
    status: u16,
    #[serde(default, rename = "type")]
    content_type: Option<String>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

impl Recording {
    /// Read a tape.
    ///
    /// # Errors
    /// When it cannot be read, or holds no answer at all.
    pub fn from_tape(file: &Path) -> Result<Self> {
        let unreadable =
            |error: std::io::Error| Error::new(Kind::File, format!("cannot read the tape {}", file.display())).caused_by(&error);
        let bytes = std::fs::read(file).map_err(unreadable)?;
        let text = Bytes::from(zstd::decode_all(bytes.as_slice()).map_err(unreadable)?);
        let name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut recording = Self { name, cluster: String::new(), end: Timestamp::UNIX_EPOCH, entries: Vec::new() };
        // The header and the manifest are lines without a question.
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line<'_>>(line) {
                recording.add(&text, &line);
            }
        }
        if recording.entries.is_empty() {
            return Err(Error::new(Kind::BadTape, format!("the tape {} holds no answer to serve", file.display())));
        }
        Ok(recording)
    }

    fn add(&mut self, tape: &Bytes, line: &Line<'_>) {
        self.end = self.end.max(line.at);
        if self.cluster.is_empty() {
            self.cluster.clone_from(&line.q.cluster);
        }
        if let Some(mut entry) = entry(&line.q.ask) {
            entry.status = line.status;
            entry.content_type.clone_from(&line.content_type);
            entry.body = line.body.map_or_else(Bytes::new, |body| unpack(tape, body.get()));
            mark_aggregated(&mut entry);
            self.entries.push(entry);
        }
    }
}

fn entry(ask: &Ask) -> Option<Entry> {
    match ask {
        Ask::Kube(kube) => {
            let mut entry = Entry::new(Via::Kube, &kube.method, Question::parse(&kube.path));
            entry.request = kube.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
            Some(entry)
        }
        Ask::Logs(logs) => log(logs),
        Ask::Pod(PodHttp { namespace, pod, port, method, path, .. }) => {
            let mut entry = Entry::new(Via::Pod, method, Question::parse(path));
            entry.path.clone_from(path);
            entry.pod = Some(format!("{namespace}/{pod}"));
            entry.port = Some(*port);
            Some(entry)
        }
        Ask::Http(get) => https(get),
        Ask::Tls(probe) => {
            let mut entry = Entry::new(Via::Chain, "GET", Question::default());
            (entry.host, entry.port) = (Some(probe.host.clone()), Some(probe.port));
            Some(entry)
        }
        _ => None,
    }
}

/// A tape does not say that discovery was asked for all kinds at once; the answer does.
fn mark_aggregated(entry: &mut Entry) {
    let asked = entry.via == Via::Kube && matches!(entry.question.path.as_str(), "/api" | "/apis");
    if asked && memchr::memmem::find(&entry.body, b"\"APIGroupDiscoveryList\"").is_some() {
        entry.accept = Some(format!("{AGGREGATED},application/json"));
        entry.content_type = Some(AGGREGATED.into());
    }
}

/// A log, when all of it was asked for: a part cannot stand for the whole.
fn log(logs: &Logs) -> Option<Entry> {
    let whole = logs.since_seconds.is_none() && logs.tail.is_none() && logs.grep.is_none();
    let pod = whole.then(|| format!("{}/{}", logs.namespace, logs.pod))?;
    let mut query = vec![("timestamps".to_string(), "true".to_string())];
    query.extend(logs.container.clone().map(|container| ("container".to_string(), container)));
    query.extend(logs.previous.then(|| ("previous".to_string(), "true".to_string())));
    let path = format!("/api/v1/namespaces/{}/pods/{}/log", logs.namespace, logs.pod);
    let mut entry = Entry::new(Via::Logs, "GET", Question { path, query });
    entry.pod = Some(pod);
    Some(entry)
}

fn https(get: &HttpGet) -> Option<Entry> {
    let rest = get.url.strip_prefix("https://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = authority.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(443);
    let mut entry = Entry::new(Via::Https, "GET", Question::parse(if path.is_empty() { "/" } else { path }));
    (entry.host, entry.port) = (super::recording::host_of(&get.url), Some(port));
    Some(entry)
}

/// A body from its form on the tape: a JSON document as it is, a string that is the text, or bytes as base64.
fn unpack(tape: &Bytes, form: &str) -> Bytes {
    if form.starts_with('"') {
        return serde_json::from_str::<String>(form).map(Bytes::from).unwrap_or_default();
    }
    let encoded = form.strip_prefix(r#"{"base64":""#).and_then(|rest| rest.strip_suffix(r#""}"#));
    match encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok()) {
        Some(bytes) => Bytes::from(bytes),
        None => tape.slice_ref(form.as_bytes()),
    }
}
