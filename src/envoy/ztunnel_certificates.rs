//! The certificates of a ztunnel: one chain for each identity on its node.

use super::wire::Text;
use super::ztunnel_dump::{CERTIFICATES, all, one, part, some};
use crate::error::Result;
use crate::json::{Found, Node};
use crate::record;
use crate::tls::{Certificate, parse_pem};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

record! {
    /// A certificate that a ztunnel holds for an identity.
    pub struct ZtunnelCertificate as "ztunnel_certificate" {
        /// The identity: `spiffe://cluster.local/ns/shop/sa/web`.
        pub certificate_name: String,
        /// `Leaf`, `Intermediate` or `Root`; nothing when there is no certificate.
        pub r#type: Option<String>,
        /// `Available`, `Initializing` or `Unavailable`.
        pub status: String,
        /// Whether the time is within its dates.
        pub valid_cert: bool,
        /// Its serial number, in hexadecimal digits.
        pub serial_number: Option<String>,
        /// When it expires (RFC 3339).
        pub not_after: Option<String>,
        /// From when on it is valid (RFC 3339).
        pub not_before: Option<String>,
        /// The state in ztunnel's own words: why it is unavailable.
        [wide] pub state: String,
        /// The certificate itself, as `parse_pem` reads it.
        [wide] pub certificate: Option<Certificate>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct IdentityWire<'de> {
        identity: Text<'de>,
        state: Text<'de>,
        cert_chain: Vec<CertificateWire<'de>>,
        root_certs: Vec<CertificateWire<'de>>,
    }
}

wire! {
    struct CertificateWire<'de> {
        pem: Text<'de>,
        serial_number: Text<'de>,
        valid_from: Option<Text<'de>>,
        expiration_time: Option<Text<'de>>,
    }
}

/// The certificates, in the order of the dump: for each identity its chain, leaf first, then its roots.
///
/// # Errors
/// The document is no dump of a ztunnel.
pub fn ztunnel_certificates(root: &Node, now: Timestamp) -> Result<Vec<Found<ZtunnelCertificate>>> {
    let identities =
        all(part(root, CERTIFICATES)?, |text| one(text, |wire: IdentityWire<'_>, flaws| rows(wire, flaws.line(), now)));
    let each = identities.into_iter().flat_map(|found| {
        let at = found.at;
        found.record.into_iter().map(move |record| Found { record, at })
    });
    Ok(each.collect())
}

fn rows(wire: IdentityWire<'_>, flaws: Option<String>, now: Timestamp) -> Vec<ZtunnelCertificate> {
    let of_identity = ZtunnelCertificate {
        certificate_name: wire.identity.into_owned(),
        r#type: None,
        status: if wire.state.contains("Unavailable") { "Unavailable".into() } else { wire.state.to_string() },
        valid_cert: false,
        serial_number: None,
        not_after: None,
        not_before: None,
        state: wire.state.into_owned(),
        certificate: None,
        broken: flaws,
    };
    // Older ones put the root at the end of the chain.
    let roots = wire.root_certs;
    let last = wire.cert_chain.len().saturating_sub(1);
    let kind = |at: usize| match at {
        0 => "Leaf",
        at if at == last && roots.is_empty() => "Root",
        _ => "Intermediate",
    };
    let chain: Vec<(&str, &CertificateWire<'_>)> =
        wire.cert_chain.iter().enumerate().map(|(at, certificate)| (kind(at), certificate)).collect();
    let all: Vec<_> = chain.into_iter().chain(roots.iter().map(|root| ("Root", root))).collect();
    if wire.cert_chain.is_empty() && all.is_empty() {
        return vec![of_identity];
    }
    all.into_iter().map(|(kind, wire)| row(of_identity.clone(), kind, wire, now)).collect()
}

fn row(mut row: ZtunnelCertificate, kind: &str, wire: &CertificateWire<'_>, now: Timestamp) -> ZtunnelCertificate {
    let time = |text: &Option<Text<'_>>| text.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
    let (from, to) = (time(&wire.valid_from), time(&wire.expiration_time));
    row.r#type = Some(kind.into());
    row.valid_cert = from.is_some_and(|from| from <= now) && to.is_some_and(|to| now <= to);
    row.serial_number = (!wire.serial_number.is_empty()).then(|| hexadecimal(&wire.serial_number));
    row.not_before = some(wire.valid_from.clone());
    row.not_after = some(wire.expiration_time.clone());
    match certificate(&wire.pem) {
        Ok(certificate) => row.certificate = certificate,
        Err(why) => row.broken = Some(row.broken.take().map_or(why.clone(), |told| format!("{told}, {why}"))),
    }
    row
}

/// The certificate of a dump, which is PEM in base64, or PEM as it is.
fn certificate(pem: &str) -> std::result::Result<Option<Certificate>, String> {
    if pem.is_empty() {
        return Ok(None);
    }
    let bad = |why: String| format!("pem cannot be read: {why}");
    let text = if pem.contains("-----BEGIN") {
        pem.to_owned()
    } else {
        let bytes = BASE64_STANDARD.decode(pem.trim()).map_err(|error| bad(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?
    };
    let parsed = parse_pem(&text).map_err(|error| bad(error.to_string()))?;
    Ok(parsed.certificates.into_iter().next())
}

/// A serial number, which comes in decimal digits and is longer than any integer.
fn hexadecimal(decimal: &str) -> String {
    const LONGEST: usize = 100;
    let digits: Option<Vec<u32>> = decimal.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(mut number) = digits.filter(|digits| digits.len() <= LONGEST) else { return decimal.to_owned() };
    let mut hexadecimal = Vec::new();
    while number.iter().any(|digit| *digit != 0) {
        let mut rest = 0;
        for digit in &mut number {
            let value = rest * 10 + *digit;
            (*digit, rest) = (value / 16, value % 16);
        }
        hexadecimal.push(char::from_digit(rest, 16).unwrap_or('0'));
    }
    if hexadecimal.is_empty() { "0".into() } else { hexadecimal.iter().rev().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_of_any_length_are_hexadecimal() {
        for (decimal, hex) in [
            ("0", "0"),
            ("255", "ff"),
            ("00016", "10"),
            ("18446744073709551616", "10000000000000000"),
            ("305093309126053226384474829014023013", "3ac242f1b8b80c35c3bddf4bddbb65"),
            ("ab", "ab"),
        ] {
            assert_eq!(hexadecimal(decimal), hex, "{decimal}");
        }
    }
}
