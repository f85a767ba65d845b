//! The certificates of proxies, on the tapes of real meshes.

use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::report::Content;
use serde_json::{Value, json};

/// What a script gives, as JSON. Inside of two lists, nothing is shown as a table.
fn value(engine: &Pilotage, script: &str) -> Value {
    match engine.eval(&format!("[[{{ {script} }}]]")) {
        Ok(Content::Value(mut lists)) => lists[0][0].take(),
        Ok(other) => panic!("{script} gives {other:?}"),
        Err(failure) => panic!("{script}: {failure}"),
    }
}

#[test]
fn an_expired_and_a_missing_certificate_are_told_apart() {
    let engine = tapes::engine("g-expired-cert");
    let told = r#"secrets("gw-0.shop").map(|s| [s.resource_name, s.status, s.valid_cert, s.problem, s.chain_ok, s.time_left])"#;
    let rows = value(&engine, told);
    assert_eq!(rows[0], json!(["kubernetes://no-such-secret", "WARMING", false, "not_delivered", null, null]));
    assert_eq!(rows[2], json!(["kubernetes://shop-cert", "ACTIVE", false, "expired", false, "-659d"]));
    assert_eq!((&rows[1][3], &rows[3][3], &rows[3][4]), (&Value::Null, &Value::Null, &Value::Null));
    let version = value(&engine, r#"secrets("gw-0.shop", #{ where: #{ status: "WARMING" } })[0].version"#);
    assert_eq!(version, "uninitialized");
}

#[test]
fn days_of_envoy_are_told_apart_by_the_exact_time() {
    let engine = tapes::engine("g-expired-cert");
    let rows =
        value(&engine, r#"certs("gw-0.shop").map(|c| [c.kind, c.status, c.days_until_expiration, c.expires, c.contexts])"#);
    assert_eq!(
        rows,
        json!([
            ["ca", "valid", 3649, "2036-11-19T13:18:04Z", 6],
            ["chain", "valid", 0, "2026-11-23T13:18:10Z", 6],
            ["chain", "expired", 0, "2025-02-01T00:00:00Z", 1],
        ])
    );
    assert_eq!(value(&engine, r#"certs("gw-0.shop")[2].raw().subject_alt_names[0].dns"#), "shop.example");
}

#[test]
fn all_proxies_share_the_root_whatever_their_own_certificates() {
    for (tape, proxies) in [("g-expired-cert", 2), ("c-unhealthy", 3), ("jwks-certificate-before", 5)] {
        let engine = tapes::engine(tape);
        let roots = value(&engine, "certs::roots(pods())");
        assert_eq!((roots.as_array().map(Vec::len), &roots[0]["proxies"]), (Some(1), &json!(proxies)), "{tape}: {roots}");
        assert!(!engine.take_notes().iter().any(|note| note.contains("share no root")), "{tape}");
    }
}

#[test]
fn proxies_without_a_common_root_are_named() {
    let engine = tapes::engine("g-expired-cert");
    let script = r#"
        let secret = |pod, root| #{ namespace: "shop", pod: pod, resource_name: "ROOTCA",
            chain: [#{ sha256: root, subject: root, not_after: "2036-01-01T00:00:00Z" }] };
        certs::roots_of([secret.call("a", "1"), secret.call("b", "2")]).map(|root| root.strangers)"#;
    assert_eq!(value(&engine, script), json!([["shop/b"], ["shop/a"]]));
    let notes = engine.take_notes();
    assert!(notes.iter().any(|note| note.contains("share no root") && note.contains("shop/a, and shop/b")), "{notes:?}");
}

#[test]
fn a_saved_page_says_what_the_proxy_said() {
    for (function, page) in [
        ("certs", r#"admin(POD, "/certs")"#),
        ("memory", r#"admin(POD, "/memory")"#),
        ("server_info", r#"admin(POD, "/server_info")"#),
        ("stats", r#"admin(POD, "/stats?format=json")"#),
        ("secrets", "config_dump(POD)"),
        ("bootstrap", "config_dump(POD)"),
    ] {
        let engine = tapes::engine("g-expired-cert");
        // The bootstrap alone comes without the time beside it.
        let script = |of: &str| {
            let maps = "map(|row| { let map = row.to_map(); map.remove(\"last_updated\"); map })";
            format!("{function}({of}).{maps}").replace("POD", "\"gw-0.shop\"")
        };
        let (asked, saved) = (value(&engine, &script("POD")), value(&engine, &script(page)));
        assert!(asked.as_array().is_some_and(|rows| !rows.is_empty()), "{function}: {asked}");
        assert_eq!(asked, saved, "{function}");
    }
}

#[test]
fn many_proxies_are_asked_at_once() {
    let engine = tapes::engine("g-expired-cert");
    for (function, least) in
        [("bootstrap", 2), ("server_info", 2), ("memory", 2), ("certs", 5), ("secrets", 6), ("log_levels", 60), ("stats", 300)]
    {
        let pods = value(&engine, &format!(r#"unique({function}(["gw-0.shop", "api-0.shop"]).map(|row| row.pod))"#));
        let rows = value(&engine, &format!(r#"{function}(["gw-0.shop", "api-0.shop"]).len()"#));
        assert!(rows.as_u64().is_some_and(|rows| rows >= least), "{function}: {rows}");
        assert_eq!(pods, json!(["gw-0", "api-0"]), "{function}");
    }
}

#[test]
fn statistics_are_chosen_at_the_source_or_from_the_tape() {
    let engine = tapes::engine("g-expired-cert");
    let names =
        value(&engine, r#"stats("gw-0.shop", #{ filter: "(cds|lds)[.]version_text$" }).map(|stat| [stat.name, stat.type])"#);
    assert_eq!(
        names,
        json!([["cluster_manager.cds.version_text", "text_readout"], ["listener_manager.lds.version_text", "text_readout"]])
    );
    let tags = value(&engine, r#"stats("gw-0.shop", #{ filter: "connect_ms" })[0].tags"#);
    assert_eq!(tags, json!({"cluster_name": "xds-grpc"}));
    let quantiles = value(&engine, r#"stats("gw-0.shop", #{ filter: "connect_ms" })[0].quantiles.P50"#);
    assert_eq!(quantiles, 3.05);
    let failure = engine.eval(r#"stats("gw-0.shop", #{ type: "Counter_s" })"#).expect_err("a failure");
    assert!(failure.to_string().contains("no statistics of type"), "{failure}");
}

#[test]
fn another_page_is_a_failure_that_names_what_it_is() {
    let engine = tapes::engine("g-expired-cert");
    for (script, says) in [
        (r#"certs(config_dump("gw-0.shop"))"#, "a config dump"),
        (r#"memory(admin("gw-0.shop", "/certs"))"#, "the answer of /certs"),
        (r#"secrets(admin("gw-0.shop", "/server_info"))"#, "the answer of /server_info"),
        ("log_levels(`no\nlogger`)", "not the answer of /logging"),
        ("stats(`<html>\n</html>`)", "it is text"),
    ] {
        let failure = engine.eval(script).err().unwrap_or_else(|| panic!("{script} worked"));
        assert!(failure.to_string().contains(says), "{script}: {failure}");
    }
}
