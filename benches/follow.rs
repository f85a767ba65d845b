//! Following logs with the real binary, against a served cluster: how fast, how much memory, and how soon Ctrl-C ends it.
//!
//! `cargo bench --bench follow`. Targets: memory that does not grow over a million lines; Ctrl-C within 100 ms, also in a flood.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its table, and stops where it cannot go on")]

#[path = "support/mod.rs"]
mod bench;
#[path = "../tests/support/mod.rs"]
mod support;

use bench::{time, verdict};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use support::cluster::{Cluster, ClusterOptions, LiveLog, Recording};
use support::run::{TempDir, pilotage};
use support::tapes;

const PODS: [&str; 2] = ["olaf-customer/customer-686cf5bf47-mtgsn", "olaf-customer/preference-v1-5b86dc984b-jftdp"];
const LINES: u64 = 1_000_000;
const AT_ONCE: Duration = Duration::from_millis(100);

fn main() {
    for pods in [1, 2] {
        through(pods, "printed", "");
        through(pods, "to a closure", ", |line| { if line.text.contains(\"00 of those\") { print(line.text) } }");
    }
    let mut worst = Duration::ZERO;
    for _ in 0..10 {
        worst = worst.max(flood());
    }
    println!("{:>12}  Ctrl-C in a flood, the worst of ten (≤ 100 ms: {})", time(worst), verdict(worst <= AT_ONCE));
}

/// The line of this number.
fn line(number: u64) -> String {
    let at = jiff::Timestamp::from_microsecond(1_795_348_800_000_000 + i64::try_from(number).unwrap() * 20).unwrap();
    format!("{at} GET /productpage HTTP/1.1 200 via_upstream, request {number} of those that a busy proxy logs all day\n")
}

/// A command that follows, and how much it printed.
struct Running {
    child: Child,
    lines: Arc<AtomicU64>,
    _home: TempDir,
}

impl Running {
    fn start(cluster: &Cluster, source: &str) -> Self {
        let home = TempDir::new();
        cluster.kubeconfig(&home.file("kubeconfig")).unwrap();
        let mut command = pilotage(home.path(), &["--kubeconfig", "kubeconfig", "--max-operations", "0", "eval", source]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = Arc::new(AtomicU64::new(0));
        let (count, mut out) = (lines.clone(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(read @ 1..) = out.read(&mut bytes) {
                count.fetch_add(memchr::memchr_iter(b'\n', &bytes[..read]).count() as u64, Relaxed);
            }
        });
        Self { child, lines, _home: home }
    }

    fn wait(&mut self, lines: u64) {
        while self.lines.load(Relaxed) < lines {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended before all lines had come");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The most memory so far, in megabytes.
    fn peak(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    fn interrupt(&mut self) -> Duration {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        let pressed = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        pressed.elapsed()
    }
}

fn serve(pods: usize, log: impl Fn() -> LiveLog) -> Cluster {
    let recording = Recording::from_tape(&tapes::path("jwks-certificate-fault")).unwrap();
    let options = PODS[..pods].iter().fold(ClusterOptions::new(recording), |options, pod| options.live_log(pod, "app", &log()));
    Cluster::start(options).unwrap()
}

fn script(pods: usize, closure: &str) -> String {
    format!("logs({:?}, #{{ follow: true }}{closure})", &PODS[..pods])
}

/// A million lines of each pod.
fn through(pods: usize, what: &str, closure: &str) {
    let cluster = serve(pods, || LiveLog::new(line).write(LINES));
    let begun = Instant::now();
    let mut running = Running::start(&cluster, &script(pods, closure));
    // Of the numbers below a million, all hundreds but 0 end in two noughts.
    let all = pods as u64 * if closure.is_empty() { LINES } else { LINES / 100 - 1 };
    running.wait(all / 10);
    let early = running.peak();
    running.wait(all);
    let (took, late) = (begun.elapsed(), running.peak());
    let speed = (LINES * pods as u64) as f64 / took.as_secs_f64();
    let ctrl_c = running.interrupt();
    println!(
        "{:>12}  {LINES} lines of each of {pods}, {what}: {speed:.0} a second; peak {early:.1} MB after a tenth, {late:.1} MB at the end ({}); Ctrl-C {} ({})",
        time(took),
        verdict(late - early < 8.0),
        time(ctrl_c),
        verdict(ctrl_c <= AT_ONCE)
    );
}

/// Ctrl-C while lines come as fast as they can.
fn flood() -> Duration {
    let cluster = serve(1, || LiveLog::new(line).write(u64::MAX / 2));
    let mut running = Running::start(&cluster, &script(1, ""));
    running.wait(100_000);
    running.interrupt()
}
