//! The certificate investigation where something is not as in the recording: it must not conclude what is not so.

use crate::support::tapes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use pilotage::Pilotage;
use pilotage::backend::{Answer, Ask, Backend, Query, Tape};
use pilotage::error::{Error, Kind, Result};
use pilotage::host::Playbook;
use pilotage::report::{Content, Finding, Report, Severity};
use serde_json::{Value, json};
use std::sync::Arc;

const ISSUER: &str = "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer";
const FAULT: &str = "jwks-certificate-fault";
const TRUSTED: &str = "jwks-certificate-fix-trusted-ca";

/// A tape whose answers are changed on their way.
struct Twisted<F> {
    tape: Tape,
    twist: F,
}

impl<F: Fn(&Query, Result<Answer>) -> Result<Answer> + Send + Sync> Backend for Twisted<F> {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        self.tape.ask(query).map(move |answer| (self.twist)(query, answer)).boxed()
    }
    fn now(&self) -> jiff::Timestamp {
        self.tape.now()
    }
    fn cluster(&self) -> String {
        self.tape.cluster()
    }
    fn describe(&self) -> String {
        self.tape.describe()
    }
}

fn investigate<F>(tape: &str, token: &str, twist: F) -> Report
where
    F: Fn(&Query, Result<Answer>) -> Result<Answer> + Send + Sync + 'static,
{
    let tape = Tape::open(tapes::path(tape)).unwrap();
    let engine = Pilotage::builder(Arc::new(Twisted { tape, twist })).build().unwrap();
    let playbook = Playbook::find("jwks-certificate", &[]).unwrap();
    let params = json!({ "token": token }).as_object().cloned().unwrap();
    engine.run(&playbook, params).unwrap_or_else(|failed| panic!("{}", failed.failure))
}

/// Change the JSON of answers to some questions.
fn edit(answer: Result<Answer>, change: impl Fn(&mut Value)) -> Result<Answer> {
    let mut answer = answer?;
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    change(&mut body);
    answer.body = body.to_string().into();
    Ok(answer)
}

/// Every object somewhere in a document.
fn objects(value: &mut Value, change: &dyn Fn(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            change(members);
            members.values_mut().for_each(|member| objects(member, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| objects(item, change)),
        _ => {}
    }
}

/// Give every proxy of which `of` says so another source of keys.
fn keys_become(query: &Query, answer: Result<Answer>, of: impl Fn(&str) -> bool, source: &Value) -> Result<Answer> {
    match &query.ask {
        Ask::Pod(ask) if ask.path.starts_with("/config_dump") && of(&ask.pod) => edit(answer, |body| {
            objects(body, &|members| {
                if members.remove("local_jwks").is_some() {
                    members.extend(source.as_object().cloned().unwrap());
                }
            });
        }),
        _ => answer,
    }
}

fn found<'a>(report: &'a Report, code: &str) -> &'a Finding {
    report.findings().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code} in {report:#?}"))
}

fn token(name: &str) -> String {
    let tokens: Vec<Value> = serde_json::from_str(include_str!("../data/tokens.json")).unwrap();
    let token = tokens.iter().find(|token| token["name"] == name).unwrap_or_else(|| panic!("no token {name}"));
    token["token"].as_str().unwrap().into()
}

#[test]
fn a_ca_that_only_this_machine_trusts_is_still_missing_at_istiod() {
    let ca = "certs::issuing_ca(tls_chain(\"keycloak-olaf-sso.apps.acme.test\")).pem";
    let Content::Text(ca) = tapes::engine(FAULT).eval(ca).unwrap() else { panic!("PEM is text") };
    let report = investigate(FAULT, "", move |query, answer| match &query.ask {
        Ask::Roots(_) => Ok(Answer { body: ca.clone().into(), ..answer? }),
        _ => answer,
    });
    let finding = found(&report, "JWKS003");
    assert_eq!(finding.severity, Severity::Error, "{}", finding.text);
    assert!(finding.text.contains("trusted by this machine") && finding.text.contains("not by istiod"), "{}", finding.text);
    assert!(finding.fix.contains("extra.pem") && finding.fix.contains("BEGIN CERTIFICATE"), "{}", finding.fix);
}

#[test]
fn a_server_that_only_istiod_reaches_is_not_called_silent() {
    let report = investigate(FAULT, "", |query, answer| match &query.ask {
        Ask::Tls(_) | Ask::Http(_) => Err(Error::new(Kind::Unreachable, "no such host").hint("are you inside the VPN?")),
        _ => answer,
    });
    let finding = found(&report, "JWKS003");
    assert_eq!(finding.severity, Severity::Warning, "{}", finding.text);
    assert!(finding.text.contains("shows its certificate to istiod, and not to this machine"), "{}", finding.text);
    assert!(finding.fix.contains("the issuing CA, from whoever runs it"), "{}", finding.fix);
}

#[test]
fn labels_of_the_repaired_object_survive_an_apply() {
    let report = investigate(FAULT, "", |query, answer| match &query.ask {
        Ask::Kube(ask) if ask.path.ends_with("/requestauthentications/customerjwt") => edit(answer, |object| {
            object["metadata"]["labels"] = json!({"istio.io/rev": "stable"});
            object["metadata"]["annotations"] = json!({"team": "olaf", "kubectl.kubernetes.io/last-applied-configuration": "{}"});
        }),
        _ => answer,
    });
    let fix = &found(&report, "JWKS001").fix;
    assert!(fix.contains("istio.io/rev: stable") && fix.contains("team: olaf") && !fix.contains("last-applied"), "{fix}");
}

#[test]
fn proxies_with_other_keys_than_the_rest_are_found() {
    let other =
        json!({"local_jwks": {"inline_string": "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"old\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}"}});
    let report = investigate(TRUSTED, "", move |query, answer| {
        keys_become(query, answer, |pod| pod.starts_with("recommendation-v2"), &other)
    });
    let drift = report.findings().find(|finding| finding.code == "JWKS005" && finding.severity == Severity::Warning);
    let drift = drift.unwrap_or_else(|| panic!("{report:#?}"));
    assert!(drift.text.contains("1 proxy"), "{}", drift.text);
    assert!(drift.evidence[2].as_str().unwrap().contains("recommendation-v2"), "{:?}", drift.evidence);
}

fn remote(query: &Query, answer: Result<Answer>) -> Result<Answer> {
    let source = json!({"remote_jwks": {"http_uri": {"uri": format!("{ISSUER}/protocol/openid-connect/certs"), "cluster": "c"}}});
    keys_become(query, answer, |_| true, &source)
}

#[test]
fn proxies_that_fetch_keys_themselves_are_not_said_to_hold_them() {
    let report = investigate(TRUSTED, "", remote);
    assert!(report.findings().all(|finding| !finding.text.contains("hold")), "{report:#?}");
    assert!(report.notes.iter().any(|note| note.contains("istiod has no part in it")), "{:?}", report.notes);
}

#[test]
fn a_token_is_judged_where_the_proxy_fetches_the_keys_too() {
    let report = investigate(TRUSTED, &token("wrong-aud"), remote);
    assert_eq!(found(&report, "TOKEN003").severity, Severity::Error);
    let report = investigate(TRUSTED, &token("wrong-aud"), |query, answer| match &query.ask {
        Ask::Http(_) => Err(Error::new(Kind::Unreachable, "nobody listens")),
        _ => remote(query, answer),
    });
    assert_eq!(found(&report, "TOKEN003").severity, Severity::Error, "audience and time need no keys");
    assert!(report.findings().all(|finding| !["TOKEN005", "TOKEN006"].contains(&finding.code.as_str())), "{report:#?}");
}

#[test]
fn what_pilotage_cannot_verify_is_no_bad_signature() {
    use base64::Engine as _;
    let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": ISSUER, "aud": "customer", "exp": 4_000_000_000_u64});
    let token = format!("{}.{}.{}", part(json!({"alg": "ES512"})), part(claims), part(json!("no signature")));
    let coordinate = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([1; 66]);
    let keys = json!({"keys": [{"kty": "EC", "crv": "P-521", "x": coordinate, "y": coordinate}]}).to_string();
    let source = json!({"local_jwks": {"inline_string": keys}});
    let report = investigate(TRUSTED, &token, move |query, answer| keys_become(query, answer, |_| true, &source));
    assert!(report.findings().all(|finding| finding.code != "TOKEN006"), "{report:#?}");
    assert!(report.notes.iter().any(|note| note.contains("cannot check ES512")), "{:?}", report.notes);
}

#[test]
fn an_application_that_crashes_does_not_hide_its_proxy() {
    let report = investigate(FAULT, "", |query, answer| match &query.ask {
        Ask::Kube(ask) if ask.path == "/api/v1/pods?limit=500" => edit(answer, |list| {
            for pod in list["items"].as_array_mut().unwrap() {
                let containers = pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten();
                for container in containers.filter(|container| container["name"] != "istio-proxy") {
                    container["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
                    container["ready"] = json!(false);
                }
            }
        }),
        _ => answer,
    });
    assert!(found(&report, "JWKS001").text.contains("4 proxies"), "{}", found(&report, "JWKS001").text);
}

/// istiod has the right CA, and the proxies nevertheless hold stand-in keys.
fn stuck(query: &Query, answer: Result<Answer>) -> Result<Answer> {
    let keys = json!({"keys": [{"kty": "RSA", "e": "AQAB", "n": "0xObjM0UvS_oaazjpEYlAbwc"}]}).to_string();
    keys_become(query, answer, |_| true, &json!({"local_jwks": {"inline_string": keys}}))
}

#[test]
fn an_extra_ca_that_came_after_istiod_started_asks_for_a_restart() {
    let report = investigate(TRUSTED, "", |query, answer| match &query.ask {
        Ask::Kube(ask) if ask.path.contains("/configmaps/") || ask.path.contains("/secrets/") => edit(answer, |object| {
            object["metadata"]["managedFields"] = json!([{"time": "2999-01-01T00:00:00Z"}]);
        }),
        _ => stuck(query, answer),
    });
    let finding = found(&report, "JWKS004");
    assert!(finding.text.contains("it covers the chain; it was changed after istiod started"), "{}", finding.text);
    assert!(finding.fix.starts_with("kubectl -n istio-system rollout restart deployment/istiod"), "{}", finding.fix);
    assert_eq!(found(&report, "JWKS003").severity, Severity::Ok, "{}", found(&report, "JWKS003").text);
}

#[test]
fn an_extra_ca_of_one_istiod_does_not_help_another() {
    let report = investigate(TRUSTED, "", |query, answer| match &query.ask {
        Ask::Kube(ask) if ask.path.contains("labelSelector=app%3Distiod") => edit(answer, |list| {
            let mut other = list["items"][0].clone();
            other["metadata"]["name"] = json!("istiod-canary");
            other["spec"]["volumes"] = json!([]);
            objects(&mut other, &|members| drop(members.remove("volumeMounts")));
            list["items"].as_array_mut().unwrap().push(other);
        }),
        _ => stuck(query, answer),
    });
    let finding = found(&report, "JWKS003");
    assert_eq!(finding.severity, Severity::Error, "{}", finding.text);
    assert!(finding.fix.contains("extra.pem"), "{}", finding.fix);
    let told: Vec<&str> = report.findings().filter(|one| one.code == "JWKS004").map(|one| one.text.as_str()).collect();
    assert!(told.len() == 2 && told.iter().any(|text| text.contains("istiod-canary has no extra CA")), "{told:?}");
}
