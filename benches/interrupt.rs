//! Ctrl-C in a session: how long after the key the prompt is back, with the real binary on a pseudo-terminal.
//!
//! `cargo bench --bench interrupt`. Target: 100 ms, whatever runs.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its table, and stops where it cannot go on")]

#[path = "support/mod.rs"]
mod bench;
#[path = "../tests/support/mod.rs"]
mod support;

use bench::{time, verdict};
use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use support::cluster::{Cluster, ClusterOptions, LiveLog, PodTarget, Recording};
use support::run::TempDir;
use support::tapes;
use support::terminal::{CTRL_C, Terminal};
use support::two;

const TIMES: usize = 50;
const AT_ONCE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);
const POD: &str = "olaf-customer/customer-686cf5bf47-mtgsn";

fn main() {
    loops();
    a_hanging_cluster();
    a_followed_log();
    a_hanging_pod();
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let (half, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{:>10}  half of {}, {:>10} the worst: {what} (≤ 100 ms: {})",
        time(half),
        times.len(),
        time(worst),
        verdict(worst <= AT_ONCE)
    );
}

/// Press Ctrl-C when the input runs, as often as that is measured.
fn prompts(terminal: &mut Terminal, input: &str, runs: impl Fn(&mut Terminal)) -> Vec<Duration> {
    let once = |_| {
        terminal.press("\u{c}");
        terminal.wait("a clear screen", |screen| screen.trim().lines().count() == 1);
        terminal.line(input);
        runs(terminal);
        let took = terminal.takes(CTRL_C);
        terminal.prompt();
        took
    };
    (0..TIMES).map(once).collect()
}

/// What an input prints is told from its echo by the sum in it.
fn loops() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo", "--max-operations", "0"]);
    terminal.prompt();
    let begun = |terminal: &mut Terminal| _ = terminal.shows("begun 42");
    for (what, input) in [
        ("a tight loop", "print(`begun ${40 + 2}`); loop {}"),
        ("a loop that asks for answers", "print(`begun ${40 + 2}`); loop { pods().len() }"),
        ("a loop that prints", "print(`begun ${40 + 2}`); loop { print(\"more\") }"),
        ("a wait for something that never is so", "print(`begun ${40 + 2}`); wait_until(|| false, \"600s\")"),
        ("a sleep", "print(`begun ${40 + 2}`); sleep(\"600s\")"),
    ] {
        let times = match what {
            "a loop that prints" => prompts(&mut terminal, input, |terminal| _ = terminal.shows("more\nmore")),
            _ => prompts(&mut terminal, input, begun),
        };
        told(what, times);
    }
}

/// Takes connections and answers nothing; tells how many bytes came at once, 0 when a connection ends.
fn silent() -> (TcpListener, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (tell, told) = channel();
    let accepting = listener.try_clone().unwrap();
    std::thread::spawn(move || {
        for socket in accepting.incoming().flatten() {
            let tell: Sender<usize> = tell.clone();
            std::thread::spawn(move || {
                let (mut socket, mut bytes) = (socket, [0; 4096]);
                loop {
                    let count = socket.read(&mut bytes).unwrap_or(0);
                    if tell.send(count).is_err() || count == 0 {
                        return;
                    }
                }
            });
        }
    });
    (listener, told)
}

fn a_hanging_cluster() {
    let home = TempDir::new();
    let (listener, arrived) = silent();
    let address = listener.local_addr().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{{name: lab, cluster: {{server: 'http://{address}'}}}}]\n\
         users: [{{name: me, user: {{}}}}]\ncontexts: [{{name: lab, context: {{cluster: lab, user: me}}}}]\n"
    );
    home.write("kubeconfig", &text);
    let mut terminal = Terminal::start(&home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    let asked = |_: &mut Terminal| while arrived.recv_timeout(PATIENCE).unwrap() == 0 {};
    told("a call of a cluster that hangs", prompts(&mut terminal, "pods()", asked));
    let shown = |terminal: &mut Terminal| _ = terminal.shows("kube GET");
    told("the same when its waiting is shown", prompts(&mut terminal, "pods()", shown));
}

fn a_followed_log() {
    let home = TempDir::new();
    let line = |number: u64| format!("2026-11-22T12:00:00.{number:06}Z line {number} of a log\n");
    let recording = Recording::from_tape(&tapes::path("jwks-certificate-fault")).unwrap();
    let cluster = Cluster::start(ClusterOptions::new(recording).live_log(POD, "app", &LiveLog::new(line).write(20))).unwrap();
    cluster.kubeconfig(&home.file("kubeconfig")).unwrap();
    let mut terminal = Terminal::start(&home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    let input = format!("logs({POD:?}, #{{ follow: true }})");
    told("a followed log", prompts(&mut terminal, &input, |terminal| _ = terminal.shows("line 19 of a log")));
}

/// A proxy that answers nothing: the prompt, and the end of the connection that a port-forward made into its pod.
fn a_hanging_pod() {
    let (listener, arrived) = silent();
    let home = TempDir::new();
    let cluster = Cluster::start(two::options("lab", PodTarget::Tcp(listener.local_addr().unwrap()))).unwrap();
    cluster.kubeconfig(&home.file("kubeconfig")).unwrap();
    let mut terminal = Terminal::start(&home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    let (mut back, mut released) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        terminal.line("server_info(\"web.shop\")");
        while arrived.recv_timeout(PATIENCE).unwrap() == 0 {}
        let pressed = Instant::now();
        back.push(terminal.takes(CTRL_C));
        while arrived.recv_timeout(PATIENCE).unwrap() > 0 {}
        released.push(pressed.elapsed());
        terminal.prompt();
    }
    told("a call of a proxy that hangs", back);
    told("the same until its port-forward is released", released);
}
