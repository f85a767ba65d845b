//! Help: what it says of names and values, where error texts lead, and that the reference holds everything.

use crate::support::run::{Output, PATIENCE, TempDir, finish, pilotage, run_pilotage};
use crate::support::tapes;
use pilotage::host::Playbook;
use pilotage::report::{Content, Page};
use std::io::Write;
use std::process::Stdio;

const TAPE: &str = "jwks-certificate-fault";

#[track_caller]
fn page(code: &str) -> Page {
    match tapes::engine(TAPE).eval(code).unwrap_or_else(|failure| panic!("{code}: {failure}")) {
        Content::Page(page) => page,
        other => panic!("{code} gives no page: {other:?}"),
    }
}

#[track_caller]
fn failure(code: &str) -> String {
    let failure = tapes::engine(TAPE).eval(code).expect_err(code);
    format!("{} {}", failure.error.message(), failure.error.next_step().unwrap_or_default())
}

/// What people see, and what must be among the first three that help names.
const SYMPTOMS: &[(&str, &str)] = &[
    ("503 UH", "endpoints"),
    ("UH", "endpoints"),
    ("no healthy upstream", "endpoints"),
    ("no_healthy_upstream", "endpoints"),
    ("NoHealthyUpstream", "endpoints"),
    ("503 UF,URX", "traffic::failures"),
    ("503 UC", "traffic::failures"),
    ("intermittent 503", "traffic::failures"),
    ("upstream connect error or disconnect/reset before headers. reset reason: connection failure", "traffic::failures"),
    ("503 NC cluster_not_found", "clusters"),
    ("404 NR route_not_found", "routes"),
    ("504 UT", "routes"),
    ("upstream request timeout", "routes"),
    ("filter_chain_not_found", "listeners"),
    ("delayed connect error: 111", "endpoints"),
    ("circuit breaker overflow UO", "clusters"),
    ("401", "jwks-certificate"),
    ("Jwt verification fails", "jwks-certificate"),
    ("Jwt is expired", "verify_jwt"),
    ("jwt_authn_access_denied{Jwt_is_expired}", "verify_jwt"),
    ("Audiences in Jwt are not allowed", "verify_jwt"),
    ("Jwt issuer is not configured", "jwt_rules"),
    ("Jwks doesn't have key to match kid or alg from Jwt", "jwks-certificate"),
    ("certificate signed by unknown authority", "jwks-certificate"),
    ("x509: certificate signed by unknown authority", "verify_chain"),
    ("x509: certificate has expired or is not yet valid", "tls_chain"),
    ("RBAC: access denied", "watch-denials"),
    ("RBAC: access denied", "rbac_denials"),
    ("rbac_access_denied_matched_policy[none]", "watch-denials"),
    ("which policy denies", "rbac_denials"),
    ("ext_authz_denied UAEX", "filters"),
    ("STALE", "proxy_status"),
    ("STALE", "proxy-sync"),
    ("NACK", "proxy-sync"),
    ("Error adding/updating listener(s) virtualInbound", "sync::rejected"),
    ("config not received from XDS server (is Istiod running?)", "proxy-sync"),
    ("CERTIFICATE_VERIFY_FAILED", "certs::roots"),
    ("Secret is not supplied by SDS", "secrets"),
    ("CrashLoopBackOff", "pods"),
    ("sidecar not injected", "namespaces"),
    ("failed calling webhook", "events"),
    ("maybe a NetworkPolicy is blocking HBONE port 15008", "workloads"),
    ("connection closed due to policy rejection", "policies"),
    ("BlackHoleCluster", "clusters"),
    ("EnvoyFilter not applied", "filters"),
    ("disk full of logs", "log-levels"),
    ("proxy OOMKilled", "memory"),
    ("cannot create resource \"pods/portforward\"", "can_i"),
    ("version skew", "versions"),
    ("JWKS001", "jwks-certificate"),
    ("wasm plugin", "ecds"),
];

#[test]
fn what_people_see_leads_to_what_helps() {
    let engine = tapes::engine(TAPE);
    let mut wrong = Vec::new();
    for (symptom, expected) in SYMPTOMS {
        let page = engine.help(symptom).unwrap_or_else(|error| panic!("{symptom}: {error}"));
        let hits = page.data["hits"].as_array().unwrap_or_else(|| panic!("{symptom} is searched"));
        let first: Vec<&str> = hits.iter().take(3).filter_map(|hit| hit["name"].as_str()).collect();
        if !first.contains(expected) {
            wrong.push(format!("{symptom}: {expected} is not in {first:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_and_playbooks_are_found_with_the_reason() {
    let page = page("help(\"RBAC: access denied\")");
    let hits = page.data["hits"].as_array().expect("hits");
    let kinds: Vec<_> = hits.iter().map(|hit| hit["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"playbook") && kinds.contains(&"function"), "{kinds:?}");
    assert!(
        hits.iter().take(3).all(|hit| hit["why"].as_str().is_some_and(|why| why.to_lowercase().contains("rbac"))),
        "{hits:#?}"
    );
    assert!(page.markdown.contains("`pilotage run watch-denials`"), "{}", page.markdown);
    let flag = self::page("help(\"503 UH\")");
    assert!(flag.markdown.contains("`UH` (NoHealthyUpstream): the cluster has no healthy endpoint."), "{}", flag.markdown);
    assert!(hits.len() <= 6, "a short list: {}", hits.len());
}

#[test]
fn slips_of_the_hand_are_mended_and_strangers_are_said_so() {
    let page = page("help(\"certificte signed by unknwon authority\")");
    assert!(page.markdown.contains("“certificte” stands nowhere; looked for “certificat"), "{}", page.markdown);
    assert!(page.data["hits"].as_array().is_some_and(|hits| !hits.is_empty()));
    assert!(failure("help(\"endpionts\")").contains("did you mean endpoints?"));
    assert!(failure("help(\"qwxzvk\")").contains("nothing is known about \"qwxzvk\""));
}

#[test]
fn a_bare_name_will_do() {
    for (typed, begins) in [
        ("help(endpoints)", "# endpoints\n"),
        ("help(endpoints())", "# endpoints\n"),
        ("help(jwks)", "# jwks\n"),
        ("help(jwks::stand_ins)", "# jwks::stand_ins\n"),
        ("help(jwks::stand_ins())", "# jwks::stand_ins\n"),
        ("help(kube)", "# kube\n"),
        ("help(\"stand_ins\")", "# jwks::stand_ins\n"),
        ("help(\"proxy-sync\")", "# proxy-sync\n"),
        ("help(\"endpoint rows\")", "# endpoint rows\n"),
        ("help(\"split\")", "# split\n"),
        ("fn twice(x) { x * 2 } help(pods)", "# pods"),
        ("let pods = \"routes\"; help(pods)", "# routes\n"),
        ("help()", "# help\n"),
    ] {
        let page = page(typed);
        assert!(page.markdown.starts_with(begins), "{typed}: {}", page.markdown);
    }
    assert!(failure("help(endpionts)").contains("did you mean endpoints?"));
    let elsewhere = failure("endpionts");
    assert!(elsewhere.contains("variable") && elsewhere.contains("endpionts"), "{elsewhere}");
}

#[test]
fn a_value_says_what_it_is() {
    let row = page("help(endpoints(\"deploy/customer.olaf-customer\")[0])").markdown;
    for part in ["# A row of kind endpoint", "It came from the proxy of olaf-customer/customer-", "- `status`: Whether Envoy"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    let taken = row.split("## Functions that take them").nth(1).expect("some take it");
    assert!(taken.contains("`pod(endpoint)`"), "{taken}");
    for (value, part) in [
        ("pods(\"olaf\")", "# 1 row of kind pod"),
        ("access_log(\"deploy/customer.olaf-customer\")", "`traffic::failures(rows)`"),
        ("#{ a: 1 }", "A map of `a`."),
        ("[#{ b: 1 }]", "the first is a map of `b`"),
        ("config_dump(\"deploy/customer.olaf-customer\")", "`to_array`"),
        ("secret(\"x\")", "never shown"),
        ("|x| x", "A closure"),
        ("Fn(\"pods\")", "# pods"),
        ("()", "Nothing"),
        ("503", "# 503"),
        ("tape(\"demo\")", "`endpoints`"),
    ] {
        let page = page(&format!("help({value})"));
        assert!(page.markdown.contains(part), "{value}: {}", page.markdown);
    }
    let error = page("let e = (); try { pods(\"a\", #{ ap: 1 }) } catch (x) { e = x } help(e)");
    assert!(error.markdown.contains("did you mean \"app\""), "{}", error.markdown);
}

#[test]
fn one_page_in_every_form_and_from_every_door() {
    let markdown = run_pilotage(&["--demo", "eval", "help(endpoints)"], &[]).stdout;
    assert_eq!(run_pilotage(&["doc", "endpoints"], &[]).stdout, markdown);
    assert_eq!(run_pilotage(&["--demo", "eval", "help(endpoints)", "-o", "markdown"], &[]).stdout, markdown);
    let json = run_pilotage(&["--demo", "eval", "help(endpoints)", "-o", "json"], &[]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((&json[0]["name"], &json[0]["rows"][0]["name"]), (&"endpoints".into(), &"endpoint".into()));
    let saved = "let file = \"/tmp/pilotage-help-page.md\"; save(help(ok), file); load(file).starts_with(\"# ok\")";
    assert_eq!(run_pilotage(&["--demo", "eval", saved], &[]).stdout, "true\n");
}

#[test]
fn playbooks_can_ask_too() {
    let source = "const PLAYBOOK = #{ title: \"T\" }; print(help(endpoints).to_string().len() > 100);";
    let report = tapes::engine(TAPE).run(&Playbook::parse("t", None, source).expect("it parses"), Default::default());
    assert!(format!("{:?}", report.expect("it runs")).contains("Text(\"true\")"));
}

/// A code that a playbook reports is one that its manual explains.
#[test]
fn playbooks_explain_all_their_codes() {
    for playbook in Playbook::shipped() {
        let body = playbook.source.split("const PLAYBOOK").nth(1).expect("it has a header");
        let code =
            |word: &&str| word.len() > 4 && word.starts_with(char::is_uppercase) && word.ends_with(|c: char| c.is_ascii_digit());
        let is_code = |word: &&str| code(word) && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let used: std::collections::BTreeSet<&str> = body.split('"').filter(is_code).collect();
        let codes = playbook.codes();
        let told: std::collections::BTreeSet<&str> = codes.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(used, told, "{}", playbook.name);
        assert!(!playbook.symptoms().is_empty(), "{} names no symptoms", playbook.name);
    }
}

#[test]
fn the_reference_holds_everything() {
    let engine = tapes::engine(TAPE);
    let reference = run_pilotage(&["doc"], &[]).stdout;
    for entry in &engine.catalog().entries {
        assert!(reference.contains(&format!("\n### {}\n", entry.full_name())), "{}", entry.full_name());
        let options: Vec<_> = entry.options.iter().flat_map(|schema| schema.names()).collect();
        assert!(options.iter().all(|name| reference.contains(&format!("\n- `{name}`: "))), "{options:?}");
    }
    for playbook in Playbook::shipped() {
        assert!(reference.contains(&format!("pilotage run {}", playbook.name)));
        assert!(playbook.codes().iter().all(|(code, _)| reference.contains(code.as_str())), "{}", playbook.name);
    }
    for command in pilotage::repl::command::COMMANDS {
        assert!(reference.contains(&format!("\n### {}", command.typed())), "{}", command.typed());
    }
}

/// The session is connected to another tape: examples run on the demo all the same, and leave the session alone.
#[test]
fn examples_run_on_the_demo_whatever_the_session_is_connected_to() {
    let typed = ":examples traffic::blame\n:examples join\n:examples nosuch\n:examples\n";
    let output = run_pilotage_with(&["--tape", tapes::path("d-nack").to_str().expect("text")], typed);
    assert!(output.stdout.contains("on the demo tape, not on what this session is connected to"), "{output:?}");
    assert!(output.stdout.contains("demo> traffic::blame(access_log(") && output.stdout.contains("\npolicy\n"), "{output:?}");
    assert!(output.stderr.contains("there is no function, module or family nosuch"), "{output:?}");
    assert!(output.stderr.contains(":examples needs a name"), "{output:?}");
}

fn run_pilotage_with(args: &[&str], typed: &str) -> Output {
    let home = TempDir::new();
    let mut command = pilotage(home.path(), args);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::from(reader));
    writer.write_all(typed.as_bytes()).expect("it fits into the pipe");
    drop(writer);
    finish(command, PATIENCE)
}

#[test]
fn a_playbook_that_helps_is_run_at_the_prompt_by_a_command() {
    let found = run_pilotage(&["--demo", "eval", "help(\"401\")"], &[]);
    assert!(found.code == Some(0) && found.stdout.contains("`:run NAME` runs a playbook"), "{found:#?}");
    let none = run_pilotage(&["--demo", "eval", "help(\"OOMKilled\")"], &[]);
    assert!(none.code == Some(0) && !none.stdout.contains(":run"), "{none:#?}");
}
