//! Secrets of all sorts, and what is said of each.

use super::*;
use crate::json::Doc;
use crate::tls::testing::{Ca, now};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

const PACKAGE: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

fn rows(list: &str, entries: Value) -> Vec<Secret> {
    let dump = json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump", list: entries}]});
    let doc = Doc::parse(dump.to_string().into()).unwrap();
    let found = secrets(&Dump::open(&doc).unwrap(), now()).unwrap();
    assert!(found.iter().all(|found| found.at.node(&doc).is_some()));
    found.into_iter().map(|found| found.record).collect()
}

fn one(name: &str, secret: Value) -> Secret {
    let mut body = secret;
    body["name"] = name.into();
    let mut rows = rows(
        "dynamic_active_secrets",
        json!([{"name": name, "version_info": "v1", "last_updated": "2026-11-22T13:05:41.334Z", "secret": body}]),
    );
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn bytes(certificates: &[&Certificate]) -> Value {
    let text: String = certificates.iter().map(|certificate| certificate.pem.as_str()).collect();
    json!({"inline_bytes": BASE64_STANDARD.encode(text)})
}

fn chain(certificates: &[&Certificate]) -> Secret {
    one(
        "default",
        json!({"tls_certificate": {"certificate_chain": bytes(certificates), "private_key": {"inline_bytes": "c2VjcmV0"}}}),
    )
}

fn authorities(certificates: &[&Certificate]) -> Secret {
    one("ROOTCA", json!({"validation_context": {"trusted_ca": bytes(certificates)}}))
}

fn days(params: &mut rcgen::CertificateParams, from: i32, until: i32) {
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
}

#[test]
fn a_workloads_chain_is_told_in_full() {
    let root = Ca::root("Root");
    let between = root.intermediate("Between");
    let leaf = between.leaf(|params| {
        days(params, 2026, 2027);
        params.serial_number = Some(vec![0x01].into());
        params.subject_alt_names = vec![rcgen::SanType::URI("spiffe://mesh.test/ns/shop/sa/web".try_into().unwrap())];
    });
    let row = chain(&[&leaf, &between.cert, &root.cert]);
    assert_eq!((row.r#type.as_deref(), row.status.as_str(), row.valid_cert), (Some("Cert Chain"), "ACTIVE", true));
    assert_eq!(row.serial_number.as_deref(), Some("00000000000000000000000000000001"));
    assert_eq!((row.not_after.as_deref(), row.trust_domain.as_deref()), (Some("2027-01-01T00:00:00Z"), Some("mesh.test")));
    assert_eq!((row.problem.as_deref(), row.chain_ok, row.chain.len()), (None, Some(true), 3));
    assert_eq!((row.time_left.as_deref(), row.seconds_left), (Some("39d"), Some(39 * 86_400 + 10 * 3600)));
    assert_eq!((row.issuer, row.fingerprint_sha256), (Some(between.cert.subject.clone()), Some(leaf.sha256)));
    assert_eq!(
        (row.spiffe_id.as_deref(), row.holds.as_deref()),
        (Some("spiffe://mesh.test/ns/shop/sa/web"), Some("certificate"))
    );
    assert_eq!((row.version.as_deref(), row.broken), (Some("v1"), None));
}

#[test]
fn the_certificates_behind_the_first_count_as_well() {
    let (root, other) = (Ca::root("Root"), Ca::root("Other"));
    let between = root.intermediate("Between");
    let leaf = between.leaf(|params| days(params, 2026, 2027));
    let torn = chain(&[&leaf, &other.cert]);
    assert_eq!((torn.valid_cert, torn.chain_ok, torn.problem.as_deref()), (true, Some(false), Some("missing_intermediate")));
    let namesake = Ca::root("Between");
    let forged = chain(&[&leaf, &namesake.cert]);
    assert_eq!((forged.chain_ok, forged.problem.as_deref()), (Some(false), Some("bad_signature")));
    assert!(forged.explanation.unwrap().contains("another key"));
}

#[test]
fn time_is_judged_to_the_second_and_not_by_days() {
    let root = Ca::root("Root");
    let expired = chain(&[&root.leaf(|params| days(params, 2024, 2025)), &root.cert]);
    assert_eq!((expired.valid_cert, expired.problem.as_deref(), expired.chain_ok), (false, Some("expired"), Some(false)));
    assert!(expired.seconds_left.unwrap() < 0 && expired.time_left.unwrap().starts_with('-'));
    let early = chain(&[&root.leaf(|params| days(params, 2027, 2028))]);
    assert_eq!((early.valid_cert, early.problem.as_deref()), (false, Some("not_yet_valid")));
}

#[test]
fn a_certificate_for_clients_alone_is_no_fault() {
    let root = Ca::root("Root");
    let client = root.leaf(|params| {
        days(params, 2026, 2027);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let row = chain(&[&client, &root.cert]);
    assert_eq!((row.problem.as_deref(), row.chain_ok, row.ext_key_usage), (None, Some(true), vec!["clientAuth".to_owned()]));
}

#[test]
fn of_authorities_one_that_is_valid_is_enough() {
    let (one, other) = (Ca::root("One"), Ca::root("Other"));
    let row = authorities(&[&one.cert, &other.cert]);
    assert_eq!((row.r#type.as_deref(), row.chain_ok, row.chain.len()), (Some("CA"), None, 2));
    assert_eq!((row.problem.as_deref(), row.holds.as_deref()), (None, Some("authorities")));
    let old = crate::tls::testing::self_signed(|params| days(params, 2020, 2021));
    let exchanged = authorities(&[&old, &one.cert]);
    assert_eq!((exchanged.valid_cert, exchanged.problem.as_deref()), (false, None));
    assert_eq!(exchanged.expires.as_ref(), Some(&one.cert.not_after));
    let dead = authorities(&[&old]);
    assert_eq!((dead.problem.as_deref(), dead.expires.as_deref()), (Some("expired"), Some("2021-01-01T00:00:00Z")));
}

#[test]
fn a_secret_that_was_not_delivered_is_told_from_a_broken_one() {
    let rows = rows(
        "dynamic_warming_secrets",
        json!([{"name": "kubernetes://gone", "version_info": "uninitialized", "secret": {"@type": format!("{PACKAGE}.Secret"), "name": "kubernetes://gone"}}]),
    );
    let row = &rows[0];
    assert_eq!((row.status.as_str(), row.valid_cert, row.r#type.as_ref()), ("WARMING", false, None));
    assert_eq!((row.problem.as_deref(), row.version.as_deref()), (Some("not_delivered"), Some("uninitialized")));
    let broken = one("x", json!({"tls_certificate": {"certificate_chain": {"inline_bytes": "%%"}}}));
    assert_eq!((broken.problem.as_deref(), broken.broken.as_deref()), (Some("garbage"), Some("inline_bytes is not base64")));
    let empty = one("x", json!({"tls_certificate": {"certificate_chain": {"inline_string": ""}}}));
    assert!(empty.problem.as_deref() == Some("garbage") && empty.broken.unwrap().contains("the text is empty"));
}

#[test]
fn only_the_first_block_counts_where_istioctl_looks_there() {
    let root = Ca::root("Root");
    let text = format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}", root.cert.pem);
    let row = one("ROOTCA", json!({"validation_context": {"trusted_ca": {"inline_string": text}}}));
    assert_eq!((row.r#type, row.valid_cert, row.not_after), (None, false, None));
    assert_eq!((row.chain.len(), row.problem.as_deref()), (1, None));
    assert!(row.broken.unwrap().contains("line 1"));
}

#[test]
fn what_stands_in_a_file_is_not_called_broken() {
    let row = one("file-cert", json!({"tls_certificate": {"certificate_chain": {"filename": "/etc/certs/cert.pem"}}}));
    assert_eq!((row.problem.as_deref(), row.valid_cert), (Some("unread"), false));
    assert_eq!((row.file.as_deref(), row.broken), (Some("file /etc/certs/cert.pem"), None));
}

#[test]
fn spiffe_bundles_are_a_row_each() {
    let (east, west) = (Ca::root("East"), Ca::root("West"));
    let domains = json!([{"name": "east.test", "trust_bundle": bytes(&[&east.cert])}, {"name": "west.test", "trust_bundle": bytes(&[&west.cert])}]);
    let validator = json!({"name": "envoy.tls.cert_validator.spiffe",
        "typed_config": {"@type": format!("{PACKAGE}.SPIFFECertValidatorConfig"), "trust_domains": domains}});
    let secret = json!({"name": "ROOTCA", "validation_context": {"custom_validator_config": validator}});
    let rows = rows("dynamic_active_secrets", json!([{"name": "ROOTCA", "secret": secret}]));
    let told: Vec<_> = rows.iter().map(|row| (row.trust_domain.as_deref().unwrap(), row.subject.clone().unwrap())).collect();
    assert_eq!(told, [("east.test", east.cert.subject), ("west.test", west.cert.subject)]);
    assert!(rows.iter().all(|row| row.r#type.as_deref() == Some("CA") && row.holds.as_deref() == Some("spiffe_validator")));
}

#[test]
fn other_secrets_show_nothing_of_what_they_hold() {
    for (kind, body) in [
        ("generic", json!({"generic_secret": {"secret": {"inline_string": "hunter2"}}})),
        ("session_ticket_keys", json!({"session_ticket_keys": {"keys": [{"inline_bytes": "aHVudGVyMg=="}]}})),
        ("certificate", json!({"tls_certificate": {"private_key": {"inline_string": "hunter2"}}})),
    ] {
        let row = one("x", body);
        assert_eq!((row.holds.as_deref(), row.problem.as_deref(), row.broken.as_ref()), (Some(kind), None, None));
        let text = serde_json::to_string(&row).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    }
}

#[test]
fn what_istioctl_kept_reads_the_same_and_wrong_types_mark_the_row() {
    let root = Ca::root("Root");
    let text = json!({"dynamicActiveSecrets": [{"name": "ROOTCA", "versionInfo": "v", "secret": {"name": "ROOTCA",
        "validationContext": {"trustedCa": {"inlineBytes": BASE64_STANDARD.encode(&root.cert.pem)}}}}, {"name": 7, "secret": "x"}]});
    let doc = Doc::parse(text.to_string().into()).unwrap();
    let found = secrets(&Dump::open(&doc).unwrap(), now()).unwrap();
    assert_eq!((found[0].record.subject.as_ref(), found[0].record.version.as_deref()), (Some(&root.cert.subject), Some("v")));
    assert_eq!(found[1].record.broken.as_deref(), Some("name is not text, secret is not an object"));
}
