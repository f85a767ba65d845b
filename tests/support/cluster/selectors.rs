//! Label and field selectors, as far as lists are asked with them.

use super::status::{Refusal, bad_request};
use serde_json::Value;

/// A parsed `labelSelector` and `fieldSelector`.
#[derive(Debug, Default)]
pub struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug)]
enum Requirement {
    /// The label is there (or, negated, is not).
    Exists(String, bool),
    /// The label has one of these values (or, negated, none of them).
    In(String, Vec<String>, bool),
}

/// The fields that lists can be narrowed by here.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "status.phase",
    "status.podIP",
    "spec.nodeName",
    "spec.serviceAccountName",
    "type",
    "reason",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.uid",
];

impl Selector {
    /// Read both selectors.
    pub fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Refusal> {
        let labels = split(labels.unwrap_or_default()).into_iter().map(requirement).collect::<Result<_, _>>()?;
        let fields = split(fields.unwrap_or_default()).into_iter().map(field).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether this object is selected.
    pub fn selects(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let by_labels = self.labels.iter().all(|requirement| match requirement {
            Requirement::Exists(key, wanted) => labels.get(key).is_some() == *wanted,
            Requirement::In(key, values, wanted) => {
                let value = labels.get(key).and_then(Value::as_str);
                value.is_some_and(|value| values.iter().any(|known| known == value)) == *wanted
            }
        });
        by_labels
            && self.fields.iter().all(|(path, wanted, value)| {
                let found = path.split('.').fold(object, |object, part| &object[part]);
                (found.as_str().unwrap_or_default() == value) == *wanted
            })
    }
}

/// Split at the commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Result<Requirement, Refusal> {
    for (word, wanted) in [(" notin ", false), (" in ", true)] {
        if let Some((key, values)) = text.split_once(word) {
            let values = values.trim().strip_prefix('(').and_then(|values| values.strip_suffix(')'));
            let values = values.ok_or_else(|| bad_request("unable to parse requirement: found '', expected: '('"))?;
            let values = values.split(',').map(|value| value.trim().to_string()).collect();
            return Ok(Requirement::In(label(key)?, values, wanted));
        }
    }
    for (sign, wanted) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = text.split_once(sign) {
            if value.starts_with('=') {
                return Err(bad_request("unable to parse requirement: found '=', expected: identifier"));
            }
            return Ok(Requirement::In(label(key)?, vec![value.trim().to_string()], wanted));
        }
    }
    match text.strip_prefix('!') {
        Some(key) => Ok(Requirement::Exists(label(key)?, false)),
        None => Ok(Requirement::Exists(label(text)?, true)),
    }
}

fn label(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if text.is_empty() || !text.chars().all(legal) {
        return Err(bad_request(&format!(
            "unable to parse requirement: <nil>: Invalid value: \"{text}\": name part must be valid"
        )));
    }
    Ok(text.into())
}

fn field(text: &str) -> Result<(String, bool, String), Refusal> {
    let signs = [("!=", false), ("==", true), ("=", true)];
    let found = signs.iter().find_map(|(sign, wanted)| text.split_once(sign).map(|(key, value)| (key, *wanted, value)));
    let (key, wanted, value) =
        found.ok_or_else(|| bad_request(&format!("invalid selector: '{text}'; can't understand '{text}'")))?;
    if !FIELDS.contains(&key) {
        return Err(bad_request(&format!("field label not supported: {key}")));
    }
    Ok((key.into(), wanted, value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selects(labels: &str, fields: &str) -> bool {
        let pod =
            json!({"metadata": {"name": "web-0", "labels": {"app": "web", "version": "v1"}}, "status": {"phase": "Running"}});
        Selector::parse(Some(labels), Some(fields)).expect("legal").selects(&pod)
    }

    #[test]
    fn every_form_of_a_requirement() {
        for (labels, fields) in [
            ("app=web", ""),
            ("app==web,version!=v2", ""),
            ("app in (api, web),!canary", ""),
            ("app notin (api)", "status.phase=Running"),
            ("version", "metadata.name!=web-1"),
        ] {
            assert!(selects(labels, fields), "{labels} {fields}");
        }
        for (labels, fields) in [("app=api", ""), ("canary", ""), ("app", "status.phase=Pending")] {
            assert!(!selects(labels, fields), "{labels} {fields}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = Selector::parse(Some("app==="), None).expect_err("three signs");
        assert_eq!(refused.body["message"], "unable to parse requirement: found '=', expected: identifier");
        assert_eq!(Selector::parse(None, Some("spec.color=red")).expect_err("no such field").code, 400);
    }
}
