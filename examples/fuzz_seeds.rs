//! Writes what the fuzzer of `fuzz/` begins with: small pieces of real configurations, and the clusters' names, from tapes.
//!
//! `cargo run --example fuzz_seeds -- FOLDER TAPE…`, as `.ci/fuzz` does: `FOLDER/dump` gets one resource of each list of
//! each section, each whole section that is small, and the like of other pages; `FOLDER/names` gets names.

use pilotage::backend::{Ask, Backend, Tape};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Larger pieces teach the fuzzer nothing more, and slow it down.
const LARGEST: usize = 4_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = words.next().ok_or("where to? fuzz_seeds FOLDER TAPE…")?;
    let (mut dumped, mut names) = (Vec::new(), BTreeSet::new());
    for tape in words {
        for dump in dumps(&Tape::open(&tape)?) {
            names.extend(cluster_names(&dump));
            for piece in pieces(&dump) {
                dumped.push(serde_json::to_vec_pretty(&piece)?);
            }
        }
    }
    dumped.sort_unstable();
    dumped.dedup();
    if dumped.is_empty() || names.is_empty() {
        return Err("the tapes hold no configuration".into());
    }
    write(&folder.join("dump"), &dumped)?;
    write(&folder.join("names"), &names.into_iter().map(String::into_bytes).collect::<Vec<_>>())?;
    Ok(())
}

fn write(folder: &Path, files: &[Vec<u8>]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    files.iter().enumerate().try_for_each(|(count, text)| std::fs::write(folder.join(format!("{count:05}")), text))
}

/// The names of the clusters of a configuration.
fn cluster_names(dump: &Value) -> Vec<String> {
    let sections = dump["configs"].as_array().into_iter().flatten();
    let resources = ["static_clusters", "dynamic_active_clusters"];
    let clusters = sections.flat_map(|section| resources.map(|list| &section[list])).filter_map(Value::as_array).flatten();
    clusters.filter_map(|cluster| cluster["cluster"]["name"].as_str().map(str::to_owned)).collect()
}

/// What the proxies of a tape answered in JSON: configurations, and pages such as `/clusters?format=json`.
fn dumps(tape: &Tape) -> Vec<Value> {
    let asked =
        tape.questions().filter(|query| matches!(&query.ask, Ask::Pod(page) if page.method == "GET" && page.port == 15000));
    let answers = asked.filter_map(|query| futures::executor::block_on(tape.ask(query)).ok());
    answers.filter_map(|answer| serde_json::from_slice(&answer.body).ok()).collect()
}

/// Of a configuration each section alone; of a section, or another page, each list with one item: the first, one in the middle,
/// the last.
fn pieces(answer: &Value) -> Vec<Value> {
    let mut pieces = Vec::new();
    match answer["configs"].as_array() {
        Some(sections) => {
            for section in sections {
                pieces.push(json!({"configs": [section]}));
                pieces.extend(thinned(section).into_iter().map(|section| json!({"configs": [section]})));
            }
        }
        None => {
            pieces.push(answer.clone());
            pieces.extend(thinned(answer));
        }
    }
    pieces.retain(|piece| piece.to_string().len() <= LARGEST);
    pieces
}

/// An object with one of its lists alone, and one item of that.
fn thinned(whole: &Value) -> Vec<Value> {
    let mut thinned = Vec::new();
    for (name, list) in whole.as_object().into_iter().flatten() {
        let Some(items) = list.as_array().filter(|items| !items.is_empty()) else { continue };
        for at in [0, items.len() / 2, items.len() - 1] {
            let mut kept = json!({name.as_str(): [items[at]]});
            if let Some(kind) = whole.get("@type") {
                kept["@type"] = kind.clone();
            }
            thinned.push(kept);
        }
    }
    thinned
}
