//! The JSON form of a report, and of tables. The report's form is versioned.

use crate::report::{Finding, Item, REPORT_VERSION, Report, Section, Table};
use serde_json::{Map, Value, json};

/// A report as JSON, version 1.
///
/// ```json
/// {"pilotage_report":1,"title":…,"params":{…},"status":"error",
///  "sections":[{"title":…,"items":[{"finding":0},{"text":…},{"table":{"columns":[…],"rows":[{…}]}}]}],
///  "findings":[{"code","severity","text","resource","evidence":[…],"fix","docs"}],"notes":[…]}
/// ```
/// A section's `finding` is the position in `findings`; `docs` is left out when there is none.
pub fn report(report: &Report) -> Value {
    let mut findings = Vec::new();
    let sections: Vec<Value> = report.sections.iter().map(|part| section(part, &mut findings)).collect();
    json!({
        "pilotage_report": REPORT_VERSION,
        "title": report.title,
        "params": report.params,
        "status": report.status(),
        "sections": sections,
        "findings": findings,
        "notes": report.notes,
    })
}

fn section<'a>(section: &'a Section, findings: &mut Vec<&'a Finding>) -> Value {
    let items: Vec<Value> = section
        .items
        .iter()
        .map(|item| match item {
            Item::Finding(finding) => {
                findings.push(finding);
                json!({ "finding": findings.len() - 1 })
            }
            Item::Text(text) => json!({ "text": text }),
            Item::Table(table) => json!({ "table": { "columns": table.columns, "rows": rows(table) } }),
        })
        .collect();
    json!({ "title": section.title, "items": items })
}

/// A table as an array of records.
pub fn rows(table: &Table) -> Value {
    let record = |row: &Vec<Value>| Value::Object(table.columns.iter().cloned().zip(row.iter().cloned()).collect::<Map<_, _>>());
    Value::Array(table.rows.iter().map(record).collect())
}

/// JSON with line breaks, ending with one.
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::tests::sample;

    #[test]
    fn a_report_has_the_keys_of_version_1() {
        let json = report(&sample());
        let keys: Vec<_> = json.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["pilotage_report", "title", "params", "status", "sections", "findings", "notes"]);
        assert_eq!(json["pilotage_report"], 1);
        assert_eq!(json["status"], "error");
        let finding: Vec<_> = json["findings"][0].as_object().expect("a finding").keys().collect();
        assert_eq!(finding, ["code", "severity", "text", "resource", "evidence", "fix"]);
    }

    #[test]
    fn sections_point_at_the_findings() {
        let json = report(&sample());
        let mut pointed = Vec::new();
        for section in json["sections"].as_array().expect("sections") {
            pointed.extend(section["items"].as_array().expect("items").iter().filter_map(|item| item["finding"].as_u64()));
        }
        let count = json["findings"].as_array().expect("findings").len() as u64;
        assert_eq!(pointed, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn tables_are_records() {
        let json = report(&sample());
        let table = json["sections"][1]["items"].as_array().expect("items").iter().find_map(|item| item.get("table"));
        assert_eq!(table.expect("a table")["rows"][0]["pod"], "web-1");
    }
}
