//! What became of a container whose log ended: it runs, perhaps anew, or it will again, or never.

use serde_json::Value;

/// A container, as its pod's status tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Run {
    /// The pod does not tell.
    Unknown,
    /// It runs.
    Running(Running),
    /// It does not, and it is started again.
    Waiting(String),
    /// It does not, and that is all.
    Over,
}

/// A run of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Running {
    /// What tells it from another run.
    pub(super) id: Option<String>,
    /// When it began, as the pod says it.
    pub(super) started: Option<String>,
    /// How many there were before.
    pub(super) restarts: u64,
    /// How the one before ended: `exit code 137, OOMKilled`.
    pub(super) before: Option<String>,
}

impl Run {
    /// By the pod's object; a pod with one container may leave its name out.
    pub(super) fn of(pod: &Value, container: Option<&str>) -> Self {
        let named = |at: &str, init: bool| {
            let list = pod.pointer(at).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let found = list.iter().find(|one| container.is_none_or(|name| text(one, "/name") == Some(name)));
            found.map(|one| (one, init))
        };
        let status = named("/status/containerStatuses", false)
            .or_else(|| container.and(named("/status/initContainerStatuses", true)))
            .or_else(|| container.and(named("/status/ephemeralContainerStatuses", true)));
        let Some((status, init)) = status else { return Self::Unknown };
        let over = matches!(text(pod, "/status/phase"), Some("Succeeded" | "Failed"))
            || pod.pointer("/metadata/deletionTimestamp").is_some();
        if status.pointer("/state/running").is_some() {
            return Self::Running(Running {
                id: text(status, "/containerID").map(str::to_owned),
                started: text(status, "/state/running/startedAt").map(str::to_owned),
                restarts: status.get("restartCount").and_then(Value::as_u64).unwrap_or_default(),
                before: status.pointer("/lastState/terminated").map(end_of),
            });
        }
        let own = named("/spec/containers", false).or_else(|| named("/spec/initContainers", true));
        let policy = own.and_then(|(own, _)| text(own, "/restartPolicy")).or_else(|| text(pod, "/spec/restartPolicy"));
        // Of init containers only those start again after a success that are sidecars, which say so themselves.
        let policy = match policy {
            Some("Always") | None if init && own.and_then(|(own, _)| text(own, "/restartPolicy")).is_none() => Some("OnFailure"),
            policy => policy,
        };
        let (waits, ended) = (status.pointer("/state/waiting"), status.pointer("/state/terminated"));
        let failed = ended.and_then(|ended| ended.get("exitCode")).and_then(Value::as_i64) != Some(0);
        let again = waits.is_some()
            || match policy {
                Some("Never") => false,
                Some("OnFailure") => failed,
                _ => true,
            };
        match (over || !again, waits, ended) {
            (_, None, None) => Self::Unknown,
            (true, ..) => Self::Over,
            (false, _, Some(ended)) => Self::Waiting(end_of(ended)),
            (false, Some(waits), None) => {
                let last = status.pointer("/lastState/terminated").map(end_of);
                let reason = text(waits, "/reason").map(str::to_owned);
                let words: Vec<String> = last.into_iter().chain(reason).collect();
                Self::Waiting(if words.is_empty() { "waiting".into() } else { words.join(", ") })
            }
        }
    }
}

/// `exit code 137, OOMKilled`.
fn end_of(ended: &Value) -> String {
    let code = ended.get("exitCode").and_then(Value::as_i64).map(|code| format!("exit code {code}"));
    // `Error` says no more than the code.
    let reason = text(ended, "/reason").filter(|reason| *reason != "Error").map(str::to_owned);
    code.into_iter().chain(reason).collect::<Vec<_>>().join(", ")
}

fn text<'a>(value: &'a Value, at: &str) -> Option<&'a str> {
    value.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(policy: &str, state: Value, last: Value) -> Value {
        json!({"spec": {"restartPolicy": policy, "containers": [{"name": "app"}, {"name": "other"}]}, "status": {"phase": "Running",
            "containerStatuses": [{"name": "other", "state": {}},
                {"name": "app", "containerID": "c2", "restartCount": 3, "state": state, "lastState": last}]}})
    }

    #[test]
    fn a_run_is_known_and_whether_there_will_be_another() {
        let killed = || json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        let run = |policy: &str, state: Value, last: Value| Run::of(&pod(policy, state, last), Some("app"));
        let running = Running {
            id: Some("c2".into()),
            started: Some("2026-11-22T12:00:00Z".into()),
            restarts: 3,
            before: Some("exit code 137, OOMKilled".into()),
        };
        assert_eq!(run("Always", json!({"running": {"startedAt": "2026-11-22T12:00:00Z"}}), killed()), Run::Running(running));
        let again = || Run::Waiting("exit code 137, OOMKilled".into());
        assert_eq!(run("Always", killed(), json!({})), again());
        assert_eq!(run("OnFailure", killed(), json!({})), again());
        assert_eq!(run("Never", killed(), json!({})), Run::Over);
        assert_eq!(run("OnFailure", json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), json!({})), Run::Over);
        let backs_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        assert_eq!(run("Always", backs_off, killed()), Run::Waiting("exit code 137, OOMKilled, CrashLoopBackOff".into()));
        assert_eq!(Run::of(&pod("Always", killed(), json!({})), Some("other")), Run::Unknown);
        assert_eq!(Run::of(&json!({}), Some("app")), Run::Unknown);
        let mut deleted = pod("Always", killed(), json!({}));
        deleted["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:00Z".into();
        assert_eq!(Run::of(&deleted, Some("app")), Run::Over);
    }

    #[test]
    fn an_init_container_that_is_done_is_over_and_a_sidecar_is_not() {
        let init = |own: Value, code: i64| {
            let mut container = json!({"name": "init"});
            container.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            let status = json!({"name": "init", "state": {"terminated": {"exitCode": code}}});
            Run::of(
                &json!({"spec": {"initContainers": [container]}, "status": {"initContainerStatuses": [status]}}),
                Some("init"),
            )
        };
        assert_eq!(init(json!({}), 0), Run::Over);
        assert_eq!(init(json!({}), 1), Run::Waiting("exit code 1".into()));
        assert_eq!(init(json!({"restartPolicy": "Always"}), 0), Run::Waiting("exit code 0".into()));
    }
}
