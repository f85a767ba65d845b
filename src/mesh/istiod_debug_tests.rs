//! Pages of several istiods: what is refused, what is unknown, and who does not answer.

use super::super::fake::{Fake, wait};
use super::*;
use serde_json::json;

const LIST: &str = r#"["adsz","adsz?push=true","cachez?clear=true","config_dump","edsz","syncz"]"#;

fn meshed(count: usize) -> Fake {
    let pod = |at: usize| {
        json!({"metadata": {"name": format!("i{at}"), "namespace": "mesh", "labels": {"app": "istiod"}},
            "spec": {"containers": [{"name": "discovery"}]}})
    };
    let pods: Vec<_> = (0..count).map(pod).collect();
    Fake::new().kube("/api/v1/pods?limit=500", json!({ "items": pods }).to_string())
}

fn at(istiod: usize, path: &str) -> String {
    format!("pod mesh/i{istiod}:15014 GET {path}")
}

fn asked(fake: Fake, path: &str) -> (Result<Answers>, Vec<String>) {
    let mesh = fake.mesh();
    (wait(istiod_debug(&mesh, path, &IstiodOptions::default())), mesh.take_notes())
}

fn said(answer: &IstiodAnswer) -> String {
    match &answer.said {
        Said::Json(doc) => format!("json {}", String::from_utf8_lossy(doc.text())),
        Said::Text(text) => format!("text {text}"),
    }
}

#[test]
fn pages_are_json_or_text_under_any_way_to_write_them() {
    for (path, asks, body, told) in [
        ("syncz", "/debug/syncz", "[1]", "json [1]"),
        ("debug/syncz", "/debug/syncz", "null\n", "json null\n"),
        ("/debug/edsz?proxyID=a.b", "/debug/edsz?proxyID=a.b", "{}", "json {}"),
        ("/version", "/version", "1.31-x-Clean", "text 1.31-x-Clean"),
        ("/metrics", "/metrics", "{not json", "text {not json"),
    ] {
        let answers = asked(meshed(1).says(&at(0, asks), body), path).0.unwrap();
        assert!(answers.single, "{path}");
        assert_eq!((answers.all[0].istiod.as_str(), said(&answers.all[0])), ("mesh/i0", told.to_owned()), "{path}");
    }
}

#[test]
fn what_is_no_page_is_refused_before_anything_is_asked() {
    for path in ["", "/", " ", "http://x/debug/syncz", "a b", "../etc/passwd", "/debug/../inject", "a\nb"] {
        let (mesh, fake) = meshed(1).shared();
        let error = wait(istiod_debug(&mesh, path, &IstiodOptions::default())).err().unwrap();
        assert_eq!((error.kind(), fake.asked().len()), (Kind::BadInput, 0), "{path}");
    }
}

#[test]
fn pages_that_change_something_are_refused_however_they_are_written() {
    for path in [
        "adsz?push=true",
        "/debug/adsz?a=b&push=1",
        "adsz?%70ush=true",
        "/debug/%61dsz?push=true",
        "cachez?clear=true",
        "force_disconnect?proxyID=a",
        "force%5Fdisconnect?proxyID=a",
    ] {
        let (mesh, fake) = meshed(1).shared();
        let error = wait(istiod_debug(&mesh, path, &IstiodOptions::default())).err().unwrap();
        assert_eq!((error.kind(), fake.asked().len()), (Kind::Refused, 0), "{path}");
    }
    for path in ["adsz", "cachez?sizes=true", "syncz?push=x%"] {
        assert!(harmless(&full(path).unwrap()).is_ok(), "{path}");
    }
}

#[test]
fn who_hangs_or_refuses_is_a_note_and_the_rest_is_given() {
    let fake = meshed(4)
        .says(&at(0, "/debug/syncz"), "[]")
        .fails(&at(1, "/debug/syncz"), Kind::Timeout)
        .refuses(&at(2, "/debug/syncz"), 403, "not allowed")
        .refuses(&at(3, "/debug/syncz"), 404, "404 page not found\n");
    let (answers, notes) = asked(fake, "syncz");
    let answers = answers.unwrap();
    assert_eq!((answers.all.len(), answers.single), (1, false));
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(
        notes[0].contains("mesh/i1") && notes[1].contains("ENABLE_DEBUG_ENDPOINT_AUTH") && notes[2].contains("mesh/i3"),
        "{notes:?}"
    );
}

#[test]
fn a_proxy_is_known_to_one_replica_and_the_others_are_no_loss() {
    const STRANGER: &str = "Proxy not connected to this Pilot instance. It may be connected to another instance.";
    let path = "/debug/edsz?proxyID=a.b";
    let (answers, notes) = asked(meshed(2).refuses(&at(0, path), 404, STRANGER).says(&at(1, path), "[]"), path);
    let answers = answers.unwrap();
    assert_eq!((answers.all[0].istiod.as_str(), answers.single, notes.len()), ("mesh/i1", false, 0));
    let nobody = meshed(2).refuses(&at(0, path), 404, STRANGER).refuses(&at(1, path), 404, STRANGER);
    let error = asked(nobody, path).0.err().unwrap();
    assert_eq!((error.kind(), error.message()), (Kind::NotFound, "none of 2 istiods knows a proxy \"a.b\""));
    assert!(error.next_step().unwrap().contains("proxy_status()"));
}

#[test]
fn an_unknown_page_is_suggested_from_istiods_own_list() {
    let missing = || meshed(1).refuses(&at(0, "/debug/synz"), 404, "404 page not found\n");
    let error = asked(missing().says(&at(0, "/debug/list"), LIST), "synz").0.err().unwrap();
    assert_eq!((error.kind(), error.message()), (Kind::NotFound, "istiod mesh/i0 has no debug page \"synz\""));
    assert!(error.next_step().unwrap().starts_with("did you mean \"syncz\"?"));
    let index = "<table><tr><td><a href='/debug/adsz?push=true'>x</a></td></tr><tr><td><a href=\"debug/syncz\">y</a></table>";
    let old = missing().refuses(&at(0, "/debug/list"), 404, "404 page not found\n").says(&at(0, "/debug"), index);
    assert!(asked(old, "synz").0.err().unwrap().next_step().unwrap().starts_with("did you mean \"syncz\"?"));
    let silent = asked(missing(), "synz").0.err().unwrap();
    assert!(silent.message().contains("status 404"), "{silent}");
}

#[test]
fn a_page_about_one_proxy_says_how_to_name_it() {
    let fake = meshed(1).refuses(&at(0, "/debug/edsz"), 400, "You must provide a proxyID in the query string");
    let error = asked(fake, "edsz").0.err().unwrap();
    assert_eq!(error.kind(), Kind::BadInput);
    assert!(error.next_step().unwrap().contains("edsz?proxyID=NAME.NAMESPACE"), "{error:?}");
}

#[test]
fn without_any_istiod_nobody_can_be_asked() {
    assert!(asked(meshed(0), "syncz").0.err().unwrap().message().contains("no istiod was found"));
}
