//! Questions that set log levels: what each would set, and in which process.

use super::query::LOGGERS;
use super::{Ask, Exec, PodHttp, Query};
use crate::log_level::DEFAULT;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The port of istiod's ControlZ.
pub const CONTROLZ: u16 = 9876;
/// ControlZ's page of log scopes.
pub const SCOPES: &str = "/scopej/";
/// The port that pilot-agent asks.
const ADMIN_PORT: u16 = 15000;

/// Where a process is that has log levels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The cluster, by its context.
    pub cluster: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The port on which levels are set: an admin port, or ControlZ.
    pub port: u16,
    /// The container to run pilot-agent in, where no port-forward was possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<String>,
}

/// What a question would set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tune {
    /// All loggers to one level.
    All(String),
    /// These loggers to these levels.
    Some(Vec<(String, String)>),
    /// A ztunnel's filter: all that is named in it, and nothing else, if it is reset.
    Filter(String),
    /// A scope of istiod, with all that the body says.
    Scope(String, String),
}

impl Tune {
    /// What this question would set; nothing when it does anything else.
    pub(super) fn of(ask: &Ask) -> Option<Self> {
        match ask {
            Ask::Pod(pod) => match pod.method.as_str() {
                "POST" => logging(&pod.path),
                "PUT" if pod.port == CONTROLZ => scope(pod),
                _ => None,
            },
            Ask::Exec(exec) => logging(&format!("/{}", requested(exec)?.trim_start_matches('/'))),
            _ => None,
        }
    }
}

/// What pilot-agent is told to POST.
fn requested(exec: &Exec) -> Option<&str> {
    let words: Vec<&str> = exec.command.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["pilot-agent", "request", "POST", path] => Some(path),
        _ => None,
    }
}

fn logging(path: &str) -> Option<Tune> {
    let params = path.strip_prefix(LOGGERS)?.strip_prefix('?')?;
    if params.contains(|c: char| c.is_whitespace() || "%#+".contains(c)) {
        return None;
    }
    // A pattern, or a group, sets what cannot be told from its name.
    if params.contains('*') || params.starts_with("group=") {
        return None;
    }
    let pairs: Vec<(&str, &str)> = params.split('&').map(|param| param.split_once('=').unwrap_or((param, ""))).collect();
    match pairs.as_slice() {
        [("reset", "")] => Some(Tune::Filter(String::new())),
        [("reset", ""), ("level", filter)] | [("level", filter), ("reset", "")] => Some(Tune::Filter((*filter).into())),
        [("level", filter)] if filter.contains(['=', ',']) => Some(Tune::Filter((*filter).into())),
        [("level", level)] if !level.is_empty() => Some(Tune::All((*level).into())),
        [("paths", list)] if !list.is_empty() => Some(Tune::Some(list.split(',').filter_map(named).collect())),
        [(name, level)] if !name.is_empty() && !level.is_empty() => Some(Tune::Some(vec![((*name).into(), (*level).into())])),
        _ => None,
    }
}

fn named(part: &str) -> Option<(String, String)> {
    part.rsplit_once(':').map(|(name, level)| (name.to_owned(), level.to_owned()))
}

fn scope(pod: &PodHttp) -> Option<Tune> {
    let name = pod.path.strip_prefix(SCOPES)?;
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let legal = !name.is_empty() && name.chars().all(plain) && !matches!(name, "." | "..");
    legal.then(|| Tune::Scope(name.into(), pod.body.clone().unwrap_or_default()))
}

impl Place {
    /// Where this question sets levels.
    pub(super) fn of(query: &Query) -> Option<Self> {
        let cluster = query.cluster.clone();
        match &query.ask {
            Ask::Pod(pod) => {
                Some(Self { cluster, namespace: pod.namespace.clone(), pod: pod.pod.clone(), port: pod.port, exec: None })
            }
            Ask::Exec(exec) => {
                let (namespace, pod) = (exec.namespace.clone(), exec.pod.clone());
                Some(Self { cluster, namespace, pod, port: ADMIN_PORT, exec: Some(exec.container.clone()) })
            }
            _ => None,
        }
    }

    /// Whether it is an istiod.
    pub fn is_istiod(&self) -> bool {
        self.port == CONTROLZ
    }

    /// The same process, whichever way leads there.
    pub fn is(&self, other: &Self) -> bool {
        (&self.cluster, &self.namespace, &self.pod, self.port) == (&other.cluster, &other.namespace, &other.pod, other.port)
    }

    /// A request to it.
    pub(super) fn request(&self, method: &str, path: &str, body: Option<String>) -> Query {
        let (namespace, pod) = (self.namespace.clone(), self.pod.clone());
        let ask = match &self.exec {
            Some(container) => {
                let command = ["pilot-agent", "request", method, path.trim_start_matches('/')].map(str::to_owned).to_vec();
                Ask::Exec(Exec { namespace, pod, container: container.clone(), command })
            }
            None => {
                let (method, path) = (method.into(), path.into());
                Ask::Pod(PodHttp { namespace, pod, port: self.port, method, path, body })
            }
        };
        Query::new(self.cluster.clone(), ask)
    }

    /// The command with which a user sets a level there by hand.
    pub fn by_hand(&self, name: &str, level: Option<&str>) -> String {
        let Self { cluster, namespace, pod, port, .. } = self;
        let level = level.unwrap_or("info");
        if self.is_istiod() {
            let flag = if name.ends_with(STACK_TRACE) { "--stack-trace-level" } else { "--level" };
            let scope = name.trim_end_matches(STACK_TRACE);
            return format!("istioctl --context {cluster} admin log {pod} -i {namespace} {flag} {scope}:{level}");
        }
        if pod.starts_with("ztunnel") {
            let filter = if name == DEFAULT { level.to_owned() } else { format!("{name}={level}") };
            return format!("istioctl --context {cluster} ztunnel-config log {pod}.{namespace} --level {filter}");
        }
        if *port != ADMIN_PORT {
            return format!(
                "kubectl --context {cluster} -n {namespace} port-forward {pod} {port}, then curl -X POST 'localhost:{port}/logging?{name}={level}'"
            );
        }
        format!("istioctl --context {cluster} proxy-config log {pod}.{namespace} --level {name}:{level}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.pod)
    }
}

/// Stands behind a scope's name for its other level: from which one on it prints stack traces.
pub const STACK_TRACE: &str = " (stack traces)";

/// The levels in what ControlZ says of a scope, or of all of them, by scope and by scope with [`STACK_TRACE`].
pub(super) fn scope_levels(answer: &Value) -> Vec<(String, String)> {
    let scopes = answer.as_array().map_or_else(|| std::slice::from_ref(answer), Vec::as_slice);
    let text = |scope: &Value, key: &str| scope.get(key).and_then(Value::as_str).map(str::to_owned);
    let both = scopes.iter().flat_map(|scope| {
        let name = text(scope, "name");
        let output = name.clone().zip(text(scope, "output_level"));
        let stack = name.map(|name| format!("{name}{STACK_TRACE}")).zip(text(scope, "stack_trace_level"));
        [output, stack]
    });
    both.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Option<Tune> {
        let (namespace, pod, method) = ("n".into(), "p".into(), "POST".into());
        Tune::of(&Ask::Pod(PodHttp { namespace, pod, port: 15000, method, path: path.into(), body: None }))
    }

    fn some(pairs: &[(&str, &str)]) -> Option<Tune> {
        Some(Tune::Some(pairs.iter().map(|(name, level)| ((*name).into(), (*level).into())).collect()))
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(post("/logging?level=debug"), Some(Tune::All("debug".into())));
        assert_eq!(post("/logging?rbac=debug"), some(&[("rbac", "debug")]));
        assert_eq!(post("/logging?paths=rbac:debug,a/b:c.cc:info"), some(&[("rbac", "debug"), ("a/b:c.cc", "info")]));
        assert_eq!(post("/logging?level=info,access=debug"), Some(Tune::Filter("info,access=debug".into())));
        assert_eq!(post("/logging?reset"), Some(Tune::Filter(String::new())));
        for other in [
            "/logging",
            "/logging?",
            "/logging?level=",
            "/logging?=debug",
            "/logging?a=b&c=d",
            "/logging?group=rbac:debug",
            "/logging?paths=source/*:debug",
            "/quitquitquit",
        ] {
            assert_eq!(post(other), None, "{other}");
        }
    }

    #[test]
    fn both_levels_of_a_scope_are_read() {
        let scope = serde_json::json!({"name": "model", "output_level": "info", "stack_trace_level": "none"});
        let both = [("model".to_owned(), "info".to_owned()), ("model (stack traces)".into(), "none".into())];
        assert_eq!(scope_levels(&scope), both);
        assert_eq!(scope_levels(&serde_json::json!([scope])), both);
        assert!(scope_levels(&serde_json::json!("text")).is_empty());
    }
}
