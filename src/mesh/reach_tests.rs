//! The ways to a proxy, tried one after another, and what is said of those that fail.

use super::super::fake::{Fake, wait};
use super::*;

const DUMP: &str = r#"{"configs":[]}"#;
const FORWARD: &str = "pod n/p:15000 GET /config_dump";
const EXEC: &str = "exec n/p -c istio-proxy -- pilot-agent request GET config_dump";
const ISTIOD: &str = "pod istio-system/istiod-lab:15014 GET /debug/config_dump?proxyID=p.n";
const PODS: &str = include_str!("../../tests/data/kube/pods.json");

fn target() -> PodTarget {
    PodTarget { namespace: "n".into(), name: "p".into(), ..PodTarget::default() }
}

fn dump(fake: Fake) -> (Result<Bytes>, Vec<String>) {
    let mesh = fake.kube("/api/v1/pods?limit=500", PODS).mesh();
    (wait(config_dump(&mesh, &target(), None, false)), mesh.take_notes())
}

#[test]
fn port_forward_is_enough_when_it_is_allowed() {
    let (body, notes) = dump(Fake::new().says(FORWARD, DUMP));
    assert_eq!((body.unwrap(), notes), (Bytes::from(DUMP), vec![]));
}

#[test]
fn each_step_down_is_a_note_that_names_the_missing_verbs() {
    let (body, notes) = dump(Fake::new().fails(FORWARD, Kind::Forbidden).says(EXEC, DUMP));
    assert_eq!(body.unwrap(), DUMP);
    assert!(notes[0].contains("verbs get and create on pods/portforward") && notes[0].contains("namespace n"), "{notes:?}");
    let (body, notes) = dump(Fake::new().fails(FORWARD, Kind::Forbidden).fails(EXEC, Kind::Forbidden).says(ISTIOD, DUMP));
    assert_eq!(body.unwrap(), DUMP);
    assert!(notes[0].contains("what istiod last sent"), "{notes:?}");
}

#[test]
fn when_nothing_is_allowed_all_that_was_tried_is_listed() {
    let refused = Fake::new().fails(FORWARD, Kind::Forbidden).fails(EXEC, Kind::Forbidden).fails(ISTIOD, Kind::Forbidden);
    let (body, notes) = dump(refused);
    let error = body.unwrap_err();
    assert_eq!((error.kind(), notes), (Kind::Forbidden, vec![]));
    assert!(error.message().contains("(tried: port-forward, exec of pilot-agent, istiod's view)"), "{error}");
    assert_eq!(error.causes().len(), 3);
    assert!(error.next_step().unwrap().contains("get and create on pods/portforward in namespace n"));
}

#[test]
fn an_istiod_that_does_not_know_the_proxy_says_so() {
    let fake = Fake::new().fails(FORWARD, Kind::Forbidden).fails(EXEC, Kind::Forbidden);
    let (body, _) = dump(fake.refuses(ISTIOD, 404, "Proxy not connected to this Pilot instance."));
    assert!(body.unwrap_err().to_string().contains("status 404: Proxy not connected"));
}

#[test]
fn endpoints_are_asked_for_in_every_way() {
    let body = |answer: Result<Arc<Doc>>| String::from_utf8(answer.unwrap().text().to_vec()).unwrap();
    let masked = "pod n/p:15000 GET /config_dump?include_eds&mask=dynamic_endpoint_configs";
    let ask = |fake: Fake| {
        let mesh = fake.kube("/api/v1/pods?limit=500", PODS).mesh();
        body(wait(sent_endpoints(&mesh, &target(), "dynamic_endpoint_configs")))
    };
    assert_eq!(ask(Fake::new().says(masked, DUMP)), DUMP);
    let old = Fake::new().refuses(masked, 400, "what is a mask?").says("pod n/p:15000 GET /config_dump?include_eds", DUMP);
    assert_eq!(ask(old), DUMP);
    let exec = "exec n/p -c istio-proxy -- pilot-agent request GET config_dump?include_eds&mask=dynamic_endpoint_configs";
    let istiod = Fake::new().fails(masked, Kind::Forbidden).fails(exec, Kind::Forbidden);
    assert_eq!(ask(istiod.says(&format!("{ISTIOD}&include_eds=true"), DUMP)), DUMP);
}

#[test]
fn other_pages_have_no_third_way() {
    let mesh = Fake::new()
        .fails("pod n/p:15000 GET /clusters", Kind::Forbidden)
        .fails("exec n/p -c istio-proxy -- pilot-agent request GET clusters", Kind::Forbidden)
        .mesh();
    let error = wait(admin(&mesh, &target(), "clusters")).unwrap_err();
    assert!(error.message().contains("(tried: port-forward, exec of pilot-agent)"), "{error}");
}

#[test]
fn loggers_are_listed_by_a_post() {
    let (forward, exec) = ("pod n/p:15000 POST /logging", "exec n/p -c istio-proxy -- pilot-agent request POST logging");
    let mesh = Fake::new().says(forward, "active loggers:\n").mesh();
    assert_eq!(wait(loggers(&mesh, &target())).unwrap(), "active loggers:\n");
    let mesh = Fake::new().fails(forward, Kind::Forbidden).says(exec, "active loggers:\n").mesh();
    assert_eq!(wait(loggers(&mesh, &target())).unwrap(), "active loggers:\n");
    assert!(mesh.take_notes()[0].contains("asked by exec instead"));
}

#[test]
fn a_ztunnel_has_no_second_way() {
    let (mesh, fake) = Fake::new().fails(FORWARD, Kind::Forbidden).shared();
    let ztunnel = PodTarget { proxy: "ztunnel".into(), ..target() };
    let error = wait(document(&mesh, &ztunnel, "/config_dump")).unwrap_err();
    assert!(error.message().contains("(tried: port-forward)") && fake.asked().len() == 1, "{error}");
}

#[test]
fn failures_that_are_no_refusal_are_not_walked_around() {
    let (body, _) = dump(Fake::new().fails(FORWARD, Kind::Unreachable).says(EXEC, DUMP));
    let error = body.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("pod n/p does not answer GET /config_dump on its admin port 15000"), "{error}");
}

#[test]
fn a_moved_admin_port_is_asked_there_and_not_by_exec() {
    let moved = PodTarget { admin_port: 15700, ..target() };
    let mesh = Fake::new().says("pod n/p:15700 GET /help", "pages").mesh();
    assert_eq!(wait(admin(&mesh, &moved, "/help")).unwrap().body, "pages");
    let (mesh, fake) = Fake::new().fails("pod n/p:15700 GET /help", Kind::Forbidden).shared();
    let error = wait(admin(&mesh, &moved, "help")).unwrap_err();
    assert!(error.to_string().contains("moved to 15700"), "{error}");
    assert_eq!(fake.asked().len(), 1);
}

#[test]
fn envoys_own_words_are_kept() {
    let mesh = Fake::new()
        .refuses("pod n/p:15000 GET /config_dump?mask=nosuchfield", 400, "FieldMask paths: \"nosuchfield\" could not be\n more")
        .refuses("pod n/p:15000 GET /nosuchpage", 404, "\ninvalid path. admin commands are:\n  /: Admin home page\n")
        .mesh();
    let masked = wait(config_dump(&mesh, &target(), Some("nosuchfield"), false)).unwrap_err();
    assert_eq!(masked.kind(), Kind::BadInput);
    assert!(masked.message().ends_with("with status 400: FieldMask paths: \"nosuchfield\" could not be"), "{masked}");
    let page = wait(admin(&mesh, &target(), "nosuchpage")).unwrap_err();
    assert_eq!((page.kind(), page.next_step().is_some()), (Kind::NotFound, true));
}

const MASKED: &str = "pod n/p:15000 GET /config_dump?mask=static_listeners";

#[test]
fn a_proxy_too_old_for_masks_gives_all_of_it() {
    let whole = r#"{"configs":[{"@type":"envoy.admin.v2alpha.ClustersConfigDump"}]}"#;
    let choice = Choice { mask: Some("static_listeners".into()), ..Choice::default() };
    let (ignores, fake) = Fake::new().says(MASKED, whole).shared();
    assert_eq!(wait(chosen(&ignores, &target(), &choice)).unwrap().text(), whole);
    assert_eq!(wait(section(&ignores, &target(), "static_listeners")).unwrap().text(), whole);
    assert_eq!((fake.asked().len(), ignores.take_notes().len()), (2, 0));
    for words in ["unknown parameter", ""] {
        let refuses = Fake::new().refuses(MASKED, 400, words).says(FORWARD, whole).mesh();
        assert_eq!(wait(chosen(&refuses, &target(), &choice)).unwrap().text(), whole);
        assert!(refuses.take_notes()[0].contains("n/p is too old to leave out parts"));
        assert_eq!(wait(section(&refuses, &target(), "static_listeners")).unwrap().text(), whole);
    }
}

#[test]
fn a_part_that_a_new_proxy_does_not_have_is_empty_for_rows_and_an_error_for_who_chose_it() {
    let words = "FieldMask static_listeners could not be successfully applied to any configs.";
    let mesh = Fake::new().refuses(MASKED, 400, words).says(FORWARD, DUMP).mesh();
    let choice = Choice { mask: Some("static_listeners".into()), ..Choice::default() };
    let error = wait(chosen(&mesh, &target(), &choice)).unwrap_err();
    assert!(error.kind() == Kind::BadInput && error.message().contains(words), "{error}");
    assert_eq!(wait(section(&mesh, &target(), "static_listeners")).unwrap().text(), DUMP);
}

#[test]
fn a_part_that_a_proxy_does_not_have_is_empty_by_exec_as_well() {
    let masked = format!("{EXEC}?mask=ecds_filters");
    let fake =
        Fake::new().fails(FORWARD, Kind::Forbidden).fails("pod n/p:15000 GET /config_dump?mask=ecds_filters", Kind::Forbidden);
    let mesh = fake.refuses(&masked, 500, "Error: received unsuccessful status code 400: FieldMask\n").says(EXEC, DUMP).mesh();
    assert_eq!(wait(section(&mesh, &target(), "ecds_filters")).unwrap().text(), DUMP);
}

#[test]
fn an_unknown_resource_says_what_a_resource_is() {
    let mesh = Fake::new().refuses("pod n/p:15000 GET /config_dump?resource=x", 404, "x not found in config dump").mesh();
    let choice = Choice { resource: Some("x".into()), ..Choice::default() };
    let error = wait(chosen(&mesh, &target(), &choice)).unwrap_err();
    assert!(error.message().contains("x not found") && error.next_step().unwrap().contains("dynamic_listeners"), "{error}");
}

#[test]
fn dumps_that_are_none_name_the_pod_and_what_came() {
    for (body, says) in [
        ("", "is empty (0 bytes)"),
        (" \n", "is empty (2 bytes)"),
        (r#"{"configs":[{"a":"#, "is cut off after 17 bytes"),
        ("<html>login</html>", "begins \"<html>login"),
    ] {
        let (result, _) = dump(Fake::new().says(FORWARD, body));
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::BadAnswer);
        assert!(error.message().contains("pod n/p") && error.message().contains(says), "{error}");
        assert!(error.next_step().is_some());
    }
}

#[test]
fn a_url_is_no_page() {
    let mesh = Fake::new().mesh();
    for path in ["http://evil/", "/a b"] {
        assert_eq!(wait(admin(&mesh, &target(), path)).unwrap_err().kind(), Kind::BadInput);
    }
}
