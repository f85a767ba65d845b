//! Opening and searching config dumps of 1, 50 and 200 MB, against a plain scan of the same bytes.
//!
//! `cargo bench --bench dump`. Targets: opening ≤ 2.5 × the scan, peak memory ≤ 1.3 × the file.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use bytes::Bytes;
use pilotage::envoy::{Care, Dump, diff};
use pilotage::json::{Doc, Query, jsonpath};
use serde::de::IgnoredAny;
use std::path::Path;
use std::time::Duration;
use support::{arguments, best, child, generate, peak_memory, ratio, scratch, time, verdict};

/// Queries as users put them: one deep path, one filter on all endpoints, one key anywhere, one key that is nowhere.
const QUERIES: [&str; 5] = [
    "$.configs[1].dynamic_active_clusters[7].cluster.name",
    "$.configs[?@['@type'] == 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump'].dynamic_active_clusters[*].cluster.name",
    "$..lb_endpoints[?@.health_status == 'UNHEALTHY'].endpoint.address.socket_address.address",
    "$..route_config.name",
    "$..local_jwks",
];

fn main() {
    let arguments = arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["peak", what, file] => return peak(what, Path::new(file)),
        _ => println!("{:>7} {:>10} {:>10} {:>7} {:>8}  {:>7} {:>7}", "dump", "scan", "open", "ratio", "index", "peak", "script"),
    }
    for megabytes in [1, 50, 200] {
        let text = Bytes::from(generate::dump(megabytes));
        opening(&text);
        if megabytes == 200 {
            searching(&text);
        }
    }
}

fn opening(text: &Bytes) {
    let runs = if text.len() > 100 << 20 { 5 } else { 11 };
    let scan = best(runs, || serde_json::from_slice::<IgnoredAny>(text).expect("it is JSON"));
    let open = best(runs, || Doc::parse(text.clone()).expect("it is JSON"));
    let doc = Doc::parse(text.clone()).expect("it is JSON");
    let file = scratch("bench-dump.json");
    std::fs::write(&file, text).expect("the scratch folder can be written");
    let peak_of = |what: &str| child(&["peak", what, &file.to_string_lossy()]).parse::<f64>().unwrap_or(f64::NAN);
    let (peak, looped) = (peak_of("open"), peak_of("loop"));
    println!(
        "{:>4} MB {:>10} {:>10} {:>5.2} x {:>6.2} %  {peak:>5.2} x {looped:>5.2} x   opening ≤ 2.5 x: {}; peak ≤ 1.3 x: {}",
        text.len() >> 20,
        time(scan),
        time(open),
        ratio(open, scan),
        doc.index_bytes() as f64 * 100.0 / text.len() as f64,
        verdict(ratio(open, scan) <= 2.5),
        if text.len() < 10 << 20 { "(small file)" } else { verdict(peak <= 1.3) },
    );
    std::fs::remove_file(&file).expect("the scratch file goes");
}

fn searching(text: &Bytes) {
    let node = Doc::parse(text.clone()).expect("it is JSON").root();
    let scan = best(3, || serde_json::from_slice::<IgnoredAny>(text).expect("it is JSON"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("\nJSONPath on {} MB, {cores} cores:", text.len() >> 20);
    for query in QUERIES {
        let parse = best(3, || Query::parse(query).expect("it is JSONPath"));
        let hits = jsonpath(&node, query, false).expect("it runs").len();
        let run = best(3, || jsonpath(&node, query, true).expect("it runs"));
        println!("{:>12} {:>5.2} x {hits:>7} hits  (parsed in {})  {query}", time(run), ratio(run, scan), time(parse));
    }
    let walk = best(3, || names(&node));
    comparing(text, scan);
    println!("{:>12}  names and policies of {} clusters, read one by one", time(walk), names(&node));
}

/// Two dumps of which one in a thousand bytes differs, and two that are written differently all over.
fn comparing(text: &Bytes, scan: Duration) {
    let left = Dump::open(&Doc::parse(text.clone()).expect("it is JSON")).expect("it is a dump");
    let pairs = [
        ("a few resources differ", replaced(text, "service-77.", "service-7x.")),
        ("every resource is written in another way", replaced(text, "\"10s\"", "\"10.000s\"")),
    ];
    for (what, other) in pairs {
        let right = Dump::open(&Doc::parse(other.into()).expect("it is JSON")).expect("it is a dump");
        let found = diff(&left, &right, Care::default()).expect("they are alike").rows.len();
        let run = best(2, || diff(&left, &right, Care::default()).expect("they are alike"));
        println!("{:>12} {:>5.2} x {found:>7} differences of two dumps: {what}", time(run), ratio(run, scan));
    }
}

fn replaced(text: &Bytes, from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("JSON is UTF-8");
    text.replace(from, to).into_bytes()
}

/// What a script does: loop over the clusters and look into each.
fn names(node: &pilotage::json::Node) -> usize {
    let list = node.get("configs").and_then(|configs| configs.at(1)).and_then(|section| section.get("dynamic_active_clusters"));
    let policy = |entry: pilotage::json::Node| {
        let cluster = entry.get("cluster")?;
        let length = cluster.get("name")?.as_str()?.len();
        Some(length + cluster.get("lb_policy")?.as_str()?.len() + cluster.get("transport_socket_matches")?.len())
    };
    list.into_iter().flat_map(|list| list.iter().collect::<Vec<_>>()).filter_map(policy).count()
}

/// In a process of its own: read a file, open it, maybe look at everything in it; print the peak against the file's size.
fn peak(what: &str, file: &Path) {
    let text = std::fs::read(file).expect("the parent wrote it");
    let size = text.len();
    let doc = Doc::parse(text.into()).expect("it is JSON");
    if what == "loop" {
        assert!(names(&doc.root()) > 0);
        jsonpath(&doc.root(), QUERIES[2], false).expect("it runs");
    }
    let peak = peak_memory().map_or(f64::NAN, |bytes| bytes as f64);
    println!("{}", peak / size as f64);
}
