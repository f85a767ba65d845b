//! Writes what the fuzzer of `fuzz/` begins with: small pieces of real configurations, and the clusters' names, from tapes.
//!
//! `cargo run --example fuzz_seeds -- FOLDER TAPE…`, as `.ci/fuzz` does: `FOLDER/dump` gets one resource of each list of
//! each section, and each whole section that is small; `FOLDER/names` gets names.

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

/// The configurations of proxies that a tape holds.
fn dumps(tape: &Tape) -> Vec<Value> {
    let asked = tape
        .questions()
        .filter(|query| matches!(&query.ask, Ask::Pod(page) if page.path.starts_with("/config_dump?include_eds")));
    let answers = asked.filter_map(|query| futures::executor::block_on(tape.ask(query)).ok());
    answers.filter_map(|answer| serde_json::from_slice(&answer.body).ok()).collect()
}

/// For each section the dump with it alone, and with one resource of each list: the first, one in the middle, the last.
fn pieces(dump: &Value) -> Vec<Value> {
    let mut pieces = Vec::new();
    for section in dump["configs"].as_array().into_iter().flatten() {
        pieces.push(json!({"configs": [section]}));
        for (name, list) in section.as_object().into_iter().flatten() {
            let Some(items) = list.as_array().filter(|items| !items.is_empty()) else { continue };
            for at in [0, items.len() / 2, items.len() - 1] {
                pieces.push(json!({"configs": [{"@type": section["@type"], name.as_str(): [items[at]]}]}));
            }
        }
    }
    pieces.retain(|piece| piece.to_string().len() <= LARGEST);
    pieces
}
