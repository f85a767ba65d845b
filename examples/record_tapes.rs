//! Record the tapes of `tests/tapes` anew, from recordings of real meshes:
//!
//! ```text
//! cargo run --example record_tapes [FOLDER]
//! cargo run --example record_tapes -- --rows-only [FOLDER]
//! ```
//!
//! Every recording in the folder (`../shared/recordings` when none is named) is served as a cluster. pilotage asks it
//! through its live backend: all that `tests/tapes/capture.rhai` asks, what the shipped playbooks ask, and the recorded
//! pages of proxies and control planes that no function asks for yet. The clock stands at the end of the recording, so
//! that a tape of old answers is not judged by today's time. Beside each tape stands what istioctl printed of the same
//! proxies; with `--rows-only` the tapes stay as they are, and only that is written.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that tells what it does")]

#[path = "../tests/support/mod.rs"]
mod support;

use futures::StreamExt;
use pilotage::Pilotage;
use pilotage::backend::{Answer, Ask, Backend, Connect, Effect, Limit, Live, PodHttp, Query, Recorder, Redacted, SharedBackend};
use pilotage::error::{Error, Kind, Result};
use pilotage::host::Playbook;
use pilotage::report::Item;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use support::cluster::{Cluster, ClusterOptions, Entry, Recording, Via};
use support::frozen::Frozen;
use support::run::TempDir;

const RECORDINGS: &str = "../shared/recordings";
const ROWS_ONLY: &str = "--rows-only";
const PARALLEL: usize = 8;

fn main() -> ExitCode {
    let (flags, folders): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let folder = folders.first().map_or(RECORDINGS, String::as_str);
    if let Some(unknown) = flags.iter().find(|flag| *flag != ROWS_ONLY) {
        eprintln!("error: there is no option {unknown}, only {ROWS_ONLY}");
        return ExitCode::FAILURE;
    }
    match record_all(Path::new(folder), flags.is_empty()) {
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

fn record_all(folder: &Path, with_tapes: bool) -> Result<()> {
    let mut total = 0;
    for recording in recordings(folder)? {
        let name = name(folder, &recording);
        if with_tapes {
            let size = record_in_place(&recording, &name)?;
            println!("tests/tapes/{name}.tape: {} kB", size.div_ceil(1000));
            total += size;
        }
        let [rows, json] = support::istioctl::keep(&recording, &name)?;
        println!("tests/tapes/{name}.istioctl.*: {} kB of rows, {} kB of JSON", rows.div_ceil(1000), json.div_ceil(1000));
        total += (rows + json) as u64;
    }
    println!("{} kB together", total.div_ceil(1000));
    Ok(())
}

/// Made aside, and put in place only when it is whole; gives its size.
fn record_in_place(recording: &Path, name: &str) -> Result<u64> {
    let tapes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes");
    let tape = tapes.join(format!("{name}.tape"));
    let fresh = tapes.join(format!("{name}.tape.new"));
    if let Err(error) = record(recording, &tapes.join("capture.rhai"), &fresh) {
        let _ = std::fs::remove_file(&fresh);
        return Err(error.context(format!("{name} cannot be recorded")));
    }
    let failed = |error| Error::new(Kind::File, format!("cannot put {} in place", tape.display())).caused_by(&error);
    std::fs::rename(&fresh, &tape).map_err(failed)?;
    Ok(std::fs::metadata(&tape).map_err(failed)?.len())
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
    let recording = Recording::open(folder)?;
    let (pages, end) = (pages(&recording), recording.end);
    let cluster = Cluster::start(ClusterOptions::new(recording).clock(end))?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::new(Kind::Internal, "no runtime for the questions").caused_by(&error))?;
    let live = runtime.block_on(connect(&cluster))?;
    let limited = Limit::new(Arc::new(Frozen::new(Arc::new(live), end)), Duration::from_secs(30), PARALLEL);
    let redacted = Redacted::new(Arc::new(limited));
    let redactor = redacted.redactor();
    let _ = std::fs::remove_file(tape);
    let recorder = Arc::new(Recorder::create(Arc::new(redacted), tape, Some(redactor))?);

    let asked: Vec<Result<Answer>> = runtime
        .block_on(async { futures::stream::iter(&pages).map(|page| recorder.ask(page)).buffered(PARALLEL).collect().await });
    for answer in asked {
        answer?;
    }
    ask_by_script(&cluster, recorder.clone(), script)?;
    recorder.finish()?;
    Ok(())
}

async fn connect(cluster: &Cluster) -> Result<Live> {
    let home = TempDir::new();
    let kubeconfig = home.file("kubeconfig");
    cluster.kubeconfig(&kubeconfig)?;
    let resolve = cluster.resolve().iter().map(|rule| rule.parse()).collect::<Result<_>>()?;
    let live = Live::connect(Connect { kubeconfig: Some(kubeconfig), resolve, ..Connect::default() }).await?;
    // The kubeconfig is read with the first question.
    live.ask(&Query::new(cluster.name(), Ask::kube("/version"))).await?;
    Ok(live)
}

/// The recorded pages of the servers inside the pods, each once: what they say now is what they said first. Beside what
/// is only read, a proxy's list of loggers, which takes a POST.
fn pages(recording: &Recording) -> Vec<Query> {
    let mut pages: Vec<Query> = Vec::new();
    let asks = |entry: &&Entry| entry.method == "GET" || (entry.method == "POST" && entry.path == "/logging");
    for entry in recording.via(Via::Pod).filter(|entry| asks(entry) && entry.status != 0) {
        let Some(((namespace, pod), port)) = entry.pod.as_deref().and_then(|pod| pod.split_once('/')).zip(entry.port) else {
            continue;
        };
        let (method, path) = (entry.method.clone(), entry.path.clone());
        let page = PodHttp { namespace: namespace.into(), pod: pod.into(), port, method, path, body: None };
        let page = Query::new(recording.cluster.clone(), Ask::Pod(page));
        if !pages.contains(&page) {
            pages.push(page);
        }
    }
    pages
}

fn ask_by_script(cluster: &Cluster, backend: SharedBackend, script: &Path) -> Result<()> {
    let engine = Pilotage::builder(backend).build()?;
    let servers: Vec<String> = cluster.servers().iter().map(|server| format!("{}:{}", server.host, server.port)).collect();
    let mut params = serde_json::Map::new();
    if !servers.is_empty() {
        params.insert("servers".into(), servers.join(",").into());
    }
    let find = |name: &str| Playbook::find(name, &[]).map_err(|failure| failure.error);
    let capture = find(&script.to_string_lossy())?;
    let report = engine.run(&capture, params).map_err(|failed| failed.failure.error)?;
    for item in report.sections.iter().flat_map(|section| &section.items) {
        match item {
            Item::Finding(finding) => println!("  {}", finding.text),
            Item::Text(text) => println!("  refused: {text}"),
            _ => {}
        }
    }
    let observes = |playbook: &Playbook| playbook.header.needs.iter().all(|need| *need == Effect::Observe);
    for playbook in Playbook::shipped().into_iter().filter(observes) {
        let report = engine.run(&playbook, serde_json::Map::new()).map_err(|failed| failed.failure.error)?;
        println!("  {}: {:?}", playbook.title(), report.status());
    }
    Ok(())
}
