//! What is offered where: a line with a cursor, and what comes first.

use super::complete::{Memory, Room, in_script, prepare, present};
use crate::Pilotage;
use crate::backend::{Aside, demo};
use crate::host::Whose;
use std::sync::Arc;

fn engine(before: &str) -> Pilotage {
    let tape = Arc::new(demo().expect("the demo opens"));
    let engine = Pilotage::builder(tape.clone()).aside(Arc::new(Aside::new(tape))).build().expect("it builds");
    engine.eval(before).expect("it runs");
    engine
}

/// The names that are offered at the `‸`, the best first.
fn offered(engine: &Pilotage, marked: &str) -> Vec<String> {
    let pos = marked.find('‸').expect("a cursor");
    let found = in_script(engine, &Memory::default(), &marked.replace('‸', ""), pos);
    assert_eq!(found.trouble, None, "{marked}");
    found.offers.into_iter().map(|offer| offer.name.into_owned()).collect()
}

#[test]
fn results_are_known_by_their_number() {
    let engine = engine("");
    engine.enter("pods(\"olaf\")").expect("it runs");
    engine.enter("#{ alpha: 1 }").expect("it runs");
    let cases = [
        ("_.‸", "alpha"),
        ("out[2].‸", "alpha"),
        ("out[-1].‸", "alpha"),
        ("out[1][0].‸", "namespace name"),
        ("out[-2][0].na‸", "namespace name"),
        ("out[‸", "2 1"),
        ("pods().len() + out[ ‸]", "2 1"),
        ("out[1‸", "1"),
        ("out[le‸", "len"),
        ("[1‸", ""),
    ];
    begins(&engine, &cases);
    let offers = in_script(&engine, &Memory::default(), "out[", 4).offers;
    let abouts: Vec<&str> = offers.iter().map(|offer| offer.about.as_ref()).collect();
    assert_eq!(abouts, ["map · #{ alpha: 1 }", "1 × pod · pods(\"olaf\")"]);
    engine.enter("let out = [7];").expect("it runs");
    begins(&engine, &[("out[po‸", "pods")]);
    assert!(!offered(&engine, "out[‸").contains(&"2".into()), "a variable has the name");
}

/// What the line is after one Tab.
fn after_tab(engine: &Pilotage, marked: &str) -> String {
    let (pos, line) = (marked.find('‸').expect("a cursor"), marked.replace('‸', ""));
    let found = in_script(engine, &Memory::default(), &line, pos);
    let room = Room { columns: 80, lines: 20 };
    let shown = present(&found, &line[found.start..pos], room);
    let written = shown.first().map_or(&line[found.start..pos], |first| rustyline::completion::Candidate::replacement(first));
    format!("{}{written}‸{}", &line[..found.start], &line[pos..])
}

#[track_caller]
fn begins(engine: &Pilotage, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (marked, first) in cases {
        let found = offered(engine, marked);
        let wanted: Vec<&str> = first.split(' ').filter(|name| !name.is_empty()).collect();
        if found.len() < wanted.len() || found[..wanted.len()] != wanted[..] {
            wrong.push(format!("{marked}\n  wanted {wanted:?}\n  found  {:?}", &found[..found.len().min(wanted.len() + 3)]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_and_members() {
    let engine = engine(
        "let rows = pods(\"olaf\"); let one = rows[0]; let text = \"a\"; let map = #{ alpha: [#{ beta: 1 }] }; let list = [1]; \
         fn mine(pod, other) { 1 }",
    );
    let cases = [
        // Names, at the beginning of an expression.
        ("decode_‸", "decode_jwt"),
        ("pods‸", "pods"),
        ("let x = access_l‸", "access_log"),
        ("jw‸", "jwt_rules jwks:: decode_jwt"),
        ("min‸", "mine"),
        ("on‸", "one"),
        ("whil‸", "while"),
        ("clusters(on‸", "one"),
        ("for pod in pods() { po‸", "pod pods"),
        ("let local = 1; loc‸", "local"),
        ("cnfgdmp‸", "config_dump"),
        ("let new‸", ""),
        ("// po‸", ""),
        // Names of modules.
        ("jwks::stand_i‸", "stand_in stand_ins stand_ins_of"),
        ("traffic::‸", "blame failed failures summary"),
        // Fields first, in the order of their columns.
        ("one.‸", "namespace name app proxy ready status"),
        ("rows[0].na‸", "namespace name"),
        ("rows[i].st‸", "status"),
        ("pods()[0].st‸", "status"),
        ("pods().first().restar‸", "restarts"),
        ("pods().find(|p| p.name == \"x\").own‸", "owner"),
        ("pods().filter(|p| p.ready == \"x\").where(#{ app: \"x\" })[0].ser‸", "service_account"),
        ("pods().filter(|p| p.sta‸", "status"),
        ("pods().filter(|p| p.status == \"Running\" && p.nod‸", "node"),
        ("rows.map(|pod| pod.i‸", "ip"),
        ("rows.sort(|a, b| b.ag‸", "age"),
        ("rows.reduce(|sum, pod| sum + pod.resta‸", "restarts"),
        ("for p in pods(\"*\") { p.labe‸", "labels"),
        ("let x = pods();\nx.filter(|p| p.nam‸", "namespace name"),
        ("let x = pods()\nx[0].nam‸", "namespace name"),
        ("clusters(one)[0].servi‸", "service_fqdn"),
        ("clusters(pods())[0].p‸", "pod port"),
        ("clusters(\"x\").find(|c| c.subset == \"v1\").tls_‸", "tls_mode"),
        ("one.clusters()[0].servi‸", "service_fqdn"),
        ("rows.clusters()[0].po‸", "pod port"),
        ("logs(one, #{ follow: true }, |line| line.te‸", "text"),
        ("rows.map(|p| p.clusters()).first()[0].servi‸", "service_fqdn"),
        ("map.al‸", "alpha"),
        ("map.alpha[0].be‸", "beta"),
        ("#{ gamma: 1 }.ga‸", "gamma"),
        ("one[\"na‸", "namespace name"),
        ("`it is ${one.stat‸", "status"),
        ("one.to_map().na‸", "namespace name"),
        // Methods that fit.
        ("rows.fir‸", "first"),
        ("rows.filt‸", "filter"),
        ("rows.cou‸", "count_by"),
        ("text.start‸", "starts_with"),
        ("text.split(\",\").jo‸", "join"),
        ("one.name.to_up‸", "to_upper"),
        ("one.restarts.to_h‸", "to_hex"),
        ("one.config_d‸", "config_dump"),
        ("one.containers.le‸", "len"),
        ("list.le‸", "len"),
        ("endpoints(one)[0].pod().na‸", "namespace name"),
    ];
    begins(&engine, &cases);
}

#[test]
fn what_does_not_fit_is_not_offered() {
    let engine = engine("let text = \"a\"; let one = pods(\"olaf\")[0]; let spans = services(\"olaf\");");
    for (marked, absent) in [
        ("text.‸", "filter"),
        ("text.‸", "print"),
        ("text.‸", "make_upper"),
        ("pods().‸", "debug"),
        ("one.restarts.‸", "sin"),
        ("one.‸", "set_tag"),
        ("text.‸", "count_by"),
        ("one.‸", "count_by"),
        ("one.‸", "let"),
        ("one.‸", "jwks::"),
        ("spans[0].‸", "clusters"),
        ("one.restarts.‸", "starts_with"),
        ("pods().‸", "namespace"),
        ("x = ‸", "while"),
        ("let fresh = ‸", "fresh"),
        ("pods(\"*\", #{ app: 1, ‸", "app"),
    ] {
        let found = offered(&engine, marked);
        assert!(!found.is_empty() && !found.iter().any(|name| name == absent), "{marked} offers {absent}: {found:?}");
    }
}

#[test]
fn options_and_their_values() {
    let engine = engine("let one = pods(\"olaf-customer\").find(|p| p.app == \"customer\");");
    let cases = [
        ("clusters(one, #{ ‸", "fqdn port subset direction where"),
        ("clusters(one, #{ fqdn: \"a\", su‸", "subset"),
        ("one.clusters(#{ dir‸", "direction"),
        ("pods(\"*\", #{ sel‸", "selector"),
        ("logs(one, #{ tail: 5, contai‸", "container"),
        ("finding(\"error\", \"X\", \"y\", #{ ev‸", "evidence"),
        ("clusters(one, #{ direction: \"‸", "inbound outbound"),
        ("clusters(one, #{ direction: in‸", ""),
        ("clusters(one, #{ direction: \"o‸", "outbound"),
        ("endpoints(one, #{ status: \"un‸", "unhealthy unknown"),
        ("logs(one, #{ previous: ‸", "true false"),
        ("clusters(one, #{ where: #{ tls_m‸", "tls_mode"),
        ("one.clusters(#{ where: #{ dire‸", "direction"),
        ("pods().where(#{ prox‸", "proxy"),
        ("pods().where(#{ proxy: \"‸", "sidecar native-sidecar gateway"),
        ("pods().filter(|p| p.proxy == \"ga‸", "gateway"),
        ("pods().sort_by(\"rest‸", "restarts"),
        ("count_by(pods(), \"na‸", "namespace name"),
        ("table(pods(), [\"name\", \"sta‸", "status"),
        ("pods().table([\"own‸", "owner"),
        ("show(pods(), [\"own‸", "owner"),
        ("finding(\"‸", "ok info warning error"),
        ("dashboard(\"ki‸", "kiali"),
        ("can_i(\"‸", "get list watch create"),
        ("set_scope(\"ads\", \"‸", "debug info warn error none"),
        ("set_log(one, \"rbac\", \"‸", "trace debug info warning error critical off"),
        ("set_log(one, #{ rbac: \"de‸", "debug"),
        ("istiod_logs(#{ level: \"w‸", "warn"),
    ];
    begins(&engine, &cases);
}

#[test]
fn names_that_live_in_the_mesh() {
    let engine = engine("let one = pods(\"olaf-customer\").find(|p| p.app == \"customer\"); fn look(pod) { 1 }");
    let customer = "olaf-customer/customer-686cf5bf47-mtgsn";
    let cases = [
        ("clusters(\"cust‸", customer),
        ("logs(\"olaf-c‸", customer),
        ("[1].len(); look(\"customer-‸", customer),
        ("clusters([\"cust‸", customer),
        ("clusters(`cust‸", customer),
        ("log_levels(\"mtg‸", customer),
        ("clusters(\"depl‸", "deploy/"),
        ("pods(\"olaf-c‸", "olaf-customer"),
        ("pods(\"*\").filter(|p| p.namespace == \"olaf-c‸", "olaf-customer"),
        ("events(\"ol‸", "olaf olaf-customer"),
        ("services(\"olaf-‸", "olaf-customer"),
        ("diff(one, \"isti‸", "istiod"),
        ("log_levels(one).filter(|l| l.level == \"deb‸", "debug"),
    ];
    begins(&engine, &cases);
}

#[test]
fn whatever_help_knows_is_offered_in_its_text() {
    let engine = engine("");
    let cases = [
        ("help(\"decode_‸", "decode_jwt"),
        ("help(\"jwks-c‸", "jwks-certificate"),
        ("help(\"jwks::stand_in‸", "jwks::stand_in"),
        ("help(\":examp‸", ":examples"),
        ("help(\"cnfgdmp‸", "config_dump"),
    ];
    begins(&engine, &cases);
    for (typed, symptom) in [
        ("no healthy", "no healthy upstream"),
        ("access den", "403: RBAC: access denied"),
        ("healthy ups", "no healthy upstream"),
    ] {
        let found = offered(&engine, &format!("help(\"{typed}‸"));
        assert!(found.iter().any(|name| name == symptom), "{typed}: {found:?}");
    }
    assert_eq!(after_tab(&engine, "help(\"no healthy‸"), "help(\"no healthy upstream\"‸");
}

#[test]
fn a_value_of_another_mesh_is_completed_by_that_mesh() {
    let lab = "tests/tapes/c-unhealthy.tape";
    let engine = engine(&format!(
        "let old = tape(\"{lab}\"); let rows = old.pods(\"shop\"); let here = pods(\"olaf\"); let both = #{{ tape: old, here: here }};"
    ));
    let written = format!("let mine = tape(\"{lab}\"); mine.pod(\"web-‸");
    let literal = format!("tape(\"{lab}\").pod(\"web-‸");
    let cluster = format!("tape(\"{lab}\").pods().filter(|p| p.name == \"web-0\" && p.namespace == \"sh‸");
    let web = "shop/web-0";
    let cases = [
        (literal.as_str(), web),
        (&written, web),
        (&cluster, "shop"),
        ("old.pod(\"web-‸", web),
        ("both.tape.pod(\"web-‸", web),
        ("old.pods(\"sh‸", "shop"),
        ("rows.filter(|p| p.namespace == \"sh‸", "shop"),
        ("old.pods().where(#{ namespace: \"sh‸", "shop"),
        ("for p in old.pods() { p.namespace == \"sh‸", "shop"),
        ("here.filter(|p| p.namespace == \"olaf-c‸", "olaf-customer"),
        ("both.here.filter(|p| p.namespace == \"olaf-c‸", "olaf-customer"),
        ("tape(\"demo\").pod(\"mtg‸", "olaf-customer/customer-686cf5bf47-mtgsn"),
    ];
    // What is not at hand at once is there a moment later.
    let read = |marked: &str| {
        let asked = (0..400).map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            in_script(&engine, &Memory::default(), &marked.replace('‸', ""), marked.find('‸').expect("a cursor"))
        });
        asked.into_iter().any(|found| found.trouble.is_none())
    };
    assert!(cases.iter().all(|(marked, _)| read(marked)));
    begins(&engine, &cases);
    let upstream = offered(&engine, &format!("tape(\"{lab}\").pod(\"web-0.shop\").endpoints(#{{ cluster: \"outbound|‸"));
    assert!(upstream.iter().any(|name| name.contains("ratings.shop")), "{upstream:?}");
    for (marked, absent) in [("old.pod(\"‸", "olaf-customer/"), ("clusters(\"‸", "shop/web-0")] {
        let found = offered(&engine, marked);
        assert!(!found.is_empty() && !found.iter().any(|name| name.starts_with(absent)), "{marked}: {found:?}");
    }
}

#[test]
fn a_tape_that_cannot_be_read_says_so() {
    let engine = engine("");
    for file in ["no-such.tape", "Cargo.toml", "tests"] {
        let line = format!("tape(\"{file}\").pod(\"");
        let found = in_script(&engine, &Memory::default(), &line, line.len());
        assert!(found.offers.iter().all(|offer| offer.name.ends_with('/')), "{file}");
        assert!(found.trouble.is_some_and(|trouble| trouble.contains("tape") || trouble.contains("no file")), "{file}");
    }
}

#[test]
fn a_tape_is_opened_for_a_tab_and_not_while_somebody_types() {
    let engine = engine("");
    let line = "tape(\"no-such.tape\").pod(\"";
    let asked = || !engine.names_for(&Whose::Tape("no-such.tape".into())).expect("a tape can be asked").troubles().is_empty();
    prepare(&engine, line, line.len());
    assert!(!asked(), "nobody wanted it");
    in_script(&engine, &Memory::default(), line, line.len());
    assert!(asked());
}

#[test]
fn a_tab_writes_what_goes_with_the_name() {
    let engine = engine("let one = pods(\"olaf-customer\").find(|p| p.app == \"customer\");");
    for (before, after) in [
        ("decode_‸", "decode_jwt(‸"),
        ("istiod‸", "istiod‸"),
        ("namespace‸", "namespaces()‸"),
        ("decode_‸(x)", "decode_jwt‸(x)"),
        ("acc‸", "access_log(‸"),
        ("pods().fir‸", "pods().first()‸"),
        ("pods().coun‸", "pods().count_by(‸"),
        ("clusters(\"mtg‸", "clusters(\"olaf-customer/customer-686cf5bf47-mtgsn\"‸"),
        ("clusters(\"mtg‸\")", "clusters(\"olaf-customer/customer-686cf5bf47-mtgsn‸\")"),
        ("clusters(one, #{ fq‸", "clusters(one, #{ fqdn: ‸"),
        ("clusters(\"depl‸", "clusters(\"deploy/‸"),
        ("jwks::stand_‸", "jwks::stand_in‸"),
        ("traff‸", "traffic::‸"),
        ("one.restar‸", "one.restarts‸"),
        ("nothing_of_that_kind‸", "nothing_of_that_kind‸"),
    ] {
        assert_eq!(after_tab(&engine, before), after, "{before}");
    }
}
