//! What was typed and may be kept: nothing that holds a secret, or looks as if it did.
//!
//! A line that is not kept costs one look for it; a token that is kept costs a token. So in doubt it is not kept.

use super::history_file::HistoryFile;
use crate::backend::{SECRET_NAMES, holds_secret};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

/// The shortest word of letters and digits that can be a key or a token.
const KEY_LENGTH: usize = 20;
/// The shortest number in hexadecimal digits that can be one.
const HEX_LENGTH: usize = 32;

/// Whether an input may be kept. A leading space keeps it out, as in shells.
pub fn keeps(input: &str) -> bool {
    !input.trim().is_empty() && !input.starts_with([' ', '\t']) && !is_secret(input)
}

/// All inputs that a file keeps, those of other sessions among them, oldest first.
pub fn all(file: &Path, most: usize) -> Vec<String> {
    HistoryFile::new(file, most).load()
}

/// Whether a text holds a secret. What is hidden in answers is hidden here as well; more is found here, because who types a
/// secret gives it a name or calls a function with it.
fn is_secret(input: &str) -> bool {
    let named = || SHAPES.iter().any(|shape| shape.is_match(input));
    holds_secret(input) || named() || has_basic(input) || words(input).any(is_key)
}

static SHAPES: LazyLock<[Regex; 6]> = LazyLock::new(|| {
    let names = format!(r"(?:{}|[\w-]*(?:token|secret|passphrase)|pass|private_?key)", SECRET_NAMES.join("|"));
    [
        // A part of a token is typed as well.
        r"eyJ[A-Za-z0-9_-]{8,}".to_owned(),
        r"(?i)\bbearer\s+[^\s`'\x22]{8,}".to_owned(),
        r"\bsecret\s*\(\s*[`\x22#]".to_owned(),
        // #{ token: "…" }, let password = `…`, "client_secret": "…"
        format!(r"(?i)\b{names}[\x22'`]?\s*[:=]\s*#*[\x22'`][^\x22'`]"),
        // --token …, --client-secret=…
        format!(r"(?i)--{names}(?:=|\s+)[^\s-]"),
        // token=… as parameters are given: no call, no comparison
        format!(r"(?i)\b{names}=[^\s=\x22'`(){{}}\[\];,]{{4,}}(?:[\s;,\x22'`]|$)"),
    ]
    .map(|pattern| Regex::new(&pattern).expect("a constant pattern"))
});

/// `Basic` and a user with a password behind it.
fn has_basic(input: &str) -> bool {
    static BASIC: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)\bbasic\s+([A-Za-z0-9+/]{4,}={0,2})").expect("a constant pattern"));
    let is_pair = |code: &str| BASE64_STANDARD.decode(code).is_ok_and(|pair| pair.contains(&b':'));
    BASIC.captures_iter(input).any(|found| found.get(1).is_some_and(|code| is_pair(code.as_str())))
}

/// The runs of characters that keys and tokens are made of.
fn words(input: &str) -> impl Iterator<Item = &str> {
    input.split(|c: char| !(c.is_ascii_alphanumeric() || "+/_-=".contains(c))).filter(|word| word.len() >= KEY_LENGTH)
}

/// Whether a word looks as if a machine had thrown dice for it. Names of people change between small letters, capitals and
/// digits a few times; a key does at every other character.
fn is_key(word: &str) -> bool {
    // Names of objects and paths are words and short numbers, with these between.
    let part = |part: &str| {
        let hex = part.len() >= HEX_LENGTH && part.bytes().all(|byte| byte.is_ascii_hexdigit()) && has_both(part);
        hex || (part.len() >= KEY_LENGTH && is_mixed(part))
    };
    word.split(['-', '=', '/']).any(part) || (word.len() >= 2 * KEY_LENGTH && !word.contains('/') && is_mixed(word))
}

fn has_both(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_mixed(word: &str) -> bool {
    let class = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let classes: Vec<u8> = word.bytes().map(|byte| class(&byte)).collect();
    let changes = classes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // Four places of ten; dice give six.
    has_both(word) && changes * 5 >= word.len() * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_begins_with_a_space_are_not_kept() {
        for input in [
            "decode_jwt(\"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln\")",
            "let half = \"eyJhbGciOiJS",
            " pods()",
            "\tpods()",
            "",
            "  ",
            "parse_pem(`-----BEGIN RSA PRIVATE KEY-----`)",
            "parse_pem(`-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----`)",
            "let h = \"Bearer abcdefgh123\"",
            "http(\"https://a\", #{ headers: #{ authorization: \"Basic dXNlcjpwYXNz\" } })",
            "let h = \"basic dXNlcjpwYXNz\"",
            "fetch_jwks(\"https://me:hunter2@keycloak/certs\")",
            "fetch_jwks(\"https://keycloak/certs?access_token=abc\")",
            "secret(\"hunter2\")",
            "let t = secret( `hunter2` )",
            "verify(#{ token: \"hunter2\" })",
            "let password = `hunter2`",
            "let my_token = \"hunter2\"",
            "#{ \"client_secret\": \"hunter2\", x: 1 }",
            "#{ clientSecret: #\"hunter2\"# }",
            ":load x.rhai --token hunter2",
            ":load x.rhai --client-secret=hunter2",
            "// pilotage run a --param token=hunter2",
            "#{ kty: \"RSA\", d: 1 }; `{\"kty\":\"RSA\",\"d\":\"private0\"}`",
            // AWS, GitHub, OpenShift, Slack, hexadecimal, base64.
            "let k = \"q7Zt2VbN8xLr0Yd4Kf6W+bPxR2iC9ExaM1pLeK\"",
            "let k = \"ghp_16C7e42F292c6912E7710c838347Ae178B4a\"",
            "let k = \"sha256~Qx3v9ZkT0aLw8JmB2nRcYh5uVfE7dGsPiO1qXtMzK4\"",
            "let k = \"9f86d081884c7d659a2feaa0c55ad015\"",
            "let k = \"c3VwZXIgc2VjcmV0IHBhc3N3b3JkIDEyMw==\"",
            "let k = \"AbC-9xY_z81kLmN0pQ-rS7tUvW2xYz3A4bC5dE6\"",
        ] {
            assert!(!keeps(input), "{input}");
        }
    }

    #[test]
    fn what_operators_type_is_kept() {
        for input in [
            "pods()",
            "let eyJ = 1",
            "// bearer of news",
            "endpoints(\"customer-686cf5bf47-mtgsn.olaf-customer\", #{ cluster: \"outbound|9080||reviews.default.svc.cluster.local\" })",
            "config_dump(p).jsonpath(\"$.configs[?(@['@type']=='type.googleapis.com/envoy.admin.v3.ClustersConfigDump')]\")",
            "logs(p, #{ grep: \"0af7651916cd-43dd-8448-eb211c80319c\" })",
            "let secrets = secrets(\"web\")",
            "get(\"secret\", \"istio-ca-secret\", \"istio-system\")",
            "help(\"authorization policy\")",
            "jwks::stand_ins(pods()).where(#{ issuer: \"https://keycloak.apps.test/auth/realms/x\" })",
            "tokens.len() == 3; let token = load(\"token.txt\")",
            "let x = peerAuthenticationPoliciesOfNamespace(\"networking.istio.io/v1alpha3/EnvoyFilterPatchContext1\")",
            "// basic authentication",
            "token == other_token",
            "set_log(\"web\", #{ jwt: \"debug\" })",
            ":help tls_chain",
        ] {
            assert!(keeps(input), "{input}");
        }
    }
}
