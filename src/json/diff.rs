//! What differs between two values: by field, not by text.

use super::diff_lists::{self, Pairing};
use super::diff_rules::{Rules, blank, kind_of, squeezed};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// Where, as JSONPath in the left value; of what only the right has, in that one.
    pub path: String,
    /// What stands there on the left; nothing when it is only on the right.
    pub left: Option<Value>,
    /// What stands there on the right.
    pub right: Option<Value>,
}

/// Compare two values.
///
/// The elements of lists are matched first: by being equal, by name (or what else tells them apart), then by place. So one
/// element more is one difference. Where order has a meaning, another order of what both have is one difference of the list,
/// whose sides are the names in their order.
pub fn differences(left: &Value, right: &Value, rules: &Rules) -> Vec<Delta> {
    let mut walk = Walk { rules, path: "$".into(), found: Vec::new() };
    walk.value(left, right, "");
    walk.found
}

struct Walk<'r> {
    rules: &'r Rules,
    path: String,
    found: Vec<Delta>,
}

impl Walk<'_> {
    fn value(&mut self, left: &Value, right: &Value, field: &str) {
        if self.rules.same(left, right, field) {
            return;
        }
        match (left, right) {
            // A message of another type has nothing in common but the names of fields.
            (Value::Object(a), Value::Object(b)) if !self.rules.lenient || may_be_one(kind_of(a), kind_of(b)) => {
                self.object(a, b)
            }
            (Value::Array(a), Value::Array(b)) => self.list(a, b, field),
            _ => self.tell(Some(left), Some(right)),
        }
    }

    fn object(&mut self, left: &Map<String, Value>, right: &Map<String, Value>) {
        for (key, value) in left {
            match self.rules.member(right, left, key) {
                _ if self.rules.is_noise(key) => {}
                Some(other) => self.inside(key, |walk| walk.value(value, other, &squeezed(key))),
                None if self.rules.is_blank(key, value) => {}
                None => self.inside(key, |walk| walk.tell(Some(value), None)),
            }
        }
        for (key, value) in right {
            let known = self.rules.member(left, right, key).is_some();
            if !known && !self.rules.is_noise(key) && !self.rules.is_blank(key, value) {
                self.inside(key, |walk| walk.tell(None, Some(value)));
            }
        }
    }

    fn list(&mut self, left: &[Value], right: &[Value], field: &str) {
        let Pairing { pairs, only_left, only_right } = diff_lists::pair(left, right, field, self.rules);
        let moved = pairs.windows(2).any(|pair| pair[0].1 > pair[1].1);
        if moved && self.rules.is_ordered(field, left) {
            let names = |list: &[Value]| Value::Array(list.iter().map(diff_lists::name).collect());
            self.tell(Some(&names(left)), Some(&names(right)));
        }
        for (a, b) in pairs {
            let (Some(one), Some(other)) = (left.get(a), right.get(b)) else { continue };
            self.at(a, |walk| walk.value(one, other, field));
        }
        for a in only_left {
            self.at(a, |walk| walk.tell(left.get(a), None));
        }
        for b in only_right {
            self.at(b, |walk| walk.tell(None, right.get(b)));
        }
    }

    fn inside(&mut self, key: &str, then: impl FnOnce(&mut Self)) {
        let end = self.path.len();
        push_key(&mut self.path, key);
        then(self);
        self.path.truncate(end);
    }

    fn at(&mut self, index: usize, then: impl FnOnce(&mut Self)) {
        let end = self.path.len();
        // Writing to a string cannot fail.
        let _ = write!(self.path, "[{index}]");
        then(self);
        self.path.truncate(end);
    }

    fn tell(&mut self, left: Option<&Value>, right: Option<&Value>) {
        self.found.push(Delta { path: self.path.clone(), left: left.cloned(), right: right.cloned() });
    }
}

fn may_be_one(left: Option<&str>, right: Option<&str>) -> bool {
    left.is_none() || right.is_none() || left == right
}

/// Add a key to a path in the short form of RFC 9535, where it can be had.
fn push_key(path: &mut String, key: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key.starts_with(|c: char| plain(c) && !c.is_ascii_digit()) && key.chars().all(plain) {
        path.push('.');
        path.push_str(key);
    } else {
        super::search::push_step(path, super::search::Way::Key(key));
    }
}

/// A text without what is a side's own, so that replicas can be compared: see [`Rules::own`].
pub fn without_own(text: &str, own: &[String]) -> String {
    blank(text, own).into_owned()
}
