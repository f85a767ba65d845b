//! When two values count as equal.

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How to compare. The default is to the letter.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Read both sides as messages written by different programs: `lbPolicy` is `lb_policy`, `"5"` is `5`, `0.250s` is
    /// `0.25s`, an empty list, empty text or null is nothing at all, and an `@type` need not be said.
    pub lenient: bool,
    /// Of a lenient comparison: whether a zero is nothing at all as well. So it is when one side writes what is not set. It is
    /// not otherwise: `num_retries: 0` says something, as does `enforcing_consecutive_5xx: 0`.
    pub zeros: bool,
    /// Keys, without `_` and in lower case, that are never compared.
    pub noise: &'static [&'static str],
    /// Keys of lists, written so, whose order has no meaning.
    pub unordered: &'static [&'static str],
    /// Of those, the ones whose order means something when they hold plain values.
    pub ordered_names: &'static [&'static str],
    /// Words that are each side's own: its name, its addresses. Texts are equal when they are without them, too.
    pub own: [Vec<String>; 2],
}

impl Rules {
    /// Whether two values are equal by these rules.
    pub(super) fn same(&self, left: &Value, right: &Value, field: &str) -> bool {
        self.hash(left, field, None) == self.hash(right, field, None)
            || (self.has_own() && self.hash(left, field, Some(0)) == self.hash(right, field, Some(1)))
    }

    pub(super) fn has_own(&self) -> bool {
        self.own.iter().any(|words| !words.is_empty())
    }

    pub(super) fn is_noise(&self, key: &str) -> bool {
        !self.noise.is_empty() && self.noise.contains(&squeezed(key).as_ref())
    }

    /// Whether the order of a list of this name, squeezed, means something.
    pub(super) fn is_ordered(&self, field: &str, list: &[Value]) -> bool {
        let names = || self.ordered_names.contains(&field) && list.iter().any(|item| !item.is_object());
        !self.unordered.contains(&field) || names()
    }

    /// Whether a value counts as none.
    pub(super) fn is_blank(&self, key: &str, value: &Value) -> bool {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty() || key == "@type" || (self.zeros && ZERO_NAMES.contains(&text.as_str())),
            Value::Array(list) => list.is_empty(),
            Value::Bool(flag) => self.zeros && !flag,
            Value::Number(number) => self.zeros && number.as_f64() == Some(0.0),
            Value::Object(_) => false,
        };
        self.lenient && empty
    }

    /// The member of an object that a key of the other object means. One that both write alike is not taken for another.
    pub(super) fn member<'v>(&self, of: &'v Map<String, Value>, other: &Map<String, Value>, key: &str) -> Option<&'v Value> {
        if let Some(found) = of.get(key) {
            return Some(found);
        }
        let wanted = self.lenient.then(|| squeezed(key))?;
        of.iter().find(|(name, _)| squeezed(name) == wanted && !other.contains_key(*name)).map(|(_, value)| value)
    }

    /// A number that is the same for values that are equal; without what is this side's own, if a side is given.
    pub(super) fn hash(&self, value: &Value, field: &str, side: Option<usize>) -> u64 {
        match value {
            Value::Object(fields) => self.hash_object(fields, side),
            Value::Array(list) => {
                let parts = list.iter().map(|part| self.hash(part, field, side));
                if self.is_ordered(field, list) { of(&('a', parts.collect::<Vec<_>>())) } else { of(&('a', sorted(parts))) }
            }
            Value::String(text) => of(&self.text(text, side)),
            Value::Number(number) if self.lenient => of(&Cow::<str>::Owned(plain_number(number))),
            Value::Number(number) => of(&('n', plain_number(number))),
            Value::Bool(flag) => of(&('b', flag)),
            Value::Null => of(&'0'),
        }
    }

    fn hash_object(&self, fields: &Map<String, Value>, side: Option<usize>) -> u64 {
        let told = fields.iter().filter(|(key, value)| !self.is_noise(key) && !self.is_blank(key, value));
        let members = told.map(|(key, value)| {
            let short = squeezed(key);
            let name = if self.lenient { short.as_ref() } else { key.as_str() };
            of(&(name, self.hash(value, &short, side)))
        });
        let kind = if self.lenient { kind_of(fields).unwrap_or_default() } else { "" };
        of(&('o', kind, sorted(members)))
    }

    fn text<'v>(&self, text: &'v str, side: Option<usize>) -> Cow<'v, str> {
        let own = side.and_then(|side| self.own.get(side)).filter(|own| !own.is_empty());
        let text = own.map_or(Cow::Borrowed(text), |own| blank(text, own));
        match self.lenient.then(|| duration(&text)).flatten() {
            Some(duration) => Cow::Owned(duration),
            None => text,
        }
    }
}

/// Names of enums that stand for their zero, in what Envoy says of itself.
const ZERO_NAMES: [&str; 9] =
    ["TCP", "DEFAULT", "STATIC", "ROUND_ROBIN", "AUTO", "UNSPECIFIED", "UNKNOWN", "HTTP1", "USE_CONFIGURED_PROTOCOL"];

/// A key without `_`, in lower case: `consecutive_5xx` and `consecutive5xx` are one.
pub(super) fn squeezed(key: &str) -> Cow<'_, str> {
    if key.bytes().any(|byte| byte == b'_' || byte.is_ascii_uppercase()) {
        Cow::Owned(key.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect())
    } else {
        Cow::Borrowed(key)
    }
}

/// What type a message says it is, without its package: that has changed its name between versions of Envoy.
pub(super) fn kind_of(fields: &Map<String, Value>) -> Option<&str> {
    let kind = fields.get("@type")?.as_str()?;
    Some(kind.rsplit(['/', '.']).next().unwrap_or(kind))
}

/// A text with a mark in place of each word that is a side's own. A word counts only where it stands for itself:
/// 10.0.0.1 is not in 10.0.0.12.
pub(super) fn blank<'t>(text: &'t str, own: &[String]) -> Cow<'t, str> {
    let mut blanked = Cow::Borrowed(text);
    for (number, word) in own.iter().enumerate() {
        if word.is_empty() || !blanked.contains(word.as_str()) {
            continue;
        }
        let mut out = String::with_capacity(blanked.len());
        let mut rest = 0;
        for (start, _) in blanked.match_indices(word.as_str()) {
            let end = start + word.len();
            let before = blanked[..start].chars().next_back();
            let behind = blanked[end..].chars().next();
            if start < rest || is_word(before, word) || is_word(behind, word) {
                continue;
            }
            out.push_str(&blanked[rest..start]);
            out.push('\u{1}');
            out.push(char::from_digit(u32::try_from(number).unwrap_or(0) % 36, 36).unwrap_or('?'));
            rest = end;
        }
        out.push_str(&blanked[rest..]);
        blanked = Cow::Owned(out);
    }
    blanked
}

/// Whether a sign beside a word makes it a part of a longer one. Names of pods are followed by `.` and a namespace.
fn is_word(beside: Option<char>, word: &str) -> bool {
    let address = word.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    beside.is_some_and(|c| c.is_ascii_alphanumeric() || (!address && c == '-'))
}

/// A duration without the zeros that say nothing: `0.250s` is `0.25s`.
fn duration(text: &str) -> Option<String> {
    let (whole, fraction) = text.strip_suffix('s')?.split_once('.')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole.trim_start_matches('-')) && digits(fraction)).then(|| {
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { format!("{whole}s") } else { format!("{whole}.{fraction}s") }
    })
}

/// A number in one way only: `1.0` is `1`.
fn plain_number(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < 1e15 => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

fn sorted(parts: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut parts: Vec<u64> = parts.collect();
    parts.sort_unstable();
    parts
}

fn of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
