//! ztunnels among Envoys, told apart before anybody is asked. No recording has one: the pods and the dump
//! (`tests/data/ztunnel_dump.json`) are made by hand, from the documented shapes.

use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use pilotage::Pilotage;
use pilotage::backend::{Answer, Ask, Backend, Query};
use pilotage::error::{Error, Kind, Result};
use pilotage::report::Content;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const DUMP: &str = include_str!("../data/ztunnel_dump.json");

/// A mesh with two ztunnels, a sidecar, a waypoint, and an application without a proxy.
#[derive(Default)]
struct Ambient {
    asked: Mutex<Vec<String>>,
}

fn pod(namespace: &str, name: &str, proxy: &[&str], class: &str) -> Value {
    let app = if proxy == ["ztunnel"] { "ztunnel" } else { "web" };
    let labels = json!({"gateway.networking.k8s.io/gateway-class-name": class, "app": app});
    let mut containers = vec![json!({"name": "app"})];
    if !proxy.is_empty() {
        containers.push(json!({"name": "istio-proxy", "args": proxy}));
    }
    let running = |container: &Value| json!({"name": container["name"], "ready": true, "state": {"running": {}}});
    let statuses: Vec<Value> = containers.iter().map(running).collect();
    json!({"metadata": {"namespace": namespace, "name": name, "labels": labels}, "spec": {"containers": containers},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": statuses}})
}

fn pods() -> Vec<Value> {
    vec![
        pod("istio-system", "ztunnel-a", &["ztunnel"], ""),
        pod("istio-system", "ztunnel-b", &["ztunnel"], ""),
        pod("shop", "web-0", &["proxy", "sidecar"], ""),
        pod("shop", "waypoint-0", &["proxy", "waypoint"], "istio-waypoint"),
        pod("shop", "plain-0", &[], ""),
    ]
}

fn answer(ask: &Ask) -> Result<String> {
    let nobody = || Error::new(Kind::NotFound, format!("nobody was told to answer {ask:?}"));
    match ask {
        Ask::Kube(kube) if kube.path.contains("/pods/") => {
            let pods = pods();
            let named = |pod: &&Value| kube.path.ends_with(pod["metadata"]["name"].as_str().unwrap());
            pods.iter().find(named).map(Value::to_string).ok_or_else(nobody)
        }
        Ask::Kube(kube) if kube.path.contains("/pods") => Ok(json!({"items": pods()}).to_string()),
        Ask::Pod(page) if page.pod.starts_with("ztunnel") => match (page.method.as_str(), page.path.as_str()) {
            ("POST", "/logging") => Ok("current log level is info,access=debug\n".into()),
            ("GET", "/config_dump") => Ok(DUMP.into()),
            other => panic!("ztunnel has no such page: {other:?}"),
        },
        Ask::Pod(page) if page.path.starts_with("/config_dump") => Ok(r#"{"configs":[]}"#.into()),
        _ => Err(nobody()),
    }
}

impl Backend for Ambient {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        self.asked.lock().unwrap().push(query.to_string());
        ready(answer(&query.ask).map(|body| Answer::ok(body, self.now()))).boxed()
    }

    fn now(&self) -> Timestamp {
        "2026-11-22T13:06:15Z".parse().unwrap()
    }

    fn cluster(&self) -> String {
        "ambient".into()
    }

    fn describe(&self) -> String {
        "an ambient mesh".into()
    }
}

fn mesh() -> (Pilotage, Arc<Ambient>) {
    let ambient = Arc::new(Ambient::default());
    (Pilotage::builder(ambient.clone()).build().unwrap(), ambient)
}

/// How many pages of proxies were asked for.
fn pages(ambient: &Ambient) -> usize {
    ambient.asked.lock().unwrap().iter().filter(|asked| asked.starts_with("pod ")).count()
}

#[track_caller]
fn value(engine: &Pilotage, source: &str) -> Value {
    match engine.eval(source).unwrap_or_else(|failure| panic!("{source}: {failure}")) {
        Content::Value(value) => value,
        Content::Text(text) => text.into(),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn a_ztunnel_is_asked_in_any_form_that_names_pods() {
    let (engine, _) = mesh();
    for pod in ["`ztunnel-a.istio-system`", "`istio-system/ztunnel-a`", "pods(`*`)[0]"] {
        assert_eq!(value(&engine, &format!("workloads({pod}).len()")), 5, "{pod}");
        assert_eq!(value(&engine, &format!("services({pod}).len()")), 3, "{pod}");
        assert_eq!(value(&engine, &format!("connections({pod}, #{{ direction: `outbound` }}).len()")), 2, "{pod}");
        assert_eq!(value(&engine, &format!("log_levels({pod})[1].logger")), "access", "{pod}");
        assert_eq!(value(&engine, &format!("certificates({pod})[0].valid_cert")), true, "{pod}");
        assert_eq!(value(&engine, &format!("config_dump({pod}).policies.len()")), 2, "{pod}");
    }
}

#[test]
fn the_wrong_proxy_is_told_before_it_is_asked_with_the_functions_that_are_right() {
    let (engine, ambient) = mesh();
    for function in ["clusters", "endpoints", "routes", "secrets", "certs", "bootstrap", "stats", "server_info", "memory"] {
        for pod in ["`ztunnel-a.istio-system`", "pods(`*`)[0]", "[pods(`*`)[0], pods(`*`)[1]]"] {
            let failure = engine.eval(&format!("{function}({pod})")).expect_err(function);
            assert_eq!(failure.error.kind(), Kind::NoProxy, "{function}: {failure}");
            assert!(failure.error.message().contains("ztunnel, not Envoy"), "{function}: {failure}");
            assert!(failure.error.next_step().is_some_and(|hint| hint.contains("workloads, services, policies")), "{failure:?}");
        }
    }
    for function in ["workloads", "services", "policies", "certificates", "connections"] {
        for pod in ["`web-0.shop`", "`waypoint-0.shop`", "pods(`*`)[2]"] {
            let failure = engine.eval(&format!("{function}({pod})")).expect_err(function);
            assert!(failure.error.message().contains("runs Envoy, not ztunnel"), "{function}: {failure}");
            assert!(failure.error.next_step().is_some_and(|hint| hint.contains("clusters, listeners")), "{failure:?}");
        }
        let plain = engine.eval(&format!("{function}(`plain-0.shop`)")).expect_err(function);
        assert!(plain.error.message().contains("runs no proxy"), "{plain}");
    }
    assert_eq!(pages(&ambient), 0);
}

#[test]
fn in_an_array_the_others_are_left_out_with_one_note() {
    let (engine, ambient) = mesh();
    assert_eq!(value(&engine, "clusters(pods(`*`)).len()"), 0);
    let notes = engine.take_notes();
    let told: Vec<_> = notes.iter().filter(|note| note.contains("ztunnel")).collect();
    assert_eq!(told.len(), 1, "{notes:?}");
    let says = "2 pods (istio-system/ztunnel-a, istio-system/ztunnel-b) run ztunnel, not Envoy: left out";
    assert!(told[0].contains(says), "{told:?}");
    assert_eq!((pages(&ambient), engine.partial()), (2, false));
    let asked = value(&engine, "unique(workloads(pods(`*`)).map(|row| row.ztunnel))");
    assert_eq!(asked, json!(["istio-system/ztunnel-a", "istio-system/ztunnel-b"]));
    let notes = engine.take_notes();
    assert!(notes.iter().any(|note| note.contains("2 pods (shop/web-0, shop/waypoint-0) run Envoy, not ztunnel")), "{notes:?}");
}

#[test]
fn text_without_dot_or_slash_is_a_namespace_for_services() {
    let (engine, ambient) = mesh();
    assert!(engine.eval("services(`shop`)").is_err(), "the mesh of this test was told of no services");
    assert!(ambient.asked.lock().unwrap().iter().any(|asked| asked.contains("/namespaces/shop/services")));
    assert_eq!(pages(&ambient), 0);
}
