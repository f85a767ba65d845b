//! Levels and the person at the terminal: a prompt needs no option, a playbook is asked for, one press too many is told.

use crate::ledger::{Rig, end, send, serve};
use crate::support::terminal::{CTRL_D, Terminal};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

const SET: &str = r#"set_log("web.shop", "rbac", "debug").len()"#;

fn session(rig: &Rig) -> Terminal {
    let mut terminal = Terminal::start(rig.mesh.home(), &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    terminal.line(SET);
    terminal.shows("put back when the session ends");
    terminal.prompt();
    assert_eq!(rig.level("rbac"), "debug");
    terminal
}

#[test]
fn a_session_at_a_terminal_may_and_its_end_puts_back() {
    let rig = Rig::new();
    let mut terminal = session(&rig);
    terminal.press(CTRL_D);
    terminal.shows("\n  shop/web: rbac warning → debug\nA level that this session set is put back now. Leave? [Y/n]");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
    assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]));
}

#[test]
fn a_session_that_waits_at_its_prompt_is_ended_by_signals_in_good_order() {
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let rig = Rig::new();
        let mut terminal = session(&rig);
        let kill = std::process::Command::new("kill").args([&format!("-{signal}"), &terminal.pid().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        assert_eq!(terminal.end(), code, "SIG{signal}");
        terminal.shows("rbac of shop/web is warning again");
        assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]), "SIG{signal}");
    }
}

#[test]
fn a_playbook_that_tunes_is_asked_for() {
    let rig = Rig::new();
    let playbook =
        |needs: &str| format!("const PLAYBOOK = #{{ title: \"Raise it\", needs: [\"{needs}\"] }};\n{SET};\nok(\"raised\");\n");
    rig.mesh.home().write("raise.rhai", &playbook("tune"));
    rig.mesh.home().write("sly.rhai", &playbook("observe"));
    let args = ["--kubeconfig", "kubeconfig", "run", "./raise.rhai"];
    for (answer, code) in [("n", 1), ("", 1), ("y", 0)] {
        let mut terminal = Terminal::start(rig.mesh.home(), &args);
        terminal.shows("[y/N]");
        terminal.line(answer);
        assert_eq!(terminal.end(), code, "{answer:?}: {}", terminal.screen());
        assert_eq!((terminal.screen().contains("raised"), rig.level("rbac")), (code == 0, "warning".into()));
    }
    // Nobody to ask, and who says less than he does.
    let refused = rig.mesh.run(&["run", "./raise.rhai"]);
    refused.fails(1, "refused", &["needs to tune", "--allow tune"]);
    assert_eq!(rig.mesh.run(&["run", "--allow", "tune", "./raise.rhai"]).code, Some(0));
    let sly = rig.mesh.run(&["run", "--allow", "tune", "./sly.rhai"]);
    assert!(sly.code == Some(1) && sly.stderr.contains("a playbook must also declare it"), "{sly:#?}");
    assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]));
}

#[test]
fn under_nohup_a_closed_terminal_ends_nothing() {
    let rig = Rig::new();
    let inner = rig.mesh.command(&["eval", "--allow", "tune", r#"set_log("web.shop", "rbac", "debug"); sleep(3)"#]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(rig.mesh.home().path()).env("HOME", rig.mesh.home().path());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    rig.wait_for("rbac", "debug");
    send(&child, "HUP");
    let (code, stderr) = end(child);
    assert_eq!((code, rig.level("rbac")), (Some(0), "warning".into()), "{stderr}");
}

/// An admin interface that lists and sets levels, and hangs when it is asked after that.
fn hangs_after_one_tune() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let hanging = Arc::new(AtomicUsize::new(0));
    let (count, tuned) = (hanging.clone(), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (count, tuned) = (count.clone(), tuned.clone());
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    if tuned.load(SeqCst) > 0 {
                        count.fetch_add(1, SeqCst);
                        continue;
                    }
                    let level = if head.contains("?rbac=debug") { "debug" } else { "warning" };
                    tuned.fetch_add(usize::from(level == "debug"), SeqCst);
                    let body = if head.starts_with("POST /logging") {
                        format!("active loggers:\n  rbac: {level}\n")
                    } else {
                        "{}".into()
                    };
                    let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                }
            });
        }
    });
    (address, hanging)
}

#[test]
fn one_press_too_many_says_what_stays_set() {
    let (address, hanging) = hangs_after_one_tune();
    let mesh = serve(address, "");
    let mut command = mesh.command(&["eval", "--allow", "tune", SET]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = Instant::now();
    while hanging.load(SeqCst) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never tries to put back");
        std::thread::sleep(Duration::from_millis(20));
    }
    send(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    send(&child, "INT");
    let (code, stderr) = end(child);
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("left as set: rbac of shop/web is debug (was warning); `pilotage undo` puts it back"), "{stderr}");
    mesh.run(&["eval", "1"]).says(&["ended without putting back", "rbac of shop/web is debug"]);
}
