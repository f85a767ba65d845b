//! Which elements of two lists belong together.

use super::diff_rules::{Rules, squeezed};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// What belongs together, by numbers; pairs in the order of the left list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairing {
    pub pairs: Vec<(usize, usize)>,
    pub only_left: Vec<usize>,
    pub only_right: Vec<usize>,
}

/// What tells elements of lists apart, the best first.
const NAMES: [&str; 9] = ["name", "clustername", "key", "upgradetype", "address", "endpoint", "locality", "header", "priority"];
/// What besides its name makes a route or a filter chain what it is.
const MATCHES: [&str; 2] = ["match", "filterchainmatch"];

/// Match elements: those that are equal, then by name and match, by name, and at last by order what has no name.
pub(super) fn pair(left: &[Value], right: &[Value], field: &str, rules: &Rules) -> Pairing {
    let own = |side: usize| rules.has_own().then_some(side);
    let mut matching = Matching { left: vec![None; left.len()], right: vec![false; right.len()] };
    let equal = |value: &Value, _| Some(rules.hash(value, field, None));
    let without_own = |value: &Value, side| Some(rules.hash(value, field, Some(side)));
    let exact = |value: &Value, side| {
        let matches = member(value, &MATCHES).map(|found| rules.hash(found, "", own(side)));
        Some(identity(value, rules, own(side))?.wrapping_mul(31).wrapping_add(matches?))
    };
    let named = |value: &Value, side| identity(value, rules, own(side));
    matching.by(left, right, equal);
    if rules.has_own() {
        matching.by(left, right, without_own);
    }
    matching.by(left, right, exact);
    matching.by(left, right, named);
    matching.by(left, right, |value, side| (value.is_object() && named(value, side).is_none()).then_some(0));
    if rules.is_ordered(field, left) {
        matching.by_place(left, right);
    }
    matching.done()
}

/// An element in a word: its name, or what else it is told apart by.
pub(super) fn name(value: &Value) -> Value {
    match value {
        Value::Object(_) => member(value, &NAMES).cloned().unwrap_or_else(|| value.clone()),
        other => other.clone(),
    }
}

struct Matching {
    left: Vec<Option<usize>>,
    right: Vec<bool>,
}

impl Matching {
    /// Match what is left and has the same key, in order.
    fn by(&mut self, left: &[Value], right: &[Value], key: impl Fn(&Value, usize) -> Option<u64>) {
        if self.left.iter().all(Option::is_some) || self.right.iter().all(|taken| *taken) {
            return;
        }
        let mut open: HashMap<u64, VecDeque<usize>> = HashMap::new();
        for (number, value) in right.iter().enumerate().filter(|(number, _)| !self.right[*number]) {
            if let Some(key) = key(value, 1) {
                open.entry(key).or_default().push_back(number);
            }
        }
        for (number, value) in left.iter().enumerate() {
            if self.left[number].is_some() {
                continue;
            }
            let found = key(value, 0).and_then(|key| open.get_mut(&key)?.pop_front());
            if let Some(found) = found {
                self.left[number] = Some(found);
                self.right[found] = true;
            }
        }
    }

    /// Plain values at the same place are the same one, changed.
    fn by_place(&mut self, left: &[Value], right: &[Value]) {
        for number in 0..left.len().min(right.len()) {
            let plain = !left[number].is_object() && !right[number].is_object();
            if plain && self.left[number].is_none() && !self.right[number] {
                self.left[number] = Some(number);
                self.right[number] = true;
            }
        }
    }

    fn done(self) -> Pairing {
        let mut pairing = Pairing::default();
        for (number, found) in self.left.into_iter().enumerate() {
            match found {
                Some(found) => pairing.pairs.push((number, found)),
                None => pairing.only_left.push(number),
            }
        }
        pairing.only_right = self.right.into_iter().enumerate().filter(|(_, taken)| !taken).map(|(number, _)| number).collect();
        pairing
    }
}

/// What tells an element apart from its neighbours; nothing for plain values and for objects without a name.
fn identity(value: &Value, rules: &Rules, side: Option<usize>) -> Option<u64> {
    let found = member(value, &NAMES)?;
    // Of an endpoint its address, of a header its name: what else they hold may differ.
    let found = member(found, &["address", "key"]).unwrap_or(found);
    Some(rules.hash(found, "", side))
}

/// The first of these members, in any spelling.
fn member<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    let fields = value.as_object()?;
    let named = |name: &&str| fields.iter().find(|(key, _)| squeezed(key) == **name).map(|(_, value)| value);
    names.iter().find_map(named)
}
