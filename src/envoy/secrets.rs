//! Certificates, authorities and other secrets that a proxy was given, or waits for. Private keys are never looked at.

use super::dump::{Dump, List, Section};
use super::secret_facts::{Facts, Held, trust_domain_of};
use super::update::Failure;
use super::wire::{Flaws, Raw, Text, found};
use crate::error::Result;
use crate::json::{Found, each};
use crate::record;
use crate::tls::{Certificate, time_left};
use jiff::Timestamp;

record! {
    /// A secret of a proxy. What istioctl shows of it (`type` to `trust_domain`) is about its first certificate only; `problem` and
    /// what follows is about all of it.
    pub struct Secret as "secret" {
        /// Its name: `default` (the workload's own certificate), `ROOTCA`, `kubernetes://shop-cert`.
        pub resource_name: String,
        /// `Cert Chain`, or `CA` when the first certificate is an authority's; nothing when it cannot be read.
        pub r#type: Option<String>,
        /// `ACTIVE`; `WARMING` while it waits to be delivered; `STATIC` when it stands in the bootstrap.
        pub status: String,
        /// Whether there is a first certificate, and the time is within its limits. Nothing else is checked for this.
        pub valid_cert: bool,
        /// Its serial number: 32 hexadecimal digits.
        pub serial_number: Option<String>,
        /// It is valid until this time (UTC).
        pub not_after: Option<String>,
        /// It is valid from this time on (UTC).
        pub not_before: Option<String>,
        /// The trust domain of its SPIFFE id.
        [wide] pub trust_domain: Option<String>,
        /// What is wrong, in a word; nothing where all is well: `not_delivered`; `expired`, `not_yet_valid`, `missing_intermediate`, `bad_signature`,
        /// and so on as in a `verdict`; `unread` when it stands in a file of the proxy's container.
        pub problem: Option<String>,
        /// The same in sentences.
        [wide] pub explanation: Option<String>,
        /// Until the first of its certificates expires (of several authorities: the first that is still valid): `23h 58m`;
        /// `-660d` when it has.
        [wide] pub time_left: Option<String>,
        /// The same in seconds.
        [wide] pub seconds_left: Option<i64>,
        /// When that is, in UTC.
        [wide] pub expires: Option<String>,
        /// What sort of secret it is: `certificate`, `authorities`, `spiffe_validator`, `generic`, `session_ticket_keys`.
        [wide] pub holds: Option<String>,
        /// The first SPIFFE id of the first certificate.
        [wide] pub spiffe_id: Option<String>,
        /// Whom the first certificate is for.
        [wide] pub subject: Option<String>,
        /// Who signed the first certificate.
        [wide] pub issuer: Option<String>,
        /// The names the first certificate is valid for.
        [wide] pub sans: Vec<String>,
        /// What its key may be used for.
        [wide] pub key_usage: Vec<String>,
        /// What it may be used for: `serverAuth`, `clientAuth`.
        [wide] pub ext_key_usage: Vec<String>,
        /// Its SHA-256 fingerprint, as openssl prints it.
        [wide] pub fingerprint_sha256: Option<String>,
        /// Whether each certificate of the chain is signed by one that follows, and all are valid now; nothing for authorities.
        [wide] pub chain_ok: Option<bool>,
        /// All its certificates in the order given, as `certificate` rows: the leaf and those above it, or the authorities.
        [wide] pub chain: Vec<Certificate>,
        /// Where in the proxy's container it stands, when it did not come with the configuration.
        [wide] pub file: Option<String>,
        /// The version of the update it came with; `uninitialized` when none came.
        [wide] pub version: Option<String>,
        /// When that was, in UTC.
        [wide] pub last_updated: Option<String>,
        /// Why Envoy rejected the last update of it; it goes on with what is shown.
        [wide] pub error_state: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct Entry<'de> {
        name: Text<'de>,
        version_info: Option<Text<'de>>,
        last_updated: Option<Text<'de>>,
        error_state: Option<Failure<'de>>,
        secret: SecretWire<'de>,
    }
}

wire! {
    struct SecretWire<'de> {
        name: Text<'de>,
        tls_certificate: Option<TlsCertificate<'de>>,
        validation_context: Option<Validation<'de>>,
        generic_secret: Raw<'de>,
        session_ticket_keys: Raw<'de>,
    }
}

wire! {
    struct TlsCertificate<'de> {
        certificate_chain: Option<DataSource<'de>>,
    }
}

wire! {
    struct Validation<'de> {
        trusted_ca: Option<DataSource<'de>>,
        custom_validator_config: Option<Validator<'de>>,
    }
}

wire! {
    struct Validator<'de> {
        typed_config: Raw<'de>,
    }
}

wire! {
    struct Spiffe<'de> {
        trust_domains: Vec<TrustDomain<'de>>,
    }
}

wire! {
    struct TrustDomain<'de> {
        name: Text<'de>,
        trust_bundle: Option<DataSource<'de>>,
    }
}

wire! {
    /// Where something stands: here, or elsewhere.
    pub(super) struct DataSource<'de> {
        inline_bytes: Option<Text<'de>>,
        inline_string: Option<Text<'de>>,
        filename: Option<Text<'de>>,
        environment_variable: Option<Text<'de>>,
    }
}

/// The secrets of a dump in istioctl's order: those that warm, the active, then those of the bootstrap.
///
/// # Errors
/// When the document holds something else.
pub fn secrets(dump: &Dump, now: Timestamp) -> Result<Vec<Found<Secret>>> {
    dump.expect(&[Section::Secrets])?;
    let of_list = |list: &List| {
        each(&list.node, |entry| found(entry, |wire: Entry<'_>, flaws: &Flaws| read(&wire, list.state, flaws, now)))
    };
    let found = dump.lists(Section::Secrets).into_iter().flat_map(of_list);
    Ok(found.flat_map(|Found { record, at }| record.into_iter().map(move |record| Found { record, at })).collect())
}

/// The rows of a secret: one, or one for each trust domain that it is about.
fn read(entry: &Entry<'_>, state: &str, flaws: &Flaws, now: Timestamp) -> Vec<Secret> {
    let wire = &entry.secret;
    let row = |holds: Option<&str>, source: Option<&DataSource<'_>>, held: Held, domain: Option<&str>| {
        let facts = Facts::of(source, held, now);
        secret(entry, state, holds, facts, domain, flaws)
    };
    if let Some(chain) = wire.tls_certificate.as_ref().and_then(|tls| tls.certificate_chain.as_ref()) {
        return vec![row(Some("certificate"), Some(chain), Held::Chain, None)];
    }
    if let Some(validation) = &wire.validation_context {
        let domains = domains(validation, flaws);
        return match &validation.trusted_ca {
            None if !domains.is_empty() => {
                let bundle = |domain: &TrustDomain<'_>| {
                    row(Some("spiffe_validator"), domain.trust_bundle.as_ref(), Held::Authorities, Some(&domain.name))
                };
                domains.iter().map(bundle).collect()
            }
            source => vec![row(Some("authorities"), source.as_ref(), Held::Authorities, None)],
        };
    }
    let holds = match () {
        () if wire.tls_certificate.is_some() => Some("certificate"),
        () if wire.generic_secret.is_some() => Some("generic"),
        () if wire.session_ticket_keys.is_some() => Some("session_ticket_keys"),
        () => None,
    };
    vec![row(holds, None, if holds.is_some() { Held::Other } else { Held::Nothing }, None)]
}

fn domains<'de>(validation: &Validation<'de>, flaws: &Flaws) -> Vec<TrustDomain<'de>> {
    let Some(validator) = &validation.custom_validator_config else { return Vec::new() };
    let is_spiffe = validator.typed_config.kind().is_some_and(|kind| kind == "SPIFFECertValidatorConfig");
    let spiffe: Spiffe<'_> = if is_spiffe { validator.typed_config.content().read(flaws) } else { Spiffe::default() };
    spiffe.trust_domains
}

fn secret(entry: &Entry<'_>, state: &str, holds: Option<&str>, facts: Facts, domain: Option<&str>, flaws: &Flaws) -> Secret {
    let text = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
    let name = if entry.name.is_empty() { &entry.secret.name } else { &entry.name };
    let first = facts.first.as_ref();
    let broken: Vec<String> = flaws.line().into_iter().chain(facts.notes).collect();
    Secret {
        resource_name: name.to_string(),
        r#type: first.map(|first| if first.is_ca { "CA" } else { "Cert Chain" }.to_owned()),
        status: state.to_ascii_uppercase(),
        valid_cert: facts.valid,
        serial_number: first.map(|first| serial(&first.serial)),
        not_after: first.map(|first| first.not_after.clone()),
        not_before: first.map(|first| first.not_before.clone()),
        trust_domain: domain.map(str::to_owned).or_else(|| trust_domain_of(first?)),
        problem: facts.problem,
        explanation: facts.explanation,
        time_left: facts.seconds_left.map(time_left),
        seconds_left: facts.seconds_left,
        expires: facts.expires,
        holds: holds.map(str::to_owned),
        spiffe_id: first
            .and_then(|first| first.sans.iter().find_map(|san| san.strip_prefix("URI:")))
            .filter(|id| id.starts_with("spiffe://"))
            .map(str::to_owned),
        subject: first.map(|first| first.subject.clone()),
        issuer: first.map(|first| first.issuer.clone()),
        sans: first.map(|first| first.sans.clone()).unwrap_or_default(),
        key_usage: first.map(|first| first.key_usage.clone()).unwrap_or_default(),
        ext_key_usage: first.map(|first| first.ext_key_usage.clone()).unwrap_or_default(),
        fingerprint_sha256: first.map(|first| first.sha256.clone()),
        chain_ok: facts.chain_ok,
        chain: facts.chain,
        file: facts.file,
        version: text(&entry.version_info),
        last_updated: text(&entry.last_updated),
        error_state: entry.error_state.as_ref().map(Failure::line),
        broken: (!broken.is_empty()).then(|| broken.join(", ")),
    }
}

/// As Go prints it: without the colons, in small letters, with zeros up to 32 digits.
fn serial(serial: &str) -> String {
    let digits = serial.replace(':', "").to_ascii_lowercase();
    format!("{:0>32}", digits.trim_start_matches('0'))
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
