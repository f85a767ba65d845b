//! The JSON form of a report, and of tables. The report's form is versioned.

use crate::report::{Finding, Item, REPORT_VERSION, Report, Section, Severity};
use crate::table::Records;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::{self, Write};

/// A report as JSON, version 1.
///
/// ```json
/// {"pilotage_report":1,"title":…,"params":{…},"status":"error",
///  "sections":[{"title":…,"items":[{"finding":0},{"text":…},{"table":{"columns":[…],"rows":[{…}]}}]}],
///  "findings":[{"code","severity","text","resource","evidence":[…],"fix","docs"}],"notes":[…]}
/// ```
/// A section's `finding` is the position in `findings`; `docs` is left out when there is none.
pub fn report(report: &Report) -> impl Serialize + '_ {
    let mut findings = Vec::new();
    let sections = report.sections.iter().map(|part| section(part, &mut findings)).collect();
    Whole {
        pilotage_report: REPORT_VERSION,
        title: &report.title,
        params: &report.params,
        status: report.status(),
        sections,
        findings,
        notes: &report.notes,
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    pilotage_report: u32,
    title: &'a str,
    params: &'a Map<String, Value>,
    status: Severity,
    sections: Vec<Part<'a>>,
    findings: Vec<&'a Finding>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Part<'a> {
    title: &'a str,
    items: Vec<Said<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Said<'a> {
    Finding(usize),
    Text(&'a str),
    Table { columns: &'a [String], rows: Records<'a> },
}

fn section<'a>(section: &'a Section, findings: &mut Vec<&'a Finding>) -> Part<'a> {
    let item = |item: &'a Item| match item {
        Item::Finding(finding) => {
            findings.push(finding);
            Said::Finding(findings.len() - 1)
        }
        Item::Text(text) => Said::Text(text),
        Item::Table(table) => Said::Table { columns: &table.columns, rows: table.records() },
    };
    Part { title: &section.title, items: section.items.iter().map(item).collect() }
}

/// Write something as JSON with line breaks, ending with one.
///
/// # Errors
/// Those of the writer.
pub fn write(mut out: impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")
}

/// JSON with line breaks, ending with one.
pub fn pretty(value: &impl Serialize) -> String {
    super::in_memory(|out| write(out, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::tests::sample;

    #[test]
    fn a_report_has_the_keys_of_version_1() {
        let json = serde_json::to_value(report(&sample())).unwrap();
        let keys: Vec<_> = json.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["pilotage_report", "title", "params", "status", "sections", "findings", "notes"]);
        assert_eq!(json["pilotage_report"], 1);
        assert_eq!(json["status"], "error");
        let finding: Vec<_> = json["findings"][0].as_object().expect("a finding").keys().collect();
        assert_eq!(finding, ["code", "severity", "text", "resource", "evidence", "fix"]);
    }

    #[test]
    fn sections_point_at_the_findings() {
        let json = serde_json::to_value(report(&sample())).unwrap();
        let mut pointed = Vec::new();
        for section in json["sections"].as_array().expect("sections") {
            pointed.extend(section["items"].as_array().expect("items").iter().filter_map(|item| item["finding"].as_u64()));
        }
        let count = json["findings"].as_array().expect("findings").len() as u64;
        assert_eq!(pointed, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn tables_are_records() {
        let json = serde_json::to_value(report(&sample())).unwrap();
        let table = json["sections"][1]["items"].as_array().expect("items").iter().find_map(|item| item.get("table"));
        assert_eq!(table.expect("a table")["rows"][0]["pod"], "web-1");
    }
}
