//! What a defect in a function leaves behind: nothing.

use super::*;
use crate::Pilotage;
use crate::backend::testing::{Script, answer, block_on};
use crate::backend::{Ask, Backend, PodHttp, Query};

type Explosion = std::result::Result<i64, Box<rhai::EvalAltResult>>;

/// An engine whose function `explode` does this and panics.
fn with_a_defect(ledger: &Arc<Ledger>, backend: SharedBackend, first: impl Fn(&Ledger) + Send + Sync + 'static) -> Pilotage {
    let (mut module, kept) = (Module::new(), ledger.clone());
    module.set_native_fn("explode", move || -> Explosion {
        first(&kept);
        panic!("as it was told to")
    });
    Pilotage::builder(backend).ledger(ledger.clone()).module("odd", module).build().expect("an engine")
}

fn explode(engine: &Pilotage) {
    assert!(catch_unwind(AssertUnwindSafe(|| engine.enter("explode()"))).is_err(), "it panics");
}

#[test]
fn what_variables_hold_is_known_as_before() {
    let script = Script::silent();
    let engine = with_a_defect(&Arc::new(Ledger::in_memory(script.clone())), script, |_| {});
    engine.enter("let pod = \"web-0.shop\"; let old = [tape(\"demo\")];").expect("it runs");
    explode(&engine);
    assert_eq!(engine.form_of("pod", &[]), Some(Form::Text));
    assert_eq!(engine.text_of("pod").as_deref(), Some("web-0.shop"));
    for way in [vec![], vec![Step::Item(0)], vec![Step::Item(0), Step::Item(0)]] {
        let names = engine.names_for(&Whose::Held("old".into(), way.clone())).expect("a tape can be asked");
        assert!(!Arc::ptr_eq(&names, &engine.live_names()), "{way:?}: these are those of the mesh at hand");
    }
}

#[test]
fn what_was_to_last_for_a_line_ends_with_it() {
    let script = Script::new([Ok(answer("current log level is hickory=off,info\n"))]);
    let ledger = Arc::new(Ledger::in_memory(script.clone()));
    let engine = with_a_defect(&ledger, script.clone(), |ledger| {
        let (namespace, pod, method, path) = ("shop".into(), "zt".into(), "POST".into(), "/logging?level=debug".into());
        let set = Query::new("lab", Ask::Pod(PodHttp { namespace, pod, port: 15000, method, path, body: None }));
        let mark = ledger.mark();
        block_on(ledger.ask(&set)).expect("it is set");
        ledger.pass_since(mark);
        assert_eq!(ledger.open().len(), 1);
    });
    explode(&engine);
    assert!(ledger.open().is_empty(), "{:?}", script.asked());
}
