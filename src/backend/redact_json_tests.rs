//! Which strings of a document go, and that everything else stays.

use super::redact::{Rule, Tally};
use super::redact_json::{Json, clean};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

fn cleaned(json: &str) -> Value {
    let bytes = match clean(json.as_bytes(), false) {
        Json::Clean => json.as_bytes().to_vec(),
        Json::Changed(clean, _) => clean,
        Json::Other => panic!("it is JSON: {json}"),
    };
    serde_json::from_slice(&bytes).expect("JSON stays JSON")
}

/// What `json` becomes at each of these places, and whether all the rest stays.
fn only_changes(json: &Value, places: &[(&str, &str)]) {
    let mut expected = json.clone();
    for (place, value) in places {
        *expected.pointer_mut(place).expect(place) = (*value).into();
    }
    assert_eq!(cleaned(&json.to_string()), expected);
    assert_eq!(cleaned(&expected.to_string()), expected, "twice is as once");
}

fn coded(text: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(text)
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n";

#[test]
fn private_members_of_keys_go_wherever_kty_stands() {
    let key = json!({"keys": [
        {"d": "private-d", "kty": "RSA", "n": "public-n", "e": "AQAB", "kid": "k", "oth": [{"r": "rr", "d": "dd", "t": "tt"}]},
        {"kty": "oct", "k": "symmetric"},
        {"d": "no key", "p": 1},
    ]});
    let jwk = |secret: &str| Rule::Jwk.token(secret.as_bytes());
    let (d, k) = (jwk("private-d"), jwk("symmetric"));
    let (r, dd, t) = (jwk("rr"), jwk("dd"), jwk("tt"));
    only_changes(
        &key,
        &[("/keys/0/d", &d), ("/keys/1/k", &k), ("/keys/0/oth/0/r", &r), ("/keys/0/oth/0/d", &dd), ("/keys/0/oth/0/t", &t)],
    );
}

#[test]
fn json_in_strings_is_read_too() {
    let keys = json!({"keys": [{"kty": "RSA", "n": "nn", "d": "secret"}]}).to_string();
    let dump = json!({"local_jwks": {"inline_string": keys}, "annotation": json!({"spec": {"jwks": keys}}).to_string()});
    let clean = cleaned(&dump.to_string());
    let token = Rule::Jwk.token(b"secret");
    let inner: Value = serde_json::from_str(clean["local_jwks"]["inline_string"].as_str().unwrap()).unwrap();
    assert_eq!(inner["keys"][0], json!({"kty": "RSA", "n": "nn", "d": token}));
    let outer: Value = serde_json::from_str(clean["annotation"].as_str().unwrap()).unwrap();
    assert!(outer["spec"]["jwks"].as_str().unwrap().contains(&token));
}

#[test]
fn secrets_lose_their_values_but_not_their_certificates() {
    let applied = json!({"kind": "Secret", "stringData": {"password": "hunter2"}}).to_string();
    let secret = json!({"data": {"a": coded("hunter2"), "extra.pem": coded(CERTIFICATE), "tls.key": coded(KEY), "empty": ""},
        "stringData": {"b": "hunter2"}, "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}}});
    let token = Rule::Secret.token(b"hunter2");
    let applied = json!({"kind": "Secret", "stringData": {"password": token}}).to_string();
    let (a, key) = (coded(&token), coded(Rule::Secret.token(KEY.as_bytes())));
    let annotation = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    only_changes(&secret, &[("/data/a", &a), ("/data/tls.key", &key), ("/stringData/b", &token), (annotation, &applied)]);
}

#[test]
fn lists_of_secrets_and_config_maps_are_told_apart() {
    let value = coded("hunter2");
    let list = json!({"items": [{"data": {"a": value}}], "kind": "SecretList"});
    only_changes(&list, &[("/items/0/data/a", &coded(Rule::Secret.token(b"hunter2")))]);
    let mixed =
        json!({"kind": "List", "items": [{"kind": "ConfigMap", "data": {"a": value}}, {"kind": "Secret", "data": {"a": value}}]});
    only_changes(&mixed, &[("/items/1/data/a", &coded(Rule::Secret.token(b"hunter2")))]);
    let nameless = json!({"items": [{"data": {"a": value}}]}).to_string();
    assert!(matches!(clean(nameless.as_bytes(), false), Json::Clean));
    assert!(matches!(clean(nameless.as_bytes(), true), Json::Changed(..)), "the question was for Secrets");
}

#[test]
fn what_envoy_keeps_inline_goes_and_what_it_hid_stays() {
    let dump = json!({"tls_certificate": {"certificate_chain": {"inline_bytes": coded(CERTIFICATE)},
        "private_key": {"inline_bytes": coded(KEY)}, "password": {"inline_string": "hunter2"}},
        "hidden": {"private_key": {"inline_bytes": "W3JlZGFjdGVkXQ=="}},
        "generic_secret": {"secret": {"inline_string": "hunter2"}}, "generic_secret_name": "x",
        "validation_context": {"trusted_ca": {"inline_string": CERTIFICATE}}});
    let token = Rule::Credential.token(b"hunter2");
    let key = coded(Rule::Credential.token(KEY.as_bytes()));
    only_changes(
        &dump,
        &[
            ("/tls_certificate/private_key/inline_bytes", &key),
            ("/tls_certificate/password/inline_string", &token),
            ("/generic_secret/secret/inline_string", &token),
        ],
    );
}

#[test]
fn header_values_go_in_every_form_of_configuration() {
    let config = json!({
        "request_headers_to_add": [{"header": {"key": "Authorization", "value": "Basic aHVudGVyMg=="}}, {"header": {"key": "x-a", "value": "b"}}],
        "set": {"x-api-key": "hunter2", "cookie": ["a=b; c=d"], "x-b": "c"},
        "match": {"name": "authorization", "string_match": {"exact": "Bearer hunter2"}},
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "TOKEN_AUDIENCES", "value": "istio-ca"}],
        "json_format": {"authorization": "%REQ(AUTHORIZATION)%"}, "authorization": {"type": "object"},
    });
    let token = |secret: &str| Rule::Header.token(secret.as_bytes());
    let (basic, bearer) = (format!("Basic {}", token("aHVudGVyMg==")), format!("Bearer {}", token("hunter2")));
    only_changes(
        &config,
        &[
            ("/request_headers_to_add/0/header/value", &basic),
            ("/set/x-api-key", &token("hunter2")),
            ("/set/cookie/0", &token("a=b; c=d")),
            ("/match/string_match/exact", &bearer),
            ("/env/0/value", &token("hunter2")),
        ],
    );
}

#[test]
fn code_subjects_and_plain_texts() {
    let config = json!({"inline_code": "function f() end", "claims": {"sub": "alice", "iss": "https://i"}, "pub": {"sub": "topic"},
        "url": "https://user:hunter2@host/", "note": "cookie: a=b"});
    let (code, sub) = (Rule::Code.token(b"function f() end"), Rule::Subject.token(b"alice"));
    let url = format!("https://user:{}@host/", Rule::Url.token(b"hunter2"));
    let note = format!("cookie: {}", Rule::Header.token(b"a=b"));
    only_changes(&config, &[("/inline_code", &code), ("/claims/sub", &sub), ("/url", &url), ("/note", &note)]);
}

#[test]
fn escapes_hide_nothing() {
    let json = r#"{"u": "https:\/\/user:hunter2@host", "a": "\u0061uthorization: Bearer hunter2"}"#;
    assert!(!cleaned(json).to_string().contains("hunter2"));
}

#[test]
fn everything_else_stays_to_the_byte() {
    let json = "{ \"n\" : 1.00e5, \"password\":\"x\" ,\t\"t\": \"\\u003c\" }\n";
    let Json::Changed(clean, tally) = clean(json.as_bytes(), false) else { panic!("it holds a password") };
    let token = Rule::Credential.token(b"x");
    assert_eq!(String::from_utf8(clean).unwrap(), json.replace("\"x\"", &format!("\"{token}\"")));
    let mut one = Tally::default();
    one.add(Rule::Credential);
    assert_eq!(tally, one);
}

#[test]
fn text_that_looks_like_json_at_first_is_no_json() {
    for text in ["[12:00] cookie: a", "{x} cookie: a", "[1] \"cookie\": \"a\"", "{\"cookie\":\"a", "[1} cookie: a", "[cookie: a]"]
    {
        assert!(matches!(clean(text.as_bytes(), false), Json::Other), "{text}");
    }
}

#[test]
fn a_tracing_providers_token_is_one_in_the_meshs_settings_too() {
    let config = cleaned(r#"{"tracing":{"lightstep":{"address":"collector:8080","accessToken":"hush"}}}"#);
    assert_eq!(config["tracing"]["lightstep"]["address"], "collector:8080");
    assert!(!config.to_string().contains("hush"), "{config}");
    let written =
        cleaned(r#"{"kind":"ConfigMap","data":{"mesh":"tracing:\n  lightstep:\n    accessToken: hush\n    address: c:1\n"}}"#);
    assert!(!written.to_string().contains("hush") && written.to_string().contains("c:1"), "{written}");
}
