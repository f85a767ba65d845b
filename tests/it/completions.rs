//! What shells complete: the real binary answers them, and bash asks it as it does at a prompt.

use crate::cluster::recording;
use crate::support::cluster::{Cluster, ClusterOptions};
use crate::support::run::{PATIENCE, TempDir, binary, finish, pilotage};
use crate::terminal::hanging_cluster;
use std::process::Command;
use std::time::{Duration, Instant};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

/// What a shell is offered behind these words, the last of them being typed.
fn offered(home: &TempDir, shell: &str, words: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["--", "pilotage"].iter().chain(words).copied().collect();
    let mut command = pilotage(home.path(), &args);
    command.env("_PILOTAGE_COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", words.len().to_string()).env("_CLAP_IFS", "\n");
    let output = finish(command, PATIENCE);
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{shell} {words:?}: {output:#?}");
    let name = |line: &str| line.split(['\t', ':']).next().unwrap_or_default().trim().to_owned();
    output.stdout.lines().map(name).filter(|name| !name.is_empty()).collect()
}

/// A home with a playbook in the user's own folder, and one in the folder at hand.
fn desk() -> TempDir {
    let home = TempDir::new();
    std::fs::create_dir_all(home.file(".config/pilotage/scripts")).unwrap();
    let playbook = "const PLAYBOOK = #{ title: \"mine\", needs: [\"observe\"], params: #{ how: #{ kind: \"choice\", help: \"h\", choices: [\"fast\", \"slow\"], value: \"fast\" }, \
                    where: #{ kind: \"namespace\", help: \"w\", value: \"\" }, which: #{ kind: \"pod\", help: \"p\", value: \"\" } } };";
    home.write(".config/pilotage/scripts/own.rhai", playbook);
    home.write("here.rhai", playbook);
    home
}

#[test]
fn every_shell_gets_a_script_that_asks_the_program() {
    let home = desk();
    for shell in SHELLS {
        let script = finish(pilotage(home.path(), &["completions", shell]), PATIENCE);
        assert!(script.code == Some(0) && script.stdout.contains("_PILOTAGE_COMPLETE"), "{shell}: {script:#?}");
        let playbooks = offered(&home, shell, &["run", ""]);
        for name in ["jwks-certificate", "proxy-sync", "own", "here"] {
            assert!(playbooks.iter().any(|offered| offered == name), "{shell}: {name} in {playbooks:?}");
        }
    }
}

#[test]
fn playbooks_their_parameters_and_what_these_may_be_are_offered() {
    let home = desk();
    let bash = |words: &[&str]| offered(&home, "bash", words);
    assert!(bash(&["run", "jwks-certificate", "--to"]).contains(&"--token".to_owned()));
    assert_eq!(bash(&["run", "own", "--how", ""]), ["fast", "slow"]);
    assert_eq!(bash(&["run", "own", "--how", "s"]), ["slow"]);
    assert_eq!(bash(&["run", "./here.rhai", "--how", "s"]), ["slow"]);
    let behind = bash(&["run", "own", ""]);
    assert!(behind.contains(&"--how".to_owned()), "what may stand there at all: {behind:?}");
    assert!(bash(&["show", "prox"]).contains(&"proxy-sync".to_owned()));
    let first = bash(&[""]);
    assert!(first.contains(&"run".to_owned()) && !first.iter().any(|name| name.starts_with("--")), "{first:?}");
    assert!(bash(&["--kubec"]).contains(&"--kubeconfig".to_owned()));
}

#[test]
fn names_of_the_mesh_are_those_of_the_place_that_the_line_names() {
    let home = desk();
    let bash = |words: &[&str]| offered(&home, "bash", words);
    let tape = format!("{}/tests/tapes/c-unhealthy.tape", env!("CARGO_MANIFEST_DIR"));
    // What does not come at once is there the next time, as for who presses Tab again.
    let has = |words: &[&str], name: &str| (0..40).any(|_| bash(words).iter().any(|offered| offered == name));
    assert!(has(&["--tape", &tape, "eval", "1", "--namespace", "sh"], "shop"));
    assert!(has(&["run", "own", "--tape", &tape, "--where", "sh"], "shop"));
    assert!(has(&["run", "own", "--tape", &tape, "--which", "shop/w"], "shop/web-0"));
    let mesh = Cluster::start(ClusterOptions::new(recording("c-unhealthy"))).expect("a mesh");
    let file = home.file("kubeconfig");
    mesh.kubeconfig(&file).unwrap();
    let file = file.display().to_string();
    assert!(bash(&["--kubeconfig", &file, "--context", ""]).iter().any(|name| name == mesh.name()));
    assert!(mesh.asked().is_empty(), "a context is known without the cluster: {:?}", mesh.asked());
    assert!(has(&["--kubeconfig", &file, "list", "-n", ""], "shop"));
    // What is typed wins over what is configured, as in the command itself.
    home.write(".config/pilotage/config.toml", "[options]\ndemo = true\n");
    assert!(bash(&["-n", ""]).contains(&"olaf-customer".to_owned()));
    assert!(has(&["--kubeconfig", &file, "-n", ""], "shop") && bash(&["--kubeconfig", &file, "-n", "olaf"]).is_empty());
}

#[test]
fn what_is_no_file_is_not_read() {
    let home = desk();
    let made = Command::new("mkfifo").arg(home.file("pipe.rhai")).status().expect("there is a mkfifo");
    assert!(made.success());
    assert!(offered(&home, "bash", &["run", ""]).contains(&"here".to_owned()));
    assert_eq!(offered(&home, "bash", &["run", "./pipe.rhai", "--ho"]), Vec::<String>::new());
    assert_eq!(finish(pilotage(home.path(), &["list"]), PATIENCE).code, Some(0));
}

#[test]
fn a_cluster_that_does_not_answer_keeps_no_shell_waiting() {
    let home = desk();
    let (_listener, kubeconfig) = hanging_cluster(&home);
    for words in [&["--kubeconfig", &kubeconfig, "-n", ""][..], &["run", "own", "--kubeconfig", &kubeconfig, "--which", ""]] {
        let begun = Instant::now();
        assert_eq!(offered(&home, "bash", words), Vec::<String>::new());
        assert!(begun.elapsed() < Duration::from_secs(10), "a question has 30 s, a key has not: {:?}", begun.elapsed());
    }
}

#[test]
fn bash_completes_by_the_script() {
    let bash = |script: &str, home: &TempDir| {
        let mut command = Command::new("bash");
        let own = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{own}", binary().parent().expect("a folder").display());
        command.args(["--norc", "-c", script]).env_clear().env("HOME", home.path()).env("PATH", path);
        command.current_dir(home.path());
        command
    };
    let home = desk();
    if bash("true", &home).output().is_err() {
        eprintln!("there is no bash here");
        return;
    }
    let completes = |words: &str, at: usize, typed: &str| {
        let script = format!(
            "source <(pilotage completions bash); complete -p pilotage >/dev/null || exit 9; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _clap_complete_pilotage pilotage {typed}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = finish(bash(&script, &home), PATIENCE);
        assert_eq!(output.code, Some(0), "{output:#?}");
        output.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completes("pilotage ev", 1, "ev"), ["eval"]);
    assert_eq!(completes("pilotage run ow", 2, "ow"), ["own"]);
    assert_eq!(completes("pilotage run own --how f", 4, "f"), ["fast"]);
}
