//! The one failure type: what failed, on which object, why probably, and what to try next.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything that can fail returns this.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure, told for the person who must act on it.
///
/// It serializes, because a refusal is an answer too: a tape keeps it, and a replay fails in the same words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    kind: Kind,
    message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What sort of failure it is, grouped by what the user can do about it. Scripts read it as `e.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The named object does not exist.
    NotFound,
    /// The user may not do this (403): a permission is missing.
    Forbidden,
    /// The credentials were refused (401).
    Unauthorized,
    /// Nobody answers at that address, or a port is closed.
    Unreachable,
    /// An answer did not come in time.
    Timeout,
    /// The user pressed Ctrl-C.
    Interrupted,
    /// pilotage itself refuses: the effect is not allowed here.
    Refused,
    /// The pod runs no proxy that could be asked.
    NoProxy,
    /// The pod is not running.
    NotRunning,
    /// An answer came, and it is not what was asked for: cut off, not JSON, the wrong shape.
    BadAnswer,
    /// A value given by the user or the script is wrong.
    BadInput,
    /// The command line is wrong.
    Usage,
    /// There is no way to a cluster: no kubeconfig, no such context.
    NoCluster,
    /// The tape does not hold the answer to this question.
    TapeMiss,
    /// The tape itself cannot be read.
    BadTape,
    /// A TLS handshake or a certificate check failed.
    Tls,
    /// The script is wrong or threw.
    Script,
    /// A limit was reached: the script engine's operations, depth or memory, or of how much is asked at once.
    Limit,
    /// A local file cannot be read or written.
    File,
    /// A defect of pilotage.
    Internal,
}

impl Kind {
    /// The stable word for it, as scripts and JSON show it.
    pub fn word(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            _ => "internal".into(),
        }
    }
}

impl Error {
    /// A failure of this kind, said in one sentence that names the object.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// Add the likely next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Add a deeper cause. A cause that the message or an earlier cause already contains is dropped:
    /// kube and hyper repeat their sources.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        let cause = cause.to_string();
        let told = self.message.contains(&cause) || self.causes.iter().any(|known| known.contains(&cause));
        if !told && !cause.is_empty() {
            self.causes.push(cause);
        }
        self
    }

    /// Add an error and all its sources as causes.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            self = self.cause(error);
            next = error.source();
        }
        self
    }

    /// The same failure with another sentence in front; the old one becomes a cause.
    #[must_use]
    pub fn context(self, message: impl Into<String>) -> Self {
        let mut outer = Self { kind: self.kind, message: message.into(), causes: Vec::new(), hint: self.hint };
        outer = outer.cause(self.message);
        for cause in self.causes {
            outer = outer.cause(cause);
        }
        outer
    }

    /// The same failure without these words in front: the sentence around it says them already.
    #[must_use]
    pub fn without(mut self, words: &str) -> Self {
        if let Some(rest) = self.message.strip_prefix(words).and_then(|rest| rest.strip_prefix(": ")) {
            self.message = rest.to_owned();
        }
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence that says what failed, on which object.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The deeper causes, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The likely next step, if one is known.
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit code of a program that ends with this failure.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::TapeMiss => 5,
            Kind::Interrupted => 130,
            _ => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = Error::new(Kind::Unreachable, "no connection to a: refused").cause("refused").cause("deeper").cause("deep");
        assert_eq!(error.to_string(), "no connection to a: refused: deeper");
    }

    #[test]
    fn context_keeps_kind_hint_and_all_that_was_said() {
        let error = Error::new(Kind::Timeout, "no answer").hint("wait").context("pod a/b");
        assert_eq!(
            (error.kind(), error.to_string().as_str(), error.next_step()),
            (Kind::Timeout, "pod a/b: no answer", Some("wait"))
        );
    }

    #[test]
    fn words_that_are_said_already_can_be_left_out() {
        let error = Error::new(Kind::Timeout, "pod a/b: no answer").hint("wait");
        assert_eq!(error.clone().without("pod a/b").to_string(), "no answer");
        assert_eq!(error.clone().without("pod a"), error);
    }

    #[test]
    fn kinds_have_stable_words() {
        assert_eq!(Kind::TapeMiss.word(), "tape_miss");
    }
}
