//! What real Envoys say of themselves: who they are, how they run, what differs between two of them.

use crate::real_envoy::{each, has, mesh, name, page, row};
use crate::support::envoy::{Lab, VERSIONS};
use crate::support::run::{TempDir, run_pilotage};
use serde_json::{Value, json};

#[test]
fn the_bootstrap_is_ours() {
    each("bootstrap(POD)", |lab, rows| {
        let [row] = rows.as_array().expect("rows").as_slice() else { panic!("not one row: {rows}") };
        has(
            row,
            json!({
                "istio_version": "1.30.3", "node_id": "sidecar~10.1.0.5~web-1.shop~shop.svc.cluster.local", "cluster_id": "Kubernetes",
                "namespace": "shop", "locality": "lab/one", "service_cluster": "web.shop", "static_clusters": 6,
                "static_listeners": 2, "broken": null,
            }),
        );
        assert!(row["envoy_version"].as_str().expect("a version").starts_with(lab.version), "{row}");
    });
}

#[test]
fn the_process_tells_its_version_and_options() {
    each("server_info(POD)", |lab, rows| {
        let [row] = rows.as_array().expect("rows").as_slice() else { panic!("not one row: {rows}") };
        assert!(row["version"].as_str().expect("a version").contains(lab.version), "{row}");
        has(row, json!({"state": "LIVE", "concurrency": 1, "restart_epoch": 0, "log_level": "warning", "broken": null}));
        assert!(row["uptime_seconds"].as_u64().is_some_and(|seconds| seconds < 3600), "{row}");
    });
}

#[test]
fn memory_is_in_bytes() {
    each("memory(POD)", |lab, rows| {
        let now = page(lab, "/memory");
        let told = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("a number") as f64;
        for field in ["allocated", "heap_size"] {
            let ratio = told(&rows[0][field]) / told(&now[field]);
            assert!((0.5..2.0).contains(&ratio), "{field} is {}, and a moment later {}", rows[0][field], now[field]);
        }
    });
}

#[test]
fn loggers_and_their_levels() {
    each("log_levels(POD)", |_, rows| {
        for logger in ["admin", "jwt", "rbac", "upstream"] {
            has(row(&rows, "logger", logger), json!({"level": "warning"}));
        }
    });
}

#[test]
fn two_envoys_of_one_configuration_differ_in_little() {
    let mesh = mesh();
    let [old, new] = VERSIONS.map(name);
    let eval = |script: &str| -> Value {
        let source = script.replace("OLD", &format!("\"{old}.shop\"")).replace("NEW", &format!("\"{new}.shop\""));
        let output = mesh.run(&["eval", "-o", "json", &source]);
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"))
    };
    assert_eq!(eval("diff(OLD, OLD)"), json!([]), "the same proxy, asked twice");
    let rows = eval("diff(OLD, NEW)");
    let rows = rows.as_array().expect("rows");
    // The workload's port and the certificates are each Envoy's own; of the rest the files say the same.
    let sections: Vec<&str> = rows.iter().filter_map(|row| row["section"].as_str()).collect();
    assert!(!sections.contains(&"routes"), "{rows:#?}");
    assert!(rows.iter().any(|row| row["section"] == "clusters" && row.to_string().contains("port_value")), "{rows:#?}");
    assert!(!rows.iter().any(|row| row.to_string().contains("last_updated")), "times are noise: {rows:#?}");
    let added = eval(
        r#"diff(config_dump(OLD, #{ mask: "dynamic_active_clusters" }), config_dump(OLD, #{ mask: "dynamic_active_clusters,dynamic_warming_clusters" }))"#,
    );
    assert!(added.as_array().expect("rows").iter().all(|row| row["change"] == "added"), "{added:#}");
    assert!(added.to_string().contains("waiting.shop"), "{added:#}");
}

#[test]
fn statistics_count_what_happened() {
    each(r#"stats(POD, #{ filter: "outbound_8090__flaky|flaky.shop.*upstream_rq_503" })"#, |_, rows| {
        let counted = rows.as_array().expect("rows").iter().find(|row| row["name"].to_string().ends_with(".upstream_rq_503\""));
        let counted = counted.unwrap_or_else(|| panic!("no such counter: {rows:#}"));
        // Of the failed requests only those that were sent count for the workload, the others for the cluster as well.
        assert!(counted["value"].as_u64() >= Some(2), "{counted}");
    });
    each(r#"stats(POD, #{ filter: "listener_manager.lds.update_rejected" })"#, |_, rows| {
        has(row(&rows, "name", "listener_manager.lds.update_rejected"), json!({"value": 1, "broken": null}));
    });
    each(r#"stats(POD, #{ filter: "flaky.*ejections_active$", type: "Gauges" })"#, |_, rows| {
        let [gauge] = rows.as_array().expect("rows").as_slice() else { panic!("not the one gauge: {rows:#}") };
        has(gauge, json!({"value": 1, "type": "gauge"}));
    });
}

#[test]
fn a_tape_of_a_real_proxy_answers_the_same_and_holds_no_key() {
    let (mesh, home) = (mesh(), TempDir::new());
    let tape = home.file("real.tape");
    let tape = tape.to_str().expect("text");
    for version in VERSIONS {
        let script = r#"[clusters(POD), routes(POD), secrets(POD), bootstrap(POD), endpoints(POD, #{ eds: true })]"#;
        let script = script.replace("POD", &format!("\"{}.shop\"", name(version)));
        let _ = std::fs::remove_file(tape);
        let live = mesh.run(&["--record", tape, "eval", "-o", "json", &script]);
        assert_eq!(live.code, Some(0), "{live:#?}");
        let replayed = run_pilotage(&["--tape", tape, "eval", "-o", "json", &script], &[]);
        let [live, replayed]: [Value; 2] = [&live, &replayed].map(|output| {
            serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("Envoy {version}: {error}: {output:#?}"))
        });
        assert_eq!(without_times_left(live), without_times_left(replayed), "Envoy {version}");
        let text = zstd::decode_all(std::fs::File::open(tape).expect("a tape")).expect("a packed tape");
        let text = String::from_utf8(text).expect("text");
        let key = Lab::of(version).identity.key.lines().nth(1).expect("a line of the key");
        assert!(text.contains("BEGIN CERTIFICATE") && !text.contains(key) && !text.contains("PRIVATE KEY"), "Envoy {version}");
    }
}

/// How long certificates are still valid is told by the second.
fn without_times_left(mut parts: Value) -> Value {
    for secret in parts[2].as_array_mut().expect("secrets") {
        for field in ["time_left", "seconds_left"] {
            secret[field] = Value::Null;
        }
    }
    parts
}

#[test]
fn many_proxies_are_asked_at_once_and_one_that_has_none_is_a_note() {
    let mesh = mesh();
    let script = r#"clusters(pods("shop"), #{ fqdn: "reviews" }).map(|row| row.pod)"#;
    let output = mesh.run(&["eval", "-o", "json", script]);
    let found: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    assert_eq!(found, json!(VERSIONS.map(name)));
    assert_eq!(output.code, Some(4), "part of the targets answered: {output:#?}");
    assert!(output.stderr.contains("reviews-v1-0"), "who did not is named: {output:#?}");
}
