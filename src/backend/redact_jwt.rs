//! Tokens (JWT) in a text: what says whether a token is accepted stays readable, the rest goes.

use super::redact::{Rule, Tally};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use regex::bytes::Regex;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// How base64 of a JSON object begins: `{"`, `{ "`, `{` and a line end.
static START: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?-u)ey(?:J|Ai)|ew(?:og|oi|oJ|0K)").expect("a constant pattern"));

/// Claims that decide whether a token is accepted; their values stay.
const KEPT: [&str; 9] = ["iss", "aud", "exp", "nbf", "iat", "typ", "azp", "scope", "alg"];

/// The text with every token in it made harmless, if there is one.
pub fn clean(text: &[u8], tally: &mut Tally) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut from, mut copied) = (0, 0);
    while let Some(start) = START.find_at(text, from).map(|found| found.start()) {
        from = start + 3;
        let Some(token) = Token::at(&text[start..]) else { continue };
        from = start + token.length;
        if text[from..].starts_with("⟨redacted:".as_bytes()) {
            continue;
        }
        out.extend_from_slice(&text[copied..start]);
        out.extend_from_slice(token.harmless(tally).as_bytes());
        copied = from;
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&text[copied..]);
    Some(out)
}

struct Token<'a> {
    parts: Vec<&'a [u8]>,
    length: usize,
}

impl<'a> Token<'a> {
    /// The token that starts here: dot-separated parts, of which the first is a header with an algorithm.
    fn at(text: &'a [u8]) -> Option<Self> {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let end = text.iter().position(|byte| !part(byte) && *byte != b'.').unwrap_or(text.len());
        let mut parts: Vec<&[u8]> = text[..end].split(|byte| *byte == b'.').collect();
        if parts.len() < 2 || parts[0].len() < 8 || parts[1].is_empty() {
            return None;
        }
        let header = object(parts[0])?;
        header.get("alg")?;
        // Five parts are an encrypted token; what follows a third part otherwise is not the token's.
        parts.truncate(if header.contains_key("enc") { 5 } else { 3 });
        let length = parts.iter().map(|part| part.len()).sum::<usize>() + parts.len() - 1;
        Some(Self { parts, length })
    }

    fn harmless(&self, tally: &mut Tally) -> String {
        tally.add(Rule::Jwt);
        let mark = Rule::Jwt.token(&self.parts.join(&b'.'));
        let payload = if self.parts.len() > 3 { None } else { object(self.parts[1]) };
        let Some(mut payload) = payload else { return mark };
        for (name, value) in &mut payload {
            if name == "sub" {
                tally.add(Rule::Subject);
            }
            if !KEPT.contains(&name.as_str()) {
                hide(value, if name == "sub" { Rule::Subject } else { Rule::Jwt });
            }
        }
        let payload = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(payload).to_string());
        format!("{}.{payload}.{mark}", String::from_utf8_lossy(self.parts[0]))
    }
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Names and shape stay, values go.
fn hide(value: &mut Value, rule: Rule) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| hide(value, rule)),
        Value::Array(items) => items.iter_mut().for_each(|value| hide(value, rule)),
        Value::String(text) => *text = rule.token(text.as_bytes()),
        Value::Number(number) => *value = Value::String(rule.token(number.to_string().as_bytes())),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn part(json: &Value) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
    }

    fn token() -> String {
        let claims = json!({"iss": "https://sso/", "aud": ["a"], "exp": 5, "sub": "alice", "roles": {"r": ["x", 7]}, "ok": true});
        format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256", "kid": "k1"})), part(&claims))
    }

    fn cleaned(text: &str) -> String {
        let mut tally = Tally::default();
        clean(text.as_bytes(), &mut tally).map_or_else(|| text.to_owned(), |clean| String::from_utf8(clean).unwrap())
    }

    fn claims(token: &str) -> Value {
        Value::Object(object(token.split('.').nth(1).unwrap().as_bytes()).unwrap())
    }

    #[test]
    fn what_decides_about_the_token_stays_and_the_rest_goes() {
        let clean = cleaned(&token());
        assert!(clean.starts_with(&part(&json!({"alg": "RS256", "kid": "k1"}))), "the header stays: {clean}");
        let claims = claims(&clean);
        assert_eq!(
            (&claims["iss"], &claims["aud"], &claims["exp"], &claims["ok"]),
            (&json!("https://sso/"), &json!(["a"]), &json!(5), &json!(true))
        );
        assert_eq!(claims["sub"], json!(Rule::Subject.token(b"alice")));
        assert_eq!(claims["roles"]["r"][0], json!(Rule::Jwt.token(b"x")));
        assert!(clean.ends_with(&Rule::Jwt.token(token().as_bytes())) && !clean.contains("c2lnbmF0dXJl"), "{clean}");
    }

    #[test]
    fn tokens_are_found_wherever_they_stand() {
        let token = token();
        for text in [
            format!("Parse Jwt {token}."),
            format!("x=eyJa.{token}&y"),
            format!("'Bearer {token}'"),
            format!("ey{token} {token}"),
        ] {
            let clean = cleaned(&text);
            assert!(!clean.contains("c2lnbmF0dXJl"), "{clean}");
            assert!(clean.contains(&Rule::Jwt.token(token.as_bytes())), "the same token, the same mark: {clean}");
        }
    }

    #[test]
    fn without_readable_claims_nothing_stays() {
        let header = part(&json!({"alg": "dir", "enc": "A128GCM"}));
        for text in [format!("{header}.a.b.c.d"), format!("{}.notjson.sig", part(&json!({"alg": "x"})))] {
            assert_eq!(cleaned(&text), Rule::Jwt.token(text.as_bytes()));
        }
    }

    #[test]
    fn a_token_without_signature_hides_its_claims_too() {
        let text = token();
        let clean = cleaned(text.rsplit_once('.').unwrap().0);
        assert_eq!(claims(&clean)["sub"], json!(Rule::Subject.token(b"alice")));
    }

    #[test]
    fn twice_is_as_once_and_other_words_stay() {
        let once = cleaned(&token());
        assert_eq!(cleaned(&once), once);
        for text in ["eyJub3QiOjF9", "keycloak.eyJ.apps.test", "eyJhIjoxfQ.com", "hey there. eyJ"] {
            assert_eq!(cleaned(text), text);
        }
    }
}
