//! Certificates of real Envoys: those that were made for them, and those they wait for.

use crate::real_envoy::{each, has, row};
use crate::support::envoy::Lab;
use serde_json::{Value, json};

/// A time as rows write it.
fn time(seconds: i64) -> Value {
    jiff::Timestamp::from_second(seconds).expect("a time").to_string().into()
}

#[test]
fn the_workloads_certificate_is_the_one_that_was_made() {
    each("secrets(POD)", |lab, rows| {
        let leaf = &lab.identity.leaf;
        let secret = row(&rows, "resource_name", "default");
        has(
            secret,
            json!({"type": "Cert Chain", "status": "ACTIVE", "valid_cert": true, "not_after": time(leaf.not_after),
                "not_before": time(leaf.not_before), "version": "sds-1", "spiffe_id": leaf.spiffe, "trust_domain": "cluster.local",
                "holds": "certificate", "chain_ok": true, "problem": Value::Null, "broken": null}),
        );
        let serial = secret["serial_number"].as_str().expect("a serial number");
        assert_eq!(serial.trim_start_matches('0'), leaf.serial);
        assert_eq!(secret["sans"], json!([format!("DNS:{}", leaf.dns), format!("URI:{}", leaf.spiffe)]));
        assert_eq!(secret["ext_key_usage"], json!(["serverAuth", "clientAuth"]));
        assert!(secret["issuer"].as_str().expect("an issuer").contains("Lab Intermediate CA"), "{secret:#}");
        let chain = secret["chain"].as_array().expect("a chain");
        assert_eq!(chain.len(), 2, "the leaf and the authority that signed it");
        assert!(chain[1]["issuer"].as_str().expect("an issuer").contains("Lab Root CA"), "{secret:#}");
    });
}

#[test]
fn less_than_a_day_is_not_nothing() {
    let judge = |lab: &Lab, row: &Value| {
        let left = row["seconds_left"].as_i64().expect("seconds");
        let most = lab.identity.leaf.not_after - jiff::Timestamp::now().as_second() + 60;
        assert!((1..=most).contains(&left), "{left} of at most {most}: {row:#}");
    };
    each("secrets(POD)", |lab, rows| judge(lab, row(&rows, "resource_name", "default")));
    each(r#"certs(POD).filter(|one| one.kind == "chain")"#, |lab, rows| {
        let rows = rows.as_array().expect("rows");
        let leaf =
            rows.iter().find(|row| row["serial_number"].as_str().is_some_and(|serial| serial.contains(lab.identity.leaf.serial)));
        let leaf = leaf.unwrap_or_else(|| panic!("no certificate of ours: {rows:#?}"));
        has(leaf, json!({"status": "valid", "days_until_expiration": 0, "expires": time(lab.identity.leaf.not_after)}));
        assert!(leaf["sans"].to_string().contains(&format!("URI:{}", lab.identity.leaf.spiffe)), "{leaf:#}");
        judge(lab, leaf);
    });
}

#[test]
fn authorities_from_file_and_from_the_bootstrap() {
    each("secrets(POD)", |_, rows| {
        for (name, status) in [("ROOTCA", "ACTIVE"), ("static-root", "STATIC")] {
            let root = row(&rows, "resource_name", name);
            has(root, json!({"type": "CA", "status": status, "valid_cert": true, "holds": "authorities"}));
            assert!(root["subject"].as_str().expect("a subject").contains("Lab Root CA"), "{root:#}");
        }
    });
}

#[test]
fn a_secret_that_never_came_is_marked() {
    each("secrets(POD)", |_, rows| {
        let waiting = row(&rows, "resource_name", "never-delivered");
        has(waiting, json!({"status": "WARMING", "valid_cert": false, "serial_number": null, "problem": "not_delivered"}));
    });
}

#[test]
fn a_cluster_leads_to_its_secrets() {
    each(r#"clusters(POD, #{ fqdn: "reviews", subset: "v1" })[0].secret().spiffe_id"#, |lab, id| {
        assert_eq!(id, lab.identity.leaf.spiffe);
    });
}

#[test]
fn a_cluster_that_waits_for_its_certificate_leads_to_one_that_never_came() {
    each(r#"clusters(POD, #{ fqdn: "secretless" })[0].secret()"#, |_, secret| {
        has(&secret, json!({"resource_name": "never-delivered", "status": "WARMING"}));
    });
}
