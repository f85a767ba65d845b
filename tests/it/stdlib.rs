//! The standard library's own tests: each `test_*` function of `tests/stdlib/*.rhai`, on the demo tape.

use crate::support::tapes;
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
