//! Evidence, sorted into what is shown as lines and what is shown as tables.

use super::value;
use crate::report::Table;
use serde_json::{Map, Value};

/// A piece of evidence as it is shown.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// Text as it came.
    Line(&'a str),
    /// Several records.
    Table(Table),
    /// A single record.
    Record(&'a Map<String, Value>),
    /// Anything else.
    Other(&'a Value),
}

/// The pieces of evidence, records that follow one another together.
pub fn pieces(evidence: &[Value]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = evidence;
    while let Some(first) = rest.first() {
        let records: Vec<&Map<String, Value>> = rest.iter().map_while(Value::as_object).collect();
        rest = &rest[records.len().max(1)..];
        pieces.push(match (records.as_slice(), first) {
            ([one], _) => Piece::Record(one),
            ([_, ..], _) => Piece::Table(value::table_of(&records)),
            ([], Value::String(text)) => Piece::Line(text),
            ([], other) => value::as_table(other).map_or(Piece::Other(other), Piece::Table),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn neighbouring_records_make_one_table() {
        let evidence = [json!("a line"), json!({"a": 1}), json!({"a": 2}), json!(7), json!([{"b": 1}]), json!({"c": 1})];
        let pieces = pieces(&evidence);
        assert!(matches!(
            pieces.as_slice(),
            [Piece::Line("a line"), Piece::Table(two), Piece::Other(_), Piece::Table(one), Piece::Record(_)]
                if two.rows.len() == 2 && one.rows.len() == 1
        ));
    }
}
