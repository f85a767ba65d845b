//! The standard library's own tests: each `test_*` function of `tests/stdlib/*.rhai`, on the demo tape.

use crate::support::run::TempDir;
use crate::support::tapes;
use crate::support::terminal::Terminal;
use pilotage::report::Content;
use std::path::Path;

fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stdlib");
    let paths = std::fs::read_dir(folder).expect("the tests are there").flatten().map(|entry| entry.path());
    paths
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("it can be read"))
        })
        .collect()
}

fn tests(source: &str) -> Vec<&str> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("fn "))
        .filter_map(|rest| rest.split('(').next())
        .filter(|name| name.starts_with("test_"))
        .collect()
}

#[test]
fn every_test_of_the_library_passes() {
    let mut failed = Vec::new();
    for (module, source) in sources() {
        assert!(!tests(&source).is_empty(), "{module} tests nothing");
        for test in tests(&source) {
            let engine = tapes::engine("jwks-certificate-fault");
            engine.eval(&source).unwrap_or_else(|failure| panic!("{module}: {failure}"));
            if let Err(failure) = engine.eval(&format!("{test}()")) {
                failed.push(format!("{module}::{test}: {failure}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_module_of_the_library_is_tested() {
    let tested: Vec<String> = sources().into_iter().map(|(module, _)| module).collect();
    for module in tapes::engine("jwks-certificate-fault").catalog().modules() {
        assert!(tested.contains(&module), "tests/stdlib/{module}.rhai is missing");
    }
}

/// A function of a module would stand in place of a native one of its name for all that is called below it.
#[test]
fn no_function_of_the_library_hides_a_native_one() {
    let engine = tapes::engine("jwks-certificate-fault");
    let catalog = engine.catalog();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stdlib");
    for path in std::fs::read_dir(folder).expect("the library is there").flatten().map(|entry| entry.path()) {
        let source = std::fs::read_to_string(&path).expect("it can be read");
        let functions =
            source.lines().map(|line| line.trim_start_matches("private ")).filter_map(|line| line.strip_prefix("fn "));
        for (name, rest) in functions.filter_map(|line| line.split_once('(')) {
            let count = |arguments: &str| if arguments.is_empty() { 0 } else { arguments.split(',').count() };
            let own = count(rest.split(')').next().unwrap());
            let ways = catalog.signatures(name);
            let native = ways.iter().any(|way| count(way.trim_end_matches(')').split_once('(').unwrap().1) == own);
            // Kept apart by the host: `in` would call it.
            let apart = (name, own) == ("contains", 2);
            assert!(!native || apart, "{}: fn {name} with {own} arguments is named like one of {ways:?}", path.display());
        }
    }
}

#[test]
fn what_a_called_closure_throws_is_the_same_as_without_one() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo"]);
    terminal.prompt();
    for (script, shown) in [
        (r#"assert::fails(|| sync::wait("requestauthentication", "nosuch", "olaf-customer")).kind"#, "not_found"),
        (r#"assert::fails(|| sync::wait("gateway", "x", "y", #{ within: 1 })).message"#, "sync::wait has no option within"),
        (r#"assert::fails(|| assert::contains("whole", "part")).message"#, r#""part" is not in "whole""#),
    ] {
        terminal.line(script);
        terminal.shows(shown);
        terminal.prompt();
    }
}

#[test]
fn a_function_that_stands_in_place_of_a_native_one_is_told_of() {
    let engine = tapes::engine("jwks-certificate-fault");
    engine.eval("fn shown(x) { x } fn table(a, b, c, d, e, f) { 1 } 1").unwrap();
    assert_eq!(engine.take_notes(), Vec::<String>::new());
    engine.eval("fn unique(rows) { rows } 1").unwrap();
    engine.eval("unique([1, 1])").unwrap();
    let notes = engine.take_notes();
    assert!(
        notes.len() == 1 && notes[0].contains("your function unique(rows) stands in place of pilotage's own unique"),
        "{notes:?}"
    );
    let value = engine.eval("fn contains(a, b) { false } 1 in [1]").unwrap();
    assert_eq!((value, engine.take_notes().len()), (Content::Value(false.into()), 1));
}
