//! Reading JSON objects leniently: what is absent or of another type is simply not there.

use serde_json::Value;
use std::collections::BTreeMap;

/// Short ways into a JSON document, by JSON pointer.
pub(crate) trait Dig {
    /// The text there, unless it is empty.
    fn text(&self, pointer: &str) -> Option<&str>;
    /// The text there as a `String`; empty when there is none.
    fn string(&self, pointer: &str) -> String;
    /// The whole number there.
    fn int(&self, pointer: &str) -> Option<i64>;
    /// Whether `true` stands there.
    fn flag(&self, pointer: &str) -> bool;
    /// The elements of the array there; none when there is no array.
    fn list(&self, pointer: &str) -> &[Value];
    /// The texts of the array there.
    fn strings(&self, pointer: &str) -> Vec<String>;
    /// The object of texts there: labels, annotations, data.
    fn map(&self, pointer: &str) -> BTreeMap<String, String>;
    /// The text under a key that may hold slashes: a label or an annotation.
    fn entry(&self, pointer: &str, key: &str) -> Option<&str>;
}

impl Dig for Value {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn string(&self, pointer: &str) -> String {
        self.text(pointer).unwrap_or_default().to_owned()
    }

    fn int(&self, pointer: &str) -> Option<i64> {
        self.pointer(pointer).and_then(Value::as_i64)
    }

    fn flag(&self, pointer: &str) -> bool {
        self.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn strings(&self, pointer: &str) -> Vec<String> {
        self.list(pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn map(&self, pointer: &str) -> BTreeMap<String, String> {
        let object = self.pointer(pointer).and_then(Value::as_object);
        let texts = object.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        texts.collect()
    }

    fn entry(&self, pointer: &str, key: &str) -> Option<&str> {
        self.pointer(pointer)?.get(key)?.as_str()
    }
}

/// A label of an object.
pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.entry("/metadata/labels", key)
}

/// An annotation of an object.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.entry("/metadata/annotations", key)
}

/// `namespace/name` of an object, or the bare name of one that lives in no namespace.
pub(crate) fn full_name(object: &Value) -> String {
    match object.text("/metadata/namespace") {
        Some(namespace) => format!("{namespace}/{}", object.string("/metadata/name")),
        None => object.string("/metadata/name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_or_of_another_type_is_not_there() {
        let value = json!({"a": {"b": 1, "c": "", "d": ["x", 2], "e": {"k": "v", "n": 3}, "f": "text"}});
        assert_eq!((value.text("/a/b"), value.text("/a/c"), value.text("/a/f")), (None, None, Some("text")));
        assert_eq!((value.int("/a/b"), value.int("/a/f"), value.flag("/a/b")), (Some(1), None, false));
        assert_eq!((value.strings("/a/d"), value.list("/a/e").len()), (vec!["x".to_owned()], 0));
        assert_eq!(value.map("/a/e"), [("k".to_owned(), "v".to_owned())].into());
    }

    #[test]
    fn labels_with_slashes_are_found() {
        let pod = json!({"metadata": {"name": "p", "namespace": "n", "labels": {"istio.io/rev": "a"}}});
        assert_eq!((label(&pod, "istio.io/rev"), annotation(&pod, "x"), full_name(&pod).as_str()), (Some("a"), None, "n/p"));
    }
}
