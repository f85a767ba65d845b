//! Chains made for the purpose, and the recorded ones, with what must be said of each.

use super::*;
use crate::tls::testing::{Ca, RECORDED_CHAIN, RECORDED_ROOT, certs, now, self_signed};

fn words(verdict: &Verdict) -> (&str, bool, Option<bool>) {
    (&verdict.problem, verdict.chain_ok, verdict.name_ok)
}

fn judge(chain: &[&Certificate], roots: &[&Certificate]) -> Verdict {
    let own = |rows: &[&Certificate]| rows.iter().map(|row| (*row).clone()).collect::<Vec<_>>();
    verify_chain(&own(chain), &own(roots), Some("shop.example"), now())
}

fn says(verdict: &Verdict, parts: &[&str]) {
    for part in parts {
        assert!(verdict.explanation.contains(part), "{part:?} is not in {:?}", verdict.explanation);
    }
}

#[test]
fn the_recorded_chain_is_judged_as_openssl_and_go_judged_it() {
    let (chain, root) = (certs(RECORDED_CHAIN), certs(RECORDED_ROOT));
    let host = Some("keycloak-olaf-sso.apps.acme.test");
    let alone = verify_chain(&chain, &[], host, now());
    assert_eq!(words(&alone), ("unknown_issuer", false, Some(true)));
    assert_eq!(alone.missing.as_deref(), Some("O=Acme Corp, CN=Acme Corp Root CA"));
    says(&alone, &["Acme Corp Issuing CA 1", "was not sent and is not in the bundle"]);
    let trusted = verify_chain(&chain, &root, host, now());
    assert_eq!((trusted.ok, trusted.problem.as_str(), trusted.days_left), (true, "ok", Some(396)));
    assert_eq!((trusted.anchor.as_deref(), trusted.path.len()), (Some("O=Acme Corp, CN=Acme Corp Root CA"), 3));
    // Go takes an intermediate in the bundle as the end of a chain, unlike openssl.
    assert!(verify_chain(&chain, &chain[1..], host, now()).ok);
    let leaf_only = verify_chain(&chain[..1], &root, host, now());
    assert_eq!(words(&leaf_only), ("missing_intermediate", false, Some(true)));
    assert_eq!(leaf_only.missing.as_deref(), Some("O=Acme Corp, CN=Acme Corp Issuing CA 1"));
}

#[test]
fn times_outside_of_the_validity_are_told_with_both_times() {
    let root = Ca::root("Root");
    let old = root.leaf(|params| params.not_after = rcgen::date_time_ymd(2026, 11, 1));
    let expired = judge(&[&old], &[&root.cert]);
    assert_eq!((words(&expired), expired.days_left), (("expired", false, Some(true)), Some(-22)));
    says(&expired, &["ran out at 2026-11-01T00:00:00Z", "it was 2026-11-22T14:00:00Z"]);
    let early = root.leaf(|params| params.not_before = rcgen::date_time_ymd(2026, 12, 1));
    let verdict = judge(&[&early], &[&root.cert]);
    assert_eq!(words(&verdict), ("not_yet_valid", false, Some(true)));
    says(&verdict, &["from 2026-12-01T00:00:00Z on"]);
    // An expired root matters to Go, though not to rustls.
    let later =
        verify_chain(&[root.leaf(|_| ())], std::slice::from_ref(&root.cert), None, "2036-06-01T00:00:00Z".parse().unwrap());
    assert_eq!(later.problems, ["expired", "expired"]);
    let recorded = certs(include_str!("../../tests/data/expired_chain.pem"));
    assert_eq!(verify_chain(&recorded, &[], Some("shop.example"), now()).problem, "expired");
}

#[test]
fn names_are_told_apart_from_trust() {
    let root = Ca::root("Root");
    let other =
        root.leaf(|params| params.subject_alt_names = vec![rcgen::SanType::DnsName("*.other.example".try_into().unwrap())]);
    let verdict = judge(&[&other], &[&root.cert]);
    assert_eq!(words(&verdict), ("wrong_name", true, Some(false)));
    says(&verdict, &["is trusted", "not for shop.example", "DNS:*.other.example"]);
    let bare = root.leaf(|params| params.subject_alt_names.clear());
    says(&judge(&[&bare], &[&root.cert]), &["common names do not count"]);
    let spiffe = |id: &str| vec![rcgen::SanType::URI(id.try_into().unwrap())];
    let workload = root.leaf(|params| params.subject_alt_names = spiffe("spiffe://cluster.local/ns/a/sa/b"));
    let ask = |host| verify_chain(std::slice::from_ref(&workload), std::slice::from_ref(&root.cert), Some(host), now());
    assert!(ask("spiffe://cluster.local/ns/a/sa/b").ok);
    assert_eq!(words(&ask("spiffe://cluster.local/ns/a/sa/other")), ("wrong_name", true, Some(false)));
    assert_eq!(words(&ask("b.a.svc")), ("wrong_name", true, Some(false)));
    says(&ask("not a host"), &["is not a host name"]);
    let address = root.leaf(|params| params.subject_alt_names = vec![rcgen::SanType::IpAddress([10, 0, 0, 1].into())]);
    assert!(verify_chain(&[address], std::slice::from_ref(&root.cert), Some("10.0.0.1"), now()).ok);
}

#[test]
fn a_gap_in_the_chain_is_named() {
    let (root, stranger) = (Ca::root("Root"), Ca::root("Stranger"));
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(|_| ());
    assert!(judge(&[&leaf, &middle.cert], &[&stranger.cert, &root.cert]).ok);
    // The order of what is sent does not matter, nor what does not belong to it.
    assert!(judge(&[&leaf, &stranger.cert, &root.cert, &middle.cert], &[&root.cert]).ok);
    let gap = judge(&[&leaf, &root.cert], &[&root.cert]);
    assert_eq!((words(&gap), gap.missing.as_deref()), (("missing_intermediate", false, Some(true)), Some("CN=Middle")));
    says(&gap, &["None of the 1 other", "ought to send"]);
    let sent_root = judge(&[&leaf, &middle.cert, &root.cert], &[&stranger.cert]);
    assert_eq!((sent_root.problem.as_str(), sent_root.missing.as_deref()), ("unknown_issuer", Some("CN=Root")));
    says(&sent_root, &["signed itself and was sent by the server"]);
}

#[test]
fn a_root_made_anew_under_its_old_name_is_recognised() {
    let (old, new) = (Ca::root("Root"), Ca::root("Root"));
    let leaf = new.leaf(|_| ());
    let verdict = judge(&[&leaf], &[&old.cert]);
    assert_eq!((words(&verdict), verdict.missing.as_deref()), (("bad_signature", false, Some(true)), Some("CN=Root")));
    says(&verdict, &["in the bundle", "another key", leaf.aki.as_deref().unwrap(), "made anew"]);
    assert!(judge(&[&leaf], &[&old.cert, &new.cert]).ok, "the right one beside it is found");
    // Further up the chain too.
    let middle = new.intermediate("Middle");
    let verdict = judge(&[&middle.leaf(|_| ()), &middle.cert], &[&old.cert]);
    assert_eq!(words(&verdict), ("bad_signature", false, Some(true)));
}

#[test]
fn a_leaf_in_the_bundle_is_trusted_as_go_does_it_with_a_warning() {
    let root = Ca::root("Root");
    let leaf = root.leaf(|_| ());
    let verdict = judge(&[&leaf], &[&leaf]);
    assert!(verdict.ok);
    says(&verdict, &["this very certificate is in the bundle", "trust its CA instead"]);
    let old = root.leaf(|params| params.not_after = rcgen::date_time_ymd(2026, 11, 1));
    assert_eq!(judge(&[&old], &[&old]).problem, "expired");
    let lone = self_signed(|_| ());
    assert_eq!(words(&judge(&[&lone], &[])), ("self_signed", false, Some(true)));
    assert!(judge(&[&lone], &[&lone]).ok);
}

#[test]
fn whoever_is_no_ca_cannot_sign() {
    let root = Ca::root("Root");
    let (fake, leaf) = root.fake_ca("Middle");
    let verdict = judge(&[&leaf, &fake], &[&root.cert]);
    assert_eq!(words(&verdict), ("not_a_ca", false, Some(true)));
    says(&verdict, &["CN=Middle", "must not sign"]);
    assert_eq!(judge(&[&leaf], &[&fake]).problem, "not_a_ca");
}

#[test]
fn what_only_the_strict_check_sees_is_not_lost() {
    let root = Ca::root("Root");
    let client = root.leaf(|params| params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth]);
    assert_eq!(words(&judge(&[&client], &[&root.cert])), ("wrong_usage", false, Some(true)));
}

#[test]
fn a_key_too_small_to_check_is_not_called_a_ca_made_anew() {
    let weak = certs(include_str!("../../tests/data/weak_chain.pem"));
    assert_eq!((weak[1].key.as_str(), weak[1].self_signed), ("RSA 1024", true));
    let verdict = verify_chain(&weak[..1], &weak[1..], Some("shop.example"), "2027-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(words(&verdict), ("unsupported", false, Some(true)));
}

#[test]
fn nothing_and_nonsense_are_verdicts_too() {
    assert_eq!(verify_chain(&[], &[], None, now()).problem, "garbage");
    let mut leaf = self_signed(|_| ());
    leaf.pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".into();
    assert_eq!(verify_chain(&[leaf], &[], Some("a"), now()).problem, "garbage");
}

#[test]
fn loops_end() {
    let (a, b) = (Ca::root("A"), Ca::root("B"));
    let (ab, ba) = (a.cross_sign(&b), b.cross_sign(&a));
    let verdict = judge(&[&a.leaf(|_| ()), &ba, &ab], &[]);
    assert!(!verdict.chain_ok && verdict.path.len() <= 3);
}
