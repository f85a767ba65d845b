//! istioctl's JSON, read by our functions, gives the rows of its tables.

use super::istioctls_errors::{put_right, wrong_cells};
use super::kinds::kind;
use super::rows::{Row, apart};
use super::{TAPES, ours};
use crate::support::istioctl::{self, Document, Run};
use crate::support::run::TempDir;
use crate::support::tapes;
use pilotage::Pilotage;

/// Ten seconds lie between istioctl's tables and its JSON of this proxy; in between, Envoy let go of a listener that
/// was draining, and of the routes that stood in it.
fn had_drained(tape: &str, run: &Run, row: &Row) -> bool {
    let routes = tape == "jwks-certificate-fault" && run.kind == "routes";
    routes && ["InboundPassthroughCluster", "inbound|8080||"].contains(&row[0].as_str())
}

/// The rows that istioctl printed, without half of those of the listener that was gone ten seconds later.
fn printed_by_then(tape: &str, run: &Run) -> Vec<Row> {
    let mut rows = put_right(run, &wrong_cells());
    rows.sort();
    let (gone, mut stay): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| had_drained(tape, run, row));
    // Both listeners had the same routes: each stands there twice as often as in one.
    stay.extend(gone.into_iter().step_by(2));
    stay
}

fn script_path(home: &TempDir, document: &Document) -> String {
    let file = home.write(&format!("{}-{}.json", document.kind, document.pod), document.json.get());
    format!("load({:?})", file.display().to_string())
}

/// The documents of these kinds, with what is needed to ask them.
pub fn each_document(wanted: &[&str], mut look: impl FnMut(&str, &Pilotage, &TempDir, &Document)) {
    let home = TempDir::new();
    let mut met = 0;
    for tape in TAPES {
        let engine = tapes::engine(tape);
        for document in istioctl::documents(tape).iter().filter(|document| wanted.contains(&document.kind.as_str())) {
            look(tape, &engine, &home, document);
            met += 1;
        }
    }
    assert!(met >= wanted.len(), "{met}");
}

fn run_of(tape: &str, pod: &str, kind: &str) -> Run {
    let mut runs = istioctl::runs(tape).into_iter();
    runs.find(|run| run.pod == pod && run.kind == kind && run.filters.is_empty()).expect("istioctl printed that table too")
}

#[test]
fn its_json_reads_to_the_rows_of_its_tables() {
    each_document(READ, |tape, engine, home, document| {
        let run = run_of(tape, &document.pod, &document.kind);
        let read = ours(engine, kind(&run.kind), &script_path(home, document), &run.columns).unwrap();
        let told = apart(&printed_by_then(tape, &run), &read);
        assert!(told.is_empty(), "{tape}: {} of {}\n{told}", document.kind, document.pod);
    });
}

#[test]
fn envoys_own_dump_that_it_passes_on_reads_to_the_rows_of_its_tables() {
    each_document(&["all"], |tape, engine, home, document| {
        for name in DUMPED {
            let run = run_of(tape, &document.pod, name);
            let read = ours(engine, kind(name), &script_path(home, document), &run.columns).unwrap();
            let told = apart(&printed_by_then(tape, &run), &read);
            assert!(told.is_empty(), "{tape}: {name} of {}\n{told}", document.pod);
        }
    });
}

/// What of its JSON is read by our functions.
const READ: &[&str] = &["bootstrap", "clusters", "endpoints", "listeners", "routes", "secret"];
/// What is read from Envoy's whole dump.
const DUMPED: &[&str] = &["all/eds", "bootstrap", "clusters", "listeners", "routes", "secret"];
