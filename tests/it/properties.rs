//! Laws of every reader of what a proxy says: whatever is cut off, replaced or nested, nothing panics, what is wrong is told,
//! and what was not touched stays as it was.

use crate::support::tapes;
use pilotage::envoy::{self, Care, Dump, Section};
use pilotage::error::{Error, Result};
use pilotage::json::{Doc, Found};
use pilotage::record::Record;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A reader, with its rows as JSON text.
struct Reader {
    name: &'static str,
    /// The page it reads.
    page: &'static str,
    read: fn(&Arc<Doc>) -> Result<Vec<String>>,
}

const DUMP: &str = "/config_dump?include_eds";
const HOSTS: &str = "/clusters?format=json";
/// No recording has these: they are made by hand, from the documented shapes.
const ECDS: &str = "ECDS by hand";
const LOGGERS: &str = "loggers by hand";
const ZTUNNEL: &str = "a ztunnel by hand";

/// Every reader there is. One that is missing here is not held to any law: add yours.
const READERS: &[Reader] = &[
    Reader { name: "clusters", page: DUMP, read: |doc| rows(envoy::clusters(&Dump::open(doc)?)) },
    Reader { name: "endpoints", page: DUMP, read: |doc| rows(envoy::endpoints(&Dump::open(doc)?)) },
    Reader { name: "hosts", page: HOSTS, read: |doc| rows(envoy::endpoints(&Dump::open(doc)?)) },
    Reader { name: "routes", page: DUMP, read: |doc| rows(envoy::routes(&Dump::open(doc)?)) },
    Reader { name: "bootstrap", page: DUMP, read: |doc| rows(envoy::bootstrap(&Dump::open(doc)?)) },
    Reader { name: "filters", page: DUMP, read: |doc| rows(envoy::filters(&Dump::open(doc)?)) },
    Reader { name: "listeners", page: DUMP, read: |doc| rows(envoy::listeners(&Dump::open(doc)?)) },
    Reader { name: "secrets", page: DUMP, read: |doc| rows(envoy::secrets(&Dump::open(doc)?, now())) },
    Reader { name: "ecds", page: ECDS, read: |doc| rows(envoy::ecds(&Dump::open(doc)?)) },
    Reader { name: "log_levels", page: LOGGERS, read: |doc| rows(envoy::log_levels(&doc.root())) },
    Reader { name: "workloads", page: ZTUNNEL, read: |doc| rows(envoy::workloads(&doc.root())) },
    Reader { name: "services", page: ZTUNNEL, read: |doc| rows(envoy::ztunnel_services(&doc.root())) },
    Reader { name: "policies", page: ZTUNNEL, read: |doc| rows(envoy::ztunnel_policies(&doc.root())) },
    Reader { name: "certificates", page: ZTUNNEL, read: |doc| rows(envoy::ztunnel_certificates(&doc.root(), now())) },
    Reader { name: "connections", page: ZTUNNEL, read: |doc| rows(envoy::connections(&doc.root(), false)) },
    Reader { name: "certs", page: "/certs", read: |doc| rows(envoy::certs(&doc.root(), now())) },
    Reader { name: "stats", page: "/stats?format=json", read: |doc| rows(envoy::stats(&doc.root())) },
    Reader { name: "server_info", page: "/server_info", read: |doc| rows(envoy::server_info(&doc.root())) },
    Reader { name: "memory", page: "/memory", read: |doc| rows(envoy::memory(&doc.root())) },
];

fn now() -> jiff::Timestamp {
    "2026-11-22T14:00:00Z".parse().unwrap()
}

fn rows<R: Record>(found: Result<Vec<Found<R>>>) -> Result<Vec<String>> {
    Ok(found?.iter().map(|found| of(&found.record)).collect())
}

fn of<R: Record>(record: &R) -> String {
    // A path counts the neighbours.
    let names = R::schema().names().enumerate().filter(|(_, name)| *name != "path");
    Value::Object(names.map(|(column, name)| (name.to_owned(), record.value(column))).collect()).to_string()
}

/// What a real proxy answered; of every long list the first few and the last.
fn page(path: &'static str) -> &'static Value {
    static PAGES: OnceLock<HashMap<&'static str, Value>> = OnceLock::new();
    let pages = PAGES.get_or_init(|| {
        let engine = tapes::engine("c-unhealthy");
        let paths: std::collections::BTreeSet<&str> = READERS.iter().map(|reader| reader.page).collect();
        let (made, paths): (Vec<&str>, Vec<&str>) = paths.into_iter().partition(|path| !path.starts_with('/'));
        let ask = |path| {
            let file = std::env::temp_dir().join(format!("pilotage-properties-{}.json", std::process::id()));
            engine
                .eval(&format!("save(admin(\"web-0.shop\", {path:?}), {:?})", file.display().to_string()))
                .unwrap_or_else(|error| panic!("{path}: {error}"));
            let mut whole: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            std::fs::remove_file(file).unwrap();
            shorten(&mut whole, 0);
            (path, whole)
        };
        paths.into_iter().map(ask).chain(made.into_iter().map(|name| (name, by_hand(name)))).collect()
    });
    &pages[path]
}

fn by_hand(name: &str) -> Value {
    let extension = |name: &str| {
        json!({"version_info": "v1", "last_updated": "2026-11-22T13:05:41Z", "ecds_filter": {
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": name,
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {"name": name}}}})
    };
    match name {
        ECDS => json!({"configs": [
            {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": []},
            {"@type": "type.googleapis.com/envoy.admin.v3.EcdsConfigDump", "ecds_filters": [extension("a"), extension("b")]}]}),
        LOGGERS => "active loggers:\n  admin: warning\n  jwt: debug\n  src/a.cc: off\n".into(),
        _ => {
            let mut dump: Value = serde_json::from_str(include_str!("../data/ztunnel_dump.json")).unwrap();
            // That one is broken on purpose.
            dump["certificates"][0]["rootCerts"][0]["pem"] = "".into();
            dump
        }
    }
}

fn shorten(value: &mut Value, depth: usize) {
    const KEPT: usize = 2;
    match value {
        Value::Array(list) => {
            // The list of sections stays whole.
            if depth != 1 && list.len() > KEPT {
                list.drain(KEPT - 1..list.len() - 1);
            }
            list.iter_mut().for_each(|item| shorten(item, depth + 1));
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| shorten(field, depth + 1)),
        _ => {}
    }
}

/// The ways to all values of a document, as JSON pointers.
fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, way: &str, all: &mut Vec<String>) {
        all.push(way.to_owned());
        match value {
            Value::Array(list) => list.iter().enumerate().for_each(|(at, item)| walk(item, &format!("{way}/{at}"), all)),
            Value::Object(fields) => fields
                .iter()
                .for_each(|(key, field)| walk(field, &format!("{way}/{}", key.replace('~', "~0").replace('/', "~1")), all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(value, "", &mut all);
    all
}

/// Anything that may stand where something else should.
fn anything() -> impl Strategy<Value = Value> {
    let deep = (0..90).fold(json!(1), |inner, _| json!([inner]));
    let deep_object = (0..90).fold(json!(1), |inner, _| json!({"name": inner}));
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(1e300)),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["", "outbound|99999||x", "|||", "not base64!", "2026-13-99T99:99:99Z", "\u{0}"])
            .prop_map(Value::from),
        Just(json!([])),
        Just(json!([null, [], {}, "x", 1])),
        Just(json!({})),
        Just(json!({"name": 7, "@type": []})),
        Just(deep),
        Just(deep_object),
    ]
}

fn parse(value: &Value) -> Result<Arc<Doc>> {
    Doc::parse(value.to_string().into())
}

fn is_clear(error: &Error) -> bool {
    error.message().len() > 10 && !error.message().contains("panic")
}

/// Whether something is told: a row is marked, or there is an error.
fn is_told(result: &Result<Vec<String>>) -> bool {
    match result {
        Ok(rows) => rows.iter().any(|row| row.contains(r#""broken":""#)),
        Err(error) => is_clear(error),
    }
}

/// The element of a section's list that a place lies in: `/configs/1/dynamic_active_clusters/0`, `/workloads/0`.
fn element<'p>(page: &str, place: &'p str) -> Option<&'p str> {
    let depth = match page {
        DUMP | ECDS => 4,
        ZTUNNEL => 2,
        _ => return None,
    };
    let mut parts = place.match_indices('/').skip(depth - 1);
    let _ = parts.next()?;
    let end = parts.next().map_or(place.len(), |(at, _)| at);
    let element = place.get(..end)?;
    element.rsplit('/').next()?.parse::<usize>().is_ok().then_some(element)
}

fn without(value: &Value, place: &str) -> Value {
    let mut value = value.clone();
    let (list, number) = place.rsplit_once('/').unwrap();
    value.pointer_mut(list).and_then(Value::as_array_mut).unwrap().remove(number.parse().unwrap());
    value
}

/// All rows of a reader's page.
fn whole_rows(reader: &Reader) -> Arc<Vec<String>> {
    cached(reader, "", || page(reader.page).clone())
}

/// The rows that are there when an element is not.
fn without_element(reader: &Reader, element: &str) -> Arc<Vec<String>> {
    cached(reader, element, || without(page(reader.page), element))
}

fn cached(reader: &Reader, key: &str, value: impl FnOnce() -> Value) -> Arc<Vec<String>> {
    type Known = HashMap<(&'static str, String), Arc<Vec<String>>>;
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let key = (reader.name, key.to_owned());
    if let Some(rows) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return rows.clone();
    }
    let rows = Arc::new((reader.read)(&parse(&value()).unwrap()).unwrap());
    known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, rows.clone());
    rows
}

/// Those of the first that the second lacks, each counted.
fn missing(wanted: &[String], among: &[String]) -> Vec<String> {
    let mut left: Vec<&String> = among.iter().collect();
    let mut gone = Vec::new();
    for row in wanted {
        match left.iter().position(|other| *other == row) {
            Some(at) => drop(left.swap_remove(at)),
            None => gone.push(row.clone()),
        }
    }
    gone
}

/// Hold a reader to the laws, with a value put in the place of another.
fn swap(reader: &Reader, place: &str, value: &Value) -> std::result::Result<(), TestCaseError> {
    let whole = page(reader.page);
    let mut swapped = whole.clone();
    *swapped.pointer_mut(place).unwrap() = value.clone();
    let doc = match parse(&swapped) {
        Ok(doc) => doc,
        Err(error) => {
            prop_assert!(is_clear(&error), "{error}");
            return Ok(());
        }
    };
    let read = (reader.read)(&doc);
    if let Err(error) = &read {
        prop_assert!(is_clear(error), "{}: {error}", reader.name);
    }
    let Some(element) = element(reader.page, place) else { return Ok(()) };
    let others = without_element(reader, element);
    match &read {
        Ok(rows) => {
            // What a ztunnel knows refers to each other: a workload is called by its waypoint's name.
            let gone = if reader.page == ZTUNNEL { Vec::new() } else { missing(&others, rows) };
            prop_assert!(gone.is_empty(), "{}: {place} changed rows of others: {gone:#?}", reader.name);
        }
        Err(error) => prop_assert!(false, "{}: {error}", reader.name),
    }
    let was_read = whole_rows(reader).len() > others.len();
    if element == place && was_read && !value.is_object() && !value.is_null() {
        prop_assert!(is_told(&read), "{}: {place} is now {value}, and nothing is told", reader.name);
    }
    Ok(())
}

fn config() -> Config {
    Config { cases: 40, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn anything_in_the_place_of_anything_is_told_or_harmless(pick in any::<prop::sample::Index>(), value in anything()) {
        for reader in READERS {
            let all = places(page(reader.page));
            swap(reader, &all[pick.index(all.len())], &value)?;
        }
    }

    #[test]
    fn a_whole_resource_of_another_type_is_told(pick in any::<prop::sample::Index>(), value in anything()) {
        for reader in READERS.iter().filter(|reader| matches!(reader.page, DUMP | ECDS | ZTUNNEL)) {
            let is_whole = |place: &String| element(reader.page, place) == Some(place.as_str());
            let all: Vec<String> = places(page(reader.page)).into_iter().filter(is_whole).collect();
            swap(reader, &all[pick.index(all.len())], &value)?;
        }
    }

    #[test]
    fn what_is_cut_off_anywhere_is_refused_or_gives_what_came_whole(pick in any::<prop::sample::Index>()) {
        for reader in READERS {
            let text = format!("{:#}", page(reader.page)).into_bytes();
            let cut = &text[..pick.index(text.len())];
            let error = Doc::parse(cut.to_vec().into()).unwrap_err();
            prop_assert!(is_clear(&error) && error.next_step().is_some(), "{error:?}");
            let Ok(part) = Doc::parse_partial(cut.to_vec().into()) else { continue };
            prop_assert!(!part.notes().is_empty());
            let whole = whole_rows(reader);
            match (reader.read)(&part) {
                // All but what was cut itself is as it was.
                Ok(rows) => {
                    let new = missing(&rows, &whole);
                    let most = if matches!(reader.name, "clusters" | "bootstrap" | "server_info" | "memory") { 1 } else { usize::MAX };
                    prop_assert!(new.len() <= most, "{}: {new:#?}", reader.name);
                }
                Err(error) => prop_assert!(is_clear(&error), "{error}"),
            }
        }
    }

    #[test]
    fn a_difference_is_found_where_it_was_made(pick in any::<prop::sample::Index>(), value in anything()) {
        let whole = page(DUMP);
        let all = places(whole);
        let place = &all[pick.index(all.len())];
        let mut swapped = whole.clone();
        *swapped.pointer_mut(place).unwrap() = value;
        let Ok(doc) = parse(&swapped) else { return Ok(()) };
        let (Ok(left), Ok(right)) = (Dump::open(&parse(whole).unwrap()), Dump::open(&doc)) else { return Ok(()) };
        let care = Care { noise: true, own: true };
        let Ok(found) = envoy::diff(&left, &right, care) else { return Ok(()) };
        let Some(element) = element(DUMP, place) else { return Ok(()) };
        let texts = [whole, &swapped].map(|value| value.pointer(element).unwrap().to_string());
        for row in &found.rows {
            // A resource without a name is called nothing.
            let name = row.resource.as_deref().unwrap_or_default().trim_end_matches(" (warming)");
            let here = texts.iter().any(|text| text.contains(&Value::from(name).to_string()));
            prop_assert!(here || name.is_empty(), "{place}: {row:?}");
        }
        prop_assert!(envoy::diff(&right, &right, care).map_or(true, |same| same.rows.is_empty()));
    }

    #[test]
    fn names_are_read_or_left_alone(name in "\\PC{0,60}|(in|out)bound[_|.]{1,3}[0-9]{0,7}[_|.]{1,3}[a-z|_.]{0,40}") {
        for parsed in [envoy::ClusterName::parse(&name), envoy::ClusterName::parse_sni(&name)].into_iter().flatten() {
            prop_assert!(name.starts_with(parsed.direction) && name.ends_with(parsed.host));
            prop_assert!(name.contains(parsed.port) && name.contains(parsed.subset));
        }
    }
}

#[test]
fn a_section_that_is_no_list_is_told() {
    let lists = [
        (Section::Clusters, "dynamic_active_clusters"),
        (Section::Bootstrap, "bootstrap"),
        (Section::Listeners, "dynamic_listeners"),
    ];
    for (section, list) in lists {
        let place = places(page(DUMP)).into_iter().find(|place| place.ends_with(&format!("/{list}"))).unwrap();
        for value in [json!(7), json!("x"), json!(true)] {
            let mut swapped = page(DUMP).clone();
            *swapped.pointer_mut(&place).unwrap() = value;
            let dump = Dump::open(&parse(&swapped).unwrap()).unwrap();
            let error = dump.expect(&[section]).unwrap_err();
            assert!(error.message().contains(list) && error.next_step().is_some(), "{error}");
        }
    }
}

#[test]
fn every_reader_reads_the_real_page() {
    for reader in READERS {
        let found = (reader.read)(&parse(page(reader.page)).unwrap()).unwrap();
        assert!(!found.is_empty(), "{} reads nothing", reader.name);
        assert!(found.iter().all(|row| !row.contains(r#""broken":""#)), "{}: {found:#?}", reader.name);
    }
}
