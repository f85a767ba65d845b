//! Port-forwards: ports of pods on this machine, as long as the session lasts.

use crate::bad_days::{Mesh, POD, faulty};
use crate::real_envoy;
use crate::support::cluster::{At, PodTarget, Trouble};
use crate::support::envoy::{VERSIONS, get};
use crate::support::run::{PATIENCE, TempDir};
use pilotage::backend::Effect;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A command that keeps a port-forward open, and where it listens.
struct Open {
    child: Child,
    local: SocketAddr,
}

impl Open {
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut row = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        while serde_json::from_str::<Value>(&row).is_err() {
            if out.read_line(&mut row).expect("text") == 0 {
                let mut told = String::new();
                child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
                panic!("it ended with {row}{told}");
            }
        }
        let row: Value = serde_json::from_str(&row).expect("JSON");
        let row = row.get(0).unwrap_or(&row);
        let url = row["url"].as_str().unwrap_or_else(|| panic!("no URL: {row}"));
        let local = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        Self { child, local: local.parse().expect("an address") }
    }

    fn signal(&mut self, name: &str) -> (Option<i32>, Duration) {
        let pressed = Instant::now();
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill is there").success());
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return (status.code(), pressed.elapsed());
            }
            assert!(pressed.elapsed() < PATIENCE, "it never ended");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_envoy_answers_through_the_local_port() {
    let mesh = real_envoy::mesh();
    for version in VERSIONS {
        for (call, signal, ends) in [("dashboard(\"envoy\", POD)", "-INT", 0), ("port_forward(POD, 15000)", "-TERM", 143)] {
            let source = call.replace("POD", &format!("\"{}.shop\"", real_envoy::name(version)));
            let mut open = Open::start(mesh.command(&["--allow", "tune", "-o", "json", "eval", &source]));
            assert!(open.local.ip().is_loopback(), "{}", open.local);
            let (status, page) = get(open.local, "/server_info");
            assert!(status == 200 && page.contains("\"state\": \"LIVE\""), "{page}");
            assert_eq!(get(open.local, "/nosuch").0, 404, "each request may be a connection of its own");
            let (code, took) = open.signal(signal);
            assert_eq!(code, Some(ends), "Ctrl-C is how it ends");
            assert!(took < Duration::from_secs(1), "{took:?}");
            assert!(TcpStream::connect(open.local).is_err(), "nobody listens any more");
        }
    }
}

#[test]
fn what_passes_is_counted_and_closing_closes() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut socket in server.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = socket.read(&mut bytes) {
                    let _ = socket.write_all(&bytes[..count]);
                }
            });
        }
    });
    let mesh = Mesh::serve(faulty().port(POD, 7777, PodTarget::Tcp(address)));
    let engine = mesh.engine(Effect::Tune);
    let url = engine.eval(&format!("port_forward(\"{POD}\", 7777).url")).unwrap();
    let pilotage::report::Content::Text(url) = url else { panic!("{url:?}") };
    let local: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    let mut sockets: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(local).unwrap()).collect();
    let text = "x".repeat(100_000);
    for socket in &mut sockets {
        let mut writer = socket.try_clone().unwrap();
        let sent = text.clone();
        let writing = std::thread::spawn(move || writer.write_all(sent.as_bytes()).unwrap());
        let mut back = vec![0; text.len()];
        socket.read_exact(&mut back).unwrap();
        writing.join().unwrap();
        assert!(back == text.as_bytes());
    }
    let count = |what: &str| match engine.eval(&format!("forwards()[0].{what}")).unwrap() {
        pilotage::report::Content::Value(value) => value.as_u64().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!((count("connections"), count("open"), count("sent"), count("received")), (20, 20, 2_000_000, 2_000_000));
    sockets.truncate(5);
    let begun = Instant::now();
    while count("open") > 5 {
        assert!(begun.elapsed() < PATIENCE, "connections that ended here stay open there");
        std::thread::sleep(Duration::from_millis(20));
    }
    let closed = engine.eval(&format!("close_forward({})", local.port())).unwrap();
    assert_eq!(closed, pilotage::report::Content::Value(true.into()));
    assert_eq!(sockets[0].read(&mut [0; 10]).unwrap_or(0), 0, "open connections end with it");
    assert!(TcpStream::connect(local).is_err());
}

#[test]
fn what_cannot_be_opened_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port();
    let mesh = Mesh::serve(faulty().port(POD, 7777, PodTarget::Closed).fault(At::Kube("/api/v1/nodes".into()), Trouble::Empty));
    for (call, words) in [
        (format!("port_forward(\"{POD}\", 7777)"), "nothing answers there"),
        (format!("port_forward(\"{POD}\", 15000, {taken})"), "another program has it"),
        (format!("port_forward(\"{POD}\", 0)"), "0 is no port"),
        ("dashboard(\"kiali\")".into(), "app=kiali"),
        ("dashboard(\"grafna\")".into(), "did you mean `grafana`?"),
    ] {
        let output = mesh.run(&["--allow", "tune", "eval", &call]);
        assert!(output.code != Some(0) && output.stderr.contains(words), "{call}: {output:#?}");
    }
}

#[test]
fn a_playbook_must_be_allowed_to_and_what_it_opened_ends_with_it() {
    let mesh = Mesh::serve(faulty());
    let home = TempDir::new();
    let playbook = |needs: &str| {
        let text = format!(
            "const PLAYBOOK = #{{ title: \"t\"{needs} }};\nlet row = port_forward(\"{POD}\", 15000);\nok(`at ${{row.url}}`);"
        );
        home.write("forward.rhai", &text).display().to_string()
    };
    let refused = mesh.run(&["run", &playbook("")]);
    assert!(refused.code != Some(0) && refused.stderr.contains("refused"), "{refused:#?}");
    let done = mesh.run(&["--allow", "tune", "run", &playbook(", needs: [\"tune\"]")]);
    assert!(done.code == Some(0) && done.stdout.contains("at http://127.0.0.1:"), "{done:#?}");
}
