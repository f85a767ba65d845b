//! Scripts that are wrong or run away, and readers that leave.

use crate::support::run::{Output, TempDir, finish, pilotage};
use crate::support::tapes;
use std::process::Stdio;
use std::time::Duration;

const SCRIPT: &str = "script";

fn on_tape(home: &TempDir, args: &[&str]) -> std::process::Command {
    let tape = tapes::path("jwks-certificate-fault");
    let args: Vec<&str> = ["--tape", tape.to_str().expect("a path of letters")].iter().chain(args).copied().collect();
    pilotage(home.path(), &args)
}

fn eval(source: &str, more: &[&str]) -> Output {
    let home = TempDir::new();
    let args: Vec<&str> = ["eval", source].iter().chain(more).copied().collect();
    finish(on_tape(&home, &args), Duration::from_secs(40))
}

/// The same text fails alike as an expression and as a playbook, which knows its file.
#[track_caller]
fn fails(source: &str, kind: &str, words: &[&str]) {
    eval(source, &[]).fails(1, kind, words);
    let home = TempDir::new();
    home.write(
        "mine.rhai",
        &format!("//! Mine.\nconst PLAYBOOK = #{{ title: \"Mine\", needs: [\"observe\"], params: #{{}} }};\n{source}\n"),
    );
    let output = finish(on_tape(&home, &["run", "mine"]), Duration::from_secs(40));
    output.fails(1, kind, words).says(&["mine.rhai:3:"]);
}

#[test]
fn syntax_errors_show_the_place_and_what_to_look_for() {
    fails("let x = [1 2];", SCRIPT, &["syntax error", "let x = [1 2];", "a comma"]);
    fails("let x = pods(;", SCRIPT, &["syntax error", "look at this place"]);
    fails("nothing_here + 1", SCRIPT, &["nothing_here", "declare it first"]);
    fails("let fn = 1;", SCRIPT, &["syntax error"]);
    eval("let x = [1,", &[]).fails(1, SCRIPT, &["syntax error", "not closed"]);
}

#[test]
fn unknown_functions_and_fields_name_the_nearest() {
    fails("podz()", SCRIPT, &["there is no function podz", "did you mean pods?"]);
    fails("pods(\"*\")[0].nmae", "bad_input", &["no field \"nmae\"", "did you mean \"name\"?"]);
    fails("pods(\"*\", #{ selecter: \"a\" })", "bad_input", &["no option \"selecter\"", "did you mean \"selector\"?"]);
    fails("pods(\"*\").nmae", SCRIPT, &["array has no property nmae", "items.map(|item| item.nmae)"]);
    fails("let m = #{ a: 1 }; m.b", SCRIPT, &["the map has no b", "keys()"]);
    fails("[1, 2][7]", SCRIPT, &["no item 7", "has 2", "len()"]);
    fails("jwks::provders([])", SCRIPT, &["provders", "did you mean"]);
}

#[test]
fn wrong_types_say_what_would_be_right() {
    fails("pods(1)", SCRIPT, &["pods does not take (int)", "it can be called as"]);
    fails("logs(1)", "bad_input", &["int is no pod", "pods()"]);
    fails("decode_jwt(1)", "bad_input", &["a token is text, not int"]);
    fails("let a = \"a\" - 1;", SCRIPT, &["`-` does not work on (string, int)", "convert"]);
    fails("config_dump(#{ a: 1 })", "bad_input", &["this is no pod: it has a", "namespace"]);
}

#[test]
fn endless_loops_end() {
    for source in ["loop {}", "let n = 0; while true { n += 1 }", "try { loop {} } catch { 1 }"] {
        let output = eval(source, &["--max-operations", "200000"]);
        output.fails(1, "limit", &["the limit of operations", "--max-operations"]);
    }
    eval("fn f(x) { f(x + 1) } f(0)", &[]).fails(1, "limit", &["nested too deeply", "call itself"]);
}

#[test]
fn endless_allocation_ends_before_the_memory_does() {
    let big = "let big = \"x\"; big.pad(4096, 'x'); ";
    let cases = [
        "let s = \"x\"; loop { s += s; }",
        "let a = [1]; loop { a += a; }",
        "let a = []; loop { a.push(big + a.len()); }",
        "let m = #{}; loop { m[\"k\" + m.len()] = big + m.len(); }",
        "let a = []; a.pad(100000000, 0); a.len()",
        "try { let s = \"x\"; loop { s += s; } } catch { 1 }",
    ];
    for source in cases {
        let output = eval(&format!("{big}{source}"), &["--max-memory", "64"]);
        output.fails(1, "limit", &["MiB", "--max-memory"]);
        assert!(output.took < Duration::from_secs(20), "{source}: {:?}", output.took);
    }
}

/// As `… | head -1`: the reader takes one line and leaves. The exit code stays that of the work.
#[test]
fn a_reader_that_leaves_after_the_first_line() {
    use std::io::BufRead;
    for (args, code) in [
        (&["run", "jwks-certificate"][..], 3),
        (&["eval", "for n in 0..20000 { print(`line ${n}`) }"], 0),
        (&["doc"], 0),
        (&["eval", "pods(\"*\")", "-o", "json"], 0),
    ] {
        let home = TempDir::new();
        let mut child = on_tape(&home, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut first = String::new();
        std::io::BufReader::with_capacity(1, child.stdout.take().expect("it is piped")).read_line(&mut first).expect("a line");
        assert!(first.ends_with('\n'), "{args:?}: {first:?}");
        ends(child, code, args);
    }
}

#[test]
fn standard_output_that_was_closed_before() {
    for (command, code) in [("run jwks-certificate", 3), ("eval 'pods(\"*\")'", 0), ("list", 0), ("--help", 0)] {
        let home = TempDir::new();
        let binary = crate::support::run::binary();
        let tape = tapes::path("jwks-certificate-fault");
        let line = format!("exec '{}' --tape '{}' {command} >&-", binary.display(), tape.display());
        let child = std::process::Command::new("sh")
            .args(["-c", &line])
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        ends(child, code, &[command]);
    }
}

#[track_caller]
fn ends(mut child: std::process::Child, code: i32, what: &[&str]) {
    let begun = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(30) {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let stderr = std::io::read_to_string(child.stderr.take().expect("it is piped")).expect("text");
    assert_eq!((status.code(), stderr.as_str()), (Some(code), ""), "{what:?}");
}
