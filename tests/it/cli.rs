//! What can be typed after `pilotage`, with the real binary and no cluster.

use crate::support::run::{Output, PATIENCE, TempDir, finish, pilotage};
use std::io::Write;
use std::process::Stdio;

/// A playbook with a parameter of several kinds, and findings as asked for.
const PLAYBOOK: &str = r#"//! Says what it is told to say.

const PLAYBOOK = #{
    title: "An echo",
    needs: ["observe"],
    params: #{
        severity: #{ kind: "choice", help: "how bad", choices: ["ok", "info", "warning", "error"], value: "ok" },
        many:     #{ kind: "int", help: "how many" },
        token:    #{ kind: "secret", help: "a token", value: "" },
        fail:     #{ kind: "bool", help: "fail at the end", value: false },
    },
};

section("Findings");
for number in 0..params.many {
    finding(params.severity, "ECHO001", `finding ${number}`, #{ resource: "Pod/shop/web", evidence: ["a line"], fix: "kubectl get pods\nkubectl get nodes" });
}
print(`token: ${params.token}`);
if params.fail { nosuch(1) }
"#;

fn run(args: &[&str]) -> Output {
    let home = TempDir::new();
    home.write("echo.rhai", PLAYBOOK);
    finish(pilotage(home.path(), args), PATIENCE)
}

fn code(args: &[&str]) -> Option<i32> {
    run(args).code
}

#[test]
fn help_and_version_do_nothing_else() {
    let version = run(&["--version"]);
    assert_eq!((version.stdout.trim(), version.code), (concat!("pilotage ", env!("CARGO_PKG_VERSION")), Some(0)));
    let help = run(&["--help"]);
    for command in ["run", "eval", "list", "show", "doc", "completions"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{}", help.stdout);
    }
    assert_eq!(code(&["--nonsense"]), Some(2));
    assert_eq!(code(&["nonsense"]), Some(2));
}

#[test]
fn the_value_of_an_expression_in_every_format() {
    let source = "[#{ name: \"a,b\", n: 1 }, #{ name: \"c\", n: 2 }]";
    let show = |format: &str| run(&["eval", source, "-o", format]).stdout;
    assert_eq!(show("text"), "n  name\n1  a,b\n2  c\n");
    assert_eq!(show("csv"), "n,name\r\n1,\"a,b\"\r\n2,c\r\n");
    assert_eq!(show("markdown"), "| n | name |\n| --- | --- |\n| 1 | a,b |\n| 2 | c |\n");
    let json: serde_json::Value = serde_json::from_str(&show("json")).expect("it is JSON");
    assert_eq!(json[1]["name"], "c");
    assert!(show("yaml").contains("name: a,b"), "{}", show("yaml"));
}

#[test]
fn eval_prints_as_it_goes_and_reads_standard_input() {
    let home = TempDir::new();
    let mut command = pilotage(home.path(), &["eval", "-"]);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(b"print(\"first\");\nlet a = 20;\na + 1\n").expect("it fits");
    drop(writer);
    command.stdin(Stdio::from(reader));
    let output = finish(command, PATIENCE);
    assert_eq!((output.stdout.as_str(), output.code), ("first\n21\n", Some(0)), "{output:?}");
}

#[test]
fn scripts_that_fail_say_where_and_what_next() {
    let cases = [
        ("let x = ;", "syntax error", "1:9"),
        ("let a = 1;\npodz(a)", "there is no function podz", "2:1"),
        ("pods(1)", "pods does not take (int)", "1:1"),
        ("#{ name: 1 }.nmae", "nmae", "1:14"),
        ("throw \"my own\"", "my own", "1:1"),
    ];
    for (source, message, place) in cases {
        let output = run(&["eval", source]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{source}: {output:?}");
        assert!(output.stderr.contains(message) && output.stderr.contains(place), "{source}: {}", output.stderr);
    }
    assert!(run(&["eval", "podz()"]).stderr.contains("next: did you mean"));
}

#[test]
fn runaway_scripts_are_stopped() {
    let endless = run(&["eval", "loop {}", "--max-operations", "100000"]);
    assert_eq!(endless.code, Some(1));
    assert!(endless.stderr.contains("error[limit]") && endless.stderr.contains("--max-operations"), "{}", endless.stderr);
    let deep = run(&["eval", "fn f(x) { f(x + 1) } f(0)"]);
    assert!(deep.stderr.contains("nested too deeply"), "{}", deep.stderr);
}

#[test]
fn without_a_cluster_functions_of_the_cluster_say_what_was_looked_for() {
    let output = run(&["eval", "pods()"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("error[no_cluster]") && output.stderr.contains("--kubeconfig"), "{}", output.stderr);
    assert!(output.stderr.contains("next: "), "{}", output.stderr);
}

#[test]
fn options_that_contradict_are_a_usage_error() {
    let output = run(&["--demo", "eval", "1", "--context", "lab"]);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("--demo and --context"), "{}", output.stderr);
}

#[test]
fn a_playbooks_parameters_are_its_options() {
    let output = run(&["run", "echo", "--many", "2", "--severity", "warning"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains("! warning ECHO001  finding 1\n"), "{}", output.stdout);
    assert!(output.stdout.ends_with("! warning  2 warnings · ECHO001\n"), "{}", output.stdout);
    let help = run(&["run", "./echo.rhai", "--help"]);
    for part in ["An echo", "Says what it is told to say.", "--many <NUMBER>", "[required]", "PILOTAGE_TOKEN", "warning"] {
        assert!(help.stdout.contains(part), "{part} in {}", help.stdout);
    }
    assert_eq!(help.code, Some(0));
}

#[test]
fn wrong_parameters_print_the_playbooks_help() {
    let cases: &[(&[&str], &str)] = &[
        (&["run", "echo"], "echo needs --many"),
        (&["run", "echo", "--many", "x"], "--many cannot be x"),
        (&["run", "echo", "--mnay", "1"], "'--many'"),
        (&["run", "echo", "--many", "1", "--severity", "awful"], "warning"),
        (&["run", "echo", "--many", "1", "shop"], "shop"),
    ];
    for (args, message) in cases {
        let output = run(args);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{args:?}: {output:?}");
        assert!(output.stderr.contains(message) && output.stderr.contains("how many [required]"), "{args:?}: {}", output.stderr);
    }
}

#[test]
fn an_unknown_playbook_is_a_slip_with_a_suggestion() {
    let output = run(&["run", "jwks-certificat"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("did you mean \"jwks-certificate\"?"), "{}", output.stderr);
    assert_eq!(code(&["run"]), Some(2));
    assert_eq!(code(&["show", "./nothing.rhai"]), Some(1));
}

#[test]
fn the_exit_code_is_the_same_in_every_format() {
    for format in ["text", "json", "yaml", "csv", "markdown"] {
        let found = ["run", "echo", "--many", "1", "--severity", "error", "-o", format];
        assert_eq!(code(&found), Some(3), "{format}");
        let clean = ["run", "echo", "--many", "1", "--severity", "info", "-o", format];
        assert_eq!(code(&clean), Some(0), "{format}");
    }
    let strict = ["run", "echo", "--many", "1", "--severity", "info", "--fail-on", "info"];
    assert_eq!(code(&strict), Some(3));
}

#[test]
fn a_report_in_json_keeps_its_shape_and_no_secret() {
    let output = run(&["run", "echo", "--many", "1", "--severity", "error", "--token", "hunter2hunter2", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    assert_eq!((&report["pilotage_report"], &report["status"]), (&1.into(), &"error".into()));
    assert_eq!(report["findings"][0]["resource"], "Pod/shop/web");
    assert_eq!(report["params"]["many"], 1);
    assert!(!output.stdout.contains("hunter2"), "{}", output.stdout);
}

#[test]
fn secrets_come_from_files_and_the_environment() {
    let home = TempDir::new();
    home.write("echo.rhai", PLAYBOOK);
    home.write("token", "tok-from-a-file\n");
    let print = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = pilotage(home.path(), args);
        command.envs(env.iter().copied());
        let output = finish(command, PATIENCE);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(!output.stdout.contains("tok-from"), "{}", output.stdout);
        output.stdout.lines().find(|line| line.starts_with("token: ")).expect("it is printed").to_owned()
    };
    let none = print(&["run", "echo", "--many", "0"], &[]);
    let file = print(&["run", "echo", "--many", "0", "--token", "@token"], &[]);
    let same = print(&["run", "echo", "--many", "0"], &[("PILOTAGE_TOKEN", "tok-from-a-file")]);
    assert_ne!(none, file);
    assert_eq!(file, same);
}

#[test]
fn a_playbook_that_fails_tells_what_it_had_found_by_then() {
    let output = run(&["run", "echo", "--many", "1", "--severity", "error", "--fail"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("finding 0") && output.stdout.contains("this report ends early"), "{}", output.stdout);
    assert!(output.stderr.contains("echo.rhai:") && output.stderr.contains("nosuch"), "{}", output.stderr);
}

#[test]
fn a_playbook_that_does_not_compile_shows_the_line() {
    let home = TempDir::new();
    home.write("broken.rhai", "let a = 1;\nlet b = [1, 2;\n");
    let output = finish(pilotage(home.path(), &["run", "broken"]), PATIENCE);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("broken.rhai:2:14") && output.stderr.contains("let b = [1, 2;"), "{}", output.stderr);
    let list = finish(pilotage(home.path(), &["list"]), PATIENCE);
    assert_eq!(list.code, Some(0));
    assert!(list.stdout.contains("broken") && list.stdout.contains("jwks-certificate"), "{}", list.stdout);
}

#[test]
fn playbooks_of_the_user_are_listed_and_run_by_name() {
    let home = TempDir::new();
    let folder = home.path().join(".config/pilotage/scripts");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("mine.rhai"), PLAYBOOK).expect("a file");
    let list = finish(pilotage(home.path(), &["list", "-o", "json"]), PATIENCE);
    let rows: serde_json::Value = serde_json::from_str(&list.stdout).expect("it is JSON");
    assert_eq!((&rows[0]["name"], &rows[0]["title"]), (&"mine".into(), &"An echo".into()));
    assert_eq!(finish(pilotage(home.path(), &["run", "mine", "--many", "0"]), PATIENCE).code, Some(0));
}

#[test]
fn show_prints_a_playbook_that_runs() {
    let shown = run(&["show", "jwks-certificate"]);
    assert!(shown.stdout.contains("const PLAYBOOK"), "{}", shown.stdout);
}

#[test]
fn the_reference_covers_functions_modules_and_playbooks() {
    assert!(run(&["doc", "pods"]).stdout.starts_with("# pods\n\n```rhai\npods("));
    assert!(run(&["doc", "jwt"]).stdout.starts_with("# decode_jwt\n"));
    assert!(run(&["doc", "jwks-certificate"]).stdout.contains("pilotage run jwks-certificate"));
    let all: serde_json::Value = serde_json::from_str(&run(&["doc", "-o", "json"]).stdout).expect("it is JSON");
    assert!(all.as_array().is_some_and(|all| all.iter().any(|entry| entry["name"] == "pods")));
    let unknown = run(&["doc", "podz"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("did you mean pods?"), "{}", unknown.stderr);
}

#[test]
fn a_reader_that_left_is_no_failure() {
    for (args, code) in [(&["doc"][..], 0), (&["--help"], 0), (&["run", "echo", "--many", "9", "--severity", "error"], 3)] {
        let home = TempDir::new();
        home.write("echo.rhai", PLAYBOOK);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut child = pilotage(home.path(), args).stdout(writer).stderr(Stdio::piped()).spawn().expect("it starts");
        let status = child.wait().expect("it ends");
        let stderr = std::io::read_to_string(child.stderr.take().expect("it is piped")).expect("text");
        assert_eq!((status.code(), stderr.as_str()), (Some(code), ""), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let home = TempDir::new();
    let mut child = pilotage(home.path(), &["eval", "1"]).stdout(full).stderr(Stdio::piped()).spawn().expect("it starts");
    let status = child.wait().expect("it ends");
    let stderr = std::io::read_to_string(child.stderr.take().expect("it is piped")).expect("text");
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("standard output cannot be written"), "{stderr}");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let home = TempDir::new();
    let mut command = pilotage(home.path(), &["eval", "podz()"]);
    assert!(!finish(command, PATIENCE).stderr.contains('\u{1b}'), "a pipe gets none");
    command = pilotage(home.path(), &["eval", "podz()"]);
    command.env("CLICOLOR_FORCE", "1");
    assert!(finish(command, PATIENCE).stderr.contains("\u{1b}["));
    command = pilotage(home.path(), &["--no-color", "eval", "podz()"]);
    command.env("CLICOLOR_FORCE", "1");
    assert!(!finish(command, PATIENCE).stderr.contains('\u{1b}'));
}

/// A tape of one namespace and a log, as plain lines.
const TAPE: &str = concat!(
    r#"{"pilotage_tape":1,"recorded_at":"2026-11-22T13:00:00Z","tool":"test","clusters":["lab"]}"#,
    "\n",
    r#"{"q":{"cluster":"lab","to":"http","url":"https://issuer.test/certs","max_bytes":5242880},"at":"2026-11-22T13:00:01Z","#,
    r#""ms":3,"status":200,"type":"application/json","body":{"keys":[]}}"#,
    "\n",
    r#"{"manifest":{"answers":1,"redacted":{}}}"#,
    "\n",
);

fn on_tape(tape: &str, args: &[&str]) -> (Output, TempDir) {
    let home = TempDir::new();
    home.write("case.tape", tape);
    let args: Vec<&str> = ["--tape", "case.tape"].iter().chain(args).copied().collect();
    (finish(pilotage(home.path(), &args), PATIENCE), home)
}

#[test]
fn the_clock_is_the_tapes() {
    let (output, _) = on_tape(TAPE, &["eval", "now()"]);
    assert_eq!((output.stdout.as_str(), output.code), ("2026-11-22T13:00:00Z\n", Some(0)), "{output:?}");
}

#[test]
fn a_question_that_the_tape_does_not_hold_ends_with_5_and_the_nearest() {
    let (output, _) = on_tape(TAPE, &["eval", "fetch_jwks(\"https://issuer.test/keys\")"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(5), ""), "{output:?}");
    assert!(
        output.stderr.contains("error[tape_miss]") && output.stderr.contains("https://issuer.test/certs"),
        "{}",
        output.stderr
    );
}

#[test]
fn tapes_that_cannot_be_read_say_why() {
    let newer = TAPE.replace("\"pilotage_tape\":1", "\"pilotage_tape\":9");
    for (tape, word) in [("", "empty"), ("hello", "tape"), (newer.as_str(), "9")] {
        let (output, _) = on_tape(tape, &["eval", "now()"]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{output:?}");
        assert!(output.stderr.contains("error[bad_tape]") && output.stderr.contains(word), "{}", output.stderr);
    }
    let cut = TAPE.lines().next().expect("a line").to_owned() + "\n";
    let (output, _) = on_tape(&cut, &["eval", "now()"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stderr.starts_with("note: "), "{}", output.stderr);
    assert_eq!(run(&["--tape", "nothing.tape", "eval", "1"]).code, Some(1));
}

#[test]
fn verbose_tells_every_question() {
    let (output, _) = on_tape(TAPE, &["-v", "eval", "fetch_jwks(\"https://nowhere.test/\")"]);
    let line = output.stderr.lines().next().expect("a line");
    assert!(line.starts_with("---") && line.contains("tape_miss  http GET https://nowhere.test/"), "{line}");
}

#[test]
fn a_replay_can_be_recorded_and_replayed() {
    let script = "try { fetch_jwks(\"https://issuer.test/certs\") } catch (e) { e.kind }";
    let (first, home) = on_tape(TAPE, &["eval", script, "--record", "again.tape"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stderr.contains("again.tape"), "{}", first.stderr);
    let second = finish(pilotage(home.path(), &["--tape", "again.tape", "eval", script]), PATIENCE);
    assert_eq!((second.code, second.stdout), (Some(0), first.stdout));
    let same = finish(pilotage(home.path(), &["--tape", "again.tape", "eval", "1", "--record", "again.tape"]), PATIENCE);
    assert_eq!(same.code, Some(2), "{same:?}");
}

#[test]
fn the_demo_needs_no_cluster() {
    let output = run(&["run", "jwks-certificate", "--demo"]);
    assert_eq!(output.code, Some(3), "{output:?}");
    let verdict = output.stdout.lines().last().unwrap_or_default();
    assert!(verdict.starts_with("✗ error") && verdict.contains("JWKS001"), "{verdict}");
    assert_eq!(output.stderr, "");
    let json = run(&["--demo", "run", "jwks-certificate", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json.stdout).expect("it is JSON");
    assert_eq!((json.code, &report["status"]), (Some(3), &"error".into()));
    assert_eq!(run(&["--demo", "eval", "pods(\"*\").len()"]).stdout, "6\n");
}

#[test]
fn a_question_beyond_the_demo_ends_with_5() {
    let output = run(&["--demo", "eval", "tls_chain(\"nowhere.test\")"]);
    assert_eq!(output.code, Some(5), "{output:?}");
    assert!(output.stderr.contains("nearest"), "{}", output.stderr);
}
