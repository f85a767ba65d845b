//! `wait_until`: what it gives, when it gives up, what ends it.

use crate::support::tapes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use pilotage::Pilotage;
use pilotage::backend::{Answer, Backend, Query, Tape};
use pilotage::error::{Kind, Result};
use pilotage::report::Content;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A tape that passes for a live mesh: time passes there.
struct Live(Tape);

impl Backend for Live {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        self.0.ask(query)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn cluster(&self) -> String {
        self.0.cluster()
    }

    fn describe(&self) -> String {
        "a mesh".into()
    }
}

fn live() -> Pilotage {
    let tape = Tape::open(tapes::path("jwks-certificate-fault")).unwrap();
    Pilotage::builder(Arc::new(Live(tape))).build().unwrap()
}

fn value(engine: &Pilotage, code: &str) -> Value {
    match engine.eval(code).unwrap() {
        Content::Value(value) => value,
        other => panic!("{code} gives {other:?}"),
    }
}

#[test]
fn it_asks_again_until_it_is_so_and_gives_what_the_closure_gave() {
    let begun = Instant::now();
    let given = value(
        &live(),
        "let asked = 0; let list = wait_until(|| { asked += 1; if asked < 3 { [] } else { [asked] } }, 30); [list, asked]",
    );
    assert_eq!(given, json!([[3], 3]));
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(600) && took < Duration::from_secs(10), "{took:?}");
    assert_eq!(value(&live(), "wait_until(|| istiods().len(), \"5s\")"), json!(1));
}

#[test]
fn when_the_time_is_over_it_says_what_was_seen_last() {
    let begun = Instant::now();
    let failure =
        live().eval("let n = 0;\nwait_until(|| { n += 1; #{ done: false, waiting: [`web-0 ${n}`] } }, 0.6)").unwrap_err();
    assert!(begun.elapsed() > Duration::from_millis(550));
    assert_eq!((failure.error.kind(), failure.position.unwrap().line), (Kind::Timeout, 2));
    let said = failure.error.message();
    assert!(said.contains("600ms, asked 3 times") && said.contains(r#""waiting": [ "web-0 3" ]"#), "{said}");
}

#[test]
fn an_error_in_the_closure_ends_it_and_is_told_where_it_stands() {
    let failure = live().eval("wait_until(|| {\n  throw \"no way\"\n}, 60)").unwrap_err();
    assert_eq!(failure.position.unwrap().line, 2, "{failure:?}");
    assert!(failure.error.message().contains("no way"), "{failure}");
    let failure = live().eval("let x = #{};\nwait_until(|| x.rows.len() > 0, 60)").unwrap_err();
    assert_eq!((failure.error.kind(), failure.position.unwrap().line), (Kind::Script, 2));
    let failure = live().eval("wait_until(|| true, \"soon\")").unwrap_err();
    assert_eq!(failure.error.kind(), Kind::BadInput);
}

#[test]
fn it_ends_at_once_when_interrupted_and_cannot_be_caught() {
    let engine = live();
    let interrupt = engine.interrupt();
    let waits = std::thread::spawn(move || {
        let outcome = engine.eval("try { wait_until(|| false, \"10m\"); } catch { 1 }");
        (Instant::now(), outcome.unwrap_err().error.kind())
    });
    // By then the pauses are long.
    std::thread::sleep(Duration::from_millis(1500));
    let pressed = Instant::now();
    interrupt.trigger();
    let (ended, kind) = waits.join().unwrap();
    assert_eq!(kind, Kind::Interrupted);
    assert!(ended - pressed < Duration::from_millis(500), "{:?}", ended - pressed);
}

#[test]
fn on_a_tape_it_asks_as_often_without_waiting() {
    let begun = Instant::now();
    let failure = tapes::engine("jwks-certificate-fault").eval("wait_until(|| false, \"1h\")").unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(failure.error.kind(), Kind::Timeout);
    assert!(failure.error.next_step().unwrap().contains("tape"), "{:?}", failure.error);
}
