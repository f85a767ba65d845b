//! The playbook proxy-sync: what it finds where something is refused, and that it is quiet where nothing is.

use super::bad_days::{Mesh, faulty};
use crate::support::cluster::{At, Trouble};
use crate::support::tapes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use pilotage::Pilotage;
use pilotage::backend::{Answer, Ask, Backend, Query, SharedBackend, Tape};
use pilotage::error::{Error, Kind, Result};
use pilotage::host::Playbook;
use pilotage::report::{Content, Finding, Item, Report, Severity};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A tape on which istiod says something else of its proxies, and Envoys may keep no trace of what they refused.
struct Altered {
    tape: SharedBackend,
    connections: fn(&mut Vec<Value>),
    traces: bool,
}

fn forget_refusals(dump: &mut Value) {
    let sections = dump["configs"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    for resources in sections.flat_map(|section| section.values_mut()).filter_map(Value::as_array_mut) {
        resources.retain(|resource| resource.get("name").is_some() || resource.get("error_state").is_none());
        resources.iter_mut().filter_map(Value::as_object_mut).for_each(|resource| {
            resource.remove("error_state");
        });
    }
}

impl Backend for Altered {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let mut answer = self.tape.ask(query).await?;
            if matches!(&query.ask, Ask::Pod(page) if page.path == "/debug/syncz") {
                let mut said: Vec<Value> = serde_json::from_slice(&answer.body).expect("connections");
                (self.connections)(&mut said);
                answer.body = serde_json::to_vec(&said).expect("JSON").into();
            }
            if !self.traces && matches!(&query.ask, Ask::Pod(page) if page.path.starts_with("/config_dump")) {
                let mut dump: Value = serde_json::from_slice(&answer.body).expect("a dump");
                forget_refusals(&mut dump);
                answer.body = serde_json::to_vec(&dump).expect("JSON").into();
            }
            Ok(answer)
        })
    }

    fn now(&self) -> Timestamp {
        self.tape.now()
    }

    fn cluster(&self) -> String {
        self.tape.cluster()
    }

    fn describe(&self) -> String {
        self.tape.describe()
    }
}

/// A mesh whose istiod learns of every object late: the first answers about what it holds are old.
struct Late {
    tape: SharedBackend,
    old: AtomicUsize,
    /// Then nobody answers so often.
    down: AtomicUsize,
}

impl Backend for Late {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let mut answer = self.tape.ask(query).await?;
            let about = matches!(&query.ask, Ask::Pod(page) if page.path == "/debug/configz");
            let count =
                |left: &AtomicUsize| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            let is_old = about && count(&self.old);
            if about && !is_old && count(&self.down) {
                return Err(Error::new(Kind::Unreachable, "istiod restarts"));
            }
            if is_old {
                let mut held: Vec<Value> = serde_json::from_slice(&answer.body).expect("objects");
                held.iter_mut().for_each(|object| object["metadata"]["generation"] = json!(0));
                answer.body = serde_json::to_vec(&held).expect("JSON").into();
            }
            Ok(answer)
        })
    }

    fn now(&self) -> Timestamp {
        self.tape.now()
    }

    fn cluster(&self) -> String {
        self.tape.cluster()
    }

    fn describe(&self) -> String {
        "a mesh".into()
    }
}

fn late(old: usize, down: usize) -> Pilotage {
    let tape = Arc::new(Tape::open(tapes::path("jwks-certificate-fault")).expect("a tape"));
    Pilotage::builder(Arc::new(Late { tape, old: AtomicUsize::new(old), down: AtomicUsize::new(down) }))
        .build()
        .expect("an engine")
}

/// The one finding that is no praise, where istiod says something else.
fn altered(tape: &str, connections: fn(&mut Vec<Value>)) -> Finding {
    let tape = Arc::new(Tape::open(tapes::path(tape)).expect("a tape"));
    only_finding(Altered { tape, connections, traces: true })
}

fn only_finding(mesh: Altered) -> Finding {
    let report = run(&Pilotage::builder(Arc::new(mesh)).build().expect("an engine"));
    let mut bad: Vec<Finding> =
        findings(&report).into_iter().filter(|finding| finding.severity > Severity::Ok).cloned().collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    bad.remove(0)
}

fn evidence(finding: &Finding) -> String {
    serde_json::to_string(&finding.evidence).expect("JSON")
}

fn report(tape: &str) -> Report {
    run(&tapes::engine(tape))
}

fn run(engine: &Pilotage) -> Report {
    let playbook = Playbook::find("proxy-sync", &[]).expect("it is shipped");
    engine.run(&playbook, serde_json::Map::new()).expect("the tape has all answers")
}

fn findings(report: &Report) -> Vec<&Finding> {
    let items = report.sections.iter().flat_map(|section| &section.items);
    items.filter_map(|item| if let Item::Finding(finding) = item { Some(finding) } else { None }).collect()
}

#[test]
fn the_refused_filter_is_found_and_named() {
    let report = report("d-nack");
    let bad: Vec<&Finding> = findings(&report).into_iter().filter(|finding| finding.severity > Severity::Ok).collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    let finding = bad[0];
    assert_eq!((finding.code.as_str(), finding.severity), ("SYNC002", Severity::Error));
    assert_eq!(finding.resource, "EnvoyFilter/shop/broken");
    assert!(finding.text.contains("1 proxy refused listeners (virtualInbound)"), "{}", finding.text);
    let evidence = evidence(finding);
    for proof in
        ["shop/api-0", "2026-11-22T13:09:19", "BufferValidationError.MaxRequestBytes", "lab.no.such.filter", "and 3 more"]
    {
        assert!(evidence.contains(proof), "{proof} is missing: {evidence}");
    }
    assert!(finding.fix.contains("kubectl -n shop edit envoyfilter broken"), "{}", finding.fix);
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for tape in [
        "b-authz-deny",
        "c-unhealthy",
        "e-missing-subset",
        "g-expired-cert",
        "jwks-certificate-before",
        "jwks-certificate-fault",
        "jwks-certificate-fix-inline-jwks",
        "jwks-certificate-fix-trusted-ca",
    ] {
        let report = report(tape);
        assert!(findings(&report).iter().all(|finding| finding.severity == Severity::Ok), "{tape}: {:?}", findings(&report));
        assert!(findings(&report).len() == 3 && report.notes.is_empty(), "{tape}: {:?}", report.notes);
    }
}

#[test]
fn where_envoy_keeps_no_trace_istiod_tells_what_it_refused() {
    let tape = Arc::new(Tape::open(tapes::path("d-nack")).expect("a tape"));
    let finding = only_finding(Altered { tape, connections: |_| {}, traces: false });
    assert_eq!((finding.code.as_str(), finding.resource.as_str()), ("SYNC002", "EnvoyFilter/shop/broken"));
    assert!(finding.text.contains("listeners (virtualInbound)"), "{}", finding.text);
}

const CUSTOMER: &str = "customer-686cf5bf47-mtgsn.olaf-customer";
const HEALTHY: &str = "jwks-certificate-fix-inline-jwks";

fn customer(connections: &mut [Value]) -> &mut Value {
    connections.iter_mut().find(|one| one["proxy"] == CUSTOMER).expect("it is connected")
}

#[test]
fn an_update_without_an_answer_is_told_with_its_time() {
    let finding = altered(HEALTHY, |connections| {
        let listeners = &mut customer(connections)["resources"]["type.googleapis.com/envoy.config.listener.v3.Listener"];
        listeners["acked"] = json!("2026-11-22T13:05:41Z/10a");
        listeners["sentTime"] = json!("2026-11-22T13:05:59.5Z");
    });
    assert_eq!((finding.code.as_str(), finding.severity), ("SYNC001", Severity::Warning));
    assert_eq!(finding.resource, "Pod/olaf-customer/customer-686cf5bf47-mtgsn");
    assert!(finding.text.contains("since 2026-11-22T13:05:59.5Z"), "{}", finding.text);
    assert!(evidence(&finding).contains("lds sent 2026-11-22T13:05:59.5Z"), "{finding:?}");
}

#[test]
fn an_update_on_its_way_is_no_trouble() {
    let finding = altered(HEALTHY, |connections| {
        for connection in connections.iter_mut().filter(|one| one.get("cluster_id").is_some()) {
            let listeners = &mut connection["resources"]["type.googleapis.com/envoy.config.listener.v3.Listener"];
            listeners["acked"] = json!("2026-11-22T13:05:41Z/10a");
            // Later than the clock of the tape: clocks differ.
            listeners["sentTime"] = json!("2026-11-22T13:59:59.5Z");
        }
    });
    assert_eq!((finding.code.as_str(), finding.severity), ("SYNC001", Severity::Info));
    assert!(
        finding.text.starts_with("5 proxies did not answer an update") && finding.text.ends_with("on its way"),
        "{}",
        finding.text
    );
}

#[test]
fn where_istiod_is_too_old_to_tell_a_refusal_the_proxy_tells_it() {
    let finding = altered("d-nack", |connections| {
        for connection in connections {
            connection.as_object_mut().expect("an object").remove("resources");
        }
    });
    assert_eq!((finding.code.as_str(), finding.resource.as_str()), ("SYNC001", "Pod/shop/api-0"));
    assert!(evidence(&finding).contains("listener_manager.lds.update_rejected 1"), "{finding:?}");
    assert!(finding.fix.contains("ACK ERROR"), "{}", finding.fix);
}

#[test]
fn a_running_proxy_in_no_list_is_disconnected() {
    let finding = altered(HEALTHY, |connections| connections.retain(|one| one["proxy"] != CUSTOMER));
    assert_eq!((finding.code.as_str(), finding.severity), ("SYNC003", Severity::Error));
    assert_eq!(finding.resource, "Pod/olaf-customer/customer-686cf5bf47-mtgsn");
    assert!(evidence(&finding).contains("xdsproxy"), "{finding:?}");
}

#[test]
fn versions_that_must_not_meet_are_a_warning() {
    let ahead = altered(HEALTHY, |connections| customer(connections)["istio_version"] = json!("1.32.0"));
    assert_eq!((ahead.code.as_str(), ahead.severity), ("SYNC004", Severity::Warning));
    assert!(ahead.text.contains("1 proxy of version 1.32.0 is ahead of the control plane"), "{}", ahead.text);
    let behind = altered(HEALTHY, |connections| {
        // istioctl's own connections stay what they are.
        let proxies = connections.iter_mut().filter(|one| one.get("cluster_id").is_some());
        proxies.for_each(|one| one["istio_version"] = json!("1.30.1"));
    });
    assert_eq!(behind.severity, Severity::Info);
    assert!(behind.text.starts_with("5 proxies of version 1.30.1 are one minor version behind"), "{}", behind.text);
}

#[test]
fn a_change_is_waited_for_until_every_replica_and_proxy_has_it() {
    let wait = |engine: &Pilotage, most: &str| {
        engine.eval(&format!("sync::wait(\"ra\", \"customerjwt\", \"olaf-customer\", \"{most}\").done"))
    };
    assert_eq!(wait(&late(2, 0), "30s").expect("it arrives"), Content::Value(json!(true)));
    let told = wait(&late(usize::MAX, 0), "1s").expect_err("it never arrives").to_string();
    for words in [
        "has not reached every proxy within 1",
        "istio-system/istiod-lab holds generation 0 of RequestAuthentication/olaf-customer/customerjwt, wanted is 1",
    ] {
        assert!(told.contains(words), "{words} is missing: {told}");
    }
}

#[test]
fn an_istiod_that_restarts_does_not_end_the_wait() {
    let wait = |engine: &Pilotage, of: &str, most: &str| {
        let waited = engine.eval(&format!("sync::wait(\"{of}\", \"customerjwt\", \"olaf-customer\", \"{most}\").done"));
        (waited, engine.take_notes().iter().filter(|note| note.contains("istiod restarts")).count())
    };
    for old in [0, 1] {
        let (waited, notes) = wait(&late(old, 2), "ra", "30s");
        assert_eq!((waited.expect("it arrives"), notes), (Content::Value(json!(true)), 1));
    }
    let told = wait(&late(1, usize::MAX), "ra", "1s").0.expect_err("it is gone for good").to_string();
    for words in
        ["within 1", "at last it could not be seen (", "istiod restarts", "before that: istiod istio-system/istiod-lab holds"]
    {
        assert!(told.contains(words), "{words} is missing: {told}");
    }
    let never = wait(&late(0, usize::MAX), "ra", "1s").0.expect_err("nobody ever answered");
    assert_eq!(never.error.kind(), Kind::Unreachable);
    assert!(never.error.message().contains("istiod-lab does not answer"), "{never}");
    let wrong = wait(&late(0, 0), "nosuchkind", "30s").0.expect_err("there is no such kind");
    assert!(wrong.error.message().contains("nosuchkind") && wrong.error.kind() != Kind::Timeout, "{wrong}");
}

#[test]
fn a_proxy_that_cannot_be_asked_proves_nothing() {
    let name = "customer-686cf5bf47-mtgsn";
    let mesh = Mesh::serve(faulty().fault(At::pod(&format!("olaf-customer/{name}")), Trouble::Close));
    let output = mesh.eval("sync::reached(\"ra\", \"customerjwt\", \"olaf-customer\").waiting");
    assert!(output.stdout.contains(&format!("olaf-customer/{name} cannot be asked what it holds")), "{output:#?}");
}

#[test]
fn a_refused_change_has_not_arrived() {
    let told =
        tapes::engine("d-nack").eval("sync::wait(\"envoyfilter\", \"broken\", \"shop\")").expect_err("it is refused").to_string();
    assert!(told.contains("shop/api-0 refused lds") && told.contains("MaxRequestBytes"), "{told}");
}
