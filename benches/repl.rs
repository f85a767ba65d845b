//! What a key costs at the prompt: colours, brackets, whether the input is whole, and the hint, on an input of 300 lines.
//!
//! `cargo bench --bench repl`, one group with `-- key_press`. Target: 5 ms at the 99th percentile.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;

use measure::{arguments, ratio, time, verdict};
use pilotage::Pilotage;
use pilotage::backend::demo;
use pilotage::host::tokens;
use pilotage::render::Look;
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
    let groups: &[(&str, fn())] = &[("key_press", key_press)];
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
