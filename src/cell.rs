//! The text of a table's cell: one line, made of a field as it is, without building a value of it first.

use serde::ser::{Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::ser::{SerializeTupleStruct, Serializer};
use serde_json::Number;
use std::borrow::Cow;
use std::fmt::{self, Write};

/// One cell of a table. It is filled again and again: a table of a million cells needs the room of a few.
#[derive(Debug, Default)]
pub struct Cell {
    text: String,
    sort: Sort,
}

/// What sort of thing stands in a cell: columns of numbers are aligned to the right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Nothing: a dash.
    #[default]
    Nothing,
    /// A number.
    Number,
    /// Anything else.
    Words,
}

impl Cell {
    /// Show a field: text on one line, lists joined with commas, objects as `key=value`, nothing as a dash. What nests deeper
    /// is JSON. Control characters are shown, not obeyed.
    pub fn fill(&mut self, field: &(impl Serialize + ?Sized)) {
        self.text.clear();
        self.sort = Sort::Words;
        if field.serialize(Plain { cell: self }).is_ok() {
            return;
        }
        // As a value, a variant or a struct in disguise is plain JSON, and can be looked at once more.
        let value = serde_json::to_value(field).unwrap_or_default();
        self.text.clear();
        if value.serialize(Plain { cell: self }).is_err() {
            self.text.clear();
            push_line(&mut self.text, &value.to_string());
        }
    }

    /// Show nothing.
    pub fn empty(&mut self) {
        self.fill(&());
    }

    /// Its text: a line, or a part of one.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What sort of thing it shows.
    pub fn sort(&self) -> Sort {
        self.sort
    }
}

/// Show control characters instead of obeying them: what a cluster says must not drive the operator's terminal.
pub fn tame(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_wild) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\u{1b}' => tamed.push('␛'),
            _ if is_wild(c) => tamed.extend(c.escape_unicode()),
            _ => tamed.push(c),
        }
    }
    Cow::Owned(tamed)
}

/// Controls, and the marks that turn the direction of writing and so can disguise text.
fn is_wild(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line for a table's cell.
pub fn line(text: &str) -> Cow<'_, str> {
    let tamed = tame(text);
    if tamed.contains(['\n', '\t']) {
        return Cow::Owned(tamed.trim_end().replace("\r\n", "↵").replace('\n', "↵").replace('\t', " "));
    }
    tamed
}

/// Whether each byte is a letter of one column: nearly all of what a mesh says is, and needs but this look.
pub fn is_plain(text: &str) -> bool {
    // Without a branch for each byte, many are compared at once.
    text.bytes().fold(true, |plain, byte| plain & byte.wrapping_sub(b' ').lt(&(b'~' - b' ' + 1)))
}

fn push_line(to: &mut String, text: &str) {
    if is_plain(text) {
        to.push_str(text);
    } else {
        to.push_str(&line(text));
    }
}

/// The value is no plain one: it nests, or is something that only serde's data model knows.
#[derive(Debug)]
struct Nested;

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain")
    }
}

impl std::error::Error for Nested {}

impl serde::ser::Error for Nested {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// Writes a scalar, or a list or object of scalars.
struct Plain<'a> {
    cell: &'a mut Cell,
}

/// Writes the parts of a list or an object, each of which must be a scalar.
struct Parts<'a> {
    cell: &'a mut Cell,
    first: bool,
}

/// Writes one scalar into the text.
struct Scalar<'a>(&'a mut Cell);

impl Parts<'_> {
    fn begin(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.cell.text.push(',');
        }
    }

    fn part(&mut self, key: Option<&str>, value: &(impl Serialize + ?Sized)) -> Result<(), Nested> {
        self.begin();
        if let Some(key) = key {
            push_line(&mut self.cell.text, key);
            self.cell.text.push('=');
        }
        value.serialize(Scalar(self.cell))
    }

    fn end(self) -> Result<(), Nested> {
        self.cell.sort = Sort::Words;
        Ok(())
    }
}

/// How each scalar is written, for both of the serializers that may meet one.
macro_rules! scalars {
    () => {
        type Ok = ();
        type Error = Nested;

        fn serialize_bool(self, flag: bool) -> Result<(), Nested> {
            self.cell().word(if flag { "true" } else { "false" })
        }

        scalars!(@number serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64);
        scalars!(@number serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64);

        fn serialize_f32(self, number: f32) -> Result<(), Nested> {
            self.serialize_f64(f64::from(number))
        }

        fn serialize_f64(self, number: f64) -> Result<(), Nested> {
            match Number::from_f64(number) {
                Some(number) => self.cell().number(&number),
                None => self.serialize_unit(),
            }
        }

        fn serialize_char(self, letter: char) -> Result<(), Nested> {
            self.serialize_str(letter.encode_utf8(&mut [0; 4]))
        }

        fn serialize_str(self, text: &str) -> Result<(), Nested> {
            self.cell().word(text)
        }

        fn collect_str<T: fmt::Display + ?Sized>(self, text: &T) -> Result<(), Nested> {
            self.cell().display(text)
        }

        fn serialize_bytes(self, _bytes: &[u8]) -> Result<(), Nested> {
            Err(Nested)
        }

        fn serialize_none(self) -> Result<(), Nested> {
            self.serialize_unit()
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Nested> {
            value.serialize(self)
        }

        fn serialize_unit(self) -> Result<(), Nested> {
            self.cell().nothing()
        }

        fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Nested> {
            self.serialize_unit()
        }

        fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Nested> {
            self.cell().word(variant)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Nested> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _value: &T,
        ) -> Result<(), Nested> {
            Err(Nested)
        }

        fn serialize_tuple_variant(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _len: usize,
        ) -> Result<Self::SerializeTupleVariant, Nested> {
            Err(Nested)
        }

        fn serialize_struct_variant(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _len: usize,
        ) -> Result<Self::SerializeStructVariant, Nested> {
            Err(Nested)
        }
    };
    (@number $($name:ident $type:ty),+) => {
        $( fn $name(self, number: $type) -> Result<(), Nested> { self.cell().number(&number) } )+
    };
}

impl Cell {
    fn word(&mut self, text: &str) -> Result<(), Nested> {
        push_line(&mut self.text, text);
        Ok(())
    }

    fn display(&mut self, text: &(impl fmt::Display + ?Sized)) -> Result<(), Nested> {
        let before = self.text.len();
        write!(self.text, "{text}").map_err(Nested::custom)?;
        if !is_plain(&self.text[before..]) {
            let text = self.text.split_off(before);
            push_line(&mut self.text, &text);
        }
        Ok(())
    }

    fn number(&mut self, number: &impl fmt::Display) -> Result<(), Nested> {
        self.sort = Sort::Number;
        write!(self.text, "{number}").map_err(Nested::custom)
    }

    fn nothing(&mut self) -> Result<(), Nested> {
        self.sort = Sort::Nothing;
        self.text.push('-');
        Ok(())
    }
}

impl<'a> Plain<'a> {
    fn cell(self) -> &'a mut Cell {
        self.cell
    }

    fn parts(self) -> Parts<'a> {
        Parts { cell: self.cell, first: true }
    }
}

impl<'a> Scalar<'a> {
    fn cell(self) -> &'a mut Cell {
        self.0
    }
}

type Never = Impossible<(), Nested>;

impl<'a> Serializer for Plain<'a> {
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Never;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Never;

    scalars!();

    fn serialize_seq(self, _len: Option<usize>) -> Result<Parts<'a>, Nested> {
        Ok(self.parts())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Parts<'a>, Nested> {
        Ok(self.parts())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'a>, Nested> {
        Ok(self.parts())
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Parts<'a>, Nested> {
        Ok(self.parts())
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Parts<'a>, Nested> {
        // serde_json's own types hide behind such names.
        if name.starts_with('$') { Err(Nested) } else { Ok(self.parts()) }
    }
}

impl Serializer for Scalar<'_> {
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    scalars!();

    fn serialize_seq(self, _len: Option<usize>) -> Result<Never, Nested> {
        Err(Nested)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Never, Nested> {
        Err(Nested)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Never, Nested> {
        Err(Nested)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Never, Nested> {
        Err(Nested)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Never, Nested> {
        Err(Nested)
    }
}

/// Lists of all kinds are written alike.
macro_rules! list {
    ($trait:ident, $method:ident) => {
        impl $trait for Parts<'_> {
            type Ok = ();
            type Error = Nested;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Nested> {
                self.part(None, value)
            }

            fn end(self) -> Result<(), Nested> {
                Parts::end(self)
            }
        }
    };
}

list!(SerializeSeq, serialize_element);
list!(SerializeTuple, serialize_element);
list!(SerializeTupleStruct, serialize_field);

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Nested;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Nested> {
        self.begin();
        key.serialize(Scalar(self.cell))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Nested> {
        self.cell.text.push('=');
        value.serialize(Scalar(self.cell))
    }

    fn end(self) -> Result<(), Nested> {
        Parts::end(self)
    }
}

impl SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Nested;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Nested> {
        self.part(Some(key), value)
    }

    fn end(self) -> Result<(), Nested> {
        Parts::end(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn shown(field: &impl Serialize) -> String {
        let mut cell = Cell::default();
        cell.fill(&"left over from before");
        cell.fill(field);
        cell.text().into()
    }

    #[test]
    fn cells_are_one_line_each() {
        assert_eq!(shown(&json!(null)), "-");
        assert_eq!(shown(&json!(["a", 1, true, null])), "a,1,true,-");
        assert_eq!(shown(&json!({"app": "web", "v": 1})), "app=web,v=1");
        assert_eq!(shown(&json!({"a": [1, 2]})), r#"{"a":[1,2]}"#);
        assert_eq!(shown(&json!([[], "x"])), r#"[[],"x"]"#);
        assert_eq!(shown(&json!("two\nlines")), "two↵lines");
        assert_eq!(shown(&json!(["a\n", "\u{1b}[2J"])), "a,␛[2J");
        assert_eq!((shown(&json!([])), shown(&json!({})), shown(&json!(1.0))), (String::new(), String::new(), "1.0".into()));
    }

    #[test]
    fn numbers_and_nothing_are_told_from_words() {
        let mut cell = Cell::default();
        let mut sort = |value: Value| {
            cell.fill(&value);
            cell.sort()
        };
        assert_eq!([sort(json!(1)), sort(json!(-0.5)), sort(json!(null))], [Sort::Number, Sort::Number, Sort::Nothing]);
        assert_eq!([sort(json!("1")), sort(json!([1])), sort(json!([null])), sort(json!(true))], [Sort::Words; 4]);
    }

    #[derive(serde::Serialize)]
    #[serde(rename_all = "UPPERCASE")]
    enum State {
        Warm,
        Since(u32),
    }

    #[derive(serde::Serialize)]
    struct Range {
        start: i32,
        end: Option<i32>,
        name: Box<str>,
    }

    #[test]
    fn a_field_shows_what_its_value_would() {
        fn same(field: impl Serialize) {
            assert_eq!(shown(&field), shown(&serde_json::to_value(&field).unwrap()));
        }
        same(State::Warm);
        same(State::Since(3));
        same(Range { start: -1, end: None, name: "a\tb".into() });
        same(vec![Range { start: 0, end: Some(2), name: "x".into() }]);
        same((Some(Arc::<str>::from("x")), 'y', f32::NAN, 2.5_f32, u64::MAX));
        same(std::collections::BTreeMap::from([(1, true), (2, false)]));
        same(serde_json::value::RawValue::from_string(r#"{"a": [1]}"#.into()).unwrap());
        same(Some(()));
        same(format_args!("{}\n{}", 1, "\u{1b}"));
    }

    proptest! {
        #[test]
        fn no_text_drives_a_terminal_or_breaks_a_line(text in any::<String>()) {
            let shown = shown(&text);
            prop_assert_eq!(&shown, &line(&text));
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
