//! Take secrets out of what is asked and answered, and leave what a diagnosis needs.
//!
//! JSON is read by structure ([`super::redact_json`]), everything else by shape ([`super::redact_text`]). The same
//! secret always becomes the same token, `⟨redacted:jwt:1a2b3c4d⟩`, so that two answers can still be compared. Key ids,
//! issuers, public keys, certificates and fingerprints stay: they are the diagnosis.

use super::redact_json::{self, Json};
use super::{Answer, Ask, Query, redact_text};
use crate::error::Error;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// What fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A token (JWT, JWE): its signature, and all claims but those that say whether it is accepted.
    Jwt,
    /// The subject of a token, by itself.
    Subject,
    /// Private members of a JSON Web Key.
    Jwk,
    /// A private key in PEM, also in base64.
    Pem,
    /// The value of a header that carries credentials.
    Header,
    /// A value of a Kubernetes Secret.
    Secret,
    /// A password or token in a URL.
    Url,
    /// A password, key or client secret in configuration.
    Credential,
    /// Source code inside a proxy's configuration.
    Code,
}

impl Rule {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Jwt, "jwt"),
        (Self::Subject, "sub"),
        (Self::Jwk, "jwk"),
        (Self::Pem, "pem"),
        (Self::Header, "header"),
        (Self::Secret, "secret"),
        (Self::Url, "url"),
        (Self::Credential, "credential"),
        (Self::Code, "code"),
    ];

    /// What stands for this secret.
    pub fn token(self, secret: &[u8]) -> String {
        let hash = digest(&SHA256, secret);
        let hash = hash.as_ref();
        format!("⟨redacted:{}:{:02x}{:02x}{:02x}{:02x}⟩", Self::ALL[self as usize].1, hash[0], hash[1], hash[2], hash[3])
    }
}

/// How often each rule fired in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u32; Rule::ALL.len()]);

impl Tally {
    /// It fired once.
    pub fn add(&mut self, rule: Rule) {
        self.0[rule as usize] += 1;
    }

    /// All of these fired too.
    pub fn merge(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

/// Whether this is a token of ours, or what Envoy and istiod write in place of a secret; also in base64.
pub fn is_redacted(text: &[u8]) -> bool {
    let plain = |text: &[u8]| {
        let ours =
            text.starts_with("⟨redacted:".as_bytes()) && memchr::memmem::find(text, "⟩".as_bytes()) == Some(text.len() - 3);
        ours || matches!(text, b"[redacted]" | b"<redacted>" | b"redacted")
    };
    plain(text) || BASE64_STANDARD.decode(text).is_ok_and(|text| plain(&text))
}

/// Takes secrets out, and counts.
#[derive(Debug, Default)]
pub struct Redactor {
    counts: [AtomicU64; Rule::ALL.len()],
}

impl Redactor {
    /// The answer without secrets. A body that holds none is passed on as it is.
    pub fn answer(&self, query: &Query, answer: Answer) -> Answer {
        let body = match self.bytes(&answer.body, is_about_secrets(query)) {
            Some(body) => Bytes::from(body),
            None => answer.body,
        };
        let location = answer.location.map(|location| self.text(location));
        Answer { body, location, ..answer }
    }

    /// The question without secrets: as it stands on a tape.
    pub fn query<'a>(&self, query: &'a Query) -> Cow<'a, Query> {
        // A question is small, and as JSON it has the same shapes as an answer.
        let Ok(json) = serde_json::to_vec(query) else { return Cow::Borrowed(query) };
        let clean = redact_json::clean(&json, false);
        let Json::Changed(clean, _) = clean else { return Cow::Borrowed(query) };
        serde_json::from_slice(&clean).map_or(Cow::Borrowed(query), Cow::Owned)
    }

    /// The failure, without the secrets that its words may quote.
    pub fn error(&self, error: Error) -> Error {
        let clean = Error::new(error.kind(), self.text(error.message().to_owned()));
        let clean = error.causes().iter().fold(clean, |clean, cause| clean.cause(self.text(cause.clone())));
        match error.next_step() {
            Some(hint) => clean.hint(self.text(hint.to_owned())),
            None => clean,
        }
    }

    /// How often each rule fired so far; rules that never fired are left out.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let counted =
            Rule::ALL.iter().zip(&self.counts).map(|((_, word), count)| ((*word).to_owned(), count.load(Ordering::Relaxed)));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// The bytes without secrets, if there were any.
    pub fn bytes(&self, bytes: &[u8], about_secrets: bool) -> Option<Vec<u8>> {
        if !about_secrets && !redact_text::may_hold_secrets(bytes) {
            return None;
        }
        let (clean, tally) = match redact_json::clean(bytes, about_secrets) {
            Json::Clean => return None,
            Json::Changed(clean, tally) => (clean, tally),
            Json::Other => {
                let mut tally = Tally::default();
                (redact_text::clean(bytes, &mut tally)?, tally)
            }
        };
        self.count(tally);
        Some(clean)
    }

    fn text(&self, text: String) -> String {
        match self.bytes(text.as_bytes(), false) {
            Some(clean) => String::from_utf8_lossy(&clean).into_owned(),
            None => text,
        }
    }

    fn count(&self, tally: Tally) {
        for (count, more) in self.counts.iter().zip(tally.0) {
            count.fetch_add(more.into(), Ordering::Relaxed);
        }
    }
}

/// Whether the answer is a Secret or a list of them; the items of a list do not say so themselves.
fn is_about_secrets(query: &Query) -> bool {
    match &query.ask {
        Ask::Kube(kube) => kube.path.split(['/', '?']).any(|part| part == "secrets"),
        _ => false,
    }
}
