//! Record the tapes of `tests/tapes` anew, from recordings of real meshes:
//!
//! ```text
//! cargo build && cargo run --example record_tapes [FOLDER]
//! ```
//!
//! Every recording in the folder (`../shared/recordings` when none is named) is served as a cluster, and the real
//! binary asks it everything that `tests/tapes/capture.rhai` asks, through its live backend.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that tells what it does")]

#[path = "../tests/support/mod.rs"]
mod support;

use pilotage::error::{Error, Kind, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use support::cluster::{Cluster, ClusterOptions, Recording};
use support::run::{TempDir, finish, pilotage};

const RECORDINGS: &str = "../shared/recordings";
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_else(|| RECORDINGS.into());
    match record_all(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = error.next_step() {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn record_all(folder: &Path) -> Result<()> {
    let tapes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes");
    let mut total = 0;
    for recording in recordings(folder)? {
        let name = name(folder, &recording);
        let tape = tapes.join(format!("{name}.tape"));
        // Made aside, and put in place only when it is whole.
        let fresh = tapes.join(format!("{name}.tape.new"));
        record(&recording, &tapes.join("capture.rhai"), &fresh)?;
        let failed = |error| Error::new(Kind::File, format!("cannot put {} in place", tape.display())).caused_by(&error);
        std::fs::rename(&fresh, &tape).map_err(failed)?;
        let size = std::fs::metadata(&tape).map_err(failed)?.len();
        println!("tests/tapes/{name}.tape: {} kB", size.div_ceil(1000));
        total += size;
    }
    println!("{} kB together", total.div_ceil(1000));
    Ok(())
}

/// All folders with an index, at most two levels down.
fn recordings(folder: &Path) -> Result<Vec<PathBuf>> {
    let missing = |error| {
        Error::new(Kind::File, format!("there are no recordings in {}", folder.display()))
            .caused_by(&error)
            .hint("name the folder that holds them: cargo run --example record_tapes FOLDER")
    };
    let mut found = Vec::new();
    for child in subfolders(folder).map_err(missing)? {
        found.extend(subfolders(&child).map_err(missing)?);
        found.push(child);
    }
    found.retain(|folder| folder.join("index.jsonl").is_file());
    found.sort();
    if found.is_empty() {
        return Err(missing(std::io::Error::other("no folder in it has an index.jsonl")));
    }
    Ok(found)
}

fn subfolders(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    Ok(entries.filter(|path| path.is_dir()).collect())
}

/// `jwks-certificate/fault` becomes `jwks-certificate-fault`.
fn name(folder: &Path, recording: &Path) -> String {
    let inside = recording.strip_prefix(folder).unwrap_or(recording);
    let parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join("-")
}

fn record(folder: &Path, script: &Path, tape: &Path) -> Result<()> {
    let cluster = Cluster::start(ClusterOptions::new(Recording::open(folder)?))?;
    let home = TempDir::new();
    let kubeconfig = home.file("kubeconfig");
    cluster.kubeconfig(&kubeconfig)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut args = vec!["run".to_string(), text(script), "--kubeconfig".into(), text(&kubeconfig), "--record".into(), text(tape)];
    for rule in cluster.resolve() {
        args.extend(["--resolve".into(), rule]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = finish(pilotage(home.path(), &args), PATIENCE);
    if output.code != Some(0) {
        let said = format!("{}{}", output.stdout, output.stderr);
        return Err(Error::new(Kind::Internal, format!("pilotage could not record {}", folder.display())).cause(said.trim()));
    }
    Ok(())
}
