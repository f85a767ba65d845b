//! Tables for people: no rules, two spaces between columns, fitted to the width there is.
//!
//! Where a table is too wide, its last columns are left out, and told below it: names that are to be copied stay whole.
//! Where that is not enough, the widest columns give way, and their cells are cut; where even that is not, each row becomes
//! a block of `name  value` lines. Nothing is left out unseen.
//!
//! A table is looked at twice, for its widths and for its lines, and neither time kept.

use super::style::{self, Look};
use super::{chunks, fit, value};
use crate::cell::{Cell, Sort};
use crate::report::Table;
use std::borrow::Cow;
use std::io::{self, Write};

/// Columns between two columns.
const GAP: usize = 2;
/// A column that would get less than this says nothing any more.
const LEAST: usize = 8;
/// What a cut column must get to say something.
const ENOUGH: usize = 20;
/// With fewer columns than this, a table is cut rather than shortened.
const FEWEST: usize = 3;
/// So many rows are easier to read as blocks than as a table in which most is cut.
const FEW_ROWS: usize = 3;

/// A table in the width of `look`.
pub fn table(table: &Table, look: &Look) -> String {
    super::in_memory(|out| write(out, table, look))
}

/// Write a table in the width of `look`.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, table: &Table, look: &Look) -> io::Result<()> {
    write_some(out, table, look, table.rows.len()).map(|_| ())
}

/// Write the first rows, so many at most; says how many. Where each row takes several lines, the most are lines.
///
/// # Errors
/// Those of the writer.
pub fn write_some(out: &mut dyn Write, table: &Table, look: &Look, most: usize) -> io::Result<usize> {
    let rows = table.rows.len().min(most);
    if rows == 0 {
        return writeln!(out, "{}", look.paint(style::FAINT, "no rows")).map(|()| rows);
    }
    let mut columns = measure(table, table.shown(), rows)?;
    let natural: Vec<usize> = columns.iter().map(|column| column.width).collect();
    let Some(width) = look.width else { return draw(out, table, &columns, look, rows) };
    if let Some(whole) = whole_columns(&natural, width) {
        let count = whole + usize::from(cut_next(&mut columns, whole, width));
        draw(out, table, &columns[..count], look, rows)?;
        if count == columns.len() {
            return Ok(rows);
        }
        let names: Vec<&str> = columns[count..].iter().map(|column| table.columns[column.index].as_str()).collect();
        let also = format!("also: {}", names.join(", "));
        writeln!(out, "{}", look.paint(style::FAINT, &fit::middle(&also, width)))?;
        return Ok(rows);
    }
    let Some(widths) = share(&natural, width).filter(|widths| rows > FEW_ROWS || mostly_whole(widths, &natural)) else {
        let fitting = if rows < table.rows.len() { (most / (columns.len() + 1)).max(1) } else { rows };
        return blocks(out, table, &columns, look, fitting);
    };
    columns.iter_mut().zip(widths).for_each(|(column, width)| column.width = width);
    draw(out, table, &columns, look, rows)
}

/// Whether most columns have the room they need.
fn mostly_whole(widths: &[usize], natural: &[usize]) -> bool {
    let cut = widths.iter().zip(natural).filter(|(width, need)| width < need).count();
    cut * 2 < natural.len()
}

/// A column that is shown.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// Its position in the table.
    index: usize,
    /// Its width on the screen.
    width: usize,
    numbers: bool,
    words: bool,
}

impl Column {
    /// Whether it holds numbers and nothing else.
    fn to_the_right(self) -> bool {
        self.numbers && !self.words
    }
}

/// How wide each column is by nature, and what it holds.
fn measure(table: &Table, shown: Vec<usize>, rows: usize) -> io::Result<Vec<Column>> {
    let header = |index: &usize| {
        let width = fit::width(&fit::line(&table.columns[*index]));
        Column { index: *index, width, numbers: false, words: false }
    };
    let mut columns: Vec<Column> = shown.iter().map(header).collect();
    let empty: Vec<Column> = columns.iter().map(|column| Column { width: 0, ..*column }).collect();
    let part = |rows: std::ops::Range<usize>| {
        let (mut columns, mut cell) = (empty.clone(), Cell::default());
        for row in rows {
            for column in &mut columns {
                table.rows.cell(row, column.index, &mut cell);
                column.width = column.width.max(fit::width(cell.text()));
                column.numbers |= cell.sort() == Sort::Number;
                column.words |= cell.sort() == Sort::Words;
            }
        }
        columns
    };
    chunks::each(rows, part, |part| {
        for (column, part) in columns.iter_mut().zip(part) {
            column.width = column.width.max(part.width);
            column.numbers |= part.numbers;
            column.words |= part.words;
        }
        Ok(())
    })?;
    Ok(columns)
}

/// How many of the first columns have room as they are, when not all have; nothing when those would say too little.
fn whole_columns(natural: &[usize], width: usize) -> Option<usize> {
    let fits = |count: &usize| natural[..*count].iter().sum::<usize>() + GAP * count.saturating_sub(1) <= width;
    let most = (0..=natural.len()).rev().find(fits)?;
    (most >= FEWEST && most < natural.len()).then_some(most)
}

/// Where much room is left behind the columns that stay whole, the next one is cut to fit it: in istioctl's tables the last
/// column says most.
fn cut_next(columns: &mut [Column], whole: usize, width: usize) -> bool {
    let used: usize = columns[..whole].iter().map(|column| column.width + GAP).sum();
    let room = width.saturating_sub(used);
    let cut = room >= ENOUGH;
    if cut {
        columns[whole].width = room;
    }
    cut
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

fn draw(out: &mut dyn Write, table: &Table, columns: &[Column], look: &Look, rows: usize) -> io::Result<usize> {
    let mut header = Line::default();
    for column in columns {
        let name = fit::line(&table.columns[column.index]);
        let name = fit::middle(&name, column.width);
        header.add(&look.paint(style::HEADING, &name), fit::width(&name), column);
    }
    out.write_all(header.end().as_bytes())?;
    let part = |rows: std::ops::Range<usize>| {
        let (mut lines, mut cell) = (Line::default(), Cell::default());
        for row in rows {
            for column in columns {
                table.rows.cell(row, column.index, &mut cell);
                let mut text = Cow::Borrowed(cell.text());
                let mut width = fit::width(&text);
                if width > column.width {
                    text = fit::name(cell.text(), column.width);
                    width = fit::width(&text);
                }
                match look.color.then(|| style::status(cell.text())).flatten() {
                    Some(color) => lines.add(&look.paint(color, &text), width, column),
                    None => lines.add(&text, width, column),
                }
            }
            lines.end();
        }
        lines.text
    };
    chunks::each(rows, part, |lines| out.write_all(lines.as_bytes())).map(|()| rows)
}

/// Many at a time.
const SPACES: &str = "                                                                                ";

/// Lines of cells, padded. Spaces are written only when something follows them.
#[derive(Default)]
struct Line {
    text: String,
    spaces: usize,
}

impl Line {
    fn add(&mut self, text: &str, width: usize, column: &Column) {
        let room = column.width.saturating_sub(width);
        let (before, behind) = if column.to_the_right() { (room, 0) } else { (0, room) };
        let bare = text.trim_end_matches(' ');
        self.spaces += before;
        if bare.is_empty() {
            self.spaces += text.len();
        } else {
            while self.spaces > 0 {
                let some = self.spaces.min(SPACES.len());
                self.text.push_str(&SPACES[..some]);
                self.spaces -= some;
            }
            self.text.push_str(bare);
            self.spaces = text.len() - bare.len();
        }
        self.spaces += behind + GAP;
    }

    fn end(&mut self) -> &str {
        self.spaces = 0;
        self.text.push('\n');
        &self.text
    }
}

/// Each row as a block, for tables that are too wide for columns.
fn blocks(out: &mut dyn Write, table: &Table, columns: &[Column], look: &Look, rows: usize) -> io::Result<usize> {
    let limit = look.width.map(|width| width.saturating_sub(2));
    let mut cells: Vec<Cell> = columns.iter().map(|_| Cell::default()).collect();
    for row in 0..rows {
        writeln!(out, "{}", look.paint(style::FAINT, &format!("row {}", row + 1)))?;
        cells.iter_mut().zip(columns).for_each(|(cell, column)| table.rows.cell(row, column.index, cell));
        let names = columns.iter().map(|column| table.columns[column.index].as_str());
        let fields: Vec<(&str, &str)> = names.zip(cells.iter().map(Cell::text)).collect();
        for line in value::field_lines(&fields, limit) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(rows)
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
            ]
            .into(),
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
        outbound|9080|v1|reviews.a-namesp…ong-name…  9080  HEALTHY
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
            ]
            .into(),
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
            rows: vec![(0..9).map(|n| json!(format!("value number {n} of the row"))).collect()].into(),
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
    fn few_rows_of_which_most_would_be_cut_become_blocks() {
        let row = |number: usize| (0..4).map(|column| json!(format!("{column}{number} {}", "x".repeat(20)))).collect();
        let of = |rows: usize| Table {
            columns: ["a", "b", "c", "d"].map(String::from).to_vec(),
            rows: (0..rows).map(row).collect::<Vec<_>>().into(),
            ..Table::default()
        };
        assert!(table(&of(2), &Look::fitted(44)).starts_with("row 1\n  a  00 xxxxxxxxxxxxxxxxxxxx\n"));
        assert!(table(&of(9), &Look::fitted(44)).starts_with("a  "));
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
