//! What a mesh once answered, as a list of entries: read from a recording's folder here, from a tape in `tape.rs`.

use super::question::Question;
use bytes::Bytes;
use jiff::Timestamp;
use pilotage::error::{Error, Kind, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A recorded mesh: every answer that can be served.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The folder's or the tape's name, for messages.
    pub name: String,
    /// The cluster's name: the context of the kubeconfig.
    pub cluster: String,
    /// When the last answer was recorded. Log ranges are relative to it.
    pub end: Timestamp,
    /// The answers, in the order they were asked for.
    pub entries: Vec<Entry>,
}

/// Who gave an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// The Kubernetes API server.
    Kube,
    /// The log of a container.
    Logs,
    /// An HTTP server inside a pod: Envoy's admin port, the agent, istiod.
    Pod,
    /// An HTTPS server outside of the mesh.
    Https,
    /// The chain of certificates that a TLS server sent, as PEM.
    Chain,
}

/// One recorded answer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who answered.
    pub via: Via,
    /// As whom the API server was asked; none means the administrator.
    pub user: Option<String>,
    /// `namespace/name` of the pod that answered.
    pub pod: Option<String>,
    /// The port that answered.
    pub port: Option<u16>,
    /// The host that answered, for servers outside of the mesh.
    pub host: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// What was asked, as it was spelled.
    pub path: String,
    /// What was asked, taken apart.
    pub question: Question,
    /// The `Accept` header that was sent, when it was not plain JSON.
    pub accept: Option<String>,
    /// The JSON body that was sent.
    pub request: Option<Value>,
    /// The HTTP status; 0 when none came.
    pub status: u16,
    /// The content type.
    pub content_type: Option<String>,
    /// The `Warning` header that came.
    pub warning: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl Entry {
    /// An empty answer to this question.
    pub fn new(via: Via, method: &str, question: Question) -> Self {
        Self {
            via,
            question,
            method: method.into(),
            path: String::new(),
            user: None,
            pod: None,
            port: None,
            host: None,
            accept: None,
            request: None,
            status: 200,
            content_type: None,
            warning: None,
            body: Bytes::new(),
        }
    }
}

impl Recording {
    /// Read a recording's folder: `index.jsonl` and the files it names.
    ///
    /// A phase of a scenario that did not record the servers outside of the mesh borrows those of a sibling phase:
    /// they were the same server.
    ///
    /// # Errors
    /// When the index or a file it names cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut recording = Self::open_alone(folder)?;
        if !recording.has_servers()
            && let Some(sibling) = sibling_with_servers(folder)?
        {
            recording.entries.extend(sibling.entries.into_iter().filter(|entry| matches!(entry.via, Via::Https | Via::Chain)));
        }
        Ok(recording)
    }

    fn open_alone(folder: &Path) -> Result<Self> {
        let index = folder.join("index.jsonl");
        let text = std::fs::read_to_string(&index).map_err(|error| unreadable(&index, &error))?;
        let mut reader = Reader { folder, files: HashMap::new() };
        let mut recording = Self {
            name: folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            cluster: String::new(),
            end: Timestamp::UNIX_EPOCH,
            entries: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let line: Value = serde_json::from_str(line).map_err(|error| {
                Error::new(Kind::BadInput, format!("{}:{}: not a JSON line", index.display(), number + 1)).cause(error)
            })?;
            recording.note(&line);
            recording.entries.extend(reader.entry(&line)?);
        }
        Ok(recording)
    }

    fn note(&mut self, line: &Value) {
        if let Some(at) = line["recorded_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()) {
            self.end = self.end.max(at);
        }
        if let Some(cluster) = line["cluster"].as_str()
            && self.cluster.is_empty()
        {
            self.cluster = cluster.into();
        }
    }

    /// Whether servers outside of the mesh were recorded.
    pub fn has_servers(&self) -> bool {
        self.entries.iter().any(|entry| entry.via == Via::Chain)
    }

    /// The answers that came this way.
    pub fn via(&self, via: Via) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.via == via)
    }
}

fn sibling_with_servers(folder: &Path) -> Result<Option<Recording>> {
    let Some(scenario) = folder.parent().filter(|parent| parent.join("scenario.json").is_file()) else { return Ok(None) };
    let folders = std::fs::read_dir(scenario).map_err(|error| unreadable(scenario, &error))?;
    let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for sibling in folders.iter().filter(|sibling| sibling.join("index.jsonl").is_file()) {
        let sibling = Recording::open_alone(sibling)?;
        if sibling.has_servers() {
            return Ok(Some(sibling));
        }
    }
    Ok(None)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, format!("cannot read the recording's {}", path.display())).caused_by(error)
}

struct Reader<'a> {
    folder: &'a Path,
    /// Equal bodies are kept once; they are read once too.
    files: HashMap<String, Bytes>,
}

impl Reader<'_> {
    fn entry(&mut self, line: &Value) -> Result<Option<Entry>> {
        let path = line["path"].as_str().unwrap_or_default();
        let via = match line["to"].as_str().unwrap_or_default() {
            "kube" => Via::Kube,
            "logs" => Via::Logs,
            "envoy" | "agent" | "istiod" => Via::Pod,
            "http" if line["url"].as_str().is_some_and(|url| url.starts_with("https://")) && line["status"] != 0 => Via::Https,
            "tls" if path.ends_with("/chain.pem") => Via::Chain,
            _ => return Ok(None),
        };
        let mut entry = Entry::new(via, line["method"].as_str().unwrap_or("GET"), Question::parse(path));
        entry.path = path.into();
        entry.user = text(line, "user");
        entry.accept = text(line, "accept");
        entry.content_type = text(line, "content_type");
        entry.warning = text(line, "warning");
        entry.request = line.get("request").filter(|request| !request.is_null()).cloned();
        entry.port = line["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        entry.status = line["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        entry.pod = text(line, "ns").zip(text(line, "pod")).map(|(namespace, name)| format!("{namespace}/{name}"));
        entry.host = match via {
            Via::Https => text(line, "url").and_then(|url| host_of(&url)),
            Via::Chain => path.split(':').next().map(Into::into),
            _ => None,
        };
        if let Some(file) = text(line, "file") {
            entry.body = self.file(&file)?;
        }
        Ok(Some(entry))
    }

    fn file(&mut self, name: &str) -> Result<Bytes> {
        if let Some(known) = self.files.get(name) {
            return Ok(known.clone());
        }
        let path = self.folder.join(name);
        let bytes = Bytes::from(std::fs::read(&path).map_err(|error| unreadable(&path, &error))?);
        self.files.insert(name.into(), bytes.clone());
        Ok(bytes)
    }
}

fn text(line: &Value, field: &str) -> Option<String> {
    line[field].as_str().map(Into::into)
}

/// The host of a URL, without the port.
pub fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?']).next()?;
    let authority = authority.rsplit('@').next()?;
    match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().map(Into::into),
        None => authority.split(':').next().map(Into::into),
    }
}
