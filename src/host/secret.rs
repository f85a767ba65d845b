//! Secret text: a token that scripts pass on and nobody prints.

use ring::digest::{SHA256, digest};
use std::fmt;
use std::sync::Arc;

/// Text that only native functions can open. Shown as its harmless beginning and a fingerprint.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wrap a text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. For the function that needs it, never for output.
    pub fn open(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let sum = digest(&SHA256, self.0.as_bytes());
        let print: String = sum.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        // A JWT begins with its header, which holds no secret; of anything else nothing is shown.
        let head = if self.0.starts_with("eyJ") { self.0.get(..10).unwrap_or("") } else { "" };
        write!(f, "{head}…(redacted, sha256:{print})")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_only_a_jwt_head_and_a_fingerprint() {
        let token = Secret::new("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl");
        let shown = format!("{token} {token:?}");
        assert!(shown.starts_with("eyJhbGciOi…(redacted, sha256:"), "{shown}");
        assert!(!shown.contains("c2ln") && !shown.contains("eyJzdWIi"));
        assert!(!Secret::new("hunter2").to_string().contains("hunt"));
        assert_eq!(Secret::new("").to_string(), "");
    }
}
