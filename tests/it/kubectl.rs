//! As a plugin of a real kubectl, against a served mesh. `.ci/kubectl` installs it; without it the tests fail, they are not
//! left out.

use super::cluster::recording;
use crate::support::cluster::{Cluster, ClusterOptions};
use crate::support::run::{Output, PATIENCE, TempDir, binary, finish, pilotage};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The version that `.ci/kubectl` installs.
const VERSION: &str = "1.37.1";

/// The folder of the binary, somewhere in the target folder.
fn kubectl() -> PathBuf {
    let program = binary();
    let found =
        program.ancestors().map(|folder| folder.join("kubectl").join(VERSION)).find(|folder| folder.join("kubectl").is_file());
    found.unwrap_or_else(|| panic!("there is no kubectl {VERSION} in the target folder: run `.ci/kubectl`, which installs it"))
}

/// A home where pilotage is installed as a plugin.
struct Desk {
    home: TempDir,
}

impl Desk {
    fn new() -> Self {
        let home = TempDir::new();
        std::fs::create_dir(home.file("bin")).unwrap();
        symlink(binary(), home.file("bin/kubectl-pilotage")).unwrap();
        let script = finish(pilotage(home.path(), &["completions", "kubectl"]), PATIENCE).stdout;
        let file = home.write("bin/kubectl_complete-pilotage", &script);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { home }
    }

    /// `kubectl` with these arguments.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(kubectl().join("kubectl"));
        let own = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{}:{own}", self.home.file("bin").display(), kubectl().display());
        command.args(args).env_clear().env("HOME", self.home.path()).env("PATH", path);
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        finish(self.command(args), PATIENCE)
    }

    /// With a kubeconfig that leads to a mesh.
    fn ask(&self, cluster: &Cluster, args: &[&str]) -> Output {
        let file = self.home.file("kubeconfig");
        cluster.kubeconfig(&file).unwrap();
        let mut command = self.command(args);
        command.env("KUBECONFIG", file);
        finish(command, PATIENCE)
    }

    /// What kubectl offers behind these words.
    fn completes(&self, words: &[&str]) -> Vec<String> {
        let args: Vec<&str> = ["__complete", "pilotage"].iter().chain(words).copied().collect();
        let output = self.run(&args);
        assert_eq!(output.code, Some(0), "{output:#?}");
        let lines = output.stdout.lines().filter(|line| !line.starts_with(':'));
        lines.map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
    }
}

fn mesh() -> Cluster {
    Cluster::start(ClusterOptions::new(recording("c-unhealthy"))).expect("a mesh")
}

#[test]
fn kubectl_finds_the_plugin_and_its_options_are_honoured() {
    let (desk, mesh) = (Desk::new(), mesh());
    let name = mesh.name().to_owned();
    let listed = desk.run(&["plugin", "list"]);
    assert!(listed.stdout.contains("kubectl-pilotage") && listed.code == Some(0), "{listed:#?}");

    let count = desk.ask(&mesh, &["pilotage", "eval", r#"pods("shop").len()"#, "-n", "shop", "--context", &name]);
    assert!(count.code == Some(0) && count.stdout.trim().parse::<usize>().is_ok_and(|pods| pods > 0), "{count:#?}");
    let here = |namespace: &str| desk.ask(&mesh, &["pilotage", "eval", "context().namespace", "-n", namespace]).stdout;
    assert_eq!([here("shop"), here("istio-system")], ["shop\n", "istio-system\n"]);
    let nowhere = desk.ask(&mesh, &["pilotage", "eval", "pods()", "--context", "elsewhere"]);
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("no context \"elsewhere\""), "{nowhere:#?}");
    let nobody = desk.ask(&mesh, &["pilotage", "eval", "pods()", "--user", "nobody"]);
    assert!(nobody.code == Some(1) && nobody.stderr.contains("User \"nobody\" cannot list"), "{nobody:#?}");
    let stranger = desk.ask(&mesh, &["pilotage", "eval", "pods()", "--user", "stranger"]);
    assert!(
        stranger.stderr.contains("no user \"stranger\"") && stranger.stderr.contains("choose one with --user"),
        "{stranger:#?}"
    );
}

#[test]
fn a_playbook_runs_and_its_exit_code_is_kubectls() {
    let (desk, mesh) = (Desk::new(), mesh());
    let file = desk.home.file("named");
    mesh.kubeconfig(&file).unwrap();
    let args =
        ["pilotage", "run", "proxy-sync", "--kubeconfig", &file.display().to_string(), "--request-timeout", "20s", "-o", "json"];
    let report = desk.run(&args);
    let parsed: serde_json::Value = serde_json::from_str(&report.stdout).unwrap_or_else(|_| panic!("{report:#?}"));
    assert!(parsed["title"].is_string() && matches!(report.code, Some(0 | 3 | 4)), "{report:#?}");
    std::fs::write(
        desk.home.file("own.rhai"),
        "const PLAYBOOK = #{ title: \"t\", needs: [\"observe\"], params: #{} };\nfinding(\"error\", \"A1\", \"x\");",
    )
    .unwrap();
    assert_eq!(desk.run(&["pilotage", "run", "own", "--demo"]).code, Some(3));
}

#[test]
fn usage_help_and_hints_say_kubectl_pilotage() {
    let desk = Desk::new();
    for (args, part) in [
        (&["--help"][..], "Usage: kubectl pilotage [OPTIONS]"),
        (&["run", "--help"], "Usage: kubectl pilotage run"),
        (&["run", "proxy-sync", "--help"], "kubectl pilotage run proxy-sync"),
        (&["list", "--nonsense"], "Usage: kubectl pilotage list"),
        (&["show", "nosuch"], "`kubectl pilotage list` shows all"),
    ] {
        let args: Vec<&str> = ["pilotage"].iter().chain(args).copied().collect();
        let output = desk.run(&args);
        assert!(format!("{}{}", output.stdout, output.stderr).contains(part), "{args:?}: {output:#?}");
    }
    let own = finish(pilotage(desk.home.path(), &["run", "--help"]), PATIENCE);
    assert!(own.stdout.contains("Usage: pilotage run") && !own.stdout.contains("kubectl"), "{own:#?}");
}

#[test]
fn a_session_says_kubectl_pilotage_too() {
    let desk = Desk::new();
    let typed = ":help certificate signed by unknown authority\n:run nosuch\n:set nosuch 1\nhelp(\"jwks-certificate\")\nlet kept = 1\n:save! mine\n";
    let file = desk.home.write("typed", typed);
    let mut command = desk.command(&["pilotage", "--demo"]);
    command.stdin(std::fs::File::open(file).unwrap());
    let output = finish(command, PATIENCE);
    let all = format!("{}{}", output.stdout, output.stderr);
    for part in [
        "kubectl pilotage run jwks-certificate",
        "`kubectl pilotage list`",
        "`kubectl pilotage config show`",
        "with:\nkubectl pilotage run mine",
    ] {
        assert!(all.contains(part), "{part}: {output:#?}");
    }
    let bare = all.replace("kubectl pilotage", "");
    let told = ["run", "list", "config", "undo", "show"].map(|command| format!("pilotage {command}"));
    assert!(told.iter().all(|told| !bare.contains(told)), "{output:#?}");
}

#[test]
fn an_option_of_kubectl_that_is_not_taken_says_what_to_do() {
    let desk = Desk::new();
    for (option, advice) in [("-A", "pods(\"*\")"), ("--server=x", "set-cluster"), ("--token=x", "set-credentials")] {
        let output = desk.run(&["pilotage", "list", option]);
        assert!(output.code == Some(2) && output.stderr.contains(advice), "{option}: {output:#?}");
    }
    let groups = desk.run(&["pilotage", "eval", "pods()", "--as-group", "ops"]);
    assert!(groups.code == Some(2) && groups.stderr.contains("add --as USER"), "{groups:#?}");
}

/// What the API server is asked carries whom to act as, and it is that server's to allow.
#[test]
fn whom_to_act_as_is_sent() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{{name: lab, cluster: {{server: 'http://127.0.0.1:1'}}}}, \
         {{name: near, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\nusers: [{{name: me, user: {{token: mine}}}}, {{name: you, user: {{token: yours}}}}]\n\
         contexts: [{{name: lab, context: {{cluster: lab, user: me}}}}]\n"
    );
    let file = desk.home.write("kubeconfig", &kubeconfig);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it is asked");
        let mut asked = vec![0; 4096];
        let read = stream.read(&mut asked).unwrap_or_default();
        let body =
            r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"jane may not","reason":"Forbidden","code":403}"#;
        let _ = write!(
            stream,
            "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        String::from_utf8_lossy(&asked[..read]).to_lowercase()
    });
    let mut command = self::Desk::command(
        &desk,
        &[
            "pilotage",
            "eval",
            "get(\"configmap\", \"x\", \"shop\")",
            "--cluster",
            "near",
            "--user",
            "you",
            "--as",
            "jane",
            "--as-group",
            "ops",
            "--as-group",
            "dev",
        ],
    );
    command.env("KUBECONFIG", file);
    let output = finish(command, PATIENCE);
    assert_eq!(output.code, Some(1), "{output:#?}");
    let asked = server.join().expect("it answers");
    for header in ["authorization: bearer yours", "impersonate-user: jane", "impersonate-group: ops", "impersonate-group: dev"] {
        assert!(asked.contains(header), "{header} in {asked}\n{output:#?}");
    }
}

#[test]
fn kubectl_completes_commands_options_playbooks_and_parameters() {
    let desk = Desk::new();
    let first = desk.completes(&[""]);
    for command in ["run", "eval", "config", "completions"] {
        assert!(first.contains(&command.to_owned()), "{command} in {first:?}");
    }
    assert_eq!(desk.completes(&["ev"]), ["eval"]);
    std::fs::create_dir_all(desk.home.file(".config/pilotage/scripts")).unwrap();
    let playbook = "const PLAYBOOK = #{ title: \"mine\", needs: [\"observe\"], params: #{ how: #{ kind: \"choice\", help: \"h\", choices: [\"fast\", \"slow\"], value: \"fast\" } } };";
    desk.home.write(".config/pilotage/scripts/own.rhai", playbook);
    let playbooks = desk.completes(&["run", ""]);
    for name in ["jwks-certificate", "proxy-sync", "own"] {
        assert!(playbooks.contains(&name.to_owned()), "{name} in {playbooks:?}");
    }
    assert!(desk.completes(&["run", "jwks-certificate", "--to"]).contains(&"--token".to_owned()));
    assert_eq!(desk.completes(&["run", "own", "--how", ""]), ["fast", "slow"]);
    assert_eq!(desk.completes(&["run", "own", "--how=s"]), ["--how=slow"]);
    assert!(desk.completes(&["eval", "1", "--fail-on", ""]).contains(&"warning".to_owned()));
    assert!(desk.completes(&["show", "prox"]).contains(&"proxy-sync".to_owned()));
}

#[test]
fn kubectl_completes_contexts_of_the_kubeconfig_and_asks_nobody() {
    let (desk, mesh) = (Desk::new(), mesh());
    let file = desk.home.file(".kube/config");
    std::fs::create_dir(desk.home.file(".kube")).unwrap();
    mesh.kubeconfig(&file).unwrap();
    let contexts = desk.completes(&["list", "--context", ""]);
    assert!(contexts.contains(&mesh.name().to_owned()), "{contexts:?}");
    assert!(desk.completes(&["--cluster", ""]).contains(&mesh.name().to_owned()));
    let elsewhere = desk.home.write("other", "apiVersion: v1\nkind: Config\ncontexts: [{name: far, context: {cluster: c}}]\n");
    assert_eq!(desk.completes(&["--kubeconfig", &elsewhere.display().to_string(), "--context", ""]), ["far"]);
    assert!(mesh.asked().is_empty(), "{:?}", mesh.asked());
}
