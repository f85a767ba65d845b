//! Would a proxy take this token? Every condition of Envoy's `jwt_authn` by itself, in the order Envoy looks at them.

use super::jwks::{Jwk, Jwks};
use super::jwt::{FORM, Token};
use super::signature::{ALGORITHMS, Outcome, check};
use crate::{options, record};
use jiff::Timestamp;
use serde_json::Value;

record! {
    /// One condition that a token has to meet, and whether it does. The first failure is what the client is told.
    pub struct Check as "check" {
        /// `form`, `issuer`, `time`, `audience`, `key` or `signature`.
        pub check: String,
        /// Whether the condition is met.
        pub ok: bool,
        /// What was found out, in a sentence.
        pub text: String,
        /// What the proxy accepts.
        pub expected: Option<String>,
        /// What the token says.
        pub found: Option<String>,
        /// The status and text that Envoy answers when this is the first failure.
        [wide] pub answer: Option<String>,
        /// False where pilotage cannot check this and the proxy can; `ok` says nothing then.
        [wide] pub judged: bool,
    }
}

options! {
    /// What a token is held against.
    pub struct Expect as "expect options" {
        /// The issuer, character for character; any when left out.
        pub issuer: Option<String>,
        /// The audiences of which one has to be in the token; any when empty.
        pub audiences: Vec<String>,
        /// The clock difference in seconds that is allowed: 60 when left out, as in Envoy.
        pub leeway: Option<u32>,
    }
}

/// Check a token against a key set and expectations. All conditions are judged, not only those up to the first failure.
pub fn verify(token: &Token, jwks: &Jwks, expect: &Expect, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![form(token), issuer(token, expect), time(token, expect, now), audience(token, expect)];
    checks.extend(keys(token, jwks));
    checks
}

fn pass(check: &str, text: impl Into<String>) -> Check {
    Check { check: check.into(), ok: true, text: text.into(), expected: None, found: None, answer: None, judged: true }
}

fn fail(check: &str, text: impl Into<String>, answer: Option<&str>) -> Check {
    Check { ok: false, answer: answer.map(String::from), ..pass(check, text) }
}

impl Check {
    fn between(mut self, expected: impl Into<Option<String>>, found: impl Into<Option<String>>) -> Self {
        (self.expected, self.found) = (expected.into(), found.into());
        self
    }
}

fn form(token: &Token) -> Check {
    let answer = format!("401 {FORM}");
    let alg = match token.header.get("alg") {
        Some(Value::String(alg)) => alg.as_str(),
        _ => return fail("form", "The header has no alg, or it is no text.", None),
    };
    let found = Some(alg.to_string());
    match &token.signature {
        Some(signature) if signature.is_empty() => {
            let text = format!("The token is not signed (alg {alg:?}): its third part is empty.");
            return fail("form", text, Some(&answer)).between(None, found);
        }
        None => return fail("form", "The signature is not base64url: the token was changed or cut off.", None),
        Some(_) => {}
    }
    if alg.eq_ignore_ascii_case("none") {
        return fail("form", "The token says that it is not signed (alg none).", None).between(None, found);
    }
    if !ALGORITHMS.contains(&alg) {
        return fail("form", format!("No proxy knows the algorithm {alg:?}."), None).between(ALGORITHMS.join(", "), found);
    }
    match wrong_type(token) {
        Some(text) => fail("form", text, None),
        None => pass("form", "The token has its three parts, and they can be read.").between(None, found),
    }
}

/// A claim whose type makes Envoy refuse the whole token.
fn wrong_type(token: &Token) -> Option<String> {
    if token.header.get("kid").is_some_and(|kid| !kid.is_string()) {
        return Some("The kid in the header is no text.".into());
    }
    let wrong = |name: &&&str, right: fn(&Value) -> bool| token.claims.get(**name).is_some_and(|value| !right(value));
    if let Some(name) = ["iss", "sub", "jti"].iter().find(|name| wrong(name, Value::is_string)) {
        return Some(format!("The claim {name} is no text."));
    }
    let number = |value: &Value| value.as_f64().is_some_and(|number| number >= 0.0);
    if let Some(name) = ["exp", "nbf", "iat"].iter().find(|name| wrong(name, number)) {
        return Some(format!("The claim {name} is no time (seconds since 1970)."));
    }
    let texts = |value: &Value| value.is_string() || value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    (!token.claims.get("aud").is_none_or(texts)).then(|| "The claim aud is neither a text nor a list of texts.".into())
}

fn issuer(token: &Token, expect: &Expect) -> Check {
    let found = token.claims.get("iss").and_then(Value::as_str).map(String::from);
    let Some(expected) = expect.issuer.as_ref().filter(|issuer| !issuer.is_empty()) else {
        return pass("issuer", "Any issuer is accepted.").between(None, found);
    };
    let answer = Some("401 Jwt issuer is not configured");
    let result = match &found {
        None => fail("issuer", "The token names no issuer.", answer),
        Some(issuer) if issuer == expected => pass("issuer", "The issuer is the configured one."),
        Some(issuer) => fail("issuer", format!("The issuer is another one{}.", difference(expected, issuer)), answer),
    };
    result.between(expected.clone(), found)
}

/// How two issuers differ, where the eye would miss it.
fn difference(expected: &str, found: &str) -> String {
    let scheme = |url: &str| url.split_once("://").map_or(url.to_string(), |(_, rest)| rest.to_string());
    if expected.trim_end_matches('/') == found.trim_end_matches('/') {
        return ": they differ in the slash at the end".into();
    }
    if expected.eq_ignore_ascii_case(found) {
        return ": they differ in upper and lower case".into();
    }
    if scheme(expected) == scheme(found) {
        return ": they differ in http and https".into();
    }
    let same = expected.chars().zip(found.chars()).take_while(|(a, b)| a == b).count();
    format!(": they differ from letter {} on", same + 1)
}

fn time(token: &Token, expect: &Expect, now: Timestamp) -> Check {
    // Whole seconds, as Envoy counts.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is what a time out of range needs")]
    let claim = |name: &str| token.claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    let (leeway, at) = (i64::from(expect.leeway.unwrap_or(60)), now.as_second());
    let show = super::certificate::rfc3339;
    let expected = format!("a time that holds at {}, give or take {leeway} s", show(at));
    let found =
        ["iat", "nbf", "exp"].iter().filter_map(|name| Some(format!("{name} {}", show(claim(name)?)))).collect::<Vec<_>>();
    let result = match (claim("nbf"), claim("exp")) {
        (Some(nbf), _) if at.saturating_add(leeway) < nbf => fail(
            "time",
            format!("The token is valid from {} on, which is {} away.", show(nbf), ago(nbf.saturating_sub(at))),
            Some("401 Jwt not yet valid"),
        ),
        (_, Some(exp)) if exp > 0 && at > exp.saturating_add(leeway) => fail(
            "time",
            format!("The token ran out at {}, {} ago.", show(exp), ago(at.saturating_sub(exp))),
            Some("401 Jwt is expired"),
        ),
        (_, Some(exp)) => pass("time", format!("The token is valid until {}.", show(exp))),
        (_, None) => pass("time", "The token never runs out: it has no exp."),
    };
    result.between(expected, (!found.is_empty()).then(|| found.join(", ")))
}

fn ago(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn audience(token: &Token, expect: &Expect) -> Check {
    let found: Vec<&str> = match token.claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let shown = (!found.is_empty()).then(|| found.join(", "));
    if expect.audiences.is_empty() {
        return pass("audience", "Any audience is accepted.").between(None, shown);
    }
    let accepted = expect.audiences.iter().any(|wanted| found.iter().any(|found| bare(wanted) == bare(found)));
    let answer = Some("403 Audiences in Jwt are not allowed");
    let result = match (accepted, found.is_empty()) {
        (true, _) => pass("audience", "The token has an accepted audience."),
        (false, true) => fail("audience", "The token has no audience, and one is demanded.", answer),
        (false, false) => fail("audience", "None of the token's audiences is accepted.", answer),
    };
    result.between(expect.audiences.join(", "), shown)
}

/// Envoy compares audiences without `http://` or `https://` in front and a slash at the end.
fn bare(audience: &str) -> &str {
    let rest = audience.strip_prefix("http://").or_else(|| audience.strip_prefix("https://")).unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

/// The checks `key` and, when there is a key to try, `signature`.
fn keys(token: &Token, jwks: &Jwks) -> Vec<Check> {
    let alg = token.header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let kid = token.header.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
    if alg.starts_with("HS") {
        let text = format!("{alg} is signed with a secret that all share; a JWKS of public keys cannot verify it.");
        return vec![fail("key", text, None).between("a key pair: RS, PS, ES or EdDSA".to_string(), alg.to_string())];
    }
    let candidates: Vec<&Jwk> = jwks.keys.iter().filter(|key| candidate(key, kid, alg)).collect();
    let have = Some(jwks.keys.iter().map(label).collect::<Vec<_>>().join(", "));
    let want = Some(format!("kid {}, alg {alg}", kid.unwrap_or("(none)")));
    if candidates.is_empty() {
        let answer = Some("401 Jwks doesn't have key to match kid or alg from Jwt");
        return vec![fail("key", no_key(jwks, kid, alg), answer).between(have, want)];
    }
    let text = format!("{} of {} keys can be tried.", candidates.len(), jwks.keys.len());
    vec![pass("key", text).between(have, want), signature(token, alg, kid, &candidates)]
}

fn candidate(key: &Jwk, kid: Option<&str>, alg: &str) -> bool {
    let same = |theirs: &Option<String>, ours: Option<&str>| match (theirs.as_deref().filter(|text| !text.is_empty()), ours) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => true,
    };
    key.row.problem.is_none() && same(&key.row.kid, kid) && same(&key.row.alg, Some(alg))
}

fn label(key: &Jwk) -> String {
    let kid = key.row.kid.as_deref().unwrap_or("(none)");
    key.row.alg.as_deref().map_or_else(|| format!("kid {kid}"), |alg| format!("kid {kid}, alg {alg}"))
}

fn no_key(jwks: &Jwks, kid: Option<&str>, alg: &str) -> String {
    let named = jwks.keys.iter().find(|key| kid.is_some() && key.row.kid.as_deref() == kid);
    match (named, kid) {
        (Some(Jwk { row, .. }), _) if row.problem.is_some() => {
            format!(
                "The key {} is of no use: {}.",
                label(named.expect("just matched")),
                row.problem.as_deref().unwrap_or_default()
            )
        }
        (Some(key), _) => {
            format!(
                "The key of that kid is for {} only, and the token is signed with {alg}.",
                key.row.alg.as_deref().unwrap_or("?")
            )
        }
        (None, Some(kid)) if !jwks.kids().is_empty() => {
            format!("There is no key with the kid {kid:?}: it was rotated, or the token is of another realm or issuer.")
        }
        _ => format!("No key can be tried for alg {alg}."),
    }
}

fn signature(token: &Token, alg: &str, kid: Option<&str>, candidates: &[&Jwk]) -> Check {
    let bytes = token.signature.as_deref().unwrap_or_default();
    let tried: Vec<(&Jwk, Outcome)> =
        candidates.iter().map(|key| (*key, check(alg, key, token.signed.as_bytes(), bytes))).collect();
    if let Some((key, _)) = tried.iter().find(|(_, outcome)| *outcome == Outcome::Good) {
        return pass("signature", format!("The signature is that of the key {}.", label(key)));
    }
    if let Some((key, _)) = tried.iter().find(|(_, outcome)| *outcome == Outcome::Unknown) {
        let size = key.row.bits.map_or(String::new(), |bits| format!(" of {bits} bits"));
        let text = format!("pilotage cannot check {alg} with the key {}{size}; ask the proxy itself.", label(key));
        return Check { judged: false, ..fail("signature", text, None) };
    }
    let nameless = candidates.iter().all(|key| key.row.kid.is_none());
    let text = match (kid, nameless) {
        (Some(_), true) => {
            "No key that can be tried made this signature; the keys have no kid, so every token is tried with them."
        }
        (Some(_), false) => "The signature was not made with the key of that kid: the token was changed, or signed elsewhere.",
        (None, _) => "No key that can be tried made this signature.",
    };
    fail("signature", text, Some("401 Jwt verification fails"))
}

#[cfg(test)]
#[path = "jwt_check_tests.rs"]
mod tests;
