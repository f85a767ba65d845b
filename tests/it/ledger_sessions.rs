//! Sessions that meet on one proxy, sessions on tapes, and programs that embed the engine.

use crate::ledger::{Rig, end, send};
use crate::support::envoy::post;
use pilotage::Pilotage;
use pilotage::backend::{Connect, Ledger, Live, Shelf};
use std::process::Stdio;
use std::sync::Arc;

fn set(level: &str) -> String {
    format!(r#"set_log("web.shop", "rbac", "{level}"); sleep(120)"#)
}

#[test]
fn an_inner_session_gives_back_the_outer_ones_level() {
    let rig = Rig::new();
    let outer = rig.session(&set("debug"), "debug");
    let inner = rig.session(&set("trace"), "trace");
    send(&inner, "TERM");
    end(inner);
    assert_eq!(rig.level("rbac"), "debug");
    send(&outer, "TERM");
    end(outer);
    assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]));
}

#[test]
fn an_outer_session_that_ends_first_leaves_the_level_to_the_inner_one() {
    for inner_level in ["trace", "debug"] {
        let rig = Rig::new();
        let outer = rig.session(&set("debug"), "debug");
        let inner = rig.session(&set(inner_level), inner_level);
        // Where both set the same, the second must have done so before the first ends.
        while rig.files().len() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
        send(&outer, "INT");
        let (code, stderr) = end(outer);
        assert!(code == Some(130) && stderr.contains("as another session that still runs wants it"), "{stderr}");
        assert_eq!(rig.level("rbac"), inner_level);
        send(&inner, "INT");
        let (_, stderr) = end(inner);
        assert!(stderr.contains("rbac of shop/web is warning again"), "{stderr}");
        assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]));
    }
}

#[test]
fn two_killed_sessions_are_undone_the_newest_first() {
    let rig = Rig::new();
    let outer = rig.session(&set("debug"), "debug");
    let inner = rig.session(&set("trace"), "trace");
    for child in [outer, inner] {
        send(&child, "KILL");
        end(child);
    }
    let undo = rig.mesh.run(&["undo"]);
    assert_eq!((undo.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{undo:#?}");
}

/// Set one level, wait for another session to set its own upon it, then set a third.
fn set_twice(first: &str, awaited: &str, then: &str) -> String {
    format!(
        r#"set_log("web.shop", "rbac", "{first}");
        wait_until(|| log_levels("web.shop").filter(|row| row.logger == "rbac")[0].level == "{awaited}", "60s");
        set_log("web.shop", "rbac", "{then}"); sleep(120)"#
    )
}

#[test]
fn crossed_sessions_that_were_killed_are_undone_change_by_change_at_once() {
    let rig = Rig::new();
    let first = rig.session(&set_twice("debug", "trace", "info"), "debug");
    let second = rig.session(&set_twice("trace", "info", "error"), "error");
    for child in [first, second] {
        send(&child, "KILL");
        end(child);
    }
    let dry = rig.mesh.run(&["undo", "--dry-run", "-o", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&dry.stdout).unwrap_or_else(|_| panic!("{dry:#?}"));
    let rows = rows.as_array().unwrap();
    assert!(rows.len() == 1 && rows[0]["level"] == "error" && rows[0]["old"] == "warning", "{rows:#?}");
    let undo = rig.mesh.run(&["undo", "-o", "json"]);
    assert_eq!((undo.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{undo:#?}");
    let again = rig.mesh.run(&["undo"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), "nothing is left to be put back\n"));
}

#[test]
fn crossed_sessions_that_end_by_themselves_give_back_change_by_change() {
    for first_ends_first in [true, false] {
        let rig = Rig::new();
        let first = rig.session(&set_twice("debug", "trace", "info"), "debug");
        let second = rig.session(&set("trace"), "info");
        let sessions =
            if first_ends_first { [(first, "trace"), (second, "warning")] } else { [(second, "info"), (first, "warning")] };
        for (child, level) in sessions {
            send(&child, "TERM");
            let (_, said) = end(child);
            assert_eq!(rig.level("rbac"), level, "first ends first: {first_ends_first}: {said}");
        }
        assert_eq!(rig.files(), Vec::<String>::new());
    }
}

#[test]
fn what_an_inner_session_set_to_stay_outlives_the_outer_ones_end() {
    for kept in ["debug", "error"] {
        for signal in ["TERM", "KILL"] {
            let rig = Rig::new();
            let outer = rig.session(&set("debug"), "debug");
            let inner = rig.eval(&format!(r#"set_log("web.shop", "rbac", "{kept}", #{{ keep: true }}).len()"#));
            assert_eq!((inner.code, rig.level("rbac")), (Some(0), kept.into()), "{inner:#?}");
            send(&outer, signal);
            let (_, said) = end(outer);
            assert_eq!(rig.level("rbac"), kept, "{signal}: {said}");
            assert!(signal == "KILL" || said.contains("rbac of shop/web was set to stay by another session since"), "{said}");
            let undo = rig.mesh.run(&["undo"]);
            assert_eq!((undo.code, undo.stderr.as_str()), (Some(0), "nothing is left to be put back\n"), "{signal}");
            assert_eq!((rig.level("rbac"), rig.files()), (kept.into(), vec![]), "{signal}");
        }
    }
}

#[test]
fn what_the_outer_session_sets_after_that_comes_back_to_what_is_to_stay() {
    let rig = Rig::new();
    let outer = rig.session(&set_twice("debug", "error", "trace"), "debug");
    let inner = rig.eval(r#"set_log("web.shop", "rbac", "error", #{ keep: true }).len()"#);
    assert_eq!(inner.code, Some(0), "{inner:#?}");
    rig.wait_for("rbac", "trace");
    send(&outer, "TERM");
    let (_, said) = end(outer);
    assert_eq!((rig.level("rbac"), rig.files()), ("error".into(), vec![]), "{said}");
}

#[test]
fn sessions_on_two_machines_that_end_crosswise_say_what_stays_and_how_to_find_it() {
    let rig = Rig::new();
    let first = rig.session(&set("debug"), "debug");
    let mut command = rig.mesh.command(&["eval", "--allow", "tune", &set("trace")]);
    command.env("XDG_STATE_HOME", rig.mesh.home().file("another-machine"));
    let second = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    rig.wait_for("rbac", "trace");
    send(&first, "TERM");
    let (_, said) = end(first);
    assert_eq!(rig.level("rbac"), "trace", "{said}");
    for words in [
        "is trace now, which this session did not set: left as it is",
        "before this session it was warning",
        "`log_levels(\"shop/web\")` shows it",
        "proxy-config log web.shop --level rbac:warning",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    send(&second, "TERM");
    let (_, said) = end(second);
    assert_eq!(rig.level("rbac"), "debug", "{said}");
    for words in [
        "rbac of shop/web is debug again",
        "so it was before this session",
        "`pilotage run log-levels` finds it",
        "--level rbac:warning",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let found = rig.mesh.run(&["run", "log-levels"]);
    assert!(found.stdout.contains("shop/web logs at debug what holds whole tokens and headers: rbac"), "{found:#?}");
}

#[test]
fn a_session_with_several_kubeconfigs_is_undone_from_any_shell() {
    let rig = Rig::new();
    let home = rig.mesh.home();
    home.write("first", "apiVersion: v1\nkind: Config\n");
    let mut command = crate::support::run::pilotage(home.path(), &["eval", "--allow", "tune", &set("debug")]);
    command.env("KUBECONFIG", "first:kubeconfig");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    rig.wait_for("rbac", "debug");
    send(&child, "KILL");
    end(child);
    let elsewhere = home.file("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let undo = || {
        let mut command = crate::support::run::pilotage(home.path(), &["undo"]);
        command.current_dir(&elsewhere).env("KUBECONFIG", "/nowhere/config");
        crate::support::run::finish(command, crate::support::run::PATIENCE)
    };
    std::fs::rename(home.file("kubeconfig"), home.file("moved")).unwrap();
    let lost = undo();
    assert!(lost.code == Some(1) && lost.stderr.contains(&format!("KUBECONFIG={}:", home.file("first").display())), "{lost:#?}");
    std::fs::rename(home.file("moved"), home.file("kubeconfig")).unwrap();
    let done = undo();
    assert_eq!((done.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{done:#?}");
}

#[test]
fn what_somebody_else_set_meanwhile_is_left_alone() {
    let rig = Rig::new();
    let child = rig.session(&set("debug"), "debug");
    post(rig.envoy.as_ref().unwrap().admin, "/logging?rbac=error");
    send(&child, "TERM");
    let (_, stderr) = end(child);
    assert!(stderr.contains("rbac of shop/web is error now, which this session did not set: left as it is"), "{stderr}");
    assert_eq!((rig.level("rbac"), rig.files()), ("error".into(), vec![]));
}

#[test]
fn a_tape_replays_what_was_set_and_put_back() {
    let rig = Rig::new();
    let script = r#"let set = set_log("web.shop", "rbac", "debug"); [set, reset_log("web.shop")]"#;
    let live = rig.mesh.run(&["--record", "case.tape", "eval", "--allow", "tune", "-o", "json", script]);
    assert_eq!(live.code, Some(0), "{live:#?}");
    let files = rig.files();
    drop(rig.envoy);
    let mut command = crate::support::run::pilotage(
        rig.mesh.home().path(),
        &["--tape", "case.tape", "eval", "--allow", "tune", "-o", "json", script],
    );
    command.stdin(std::process::Stdio::null());
    let again = crate::support::run::finish(command, crate::support::run::PATIENCE);
    assert_eq!((again.code, again.stdout, files), (Some(0), live.stdout, vec![]), "{}", again.stderr);
}

#[test]
fn a_tape_replays_what_was_set_by_exec() {
    let rig = Rig::by_exec();
    let script = r#"let set = set_log("web.shop", #{ rbac: "debug", jwt: "info" });
        let back = reset_log("web.shop", "rbac");
        let refused = ();
        try { set_log("web.shop", "rbac", "loud") } catch (error) { refused = error.message }
        [set, back, log_levels("web.shop").filter(|row| row.logger in ["rbac", "jwt"]), refused]"#;
    let args = ["eval", "--allow", "tune", "-o", "json", script];
    let live = rig.mesh.run(&[&["--record", "case.tape"], args.as_slice()].concat());
    assert_eq!(live.code, Some(0), "{live:#?}");
    live.says(&["asked by exec instead", "jwt of shop/web is warning again"]);
    let value: serde_json::Value = serde_json::from_str(&live.stdout).unwrap_or_else(|_| panic!("{live:#?}"));
    assert_eq!((&value[0][1]["level"], &value[1][0]["level"]), (&"debug".into(), &"warning".into()), "{value:#}");
    let files = rig.files();
    drop(rig.envoy);
    let command = crate::support::run::pilotage(rig.mesh.home().path(), &[&["--tape", "case.tape"], args.as_slice()].concat());
    let again = crate::support::run::finish(command, crate::support::run::PATIENCE);
    assert_eq!((again.code, again.stdout, files), (Some(0), live.stdout, vec![]), "{}", again.stderr);
    let said = |text: &str| text.lines().filter(|line| line.contains("by exec instead")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(said(&again.stderr), said(&live.stderr), "{}", again.stderr);
}

#[test]
fn an_embedded_engine_puts_back_when_it_is_dropped_also_by_a_panic() {
    let rig = Rig::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kubeconfig = Some(rig.mesh.home().path().join("kubeconfig"));
    let connect = || runtime.block_on(Live::connect(Connect { kubeconfig: kubeconfig.clone(), ..Connect::default() })).unwrap();
    let script = r#"set_log("web.shop", "rbac", "debug").len()"#;

    let engine = Pilotage::builder(Arc::new(connect())).build().unwrap();
    engine.eval(script).unwrap();
    assert_eq!((rig.level("rbac"), rig.files().len()), ("debug".into(), 0), "it is kept in memory");
    drop(engine);
    assert_eq!(rig.level("rbac"), "warning");

    let folder = rig.mesh.home().path().join(".local/state/pilotage/ledger");
    let live: Arc<Live> = Arc::new(connect());
    let shelf = Shelf { folder: Some(folder), ..Shelf::default() };
    let ledger = Arc::new(Ledger::new(live.clone(), live, shelf));
    let engine = Pilotage::builder(ledger.clone()).ledger(ledger).build().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        engine.eval(script).unwrap();
        assert_eq!((rig.level("rbac"), rig.files().len()), ("debug".into(), 1));
        std::panic::panic_any((rig, engine));
    }));
    // The payload keeps the engine alive: nothing is put back before it goes.
    let (rig, engine) = *panicked.unwrap_err().downcast::<(Rig, Pilotage)>().unwrap();
    assert_eq!(rig.level("rbac"), "debug");
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _engine = engine;
        panic!("a defect, on purpose");
    }));
    assert!(unwound.is_err());
    assert_eq!((rig.level("rbac"), rig.files()), ("warning".into(), vec![]));
}

/// A context that leads nowhere, and a session that chose the cluster of the mesh in its place: that choice is kept.
#[test]
fn a_killed_session_on_a_chosen_cluster_is_undone_there() {
    let rig = Rig::new();
    let file = rig.mesh.home().file("kubeconfig");
    let mut kubeconfig: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let own = kubeconfig["contexts"][0]["context"].clone();
    let named = |list: &mut serde_json::Value, one: serde_json::Value| list.as_array_mut().unwrap().push(one);
    named(&mut kubeconfig["clusters"], serde_json::json!({"name": "nowhere", "cluster": {"server": "http://127.0.0.1:1"}}));
    let lost = serde_json::json!({"name": "lost", "context": {"cluster": "nowhere", "user": own["user"]}});
    named(&mut kubeconfig["contexts"], lost);
    kubeconfig["current-context"] = "lost".into();
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let near = own["cluster"].as_str().unwrap();
    let mut command = rig.mesh.command(&["eval", "--cluster", near, "--allow", "tune", &set("debug")]);
    let session = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    rig.wait_for("rbac", "debug");
    send(&session, "KILL");
    end(session);
    let told = rig.mesh.run(&["eval", "--cluster", near, "1"]);
    assert!(told.stderr.contains(&format!("on lost (--cluster {near})")), "{told:#?}");
    let other = rig.mesh.run(&["undo", "--cluster", "nowhere"]);
    assert_eq!((other.code, other.stderr.as_str()), (Some(0), "nothing is left to be put back\n"), "{other:#?}");
    let dry = rig.mesh.run(&["undo", "--dry-run", "--cluster", near, "-o", "json"]);
    assert!(dry.code == Some(0) && dry.stdout.contains("rbac") && rig.level("rbac") == "debug", "{dry:#?}");
    let undo = rig.mesh.run(&["undo"]);
    assert_eq!((undo.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{undo:#?}");
}
