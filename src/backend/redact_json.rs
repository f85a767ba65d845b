//! Secrets in JSON, found by structure: which key a string belongs to, and what stands beside it.
//!
//! The text is read once, token by token, without building a tree; only the strings that hold secrets are replaced, so
//! everything else stays as it was to the byte. JSON inside a string is read the same way.

use super::json_keys::{Role, Scope};
use super::redact::{Rule, Tally, is_redacted};
use super::redact_marks::marks;
use super::redact_text::{self, NAMES};
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

/// The strings of a JSON text that hold secrets, each with the JSON string for its place. Nothing when it is no JSON.
pub fn edits(json: &[u8]) -> Option<Vec<(Range<usize>, Vec<u8>)>> {
    let marks: Vec<usize> = marks(json).collect();
    let mut scan = Scan::new(json, marks, DEPTH);
    scan.run()?;
    Some(scan.last_edits().map(|edit| (edit.string, edit.text)).collect())
}

fn clean_at(json: &[u8], about_secrets: bool, depth: u8) -> Json {
    if !matches!(json.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Json::Other;
    }
    let marks: Vec<usize> = marks(json).collect();
    if marks.is_empty() && !about_secrets {
        // Not looked at whether it is well-formed: there is nothing to do either way.
        return Json::Clean;
    }
    let mut scan = Scan::new(json, marks, depth);
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

impl<'a> Scan<'a> {
    fn new(json: &'a [u8], marks: Vec<usize>, depth: u8) -> Self {
        Self { json, marks, next_mark: 0, frames: Vec::new(), pending: Vec::new(), edits: Vec::new(), depth }
    }

    /// Read everything. `None` when it is not JSON.
    fn run(&mut self) -> Option<()> {
        let json = self.json;
        let mut at = 0;
        while let Some(byte) = json.get(at) {
            at = match byte {
                b'"' => {
                    let end = string_end(json, at)?;
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
                b' ' | b'\t' | b'\r' | b'\n' => {
                    at + json[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
                }
                b':' if !self.frames.is_empty() => at + 1,
                _ => {
                    self.frames.last()?;
                    scalar_end(json, at)?
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

    /// In order, one for a string.
    fn last_edits(&mut self) -> impl Iterator<Item = Edit> + use<> {
        let mut edits = std::mem::take(&mut self.edits);
        // The later of two edits of one string knew more about it.
        edits.reverse();
        edits.sort_by_key(|edit| edit.string.start);
        edits.dedup_by_key(|edit| edit.string.start);
        edits.into_iter()
    }

    fn finish(mut self) -> Json {
        if self.edits.is_empty() {
            return Json::Clean;
        }
        let (mut out, mut copied, mut tally) = (Vec::with_capacity(self.json.len()), 0, Tally::default());
        for edit in self.last_edits() {
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
