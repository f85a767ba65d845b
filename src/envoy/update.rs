//! What Envoy says of an update that it rejected.

use super::wire::{Raw, Text};

wire! {
    /// The state of an update that failed: Envoy goes on with what it had.
    pub(super) struct Failure<'de> {
        failed_configuration: Raw<'de>,
        last_update_attempt: Option<Text<'de>>,
        details: Text<'de>,
        version_info: Option<Text<'de>>,
    }
}

impl Failure<'_> {
    /// Envoy's words, with the time of the attempt in front.
    pub fn line(&self) -> String {
        match self.last_update_attempt.as_deref() {
            Some(time) => format!("{time} {}", self.details),
            None => self.details.to_string(),
        }
    }
}
