//! Sessions in, playbooks out. That they report the same is held in tests/it/save.rs, with the real program.

use super::*;
use crate::Pilotage;
use crate::backend::testing::Script;

/// Type these lines, and what each became.
fn typed(engine: &Pilotage, lines: &[&str]) -> Vec<Input> {
    let input = |line: &&str| {
        let outcome = engine.enter(line);
        Input::new(line, engine.deeds(), outcome.as_ref().map(|shown| shown.number).map_err(|failure| &**failure))
    };
    lines.iter().map(input).collect()
}

fn distilled(lines: &[&str], keep: Keep) -> Result<Distilled> {
    let engine = Pilotage::builder(Script::silent()).build().expect("it builds");
    let inputs = typed(&engine, lines);
    let recorded = Recorded { name: "a-case".into(), at: "today".into(), place: "the tape x".into(), chosen: false };
    engine.distill(&inputs, &recorded, keep)
}

/// What stands below the header.
fn body(lines: &[&str]) -> String {
    let text = distilled(lines, Keep::Needed).unwrap_or_else(|error| panic!("{lines:?}: {error} {:?}", error.causes())).text;
    text.split_once("};\n\n").expect("a header").1.trim_end().to_owned()
}

#[test]
fn what_the_last_result_depends_on_is_kept() {
    for (lines, expected) in [
        (vec!["1 + 1"], "show(1 + 1);"),
        (vec!["let a = 1", "let b = 2", "a", "b", "b + 1"], "let b = 2;\nshow(b + 1);"),
        (vec!["let a = 1", "a + 1", "help(pods)", "help()"], "let a = 1;\nshow(a + 1);"),
        (vec!["let a = 1", "boom(", "a.nope()", "a + 1"], "let a = 1;\nshow(a + 1);"),
        (vec!["let a = 1", "let a = 2", "a"], "let a = 2;\nshow(a);"),
        (vec!["let a = 1", "let a = a + 1", "a"], "let a = 1;\nlet a = a + 1;\nshow(a);"),
        (vec!["let a = [1]", "a.push(2)", "a.len()", "a"], "let a = [1];\na.push(2);\nshow(a);"),
        (vec!["let a = [3, 1]", "a.filter(|x| x > 1)", "a.sort()", "a"], "let a = [3, 1];\na.sort();\nshow(a);"),
        (
            vec!["let a = #{b: 1}", "a.b = 2", "a.c = #{}", "a.c.d = 3", "a"],
            "let a = #{b: 1};\na.b = 2;\na.c = #{};\na.c.d = 3;\nshow(a);",
        ),
        (vec!["let a = 1", "a = 2", "a = 3", "a"], "let a = 1;\na = 3;\nshow(a);"),
        (vec!["let a = 1", "a = 2", "a += 3", "a"], "let a = 1;\na = 2;\na += 3;\nshow(a);"),
        (vec!["let a = 1; let b = 2; a + b", "let c = 5; let d = 6; d"], "let d = 6;\nshow(d);"),
        (
            vec!["let n = 0", "for x in [1, 2] { n += x }", "for x in [1] { let m = x; }", "n"],
            "let n = 0;\nfor x in [1, 2] { n += x }\nshow(n);",
        ),
        (vec!["let x = 5", "for x in [1, 2] { x }", "if true { let x = 3; x = 4; }", "x"], "let x = 5;\nshow(x);"),
        (
            vec!["let a = 1 // the first", "// nothing", "/* why */ a + 1 // sum"],
            "let a = 1; // the first\n/* why */ show(a + 1); // sum",
        ),
        (vec!["const A = 1", "let s = `a ${A} b`", "s"], "const A = 1;\nlet s = `a ${A} b`;\nshow(s);"),
        (
            vec!["let a = 1", "if a == 1 { \"one\" } else { \"more\" }"],
            "let a = 1;\nshow(if a == 1 { \"one\" } else { \"more\" });",
        ),
        (
            vec!["let a = 1", "switch a { 1 => \"one\", _ => \"more\" }"],
            "let a = 1;\nshow(switch a { 1 => \"one\", _ => \"more\" });",
        ),
    ] {
        assert_eq!(body(&lines), expected, "{lines:?}");
    }
}

#[test]
fn help_about_a_bare_name_is_no_obstacle() {
    for line in ["let page = help(pods); page", "help(jwks::rules)"] {
        distilled(&["1", line], Keep::All).unwrap_or_else(|error| panic!("{line}: {error} {:?}", error.causes()));
    }
}

#[test]
fn functions_and_closures_bring_what_they_use() {
    for (lines, expected) in [
        (
            vec!["fn f(x) { g(x) }", "fn g(x) { x + 1 }", "fn h() { 0 }", "f(1)"],
            "fn f(x) { g(x) }\nfn g(x) { x + 1 }\nshow(f(1));",
        ),
        (vec!["fn f(x) { x }", "f(1)", "fn f(x) { x + 1 }", "f(1)"], "fn f(x) { x + 1 }\nshow(f(1));"),
        (
            vec!["fn f(x) { x }", "let a = f(1)", "fn f(x) { x + 1 }", "a + f(1)"],
            "fn f_2(x) { x }\nlet a = f_2(1);\nfn f(x) { x + 1 }\nshow(a + f(1));",
        ),
        (
            vec!["let n = 2", "let f = |x| x * n", "n = 3", "f.call(2)"],
            "let n = 2;\nlet f = |x| x * n;\nn = 3;\nshow(f.call(2));",
        ),
        (
            vec!["let n = 0", "let add = |x| n += x", "add.call(2)", "add.call(3)", "n"],
            "let n = 0;\nlet add = |x| n += x;\nadd.call(2);\nadd.call(3);\nshow(n);",
        ),
        (vec!["let n = 2", "let m = 3", "[1, 5].filter(|x| x > n)"], "let n = 2;\nshow([1, 5].filter(|x| x > n));"),
        (vec!["let x = 2", "let y = [1].map(|x| x)", "y"], "let y = [1].map(|x| x);\nshow(y);"),
        (
            vec!["fn bump() { this += 1; }", "let n = 1", "n.bump()", "n"],
            "fn bump() { this += 1; }\nlet n = 1;\nn.bump();\nshow(n);",
        ),
        (
            vec!["fn f(x) { x }", "fn g(xs) { xs.map(|x| f(x)) }", "g([1])"],
            "fn f(x) { x }\nfn g(xs) { xs.map(|x| f(x)) }\nshow(g([1]));",
        ),
        (vec!["fn f(x) { x }", "let p = Fn(\"f\")", "p.call(3)"], "fn f(x) { x }\nlet p = Fn(\"f\");\nshow(p.call(3));"),
    ] {
        assert_eq!(body(&lines), expected, "{lines:?}");
    }
}

#[test]
fn what_a_failed_line_did_before_is_kept_when_it_matters() {
    for (lines, expected) in [
        (vec!["let a = 5; let b = 6; boom()", "a"], "let a = 5;\nshow(a);"),
        (
            vec!["let a = []", "for x in [1, 2] { a.push(x); if x == 2 { boom() } }", "a"],
            "let a = [];\ntry { for x in [1, 2] { a.push(x); if x == 2 { boom() } }; } catch {}\nshow(a);",
        ),
        (vec!["let a = 1", "a = boom(); a = 3", "a"], "let a = 1;\nshow(a);"),
        (vec!["let a = 1", "let a = boom()", "a"], "let a = 1;\nshow(a);"),
    ] {
        assert_eq!(body(&lines), expected, "{lines:?}");
    }
}

#[test]
fn what_is_told_is_kept_and_said_once() {
    for (lines, expected) in [
        (
            vec!["let a = 1", "let b = 2", "finding(\"info\", \"X1\", `a is ${a}`)", "b"],
            "let a = 1;\nfinding(\"info\", \"X1\", `a is ${a}`);",
        ),
        (vec!["ok(\"fine\")", "1", "ok(\"fine\")"], "ok(\"fine\");"),
        (vec!["print(1)", "let a = 2", "a"], "print(1);\nlet a = 2;\nshow(a);"),
        (
            vec!["fn tell(x) { finding(\"info\", \"X1\", x) }", "for x in [\"a\"] { tell(x) }", "1"],
            "fn tell(x) { finding(\"info\", \"X1\", x) }\nfor x in [\"a\"] { tell(x) }",
        ),
        (vec!["for x in [] { finding(\"error\", \"X1\", x) }", "1 + 1"], "for x in [] { finding(\"error\", \"X1\", x) }"),
        (vec!["let a = 1; let b = 2"], "let b = 2;\nshow(b);"),
    ] {
        assert_eq!(body(&lines), expected, "{lines:?}");
    }
    let error = distilled(&["", "boom("], Keep::Needed).expect_err("nothing");
    assert!(error.message().starts_with("this session has nothing to save"), "{error}");
}

#[test]
fn earlier_results_get_names() {
    for (lines, expected) in [
        (vec!["[3, 1]", "_.len()", "_ + 1"], "let result = [3, 1];\nlet len = result.len();\nshow(len + 1);"),
        (
            vec!["[3, 1]", "[2]", "out[1].len() + out[-1].len()", "_"],
            "let result = [3, 1];\nlet result_2 = [2];\nlet len = result.len() + result_2.len();\nshow(len);",
        ),
        (vec!["let len = 1", "[3].len()", "_ + len"], "let len = 1;\nlet len_2 = [3].len();\nshow(len_2 + len);"),
        (vec!["1 + 1", "boom()", "_"], "let result = 1 + 1;\nshow(result);"),
        (
            vec!["load(`/no/such`)", "_e.message"],
            "let error = ();\ntry { load(`/no/such`); } catch (failure) { error = as_error(failure); }\n\nshow(error.message);",
        ),
        (vec!["[1, 2].map(|_| 5)"], "show([1, 2].map(|_| 5));"),
        (
            vec!["[3, 1]", "[2]", "let n = out.len() - 1; n", "1; out[n].len() + out[out.len() - 2][0]"],
            "let result = [3, 1];\nshow(result.len() + result[0]);",
        ),
        (vec!["[3]", "let n = 0", "[1].map(|i| out[i + n])"], "let result = [3];\nlet n = 0;\nshow([1].map(|i| result));"),
        (vec!["let out = [4, 5]", "let n = 1", "out[n]"], "let out = [4, 5];\nlet n = 1;\nshow(out[n]);"),
        (vec!["if true { 5 } fn f(x) { x }", "_ + 1"], "let result = if true { 5 };\nshow(result + 1);"),
    ] {
        assert_eq!(body(&lines), expected, "{lines:?}");
    }
}

#[test]
fn what_cannot_be_said_in_a_playbook_is_refused_with_the_line_and_what_to_type_instead() {
    for (lines, refused, cause, hint) in [
        (vec!["[1]", "[2]", "[1, 2].map(|n| out[n])"], "[1, 2].map(|n| out[n])", "several results", "the number of each result"),
        (vec!["[1]", "out.len()"], "out.len()", "in a session only", "the number of each result"),
        (vec!["[1]", "let n = [1]", "out[n.pop()]"], "out[n.pop()]", "changes a variable", "the number of each result"),
        (vec!["load(`/no/such`)", "1 2", "_e.kind"], "_e.kind", "was not run at all", "`:save` before it"),
        (
            vec!["let a = 1", "if a == 1 { return 7 } 8"],
            "if a == 1 { return 7 } 8",
            "`return` stands outside",
            "again without `return`",
        ),
        (vec!["6", "return 5", "_"], "return 5", "`return` stands outside", "again without `return`"),
    ] {
        let error = distilled(&lines, Keep::Needed).expect_err(refused);
        assert_eq!(error.message(), format!("this line cannot become part of a playbook: {refused}"));
        assert!(error.causes()[0].contains(cause), "{refused}: {:?}", error.causes());
        assert!(error.next_step().is_some_and(|next| next.contains(hint)), "{refused}: {:?}", error.next_step());
    }
}

#[test]
fn what_is_called_a_secret_and_names_one_stays() {
    let lines = ["let secret = \"istio-ca-secret\"", "let password = \"hunter2\"", "#{ secret: secret, password: password }"];
    let text = distilled_of(&lines).text;
    assert!(text.contains("let secret = \"istio-ca-secret\";\nlet password = params.token;"), "{text}");
    for secret in ["token-4815162342", "pull-the-blue-river-4711"] {
        let lines = [&*format!("let signing_secret = \"{secret}\""), "#{ secret: signing_secret }"];
        let text = distilled_of(&lines).text;
        assert!(text.contains("let signing_secret = params.token;") && !text.contains(secret), "{text}");
    }
}

#[test]
fn every_statement_that_worked_is_kept_on_demand() {
    let lines =
        ["let a = 1", "a", "boom()", "fn f(x) { x }", "f(a)", "fn f(x) { x + 1 }", "f(a)", "out", "out.len()", "return 5", "a"];
    let Distilled { text, notes, .. } = distilled(&lines, Keep::All).unwrap();
    assert_eq!(notes, ["out.len()", "return 5"].map(|line| format!("left out, as it cannot stand in a playbook: {line}")));
    let body = text.split_once("};\n\n").unwrap().1;
    assert_eq!(body, "let a = 1;\nshow(a);\nfn f_2(x) { x }\nshow(f_2(a));\nfn f(x) { x + 1 }\nshow(f(a));\nshow(a);\n");
}

#[test]
fn pods_namespaces_and_secrets_become_parameters() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl";
    let lines = [
        "let web = \"web-0.shop\"",
        "fn name_of(pod) { if pod == \"x/y\" { return endpoints(\"x/y\"); } pod }",
        "name_of(web)",
        &format!("let claims = decode_jwt(\"{token}\").claims.iss"),
        "[#{ namespace: \"shop\" }].filter(|row| row.namespace == \"shop\" && name_of(\"deploy/api.shop\") != \"\" && claims != ())",
    ];
    let distilled = distilled(&lines, Keep::Needed).unwrap();
    assert_eq!(
        distilled.text,
        r#"//! A case: a session, saved.
//!
//! Recorded today on the tape x. It asks: endpoints.

const PLAYBOOK = #{
    title: "A case",
    needs: ["observe"],
    params: #{
        token: #{ kind: "secret", help: "a secret of the session: @FILE reads it from a file" },
        namespace: #{ kind: "namespace", help: "which namespace", value: "shop" },
        pod: #{ kind: "pod", help: "which pod: ns/name, name.ns, deploy/name.ns", value: "deploy/api.shop" },
    },
};

// A function sees no params: "x/y" stays as it was typed.
fn name_of(pod) { if pod == "x/y" { return endpoints("x/y"); } pod }

let claims = decode_jwt(params.token).claims.iss;
show([#{ namespace: params.namespace }].filter(|row| row.namespace == params.namespace && name_of(params.pod) != "" && claims != ()));
"#
    );
    let shown = distilled_of(&[
        "let web = \"web-0.shop\"",
        "let other = [\"a/b\", \"c/d\"]",
        "fn f(pods) { pods }",
        "f(web)",
        "[f(web), f(other)]",
    ]);
    assert_eq!(
        shown.text.split_once("};\n\n").unwrap().1,
        "let web = params.pod;\nlet other = [params.pod_2, params.pod_3];\nfn f(pods) { pods }\nshow([f(web), f(other)]);\n"
    );
    let own = distilled_of(&["let params = 1", "fn f(pod) { pod }", "[params, f(\"a/b\")]"]);
    assert_eq!(
        own.text.split_once("};\n\n").unwrap().1,
        "let given = params;\nlet params = 1;\nfn f(pod) { pod }\nshow([params, f(given.pod)]);\n"
    );
}

fn distilled_of(lines: &[&str]) -> Distilled {
    distilled(lines, Keep::Needed).unwrap_or_else(|error| panic!("{lines:?}: {error} {:?}", error.causes()))
}

#[test]
fn no_secret_is_written_down_wherever_it_stands() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
    for line in [
        format!("fn f() {{ \"{token}\" }} f().len() // {token}"),
        format!("`Bearer ${{1}} {token}`"),
        format!("let t = \"{}\"; t.len()", &token[..24]),
        "let h = \"Authorization: Bearer abcdefgh1234567890\"; h.len()".to_owned(),
        "let k = `-----BEGIN RSA PRIVATE KEY-----\nMIIEabcdefabcdef\n-----END RSA PRIVATE KEY-----`; k.len()".to_owned(),
        "let s = secret(\"hunter2hunter2\"); s.to_string()".to_owned(),
        "let password = \"hunter2\"; password.len()".to_owned(),
        "let o = #{ client_secret: `hunter2`, b: 1 }; o.len()".to_owned(),
        "let o = #{ \"password\": \"hunter2\" }; o.len() // password=hunter2".to_owned(),
        "fn f() { let my_token = \"hunter2 and more\"; my_token } f().len()".to_owned(),
        "let k = \"ghp_16C7e42F292c6912E7710c838347Ae178B4a\"; k.len() // ghp_16C7e42F292c6912E7710c838347Ae178B4a".to_owned(),
        "// run with --token hunter2\n1 + 1".to_owned(),
    ] {
        let text = distilled_of(&[&line]).text;
        for secret in [&token[..24], "abcdefgh123456", "MIIEabcdef", "hunter2", "ghp_16C7"] {
            assert!(!text.contains(secret), "{line}:\n{text}");
        }
    }
}

#[test]
fn the_file_of_a_secret_is_none() {
    let body = body(&["let token = \"./token.txt\"", "#{ token: token, password: \"hunter2\" }"]);
    assert_eq!(body, "let token = \"./token.txt\";\nshow(#{ token: token, password: params.token });");
}

mod laws {
    use super::*;
    use crate::host::Playbook;
    use crate::report::{Content, Item};
    use proptest::prelude::*;
    use serde_json::{Map, Value};
    use std::sync::LazyLock;

    /// Runs what was saved; it keeps nothing from one run to the next.
    static RUNNER: LazyLock<Pilotage> = LazyLock::new(|| Pilotage::builder(Script::silent()).build().unwrap());

    fn name() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "b", "c"])
    }

    /// A statement of a session; many fail, as they do.
    fn statement() -> impl Strategy<Value = String> {
        (0..18, name(), name(), 1..9).prop_map(|(kind, v, w, n)| match kind {
            0 | 1 => format!("let {v} = {n}"),
            2 => format!("let {v} = {w} + {n}"),
            3 => format!("{v} += {n}"),
            4 => format!("{v} = {w} * 2"),
            5 => v.to_owned(),
            6 => format!("let list = [{v}, {n}]"),
            7 => format!("list.push({v})"),
            8 => format!("fn f(x) {{ x + {n} }}"),
            9 => format!("let {v} = f({w})"),
            10 => format!("let g = |x| x * {n} + {v}"),
            11 => format!("{v} = g.call({w})"),
            12 => format!("let h = |x| {{ {v} += x; {v} }}"),
            13 => format!("h.call({n})"),
            14 => format!("{v} += {n}; boom(); {w} = 0"),
            15 => format!("for i in 0..{n} {{ {v} += i; if i == 3 {{ throw i }} }}"),
            16 => format!("fn k(x) {{ f(x) * {n} }}"),
            _ => format!("let {v} = k({w}); {v} + {n}"),
        })
    }

    /// What a session shows last, and what its playbook reports.
    fn both(lines: &[String], keep: Keep) -> Option<(Value, Vec<Value>)> {
        let engine = Pilotage::builder(Script::silent()).build().unwrap();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let inputs = typed(&engine, &lines);
        let shown = match engine.eval("[a, b, c, list]") {
            Ok(Content::Value(value)) => value,
            other => panic!("{other:?}"),
        };
        let last = Input::new("[a, b, c, list]", engine.deeds(), Ok(Some(1000)));
        let inputs: Vec<Input> = inputs.into_iter().chain([last]).collect();
        let distilled = match RUNNER.distill(&inputs, &Recorded { name: "x".into(), ..Recorded::default() }, keep) {
            Ok(distilled) => distilled,
            // Two versions of a function that a third calls are refused.
            Err(error) if error.causes().iter().any(|cause| cause.contains("two versions")) => return None,
            Err(error) => panic!("{error} {:?}", error.causes()),
        };
        let playbook = Playbook::parse("x", None, &distilled.text).unwrap();
        let report = RUNNER.run(&playbook, Map::new()).unwrap_or_else(|failed| panic!("{}\n{}", failed.failure, distilled.text));
        let items = report.sections.into_iter().flat_map(|section| section.items);
        let text = |item| match item {
            Item::Text(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
            other => panic!("{other:?}"),
        };
        Some((shown, items.map(text).collect()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_playbook_reports_what_the_session_showed(lines in prop::collection::vec(statement(), 1..14), joined in any::<bool>()) {
            let mut session: Vec<String> = vec!["let a = 1; let b = 2; let c = 3; let list = []".into()];
            if joined {
                session.extend(lines.chunks(3).map(|chunk| chunk.join("; ")));
            } else {
                session.extend(lines);
            }
            if let Some((shown, reported)) = both(&session, Keep::Needed) {
                prop_assert_eq!(reported, [shown]);
            }
            if let Some((shown, reported)) = both(&session, Keep::All) {
                prop_assert_eq!(reported.last(), Some(&shown));
            }
        }
    }
}

#[test]
fn a_command_that_gave_a_result_is_told_and_no_earlier_result_is_taken_for_it() {
    let engine = Pilotage::builder(Script::silent()).build().expect("it builds");
    let mut inputs = typed(&engine, &["[1, 2]"]);
    let report = engine.keep(":run mine", serde_json::json!({"findings": [3]}));
    inputs.push(Input::command(":run mine", report.number));
    let recorded = Recorded { name: "a-case".into(), ..Recorded::default() };
    let saved = |inputs: &[Input], keep| engine.distill(inputs, &recorded, keep);
    for keep in [Keep::Needed, Keep::All] {
        let kept = saved(&inputs, keep).expect("the first line can be kept");
        assert!(kept.text.ends_with("show([1, 2]);\n"), "{}", kept.text);
        assert_eq!((kept.kept, kept.notes.len()), ((1, 1), 1));
        assert!(kept.notes[0].contains("`:run mine` is no part"), "{:?}", kept.notes);
    }
    for line in ["_.findings.len()", "out[2].findings", "out[-1]"] {
        let mut inputs = inputs.clone();
        inputs.extend(typed(&engine, &[line]));
        // Each of them is typed behind one more result.
        engine.keep(":run mine", serde_json::json!({"findings": [3]}));
        let error = saved(&inputs, Keep::Needed).expect_err(line);
        assert!(error.causes().join(" ").contains("a command gave it"), "{line}: {error:?}");
    }
}
