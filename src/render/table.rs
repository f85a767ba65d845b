//! Tables for people: no rules, two spaces between columns, fitted to the width there is.
//!
//! Where a table is too wide, its last columns are left out, and told below it: names that are to be copied stay whole.
//! Where that is not enough, the widest columns give way, and their cells are cut in the middle; where even that is not,
//! each row becomes a block of `name  value` lines. Nothing is left out unseen.

use super::style::{self, Look};
use super::{fit, value};
use crate::report::Table;
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, presets};
use serde_json::Value;

/// Columns between two columns.
const GAP: usize = 2;
/// A column that would get less than this says nothing any more.
const LEAST: usize = 8;
/// With fewer columns than this, a table is cut rather than shortened.
const FEWEST: usize = 3;

/// A table in the width of `look`.
pub fn table(table: &Table, look: &Look) -> String {
    if table.rows.is_empty() {
        return look.paint(style::FAINT, "no rows") + "\n";
    }
    let table = value::shown(table);
    let table = table.as_ref();
    let cells = cells(table);
    let natural = natural_widths(&table.columns, &cells);
    if let Some(count) = look.width.and_then(|width| whole_columns(&natural, width)) {
        return first_columns(table, count, look);
    }
    match look.width.map(|width| share(&natural, width)) {
        Some(None) => blocks(table, look),
        Some(Some(widths)) => draw(table, &cells, &widths, look),
        None => draw(table, &cells, &natural, look),
    }
}

fn cells(table: &Table) -> Vec<Vec<String>> {
    table.rows.iter().map(|row| row.iter().map(value::cell).collect()).collect()
}

fn natural_widths(columns: &[String], cells: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|name| fit::width(name)).collect();
    for row in cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(fit::width(cell));
        }
    }
    widths
}

/// How many of the first columns have room as they are, when not all have; nothing when those would say too little.
fn whole_columns(natural: &[usize], width: usize) -> Option<usize> {
    let fits = |count: &usize| natural[..*count].iter().sum::<usize>() + GAP * count.saturating_sub(1) <= width;
    let most = (0..=natural.len()).rev().find(fits)?;
    (most >= FEWEST && most < natural.len()).then_some(most)
}

fn first_columns(whole: &Table, count: usize, look: &Look) -> String {
    let rows = whole.rows.iter().map(|row| row[..count].to_vec()).collect();
    let part = Table { columns: whole.columns[..count].to_vec(), rows, wide: Vec::new() };
    let also = format!("also: {}", whole.columns[count..].join(", "));
    let told = look.paint(style::FAINT, &fit::middle(&also, look.width.unwrap_or(usize::MAX)));
    format!("{}{told}\n", table(&part, look))
}

/// Share the width: narrow columns keep what they need, the widest give way evenly. `None` when there is no room at all.
fn share(natural: &[usize], width: usize) -> Option<Vec<usize>> {
    let gaps = GAP * natural.len().saturating_sub(1);
    let room = width.checked_sub(gaps)?;
    if natural.iter().map(|need| (*need).min(LEAST)).sum::<usize>() > room {
        return None;
    }
    let mut cap = natural.iter().copied().max().unwrap_or(0);
    let total = |cap: usize| natural.iter().map(|need| (*need).min(cap)).sum::<usize>();
    while total(cap) > room {
        cap -= 1;
    }
    let mut widths: Vec<usize> = natural.iter().map(|need| (*need).min(cap)).collect();
    let mut spare = room - total(cap);
    for (width, need) in widths.iter_mut().zip(natural) {
        let more = (need - *width).min(1).min(spare);
        *width += more;
        spare -= more;
    }
    Some(widths)
}

fn draw(table: &Table, cells: &[Vec<String>], widths: &[usize], look: &Look) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    if look.color {
        drawn.enforce_styling();
        drawn.style_text_only();
    }
    let right: Vec<bool> = (0..table.columns.len()).map(|column| is_numeric(table, column)).collect();
    let header = table.columns.iter().zip(widths).map(|(name, width)| Cell::new(fit::middle(&fit::line(name), *width)));
    drawn.set_header(header.map(|cell| if look.color { cell.add_attribute(comfy_table::Attribute::Bold) } else { cell }));
    for row in cells {
        drawn.add_row(row.iter().zip(widths).map(|(text, width)| painted(text, *width)));
    }
    for (column, right) in drawn.column_iter_mut().zip(right) {
        column.set_padding((0, GAP as u16));
        column.set_cell_alignment(if right { CellAlignment::Right } else { CellAlignment::Left });
    }
    drawn.trim_fmt() + "\n"
}

fn painted(text: &str, width: usize) -> Cell {
    let cell = Cell::new(fit::middle(text, width));
    let color = match style::status(text) {
        Some(style::GOOD) => Color::DarkGreen,
        Some(style::DOUBT) => Color::DarkYellow,
        Some(style::BAD) => Color::DarkRed,
        Some(_) => Color::DarkCyan,
        None => return cell,
    };
    cell.fg(color)
}

/// Whether a column holds numbers and nothing else.
fn is_numeric(table: &Table, column: usize) -> bool {
    let mut values = table.rows.iter().filter_map(|row| row.get(column)).filter(|value| !value.is_null()).peekable();
    values.peek().is_some() && values.all(Value::is_number)
}

/// Each row as a block, for tables that are too wide for columns.
fn blocks(table: &Table, look: &Look) -> String {
    let mut text = String::new();
    for (number, row) in table.rows.iter().enumerate() {
        let head = format!("row {}", number + 1);
        text += &(look.paint(style::FAINT, &head) + "\n");
        let record = table.columns.iter().cloned().zip(row.iter().cloned()).collect();
        for line in value::record_lines(&record, look.width.map(|width| width.saturating_sub(2))) {
            text += &format!("  {line}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn endpoints() -> Table {
        let row = |name: &str, port: u16, status: &str| vec![json!(name), json!(port), json!(status)];
        Table {
            columns: ["cluster", "port", "status"].map(String::from).to_vec(),
            rows: vec![
                row("outbound|9080|v1|reviews.a-namespace-with-a-long-name.svc.cluster.local", 9080, "HEALTHY"),
                row("outbound|80||web.shop.svc.cluster.local", 80, "UNHEALTHY"),
            ],
            ..Table::default()
        }
    }

    #[test]
    fn as_wide_as_it_takes_in_a_pipe() {
        insta::assert_snapshot!(table(&endpoints(), &Look::plain()), @r"
        cluster                                                                  port  status
        outbound|9080|v1|reviews.a-namespace-with-a-long-name.svc.cluster.local  9080  HEALTHY
        outbound|80||web.shop.svc.cluster.local                                    80  UNHEALTHY
        ");
    }

    #[test]
    fn the_widest_column_gives_way() {
        insta::assert_snapshot!(table(&endpoints(), &Look::fitted(60)), @r"
        cluster                                      port  status
        outbound|9080|v1|revi…ame.svc.cluster.local  9080  HEALTHY
        outbound|80||web.shop.svc.cluster.local        80  UNHEALTHY
        ");
    }

    #[test]
    fn the_last_columns_are_left_out_before_a_name_is_cut() {
        let pods = Table {
            columns: ["namespace", "name", "status", "node", "age"].map(String::from).to_vec(),
            rows: vec![
                ["olaf-customer", "recommendation-v1-54cf68f5fb-kmkbj", "Running", "worker-1.example", "3m"]
                    .map(|cell| json!(cell))
                    .to_vec(),
            ],
            ..Table::default()
        };
        insta::assert_snapshot!(table(&pods, &Look::fitted(64)), @r"
        namespace      name                                status
        olaf-customer  recommendation-v1-54cf68f5fb-kmkbj  Running
        also: node, age
        ");
    }

    #[test]
    fn too_many_columns_become_blocks() {
        let wide = Table {
            columns: (0..9).map(|n| format!("column_{n}")).collect(),
            rows: vec![(0..9).map(|n| json!(format!("value number {n} of the row"))).collect()],
            ..Table::default()
        };
        insta::assert_snapshot!(table(&wide, &Look::fitted(40)), @r"
        row 1
          column_0  value number 0 of the row
          column_1  value number 1 of the row
          column_2  value number 2 of the row
          column_3  value number 3 of the row
          column_4  value number 4 of the row
          column_5  value number 5 of the row
          column_6  value number 6 of the row
          column_7  value number 7 of the row
          column_8  value number 8 of the row
        ");
    }

    #[test]
    fn a_status_is_coloured_and_still_a_word() {
        let look = Look { color: true, ..Look::plain() };
        let text = table(&endpoints(), &look);
        assert!(text.contains("UNHEALTHY") && text.contains("\u{1b}["), "{text:?}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text:?}");
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(table(&Table { columns: vec!["a".into()], ..Table::default() }, &Look::plain()), "no rows\n");
    }

    #[test]
    fn wide_columns_are_left_out() {
        let rows = Table { wide: vec!["cluster".into()], ..endpoints() };
        assert_eq!(table(&rows, &Look::plain()), "port  status\n9080  HEALTHY\n  80  UNHEALTHY\n");
    }

    #[test]
    fn rows_fit_at_any_width() {
        for width in 20..120 {
            let text = table(&endpoints(), &Look::fitted(width));
            assert!(text.lines().all(|line| fit::width(line) <= width), "{width}:\n{text}");
        }
    }
}
