//! Every recorded token, and what is no token, through the investigation; the clock is the tape's.

use super::bad_days::Investigation;
use crate::support::run::{Output, TempDir, finish, pilotage};
use crate::support::tapes;
use serde_json::Value;
use std::time::Duration;

/// What is found of each token: on the mesh whose proxies hold a stand-in key, and on the repaired one.
const EXPECTED: [(&str, &[&str], &[&str]); 14] = [
    ("good", &["TOKEN006"], &[]),
    ("good-10y", &["TOKEN006"], &[]),
    ("good-aud-list", &["TOKEN006"], &[]),
    ("expired", &["TOKEN004", "TOKEN006"], &["TOKEN004"]),
    ("not-yet", &["TOKEN004", "TOKEN006"], &["TOKEN004"]),
    ("wrong-iss", &["TOKEN002", "TOKEN006"], &["TOKEN002"]),
    ("wrong-aud", &["TOKEN003", "TOKEN006"], &["TOKEN003"]),
    ("no-aud", &["TOKEN003", "TOKEN006"], &["TOKEN003"]),
    ("unknown-kid", &["TOKEN006"], &["TOKEN005"]),
    ("other-key", &["TOKEN006"], &["TOKEN006"]),
    ("no-kid", &["TOKEN006"], &[]),
    ("alg-none", &["TOKEN001", "TOKEN006"], &["TOKEN001", "TOKEN005"]),
    ("bad-signature", &["TOKEN006"], &["TOKEN006"]),
    ("not-a-jwt", &["TOKEN001"], &["TOKEN001"]),
];

fn tokens() -> Vec<(String, String)> {
    let all: Vec<Value> = serde_json::from_str(include_str!("../data/tokens.json")).expect("JSON");
    let text = |token: &Value, key: &str| token[key].as_str().expect("text").to_owned();
    all.iter().map(|token| (text(token, "name"), text(token, "token"))).collect()
}

/// The investigation of a token in a file. No part of the token may come out again.
#[track_caller]
fn judge(phase: &str, token: &str, format: &str) -> Output {
    let home = TempDir::new();
    home.write("token", &format!("{token}\n"));
    let tape = tapes::path(&format!("jwks-certificate-{phase}"));
    let tape = tape.to_str().expect("a path of letters");
    let args = ["--tape", tape, "run", "jwks-certificate", "--token", "@token", "-o", format];
    let output = finish(pilotage(home.path(), &args), Duration::from_secs(40));
    for part in token.split(['.', ' ']).skip(1).filter(|part| part.len() > 8) {
        assert!(!output.stdout.contains(part) && !output.stderr.contains(part), "it repeats the token: {output:#?}");
    }
    output
}

fn codes(found: &Investigation) -> Vec<&str> {
    found.codes().into_iter().filter(|code| code.starts_with("TOKEN")).collect()
}

fn each(phase: &str, expected: impl Fn(&(&str, &[&str], &[&str])) -> Vec<String>) {
    let tokens = tokens();
    assert_eq!(tokens.len(), EXPECTED.len(), "each recorded token is expected to do something");
    for (name, token) in tokens {
        let expected = expected(EXPECTED.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("{name} is new")));
        let found = Investigation::read(judge(phase, &token, "json"));
        assert_eq!(codes(&found), expected, "{name}");
        let failed = phase == "fault" || !expected.is_empty();
        assert_eq!(found.code, Some(if failed { 3 } else { 0 }), "{name}");
    }
}

#[test]
fn while_the_proxies_hold_a_stand_in_key_no_token_verifies() {
    each("fault", |(_, fault, _)| fault.iter().map(ToString::to_string).collect());
}

#[test]
fn once_repaired_each_token_is_refused_for_its_own_reason_only() {
    each("fix-trusted-ca", |(.., fixed)| fixed.iter().map(ToString::to_string).collect());
}

#[test]
fn a_wrong_audience_is_the_one_that_answers_403() {
    let token = tokens().into_iter().find(|(name, _)| name == "wrong-aud").expect("it was recorded").1;
    let found = Investigation::read(judge("fix-trusted-ca", &token, "json"));
    assert!(found.finding("TOKEN003").to_string().contains("403 Audiences in Jwt are not allowed"), "{:#}", found.report);
}

#[test]
fn what_is_no_token_is_told_by_its_looks() {
    let good = tokens().remove(0).1;
    let parts: Vec<&str> = good.split('.').collect();
    let cases = [
        (parts[..2].join("."), "it has 2 parts and not three"),
        (format!("{good}.{}", parts[0]), "it has 4 parts and not three"),
        (format!("{good}.{}.{}", parts[0], parts[1]), "encrypted (JWE: five parts)"),
        ("2YotnFZFEjr1zCsicMWpAA".to_owned(), "opaque token"),
        (format!("Bearer {good}"), "'Bearer ' in front"),
        (format!("{{\"access_token\": \"{good}\"}}"), "wrapped in JSON"),
        (format!("{}\n{}", &good[..80], &good[80..]), "white space"),
        (format!("{}.{}", parts[0], "%%%.x"), "not base64url"),
    ];
    for (token, says) in cases {
        let output = judge("fault", &token, "text");
        assert_eq!(output.code, Some(3), "{says}: {output:#?}");
        let told = output.stdout.replace("\n    ", " ").replace("\n  ", " ");
        assert!(told.contains("TOKEN001") && told.contains(says), "{says}: {}", output.stdout);
    }
}

#[test]
fn a_token_that_does_not_arrive_is_no_verdict() {
    let home = TempDir::new();
    std::fs::write(home.file("bytes"), [0xff, 0xfe, 0]).expect("a file");
    home.write("empty", "\n");
    let tape = tapes::path("jwks-certificate-fault");
    let tape = tape.to_str().expect("a path of letters");
    for (file, words) in [
        ("@empty", &["--token is empty", "nothing came from empty", "was the file written"][..]),
        ("-", &["--token is empty", "nothing came from standard input"]),
        ("@bytes", &["--token cannot be read from bytes", "UTF-8"]),
        ("@missing", &["--token cannot be read from missing", "No such file"]),
    ] {
        let args = ["--tape", tape, "run", "jwks-certificate", "--token", file];
        finish(pilotage(home.path(), &args), Duration::from_secs(20)).fails(1, "file", words);
    }
}
