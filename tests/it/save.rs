//! Sessions that were recorded, typed into the real program again, saved, and run: the playbook reports what the session showed.

use crate::ledger::Rig;
use crate::support::run::{Output, PATIENCE, TempDir, finish, pilotage};
use crate::support::tapes;
use pilotage::render::{Format, Look};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Where the sessions lie: the first line names the tape.
fn sessions() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sessions");
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("they are there").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let session = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("it can be read");
        let (first, lines) = text.split_once('\n').expect("lines");
        let tape = first.strip_prefix("// tape: ").expect("a tape").to_owned();
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), tape, lines.to_owned())
    };
    paths.iter().map(session).collect()
}

/// Type this into a command.
fn type_into(mut command: Command, home: &TempDir, text: &str) -> Output {
    command.stdin(std::fs::File::open(home.write("typed", text)).expect("it was written"));
    finish(command, PATIENCE)
}

/// The text of a playbook without what differs from day to day.
fn dateless(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("//! Recorded ") {
        Some(rest) => format!("//! Recorded TODAY {}", rest.split_once(" UTC ").expect("a time").1),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What the session's last result is, as a report tells it.
fn last_result(tape: &str, lines: &str) -> Value {
    let engine = tapes::engine(tape);
    let mut text = String::new();
    let mut last = Value::Null;
    for line in lines.lines() {
        text += line;
        if engine.is_incomplete(&text) {
            text.push('\n');
            continue;
        }
        if let Ok(shown) = engine.enter(&std::mem::take(&mut text)) {
            let mut json = Vec::new();
            pilotage::render::write(&mut json, &shown.content, Format::Json, &Look::default()).expect("it is memory");
            let value: Value = serde_json::from_slice(&json).unwrap_or_default();
            if shown.number.is_some() {
                last = value;
            }
        }
        text.clear();
    }
    last
}

/// The values that a report shows, tables as their rows, JSON as what it says.
fn shown(report: &Value) -> Vec<Value> {
    let sections = report["sections"].as_array().expect("sections");
    let items = sections.iter().flat_map(|section| section["items"].as_array().expect("items"));
    let value = |item: &Value| match item["text"].as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        None if item["finding"].is_null() => item["table"]["rows"].clone(),
        None => Value::Null,
    };
    items.map(value).collect()
}

struct Saved {
    home: TempDir,
    tape: String,
}

impl Saved {
    /// Type a session, save it both ways.
    fn new(name: &str, tape: &str, lines: &str) -> Self {
        let home = TempDir::new();
        let tape = tapes::path(tape).display().to_string();
        let typed = format!("{lines}:save {name}\n:save! ./all.rhai\n");
        let output = type_into(pilotage(home.path(), &["--tape", &tape]), &home, &typed);
        assert!(output.stdout.contains("run it with: pilotage run ./all.rhai"), "{name}: {output:#?}");
        Self { home, tape }
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.file(&format!(".config/pilotage/scripts/{name}.rhai"))).expect("it was saved")
    }

    fn run(&self, name: &str, more: &[&str]) -> Value {
        let arguments = [&["run", name, "--tape", &self.tape, "-o", "json"], more].concat();
        let output = finish(pilotage(self.home.path(), &arguments), PATIENCE);
        let report = serde_json::from_str(&output.stdout);
        report.unwrap_or_else(|error| panic!("{name}: {error}: {output:#?}\n{}", self.text(name)))
    }
}

#[test]
fn a_saved_session_reports_what_it_showed() {
    let sessions = sessions();
    assert!(sessions.len() >= 12);
    for (name, tape, lines) in sessions {
        let saved = Saved::new(&name, &tape, &lines);
        insta::assert_snapshot!(format!("session_{name}"), dateless(&saved.text(&name)));
        let token = lines.split('"').find(|text| text.starts_with("eyJ"));
        let file = saved.home.write("token", token.unwrap_or("none"));
        let file = format!("@{}", file.display());
        let more: &[&str] = if token.is_some() { &["--token", &file] } else { &[] };
        let (report, all) = (saved.run(&name, more), saved.run("./all.rhai", more));
        assert_eq!(report["findings"], all["findings"], "{name}");
        let last = last_result(&tape, &lines);
        if last.is_null() {
            assert_eq!(shown(&report).len(), 1, "{name}: what was made last is shown");
        } else if report["findings"].as_array().expect("findings").is_empty() {
            assert_eq!(shown(&report).last(), Some(&last), "{name}: {}", saved.text(&name));
            assert_eq!(shown(&report).last(), shown(&all).last(), "{name}");
        }
    }
}

#[test]
fn what_exists_is_not_replaced_unasked_and_names_are_checked() {
    let home = TempDir::new();
    let typed =
        "let a = 20\n:save mine\na\n:save mine\n:save --force mine\n:save jwks-certificate\n:save\n:save ../\n:save a b\n";
    let output = type_into(pilotage(home.path(), &["--demo"]), &home, typed);
    for told in [
        "mine.rhai exists: it is not replaced",
        "`:save --force mine` does it all the same",
        "jwks-certificate ships with pilotage",
        "\"\" is no name of a playbook",
        "\"../\" is no name of a playbook",
        "\"a b\" is no name of a playbook",
    ] {
        assert!(output.stderr.contains(told), "{told}: {}", output.stderr);
    }
    let text = std::fs::read_to_string(home.file(".config/pilotage/scripts/mine.rhai")).expect("it was saved");
    assert!(text.ends_with("let a = 20;\nshow(a);\n"), "{text}");
    assert!(output.stdout.contains(&text), "it is shown: {}", output.stdout);
}

#[test]
fn a_session_that_found_nothing_says_so() {
    let home = TempDir::new();
    let output = type_into(pilotage(home.path(), &["--demo"]), &home, "boom()\n:save mine\n");
    assert!(output.stderr.contains("this session has nothing to save"), "{output:#?}");
    assert_eq!((output.code, home.file(".config").exists()), (Some(1), false), "{output:#?}");
}

#[test]
fn no_token_reaches_the_file() {
    let home = TempDir::new();
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
    let typed = format!(
        "fn claims() {{ decode_jwt(\"{token}\").claims }} // {token}\nlet t = \"{token}\"\n[claims().iss, decode_jwt(t).claims.iss]\n:save mine\n"
    );
    let output = type_into(pilotage(home.path(), &["--demo"]), &home, &typed);
    let text = std::fs::read_to_string(home.file(".config/pilotage/scripts/mine.rhai")).expect("it was saved");
    for shown in [&text, &output.stdout] {
        assert!(!shown.contains(&token[..20]) && !shown.contains("c2lnbmF0dXJl"), "{shown}");
    }
    assert!(text.contains("token: #{ kind: \"secret\"") && output.stdout.contains("--token @FILE"), "{text}");
    assert!(output.stderr.contains("a secret stood where no parameter can be put"), "{}", output.stderr);
}

#[test]
fn what_was_tuned_is_declared() {
    let rig = Rig::new();
    let typed = rig.mesh.home().write(
        "typed",
        "pods(\"shop\").len()\nlet changed = set_log(\"web.shop\", \"rbac\", \"debug\")\n\
         log_levels(\"web.shop\").filter(|row| row.logger == \"rbac\").map(|row| row.level)\n:save ./tuned.rhai\n",
    );
    let mut command = rig.mesh.command(&["--allow", "tune", "--record", "tuned.tape"]);
    command.stdin(std::fs::File::open(typed).expect("it was written"));
    let output = finish(command, PATIENCE);
    assert!(output.stdout.contains("pilotage run ./tuned.rhai --allow tune"), "{output:#?}");
    let text = std::fs::read_to_string(rig.mesh.home().file("tuned.rhai")).expect("it was saved");
    assert!(text.contains("needs: [\"tune\"]") && text.contains("set_log(params.pod, \"rbac\", \"debug\")"), "{text}");
    let run = |allow: &[&str]| {
        let arguments = [&["run", "tuned.rhai", "--tape", "tuned.tape", "-o", "json"], allow].concat();
        finish(pilotage(rig.mesh.home().path(), &arguments), PATIENCE)
    };
    assert_ne!(run(&[]).code, Some(0), "it is not allowed unasked");
    let output = run(&["--allow", "tune"]);
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    assert_eq!(shown(&report).last(), Some(&serde_json::json!(["debug"])), "{output:#?}");
}
