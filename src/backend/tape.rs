//! The format of a tape: JSON lines in one zstd stream.
//!
//! The first line is the [`Header`]. Then comes one line an answer, in the order in which answers came:
//!
//! ```text
//! {"q":{…},"at":"2026-11-22T13:00:00Z","ms":12,"status":200,"type":"application/json","location":"…","body":…}
//! {"q":{…},"at":"2026-11-22T13:00:01Z","ms":5000,"error":{"kind":"timeout","message":"…"}}
//! {"manifest":{"answers":2,"redacted":{"jwt":3}}}
//! ```
//!
//! A log that streamed is many lines, each with a part of it, that share the number under `stream`: `"stream":0`. The first has no
//! body; a failure is the last.
//!
//! `type` and `location` are left out when there is none, `body` when it is empty. A body takes one of three forms,
//! which its first character tells apart:
//!
//! - a JSON object or array, as it came but for white space between its tokens. Numbers, escapes, the order of keys and
//!   repeated keys stay;
//! - a JSON string: the body as text, byte for byte;
//! - `{"base64":"…"}`, with this one key: the body is not UTF-8. (A body that itself is such an object is kept as text.)
//!
//! A reader ignores keys and lines it does not know; what changes the meaning of known ones raises the version. The
//! manifest closes the tape. A tape without it was cut short, and still answers what it holds.

use super::{Answer, Query};
use crate::error::{Error, Kind, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The version of the format that this program writes, and the newest it reads.
pub const VERSION: u64 = 1;

/// The first line of a tape.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    #[serde(rename = "pilotage_tape")]
    pub version: u64,
    /// When recording began.
    pub recorded_at: Timestamp,
    /// The program that recorded it, with its version.
    #[serde(default)]
    pub tool: String,
    /// The clusters asked; the first is where questions go that name none.
    #[serde(default)]
    pub clusters: Vec<String>,
    /// The namespace of names that come without one.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// The last line of a tape that was closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How many answers the tape holds.
    pub answers: u64,
    /// How often each rule of redaction fired; nothing at all when secrets were kept on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<BTreeMap<String, u64>>,
}

/// A manifest, as a line.
#[derive(Serialize, Deserialize)]
pub struct Closing {
    /// What closes the tape.
    pub manifest: Manifest,
}

/// A line that holds an answer, read no further than needed to find it again.
#[derive(Deserialize)]
pub struct Line<'a> {
    /// The question.
    #[serde(borrow)]
    pub q: &'a RawValue,
    /// When the answer was complete.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub ms: u64,
    /// The status, unless it is a failure.
    #[serde(default)]
    pub status: u16,
    /// The content type.
    #[serde(default, rename = "type")]
    pub content_type: Option<String>,
    /// Where a redirect leads.
    #[serde(default)]
    pub location: Option<String>,
    /// The body, in one of the three forms.
    #[serde(borrow, default)]
    pub body: Option<&'a RawValue>,
    /// The failure, when no answer came.
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
    /// Which stream it is a part of.
    #[serde(default)]
    pub stream: Option<u64>,
}

/// The line for an answer, or for the failure in its place, line end included.
pub fn line(query: &Query, answer: &Result<Answer>, at: Timestamp, stream: Option<u64>) -> Vec<u8> {
    let mut line = Vec::with_capacity(256 + answer.as_ref().map_or(0, |answer| answer.body.len()));
    put(&mut line, b"{\"q\":", query);
    match answer {
        Ok(answer) => put_answer(&mut line, answer),
        Err(error) => {
            put(&mut line, b",\"at\":", &at);
            put(&mut line, b",\"error\":", error);
        }
    }
    if let Some(stream) = stream {
        put(&mut line, b",\"stream\":", &stream);
    }
    line.extend_from_slice(b"}\n");
    line
}

fn put_answer(line: &mut Vec<u8>, answer: &Answer) {
    put(line, b",\"at\":", &answer.at);
    put(line, b",\"ms\":", &answer.ms);
    put(line, b",\"status\":", &answer.status);
    if let Some(content_type) = &answer.content_type {
        put(line, b",\"type\":", content_type);
    }
    if let Some(location) = &answer.location {
        put(line, b",\"location\":", location);
    }
    if !answer.body.is_empty() {
        line.extend_from_slice(b",\"body\":");
        put_body(line, &answer.body);
    }
}

fn put(line: &mut Vec<u8>, key: &[u8], value: &impl Serialize) {
    line.extend_from_slice(key);
    serde_json::to_writer(line, value).expect("plain data always becomes JSON");
}

fn put_body(line: &mut Vec<u8>, body: &[u8]) {
    match std::str::from_utf8(body) {
        Ok(text) if is_document(text) => compact(text.as_bytes(), line),
        Ok(text) => put(line, b"", &text),
        Err(_) => put(line, b"", &BTreeMap::from([("base64", BASE64_STANDARD.encode(body))])),
    }
}

/// Whether this text can stand on the tape as it is: an object or array, and not one that looks like our base64 form.
fn is_document(text: &str) -> bool {
    let starts = text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with(['{', '[']);
    starts && serde_json::from_str::<IgnoredAny>(text).is_ok() && as_base64(text.as_bytes()).is_none()
}

/// Copy JSON without the white space between its tokens, so that it fits on one line.
fn compact(json: &[u8], out: &mut Vec<u8>) {
    let mut rest = json;
    while let Some(first) = rest.first() {
        let (take, skip) = match first {
            b'"' => (string_end(rest), 0),
            b' ' | b'\t' | b'\r' | b'\n' => (0, rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()),
            _ => (rest.iter().take_while(|byte| !matches!(byte, b'"' | b' ' | b'\t' | b'\r' | b'\n')).count(), 0),
        };
        out.extend_from_slice(&rest[..take]);
        rest = &rest[take + skip..];
    }
}

/// Where the JSON string that starts here ends, quotes included.
fn string_end(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(next) = memchr::memchr2(b'"', b'\\', &json[at.min(json.len())..]) {
        at += next;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

/// A body as it was, from its form on the tape.
///
/// # Errors
/// When it has none of the three forms.
pub fn body(form: &Bytes) -> Result<Bytes> {
    match form.first() {
        Some(b'{' | b'[') => match as_base64(form) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).map(Bytes::from).map_err(|error| damaged().cause(error)),
            None => Ok(form.clone()),
        },
        Some(b'"') => serde_json::from_slice::<String>(form).map(Bytes::from).map_err(|error| damaged().cause(error)),
        _ => Err(damaged()),
    }
}

fn damaged() -> Error {
    Error::new(Kind::BadTape, "a body on the tape is neither an object, nor an array, nor text").hint("record it again")
}

fn as_base64(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        base64: String,
    }
    // The one key must come first; so a large document costs nothing here.
    let key = json.trim_ascii_start().strip_prefix(b"{")?;
    key.trim_ascii_start().starts_with(b"\"base64\"").then_some(())?;
    serde_json::from_slice::<Form>(json).ok().map(|form| form.base64)
}

#[cfg(test)]
mod tests {
    use super::super::Ask;
    use super::super::testing::{answer, at};
    use super::*;
    use proptest::prelude::*;

    fn written(body: &[u8]) -> (String, Bytes) {
        let given = Answer { body: Bytes::copy_from_slice(body), ..answer("") };
        let line = line(&Query::new("lab", Ask::kube("/version")), &Ok(given), at("2026-11-22T13:00:00Z"), None);
        let text = String::from_utf8(line).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
        let read: Line<'_> = serde_json::from_str(&text).unwrap();
        let form = read.body.map_or_else(String::new, |form| form.get().to_owned());
        let back = if form.is_empty() { Bytes::new() } else { super::body(&Bytes::from(form.clone())).unwrap() };
        (form, back)
    }

    #[test]
    fn an_answer_is_one_line_with_all_it_says() {
        let given = Answer { status: 302, location: Some("https://b/".into()), ms: 7, ..answer("[1]") };
        let line = line(&Query::new("lab", Ask::kube("/version")), &Ok(given), at("2026-11-22T14:00:00Z"), None);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            concat!(
                r#"{"q":{"cluster":"lab","to":"kube","method":"GET","path":"/version"},"at":"2026-11-22T13:00:00Z","ms":7,"#,
                r#""status":302,"type":"application/json","location":"https://b/","body":[1]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn json_keeps_its_meaning_to_the_byte() {
        let json = "{ \"b\" : 1.0e400,\n\t\"a\": \"x  \\\" \\u00e9 \\n\", \"a\": 12345678901234567890123,\r\n \"c\": [ ] }\n";
        let (form, back) = written(json.as_bytes());
        assert_eq!(form, r#"{"b":1.0e400,"a":"x  \" \u00e9 \n","a":12345678901234567890123,"c":[]}"#);
        assert_eq!(back, form);
    }

    #[test]
    fn text_and_bytes_come_back_as_they_were() {
        let cases: [&[u8]; 9] = [
            b"",
            b"plain\ntext\n",
            b"\"json string\"",
            b"12",
            b"null",
            b"{cut",
            b"\xff\xfe\0",
            b"[1] [2]",
            b"{\"base64\":\"aGk=\"}",
        ];
        for body in cases {
            assert_eq!(written(body).1, body, "{:?}", String::from_utf8_lossy(body));
        }
        assert_eq!(written(b"\xff").0, r#"{"base64":"/w=="}"#);
    }

    #[test]
    fn a_form_that_is_none_is_refused() {
        for form in ["12", "null", "{\"base64\":\"!\"}"] {
            assert_eq!(body(&Bytes::from(form)).unwrap_err().kind(), Kind::BadTape, "{form}");
        }
    }

    proptest! {
        #[test]
        fn any_body_comes_back(body in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(written(&body).1, body);
        }

        #[test]
        fn any_text_comes_back_or_means_the_same(body in r#"[\[\]{}"\\:,1a \n]{0,12}"#) {
            let back = written(body.as_bytes()).1;
            if back != body.as_bytes() {
                let [before, after]: [serde_json::Value; 2] =
                    [serde_json::from_str(&body).unwrap(), serde_json::from_slice(&back).unwrap()];
                prop_assert_eq!(before, after);
            }
        }
    }
}
