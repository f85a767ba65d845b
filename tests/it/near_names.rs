//! Names that fit nothing: an empty list comes with a note that says so, and with the name that may be meant.

use crate::support::run::run_pilotage;

#[track_caller]
fn says(source: &str, stdout: &str, stderr: &str) {
    let output = run_pilotage(&["--demo", "eval", source], &[]);
    assert!(output.stdout.contains(stdout) && output.stderr.contains(stderr), "{source}: {output:#?}");
}

#[test]
fn a_wrong_name_is_told_with_the_nearest() {
    says(r#"istiod_logs(#{ scope: "mdel" })"#, "", "is of scope \"mdel\"; did you mean \"model\"?");
    says(r#"reset_log("deploy/customer.olaf-customer", "rback")"#, "", "this session set no logger \"rback\"");
    says(r#"reset_scope("nope")"#, "", "this session set no scope \"nope\"");
    says(
        r#"access_log("deploy/customer.olaf-customer", #{ flags: "UFF" })"#,
        "",
        "no response flag of an Envoy known here: did you mean \"UF\"?",
    );
    says("help(set_logg)", "Did you mean `set_log`?", "");
}

#[test]
fn proxy_status_of_a_pod_says_what_it_compared() {
    says(r#"proxy_status("deploy/customer.olaf-customer")"#, "[]", "what istiod would send is what Envoy holds");
    says("proxy_status(3)", "", "is no pod");
    says("proxy_status([3])", "", "is no pod");
}

#[test]
fn waiting_for_an_object_that_is_not_there_fails() {
    let output = run_pilotage(&["--demo", "eval", r#"sync::wait("virtualservice", "typo", "shop")"#], &[]);
    assert!(output.code == Some(1) && output.stderr.contains("there is no virtualservice shop/typo"), "{output:#?}");
}
