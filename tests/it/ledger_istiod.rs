//! Scopes of istiods: set on all replicas, and put back, with the real binary against ControlZ as it behaves.

use crate::bad_days::Mesh;
use crate::ledger::{end, send};
use crate::support::cluster::{ClusterOptions, Entry, PodTarget, Question, Recording, Via};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// ControlZ: takes any body, ignores words that it does not know, and always overwrites `log_callers`.
struct ControlZ {
    address: SocketAddr,
    scope: Arc<Mutex<Value>>,
}

impl ControlZ {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let scope = json!({"name": "model", "description": "models", "output_level": "info", "stack_trace_level": "none", "log_callers": true});
        let scope = Arc::new(Mutex::new(scope));
        let shared = scope.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let scope = shared.clone();
                std::thread::spawn(move || serve(stream, &scope));
            }
        });
        Self { address, scope }
    }

    fn level(&self) -> String {
        self.scope.lock().unwrap()["output_level"].as_str().unwrap().to_owned()
    }
}

fn serve(mut stream: TcpStream, scope: &Mutex<Value>) {
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        asked.extend_from_slice(&buffer[..count]);
        while let Some(end) = asked.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&asked[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if asked.len() < end + 4 + length {
                break;
            }
            let body: Vec<u8> = asked.drain(..end + 4 + length).skip(end + 4).collect();
            let answer = answer(&head, &body, &mut scope.lock().unwrap());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn answer(head: &str, body: &[u8], scope: &mut Value) -> String {
    let say = |status: &str, text: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\r\n{text}", text.len())
    };
    match head.split(" http/").next().unwrap_or_default() {
        "get /scopej/" => say("200 OK", &json!([scope]).to_string()),
        "get /scopej/model" => say("200 OK", &scope.to_string()),
        "put /scopej/model" => {
            let sent: Value = serde_json::from_slice(body).unwrap_or_default();
            for key in ["output_level", "stack_trace_level"] {
                if ["none", "error", "warn", "info", "debug"].contains(&sent[key].as_str().unwrap_or_default()) {
                    scope[key] = sent[key].clone();
                }
            }
            scope["log_callers"] = sent["log_callers"].as_bool().unwrap_or(false).into();
            say("202 Accepted", "")
        }
        _ => say("400 Bad Request", "unknown scope name"),
    }
}

/// A mesh with these replicas; one without a server has its ControlZ closed.
fn mesh(replicas: &[Option<&ControlZ>]) -> Mesh {
    let name = |number: usize| format!("istiod-{number}");
    let pod = |number: usize| {
        json!({
            "metadata": {"name": name(number), "namespace": "istio-system", "uid": name(number), "labels": {"app": "istiod"}},
            "spec": {"containers": [{"name": "discovery", "image": "istio/pilot:1.30.0"}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": [
                {"name": "discovery", "ready": true, "state": {"running": {}}, "containerID": format!("containerd://{number}")}]},
        })
    };
    let items: Vec<Value> = (0..replicas.len()).map(pod).collect();
    let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items});
    let entry = Entry {
        content_type: Some("application/json".into()),
        body: list.to_string().into(),
        ..Entry::new(Via::Kube, "GET", Question::parse("/api/v1/pods"))
    };
    let end = "2026-11-22T10:00:00Z".parse().expect("a time");
    let recording = Recording { name: "istiods".into(), cluster: "lab".into(), end, entries: vec![entry] };
    let target = |replica: &Option<&ControlZ>| replica.map_or(PodTarget::Closed, |one| PodTarget::Tcp(one.address));
    let options = replicas.iter().enumerate().fold(ClusterOptions::new(recording), |options, (number, replica)| {
        options.port(&format!("istio-system/{}", name(number)), 9876, target(replica))
    });
    Mesh::serve(options)
}

const SCRIPT: &str =
    r#"[set_scope("model", "debug").map(|row| [row.istiod, row.old, row.level]), scopes().map(|row| row.level)]"#;

#[test]
fn every_replica_is_set_and_every_one_comes_back() {
    let (one, two) = (ControlZ::start(), ControlZ::start());
    let mesh = mesh(&[Some(&one), Some(&two)]);
    let output = mesh.run(&["eval", "--allow", "tune", "-o", "json", SCRIPT]);
    let value: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:#?}"));
    let rows = json!([["istio-system/istiod-0", "info", "debug"], ["istio-system/istiod-1", "info", "debug"]]);
    assert_eq!((&value[0], &value[1]), (&rows, &json!(["debug", "debug"])));
    output.says(&["model of istio-system/istiod-0 is info again", "model of istio-system/istiod-1 is info again"]);
    for replica in [&one, &two] {
        let scope = replica.scope.lock().unwrap().clone();
        assert_eq!((&scope["output_level"], &scope["log_callers"]), (&json!("info"), &json!(true)));
    }
}

#[test]
fn a_replica_whose_controlz_is_closed_is_told_and_the_others_are_set() {
    let one = ControlZ::start();
    let output = mesh(&[Some(&one), None]).run(&["eval", "--allow", "tune", "set_scope(\"model\", \"debug\").len()"]);
    assert_eq!((output.code, output.stdout.as_str(), one.level().as_str()), (Some(4), "1\n", "info"), "{output:#?}");
    output.says(&["ControlZ of istiod istio-system/istiod-1 does not answer on port 9876"]);
}

#[test]
fn a_word_that_controlz_ignores_and_stack_traces() {
    let one = ControlZ::start();
    let mesh = mesh(&[Some(&one)]);
    let output = mesh.run(&["eval", "--allow", "tune", "set_scope(\"model\", \"trace\")"]);
    output.fails(
        1,
        "bad_input",
        &["ignored the level \"trace\": its scope model is info", "it takes none, error, warn, info, debug"],
    );
    let script = r#"set_scope("model", "error", #{ stack_trace: true }); reset_scope("model").map(|row| [row.logger, row.old, row.level])"#;
    let output = mesh.run(&["eval", "--allow", "tune", "-o", "json", script]);
    let value: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:#?}"));
    assert_eq!(value, json!([["model (stack traces)", "error", "none"]]));
}

#[test]
fn a_killed_session_is_repaired_on_all_replicas() {
    let (one, two) = (ControlZ::start(), ControlZ::start());
    let mesh = mesh(&[Some(&one), Some(&two)]);
    let mut command = mesh.command(&["eval", "--allow", "tune", "set_scope(\"model\", \"debug\"); sleep(120)"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = Instant::now();
    while one.level() != "debug" || two.level() != "debug" {
        assert!(begun.elapsed() < Duration::from_secs(60), "never set");
        std::thread::sleep(Duration::from_millis(20));
    }
    send(&child, "KILL");
    end(child);
    let undo = mesh.run(&["undo"]);
    assert_eq!((undo.code, one.level(), two.level()), (Some(0), "info".into(), "info".into()), "{undo:#?}");
}
