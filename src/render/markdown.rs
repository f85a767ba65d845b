//! Markdown for a ticket: the verdict first, repairs in fences, and nothing a cluster said is taken for markup.

use super::evidence::{Piece, pieces};
use super::{style, text, value};
use crate::cell::Cell;
use crate::report::{Content, Finding, Item, Report, Table};
use serde_json::Value;
use std::io::{self, Write};

/// A report as Markdown.
pub fn report(report: &Report) -> String {
    let (sign, word, _) = style::severity(report.status());
    let mut out = format!("# {}\n\n**{sign} {word}**: {}\n", escape(&report.title), text::counts(report));
    let given = report.params.iter().filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
    for (number, (name, value)) in given.enumerate() {
        out += if number == 0 { "\n" } else { "" };
        out += &format!("- {}: {}\n", escape(name), code(&value::cell(value)));
    }
    for section in &report.sections {
        if !section.title.is_empty() {
            out += &format!("\n## {}\n", escape(&section.title));
        }
        for item in &section.items {
            out += &match item {
                Item::Finding(finding) => self::finding(finding),
                Item::Text(said) => format!("\n{}", fence(said)),
                Item::Table(rows) => format!("\n{}", table(rows)),
            };
        }
    }
    if !report.notes.is_empty() {
        out += "\n## Notes\n\n";
        for note in &report.notes {
            out += &format!("- {}\n", escape(note));
        }
    }
    out
}

fn finding(finding: &Finding) -> String {
    let (sign, word, _) = style::severity(finding.severity);
    let code_word = if finding.code.is_empty() { String::new() } else { format!(" {}", code(&finding.code)) };
    let mut out = format!("\n**{sign} {word}**{code_word} {}\n", escape(&finding.text));
    if !finding.resource.is_empty() {
        out += &format!("\non {}\n", code(&finding.resource));
    }
    out += &evidence(&finding.evidence);
    if !finding.fix.trim().is_empty() {
        out += &format!("\nFix:\n\n{}", fence(&finding.fix));
    }
    if !finding.docs.is_empty() {
        out += &format!("\nMore: <{}>\n", finding.docs.replace(['<', '>', ' '], ""));
    }
    out
}

/// Lines that follow one another share a fence.
fn evidence(evidence: &[Value]) -> String {
    let mut out = String::new();
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(evidence) {
        let block = match piece {
            Piece::Line(line) => {
                lines.push(line.to_owned());
                continue;
            }
            Piece::Other(other) => {
                lines.push(value::cell(other));
                continue;
            }
            Piece::Table(rows) => table(&rows),
            Piece::Record(record) => table(&value::table_of(&[record])),
        };
        out += &flush(&mut lines);
        out += &format!("\n{block}");
    }
    out + flush(&mut lines).as_str()
}

fn flush(lines: &mut Vec<String>) -> String {
    if lines.is_empty() { String::new() } else { format!("\n{}", fence(&std::mem::take(lines).join("\n"))) }
}

/// A table with its pipes escaped.
pub fn table(table: &Table) -> String {
    super::in_memory(|out| write_table(out, table))
}

fn write_table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    if table.rows.is_empty() {
        return out.write_all(b"no rows\n");
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let shown = table.shown();
    out.write_all(line(shown.iter().map(|&column| escape(&table.columns[column])).collect()).as_bytes())?;
    out.write_all(line(shown.iter().map(|_| "---".into()).collect()).as_bytes())?;
    let mut cell = Cell::default();
    for row in 0..table.rows.len() {
        let text = |&column: &usize| {
            table.rows.cell(row, column, &mut cell);
            escape(cell.text())
        };
        out.write_all(line(shown.iter().map(text).collect()).as_bytes())?;
    }
    Ok(())
}

/// Write the value of an expression as Markdown.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, content: &Content) -> io::Result<()> {
    let text = match content {
        Content::Nothing => return Ok(()),
        Content::Text(text) => fence(text),
        Content::Table(rows) => return write_table(out, rows),
        Content::Document(_) => return write(out, &Content::Value(super::plain(content))),
        Content::Page(page) => page.markdown.clone(),
        Content::Value(whole) => match value::as_table(whole) {
            Some(rows) => return write_table(out, &rows),
            None if whole.is_string() => fence(whole.as_str().unwrap_or_default()),
            None => fence(&format!("{whole:#}")),
        },
    };
    out.write_all(text.as_bytes())
}

/// A fenced block whose fence is longer than any run of back-ticks inside it.
fn fence(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// Text in a line of code.
fn code(text: &str) -> String {
    let ticks = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{}{pad}{ticks}", text.replace('\n', " "))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Prose in which nothing is markup. Underscores inside of words are none anyway, and addresses need them whole.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let within = before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' => out.extend(['\\', c]),
            '_' if !within => out.push_str("\\_"),
            // A zero-width joiner keeps `@name` from calling somebody.
            '@' => out.push_str("@\u{200d}"),
            '\n' => out.push_str("<br>"),
            _ => out.push(c),
        }
        before = c;
    }
    if out.starts_with('#') { format!("\\{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::tests::sample;
    use serde_json::json;

    #[test]
    fn a_report_for_a_ticket() {
        insta::assert_snapshot!(report(&sample()), @r#"
        # JWKS certificate investigation

        **✗ error**: 1 error, 1 ok

        - namespace: `shop`

        ## What istiod could not fetch

        **✗ error** `JWKS001` istiod never obtained the keys of https://issuer.example/realms/customer from https://issuer.example/certs

        on `RequestAuthentication/shop/customerjwt`

        ```
        2026-11-22T10:00:01Z warn x509: certificate signed by unknown authority
        ```

        | proxy | key |
        | --- | --- |
        | web-1.shop | stand-in |
        | web-2.shop | stand-in |

        Fix:

        ```
        kubectl apply -f - <<'EOF'
        kind: RequestAuthentication
        spec: {jwks: '{"keys": [a very long line that is wider than any terminal would ever be, and stays whole]}'}
        EOF
        ```

        ## The chain

        ```
        as served now
        ```

        | pod | ready |
        | --- | --- |
        | web-1 | true |

        **✓ ok** the chain is complete

        ## Notes

        - pod shop/web-3 did not answer: timeout after 5 s, although it is running; its proxy was left out
        "#);
    }

    #[test]
    fn pipes_in_cells_do_not_make_columns() {
        let rows =
            Table { columns: vec!["cluster".into()], rows: vec![vec![json!("outbound|80||web")]].into(), ..Table::default() };
        assert_eq!(table(&rows), "| cluster |\n| --- |\n| outbound\\|80\\|\\|web |\n");
    }

    #[test]
    fn a_fence_cannot_be_closed_from_within() {
        assert_eq!(fence("a\n```\nb"), "````\na\n```\nb\n````\n");
        assert_eq!(code("a`b"), "``a`b``");
    }

    #[test]
    fn what_a_cluster_says_is_no_markup() {
        assert_eq!(escape("<img> [x](y) *b* a_b_ @all"), "\\<img\\> \\[x\\](y) \\*b\\* a_b\\_ @\u{200d}all");
    }
}
