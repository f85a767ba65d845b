//! Reports as people see them: at several widths, with and without colors, with hostile text.

use super::*;
use crate::report::Table;
use serde_json::json;

/// A report that has one of everything.
pub(crate) fn sample() -> Report {
    let fault = Finding {
        code: "JWKS001".into(),
        severity: Severity::Error,
        text: "istiod never obtained the keys of https://issuer.example/realms/customer from https://issuer.example/certs".into(),
        resource: "RequestAuthentication/shop/customerjwt".into(),
        evidence: vec![
            json!("2026-11-22T10:00:01Z warn x509: certificate signed by unknown authority"),
            json!({"proxy": "web-1.shop", "key": "stand-in"}),
            json!({"proxy": "web-2.shop", "key": "stand-in"}),
        ],
        fix: "kubectl apply -f - <<'EOF'\nkind: RequestAuthentication\nspec: {jwks: '{\"keys\": [a very long line that is wider than any terminal would ever be, and stays whole]}'}\nEOF\n".into(),
        docs: String::new(),
    };
    let good = Finding {
        code: String::new(),
        severity: Severity::Ok,
        text: "the chain is complete".into(),
        resource: String::new(),
        evidence: vec![],
        fix: String::new(),
        docs: String::new(),
    };
    let rows = Table {
        columns: vec!["pod".into(), "ready".into()],
        rows: vec![vec![json!("web-1"), json!(true)]].into(),
        ..Table::default()
    };
    Report {
        title: "JWKS certificate investigation".into(),
        params: json!({"namespace": "shop", "token": ""}).as_object().cloned().unwrap_or_default(),
        sections: vec![
            Section { title: "What istiod could not fetch".into(), items: vec![Item::Finding(fault)] },
            Section {
                title: "The chain".into(),
                items: vec![Item::Text("as served now".into()), Item::Table(rows), Item::Finding(good)],
            },
        ],
        notes: vec!["pod shop/web-3 did not answer: timeout after 5 s, although it is running; its proxy was left out".into()],
    }
}

#[test]
fn a_report_in_a_pipe() {
    insta::assert_snapshot!(report(&sample(), &Look::plain()), @r#"
    JWKS certificate investigation
      namespace  shop

    What istiod could not fetch
    ✗ error JWKS001  istiod never obtained the keys of https://issuer.example/realms/customer from https://issuer.example/certs
      on RequestAuthentication/shop/customerjwt
        2026-11-22T10:00:01Z warn x509: certificate signed by unknown authority
        proxy       key
        web-1.shop  stand-in
        web-2.shop  stand-in
      fix below, under Repair

    The chain
    as served now
    pod    ready
    web-1  true
    ✓ ok  the chain is complete

    Repair

    JWKS001  RequestAuthentication/shop/customerjwt

    kubectl apply -f - <<'EOF'
    kind: RequestAuthentication
    spec: {jwks: '{"keys": [a very long line that is wider than any terminal would ever be, and stays whole]}'}
    EOF

    Notes
    - pod shop/web-3 did not answer: timeout after 5 s, although it is running; its proxy was left out

    ✗ error  1 error, 1 ok · JWKS001 · 1 note
    "#);
}

#[test]
fn a_report_in_80_columns() {
    insta::assert_snapshot!(report(&sample(), &Look::fitted(80)), @r#"
    JWKS certificate investigation
      namespace  shop

    What istiod could not fetch
    ✗ error JWKS001  istiod never obtained the keys of
                     https://issuer.example/realms/customer from
                     https://issuer.example/certs
      on RequestAuthentication/shop/customerjwt
        2026-11-22T10:00:01Z warn x509: certificate signed by unknown authority
        proxy       key
        web-1.shop  stand-in
        web-2.shop  stand-in
      fix below, under Repair

    The chain
    as served now
    pod    ready
    web-1  true
    ✓ ok  the chain is complete

    Repair

    JWKS001  RequestAuthentication/shop/customerjwt

    kubectl apply -f - <<'EOF'
    kind: RequestAuthentication
    spec: {jwks: '{"keys": [a very long line that is wider than any terminal would ever be, and stays whole]}'}
    EOF

    Notes
    - pod shop/web-3 did not answer: timeout after 5 s, although it is running; its
      proxy was left out

    ✗ error  1 error, 1 ok · JWKS001 · 1 note
    "#);
}

#[test]
fn a_fix_is_pasteable_at_any_width_with_colours_too() {
    let fix = "kubectl apply -f - <<'EOF'\nkind: RequestAuthentication\n";
    for look in [Look::fitted(40), Look { color: true, ..Look::fitted(120) }] {
        assert!(report(&sample(), &look).contains(&format!("\n{fix}")));
        assert!(report(&sample(), &look).contains("would ever be, and stays whole]}'}\nEOF\n"));
    }
}

#[test]
fn long_evidence_hangs_at_a_terminal_and_stays_one_line_in_a_pipe() {
    let line = "the first piece of evidence is rather long";
    let proof = [Value::from(line), Value::from("the second")];
    let fitted = evidence(&proof, &Look::fitted(34));
    assert_eq!(fitted, "    the first piece of evidence\n      is rather long\n    the second\n");
    assert_eq!(evidence(&proof, &Look::plain()), format!("    {line}\n    the second\n"));
}

#[test]
fn the_last_line_is_the_verdict() {
    let text = report(&sample(), &Look::plain());
    assert_eq!(text.lines().last(), Some("✗ error  1 error, 1 ok · JWKS001 · 1 note"));
    let empty = report(&Report { title: "t".into(), ..Report::default() }, &Look::plain());
    assert_eq!(empty, "t\n\n✓ ok  no findings\n");
    let mut good = sample();
    good.sections.remove(0);
    good.notes.clear();
    assert_eq!(verdict(&good, &Look::plain()), "✓ ok  nothing wrong in 1 check");
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let mut report = sample();
    report.notes = vec!["\u{1b}]0;owned\u{7}".into()];
    let text = self::report(&report, &Look::plain());
    assert!(!text.contains('\u{1b}') && text.contains("␛]0;owned\\u{7}"), "{text:?}");
}

#[test]
fn every_kind_of_value_has_a_form() {
    let show = |value: Content| super::super::in_memory(|out| write(out, &value, &Look::plain()));
    assert_eq!(show(Content::Nothing), "");
    let show = |value: Value| show(Content::Value(value));
    assert_eq!(show(json!("a\nb")), "a\nb\n");
    assert_eq!(show(json!("")), "");
    assert_eq!(show(json!(3)), "3\n");
    assert_eq!(show(json!([{"a": 1}])), "a\n1\n");
    assert_eq!(show(json!({"a": [1]})), "{\n  \"a\": [\n    1\n  ]\n}\n");
}
