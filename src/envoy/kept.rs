//! JSON that is kept as its text until somebody asks for a part of it: as a value it would weigh ten times as much.

use super::wire::Raw;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A part of a document, as text.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Kept(Box<RawValue>);

impl Kept {
    pub(super) fn of(raw: Raw<'_>) -> Option<Self> {
        raw.is_some().then(|| RawValue::from_string(raw.json().to_owned()).ok().map(Self)).flatten()
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// As a value; null when it is nested too deep.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() || self.value() == other.value()
    }
}
