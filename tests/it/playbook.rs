//! The certificate investigation on the recorded mesh: the fault and only the fault is found, with proof and repair.

use crate::support::tapes;
use pilotage::host::Playbook;
use pilotage::render::{json, markdown, style::Look, text};
use pilotage::report::{Finding, Report, Severity};
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer";

fn investigate(tape: &str, params: Value) -> Report {
    let playbook = Playbook::find("jwks-certificate", &[]).expect("it ships");
    let params: Map<String, Value> = params.as_object().cloned().expect("an object");
    tapes::engine(tape).run(&playbook, params).unwrap_or_else(|failed| panic!("{tape}: {}", failed.failure))
}

fn found<'a>(report: &'a Report, code: &str) -> &'a Finding {
    report.findings().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code} in {:?}", codes(report)))
}

fn codes(report: &Report) -> Vec<(String, Severity)> {
    report.findings().map(|finding| (finding.code.clone(), finding.severity)).collect()
}

fn evidence(finding: &Finding) -> String {
    finding
        .evidence
        .iter()
        .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_string))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_fault_is_found_and_nothing_else() {
    let report = investigate("jwks-certificate-fault", json!({}));
    let expected =
        [("JWKS001", Severity::Error), ("JWKS002", Severity::Error), ("JWKS003", Severity::Error), ("JWKS004", Severity::Info)];
    assert_eq!(codes(&report), expected.map(|(code, severity)| (code.to_string(), severity)));
    assert_eq!(report.notes, Vec::<String>::new());
}

#[test]
fn keys_never_obtained_are_proved_without_any_log() {
    let report = investigate("jwks-certificate-fault", json!({}));
    let finding = found(&report, "JWKS001");
    assert_eq!(finding.resource, "RequestAuthentication/olaf-customer/customerjwt");
    assert!(
        finding.text.contains(ISSUER)
            && finding.text.contains("/protocol/openid-connect/certs")
            && finding.text.contains("4 proxies")
    );
    let proof = evidence(finding);
    for part in [
        "0xObjM0UvS_oaazjpEYl",
        "1.30 and later",
        "inline_string",
        "customer-686cf5bf47-mtgsn",
        "recommendation-v2-5fb7467455-nkssc",
    ] {
        assert!(proof.contains(part), "{part} is missing in {proof}");
    }
    assert!(!proof.contains("ingressgateway"), "the gateway has no JWT rules");
}

#[test]
fn the_reason_is_the_telling_line_and_not_the_tail() {
    let report = investigate("jwks-certificate-fault", json!({}));
    let finding = found(&report, "JWKS002");
    assert!(finding.text.contains("untrusted_issuer") && finding.text.contains("4 times"), "{}", finding.text);
    assert!(finding.text.contains("4 times, at 2026-11-22T13:05:59Z"), "{}", finding.text);
    let proof = evidence(finding);
    assert!(
        proof.contains("x509: certificate signed by unknown authority") && proof.contains("context deadline exceeded"),
        "{proof}"
    );
}

#[test]
fn the_chain_is_told_certificate_by_certificate() {
    let report = investigate("jwks-certificate-fault", json!({}));
    let finding = found(&report, "JWKS003");
    assert!(finding.text.contains("O=Acme Corp, CN=Acme Corp Root CA is missing"), "{}", finding.text);
    let proof = evidence(finding);
    for part in [
        "CN=*.apps.acme.test",
        "DNS:apps.acme.test",
        "CN=Acme Corp Issuing CA 1",
        "valid 2026-11-22T12:36:45Z to 2027-12-24T12:36:45Z",
        "SHA-256 ",
        "no extra CA",
    ] {
        assert!(proof.contains(part), "{part} is missing in {proof}");
    }
}

#[test]
fn both_repairs_can_be_pasted() {
    let report = investigate("jwks-certificate-fault", json!({}));
    let inline = &found(&report, "JWKS001").fix;
    let manifest = between(inline, "<<'EOF'\n", "EOF\n");
    let object: Value = serde_saphyr::from_str(manifest).expect("it is YAML");
    let rule = &object["spec"]["jwtRules"][0];
    assert!(rule.get("jwksUri").is_none() && rule["issuer"] == ISSUER && rule["audiences"] == json!(["customer"]), "{rule}");
    let keys: Value = serde_json::from_str(rule["jwks"].as_str().expect("text")).expect("JSON");
    let members: Vec<&String> = keys["keys"][0].as_object().expect("a key").keys().collect();
    assert!(!members.iter().any(|member| ["d", "p", "q", "dp", "dq", "qi"].contains(&member.as_str())), "{members:?}");
    let trust = &found(&report, "JWKS003").fix;
    let secret: Value = serde_saphyr::from_str(between(trust, "<<'EOF'\n", "EOF\n")).expect("it is YAML");
    let pem = secret["stringData"]["extra.pem"].as_str().expect("a certificate");
    let ca = &pilotage::tls::parse_pem(pem).expect("PEM").certificates;
    assert_eq!((ca.len(), ca[0].is_ca, ca[0].subject.as_str()), (1, true, "O=Acme Corp, CN=Acme Corp Issuing CA 1"));
    for part in ["/cacerts", "restarted", "meshConfig.caCertificates does not help", "jwksResolverExtraRootCA"] {
        assert!(trust.contains(part), "{part} is missing in {trust}");
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map(|(inside, _)| inside).expect("a block to paste")
}

#[test]
fn healthy_phases_have_nothing_above_info() {
    for tape in ["jwks-certificate-before", "jwks-certificate-fix-inline-jwks", "jwks-certificate-fix-trusted-ca"] {
        let report = investigate(tape, json!({}));
        assert!(report.status() <= Severity::Info, "{tape}: {:?}", codes(&report));
        assert!(report.findings().count() > 0, "{tape}: says at least that it looked");
    }
}

#[test]
fn other_faults_are_not_taken_for_this_one() {
    for tape in ["b-authz-deny", "c-unhealthy", "d-nack", "e-missing-subset", "g-expired-cert"] {
        let report = investigate(tape, json!({}));
        assert!(report.status() <= Severity::Info, "{tape}: {:?}", codes(&report));
    }
}

#[test]
fn one_namespace_is_enough_and_another_is_healthy() {
    let there = investigate("jwks-certificate-fault", json!({"namespace": "olaf-customer"}));
    assert_eq!(there.status(), Severity::Error);
    let elsewhere = investigate("jwks-certificate-fault", json!({"namespace": "olaf"}));
    assert_eq!(elsewhere.status(), Severity::Ok, "{:?}", codes(&elsewhere));
}

#[test]
fn the_json_report_has_its_schema() {
    let report: Value = serde_json::to_value(json::report(&investigate("jwks-certificate-fault", json!({})))).expect("JSON");
    let keys: Vec<&String> = report.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["pilotage_report", "title", "params", "status", "sections", "findings", "notes"]);
    assert_eq!((&report["pilotage_report"], &report["status"]), (&json!(1), &json!("error")));
    for finding in report["findings"].as_array().expect("findings") {
        for key in ["code", "severity", "text", "resource", "evidence", "fix"] {
            assert!(finding.get(key).is_some(), "{key} is missing in {finding}");
        }
    }
}

#[test]
fn a_token_is_never_in_what_is_reported() {
    let tokens: Vec<Value> = serde_json::from_str(include_str!("../data/tokens.json")).expect("the recorded tokens");
    let token = tokens[0]["token"].as_str().expect("text");
    let report = investigate("jwks-certificate-fault", json!({"token": token}));
    let signature = token.rsplit('.').next().expect("three parts");
    for shown in [json::pretty(&json::report(&report)), markdown::report(&report), text::report(&report, &Look::plain())] {
        assert!(!shown.contains(signature) && !shown.contains(token.split('.').nth(1).expect("claims")));
        assert!(shown.contains("TOKEN006"), "behind a stand-in key no signature is good");
    }
}
