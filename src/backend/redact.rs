//! Take secrets out of what is asked and answered, and leave what a diagnosis needs.
//!
//! JSON is read by structure ([`super::redact_json`]), everything else by shape ([`super::redact_text`]). The same
//! secret always becomes the same token, `⟨redacted:jwt:1a2b3c4d⟩`, so that two answers can still be compared. Key ids,
//! issuers, public keys, certificates and fingerprints stay: they are the diagnosis.

use super::redact_json::{self, Json};
use super::redact_marks::marks;
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
        let (clean, tally) = match redact_json::clean(bytes, about_secrets) {
            Json::Clean => return None,
            Json::Changed(clean, tally) => (clean, tally),
            Json::Other => {
                marks(bytes).next()?;
                let mut tally = Tally::default();
                (redact_text::clean(bytes, &mut tally)?, tally)
            }
        };
        self.count(tally);
        Some(clean)
    }

    /// Count a secret that was found elsewhere.
    pub(super) fn fired(&self, rule: Rule) {
        let mut tally = Tally::default();
        tally.add(rule);
        self.count(tally);
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

/// Where in a text something stands that may be part of a secret; a piece of it without such a place holds none.
pub fn suspicious(text: &[u8]) -> Vec<usize> {
    marks(text).collect()
}

/// Whether a text, such as what somebody types, holds anything that would be hidden in an answer.
pub fn holds_secret(text: &str) -> bool {
    redact_text::clean(text.as_bytes(), &mut Tally::default()).is_some()
}

/// The strings of a piece of JSON that hold secrets, each with the JSON string to put in its place, in order.
pub fn secret_strings(json: &[u8]) -> Vec<(std::ops::Range<usize>, Vec<u8>)> {
    redact_json::edits(json).unwrap_or_default()
}

/// A line to be shown, without secrets.
pub fn shown(line: String) -> String {
    Redactor::default().text(line)
}

/// Whether the answer is a Secret or a list of them; the items of a list do not say so themselves.
fn is_about_secrets(query: &Query) -> bool {
    match &query.ask {
        Ask::Kube(kube) => kube.path.split(['/', '?']).any(|part| part == "secrets"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, block_on};
    use super::super::{Backend, HttpGet, Logs, Redacted, Trust};
    use super::*;
    use crate::error::Kind;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn version() -> Query {
        Query::new("lab", Ask::kube("/version"))
    }

    #[test]
    fn an_answer_without_secrets_is_not_even_copied() {
        let given = answer(r#"{"gitVersion":"v1.36.0"}"#);
        let redactor = Redactor::default();
        let passed = redactor.answer(&version(), given.clone());
        assert_eq!(passed.body.as_ptr(), given.body.as_ptr());
        assert_eq!(redactor.counts(), BTreeMap::new());
    }

    #[test]
    fn the_same_secret_gets_the_same_token_and_is_counted() {
        let redactor = Redactor::default();
        let answers =
            [r#"{"password":"s3cr3t"}"#, r#"{"x":1,"passwd":"s3cr3t"}"#].map(|body| redactor.answer(&version(), answer(body)));
        let token = Rule::Credential.token(b"s3cr3t");
        assert!(answers.iter().all(|answer| answer.text().contains(&token)), "{answers:?}");
        assert_eq!(redactor.counts(), [("credential".to_owned(), 2)].into());
    }

    #[test]
    fn redirects_and_failures_lose_their_secrets_too() {
        let redactor = Redactor::default();
        let redirect = Answer { location: Some("https://me:s3cr3t@host/".into()), ..answer("") };
        assert!(!redactor.answer(&version(), redirect).location.unwrap().contains("s3cr3t"));
        let inner =
            Error::new(Kind::Tls, "GET https://me:s3cr3t@host/ failed").cause("?token=s3cr3t").hint("authorization: s3cr3t");
        let script = super::super::testing::Script::new([Err(inner)]);
        let error = block_on(Redacted::new(script).ask(&version())).unwrap_err();
        assert!(error.message().starts_with("GET https://me:⟨redacted:url:"), "{error}");
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
        assert_eq!(error.kind(), Kind::Tls);
    }

    #[test]
    fn questions_stay_questions() {
        let redactor = Redactor::default();
        let url = HttpGet { url: "https://me:s3cr3t@host/keys".into(), trust: Trust::System, max_bytes: 5 };
        let asked = Query::new("lab", Ask::Http(url));
        let Ask::Http(clean) = redactor.query(&asked).into_owned().ask else { panic!("still HTTP") };
        assert!(clean.url.starts_with("https://me:⟨redacted:url:") && clean.url.ends_with("@host/keys"), "{}", clean.url);
        let logs = Query::new("lab", Ask::Logs(Logs { grep: Some("x509|jwks".into()), ..Logs::default() }));
        assert!(matches!(redactor.query(&logs), Cow::Borrowed(_)));
        assert_eq!(redactor.counts(), BTreeMap::new(), "only answers are counted");
    }

    #[test]
    fn answers_about_secrets_are_known_by_their_question() {
        let body = format!(r#"{{"data":{{"a":"{}"}}}}"#, BASE64_STANDARD.encode("hunter2"));
        let given =
            |path: &str| Redactor::default().answer(&Query::new("lab", Ask::kube(path)), answer(&body)).text().into_owned();
        assert_eq!(given("/api/v1/namespaces/a/configmaps/b"), body);
        assert_ne!(given("/api/v1/namespaces/a/secrets/b"), body);
        assert_ne!(given("/api/v1/secrets?limit=500"), body);
    }

    /// A document that holds this secret in one of the ways in which meshes hold them.
    fn planted(way: usize, secret: &str) -> Value {
        let coded = BASE64_STANDARD.encode(secret);
        let part = |json: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let jwt = format!("{}.{}.{secret}", part(&json!({"alg": "RS256"})), part(&json!({"iss": "i", "email": secret})));
        match way % 12 {
            0 => json!({"kty": "oct", "k": secret, "kid": "public"}),
            1 => json!({"keys": [{"d": secret, "n": "public", "kty": "RSA"}]}),
            2 => json!({"kind": "Secret", "data": {"a": coded}}),
            3 => json!({"stringData": {"a": secret}, "kind": "Secret"}),
            4 => json!(format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n")),
            5 => json!({"private_key": {"inline_bytes": coded}}),
            6 => json!({"genericSecret": {"secret": {"inlineString": secret}}}),
            7 => json!({"header": {"key": "x-api-key", "value": secret}}),
            8 => json!({"Authorization": [format!("Bearer {secret}")]}),
            9 => json!(format!("curl https://user:{secret}@host/?access_token={secret}")),
            10 => json!({"log": format!("'cookie', 'id={secret}'\n'authorization', 'Bearer {jwt}'")}),
            _ => json!({"token": jwt}),
        }
    }

    proptest! {
        #[test]
        fn no_planted_secret_is_left(
            way in 0usize..12, secret in "[A-Za-z0-9]{24,32}", wraps in prop::collection::vec(0usize..4, 0..4),
        ) {
            let mut json = planted(way, &secret);
            for wrap in wraps {
                json = match wrap {
                    0 => json!({"a": json, "name": "public"}),
                    1 => json!([1, json, null]),
                    2 => json!({"inline_string": json.to_string()}),
                    _ => json!({"items": [json!({"metadata": {}}), json], "e": 1.5}),
                };
            }
            // What stands alone in a string stays a document all the same.
            let body = json!({"value": json}).to_string();
            let clean = Redactor::default().answer(&version(), answer(&body));
            prop_assert!(serde_json::from_slice::<Value>(&clean.body).is_ok(), "JSON stays JSON: {}", clean.text());
            for form in [secret.clone(), BASE64_STANDARD.encode(&secret)] {
                prop_assert!(!clean.text().contains(&form), "{body} became {}", clean.text());
            }
            if body.contains("public") {
                prop_assert!(clean.text().contains("public"));
            }
            let again = Redactor::default().answer(&version(), clean.clone());
            prop_assert_eq!(again.text(), clean.text(), "twice is as once");
        }

        #[test]
        fn json_stays_json(body in r#"[\[\]{}",: a\\]{0,30}(cookie|"kty"|"d"|://a:b@)[\[\]{}",: a\\]{0,30}"#) {
            let clean = Redactor::default().answer(&version(), answer(&body));
            let before = serde_json::from_str::<Value>(&body).is_ok();
            prop_assert!(!before || serde_json::from_slice::<Value>(&clean.body).is_ok(), "{body} became {}", clean.text());
        }

        #[test]
        fn any_bytes_are_taken(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let given = Answer { body: body.into(), ..answer("") };
            Redactor::default().answer(&version(), given);
        }
    }

    #[test]
    fn the_backend_shares_its_counts() {
        let redacted = Redacted::new(super::super::testing::Script::answering(r#"{"password":"x"}"#));
        let counts: Arc<Redactor> = redacted.redactor();
        block_on(redacted.ask(&version())).unwrap();
        assert_eq!(counts.counts(), [("credential".to_owned(), 1)].into());
    }
}
