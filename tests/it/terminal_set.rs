//! `:run` and `:set`: playbooks at the prompt, and what can be changed of a session while it lives.

use crate::support::run::{PATIENCE, TempDir, finish, pilotage};
use crate::support::terminal::{CTRL_C, Terminal};
use crate::support::two::Two;
use crate::terminal_place::says;

fn demo(home: &TempDir) -> Terminal {
    // High enough for a whole report.
    let mut terminal = Terminal::sized((160, 110), home, &["--demo"], &[]);
    terminal.prompt();
    terminal
}

#[test]
fn a_playbook_runs_where_the_session_is_and_leaves_it_as_it_was() {
    let home = TempDir::new();
    home.write("mine.rhai", "//! Why?\nconst PLAYBOOK = #{ title: \"Mine\", needs: [\"observe\"], params: #{ word: #{ kind: \"string\", help: \"any\" } } };\nlet kept = 1;\nok(`the word is ${params.word}`);\n");
    let mut terminal = demo(&home);
    says(&mut terminal, "let kept = 41", &[]);
    let findings = ["JWKS certificate investigation", "JWKS001", "JWKS003", "Repair"];
    let screen = says(&mut terminal, ":run jwks-certificate", &findings);
    assert!(screen.trim_end().ends_with("demo>"), "findings are no failure of the input:\n{screen}");
    says(&mut terminal, ":run mine --word 'two words'", &["Mine", "the word is two words"]);
    says(&mut terminal, ":run ./mine.rhai --word=x", &["the word is x"]);
    says(&mut terminal, "kept + 1", &["42"]);
    says(&mut terminal, ":run mine --word 'x", &["error[bad_input]", "a quote is not closed"]);
}

#[test]
fn what_a_playbook_does_not_take_is_told_with_its_help() {
    let home = TempDir::new();
    home.write("mine.rhai", "//! Why?\nconst PLAYBOOK = #{ title: \"Mine\", needs: [\"observe\"], params: #{ word: #{ kind: \"string\", help: \"any\" } } };\nok(\"x\");\n");
    let mut terminal = demo(&home);
    says(&mut terminal, ":run nosuch", &["error[not_found]", "there is no playbook \"nosuch\"", "demo ✗1>"]);
    says(&mut terminal, ":run jwks-certifcate", &["did you mean \"jwks-certificate\"?"]);
    says(&mut terminal, ":run", &["run needs a playbook", "jwks-certificate", "demo ✗2>"]);
    says(
        &mut terminal,
        ":run jwks-certificate --tokn x",
        &["unexpected argument '--tokn'", "'--token'", "Usage: :run jwks-certificate", "a token that was refused", "demo ✗2>"],
    );
    says(&mut terminal, ":run jwks-certificate --token -", &["standard input is what you type", "@FILE"]);
    says(&mut terminal, ":run mine", &["--word", "any [required]", "demo ✗2>"]);
    says(&mut terminal, ":run mine --help", &["Why?", "--word <TEXT>", "any [required]", "demo>"]);
}

#[test]
fn a_playbook_goes_as_far_as_the_session_may() {
    let two = Two::serve();
    let source = |needs: &str| {
        format!(
            "//! Why?\nconst PLAYBOOK = #{{ title: \"Mine\", needs: [\"{needs}\"], params: #{{}} }};\nset_log(\"web.shop\", \"rbac\", \"debug\");\nok(\"done\");\n"
        )
    };
    two.home.write("tunes.rhai", &source("tune"));
    two.home.write("looks.rhai", &source("observe"));
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    says(&mut terminal, ":allow observe", &[]);
    says(&mut terminal, ":run tunes", &["error[refused]", "tunes needs to tune", "`:allow tune`"]);
    says(&mut terminal, ":allow tune", &[]);
    says(&mut terminal, ":run looks", &["error[refused]", "lab/shop ✗1>"]);
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "warning", "it goes no further than it says");
    let screen = says(&mut terminal, ":run tunes", &["done", "rbac of shop/web is warning again, no longer debug"]);
    assert!(screen.trim_end().ends_with("lab/shop>"), "{screen}");
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "warning");
    // What the session set stays, and what a playbook means to keep.
    says(&mut terminal, "set_log(\"web.shop\", \"jwt\", \"debug\").len()", &["lab/shop 1 set>"]);
    says(&mut terminal, ":run tunes", &["no longer debug", "lab/shop 1 set>"]);
    two.home.write("keeps.rhai", &source("tune").replace("\"debug\"", "\"debug\", #{ keep: true }"));
    says(&mut terminal, ":run keeps", &["done", "lab/shop 1 set>"]);
    assert_eq!(["rbac", "jwt"].map(|name| two.proxies[0].level(name).unwrap()), ["debug", "debug"]);
    // What fails in the middle leaves nothing either.
    two.home.write("fails.rhai", &(source("tune").replace("rbac", "http") + "throw \"midway\";\n"));
    says(&mut terminal, ":run fails", &["http of shop/web is warning again", "done", "midway", "lab/shop 1 set ✗1>"]);
    says(&mut terminal, ":undo", &["lab/shop>"]);
    assert_eq!(["rbac", "jwt"].map(|name| two.proxies[0].level(name).unwrap()), ["debug", "warning"]);
}

#[test]
fn the_report_of_a_playbook_is_a_result() {
    let home = TempDir::new();
    let mut terminal = demo(&home);
    says(&mut terminal, "41", &["out[1]"]);
    says(&mut terminal, ":run jwks-certificate", &["JWKS001", "out[2]"]);
    says(&mut terminal, "_.findings.filter(|one| one.severity == \"error\").map(|one| one.code)", &["JWKS001"]);
    says(&mut terminal, "out[2].status", &["error"]);
    says(&mut terminal, "out", &[":run jwks-certificate"]);
    says(&mut terminal, ":json 2 > kept.json", &["out[2] is in kept.json"]);
    let ran = finish(pilotage(home.path(), &["--demo", "run", "jwks-certificate", "-o", "json"]), PATIENCE);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let kept = json(&std::fs::read_to_string(home.file("kept.json")).expect("it was written"));
    assert_eq!(kept, json(&ran.stdout));
    assert!(kept["findings"].as_array().is_some_and(|findings| !findings.is_empty()));
    says(&mut terminal, ":save ./mine", &["error[bad_input]", "a command gave it"]);
    says(&mut terminal, "let a = 1; a + 1", &[]);
    says(&mut terminal, ":save ./mine", &["`:run jwks-certificate` is no part of the playbook", "show(a + 1)"]);
    says(&mut terminal, ":set output yaml", &[]);
    says(&mut terminal, ":run jwks-certificate", &["pilotage_report: 1", "code: JWKS001"]);
}

#[test]
fn run_completes_the_users_own_playbooks() {
    let home = TempDir::new();
    std::fs::create_dir_all(home.file(".config/pilotage/scripts")).expect("a folder can be made");
    std::fs::create_dir_all(home.file("cases")).expect("a folder can be made");
    let playbook = "const PLAYBOOK = #{ title: \"Mine\", needs: [\"observe\"], params: #{ word: #{ kind: \"string\", help: \"any\", value: \"w\" } } };\nok(`the word is ${params.word}`);\n";
    home.write(".config/pilotage/scripts/owned.rhai", playbook);
    home.write("cases/monday.rhai", playbook);
    home.write("cases/notes.txt", "no playbook");
    let mut terminal = demo(&home);
    for (keys, shown) in [
        (":run own\t", ":run owned"),
        (":run cas\t", ":run cases/"),
        (":run cases/\t", ":run cases/monday.rhai"),
        (":run cases/monday.rhai --w\t", ":run cases/monday.rhai --word"),
        (":run owned --w\t", ":run owned --word"),
    ] {
        terminal.press(keys);
        terminal.shows(shown);
        terminal.press("\u{15}");
        terminal.wait("an empty line", |screen| screen.trim_end().ends_with("demo>"));
    }
    says(&mut terminal, ":run ~/cases/monday.rhai --word tilde", &["the word is tilde"]);
}

#[test]
fn ctrl_c_ends_a_playbook_and_keeps_the_session() {
    let two = Two::serve();
    two.home.write(
        "long.rhai",
        "//! Why?\nconst PLAYBOOK = #{ title: \"Long\", needs: [\"observe\"], params: #{} };\nok(\"begun\");\npods();\n",
    );
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    says(&mut terminal, ":context dead", &["now on context dead"]);
    terminal.line(":run long");
    terminal.shows("kube GET");
    terminal.press(CTRL_C);
    terminal.shows("dead/default ✗130>");
    let screen = terminal.prompt();
    assert!(screen.contains("begun") && screen.contains("this report ends early"), "{screen}");
    says(&mut terminal, "40 + 2", &["42"]);
}

#[test]
fn settings_are_listed_explained_and_changed_while_the_session_lives() {
    let home = TempDir::new();
    let mut terminal = demo(&home);
    says(
        &mut terminal,
        ":set",
        &["key value from", "edit_mode emacs default", "pager auto", "timeout 30s", "parallel 32", "prod"],
    );
    says(&mut terminal, ":set edit-mode", &["edit_mode = emacs, from default", "Which keys edit a line: emacs, vi"]);
    says(&mut terminal, ":set edit_mod vi", &["error[bad_input]", "no setting edit_mod", "did you mean edit_mode?"]);
    says(&mut terminal, ":set edit_mode nano", &["error[bad_input]", "invalid value 'nano'", "emacs, vi"]);
    says(&mut terminal, ":set parallel 0", &["error[bad_input]", "at least 1"]);
    says(&mut terminal, ":set namespace shop", &["error[bad_input]", ":ns"]);
    says(
        &mut terminal,
        ":set startup x.rhai",
        &["error[bad_input]", "read when a session begins", "`:load FILE` runs a script now"],
    );
    says(&mut terminal, ":set pager never", &["pager is never"]);
    says(&mut terminal, ":set pager less -R", &["pager is less -R"]);
    says(&mut terminal, ":set prod live 'eu-*'", &["prod is live eu-*"]);
    says(&mut terminal, ":set prod", &["prod = live eu-*, from session"]);
    terminal.press(":set edit_m\tv\t");
    terminal.shows(":set edit_mode vi");
    terminal.line("");
    terminal.prompt();
    // In vi mode Escape leaves inserting, 0 goes to the beginning, and i inserts there.
    terminal.press("2\u{1b}");
    std::thread::sleep(std::time::Duration::from_millis(700));
    terminal.press("0i4\r");
    let screen = terminal.prompt();
    assert!(screen.contains("42"), "{screen}");
}

#[test]
fn how_results_look_can_be_changed_while_the_session_lives() {
    let home = TempDir::new();
    let mut terminal = demo(&home);
    says(&mut terminal, "#{ a: 1 }", &["a 1"]);
    says(&mut terminal, ":set output json", &["output is json"]);
    says(&mut terminal, "#{ a: [2] }", &["{ \"a\": [ 2 ] } out[2]"]);
    says(&mut terminal, "let quiet = 1;", &["let quiet = 1; demo>"]);
    says(&mut terminal, ":set output jsn", &["invalid value 'jsn'", "a similar value exists: 'json'", "demo ✗1>"]);
    says(&mut terminal, ":set output text", &["output is text"]);
    says(&mut terminal, ":set width 40", &["width is 40"]);
    let screen = says(&mut terminal, "pods(\"*\")", &["rows"]);
    let rows = screen.rsplit_once("pods(\"*\")").expect("what was typed").1;
    assert!(rows.lines().all(|row| row.chars().count() <= 40), "{screen}");
    let screen = says(&mut terminal, "6 * 7", &[]);
    assert!(screen.contains(&format!("\n42{}out[4]\n", " ".repeat(32))), "{screen}");
    says(&mut terminal, ":set width 0", &["width is 0"]);
    let screen = says(&mut terminal, "6 * 8", &[]);
    assert!(screen.contains(&format!("\n48{}out[5]\n", " ".repeat(102))), "{screen}");
}

#[test]
fn colours_can_be_changed_while_the_session_lives() {
    let home = TempDir::new();
    std::fs::create_dir_all(home.file(".config/pilotage")).expect("a folder can be made");
    home.write(".config/pilotage/config.toml", "[colors]\nprompt = \"blue\"\n");
    let mut terminal = demo(&home);
    terminal.wait_for_colors("demo>", "[blue demo>]");
    terminal.line(":set colors.prompt bold magenta");
    terminal.shows("colors.prompt is bold magenta");
    terminal.prompt();
    terminal.wait_for_colors("demo>", "[bold magenta demo>]");
    says(&mut terminal, ":set colors.prompt", &["colors.prompt = bold magenta, from session"]);
    says(&mut terminal, ":set colors.prompt rde", &["error[bad_input]", "invalid value 'rde' for prompt"]);
    terminal.press(":set colors.h\tnone");
    terminal.shows(":set colors.heading none");
    terminal.press("\u{15}");
    terminal.line(":set no_color true");
    terminal.shows("no_color is true");
    terminal.prompt();
    terminal.line("let plain = 1");
    terminal.prompt();
    terminal.wait_for_colors("let plain", "demo> let plain = 1");
    terminal.line(":set no-color false");
    terminal.prompt();
    terminal.line("let painted = 1");
    terminal.prompt();
    terminal.wait_for_colors("let painted", "[bold magenta demo>] [magenta let] painted = [yellow 1]");
}

#[test]
fn the_form_of_results_holds_for_what_a_pipe_types() {
    let home = TempDir::new();
    let typed = home.write("typed", "let x = 1\n#{ a: x }\n:set output yaml\n#{ a: x }\n");
    let mut command = pilotage(home.path(), &["--demo", "-o", "json"]);
    command.stdin(std::fs::File::open(typed).expect("it was just written"));
    let ran = finish(command, PATIENCE);
    assert_eq!(ran.stdout, "{\n  \"a\": 1\n}\na: 1\n", "{ran:?}");
}

#[test]
fn a_new_timeout_ends_a_call_that_hangs() {
    let two = Two::serve();
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    says(&mut terminal, ":context dead", &["now on context dead"]);
    says(&mut terminal, ":set timeout 1s", &["timeout is 1s"]);
    says(&mut terminal, "pods()", &["error[timeout]", "no answer within 1 s", "dead/default ✗"]);
    says(&mut terminal, ":context lab", &["now on context lab"]);
    says(&mut terminal, ":set parallel 2", &["parallel is 2"]);
    says(&mut terminal, "pods(\"shop\").len()", &["1"]);
}
