//! Tokens (JWT): taken apart without judging, and without ever saying them aloud.

use super::signature::unbase64;
use crate::error::{Error, Kind, Result};
use serde_json::{Map, Value};
use std::fmt;

/// A token, taken apart. Printing it shows names only.
#[derive(Clone, PartialEq)]
pub struct Token {
    /// The header: `alg`, `kid`, `typ`.
    pub header: Map<String, Value>,
    /// The claims: `iss`, `aud`, `sub`, `exp`, …
    pub claims: Map<String, Value>,
    pub(super) signed: String,
    /// Nothing when the third part is not base64url.
    pub(super) signature: Option<Vec<u8>>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.claims.keys().collect::<Vec<_>>();
        f.debug_struct("Token").field("header", &self.header).field("claims", &names).finish_non_exhaustive()
    }
}

/// Take a token apart. Nothing is verified; [`verify`](super::verify) does that.
///
/// White space round the token is ignored, as at the end of a file.
///
/// # Errors
/// When it is no token; the error says what it is instead and never repeats it.
pub fn decode(text: &str) -> Result<Token> {
    let text = text.trim();
    shape(text)?;
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    Ok(Token {
        header: part("header", "Jwt header", header)?,
        claims: part("payload", "Jwt payload", claims)?,
        signed: format!("{header}.{claims}"),
        signature: unbase64(signature),
    })
}

fn bad(message: impl Into<String>, hint: &str) -> Error {
    Error::new(Kind::BadInput, message).hint(hint)
}

/// Envoy's words for a token without three parts.
pub(super) const FORM: &str = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";

/// Refuse what is no token at all, by what it looks like.
fn shape(text: &str) -> Result<()> {
    let letters = text.chars().count();
    let lower = text.to_ascii_lowercase();
    if text.is_empty() {
        return Err(bad("the token is empty", "give the access token, not the file or variable that should hold it"));
    }
    if text.contains('⟨') || text.contains('…') || lower.contains("redacted") {
        return Err(bad("the token was redacted", "give the token as the client sends it; a tape does not keep tokens"));
    }
    let value = lower.strip_prefix("authorization:").unwrap_or(&lower).trim_start();
    if let Some(rest) = value.strip_prefix("bearer") {
        return Err(bearer(rest));
    }
    if text.starts_with(['{', '[', '"', '\'']) {
        return Err(bad("the token is wrapped in JSON or quotes", "give only the text of access_token, without quotes"));
    }
    if let Some(place) = text.chars().position(char::is_whitespace) {
        let message =
            format!("the token has white space after letter {place} of {letters}: it was wrapped, or more than one was given");
        return Err(bad(message, "join the lines to one, without spaces"));
    }
    parts(text, letters)
}

fn bearer(rest: &str) -> Error {
    if rest.trim_start().starts_with("bearer") {
        let message = format!("the token has the word Bearer twice; a proxy would answer 401 '{FORM}'");
        return bad(message, "look at the client: it adds 'Bearer ' to a value that has it already");
    }
    bad(
        "the token still has 'Bearer ' in front, which belongs to the header and not to the token",
        "give what comes after 'Bearer '",
    )
}

fn parts(text: &str, letters: usize) -> Result<()> {
    let dots = text.matches('.').count();
    match dots {
        2 => Ok(()),
        0 => Err(bad(
            format!("this is no JWT: {letters} letters without a dot, an opaque token; a proxy would answer 401 '{FORM}'"),
            "only the issuer can read it; have the client ask for a JWT access token",
        )),
        4 => Err(bad(
            "this token is encrypted (JWE: five parts); no proxy can read it",
            "turn off encryption of access tokens for this client at the issuer",
        )),
        _ => Err(bad(
            format!("this is no JWT: it has {} parts and not three; a proxy would answer 401 '{FORM}'", dots + 1),
            if dots == 1 {
                "it was cut off, or its signature was left out; copy it whole"
            } else {
                "check that exactly one token was given"
            },
        )),
    }
}

fn part(name: &str, envoy: &str, text: &str) -> Result<Map<String, Value>> {
    let answer = |what: &str| format!("a proxy would answer 401 '{envoy} is an invalid {what}'");
    if text.is_empty() {
        return Err(bad(format!("the {name} of the token is empty; a proxy would answer 401 '{FORM}'"), "copy the token whole"));
    }
    let Some(bytes) = unbase64(text) else {
        let wrong = text.chars().position(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=')));
        let place =
            wrong.map_or("its length is impossible".into(), |place| format!("letter {} does not belong there", place + 1));
        let message = format!("the {name} of the token is not base64url: {place}; {}", answer("Base64url encoded"));
        return Err(bad(message, "the token was changed on its way; copy it again, whole"));
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(bad(
            format!("the {name} of the token is JSON, but no object; {}", answer("JSON")),
            "this is no JWT; ask the issuer for one",
        )),
        Err(_) => Err(bad(
            format!("the {name} of the token is not JSON; {}", answer("JSON")),
            "this is no JWT, although it has three parts; ask the issuer for one",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing::{tokens, with_parts};
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_recorded_token_reads_as_its_recording_says() {
        let tokens = tokens();
        assert_eq!(tokens.len(), 14);
        for token in tokens {
            match decode(&token.token) {
                Ok(decoded) => {
                    assert_eq!((Some(decoded.header), Some(decoded.claims)), (token.header, token.claims), "{}", token.name)
                }
                Err(error) => assert_eq!((token.name.as_str(), token.claims), ("not-a-jwt", None), "{error}"),
            }
        }
        let error = decode("not.a.jwt").unwrap_err().to_string();
        assert!(error.contains("Jwt header is an invalid JSON"), "{error}");
    }

    #[test]
    fn each_way_to_be_no_token_has_its_own_words_and_is_not_repeated() {
        let good = with_parts(&json!({"alg": "RS256"}), &json!({"iss": "i"}), "c2lnbmF0dXJl");
        let mut seen = Vec::new();
        for (text, expected) in [
            (String::new(), "is empty"),
            (format!("Bearer {good}"), "'Bearer ' in front"),
            (format!("Authorization: bearer {good}"), "'Bearer ' in front"),
            (format!("Bearer Bearer {good}"), "twice"),
            (format!("{}\n{}", &good[..9], &good[9..]), "white space after letter 9"),
            ("0f8e5a3c1d2e3f40".into(), "an opaque token"),
            ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpIn0".into(), "2 parts and not three"),
            (format!("{good}.{good}"), "6 parts and not three"),
            ("a.b.c.d.e".into(), "JWE"),
            (format!("{{\"access_token\":\"{good}\"}}"), "wrapped in JSON"),
            ("eyJh+bGci.eyJpc3MiOiJpIn0.x".into(), "header of the token is not base64url: letter 5"),
            ("eyJhbGciOiJSUzI1NiJ9.a.x".into(), "payload of the token is not base64url: its length"),
            ("bm90.anNvbg.x".into(), "header of the token is not JSON"),
            ("eyJhbGciOiJSUzI1NiJ9.bm90.x".into(), "payload of the token is not JSON"),
            ("W10.W10.x".into(), "no object"),
            ("..".into(), "header of the token is empty"),
            ("⟨redacted:jwt:1a2b3c4d⟩".into(), "redacted"),
        ] {
            let error = decode(&text).unwrap_err();
            assert!(error.to_string().contains(expected), "{expected}: {error}");
            assert!(error.next_step().is_some(), "{error}");
            assert!(!format!("{error:?}").contains("c2lnbmF0dXJl"), "{error}");
            seen.push(error.to_string());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 16, "only the two Bearer forms share their words");
    }

    #[test]
    fn a_token_out_of_a_file_reads_and_its_debug_form_hides_it() {
        let text = with_parts(&json!({"alg": "RS256"}), &json!({"sub": "alice"}), "c2lnbmF0dXJl");
        let token = decode(&format!("  {text}\n")).unwrap();
        assert_eq!(token.claims["sub"], "alice");
        let shown = format!("{token:?}");
        assert!(shown.contains("sub") && !shown.contains("alice") && !shown.contains("signed"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}", cut in 0usize..900) {
            let _ = decode(&text);
            let _ = decode(&tokens()[0].token.chars().take(cut).collect::<String>());
        }
    }
}
