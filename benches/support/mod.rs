//! What the benches share: times, memory, and a verdict against a target.

#![allow(dead_code, reason = "each bench uses its part")]

pub mod generate;
pub mod program;

use std::time::{Duration, Instant};

/// The best of some runs: on a busy machine the least disturbed one says most.
pub fn best<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        std::hint::black_box(work());
        best = best.min(start.elapsed());
    }
    best
}

/// The most memory that this process ever held, in bytes. Only Linux tells.
pub fn peak_memory() -> Option<usize> {
    peak_of("self")
}

/// The same of another process.
pub fn peak_of(process: &str) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Run this bench again as a child with these arguments, and give what it prints.
pub fn child(args: &[&str]) -> String {
    let program = std::env::current_exe().expect("a bench knows its path");
    let output = std::process::Command::new(program).args(args).output().expect("the bench runs again");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The arguments after `--bench`, which cargo adds.
pub fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| argument != "--bench").collect()
}

/// Where a bench keeps its files.
pub fn scratch(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Seconds or milliseconds, three digits.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 1.0 { format!("{seconds:.2} s") } else { format!("{:.3} ms", seconds * 1000.0) }
}

/// How one time stands to another.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Whether a target is met, in one word.
pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}
