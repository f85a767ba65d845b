//! Tab at a real terminal: what it writes, what it lists, and that no cluster keeps a key waiting.

use crate::cluster::options;
use crate::support::cluster::Cluster;
use crate::support::run::TempDir;
use crate::support::terminal::{CTRL_C, CTRL_D, Terminal};
use crate::terminal::hanging_cluster;
use serde_json::{Value, json};

fn demo() -> Terminal {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo"]);
    terminal.prompt();
    terminal
}

/// Type keys at a new prompt; gives the screen once it shows the text.
#[track_caller]
fn typed(terminal: &mut Terminal, keys: &str, shows: &str) -> String {
    terminal.press(keys);
    let screen = terminal.shows(shows);
    terminal.press(CTRL_C);
    terminal.prompt();
    screen
}

#[test]
fn a_pod_is_named_by_any_word_of_its_name() {
    let mut terminal = demo();
    typed(&mut terminal, "log_levels(\"mtg\t", "log_levels(\"olaf-customer/customer-686cf5bf47-mtgsn\"");
    let screen = typed(&mut terminal, "clusters(\"recomm\t", "olaf-customer/recommendation-v2");
    assert!(screen.contains("recommendation-v1-54cf68f5fb-kmkbj  Running 2/2, sidecar"), "{screen}");
    terminal.press("pods(\"olaf-c\t).len()\r");
    terminal.shows("pods(\"olaf-customer\").len()");
    terminal.prompt();
}

#[test]
fn clusters_and_loggers_are_those_of_the_pod_at_hand() {
    let mut terminal = demo();
    terminal.line("let pod = pods(\"olaf-customer\").find(|p| p.app == \"customer\");");
    terminal.prompt();
    typed(
        &mut terminal,
        "endpoints(pod, #{ cluster: \"preference.olaf\t",
        "outbound|8080||preference.olaf-customer.svc.cluster.local",
    );
    typed(&mut terminal, "set_log(\"deploy/customer.olaf-customer\", \"rba\t", "\"rbac\"");
    typed(&mut terminal, "reset_log(pod, \"jw\t", "\"jwt\"");
}

#[test]
fn fields_options_and_their_values_are_listed_with_their_meaning() {
    let mut terminal = demo();
    let screen = typed(&mut terminal, "pods().filter(|p| p.pro\t", "proxy_state");
    assert!(screen.contains("Its proxy: `sidecar`"), "{screen}");
    let screen = typed(&mut terminal, "clusters(\"x\", #{ \t", "fqdn");
    assert!(screen.contains("Only those whose service's host contains this"), "{screen}");
    typed(&mut terminal, "pods().filter(|p| p.proxy == \"gat\t", "\"gateway\"");
}

#[test]
fn commands_and_what_they_take_are_completed() {
    let mut terminal = demo();
    typed(&mut terminal, ":qu\t", ":quit");
    typed(&mut terminal, ":he\tdecode_j\t", ":help decode_jwt");
    typed(&mut terminal, ":allow t\t", ":allow tune");
    typed(&mut terminal, ":ns olaf-\t", ":ns olaf-customer");
    typed(&mut terminal, ":doc proxy-sy\t", ":doc proxy-sync");
    typed(&mut terminal, ":\t", "shows the whole reference");
    let screen = typed(&mut terminal, ":help pod\t\t", "pods that are not created: failed calling webhook  helped by events");
    let is_whole = |line: &str| line.starts_with("pods ") && line.ends_with("The pods of all namespaces");
    assert!(screen.lines().any(|line| is_whole(line.trim_end())), "{screen}");
    terminal.clear();
    let screen = typed(&mut terminal, ":examples pod\t\t", "The pods of all namespaces");
    let (_, list) = screen.split_once(":examples pod").unwrap_or_default();
    assert!(list.contains("The pods of all namespaces") && !list.contains("helped by"), "{screen}");
    typed(&mut terminal, ":help no healthy\t", ":help no healthy upstream");
    typed(&mut terminal, "help(\"jwks-c\t", "help(\"jwks-certificate\"");
}

#[test]
fn pods_of_a_tape_are_those_of_the_tape() {
    let mut terminal = demo();
    let tape = format!("{}/tests/tapes/c-unhealthy.tape", env!("CARGO_MANIFEST_DIR"));
    terminal.line(&format!("let old = tape(\"{tape}\"); let rows = old.pods();"));
    terminal.prompt();
    typed(&mut terminal, "old.pod(\"web-\t", "shop/web-0");
    typed(&mut terminal, "rows.filter(|p| p.namespace == \"sho\t", "\"shop\"");
    typed(&mut terminal, "pods(\"olaf-c\t", "olaf-customer");
}

#[test]
fn contexts_are_those_of_the_kubeconfig() {
    let home = TempDir::new();
    let (_listener, kubeconfig) = hanging_cluster(&home);
    let mut terminal = Terminal::start(&home, &["--kubeconfig", &kubeconfig]);
    terminal.shows("lab");
    typed(&mut terminal, ":context l\t", ":context lab");
}

#[test]
fn files_are_completed_folder_by_folder() {
    let home = TempDir::new();
    std::fs::create_dir(home.file("dumps")).expect("a folder");
    home.write("dumps/before.json", "{}");
    home.write("dumps/.hidden", "");
    let mut terminal = Terminal::start(&home, &["--demo"]);
    terminal.prompt();
    terminal.press("load(\"du\t");
    terminal.shows("load(\"dumps/");
    terminal.press("\t).len()\r");
    terminal.shows("load(\"dumps/before.json\").len()");
    terminal.prompt();
    typed(&mut terminal, "clusters(\"./dumps/b\t", "clusters(\"./dumps/before.json\"");
}

#[test]
fn a_cluster_that_hangs_keeps_no_key_waiting() {
    let home = TempDir::new();
    let (_listener, kubeconfig) = hanging_cluster(&home);
    let mut terminal = Terminal::start(&home, &["--kubeconfig", &kubeconfig]);
    terminal.shows("lab/default> ");
    for _ in 0..3 {
        terminal.press("logs(\"we\t");
        terminal.shows("no answer yet");
        terminal.press("b");
        terminal.shows("logs(\"web");
        terminal.press(CTRL_C);
        terminal.prompt();
    }
    terminal.line("40 + 2");
    terminal.shows("42");
    terminal.prompt();
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0, "nothing that is under way keeps it from ending");
}

#[test]
fn a_key_logs_nobody_in() {
    let home = TempDir::new();
    let (_listener, file) = hanging_cluster(&home);
    let plugin =
        "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: touch, args: [asked]}";
    let text = std::fs::read_to_string(&file).expect("a kubeconfig").replace("user: {}", &format!("user: {{{plugin}}}"));
    std::fs::write(&file, text).expect("it can be written");
    let mut terminal = Terminal::start(&home, &["--kubeconfig", &file]);
    terminal.shows("lab/default> ");
    typed(&mut terminal, "logs(\"we\t", "nobody has logged in");
    assert!(!home.file("asked").exists(), "the credential plugin ran");
    terminal.line("pods()");
    terminal.prompt();
    assert!(home.file("asked").exists(), "a call does");
}

#[test]
fn of_five_thousand_pods_a_screen_is_listed_and_typing_on_finds_one() {
    let many = options().edit("pods", |pods| {
        let pod = |number: usize| {
            let mut pod = pods[0].clone();
            pod["metadata"]["name"] = json!(format!("web-{number:04}"));
            pod["metadata"]["namespace"] = json!("shop");
            pod
        };
        let more: Vec<Value> = (0..5_000).map(pod).collect();
        pods.extend(more);
    });
    let cluster = Cluster::start(many).expect("a cluster");
    let home = TempDir::new();
    let file = home.file("config");
    cluster.kubeconfig(&file).expect("a kubeconfig");
    let mut terminal = Terminal::start(&home, &["--kubeconfig", &file.display().to_string()]);
    terminal.prompt();
    terminal.press("logs(\"");
    // What is typed is prepared; how long the list takes to come is the cluster's affair.
    let mut screen = String::new();
    for _ in 0..200 {
        terminal.press("\t");
        screen = terminal.wait("a list", |screen| screen.contains("type on") || screen.contains("no answer yet"));
        if screen.contains("type on") {
            break;
        }
        terminal.press("\u{c}");
        terminal.wait("a clear screen", |screen| !screen.contains("no answer yet"));
    }
    assert!(screen.contains("more, type on"), "{screen}");
    terminal.press("4321\t");
    terminal.shows("logs(\"shop/web-4321\"");
    // The list was had without a line of the recording, or of what is shown while a call waits.
    assert!(!terminal.screen().contains("kube GET"), "{}", terminal.screen());
}
