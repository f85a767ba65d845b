//! Shapes of `/debug/syncz`, old and new, and what is none.

use super::*;

const NACK: &str = include_str!("../../tests/data/istiod/syncz-nack.json");

fn states(connection: &Connection) -> Vec<(&str, State)> {
    connection.types.iter().map(|(name, exchange)| (name.as_str(), exchange.state())).collect()
}

#[test]
fn the_recorded_refusal_is_an_error_with_envoys_words_and_the_last_one_taken() {
    let all = read(NACK.as_bytes()).unwrap();
    assert_eq!(all.len(), 2);
    let api = &all[0];
    assert_eq!((api.proxy.as_str(), api.cluster.as_str(), api.proxy_type.as_str()), ("api-0.shop", "Kubernetes", "sidecar"));
    assert_eq!(states(api), [("cds", State::Synced), ("eds", State::Synced), ("lds", State::Error), ("rds", State::Synced)]);
    let listeners = &api.types["lds"];
    assert!(listeners.last_error.as_ref().unwrap().contains("virtualInbound"));
    assert_eq!(listeners.sent_time.as_deref(), Some("2026-11-22T13:09:19.095258133Z"));
    assert_eq!(listeners.accepted().as_deref(), Some("2026-11-22T13:09:18Z"));
    assert_eq!(api.types["cds"].accepted(), api.types["cds"].sent_time);
}

#[test]
fn debugging_clients_are_left_out_and_proxies_that_got_nothing_yet_are_not() {
    let page = r#"[
        {"proxy":"test-1.default","proxy_type":"sidecar","istio_version":"65536.65536.65536"},
        {"proxy":"new-0.shop","cluster_id":"Kubernetes","proxy_type":"sidecar","istio_version":"1.31.0"},
        {"proxy":"old-0.shop","istio_version":"1.5.0"},
        {"proxy_type":"sidecar"}, null, 7]"#;
    let all = read(page.as_bytes()).unwrap();
    assert_eq!(all.iter().map(|one| one.proxy.as_str()).collect::<Vec<_>>(), ["new-0.shop", "old-0.shop"]);
    assert!(all[0].types.values().all(|exchange| exchange.state() == State::NotSent));
}

#[test]
fn old_istiods_tell_by_nonces_alone() {
    let page = r#"[{"proxy":"web-0.shop","proxy_version":"1.14.1","istio_version":"1.14.1",
        "cluster_sent":"2022-06-01T10:00:00Z/7aa","cluster_acked":"2022-06-01T10:00:00Z/7aa",
        "listener_sent":"2022-06-01T10:00:05Z/8bb","listener_acked":"2022-06-01T10:00:00Z/7bb",
        "endpoint_sent":"4f2c","endpoint_acked":"","endpoint_percent":100}]"#;
    let web = read(page.as_bytes()).unwrap().remove(0);
    assert_eq!(states(&web), [("cds", State::Synced), ("eds", State::Stale), ("lds", State::Stale), ("rds", State::NotSent)]);
    assert_eq!(web.types["lds"].sent_time.as_deref(), Some("2022-06-01T10:00:05Z"));
    assert_eq!(web.types["lds"].accepted().as_deref(), Some("2022-06-01T10:00:00Z"));
    assert_eq!((&web.types["eds"].sent_time, web.types["eds"].accepted()), (&None, None));
}

#[test]
fn in_the_new_form_what_is_absent_was_not_asked_for() {
    let page = r#"[{"proxy":"z.istio-system","cluster_id":"c","proxy_type":"ztunnel","istio_version":"1.29.1","resources":{
        "type.googleapis.com/istio.workload.Address":{"sent":"a","acked":"a","sentTime":"0001-01-01T00:00:00Z"},
        "type.googleapis.com/istio.security.Authorization":{},
        "type.googleapis.com/acme.Novel":null}}]"#;
    let ztunnel = read(page.as_bytes()).unwrap().remove(0);
    assert_eq!(states(&ztunnel), [("novel", State::NotSent), ("wads", State::NotSent), ("wds", State::Synced)]);
    assert_eq!(ztunnel.types["wds"].sent_time, None);
}

#[test]
fn nobody_connected_is_null_and_other_pages_are_refused() {
    assert!(read(b"null").unwrap().is_empty());
    for (page, says) in [("<html>", "no JSON"), ("", "no JSON"), (r#"{"error":"x"}"#, "no list"), ("[{\"proxy\":", "no JSON")] {
        let error = read(page.as_bytes()).unwrap_err();
        assert!(error.message().contains(says) && error.kind() == Kind::BadAnswer, "{error}");
    }
}
