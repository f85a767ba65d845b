//! istiod's log scopes, read and set through ControlZ, on every replica.

use super::Mesh;
use super::dig::Dig;
use super::fan_out::gather;
use super::istiods::objects;
use super::status::message;
use crate::backend::{Answer, Ask, CONTROLZ, PodHttp, SCOPES};
use crate::error::{Error, Kind, Result};
use crate::suggest::{closest, nearest};
use crate::{options, record};
use serde_json::Value;
use std::fmt;

/// The words that ControlZ takes for a level; any other it silently ignores.
const LEVELS: [&str; 5] = ["none", "error", "warn", "info", "debug"];

record! {
    /// A log scope of one istiod.
    pub struct Scope as "scope" {
        /// The replica: `NAMESPACE/NAME`.
        pub istiod: String,
        /// Its name: `model`, `ads`.
        pub scope: String,
        /// The lowest level that it writes: `debug`, `info`, `warn`, `error`; `none` for nothing.
        pub level: String,
        /// From which level on lines come with a stack trace; `none` for never.
        pub stack_trace_level: String,
        /// What it is about.
        pub description: String,
    }
}

record! {
    /// A level of a scope that was set.
    pub struct ScopeChange as "scope_change" {
        /// The replica: `NAMESPACE/NAME`.
        pub istiod: String,
        /// The scope.
        pub scope: String,
        /// Which of its levels: `level` or `stack_trace_level`.
        pub what: String,
        /// What it was.
        pub old: String,
        /// What it is now.
        pub level: String,
    }
}

options! {
    /// How a scope's level is set.
    pub struct ScopeOptions as "scope options" {
        /// Set from which level on lines come with a stack trace, in place of which lines are written.
        pub stack_trace: bool,
        /// With `stack_trace`: set which lines are written as well.
        pub output: bool,
        /// Only this replica: a row of `istiods()`, or its name. All of them when left out.
        pub istiod: Option<Value>,
        /// Let it stay: nothing puts it back, not even the end of the session.
        pub keep: bool,
        /// Put it back when the expression, or the playbook, that is at hand ends; however it ends.
        pub passing: bool,
    }
}

/// A replica, by name.
#[derive(Debug, Clone, PartialEq)]
struct Replica {
    namespace: String,
    name: String,
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The scopes of all istiods, or of the one that is named. A replica that does not answer becomes a note.
///
/// # Errors
/// When no replica answers, or none is the one that is named.
pub async fn scopes(mesh: &Mesh, istiod: Option<&Value>) -> Result<Vec<Scope>> {
    let replicas = replicas(mesh, istiod).await?;
    let told = gather(mesh, "scopes of istiod", replicas, |replica| async move { listed(mesh, &replica).await });
    let rows = told.await?.into_iter().flat_map(|(replica, scopes)| scopes.into_iter().map(move |scope| row(&replica, &scope)));
    Ok(rows.collect())
}

fn row(replica: &Replica, scope: &Value) -> Scope {
    Scope {
        istiod: replica.to_string(),
        scope: scope.string("/name"),
        level: scope.string("/output_level"),
        stack_trace_level: scope.string("/stack_trace_level"),
        description: scope.string("/description"),
    }
}

/// Set a scope's level on all istiods, or on the one that is named. A replica that cannot be set becomes a note.
///
/// # Errors
/// When none could be set; an unknown scope or level says which there are.
pub async fn set(mesh: &Mesh, scope: &str, level: &str, options: &ScopeOptions) -> Result<Vec<ScopeChange>> {
    let replicas = replicas(mesh, options.istiod.as_ref()).await?;
    let set = gather(mesh, "istiod", replicas, |replica| async move { set_one(mesh, &replica, scope, level, options).await });
    Ok(set.await?.into_iter().flat_map(|(_, rows)| rows).collect())
}

async fn set_one(mesh: &Mesh, replica: &Replica, name: &str, level: &str, options: &ScopeOptions) -> Result<Vec<ScopeChange>> {
    let scopes = listed(mesh, replica).await?;
    let before = scopes.iter().find(|scope| scope.text("/name") == Some(name)).ok_or_else(|| unknown(replica, name, &scopes))?;
    // All of it goes back as it came: what is left out would be switched off.
    let mut body = before.clone();
    let mut keys = Vec::new();
    if options.stack_trace {
        keys.push("stack_trace_level");
    }
    if options.output || !options.stack_trace {
        keys.push("output_level");
    }
    keys.iter().for_each(|key| body[*key] = level.into());
    let path = format!("{SCOPES}{name}");
    good(replica, &path, ask(mesh, replica, "PUT", &path, Some(body.to_string())).await?)?;
    let answer = good(replica, &path, ask(mesh, replica, "GET", &path, None).await?)?;
    let after: Value = serde_json::from_slice(&answer.body).map_err(|error| strange(replica, &path).caused_by(&error))?;
    if let Some(key) = keys.iter().find(|key| after.get(**key).and_then(Value::as_str) != Some(level)) {
        return Err(ignored(replica, name, level, &after.string(&format!("/{key}"))));
    }
    let change = |key: &&str| ScopeChange {
        istiod: replica.to_string(),
        scope: name.into(),
        what: if *key == "output_level" { "level".into() } else { (*key).into() },
        old: before.string(&format!("/{key}")),
        level: level.into(),
    };
    Ok(keys.iter().map(change).collect())
}

fn unknown(replica: &Replica, name: &str, scopes: &[Value]) -> Error {
    let error = Error::new(Kind::NotFound, format!("istiod {replica} has no scope {name:?}"));
    let known: Vec<&str> = scopes.iter().filter_map(|scope| scope.text("/name")).collect();
    match closest(name, known, 3).as_slice() {
        [] => error.hint("`scopes()` lists them"),
        near => error.hint(format!("did you mean {}? `scopes()` lists all", near.join(" or "))),
    }
}

/// ControlZ says yes to any word, and does nothing about those it does not know.
fn ignored(replica: &Replica, name: &str, level: &str, now: &str) -> Error {
    let error = Error::new(Kind::BadInput, format!("istiod {replica} ignored the level {level:?}: its scope {name} is {now}"));
    let guess = nearest(level, LEVELS).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    error.hint(format!("{guess}it takes {}", LEVELS.join(", ")))
}

/// The replicas that are meant.
async fn replicas(mesh: &Mesh, wanted: Option<&Value>) -> Result<Vec<Replica>> {
    let all = objects(mesh).await?;
    let replica = |pod: &Value| Replica { namespace: pod.string("/metadata/namespace"), name: pod.string("/metadata/name") };
    let all: Vec<Replica> = all.iter().map(replica).collect();
    let Some(wanted) = wanted else { return Ok(all) };
    let names = |replica: &Replica| match wanted {
        Value::String(text) => {
            *text == replica.name || *text == replica.to_string() || *text == format!("{}.{}", replica.name, replica.namespace)
        }
        row => {
            let name = row.text("/name").or_else(|| row.text("/pod"));
            name == Some(replica.name.as_str()) && row.text("/namespace") == Some(replica.namespace.as_str())
        }
    };
    let found: Vec<Replica> = all.iter().filter(|replica| names(replica)).cloned().collect();
    if found.is_empty() {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        return Err(Error::new(Kind::NotFound, format!("there is no istiod {wanted}")).hint(if all.is_empty() {
            "`istiods()` lists them".into()
        } else {
            format!("there are: {}", all.join(", "))
        }));
    }
    Ok(found)
}

async fn listed(mesh: &Mesh, replica: &Replica) -> Result<Vec<Value>> {
    let answer = good(replica, SCOPES, ask(mesh, replica, "GET", SCOPES, None).await?)?;
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Array(scopes)) => Ok(scopes),
        _ => Err(strange(replica, SCOPES)),
    }
}

async fn ask(mesh: &Mesh, replica: &Replica, method: &str, path: &str, body: Option<String>) -> Result<Answer> {
    let (namespace, pod) = (replica.namespace.clone(), replica.name.clone());
    let page = PodHttp { namespace, pod, port: CONTROLZ, method: method.into(), path: path.into(), body };
    mesh.ask(Ask::Pod(page)).await.map_err(|error| match error.kind() {
        Kind::Unreachable | Kind::Timeout => error
            .context(format!("ControlZ of istiod {replica} does not answer on port {CONTROLZ}"))
            .hint("was it moved or closed (--ctrlz_port)? `istiod_logs(#{ level: \"debug\" })` still shows what it writes"),
        _ => error,
    })
}

fn good(replica: &Replica, path: &str, answer: Answer) -> Result<Answer> {
    if answer.is_success() {
        return Ok(answer);
    }
    let kind = if answer.status == 403 { Kind::Forbidden } else { Kind::BadAnswer };
    let said = message(&answer);
    Err(Error::new(kind, format!("istiod {replica} answered {path} with status {}: {said}", answer.status))
        .hint("`scopes()` lists what can be set there"))
}

fn strange(replica: &Replica, path: &str) -> Error {
    Error::new(Kind::BadAnswer, format!("what istiod {replica} answered to {path} is no list of scopes"))
        .hint("does something else listen on ControlZ's port?")
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const AT: &str = "pod istio-system/istiod-lab:9876";
    const LIST: &str =
        r#"[{"name":"model","description":"m","output_level":"info","stack_trace_level":"none","log_callers":true}]"#;

    fn after(level: &str) -> String {
        LIST.trim_matches(['[', ']']).replace("\"info\"", &format!("{level:?}"))
    }

    fn lab() -> Fake {
        Fake::new().kube("/api/v1/pods?limit=500", PODS).says(&format!("{AT} GET /scopej/"), LIST)
    }

    #[test]
    fn scopes_are_rows() {
        let rows = wait(scopes(&lab().mesh(), None)).unwrap();
        let Scope { istiod, scope, level, stack_trace_level, .. } = &rows[0];
        assert_eq!([istiod, scope, level, stack_trace_level], ["istio-system/istiod-lab", "model", "info", "none"]);
        let named = |name: &str| wait(scopes(&lab().mesh(), Some(&name.into()))).map(|rows| rows.len());
        assert_eq!((named("istiod-lab").unwrap(), named("istiod-lab.istio-system").unwrap()), (1, 1));
        assert!(named("istiod-x").unwrap_err().next_step().unwrap().contains("istio-system/istiod-lab"));
    }

    #[test]
    fn a_scope_is_read_changed_written_and_read_again() {
        let fake =
            lab().refuses(&format!("{AT} PUT /scopej/model"), 202, "").says(&format!("{AT} GET /scopej/model"), after("debug"));
        let (mesh, fake) = fake.shared();
        let rows = wait(set(&mesh, "model", "debug", &ScopeOptions::default())).unwrap();
        assert_eq!(
            (rows.len(), rows[0].what.as_str(), rows[0].old.as_str(), rows[0].level.as_str()),
            (1, "level", "info", "debug")
        );
        let body: Value = serde_json::from_str(&fake.bodies()[0]).unwrap();
        assert_eq!((&body["output_level"], &body["log_callers"]), (&"debug".into(), &true.into()), "what it does not set stays");
    }

    #[test]
    fn a_level_that_is_ignored_and_a_scope_that_is_not_there_are_errors() {
        let ignores =
            lab().refuses(&format!("{AT} PUT /scopej/model"), 202, "").says(&format!("{AT} GET /scopej/model"), after("info"));
        let error = wait(set(&ignores.mesh(), "model", "debgu", &ScopeOptions::default())).unwrap_err();
        assert!(error.kind() == Kind::BadInput && error.message().contains("ignored the level \"debgu\""), "{error}");
        assert_eq!(error.next_step(), Some("did you mean debug? it takes none, error, warn, info, debug"));
        let error = wait(set(&lab().mesh(), "modle", "debug", &ScopeOptions::default())).unwrap_err();
        assert!(error.next_step().unwrap().starts_with("did you mean model?"), "{error:?}");
    }

    #[test]
    fn a_closed_controlz_says_so() {
        let mesh =
            Fake::new().kube("/api/v1/pods?limit=500", PODS).fails(&format!("{AT} GET /scopej/"), Kind::Unreachable).mesh();
        let error = wait(scopes(&mesh, None)).unwrap_err();
        assert!(error.message().contains("ControlZ of istiod istio-system/istiod-lab does not answer on port 9876"), "{error}");
        assert!(error.next_step().unwrap().contains("--ctrlz_port"));
    }
}
