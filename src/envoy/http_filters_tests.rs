//! Trimmed pieces of recorded dumps of both spellings, the form of 2020 by hand, and what is no dump at all.

use super::*;
use crate::error::{Error, Kind};
use crate::json::Doc;
use proptest::prelude::*;
use serde_json::{Value, json};

const STAND_IN: &str = include_str!("../../tests/data/dump_stand_in.json");
const INLINE: &str = include_str!("../../tests/data/dump_inline.json");
const ISTIOD: &str = include_str!("../../tests/data/dump_istiod.json");
const OLD: &str = include_str!("../../tests/data/dump_2020.json");
const ISSUER: &str = "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer";

fn read_all(dump: &[u8]) -> Result<Vec<Filter>> {
    let doc = Doc::parse(dump.to_vec().into())?;
    Ok(filters(&Dump::open(&doc)?)?.into_iter().map(|found| found.record).collect())
}

fn jwt(dump: &str) -> Vec<Filter> {
    read_all(dump.as_bytes()).unwrap().into_iter().filter(|filter| filter.jwt.is_some()).collect()
}

fn provider(filter: &Filter) -> &Provider {
    &filter.jwt.as_ref().unwrap()[0]
}

/// What stands at a path of a document.
fn at(dump: &str, path: &str) -> Value {
    use jsonpath_rust::JsonPath;
    let value: Value = serde_json::from_str(dump).unwrap();
    let found = value.query(path).unwrap();
    assert_eq!(found.len(), 1, "{path}");
    found[0].clone()
}

#[test]
fn a_recorded_sidecar_shows_its_chains_and_the_stand_in_key() {
    let found = jwt(STAND_IN);
    let chains: Vec<(&str, &str)> = found.iter().map(|filter| (filter.listener.as_str(), filter.chain.as_str())).collect();
    assert_eq!(chains, [("virtualInbound", "virtualInbound-catchall-http"), ("virtualInbound", "0.0.0.0_8080")]);
    let filter = &found[0];
    assert_eq!((filter.name.as_str(), filter.kind.as_deref()), ("envoy.filters.http.jwt_authn", Some("JwtAuthentication")));
    assert_eq!((filter.state, filter.disabled), (Some("active"), false));
    assert_eq!(at(STAND_IN, &filter.path)["typed_config"], filter.config.as_ref().unwrap().value());
    let origin = provider(filter);
    assert_eq!(
        (origin.provider.as_str(), origin.issuer.as_deref(), origin.source.as_str()),
        ("origins-0", Some(ISSUER), "local")
    );
    assert_eq!((origin.audiences.as_slice(), origin.forward, origin.leeway), (&["customer".to_string()][..], true, 60));
    assert_eq!(origin.keys[0].n_prefix.as_deref(), Some("0xObjM0UvS_oaazjpEYlAbwc"));
    assert!(origin.keys[0].kid.is_none() && origin.jwks_uri.is_none() && origin.problem.is_none());
    assert!(origin.path.ends_with(".providers['origins-0'].local_jwks.inline_string"), "{}", origin.path);
    assert_eq!(at(STAND_IN, &origin.path).as_str(), origin.inline.as_deref());
}

#[test]
fn istiods_spelling_gives_the_same() {
    let (envoys, istiods) = (jwt(STAND_IN), jwt(ISTIOD));
    assert_eq!(envoys.len(), istiods.len());
    for (envoy, istiod) in envoys.iter().zip(&istiods) {
        let (ours, theirs) = (provider(envoy), provider(istiod));
        let same = Provider { path: ours.path.clone(), inline: ours.inline.clone(), ..theirs.clone() };
        assert_eq!(&same, ours);
        assert!(istiod.path.contains(".activeState.listener.filterChains["), "{}", istiod.path);
        assert_eq!(at(ISTIOD, &theirs.path).as_str(), theirs.inline.as_deref());
    }
}

#[test]
fn the_repair_shows_the_real_keys() {
    let filter = &jwt(INLINE)[0];
    assert_eq!(provider(filter).keys[0].kid.as_deref(), Some("Ek9wxUoZGSSp5eePlJBMu"));
}

#[test]
fn all_filters_come_in_the_order_requests_meet_them() {
    let all = read_all(STAND_IN.as_bytes()).unwrap();
    let active = |filter: &&Filter| filter.chain == "0.0.0.0_8080" && filter.state == Some("active");
    let inbound: Vec<&str> = all.iter().filter(active).map(|filter| filter.name.rsplit('.').next().unwrap()).collect();
    assert_eq!((inbound.first(), inbound.last()), (Some(&"jwt_authn"), Some(&"router")));
    assert_eq!(inbound.len(), 4);
    assert!(all.iter().any(|filter| filter.state == Some("static")));
    // The listener from before the policy still serves its old connections, without the JWT filter.
    let draining: Vec<&Filter> = all.iter().filter(|filter| filter.state == Some("draining")).collect();
    assert!(!draining.is_empty() && draining.iter().all(|filter| filter.jwt.is_none()));
    assert!(all.iter().any(|filter| filter.listener == "0.0.0.0_8080" && filter.chain == "0"));
}

#[test]
fn the_form_of_2020_reads_too() {
    let filter = &jwt(OLD)[0];
    assert_eq!((filter.name.as_str(), filter.listener.as_str(), filter.kind.as_deref()), ("jwt-auth", "10.128.2.17_8080", None));
    assert_eq!(filter.config.as_ref().unwrap().value()["allow_missing_or_failed"], true);
    let rule = provider(filter);
    assert_eq!(
        (rule.provider.as_str(), rule.issuer.as_deref(), rule.audiences[0].as_str()),
        ("rules[0]", Some(ISSUER), "customer1")
    );
    assert_eq!(rule.keys[0].bits, Some(2048));
    assert_eq!(at(OLD, &rule.path).as_str(), rule.inline.as_deref());
}

/// A dump of one listener with one JWT filter.
fn one(filter: &Value) -> String {
    let manager = serde_json::json!({"typed_config": {"http_filters": [filter]}});
    let listener = serde_json::json!({"name": "l", "filter_chains": [{"filters": [manager]}]});
    serde_json::json!({"configs": [{"dynamic_listeners": [{"name": "l", "warming_state": {"listener": listener}}],
        "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump"}]})
    .to_string()
}

#[test]
fn every_source_of_keys_is_told() {
    let sources = serde_json::json!({
        "a-remote": {"remote_jwks": {"http_uri": {"uri": "https://a/certs", "cluster": "outbound|443||a"}}},
        "b-bytes": {"local_jwks": {"inline_bytes": "eyJrZXlzIjpbeyJrdHkiOiJvY3QifV19"}},
        "c-file": {"localJwks": {"filename": "/etc/jwks"}},
        "d-none": {"issuer": "i"},
        "e-empty": {"local_jwks": {"inline_string": ""}},
        "f-broken": {"local_jwks": {"inline_string": "<html>"}, "clockSkewSeconds": 5, "fromHeaders": [{"name": "x-token"}]},
        "g-null": null,
        "h-odd": {"local_jwks": 7, "audiences": "x", "issuer": 3, "remote_jwks": []},
    });
    let filter = serde_json::json!({"name": "mine", "disabled": true,
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", "providers": sources}});
    let found = &jwt(&one(&filter))[0];
    assert_eq!((found.state, found.disabled), (Some("warming"), true));
    let providers = found.jwt.as_ref().unwrap();
    let sources: Vec<&str> = providers.iter().map(|provider| provider.source.as_str()).collect();
    assert_eq!(sources, ["remote", "local", "file", "none", "local", "local", "local"]);
    assert_eq!(
        (providers[0].jwks_uri.as_deref(), providers[0].cluster.as_deref()),
        (Some("https://a/certs"), Some("outbound|443||a"))
    );
    assert_eq!(providers[1].keys[0].kty.as_deref(), Some("oct"));
    for (index, said) in [(2, "/etc/jwks"), (3, "neither"), (4, "empty"), (5, "HTML"), (6, "empty")] {
        assert!(providers[index].problem.as_ref().unwrap().contains(said), "{:?}", providers[index]);
    }
    assert_eq!((providers[5].leeway, providers[5].from_headers.as_slice()), (5, &["x-token".to_string()][..]));
}

#[test]
fn wrapped_configurations_are_unwrapped() {
    let filter = serde_json::json!({"name": "wasm", "typed_config": {"@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
        "type_url": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "value": {"a": 1}}});
    let found = &read_all(one(&filter).as_bytes()).unwrap()[0];
    assert_eq!((found.kind.as_deref(), found.config.as_ref().unwrap().value()), (Some("Wasm"), json!({"a": 1})));
    assert_eq!(found.config.as_ref().unwrap().text(), r#"{"a":1}"#);
}

#[test]
fn parts_of_a_dump_and_istioctls_lists_read_too() {
    let whole: Value = serde_json::from_str(ISTIOD).unwrap();
    let sections = whole["configs"].as_array().unwrap();
    let section = sections.iter().find(|section| section["@type"].as_str().unwrap().ends_with("ListenersConfigDump")).unwrap();
    assert_eq!(jwt(&section.to_string()).len(), 2);
    let entries = section["dynamicListeners"].as_array().unwrap();
    let list: Vec<&Value> = entries.iter().map(|entry| &entry["activeState"]["listener"]).collect();
    assert_eq!(jwt(&serde_json::to_string(&list).unwrap()).len(), 2);
    let kind = "type.googleapis.com/envoy.admin.v3.ListenersConfigDump.DynamicListener";
    let with_type = |entry: &Value| {
        let mut entry = entry.clone();
        entry["@type"] = kind.into();
        entry
    };
    let by_resource = serde_json::json!({"configs": entries.iter().map(with_type).collect::<Vec<_>>()});
    assert_eq!(jwt(&by_resource.to_string()).len(), 2);
}

fn refused(dump: &[u8]) -> Error {
    let error = read_all(dump).unwrap_err();
    assert!(matches!(error.kind(), Kind::BadAnswer | Kind::BadInput) && error.next_step().is_some(), "{error}");
    error
}

#[test]
fn what_is_no_dump_says_so() {
    assert!(refused(b"").message().contains("empty"));
    assert!(refused(&STAND_IN.as_bytes()[..5000]).message().contains("cut off: it ends at byte 5000"));
    assert!(refused(b"upstream connect error or disconnect/reset").message().contains("starts with `upstream connect error"));
    assert!(refused(br#"{"kind":"Status"}"#).message().contains("no config dump"));
    assert!(refused(b"7").message().contains("a number"));
    assert!(refused(br#"{"dynamic_listeners":7}"#).message().contains("a number"));
    assert_eq!(read_all(br#"{"configs":[]}"#).unwrap(), []);
    assert_eq!(read_all(br#"{"configs":[7,null,{"@type":3}]}"#).unwrap(), []);
}

#[test]
fn delivered_configurations_are_shown_with_their_filter() {
    let extension = |name: &str, config: Value| json!({"ecds_filter": {"@type": "x/a.TypedExtensionConfig", "name": name, "typed_config": config}});
    let jwt = json!({"@type": "x/a.JwtAuthentication", "providers": {"p-1": {"issuer": "i", "localJwks": {"inlineString": "{\"keys\":[]}"}}}});
    let by_itself = |name: &str| json!({"name": name, "config_discovery": {"type_urls": ["x/a.Wasm"]}});
    let filters = json!([by_itself("shop.jwt"), by_itself("shop.gone"), {"name": "envoy.router"}]);
    let manager = json!({"typed_config": {"@type": "x/a.HttpConnectionManager", "http_filters": filters}});
    let dump = json!({"configs": [
        {"@type": "x/envoy.admin.v3.EcdsConfigDump", "ecds_filters": [extension("other", json!({"@type": "x/a.Lua"})), extension("shop.jwt", jwt)]},
        {"@type": "x/envoy.admin.v3.ListenersConfigDump", "static_listeners": [{"listener": {"name": "l", "filter_chains": [{"filters": [manager]}]}}]}]});
    let text = dump.to_string();
    let found = read_all(text.as_bytes()).unwrap();
    assert_eq!(found.iter().map(|filter| filter.discovered).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(found[0].kind.as_deref(), Some("JwtAuthentication"));
    let provider = provider(&found[0]);
    assert!(
        provider.path.starts_with("$.configs[0].ecds_filters[1].ecds_filter.typed_config.providers['p-1'].localJwks"),
        "{}",
        provider.path
    );
    assert_eq!(at(&text, &provider.path).as_str(), Some("{\"keys\":[]}"));
    assert_eq!((found[1].kind.as_deref(), &found[1].config), (Some("Wasm"), &None));
    assert_eq!(at(&text, &found[2].path)["name"], "envoy.router");
}

#[test]
fn a_default_holds_until_the_configuration_is_delivered() {
    let jwt = json!({"@type": "x/a.JwtAuthentication", "providers": {"p": {"issuer": "i", "localJwks": {"inlineString": "{\"keys\":[]}"}}}});
    let filter = json!({"name": "shop.jwt", "config_discovery": {"type_urls": ["x/a.JwtAuthentication"], "default_config": jwt}});
    let manager = json!({"typed_config": {"@type": "x/a.HttpConnectionManager", "http_filters": [filter]}});
    let text = json!({"static_listeners": [{"listener": {"name": "l", "filter_chains": [{"filters": [manager]}]}}]}).to_string();
    let found = read_all(text.as_bytes()).unwrap();
    assert_eq!((found[0].discovered, found[0].kind.as_deref()), (true, Some("JwtAuthentication")));
    assert_eq!(found[0].config.as_ref().unwrap().value(), jwt);
    assert_eq!(at(&text, &provider(&found[0]).path).as_str(), Some("{\"keys\":[]}"));
}

#[test]
fn two_answers_become_one_dump() {
    let doc = |value: Value| Doc::parse(value.to_string().into()).unwrap();
    let listeners = doc(json!({"configs": [{"@type": "x/envoy.admin.v3.ListenersConfigDump", "static_listeners": []}]}));
    let whole = doc(
        json!({"configs": [{"@type": "x/envoy.admin.v3.BootstrapConfigDump"}, {"@type": "x/envoy.admin.v3.EcdsConfigDump", "ecds_filters": []}]}),
    );
    let both = super::super::ecds::with_extensions(&listeners, &whole).unwrap();
    let dump = Dump::open(&both).unwrap();
    assert!(dump.has(Section::Listeners) && dump.has(Section::Ecds) && both.root().get("configs").unwrap().len() == 2);
}

#[test]
fn what_cannot_be_read_marks_its_row() {
    let broken = |filters: Value| {
        let manager = json!({"typed_config": {"http_filters": filters}});
        let dump = json!({"static_listeners": [{"listener": {"filter_chains": [{"name": "c", "filters": [manager]}]}}, 7]});
        let found = read_all(dump.to_string().as_bytes()).unwrap();
        found.into_iter().map(|filter| (filter.name, filter.broken)).collect::<Vec<_>>()
    };
    let found = broken(json!([{"name": "a"}, {"name": 7}, 8, {}]));
    assert_eq!(found[0], ("a".into(), None));
    assert_eq!(found[1], ("".into(), Some("name is not text".into())));
    assert_eq!(found[2], ("".into(), Some("http_filters is not an object".into())));
    assert!(found[3].1.is_some() && found.len() == 4, "{found:?}");
    assert_eq!(broken(json!("x"))[0], ("".into(), Some("http_filters is not a list".into())));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(cut in 0usize..20_000, at in 0usize..20_000, byte in any::<u8>(), garbage in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut bytes = STAND_IN.as_bytes().to_vec();
        let place = at % bytes.len();
        bytes[place] = byte;
        let _ = read_all(&bytes);
        bytes.truncate(cut.min(bytes.len()));
        let _ = read_all(&bytes);
        let _ = read_all(&garbage);
    }
}
