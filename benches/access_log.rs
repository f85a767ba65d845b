//! Reading access logs of 200 MB while they stream by, against a plain scan of the same bytes, on one core.
//!
//! The scan finds what the lines are made of and makes nothing of it: the words of a text, the JSON of a line, which
//! serde_json skips, as in the bench of dumps. How fast line ends alone are found is told beside it.
//!
//! `cargo bench --bench access_log`. Targets: at least a quarter of the scan's speed; memory does not grow with the log.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use pilotage::envoy::{AccessFormats, AccessLog, AccessReader, AccessWanted, LogSource};
use serde::de::IgnoredAny;
use std::sync::Arc;
use support::{arguments, best, child, peak_memory, ratio, time, verdict};

/// As pieces arrive from a connection.
const PIECE: usize = 64 * 1024;
const MEGABYTES: usize = 200;
const KINDS: [&str; 2] = ["text", "json"];

fn main() {
    let arguments = arguments();
    if let [what, kind, megabytes] = arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
        && *what == "peak"
    {
        return peak(kind, megabytes.parse().expect("a number"));
    }
    for kind in KINDS {
        let log = log(kind, MEGABYTES);
        let pieces = || log.chunks(PIECE);
        let ends = best(5, || pieces().map(|piece| memchr::memchr_iter(b'\n', piece).count()).sum::<usize>());
        let scan = best(5, || scan(&log, kind));
        let lines = read(pieces(), 599).lines;
        println!("{kind}: plain scan of {MEGABYTES} MB: {}, {lines} lines; their ends alone: {}", time(scan), time(ends));
        for (what, code) in [("looking for a code that seldom is", 599), ("keeping every line", 0)] {
            let took = best(5, || read(pieces(), code));
            let speed = 1.0 / ratio(took, scan);
            println!("{:>12}  {speed:>5.2} of the scan's speed (≥ 0.25: {})  {what}", time(took), verdict(speed >= 0.25));
        }
        let peak = |megabytes: usize| child(&["peak", kind, &megabytes.to_string()]).parse::<f64>().unwrap_or(f64::NAN);
        let (small, large) = (peak(16), peak(MEGABYTES));
        println!("{:>12}  peak {small:.0} MB for 16, {large:.0} MB for {MEGABYTES} ({})", "", verdict(large - small < 10.0));
    }
}

/// The words of each line, or its JSON, unread.
fn scan(log: &[u8], kind: &str) -> usize {
    let log = std::str::from_utf8(log).expect("the log is text");
    let json = |line: &str| line.split_once(' ').map(|(_, json)| serde_json::from_str::<IgnoredAny>(json).is_ok());
    match kind {
        "text" => log.lines().map(|line| line.split(' ').count()).sum(),
        _ => log.lines().filter(|line| json(line) == Some(true)).count(),
    }
}

/// Read a log, keeping what has this code; all for 0.
fn read<'p>(pieces: impl Iterator<Item = &'p [u8]>, code: u64) -> AccessLog {
    let codes = if code == 0 { Vec::new() } else { vec![(code, code)] };
    let wanted = Arc::new(AccessWanted { codes, ..AccessWanted::default() });
    let mut reader = AccessReader::new(Arc::new(AccessFormats::default()), LogSource::default(), wanted);
    pieces.for_each(|piece| reader.push(piece));
    reader.finish()
}

/// In a process of its own: read so many megabytes; print the peak in megabytes. The log is one block again and again.
fn peak(kind: &str, megabytes: usize) {
    let block = log(kind, 1);
    std::hint::black_box(read((0..megabytes).flat_map(|_| block.chunks(PIECE)), 599));
    println!("{}", peak_memory().map_or(f64::NAN, |bytes| bytes as f64 / 1e6));
}

/// A log as Kubernetes gives it: mostly good requests, some that fail, some lines of the proxy itself.
fn log(kind: &str, megabytes: usize) -> Vec<u8> {
    let mut log = Vec::with_capacity(megabytes * 1_000_000 + 2000);
    let mut number = 0_u64;
    while log.len() < megabytes * 1_000_000 {
        number += 1;
        let line = match (number % 50, kind) {
            (0, _) => "info\tenvoy main external/envoy/source/server/drain_manager_impl.cc:208\tshutting down parent".to_owned(),
            (_, "text") => text(number),
            _ => json(number),
        };
        log.extend_from_slice(
            format!("2026-11-22T13:{:02}:{:02}.{:09}Z {line}\n", number / 60 % 60, number % 60, number % 1_000_000_000)
                .as_bytes(),
        );
    }
    log
}

fn text(number: u64) -> String {
    let (code, flags, details) = outcome(number);
    format!(
        r#"[2026-11-22T13:08:40.{:03}Z] "GET /shop/items/{number}?page={} HTTP/1.1" {code} {flags} {details} - "-" 0 {} {} {} "10.0.{}.7" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" "1cea997f-58cc-4910-aee4-{number:012x}" "ratings.shop:8080" "10.88.1.5:8080" outbound|8080|v1|ratings.shop.svc.cluster.local 10.88.1.3:{} 10.89.32.99:8080 10.88.1.3:{} outbound_.8080_._.ratings.shop.svc.cluster.local default"#,
        number % 1000,
        number % 7,
        number % 5000,
        number % 300,
        number % 299,
        number % 256,
        30000 + number % 9999,
        40000 + number % 9999,
    )
}

fn json(number: u64) -> String {
    let (code, flags, details) = outcome(number);
    format!(
        r#"{{"authority":"ratings.shop:8080","bytes_received":0,"bytes_sent":{},"connection_termination_details":null,"downstream_local_address":"10.89.32.99:8080","downstream_remote_address":"10.88.1.3:{}","duration":{},"method":"GET","path":"/shop/items/{number}?page={}","protocol":"HTTP/1.1","request_id":"1cea997f-58cc-4910-aee4-{number:012x}","requested_server_name":null,"response_code":{code},"response_code_details":"{details}","response_flags":"{flags}","route_name":"default","start_time":"2026-11-22T13:08:40.{:03}Z","upstream_cluster":"outbound|8080|v1|ratings.shop.svc.cluster.local","upstream_host":"10.88.1.5:8080","upstream_local_address":"10.88.1.3:{}","upstream_service_time":"{}","upstream_transport_failure_reason":null,"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","x_forwarded_for":null}}"#,
        number % 5000,
        40000 + number % 9999,
        number % 300,
        number % 7,
        number % 1000,
        30000 + number % 9999,
        number % 299,
    )
}

fn outcome(number: u64) -> (u16, &'static str, &'static str) {
    match number % 40 {
        3 => (503, "URX,UF", "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}"),
        7 => (403, "-", "rbac_access_denied_matched_policy[none]"),
        _ => (200, "-", "via_upstream"),
    }
}
