//! What the ledger asks before and after: the levels that are set now, and which process that is.

use super::ledger_entry::Process;
use super::query::LOGGERS;
use super::tune::{CONTROLZ, Place, SCOPES, scope_levels};
use super::{Answer, Ask, Backend, Query};
use crate::error::{Error, Kind, Result};
use crate::log_level::{Form, Levels};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The levels of one process.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Of an Envoy or a ztunnel.
    Loggers(Levels),
    /// Of an istiod: by scope, and the scopes as it told them.
    Scopes(Vec<(String, String)>, Vec<Value>),
}

impl State {
    /// What is set there now.
    ///
    /// # Errors
    /// When the process does not answer, or something else.
    pub async fn ask(backend: &dyn Backend, place: &Place) -> Result<Self> {
        let answer = backend.ask(&Self::question(place)).await?;
        Self::read(place, &answer).ok_or_else(|| {
            Error::new(Kind::BadAnswer, format!("{place} does not list its log levels: status {}", answer.status))
                .hint("is that its admin port?")
        })
    }

    /// What is asked to learn it.
    pub fn question(place: &Place) -> Query {
        let (method, path) = if place.is_istiod() { ("GET", SCOPES) } else { ("POST", LOGGERS) };
        place.request(method, path, None)
    }

    /// What an answer says is set; nothing when it is another page.
    pub fn read(place: &Place, answer: &Answer) -> Option<Self> {
        if !answer.is_success() {
            return None;
        }
        if !place.is_istiod() {
            return Levels::read(&answer.text()).map(Self::Loggers);
        }
        let told: Value = serde_json::from_slice(&answer.body).ok()?;
        let levels = scope_levels(&told);
        let scopes = match told {
            Value::Array(scopes) => scopes,
            one => vec![one],
        };
        (!levels.is_empty()).then_some(Self::Scopes(levels, scopes))
    }

    /// All names with their levels.
    pub fn levels(&self) -> &[(String, String)] {
        match self {
            Self::Loggers(levels) => &levels.levels,
            Self::Scopes(levels, _) => levels,
        }
    }

    /// The level of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.levels().iter().find(|(known, _)| known == name).map(|(_, level)| level.as_str())
    }

    /// Whether it is a ztunnel's, which lists only what has a level of its own.
    pub fn is_ztunnel(&self) -> bool {
        matches!(self, Self::Loggers(Levels { form: Form::Ztunnel, .. }))
    }
}

/// Which process is there; what cannot be learnt stays unknown. Nothing at all when the pod is gone.
pub async fn process(backend: &dyn Backend, place: &Place) -> Option<Process> {
    let path = format!("/api/v1/namespaces/{}/pods/{}", place.namespace, place.pod);
    let pod = backend.ask(&Query::new(place.cluster.clone(), Ask::kube(path))).await;
    let mut process = match pod {
        Ok(answer) if answer.status == 404 => return None,
        Ok(answer) if answer.is_success() => of_pod(&serde_json::from_slice(&answer.body).unwrap_or_default(), place),
        // Who may not read pods may still have asked the proxy.
        _ => Process::default(),
    };
    if !place.is_istiod() {
        process.started = started(backend, place).await;
    }
    Some(process)
}

fn of_pod(pod: &Value, place: &Place) -> Process {
    let name = if place.port == CONTROLZ { "discovery" } else { "istio-proxy" };
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let mut statuses = lists.iter().filter_map(|list| pod.pointer(list)?.as_array()).flatten();
    let status = statuses.find(|status| status.get("name").and_then(Value::as_str) == Some(name));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    Process {
        uid: text(pod.pointer("/metadata/uid")),
        container: text(status.and_then(|status| status.get("containerID"))),
        started: None,
    }
}

/// When Envoy began at the earliest, by how long it says it runs: whole seconds, told before the answer was here. (A ztunnel has no such page; its container is known.)
async fn started(backend: &dyn Backend, place: &Place) -> Option<Timestamp> {
    let answer = backend.ask(&place.request("GET", "/server_info", None)).await.ok().filter(Answer::is_success)?;
    let info: Value = serde_json::from_slice(&answer.body).ok()?;
    let seconds: f64 = info.get("uptime_current_epoch")?.as_str()?.strip_suffix('s')?.parse().ok()?;
    let took = SignedDuration::from_millis(i64::try_from(answer.ms).ok()?);
    let told = answer.at.checked_sub(took).ok()?;
    told.checked_sub(SignedDuration::try_from_secs_f64(seconds + 1.0).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, answer, block_on};
    use super::*;

    fn place(port: u16) -> Place {
        Place { cluster: "lab".into(), namespace: "n".into(), pod: "p".into(), port, exec: None }
    }

    #[test]
    fn a_process_is_known_by_pod_container_and_start() {
        let pod = r#"{"metadata":{"uid":"u"},"status":{"initContainerStatuses":[{"name":"istio-proxy","containerID":"c"}]}}"#;
        let script = Script::new([Ok(answer(pod)), Ok(answer(r#"{"uptime_current_epoch":"90s"}"#))]);
        let found = block_on(process(&*script, &place(15000))).unwrap();
        assert_eq!((found.uid.as_deref(), found.container.as_deref()), (Some("u"), Some("c")));
        assert_eq!(found.started.unwrap().to_string(), "2026-11-22T12:58:29Z");
        assert_eq!(script.asked(), ["kube GET /api/v1/namespaces/n/pods/p", "pod n/p:15000 GET /server_info"]);
    }

    #[test]
    fn a_pod_that_is_gone_has_no_process_and_one_that_may_not_be_read_an_unknown_one() {
        let gone = Answer { status: 404, ..answer("{}") };
        assert_eq!(block_on(process(&*Script::new([Ok(gone)]), &place(9876))), None);
        let refused = Answer { status: 403, ..answer("{}") };
        assert_eq!(block_on(process(&*Script::new([Ok(refused)]), &place(9876))), Some(Process::default()));
    }

    #[test]
    fn istiods_scopes_are_levels_too() {
        let told = r#"[{"name":"model","output_level":"info","stack_trace_level":"none","log_callers":true}]"#;
        let state = State::read(&place(9876), &answer(told)).unwrap();
        assert_eq!((state.get("model"), state.get("model (stack traces)"), state.get("x")), (Some("info"), Some("none"), None));
    }
}
