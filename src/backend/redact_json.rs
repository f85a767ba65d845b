//! Secrets in JSON, found by structure: which key a string belongs to, and what stands beside it.
//!
//! The text is read once, token by token, without building a tree; only the strings that hold secrets are replaced, so
//! everything else stays as it was to the byte. JSON inside a string is read the same way.

use super::json_keys::{Role, Scope};
use super::redact::{Rule, Tally, is_redacted};
use super::redact_text::{self, MARKS, NAMES};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::ops::Range;

/// What came of it.
#[derive(Debug)]
pub enum Json {
    /// It is JSON and holds no secret.
    Clean,
    /// It is JSON, and this is it without secrets.
    Changed(Vec<u8>, Tally),
    /// It is not an object or array of JSON.
    Other,
}

/// JSON inside a string inside a string: further in, it is treated as text.
const DEPTH: u8 = 6;

/// JSON without secrets. `about_secrets`: every map named `data` is a Secret's.
pub fn clean(json: &[u8], about_secrets: bool) -> Json {
    clean_at(json, about_secrets, DEPTH)
}

fn clean_at(json: &[u8], about_secrets: bool, depth: u8) -> Json {
    if !matches!(json.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Json::Other;
    }
    let marks: Vec<usize> = MARKS.find_iter(json).map(|found| found.start()).collect();
    if marks.is_empty() && !about_secrets {
        // Not looked at whether it is well-formed: there is nothing to do either way.
        return Json::Clean;
    }
    let mut scan = Scan { json, marks, next_mark: 0, frames: Vec::new(), pending: Vec::new(), edits: Vec::new(), depth };
    if scan.run().is_none() {
        return Json::Other;
    }
    if about_secrets {
        for held in std::mem::take(&mut scan.pending) {
            scan.commit(&held);
        }
    }
    scan.finish()
}

struct Scan<'a> {
    json: &'a [u8],
    /// Where something was found that may be part of a secret; strings without any are skipped.
    marks: Vec<usize>,
    next_mark: usize,
    frames: Vec<Frame>,
    pending: Vec<Pending>,
    edits: Vec<Edit>,
    depth: u8,
}

/// An open object or array.
struct Frame {
    object: bool,
    expects_key: bool,
    /// What the current key says about its value.
    role: Role,
    /// What an enclosing key says about everything in here.
    scope: Scope,
    /// Its `kty` was seen: it is a JSON Web Key.
    is_key: bool,
    /// It names a header or variable whose value is a credential.
    is_credential: bool,
    /// It has an issuer: it is the claims of a token.
    is_claims: bool,
    /// Whether its `kind` says that it is a Secret.
    is_secret: Option<bool>,
    /// Where its own part of `Scan::pending` begins.
    pending: usize,
}

/// A string that is a secret if the object around it turns out to be of the right kind.
struct Pending {
    string: Range<usize>,
    why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    KeyMember,
    NamedValue { base64: bool },
    SecretData { base64: bool },
    Subject,
}

struct Edit {
    string: Range<usize>,
    text: Vec<u8>,
    tally: Tally,
}

impl Scan<'_> {
    /// Read everything. `None` when it is not JSON.
    fn run(&mut self) -> Option<()> {
        let mut at = 0;
        while let Some(byte) = self.json.get(at) {
            at = match byte {
                b'"' => {
                    let end = string_end(self.json, at)?;
                    self.string(at..end)?;
                    end
                }
                b'{' | b'[' => {
                    self.open(*byte == b'{');
                    at + 1
                }
                b'}' | b']' => {
                    self.close(*byte == b'}')?;
                    at + 1
                }
                b',' => {
                    let frame = self.frames.last_mut()?;
                    frame.expects_key = frame.object;
                    at + 1
                }
                b' ' | b'\t' | b'\r' | b'\n' => at + 1,
                b':' if !self.frames.is_empty() => at + 1,
                _ => {
                    self.frames.last()?;
                    scalar_end(self.json, at)?
                }
            };
        }
        self.frames.is_empty().then_some(())
    }

    fn open(&mut self, object: bool) {
        let (role, scope) = self.frames.last().map_or((Role::None, Scope::None), |frame| (frame.role, frame.scope));
        let role = if object { Role::None } else { role.of_items() };
        let scope = self.frames.last().map_or(scope, |frame| frame.role.scope(scope, object));
        self.frames.push(Frame {
            object,
            expects_key: object,
            role,
            scope,
            is_key: false,
            is_credential: false,
            is_claims: false,
            is_secret: None,
            pending: self.pending.len(),
        });
    }

    fn close(&mut self, object: bool) -> Option<()> {
        let frame = self.frames.pop().filter(|frame| frame.object == object)?;
        if frame.pending < self.pending.len() {
            let around = self.frames.last().map_or(Role::None, |frame| frame.role);
            for held in self.pending.split_off(frame.pending) {
                match frame.verdict(held.why, around) {
                    Verdict::Secret => self.commit(&held),
                    Verdict::Harmless => {}
                    Verdict::AskOutside => self.pending.push(held),
                }
            }
        }
        Some(())
    }

    fn string(&mut self, string: Range<usize>) -> Option<()> {
        let marked = self.is_marked(&string);
        let frame = self.frames.last_mut()?;
        let content = &self.json[string.start + 1..string.end - 1];
        if frame.expects_key {
            frame.expects_key = false;
            frame.role = Role::of_key(content, marked);
            frame.is_key |= frame.role == Role::KeyType;
            if marked && frame.role == Role::None {
                self.text(string);
            }
            return Some(());
        }
        let (role, scope) = (frame.role, frame.scope);
        match role {
            Role::Kind => frame.is_secret = Some(matches!(content, b"Secret" | b"SecretList")),
            Role::Name if marked => frame.is_credential |= names_credential(content),
            Role::Issuer => frame.is_claims = true,
            _ => {}
        }
        let why = match (role, scope) {
            (_, Scope::SecretData { base64 }) => Some(Why::SecretData { base64 }),
            (Role::KeyMember, _) | (_, Scope::KeyMembers) => Some(Why::KeyMember),
            (Role::Value { base64 }, _) => Some(Why::NamedValue { base64 }),
            (Role::Subject, _) => Some(Why::Subject),
            _ => None,
        };
        if let Some(why) = why {
            self.pending.push(Pending { string: string.clone(), why });
        }
        match (role, scope) {
            (Role::Header, _) => self.header(string),
            (Role::Credential, _) => self.replace(string, Rule::Credential, false),
            (Role::Code, _) | (Role::Inline { .. }, Scope::Code) => self.replace(string, Rule::Code, false),
            (Role::Inline { base64 }, Scope::Credential) => self.replace(string, Rule::Credential, base64),
            _ if marked => self.text(string),
            _ => {}
        }
        Some(())
    }

    fn is_marked(&mut self, string: &Range<usize>) -> bool {
        while self.marks.get(self.next_mark).is_some_and(|mark| *mark < string.start) {
            self.next_mark += 1;
        }
        self.marks.get(self.next_mark).is_some_and(|mark| *mark < string.end)
    }

    fn commit(&mut self, held: &Pending) {
        let string = held.string.clone();
        match held.why {
            Why::KeyMember => self.replace(string, Rule::Jwk, false),
            Why::NamedValue { base64: false } => self.header(string),
            Why::NamedValue { base64: true } => self.replace(string, Rule::Header, true),
            Why::SecretData { base64 } => self.replace(string, Rule::Secret, base64),
            Why::Subject => self.replace(string, Rule::Subject, false),
        }
    }

    /// The value of a header: a token in it keeps its claims, anything else goes.
    fn header(&mut self, string: Range<usize>) {
        let Some(value) = self.decode(&string) else { return };
        let mut tally = Tally::default();
        let value = match super::redact_jwt::clean(value.as_bytes(), &mut tally) {
            Some(clean) => String::from_utf8_lossy(&clean).into_owned(),
            None => value,
        };
        let scheme = redact_text::scheme_length(value.as_bytes());
        let (scheme, secret) = value.split_at(scheme);
        let mut text = value.clone();
        if redact_text::is_secret(secret.as_bytes()) {
            tally.add(Rule::Header);
            text = format!("{scheme}{}", Rule::Header.token(secret.as_bytes()));
        }
        if tally != Tally::default() {
            self.edit(string, &text, tally);
        }
    }

    /// The whole value goes, unless it is empty, gone already, or nothing but certificates.
    fn replace(&mut self, string: Range<usize>, rule: Rule, base64: bool) {
        let Some(value) = self.decode(&string) else { return };
        let plain = if base64 { BASE64_STANDARD.decode(&value).ok() } else { None };
        let secret = plain.as_deref().unwrap_or(value.as_bytes());
        if secret.is_empty() || is_redacted(value.as_bytes()) || only_certificates(secret) {
            return;
        }
        let token = rule.token(secret);
        let mut tally = Tally::default();
        tally.add(rule);
        // Where base64 is expected it stays base64, so that whoever decodes it finds the token.
        self.edit(string, &if base64 { BASE64_STANDARD.encode(token) } else { token }, tally);
    }

    fn text(&mut self, string: Range<usize>) {
        let Some(value) = self.decode(&string) else { return };
        let mut tally = Tally::default();
        let inner = if self.depth > 0 { clean_at(value.as_bytes(), false, self.depth - 1) } else { Json::Other };
        let clean = match inner {
            Json::Clean => return,
            Json::Changed(clean, changes) => {
                tally = changes;
                clean
            }
            Json::Other => match redact_text::clean(value.as_bytes(), &mut tally) {
                Some(clean) => clean,
                None => return,
            },
        };
        self.edit(string, &String::from_utf8_lossy(&clean), tally);
    }

    fn decode(&self, string: &Range<usize>) -> Option<String> {
        serde_json::from_slice(&self.json[string.clone()]).ok()
    }

    fn edit(&mut self, string: Range<usize>, text: &str, tally: Tally) {
        let text = serde_json::Value::from(text).to_string().into_bytes();
        self.edits.push(Edit { string, text, tally });
    }

    fn finish(mut self) -> Json {
        if self.edits.is_empty() {
            return Json::Clean;
        }
        // The later of two edits of one string knew more about it.
        self.edits.sort_by_key(|edit| edit.string.start);
        let (mut out, mut copied, mut tally) = (Vec::with_capacity(self.json.len()), 0, Tally::default());
        for (place, edit) in self.edits.iter().enumerate() {
            if self.edits.get(place + 1).is_some_and(|next| next.string.start == edit.string.start) {
                continue;
            }
            out.extend_from_slice(&self.json[copied..edit.string.start]);
            out.extend_from_slice(&edit.text);
            copied = edit.string.end;
            tally.merge(edit.tally);
        }
        out.extend_from_slice(&self.json[copied..]);
        Json::Changed(out, tally)
    }
}

enum Verdict {
    Secret,
    Harmless,
    AskOutside,
}

impl Frame {
    /// What becomes of a string that was held back, when this object or array ends. `around`: the key it belongs to.
    fn verdict(&self, why: Why, around: Role) -> Verdict {
        let (secret, ask) = match why {
            Why::KeyMember => (self.is_key, !self.object || around == Role::KeyMembers),
            Why::NamedValue { .. } => (self.is_credential, self.object && around == Role::Matcher),
            Why::SecretData { .. } => (self.is_secret == Some(true), self.is_secret.is_none()),
            Why::Subject => (self.is_claims, false),
        };
        if secret {
            Verdict::Secret
        } else if ask {
            Verdict::AskOutside
        } else {
            Verdict::Harmless
        }
    }
}

/// Where the string that starts at this quote ends.
fn string_end(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        // Most strings are short: look at their bytes one by one before calling for the heavy machinery.
        let near = json.get(at..)?.iter().take(16).position(|byte| matches!(byte, b'"' | b'\\'));
        at += near.or_else(|| Some(16 + memchr::memchr2(b'"', b'\\', json.get(at + 16..)?)?))?;
        if json[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the number or word that starts here ends.
fn scalar_end(json: &[u8], start: usize) -> Option<usize> {
    let length = json[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
    let scalar = &json[start..start + length];
    let number = scalar.iter().all(|byte| b"0123456789+-.eE".contains(byte)) && !scalar.is_empty();
    (number || matches!(scalar, b"true" | b"false" | b"null")).then_some(start + length)
}

/// Whether a header or an environment variable of this name carries a credential.
fn names_credential(name: &[u8]) -> bool {
    const ENDS: [&[u8]; 8] =
        [b"PASSWORD", b"PASSWD", b"SECRET", b"_TOKEN", b"API_KEY", b"ACCESS_KEY", b"SECRET_KEY", b"PRIVATE_KEY"];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())) || ENDS.iter().any(|end| name.ends_with(end))
}

/// Certificates are public, and the diagnosis needs them: an extra CA for istiod is kept in a Secret, for one.
fn only_certificates(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some(body) = rest.strip_prefix("-----BEGIN CERTIFICATE-----") else { return false };
        let Some((body, after)) = body.split_once("-----END CERTIFICATE-----") else { return false };
        if !body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/= \r\n\t".contains(&byte)) {
            return false;
        }
        rest = after.trim_start();
    }
    !text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn cleaned(json: &str) -> Value {
        let bytes = match clean(json.as_bytes(), false) {
            Json::Clean => json.as_bytes().to_vec(),
            Json::Changed(clean, _) => clean,
            Json::Other => panic!("it is JSON: {json}"),
        };
        serde_json::from_slice(&bytes).expect("JSON stays JSON")
    }

    /// What `json` becomes at each of these places, and whether all the rest stays.
    fn only_changes(json: &Value, places: &[(&str, &str)]) {
        let mut expected = json.clone();
        for (place, value) in places {
            *expected.pointer_mut(place).expect(place) = (*value).into();
        }
        assert_eq!(cleaned(&json.to_string()), expected);
        assert_eq!(cleaned(&expected.to_string()), expected, "twice is as once");
    }

    fn coded(text: impl AsRef<[u8]>) -> String {
        BASE64_STANDARD.encode(text)
    }

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n";

    #[test]
    fn private_members_of_keys_go_wherever_kty_stands() {
        let key = json!({"keys": [
            {"d": "private-d", "kty": "RSA", "n": "public-n", "e": "AQAB", "kid": "k", "oth": [{"r": "rr", "d": "dd", "t": "tt"}]},
            {"kty": "oct", "k": "symmetric"},
            {"d": "no key", "p": 1},
        ]});
        let jwk = |secret: &str| Rule::Jwk.token(secret.as_bytes());
        let (d, k) = (jwk("private-d"), jwk("symmetric"));
        let (r, dd, t) = (jwk("rr"), jwk("dd"), jwk("tt"));
        only_changes(
            &key,
            &[("/keys/0/d", &d), ("/keys/1/k", &k), ("/keys/0/oth/0/r", &r), ("/keys/0/oth/0/d", &dd), ("/keys/0/oth/0/t", &t)],
        );
    }

    #[test]
    fn json_in_strings_is_read_too() {
        let keys = json!({"keys": [{"kty": "RSA", "n": "nn", "d": "secret"}]}).to_string();
        let dump = json!({"local_jwks": {"inline_string": keys}, "annotation": json!({"spec": {"jwks": keys}}).to_string()});
        let clean = cleaned(&dump.to_string());
        let token = Rule::Jwk.token(b"secret");
        let inner: Value = serde_json::from_str(clean["local_jwks"]["inline_string"].as_str().unwrap()).unwrap();
        assert_eq!(inner["keys"][0], json!({"kty": "RSA", "n": "nn", "d": token}));
        let outer: Value = serde_json::from_str(clean["annotation"].as_str().unwrap()).unwrap();
        assert!(outer["spec"]["jwks"].as_str().unwrap().contains(&token));
    }

    #[test]
    fn secrets_lose_their_values_but_not_their_certificates() {
        let applied = json!({"kind": "Secret", "stringData": {"password": "hunter2"}}).to_string();
        let secret = json!({"data": {"a": coded("hunter2"), "extra.pem": coded(CERTIFICATE), "tls.key": coded(KEY), "empty": ""},
            "stringData": {"b": "hunter2"}, "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}}});
        let token = Rule::Secret.token(b"hunter2");
        let applied = json!({"kind": "Secret", "stringData": {"password": token}}).to_string();
        let (a, key) = (coded(&token), coded(Rule::Secret.token(KEY.as_bytes())));
        let annotation = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
        only_changes(&secret, &[("/data/a", &a), ("/data/tls.key", &key), ("/stringData/b", &token), (annotation, &applied)]);
    }

    #[test]
    fn lists_of_secrets_and_config_maps_are_told_apart() {
        let value = coded("hunter2");
        let list = json!({"items": [{"data": {"a": value}}], "kind": "SecretList"});
        only_changes(&list, &[("/items/0/data/a", &coded(Rule::Secret.token(b"hunter2")))]);
        let mixed = json!({"kind": "List", "items": [{"kind": "ConfigMap", "data": {"a": value}}, {"kind": "Secret", "data": {"a": value}}]});
        only_changes(&mixed, &[("/items/1/data/a", &coded(Rule::Secret.token(b"hunter2")))]);
        let nameless = json!({"items": [{"data": {"a": value}}]}).to_string();
        assert!(matches!(clean(nameless.as_bytes(), false), Json::Clean));
        assert!(matches!(clean(nameless.as_bytes(), true), Json::Changed(..)), "the question was for Secrets");
    }

    #[test]
    fn what_envoy_keeps_inline_goes_and_what_it_hid_stays() {
        let dump = json!({"tls_certificate": {"certificate_chain": {"inline_bytes": coded(CERTIFICATE)},
            "private_key": {"inline_bytes": coded(KEY)}, "password": {"inline_string": "hunter2"}},
            "hidden": {"private_key": {"inline_bytes": "W3JlZGFjdGVkXQ=="}},
            "generic_secret": {"secret": {"inline_string": "hunter2"}}, "generic_secret_name": "x",
            "validation_context": {"trusted_ca": {"inline_string": CERTIFICATE}}});
        let token = Rule::Credential.token(b"hunter2");
        let key = coded(Rule::Credential.token(KEY.as_bytes()));
        only_changes(
            &dump,
            &[
                ("/tls_certificate/private_key/inline_bytes", &key),
                ("/tls_certificate/password/inline_string", &token),
                ("/generic_secret/secret/inline_string", &token),
            ],
        );
    }

    #[test]
    fn header_values_go_in_every_form_of_configuration() {
        let config = json!({
            "request_headers_to_add": [{"header": {"key": "Authorization", "value": "Basic aHVudGVyMg=="}}, {"header": {"key": "x-a", "value": "b"}}],
            "set": {"x-api-key": "hunter2", "cookie": ["a=b; c=d"], "x-b": "c"},
            "match": {"name": "authorization", "string_match": {"exact": "Bearer hunter2"}},
            "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "TOKEN_AUDIENCES", "value": "istio-ca"}],
            "json_format": {"authorization": "%REQ(AUTHORIZATION)%"}, "authorization": {"type": "object"},
        });
        let token = |secret: &str| Rule::Header.token(secret.as_bytes());
        let (basic, bearer) = (format!("Basic {}", token("aHVudGVyMg==")), format!("Bearer {}", token("hunter2")));
        only_changes(
            &config,
            &[
                ("/request_headers_to_add/0/header/value", &basic),
                ("/set/x-api-key", &token("hunter2")),
                ("/set/cookie/0", &token("a=b; c=d")),
                ("/match/string_match/exact", &bearer),
                ("/env/0/value", &token("hunter2")),
            ],
        );
    }

    #[test]
    fn code_subjects_and_plain_texts() {
        let config = json!({"inline_code": "function f() end", "claims": {"sub": "alice", "iss": "https://i"}, "pub": {"sub": "topic"},
            "url": "https://user:hunter2@host/", "note": "cookie: a=b"});
        let (code, sub) = (Rule::Code.token(b"function f() end"), Rule::Subject.token(b"alice"));
        let url = format!("https://user:{}@host/", Rule::Url.token(b"hunter2"));
        let note = format!("cookie: {}", Rule::Header.token(b"a=b"));
        only_changes(&config, &[("/inline_code", &code), ("/claims/sub", &sub), ("/url", &url), ("/note", &note)]);
    }

    #[test]
    fn escapes_hide_nothing() {
        let json = r#"{"u": "https:\/\/user:hunter2@host", "a": "\u0061uthorization: Bearer hunter2"}"#;
        assert!(!cleaned(json).to_string().contains("hunter2"));
    }

    #[test]
    fn everything_else_stays_to_the_byte() {
        let json = "{ \"n\" : 1.00e5, \"password\":\"x\" ,\t\"t\": \"\\u003c\" }\n";
        let Json::Changed(clean, tally) = clean(json.as_bytes(), false) else { panic!("it holds a password") };
        let token = Rule::Credential.token(b"x");
        assert_eq!(String::from_utf8(clean).unwrap(), json.replace("\"x\"", &format!("\"{token}\"")));
        let mut one = Tally::default();
        one.add(Rule::Credential);
        assert_eq!(tally, one);
    }

    #[test]
    fn text_that_looks_like_json_at_first_is_no_json() {
        for text in
            ["[12:00] cookie: a", "{x} cookie: a", "[1] \"cookie\": \"a\"", "{\"cookie\":\"a", "[1} cookie: a", "[cookie: a]"]
        {
            assert!(matches!(clean(text.as_bytes(), false), Json::Other), "{text}");
        }
    }
}
