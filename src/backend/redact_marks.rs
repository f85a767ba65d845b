//! Where a secret may be: a body without any of these marks is not looked at again.
//!
//! The marks are literals, few enough for the vector search of the regex engine, and what follows one is looked at
//! before it counts. So a large body without secrets costs about as much as being read once.

use regex::bytes::Regex;
use std::sync::LazyLock;

/// At most 64, each of three bytes or more: beyond that the search becomes several times slower.
const MARKS: [&str; 58] = [
    // Tokens.
    "eyJ",
    "eyAi",
    "ewog",
    "ewoi",
    "ewoJ",
    "ew0K",
    "earer ",
    // Private keys in PEM, plain and in base64 at its three offsets.
    "PRIVATE KEY",
    "UFJJVkFURSBLRV",
    "BSSVZBVEUgS0VZ",
    "QUklWQVRFIEtFW",
    // Keys of JSON objects.
    "kty",
    "Secret\"",
    "Secret\\",
    "SecretList",
    "sub\"",
    "sub\\",
    "private_key",
    "privateKey",
    "generic_secret",
    "genericSecret",
    "session_ticket_keys",
    "sessionTicketKeys",
    "inline_code",
    "inlineCode",
    "source_code",
    "sourceCode",
    // Names of headers, settings and variables.
    "uthorization",
    "UTHORIZATION",
    "ookie",
    "OOKIE",
    "pi-key",
    "pi_key",
    "pikey",
    "pi-Key",
    "piKey",
    "PI-K",
    "PI_K",
    "SS_KEY",
    "TE_KEY",
    "-token",
    "_token",
    "-Token",
    "ssToken",
    "TOKEN",
    "assw",
    "ASSW",
    "client_secret",
    "lientSecret",
    "SECRET",
    // URLs.
    "://",
    "?token=",
    "&token=",
    "?sig=",
    "&sig=",
    "ignature=",
    // Escapes that could hide one of the others.
    "\\u00",
    ":\\/\\/",
];

/// Where marks are, in order.
pub fn marks(text: &[u8]) -> impl Iterator<Item = usize> {
    static ANY: LazyLock<Regex> = LazyLock::new(|| {
        let marks = MARKS.map(regex::escape).join("|");
        Regex::new(&format!("(?-u){marks}")).expect("a constant pattern")
    });
    ANY.find_iter(text).filter(|found| counts(found.as_bytes(), &text[found.end()..])).map(|found| found.start())
}

/// Whether what follows a mark can make it part of a secret.
fn counts(mark: &[u8], after: &[u8]) -> bool {
    match mark {
        b"://" => {
            let authority = after.iter().position(|byte| byte.is_ascii_whitespace() || b"/\"'<>\\@".contains(byte));
            authority.is_some_and(|end| end > 0 && after[end] == b'@')
        }
        b"uthorization" | b"ookie" => after.first().is_none_or(|next| next.is_ascii_whitespace() || b"\"'\\:=]".contains(next)),
        [b'e', b'w' | b'y', ..] => {
            let part = after.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_'));
            part.is_some_and(|end| end >= 4 && after[end] == b'.')
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        marks(text.as_bytes()).collect()
    }

    #[test]
    fn the_marks_fit_the_vector_search() {
        assert!(MARKS.len() <= 64 && MARKS.iter().all(|mark| mark.len() >= 3));
    }

    #[test]
    fn what_follows_decides() {
        assert_eq!(found("https://a:b@c spiffe://cluster/ns http://x"), [5]);
        assert_eq!(found("eyJhbGci.x eyJhbGci eyJ.x"), [0]);
        assert_eq!(found("authorization.k8s.io authorization: AuthorizationPolicy"), [22]);
        assert_eq!(found("cookies cookie"), [9]);
    }

    #[test]
    fn marks_come_in_order() {
        assert_eq!(found(r#"{"kty":"x","password":"\u0061"}"#), [2, 13, 23]);
    }
}
