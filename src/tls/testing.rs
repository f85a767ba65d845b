//! Certificates made for one test, and the recorded ones.

use super::{Certificate, parse_pem};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// The chain the recorded JWKS server sends: leaf and intermediate.
pub const RECORDED_CHAIN: &str = include_str!("../../tests/data/keycloak_chain.pem");
/// The private root it ends in.
pub const RECORDED_ROOT: &str = include_str!("../../tests/data/keycloak_root.pem");

/// The time all tests judge by: the day of the recordings.
pub fn now() -> Timestamp {
    "2026-11-22T14:00:00Z".parse().unwrap()
}

/// The certificates of a text that is all right.
pub fn certs(text: &str) -> Vec<Certificate> {
    parse_pem(text).unwrap().certificates
}

/// A certificate authority that lives as long as one test.
pub struct Ca {
    pub cert: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    /// A self-signed root.
    pub fn root(name: &str) -> Self {
        let (params, key) = (ca_params(name), KeyPair::generate().unwrap());
        let cert = Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap();
        Self { cert, issuer: Issuer::new(params, key) }
    }

    /// A CA below this one.
    pub fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (ca_params(name), KeyPair::generate().unwrap());
        let cert = Certificate::from_der(params.signed_by(&key, &self.issuer).unwrap().der()).unwrap();
        Self { cert, issuer: Issuer::new(params, key) }
    }

    /// A server certificate for `shop.example`, changed as wanted.
    pub fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let (params, key) = (leaf_params(change), KeyPair::generate().unwrap());
        Certificate::from_der(params.signed_by(&key, &self.issuer).unwrap().der()).unwrap()
    }

    /// A certificate that says it is no CA, and one that it signed all the same.
    pub fn fake_ca(&self, name: &str) -> (Certificate, Certificate) {
        let mut params = ca_params(name);
        params.is_ca = IsCa::ExplicitNoCa;
        let key = KeyPair::generate().unwrap();
        let fake = Certificate::from_der(params.signed_by(&key, &self.issuer).unwrap().der()).unwrap();
        let leaf = Self { cert: fake.clone(), issuer: Issuer::new(params, key) }.leaf(|_| ());
        (fake, leaf)
    }

    /// The other CA's name and key, vouched for by this one.
    pub fn cross_sign(&self, other: &Self) -> Certificate {
        let params = ca_params(other.cert.subject.trim_start_matches("CN="));
        Certificate::from_der(params.signed_by(other.issuer.key(), &self.issuer).unwrap().der()).unwrap()
    }
}

/// A server certificate that signed itself.
pub fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Certificate {
    Certificate::from_der(leaf_params(change).self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2036, 1, 1));
    params
}

fn leaf_params(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["shop.example".into()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "shop.example");
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2027, 1, 1));
    change(&mut params);
    params
}

/// A throw-away RSA key; ring cannot make one.
pub fn rsa() -> ring::rsa::KeyPair {
    ring::rsa::KeyPair::from_pkcs8(include_bytes!("../../tests/data/throwaway_rsa.pk8")).unwrap()
}

/// The RSA algorithms of tokens, with what makes such signatures.
pub fn rsa_paddings() -> [(&'static str, &'static dyn ring::signature::RsaEncoding); 6] {
    use ring::signature as s;
    [
        ("RS256", &s::RSA_PKCS1_SHA256),
        ("RS384", &s::RSA_PKCS1_SHA384),
        ("RS512", &s::RSA_PKCS1_SHA512),
        ("PS256", &s::RSA_PSS_SHA256),
        ("PS384", &s::RSA_PSS_SHA384),
        ("PS512", &s::RSA_PSS_SHA512),
    ]
}

/// A recorded token, with what it was made to be.
#[derive(serde::Deserialize)]
pub struct Recorded {
    pub name: String,
    pub header: Option<serde_json::Map<String, serde_json::Value>>,
    pub claims: Option<serde_json::Map<String, serde_json::Value>>,
    pub token: String,
}

/// All tokens of the recordings. They are throw-away: the realm lived for a day in a lab.
pub fn tokens() -> Vec<Recorded> {
    serde_json::from_str(include_str!("../../tests/data/tokens.json")).unwrap()
}

/// A token of these parts; the signature as given.
pub fn with_parts(header: &serde_json::Value, claims: &serde_json::Value, signature: &str) -> String {
    use base64::Engine as _;
    let part = |value: &serde_json::Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}
