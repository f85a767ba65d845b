//! `row`: an immutable record that is cheap to pass on and knows its columns.

use super::failure::{Fallible, raise};
use crate::error::{Error, Kind};
use crate::record::{Record, Schema};
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map};
use serde_json::Value;
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

/// An immutable record. Cloning counts a reference.
#[derive(Clone)]
pub struct Row(Arc<Inner>);

struct Inner {
    shape: Arc<Shape>,
    values: Vec<Dynamic>,
}

impl Row {
    /// A row of this shape. Missing values are `()`.
    pub fn new(shape: Arc<Shape>, mut values: Vec<Dynamic>) -> Self {
        values.resize(shape.columns.len(), Dynamic::UNIT);
        Self(Arc::new(Inner { shape, values }))
    }

    /// The row of one record.
    pub fn from_record<R: Record>(record: R) -> Self {
        Self::new(Shape::of(R::schema(), &[]), record.values().into_iter().map(super::convert::from_value).collect())
    }

    /// Rows of many records of one kind.
    pub fn many<R: Record>(records: impl IntoIterator<Item = R>) -> Array {
        let shape = Shape::of(R::schema(), &[]);
        records
            .into_iter()
            .map(|record| {
                let values = record.values().into_iter().map(super::convert::from_value).collect();
                Dynamic::from(Self::new(shape.clone(), values))
            })
            .collect()
    }

    /// Its columns.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.0.shape
    }

    /// Its values, in the order of the columns.
    pub fn values(&self) -> &[Dynamic] {
        &self.0.values
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Dynamic> {
        self.0.shape.index(name).map(|index| &self.0.values[index])
    }

    /// The value of a text field; empty when it is missing or no text.
    pub fn text(&self, name: &str) -> String {
        self.get(name).and_then(|value| value.clone().into_string().ok()).unwrap_or_default()
    }

    fn pairs(&self) -> impl Iterator<Item = (&ImmutableString, &Dynamic)> {
        self.0.shape.columns.iter().map(|column| &column.name).zip(&self.0.values)
    }

    /// The row as a JSON object, fields in the order of the columns.
    pub fn to_value(&self) -> Value {
        Value::Object(self.pairs().map(|(name, value)| (name.to_string(), super::convert::to_value(value))).collect())
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.0.shape.columns.iter().map(|column| column.name.as_str());
        let error = Error::new(Kind::BadInput, format!("{} rows have no field {name:?}", self.0.shape.kind));
        match nearest(name, names()) {
            Some(near) => error.hint(format!("did you mean {near:?}?")),
            None => error.hint(format!("its fields are: {}", names().collect::<Vec<_>>().join(", "))),
        }
    }
}

/// What can be done with a row.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub(super) mod functions {
    /// Read a field of a row: `row.name` and `row["name"]` are the same. An unknown field is an error.
    ///
    /// ```rhai
    /// pods("olaf")[0]["namespace"]    // "olaf"
    /// ```
    #[rhai_fn(index_get, pure, return_raw)]
    pub fn field(row: &mut Row, name: &str) -> Fallible<Dynamic> {
        row.get(name).cloned().ok_or_else(|| raise(row.unknown(name), Position::NONE))
    }

    /// The names of a row's fields, in the order of its columns.
    ///
    /// ```rhai
    /// pods("olaf")[0].keys()[0]    // "namespace"
    /// ```
    #[rhai_fn(pure)]
    pub fn keys(row: &mut Row) -> Array {
        row.0.shape.columns.iter().map(|column| column.name.clone().into()).collect()
    }

    /// The values of a row, in the order of its columns.
    ///
    /// ```rhai
    /// pods("olaf")[0].values()[0]    // "olaf"
    /// ```
    #[rhai_fn(pure)]
    pub fn values(row: &mut Row) -> Array {
        row.0.values.clone()
    }

    /// Whether a row has a field of this name.
    ///
    /// ```rhai
    /// "status" in pods("olaf")[0]    // true
    /// ```
    #[rhai_fn(pure)]
    pub fn contains(row: &mut Row, name: &str) -> bool {
        row.0.shape.index(name).is_some()
    }

    /// A row as a map, which can be changed.
    ///
    /// ```rhai
    /// pods("olaf")[0].to_map().namespace    // "olaf"
    /// ```
    #[rhai_fn(pure)]
    pub fn to_map(row: &mut Row) -> Map {
        row.pairs().map(|(name, value)| (name.as_str().into(), value.clone())).collect()
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show(row: &mut Row) -> String {
        row.to_value().to_string()
    }

    #[rhai_fn(name = "==")]
    pub fn equal(a: Row, b: Row) -> bool {
        a.to_value() == b.to_value()
    }

    #[rhai_fn(name = "!=")]
    pub fn differ(a: Row, b: Row) -> bool {
        a.to_value() != b.to_value()
    }
}
