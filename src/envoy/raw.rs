//! A way through big JSON that parses nothing twice and remembers where it is.

use crate::json::camel;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A place in a document: its text, not parsed yet, and the JSON path to it.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    raw: &'a RawValue,
    path: String,
}

/// The root of a config dump; one pass over what can be 200 MB.
#[derive(Deserialize)]
struct Dump<'a> {
    #[serde(borrow)]
    configs: Vec<&'a RawValue>,
}

/// An object whose members are found, and not parsed yet.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    members: BTreeMap<String, &'a RawValue>,
    path: String,
}

impl<'a> Place<'a> {
    /// The root of a document.
    pub fn root(bytes: &'a [u8]) -> serde_json::Result<Self> {
        Ok(Self { raw: serde_json::from_slice(bytes)?, path: "$".into() })
    }

    /// The sections of a config dump; nothing when the document has another form, or is none.
    pub fn sections(bytes: &'a [u8]) -> Option<Vec<Self>> {
        let dump: Dump<'a> = serde_json::from_slice(bytes).ok()?;
        let place = |(index, raw)| Self { raw, path: format!("$.configs[{index}]") };
        Some(dump.configs.into_iter().enumerate().map(place).collect())
    }

    /// The JSON path to here, as RFC 9535 has it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its text in the document.
    pub fn json(&self) -> &'a str {
        self.raw.get()
    }

    /// Its members, if it is an object.
    pub fn object(&self) -> Option<Object<'a>> {
        if !self.json().starts_with('{') {
            return None;
        }
        Some(Object { members: serde_json::from_str(self.json()).ok()?, path: self.path.clone() })
    }

    /// Its elements, if it is an array; otherwise none.
    pub fn items(&self) -> Vec<Place<'a>> {
        let items: Vec<&RawValue> =
            if self.json().starts_with('[') { serde_json::from_str(self.json()).unwrap_or_default() } else { Vec::new() };
        let place = |(index, raw)| Self { raw, path: format!("{}[{index}]", self.path) };
        items.into_iter().enumerate().map(place).collect()
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(self.json()).ok()
    }

    /// All of it, parsed; null when it is nested too deep.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.json()).unwrap_or_default()
    }
}

impl<'a> Object<'a> {
    /// A member by its name in `snake_case`, however the document spells it.
    pub fn get(&self, name: &str) -> Option<Place<'a>> {
        let camel = camel(name);
        let (name, raw) = self.members.get_key_value(name).or_else(|| self.members.get_key_value(&camel))?;
        (raw.get() != "null").then(|| Place { raw, path: member(&self.path, name) })
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Option<Object<'a>> {
        self.get(name)?.object()
    }

    /// A member's elements; none when there is no such array.
    pub fn items(&self, name: &str) -> Vec<Place<'a>> {
        self.get(name).map(|place| place.items()).unwrap_or_default()
    }

    /// A member that is a text, unless it is empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.text().filter(|text| !text.is_empty())
    }

    /// Whether a member is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|place| place.json() == "true")
    }

    /// All members by name.
    pub fn members(&self) -> impl Iterator<Item = (&str, Place<'a>)> {
        self.members.iter().map(|(name, raw)| (name.as_str(), Place { raw, path: member(&self.path, name) }))
    }
}

/// `$.a`, or `$['a-b']` where the short form is not allowed.
fn member(path: &str, name: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("{path}.{name}");
    }
    let quoted: String =
        name.chars().flat_map(|c| ['\\'].into_iter().filter(move |_| c == '\'' || c == '\\').chain([c])).collect();
    format!("{path}['{quoted}']")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_found_and_the_path_has_the_documents_own() {
        for (json, path) in [(r#"{"a_bc_d":{"x-y":[1]}}"#, "$.a_bc_d"), (r#"{"aBcD":{"x-y":[1]}}"#, "$.aBcD")] {
            let object = Place::root(json.as_bytes()).unwrap().object().unwrap();
            let inner = object.get("a_bc_d").unwrap();
            assert_eq!(inner.path(), path);
            assert_eq!(inner.object().unwrap().items("x-y")[0].path(), format!("{path}['x-y'][0]"));
        }
        assert_eq!(member("$", r"it's\"), r"$['it\'s\\']");
        assert_eq!(member("$", "0"), "$['0']");
    }

    #[test]
    fn what_is_of_another_type_is_not_there() {
        let object = Place::root(br#"{"a":null,"b":7,"c":""}"#).unwrap().object().unwrap();
        assert!(object.get("a").is_none() && object.text("b").is_none() && object.text("c").is_none());
        assert!(object.items("b").is_empty() && object.object("b").is_none() && !object.flag("b"));
    }
}
