//! What the engine to embed promises.

use super::bind;
use super::pilotage::*;
use crate::backend::testing::Script;
use crate::error::{Error, Kind};
use crate::host::{Failure, Limits, Output, Place, Playbook};
use crate::report::Content;
use serde_json::{Map, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Output for Kept {
    fn print(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
}

fn pilotage() -> Pilotage {
    Pilotage::builder(Script::silent()).build().expect("it builds")
}

fn failure(source: &str) -> Failure {
    *pilotage().eval(source).expect_err("it fails")
}

#[test]
fn variables_and_functions_live_on() {
    let engine = pilotage();
    engine.eval("let a = 20; fn twice(x) { x * 2 }").unwrap();
    assert_eq!(engine.eval("twice(a) + 2").unwrap(), Content::Value(json!(42)));
    assert!(engine.eval("boom").is_err());
    assert_eq!(engine.eval("a").unwrap(), Content::Value(json!(20)), "a failure loses nothing");
}

#[test]
fn print_goes_to_the_output() {
    let kept = Arc::new(Kept::default());
    let engine = Pilotage::builder(Script::silent()).output(kept.clone()).build().unwrap();
    engine.eval("print(`one ${1 + 1}`)").unwrap();
    assert_eq!(*kept.0.lock().unwrap(), ["one 2"]);
}

#[test]
fn failures_know_their_place_and_the_next_step() {
    let failure = failure("let x = 1;\nlet y = podz(x);");
    assert_eq!(failure.position, Some(Place { line: 2, column: 9 }));
    assert_eq!(failure.error.message(), "there is no function podz");
    assert!(failure.error.next_step().is_some_and(|hint| hint.contains("did you mean")), "{failure:?}");
}

#[test]
fn a_wrong_type_lists_the_ways_to_call() {
    let failure = failure("section(1)");
    assert_eq!(failure.error.message(), "section does not take (int)");
    assert_eq!(failure.error.next_step(), Some("it can be called as section(title: string)"));
}

#[test]
fn syntax_errors_and_unfinished_input_are_told_apart() {
    let engine = pilotage();
    for source in ["let x = [1,", "fn f() {", "if true {", "`abc", "1 +", "#{ a: 1,", "f(\"`\", `a", "#\"a\" b", "/* a"] {
        assert!(engine.is_incomplete(source), "{source}");
    }
    for source in ["1 2", "}", "let x = \"abc", "1 + 1", "", "`/*`", "// `", "let x = \"`"] {
        assert!(!engine.is_incomplete(source), "{source}");
    }
    assert!(failure("1 2").error.message().starts_with("syntax error"));
}

#[test]
fn names_that_lines_left_behind_are_known() {
    let engine = pilotage();
    engine.eval("let a = 1; let b = 2; let a = 3; fn double(x, times) { let inner = x; inner * times }").unwrap();
    engine.eval("let c = |x| x").unwrap();
    let names = engine.names();
    assert_eq!(names.variables, ["c", "b", "a"]);
    assert_eq!(names.functions, [("double".to_owned(), vec!["x".to_owned(), "times".to_owned()])]);
}

#[test]
fn runaway_scripts_are_stopped() {
    let limits = Limits { operations: 100_000, ..Limits::default() };
    let engine = Pilotage::builder(Script::silent()).limits(limits).build().unwrap();
    assert_eq!(engine.eval("loop {}").expect_err("endless").error.kind(), Kind::Limit);
    assert_eq!(engine.eval("fn f(x) { f(x + 1) } f(0)").expect_err("deep").error.kind(), Kind::Limit);
    let limits = Limits { memory: Some((1 << 20, || 2 << 20)), ..Limits::default() };
    let engine = Pilotage::builder(Script::silent()).limits(limits).build().unwrap();
    assert_eq!(engine.eval("let a = []; loop { a.push(1) }").expect_err("greedy").error.kind(), Kind::Limit);
}

#[test]
fn an_interrupt_ends_a_loop_and_a_waiting_call_and_cannot_be_caught() {
    for source in ["try { loop {} } catch { 1 }", "try { pods() } catch { 1 }", "sleep(30)", "sleep(30.5)"] {
        let engine = pilotage();
        let interrupt = engine.interrupt();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            interrupt.trigger();
        });
        let begun = Instant::now();
        let failure = engine.eval(source).expect_err("interrupted");
        stopper.join().unwrap();
        assert_eq!(failure.error.kind(), Kind::Interrupted, "{source}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn caught_errors_can_be_read() {
    let engine = pilotage();
    let source = "let kind = ``; try { load(`/no/such`) } catch (e) { kind = e.kind } kind";
    assert_eq!(engine.eval(source).unwrap(), Content::Text("file".into()));
}

#[test]
fn what_never_ends_is_not_loaded() {
    for path in ["/dev/zero", "/"] {
        assert!(failure(&format!("load(`{path}`)")).error.message().ends_with("is no ordinary file"), "{path}");
    }
}

#[test]
fn a_playbook_reports_and_may_not_leave_its_folder() {
    let engine = pilotage();
    let source = r#"const PLAYBOOK = #{ title: "T", params: #{ token: #{ kind: "secret", value: "" } } };
        section("One"); print("hello"); finding("warning", "X1", "odd", #{ evidence: "line" });
        print(params.token); load("/etc/hostname");"#;
    let playbook = Playbook::parse("t", None, source).unwrap();
    let params = json!({"token": "hunter2"}).as_object().cloned().unwrap();
    let failed = engine.run(&playbook, params).expect_err("the file lies outside");
    assert_eq!(failed.failure.error.kind(), Kind::Refused, "{failed:?}");
    assert_eq!(failed.report.findings().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["X1"]);
    assert!(!format!("{failed:?}").contains("hunter2"));
}

#[test]
fn hidden_files_are_no_playbooks_business() {
    for source in ["load(`.kube/config`)", "load(`a/.ssh/id`)", "save(1, `./.pilotage-hidden`)"] {
        let playbook = Playbook::parse("t", None, &format!("const PLAYBOOK = #{{ title: \"T\" }}; {source}")).unwrap();
        let failed = pilotage().run(&playbook, Map::new()).expect_err(source);
        assert_eq!(failed.failure.error.kind(), Kind::Refused, "{source}: {failed:?}");
    }
}

#[test]
fn a_playbook_that_panics_takes_no_report_with_it() {
    let mut module = rhai::Module::new();
    module.set_native_fn("boom", || -> std::result::Result<(), Box<rhai::EvalAltResult>> { panic!("a defect") });
    let kept = Arc::new(Kept::default());
    let engine = Pilotage::builder(Script::silent()).module("x", module).output(kept.clone()).build().unwrap();
    let playbook = Playbook::parse("t", None, r#"const PLAYBOOK = #{ title: "T" }; print("in it"); boom();"#).unwrap();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.run(&playbook, Map::new())));
    assert!(outcome.is_err());
    engine.eval("print(`after it`)").unwrap();
    assert_eq!(*kept.0.lock().unwrap(), ["after it"]);
}

#[test]
fn a_playbook_replaces_no_file() {
    let source = r#"const PLAYBOOK = #{ title: "T" }; save("x", "Cargo.toml");"#;
    let failed = pilotage().run(&Playbook::parse("t", None, source).unwrap(), Map::new()).expect_err("it exists");
    assert_eq!(failed.failure.error.kind(), Kind::Refused, "{failed:?}");
}

#[test]
fn an_error_of_the_domain_keeps_its_kind() {
    assert_eq!(Failure::from(Error::new(Kind::Tls, "x")).error.kind(), Kind::Tls);
}

#[test]
fn every_column_and_option_can_be_written_in_a_script() {
    let engine = rhai::Engine::new();
    for schema in bind::schemas() {
        for name in schema.names() {
            let read = format!("let row = #{{}}; row.{name}; #{{ {name}: 1 }}");
            assert!(engine.compile(&read).is_ok(), "{}.{name} is a reserved word", schema.name);
        }
    }
}
