//! How soon the program is there: its version, its prompt, and the whole demo investigation.
//!
//! `cargo bench --bench start`. Targets on the machine that this was written on: 5 ms, 30 ms, 300 ms.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;
#[path = "../tests/support/mod.rs"]
mod support;

use measure::{best, time, verdict};
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
    // The harness looks at the screen every few milliseconds, so this is a little too long.
    let prompt = (0..20).map(|_| first_prompt(&home)).min().unwrap_or_default();
    report("start to first prompt (--demo, on a terminal)", 30, prompt);
    let run = ["run", "jwks-certificate", "--demo"];
    report("the demo investigation, from start to exit", 300, best(10, || assert_eq!(program(&run), Some(3))));
}

fn first_prompt(home: &TempDir) -> Duration {
    let begun = Instant::now();
    let mut terminal = Terminal::start(home, &["--demo"]);
    terminal.prompt();
    begun.elapsed()
}

fn report(what: &str, target: u64, took: Duration) {
    let target = Duration::from_millis(target);
    println!("{:>10}  {what} (≤ {} ms: {})", time(took), target.as_millis(), verdict(took <= target));
}
