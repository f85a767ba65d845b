//! A proxy's configuration as rows: tables of dumps of 1, 50 and 200 MB, scripts that look at every cluster, and two hundred
//! proxies asked at once. All of it is the program itself, from its start to its exit.
//!
//! `cargo bench --bench views`; `-- tables`, `-- scripts`, `-- fan_out` alone; `-- generate 200 dump.json` makes a dump to try
//! things with. Targets, for 200 MB: tables ≤ 3 × a plain scan of the file, peak memory ≤ 1.4 × the file;
//! scripts ≤ 8 ×. Asking two hundred proxies at once: ≥ 10 × faster than one after another, and never all answers in memory.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;
#[path = "../tests/support/mod.rs"]
mod support;

use measure::{arguments, best, generate, program, ratio, scratch, time, verdict};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::cluster::{Cluster, ClusterOptions, PodTarget, Recording};
use support::run::{TempDir, pilotage};

/// How many proxies are asked at once.
const PROXIES: usize = 200;

/// What a user types to see them.
const TABLES: [&str; 3] = ["clusters", "endpoints", "routes"];

/// Two fields of each cluster: as the document has them, and as the rows do.
const SCRIPTS: [&str; 2] = [
    "let n = 0; for entry in load(FILE).configs[1].dynamic_active_clusters { n += entry.cluster.name.len() + entry.cluster.lb_policy.len(); } n",
    "let n = 0; for cluster in clusters(load(FILE)) { n += cluster.name.len() + cluster.lb_policy.len(); } n",
];

fn main() {
    let wanted = arguments();
    if let [word, megabytes, file] = wanted.as_slice()
        && word == "generate"
    {
        let megabytes = megabytes.parse().expect("a number of megabytes");
        return std::fs::write(file, generate::dump(megabytes)).expect("the file can be written");
    }
    let wants = |what: &str| wanted.is_empty() || wanted.iter().any(|word| word == what);
    if wants("tables") || wants("scripts") {
        for megabytes in [1, 50, 200] {
            let file = scratch(&format!("bench-views-{megabytes}.json"));
            std::fs::write(&file, generate::dump(megabytes)).expect("the scratch folder can be written");
            dump(&file, wants("tables"), wants("scripts"));
            std::fs::remove_file(&file).expect("the scratch file goes");
        }
    }
    if wants("fan_out") {
        fan_out();
    }
}

fn dump(file: &Path, tables: bool, scripts: bool) {
    let size = std::fs::metadata(file).expect("it was written").len() as f64;
    let big = size > 1e8;
    let scan = || serde_json::from_slice::<IgnoredAny>(&std::fs::read(file).expect("it can be read")).expect("it is JSON");
    println!("\n{:.0} MB: a plain scan takes {}", size / 1e6, time(best(5, scan)));
    let quoted = Value::from(file.to_string_lossy()).to_string();
    let asked = TABLES.iter().filter(|_| tables).map(|name| (format!("{name}(load({quoted}))"), 3.0, *name));
    let scripts = SCRIPTS.iter().zip(["the document's clusters", "rows of clusters()"]).filter(|_| scripts);
    let scripts = scripts.map(|(script, what)| (script.replace("FILE", &quoted), 8.0, what));
    for (source, most, what) in asked.chain(scripts) {
        let (mut scanned, mut took, mut peak, mut lines) = (Duration::MAX, Duration::MAX, 0, 0);
        // In turns, so that whatever else the machine does meets both alike.
        for _ in 0..5 {
            scanned = scanned.min(best(1, scan));
            let run = eval(&[], &source);
            (took, peak, lines) = (took.min(run.took), peak.max(run.peak), run.lines);
        }
        let (ratio, peak) = (ratio(took, scanned), peak as f64 / size);
        let told = |target: String, met: bool| if big { format!("  {target}: {}", verdict(met)) } else { String::new() };
        let (time_met, peak_met) = (told(format!("≤ {most} x"), ratio <= most), told("≤ 1.4 x".into(), peak <= 1.4));
        println!("{what:>24} {lines:>7} lines {:>10} {ratio:>5.2} x{time_met}   peak {peak:>5.2} x{peak_met}", time(took));
    }
}

/// What a run of the program took.
fn eval(options: &[&str], source: &str) -> program::Run {
    let home = TempDir::new();
    let mut arguments = options.to_vec();
    arguments.extend(["--max-operations", "0", "eval", source]);
    program::run(pilotage(home.path(), &arguments))
}

/// Ask two hundred proxies, each of which answers a megabyte whatever it is asked, as one too old for masks does.
fn fan_out() {
    let answer = Arc::new(generate::dump(1));
    let bytes = answer.len() * PROXIES;
    let address = answer_always(answer);
    let tape = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes/jwks-certificate-fault.tape");
    let recording = Recording::from_tape(&tape).expect("the tape is whole");
    let mut options = ClusterOptions::new(recording).latency(Duration::from_millis(20)).edit("pods", |pods| {
        let customer = |pod: &&Value| pod["metadata"]["namespace"] == "olaf-customer";
        let one = pods.iter().find(customer).expect("the tape has one").clone();
        pods.extend((0..PROXIES).map(|number| {
            let mut pod = one.clone();
            pod["metadata"]["name"] = format!("many-{number}").into();
            pod["metadata"]["uid"] = format!("uid-{number}").into();
            pod
        }));
    });
    for number in 0..PROXIES {
        options = options.port(&format!("olaf-customer/many-{number}"), 15000, PodTarget::Tcp(address));
    }
    let cluster = Cluster::start(options).expect("it serves");
    let home = TempDir::new();
    let kubeconfig = home.file("kubeconfig");
    cluster.kubeconfig(&kubeconfig).expect("it can be written");
    let kubeconfig = kubeconfig.to_string_lossy();
    let source = "clusters(pods(\"olaf-customer\").filter(|pod| pod.name.starts_with(\"many-\"))).len()";
    let run = |parallel: &str| eval(&["--kubeconfig", &kubeconfig, "--parallel", parallel], source);
    let (one, all) = (run("1"), run("32"));
    let faster = ratio(one.took, all.took);
    let peak = all.peak as f64 / bytes as f64;
    println!(
        "\n{PROXIES} proxies with {:.0} MB of answers, 20 ms away: {} one by one, {} at once: {faster:.1} x faster (≥ 10 x: {}); \
         peak {} MB, {peak:.2} x the answers (≤ 0.5 x: {})",
        bytes as f64 / 1e6,
        time(one.took),
        time(all.took),
        verdict(faster >= 10.0),
        all.peak / 1_000_000,
        verdict(peak <= 0.5),
    );
}

/// A server that has one answer.
fn answer_always(body: Arc<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = body.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                // Who asks may go away.
                let _ = (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(&body));
            });
        }
    });
    address
}
