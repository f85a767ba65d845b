//! How soon the program is there: its version, its prompt on the demo and on a cluster that does not answer, and the whole demo
//! investigation.
//!
//! `cargo bench --bench start`. Targets on the machine that this was written on: 5 ms, 30 ms, 300 ms.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;
#[path = "../tests/support/mod.rs"]
mod support;

use measure::{best, time, verdict};
use std::fmt::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::run::{TempDir, pilotage};
use support::terminal::Terminal;

fn main() {
    let home = TempDir::new();
    let program = |args: &[&str]| {
        let mut command = pilotage(home.path(), args);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs").code()
    };
    let bare = best(30, || std::process::Command::new("true").status());
    println!("{:>10}  the smallest program of the system, for comparison", time(bare));
    report("pilotage --version", 5, best(30, || assert_eq!(program(&["--version"]), Some(0))));
    let prompt = (0..20).map(|_| first_prompt(&home, &["--demo"])).min().unwrap_or_default();
    report("start to first prompt (--demo, on a terminal)", 30, prompt);
    let busy = a_busy_users_home();
    let far = (0..20).map(|_| first_prompt(&busy, &[])).min().unwrap_or_default();
    report("the same of a silent cluster, with 5,000 lines of history and 200 contexts", 30, far);
    let run = ["run", "jwks-certificate", "--demo"];
    report("the demo investigation, from start to exit", 300, best(10, || assert_eq!(program(&run), Some(3))));
}

/// A home with much to read at the start, and a cluster that nothing ever comes from.
fn a_busy_users_home() -> TempDir {
    let home = TempDir::new();
    let mut history = String::from("#V2\n");
    let mut kubeconfig = String::from("apiVersion: v1\nkind: Config\ncurrent-context: lab-0\ncontexts:\n");
    for number in 0..5_000 {
        let _ = writeln!(history, "pods(\"namespace-{number}\").filter(|pod| pod.ready != {number})");
    }
    for number in 0..200 {
        let _ = writeln!(kubeconfig, "- name: lab-{number}\n  context: {{ cluster: lab-{number}, user: lab-{number} }}");
    }
    kubeconfig.push_str("clusters:\n");
    for number in 0..200 {
        // An address that is kept for documents, and answers nobody.
        let _ = writeln!(kubeconfig, "- name: lab-{number}\n  cluster: {{ server: 'https://192.0.2.1:6443' }}");
    }
    kubeconfig.push_str("users:\n");
    for number in 0..200 {
        let _ = writeln!(kubeconfig, "- name: lab-{number}\n  user: {{ token: of-a-bench }}");
    }
    for folder in [".local/share/pilotage", ".kube", ".config/pilotage"] {
        std::fs::create_dir_all(home.file(folder)).expect("a folder can be made");
    }
    home.write(".local/share/pilotage/history", &history);
    home.write(".kube/config", &kubeconfig);
    home.write(".config/pilotage/config.toml", "[repl]\nhistory = 5000\n[aliases]\np = \"pods()\"\n");
    home
}

fn first_prompt(home: &TempDir, args: &[&str]) -> Duration {
    let begun = Instant::now();
    let mut terminal = Terminal::start(home, args);
    terminal.prompt();
    begun.elapsed()
}

fn report(what: &str, target: u64, took: Duration) {
    let target = Duration::from_millis(target);
    println!("{:>10}  {what} (≤ {} ms: {})", time(took), target.as_millis(), verdict(took <= target));
}
