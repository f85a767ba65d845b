//! What watches and what looks for forgotten levels: `watch_log` and the playbooks.

use crate::bad_days::{Investigation, Mesh, healthy};
use crate::ledger::Rig;
use crate::support::cluster::{At, Trouble};
use crate::support::run::run_pilotage;
use crate::support::tapes;

/// What an Envoy wrote at `rbac:debug`, at the served cluster's present.
const LOG: &str = "\
2026-11-22T09:59:30.000000000Z 2026-11-22T09:59:30.000000Z\tdebug\tenvoy rbac source/x.cc:233\tenforced denied, matched policy ns[shop]-policy[before]-rule[0]\tthread=1
2026-11-22T10:00:00.100000000Z 2026-11-22T10:00:00.100000Z\tdebug\tenvoy rbac source/x.cc:266\tchecking request: requestedServerName: , sourceIP: 10.88.1.3:50260, directRemoteIP: 10.88.1.3:50260, remoteIP: 10.88.1.3:50260,localAddress: 10.88.1.4:8080, ssl: uriSanPeerCertificate: spiffe://cluster.local/ns/shop/sa/default, dnsSanPeerCertificate: , subjectPeerCertificate: , headers: ':authority', 'api'
2026-11-22T10:00:00.100100000Z ':path', '/admin?a=b'
2026-11-22T10:00:00.100200000Z ':method', 'GET'
2026-11-22T10:00:00.100300000Z , dynamicMetadata: x
2026-11-22T10:00:00.100400000Z \tthread=1
2026-11-22T10:00:00.200000000Z 2026-11-22T10:00:00.200000Z\tdebug\tenvoy rbac source/x.cc:233\tenforced denied, matched policy ns[shop]-policy[no-admin]-rule[2]\tthread=1
2026-11-22T10:00:00.300000000Z 2026-11-22T10:00:00.300000Z\tinfo\txdsproxy\tconnected
2026-11-22T10:00:00.400000000Z 2026-11-22T10:00:00.400000Z\tdebug\tenvoy rbac source/x.cc:233\tenforced denied, matched policy none\tthread=1
";

#[test]
fn watch_log_gives_what_the_raised_loggers_write_and_puts_them_back() {
    let rig = Rig::with_log(LOG);
    let script = r#"let rows = watch_log("web.shop", #{ rbac: "debug" }, "2s");
        [rows.map(|row| row.text.contains("rbac")), rbac_denials(rows).map(|row| `${row.policy} ${row.method} ${row.path}`),
         log_levels("web.shop").filter(|row| row.logger == "rbac")[0].level]"#;
    let output = rig.eval(script);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:#?}"));
    assert_eq!(
        value,
        serde_json::json!([[true, true, true], ["shop/no-admin GET /admin?a=b", "none GET /admin?a=b"], "warning"])
    );
    assert_eq!(rig.files(), Vec::<String>::new());
}

#[test]
fn watch_denials_explains_each_refusal_and_puts_back() {
    let rig = Rig::with_log(LOG);
    let output = rig.mesh.run(&["run", "watch-denials", "--allow", "tune", "--namespace", "shop", "--wait", "2s", "-o", "json"]);
    let found = Investigation::read(output);
    assert_eq!((found.code, found.codes()), (Some(0), vec!["DENY001", "DENY002"]), "{:#}", found.report);
    let text = found.finding("DENY001")["text"].as_str().unwrap();
    assert_eq!(text, "shop/no-admin rule 2 refuses GET /admin from spiffe://cluster.local/ns/shop/sa/default at shop/web, once");
    assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]));
}

#[test]
fn an_interrupted_watch_puts_back_too() {
    let rig = Rig::new();
    let child = rig.session(r#"watch_log("web.shop", #{ rbac: "debug" }, "120s")"#, "debug");
    crate::ledger::send(&child, "INT");
    let (code, stderr) = crate::ledger::end(child);
    assert_eq!((code, rig.level("rbac"), rig.files()), (Some(130), "warning".into(), vec![]), "{stderr}");
}

fn log_levels(tape: &str) -> Investigation {
    let file = tapes::path(tape).display().to_string();
    Investigation::read(run_pilotage(&["--tape", &file, "run", "log-levels", "-o", "json"], &[]))
}

#[test]
fn log_levels_finds_who_was_left_at_debug_and_nobody_else() {
    let found = log_levels("b-authz-deny");
    assert_eq!(found.codes(), ["LOG001"], "{:#}", found.report);
    let text = found.finding("LOG001")["text"].as_str().unwrap();
    assert_eq!(text, "shop/api-0 logs at debug what holds whole tokens and headers: rbac");
    assert_eq!(log_levels("jwks-certificate-fault").codes(), Vec::<&str>::new());
}

/// The mesh of one proxy that does not answer.
fn silent() -> Rig {
    let mut rig = Rig::new();
    rig.envoy = None;
    rig
}

#[test]
fn what_cannot_be_watched_is_never_called_good() {
    let rig = silent();
    let output = rig.mesh.run(&["run", "watch-denials", "--allow", "tune", "--wait", "1s", "-o", "json"]);
    assert!(!output.stdout.contains("nothing was refused"), "{output:#?}");
    let found = Investigation::read(output);
    assert_eq!((found.code, found.codes()), (Some(4), vec!["DENY000"]), "{:#}", found.report);
    assert_eq!(found.finding("DENY000")["text"], "no proxy is watched: shop/web");
    let found = Investigation::read(rig.mesh.run(&["run", "log-levels", "-o", "json"]));
    assert_eq!((found.code, found.codes()), (Some(4), vec!["LOG004"]), "{:#}", found.report);
    assert_eq!(found.finding("LOG004")["text"], "the log levels of 1 proxy could not be seen: shop/web");
    assert!(!found.report.to_string().contains("none of"), "{:#}", found.report);
}

#[test]
fn a_closed_controlz_is_a_finding_and_the_rest_is_told() {
    let at = At::Pod { pod: "istio-system/istiod-lab".into(), port: Some(9876), path: "/scopej/".into() };
    let mesh = Mesh::serve(healthy().fault(at, Trouble::Status(404)));
    let found = Investigation::read(mesh.run(&["run", "log-levels", "-o", "json"]));
    assert_eq!(found.codes(), ["LOG005"], "{:#}", found.report);
    assert_eq!(found.finding("LOG005")["text"], "the log scopes of 1 istiod could not be seen: istio-system/istiod-lab");
}

#[test]
fn where_there_is_no_istiod_nothing_is_called_synchronised() {
    let found = Investigation::read(Rig::new().mesh.run(&["run", "proxy-sync", "-o", "json"]));
    assert_eq!(found.codes(), ["SYNC005"], "{:#}", found.report);
    let text = found.finding("SYNC005")["text"].as_str().unwrap();
    assert_eq!(text, "whether 1 proxy (shop/web) is connected could not be found out: there is no istiod in this cluster");
}
