//! `proxy_status()` against `istioctl proxy-status` of the same moment: its table with `-v 1`, and its JSON.

use super::TAPES;
use crate::support::{istioctl, tapes};
use jiff::Timestamp;
use pilotage::report::Content;
use serde_json::Value;
use std::collections::BTreeMap;

/// Our rows, by the proxy's name as istioctl writes it.
fn ours(tape: &str) -> BTreeMap<String, Value> {
    let engine = tapes::engine(tape);
    let rows: Vec<Value> = match engine.eval("json(proxy_status())") {
        Ok(Content::Text(json)) => serde_json::from_str(&json).expect("JSON"),
        other => panic!("{tape}: {other:?}"),
    };
    let name = |row: &Value| format!("{}.{}", text(row, "name"), text(row, "namespace"));
    let count = rows.len();
    let by_name: BTreeMap<String, Value> = rows.into_iter().map(|row| (name(&row), row)).collect();
    assert_eq!(by_name.len(), count, "{tape}: each proxy has one connection");
    by_name
}

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or_default().to_owned()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The cell of a type as istioctl prints it, without the age; and when it was sent.
fn cell(row: &Value, kind: &str) -> (String, Option<Timestamp>) {
    match &row["types"][kind] {
        Value::Null => ("IGNORED".into(), None),
        state => (text(state, "status"), state["sent_time"].as_str().map(time)),
    }
}

/// `SYNCED (17s)`: the word, and how many seconds.
fn printed(cell: &str) -> (String, Option<i64>) {
    match cell.split_once(" (") {
        Some((word, age)) => {
            let seconds = age.trim_end_matches("s)").parse().unwrap_or_else(|_| panic!("{cell:?} has an age in seconds"));
            (word.into(), Some(seconds))
        }
        None => (cell.into(), None),
    }
}

#[test]
fn the_states_and_ages_are_those_that_istioctl_shows_when_asked() {
    let mut compared = 0;
    for tape in TAPES {
        let (run, ours) = (istioctl::proxy_status(tape), ours(tape));
        assert_eq!(run.rows.len(), ours.len(), "{tape}");
        let asked = time(run.at.as_deref().expect("the moment is kept"));
        for cells in &run.rows {
            let theirs: BTreeMap<&str, &str> =
                run.columns.iter().map(String::as_str).zip(cells.iter().map(String::as_str)).collect();
            let row = &ours[theirs["name"]];
            for (title, printed_cell) in &theirs {
                match *title {
                    "name" => {}
                    "cluster" | "istiod" | "version" => assert_eq!(text(row, title), *printed_cell, "{tape}: {title}"),
                    kind => {
                        let ((word, age), (our_word, sent)) = (printed(printed_cell), cell(row, kind));
                        assert_eq!(our_word, word, "{tape}: {kind} of {}", theirs["name"]);
                        assert_eq!(age.is_some(), sent.is_some(), "{tape}: {kind} of {}", theirs["name"]);
                        if let (Some(age), Some(sent)) = (age, sent) {
                            // istioctl looks at the clock some hundred milliseconds beside the moment that was kept.
                            let exact = asked.duration_since(sent).as_secs_f64();
                            assert!(
                                (age as f64) <= exact + 0.5 && (age as f64) >= exact - 1.5,
                                "{tape}: {kind}: {age} s, {exact} s"
                            );
                        }
                        compared += 1;
                    }
                }
            }
            for kind in ["cds", "lds", "eds", "rds", "ecds"] {
                assert_eq!(text(row, kind), cell(row, kind).0, "{tape}: the column is the type's state");
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

#[test]
fn the_json_holds_no_state_time_or_refusal_that_differs() {
    let mut refusals = 0;
    for tape in TAPES {
        let documents = istioctl::documents(tape);
        let document = documents.iter().find(|document| document.kind == istioctl::PROXY_STATUS).expect("it is kept");
        let json: Value = serde_json::from_str(document.json.get()).expect("JSON");
        let ours = ours(tape);
        let clients = json["resources"].as_array().expect("clients");
        assert_eq!(clients.len(), ours.len(), "{tape}");
        for client in clients {
            let name = text(&client["node"], "id");
            let row = &ours[&name];
            let metadata = &client["node"]["metadata"];
            assert_eq!(
                (&row["cluster"], &row["version"]),
                (&metadata["CLUSTER_ID"], &metadata["ISTIO_VERSION"]),
                "{tape}: {name}"
            );
            assert_eq!(row["namespace"], metadata["NAMESPACE"], "{tape}: {name}");
            let states = client["genericXdsConfigs"].as_array().expect("states");
            assert_eq!(states.len(), row["types"].as_object().map_or(0, serde_json::Map::len), "{tape}: {name}");
            for state in states {
                let ours = &row["types"][short(&text(state, "typeUrl"))];
                assert_eq!(text(ours, "status"), text(state, "configStatus").replace('_', " "), "{tape}: {name}");
                assert_eq!(time(&text(ours, "sent_time")), time(&text(state, "lastUpdated")), "{tape}: {name}");
                let refusal = &state["errorState"]["details"];
                assert_eq!(&ours["last_error"], refusal, "{tape}: {name}");
                refusals += usize::from(refusal.is_string());
            }
        }
    }
    assert_eq!(refusals, 1, "the one of d-nack");
}

fn short(url: &str) -> &'static str {
    match url.rsplit('.').next().unwrap_or_default() {
        "Cluster" => "cds",
        "ClusterLoadAssignment" => "eds",
        "Listener" => "lds",
        "RouteConfiguration" => "rds",
        "Secret" => "sds",
        other => panic!("{other} is in no recording"),
    }
}
