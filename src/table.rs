//! Tables: columns, and rows that are made or asked one by one.

use crate::cell::Cell;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Rows with their columns in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Column names, as in scripts.
    pub columns: Vec<String>,
    /// The rows: one value a column.
    pub rows: Rows,
    /// Columns that a table for people leaves out; data formats keep them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wide: Vec<String>,
}

/// The rows of a table. Cloning those that are asked counts a reference.
#[derive(Clone)]
pub enum Rows {
    /// Values, held.
    Made(Vec<Vec<Value>>),
    /// Values that are made when asked for: hundreds of thousands of them are never held at once.
    Asked(Arc<dyn Source>),
}

/// Where the values of a table come from when they are asked for. Positions that do not exist hold nothing.
pub trait Source: Send + Sync {
    /// How many rows there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// How many columns there are.
    fn columns(&self) -> usize;
    /// A value.
    fn value(&self, row: usize, column: usize) -> Value;
    /// The value as the text of a cell.
    fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        cell.fill(&self.value(row, column));
    }
}

impl Table {
    /// The positions of the columns that a table for people shows: those that are not wide, or all when all are.
    pub fn shown(&self) -> Vec<usize> {
        let shown: Vec<usize> = (0..self.columns.len()).filter(|&index| !self.wide.contains(&self.columns[index])).collect();
        if shown.is_empty() { (0..self.columns.len()).collect() } else { shown }
    }

    /// The rows as objects with the columns as keys, written one by one.
    pub fn records(&self) -> Records<'_> {
        let first = |&column: &usize| !self.columns[..column].contains(&self.columns[column]);
        Records { table: self, columns: (0..self.columns.len()).filter(first).collect() }
    }
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Made(rows) => rows.len(),
            Self::Asked(source) => source.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a position; null where there is none.
    pub fn value(&self, row: usize, column: usize) -> Cow<'_, Value> {
        match self {
            Self::Made(rows) => rows.get(row).and_then(|row| row.get(column)).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
            Self::Asked(source) => Cow::Owned(source.value(row, column)),
        }
    }

    /// The value at a position as the text of a cell.
    pub fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        match self {
            Self::Made(rows) => match rows.get(row).and_then(|row| row.get(column)) {
                Some(value) => cell.fill(value),
                None => cell.empty(),
            },
            Self::Asked(source) => source.cell(row, column, cell),
        }
    }

    /// All values of all rows. For tables that are known to be small.
    pub fn made(&self) -> Vec<Vec<Value>> {
        match self {
            Self::Made(rows) => rows.clone(),
            Self::Asked(source) => (0..source.len()).map(|row| asked(source.as_ref(), row)).collect(),
        }
    }

    fn row(&self, row: usize) -> Cow<'_, [Value]> {
        match self {
            Self::Made(rows) => Cow::Borrowed(rows.get(row).map_or(&[], Vec::as_slice)),
            Self::Asked(source) => Cow::Owned(asked(source.as_ref(), row)),
        }
    }
}

fn asked(source: &dyn Source, row: usize) -> Vec<Value> {
    (0..source.columns()).map(|column| source.value(row, column)).collect()
}

impl Default for Rows {
    fn default() -> Self {
        Self::Made(Vec::new())
    }
}

impl From<Vec<Vec<Value>>> for Rows {
    fn from(rows: Vec<Vec<Value>>) -> Self {
        Self::Made(rows)
    }
}

impl FromIterator<Vec<Value>> for Rows {
    fn from_iter<I: IntoIterator<Item = Vec<Value>>>(rows: I) -> Self {
        Self::Made(rows.into_iter().collect())
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(rows) => rows.fmt(f),
            Self::Asked(source) => write!(f, "{} rows", source.len()),
        }
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|row| self.row(row) == other.row(row))
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.len()))?;
        for row in 0..self.len() {
            rows.serialize_element(&self.row(row))?;
        }
        rows.end()
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self::Made)
    }
}

/// The rows of a table as objects.
pub struct Records<'a> {
    table: &'a Table,
    /// A column that was chosen twice is said once.
    columns: Vec<usize>,
}

/// One of them.
struct Record<'a>(&'a Records<'a>, usize);

impl Records<'_> {
    /// One of them after the other.
    pub fn iter(&self) -> impl Iterator<Item = impl Serialize + '_> + '_ {
        (0..self.table.rows.len()).map(|row| Record(self, row))
    }
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Records { table, columns }, row) = self;
        let mut fields = serializer.serialize_map(Some(columns.len()))?;
        for &column in columns {
            fields.serialize_entry(&table.columns[column], table.rows.value(*row, column).as_ref())?;
        }
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Squares;

    impl Source for Squares {
        fn len(&self) -> usize {
            3
        }

        fn columns(&self) -> usize {
            2
        }

        fn value(&self, row: usize, column: usize) -> Value {
            json!(if column == 0 { row } else { row * row })
        }
    }

    fn squares(columns: &[&str]) -> Table {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Table { columns, rows: Rows::Asked(Arc::new(Squares)), ..Table::default() }
    }

    #[test]
    fn asked_rows_are_what_made_ones_are() {
        let asked = squares(&["n", "square"]);
        let made = Table { rows: asked.rows.made().into(), ..asked.clone() };
        assert_eq!(asked, made);
        let json = serde_json::to_value(&asked).unwrap();
        assert_eq!(json, json!({"columns": ["n", "square"], "rows": [[0, 0], [1, 1], [2, 4]]}));
        assert_eq!(serde_json::from_value::<Table>(json).unwrap(), asked);
        assert_ne!(asked.rows, Rows::from(vec![vec![json!(0), json!(0)]]));
    }

    #[test]
    fn records_say_each_column_once() {
        assert_eq!(serde_json::to_value(squares(&["n", "n"]).records()).unwrap(), json!([{"n": 0}, {"n": 1}, {"n": 2}]));
    }

    #[test]
    fn positions_that_do_not_exist_hold_nothing() {
        let rows = Rows::from(vec![vec![json!(1)]]);
        let mut cell = Cell::default();
        rows.cell(0, 1, &mut cell);
        assert_eq!((rows.value(0, 1).as_ref(), rows.value(9, 0).as_ref(), cell.text()), (&Value::Null, &Value::Null, "-"));
    }
}
