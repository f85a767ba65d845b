//! Label selectors, as kubectl writes them: matched here when the server cannot be asked to.

use crate::error::{Error, Kind, Result};
use std::collections::BTreeMap;

/// A conjunction of conditions on labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Selector {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selector {
    /// Read `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let conditions = split(text).into_iter().map(|part| condition(part.trim(), text)).collect::<Result<_>>()?;
        Ok(Self { conditions })
    }

    /// The selector that asks for all of these labels.
    pub(crate) fn of(labels: &BTreeMap<String, String>) -> Self {
        let equal = |(key, value): (&String, &String)| Condition { key: key.clone(), test: Test::In(vec![value.clone()]) };
        Self { conditions: labels.iter().map(equal).collect() }
    }

    /// Whether these labels fulfil every condition. A selector without conditions takes everything.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.conditions.iter().all(|condition| {
            let value = labels.get(&condition.key);
            match &condition.test {
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }
}

/// At the commas that stand outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = text.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).collect()
}

fn condition(part: &str, whole: &str) -> Result<Condition> {
    let one = |value: &str| vec![value.trim().to_owned()];
    let (key, test) = if let Some((key, value)) = part.split_once("!=") {
        (key, Test::NotIn(one(value)))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (key, Test::In(one(value)))
    } else if let Some((key, values)) = part.split_once(" notin ") {
        (key, Test::NotIn(members(values, whole)?))
    } else if let Some((key, values)) = part.split_once(" in ") {
        (key, Test::In(members(values, whole)?))
    } else if let Some(key) = part.strip_prefix('!') {
        (key, Test::Absent)
    } else {
        (part, Test::Exists)
    };
    let key = key.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let values_legal = match &test {
        Test::In(values) | Test::NotIn(values) => values.iter().all(|value| value.chars().all(legal)),
        _ => true,
    };
    if key.is_empty() || !key.chars().all(legal) || !values_legal {
        return Err(bad(whole));
    }
    Ok(Condition { key: key.to_owned(), test })
}

fn members(text: &str, whole: &str) -> Result<Vec<String>> {
    let inner = text.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(|| bad(whole))?;
    Ok(inner.split(',').map(|value| value.trim().to_owned()).collect())
}

fn bad(text: &str) -> Error {
    Error::new(Kind::BadInput, format!("`{text}` is not a label selector"))
        .hint("write it as kubectl takes it: `app=web,version!=v1`, `app in (web,api)`, `istio.io/rev`, `!canary`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn every_form_of_kubectl_is_understood() {
        let web = labels(&[("app", "web"), ("version", "v2"), ("istio.io/rev", "")]);
        for (text, fits) in [
            ("", true),
            ("app=web", true),
            ("app==web, version=v2", true),
            ("app!=web", false),
            ("tier!=db", true),
            ("app in (api, web),version notin (v1)", true),
            ("app notin (web)", false),
            ("istio.io/rev", true),
            ("!canary", true),
            ("!app", false),
            ("version", true),
            ("istio.io/rev=", true),
        ] {
            assert_eq!(Selector::parse(text).unwrap().matches(&web), fits, "{text}");
        }
        assert!(!Selector::of(&labels(&[("app", "web"), ("x", "y")])).matches(&web));
    }

    #[test]
    fn nonsense_is_refused_with_the_right_form() {
        for text in ["app===", "app in web", "=x", "a b"] {
            let error = Selector::parse(text).unwrap_err();
            assert_eq!(error.kind(), Kind::BadInput, "{text}");
            assert!(error.to_string().contains(text) && error.next_step().is_some());
        }
    }
}
