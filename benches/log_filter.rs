//! Filtering a log of 200 MB while it streams by, against a plain scan of the same bytes for line ends.
//!
//! `cargo bench --bench log_filter`. Targets: at least a third of the scan's speed; memory does not grow with the log.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use pilotage::backend::LogFilter;
use support::{arguments, best, child, generate, peak_memory, ratio, time, verdict};

/// As pieces arrive from a connection.
const PIECE: usize = 64 * 1024;
const MEGABYTES: usize = 200;
/// A word, what the investigation looks for, one that ignores case, one that matches nothing.
const PATTERNS: [&str; 4] =
    ["Failed to GET", "(?:Failed to (?:GET|fetch|refresh)|x509|jwks)", "(?i)unknown authority", "no such line"];

fn main() {
    let arguments = arguments();
    if let [what, pattern, megabytes] = arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
        && *what == "peak"
    {
        return peak(pattern, megabytes.parse().expect("a number"));
    }
    // All of it at once in memory, so that both read what no cache holds, as from a connection.
    let log = generate::log(MEGABYTES);
    let pieces = || log.chunks(PIECE);
    let scan = best(5, || pieces().map(|piece| memchr::memchr_iter(b'\n', piece).count()).sum::<usize>());
    println!("plain scan of {MEGABYTES} MB: {}", time(scan));
    for pattern in PATTERNS {
        let kept = run(pattern, pieces()).len();
        let took = best(5, || run(pattern, pieces()));
        let speed = 1.0 / ratio(took, scan);
        let peak = |megabytes: usize| child(&["peak", pattern, &megabytes.to_string()]).parse::<f64>().unwrap_or(f64::NAN);
        let (small, large) = (peak(16), peak(MEGABYTES));
        let grown = large - small - kept as f64 / 1e6;
        println!(
            "{:>12}  {:>5.2} of the scan's speed (≥ 0.33: {})  kept {:>5.1} MB  peak {small:.0} MB for 16, {large:.0} MB for {MEGABYTES} ({})  {pattern}",
            time(took),
            speed,
            verdict(speed >= 1.0 / 3.0),
            kept as f64 / 1e6,
            verdict(grown < 10.0),
        );
    }
}

fn run<'p>(pattern: &str, pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut filter = LogFilter::new(Some(pattern)).expect("a pattern");
    pieces.for_each(|piece| filter.push(piece));
    filter.finish()
}

/// In a process of its own: filter so many megabytes; print the peak in megabytes. The log is one block again and again.
fn peak(pattern: &str, megabytes: usize) {
    let block = generate::log(1);
    let kept = run(pattern, (0..megabytes).flat_map(|_| block.chunks(PIECE)));
    std::hint::black_box(kept);
    println!("{}", peak_memory().map_or(f64::NAN, |bytes| bytes as f64 / 1e6));
}
