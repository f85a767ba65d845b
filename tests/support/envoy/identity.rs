//! Certificates as istiod would make them: a root, an authority between, and a workload's own.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use std::time::{Duration, SystemTime};

/// The workload's name in the mesh.
const SPIFFE: &str = "spiffe://cluster.local/ns/shop/sa/web";

const DAY: Duration = Duration::from_secs(86_400);

/// A chain that the proxy shows, and the root it trusts.
pub struct Identity {
    /// The workload's certificate.
    pub leaf: Leaf,
    /// Its key, as PEM.
    pub key: String,
    /// The workload's certificate and the authority between, as PEM.
    pub chain: String,
    /// The root, as PEM.
    pub root: String,
}

/// What stands in the workload's certificate.
pub struct Leaf {
    /// The serial number: lower hex.
    pub serial: &'static str,
    /// The name in the mesh.
    pub spiffe: &'static str,
    /// The DNS name beside it.
    pub dns: &'static str,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
}

impl Identity {
    /// Make one that is good for half a day: less than what Envoy calls a day.
    pub fn make() -> Self {
        let now = SystemTime::now();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970(now).try_into().expect("after 1970"));
        let root = CertifiedIssuer::self_signed(authority("Lab Root CA", 1), key()).expect("a root");
        let between = CertifiedIssuer::signed_by(authority("Lab Intermediate CA", 0), key(), &root).expect("an authority");
        let (mut params, own) = (workload(), key());
        (params.not_before, params.not_after) = ((now - DAY).into(), (now + DAY / 2).into());
        let leaf = params.signed_by(&own, &between).expect("a certificate");
        Self {
            leaf: Leaf {
                spiffe: SPIFFE,
                serial: "1f2e3d4c5b6a7988",
                dns: "web.shop.svc",
                not_before: since_1970(now - DAY),
                not_after: since_1970(now + DAY / 2),
            },
            key: own.serialize_pem(),
            chain: format!("{}{}", leaf.pem(), between.pem()),
            root: root.pem(),
        }
    }
}

fn since_1970(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs().try_into().expect("not that far ahead")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn workload() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["web.shop.svc".into()]).expect("a legal name");
    params.subject_alt_names.push(SanType::URI(SPIFFE.try_into().expect("plain letters")));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "cluster.local");
    params.serial_number = Some(SerialNumber::from_slice(&[0x1f, 0x2e, 0x3d, 0x4c, 0x5b, 0x6a, 0x79, 0x88]));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn authority(name: &str, below: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
