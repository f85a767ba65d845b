//! Records: the typed rows that observation gives, with their columns' order, titles and meaning said in one place.

use crate::cell::Cell;
use serde_json::Value;

/// The shape of one kind of row: what tables, CSV, completion and the reference show.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// The kind of row, singular: `pod`.
    pub name: &'static str,
    /// What one such row is.
    pub doc: &'static str,
    /// The columns in their order of meaning.
    pub columns: &'static [Column],
}

/// One column of a [`Schema`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The field's name in scripts and JSON.
    pub name: &'static str,
    /// What it means, in which unit.
    pub doc: &'static str,
    /// Whether a table leaves it out unless asked for by name.
    pub wide: bool,
    /// The type of its values, as it is declared.
    pub holds: &'static str,
}

impl Schema {
    /// The position of a column.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The names of all columns.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}

/// A typed row that knows its schema. Made by [`record!`](crate::record!), not by hand.
pub trait Record: Send + Sync + 'static {
    /// Its shape.
    fn schema() -> &'static Schema;
    /// The value of the column at this position of the schema.
    fn value(&self, column: usize) -> Value;
    /// That value as the text of a cell.
    fn cell(&self, column: usize, cell: &mut Cell);
}

/// Options of a call: a struct that knows its keys. Made by [`options!`](crate::options!), not by hand.
pub trait Options: serde::de::DeserializeOwned + Default {
    /// The keys, with what they mean.
    fn schema() -> &'static Schema;
}

/// Declare a record: a struct whose documented fields are the columns of a table.
///
/// A field marked `[wide]` is left out of tables unless asked for.
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident as $kind:literal {
            $( $(#[doc = $field_doc:literal])+ $([$wide:ident])? pub $field:ident: $type:ty, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )+
        }

        impl $crate::record::Record for $name {
            fn schema() -> &'static $crate::record::Schema {
                static SCHEMA: $crate::record::Schema = $crate::record::Schema {
                    name: $kind,
                    doc: concat!($($doc, "\n"),+),
                    columns: &[$( $crate::record::Column {
                        name: $crate::record::plain(stringify!($field)),
                        doc: concat!($($field_doc, "\n"),+),
                        wide: $crate::record!(@wide $($wide)?),
                        holds: stringify!($type),
                    } ),+],
                };
                &SCHEMA
            }

            fn value(&self, column: usize) -> serde_json::Value {
                let mut columns = 0usize..;
                $( if columns.next() == Some(column) { return $crate::record::value(&self.$field); } )+
                serde_json::Value::Null
            }

            fn cell(&self, column: usize, cell: &mut $crate::cell::Cell) {
                let mut columns = 0usize..;
                $( if columns.next() == Some(column) { return cell.fill(&self.$field); } )+
                cell.empty();
            }
        }
    };
    (@wide wide) => { true };
    (@wide) => { false };
}

/// Declare the options of a call: a struct of optional, documented fields, read from a script's map.
#[macro_export]
macro_rules! options {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident as $kind:literal {
            $( $(#[doc = $field_doc:literal])+ pub $field:ident: $type:ty, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )+
        }

        impl $crate::record::Options for $name {
            fn schema() -> &'static $crate::record::Schema {
                static SCHEMA: $crate::record::Schema = $crate::record::Schema {
                    name: $kind,
                    doc: concat!($($doc, "\n"),+),
                    columns: &[$( $crate::record::Column {
                        name: $crate::record::plain(stringify!($field)),
                        doc: concat!($($field_doc, "\n"),+),
                        wide: false,
                        holds: stringify!($type),
                    } ),+],
                };
                &SCHEMA
            }
        }
    };
}

/// Declare a record of several: its columns are those of its parts, one after the other. Rows of the same resource can share
/// a part, and one that is seldom there costs nothing: `record_of! { pub struct Route as "route" { … } columns { Host: |row|
/// &row.shared.host, … } }`.
#[macro_export]
macro_rules! record_of {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident as $kind:literal {
            $( $(#[doc = $field_doc:literal])+ pub $field:ident: $type:ty, )+
        }
        columns { $( $part:ty: |$row:ident| $get:expr, )+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )+
        }

        impl $crate::record::Record for $name {
            fn schema() -> &'static $crate::record::Schema {
                static SCHEMA: std::sync::LazyLock<$crate::record::Schema> = std::sync::LazyLock::new(|| {
                    let parts = [$( <$part as $crate::record::Record>::schema() ),+];
                    let columns = parts.iter().flat_map(|part| part.columns.iter().cloned()).collect::<Vec<_>>();
                    $crate::record::Schema { name: $kind, doc: concat!($($doc, "\n"),+), columns: columns.leak() }
                });
                &SCHEMA
            }

            fn value(&self, column: usize) -> serde_json::Value {
                $crate::record_of!(@parts column { $( $part: |self $row| $get, )+ } |part| part.value(column));
                serde_json::Value::Null
            }

            fn cell(&self, column: usize, cell: &mut $crate::cell::Cell) {
                $crate::record_of!(@parts column { $( $part: |self $row| $get, )+ } |part| part.cell(column, cell));
                cell.empty();
            }
        }
    };
    (@parts $column:ident { $( $part:ty: |$self:ident $row:ident| $get:expr, )+ } |$found:ident| $then:expr) => {
        $(
            let count = <$part as $crate::record::Record>::schema().columns.len();
            if $column < count {
                let $row = $self;
                let $found: &$part = $get;
                return $then;
            }
            let $column = $column - count;
        )+
        let _ = $column;
    };
}

/// The name of a field that Rust has another use for: `r#type` is `type`.
#[doc(hidden)]
pub const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// A field as JSON. Fields are plain data, so this cannot fail; null stands for what would.
#[doc(hidden)]
pub fn value(field: &impl serde::Serialize) -> Value {
    serde_json::to_value(field).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    record! {
        /// A thing.
        pub struct Thing as "thing" {
            /// Its name.
            pub name: String,
            /// How many
            /// there are.
            [wide] pub count: Option<u32>,
        }
    }

    #[test]
    fn a_record_knows_its_columns_and_their_meaning() {
        let schema = Thing::schema();
        assert_eq!(schema.names().collect::<Vec<_>>(), ["name", "count"]);
        assert_eq!((schema.columns[1].doc, schema.columns[1].wide), (" How many\n there are.\n", true));
        let thing = Thing { name: "a".into(), count: None };
        assert_eq!([0, 1, 2].map(|column| thing.value(column)), [Value::from("a"), Value::Null, Value::Null]);
        let mut cell = Cell::default();
        let mut text = |column| {
            thing.cell(column, &mut cell);
            cell.text().to_owned()
        };
        assert_eq!([0, 1, 2].map(&mut text), ["a", "-", "-"]);
    }

    record! {
        /// What is seldom there.
        pub struct Rare as "rare" {
            /// A colour.
            pub colour: Option<String>,
        }
    }

    record_of! {
        /// Two in one.
        pub struct Both as "both" {
            /// Shared by some.
            pub thing: std::sync::Arc<Thing>,
            /// Seldom there.
            pub rare: Option<Box<Rare>>,
        }
        columns {
            Thing: |row| &row.thing,
            Rare: |row| match &row.rare {
                Some(rare) => rare,
                None => &Rare { colour: None },
            },
        }
    }

    #[test]
    fn a_record_of_parts_has_the_columns_of_all() {
        assert_eq!(Both::schema().names().collect::<Vec<_>>(), ["name", "count", "colour"]);
        let thing = std::sync::Arc::new(Thing { name: "a".into(), count: Some(1) });
        let red = Both { thing: thing.clone(), rare: Some(Box::new(Rare { colour: Some("red".into()) })) };
        assert_eq!([0, 1, 2, 3].map(|column| red.value(column)), ["a".into(), 1.into(), "red".into(), Value::Null]);
        let mut cell = crate::cell::Cell::default();
        red.cell(2, &mut cell);
        assert_eq!(cell.text(), "red");
        assert_eq!(Both { thing, rare: None }.value(2), Value::Null);
    }
}
