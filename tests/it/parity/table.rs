//! The same rows once more, as the real binary prints them: a table of text under istioctl's columns.

use super::istioctls_errors::{put_right, wrong_cells};
use super::kinds::{Kind, kind};
use super::rows::{Row, apart};
use crate::support::run::run_pilotage;
use crate::support::{istioctl, tapes};
use serde_json::Value;

const TAPE: &str = "jwks-certificate-fault";
const POD: &str = "customer-686cf5bf47-mtgsn.olaf-customer";

/// A printed table's cells: what stands between gaps that go through all lines.
fn cells(text: &str) -> Vec<Row> {
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let width = lines.iter().map(Vec::len).max().unwrap_or_default();
    let blank = |at: usize| lines.iter().all(|line| line.get(at).is_none_or(|c| *c == ' '));
    let (mut spans, mut start, mut at) = (Vec::new(), 0, 0);
    while at < width {
        let gap = (at..width).take_while(|at| blank(*at)).count();
        if gap >= 2 {
            spans.push(start..at);
            start = at + gap;
        }
        at += gap.max(1);
    }
    spans.push(start..width);
    let cell = |line: &[char], span: &std::ops::Range<usize>| -> String {
        let inside = span.start.min(line.len())..span.end.min(line.len());
        line[inside].iter().collect::<String>().trim().to_owned()
    };
    lines.iter().map(|line| spans.iter().map(|span| cell(line, span)).collect()).collect()
}

fn printed(kind: &Kind, columns: &[&str]) -> Vec<Row> {
    let script = format!("table({}({POD:?}), {})", kind.function, serde_json::to_string(columns).unwrap());
    let tape = tapes::path(TAPE).display().to_string();
    let output = run_pilotage(&["eval", "--tape", &tape, &script], &[]);
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{script}");
    cells(&output.stdout)
}

#[test]
fn the_binary_prints_the_rows_that_istioctl_printed() {
    for name in PRINTED {
        let kind = kind(name);
        let run = istioctl::runs(TAPE).into_iter().find(|run| run.pod == POD && run.kind == *name).expect("it is kept");
        let column = |title: &String| kind.columns.iter().find(|(theirs, _)| theirs == title).expect("a column").1;
        let columns: Vec<&str> = run.columns.iter().map(column).collect();
        let mut ours = printed(kind, &columns);
        assert_eq!(ours.remove(0), columns, "{name}");
        for row in &mut ours {
            for (title, cell) in run.columns.iter().zip(row.iter_mut()) {
                // A table of text says `-` of what is absent.
                let value = if cell == "-" { Value::Null } else { Value::from(cell.as_str()) };
                *cell = (kind.printed)(title, &value);
            }
        }
        let told = apart(&put_right(&run, &wrong_cells()), &ours);
        assert!(told.is_empty(), "{name}:\n{told}");
    }
}

#[test]
fn cells_are_found_between_gaps() {
    let text = "name    port  rule\na b       80  x\nlonger  8080\n";
    assert_eq!(cells(text), [["name", "port", "rule"], ["a b", "80", "x"], ["longer", "8080", ""]]);
}

/// The tables that are printed once.
const PRINTED: &[&str] = &["bootstrap", "clusters", "endpoints", "listeners", "log", "routes", "secret"];
