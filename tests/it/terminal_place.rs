//! Where a session's questions go: contexts, tapes, namespaces and recordings, and the prompt that says so.

use crate::support::run::{PATIENCE, finish, pilotage};
use crate::support::terminal::{CTRL_C, CTRL_D, Terminal};
use crate::support::two::Two;
use std::process::Stdio;

fn session(two: &Two) -> Terminal {
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    let screen = terminal.prompt();
    assert!(screen.trim_end().ends_with("lab/shop>"), "{screen}");
    terminal
}

/// Type a line and wait for the prompt behind its output; gives what the screen shows.
#[track_caller]
pub fn says(terminal: &mut Terminal, line: &str, words: &[&str]) -> String {
    terminal.clear();
    terminal.line(line);
    let screen = terminal.prompt();
    let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "{line}: no {word:?} in\n{screen}");
    }
    screen
}

#[test]
fn variables_functions_and_rows_live_on_while_contexts_change() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(&mut terminal, "let kept = 20; let web = pods(\"shop\")[0]; fn twice(x) { x * 2 }", &[]);
    says(&mut terminal, ":context", &["context mark namespace", "lab here shop lab", "eu-prod PROD default", "dead"]);
    let screen =
        says(&mut terminal, ":context eu-prod", &["PROD! now on context eu-prod (http://127.0.0.1", "namespace default"]);
    assert!(screen.trim_end().ends_with("PROD! eu-prod/default>"), "{screen}");
    assert_eq!(two.prod.asked(), Vec::<String>::new(), "going there asks nothing");
    says(&mut terminal, "twice(kept) + 2", &["42"]);
    says(&mut terminal, "pods(\"shop\")[0].node", &["node-of-eu-prod"]);
    says(&mut terminal, "context().cluster", &["eu-prod"]);
    // A row of a pod is of its cluster: it is asked there, and nothing is set there any more.
    let before = two.lab.asked().len();
    says(&mut terminal, "log_levels(web).len()", &["4"]);
    assert!(two.lab.asked().len() > before, "{:?}", two.lab.asked());
    says(
        &mut terminal,
        "set_log(web, \"rbac\", \"debug\")",
        &["error[refused]", "this session went elsewhere since", ":context lab"],
    );
    assert_eq!(two.proxies.each_ref().map(|proxy| proxy.level("rbac").unwrap()), ["warning", "warning"]);
    says(&mut terminal, ":ctx lab", &["now on context lab", "lab/shop>"]);
    says(&mut terminal, ":ctx lab", &["already on context lab"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_wrong_context_changes_nothing_and_the_nearest_is_told() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(
        &mut terminal,
        ":context eu-prd",
        &["error[no_cluster]", "no context eu-prd", "did you mean eu-prod?", ":context lists all", "lab/shop ✗1>"],
    );
    says(&mut terminal, "pods(\"shop\")[0].node", &["node-of-lab", "lab/shop>"]);
}

#[test]
fn going_to_a_dead_cluster_hangs_nothing() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(&mut terminal, ":context dead", &["now on context dead", "dead/default>"]);
    terminal.line("pods()");
    terminal.shows("kube GET");
    terminal.press(CTRL_C);
    terminal.shows("interrupted");
    terminal.shows("dead/default ✗130>");
    terminal.prompt();
    says(&mut terminal, ":context lab", &["now on context lab"]);
    says(&mut terminal, "pods(\"shop\").len()", &["1"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn what_was_set_is_put_back_before_the_session_goes_elsewhere() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(&mut terminal, "set_log(\"web.shop\", \"rbac\", \"debug\").len()", &["lab/shop 1 set>"]);
    says(&mut terminal, "port_forward(\"web.shop\", 15000).port", &["15000"]);
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "debug");
    says(
        &mut terminal,
        ":context eu-prod",
        &["rbac of shop/web is warning again, no longer debug", "a port-forward was closed", "PROD! eu-prod/default>"],
    );
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "warning");
    says(&mut terminal, "forwards().len()", &["0"]);
    says(&mut terminal, "set_log(\"web.shop\", \"jwt\", \"debug\").len()", &["PROD! eu-prod/default 1 set>"]);
    assert_eq!(two.proxies[1].level("jwt").unwrap(), "debug");
    terminal.press(CTRL_D);
    terminal.shows("Leave? [Y/n]");
    terminal.line("n");
    terminal.prompt();
    terminal.line(":quit");
    terminal.wait("the second question", |screen| screen.matches("Leave? [Y/n]").count() == 2);
    terminal.line("");
    assert_eq!(terminal.end(), 0);
    assert_eq!(two.proxies[1].level("jwt").unwrap(), "warning");
    let ledger = two.home.path().join(".local/state/pilotage/ledger");
    assert_eq!(std::fs::read_dir(ledger).map_or(0, Iterator::count), 0);
}

#[test]
fn a_recording_begins_and_ends_at_the_prompt_and_replays_there() {
    let two = Two::serve();
    let mut terminal = session(&two);
    two.home.write("there.tape", "mine");
    says(&mut terminal, "pods(\"shop\").len()", &["1"]);
    says(&mut terminal, "set_log(\"web.shop\", \"rbac\", \"debug\").len()", &["1 set>"]);
    says(&mut terminal, ":record there.tape", &["error[file]", "the file exists"]);
    says(&mut terminal, ":record", &["nothing is recorded"]);
    says(&mut terminal, ":record case.tape", &["case.tape from now on", "lab/shop ●rec 1 set>"]);
    says(&mut terminal, ":tape case.tape", &["error[bad_input]", "case.tape is being recorded", "`:record off` closes it"]);
    says(&mut terminal, "pods(\"shop\")[0].node", &["node-of-lab"]);
    says(&mut terminal, ":record other.tape", &["error[bad_input]", "case.tape is being recorded"]);
    says(&mut terminal, ":record", &["so far 1 answer is kept in case.tape"]);
    says(&mut terminal, ":record off", &["1 answer is kept in case.tape", "lab/shop 1 set>"]);
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "debug", "what was set stays set");
    says(&mut terminal, "pods(\"shop\").len()", &["1"]);
    let asked = two.lab.asked().len();
    says(&mut terminal, ":tape case.tape", &["rbac of shop/web is warning again", "now on tape case.tape", "case.tape/shop>"]);
    let to_undo = two.lab.asked().len();
    assert!(to_undo > asked, "levels are put back on the cluster");
    says(&mut terminal, "pods(\"shop\")[0].node", &["node-of-lab"]);
    says(&mut terminal, "pods(\"nowhere\")", &["error", "case.tape/shop ✗"]);
    assert_eq!(two.lab.asked().len(), to_undo, "the tape answers");
    says(&mut terminal, ":tape off", &["now on context lab", "lab/shop>"]);
    says(&mut terminal, ":tape off", &["no tape is open"]);
    says(&mut terminal, ":tape nowhere.tape", &["error[file]", "nowhere.tape cannot be read", "lab/shop ✗1>"]);
    says(&mut terminal, ":record second.tape", &["second.tape from now on"]);
    says(&mut terminal, "pods(\"shop\").len()", &["●rec>"]);
    says(&mut terminal, ":tape demo", &["the recording ends here", "1 answer is kept in second.tape", "demo>"]);
    says(&mut terminal, ":context eu-prod", &["now on context eu-prod"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
    let replayed = finish(pilotage(two.home.path(), &["--tape", "case.tape", "eval", "pods(\"shop\").len()"]), PATIENCE);
    assert_eq!((replayed.code, replayed.stdout.as_str()), (Some(0), "1\n"), "{replayed:#?}");
}

#[test]
fn a_recording_that_goes_on_at_the_end_is_closed() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(&mut terminal, ":record case.tape", &["●rec>"]);
    says(&mut terminal, "pods(\"shop\").len()", &["1"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
    terminal.shows("1 answer is kept in case.tape");
}

#[test]
fn the_namespace_can_be_chosen_and_one_that_is_not_there_is_told() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(&mut terminal, ":ns", &["shop"]);
    says(&mut terminal, ":ns default", &["lab/default>"]);
    says(&mut terminal, "context().namespace", &["default"]);
    says(&mut terminal, ":ns shpo", &["there is no namespace shpo here; did you mean shop?", "lab/shpo>"]);
    says(&mut terminal, ":ns shop", &["lab/shop>"]);
    says(&mut terminal, "context().namespace", &["shop"]);
    says(&mut terminal, ":ns a/b", &["error[bad_input]", "is no name of a namespace", "lab/shop ✗1>"]);
    says(&mut terminal, ":context dead", &["dead/default>"]);
    let begun = std::time::Instant::now();
    says(&mut terminal, ":ns shop", &["dead/shop>"]);
    assert!(begun.elapsed() < PATIENCE / 4, "a dead cluster is not waited for");
}

#[test]
fn changes_are_allowed_by_somebody_at_a_terminal_only_and_at_one_place() {
    let two = Two::serve();
    let mut terminal = session(&two);
    says(&mut terminal, ":allow", &["tune"]);
    says(&mut terminal, ":allow observe", &["observe is allowed", "lab/shop observe>"]);
    says(&mut terminal, "set_log(\"web.shop\", \"rbac\", \"debug\")", &["error[refused]", "`:allow tune`"]);
    says(&mut terminal, ":allow chnge", &["error[bad_input]", "did you mean change?"]);
    terminal.line(":allow change");
    terminal.shows("Let scripts change objects of context lab");
    terminal.line("");
    terminal.shows("as before: observe");
    terminal.prompt();
    terminal.line(":allow change");
    terminal.wait("the second question", |screen| screen.matches("[y/N]").count() == 2);
    terminal.press(CTRL_C);
    terminal.prompt();
    terminal.line(":allow change");
    terminal.wait("the third question", |screen| screen.matches("[y/N]").count() == 3);
    terminal.line("y");
    terminal.shows("lab/shop +change>");
    terminal.prompt();
    says(&mut terminal, ":context eu-prod", &["PROD! eu-prod/default>"]);
    says(&mut terminal, ":allow", &["tune"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn what_was_typed_before_a_question_does_not_answer_it() {
    let two = Two::serve();
    // The line editor reads so much at once; what is more waits in the terminal.
    let long = format!("{:1023}\ry\r", ":allow change");
    for typed in [":allow change\ry\r", &long] {
        let mut terminal = session(&two);
        terminal.press(typed);
        terminal.shows("[y/N]");
        terminal.press("\r");
        terminal.shows("as before: tune");
        terminal.prompt();
        says(&mut terminal, ":allow", &["tune"]);
    }
}

#[test]
fn whom_the_user_acts_as_is_told_wherever_they_go() {
    let two = Two::serve();
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig", "--as", "jane", "--as-group", "ops"]);
    let screen = terminal.prompt();
    assert!(screen.contains(") as jane of ops · :help"), "{screen}");
    assert!(screen.trim_end().ends_with("lab/shop as jane>"), "{screen}");
    says(&mut terminal, ":context eu-prod", &["namespace default, still as jane of ops", "PROD! eu-prod/default as jane>"]);
    let screen = says(&mut terminal, ":tape demo", &["now on tape the demo"]);
    assert!(screen.trim_end().ends_with("namespace default\ndemo>"), "{screen}");
    says(&mut terminal, ":tape off", &["namespace default, as jane of ops", "eu-prod/default as jane>"]);
}

#[test]
fn without_a_terminal_nobody_can_allow_changes() {
    let two = Two::serve();
    let mut command = pilotage(two.home.path(), &["--kubeconfig", "kubeconfig", "--allow", "tune"]);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::from(reader));
    let lines = ":allow change\n:allow\nset_log(\"web.shop\", \"rbac\", \"debug\").len()\n:context eu-prod\n:quit\n";
    std::io::Write::write_all(&mut writer, lines.as_bytes()).expect("it fits into the pipe");
    drop(writer);
    let output = finish(command, PATIENCE);
    assert_eq!((output.stdout.as_str(), output.code), ("tune\n1\n", Some(1)), "{output:#?}");
    for said in
        ["only by somebody at a terminal", "--allow change", "rbac of shop/web is warning again", "now on context eu-prod"]
    {
        assert!(output.stderr.contains(said), "{said}: {output:#?}");
    }
}

#[test]
fn without_colours_and_on_a_tape_the_prompt_says_all_in_words() {
    let two = Two::serve();
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig", "--context", "eu-prod", "--no-color"]);
    terminal.prompt();
    says(&mut terminal, "nosuch()", &["PROD! eu-prod/default ✗1>"]);
    let screen = says(&mut terminal, "1", &[]);
    assert!(screen.trim_end().ends_with("PROD! eu-prod/default>"), "{screen}");
}
