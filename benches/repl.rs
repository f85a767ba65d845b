//! What a key costs at the prompt: colours, brackets, names that are asked for early, and the hint, on an input of 300 lines; a Tab
//! with 5,000 pods. And what a result of 100,000 rows costs: when it begins to show, and how much memory showing all of it takes.
//!
//! `cargo bench --bench repl`, one group with `-- key_press`. Targets: 5 ms and 20 ms at the 99th percentile; a table begins to
//! show within 100 ms, and showing it takes no more than a tenth of the memory that its rows do.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;

use measure::{arguments, best, program, ratio, time, verdict};
use pilotage::Pilotage;
use pilotage::backend::{Tape, demo};
use pilotage::cell::Cell;
use pilotage::host::{Limits, tokens};
use pilotage::render::{Look, brief};
use pilotage::repl::complete::{Memory, Room, in_script, prepare, present};
use pilotage::repl::highlight::Painted;
use pilotage::repl::hint;
use pilotage::repl::known::Known;
use pilotage::report::Content;
use rustyline::Context;
use rustyline::history::{History, MemHistory};
use std::fmt::Write;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let groups: &[(&str, fn())] = &[("key_press", key_press), ("complete", complete), ("table", table)];
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
    // In the background, while the first prompt is looked at.
    println!("{:>10}  finding out what can be called, once a session", time(taken(|| engine.catalog().entries.len())));
    let begun = Instant::now();
    let known = Known::new(engine.clone());
    let press = |line: &str, pos: usize| {
        let painted = Painted::new(line, &known);
        let brackets = painted.brackets(pos);
        black_box(painted.paint(&colors, pos, brackets));
        if painted.is_in_text(pos) {
            prepare(&engine, line, pos);
        }
        black_box(hint::rest(line, pos, &context).is_some());
    };
    press(&text, text.len());
    let first = begun.elapsed();
    let mut keys = Vec::new();
    for typed in 0..500 {
        // Somebody types a call, at the end and in the middle.
        let word = &"\nlet found = pods(`shop`).map(|pod| [pod.name, pod.ready]); // all"[..1 + typed % 60];
        let line = if typed % 2 == 0 { format!("{text}{word}") } else { format!("{word}{text}") };
        keys.push(taken(|| press(&line, if typed % 2 == 0 { line.len() } else { word.len() })));
    }
    keys.sort();
    let once = typical(|| tokens(black_box(&text)));
    let (half, most) = (keys[keys.len() / 2], keys[keys.len() * 99 / 100]);
    println!("{:>10}  the first key on {} lines, {} bytes", time(first), text.lines().count(), text.len());
    println!("{:>10}  a key, half of all; {:.1} × lexing the text once ({})", time(half), ratio(half, once), time(once));
    let target = Duration::from_millis(5);
    println!("{:>10}  a key, 99 of 100; {:.1} × (≤ 5 ms: {})", time(most), ratio(most, once), verdict(most <= target));
    let painted = Painted::new(&text, &known);
    println!("{:>10}  of it taking the text apart", time(typical(|| Painted::new(&text, &known))));
    println!("{:>10}  of it colouring it", time(typical(|| painted.paint(&colors, text.len(), None))));
    println!("{:>10}  of it asking for names early", time(typical(|| prepare(&engine, &text, text.len()))));
    println!("{:>10}  of it looking for a hint", time(typical(|| hint::rest(&text, text.len(), &context))));
    println!("{:>10}  Enter asks the parser whether it is whole", time(typical(|| engine.is_incomplete(&text))));
}

/// How long it takes in half of some runs.
fn typical<T>(mut work: impl FnMut() -> T) -> Duration {
    let mut runs: Vec<Duration> = (0..200).map(|_| taken(&mut work)).collect();
    runs.sort();
    runs[runs.len() / 2]
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

/// How many rows a long table has.
const ROWS: usize = 100_000;

/// A script that makes them, as those of a mesh look.
fn rows() -> String {
    format!(
        "let rows = []; for n in 0..{ROWS} {{ rows.push(#{{ name: `reviews-v1-${{n}}`, namespace: `bookinfo-${{n % 50}}`, \
         status: if n % 9 == 0 {{ \"Failed\" }} else {{ \"Running\" }}, restarts: n % 7, node: `worker-${{n % 300}}.example` }}); }} "
    )
}

/// A way to show them.
type Show<'a> = dyn Fn(&mut First, &Content) -> std::io::Result<()> + 'a;

/// Notes when the first byte comes.
struct First {
    begun: Instant,
    first: Option<Duration>,
}

impl std::io::Write for First {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.first.get_or_insert_with(|| self.begun.elapsed());
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn table() {
    let limits = Limits { operations: 0, ..Limits::default() };
    let engine = Pilotage::builder(Arc::new(demo().expect("the demo tape"))).limits(limits).build().expect("an engine");
    let shown = engine.enter(&(rows() + "rows")).expect("the rows can be made");
    let Content::Table(table) = &shown.content else { panic!("rows are a table") };
    let look = Look { color: true, terminal: true, ..Look::fitted(120) };
    // The least that showing them can mean: each cell as text, one after the other.
    let plain = best(5, || {
        let (mut out, mut cell) = (std::io::BufWriter::new(std::io::sink()), Cell::default());
        for row in 0..ROWS {
            for column in 0..table.columns.len() {
                table.rows.cell(row, column, &mut cell);
                std::io::Write::write_all(&mut out, cell.text().as_bytes()).expect("a sink takes all");
            }
        }
    });
    println!("{:>10}  {ROWS} rows written plainly", time(plain));
    let target = Duration::from_millis(100);
    let shows: [(&str, &Show); 2] = [
        ("what a screen holds of them", &|out, content| brief::write(out, content, &look, 50)),
        ("all of them", &|out, content| brief::whole(out, content, &look)),
    ];
    for (what, show) in shows {
        let (mut first, mut whole) = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            let mut out = First { begun: Instant::now(), first: None };
            // As the session does, which begins with finding the columns.
            let kept = engine.result(-1).expect("it was kept");
            show(&mut out, &kept.content).expect("it takes all");
            (first, whole) = (first.min(out.first.expect("something was written")), whole.min(out.begun.elapsed()));
        }
        let met = verdict(first <= target);
        println!("{:>10}  the first byte of {what}; {:.2} × plainly (≤ 100 ms: {met})", time(first), ratio(first, plain));
        println!("{:>10}  {what}; {:.2} × plainly", time(whole), ratio(whole, plain));
    }
    let peak = |last: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilotage"));
        command.args(["--demo", "--max-operations", "0", "eval", &(rows() + last)]);
        program::run(command).peak as f64
    };
    let (counted, written) = (peak("rows.len()"), peak("rows"));
    let ratio = written / counted;
    println!(
        "{:>7.0} MB  held while all are written; {ratio:.2} × making them (≤ 1.1 ×: {})",
        written / 1e6,
        verdict(ratio <= 1.1)
    );
}
