//! Levels of many proxies at once: all are set, all come back, and only who was restarted is taken for it.

use crate::bad_days::Mesh;
use crate::ledger::{end, send};
use crate::support::cluster::{ClusterOptions, Entry, FakeProxy, PodTarget, Question, Recording, Via};
use serde_json::{Value, json};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Many pods with a proxy each.
struct Fleet {
    mesh: Mesh,
    proxies: Vec<FakeProxy>,
}

fn name(number: usize) -> String {
    format!("web-{number:03}")
}

fn pod(number: usize) -> Value {
    let status = json!({"name": "istio-proxy", "ready": true, "state": {"running": {}}});
    json!({
        "metadata": {"name": name(number), "namespace": "shop", "uid": format!("uid-{number}"), "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "istio-proxy", "args": ["proxy", "sidecar"]}, {"name": "web"}]},
        "status": {"phase": "Running", "podIP": "10.1.0.5", "containerStatuses": [status]},
    })
}

impl Fleet {
    /// Of proxies that have just been started and of old ones, of quick ones and of slow ones.
    fn of(count: usize) -> Self {
        let age = |number: usize| {
            Duration::from_millis(if number.is_multiple_of(3) { 100_000_000 } else { number as u64 * 137 % 20_000 })
        };
        let delay = |number: usize| Duration::from_millis(if number % 10 == 7 { 400 } else { number as u64 % 5 });
        let proxies: Vec<FakeProxy> = (0..count).map(|number| FakeProxy::new(age(number), delay(number))).collect();
        let pods: Vec<Value> = (0..count).map(pod).collect();
        let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": pods});
        let entry = Entry {
            content_type: Some("application/json".into()),
            body: list.to_string().into(),
            ..Entry::new(Via::Kube, "GET", Question::parse("/api/v1/pods"))
        };
        let moment = "2026-11-22T10:00:00Z".parse().expect("a time");
        let recording = Recording { name: "fleet".into(), cluster: "lab".into(), end: moment, entries: vec![entry] };
        let place = |options: ClusterOptions, (number, proxy): (usize, &FakeProxy)| {
            options.port(&format!("shop/{}", name(number)), 15000, PodTarget::Proxy(proxy.clone()))
        };
        let options = proxies.iter().enumerate().fold(ClusterOptions::new(recording), place);
        Self { mesh: Mesh::serve(options), proxies }
    }

    /// Those whose level this is.
    fn at(&self, level: &str) -> Vec<usize> {
        let is = |proxy: &FakeProxy| proxy.level("rbac").as_deref() == Some(level);
        self.proxies.iter().enumerate().filter(|(_, proxy)| is(proxy)).map(|(number, _)| number).collect()
    }

    /// A session that has set them all, and waits.
    #[track_caller]
    fn session(&self, patience: Duration) -> Child {
        let script =
            r#"let rows = set_log(pods("shop"), #{ rbac: "debug", jwt: "info" }); print(`set ${rows.len()}`); sleep(300)"#;
        let mut command = self.mesh.command(&["eval", "--allow", "tune", script]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let begun = Instant::now();
        while self.at("debug").len() < self.proxies.len() {
            assert!(begun.elapsed() < patience, "only {} of {} are set", self.at("debug").len(), self.proxies.len());
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }
}

/// Set all, restart some, end the session: what it said, and how long each half took.
#[track_caller]
fn round(count: usize, restarted: &[usize], patience: Duration) {
    let fleet = Fleet::of(count);
    let begun = Instant::now();
    let child = fleet.session(patience);
    let set = begun.elapsed();
    // A start is told in whole seconds: one that follows the setting at once could not be told from it.
    std::thread::sleep(Duration::from_secs(4));
    for number in restarted {
        fleet.proxies[*number].restart();
        // The same level by chance.
        fleet.proxies[*number].set("rbac", "debug");
    }
    let begun = Instant::now();
    send(&child, "TERM");
    let (code, stderr) = end(child);
    let told = format!("{count} proxies set in {set:?} and put back in {:?}; it said: {stderr}", begun.elapsed());
    assert_eq!(code, Some(143), "{told}");
    let said: Vec<usize> =
        (0..count).filter(|number| stderr.contains(&format!("shop/{} is gone, or was restarted", name(*number)))).collect();
    assert_eq!(said, restarted, "{told}");
    assert_eq!(fleet.at("debug"), restarted, "{told}");
    assert_eq!(fleet.at("warning").len(), count - restarted.len(), "{told}");
    let back =
        format!("{} log levels of {} pods are what they were before", 2 * (count - restarted.len()), count - restarted.len());
    assert!(stderr.contains(&back), "{told}");
    let folder = fleet.mesh.home().path().join(".local/state/pilotage/ledger");
    assert_eq!(std::fs::read_dir(folder).into_iter().flatten().count(), 0, "{told}");
}

#[test]
fn sixty_proxies_come_back_but_those_that_were_restarted() {
    round(60, &[0, 7, 41], Duration::from_secs(60));
}

#[test]
fn nobody_is_taken_for_restarted_who_was_not() {
    round(60, &[], Duration::from_secs(60));
}

#[test]
fn more_proxies_are_watched_than_logs_are_followed_otherwise() {
    let fleet = Fleet::of(120);
    let followed = fleet.mesh.eval("logs(pods(\"shop\"), #{ container: \"istio-proxy\", follow: true })");
    followed.fails(1, "limit", &["120 logs are to be followed, and at most 100 are", "choose fewer pods", "most: 120"]);
    let watched = fleet.mesh.run(&["run", "watch-denials", "--allow", "tune", "--wait", "1s"]);
    assert!(watched.stdout.contains("120 proxies watched") && !watched.stdout.contains("cannot be read"), "{watched:#?}");
    assert_eq!(fleet.at("warning").len(), 120);
    let many = "let many = []; while many.len() < 1001 { many += pods(\"shop\"); } watch_log(many, #{ rbac: \"debug\" }, \"1s\")";
    let refused = fleet.mesh.run(&["eval", "--allow", "tune", many]);
    refused.fails(1, "limit", &["at most 1000 are", "watch fewer pods"]);
    assert_eq!(fleet.at("warning").len(), 120);
}

#[test]
#[ignore = "takes most of a minute on a slow machine"]
fn five_hundred_proxies_come_back_but_those_that_were_restarted() {
    round(500, &[0, 7, 41, 233, 499], Duration::from_secs(300));
}
