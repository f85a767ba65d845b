//! What a key costs at the prompt: colours, brackets, whether the input is whole, and the hint, on an input of 300 lines; and a Tab
//! with 5,000 pods.
//!
//! `cargo bench --bench repl`, one group with `-- key_press`. Targets: 5 ms and 20 ms at the 99th percentile.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;

use measure::{arguments, ratio, time, verdict};
use pilotage::Pilotage;
use pilotage::backend::{Tape, demo};
use pilotage::host::tokens;
use pilotage::render::Look;
use pilotage::repl::complete::{Memory, Room, in_script, present};
use pilotage::repl::highlight::Painted;
use pilotage::repl::hint;
use pilotage::repl::known::Known;
use rustyline::Context;
use rustyline::history::{History, MemHistory};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let groups: &[(&str, fn())] = &[("key_press", key_press), ("complete", complete)];
    let wanted = arguments();
    for (name, run) in groups.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|word| word == name)) {
        println!("{name}");
        run();
    }
}

/// 300 lines as people write them, with all that is coloured.
fn input() -> String {
    let mut text = String::new();
    for number in 0..60 {
        let _ = writeln!(text, "fn judge{number}(pod, limit) {{ // what is wrong with it");
        let _ = writeln!(text, "    let rows{number} = pod.endpoints(#{{ cluster: `outbound|${{limit}}||web` }});");
        let _ =
            writeln!(text, "    if rows{number}.len() > 0x1f {{ return jwks::stand_ins([pod]).filter(|row| row.a != 1.5); }}");
        let _ = writeln!(text, "    rows{number}.map(|row| row.status + \"text\\n\")");
        let _ = writeln!(text, "}}");
    }
    text
}

fn key_press() {
    let engine = Arc::new(Pilotage::builder(Arc::new(demo().expect("the demo tape"))).build().expect("an engine"));
    let colors = Look { color: true, ..Look::plain() };
    let mut history = MemHistory::new();
    for number in 0..5_000 {
        history.add_owned(format!("pods(\"namespace-{number}\").filter(|pod| pod.ready != {number})")).expect("it is kept");
    }
    let context = Context::new(&history);
    let text = input();
    let known = Known::new(engine.clone());
    let press = |line: &str, pos: usize| {
        let painted = Painted::new(line, &known);
        let brackets = painted.brackets(pos);
        black_box(painted.paint(&colors, pos, brackets));
        black_box(engine.is_incomplete(line));
        black_box(hint::rest(line, pos, &context).is_some());
    };
    // The first one finds out what there is.
    let first = taken(|| press(&text, text.len()));
    let mut keys = Vec::new();
    for typed in 0..500 {
        // Somebody types a call, at the end and in the middle.
        let word = &"\nlet found = pods(`shop`).map(|pod| [pod.name, pod.ready]); // all"[..1 + typed % 60];
        let line = if typed % 2 == 0 { format!("{text}{word}") } else { format!("{word}{text}") };
        keys.push(taken(|| press(&line, if typed % 2 == 0 { line.len() } else { word.len() })));
    }
    keys.sort();
    let mut lexing: Vec<Duration> = (0..200).map(|_| taken(|| tokens(black_box(&text)))).collect();
    lexing.sort();
    let (half, most, once) = (keys[keys.len() / 2], keys[keys.len() * 99 / 100], lexing[lexing.len() / 2]);
    println!("{:>10}  the first key on {} lines, {} bytes", time(first), text.lines().count(), text.len());
    println!("{:>10}  a key, half of all; {:.1} × lexing the text once ({})", time(half), ratio(half, once), time(once));
    let target = Duration::from_millis(5);
    println!("{:>10}  a key, 99 of 100; {:.1} × (≤ 5 ms: {})", time(most), ratio(most, once), verdict(most <= target));
}

fn taken<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}

/// What a Tab costs with 5,000 pods in the mesh, all known: nothing typed, a word, the beginning of one, scattered letters.
fn complete() {
    let engine = Pilotage::builder(many_pods()).aside(many_pods()).build().expect("an engine");
    let memory = Memory::default();
    let room = Room { columns: 100, lines: 28 };
    let tab = |line: &str| {
        let found = in_script(&engine, &memory, line, line.len());
        black_box(present(&found, &line[found.start..], room).len())
    };
    assert_eq!(tab("clusters(\""), 28, "a screen of them");
    let target = Duration::from_millis(20);
    for line in
        ["clusters(\"", "clusters(\"web", "clusters(\"shop-1/web-4", "clusters(\"swb42", "pods().filter(|pod| pod.", "let x = po"]
    {
        let mut tabs: Vec<Duration> = (0..200).map(|_| taken(|| tab(line))).collect();
        tabs.sort();
        let (half, most) = (tabs[tabs.len() / 2], tabs[tabs.len() * 99 / 100]);
        println!(
            "{:>10}  half of all, {:>10} at the 99th percentile, of `{line}`  {}",
            time(half),
            time(most),
            verdict(most <= target)
        );
    }
}

/// A mesh of 5,000 pods.
fn many_pods() -> Arc<Tape> {
    let pod = |number: usize| {
        let (namespace, name) = (format!("shop-{}", number % 10), format!("web-{number:04}-5b86dc984b-jftdp"));
        serde_json::json!({ "metadata": { "namespace": namespace, "name": name } })
    };
    let list = serde_json::json!({ "kind": "PodList", "items": (0..5_000).map(pod).collect::<Vec<_>>() });
    let lines = [
        serde_json::json!({ "pilotage_tape": 1, "recorded_at": "2026-11-22T12:00:00Z", "tool": "bench", "clusters": ["lab"] }),
        serde_json::json!({
            "q": { "cluster": "lab", "to": "kube", "method": "GET", "path": "/api/v1/pods?limit=500" },
            "at": "2026-11-22T12:00:01Z", "ms": 1, "status": 200, "type": "application/json", "body": list,
        }),
        serde_json::json!({ "manifest": { "answers": 1 } }),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Arc::new(Tape::from_bytes("many.tape", text.as_bytes()).expect("a tape"))
}
