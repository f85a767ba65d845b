//! Secrets in text without structure, such as logs, found by their shape.

use super::redact::{Rule, Tally, is_redacted};
use super::redact_jwt;
use memchr::memmem;
use regex::bytes::{Captures, Regex};
use std::sync::LazyLock;

/// Headers and settings whose values are credentials, in lower case.
pub const NAMES: [&str; 23] = [
    "proxy-authorization",
    "authorization",
    "set-cookie",
    "cookie",
    "x-api-key",
    "api-key",
    "api_key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-forwarded-access-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-vault-token",
    "x-amz-security-token",
    "client_secret",
    "clientsecret",
    "access_token",
    // As the mesh's settings call that of a tracing provider.
    "accesstoken",
    "refresh_token",
    "id_token",
    "password",
    "passwd",
];

/// The text without secrets, if there were any.
pub fn clean(text: &[u8], tally: &mut Tally) -> Option<Vec<u8>> {
    type Pass = fn(&[u8], &mut Tally) -> Option<Vec<u8>>;
    let passes: [Pass; 4] = [private_keys, redact_jwt::clean, key_members, shapes];
    let mut clean: Option<Vec<u8>> = None;
    for pass in passes {
        if let Some(next) = pass(clean.as_deref().unwrap_or(text), tally) {
            clean = Some(next);
        }
    }
    clean
}

/// Private keys in PEM, whatever separates their lines, and base64 of such.
fn private_keys(text: &[u8], tally: &mut Tally) -> Option<Vec<u8>> {
    static BASE64: LazyLock<Regex> =
        LazyLock::new(|| pattern("(?-u)[A-Za-z0-9+/]*(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)[A-Za-z0-9+/]*={0,2}"));
    let mut out = Vec::new();
    let mut copied = 0;
    for start in memmem::find_iter(text, "-----BEGIN ") {
        let Some(end) = private_key_end(&text[start..]).filter(|_| start >= copied) else { continue };
        out.extend_from_slice(&text[copied..start]);
        out.extend_from_slice(key_token(&text[start..start + end]).as_bytes());
        tally.add(Rule::Pem);
        copied = start + end;
    }
    if copied > 0 {
        out.extend_from_slice(&text[copied..]);
    }
    let plain = if copied > 0 { &out } else { text };
    let coded = replace(&BASE64, plain, tally, |found| Some((Rule::Pem, found.get(0)?.range())));
    coded.or_else(|| (copied > 0).then_some(out))
}

/// How long the private key is that starts here, if one does.
fn private_key_end(text: &[u8]) -> Option<usize> {
    let label = memmem::find(&text[11..text.len().min(80)], b"-----")? + 11;
    memmem::find(&text[..label], b"PRIVATE KEY")?;
    let body = label + 5;
    let end = memmem::find(&text[body..text.len().min(body + 64 * 1024)], b"-----END ").map(|end| body + end);
    let close = end.and_then(|end| Some(end + 9 + memmem::find(&text[end + 9..], b"-----")? + 5));
    // Cut off in the middle: whatever looks like base64 is the key's.
    let run = || text[body..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=\\ \r\n\t".contains(byte)).count();
    Some(close.unwrap_or_else(|| body + run()))
}

/// The same key gets the same token whether its lines end in line ends, in `\n`, or not at all.
fn key_token(key: &[u8]) -> String {
    let mut same = Vec::with_capacity(key.len());
    let mut bytes = key.iter().filter(|byte| !byte.is_ascii_whitespace()).peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next_if(|next| matches!(next, b'n' | b'r'))),
            byte => same.push(*byte),
        }
    }
    Rule::Pem.token(&same)
}

/// Private members of JSON Web Keys.
fn key_members(text: &[u8], tally: &mut Tally) -> Option<Vec<u8>> {
    static MEMBER: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?-u)["'](?:d|p|q|dp|dq|qi|k|t|r)\\*["']\s*:\s*\\*["']([A-Za-z0-9_=+/-]{8,})"#));
    memmem::find(text, b"kty")?;
    replace(&MEMBER, text, tally, |found| Some((Rule::Jwk, found.get(1)?.range())))
}

/// Headers, settings and URLs.
fn shapes(text: &[u8], tally: &mut Tally) -> Option<Vec<u8>> {
    let mut clean: Option<Vec<u8>> = None;
    for (regex, choose) in shape_rules() {
        if let Some(next) = replace(regex, clean.as_deref().unwrap_or(text), tally, choose) {
            clean = Some(next);
        }
    }
    clean
}

type Choose = fn(&Captures<'_>) -> Option<(Rule, std::ops::Range<usize>)>;

/// Patterns, and what of a match is the secret.
fn shape_rules() -> &'static [(Regex, Choose)] {
    static RULES: LazyLock<Vec<(Regex, Choose)>> = LazyLock::new(|| {
        let names = NAMES.join("|");
        vec![
            (pattern(r#"(?-u)://([^/\s"'<>\\]+)@"#), user_info),
            (
                pattern(
                    r#"(?i-u)[?&](?:[a-z_]*token|api[_-]?key|[a-z_]*secret|password|sig|(?:x-amz-)?signature|assertion|code_verifier)=([^&\s"'#<>\\]+)"#,
                ),
                |found| Some((Rule::Url, found.get(1)?.range())),
            ),
            // "cookie": "…", 'cookie', '…', "Cookie":["…"]: as JSON and as Envoy's debug log writes them.
            (pattern(&format!(r#"(?i-u)"(?:{names})"\s*[:,=]\s*\[?\s*"((?:[^"\\]|\\.)+)"#)), header),
            (pattern(&format!(r#"(?i-u)\\+"(?:{names})\\+"\s*[:,=]\s*\[?\s*\\+"((?:[^"\\]|\\\\\\")+)"#)), header),
            (pattern(&format!(r"(?i-u)'(?:{names})'\s*[:,=]\s*\[?\s*'([^'\r\n]+)")), header),
            // cookie: …; the rest of the line is its value.
            (pattern(r#"(?i-u)cookie\s*[:=]\s*\[?([^\s"'\]][^\r\n"'\]]*)"#), header),
            (pattern(r"(?i-u)authorization\s*[:=]\s*\[?((?:Digest|AWS4-HMAC-SHA256)\s[^\r\n]*)"), header),
            (
                pattern(&format!(
                    r#"(?i-u)(?:{names})\s*[:=]\s*\[?((?:(?:Bearer|Basic|Negotiate|Token|ApiKey)\s+)?[^\s"'\\,;&\]\[{{}}]+)"#
                )),
                header,
            ),
            (pattern(r"(?-u)[Bb]earer\s+([A-Za-z0-9._~+/=-]{16,})"), header),
        ]
    });
    &RULES
}

/// The value without the word that says how it is to be read.
fn header(found: &Captures<'_>) -> Option<(Rule, std::ops::Range<usize>)> {
    let value = found.get(1)?;
    let scheme = scheme_length(value.as_bytes());
    is_secret(&value.as_bytes()[scheme..]).then_some((Rule::Header, value.start() + scheme..value.end()))
}

/// The password; or the whole, when it is one long word that can only be a token.
fn user_info(found: &Captures<'_>) -> Option<(Rule, std::ops::Range<usize>)> {
    let user = found.get(1)?;
    match memchr::memchr(b':', user.as_bytes()) {
        _ if is_redacted(user.as_bytes()) => None,
        Some(colon) if colon + 1 < user.len() => Some((Rule::Url, user.start() + colon + 1..user.end())),
        None if user.len() >= 16 => Some((Rule::Url, user.range())),
        _ => None,
    }
}

/// How long `Bearer ` and its like are in front of a header's value.
pub fn scheme_length(value: &[u8]) -> usize {
    const SCHEMES: [&str; 7] = ["bearer", "basic", "negotiate", "token", "apikey", "digest", "aws4-hmac-sha256"];
    let word = value.iter().position(u8::is_ascii_whitespace).unwrap_or(0);
    let known = SCHEMES.iter().any(|scheme| value[..word].eq_ignore_ascii_case(scheme.as_bytes()));
    if known { word + value[word..].iter().take_while(|byte| byte.is_ascii_whitespace()).count() } else { 0 }
}

/// Whether a header's value is worth hiding: not when it is hidden already, a token whose claims stay readable, or an
/// access log's placeholder such as `%REQ(AUTHORIZATION)%`.
pub fn is_secret(value: &[u8]) -> bool {
    let readable = value.starts_with(b"ey") && {
        let mark = memmem::find(value, "⟨redacted:jwt:".as_bytes());
        mark.is_some_and(|mark| is_redacted(&value[mark..]) && !value[..mark].iter().any(|byte| b" ;,=".contains(byte)))
    };
    let placeholder = value.len() > 2 && value.starts_with(b"%") && value.ends_with(b"%");
    !value.is_empty() && !readable && !placeholder && !is_redacted(value)
}

/// The text with the chosen part of each match replaced, if there was one.
fn replace(
    regex: &Regex,
    text: &[u8],
    tally: &mut Tally,
    choose: impl Fn(&Captures<'_>) -> Option<(Rule, std::ops::Range<usize>)>,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut copied = 0;
    for found in regex.captures_iter(text) {
        let Some((rule, secret)) = choose(&found) else { continue };
        if is_redacted(&text[secret.clone()]) || text[secret.end..].starts_with("⟨redacted:".as_bytes()) {
            continue;
        }
        out.extend_from_slice(&text[copied..secret.start]);
        out.extend_from_slice(rule.token(&text[secret.clone()]).as_bytes());
        tally.add(rule);
        copied = secret.end;
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&text[copied..]);
    Some(out)
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

#[cfg(test)]
mod tests {
    use super::super::redact_marks::marks;
    use super::*;

    fn cleaned(text: &str) -> String {
        let marked = marks(text.as_bytes()).next().is_some();
        let clean = marked.then(|| clean(text.as_bytes(), &mut Tally::default())).flatten();
        let clean = clean.map_or_else(|| text.to_owned(), |clean| String::from_utf8(clean).unwrap());
        let again = super::clean(clean.as_bytes(), &mut Tally::default());
        assert_eq!(again.map(|again| String::from_utf8(again).unwrap()), None, "twice is as once: {clean}");
        clean
    }

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIE+/\nabc=\n-----END PRIVATE KEY-----";

    #[test]
    fn headers_lose_their_values_in_every_form_a_log_shows() {
        for (text, secret) in [
            ("'authorization', 'Bearer s3cr3t'\n'x', 'y'", "s3cr3t"),
            (r#"{"level":"debug","Authorization":"Basic czNjcjN0"}"#, "czNjcjN0"),
            (r#"msg="{\"x-api-key\":\"s3cr3t\"}""#, "s3cr3t"),
            ("2026-11-22T12:00:00Z Cookie: a=s3cr3t; b=s3cr3t\nnext", "s3cr3t"),
            ("map[Authorization:[Bearer s3cr3t] Accept:[*/*]]", "s3cr3t"),
            ("> X-Vault-Token: s3cr3t", "s3cr3t"),
            (r#""set-cookie":"a=\"s3cr3t\"""#, "s3cr3t"),
            ("authorization: Digest username=\"u\", response=\"s3cr3t\"", "s3cr3t"),
            ("connect host=db password=s3cr3t user=u", "s3cr3t"),
            ("sent Bearer s3cr3ts3cr3ts3cr3t", "s3cr3t"),
        ] {
            let clean = cleaned(text);
            assert!(!clean.contains(secret) && clean.contains("⟨redacted:header:"), "{text} became {clean}");
        }
        assert!(cleaned("Cookie: a=b\nnext line").ends_with("⟩\nnext line"));
    }

    #[test]
    fn urls_lose_passwords_and_tokens() {
        let token = Rule::Url.token(b"p@ss");
        assert_eq!(cleaned("GET https://me:p@ss@host/x@y failed"), format!("GET https://me:{token}@host/x@y failed"));
        for text in ["https://ghp_0123456789abcdef@host/", "/x?access_token=s&y=1", "/x?y=1&X-Amz-Signature=abc", "?token=t"] {
            assert!(cleaned(text).contains("⟨redacted:url:"), "{text} became {}", cleaned(text));
        }
        assert!(cleaned("/x?a=1&token=t&b=2").ends_with("&b=2"));
    }

    #[test]
    fn private_keys_go_and_are_recognized_again() {
        let plain = cleaned(&format!("key:\n{KEY}\nend"));
        let escaped = cleaned(&format!("key={} end", KEY.replace('\n', "\\n")));
        let token = plain.lines().nth(1).unwrap().to_owned();
        assert!(token.starts_with("⟨redacted:pem:") && plain.ends_with("\nend"), "{plain}");
        assert_eq!(escaped, format!("key={token} end"));
        let cut = cleaned("-----BEGIN EC PRIVATE KEY-----\nMIIEabc");
        assert!(cut.starts_with("⟨redacted:pem:") && !cut.contains("MIIE"), "{cut}");
        let two = cleaned(&format!("{KEY}\n-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n{KEY}"));
        assert_eq!((two.matches(&token).count(), two.contains("MIIC")), (2, true), "certificates are public");
    }

    #[test]
    fn private_keys_in_base64_go_at_every_offset() {
        use base64::Engine;
        for before in ["", "x", "xy", "xyz"] {
            let coded = base64::prelude::BASE64_STANDARD.encode(format!("{before}{KEY}"));
            let clean = cleaned(&format!("ca-key: {coded} end"));
            assert!(clean.starts_with("ca-key: ⟨redacted:pem:") && clean.ends_with(" end"), "{clean}");
        }
    }

    #[test]
    fn private_members_of_printed_keys_go() {
        for text in [
            r#"jwks: {"kty":"RSA","n":"public00","d":"private0"}"#,
            r#"jwks: "{\"kty\":\"RSA\",\"n\":\"public00\",\"d\":\"private0\"}""#,
        ] {
            let clean = cleaned(text);
            assert!(!clean.contains("private0") && clean.contains("public00"), "{clean}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "2026-11-22T12:00:00Z info\tenvoy jwt authentication failed; authorization policy shop/deny",
            "https://keycloak.apps.test/auth/realms/x?client_id=a",
            "spiffe://cluster.local/ns/a/sa/b mail@example.com",
            r#"json_format: {"authorization":"%REQ(AUTHORIZATION)%"}"#,
            "WWW-Authenticate: Bearer realm=\"x\"",
            "[redacted] password: [redacted]",
            "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_matter() {
        let clean = clean(b"\xff\xfe cookie: s3cr3t\xff\n\xff", &mut Tally::default()).expect("a cookie");
        assert!(memmem::find(&clean, b"s3cr3t").is_none() && clean.ends_with(b"\n\xff"));
    }
}
