//! Options of all functions about proxies: what is misspelt or out of range is told before anybody is asked.

use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use pilotage::Pilotage;
use pilotage::backend::{Answer, Backend, Query};
use pilotage::error::{Error, Kind, Result};
use pilotage::host::Entry;
use std::sync::Arc;

/// A mesh that must not be asked anything.
struct Silence;

impl Backend for Silence {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        ready(Err(Error::new(Kind::Internal, format!("asked: {query}")))).boxed()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn cluster(&self) -> String {
        "silence".into()
    }

    fn describe(&self) -> String {
        "silence".into()
    }
}

fn engine() -> Pilotage {
    Pilotage::builder(Arc::new(Silence)).build().unwrap()
}

/// Functions about a proxy, by the name of their first parameter, that take options.
fn functions(engine: &Pilotage) -> Vec<&Entry> {
    let about_proxies = |entry: &&Entry| entry.options.is_some() && entry.signatures.iter().any(|way| way.contains("(proxy"));
    engine.catalog().entries.iter().filter(about_proxies).collect()
}

#[track_caller]
fn fails(engine: &Pilotage, source: &str, kind: Kind, words: &[&str]) {
    let failure = engine.eval(source).expect_err(source);
    let said = format!("{} {}", failure.error, failure.error.next_step().unwrap_or_default());
    assert_eq!(failure.error.kind(), kind, "{source}: {said}");
    for word in words {
        assert!(said.contains(word), "{source}: {word:?} is not in: {said}");
    }
}

#[test]
fn misspelt_options_and_fields_name_the_nearest_in_every_function() {
    let engine = engine();
    let functions = functions(&engine);
    assert!(functions.len() >= 8, "{:?}", functions.iter().map(|entry| &entry.name).collect::<Vec<_>>());
    for entry in functions {
        let (name, options) = (&entry.name, entry.options.unwrap());
        let first = options.names().next().unwrap();
        let typo = format!("{first}x");
        let words = [&format!("no option {typo:?}"), "did you mean"];
        fails(&engine, &format!("{name}(`a.b`, #{{ {typo}: 1 }})"), Kind::BadInput, &words);
        fails(&engine, &format!("{name}(`a.b`, #{{ qqqqqq: 1 }})"), Kind::BadInput, &["the options are: ", first]);
        let rows = entry.rows.first().unwrap_or_else(|| panic!("{name} names its rows"));
        assert!(options.index("where").is_some(), "{name} has rows, so it has the option `where`");
        let column = rows.names().find(|column| column.len() > 4).unwrap();
        let typo = format!("{column}x");
        let source = format!("{name}(`a.b`, #{{ where: #{{ {typo}: 1 }} }})");
        fails(&engine, &source, Kind::BadInput, &["option \"where\"", &format!("no field {typo:?}"), "did you mean"]);
    }
}

#[test]
fn values_out_of_their_range_are_usage_errors_in_every_function() {
    let engine = engine();
    let mut checked = 0;
    for entry in functions(&engine) {
        let (name, options) = (&entry.name, entry.options.unwrap());
        for (option, values, words) in [
            ("port", &["0", "65536", "-1", "1.5", "`http`", "[80]"][..], "1 to 65535"),
            ("status", &["`HEALHTY`", "`ok`"], "UNHEALTHY"),
            ("direction", &["`sideways`", "1"], "inbound"),
        ] {
            for value in values.iter().filter(|_| options.index(option).is_some()) {
                let source = format!("{name}(`a.b`, #{{ {option}: {value} }})");
                fails(&engine, &source, Kind::Usage, &[&format!("option {option:?}"), words]);
                checked += 1;
            }
        }
    }
    assert!(checked > 15, "only {checked} were checked");
}

#[test]
fn options_of_the_wrong_type_name_the_option() {
    let engine = engine();
    for entry in functions(&engine) {
        for option in entry.options.unwrap().names() {
            let source = format!("{}(`a.b`, #{{ {option}: [[]] }})", entry.name);
            let failure = engine.eval(&source).expect_err(&source);
            assert!(matches!(failure.error.kind(), Kind::BadInput | Kind::Usage), "{source}: {failure}");
            assert!(failure.error.message().contains(&format!("option {option:?}")), "{source}: {failure}");
        }
    }
}
