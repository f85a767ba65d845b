//! Parity with istioctl: for every proxy of every recording, the rows under istioctl's titles are those it printed at
//! the same moment. What it printed is kept beside the tapes.

mod istioctls_errors;
mod json;
mod kinds;
mod proxy_status;
mod raw;
mod rows;
mod table;

use crate::support::istioctl::{self, Run};
use crate::support::tapes;
use istioctls_errors::{FAILURES, Failure, Ours, WrongCell, listed, put_right, wrong_cells};
use kinds::{KINDS, Kind, kind};
use pilotage::Pilotage;
use pilotage::report::Content;
use rows::{Row, apart};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const TAPES: [&str; 9] = [
    "b-authz-deny",
    "c-unhealthy",
    "d-nack",
    "e-missing-subset",
    "g-expired-cert",
    "jwks-certificate-before",
    "jwks-certificate-fault",
    "jwks-certificate-fix-inline-jwks",
    "jwks-certificate-fix-trusted-ca",
];

/// The rows that a script gets, as istioctl would print them under these titles.
fn ours(engine: &Pilotage, kind: &Kind, argument: &str, titles: &[String]) -> Result<Vec<Row>, String> {
    let column = |title: &String| {
        let found = kind.columns.iter().find(|(istioctls, _)| istioctls == title);
        found.map(|(_, ours)| *ours).unwrap_or_else(|| panic!("no column of {} is known for {title}", kind.function))
    };
    let fields: Vec<String> = titles.iter().map(|title| format!("row.{}", column(title))).collect();
    let script = format!("{}({argument}).map(|row| [{}])", kind.function, fields.join(", "));
    match engine.eval(&script).map_err(|failure| format!("{script}: {failure}"))? {
        Content::Value(Value::Array(rows)) => Ok(rows.iter().map(|row| row_of(kind, titles, row)).collect()),
        other => Err(format!("{script} gives {other:?}")),
    }
}

fn row_of(kind: &Kind, titles: &[String], row: &Value) -> Row {
    let cells = row.as_array().expect("an array of cells");
    titles.iter().zip(cells).map(|(title, cell)| (kind.printed)(title, cell)).collect()
}

/// What our function takes for what istioctl was given.
fn argument(run: &Run) -> String {
    let option = Some(kind(&run.kind).option.to_owned()).filter(|option| !option.is_empty());
    let filters: Vec<String> = run
        .filters
        .iter()
        .map(|(name, value)| match value.parse::<u64>() {
            Ok(number) => format!("{name}: {number}"),
            Err(_) => format!("{name}: {value:?}"),
        })
        .chain(option)
        .collect();
    if filters.is_empty() { format!("{:?}", run.pod) } else { format!("{:?}, #{{ {} }}", run.pod, filters.join(", ")) }
}

/// Compare all tables of some kinds on all tapes; gives how many tables and rows were compared.
fn compare(function: &str) -> (usize, usize) {
    let (wrong, mut different, mut compared) = (wrong_cells(), Vec::new(), (0, 0));
    for tape in TAPES {
        let engine = tapes::engine(tape);
        for run in istioctl::runs(tape).iter().filter(|run| kind(&run.kind).function == function) {
            compared = (compared.0 + 1, compared.1 + run.rows.len());
            if let Err(told) = compare_run(&engine, run, &wrong) {
                different.push(format!("{tape}: {}\n{told}", run.command));
            }
        }
    }
    assert!(different.is_empty(), "{} of {} tables differ:\n{}", different.len(), compared.0, different.join("\n"));
    let cells = wrong.iter().filter(|wrong| wrong.met.get() == 0).map(|wrong| (wrong.kind, wrong.why));
    let met = |failure: &&Failure| TAPES.iter().flat_map(|tape| istioctl::runs(tape)).any(|run| fails_so(&run, failure));
    let failures = FAILURES.iter().filter(|failure| !met(failure)).map(|failure| (failure.kind, failure.why));
    let unmet: Vec<_> = cells.chain(failures).filter(|(name, _)| kind(name).function == function).collect();
    assert!(unmet.is_empty(), "listed as istioctl's errors, and met nowhere: {unmet:?}");
    compared
}

fn fails_so(run: &Run, failure: &Failure) -> bool {
    run.error.as_ref().and_then(|error| listed(run, error)).is_some_and(|listed| std::ptr::eq(listed, failure))
}

fn compare_run(engine: &Pilotage, run: &Run, wrong: &[WrongCell]) -> Result<(), String> {
    let kind = kind(&run.kind);
    if let Some(error) = &run.error {
        return compare_failure(engine, kind, run, error);
    }
    let told = apart(&put_right(run, wrong), &ours(engine, kind, &argument(run), &run.columns)?);
    if told.is_empty() { Ok(()) } else { Err(told) }
}

fn compare_failure(engine: &Pilotage, kind: &Kind, run: &Run, error: &str) -> Result<(), String> {
    let listed = listed(run, error).ok_or_else(|| format!("istioctl fails, and nothing is listed for it: {error}"))?;
    match (&listed.ours, ours(engine, kind, &argument(run), &[])) {
        (Ours::NoRows, Ok(rows)) if rows.is_empty() => Ok(()),
        (Ours::Error(says), Err(error)) if error.contains(says) => Ok(()),
        (wanted, got) => Err(format!("wanted {wanted:?} ({}), got {got:?}", listed.why)),
    }
}

#[test]
fn what_istioctl_printed_is_kept_for_every_proxy() {
    for tape in TAPES {
        let mut kept: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for run in istioctl::runs(tape).into_iter().filter(|run| run.pod != "no-such-pod.default") {
            assert_eq!(run.error.is_some(), run.kind == "ecds", "{tape}: {}", run.command);
            assert!(run.error.is_some() || !run.rows.is_empty(), "{tape}: {} has rows", run.command);
            assert!(run.rows.iter().all(|row| row.len() == run.columns.len()), "{tape}: {}", run.command);
            kept.entry(run.pod).or_default().insert(run.kind);
        }
        // Before the fault and after its repairs, istioctl was asked for two tables only.
        let partly = tape.starts_with("jwks-certificate-") && tape != "jwks-certificate-fault";
        let all: BTreeSet<String> = KINDS.iter().map(|kind| kind.kind.to_owned()).collect();
        let expected = if partly { ["endpoints", "secret"].map(str::to_owned).into() } else { all };
        assert_eq!(kept.len(), proxies(tape), "{tape}");
        for (pod, kinds) in kept {
            assert_eq!(kinds, expected, "{tape}: {pod}");
        }
    }
}

#[test]
fn what_is_kept_holds_no_private_key_and_no_token() {
    for tape in TAPES {
        let rows = istioctl::runs(tape).into_iter().map(|run| format!("{run:?}"));
        let documents = istioctl::documents(tape).into_iter().map(|document| document.json.get().to_owned());
        for text in rows.chain(documents) {
            for secret in ["PRIVATE KEY-----", "LS0tLS1CRUdJTiBQUklWQVRFIEtFW", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV", "\"eyJ"] {
                assert!(!text.contains(secret), "{tape} holds {secret}");
            }
        }
    }
}

/// How many proxies answered on a tape.
fn proxies(tape: &str) -> usize {
    let count = "pods(\"*\").filter(|pod| pod.containers.contains(\"istio-proxy\")).len()";
    match tapes::engine(tape).eval(count) {
        Ok(Content::Value(count)) => count.as_u64().expect("a number") as usize,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clusters() {
    let (tables, rows) = compare("clusters");
    assert!(tables > 30 && rows > 500, "{tables} {rows}");
}

#[test]
fn bootstrap() {
    let (tables, rows) = compare("bootstrap");
    assert!(tables > 20 && rows == tables, "{tables} {rows}");
}

#[test]
fn log_levels() {
    let (tables, rows) = compare("log_levels");
    assert!(tables > 10 && rows > 500, "{tables} {rows}");
}

#[test]
fn endpoints() {
    let (tables, rows) = compare("endpoints");
    assert!(tables > 30 && rows > 500, "{tables} {rows}");
}

#[test]
fn routes() {
    let (tables, rows) = compare("routes");
    assert!(tables > 30 && rows > 300, "{tables} {rows}");
}

#[test]
fn secrets() {
    let (tables, rows) = compare("secrets");
    assert!(tables > 30 && rows > 60, "{tables} {rows}");
}

#[test]
fn listeners() {
    let (tables, rows) = compare("listeners");
    assert!(tables > 20 && rows > 200, "{tables} {rows}");
}

#[test]
fn ecds() {
    let (tables, rows) = compare("ecds");
    assert!(tables > 10 && rows == 0, "{tables} {rows}");
}
