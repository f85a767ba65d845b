//! Which control planes are asked, what is made of their answers, and of those that do not answer.

use super::super::fake::{Fake, wait};
use super::*;
use serde_json::{Value, json};

const NACK: &str = include_str!("../../tests/data/istiod/syncz-nack.json");
const WEBHOOKS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=500";

fn syncz(istiod: &str) -> String {
    format!("pod istio-system/{istiod}:15014 GET /debug/syncz")
}

fn version_of(istiod: &str) -> String {
    format!("pod istio-system/{istiod}:15014 GET /version")
}

fn istiod(name: &str, revision: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "istio-system", "labels": {"app": "istiod", "istio.io/rev": revision}},
        "spec": {"containers": [{"name": "discovery", "image": "istio/pilot:1.29.1"}]}})
}

fn proxy(namespace: &str, name: &str, running: bool) -> Value {
    let state = if running { json!({"running": {}}) } else { json!({"waiting": {"reason": "CrashLoopBackOff"}}) };
    json!({"metadata": {"name": name, "namespace": namespace, "annotations": {"sidecar.istio.io/status": "{\"revision\":\"1-29\"}"}},
        "spec": {"containers": [{"name": "app"}, {"name": "istio-proxy", "image": "istio/proxyv2:1.27.3", "args": ["proxy", "sidecar"]}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "istio-proxy", "ready": running, "state": state}]}})
}

fn cluster(pods: &[Value]) -> Fake {
    let list = json!({ "items": pods }).to_string();
    let selected = |selector: &str| format!("/api/v1/pods?labelSelector={selector}&limit=500");
    let istiods: Vec<&Value> = pods.iter().filter(|pod| pod.pointer("/metadata/labels/app") == Some(&json!("istiod"))).collect();
    Fake::new()
        .kube("/api/v1/pods?limit=500", list)
        .kube(&selected("app%3Distiod"), json!({ "items": istiods }).to_string())
        .kube(&selected("istio%3Dpilot"), r#"{"items":[]}"#)
        .kube(WEBHOOKS, r#"{"items":[]}"#)
}

fn ask_with(fake: Fake, options: ProxyStatusOptions) -> (Result<Vec<ProxyStatus>>, Vec<String>, bool) {
    let mesh = fake.mesh();
    let rows = wait(proxy_status(&mesh, &options));
    (rows, mesh.take_notes(), mesh.partial())
}

fn rows(fake: Fake) -> (Vec<ProxyStatus>, Vec<String>) {
    let (rows, notes, _) = ask_with(fake, ProxyStatusOptions::default());
    (rows.unwrap(), notes)
}

fn told(rows: &[ProxyStatus]) -> Vec<(&str, Option<&str>, &str)> {
    rows.iter().map(|row| (row.name.as_str(), row.istiod.as_deref(), row.status)).collect()
}

#[test]
fn a_refusal_is_told_with_its_words_and_nothing_is_hidden() {
    let one = cluster(&[istiod("a", "default")]).says(&syncz("a"), NACK).says(&version_of("a"), "1.31-lab-75893e6-Clean");
    let (rows, notes) = rows(one);
    assert_eq!(told(&rows), [("api-0", Some("a"), "ERROR"), ("web-0", Some("a"), "SYNCED")]);
    let api = &rows[0];
    assert_eq!(
        (api.cds, api.lds, api.eds, api.rds, api.ecds),
        (Some("SYNCED"), Some("ERROR"), Some("SYNCED"), Some("SYNCED"), Some("IGNORED"))
    );
    assert!(api.last_error["lds"].contains("max_request_bytes") && api.last_error.len() == 1);
    assert_eq!((api.version.as_deref(), api.istiod_version.as_deref(), api.skew), (Some("1.31.0"), Some("1.31-lab"), Some(0)));
    assert_eq!(api.types["lds"].last_ack.as_deref(), Some("2026-11-22T13:09:18Z"));
    assert_eq!((api.stale_since.as_ref(), notes), (None, vec![]));
}

#[test]
fn stale_says_since_when_and_the_age_of_the_last_ack() {
    let stale = r#"[{"proxy":"web-0.shop","cluster_id":"c","istio_version":"1.28.0","resources":{
        "type.googleapis.com/envoy.config.cluster.v3.Cluster":{"sent":"2026-11-22T13:05:00Z/1b","acked":"2026-11-22T13:04:00Z/1a","sentTime":"2026-11-22T13:05:00.5Z"},
        "type.googleapis.com/envoy.config.listener.v3.Listener":{"sent":"2026-11-22T13:02:00Z/1b","acked":"","sentTime":"2026-11-22T13:02:00.1Z"},
        "type.googleapis.com/envoy.config.route.v3.RouteConfiguration":{}}}]"#;
    let (rows, _) = rows(cluster(&[istiod("a", "default")]).says(&syncz("a"), stale));
    let row = &rows[0];
    assert_eq!((row.cds, row.lds, row.rds, row.eds), (Some("STALE"), Some("STALE"), Some("NOT SENT"), Some("IGNORED")));
    assert_eq!((row.status, row.stale_since.as_deref()), ("STALE", Some("2026-11-22T13:02:00.1Z")));
    let stale_for = super::super::fake::now().as_second() - "2026-11-22T13:02:00Z".parse::<Timestamp>().unwrap().as_second();
    assert_eq!(row.stale_for, Some(stale_for));
    let seconds = super::super::fake::now().as_second() - "2026-11-22T13:04:00Z".parse::<Timestamp>().unwrap().as_second();
    assert_eq!(row.last_ack, Some(human(seconds)));
    // No /version page: the image tells.
    assert_eq!((row.istiod_version.as_deref(), row.skew), (Some("1.29.1"), Some(-1)));
}

#[test]
fn all_replicas_are_merged_and_who_is_connected_twice_has_two_rows() {
    let old = r#"[{"proxy":"web-0.shop","istio_version":"1.28.0","cluster_sent":"x","cluster_acked":"x","listener_sent":"y","listener_acked":"y","endpoint_sent":"z","endpoint_acked":"z","route_sent":"r","route_acked":"q"}]"#;
    let both = cluster(&[istiod("b", "1-28"), istiod("a", "1-29"), proxy("shop", "web-0", true)])
        .says(&syncz("a"), NACK)
        .says(&syncz("b"), old);
    let (rows, _) = rows(both);
    assert_eq!(told(&rows), [("api-0", Some("a"), "ERROR"), ("web-0", Some("a"), "SYNCED"), ("web-0", Some("b"), "STALE")]);
    assert_eq!(
        (rows[2].revision.as_deref(), rows[2].stale_since.as_ref(), rows[2].last_ack.as_ref()),
        (Some("1-28"), None, None)
    );
    assert_eq!((rows[1].pod_status.as_deref(), rows[0].pod_status.as_deref()), (Some("Running"), None));
}

#[test]
fn running_proxies_that_nobody_knows_are_disconnected() {
    let mut young = proxy("shop", "young-0", true);
    young["metadata"]["creationTimestamp"] = json!(super::super::fake::now().to_string());
    let pods = [
        istiod("a", "1-29"),
        proxy("shop", "api-0", true),
        proxy("shop", "lost-0", true),
        proxy("shop", "down-0", false),
        young,
        json!({"metadata": {"name": "plain-0", "namespace": "shop"}, "spec": {"containers": [{"name": "app"}]}}),
    ];
    let (rows, _) = rows(cluster(&pods).says(&syncz("a"), NACK));
    assert_eq!(
        told(&rows),
        [
            ("api-0", Some("a"), "ERROR"),
            ("lost-0", None, "DISCONNECTED"),
            ("web-0", Some("a"), "SYNCED"),
            ("young-0", None, "CONNECTING")
        ]
    );
    let lost = &rows[1];
    assert_eq!((lost.revision.as_deref(), lost.version.as_deref(), lost.cds), (Some("1-29"), Some("1.27.3"), None));
}

#[test]
fn a_proxy_of_another_cluster_does_not_stand_for_a_pod_of_its_name() {
    let connection =
        |cluster: &str, name: &str| json!({"cluster_id": cluster, "proxy": format!("{name}.shop"), "istio_version": "1.29.1"});
    let ask = |id: &str, connections: Value| {
        let mut istiod = istiod("a", "1-29");
        istiod["spec"]["containers"][0]["env"] = json!([{"name": "CLUSTER_ID", "value": id}]);
        let pods = [istiod, proxy("shop", "web-0", true), proxy("shop", "api-0", true)];
        let (rows, _) = rows(cluster(&pods).says(&syncz("a"), connections.to_string()));
        let told = |row: &ProxyStatus| (row.name.clone(), row.cluster.clone(), row.pod_status.is_some());
        rows.iter().map(told).collect::<Vec<_>>()
    };
    let row = |name: &str, cluster: Option<&str>, here: bool| (name.to_owned(), cluster.map(str::to_owned), here);
    let both = || json!([connection("west", "web-0"), connection("east", "api-0")]);
    assert_eq!(
        ask("east", both()),
        [row("api-0", Some("east"), true), row("web-0", None, true), row("web-0", Some("west"), false)]
    );
    // Where no proxy is in the cluster that istiod names, the name says nothing.
    assert_eq!(ask("north", both()), [row("api-0", Some("east"), true), row("web-0", Some("west"), true)]);
}

#[test]
fn whoever_does_not_answer_is_a_note_and_may_know_the_missing() {
    for (fail, says) in [(Kind::Timeout, "no answer"), (Kind::BadAnswer, "no answer")] {
        let pods = [istiod("a", "x"), istiod("b", "x"), proxy("shop", "lost-0", true)];
        let fake = cluster(&pods).says(&syncz("a"), "null").fails(&syncz("b"), fail);
        let (rows, notes, partial) = ask_with(fake, ProxyStatusOptions::default());
        assert_eq!(told(&rows.unwrap()), [("lost-0", None, "UNKNOWN")]);
        assert!(partial && notes[0].contains("istio-system/b") && notes[0].contains(says), "{notes:?}");
    }
    for (status, body, says) in
        [(403, "forbidden for default", "status 403"), (404, "nothing here", "status 404"), (200, "<html>", "no JSON")]
    {
        let pods = [istiod("a", "x"), istiod("b", "x")];
        let fake = cluster(&pods).says(&syncz("a"), NACK).refuses(&syncz("b"), status, body);
        let (rows, notes, partial) = ask_with(fake, ProxyStatusOptions::default());
        assert!(rows.unwrap().len() == 2 && partial && notes[0].contains(says), "{notes:?}");
    }
}

#[test]
fn when_no_istiod_answers_it_is_an_error_and_when_there_is_none_nothing_is_known() {
    let fake = cluster(&[istiod("a", "x"), istiod("b", "x")]).fails(&syncz("a"), Kind::Timeout).refuses(&syncz("b"), 403, "no");
    let (rows, _, partial) = ask_with(fake, ProxyStatusOptions::default());
    let error = rows.unwrap_err();
    assert!(partial && error.kind() == Kind::Timeout && error.message().contains("none of 2 istiods"), "{error}");
    let (rows, notes) = self::rows(cluster(&[proxy("shop", "web-0", true)]));
    assert_eq!(told(&rows), [("web-0", None, "UNKNOWN")]);
    assert!(notes[0].contains("no istiod was found"), "{notes:?}");
}

#[test]
fn a_control_plane_outside_is_named_and_its_proxies_are_not_called_disconnected() {
    let webhook = json!({"items": [{"metadata": {"name": "w", "labels": {"istio.io/rev": "1-29"}}, "webhooks": [
        {"name": "rev.sidecar-injector.istio.io", "clientConfig": {"url": "https://cp.example.com:15017/inject"}}]}]});
    let list = json!({"items": [istiod("a", "other"), proxy("shop", "web-9", true)]});
    let fake = Fake::new().kube(WEBHOOKS, webhook.to_string()).kube("/api/v1/pods?limit=500", list.to_string());
    let istiods = json!({"items": [istiod("a", "other")]}).to_string();
    let fake = fake
        .kube("/api/v1/pods?labelSelector=app%3Distiod&limit=500", istiods)
        .kube("/api/v1/pods?labelSelector=istio%3Dpilot&limit=500", r#"{"items":[]}"#)
        .says(&syncz("a"), "[]");
    let (rows, notes) = rows(fake);
    assert_eq!(told(&rows), [("web-9", None, "UNKNOWN")]);
    assert!(notes[0].contains("revision 1-29") && notes[0].contains("cp.example.com:15017"), "{notes:?}");
}

#[test]
fn a_namespace_or_a_revision_can_be_chosen() {
    let pods = || [istiod("a", "1-29"), istiod("b", "1-28"), proxy("shop", "lost-0", true)];
    let by = |options: ProxyStatusOptions| ask_with(cluster(&pods()).says(&syncz("a"), NACK).says(&syncz("b"), "[]"), options).0;
    let revision = |name: &str| by(ProxyStatusOptions { revision: Some(name.into()), ..Default::default() });
    assert_eq!(told(&revision("1-28").unwrap()), []);
    assert_eq!(revision("1-29").unwrap().len(), 3);
    let error = revision("1-27").unwrap_err();
    assert!(error.kind() == Kind::NotFound && error.next_step().unwrap().contains("did you mean"), "{error:?}");
    let fake = cluster(&pods()).says(&syncz("a"), NACK).says(&syncz("b"), "[]");
    let fake = fake.kube("/api/v1/namespaces/other/pods?limit=500", r#"{"items":[]}"#).kube("/api/v1/namespaces/other", "{}");
    let other = ask_with(fake, ProxyStatusOptions { namespace: Some("other".into()), ..Default::default() });
    assert!(other.0.unwrap().is_empty());
}
