//! One X.509 certificate as a row.

use crate::error::{Error, Kind, Result};
use crate::record;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use x509_parser::prelude::*;
use x509_parser::public_key::PublicKey;

record! {
    /// A certificate, as served, mounted or kept in a Secret.
    pub struct Certificate as "certificate" {
        /// Whom it is for: `O=Acme Corp, CN=*.apps.acme.test`.
        pub subject: String,
        /// Who signed it, by name.
        pub issuer: String,
        /// The names it is valid for: `DNS:*.apps.acme.test`, `URI:spiffe://…`, `IP:10.0.0.1`. The common name does not count.
        pub sans: Vec<String>,
        /// Valid from this time on (UTC).
        pub not_before: String,
        /// Valid until this time (UTC).
        pub not_after: String,
        /// SHA-256 fingerprint of the whole certificate, as openssl prints it.
        pub sha256: String,
        /// Serial number, in hexadecimal.
        pub serial: String,
        /// Whether it may sign other certificates.
        pub is_ca: bool,
        /// Whether it is signed with its own key: a root, or a home-made server certificate.
        pub self_signed: bool,
        /// Kind and size of its key: `RSA 2048`, `EC P-256`.
        pub key: String,
        /// What the key may be used for.
        [wide] pub key_usage: Vec<String>,
        /// What the certificate may be used for: `serverAuth`, `clientAuth`.
        [wide] pub ext_key_usage: Vec<String>,
        /// How it is signed: `RSA-SHA256`.
        [wide] pub signature_algorithm: String,
        /// Id of its key (subject key identifier).
        [wide] pub ski: Option<String>,
        /// Id of the key that signed it (authority key identifier).
        [wide] pub aki: Option<String>,
        /// The certificate itself, as PEM.
        [wide] pub pem: String,
    }
}

/// The subject of a certificate (DER), written as everywhere in pilotage; nothing when it is no certificate.
///
/// A backend that answers [`Ask::Roots`](crate::backend::Ask::Roots) compares with this.
pub fn subject_name(der: &[u8]) -> Option<String> {
    Some(parse_x509_certificate(der).ok()?.1.subject().to_string())
}

impl Certificate {
    /// Read one certificate from its DER bytes.
    ///
    /// # Errors
    /// When the bytes are no certificate.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let (rest, x509) = parse_x509_certificate(der).map_err(|error| {
            Error::new(Kind::BadAnswer, "these bytes are no X.509 certificate")
                .cause(error)
                .hint("the certificate was cut off or changed; fetch it again")
        })?;
        Ok(Self::from_x509(&x509, &der[..der.len() - rest.len()]))
    }

    /// The DER bytes that [`Self::pem`] holds.
    pub(super) fn der(&self) -> Option<Vec<u8>> {
        let body: String = self.pem.lines().filter(|line| !line.starts_with('-')).collect();
        super::pem::base64(&body)
    }

    fn from_x509(x509: &X509Certificate<'_>, der: &[u8]) -> Self {
        Self {
            subject: x509.subject().to_string(),
            issuer: x509.issuer().to_string(),
            sans: sans(x509),
            not_before: time(x509.validity().not_before),
            not_after: time(x509.validity().not_after),
            sha256: colons(ring::digest::digest(&ring::digest::SHA256, der).as_ref()),
            serial: colons(x509.raw_serial()),
            is_ca: x509.is_ca(),
            self_signed: self_signed(x509),
            key: key(x509.public_key()),
            key_usage: key_usage(x509),
            ext_key_usage: ext_key_usage(x509),
            signature_algorithm: algorithm(x509),
            ski: key_id(x509, |extension| match extension {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
                _ => None,
            }),
            aki: key_id(x509, |extension| match extension {
                ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
                _ => None,
            }),
            pem: super::pem::armour(der),
        }
    }
}

/// `AB:01:…`, as openssl prints fingerprints.
pub(super) fn colons(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let _ = write!(text, "{}{byte:02X}", if text.is_empty() { "" } else { ":" });
    }
    text
}

/// RFC 3339. The year 9999, which says "does not expire", is beyond jiff's time stamps, so it goes through civil time.
pub(super) fn rfc3339(seconds: i64) -> String {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    match epoch.checked_add(SignedDuration::from_secs(seconds)) {
        Ok(time) => format!("{time}Z"),
        Err(_) => format!("{seconds} seconds after 1970"),
    }
}

fn time(time: ASN1Time) -> String {
    rfc3339(time.timestamp())
}

/// Whether its own key signed it. Where that cannot be checked, equal names have to do.
fn self_signed(x509: &X509Certificate<'_>) -> bool {
    x509.subject() == x509.issuer() && !other_key(x509, x509)
}

/// Whether this certificate was surely signed with another key than the CA's.
///
/// What ring cannot check (RSA keys under 2048 bits, P-521) passes here; the strict check refuses it, in its own words.
pub(super) fn other_key(x509: &X509Certificate<'_>, ca: &X509Certificate<'_>) -> bool {
    let small = matches!(ca.public_key().parsed(), Ok(PublicKey::RSA(rsa)) if super::signature::bit_length(rsa.modulus) < 2048);
    let verified = x509.verify_signature(Some(ca.public_key()));
    !small && matches!(verified, Err(X509Error::SignatureVerificationError | X509Error::InvalidSignatureValue))
}

fn sans(x509: &X509Certificate<'_>) -> Vec<String> {
    match x509.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.iter().map(general_name).collect(),
        _ => Vec::new(),
    }
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::RFC822Name(mail) => format!("email:{mail}"),
        GeneralName::IPAddress(bytes) => format!("IP:{}", address(bytes)),
        GeneralName::DirectoryName(name) => format!("DirName:{name}"),
        other => format!("other:{other}"),
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(four).to_string();
    }
    <[u8; 16]>::try_from(bytes).map_or_else(|_| colons(bytes), |sixteen| Ipv6Addr::from(sixteen).to_string())
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> String {
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", super::signature::bit_length(rsa.modulus)),
        Ok(PublicKey::EC(_)) => format!("EC {}", curve(info)),
        _ => match info.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => "Ed25519".into(),
            "1.3.101.113" => "Ed448".into(),
            other => other.into(),
        },
    }
}

fn curve(info: &SubjectPublicKeyInfo<'_>) -> String {
    let oid = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    match oid.map(|oid| oid.to_id_string()).as_deref() {
        Some("1.2.840.10045.3.1.7") => "P-256".into(),
        Some("1.3.132.0.34") => "P-384".into(),
        Some("1.3.132.0.35") => "P-521".into(),
        Some(other) => other.into(),
        None => "unknown curve".into(),
    }
}

fn key_usage(x509: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = x509.key_usage() else { return Vec::new() };
    let usage = usage.value;
    [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .map(|(_, name)| name.to_string())
    .collect()
}

fn ext_key_usage(x509: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = x509.extended_key_usage() else { return Vec::new() };
    let usage = usage.value;
    let known = [
        (usage.any, "any"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = known.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_string());
    known.chain(usage.other.iter().map(|oid| oid.to_id_string())).collect()
}

fn algorithm(x509: &X509Certificate<'_>) -> String {
    let oid = x509.signature_algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.4" => "RSA-MD5",
        "1.2.840.113549.1.1.5" => "RSA-SHA1",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA-SHA256",
        "1.2.840.113549.1.1.12" => "RSA-SHA384",
        "1.2.840.113549.1.1.13" => "RSA-SHA512",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        other => other,
    }
    .into()
}

fn key_id(x509: &X509Certificate<'_>, pick: for<'a> fn(&'a ParsedExtension<'_>) -> Option<&'a [u8]>) -> Option<String> {
    x509.extensions().iter().find_map(|extension| pick(extension.parsed_extension()).map(colons))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing::{Ca, RECORDED_CHAIN};
    use crate::tls::{needed_roots, parse_pem};

    #[test]
    fn a_recorded_chain_reads_as_openssl_read_it() {
        let parsed = parse_pem(RECORDED_CHAIN).unwrap();
        let [leaf, ca] = parsed.certificates.as_slice() else { panic!("two certificates") };
        assert_eq!(leaf.subject, "O=Acme Corp, CN=*.apps.acme.test");
        assert_eq!(leaf.issuer, "O=Acme Corp, CN=Acme Corp Issuing CA 1");
        assert_eq!(leaf.sans, ["DNS:*.apps.acme.test", "DNS:apps.acme.test"]);
        assert_eq!((leaf.not_before.as_str(), leaf.not_after.as_str()), ("2026-11-22T12:36:45Z", "2027-12-24T12:36:45Z"));
        assert_eq!(
            leaf.sha256,
            "25:A4:8D:73:A7:72:33:04:F4:37:99:68:01:18:EF:DF:6E:9F:3B:28:37:71:D2:0F:C8:11:E8:8A:70:0B:6B:E1"
        );
        assert_eq!(leaf.serial.replace(':', ""), "7A2A7D0CFE5AFE518874F0DB56CA861F81113979");
        assert_eq!((leaf.is_ca, leaf.self_signed, leaf.key.as_str()), (false, false, "RSA 2048"));
        assert_eq!(
            (leaf.ext_key_usage.as_slice(), leaf.signature_algorithm.as_str()),
            (&["serverAuth".to_string()][..], "RSA-SHA256")
        );
        assert!(ca.is_ca && !ca.self_signed);
        assert_eq!(leaf.aki, ca.ski);
        assert!(leaf.aki.is_some());
        assert_eq!(needed_roots(&parsed.certificates), [ca.subject.clone(), "O=Acme Corp, CN=Acme Corp Root CA".into()]);
        assert_eq!(subject_name(&leaf.der().unwrap()).as_ref(), Some(&leaf.subject));
    }

    #[test]
    fn keys_names_and_the_far_future_are_shown_as_people_know_them() {
        let root = Ca::root("Root");
        let cert = root.leaf(|params| {
            params.not_after = rcgen::date_time_ymd(9999, 12, 31);
            params.subject_alt_names = vec![
                rcgen::SanType::IpAddress([10, 0, 0, 1].into()),
                rcgen::SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
                rcgen::SanType::URI("spiffe://cluster.local/ns/a/sa/b".try_into().unwrap()),
            ];
        });
        assert_eq!(cert.sans, ["IP:10.0.0.1", "IP:::1", "URI:spiffe://cluster.local/ns/a/sa/b"]);
        assert_eq!((cert.key.as_str(), cert.not_after.as_str()), ("EC P-256", "9999-12-31T00:00:00Z"));
        assert_eq!(rfc3339(253_402_300_799), "9999-12-31T23:59:59Z");
        assert!(root.cert.self_signed && root.cert.is_ca);
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        for bytes in [&b""[..], b"hello", &[0x30, 0x82, 0xff, 0xff]] {
            assert!(Certificate::from_der(bytes).is_err() && subject_name(bytes).is_none());
        }
    }
}
