//! Arrays of rows, maps or documents as tables whose values are made when they are asked for.

use super::batch::{Batch, Shape};
use super::convert::{field, to_value};
use super::json_value;
use super::row::Row;
use crate::cell::Cell;
use crate::json::{Node, Type};
use crate::report::{Rows, Source, Table};
use rhai::{Array, Dynamic, Map};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An array of rows, maps or documents as a table. Columns stand in the order in which they are first met.
pub fn table(items: &[Dynamic]) -> Option<Table> {
    let Columns { names, wide, .. } = columns(items)?;
    Some(Table { rows: rows(items, &names), columns: names, wide })
}

/// The same of a value, which is held and not copied if it is shared.
pub(super) fn table_of(value: &Dynamic) -> Option<Table> {
    let items = value.read_lock::<Array>()?;
    let Columns { names, wide, .. } = columns(&items)?;
    let rows = match Picked::of(&items, &names) {
        None if value.is_shared() => Rows::Asked(Arc::new(Shared { value: value.clone(), columns: names.clone() })),
        _ => rows(&items, &names),
    };
    Some(Table { rows, columns: names, wide })
}

/// The columns of rows, maps or documents; none of anything else.
fn columns(items: &[Dynamic]) -> Option<Columns> {
    let object = |item: &Dynamic| item.read_lock::<Node>().is_some_and(|node| node.kind() == Type::Object);
    if items.is_empty() || !items.iter().all(|item| item.is::<Row>() || item.is_map() || object(item)) {
        return None;
    }
    let mut columns = Columns::default();
    items.iter().for_each(|item| columns.note(item));
    Some(columns)
}

/// The same with these columns. What an item lacks is null.
pub fn chosen(items: &[Dynamic], columns: Vec<String>) -> Table {
    Table { rows: rows(items, &columns), columns, wide: Vec::new() }
}

fn rows(items: &[Dynamic], columns: &[String]) -> Rows {
    Rows::Asked(match Picked::of(items, columns) {
        Some(picked) => Arc::new(picked),
        None => Arc::new(Items { items: items.iter().map(Dynamic::flatten_clone).collect(), columns: columns.to_vec() }),
    })
}

/// The columns met so far.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    known: HashSet<String>,
    wide: Vec<String>,
    /// The shape met last: rows that follow one another mostly share it.
    last: Option<Arc<Shape>>,
}

impl Columns {
    fn note(&mut self, item: &Dynamic) {
        if let Some(row) = item.read_lock::<Row>() {
            if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, row.shape())) {
                return;
            }
            row.shape().columns.iter().for_each(|column| self.add(&column.name, column.wide));
            self.last = Some(row.shape().clone());
        } else if let Some(map) = item.read_lock::<Map>() {
            map.keys().for_each(|name| self.add(name, false));
        } else if let Some(node) = item.read_lock::<Node>() {
            node.keys().for_each(|name| self.add(&name, false));
        }
    }

    fn add(&mut self, name: &str, wide: bool) {
        if !self.known.contains(name) {
            self.known.insert(name.into());
            self.names.push(name.into());
            if wide {
                self.wide.push(name.into());
            }
        }
    }
}

/// Rows, and nothing else: eight bytes for each, whatever it holds.
struct Picked {
    parts: Vec<Part>,
    /// Which part a row is of, and its number there.
    places: Vec<(u32, u32)>,
    columns: usize,
}

struct Part {
    batch: Arc<dyn Batch>,
    /// Where the batch has each column, if it does.
    columns: Arc<[Option<usize>]>,
}

impl Picked {
    fn of(items: &[Dynamic], columns: &[String]) -> Option<Self> {
        let mut picked = Self { parts: Vec::new(), places: Vec::with_capacity(items.len()), columns: columns.len() };
        let mut known: HashMap<*const (), u32> = HashMap::new();
        let mut last: Option<(*const (), u32)> = None;
        for item in items {
            let row = item.read_lock::<Row>()?;
            let (batch, index) = row.place();
            let key = Arc::as_ptr(batch).cast::<()>();
            let part = match last {
                Some((last, part)) if last == key => part,
                _ => *known.entry(key).or_insert_with(|| picked.part(batch, columns)),
            };
            last = Some((key, part));
            picked.places.push((part, index));
        }
        Some(picked)
    }

    fn part(&mut self, batch: &Arc<dyn Batch>, columns: &[String]) -> u32 {
        let columns = match self.parts.last() {
            Some(last) if Arc::ptr_eq(last.batch.shape(), batch.shape()) => last.columns.clone(),
            _ => columns.iter().map(|name| batch.shape().index(name)).collect(),
        };
        self.parts.push(Part { batch: batch.clone(), columns });
        u32::try_from(self.parts.len() - 1).unwrap_or(u32::MAX)
    }

    /// The batch, and the row and column there.
    fn find(&self, row: usize, column: usize) -> Option<(&dyn Batch, usize, usize)> {
        let &(part, index) = self.places.get(row)?;
        let part = self.parts.get(part as usize)?;
        Some((part.batch.as_ref(), index as usize, (*part.columns.get(column)?)?))
    }
}

impl Source for Picked {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn value(&self, row: usize, column: usize) -> Value {
        self.find(row, column).map(|(batch, row, column)| batch.json(row, column)).unwrap_or_default()
    }

    fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        match self.find(row, column) {
            Some((batch, row, column)) => batch.cell(row, column, cell),
            None => cell.empty(),
        }
    }
}

/// Maps, documents, or a mixture.
struct Items {
    items: Array,
    columns: Vec<String>,
}

impl Source for Items {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    fn value(&self, row: usize, column: usize) -> Value {
        match (self.items.get(row), self.columns.get(column)) {
            (Some(item), Some(name)) => field(item, name),
            _ => Value::Null,
        }
    }

    fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        match (self.items.get(row), self.columns.get(column)) {
            (Some(item), Some(name)) => fill_field(item, name, cell),
            _ => cell.empty(),
        }
    }
}

/// The same, in an array that somebody else holds too.
struct Shared {
    value: Dynamic,
    columns: Vec<String>,
}

impl Source for Shared {
    fn len(&self) -> usize {
        self.value.read_lock::<Array>().map_or(0, |items| items.len())
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    fn value(&self, row: usize, column: usize) -> Value {
        let items = self.value.read_lock::<Array>();
        match (items.as_deref().and_then(|items| items.get(row)), self.columns.get(column)) {
            (Some(item), Some(name)) => field(item, name),
            _ => Value::Null,
        }
    }

    fn cell(&self, row: usize, column: usize, cell: &mut Cell) {
        let items = self.value.read_lock::<Array>();
        match (items.as_deref().and_then(|items| items.get(row)), self.columns.get(column)) {
            (Some(item), Some(name)) => fill_field(item, name, cell),
            _ => cell.empty(),
        }
    }
}

/// A field of a row, a map or a document as the text of a cell.
fn fill_field(item: &Dynamic, name: &str, cell: &mut Cell) {
    match item.read_lock::<Map>() {
        Some(map) => match map.get(name) {
            Some(value) => fill(value, cell),
            None => cell.empty(),
        },
        None => cell.fill(&field(item, name)),
    }
}

/// A value of a script as the text of a cell.
pub(super) fn fill(value: &Dynamic, cell: &mut Cell) {
    if value.is_unit() {
        cell.empty();
    } else if let Ok(whole) = value.as_int() {
        cell.fill(&whole);
    } else if let Some(text) = value.read_lock::<rhai::ImmutableString>() {
        cell.fill(text.as_str());
    } else {
        cell.fill(&to_value(value));
    }
}

/// A document's field as JSON.
pub(super) fn node_field(node: &Node, name: &str) -> Value {
    node.get(name).map(|field| to_value(&json_value::from_node(&field))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::convert::from_value;
    use super::*;
    use serde_json::json;

    crate::record! {
        /// A thing.
        pub struct Thing as "thing" {
            /// Its name.
            pub name: Box<str>,
            /// How many there are.
            pub count: Option<u32>,
            /// What else is known.
            [wide] pub more: Vec<Vec<u8>>,
        }
    }

    fn things(names: &[&str]) -> Array {
        let thing = |(number, name): (usize, &&str)| Thing {
            name: (*name).into(),
            count: u32::try_from(number).ok().filter(|number| *number > 0),
            more: vec![vec![1]],
        };
        Row::many_of(&[("pod", format!("pod-of-{}", names[0]).into())], names.iter().enumerate().map(thing).collect())
    }

    fn cells(table: &Table) -> Vec<Vec<String>> {
        let mut cell = Cell::default();
        let mut text = |row, column| {
            table.rows.cell(row, column, &mut cell);
            cell.text().to_owned()
        };
        (0..table.rows.len()).map(|row| (0..table.columns.len()).map(|column| text(row, column)).collect()).collect()
    }

    #[test]
    fn rows_of_several_batches_keep_their_order() {
        let (one, two) = (things(&["a", "b"]), things(&["c"]));
        let mixed = [one[1].clone(), two[0].clone(), one[0].clone()];
        let found = table(&mixed).expect("a table");
        assert_eq!((found.columns.join(" "), found.wide.join(" ")), ("pod name count more".into(), "more".into()));
        let rows = [["pod-of-a", "b", "1", "[[1]]"], ["pod-of-c", "c", "-", "[[1]]"], ["pod-of-a", "a", "-", "[[1]]"]];
        assert_eq!(cells(&found), rows);
        assert_eq!(found.rows.made()[0], [json!("pod-of-a"), json!("b"), json!(1), json!([[1]])]);
    }

    #[test]
    fn chosen_columns_stand_as_chosen_and_what_is_missing_is_nothing() {
        let mut items = things(&["a"]);
        items.push(from_value(json!({"name": "map", "extra": 1.5})));
        let found = chosen(&items, ["extra", "name"].map(String::from).to_vec());
        assert_eq!(cells(&found), [["-", "a"], ["1.5", "map"]]);
        assert_eq!(table(&items).expect("a table").columns, ["pod", "name", "count", "more", "extra"]);
        assert!(table(&[1.into()]).is_none() && table(&[]).is_none());
    }

    #[test]
    fn values_of_scripts_show_what_their_json_would() {
        for value in [json!(null), json!(-3), json!(true), json!("a\nb"), json!([1, "x"]), json!({"b": 1, "a": {}})] {
            let (mut one, mut other) = (Cell::default(), Cell::default());
            fill(&from_value(value.clone()), &mut one);
            other.fill(&to_value(&from_value(value)));
            assert_eq!((one.text(), one.sort()), (other.text(), other.sort()));
        }
    }
}
