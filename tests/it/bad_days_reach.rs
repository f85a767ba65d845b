//! No way to a cluster, or none that answers.

use super::bad_days::{ISTIOD_LOG, Mesh, faulty};
use crate::support::cluster::{At, Trouble};
use crate::support::run::{Output, TempDir, finish, pilotage};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// The promise for a server that cannot be reached.
const TEN_SECONDS: Duration = Duration::from_secs(10);

fn kubeconfig(home: &TempDir, server: &str) {
    let user = "{token: hush-this-is-secret}";
    home.write(
        "kubeconfig",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
             contexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {user}}}]\n"
        ),
    );
}

fn with(server: &str, args: &[&str]) -> Output {
    let home = TempDir::new();
    kubeconfig(&home, server);
    let args: Vec<&str> = ["--kubeconfig", "kubeconfig"].iter().chain(args).copied().collect();
    let output = finish(pilotage(home.path(), &args), Duration::from_secs(30));
    assert!(!output.stderr.contains("hush"), "{}", output.stderr);
    output
}

#[test]
fn without_a_kubeconfig_all_places_looked_at_are_told() {
    let home = TempDir::new();
    for args in [&["eval", "pods()"][..], &["run", "jwks-certificate"]] {
        let output = finish(pilotage(home.path(), args), TEN_SECONDS);
        output.fails(
            1,
            "no_cluster",
            &["no kubeconfig was found", ".kube/config does not exist", "KUBECONFIG is not set", "--tape"],
        );
    }
    let named = finish(pilotage(home.path(), &["--kubeconfig", "/no/such/file", "eval", "pods()"]), TEN_SECONDS);
    named.fails(1, "no_cluster", &["/no/such/file cannot be read", "No such file", "is the path right?"]);
    home.write("broken", "contexts: [");
    let broken = finish(pilotage(home.path(), &["--kubeconfig", "broken", "eval", "pods()"]), TEN_SECONDS);
    broken.fails(1, "no_cluster", &["the kubeconfig broken cannot be used", "kubectl config view"]);
}

#[test]
fn a_context_that_does_not_exist_lists_those_that_do() {
    let output = with("http://127.0.0.1:1", &["--context", "labb", "eval", "pods()"]);
    output.fails(1, "no_cluster", &["has no context \"labb\"", "--context: lab"]);
}

#[test]
fn a_server_that_refuses_connections_or_has_no_name() {
    for args in [&["eval", "pods()"][..], &["run", "jwks-certificate"]] {
        let output = with("https://127.0.0.1:1", args);
        output.fails(1, "unreachable", &["https://127.0.0.1:1 of lab cannot be reached", "refused", "nothing listens there"]);
        assert!(output.took < TEN_SECONDS, "{:?}", output.took);
    }
    let output = with("https://api.nowhere.invalid:6443", &["eval", "pods()"]);
    output.fails(1, "unreachable", &["api.nowhere.invalid:6443 of lab", "lookup", "VPN"]);
    assert!(output.took < TEN_SECONDS, "{:?}", output.took);
}

/// A port where connections neither succeed nor fail, as behind a firewall that drops packets: its queue is full.
struct BlackHole {
    address: SocketAddr,
    _queue: Vec<TcpStream>,
    _socket: tokio::net::TcpListener,
    _runtime: tokio::runtime::Runtime,
}

impl BlackHole {
    fn dig() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let inside = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let socket = socket.listen(1).expect("a listening socket");
        let address = socket.local_addr().expect("an address");
        drop(inside);
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let queue: Vec<TcpStream> = (0..16).map_while(connect).collect();
        (queue.len() < 16).then_some(Self { address, _queue: queue, _socket: socket, _runtime: runtime })
    }
}

#[test]
fn a_server_behind_a_firewall_is_given_up_within_ten_seconds() {
    let hole = BlackHole::dig().expect("this system drops connections to a full queue");
    for args in [&["eval", "pods()"][..], &["run", "jwks-certificate"]] {
        let output = with(&format!("https://{}", hole.address), args);
        output.fails(1, "unreachable", &["cannot be reached", "firewall", "VPN", "HTTPS_PROXY"]);
        assert!(output.took < TEN_SECONDS, "{:?}", output.took);
    }
}

#[test]
fn a_server_that_accepts_and_never_speaks_tls_is_given_up_too() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("https://{}", mute.local_addr().expect("an address"));
    let output = with(&server, &["eval", "pods()"]);
    output.fails(1, "unreachable", &["cannot be reached", "nothing answers there"]);
    assert!(output.took < TEN_SECONDS, "{:?}", output.took);
}

#[test]
fn the_timeout_bounds_a_cluster_that_hangs() {
    let mesh = Mesh::serve(faulty().fault(At::Kube("/".into()), Trouble::Hang));
    for args in [&["eval", "pods()"][..], &["run", "jwks-certificate"], &["eval", "get(\"pods\")"]] {
        let args: Vec<&str> = ["--timeout", "2s"].iter().chain(args).copied().collect();
        let output = mesh.run(&args);
        output.fails(1, "timeout", &["GET /api", "no answer within 2 s", "--timeout"]);
        assert!(output.took < Duration::from_secs(8), "{:?}", output.took);
    }
}

#[test]
fn ctrl_c_ends_a_call_that_hangs() {
    for args in [&["eval", "pods()"][..], &["run", "jwks-certificate"], &["eval", "try { pods() } catch { 1 }"]] {
        let mesh = Mesh::serve(faulty().fault(At::Kube("/api/v1/pods".into()), Trouble::Hang));
        let output = interrupted(mesh.command(args), || mesh.asked("/api/v1/pods"));
        output.gives(130, "").says(&["interrupted"]);
        assert!(output.took < Duration::from_secs(5), "{:?} after Ctrl-C", output.took);
    }
}

#[test]
fn ctrl_c_does_not_wait_for_a_credential_plugin() {
    let home = TempDir::new();
    kubeconfig(&home, "http://127.0.0.1:1");
    let text = std::fs::read_to_string(home.file("kubeconfig")).expect("it was written");
    let plugin = r#"{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ["-c", "touch begun; exec sleep 20"], interactiveMode: Never}}"#;
    home.write("kubeconfig", &text.replace("{token: hush-this-is-secret}", plugin));
    let begun = home.file("begun");
    let output = interrupted(pilotage(home.path(), &["--kubeconfig", "kubeconfig", "eval", "pods()"]), || begun.exists());
    output.gives(130, "");
    assert!(output.took < Duration::from_secs(5), "{:?} after Ctrl-C", output.took);
}

/// Run a command, press Ctrl-C once it is where it should be; the time counts from then.
fn interrupted(mut command: std::process::Command, there: impl Fn() -> bool) -> Output {
    use std::process::Stdio;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = std::time::Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never got there");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pressed = std::time::Instant::now();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(kill.success());
    while child.try_wait().expect("a child can be waited for").is_none() {
        if pressed.elapsed() > Duration::from_secs(15) {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = pressed.elapsed();
    let output = child.wait_with_output().expect("it ended");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr), took }
}

#[test]
fn a_credential_plugin_that_is_missing_or_fails_is_named() {
    let cases = [("no-such-plugin", "could not be started", "PATH"), ("false", "`false` failed", "by hand")];
    for (command, cause, next) in cases {
        let home = TempDir::new();
        kubeconfig(&home, "http://127.0.0.1:1");
        let text = std::fs::read_to_string(home.file("kubeconfig")).expect("it was written");
        let plugin =
            format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, interactiveMode: Never}}}}");
        home.write("kubeconfig", &text.replace("{token: hush-this-is-secret}", &plugin));
        let output = finish(pilotage(home.path(), &["--kubeconfig", "kubeconfig", "eval", "pods()"]), TEN_SECONDS);
        output.fails(1, "unauthorized", &["no credentials for the cluster lab", cause, next]);
    }
}

#[test]
fn answers_of_the_api_server_that_are_none() {
    let pods = || At::Kube("/api/v1/pods".into());
    for (trouble, kind, words) in [
        (Trouble::CutOff, "bad_answer", &["GET /api/v1/pods", "cut off after", "ask again"][..]),
        (Trouble::NotJson, "bad_answer", &["/api/v1/pods", "is not JSON", "<html>", "login page"]),
        (Trouble::Empty, "bad_answer", &["/api/v1/pods", "is empty (0 bytes)", "proxy"]),
        (Trouble::Status(503), "unreachable", &["cannot list pods", "/readyz"]),
        (Trouble::Close, "bad_answer", &["GET /api/v1/pods", "cut off after 0", "ask again"]),
    ] {
        let mesh = Mesh::serve(faulty().fault(pods(), trouble.clone()));
        mesh.eval("pods()").fails(1, kind, words);
        mesh.run(&["run", "jwks-certificate"]).fails(1, kind, words);
    }
}

#[test]
fn of_several_istiods_one_hangs_and_the_others_are_heard() {
    let log = ISTIOD_LOG.replace("istiod-lab", "istiod-lab-2");
    let mesh = Mesh::serve(faulty().hanging_istiod("istiod-lab-2").fault(At::Kube(log), Trouble::Hang));
    let output = mesh.run(&["--timeout", "2s", "eval", "istiod_logs().len() > 100"]);
    output.gives(4, "true").says(&["note: ", "istiod-lab-2", "no answer within 2 s", "--timeout"]);
    assert!(output.took < Duration::from_secs(8), "{:?}", output.took);
    let found = mesh.investigate(&["--timeout", "3s"]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    found.notes(&["istiod-lab-2", "no answer within 3 s"]);
    assert!(found.took < Duration::from_secs(20), "{:?}", found.took);
}
