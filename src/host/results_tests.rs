//! Results kept from one typed line to the next.

use super::*;
use crate::Pilotage;
use crate::backend::testing::Script;
use serde_json::json;

fn session() -> Pilotage {
    Pilotage::builder(Script::silent()).build().expect("it builds")
}

#[track_caller]
fn gives(session: &Pilotage, source: &str, wanted: &Value) -> Option<usize> {
    let shown = session.enter(source).unwrap_or_else(|failure| panic!("{source}: {failure}"));
    let content = match shown.content {
        Content::Text(text) => text.into(),
        Content::Table(table) => serde_json::to_value(table.records()).unwrap(),
        Content::Value(value) => value,
        Content::Document(node) => node.to_value().unwrap(),
        Content::Nothing => Value::Null,
        Content::Page(page) => page.data,
    };
    assert_eq!(&content, wanted, "{source}");
    shown.number
}

fn fails(session: &Pilotage, source: &str) -> Error {
    session.enter(source).expect_err(source).error
}

#[test]
fn the_last_result_and_all_before_it_can_be_used_again() {
    let session = session();
    assert_eq!(gives(&session, "_", &json!(null)), None);
    assert_eq!(gives(&session, "[1, 2, 3]", &json!([1, 2, 3])), Some(1));
    assert_eq!(gives(&session, "_.len()", &json!(3)), Some(2));
    assert_eq!(gives(&session, "let x = 5;", &json!(null)), None);
    assert_eq!(gives(&session, "_ + x", &json!(8)), Some(3));
    assert_eq!(gives(&session, "out[1][2] + out[-1]", &json!(11)), Some(4));
    assert_eq!(gives(&session, "out[1].map(|n| n + _)", &json!([12, 13, 14])), Some(5));
    assert_eq!(gives(&session, "[7].filter(|_| true)", &json!([7])), Some(6));
    assert_eq!(gives(&session, "switch _ { 1 => 1, _ => `${_}` }", &json!("[7]")), Some(7));
    gives(&session, "`${out[1]} ${out[2]} ${out[7]}`", &json!("[1, 2, 3] 3 [7]"));
    gives(&session, "\"\" + out[1] + out[1].to_string() + _", &json!("[1, 2, 3][1, 2, 3][1, 2, 3] 3 [7]"));
    gives(&session, "type_of(out[1]) + type_of(_)", &json!("arraystring"));
    assert_eq!(gives(&session, "let n = 0; for one in out { n += 1; } n == out.len()", &json!(true)), Some(11));
}

#[test]
fn a_look_at_a_result_is_no_new_one() {
    let session = session();
    gives(&session, "[1]", &json!([1]));
    gives(&session, "\"text\"", &json!("text"));
    assert_eq!(gives(&session, " _ ", &json!("text")), Some(2));
    assert_eq!(gives(&session, "out[ -2 ]", &json!([1])), Some(1));
    assert_eq!(gives(&session, "let out = [4]; out[0]", &json!(4)), Some(3));
    assert_eq!(gives(&session, "out[0]", &json!(4)), Some(4), "a variable may take the name");
}

#[test]
fn what_was_kept_stays_as_it_came() {
    let session = session();
    gives(&session, "let a = [1]; a", &json!([1]));
    gives(&session, "let f = |x| a.len() + x; a.push(2); f.call(0)", &json!(2));
    gives(&session, "a", &json!([1, 2]));
    gives(&session, "a.push(3); let b = _; b.push(9); b.len()", &json!(3));
    gives(&session, "out[3]", &json!([1, 2]));
    gives(&session, "out[1]", &json!([1]));
    let error = fails(&session, "out[1].push(4)");
    assert_eq!(error.message(), "push changes the value it is called on, and this one is constant");
    for source in ["_ = 3", "out[1] = 3", "out = 3"] {
        fails(&session, source);
    }
    gives(&session, "[2, 1]", &json!([2, 1]));
    gives(&session, "_.map(|n| n + out.len())", &json!([7, 6]));
    assert!(fails(&session, "_.map(|n| n + _.len())").message().contains("the very value"));
    gives(&session, "for n in _ { n += 1; } _[0]", &json!(7));
    gives(&session, "let rows = [#{ a: 1 }]; rows", &json!([{"a": 1}]));
    gives(&session, "let one = _[0]; one.a = 2; let all = _; all[0].a = 3; one.a + all[0].a + _[0].a", &json!(6));
    gives(&session, "3", &json!(3));
    gives(&session, "let _ = 77;", &json!(null));
    gives(&session, "_", &json!(3));
}

#[test]
fn a_missing_result_is_told_with_those_that_are_there() {
    let session = session();
    assert!(fails(&session, "out[1]").next_step().is_some_and(|hint| hint.contains("none is kept yet")));
    gives(&session, "1", &json!(1));
    for (source, message) in [("out[2]", "there is no result 2"), ("out[0]", "there is no result 0"), ("out[-2]", "no result -2")]
    {
        let failure = session.enter(source).expect_err(source);
        assert!(failure.error.message().contains(message), "{failure:?}");
        assert!(failure.error.next_step().is_some_and(|hint| hint.contains("out[1] to out[1] are kept")), "{failure:?}");
        assert_eq!(failure.position.map(|place| place.line), Some(1), "{failure:?}");
    }
    assert_eq!(session.result(5).expect_err("there is none").kind(), Kind::NotFound);
    assert_eq!(session.result(-1).expect("the last").number, Some(1));
}

#[test]
fn the_oldest_are_given_up() {
    let session = session();
    for number in 0..150 {
        assert_eq!(gives(&session, &format!("{number}"), &json!(number)), Some(number + 1));
    }
    assert_eq!(gives(&session, "out.len()", &json!(MOST)), Some(151));
    assert_eq!(gives(&session, "out[100]", &json!(99)), Some(100));
    let error = fails(&session, "out[50]");
    assert!(error.causes()[0].contains("oldest are given up"), "{error:?}");
}

#[test]
fn memory_is_given_back_before_it_runs_short() {
    let limits = Limits { memory: Some((100, || 51)), ..Limits::default() };
    let session = Pilotage::builder(Script::silent()).limits(limits).build().expect("it builds");
    gives(&session, "1", &json!(1));
    gives(&session, "2", &json!(2));
    gives(&session, "out.len()", &json!(1));
    gives(&session, "_ + 0", &json!(1));
    assert_eq!(fails(&session, "out[2]").kind(), Kind::NotFound);
}

#[test]
fn the_last_failure_can_be_read() {
    let session = session();
    gives(&session, "_e", &json!(null));
    fails(&session, "throw #{ kind: \"timeout\", message: \"too late\", hint: \"wait\" }");
    gives(&session, "[_e.kind, _e.message, _e.hint]", &json!(["timeout", "too late", "wait"]));
    fails(&session, "1 +");
    gives(&session, "_e.message.starts_with(\"syntax error\")", &json!(true));
}

#[test]
fn results_list_themselves_and_are_not_kept() {
    let session = session();
    gives(&session, "[1,\n 2]", &json!([1, 2]));
    gives(&session, "#{ a: 1 }", &json!({"a": 1}));
    gives(&session, "7", &json!(7));
    let rows = json!([
        {"out": 1, "result": "2 × int", "typed": "[1,  2]"},
        {"out": 2, "result": "map", "typed": "#{ a: 1 }"},
        {"out": 3, "result": "7", "typed": "7"},
    ]);
    assert_eq!(gives(&session, "out", &rows), None);
    assert_eq!(gives(&session, "let keep = out; keep.len()", &json!(3)), Some(4));
}

#[test]
fn help_is_a_look_and_no_result() {
    let session = session();
    gives(&session, "41", &json!(41));
    for look in ["help(pods)", "help()", "help(\"503 UH\")"] {
        assert_eq!(session.enter(look).expect(look).number, None, "{look}");
    }
    gives(&session, "_ + 1", &json!(42));
}

#[test]
fn a_name_that_is_no_variable_leads_to_what_it_may_mean() {
    let session = session();
    gives(&session, "let customer = 1; fn mine() { 1 }", &json!(null));
    for (typed, wanted) in [
        ("pods", "it is a function: `pods()` calls it, `help(pods)` tells all of it"),
        ("endpoints", "`endpoints(…)` calls it"),
        ("jwks", "it is a module: `jwks::…`"),
        ("custmer", "did you mean customer?"),
        ("endpoitns", "did you mean endpoints()?"),
        ("help", "`:help`, or `help()`"),
        ("kubectl get pods", "declare it first"),
    ] {
        let error = fails(&session, typed);
        assert!(error.message().starts_with("there is no variable "), "{error:?}");
        assert!(error.next_step().is_some_and(|hint| hint.contains(wanted)), "{typed}: {error:?}");
    }
}

#[test]
fn only_what_is_typed_sees_results() {
    let session = session();
    let alone = |source| session.eval(source).expect_err("not in sight").error;
    assert!(alone("_").message().contains("there is no variable _"));
    assert!(alone("out[1]").message().contains("there is no variable out"));
    gives(&session, "41", &json!(41));
    let playbook =
        crate::host::Playbook::parse("t", None, "const PLAYBOOK = #{ title: \"T\" }; print([1].map(|_| 2)); _").unwrap();
    let failed = session.run(&playbook, serde_json::Map::new()).expect_err("no result is in sight there");
    assert!(failed.failure.error.message().contains("there is no variable _"), "{failed:?}");
}

#[test]
fn variables_live_on_beside_results() {
    let session = session();
    session.eval("let before = 1; fn twice(x) { x * 2 }").unwrap();
    gives(&session, "let x = twice(before); const y = 3; x", &json!(2));
    assert!(session.enter("let z = 9; boom").is_err());
    gives(&session, "x + y + before", &json!(6));
    fails(&session, "y = 4");
    assert!(!session.is_incomplete("_.len()"));
    assert!(session.is_incomplete("_.map(|_| "));
}

#[test]
fn lists_of_results_show_no_secret_that_was_typed() {
    let session = session();
    gives(&session, "[#{ password: \"hunter2\" }].len()", &json!(1));
    let far_behind = format!("[{}].len() + secret(`hunter2`).len()", "1, ".repeat(TYPED));
    gives(&session, &far_behind.replace(" + secret(`hunter2`).len()", ""), &json!(TYPED));
    session.enter(&far_behind.replace("].len() + ", "]; ").replace(".len()", "")).expect("it runs");
    let listed: Vec<String> = session.results().into_iter().map(|one| one.typed).collect();
    assert_eq!(listed, ["…", &format!("{}…", &far_behind[..TYPED]), "…"]);
    let shown = session.enter("out").expect("it runs").content;
    assert!(matches!(shown, Content::Table(table) if table.rows.len() == 3 && !format!("{:?}", table.rows).contains("hunter2")));
}
