//! How a tape answers, and what it says when it cannot.

use super::tape::line;
use super::testing::{answer, at, block_on};
use super::{Answer, Aside, Ask, Backend, HttpGet, Logs, PodHttp, Query, Redactor, Tape};
use crate::error::{Error, Kind, Result};
use std::sync::Arc;

const HEADER: &str = r#"{"pilotage_tape":1,"recorded_at":"2026-11-22T12:00:00Z","tool":"pilotage 9.9","clusters":["lab"],"namespace":"shop","later":1}"#;

fn kube(path: &str) -> Query {
    Query::new("lab", Ask::kube(path))
}

fn plain(lines: &[String]) -> Vec<u8> {
    let body: String = lines.iter().map(String::as_str).collect();
    format!("{HEADER}\n{body}{{\"manifest\":{{\"answers\":{}}}}}\n", lines.len()).into_bytes()
}

fn told(query: &Query, answer: Result<Answer>) -> String {
    String::from_utf8(line(query, &answer, at("2026-11-22T13:30:00Z"), None)).unwrap()
}

fn body(path: &str, body: &str) -> String {
    told(&kube(path), Ok(answer(body)))
}

fn tape(lines: &[String]) -> Tape {
    Tape::from_bytes("case.tape", &plain(lines)).expect("a tape")
}

fn ask(tape: &Tape, query: &Query) -> Result<String> {
    block_on(tape.ask(query)).map(|answer| answer.text().into_owned())
}

#[test]
fn the_next_answer_each_time_and_then_the_last_again() {
    let tape = tape(&[body("/a", "[1]"), body("/b", "[9]"), body("/a", "[2]")]);
    let given: Vec<_> = (0..4).map(|_| ask(&tape, &kube("/a")).unwrap()).collect();
    assert_eq!(given, ["[1]", "[2]", "[2]", "[2]"]);
}

#[test]
fn what_was_set_is_seen_by_what_is_asked_after_it_although_less_is_asked_than_was() {
    let pod = |pod: &str, method: &str, path: &str| {
        let (namespace, pod, method, path) = ("shop".into(), pod.into(), method.into(), path.into());
        Query::new("lab", Ask::Pod(PodHttp { namespace, pod, port: 15000, method, path, body: None }))
    };
    let [levels, set, other] =
        [pod("web", "GET", "/stats"), pod("web", "POST", "/logging?rbac=debug"), pod("db", "GET", "/stats")];
    let lines = [
        told(&levels, Ok(answer("1"))),
        told(&other, Ok(answer("7"))),
        told(&levels, Ok(answer("2"))),
        told(&set, Ok(answer("rbac: debug"))),
        told(&levels, Ok(answer("3"))),
        told(&other, Ok(answer("8"))),
    ];
    let asked = |queries: &[&Query]| -> Vec<String> {
        let tape = tape(&lines);
        queries.iter().map(|query| ask(&tape, query).unwrap()).collect()
    };
    assert_eq!(asked(&[&levels, &levels, &set, &levels, &levels]), ["1", "2", "rbac: debug", "3", "3"]);
    assert_eq!(asked(&[&set, &levels, &levels]), ["rbac: debug", "3", "3"], "what was asked before it is passed over");
    assert_eq!(asked(&[&set, &other, &other]), ["rbac: debug", "7", "8"], "of another pod nothing is");
    assert_eq!(asked(&[&levels, &set, &set, &levels]), ["1", "rbac: debug", "rbac: debug", "3"]);
}

#[test]
fn the_clock_is_the_tape_s() {
    let mut later = answer("{}");
    later.at = at("2026-11-22T15:00:00Z");
    let tape = tape(&[told(&kube("/late"), Ok(later)), body("/early", "{}")]);
    assert_eq!(tape.now(), at("2026-11-22T12:00:00Z"));
    ask(&tape, &kube("/late")).unwrap();
    ask(&tape, &kube("/early")).unwrap();
    assert_eq!(tape.now(), at("2026-11-22T15:00:00Z"), "it never goes back");
    assert_eq!(
        (tape.cluster(), tape.namespace(), tape.describe()),
        ("lab".into(), "shop".into(), "tape case.tape of 2026-11-22".into())
    );
    assert_eq!(tape.notes(), Vec::<String>::new());
}

#[test]
fn a_failure_is_replayed_in_its_own_words() {
    let failure = Error::new(Kind::Timeout, "no answer within 5s").cause("slow").hint("wait");
    let tape = tape(&[told(&kube("/a"), Err(failure.clone()))]);
    assert_eq!(ask(&tape, &kube("/a")), Err(failure));
}

#[test]
fn a_failure_of_a_kind_that_came_later_is_still_a_failure() {
    let line = r#"{"q":{"cluster":"lab","to":"kube","method":"GET","path":"/a"},"at":"2026-11-22T13:00:00Z","error":{"kind":"bored","message":"m"}}"#;
    let error = ask(&tape(&[format!("{line}\n")]), &kube("/a")).unwrap_err();
    assert!(error.message().contains("bored"), "{error}");
}

#[test]
fn a_miss_names_the_question_and_the_nearest_ones() {
    let lines = ["/api/v1/services?limit=500", "/api/v1/nodes?limit=500", "/api/v1/pods?limit=500", "/version"]
        .map(|path| body(path, "{}"));
    let error = ask(&tape(&lines), &kube("/api/v1/pods?limit=501")).unwrap_err();
    assert_eq!(error.kind(), Kind::TapeMiss);
    assert_eq!(error.message(), "the tape case.tape does not hold the answer to: kube GET /api/v1/pods?limit=501");
    let hint = error.next_step().unwrap();
    assert!(
        hint.starts_with("the nearest it holds: kube GET /api/v1/pods?limit=500; kube GET /api/v1/nodes?limit=500; "),
        "{hint}"
    );
    assert!(hint.contains("--record"), "{hint}");
    let log = Query::new("lab", Ask::Logs(Logs::default()));
    assert!(ask(&tape(&lines), &log).unwrap_err().next_step().unwrap().starts_with("it holds no question of this kind"));
}

#[test]
fn another_cluster_is_another_question() {
    let error = ask(&tape(&[body("/version", "{}")]), &Query::new("other", Ask::kube("/version"))).unwrap_err();
    assert!(error.next_step().unwrap().contains("kube GET /version (cluster lab)"), "{error:?}");
}

#[test]
fn wider_answers_do() {
    let pods = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"web","namespace":"shop"}}]}"#;
    let logs = |tail| Logs { namespace: "shop".into(), pod: "web".into(), tail, ..Logs::default() };
    let all = Query::new("lab", Ask::Logs(logs(None)));
    let log = answer("2026-11-22T12:00:00Z one\n2026-11-22T12:00:01Z two\n");
    let tape = tape(&[body("/api/v1/pods?limit=500", pods), told(&all, Ok(log))]);
    assert!(ask(&tape, &kube("/api/v1/namespaces/shop/pods/web")).unwrap().starts_with(r#"{"kind":"Pod","apiVersion":"v1","#));
    assert_eq!(ask(&tape, &Query::new("lab", Ask::Logs(logs(Some(1))))).unwrap(), "2026-11-22T12:00:01Z two\n");
    assert_eq!(
        ask(&tape, &Query::new("other", Ask::kube("/api/v1/namespaces/shop/pods/web"))).unwrap_err().kind(),
        Kind::TapeMiss
    );
}

#[test]
fn a_refused_log_stays_refused_for_every_range() {
    let logs = |tail| Query::new("lab", Ask::Logs(Logs { namespace: "a".into(), pod: "b".into(), tail, ..Logs::default() }));
    let tape = tape(&[told(&logs(None), Ok(Answer { status: 403, ..answer("{}") }))]);
    assert_eq!(block_on(tape.ask(&logs(Some(5)))).unwrap().status, 403);
}

#[test]
fn secrets_in_a_question_do_not_hide_its_answer() {
    let get = |url: &str| Query::new("lab", Ask::Http(HttpGet { url: url.into(), trust: super::Trust::System, max_bytes: 9 }));
    let asked = get("https://me:s3cr3t@host/keys");
    let written = Redactor::default().query(&asked).into_owned();
    let line = told(&written, Ok(answer("{}")));
    assert!(!line.contains("s3cr3t"), "{line}");
    assert!(ask(&tape(&[line]), &asked).is_ok());
    let kept = told(&asked, Ok(answer("{}")));
    assert!(ask(&tape(&[kept]), &asked).is_ok(), "a tape that kept its secrets answers too");
    let error = ask(&tape(&[]), &asked).unwrap_err();
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
}

#[test]
fn what_is_no_tape_is_refused_with_a_reason() {
    let packed = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
    for (data, says) in [
        (Vec::new(), "is empty"),
        (b"garbage".to_vec(), "is no tape"),
        (b"{}\n".to_vec(), "is no tape"),
        (packed(b"[1]\n"), "is no tape"),
        (packed(b""), "is no tape"),
        (vec![0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3], "cannot be unpacked"),
        (packed(HEADER.as_bytes())[..8].to_vec(), "cannot be unpacked"),
        (br#"{"pilotage_tape":1}"#.to_vec(), "is no tape"),
        (br#"{"pilotage_tape":0,"recorded_at":"2026-11-22T12:00:00Z"}"#.to_vec(), "is no tape"),
    ] {
        let error = Tape::from_bytes("x.tape", &data).err().expect(says);
        assert_eq!(error.kind(), Kind::BadTape);
        assert!(error.message().starts_with(&format!("x.tape {says}")), "{error}");
        assert!(error.next_step().is_some(), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_with_the_version_to_get() {
    let error = Tape::from_bytes("x", br#"{"pilotage_tape":2,"tool":"pilotage 7.1.0","other":"shape"}"#).err().unwrap();
    assert_eq!(error.kind(), Kind::BadTape);
    assert!(error.message().contains("format 2") && error.next_step().unwrap().contains("pilotage 7.1.0"), "{error:?}");
}

#[test]
fn a_missing_file_is_told_by_its_name() {
    let error = Tape::open("/nowhere/case.tape").err().unwrap();
    assert_eq!(error.kind(), Kind::File);
    assert!(error.message().contains("/nowhere/case.tape"), "{error}");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_answers() {
    let future = r#"{"q":{"cluster":"lab","to":"dns","host":"x"},"at":"2026-11-22T13:00:00Z","status":200}"#;
    let text = format!("{HEADER}\n{}{future}\n{{\"new\":\"line\"}}\nrubbish\n{}", body("/a", "[1]"), &body("/b", "[2]")[..40]);
    let tape = Tape::from_bytes("x", text.as_bytes()).unwrap();
    assert_eq!(ask(&tape, &kube("/a")).unwrap(), "[1]");
    assert_eq!(
        tape.notes(),
        [
            "the tape x is cut off in the middle of an answer: 1 answers could be read",
            "the tape x is damaged: 1 lines could not be read",
            "the tape x holds 1 answers to questions that this version does not know",
        ]
    );
}

#[test]
fn a_tape_that_was_not_closed_or_lost_lines_says_so() {
    let open = Tape::from_bytes("x", format!("{HEADER}\n{}", body("/a", "[1]")).as_bytes()).unwrap();
    assert_eq!(open.notes(), ["the tape x was not closed: it may lack answers after its 1"]);
    let closing = "{\"manifest\":{\"answers\":3,\"redacted\":{\"jwt\":2}}}\n";
    let short = Tape::from_bytes("x", format!("{HEADER}\n{}{closing}", body("/a", "[1]")).as_bytes()).unwrap();
    assert_eq!(short.notes(), ["the tape x holds 1 of the 3 answers that were recorded"]);
    assert_eq!(short.manifest().unwrap().redacted.as_ref().unwrap()["jwt"], 2);
}

#[test]
fn part_of_a_configuration_comes_from_the_whole() {
    let page = |pod: &str, path: &str| Query::new("lab", Ask::pod("shop", pod, 15000, path));
    let dump = r#"{"configs":[{"@type":"t.ListenersConfigDump","static_listeners":[1],"dynamic_listeners":[2]}]}"#;
    let tape = tape(&[told(&page("a", "/config_dump?include_eds"), Ok(answer(dump)))]);
    let masked = ask(&tape, &page("a", "/config_dump?mask=static_listeners")).unwrap();
    assert_eq!(masked, r#"{"configs":[{"@type":"t.ListenersConfigDump","static_listeners":[1]}]}"#);
    assert_eq!(ask(&tape, &page("a", "/config_dump")).unwrap(), dump);
    let refused = block_on(tape.ask(&page("a", "/config_dump?mask=other"))).unwrap();
    assert_eq!(refused.status, 400);
    for (pod, path) in [("b", "/config_dump"), ("a", "/config_dump?resource=static_listeners"), ("a", "/clusters")] {
        assert_eq!(ask(&tape, &page(pod, path)).unwrap_err().kind(), Kind::TapeMiss, "{pod} {path}");
    }
}

#[test]
fn who_looks_from_aside_takes_no_answer_away_and_moves_no_clock() {
    let mut later = answer("[2]");
    later.at = at("2026-11-22T15:00:00Z");
    let tape = Arc::new(tape(&[body("/a", "[1]"), told(&kube("/a"), Ok(later))]));
    let aside = Aside::new(tape.clone());
    let look = || block_on(aside.ask(&kube("/a"))).map(|answer| answer.text().into_owned());
    assert_eq!((look(), look()), (Ok("[1]".into()), Ok("[1]".into())));
    assert_eq!((ask(&tape, &kube("/a")), ask(&tape, &kube("/a"))), (Ok("[1]".into()), Ok("[2]".into())));
    assert_eq!(look(), Ok("[2]".into()), "it sees what the replay has come to");
    let before = tape.now();
    assert!(look().is_ok() && tape.now() == before && aside.replays());
    assert_eq!(block_on(aside.ask(&kube("/b"))).unwrap_err().kind(), Kind::TapeMiss);
}
