//! Laws over everything a script can call, present and future.

use crate::support::run::run_pilotage;
use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::host::{Catalog, Entry};
use pilotage::report::Content;
use std::path::PathBuf;

fn entries(catalog: &Catalog) -> impl Iterator<Item = &Entry> {
    assert!(catalog.entries.len() > 60, "the catalog lost functions: {}", catalog.entries.len());
    catalog.entries.iter()
}

#[test]
fn every_function_has_a_summary_and_an_example() {
    let engine = tapes::engine("jwks-certificate-fault");
    for entry in entries(engine.catalog()) {
        assert!(entry.summary.ends_with(['.', ':']) && entry.summary.len() > 15, "{}: {:?}", entry.full_name(), entry.summary);
        let shown = entry.examples.iter().any(|example| example.result.is_some());
        assert!(shown, "{} has no example that says what it gives", entry.full_name());
    }
}

/// Examples are what people copy: each runs on the demo tape, and gives what it says it gives.
#[test]
fn every_example_runs_and_is_true() {
    let catalog = tapes::engine("jwks-certificate-fault");
    let mut wrong = Vec::new();
    for entry in entries(catalog.catalog()) {
        for example in &entry.examples {
            // Each in an engine of its own: an example must not need another.
            let engine = tapes::engine("jwks-certificate-fault");
            match (run(&engine, &example.code), &example.result) {
                (Err(error), _) => wrong.push(format!("{}: {error}\n{}", entry.full_name(), example.code)),
                (Ok(found), Some(told)) if found != *told => {
                    wrong.push(format!("{}: says {told}, gives {found}\n{}", entry.full_name(), example.code));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} examples are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// The example's last value, as JSON text.
fn run(engine: &Pilotage, code: &str) -> Result<String, String> {
    match engine.eval(code) {
        Ok(Content::Nothing) => Ok("()".into()),
        Ok(Content::Page(page)) => Ok(page.data.to_string()),
        Ok(Content::Text(text)) => Ok(serde_json::Value::from(text).to_string()),
        Ok(Content::Value(value)) => Ok(value.to_string()),
        Ok(Content::Document(node)) => Ok(node.to_value().map_err(|error| error.to_string())?.to_string()),
        Ok(Content::Table(table)) if table.rows.len() == 1 => Ok("1 row".into()),
        Ok(Content::Table(table)) => Ok(format!("{} rows", table.rows.len())),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn names_are_lower_case_words_and_unique_in_their_module() {
    let engine = tapes::engine("jwks-certificate-fault");
    let mut seen = std::collections::HashSet::new();
    for entry in entries(engine.catalog()) {
        let legal = entry.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        assert!(legal, "{}", entry.name);
        assert!(seen.insert((entry.family.clone(), entry.name.clone())), "{} stands twice in {}", entry.name, entry.family);
    }
}

#[test]
fn overloads_call_the_same_parameter_by_the_same_name() {
    let engine = tapes::engine("jwks-certificate-fault");
    for entry in entries(engine.catalog()) {
        let first = |signature: &String| {
            let inside = signature.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
            inside.split([':', ',']).next().unwrap_or_default().trim().to_string()
        };
        let names: std::collections::HashSet<String> =
            entry.signatures.iter().map(first).filter(|name| !name.is_empty()).collect();
        assert!(names.len() < 2 || entry.family == "json", "{}: {:?}", entry.full_name(), entry.signatures);
    }
}

#[test]
fn the_vocabulary_of_the_design_is_there() {
    let engine = tapes::engine("jwks-certificate-fault");
    let catalog = engine.catalog();
    let words = "pods services deployments namespaces get events logs can_i context istiods istiod_logs config_dump filters admin \
                 fetch_jwks tls_chain verify_chain parse_pem decode_jwt verify_jwt jsonpath table json yaml save load section finding \
                 ok note now";
    for word in words.split_whitespace() {
        assert!(catalog.find(word).is_some(), "{word} is missing");
    }
}

#[test]
fn what_a_function_says_it_returns_is_what_it_returns() {
    let engine = tapes::engine("jwks-certificate-fault");
    for (call, name) in [("pods()", "pods"), ("istiods()", "istiods"), ("services()", "services"), ("events()", "events")] {
        let Ok(Content::Table(table)) = engine.eval(call) else { panic!("{call} gives rows") };
        let schema =
            engine.catalog().find(name).and_then(|entry| entry.rows.first()).unwrap_or_else(|| panic!("{name} names its rows"));
        assert_eq!(table.columns, schema.names().collect::<Vec<_>>(), "{name}");
    }
}

/// After a change that is meant: `INSTA_UPDATE=always cargo test --test it catalog::`, and read the difference.
#[test]
fn the_reference_is_current() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/reference.md");
    let made = run_pilotage(&["doc"], &[]).stdout;
    if std::env::var("INSTA_UPDATE").is_ok_and(|accept| accept == "always") {
        std::fs::write(&file, &made).expect("the reference can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = made.lines().zip(kept.lines()).position(|(made, kept)| made != kept);
    assert!(
        made == kept,
        "src/reference.md is not what `pilotage doc` says, from line {differs:?} on: \
         `INSTA_UPDATE=always cargo test --test it catalog::` accepts that"
    );
}
