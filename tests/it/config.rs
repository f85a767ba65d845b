//! What is configured, and where it comes from, with the real binary: the command line wins over the environment, the
//! environment over the file, the file over what is built in.

use crate::support::run::{Output, PATIENCE, TempDir, finish, pilotage};
use crate::support::terminal::Terminal;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// A home with this configuration.
fn home(text: &str) -> TempDir {
    let home = TempDir::new();
    std::fs::create_dir_all(home.file(".config/pilotage")).unwrap();
    home.write(".config/pilotage/config.toml", text);
    home
}

fn run_in(home: &TempDir, args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = pilotage(home.path(), args);
    command.envs(env.iter().copied());
    finish(command, PATIENCE)
}

/// Value, origin and place of a key, as `config show -o json` tells them.
fn shown(home: &TempDir, args: &[&str], env: &[(&str, &str)], key: &str) -> Value {
    let args: Vec<&str> = ["config", "show", "-o", "json"].iter().chain(args).copied().collect();
    let output = run_in(home, &args, env);
    let rows: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:#?}"));
    let row = rows.as_array().unwrap().iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {rows}"));
    ["value", "from", "where"].map(|column| row[column].clone()).into_iter().collect()
}

#[test]
fn the_command_line_wins_over_the_environment_that_over_the_file_and_that_over_what_is_built_in() {
    let file = home("[options]\ntimeout = \"7s\"\n");
    let env = [("PILOTAGE_TIMEOUT", "8s")];
    let told = |home: &TempDir, args: &[&str], env: &[(&str, &str)]| shown(home, args, env, "timeout");
    assert_eq!(told(&TempDir::new(), &[], &[]), json!(["30s", "default", null]));
    assert_eq!(told(&file, &[], &[]), json!(["7s", "file", "line 2"]));
    assert_eq!(told(&file, &[], &[("PILOTAGE_TIMEOUT", "")]), json!(["7s", "file", "line 2"]));
    assert_eq!(told(&file, &[], &env), json!(["8s", "environment", "PILOTAGE_TIMEOUT"]));
    assert_eq!(told(&file, &["--timeout", "9s"], &env), json!(["9s", "command line", "--timeout"]));
}

/// What is told is also what is done.
#[test]
fn the_output_has_the_form_that_wins() {
    let file = home("[options]\noutput = \"yaml\"\ndemo = true\n");
    let rows = "[#{ a: 1 }]";
    let form = |args: &[&str], env: &[(&str, &str)]| run_in(&file, &[&["eval", rows], args].concat(), env).stdout;
    assert_eq!(form(&[], &[]), "- a: 1\n");
    assert_eq!(form(&[], &[("PILOTAGE_OUTPUT", "csv")]), "a\r\n1\r\n");
    assert_eq!(form(&["-o", "text"], &[("PILOTAGE_OUTPUT", "csv")]), "a\n1\n");
    assert_eq!(run_in(&file, &["eval", "context()"], &[]).code, Some(0), "demo = true needs no cluster");
    let live = run_in(&file, &["eval", "pods()", "--demo=false"], &[]);
    assert!(live.stderr.contains("no kubeconfig"), "a switch can be turned off again: {live:#?}");
    let help = run_in(&file, &["eval", "--help"], &[]).stdout;
    assert!(help.contains("[default: yaml]"), "{help}");
}

#[test]
fn the_parameters_of_a_playbook_stand_beside_what_is_configured() {
    let file = home("[options]\nfail_on = \"info\"\nno-color = true\n");
    let output = run_in(&file, &["run", "jwks-certificate", "--demo", "--fail-on", "error"], &[]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    let playbook = "const PLAYBOOK = #{ title: \"t\", needs: [\"observe\"], params: #{} };\nfinding(\"info\", \"A1\", \"x\");";
    file.write("own.rhai", playbook);
    assert_eq!(run_in(&file, &["run", "own", "--demo"], &[]).code, Some(3), "fail_on = \"info\"");
    assert_eq!(run_in(&file, &["run", "own", "--demo", "--fail-on", "warning"], &[]).code, Some(0));
}

#[test]
fn a_tape_on_the_command_line_wins_over_a_configured_context_and_the_other_way_round() {
    let file = home("[options]\ncontext = \"lab\"\n");
    let replay = run_in(&file, &["eval", "1 + 1", "--demo"], &[]);
    assert_eq!((replay.stdout.as_str(), replay.code), ("2\n", Some(0)), "{replay:#?}");
    let by_variable = run_in(&file, &["eval", "1 + 1"], &[("PILOTAGE_DEMO", "true")]);
    assert_eq!(by_variable.code, Some(0), "{by_variable:#?}");
    let demo = home("[options]\ndemo = true\n");
    let live = run_in(&demo, &["eval", "pods()", "--context", "lab"], &[]);
    assert!(live.stderr.contains("no kubeconfig") && !live.stderr.contains("go together"), "{live:#?}");
    let both = home("[options]\ndemo = true\ncontext = \"lab\"\n");
    let both = run_in(&both, &["eval", "1"], &[]);
    assert!(both.code == Some(2) && both.stderr.contains("cannot go together"), "{both:#?}");
}

#[test]
fn what_means_nothing_is_told_with_line_and_suggestion_and_the_rest_holds() {
    let file = home("[options]\ntimeot = \"1s\"\noutput = \"csv\"\n[replay]\n");
    let output = run_in(&file, &["eval", "[#{ a: 1 }]"], &[("PILOTAGE_TIMOUT", "3s")]);
    assert_eq!((output.stdout.as_str(), output.code), ("a\r\n1\r\n", Some(0)), "{output:#?}");
    for part in [
        "config.toml:2: timeot means nothing in [options]; did you mean timeout?",
        "config.toml:4: replay means nothing; did you mean [repl]?",
        "PILOTAGE_TIMOUT means nothing; did you mean PILOTAGE_TIMEOUT?",
    ] {
        assert!(output.stderr.contains(part), "{part} in {}", output.stderr);
    }
}

#[test]
fn the_secrets_of_playbooks_are_variables_too() {
    let home = TempDir::new();
    let told = run_in(&home, &["eval", "1"], &[("PILOTAGE_TOKEN", "eyJ.a.b"), ("PILOTAGE_LOG", "off")]);
    assert_eq!(told.stderr, "", "the shipped playbooks know PILOTAGE_TOKEN");
    let playbook = "const PLAYBOOK = #{ title: \"t\", needs: [\"observe\"], params: #{ pass: #{ kind: \"secret\", help: \"p\", value: \"\" } } };";
    std::fs::create_dir(home.file("far")).unwrap();
    home.write("far/own.rhai", playbook);
    let own = run_in(&home, &["run", "far/own.rhai", "--demo"], &[("PILOTAGE_PASS", "x")]);
    assert!(!own.stderr.contains("means nothing"), "{own:#?}");
    let elsewhere = run_in(&home, &["eval", "1"], &[("PILOTAGE_PASS", "x")]);
    assert!(elsewhere.stderr.contains("PILOTAGE_PASS means nothing"), "{elsewhere:#?}");
}

#[test]
fn what_is_wrong_is_a_usage_error_at_its_place() {
    let file = home("[options]\nparallel = 4\ntimeout = \"soon\"\n");
    let output = run_in(&file, &["eval", "1"], &[]);
    assert_eq!((output.stdout.as_str(), output.code), ("", Some(2)), "{output:#?}");
    for part in [
        "error[usage]: invalid value 'soon' for timeout: a duration",
        "config.toml:3:11",
        "3 | timeout = \"soon\"",
        "          ^",
    ] {
        assert!(output.stderr.contains(part), "{part} in {}", output.stderr);
    }
    let slip = run_in(&home("[options]\noutput = \"jsn\"\n"), &["list"], &[]);
    assert!(slip.code == Some(2) && slip.stderr.contains("'json'"), "{slip:#?}");
    let broken = run_in(&home("[options]\ntimeout = \n"), &["run", "proxy-sync", "--demo"], &[]);
    assert!(broken.code == Some(2) && broken.stderr.contains("config.toml:2:11"), "{broken:#?}");
    let binary = home("");
    std::fs::write(binary.file(".config/pilotage/config.toml"), [0xff, 0xfe, b'\n']).unwrap();
    assert_eq!(run_in(&binary, &["list"], &[]).code, Some(2));
    let variable = run_in(&TempDir::new(), &["list"], &[("PILOTAGE_WIDTH", "wide")]);
    assert!(variable.code == Some(2) && variable.stderr.contains("PILOTAGE_WIDTH"), "{variable:#?}");
}

#[test]
fn what_tells_how_to_repair_it_works_with_a_wrong_configuration() {
    let file = home("[options\n");
    for args in [&["--help"][..], &["--version"], &["config", "path"], &["completions", "bash"]] {
        let output = run_in(&file, args, &[]);
        assert_eq!(output.code, Some(0), "{args:?}: {output:#?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_one_that_is_missing_is_not() {
    let folder = TempDir::new();
    std::fs::create_dir_all(folder.file(".config/pilotage/config.toml")).unwrap();
    let output = run_in(&folder, &["eval", "1"], &[]);
    assert_eq!((output.stdout.as_str(), output.code), ("1\n", Some(0)), "{output:#?}");
    assert!(output.stderr.contains("config.toml cannot be read, and counts as empty"), "{output:#?}");
    assert_eq!(run_in(&TempDir::new(), &["eval", "1"], &[]).stderr, "");
}

#[test]
fn the_first_file_is_written_once_and_changes_nothing() {
    let home = TempDir::new();
    let path = home.file(".config/pilotage/config.toml");
    let told = run_in(&home, &["config", "path"], &[]);
    assert_eq!(told.stdout.trim_end(), path.display().to_string());
    assert_eq!(run_in(&home, &["config", "init"], &[]).code, Some(0));
    let written = std::fs::read_to_string(&path).unwrap();
    for part in ["[options]", "# timeout = \"30s\"", "[colors]", "# edit_mode = \"emacs\"", "[aliases]"] {
        assert!(written.contains(part), "{part} in {written}");
    }
    std::fs::write(&path, format!("{written}x = \"1\"\n")).unwrap();
    let again = run_in(&home, &["config", "init"], &[]);
    assert!(again.code == Some(1) && again.stderr.contains("exists already"), "{again:#?}");
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("x = \"1\"\n"), "what the user wrote stays");
    assert_eq!(shown(&home, &[], &[], "x"), json!(["1", "file", format!("line {}", written.lines().count() + 1)]));
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let home = TempDir::new();
    home.write(".config", "a file, and no folder");
    let output = run_in(&home, &["config", "init"], &[]);
    assert!(output.code == Some(1) && output.stderr.contains("cannot be written"), "{output:#?}");
}

#[test]
fn everything_that_can_be_set_is_shown() {
    let file = home("[repl]\nprod = [\"*-live\"]\nhistory = 10\n[colors]\nbad = \"bold #ff8800\"\n[aliases]\ngw = \"pods()\"\n");
    let text = run_in(&file, &["config", "show"], &[("PILOTAGE_RESOLVE", "a:1:10.0.0.1,b:2:10.0.0.2")]);
    assert!(text.stderr.contains("note: the file is") && text.stdout.contains("section  key"), "{text:#?}");
    let told = |key: &str| shown(&file, &[], &[("PILOTAGE_RESOLVE", "a:1:10.0.0.1,b:2:10.0.0.2")], key);
    assert_eq!(told("prod")[0], json!(["*-live"]));
    assert_eq!(told("history"), json!([10, "file", "line 3"]));
    assert_eq!(told("bad"), json!(["bold #ff8800", "file", "line 5"]));
    assert_eq!(told("gw"), json!(["pods()", "file", "line 7"]));
    assert_eq!(told("resolve"), json!([["a:1:10.0.0.1", "b:2:10.0.0.2"], "environment", "PILOTAGE_RESOLVE"]));
}

#[test]
fn colours_are_those_that_were_chosen() {
    let file = home("[colors]\nheading = \"#ff8800\"\n");
    let force = [("CLICOLOR_FORCE", "1")];
    let table = run_in(&file, &["eval", "[#{ a: 1 }]"], &force);
    assert!(table.stdout.contains("\u{1b}[38;2;255;136;0ma\u{1b}[0m"), "{table:?}");
    let usual = run_in(&TempDir::new(), &["eval", "[#{ a: 1 }]"], &force);
    assert!(usual.stdout.contains("\u{1b}[1ma\u{1b}[0m"), "{usual:?}");
    let none = run_in(&home("[colors]\nheading = \"none\"\n"), &["eval", "[#{ a: 1 }]"], &[]);
    assert_eq!(none.stdout, "a\n1\n");
}

#[test]
fn an_alias_stands_for_what_it_was_told() {
    let file = home("[options]\ndemo = true\n[aliases]\ncustomers = 'pods(\"olaf-customer\")'\nd = \":doc\"\n");
    let mut command = pilotage(file.path(), &[]);
    let input = file.write("input", "customers .len()\nlet d = 2\nd + 1\nd jwks::stand_ins\n");
    command.stdin(std::fs::File::open(input).unwrap());
    let output = finish(command, PATIENCE);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(lines[0].parse::<usize>().is_ok_and(|pods| pods > 0), "{output:#?}");
    assert_eq!(lines[1], "3", "a variable of that name is one: {output:#?}");
    assert!(output.stdout.contains("jwks::stand_ins"), "{output:#?}");
}

#[test]
fn a_startup_script_runs_before_the_first_prompt() {
    let file = home("[options]\ndemo = true\n[repl]\nstartup = \"start.rhai\"\n");
    file.write(".config/pilotage/start.rhai", "print(\"good morning\");\nlet answer = 42;\nfn twice(x) { x * 2 }\n");
    let mut terminal = Terminal::start(&file, &[]);
    let screen = terminal.prompt();
    assert!(screen.contains("good morning"), "{screen}");
    terminal.line("twice(answer)");
    terminal.shows("84");
}

#[test]
fn a_startup_script_that_fails_is_told_with_its_place_and_the_session_lives() {
    let file = home("[options]\ndemo = true\n[repl]\nstartup = \"start.rhai\"\n");
    file.write(".config/pilotage/start.rhai", "let a = 1;\nnosuch(a);\n");
    let mut terminal = Terminal::start(&file, &[]);
    let screen = terminal.prompt();
    let flat: String = screen.lines().map(str::trim_end).collect();
    assert!(flat.contains("start.rhai:2:1"), "{screen}");
    terminal.line("1 + 1");
    terminal.shows("\n2");

    std::fs::remove_file(file.file(".config/pilotage/start.rhai")).unwrap();
    let mut terminal = Terminal::start(&file, &[]);
    let screen = terminal.prompt();
    assert!(screen.contains("startup script") && screen.contains("cannot be read"), "{screen}");
}

#[test]
fn a_locked_file_is_told() {
    let file = home("[options]\ndemo = true\n");
    let path = file.file(".config/pilotage/config.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        // Root reads everything: then there is nothing to tell.
        assert_eq!(run_in(&file, &["eval", "1"], &[]).stderr, "");
        return;
    }
    assert!(run_in(&file, &["eval", "1"], &[]).stderr.contains("cannot be read"));
}

/// Let others write a file.
fn open_to_others(home: &TempDir, file: &str) {
    std::fs::set_permissions(home.file(file), std::fs::Permissions::from_mode(0o666)).unwrap();
}

#[test]
fn a_file_that_others_may_write_is_not_believed() {
    let file = home("[options]\nallow = \"change\"\ntimeout = \"7s\"\n[repl]\npager = \"sh evil\"\n");
    assert_eq!(shown(&file, &[], &[], "allow"), json!(["change", "file", "line 2"]));
    assert_eq!(run_in(&file, &["config", "show"], &[]).stderr.matches("note:").count(), 1, "only where the file is");
    // A link to it is the file.
    std::fs::rename(file.file(".config/pilotage/config.toml"), file.file("real.toml")).unwrap();
    std::os::unix::fs::symlink(file.file("real.toml"), file.file(".config/pilotage/config.toml")).unwrap();
    open_to_others(&file, "real.toml");
    for line in [&["config", "show"][..], &["eval", "1", "--demo"], &["run", "proxy-sync", "--demo"], &["--demo"]] {
        let refused = run_in(&file, line, &[]);
        for part in ["error[refused]", "is not believed: others may change it (mode 0666)", "chmod go-w"] {
            assert!(refused.stderr.contains(part), "{line:?}: {part} in {}", refused.stderr);
        }
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{line:?}");
    }
    assert!(run_in(&file, &["config", "path"], &[]).stdout.contains("config.toml"), "where it is, can be asked");
}

#[test]
fn a_startup_script_that_others_may_write_is_not_run() {
    let file = home("[repl]\nstartup = \"mine.rhai\"\n");
    file.write(".config/pilotage/mine.rhai", "let begun = 41;");
    open_to_others(&file, ".config/pilotage/mine.rhai");
    let mut terminal = Terminal::start(&file, &["--demo"]);
    let screen = terminal.prompt();
    let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["error[refused]", "mine.rhai is not run: others may change it (mode 0666)", "chmod go-w "] {
        assert!(flat.contains(part), "{part} in {screen}");
    }
    terminal.line("begun");
    terminal.shows("error[");
    terminal.prompt();
    std::fs::set_permissions(file.file(".config/pilotage/mine.rhai"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut terminal = Terminal::start(&file, &["--demo"]);
    terminal.prompt();
    terminal.line("begun + 1");
    terminal.shows("42");
}

#[test]
fn a_session_says_that_changes_are_allowed_where_nobody_typed_so() {
    let file = home("[options]\nallow = \"change\"\n");
    let told = "scripts may change objects of the cluster from the start: allow is change, from ";
    for (home, args, env, from) in [
        (&file, &["--demo"][..], &[][..], Some("file, line 2; `:allow tune` ends that")),
        (&TempDir::new(), &["--demo"], &[("PILOTAGE_ALLOW", "change")], Some("environment, PILOTAGE_ALLOW")),
        (&file, &["--demo", "--allow", "change"], &[], None),
        (&file, &["--demo", "--allow", "observe"], &[], None),
    ] {
        let mut terminal = Terminal::sized((30, 200), home, args, env);
        let screen = terminal.prompt();
        match from {
            Some(from) => assert!(screen.contains(&format!("{told}{from}")) && screen.contains("demo +change>"), "{screen}"),
            None => assert!(!screen.contains(told), "{screen}"),
        }
    }
}
