//! Comma-separated values as RFC 4180 has them: CRLF, quotes where needed, a header.

use super::value;
use crate::report::{Content, Item, Report, Table};
use serde_json::Value;
use std::io::{self, Write};

/// Write a value as CSV: a table as it is, records as a table, a list as one column, anything else as one cell.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, content: &Content) -> io::Result<()> {
    match content {
        Content::Nothing => Ok(()),
        Content::Table(rows) => table(out, rows),
        Content::Text(text) => single(out, [&Value::from(text.as_str())]),
        Content::Document(_) => write(out, &Content::Value(super::plain(content))),
        Content::Page(page) => write(out, &Content::Value(page.data.clone())),
        Content::Value(Value::Object(record)) => table(out, &value::table_of(&[record])),
        Content::Value(whole) => match (value::as_table(whole), whole) {
            (Some(rows), _) => table(out, &rows),
            (None, Value::Array(items)) => single(out, items),
            (None, scalar) => single(out, [scalar]),
        },
    }
}

fn single<'a>(out: &mut dyn Write, values: impl IntoIterator<Item = &'a Value>) -> io::Result<()> {
    let rows = values.into_iter().map(|value| vec![value.clone()]).collect();
    table(out, &Table { columns: vec!["value".into()], rows, ..Table::default() })
}

/// The findings of a report, one a line: what a spreadsheet can use of it.
///
/// # Errors
/// Those of the writer.
pub fn report(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let columns = ["section", "severity", "code", "text", "resource", "fix"].map(String::from).to_vec();
    let mut rows = Vec::new();
    for section in &report.sections {
        for item in &section.items {
            if let Item::Finding(found) = item {
                let severity = serde_json::to_value(found.severity).unwrap_or_default();
                let text = |text: &String| Value::from(text.as_str());
                let rest = [&found.code, &found.text, &found.resource, &found.fix].map(text);
                rows.push([text(&section.title), severity].into_iter().chain(rest).collect());
            }
        }
    }
    table(out, &Table { columns, rows: rows.into(), ..Table::default() })
}

/// A table as CSV, row by row.
fn table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    let mut line = String::new();
    table.columns.iter().for_each(|name| add(&mut line, name));
    end(out, &mut line)?;
    for row in 0..table.rows.len() {
        for column in 0..table.columns.len() {
            match table.rows.value(row, column).as_ref() {
                Value::Null => add(&mut line, ""),
                Value::String(text) => add(&mut line, text),
                other => add(&mut line, &other.to_string()),
            }
        }
        end(out, &mut line)?;
    }
    Ok(())
}

fn add(line: &mut String, field: &str) {
    if field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ') {
        line.push('"');
        line.push_str(&field.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(field);
    }
    line.push(',');
}

fn end(out: &mut dyn Write, line: &mut String) -> io::Result<()> {
    line.pop();
    line.push_str("\r\n");
    out.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::in_memory;
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let rows = Table {
            columns: vec!["name".into(), "a,b".into()],
            rows: vec![vec![json!("say \"hi\""), json!(null)], vec![json!("two\nlines"), json!([1, 2])]].into(),
            ..Table::default()
        };
        assert_eq!(in_memory(|out| table(out, &rows)), "name,\"a,b\"\r\n\"say \"\"hi\"\"\",\r\n\"two\nlines\",\"[1,2]\"\r\n");
    }

    #[test]
    fn a_report_is_its_findings() {
        let text = in_memory(|out| report(out, &crate::render::text::tests::sample()));
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "section,severity,code,text,resource,fix");
        assert!(lines[1].starts_with("What istiod could not fetch,error,JWKS001,"), "{text}");
        assert_eq!(lines[2], "The chain,ok,,the chain is complete,,");
    }

    #[test]
    fn every_value_has_a_form() {
        let content = |content: &Content| in_memory(|out| write(out, content));
        assert_eq!(content(&Content::Nothing), "");
        assert_eq!(content(&Content::Value(json!(3))), "value\r\n3\r\n");
        assert_eq!(content(&Content::Value(json!(["a", 1]))), "value\r\na\r\n1\r\n");
        assert_eq!(content(&Content::Value(json!({"a": 1, "b": "x"}))), "a,b\r\n1,x\r\n");
        assert_eq!(content(&Content::Value(json!([{"a": 1}, {"b": 2}]))), "a,b\r\n1,\r\n,2\r\n");
    }
}
