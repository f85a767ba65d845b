//! What is offered where: a line with a cursor, and what comes first.

use super::complete::{Memory, Room, in_script, present};
use crate::Pilotage;
use crate::backend::{Aside, demo};
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
    ];
    begins(&engine, &cases);
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
