//! `row`: an immutable record that is cheap to pass on and knows its columns.

use super::batch::{Batch, Made, Origin, Shape, records};
use super::failure::{Fallible, raise};
use super::json_value::from_node;
use crate::error::{Error, Kind, Result};
use crate::json::{Found, Node};
use crate::mesh::Mesh;
use crate::record::Record;
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map};
use serde_json::Value;
use std::sync::Arc;

/// An immutable record. Cloning counts a reference.
#[derive(Clone)]
pub struct Row {
    batch: Arc<dyn Batch>,
    index: u32,
}

impl Row {
    /// A row of this shape. Missing values are `()`.
    pub fn new(shape: Arc<Shape>, values: Vec<Dynamic>) -> Self {
        Self { batch: Arc::new(Made { shape, values }), index: 0 }
    }

    /// The row of one record.
    pub fn from_record<R: Record>(record: R) -> Self {
        Self { batch: records(&[], vec![record], None).0, index: 0 }
    }

    /// Rows of many records of one kind.
    pub fn many<R: Record>(found: impl IntoIterator<Item = R>) -> Array {
        Self::many_of(&[], found.into_iter().collect())
    }

    /// The same with these columns in front, where the records lack them.
    pub fn many_of<R: Record>(front: &[(&str, Dynamic)], found: Vec<R>) -> Array {
        Self::all(records(front, found, None))
    }

    /// Rows of many records of one kind that were read there.
    pub fn many_from<R: Record>(origin: Arc<dyn Origin>, found: Vec<R>) -> Array {
        Self::all(records(&[], found, Some(origin)))
    }

    /// Rows of what was found in a document, with these columns in front where the records lack them.
    pub fn found<R: Record>(front: &[(&str, Dynamic)], found: Vec<Found<R>>, origin: Option<Arc<dyn Origin>>) -> Array {
        Self::all(records(front, found, origin))
    }

    fn all((batch, count): (Arc<dyn Batch>, usize)) -> Array {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        (0..count).map(|index| Dynamic::from(Self { batch: batch.clone(), index })).collect()
    }

    /// Its columns.
    pub fn shape(&self) -> &Arc<Shape> {
        self.batch.shape()
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<Dynamic> {
        self.shape().index(name).map(|index| self.at(index))
    }

    /// The value of the column at this position.
    pub fn at(&self, column: usize) -> Dynamic {
        self.batch.value(self.index as usize, column)
    }

    /// The value of a field as JSON.
    pub fn json(&self, name: &str) -> Option<Value> {
        self.shape().index(name).map(|column| self.json_at(column))
    }

    fn json_at(&self, column: usize) -> Value {
        self.batch.json(self.index as usize, column)
    }

    /// The rows that it is one of, and which.
    pub(super) fn place(&self) -> (&Arc<dyn Batch>, u32) {
        (&self.batch, self.index)
    }

    /// Where it was read, if that can be told.
    pub fn origin(&self) -> Option<&Arc<dyn Origin>> {
        self.batch.origin()
    }

    /// The mesh that is asked whatever is asked about it, if it knows one.
    pub fn mesh(&self) -> Option<&Mesh> {
        Some(self.origin()?.mesh())
    }

    /// The resource that it was made of; nothing for rows that were not read from a document.
    ///
    /// # Errors
    /// When the document cannot be had any more.
    pub fn raw(&self) -> Option<Result<Node>> {
        Some(self.origin()?.raw(self.batch.place(self.index as usize)?))
    }

    /// The value of a text field; empty when it is missing or no text.
    pub fn text(&self, name: &str) -> String {
        self.get(name).and_then(|value| value.into_string().ok()).unwrap_or_default()
    }

    fn pairs(&self) -> impl Iterator<Item = (&ImmutableString, Dynamic)> {
        self.shape().columns.iter().enumerate().map(|(index, column)| (&column.name, self.at(index)))
    }

    /// The row as a JSON object, fields in the order of the columns.
    pub fn to_value(&self) -> Value {
        let columns = self.shape().columns.iter().enumerate();
        Value::Object(columns.map(|(index, column)| (column.name.to_string(), self.json_at(index))).collect())
    }

    /// Whether both say the same.
    fn same(&self, other: &Self) -> bool {
        let one = Arc::ptr_eq(&self.batch, &other.batch) && self.index == other.index;
        one || self.to_value() == other.to_value()
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.shape().columns.iter().map(|column| column.name.as_str());
        let error = Error::new(Kind::BadInput, format!("{} rows have no field {name:?}", self.shape().kind));
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
        row.get(name).ok_or_else(|| raise(row.unknown(name), Position::NONE))
    }

    /// The names of a row's fields, in the order of its columns.
    ///
    /// ```rhai
    /// pods("olaf")[0].keys()[0]    // "namespace"
    /// ```
    #[rhai_fn(pure)]
    pub fn keys(row: &mut Row) -> Array {
        row.shape().columns.iter().map(|column| column.name.clone().into()).collect()
    }

    /// The values of a row, in the order of its columns.
    ///
    /// ```rhai
    /// pods("olaf")[0].values()[0]    // "olaf"
    /// ```
    #[rhai_fn(pure)]
    pub fn values(row: &mut Row) -> Array {
        row.pairs().map(|(_, value)| value).collect()
    }

    /// Whether a row has a field of this name.
    ///
    /// ```rhai
    /// "status" in pods("olaf")[0]    // true
    /// ```
    #[rhai_fn(pure)]
    pub fn contains(row: &mut Row, name: &str) -> bool {
        row.shape().index(name).is_some()
    }

    /// The resource that a row was made of, whole, as a document: what no column says can be seen there.
    ///
    /// ```rhai
    /// clusters("deploy/customer.olaf-customer", #{ subset: "version-v1" })[0].raw().cluster.lb_policy    // "LEAST_REQUEST"
    /// ```
    #[rhai_fn(name = "raw", pure, return_raw)]
    pub fn resource(row: &mut Row) -> Fallible<Dynamic> {
        let none = || {
            let error = Error::new(Kind::BadInput, format!("{} rows are made of no document", row.shape().kind));
            Err(error.hint("rows of a proxy's configuration have one; to_map() gives all fields of any row"))
        };
        let node = row.raw().unwrap_or_else(none);
        node.map(|node| from_node(&node)).map_err(|error| raise(error, Position::NONE))
    }

    /// A row as a map, which can be changed.
    ///
    /// ```rhai
    /// pods("olaf")[0].to_map().namespace    // "olaf"
    /// ```
    #[rhai_fn(pure)]
    pub fn to_map(row: &mut Row) -> Map {
        row.pairs().map(|(name, value)| (name.as_str().into(), value)).collect()
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show(row: &mut Row) -> String {
        row.to_value().to_string()
    }

    #[rhai_fn(name = "==")]
    pub fn equal(a: Row, b: Row) -> bool {
        a.same(&b)
    }

    #[rhai_fn(name = "!=")]
    pub fn differ(a: Row, b: Row) -> bool {
        !a.same(&b)
    }
}
