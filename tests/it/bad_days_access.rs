//! Credentials and permissions that are missing: what can still be learned is, and the missing verb is named.

use super::bad_days::{Mesh, POD, faulty};
use crate::support::cluster::User;

fn as_user(name: &str) -> Mesh {
    Mesh::serve(faulty().user(name))
}

fn filters() -> String {
    format!("filters(\"{POD}\").len() > 10")
}

#[test]
fn expired_credentials_ask_for_a_login() {
    let mesh = as_user("badtoken");
    for source in ["pods()", "get(\"requestauthentications\")", "istiod_logs()"] {
        mesh.eval(source).fails(1, "unauthorized", &["the cluster lab refuses the credentials (401)", "expired", "log in again"]);
    }
    mesh.run(&["run", "jwks-certificate"]).fails(1, "unauthorized", &["(401)", "log in again"]);
}

#[test]
fn who_may_not_list_pods_is_told_the_verb_and_the_way_with_one_namespace() {
    let words = &["cannot list pods", "the verb `list` on `pods`", "kubectl auth can-i list pods", "--namespace"];
    as_user("nobody").eval("pods()").fails(1, "forbidden", words);
    as_user("nopods").run(&["run", "jwks-certificate"]).fails(1, "forbidden", words);
}

#[test]
fn without_port_forward_it_goes_by_exec_and_says_what_is_missing() {
    let mesh = as_user("noforward");
    let missing =
        ["port-forward to pods of namespace olaf-customer is forbidden", "get and create on pods/portforward", "by exec"];
    mesh.eval(&filters()).gives(0, "true").says(&missing);
    let found = mesh.investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    found.notes(&missing);
}

#[test]
fn without_exec_too_istiod_is_asked_what_it_sent() {
    // A replica that hangs does not keep the other's answer back.
    let mesh = Mesh::serve(faulty().user("istiodonly").hanging_istiod("istiod-lab-2"));
    let missing = ["get and create on pods/portforward, or on pods/exec", "what istiod last sent", "olaf-customer"];
    mesh.eval(&filters()).gives(0, "true").says(&missing);
    let found = mesh.investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    assert!(found.finding("JWKS001")["text"].as_str().is_some_and(|text| text.contains("4 proxies")), "{:#}", found.report);
    found.notes(&missing);
}

#[test]
fn when_no_way_leads_to_the_proxy_all_that_was_tried_is_told() {
    let mesh = as_user("noproxy");
    mesh.eval(&filters()).fails(
        1,
        "forbidden",
        &[
            POD,
            "tried: port-forward, exec of pilot-agent, istiod's view",
            "cannot get resource \"pods/portforward\"",
            "cannot get resource \"pods/exec\"",
            "get and create on pods/portforward in namespace olaf-customer",
            "can-i create pods --subresource=portforward -n olaf-customer",
        ],
    );
    let page = mesh.eval(&format!("admin(\"{POD}\", \"/stats\")"));
    page.fails(1, "forbidden", &["tried: port-forward, exec of pilot-agent)", "get and create on pods/portforward"]);
}

#[test]
fn the_playbook_concludes_without_any_proxy_what_the_rest_tells() {
    let found = as_user("noproxy").investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS002", "JWKS003", "JWKS004"], Some(3)));
    assert_eq!(found.finding("JWKS002")["severity"], "warning", "an old line proves nothing about today");
    found.notes(&["what the proxies hold stays open", "get and create on pods/portforward"]);
    let healthy = Mesh::serve(super::bad_days::healthy().user("noproxy")).investigate(&[]);
    assert_eq!((healthy.code, healthy.report["status"].as_str() < Some("warning")), (Some(4), true), "{:#}", healthy.report);
}

#[test]
fn who_may_only_look_is_told_every_missing_verb() {
    let found = as_user("viewer").investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS003", "JWKS004"], Some(3)));
    found.notes(&["what the proxies hold stays open", "get and create on pods/portforward"]);
    found.notes(&["its log cannot be read", "the verb `get` on `pods/log` in namespace istio-system"]);
}

#[test]
fn forbidden_logs_are_told_and_the_rest_goes_on() {
    let mesh = as_user("nologs");
    let missing = ["the verb `get` on `pods/log` in namespace istio-system", "can-i get pods --subresource=log -n istio-system"];
    mesh.eval("istiod_logs()").fails(1, "forbidden", &missing);
    mesh.eval(&format!("logs(\"{POD}\")")).fails(1, "forbidden", &[POD, "`pods/log` in namespace olaf-customer"]);
    let found = mesh.investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS003", "JWKS004"], Some(3)));
    found.notes(&["stays open, its log cannot be read", missing[0], missing[1]]);
}

#[test]
fn who_sees_neither_rules_nor_config_maps_nor_deployments_gets_the_rest() {
    let hidden = ["configmaps", "secrets", "deployments", "requestauthentications"];
    let user = User::new("blinkered").may(&["*"], &["*"], &["*"]).may_not(&["*"], &["*"], &hidden);
    let found = Mesh::serve(faulty().add_user(user).user("blinkered")).investigate(&[]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS002", "JWKS003", "JWKS004"], Some(3)));
    found.notes(&["RequestAuthentications could not be read", "the verb `list` on `requestauthentications`"]);
    found.notes(&["Deployment/istiod", "the verb `get` on `deployments` in namespace istio-system"]);
}

#[test]
fn who_may_only_see_one_namespace_gets_its_findings() {
    let user = User::new("small").may_in("olaf-customer", &["*"], &["*"], &["*"]);
    let mesh = Mesh::serve(faulty().add_user(user).user("small"));
    mesh.run(&["run", "jwks-certificate"]).fails(1, "forbidden", &["list pods", "--namespace"]);
    let found = mesh.investigate(&["--namespace", "olaf-customer"]);
    assert_eq!((found.codes(), found.code), (vec!["JWKS001", "JWKS003"], Some(3)));
    assert_eq!(found.finding("JWKS001")["resource"], "RequestAuthentication/olaf-customer/customerjwt");
    found.notes(&["you may not list requestauthentications of all namespaces", "only those of olaf-customer"]);
    found.notes(&["istiod was looked for in olaf-customer only"]);
}
