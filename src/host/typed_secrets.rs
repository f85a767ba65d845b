//! Secrets in what somebody types. More is found than in answers, because who types a secret gives it a name or calls a function
//! with it.

use crate::backend::{SECRET_NAMES, holds_secret};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// The shortest word of letters and digits that can be a key or a token.
const KEY_LENGTH: usize = 20;
/// The shortest number in hexadecimal digits that can be one.
const HEX_LENGTH: usize = 32;

/// Whether a typed text holds a secret, or looks as if it did. What is hidden in answers is found here as well.
pub fn is_secret_typed(input: &str) -> bool {
    holds_secret(input) || secret_places(input).next().is_some()
}

/// Where a typed text has secrets beyond those of answers: a byte of each, or of the quotes around it.
pub(super) fn secret_places(input: &str) -> impl Iterator<Item = usize> {
    let value = |found: regex::Captures| found.name("value").map_or_else(|| found.get_match().end() - 1, |value| value.start());
    let shaped = SHAPES.iter().flat_map(move |shape| shape.captures_iter(input));
    let named = shaped.filter(|found| !names_object(found)).map(value);
    let keys = words(input).filter(|word| is_key(&input[word.clone()]));
    named.chain(basics(input).chain(keys).map(|found| found.start))
}

static SHAPES: LazyLock<[Regex; 6]> = LazyLock::new(|| {
    let names = format!(r"(?:{}|[\w-]*(?:token|secret|passphrase)|pass|private_?key)", SECRET_NAMES.join("|"));
    [
        // A part of a token is typed as well.
        r"eyJ[A-Za-z0-9_-]{8,}".to_owned(),
        r"(?i)\bbearer\s+[^\s`'\x22]{8,}".to_owned(),
        r"\bsecret\s*\(\s*[`\x22#]".to_owned(),
        // #{ token: "…" }, let password = `…`, "client_secret": "…"
        format!(r"(?i)\b(?<name>{names})[\x22'`]?\s*[:=]\s*#*[\x22'`](?<value>[^\x22'`]+)"),
        // --token …, --client-secret=…
        format!(r"(?i)--{names}(?:=|\s+)[^\s-]"),
        // token=… as parameters are given: no call, no comparison
        format!(r"(?i)\b{names}=(?<value>[^\s=\x22'`(){{}}\[\];,]{{4,}})(?:[\s;,\x22'`]|$)"),
    ]
    .map(|pattern| Regex::new(&pattern).expect("a constant pattern"))
});

/// Whether what is called a secret is the name of one that the cluster keeps: `let secret = "istio-ca-secret"`. Passphrases
/// and tokens are made of words and dashes as well, so only what is called a plain secret counts, and only words of which the
/// first or the last says that one is kept under them.
fn names_object(found: &regex::Captures) -> bool {
    const NAMES: [&str; 2] = ["secret", "tls_secret"];
    const TELLING: [&str; 7] = ["secret", "secrets", "tls", "cert", "certs", "credential", "credentials"];
    let (Some(name), Some(value)) = (found.name("name"), found.name("value")) else { return false };
    let parts: Vec<&str> = value.as_str().split(['-', '.']).collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let tells = [parts.first(), parts.last()].into_iter().flatten().any(|part| TELLING.contains(part));
    let of_object = parts == ["cacerts"] || (parts.len() > 1 && tells && parts.iter().all(is_word));
    NAMES.contains(&name.as_str()) && of_object
}

/// `Basic` and a user with a password behind it.
fn basics(input: &str) -> impl Iterator<Item = Range<usize>> {
    static BASIC: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)\bbasic\s+([A-Za-z0-9+/]{4,}={0,2})").expect("a constant pattern"));
    let is_pair = |code: &str| BASE64_STANDARD.decode(code).is_ok_and(|pair| pair.contains(&b':'));
    BASIC
        .captures_iter(input)
        .filter_map(|found| found.get(1))
        .filter(move |code| is_pair(code.as_str()))
        .map(|code| code.range())
}

/// The runs of characters that keys and tokens are made of.
fn words(input: &str) -> impl Iterator<Item = Range<usize>> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&format!("[A-Za-z0-9+/_=-]{{{KEY_LENGTH},}}")).expect("a constant pattern"));
    WORD.find_iter(input).map(|word| word.range())
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
