//! Every recorded token, judged as the recorded proxy judged it; and the conditions one by one.

use super::*;
use crate::tls::decode;
use crate::tls::testing::{now, rsa, rsa_paddings, tokens, with_parts};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

const ISSUER: &str = "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer";
/// The stand-in that the recorded proxies were given in place of the keys.
const STAND_IN: &str = include_str!("../../tests/data/stand_in_jwks.json");

fn recorded_jwks() -> Jwks {
    Jwks::parse(include_str!("../../tests/data/keycloak_jwks.json")).unwrap()
}

fn expect() -> Expect {
    Expect { issuer: Some(ISSUER.into()), audiences: vec!["customer".into()], leeway: None }
}

/// What a proxy answers: the first failure, or nothing.
fn answer(checks: &[Check]) -> Option<String> {
    checks.iter().find(|check| !check.ok).map(|check| check.answer.clone().unwrap_or_else(|| check.text.clone()))
}

fn judged(name: &str, jwks: &Jwks) -> Vec<Check> {
    let token = tokens().into_iter().find(|token| token.name == name).unwrap();
    verify(&decode(&token.token).unwrap(), jwks, &expect(), "2026-11-22T13:30:00Z".parse().unwrap())
}

fn failed(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|check| !check.ok).map(|check| check.check.as_str()).collect()
}

#[test]
fn every_recorded_token_is_answered_as_the_recorded_proxies_answered_it() {
    let (keys, stand_in) = (recorded_jwks(), Jwks::parse(STAND_IN).unwrap());
    let (fails, no_key) = ("401 Jwt verification fails", "401 Jwks doesn't have key to match kid or alg from Jwt");
    let (aud, form) = ("403 Audiences in Jwt are not allowed", format!("401 {FORM}"));
    // Name, answer with the right keys (phase fix-inline-jwks), answer with the stand-in (phase fault).
    let expected: [(&str, Option<&str>, &str); 13] = [
        ("good", None, fails),
        ("good-10y", None, fails),
        ("good-aud-list", None, fails),
        ("expired", Some("401 Jwt is expired"), "401 Jwt is expired"),
        ("not-yet", Some("401 Jwt not yet valid"), "401 Jwt not yet valid"),
        ("wrong-iss", Some("401 Jwt issuer is not configured"), "401 Jwt issuer is not configured"),
        ("wrong-aud", Some(aud), aud),
        ("no-aud", Some(aud), aud),
        ("unknown-kid", Some(no_key), fails),
        ("other-key", Some(fails), fails),
        ("no-kid", None, fails),
        ("alg-none", Some(&form), &form),
        ("bad-signature", Some(fails), fails),
    ];
    for (name, right, fault) in expected {
        assert_eq!(answer(&judged(name, &keys)).as_deref(), right, "{name}");
        assert_eq!(answer(&judged(name, &stand_in)).as_deref(), Some(fault), "{name} with the stand-in");
    }
}

#[test]
fn all_failures_are_listed_not_only_the_first() {
    let text = with_parts(
        &json!({"alg": "RS256", "kid": "x"}),
        &json!({"iss": format!("{ISSUER}/"), "aud": ["a", "b"], "exp": 1_795_000_000}),
        "c2ln",
    );
    let checks = verify(&decode(&text).unwrap(), &recorded_jwks(), &expect(), now());
    assert_eq!(failed(&checks), ["issuer", "time", "audience", "key"]);
    let by = |name: &str| checks.iter().find(|check| check.check == name).unwrap();
    assert!(by("issuer").text.contains("slash at the end"));
    assert_eq!((by("audience").expected.as_deref(), by("audience").found.as_deref()), (Some("customer"), Some("a, b")));
    assert!(by("key").text.contains("rotated") && by("key").expected.as_deref().unwrap().contains("Ek9wxUoZGSSp5eePlJBMu"));
    assert!(by("time").text.contains("ran out at 2026-11-18T"), "{}", by("time").text);
}

fn claims(claims: &serde_json::Value, expect: &Expect) -> Vec<Check> {
    verify(&decode(&with_parts(&json!({"alg": "RS256"}), claims, "c2ln")).unwrap(), &recorded_jwks(), expect, now())
}

fn ok(checks: &[Check], name: &str) -> bool {
    checks.iter().find(|check| check.check == name).unwrap().ok
}

#[test]
fn time_has_envoys_leeway() {
    let at = now().as_second();
    for (claim, seconds, expected) in
        [("exp", -60, true), ("exp", -61, false), ("nbf", 60, true), ("nbf", 61, false), ("iat", 9999, true), ("exp", 0, true)]
    {
        assert_eq!(ok(&claims(&json!({claim: at + seconds}), &expect()), "time"), expected, "{claim} {seconds}");
    }
    let strict = Expect { leeway: Some(0), ..expect() };
    assert!(!ok(&claims(&json!({"exp": at - 1}), &strict), "time"));
    assert!(ok(&claims(&json!({}), &expect()), "time"));
    assert!(!ok(&claims(&json!({"nbf": 1e300}), &expect()), "time"));
}

#[test]
fn issuers_and_audiences_compare_as_in_envoy() {
    let any = Expect::default();
    assert!(ok(&claims(&json!({}), &any), "issuer") && ok(&claims(&json!({"aud": "x"}), &any), "audience"));
    for (issuer, hint) in
        [("http://keycloak-olaf-sso.apps.acme.test/auth/realms/customer", "http and https"), ("https://k", "letter 10")]
    {
        let checks = claims(&json!({"iss": issuer}), &expect());
        assert!(checks[1].text.contains(hint), "{}", checks[1].text);
    }
    let url = Expect { audiences: vec!["https://shop.example/".into()], ..any };
    assert!(ok(&claims(&json!({"aud": "shop.example"}), &url), "audience"));
    assert!(!ok(&claims(&json!({"aud": "shop.example/x"}), &url), "audience"));
    assert!(!ok(&claims(&json!({"aud": []}), &url), "audience"));
}

#[test]
fn claims_of_the_wrong_type_break_the_form() {
    for wrong in [json!({"exp": "soon"}), json!({"iss": 7}), json!({"aud": {"a": 1}}), json!({"nbf": -1})] {
        assert!(!ok(&claims(&wrong, &Expect::default()), "form"), "{wrong}");
    }
    let header = |header: serde_json::Value| {
        verify(&decode(&with_parts(&header, &json!({}), "c2ln")).unwrap(), &recorded_jwks(), &Expect::default(), now())
    };
    for wrong in [json!({}), json!({"alg": "none"}), json!({"alg": "RS999"}), json!({"alg": "RS256", "kid": 1})] {
        assert!(!ok(&header(wrong.clone()), "form"), "{wrong}");
    }
    let shared = header(json!({"alg": "HS256"}));
    assert!(!ok(&shared, "key") && shared[4].text.contains("secret that all share"));
}

#[test]
fn keys_are_chosen_by_kid_and_alg_and_good_signatures_pass() {
    let pair = rsa();
    let public = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
    let (n, e) = (URL_SAFE_NO_PAD.encode(&public.n), URL_SAFE_NO_PAD.encode(&public.e));
    let set = |extra: serde_json::Value| {
        let mut key = json!({"kty": "RSA", "n": n, "e": e});
        key.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        Jwks::parse(&json!({"keys": [{"kty": "??"}, key]}).to_string()).unwrap()
    };
    for (alg, padding) in rsa_paddings() {
        let unsigned = with_parts(&json!({"alg": alg, "kid": "a"}), &json!({}), "");
        let mut bytes = vec![0; pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        pair.sign(padding, &random, unsigned.trim_end_matches('.').as_bytes(), &mut bytes).unwrap();
        let token = decode(&format!("{unsigned}{}", URL_SAFE_NO_PAD.encode(bytes))).unwrap();
        let judge = |jwks: &Jwks| verify(&token, jwks, &Expect::default(), now());
        for fits in [json!({}), json!({"kid": "a"}), json!({"alg": alg}), json!({"kid": "", "alg": ""})] {
            assert_eq!(failed(&judge(&set(fits.clone()))), Vec::<&str>::new(), "{alg} {fits}");
        }
        let other = if alg == "RS256" { "RS512" } else { "RS256" };
        for misses in [json!({"kid": "b"}), json!({"kid": "a", "alg": other})] {
            assert_eq!(failed(&judge(&set(misses.clone()))), ["key"], "{alg} {misses}");
        }
        assert_eq!(failed(&judge(&recorded_jwks())), ["key"]);
    }
}

#[test]
fn what_cannot_be_checked_is_not_called_bad() {
    let jwks = Jwks::parse(r#"{"keys":[{"kty":"EC","crv":"P-521","x":"AQ","y":"AQ"}]}"#).unwrap();
    let token = decode(&with_parts(&json!({"alg": "ES512"}), &json!({}), "c2ln")).unwrap();
    let checks = verify(&token, &jwks, &Expect::default(), now());
    let last = checks.last().unwrap();
    assert!(last.check == "signature" && !last.judged && last.answer.is_none(), "{last:?}");
}
