//! Control planes that hang, refuse, or answer something else.

use super::bad_days::{Mesh, healthy};
use crate::support::cluster::{At, Trouble};
use std::time::Duration;

const SYNCED: &str = "proxy_status().filter(|row| row.status == \"SYNCED\").len()";

fn syncz() -> At {
    At::Pod { pod: "istio-system/istiod-lab".into(), port: Some(15014), path: "/debug/syncz".into() }
}

#[test]
fn one_replica_that_hangs_holds_nobody_up() {
    let mesh = Mesh::serve(healthy().hanging_istiod("istiod-lab-2"));
    let output = mesh.run(&["--timeout", "3s", "eval", SYNCED]);
    output.gives(4, "5").says(&["note: ", "istio-system/istiod-lab-2", "/debug/syncz", "no answer within 3 s"]);
    assert!(output.took < Duration::from_secs(12), "{:?}", output.took);
    let found = mesh.run(&["--timeout", "3s", "run", "proxy-sync"]);
    assert!(found.stdout.contains("5 proxies took all that was sent") && found.stdout.contains("istiod-lab-2"), "{found:#?}");
}

#[test]
fn an_istiod_that_restricts_or_lacks_the_page_says_so() {
    for (trouble, kind, words) in [
        (
            Trouble::Status(403),
            "forbidden",
            &["istio-system/istiod-lab", "status 403", "DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES"][..],
        ),
        (Trouble::Status(404), "not_found", &["istio-system/istiod-lab", "status 404", "ENABLE_DEBUG_ON_HTTP"]),
        (Trouble::NotJson, "bad_answer", &["istio-system/istiod-lab", "/debug/syncz cannot be read", "no JSON"]),
        (Trouble::Empty, "bad_answer", &["istio-system/istiod-lab", "/debug/syncz cannot be read"]),
    ] {
        let mesh = Mesh::serve(healthy().fault(syncz(), trouble));
        mesh.eval(SYNCED).fails(1, kind, words);
    }
}

#[test]
fn who_may_not_forward_asks_istiod_by_exec() {
    let output = Mesh::serve(healthy().user("noforward")).eval(SYNCED);
    output.gives(0, "5").says(&["port-forward to istiod istio-system/istiod-lab is forbidden", "asked by exec"]);
}

#[test]
fn who_may_do_neither_is_told_what_is_missing() {
    let output = Mesh::serve(healthy().user("noproxy")).eval(SYNCED);
    output.fails(1, "forbidden", &["istio-system/istiod-lab", "pods/portforward"]);
}
