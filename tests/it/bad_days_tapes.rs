//! Tapes that are cut, empty, foreign, or were not asked this.

use crate::support::run::{Output, TempDir, finish, pilotage};
use crate::support::tapes;
use std::time::Duration;

fn whole() -> Vec<u8> {
    std::fs::read(tapes::path("jwks-certificate-fault")).expect("a tape")
}

fn on(tape: &[u8], args: &[&str]) -> Output {
    let home = TempDir::new();
    std::fs::write(home.file("case.tape"), tape).expect("a file");
    let args: Vec<&str> = ["--tape", "case.tape"].iter().chain(args).copied().collect();
    finish(pilotage(home.path(), &args), Duration::from_secs(40))
}

fn header(version: u32) -> String {
    format!(
        "{{\"pilotage_tape\":{version},\"recorded_at\":\"2026-11-22T13:00:00Z\",\"tool\":\"pilotage 9.1.0\",\"clusters\":[\"lab\"]}}\n"
    )
}

#[test]
fn a_tape_that_cannot_be_used_says_why_for_every_command() {
    let commands = [&["eval", "pods(\"*\")"][..], &["run", "jwks-certificate"]];
    let cases: [(Vec<u8>, &[&str]); 4] = [
        (Vec::new(), &["case.tape is empty", "the copy failed"]),
        (whole()[..100].to_vec(), &["case.tape cannot be unpacked", "copy it again"]),
        (b"[package]\nname = \"x\"\n".to_vec(), &["case.tape", "tape"]),
        (header(7).into_bytes(), &["case.tape has format 7", "reads up to 1", "get pilotage 9.1.0"]),
    ];
    for (tape, words) in cases {
        for args in commands {
            on(&tape, args).fails(1, "bad_tape", words);
        }
    }
    let home = TempDir::new();
    for args in commands {
        let args: Vec<&str> = ["--tape", "nothing.tape"].iter().chain(args).copied().collect();
        let output = finish(pilotage(home.path(), &args), Duration::from_secs(20));
        output.fails(1, "file", &["the tape nothing.tape cannot be read", "No such file", "is the name right?"]);
    }
}

#[test]
fn a_truncated_tape_answers_what_it_still_holds() {
    let tape = whole();
    let nearly = on(&tape[..tape.len() - 200], &["eval", "pods(\"*\").len()"]);
    nearly.gives(0, "6").says(&["note: the tape case.tape is cut off", "answers could be read"]);
    let early = &tape[..20_000];
    for args in [&["eval", "pods(\"*\")"][..], &["run", "jwks-certificate"]] {
        let output = on(early, args);
        output.fails(
            5,
            "tape_miss",
            &["the tape case.tape is cut off", "does not hold the answer to: kube GET /api/v1/pods", "--record"],
        );
    }
}

#[test]
fn a_question_that_was_never_asked_ends_with_5_and_the_nearest() {
    let tape = whole();
    let page = on(&tape, &["eval", "admin(\"customer-686cf5bf47-mtgsn.olaf-customer\", \"/certz\")"]);
    page.fails(5, "tape_miss", &["GET /certz", "the nearest it holds", "customer-686cf5bf47-mtgsn:15000 GET /certs", "--record"]);
    let url = on(&tape, &["eval", "fetch_jwks(\"https://keycloak-olaf-sso.apps.acme.test/auth/realms/customr/certs\")"]);
    url.fails(
        5,
        "tape_miss",
        &["realms/customr/certs", "the nearest it holds", "/auth/realms/customer/protocol/openid-connect/certs"],
    );
    let bare = header(1) + "{\"manifest\":{\"answers\":0}}\n";
    on(bare.as_bytes(), &["run", "jwks-certificate"]).fails(
        5,
        "tape_miss",
        &["kube GET /api/v1/pods", "no question of this kind"],
    );
}

/// A playbook that catches failures must not turn a tape without the proxies' answers into a clean bill.
#[test]
fn a_tape_without_the_proxies_is_no_clean_report() {
    let text = String::from_utf8(zstd::decode_all(whole().as_slice()).expect("whole")).expect("text");
    let without: String = text.lines().filter(|line| !line.contains("/config_dump")).flat_map(|line| [line, "\n"]).collect();
    let output = on(without.as_bytes(), &["run", "jwks-certificate"]);
    assert_eq!(output.code, Some(5), "{output:#?}");
    output.says(&["error[tape_miss]", "GET /config_dump", "--record"]);
}
