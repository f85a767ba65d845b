//! Secrets in a log that streams: what one piece alone does not show.
//!
//! Almost every secret stands on one line, and pieces are whole lines. Two span lines, and so pieces: a private key in PEM, and a
//! JSON Web Key that was printed with one member a line.

use super::redact::{Redactor, Rule};
use bytes::Bytes;
use memchr::memmem;
use regex::bytes::Regex;
use std::sync::{Arc, LazyLock};

/// A key whose end never comes is over after so many bytes.
const LONGEST_KEY: usize = 64 * 1024;
/// How far a `kty` may stand from the private members that it explains.
const NEAR: usize = 4 * 1024;
/// Says so to the search of a piece whose `kty` came before it; it is taken off again.
const KTY: &[u8] = b"kty\n";

/// Takes the secrets out of the pieces of one log, in their order.
pub(super) struct StreamRedactor {
    redactor: Arc<Redactor>,
    /// How many bytes may still belong to a private key that began and has not ended.
    in_key: usize,
    /// How many bytes may still be near a `kty`.
    near_kty: usize,
}

impl StreamRedactor {
    /// Nothing was seen yet.
    pub(super) fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, in_key: 0, near_kty: 0 }
    }

    /// The piece without secrets; as it is, if it holds none.
    pub(super) fn clean(&mut self, piece: Bytes) -> Bytes {
        let (key, rest) = piece.split_at(self.rest_of_key(&piece));
        let open = open_key(rest).unwrap_or(rest.len());
        let (whole, begun) = rest.split_at(open);
        let clean = self.whole_lines(whole);
        if key.is_empty() && begun.is_empty() {
            return clean.map_or(piece, Bytes::from);
        }
        let mut out = self.key_lines(key);
        out.extend_from_slice(clean.as_deref().unwrap_or(whole));
        if !begun.is_empty() {
            self.in_key = LONGEST_KEY;
            out.extend_from_slice(&self.key_lines(begun));
        }
        out.into()
    }

    /// How much of the piece may still be the private key that is open; its last line is the one that ends it.
    fn rest_of_key(&self, piece: &[u8]) -> usize {
        if self.in_key == 0 {
            return 0;
        }
        let most = &piece[..piece.len().min(self.in_key)];
        let line_end = |from: usize| memchr::memchr(b'\n', &piece[from..]).map_or(piece.len(), |end| from + end + 1);
        line_end(memmem::find(most, b"-----END ").unwrap_or(most.len().saturating_sub(1)))
    }

    /// Lines among which those of a private key are hidden, one by one: other lines may have come between them.
    fn key_lines(&mut self, lines: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(lines.len());
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let begins = private_begin(line);
            let text = if begins.is_some() { begins } else { key_text(line).filter(|_| self.in_key > 0) };
            match text {
                Some(start) => {
                    let end = line.trim_ascii_end().len();
                    out.extend_from_slice(&line[..start]);
                    out.extend_from_slice(Rule::Pem.token(&line[start..end]).as_bytes());
                    out.extend_from_slice(&line[end..]);
                    self.redactor.fired(Rule::Pem);
                }
                None => out.extend_from_slice(&self.whole_lines(line).unwrap_or_else(|| line.to_vec())),
            }
            let ends = memmem::find(line, b"-----END ").is_some();
            self.in_key = if ends { 0 } else { self.in_key.saturating_sub(line.len()) };
        }
        out
    }

    /// Lines that no open key is in.
    fn whole_lines(&mut self, lines: &[u8]) -> Option<Vec<u8>> {
        let marked = self.near_kty > 0 && private_member().is_match(lines);
        self.near_kty = match memmem::rfind(lines, b"kty") {
            Some(at) => NEAR.saturating_sub(lines.len() - at),
            None => self.near_kty.saturating_sub(lines.len()),
        };
        let members = lone_members(lines, &self.redactor);
        let lines = members.as_deref().unwrap_or(lines);
        let clean = if marked {
            self.redactor.bytes(&[KTY, lines].concat(), false).map(|clean| clean[KTY.len()..].to_vec())
        } else {
            self.redactor.bytes(lines, false)
        };
        clean.or(members)
    }
}

/// Where the line starts on which a private key begins that does not end in here.
fn open_key(text: &[u8]) -> Option<usize> {
    let last_end = memmem::rfind(text, b"-----END ").unwrap_or(0);
    let begun = memmem::rfind(text, b"-----BEGIN ").filter(|begun| *begun >= last_end)?;
    private_begin(&text[begun..])?;
    Some(memchr::memrchr(b'\n', &text[..begun]).map_or(0, |end| end + 1))
}

/// Where on a line a private key begins.
fn private_begin(line: &[u8]) -> Option<usize> {
    let start = memmem::find(line, b"-----BEGIN ")?;
    let label = memmem::find(&line[start + 11..line.len().min(start + 91)], b"-----")?;
    memmem::find(&line[start..start + 11 + label], b"PRIVATE KEY").map(|_| start)
}

/// Where the part of a private key begins that this line is, behind the time stamp.
fn key_text(line: &[u8]) -> Option<usize> {
    static KEY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?-u)^(?:[0-9T:.-]{19,29}Z )?[ \t]*((?:-----END |Proc-Type:|DEK-Info:).*|[A-Za-z0-9+/]{4,}={0,2})\s*$")
            .expect("a constant pattern")
    });
    KEY.captures(line).and_then(|found| found.get(1)).map(|key| key.start())
}

/// A private member of a JSON Web Key.
fn private_member() -> &'static Regex {
    static MEMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?-u)["'](?:d|p|q|dp|dq|qi|k|t|r)\\*["']\s*:"#).expect("a constant pattern"));
    &MEMBER
}

/// A private member that has a line for itself, and a value that can be nothing else: its `kty` may come in a later piece.
fn lone_members(lines: &[u8], redactor: &Redactor) -> Option<Vec<u8>> {
    static LONE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m-u)["'](?:d|p|q|dp|dq|qi|k)["']\s*:\s*["']([A-Za-z0-9_=-]{40,})["'],?\s*$"#).expect("a constant pattern")
    });
    memmem::find(lines, b"\": \"").or_else(|| memmem::find(lines, b"\":\""))?;
    let mut out = Vec::new();
    let mut copied = 0;
    for found in LONE.captures_iter(lines) {
        let Some(secret) = found.get(1) else { continue };
        out.extend_from_slice(&lines[copied..secret.start()]);
        out.extend_from_slice(Rule::Jwk.token(secret.as_bytes()).as_bytes());
        redactor.fired(Rule::Jwk);
        copied = secret.end();
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&lines[copied..]);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(pieces: &[&str]) -> (String, Arc<Redactor>) {
        let redactor = Arc::new(Redactor::default());
        let mut stream = StreamRedactor::new(redactor.clone());
        let clean: Vec<u8> = pieces.iter().flat_map(|piece| stream.clean(Bytes::from((*piece).to_owned()))).collect();
        (String::from_utf8(clean).unwrap(), redactor)
    }

    const KEY: &str = "2026-11-22T13:00:00Z -----BEGIN PRIVATE KEY-----\n2026-11-22T13:00:00Z MIIEvQIBADANBgkqhkiG\n\
        2026-11-22T13:00:01Z 9w0BAQEFAASC+/BK=\n2026-11-22T13:00:01Z -----END PRIVATE KEY-----\n2026-11-22T13:00:02Z after\n";

    #[test]
    fn a_private_key_is_hidden_wherever_the_pieces_end() {
        let lines: Vec<&str> = KEY.split_inclusive('\n').collect();
        for cut in 0..=lines.len() {
            let (first, second) = (lines[..cut].concat(), lines[cut..].concat());
            let (clean, _) = stream(&[&first, &second]);
            assert!(!clean.contains("MIIE") && !clean.contains("BAQEF"), "cut at {cut}: {clean}");
            assert!(clean.ends_with("2026-11-22T13:00:02Z after\n"), "cut at {cut}: {clean}");
        }
        let (one_by_one, redactor) = stream(&lines);
        assert!(!one_by_one.contains("MIIE") && one_by_one.lines().count() == 5, "{one_by_one}");
        assert!(redactor.counts()["pem"] >= 3, "{:?}", redactor.counts());
    }

    #[test]
    fn other_lines_between_stay_and_the_key_stays_hidden() {
        let (clean, _) = stream(&[
            "2026-11-22T13:00:00Z -----BEGIN RSA PRIVATE KEY-----\n",
            "2026-11-22T13:00:00Z info\tenvoy started with 2 workers\n",
            "2026-11-22T13:00:00Z MIIEvQIBADANBgkqhkiG\n",
        ]);
        assert!(clean.contains("started with 2 workers") && !clean.contains("MIIE"), "{clean}");
    }

    #[test]
    fn a_key_that_never_ends_hides_no_more_than_a_key_can_be() {
        let long = format!("2026-11-22T13:00:00Z {}\n", "word ".repeat(2000));
        let mut pieces = vec!["2026-11-22T13:00:00Z -----BEGIN PRIVATE KEY-----\n"];
        pieces.extend((0..8).map(|_| long.as_str()));
        pieces.push("2026-11-22T13:00:00Z lonelyword\n");
        let (clean, _) = stream(&pieces);
        assert!(clean.ends_with("lonelyword\n"), "{}", &clean[clean.len() - 100..]);
    }

    #[test]
    fn a_web_key_is_hidden_over_pieces_too() {
        let secret = "s3cr3t".repeat(8);
        let member = format!("2026-11-22T13:00:00Z   \"d\": \"{secret}\",\n");
        let short = "2026-11-22T13:00:00Z   \"k\": \"s3cr3ts3cr3t\",\n";
        for pieces in [
            ["2026-11-22T13:00:00Z   \"kty\": \"RSA\",\n", member.as_str()],
            [member.as_str(), "2026-11-22T13:00:00Z   \"kty\": \"RSA\",\n"],
            ["2026-11-22T13:00:00Z   \"kty\": \"oct\",\n", short],
        ] {
            let (clean, redactor) = stream(&pieces);
            assert!(!clean.contains("s3cr3t") && clean.contains("kty"), "{clean}");
            assert!(clean.lines().count() == 2 && redactor.counts().contains_key("jwk"), "{clean}");
        }
        let far = format!("2026-11-22T13:00:00Z {}\n", "x ".repeat(NEAR));
        let (clean, _) = stream(&["2026-11-22T13:00:00Z kty\n", &far, short]);
        assert!(clean.contains("s3cr3ts3cr3t"), "a word as short as this, far from any kty, may be anything");
    }

    #[test]
    fn what_holds_no_secret_is_not_even_copied() {
        let piece = Bytes::from_static(b"2026-11-22T13:00:00Z info\thello\n");
        let clean = StreamRedactor::new(Arc::default()).clean(piece.clone());
        assert_eq!(clean.as_ptr(), piece.as_ptr());
        let (clean, _) = stream(&["2026-11-22T13:00:00Z 'authorization', 'Bearer s3cr3t'\n"]);
        assert!(!clean.contains("s3cr3t"), "{clean}");
    }
}
