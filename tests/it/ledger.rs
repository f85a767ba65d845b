//! Log levels of real Envoys: they change, and they come back, however a session ends. The binary is killed here.

use crate::bad_days::Mesh;
use crate::support::cluster::{ClusterOptions, Entry, PodTarget, Question, Recording, Via};
use crate::support::envoy::{Envoy, get, post};
use crate::support::run::{Output, PATIENCE};
use serde_json::json;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// An Envoy of one's own, as the proxy of the pod `web.shop`, in a served mesh.
pub struct Rig {
    pub mesh: Mesh,
    pub envoy: Option<Envoy>,
    pub admin: SocketAddr,
}

/// Set a level, then wait for what comes.
const SET_AND_WAIT: &str = r#"set_log("web.shop", "rbac", "debug"); sleep(120)"#;

impl Rig {
    pub fn new() -> Self {
        let envoy = start("1.40.0", 0);
        let admin = envoy.admin;
        Self { mesh: serve(admin, ""), envoy: Some(envoy), admin }
    }

    /// The same with this log of its proxy.
    pub fn with_log(log: &str) -> Self {
        let envoy = start("1.40.0", 0);
        let admin = envoy.admin;
        Self { mesh: serve(admin, log), envoy: Some(envoy), admin }
    }

    /// The same for a user who may not forward ports.
    pub fn by_exec() -> Self {
        let envoy = start("1.40.0", 0);
        let admin = envoy.admin;
        Self { mesh: Mesh::serve(options(admin).user("noforward")), envoy: Some(envoy), admin }
    }

    /// The level of a logger, asked without us between.
    pub fn level(&self, logger: &str) -> String {
        let (_, text) = post(self.admin, "/logging");
        let line = text.lines().find_map(|line| line.trim().strip_prefix(logger)?.strip_prefix(": ").map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {logger}: {text}"))
    }

    #[track_caller]
    pub fn wait_for(&self, logger: &str, level: &str) {
        let begun = Instant::now();
        while self.level(logger) != level {
            assert!(begun.elapsed() < PATIENCE, "{logger} is {} and never {level}", self.level(logger));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Start a session with this script, and wait until it has set the level.
    #[track_caller]
    pub fn session(&self, script: &str, level: &str) -> Child {
        let mut command = self.mesh.command(&["eval", "--allow", "tune", script]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        self.wait_for("rbac", level);
        child
    }

    pub fn eval(&self, script: &str) -> Output {
        self.mesh.run(&["eval", "--allow", "tune", "-o", "json", script])
    }

    /// The files of sessions that are kept.
    pub fn files(&self) -> Vec<String> {
        let folder = self.mesh.home().path().join(".local/state/pilotage/ledger");
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// An Envoy with nothing but its admin interface; on this port, or on any.
fn start(version: &str, port: u16) -> Envoy {
    let bootstrap = json!({"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}});
    Envoy::start(version, &[("bootstrap.json", bootstrap.to_string())])
}

/// The mesh of one pod, whose proxy is there.
pub fn serve(admin: SocketAddr, log: &str) -> Mesh {
    Mesh::serve(options(admin).log("shop/web", "istio-proxy", log))
}

fn options(admin: SocketAddr) -> ClusterOptions {
    let status = json!({"name": "istio-proxy", "ready": true, "state": {"running": {}}});
    let pod = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-of-web", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "istio-proxy", "args": ["proxy", "sidecar"]}, {"name": "web"}]},
        "status": {"phase": "Running", "podIP": "10.1.0.5", "containerStatuses": [status]},
    });
    let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": [pod]});
    let entry = Entry {
        content_type: Some("application/json".into()),
        body: list.to_string().into(),
        ..Entry::new(Via::Kube, "GET", Question::parse("/api/v1/pods"))
    };
    let end = "2026-11-22T10:00:00Z".parse().expect("a time");
    let recording = Recording { name: "tuned".into(), cluster: "lab".into(), end, entries: vec![entry] };
    ClusterOptions::new(recording).port("shop/web", 15000, PodTarget::Tcp(admin))
}

/// Send a signal by its name.
pub fn send(child: &Child, signal: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// How it ended: its exit code, and what it said on standard error.
#[track_caller]
pub fn end(mut child: Child) -> (Option<i32>, String) {
    let begun = Instant::now();
    while child.try_wait().expect("a child can be waited for").is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the program did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("its output");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn levels_change_and_come_back_at_the_end() {
    for version in ["1.36.2", "1.40.0"] {
        let envoy = start(version, 0);
        let rig = Rig { mesh: serve(envoy.admin, ""), admin: envoy.admin, envoy: Some(envoy) };
        let script = r#"let rows = set_log("web.shop", #{ rbac: "debug", jwt: "trace" });
            [rows, log_levels("web.shop").filter(|row| row.level in ["debug", "trace"])]"#;
        let output = rig.eval(script);
        assert_eq!(output.code, Some(0), "Envoy {version}: {output:#?}");
        let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        let row = |logger: &str, new: &str| json!({"namespace": "shop", "pod": "web", "logger": logger, "old": "warning", "level": new});
        assert_eq!(value[0], json!([row("jwt", "trace"), row("rbac", "debug")]));
        assert_eq!(value[1], json!([{"logger": "jwt", "level": "trace"}, {"logger": "rbac", "level": "debug"}]));
        output.says(&[
            "write whole tokens",
            "rbac of shop/web is warning again, no longer debug",
            "jwt of shop/web is warning again",
        ]);
        assert_eq!((rig.level("rbac"), rig.level("jwt"), rig.files()), ("warning".into(), "warning".into(), vec![]));
    }
}

#[test]
fn all_loggers_are_set_at_once_and_come_back_each_to_its_own() {
    let rig = Rig::new();
    post(rig.admin, "/logging?upstream=error");
    let output = rig.eval(r#"set_log("web.shop", "*", "debug").len() > 50"#);
    assert_eq!((output.code, output.stdout.trim()), (Some(0), "true"), "{output:#?}");
    output.says(&["megabytes a second", "log levels of shop/web are what they were before"]);
    assert_eq!((rig.level("rbac"), rig.level("upstream")), ("warning".into(), "error".into()));
}

#[test]
fn reset_log_puts_back_at_once_and_only_what_it_is_asked_to() {
    let rig = Rig::new();
    let script = r#"set_log(["web.shop"], #{ rbac: "debug", jwt: "debug" }); set_log("web.shop", "rbac", "trace");
        let one = reset_log("web.shop", "rbac");
        let left = log_levels("web.shop").filter(|row| row.level != "warning").map(|row| row.logger);
        [one, left, reset_log("web.shop").map(|row| row.logger), reset_log("web.shop").len()]"#;
    let output = rig.eval(script);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:#?}"));
    assert_eq!(
        value,
        json!([[{"namespace": "shop", "pod": "web", "logger": "rbac", "old": "trace", "level": "warning"}], ["jwt"], ["jwt"], 0])
    );
    assert_eq!(rig.files(), Vec::<String>::new());
}

#[test]
fn a_level_comes_back_when_a_signal_ends_the_session() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let rig = Rig::new();
        let child = rig.session(SET_AND_WAIT, "debug");
        send(&child, signal);
        let (ended, stderr) = end(child);
        assert_eq!(ended, Some(code), "SIG{signal}: {stderr}");
        assert!(stderr.contains("rbac of shop/web is warning again"), "SIG{signal}: {stderr}");
        assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]), "SIG{signal}");
    }
}

#[test]
fn a_script_that_fails_leaves_nothing_behind() {
    let rig = Rig::new();
    let output = rig.eval(r#"set_log("web.shop", "rbac", "debug"); throw "boom""#);
    assert_eq!((output.code, rig.level("rbac")), (Some(1), "warning".into()), "{output:#?}");
}

#[test]
fn a_killed_session_is_told_of_and_repaired() {
    let rig = Rig::new();
    let child = rig.session(SET_AND_WAIT, "debug");
    send(&child, "KILL");
    end(child);
    assert_eq!((rig.level("rbac"), rig.files().len()), ("debug".into(), 1));
    let next = rig.mesh.run(&["eval", "1"]);
    next.says(&["ended without putting back", "rbac of shop/web is debug (was warning)", "`pilotage undo` does it"]);
    let dry = rig.mesh.run(&["undo", "--dry-run", "-o", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&dry.stdout).unwrap_or_else(|_| panic!("{dry:#?}"));
    assert_eq!(
        (&rows[0]["logger"], &rows[0]["level"], &rows[0]["old"], rig.level("rbac")),
        (&json!("rbac"), &json!("debug"), &json!("warning"), "debug".into())
    );
    let undo = rig.mesh.run(&["undo", "-o", "json"]);
    assert_eq!((undo.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{undo:#?}");
    assert!(undo.stdout.contains("put_back"), "{undo:#?}");
    let again = rig.mesh.run(&["undo"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), "nothing is left to be put back\n"));
}

#[test]
fn what_a_lost_cluster_would_need_can_be_forgotten() {
    let rig = Rig::new();
    let child = rig.session(SET_AND_WAIT, "debug");
    send(&child, "KILL");
    end(child);
    let other = rig.mesh.run(&["undo", "--context", "elsewhere"]);
    assert_eq!((other.code, rig.files().len()), (Some(0), 1), "another cluster's sessions are not meant: {other:#?}");
    let home = rig.mesh.home();
    std::fs::rename(home.file("kubeconfig"), home.file("moved")).unwrap();
    let lost = crate::support::run::finish(crate::support::run::pilotage(home.path(), &["undo"]), PATIENCE);
    assert!(lost.code == Some(1) && lost.stderr.contains("by hand: istioctl"), "{lost:#?}");
    let forget = crate::support::run::finish(crate::support::run::pilotage(home.path(), &["undo", "--forget"]), PATIENCE);
    assert_eq!((forget.code, rig.level("rbac"), rig.files()), (Some(0), "debug".into(), vec![]), "{forget:#?}");
    forget.says(&["left as set: rbac of shop/web is debug (was warning)"]);
}

#[test]
fn a_restarted_proxy_needs_no_undo() {
    let mut rig = Rig::new();
    let child = rig.session(SET_AND_WAIT, "debug");
    send(&child, "KILL");
    end(child);
    let port = rig.admin.port();
    drop(rig.envoy.take());
    // Start times are told in whole seconds.
    std::thread::sleep(Duration::from_secs(4));
    rig.envoy = Some(start("1.40.0", port));
    assert_eq!(get(rig.admin, "/ready").0, 200);
    // The same level by chance: another process all the same.
    post(rig.admin, "/logging?rbac=debug");
    let undo = rig.mesh.run(&["undo", "-o", "json"]);
    assert!(undo.code == Some(0) && undo.stdout.contains("restarted"), "{undo:#?}");
    assert_eq!((rig.level("rbac"), rig.files()), ("debug".into(), vec![]));
}

#[test]
fn a_lasting_change_is_explicit() {
    let rig = Rig::new();
    let output = rig.eval(r#"set_log("web.shop", "rbac", "info"); set_log("web.shop", "rbac", "error", #{ keep: true }).len()"#);
    assert_eq!((output.code, rig.level("rbac"), rig.files()), (Some(0), "error".into(), vec![]), "{output:#?}");
}

#[test]
fn what_was_to_pass_ends_with_its_line() {
    let rig = Rig::new();
    let file = rig.mesh.home().write("lines", "set_log(\"web.shop\", \"rbac\", \"debug\").len()\nset_log(\"web.shop\", \"rbac\", \"trace\", #{ passing: true }).len()\nlog_levels(\"web.shop\").filter(|row| row.logger == \"rbac\")[0].level\n");
    let mut command = rig.mesh.command(&["--allow", "tune"]);
    command.stdin(std::fs::File::open(file).unwrap());
    let output = crate::support::run::finish(command, PATIENCE);
    assert_eq!(output.stdout, "1\n1\ndebug\n", "{output:#?}");
    assert_eq!(rig.level("rbac"), "warning");
}

#[test]
fn a_level_that_envoy_refuses_is_told_in_its_words_and_changes_nothing() {
    let rig = Rig::new();
    let output = rig.eval(r#"set_log("web.shop", #{ rbac: "info", jwt: "deubg" })"#);
    output.fails(1, "bad_input", &["error: unknown logger level", "did you mean debug? it takes: trace, debug, info"]);
    let output = rig.eval(r#"set_log("web.shop", "rbak", "debug")"#);
    output.fails(1, "not_found", &["pod shop/web has no logger \"rbak\"", "did you mean rbac"]);
    assert_eq!((rig.level("rbac"), rig.level("jwt"), rig.files()), ("warning".into(), "warning".into(), vec![]));
}

#[test]
fn who_may_not_forward_ports_sets_and_puts_back_by_exec() {
    let rig = Rig::by_exec();
    let output = rig.eval(r#"set_log("web.shop", #{ rbac: "debug", jwt: "debug" }); log_levels("web.shop").filter(|row| row.level == "debug").len()"#);
    assert_eq!((output.code, output.stdout.trim(), rig.level("rbac")), (Some(0), "2", "warning".into()), "{output:#?}");
    output.says(&["asked by exec instead", "rbac of shop/web is warning again"]);
    let child = rig.session(SET_AND_WAIT, "debug");
    send(&child, "KILL");
    end(child);
    let undo = rig.mesh.run(&["undo"]);
    assert_eq!((undo.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{undo:#?}");
    let refused = rig.eval(r#"set_log("web.shop", #{ rbac: "debug", jwt: "loud" })"#);
    refused.fails(1, "bad_answer", &["400", "it takes: trace, debug, info"]);
    assert_eq!(rig.level("rbac"), "warning");
}

#[test]
fn nobody_sets_levels_who_may_only_read() {
    let rig = Rig::new();
    let output = rig.mesh.run(&["eval", r#"set_log("web.shop", "rbac", "debug")"#]);
    output.fails(1, "refused", &["would change the runtime state of a process", "--allow tune"]);
    assert_eq!(rig.level("rbac"), "warning");
}
