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

/// The commands that `:save` suggests, in words.
fn suggested(output: &Output) -> Vec<Vec<String>> {
    let commands = output.stdout.lines().filter_map(|line| line.strip_prefix("pilotage run "));
    commands.map(|rest| shlex::split(&format!("run {rest}")).expect("it is quoted as in a shell")).collect()
}

struct Saved {
    home: TempDir,
    tape: String,
    /// How to run both, as it was told.
    suggested: Vec<Vec<String>>,
}

impl Saved {
    /// Type a session, save it both ways.
    fn new(name: &str, tape: &str, lines: &str) -> Self {
        let home = TempDir::new();
        let tape = tapes::path(tape).display().to_string();
        let typed = format!("{lines}:save {name}\n:save! ./all.rhai\n");
        let output = type_into(pilotage(home.path(), &["--tape", &tape]), &home, &typed);
        let suggested = suggested(&output);
        assert_eq!(suggested.len(), 2, "{name}: {output:#?}");
        Self { home, tape, suggested }
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.file(&format!(".config/pilotage/scripts/{name}.rhai"))).expect("it was saved")
    }

    /// Run one as it was told, with a file in place of `@FILE`.
    fn run(&self, name: &str, file: &str) -> Value {
        let told = self.suggested.iter().find(|words| words[1] == name).unwrap_or_else(|| panic!("{name}: {:?}", self.suggested));
        assert!(told.windows(2).any(|pair| pair == ["--tape", self.tape.as_str()]), "{told:?}");
        let words = told.iter().map(|word| if word == "@FILE" { file } else { word.as_str() });
        let arguments: Vec<&str> = words.chain(["-o", "json"]).collect();
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
        let (report, all) = (saved.run(&name, &file), saved.run("./all.rhai", &file));
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
        ":save needs a name",
        "`:save stale-endpoints` for `pilotage run stale-endpoints`",
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
        "log_levels(\"web.shop\").len()\nlog_levels(\"web.shop\").len()\nlet changed = set_log(\"web.shop\", \"rbac\", \"debug\")\n\
         log_levels(\"web.shop\").filter(|row| row.logger == \"rbac\").map(|row| row.level)\n:save ./tuned.rhai\n",
    );
    let mut command = rig.mesh.command(&["--allow", "tune", "--record", "tuned.tape"]);
    command.stdin(std::fs::File::open(typed).expect("it was written"));
    let output = finish(command, PATIENCE);
    assert!(output.stdout.contains("pilotage run ./tuned.rhai --allow tune --kubeconfig kubeconfig\n"), "{output:#?}");
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

#[test]
fn what_is_suggested_runs_as_it_is_printed_wherever_the_session_was() {
    let home = TempDir::new();
    std::fs::copy(tapes::path("c-unhealthy"), home.file("case 1.tape")).expect("it can be copied");
    // The same name here would be run in place of the saved one.
    home.write("mine.rhai", "throw `another`");
    let typed = "pods().len()\n:save fleet\n:tape case 1.tape\n:ns shop\n\
         let elsewhere = pods(\"istio-system\").len(); [server_info(\"web-0\").map(|info| info.state), elsewhere]\n:save mine\n";
    let output = type_into(pilotage(home.path(), &["--demo"]), &home, typed);
    let suggested = suggested(&output);
    assert_eq!(suggested[0], ["run", "fleet", "--demo"], "{output:#?}");
    assert_eq!(suggested[1][2..], ["--namespace", "shop", "--tape", "case 1.tape"], "{output:#?}");
    let text = std::fs::read_to_string(home.file(".config/pilotage/scripts/mine.rhai")).expect("it was saved");
    assert!(text.contains("//! Names without a namespace are those of shop: `--namespace shop`.\n"), "{text}");
    assert!(text.contains("pods(params.namespace_2)"), "`--namespace` is for names without one: {text}");
    let shows: Vec<Value> = suggested
        .iter()
        .map(|words| {
            let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["-o", "json"]).collect();
            let run = finish(pilotage(home.path(), &arguments), PATIENCE);
            assert_eq!(run.code, Some(0), "{words:?}: {run:#?}");
            shown(&serde_json::from_str(&run.stdout).expect("a report")).pop().expect("a value")
        })
        .collect();
    let told = |value: &Value| output.stdout.contains(&serde_json::to_string_pretty(value).expect("text"));
    assert!(shows.iter().all(told), "{shows:?}: {output:#?}");
}

#[test]
fn names_that_were_looked_for_in_two_namespaces_are_told_of() {
    let home = TempDir::new();
    let tape = tapes::path("c-unhealthy").display().to_string();
    let typed = "let one = server_info(\"web-0\").len()\n:ns shop\none + server_info(\"web-0\").len()\n:save mine\n";
    let output = type_into(pilotage(home.path(), &["--tape", &tape]), &home, typed);
    assert!(
        output.stderr.contains("were looked for in default and then in shop; the playbook looks in shop only"),
        "{output:#?}"
    );
    assert!(output.stdout.contains("--namespace shop"), "{output:#?}");
}

#[test]
fn what_the_language_itself_threw_has_its_kind_in_the_playbook_too() {
    let home = TempDir::new();
    let typed = "let a = [1]; a[5]\n[_e.kind, _e.message, _e.hint]\n:save ./one.rhai\nnosuch(1)\n[_e.kind, _e.message]\n:save ./two.rhai\n";
    let output = type_into(pilotage(home.path(), &["--demo"]), &home, typed);
    for words in suggested(&output) {
        let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["-o", "json"]).collect();
        let run = finish(pilotage(home.path(), &arguments), PATIENCE);
        assert_eq!(run.code, Some(0), "{run:#?}");
        let value = shown(&serde_json::from_str(&run.stdout).expect("a report")).pop().expect("a value");
        assert_eq!(value[0], "script", "{value}");
        assert!(output.stdout.contains(&serde_json::to_string_pretty(&value).expect("text")), "{value}: {output:#?}");
    }
}
