//! The ledger against processes in memory: a ztunnel, an istiod, one that stops answering.

use super::testing::{answer, at, block_on};
use super::*;
use crate::error::{Error, Kind};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A pod with a ztunnel's filter and istiod's scopes, as both keep them.
struct Process {
    filter: Mutex<Vec<(String, String)>>,
    scope: Mutex<Value>,
    broken: Mutex<bool>,
    asked: Mutex<Vec<String>>,
    clock: Mutex<jiff::Timestamp>,
}

impl Process {
    fn new() -> Arc<Self> {
        let scope = json!({"name": "model", "description": "model", "output_level": "info", "stack_trace_level": "none", "log_callers": true});
        let pair = |name: &str, level: &str| (name.to_owned(), level.to_owned());
        Arc::new(Self {
            filter: Mutex::new(vec![pair("hickory", "off"), pair("default", "info")]),
            scope: Mutex::new(scope),
            broken: Mutex::new(false),
            asked: Mutex::default(),
            clock: Mutex::new(at("2026-11-22T13:00:00Z")),
        })
    }

    fn listed(&self) -> String {
        let parts = self.filter.lock().unwrap().clone().into_iter();
        let parts: Vec<String> =
            parts.map(|(name, level)| if name == "default" { level } else { format!("{name}={level}") }).collect();
        format!("current log level is {}\n", parts.join(","))
    }

    fn set_filter(&self, params: &str) {
        let mut filter = self.filter.lock().unwrap();
        if params.starts_with("reset") {
            *filter = vec![("hickory".into(), "off".into()), ("default".into(), "info".into())];
        }
        let wanted = params.split_once("level=").map_or("", |(_, level)| level);
        for (name, level) in crate::log_level::Levels::filter(wanted) {
            match filter.iter_mut().find(|(known, _)| *known == name) {
                Some(found) => found.1 = level,
                None => filter.insert(0, (name, level)),
            }
        }
    }

    fn say(&self, query: &Query) -> Result<Answer> {
        self.asked.lock().unwrap().push(query.to_string());
        let by_exec = |exec: &Exec| {
            let [.., method, path] = exec.command.as_slice() else { panic!("{exec:?}") };
            let (namespace, pod, method, path) = (exec.namespace.clone(), exec.pod.clone(), method.clone(), format!("/{path}"));
            PodHttp { namespace, pod, port: 15000, method, path, body: None }
        };
        let pod = match &query.ask {
            Ask::Pod(pod) => pod.clone(),
            Ask::Exec(exec) => by_exec(exec),
            _ => return Ok(Answer { status: 403, ..answer("{}") }),
        };
        if *self.broken.lock().unwrap() {
            return Err(Error::new(Kind::Unreachable, "the port does not answer"));
        }
        match (pod.method.as_str(), pod.path.as_str()) {
            ("POST", path) if path.starts_with("/logging") => {
                if let Some((_, params)) = path.split_once('?') {
                    self.set_filter(params);
                }
                Ok(answer(&self.listed()))
            }
            ("GET", "/scopej/") => Ok(answer(&json!([*self.scope.lock().unwrap()]).to_string())),
            ("PUT", "/scopej/model") => {
                *self.scope.lock().unwrap() = serde_json::from_str(pod.body.as_deref().unwrap_or_default()).unwrap();
                Ok(Answer { status: 202, ..answer("") })
            }
            _ => Ok(Answer { status: 404, ..answer("") }),
        }
    }
}

impl Backend for Process {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move { self.say(query) })
    }

    fn now(&self) -> Timestamp {
        let mut clock = self.clock.lock().unwrap();
        *clock = clock.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
        *clock
    }

    fn cluster(&self) -> String {
        "lab".into()
    }

    fn describe(&self) -> String {
        "a process".into()
    }
}

fn send(method: &str, port: u16, path: &str, body: Option<Value>) -> Query {
    let (namespace, pod, method) = ("n".into(), "p".into(), method.into());
    let body = body.map(|body| body.to_string());
    Query::new("lab", Ask::Pod(PodHttp { namespace, pod, port, method, path: path.into(), body }))
}

fn undo(ledger: &Ledger) -> Vec<Undone> {
    block_on(ledger.undo(&Which::default(), Duration::from_secs(5)))
}

#[test]
fn a_ztunnels_filter_is_what_it_was_and_what_others_added_stays() {
    let process = Process::new();
    let before = process.listed();
    let ledger = Ledger::in_memory(process.clone());
    block_on(ledger.ask(&send("POST", 15000, "/logging?level=debug,access=trace,hickory=warn", None))).unwrap();
    process.set_filter("level=other=error");
    let undone = undo(&ledger);
    assert!(undone.iter().all(|one| one.how == How::PutBack) && undone.len() == 3, "{undone:?}");
    assert_eq!(process.listed(), "current log level is other=error,hickory=off,info\n");
    process.set_filter("reset");
    assert_eq!((process.listed(), ledger.open()), (before, vec![]));
}

#[test]
fn a_scope_is_put_back_with_both_its_levels_and_nothing_else() {
    let process = Process::new();
    let ledger = Ledger::in_memory(process.clone());
    let body = json!({"name": "model", "output_level": "debug", "stack_trace_level": "error", "log_callers": true});
    block_on(ledger.ask(&send("PUT", 9876, "/scopej/model", Some(body)))).unwrap();
    process.scope.lock().unwrap()["description"] = "changed".into();
    let undone = undo(&ledger);
    let told: Vec<String> = undone.iter().map(Undone::told).collect();
    assert_eq!(
        told,
        ["model of n/p is info again, no longer debug", "model (stack traces) of n/p is none again, no longer error"]
    );
    let after = process.scope.lock().unwrap().clone();
    let expected = json!({"name": "model", "output_level": "info", "stack_trace_level": "none", "log_callers": true, "description": "changed"});
    assert_eq!(after, expected);
}

#[test]
fn what_cannot_be_put_back_stays_open_and_is_told_with_the_command() {
    let process = Process::new();
    let ledger = Ledger::in_memory(process.clone());
    block_on(ledger.ask(&send("POST", 15000, "/logging?level=access=debug", None))).unwrap();
    *process.broken.lock().unwrap() = true;
    let undone = undo(&ledger);
    let told = undone[0].told();
    assert!(!undone[0].is_settled() && told.contains("`pilotage undo`") && told.contains("istioctl --context lab"), "{told}");
    assert_eq!(ledger.open().len(), 1);
    *process.broken.lock().unwrap() = false;
    assert_eq!((undo(&ledger)[0].how.clone(), ledger.open().len()), (How::PutBack, 0));
}

#[test]
fn nothing_is_set_whose_undo_is_not_known() {
    let process = Process::new();
    *process.broken.lock().unwrap() = true;
    let ledger = Ledger::in_memory(process.clone());
    let error = block_on(ledger.ask(&send("POST", 15000, "/logging?level=debug", None))).unwrap_err();
    assert!(error.message().contains("nothing was changed at n/p"), "{error}");
    assert!(!process.asked.lock().unwrap().iter().any(|asked| asked.contains('?')));
}

#[test]
fn what_was_set_by_exec_is_put_back_by_exec() {
    let process = Process::new();
    let ledger = Ledger::in_memory(process.clone());
    let command = ["pilot-agent", "request", "POST", "logging?level=debug"].map(str::to_owned).to_vec();
    let exec = Exec { namespace: "n".into(), pod: "p".into(), container: "istio-proxy".into(), command };
    block_on(ledger.ask(&Query::new("lab", Ask::Exec(exec)))).unwrap();
    assert!(process.listed().ends_with(",debug\n"), "{}", process.listed());
    assert_eq!(undo(&ledger)[0].how, How::PutBack);
    let last = process.asked.lock().unwrap().last().unwrap().clone();
    assert_eq!(last, "exec n/p -c istio-proxy -- pilot-agent request POST logging?reset&level=hickory=off,info");
}

#[test]
fn an_undo_that_hangs_ends_in_time() {
    struct Hanging(Arc<Process>, Mutex<bool>);
    impl Backend for Hanging {
        fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
            if *self.1.lock().unwrap() { Box::pin(std::future::pending()) } else { self.0.ask(query) }
        }
        fn cluster(&self) -> String {
            "lab".into()
        }
        fn describe(&self) -> String {
            "it hangs".into()
        }
    }
    let hanging = Arc::new(Hanging(Process::new(), Mutex::new(false)));
    let ledger = Ledger::in_memory(hanging.clone());
    block_on(ledger.ask(&send("POST", 15000, "/logging?level=debug", None))).unwrap();
    *hanging.1.lock().unwrap() = true;
    let begun = std::time::Instant::now();
    let undone = block_on(ledger.undo(&Which::default(), Duration::from_millis(50)));
    assert!(matches!(&undone[0].how, How::Failed(error) if error.kind() == Kind::Timeout), "{undone:?}");
    assert!(begun.elapsed() < Duration::from_secs(3) && ledger.open().len() == 1);
}

#[test]
fn what_is_cut_off_while_it_is_set_is_set_and_then_put_back() {
    struct Slow(Arc<Process>);
    impl Backend for Slow {
        fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                if query.to_string().contains("access=debug") {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                self.0.ask(query).await
            })
        }
        fn cluster(&self) -> String {
            "lab".into()
        }
        fn describe(&self) -> String {
            "it is slow".into()
        }
    }
    let process = Process::new();
    let ledger = Ledger::in_memory(Arc::new(Slow(process.clone())));
    let query = send("POST", 15000, "/logging?level=access=debug", None);
    block_on(async {
        let cut = tokio::time::timeout(Duration::from_millis(50), ledger.ask(&query)).await;
        assert!(cut.is_err() && !process.listed().contains("access"));
        let undone = ledger.undo(&Which::default(), Duration::from_secs(5)).await;
        assert_eq!(undone[0].how, How::PutBack);
    });
    let asked = process.asked.lock().unwrap().clone();
    assert!(asked.iter().any(|asked| asked.contains("access=debug")) && !process.listed().contains("access"), "{asked:?}");
}

#[test]
fn several_levels_of_one_session_come_back_to_the_first() {
    let process = Process::new();
    let ledger = Ledger::in_memory(process.clone());
    for level in ["debug", "trace", "warn"] {
        block_on(ledger.ask(&send("POST", 15000, &format!("/logging?level={level}"), None))).unwrap();
    }
    let which = Which { entries: Some(vec![2]), ..Which::default() };
    let last = block_on(ledger.undo(&which, Duration::from_secs(5)));
    assert_eq!((last[0].from.as_deref(), last[0].to.as_deref()), (Some("warn"), Some("trace")));
    let rest = undo(&ledger);
    assert_eq!((rest.len(), rest[0].to.as_deref()), (1, Some("info")));
}

#[test]
fn the_file_holds_no_more_than_places_and_levels() {
    let folder = std::env::temp_dir().join(format!("pilotage-ledger-words-{}", std::process::id()));
    let process = Process::new();
    let shelf = Shelf { folder: Some(folder.clone()), ..Shelf::default() };
    let ledger = Ledger::new(process.clone(), process, shelf);
    block_on(ledger.ask(&send("POST", 15000, "/logging?level=debug", None))).unwrap();
    let text = std::fs::read_to_string(ledger.file().unwrap()).unwrap();
    let tuned: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let keys: Vec<&String> = tuned["tuned"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "at", "place", "process", "settings"]);
    undo(&ledger);
    assert_eq!((ledger.file(), std::fs::read_dir(&folder).unwrap().count()), (None, 0));
    std::fs::remove_dir_all(folder).unwrap();
}

/// A process as a named server shows it, for sessions with files.
struct At(Arc<Process>, &'static str);

impl Backend for At {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        self.0.ask(query)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn cluster(&self) -> String {
        "lab".into()
    }

    fn describe(&self) -> String {
        format!("context lab ({})", self.1)
    }
}

fn session(process: &Arc<Process>, folder: &std::path::Path) -> Ledger {
    let at = Arc::new(At(process.clone(), "https://one:6443"));
    Ledger::new(at.clone(), at, Shelf { folder: Some(folder.to_owned()), ..Shelf::default() })
}

#[test]
fn another_server_of_the_same_context_is_not_touched() {
    let folder = std::env::temp_dir().join(format!("pilotage-ledger-server-{}", std::process::id()));
    let process = Process::new();
    let first = session(&process, &folder);
    block_on(first.ask(&send("POST", 15000, "/logging?level=debug", None))).unwrap();
    drop(first);
    let undone = |server: &'static str| {
        let left = ledger_file::leftovers(&folder).remove(0);
        undo(&Ledger::adopt(Arc::new(At(process.clone(), server)), Shelf::default(), left))
    };
    let told = undone("https://two:6443")[0].told();
    assert!(told.contains("recorded on https://one:6443") && told.contains("--kubeconfig"), "{told}");
    assert!(process.listed().ends_with(",debug\n"));
    assert_eq!(undone("https://one:6443")[0].how, How::PutBack);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_killed_session_set_later_waits_for_its_undo() {
    let folder = std::env::temp_dir().join(format!("pilotage-ledger-down-{}", std::process::id()));
    let process = Process::new();
    let before = process.listed();
    let (first, killed) = (session(&process, &folder), session(&process, &folder));
    block_on(first.ask(&send("POST", 15000, "/logging?level=debug", None))).unwrap();
    block_on(killed.ask(&send("POST", 15000, "/logging?level=trace", None))).unwrap();
    drop(killed);
    assert_eq!((undo(&first)[0].how.clone(), first.open().len()), (How::HandedDown, 1));
    drop(first);
    let last = ledger_file::leftovers(&folder).into_iter().max_by_key(|left| left.contents.open[0].at).unwrap();
    let shelf = Shelf { folder: Some(folder.clone()), ..Shelf::default() };
    assert_eq!(undo(&Ledger::adopt(process.clone(), shelf, last))[0].how, How::PutBack);
    assert_eq!((process.listed(), std::fs::read_dir(&folder).unwrap().count()), (before, 0));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_killed_session_set_to_what_it_was_hides_nothing() {
    let folder = std::env::temp_dir().join(format!("pilotage-ledger-idle-{}", std::process::id()));
    let process = Process::new();
    let before = process.listed();
    let (first, killed) = (session(&process, &folder), session(&process, &folder));
    for (who, level) in [(&first, "debug"), (&killed, "trace"), (&killed, "trace"), (&killed, "debug")] {
        block_on(who.ask(&send("POST", 15000, &format!("/logging?level={level}"), None))).unwrap();
    }
    drop(killed);
    assert_eq!((undo(&first)[0].how.clone(), process.listed()), (How::PutBack, before));
    drop(first);
    std::fs::remove_dir_all(folder).unwrap();
}

/// As `pilotage undo` does it: each file once, the newest first.
fn undo_all_once(process: &Arc<Process>, folder: &std::path::Path) {
    let mut seen = Vec::new();
    loop {
        let left = ledger_file::leftovers(folder).into_iter().filter(|left| !seen.contains(&left.book.path().to_owned()));
        let Some(left) = left.max_by_key(|left| left.contents.open.iter().map(|entry| entry.at).max()) else { return };
        seen.push(left.book.path().to_owned());
        let shelf = Shelf { folder: Some(folder.to_owned()), ..Shelf::default() };
        undo(&Ledger::adopt(Arc::new(At(process.clone(), "https://one:6443")), shelf, left));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn sessions_that_cross_and_end_in_any_way_leave_what_was_before(
        sets in proptest::collection::vec((0usize..3, 0usize..4), 1..9),
        ends in proptest::collection::vec((0usize..9, proptest::bool::ANY), 3),
    ) {
        let folder = std::env::temp_dir().join(format!("pilotage-ledger-crossed-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let process = Process::new();
        let before = process.listed();
        let mut sessions: Vec<Option<Ledger>> = (0..3).map(|_| Some(session(&process, &folder))).collect();
        // How far each one came is left to the order in which they end.
        let (early, late) = sets.split_at(sets.len() / 2);
        let set = |sessions: &[Option<Ledger>], sets: &[(usize, usize)]| {
            for (who, level) in sets {
                let Some(session) = &sessions[*who] else { continue };
                let level = ["debug", "trace", "warn", "error"][*level];
                block_on(session.ask(&send("POST", 15000, &format!("/logging?level={level}"), None))).unwrap();
            }
        };
        set(&sessions, early);
        for (turn, (which, killed)) in ends.iter().enumerate() {
            let here: Vec<usize> = (0..3).filter(|who| sessions[*who].is_some()).collect();
            let session = sessions[here[which % here.len()]].take().unwrap();
            if !killed {
                undo(&session);
            }
            drop(session);
            if turn == 0 {
                set(&sessions, late);
            }
        }
        undo_all_once(&process, &folder);
        proptest::prop_assert_eq!((process.listed(), std::fs::read_dir(&folder).into_iter().flatten().count()), (before, 0));
    }
}

#[test]
fn without_a_folder_nothing_is_set() {
    let process = Process::new();
    let ledger = Ledger::new(process.clone(), process.clone(), Shelf::default());
    let error = block_on(ledger.ask(&send("POST", 15000, "/logging?level=debug", None))).unwrap_err();
    assert!(error.message().contains("no folder of yours") && process.asked.lock().unwrap().is_empty(), "{error}");
}

#[test]
fn an_undo_that_failed_counts_as_tried_until_more_is_set() {
    let process = Process::new();
    let ledger = Ledger::in_memory(process.clone());
    let query = send("POST", 15000, "/logging?level=debug", None);
    block_on(ledger.ask(&query)).unwrap();
    assert!(!ledger.was_tried());
    ledger.tried();
    assert!(ledger.was_tried());
    block_on(ledger.ask(&query)).unwrap();
    assert!(!ledger.was_tried());
}

#[test]
fn a_tape_holds_the_refusal_for_which_a_tune_was_never_sent() {
    let refusal = || Err(Error::new(Kind::Forbidden, "no port-forward for you"));
    let (aside, kept) = (super::testing::Script::new([refusal()]), super::testing::Script::new([refusal()]));
    let folder = std::env::temp_dir().join("pilotage-ledger-never-made");
    let ledger = Ledger::new(kept.clone(), aside, Shelf { folder: Some(folder), ..Shelf::default() });
    let error = block_on(ledger.ask(&send("POST", 15000, "/logging?rbac=debug", None))).unwrap_err();
    assert_eq!((error.kind(), kept.asked()), (Kind::Forbidden, vec!["pod n/p:15000 POST /logging".to_owned()]));
}
