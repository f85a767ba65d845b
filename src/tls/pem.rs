//! Certificates out of PEM text, however it was pasted: what can be read is kept, the rest becomes notes.

use super::Certificate;
use crate::error::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What a PEM text held.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The certificates, in the order of the text.
    pub certificates: Vec<Certificate>,
    /// What was skipped, and why.
    pub notes: Vec<String>,
}

struct Block {
    label: String,
    /// The line its BEGIN stands in, from 1.
    line: usize,
    body: String,
    ended: bool,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Read all certificates of a PEM text.
///
/// # Errors
/// When no certificate can be read from it: the error says what the text looks like instead.
pub fn parse_pem(text: &str) -> Result<Parsed> {
    let unescaped;
    let text = if text.lines().count() < 3 && text.contains("\\n") {
        // Copied out of a JSON document, with the line ends still escaped.
        unescaped = text.replace("\\r", "").replace("\\n", "\n");
        &unescaped
    } else {
        text
    };
    let (blocks, outside) = blocks(text);
    let mut parsed = Parsed { certificates: Vec::new(), notes: Vec::new() };
    for block in &blocks {
        match certificate(block) {
            Ok(certificate) => parsed.certificates.push(certificate),
            Err(note) => parsed.notes.push(note),
        }
    }
    if parsed.certificates.is_empty() {
        return Err(nothing(text, &blocks, &parsed.notes));
    }
    if outside > 0 {
        let lines = if outside == 1 { "1 line" } else { &format!("{outside} lines") };
        parsed.notes.push(format!("{lines} outside of the PEM blocks skipped"));
    }
    Ok(parsed)
}

fn certificate(block: &Block) -> std::result::Result<Certificate, String> {
    let Block { label, line, .. } = block;
    if label.ends_with("PRIVATE KEY") {
        return Err(format!("line {line}: a private key was skipped; it does not belong among certificates"));
    }
    if !matches!(label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") {
        return Err(format!("line {line}: a block {label:?} was skipped; it is no certificate"));
    }
    if !block.ended {
        return Err(format!("line {line}: this certificate has no END line; the text was cut off"));
    }
    let der = base64(&block.body).ok_or_else(|| format!("line {line}: this certificate is not valid base64"))?;
    Certificate::from_der(&der).map_err(|error| format!("line {line}: {}; it was cut off or changed", error.message()))
}

/// The blocks of a text, and how many lines with something in them stand outside of all blocks.
fn blocks(text: &str) -> (Vec<Block>, usize) {
    let (mut blocks, mut outside): (Vec<Block>, usize) = (Vec::new(), 0);
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some((_, rest)) = line.split_once(BEGIN) {
            let label = rest.split("-----").next().unwrap_or_default().trim().to_string();
            blocks.push(Block { label, line: index + 1, body: String::new(), ended: false });
            open = true;
        } else if let (Some(block), true) = (blocks.last_mut(), open) {
            if line.contains(END) {
                block.ended = true;
                open = false;
            } else if !line.contains(": ") {
                // Headers such as `Proc-Type: 4,ENCRYPTED` are no data.
                block.body.push_str(line);
            }
        } else if !line.is_empty() {
            outside += 1;
        }
    }
    (blocks, outside)
}

fn nothing(text: &str, blocks: &[Block], notes: &[String]) -> Error {
    let start = text.trim_start();
    let bad = |message: &str, hint: &str| Error::new(Kind::BadInput, message).hint(hint);
    let pem = "give PEM: blocks that start with -----BEGIN CERTIFICATE-----";
    if start.is_empty() {
        return bad(
            "there is no certificate: the text is empty",
            "check that the key of the Secret or ConfigMap, or the file, is the right one",
        );
    }
    if blocks.is_empty() {
        let looks = if start.starts_with("MII") {
            "it looks like a certificate without its BEGIN and END lines"
        } else if start.starts_with('<') {
            "it looks like an HTML page"
        } else if start.starts_with(['{', '[']) {
            "it looks like JSON"
        } else {
            "no line starts a PEM block"
        };
        return bad(&format!("there is no certificate in these {} bytes: {looks}", text.len()), pem);
    }
    if blocks.iter().all(|block| block.label.ends_with("PRIVATE KEY")) {
        return bad(
            "there is no certificate in the text, only a private key",
            "give the certificate that belongs to it, and keep the key to yourself",
        );
    }
    let error =
        bad("no certificate of the text can be read", "fetch the text again, whole; `openssl x509 -in FILE -text` tells more");
    notes.iter().fold(error, |error, note| error.cause(note))
}

/// Bytes of base64, white space ignored, padding or not.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    LENIENT.decode(compact).ok()
}

/// A certificate as PEM with lines of 64 letters.
pub(super) fn armour(der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing::{RECORDED_CHAIN, RECORDED_ROOT};
    use proptest::prelude::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";

    fn message(text: &str) -> String {
        let error = parse_pem(text).unwrap_err();
        assert!(error.next_step().is_some(), "{error}");
        error.to_string()
    }

    #[test]
    fn what_can_be_read_is_kept_and_the_rest_is_told() {
        let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let crl = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        let text = format!(
            "depth=0\nverify error\n{RECORDED_CHAIN}\nnoise\n{broken}{KEY}{crl}{RECORDED_ROOT}-----BEGIN CERTIFICATE-----\nMIID"
        );
        let parsed = parse_pem(&text).unwrap();
        assert_eq!(parsed.certificates.len(), 3);
        let notes = parsed.notes.join("\n");
        for expected in ["not valid base64", "a private key was skipped", "X509 CRL", "no END line", "3 lines outside"] {
            assert!(notes.contains(expected), "{expected}: {notes}");
        }
        assert!(!notes.contains("c2VjcmV0"));
    }

    #[test]
    fn text_pasted_from_json_windows_or_yaml_reads_the_same() {
        let plain = parse_pem(RECORDED_ROOT).unwrap();
        let indented: String = RECORDED_ROOT.lines().map(|line| format!("      {line}\n")).collect();
        for text in [RECORDED_ROOT.replace('\n', "\\n"), RECORDED_ROOT.replace('\n', "\r\n"), indented] {
            assert_eq!(parse_pem(&text).unwrap(), plain);
        }
        assert_eq!(plain.certificates[0].pem.trim(), RECORDED_ROOT.trim());
        assert!(plain.notes.is_empty());
    }

    #[test]
    fn a_text_without_certificates_says_what_it_looks_like() {
        assert!(message(" \n").contains("empty"));
        assert!(message("<html>login</html>").contains("HTML"));
        assert!(message("{\"kind\":\"Secret\"}").contains("JSON"));
        assert!(message("MIIDgzCCAmugAwIBAgIUeip9DP5a").contains("BEGIN and END"));
        assert!(message("hello").contains("no line starts a PEM block"));
        let key = message(KEY);
        assert!(key.contains("only a private key") && !key.contains("c2Vj"), "{key}");
        assert!(message("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").contains("line 1"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(cut in 0usize..3000, insert in ".{0,40}") {
            let mut text: String = RECORDED_CHAIN.chars().take(cut).collect();
            text.push_str(&insert);
            let _ = parse_pem(&text);
            let _ = parse_pem(&insert);
        }
    }
}
