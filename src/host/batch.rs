//! What rows are made of: typed records of one kind, kept as they are.

use super::convert::{from_value, to_value};
use super::tables::fill;
use crate::cell::Cell;
use crate::error::Result;
use crate::json::{At, Found, Node};
use crate::mesh::Mesh;
use crate::record::{Record, Schema};
use rhai::{Dynamic, ImmutableString};
use serde_json::Value;
use std::any::Any;
use std::sync::Arc;

/// The columns of a kind of row, in their order.
#[derive(Debug, PartialEq)]
pub struct Shape {
    /// What kind of row it is: `pod`.
    pub kind: String,
    /// Its columns.
    pub columns: Vec<ShapeColumn>,
}

/// One column of a [`Shape`].
#[derive(Debug, PartialEq)]
pub struct ShapeColumn {
    /// The field's name.
    pub name: ImmutableString,
    /// Whether a table for people leaves it out.
    pub wide: bool,
}

impl Shape {
    /// The shape of a record, with these columns in front where it lacks them.
    pub fn of(schema: &Schema, front: &[&str]) -> Arc<Self> {
        let extra = front.iter().filter(|name| schema.index(name).is_none());
        let mut columns: Vec<_> = extra.map(|name| ShapeColumn { name: (*name).into(), wide: false }).collect();
        columns.extend(schema.columns.iter().map(|column| ShapeColumn { name: column.name.into(), wide: column.wide }));
        Arc::new(Self { kind: schema.name.into(), columns })
    }

    /// A shape of a few columns, made for the occasion.
    pub fn named(kind: &str, columns: &[&str]) -> Arc<Self> {
        let columns = columns.iter().map(|name| ShapeColumn { name: (*name).into(), wide: false }).collect();
        Arc::new(Self { kind: kind.into(), columns })
    }

    /// The position of a column.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// Rows of one kind from one place, kept as typed records: a field becomes a value when a script touches it.
pub trait Batch: Send + Sync {
    /// The columns of all of them.
    fn shape(&self) -> &Arc<Shape>;
    /// A field of the row of this number.
    fn value(&self, row: usize, column: usize) -> Dynamic;
    /// The same as JSON.
    fn json(&self, row: usize, column: usize) -> Value {
        to_value(&self.value(row, column))
    }
    /// The same as the text of a table's cell.
    fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        fill(&self.value(row, column), cell);
    }
    /// Where the rows were read, if that can be told.
    fn origin(&self) -> Option<&Arc<dyn Origin>> {
        None
    }
    /// Where in the document of their origin the row stands.
    fn place(&self, _row: usize) -> Option<&At> {
        None
    }
}

/// Where rows were read: what they were made of can be seen again, and questions that follow go to the same place.
pub trait Origin: Any + Send + Sync {
    /// The resource that a row was made of.
    ///
    /// # Errors
    /// When the document cannot be had any more.
    fn raw(&self, at: &At) -> Result<Node>;
    /// The mesh that is asked whatever is asked about the rows.
    fn mesh(&self) -> &Mesh;
    /// The place, for people: `the proxy of web-0.shop`.
    fn told(&self) -> String;
}

/// One row that a script, or a function, made of values.
pub(super) struct Made {
    pub shape: Arc<Shape>,
    pub values: Vec<Dynamic>,
}

impl Batch for Made {
    fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    fn value(&self, _row: usize, column: usize) -> Dynamic {
        self.values.get(column).cloned().unwrap_or_default()
    }
}

/// Records with the values that stand in front of each, and where they were read.
struct Records<I> {
    shape: Arc<Shape>,
    front: Vec<Dynamic>,
    items: Vec<I>,
    origin: Option<Arc<dyn Origin>>,
}

/// A record, alone or with its place: lists of either are taken as they are, and never copied.
pub(super) trait Item: Send + Sync + 'static {
    type Record: Record;
    fn record(&self) -> &Self::Record;
    fn place(&self) -> Option<&At>;
}

impl<R: Record> Item for R {
    type Record = R;

    fn record(&self) -> &R {
        self
    }

    fn place(&self) -> Option<&At> {
        None
    }
}

impl<R: Record> Item for Found<R> {
    type Record = R;

    fn record(&self) -> &R {
        &self.record
    }

    fn place(&self) -> Option<&At> {
        Some(&self.at)
    }
}

impl<I: Item> Records<I> {
    fn record(&self, row: usize) -> Option<&I::Record> {
        self.items.get(row).map(Item::record)
    }
}

impl<I: Item> Batch for Records<I> {
    fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    fn value(&self, row: usize, column: usize) -> Dynamic {
        match self.front.get(column) {
            Some(value) => value.clone(),
            None => from_value(self.json(row, column)),
        }
    }

    fn json(&self, row: usize, column: usize) -> Value {
        match (self.front.get(column), self.record(row)) {
            (Some(value), _) => to_value(value),
            (None, Some(record)) => record.value(column - self.front.len()),
            (None, None) => Value::Null,
        }
    }

    fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        match (self.front.get(column), self.record(row)) {
            (Some(value), _) => fill(value, cell),
            (None, Some(record)) => record.cell(column - self.front.len(), cell),
            (None, None) => cell.empty(),
        }
    }

    fn origin(&self) -> Option<&Arc<dyn Origin>> {
        self.origin.as_ref()
    }

    fn place(&self, row: usize) -> Option<&At> {
        self.items.get(row).and_then(Item::place)
    }
}

/// A batch of records, and how many they are.
pub(super) fn records<I: Item>(
    front: &[(&str, Dynamic)],
    items: Vec<I>,
    origin: Option<Arc<dyn Origin>>,
) -> (Arc<dyn Batch>, usize) {
    let schema = I::Record::schema();
    let front: Vec<_> = front.iter().filter(|(name, _)| schema.index(name).is_none()).collect();
    let names: Vec<&str> = front.iter().map(|(name, _)| *name).collect();
    let (shape, count) = (Shape::of(schema, &names), items.len());
    let front = front.into_iter().map(|(_, value)| value.clone()).collect();
    (Arc::new(Records { shape, front, items, origin }), count)
}
