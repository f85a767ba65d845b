//! A pod's state in one word, as kubectl's STATUS column says it, and the reason behind it.

use super::dig::Dig;
use serde_json::Value;

/// What a pod's containers are doing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// kubectl's word: `Running`, `CrashLoopBackOff`, `Init:0/1`, `Completed`, `Terminating` …
    pub status: String,
    /// Ready containers of all that should be: `2/2`.
    pub ready: String,
    /// Restarts of all containers together.
    pub restarts: i64,
    /// Why it is not running, in the kubelet's or the scheduler's words.
    pub why: String,
}

/// Read a pod's state.
pub(crate) fn state(pod: &Value) -> State {
    let main = pod.list("/status/containerStatuses");
    let init = pod.list("/status/initContainerStatuses");
    let native: Vec<&Value> = init.iter().filter(|status| is_native(pod, &status.string("/name"))).collect();
    let should = pod.list("/spec/containers").len() + natives(pod).count();
    let ready = main.iter().chain(native.iter().copied()).filter(|status| status.flag("/ready")).count();
    let restarts = main.iter().chain(init).filter_map(|status| status.int("/restartCount")).sum();
    State { status: word(pod, main, init), ready: format!("{ready}/{should}"), restarts, why: why(pod, main, init) }
}

/// The init containers that keep running beside the others: sidecars in Kubernetes' own sense.
pub(crate) fn natives(pod: &Value) -> impl Iterator<Item = &Value> {
    pod.list("/spec/initContainers").iter().filter(|container| container.text("/restartPolicy") == Some("Always"))
}

/// What one container does: `running`, or why not. Empty when the pod has no such container.
pub(crate) fn container_state(pod: &Value, name: &str) -> String {
    let named = |object: &&Value| object.text("/name") == Some(name);
    if !pod.list("/spec/containers").iter().chain(natives(pod)).any(|container| named(&container)) {
        return String::new();
    }
    let mut statuses = pod.list("/status/containerStatuses").iter().chain(pod.list("/status/initContainerStatuses"));
    match statuses.find(named) {
        Some(status) if status.pointer("/state/running").is_some() => "running".into(),
        Some(status) => container_word(status).unwrap_or_else(|| "unknown".into()),
        None => pod.string("/status/phase").to_lowercase(),
    }
}

fn is_native(pod: &Value, name: &str) -> bool {
    natives(pod).any(|container| container.text("/name") == Some(name))
}

fn word(pod: &Value, main: &[Value], init: &[Value]) -> String {
    let phase = pod.string("/status/phase");
    if pod.text("/metadata/deletionTimestamp").is_some() && !["Succeeded", "Failed"].contains(&phase.as_str()) {
        return if pod.text("/status/reason") == Some("NodeLost") { "Unknown" } else { "Terminating" }.into();
    }
    let general = || pod.text("/status/reason").map_or(phase.clone(), str::to_owned);
    if let Some(word) = init_word(pod, init) {
        return word;
    }
    let told = main.iter().find_map(container_word);
    let running = main.iter().any(|status| status.flag("/ready") && status.pointer("/state/running").is_some());
    match told {
        Some(word) if word == "Completed" && running => if is_ready(pod) { "Running" } else { "NotReady" }.into(),
        Some(word) => word,
        None if scheduling_gated(pod) => "SchedulingGated".into(),
        None => general(),
    }
}

/// The word for a pod that is still in its init containers.
fn init_word(pod: &Value, init: &[Value]) -> Option<String> {
    if has_condition(pod, "Initialized") {
        return None;
    }
    let total = pod.list("/spec/initContainers").len();
    for (index, status) in init.iter().enumerate() {
        let finished = status.int("/state/terminated/exitCode") == Some(0);
        let started = is_native(pod, &status.string("/name")) && status.flag("/started");
        if finished || started {
            continue;
        }
        return Some(match container_word(status) {
            Some(word) if word != "PodInitializing" => format!("Init:{word}"),
            _ => format!("Init:{index}/{total}"),
        });
    }
    None
}

/// Why one container does not run; nothing when it does.
fn container_word(status: &Value) -> Option<String> {
    if let Some(reason) = status.text("/state/waiting/reason") {
        return Some(reason.to_owned());
    }
    let ended = status.pointer("/state/terminated")?;
    Some(match (ended.text("/reason"), ended.int("/signal").unwrap_or(0)) {
        (Some(reason), _) => reason.to_owned(),
        (None, 0) => format!("ExitCode:{}", ended.int("/exitCode").unwrap_or(0)),
        (None, signal) => format!("Signal:{signal}"),
    })
}

fn why(pod: &Value, main: &[Value], init: &[Value]) -> String {
    let of_container = init.iter().chain(main).find_map(|status| {
        let name = status.string("/name");
        let waits = status.text("/state/waiting/message").map(|text| format!("container {name}: {text}"));
        waits.or_else(|| ended(status, "/state/terminated").map(|text| format!("container {name} {text}")))
    });
    let last = main.iter().find_map(|status| {
        let waiting = status.pointer("/state/waiting")?;
        let ended = ended(status, "/lastState/terminated")?;
        Some(format!("{}: container {} {ended}", waiting.string("/reason"), status.string("/name")))
    });
    let unscheduled = || {
        let conditions = pod.list("/status/conditions").iter();
        let mut bad = conditions.filter(|c| c.text("/status") == Some("False")).filter_map(|c| c.text("/message"));
        bad.next().map(str::to_owned)
    };
    let general = pod.text("/status/message").map(str::to_owned);
    last.or(of_container).or(general).or_else(unscheduled).unwrap_or_default()
}

/// How a container ended, unless it ended well.
fn ended(status: &Value, pointer: &str) -> Option<String> {
    let end = status.pointer(pointer)?;
    let code = end.int("/exitCode").unwrap_or(0);
    if code == 0 {
        return None;
    }
    let reason = end.text("/reason").unwrap_or("Error");
    let words = end.text("/message").map(|text| format!(": {}", text.trim())).unwrap_or_default();
    Some(format!("ended with exit code {code} ({reason}){words}"))
}

fn is_ready(pod: &Value) -> bool {
    has_condition(pod, "Ready")
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let mut conditions = pod.list("/status/conditions").iter();
    conditions.any(|condition| condition.text("/type") == Some(kind) && condition.text("/status") == Some("True"))
}

fn scheduling_gated(pod: &Value) -> bool {
    pod.list("/status/conditions")
        .iter()
        .any(|c| c.text("/type") == Some("PodScheduled") && c.text("/reason") == Some("SchedulingGated"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn running(name: &str, ready: bool) -> Value {
        json!({"name": name, "ready": ready, "started": true, "restartCount": 1, "state": {"running": {}}})
    }

    fn pod(phase: &str, statuses: Value) -> Value {
        let names: Vec<_> = statuses.as_array().unwrap().iter().map(|s| json!({"name": s["name"]})).collect();
        json!({"spec": {"containers": names}, "status": {"phase": phase, "containerStatuses": statuses,
            "conditions": [{"type": "Initialized", "status": "True"}]}})
    }

    #[test]
    fn a_running_pod_counts_its_containers_and_restarts() {
        let state = state(&pod("Running", json!([running("app", true), running("istio-proxy", false)])));
        assert_eq!((state.status.as_str(), state.ready.as_str(), state.restarts, state.why.as_str()), ("Running", "1/2", 2, ""));
    }

    #[test]
    fn one_container_can_run_while_another_crashes() {
        let crash = json!({"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}});
        let pod = pod("Running", json!([crash, running("istio-proxy", true)]));
        let states = ["app", "istio-proxy", "other"].map(|name| container_state(&pod, name));
        assert_eq!(
            (state(&pod).status.as_str(), states),
            ("CrashLoopBackOff", ["CrashLoopBackOff", "running", ""].map(Into::into))
        );
        let early = json!({"spec": {"containers": [{"name": "istio-proxy"}]}, "status": {"phase": "Pending"}});
        assert_eq!(container_state(&early, "istio-proxy"), "pending");
    }

    #[test]
    fn a_native_sidecar_counts_as_a_container() {
        let mut native = pod("Running", json!([running("app", true)]));
        native["spec"]["initContainers"] = json!([{"name": "istio-init"}, {"name": "istio-proxy", "restartPolicy": "Always"}]);
        native["status"]["initContainerStatuses"] =
            json!([{"name": "istio-init", "state": {"terminated": {"exitCode": 0}}}, running("istio-proxy", true)]);
        assert_eq!(state(&native).ready, "2/2");
    }

    #[test]
    fn trouble_has_kubectls_word_and_the_kubelets_reason() {
        let waiting = json!({"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"});
        let crash = json!([{"name": "app", "state": {"waiting": waiting},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]);
        let crashed = state(&pod("Running", crash));
        assert_eq!(crashed.status, "CrashLoopBackOff");
        assert_eq!(crashed.why, "CrashLoopBackOff: container app ended with exit code 137 (OOMKilled)");
        let image = json!([{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]);
        let pull = state(&pod("Pending", image));
        assert_eq!((pull.status.as_str(), pull.why.as_str()), ("ImagePullBackOff", "container app: no such image"));
        let failed = state(&pod("Failed", json!([{"name": "a", "state": {"terminated": {"exitCode": 3}}}])));
        assert_eq!((failed.status.as_str(), failed.why.as_str()), ("ExitCode:3", "container a ended with exit code 3 (Error)"));
    }

    #[test]
    fn init_containers_show_how_far_they_are() {
        let mut waiting = pod("Pending", json!([{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}]));
        waiting["status"]["conditions"] = json!([]);
        waiting["spec"]["initContainers"] = json!([{"name": "a"}, {"name": "b"}]);
        waiting["status"]["initContainerStatuses"] =
            json!([{"name": "a", "state": {"terminated": {"exitCode": 0}}}, {"name": "b", "state": {"running": {}}}]);
        assert_eq!(state(&waiting).status, "Init:1/2");
        waiting["status"]["initContainerStatuses"][1]["state"] = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        assert_eq!(state(&waiting).status, "Init:Error");
    }

    #[test]
    fn ends_of_life_are_told_apart() {
        let mut done = pod("Succeeded", json!([{"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]));
        assert_eq!(state(&done).status, "Completed");
        done["metadata"] = json!({"deletionTimestamp": "2026-11-22T13:00:00Z"});
        done["status"]["phase"] = json!("Running");
        assert_eq!(state(&done).status, "Terminating");
        let evicted = json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}});
        assert_eq!((state(&evicted).status.as_str(), state(&evicted).why.as_str()), ("Evicted", "low on memory"));
        let unscheduled = json!({"status": {"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]}});
        assert_eq!(
            (state(&unscheduled).status.as_str(), state(&unscheduled).why.as_str()),
            ("Pending", "0/3 nodes are available")
        );
    }

    #[test]
    fn a_finished_container_beside_a_running_one_is_running_only_when_ready() {
        let mut mixed = pod(
            "Running",
            json!([{"name": "job", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, running("istio-proxy", true)]),
        );
        assert_eq!(state(&mixed).status, "NotReady");
        mixed["status"]["conditions"] = json!([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]);
        assert_eq!(state(&mixed).status, "Running");
    }
}
