//! Tapes as values of a script: what is asked of their pods is asked of them, beside the mesh at hand.

use crate::support::run::{TempDir, finish, pilotage};
use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::report::Content;
use serde_json::{Value, json};
use std::time::Duration;

/// An engine on the demo mesh, in which no pod of the other tapes exists.
fn engine() -> Pilotage {
    tapes::engine("jwks-certificate-fault")
}

fn open(name: &str) -> String {
    format!("let old = tape(`{}`);", tapes::path(name).display())
}

#[track_caller]
fn value(engine: &Pilotage, source: &str) -> Value {
    match engine.eval(source).unwrap_or_else(|failure| panic!("{source}: {failure}")) {
        Content::Value(value) => value,
        Content::Text(text) => text.into(),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn pods_of_a_tape_are_asked_there_by_every_function() {
    let (here, there) = (engine(), tapes::engine("d-nack"));
    for script in [
        "clusters(POD).map(|row| row.name)",
        "endpoints(POD).map(|row| row.endpoint)",
        "filters(POD).map(|row| row.name)",
        "logs(POD).map(|line| line.text)",
        "admin(POD, `/ready`)",
        "log_levels(POD).map(|row| row.level)",
        "config_dump(POD, #{ mask: `static_clusters` }).configs.len()",
        "clusters(POD)[0].raw().to_map().keys()",
        "clusters(POD).find(|row| row.type == `EDS`).endpoints().map(|row| row.endpoint)",
    ] {
        let beside = value(&here, &format!("{} {}", open("d-nack"), script.replace("POD", "old.pod(`web-0.shop`)")));
        assert_eq!(beside, value(&there, &script.replace("POD", "`web-0.shop`")), "{script}");
        assert_ne!(beside, json!([]), "{script}");
    }
    let missing = here.eval("clusters(`web-0.shop`)").expect_err("the mesh at hand has no such pod");
    assert!(missing.error.to_string().contains("web-0"), "{missing}");
}

#[test]
fn a_tape_alone_means_all_its_proxies() {
    let here = engine();
    let all = value(&here, &format!("{} unique(clusters(old).map(|row| row.pod))", open("d-nack")));
    let proxies = "old.pods(`shop`).filter(|pod| pod.proxy != `none`).map(|pod| pod.name)";
    assert_eq!(all, value(&here, &format!("{} {proxies}", open("d-nack"))));
    assert!(all.as_array().is_some_and(|pods| pods.len() > 1), "{all}");
    assert_eq!(value(&here, &format!("{} config_dump(old).map(|row| row.pod)", open("d-nack"))), all);
    assert_eq!(here.take_notes(), Vec::<String>::new(), "pods without a proxy were never meant");
}

#[test]
fn pods_of_several_meshes_stand_in_one_array() {
    let script =
        "let mixed = [old.pod(`web-0.shop`), `deploy/customer.olaf-customer`]; unique(clusters(mixed).map(|row| row.namespace))";
    assert_eq!(value(&engine(), &format!("{} {script}", open("d-nack"))), json!(["shop", "olaf-customer"]));
}

#[test]
fn a_tape_is_compared_with_the_mesh_at_hand_and_with_itself() {
    let here = engine();
    let before = open("jwks-certificate-before");
    let customer = "`deploy/customer.olaf-customer`";
    assert_ne!(value(&here, &format!("{before} diff(old.pod({customer}), {customer}).len()")), json!(0), "keys came since");
    assert_eq!(value(&here, &format!("{before} diff(old, old).len()")), json!(0));
}

#[test]
fn dates_are_judged_by_the_time_of_the_tape() {
    let script = "secrets(WHAT).map(|row| row.valid_cert)";
    let beside = value(&engine(), &format!("{} {}", open("g-expired-cert"), script.replace("WHAT", "old")));
    assert_eq!(beside, value(&tapes::engine("g-expired-cert"), &script.replace("WHAT", "pods(`shop`)")));
}

#[test]
fn a_tape_says_what_it_is_and_what_it_lacks() {
    let here = engine();
    let said = value(&here, &format!("{} `${{old}}`", open("d-nack")));
    assert!(said.as_str().is_some_and(|said| said.starts_with("tape d-nack.tape of ")), "{said}");
    assert_eq!(here.eval("tape(`no.tape`)").expect_err("no file").error.kind().word(), "file");
    let device = here.eval("tape(`/dev/null`)").expect_err("no file");
    assert!(device.error.message().contains("/dev/null is no ordinary file"), "{device}");
    assert_eq!(here.eval("tape(`Cargo.toml`)").expect_err("no tape").error.kind().word(), "bad_tape");
    let home = TempDir::new();
    let script = format!("{} admin(old.pod(`web-0.shop`), `/certz`)", open("d-nack"));
    let lacks = finish(pilotage(home.path(), &["eval", &script]), Duration::from_secs(60));
    lacks.fails(5, "tape_miss", &["the tape d-nack.tape does not hold the answer to", "/certz", "--record"]);
}

#[test]
fn what_a_tape_notes_is_told() {
    let home = TempDir::new();
    let whole = std::fs::read(tapes::path("d-nack")).expect("a tape");
    std::fs::write(home.file("cut.tape"), &whole[..whole.len() - 200]).expect("a file");
    let output = finish(pilotage(home.path(), &["eval", "tape(\"cut.tape\").pods().len() > 0"]), Duration::from_secs(60));
    output.gives(0, "true").says(&["note: the tape cut.tape is cut off"]);
}
