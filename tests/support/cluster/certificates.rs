//! Certificates for the HTTPS servers: the recorded chain where its key was recorded too, else one made after it.
//!
//! The private keys of most recorded servers are not in the recordings. Their chains are made anew, on keys of their own,
//! with the recorded names, serial numbers and validity. The root that they end in is made anew as well, so wherever the
//! recording shows the recorded root to the cluster (a ConfigMap that gives it to istiod), the new one is served instead.
//!
//! A chain that was valid when it was recorded stays valid: its times move with the clock once they have run out.

use super::objects::Objects;
use base64::Engine;
use jiff::Timestamp;
use pilotage::error::{Error, Kind, Result};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rcgen::{KeyUsagePurpose, SanType, SerialNumber};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::time::Duration;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::x509::X509Name;

/// What a server shows, and what vouches for it.
#[derive(Debug)]
pub struct Identity {
    /// The chain, leaf first, as it is sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
    /// The root that was made anew, which the server does not send.
    pub root: Option<Root>,
}

/// The times that decide what is valid.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When the chain was recorded.
    pub recorded: Timestamp,
    /// When it is shown.
    pub now: Timestamp,
}

/// A root made anew.
#[derive(Debug)]
pub struct Root {
    /// Its name, as in certificates.
    subject: Vec<u8>,
    /// The certificate.
    pub pem: String,
}

impl Identity {
    /// The identity behind a recorded chain.
    ///
    /// # Errors
    /// When the chain cannot be read, or a certificate cannot be made.
    pub fn of(chain: &[u8], times: Times, objects: &Objects) -> Result<Self> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(chain).collect::<std::result::Result<_, _>>().map_err(|error| broken(&error))?;
        match recorded_key(&chain, objects) {
            Some(key) => Ok(Self { chain, key, root: None }),
            None => remake(&chain, times),
        }
    }
}

impl Identity {
    /// A new identity of this machine, and the authority that vouches for it.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub fn local() -> Result<Self> {
        let made = |error: rcgen::Error| broken(&error);
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "kubernetes");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate().map_err(made)?;
        let pem = authority.self_signed(&authority_key).map_err(made)?.pem();
        let authority = Issuer::new(authority, authority_key);
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_string(), "localhost".to_string()]).map_err(made)?;
        let key = KeyPair::generate().map_err(made)?;
        let leaf = leaf.signed_by(&key, &authority).map_err(made)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| broken(&error))?;
        Ok(Self { chain: vec![leaf.der().clone()], key, root: Some(Root { subject: Vec::new(), pem }) })
    }
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::BadInput, "the recorded chain of certificates cannot be served").cause(error)
}

/// The leaf's key, when a Secret of the recording holds it.
fn recorded_key(chain: &[CertificateDer<'static>], objects: &Objects) -> Option<PrivateKeyDer<'static>> {
    let provider = rustls::crypto::ring::default_provider();
    let secrets = objects.all().filter(|(group, plural, _)| group.is_empty() && *plural == "secrets");
    let values = secrets.flat_map(|(_, _, list)| &list.items).filter_map(|secret| secret["data"].as_object()).flatten();
    let pems = values.filter_map(|(_, value)| base64::engine::general_purpose::STANDARD.decode(value.as_str()?).ok());
    let mut keys = pems.filter_map(|pem| PrivateKeyDer::from_pem_slice(&pem).ok());
    keys.find(|key| {
        let pair = rustls::sign::CertifiedKey::from_der(chain.to_vec(), key.clone_key(), &provider);
        pair.is_ok_and(|pair| pair.keys_match().is_ok())
    })
}

fn remake(recorded: &[CertificateDer<'static>], times: Times) -> Result<Identity> {
    let mut certificates = Vec::new();
    for der in recorded {
        certificates.push(x509_parser::parse_x509_certificate(der).map_err(|error| broken(&error))?.1);
    }
    let top = certificates.last().ok_or_else(|| broken(&"it is empty"))?;
    let shift = shift(&certificates, times);
    let (mut issuer, root) = if top.subject().as_raw() == top.issuer().as_raw() {
        (None, None)
    } else {
        let mut params = authority(top.issuer(), BasicConstraints::Unconstrained);
        validity(&mut params, top, shift);
        let key = KeyPair::generate().map_err(|error| broken(&error))?;
        let pem = params.self_signed(&key).map_err(|error| broken(&error))?.pem();
        (Some(Issuer::new(params, key)), Some(Root { subject: top.issuer().as_raw().to_vec(), pem }))
    };
    let mut chain = Vec::new();
    let mut leaf_key = None;
    for recorded in certificates.iter().rev() {
        let params = params(recorded, shift)?;
        let key = KeyPair::generate().map_err(|error| broken(&error))?;
        leaf_key = Some(key.serialize_der());
        let made = match &issuer {
            Some(issuer) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        chain.insert(0, made.map_err(|error| broken(&error))?.der().clone());
        issuer = Some(Issuer::new(params, key));
    }
    let key = leaf_key.ok_or_else(|| broken(&"it is empty"))?;
    let key = PrivateKeyDer::try_from(key).map_err(|error| broken(&error))?;
    Ok(Identity { chain, key, root })
}

/// By how many seconds the chain's times move: none while it is as valid as it was, or as invalid.
fn shift(chain: &[X509Certificate<'_>], times: Times) -> i64 {
    let valid = |at: i64| {
        chain.iter().all(|certificate| {
            let validity = certificate.validity();
            (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&at)
        })
    };
    let (recorded, now) = (times.recorded.as_second(), times.now.as_second());
    if valid(recorded) && !valid(now) { now - recorded } else { 0 }
}

fn validity(params: &mut CertificateParams, recorded: &X509Certificate<'_>, shift: i64) {
    let time = |seconds: i64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds + shift).unwrap_or(0));
    params.not_before = time(recorded.validity().not_before.timestamp());
    params.not_after = time(recorded.validity().not_after.timestamp());
}

fn authority(name: &X509Name<'_>, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(recorded: &X509Certificate<'_>, shift: i64) -> Result<CertificateParams> {
    let constraints = recorded.basic_constraints().ok().flatten().filter(|found| found.value.ca);
    let mut params = match constraints {
        Some(found) => {
            let depth = found.value.path_len_constraint.and_then(|depth| u8::try_from(depth).ok());
            authority(recorded.subject(), depth.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained))
        }
        None => {
            let mut params = CertificateParams::default();
            params.distinguished_name = distinguished(recorded.subject());
            params.is_ca = IsCa::ExplicitNoCa;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params
        }
    };
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(SerialNumber::from_slice(recorded.raw_serial()));
    validity(&mut params, recorded, shift);
    let names = recorded.subject_alternative_name().ok().flatten();
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        let text = |text: &str| text.to_string().try_into().map_err(|error: rcgen::Error| broken(&error));
        match name {
            GeneralName::DNSName(name) => params.subject_alt_names.push(SanType::DnsName(text(name)?)),
            GeneralName::URI(name) => params.subject_alt_names.push(SanType::URI(text(name)?)),
            _ => {}
        }
    }
    Ok(params)
}

fn distinguished(name: &X509Name<'_>) -> DistinguishedName {
    let mut made = DistinguishedName::new();
    for attribute in name.iter_attributes() {
        let oid: Vec<u64> = attribute.attr_type().iter().map(Iterator::collect).unwrap_or_default();
        let kind = match oid.as_slice() {
            [2, 5, 4, 3] => DnType::CommonName,
            [2, 5, 4, 6] => DnType::CountryName,
            [2, 5, 4, 7] => DnType::LocalityName,
            [2, 5, 4, 8] => DnType::StateOrProvinceName,
            [2, 5, 4, 10] => DnType::OrganizationName,
            [2, 5, 4, 11] => DnType::OrganizationalUnitName,
            other => DnType::CustomDnType(other.to_vec()),
        };
        made.push(kind, attribute.as_str().unwrap_or_default());
    }
    made
}

impl Root {
    /// Put this root where the recorded one of the same name stands in the ConfigMaps; whether any was found.
    pub fn replace(&self, objects: &mut Objects) -> bool {
        let Some(maps) = objects.items_mut("", "configmaps") else { return false };
        let mut found = false;
        for value in maps.iter_mut().filter_map(|map| map.get_mut("data")?.as_object_mut()).flatten().map(|(_, value)| value) {
            if let Some(replaced) = value.as_str().and_then(|text| self.replaced(text)) {
                *value = replaced.into();
                found = true;
            }
        }
        found
    }

    fn replaced(&self, text: &str) -> Option<String> {
        const END: &str = "-----END CERTIFICATE-----";
        let mut out = String::new();
        let mut found = false;
        for block in text.split_inclusive(END) {
            let start = block.find("-----BEGIN CERTIFICATE-----").unwrap_or(block.len());
            let der = CertificateDer::from_pem_slice(&block.as_bytes()[start..]).ok();
            let ours = der.is_some_and(|der| {
                x509_parser::parse_x509_certificate(&der).is_ok_and(|(_, known)| known.subject().as_raw() == self.subject)
            });
            found |= ours;
            out.push_str(if ours { &block[..start] } else { block });
            out.push_str(if ours { self.pem.trim_end() } else { "" });
        }
        found.then_some(out)
    }
}
