//! Pods that are not there, not running, or whose proxy does not answer as it should.

use super::bad_days::{Mesh, POD, at_dump, faulty};
use crate::support::cluster::{ClusterOptions, PodTarget, Trouble};
use std::time::Duration;

fn dump() -> String {
    format!("config_dump(\"{POD}\")")
}

const ALL: &str = "filters(pods(\"olaf-customer\")).len() > 100";

/// One pod fails with this; among others it is a note, the others' answers come, and the playbook finds the fault on them.
fn one_fails(options: ClusterOptions, kind: &str, words: &[&str]) {
    one_fails_told(options, kind, words, words);
}

/// The same, where the playbook has words of its own for it.
fn one_fails_told(options: ClusterOptions, kind: &str, words: &[&str], told: &[&str]) {
    let mesh = Mesh::serve(options);
    mesh.eval(&dump()).fails(1, kind, words);
    let all = mesh.eval(ALL);
    all.gives(4, "true").says(words).says(&["note: "]);
    let name = POD.rsplit('/').next().expect("a name");
    let line = all.stderr.lines().find(|line| line.starts_with("note: ")).expect("a note");
    assert!(line.matches(name).count() <= 2, "the note names the pod again and again: {line}");
    let found = mesh.investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    assert!(found.finding("JWKS001")["text"].as_str().is_some_and(|text| text.contains("3 proxies")), "{:#}", found.report);
    found.notes(told);
}

#[test]
fn an_unknown_pod_is_answered_with_the_nearest_names() {
    let mesh = Mesh::serve(faulty());
    for (pod, words) in [
        ("customer-686cf5bf47-mtgsx.olaf-customer", &["no pod customer-686cf5bf47-mtgsx in namespace olaf-customer", POD][..]),
        ("olaf-customer/prefrence-v1-5b86dc984b-jftdp", &["nearest names", "olaf-customer/preference-v1-5b86dc984b-jftdp"]),
        ("custmer", &["no pod custmer in namespace default", POD]),
        ("deploy/custmer.olaf-customer", &["belongs to Deployment/custmer", "Deployment/customer"]),
        ("web.olaf-custmer", &["no namespace olaf-custmer", "did you mean olaf-customer"]),
    ] {
        mesh.eval(&format!("config_dump(\"{pod}\")")).fails(1, "not_found", words);
    }
    mesh.run(&["run", "jwks-certificate", "--namespace", "olaf-custmer"]).fails(1, "not_found", &["did you mean olaf-customer"]);
}

#[test]
fn a_pod_without_a_sidecar_says_why_and_is_no_missing_answer() {
    let mesh = Mesh::serve(faulty().without_sidecar(POD));
    let words = [POD, "runs no proxy", "namespace olaf-customer injects proxies", "restart the workload"];
    mesh.eval(&dump()).fails(1, "no_proxy", &words);
    mesh.eval(ALL).gives(0, "true").says(&words);
    assert_eq!(mesh.investigate(&[]).code, Some(3));
}

#[test]
fn a_pod_that_does_not_run_says_why() {
    let words = [POD, "is Pending", "Insufficient memory", "see `events(\"olaf-customer\")`"];
    let told = ["proxies do not run", POD, "(Pending: ", "Insufficient memory"];
    one_fails_told(faulty().not_running(POD), "not_running", &words, &told);
}

#[test]
fn a_closed_admin_port() {
    let words = [POD, "does not answer", "admin port 15000", "connection refused", "proxyAdminPort"];
    one_fails(faulty().port(POD, 15000, PodTarget::Closed), "unreachable", &words);
}

#[test]
fn an_admin_port_that_says_nothing() {
    let mesh = Mesh::serve(faulty().port(POD, 15000, PodTarget::Silent));
    let words = [POD, "does not answer", "no answer within 2 s", "--timeout"];
    let one = mesh.run(&["--timeout", "2s", "eval", &dump()]);
    one.fails(1, "timeout", &words);
    let all = mesh.run(&["--timeout", "2s", "eval", ALL]);
    all.gives(4, "true").says(&words);
    let found = mesh.investigate(&["--timeout", "2s"]);
    found.notes(&words);
    assert_eq!(found.code, Some(3));
    for took in [one.took, all.took, found.took] {
        assert!(took < Duration::from_secs(12), "{took:?}");
    }
}

#[test]
fn an_answer_that_is_cut_off_half_way() {
    one_fails(faulty().fault(at_dump(), Trouble::CutOff), "bad_answer", &[POD, "cut off after", "bytes", "ask again"]);
}

#[test]
fn an_answer_that_is_not_json() {
    let words = [POD, "is not JSON", "<html>", "proxyAdminPort"];
    one_fails(faulty().fault(at_dump(), Trouble::NotJson), "bad_answer", &words);
}

#[test]
fn a_dump_of_no_bytes() {
    let words = [POD, "is empty (0 bytes)", "starting or out of memory"];
    one_fails(faulty().fault(at_dump(), Trouble::Empty), "bad_answer", &words);
}

#[test]
fn a_page_that_the_proxy_does_not_have() {
    let mesh = Mesh::serve(faulty());
    mesh.eval(&format!("admin(\"{POD}\", \"/statz\")")).fails(1, "not_found", &[POD, "GET /statz", "404", "/help"]);
}
