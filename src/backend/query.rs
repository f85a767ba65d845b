//! Questions and answers, as data: what a tape keeps and what every decorator looks at.

use super::tune::Tune;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One question to the outside world.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Query {
    /// The cluster it is put to, by the name the kubeconfig's context gives it.
    pub cluster: String,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What is asked, and of whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ask {
    /// The Kubernetes API server.
    Kube(Kube),
    /// The log of one container, through the API server.
    Logs(Logs),
    /// An HTTP server inside a pod, through a port-forward: Envoy's admin port, istiod's debug port, ControlZ.
    Pod(PodHttp),
    /// A connection to a port inside a pod, for [`Backend::tunnel`](super::Backend::tunnel).
    Port(PodPort),
    /// A program run inside a container.
    Exec(Exec),
    /// An ordinary HTTP server, from where pilotage runs.
    Http(HttpGet),
    /// A TLS handshake, from where pilotage runs, for the certificates it shows.
    Tls(TlsProbe),
    /// The certificate authorities that the machine pilotage runs on trusts.
    Roots(Roots),
}

/// A request to the Kubernetes API server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kube {
    /// `GET`, or `POST` for access reviews.
    pub method: String,
    /// Path with its query: `/api/v1/pods?limit=500`.
    pub path: String,
    /// The JSON body, as text, of a request that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A range of one container's log. Every line comes with its RFC 3339 time stamp in front.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Logs {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container; the API server chooses when there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Only lines of the last so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_seconds: Option<i64>,
    /// Only the last so many lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<i64>,
    /// The log of the container's previous run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
    /// Only lines that this regular expression finds, chosen while they stream by. Applied after `since_seconds` and `tail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grep: Option<String>,
    /// What is written later is wanted as well, for [`Backend::follow`](super::Backend::follow).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow: bool,
}

/// A request to a port inside a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodHttp {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The port inside the pod: 15000 is Envoy's admin, 15014 istiod's debug pages.
    pub port: u16,
    /// The HTTP method.
    pub method: String,
    /// Path with its query: `/config_dump?include_eds`.
    pub path: String,
    /// The body, as text, of a request that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A port inside a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodPort {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The port.
    pub port: u16,
}

/// A command in a container; its standard output is the body, its exit code the status (0 becomes 200, else 500).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exec {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The program and its arguments; there is no shell.
    pub command: Vec<String>,
}

/// A GET of an ordinary URL. Redirects are not followed: where they lead is part of the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HttpGet {
    /// `https://host[:port]/path`.
    pub url: String,
    /// Which certificate authorities vouch for the server.
    #[serde(default, skip_serializing_if = "Trust::is_system")]
    pub trust: Trust,
    /// The most bytes of the body that are read; a longer one is an error that says so.
    pub max_bytes: u64,
}

/// Which certificate authorities vouch for a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Those of the operating system.
    #[default]
    System,
    /// Those of the operating system, and these (PEM).
    Extra(String),
    /// None: any certificate is taken. What comes is evidence, never a secret to rely on.
    Anything,
}

impl Trust {
    fn is_system(&self) -> bool {
        *self == Self::System
    }
}

/// A TLS handshake that takes any certificate and reports the chain, as concatenated PEM, leaf first, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TlsProbe {
    /// The host to connect to.
    pub host: String,
    /// The port to connect to.
    pub port: u16,
    /// The server name sent (SNI), when it is not the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Application protocols offered (ALPN): `h2`, `istio`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alpn: Vec<String>,
}

/// The machine's trusted certificate authorities with these subjects, as concatenated PEM.
///
/// Only those a chain could end in are asked for: the verdict is the same, and a tape stays small.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Roots {
    /// Subject names as [`crate::tls`] writes them, sorted.
    pub subjects: Vec<String>,
}

/// An answer, whatever its status: a refusal in the server's own words is evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status. Logs and TLS probes that worked say 200.
    pub status: u16,
    /// The content type without parameters, if one was sent.
    pub content_type: Option<String>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body, complete: a body that was cut off is an error, not a short answer.
    pub body: Bytes,
    /// When the answer was complete.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl Answer {
    /// An answer with status 200 at this moment.
    pub fn ok(body: impl Into<Bytes>, at: Timestamp) -> Self {
        Self { status: 200, content_type: None, location: None, body: body.into(), at, ms: 0 }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// What a question does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing: it only reads.
    Observe,
    /// Changes the runtime state of a process, with a known undo.
    Tune,
    /// Changes objects of the cluster.
    Change,
}

impl Query {
    /// A question to this cluster.
    pub fn new(cluster: impl Into<String>, ask: Ask) -> Self {
        Self { cluster: cluster.into(), ask }
    }
}

impl Ask {
    /// GET a path of the Kubernetes API.
    pub fn kube(path: impl Into<String>) -> Self {
        Self::Kube(Kube { method: "GET".into(), path: path.into(), body: None })
    }

    /// GET a path from a port inside a pod.
    pub fn pod(namespace: &str, pod: &str, port: u16, path: impl Into<String>) -> Self {
        let (namespace, pod, method) = (namespace.into(), pod.into(), "GET".into());
        Self::Pod(PodHttp { namespace, pod, port, method, path: path.into(), body: None })
    }

    /// What this does to the world. Anything not known to only read counts as a change.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Logs(_) | Self::Http(_) | Self::Tls(_) | Self::Roots(_) => Effect::Observe,
            Self::Kube(kube) => kube.effect(),
            Self::Pod(pod) if pod.method == "GET" && !acts(&pod.path) => Effect::Observe,
            Self::Pod(pod) if pod.method == "POST" && pod.path == LOGGERS => Effect::Observe,
            // Anything can be sent through it.
            Self::Port(_) => Effect::Tune,
            Self::Exec(exec) if exec.observes() => Effect::Observe,
            Self::Pod(_) | Self::Exec(_) if Tune::of(self).is_some() => Effect::Tune,
            Self::Pod(_) | Self::Exec(_) => Effect::Change,
        }
    }
}

impl Kube {
    fn effect(&self) -> Effect {
        // Access reviews are created to ask a question; the server stores nothing.
        let review = ["/selfsubjectaccessreviews", "/selfsubjectrulesreviews", "/selfsubjectreviews"];
        let asks = self.method == "POST" && review.iter().any(|kind| self.path.ends_with(kind));
        if self.method == "GET" || asks { Effect::Observe } else { Effect::Change }
    }
}

/// Without a level to set, Envoy and ztunnel list their loggers there; they take nothing but a POST.
pub(super) const LOGGERS: &str = "/logging";

/// Pages that do something although they are only read: istiod's by design, Envoy's and the agent's in old versions.
fn acts(path: &str) -> bool {
    const PAGES: [&str; 7] = [
        "quitquitquit",
        "healthcheck/fail",
        "healthcheck/ok",
        "drain_listeners",
        "reset_counters",
        "runtime_modify",
        "debug/force_disconnect",
    ];
    // Servers see through doubled slashes, dots and escapes: what is disguised so is not taken for a page to read.
    let page = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/').to_ascii_lowercase();
    let disguised = |part: &str| ["", ".", ".."].contains(&part) || part.contains('%');
    PAGES.contains(&page.as_str()) || (!page.is_empty() && page.split('/').any(disguised))
}

impl Exec {
    fn observes(&self) -> bool {
        let words: Vec<&str> = self.command.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["pilot-agent" | "pilot-discovery", "request", "GET", path] => !acts(path),
            ["pilot-agent", "request", "POST", path] => path.trim_start_matches('/') == &LOGGERS[1..],
            _ => false,
        }
    }
}

/// One line for progress, `-v`, and the nearest questions of a tape; without the secrets that a question may hold.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::redact::shown(self.ask.line()))
    }
}

impl Ask {
    fn line(&self) -> String {
        match self {
            Self::Kube(q) => format!("kube {} {}", q.method, q.path),
            Self::Logs(q) => q.to_string(),
            Self::Pod(q) => format!("pod {}/{}:{} {} {}", q.namespace, q.pod, q.port, q.method, q.path),
            Self::Port(q) => format!("port {}/{}:{}", q.namespace, q.pod, q.port),
            Self::Exec(q) => format!("exec {}/{} -c {} -- {}", q.namespace, q.pod, q.container, q.command.join(" ")),
            Self::Http(q) => format!("http GET {}{}", q.url, q.trust),
            Self::Tls(q) => format!("tls {}:{}", q.host, q.port),
            Self::Roots(q) => format!("roots {}", q.subjects.join(" | ")),
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => Ok(()),
            Self::Extra(_) => f.write_str(" (with extra CAs)"),
            Self::Anything => f.write_str(" (any certificate)"),
        }
    }
}

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "logs {}/{}", self.namespace, self.pod)?;
        if let Some(container) = &self.container {
            write!(f, " -c {container}")?;
        }
        if let Some(seconds) = self.since_seconds {
            write!(f, " since {seconds}s")?;
        }
        if let Some(lines) = self.tail {
            write!(f, " tail {lines}")?;
        }
        if self.previous {
            f.write_str(" previous")?;
        }
        if let Some(pattern) = &self.grep {
            write!(f, " grep {pattern:?}")?;
        }
        if self.follow {
            f.write_str(" follow")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kube(method: &str, path: &str) -> Ask {
        Ask::Kube(Kube { method: method.into(), path: path.into(), body: None })
    }

    fn exec(command: &[&str]) -> Ask {
        let command = command.iter().map(ToString::to_string).collect();
        Ask::Exec(Exec { namespace: "n".into(), pod: "p".into(), container: "istio-proxy".into(), command })
    }

    fn post(path: &str) -> Ask {
        sent("POST", 15000, path)
    }

    fn sent(method: &str, port: u16, path: &str) -> Ask {
        let (namespace, pod, method) = ("n".into(), "p".into(), method.into());
        Ask::Pod(PodHttp { namespace, pod, port, method, path: path.into(), body: Some("{}".into()) })
    }

    #[test]
    fn only_what_is_known_to_read_is_observing() {
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        for ask in [
            kube("GET", "/api/v1/pods"),
            kube("POST", review),
            exec(&["pilot-agent", "request", "GET", "config_dump"]),
            Ask::pod("n", "p", 15000, "/config_dump?mask=a,b&name_regex=%2e"),
            Ask::pod("n", "p", 15000, "/"),
            post("/logging"),
            exec(&["pilot-agent", "request", "POST", "logging"]),
        ] {
            assert_eq!(ask.effect(), Effect::Observe, "{ask:?}");
        }
        for ask in [
            kube("POST", "/api/v1/namespaces/a/pods"),
            kube("DELETE", "/api/v1/pods"),
            exec(&["sh", "-c", "true"]),
            post("/reset_counters"),
            post("/logging/"),
            post("/logging?"),
            post("/logging?rbac"),
            post("/logging?rbac=debug&jwt=debug"),
            post("/logging?rbac=%64ebug"),
            post("//logging?rbac=debug"),
            sent("PUT", 15014, "/scopej/model"),
            sent("PUT", 9876, "/scopej/"),
            sent("PUT", 9876, "/scopej/../memj/forcecollection"),
            sent("PUT", 9876, "/memj/forcecollection"),
            exec(&["sh", "-c", "pilot-agent request POST logging?rbac=debug"]),
            exec(&["pilot-agent", "request", "POST", "quitquitquit"]),
            exec(&["pilot-agent", "request", "GET", "quitquitquit"]),
            Ask::pod("n", "p", 15014, "/debug/force_disconnect?proxyID=a"),
            Ask::pod("n", "p", 15000, "/x/../quitquitquit"),
            Ask::pod("n", "p", 15000, "//quitquitquit"),
            Ask::pod("n", "p", 15000, "/quit%71uitquit"),
        ] {
            assert_eq!(ask.effect(), Effect::Change, "{ask:?}");
        }
    }

    #[test]
    fn setting_log_levels_is_tuning() {
        for ask in [
            post("/logging?level=debug"),
            post("/logging?rbac=debug"),
            post("/logging?paths=rbac:debug,jwt:debug"),
            post("/logging?reset&level=info,access=debug"),
            sent("PUT", 9876, "/scopej/model"),
            exec(&["pilot-agent", "request", "POST", "logging?rbac=debug"]),
        ] {
            assert_eq!(ask.effect(), Effect::Tune, "{ask:?}");
        }
    }

    #[test]
    fn a_query_is_one_flat_json_object() {
        let query = Query::new("lab", Ask::kube("/version"));
        let json = serde_json::to_string(&query).expect("queries serialize");
        assert_eq!(json, r#"{"cluster":"lab","to":"kube","method":"GET","path":"/version"}"#);
        assert_eq!(serde_json::from_str::<Query>(&json).expect("and come back"), query);
    }

    #[test]
    fn a_question_is_shown_without_its_secrets() {
        let url = "https://me:s3cr3t@host/keys?access_token=s3cr3t".into();
        let query = Query::new("lab", Ask::Http(HttpGet { url, trust: Trust::Anything, max_bytes: 1 }));
        let shown = query.to_string();
        assert!(shown.starts_with("http GET https://me:⟨redacted:url:") && shown.ends_with(" (any certificate)"), "{shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
