//! diff() on real meshes: what istioctl says of a proxy against istiod, what a repair changed, what replicas share.

use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::report::Content;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The rows of a call as objects.
fn rows(engine: &Pilotage, call: &str) -> Vec<Value> {
    match engine.eval(call) {
        Ok(Content::Table(table)) => {
            let columns = table.columns.clone();
            let object = |row: Vec<Value>| Value::Object(columns.iter().cloned().zip(row).collect());
            table.rows.made().into_iter().map(object).collect()
        }
        Ok(Content::Value(Value::Array(none))) if none.is_empty() => Vec::new(),
        Ok(other) => panic!("{call} gives rows, not {other:?}"),
        Err(error) => panic!("{call}: {error}"),
    }
}

/// Each row as `section resource change path`.
fn told(engine: &Pilotage, call: &str) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    rows(engine, call).iter().map(|row| ["section", "resource", "change", "path"].map(|key| text(row, key)).join(" ")).collect()
}

/// What `istioctl proxy-status POD` printed when the tapes were recorded: everything matches, but for one proxy's listeners.
const STATUS: [(&str, &str, &[&str]); 16] = [
    ("b-authz-deny", "api-0.shop", &[]),
    ("b-authz-deny", "web-0.shop", &[]),
    ("c-unhealthy", "ratings-0.shop", &[]),
    ("c-unhealthy", "ratings-1.shop", &[]),
    ("c-unhealthy", "web-0.shop", &[]),
    ("d-nack", "api-0.shop", &["Listeners Don't Match"]),
    ("d-nack", "web-0.shop", &[]),
    ("e-missing-subset", "api-0.shop", &[]),
    ("e-missing-subset", "web-0.shop", &[]),
    ("g-expired-cert", "api-0.shop", &[]),
    ("g-expired-cert", "gw-0.shop", &[]),
    ("jwks-certificate-fault", "customer-686cf5bf47-mtgsn.olaf-customer", &[]),
    ("jwks-certificate-fault", "istio-ingressgateway-76bf7ff758-gcrcf.olaf", &[]),
    ("jwks-certificate-fault", "preference-v1-5b86dc984b-jftdp.olaf-customer", &[]),
    ("jwks-certificate-fault", "recommendation-v1-54cf68f5fb-kmkbj.olaf-customer", &[]),
    ("jwks-certificate-fault", "recommendation-v2-5fb7467455-nkssc.olaf-customer", &[]),
];

#[test]
fn a_proxy_against_istiod_is_judged_as_istioctl_judged_it() {
    for (tape, pod, expected) in STATUS {
        let engine = tapes::engine(tape);
        let found = rows(&engine, &format!("diff({pod:?}, \"istiod\")"));
        let mut sections: Vec<&str> = found.iter().filter_map(|row| row["section"].as_str()).collect();
        sections.dedup();
        let judged: Vec<String> =
            sections.iter().map(|name| format!("{}{} Don't Match", name[..1].to_uppercase(), &name[1..])).collect();
        assert_eq!(judged, expected, "{tape} {pod}: {found:#?}");
    }
}

#[test]
fn a_rejected_update_shows_what_was_sent_and_why_it_was_not_taken() {
    let engine = tapes::engine("d-nack");
    let found = rows(&engine, "diff(\"istiod\", \"api-0.shop\")");
    let (errors, filters): (Vec<_>, Vec<_>) = found.iter().partition(|row| row["path"] == "error_state");
    assert_eq!(errors.len(), 1, "{found:#?}");
    assert!(errors[0]["right"].as_str().unwrap().contains("MaxRequestBytes: value must be greater than 0"));
    assert_eq!((errors[0]["change"].as_str(), &errors[0]["left"]), (Some("added"), &Value::Null));
    // The filter stands once in each of the chains that have HTTP filters.
    assert!(filters.len() >= 2, "{found:#?}");
    for row in filters {
        assert_eq!((row["resource"].as_str(), row["change"].as_str()), (Some("virtualInbound"), Some("removed")));
        assert!(row["path"].as_str().unwrap().ends_with(".typedConfig.httpFilters[0]"), "{row}");
        assert_eq!(row["left"]["name"], "lab.no.such.filter");
    }
}

#[test]
fn what_istiod_does_not_send_is_not_missing() {
    let engine = tapes::engine("g-expired-cert");
    assert_eq!(told(&engine, "diff(\"gw-0.shop\", \"istiod\")"), Vec::<String>::new());
    let notes = engine.take_notes();
    let note = notes.iter().find(|note| note.contains("not compared")).unwrap_or_else(|| panic!("{notes:?}"));
    assert!(note.contains("bootstrap") && !note.contains("listeners"), "{note}");
}

/// Keep a proxy's configuration of a tape in a file.
fn dump_of(tape: &str, pod: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("pilotage-diff-{}-{tape}-{pod}.json", std::process::id()));
    let call = format!("save(admin({pod:?}, \"/config_dump?include_eds\"), {:?})", file.display().to_string());
    tapes::engine(tape).eval(&call).unwrap_or_else(|error| panic!("{tape}: {error}"));
    file
}

#[test]
fn a_repair_shows_itself_and_little_else() {
    let pod = "customer-686cf5bf47-mtgsn.olaf-customer";
    let (fault, fixed) = (dump_of("jwks-certificate-fault", pod), dump_of("jwks-certificate-fix-inline-jwks", pod));
    let engine = tapes::engine("jwks-certificate-fault");
    let call = format!("diff(load({:?}), load({:?}))", fault.display().to_string(), fixed.display().to_string());
    let found = rows(&engine, &call);
    assert!(!found.is_empty());
    for row in &found {
        assert_eq!(
            (row["section"].as_str(), row["resource"].as_str()),
            (Some("listeners"), Some("virtualInbound")),
            "{found:#?}"
        );
        assert!(row["path"].as_str().unwrap().ends_with("providers['origins-0'].local_jwks.inline_string"), "{row}");
        assert!(row["right"].as_str().unwrap().contains("Ek9wxUoZGSSp5eePlJBMu"), "{row}");
    }
    // A pod and a moment before: the same answer.
    let against = rows(&engine, &format!("diff({pod:?}, load({:?}))", fixed.display().to_string()));
    assert_eq!(against, found);
    assert!(told(&engine, &format!("let before = config_dump({pod:?}); diff(before, {pod:?})")).is_empty());
    for file in [fault, fixed] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn replicas_differ_in_what_is_their_own_only_when_asked() {
    let engine = tapes::engine("c-unhealthy");
    assert_eq!(told(&engine, "diff(\"ratings-0.shop\", \"ratings-1.shop\")"), Vec::<String>::new());
    let own = told(&engine, "diff(\"ratings-0.shop\", \"ratings-1.shop\", #{ own: true })");
    assert!(own.contains(&"bootstrap bootstrap changed $.node.id".to_owned()), "{own:?}");
    assert!(own.iter().any(|row| row.starts_with("secrets default changed")), "{own:?}");
    let noise = told(&engine, "diff(\"ratings-0.shop\", \"ratings-1.shop\", #{ noise: true })");
    assert!(noise.contains(&"secrets default changed last_updated".to_owned()), "{noise:?}");
}

#[test]
fn two_workloads_differ_in_who_they_are() {
    let engine = tapes::engine("jwks-certificate-fault");
    let mut found = told(&engine, "diff(\"deploy/recommendation-v1.olaf-customer\", \"deploy/recommendation-v2.olaf-customer\")");
    found.sort();
    assert_eq!(
        found,
        ["LABELS.version", "OWNER", "WORKLOAD_NAME"].map(|field| format!("bootstrap bootstrap changed $.node.metadata.{field}"))
    );
}

#[test]
fn many_pods_are_compared_each_with_its_own() {
    let engine = tapes::engine("d-nack");
    let found = rows(&engine, "diff(pods(\"shop\"), \"istiod\", #{ where: #{ path: \"error_state\" } })");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["namespace"].as_str(), found[0]["pod"].as_str()), (Some("shop"), Some("api-0")));
    assert!(rows(&engine, "diff(pods(\"shop\"), pods(\"shop\"))").is_empty());
    // Who is on one side alone is told, whichever that is.
    for (call, side) in [
        ("diff(pods(\"shop\"), pods(\"shop\", #{ app: \"web\" }))", "right"),
        ("diff(pods(\"shop\", #{ app: \"web\" }), pods(\"shop\"))", "left"),
    ] {
        engine.take_notes();
        assert!(rows(&engine, call).is_empty());
        let told = format!("pod shop/api-0 has no counterpart of its name on the {side}: it is left out");
        assert_eq!(engine.take_notes(), [told], "{call}");
    }
    // Many against one: how the others differ from it.
    let drift = rows(&engine, "diff(\"web-0.shop\", pods(\"shop\"), #{ section: \"clusters\" })");
    assert!(!drift.is_empty() && drift.iter().all(|row| row["pod"] == "api-0"), "{drift:#?}");
}

#[test]
fn values_and_rows_of_other_kinds_are_compared_to_the_letter() {
    let engine = tapes::engine("d-nack");
    assert_eq!(told(&engine, "diff(#{ a: 1, b: [1, 2] }, #{ a: 2, b: [1] })"), ["- - changed $.a", "- - removed $.b[1]"]);
    assert_eq!(told(&engine, "diff(1, 1)"), Vec::<String>::new());
    assert_eq!(told(&engine, "diff(clusters(\"api-0.shop\"), clusters(\"api-0.shop\"))"), Vec::<String>::new());
    assert_eq!(
        told(&engine, "diff(admin(\"api-0.shop\", \"/server_info\"), admin(\"api-0.shop\", \"/server_info\"))"),
        Vec::<String>::new()
    );
}

#[test]
fn names_beside_pods_are_names_of_pods() {
    let engine = tapes::engine("d-nack");
    let wanted = rows(&engine, "diff(\"istiod\", pods(\"shop\").filter(|p| p.name == `api-0`))");
    assert!(!wanted.is_empty());
    assert_eq!(rows(&engine, "diff(\"istiod\", [\"api-0.shop\"])"), wanted);
    assert_eq!(rows(&engine, "diff([\"api-0.shop\"], pods(\"shop\").filter(|p| p.name == `api-0`))"), Vec::<Value>::new());
    assert_eq!(rows(&engine, "diff(pods(\"shop\").filter(|p| p.name == `api-0`), [\"api-0.shop\"])"), Vec::<Value>::new());
    assert_eq!(told(&engine, "diff([\"a\"], [\"b\"])"), ["- - changed $[0]"], "arrays of texts are values");
}

#[test]
fn an_interrupt_ends_a_comparison_of_documents() {
    use std::time::{Duration, Instant};
    let engine = tapes::engine("d-nack");
    let file = |side: usize| {
        let more =
            |number: usize| (0..40).map(|field| (format!("field_{field}"), json!(number + field * side))).collect::<Value>();
        let clusters: Vec<Value> =
            (0..2500).map(|number| json!({"cluster": {"name": format!("c-{number}"), "metadata": more(number)}})).collect();
        let dump = json!({"configs": [{"@type": "x/envoy.admin.v3.ClustersConfigDump", "dynamic_active_clusters": clusters}]});
        let file = std::env::temp_dir().join(format!("pilotage-diff-long-{}-{side}.json", std::process::id()));
        std::fs::write(&file, dump.to_string()).unwrap();
        file
    };
    let [a, b] = [file(1), file(2)];
    engine.eval(&format!("let a = load({:?}); let b = load({:?});", a.display().to_string(), b.display().to_string())).unwrap();
    let time = || {
        let begun = Instant::now();
        (engine.eval("diff(a, b).len()"), begun.elapsed())
    };
    let (whole, took) = time();
    assert_eq!(whole.unwrap(), Content::Value(json!(2500 * 39)));
    let interrupt = engine.interrupt();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        interrupt.trigger();
    });
    let (stopped, after) = time();
    stopper.join().unwrap();
    assert_eq!(stopped.unwrap_err().error.kind(), pilotage::error::Kind::Interrupted);
    assert!(after < took / 2, "{after:?} of {took:?}");
    for file in [a, b] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn what_cannot_be_compared_says_why() {
    let engine = tapes::engine("d-nack");
    for (call, says) in [
        ("diff(\"istiod\", \"istiod\")", "cannot be compared"),
        ("diff(\"api-0.shop\", 7)", "cannot be compared"),
        ("diff(\"api-0.shop\", \"istiod\", #{ nosie: true })", "did you mean \"noise\""),
        ("diff(\"api-0.shop\", \"istiod\", #{ section: \"listener\" })", "did you mean \"listeners\""),
        ("diff(\"api-0.shop\", \"istiod\", #{ where: #{ pth: \"$\" } })", "did you mean \"path\""),
        (
            "diff(config_dump(\"api-0.shop\"), admin(\"api-0.shop\", \"/server_info\"))",
            "one is a config dump of Envoy, the other is not",
        ),
        ("diff(config_dump(\"api-0.shop\").configs[1], config_dump(\"api-0.shop\").configs[2])", "no section in common"),
    ] {
        let failure = engine.eval(call).map(|_| ()).unwrap_err();
        let text = format!("{} {}", failure.error, failure.error.next_step().unwrap_or_default());
        assert!(text.contains(says), "{call}: {text}");
    }
}

#[test]
fn two_tapes_are_two_moments() {
    let engine = tapes::engine("jwks-certificate-fault");
    let [fault, fixed] = ["jwks-certificate-fault", "jwks-certificate-fix-inline-jwks"]
        .map(|name| format!("tape({:?})", tapes::path(name).display().to_string()));
    let found = rows(&engine, &format!("diff({fault}, {fixed}, #{{ section: \"listeners\" }})"));
    let pods: std::collections::BTreeSet<&str> = found.iter().filter_map(|row| row["pod"].as_str()).collect();
    assert!(pods.contains("customer-686cf5bf47-mtgsn") && pods.contains("preference-v1-5b86dc984b-jftdp"), "{found:#?}");
    assert!(found.iter().all(|row| row["path"].as_str().is_some_and(|path| path.contains("local_jwks"))), "{found:#?}");
    let pod = "customer-686cf5bf47-mtgsn.olaf-customer";
    let one = rows(&engine, &format!("diff({pod:?}, {fixed}.pod({pod:?}))"));
    assert!(!one.is_empty() && one.iter().all(|row| row["resource"] == "virtualInbound"), "{one:#?}");
}

#[test]
fn what_istiod_would_send_is_a_document_too() {
    let engine = tapes::engine("d-nack");
    let sent = "config_dump(\"api-0.shop\", #{ from: \"istiod\" })";
    let names =
        engine.eval(&format!("clusters({sent}).filter(|cluster| cluster.state == \"active\").map(|cluster| cluster.name)"));
    let held = engine.eval("clusters(\"api-0.shop\").filter(|cluster| cluster.state == \"active\").map(|cluster| cluster.name)");
    assert_eq!(names.unwrap(), held.unwrap());
    assert_eq!(rows(&engine, &format!("diff({sent}, \"api-0.shop\")")), rows(&engine, "diff(\"istiod\", \"api-0.shop\")"));
    for (options, says) in [("#{ from: \"envoy\" }", "nobody"), ("#{ from: \"istiod\", mask: \"bootstrap\" }", "no part of it")] {
        let failure = engine.eval(&format!("config_dump(\"api-0.shop\", {options})")).map(|_| ()).unwrap_err();
        assert!(failure.error.message().contains(says) && failure.error.next_step().is_some(), "{failure:?}");
    }
}
