//! The interactive session on a real terminal.

use crate::support::run::{PATIENCE, TempDir, finish, pilotage};
use crate::support::terminal::{CTRL_C, CTRL_D, Terminal};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// A kubeconfig that leads to an API server which takes connections and never answers.
pub fn hanging_cluster(home: &TempDir) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{{name: lab, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         users: [{{name: me, user: {{}}}}]\ncontexts: [{{name: lab, context: {{cluster: lab, user: me}}}}]\n"
    );
    let file = home.write("kubeconfig", &text);
    (listener, file.display().to_string())
}

#[test]
fn lines_are_evaluated_and_variables_live_on() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.prompt();
    terminal.line("let a = 20");
    terminal.prompt();
    terminal.line("a * 2 + 2");
    terminal.shows("42");
    terminal.prompt();
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn unfinished_input_goes_on_in_the_next_line() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.prompt();
    terminal.line("let rows = [#{ name: \"web\",");
    terminal.line("port: 80 }];");
    terminal.prompt();
    terminal.line("rows");
    let screen = terminal.shows("name  port");
    assert!(screen.contains("web     80"), "{screen}");
}

#[test]
fn an_empty_line_ends_what_cannot_be_finished() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.prompt();
    terminal.line("[1, 2");
    terminal.line("");
    terminal.shows("error[script]");
    terminal.prompt();
}

#[test]
fn ctrl_c_ends_a_tight_loop_and_keeps_the_session() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--max-operations", "0"]);
    terminal.prompt();
    terminal.line("let kept = 41");
    terminal.prompt();
    for _ in 0..3 {
        terminal.line("print(\"running\"); loop {}");
        terminal.wait("the loop", |screen| screen.lines().last() == Some("running"));
        terminal.press(CTRL_C);
        terminal.shows("interrupted");
        terminal.prompt();
        terminal.press("\u{c}");
        terminal.wait("a clear screen", |screen| !screen.contains("interrupted"));
    }
    terminal.line("kept + 1");
    terminal.shows("42");
}

#[test]
fn ctrl_c_ends_a_call_that_hangs_and_a_long_wait_is_shown() {
    let home = TempDir::new();
    let (_listener, kubeconfig) = hanging_cluster(&home);
    let mut terminal = Terminal::start(&home, &["--kubeconfig", &kubeconfig]);
    terminal.shows("lab/default> ");
    terminal.line("pods()");
    let screen = terminal.shows("kube GET");
    assert!(screen.contains(" s"), "it shows how long: {screen}");
    terminal.press(CTRL_C);
    let screen = terminal.shows("interrupted");
    assert!(!screen.contains("kube GET"), "the progress line is gone: {screen}");
    terminal.prompt();
    terminal.line("40 + 2");
    terminal.shows("42");
    terminal.prompt();
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_c_at_the_prompt_drops_the_line() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.prompt();
    terminal.press("let half = ");
    terminal.shows("let half =");
    terminal.press(CTRL_C);
    terminal.prompt();
    terminal.line("6 * 7");
    terminal.shows("42");
}

#[test]
fn ctrl_c_ends_a_command_with_130() {
    let home = TempDir::new();
    let (_listener, kubeconfig) = hanging_cluster(&home);
    let mut terminal = Terminal::start(&home, &["--kubeconfig", &kubeconfig, "eval", "pods()"]);
    terminal.shows("kube GET");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
}

#[test]
fn names_are_completed() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.prompt();
    terminal.press("decode_\t");
    terminal.shows("decode_jwt");
    terminal.press(CTRL_C);
    terminal.prompt();
    terminal.press(":he\t");
    terminal.shows(":help");
}

#[test]
fn the_demo_is_a_session_of_its_own() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo"]);
    terminal.shows("demo> ");
    terminal.line("table(pods(\"olaf-customer\"), [\"name\", \"ready\", \"status\"])");
    let screen = terminal.shows("customer-686cf5bf47-mtgsn");
    assert!(screen.contains("name") && screen.contains("2/2    Running"), "{screen}");
    terminal.prompt();
    terminal.line("pods(\"nowhere\")");
    terminal.shows("error[not_found]");
    terminal.prompt();
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn history_is_private_and_holds_no_token() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &[]);
    terminal.prompt();
    for line in ["let plain = 1", " let hidden = 2", "let t = \"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln\""] {
        terminal.line(line);
        terminal.prompt();
    }
    terminal.press(CTRL_D);
    terminal.end();
    let file = home.path().join(".local/share/pilotage/history");
    let text = std::fs::read_to_string(&file).expect("the history was written");
    assert!(text.contains("let plain = 1") && !text.contains("hidden") && !text.contains("eyJ"), "{text}");
    let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut again = Terminal::start(&home, &[]);
    again.prompt();
    again.press("\u{1b}[A");
    again.shows("let plain = 1");
}

#[test]
fn without_a_terminal_lines_are_read_without_a_prompt() {
    let home = TempDir::new();
    let mut command = pilotage(home.path(), &[]);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::from(reader));
    writer.write_all(b"let a = [1,\n2];\na.len()\nnosuch()\n:help nosuch\na.len() * 3").expect("it fits into the pipe");
    drop(writer);
    let output = finish(command, PATIENCE);
    assert_eq!((output.stdout.as_str(), output.code), ("2\n6\n", Some(1)), "{output:?}");
    assert!(output.stderr.contains("there is no function nosuch"), "{output:?}");
}

#[test]
fn a_signal_at_the_prompt_leaves_the_terminal_as_it_was() {
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let home = TempDir::new();
        let mut terminal = Terminal::start(&home, &["--demo"]);
        terminal.prompt();
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), 0);
        let usual = terminal.modes();

        let mut terminal = Terminal::start(&home, &["--demo"]);
        terminal.prompt();
        assert_ne!(terminal.modes(), usual, "at the prompt keys are edited");
        terminal.press("half a line");
        terminal.shows("half a line");
        let status = std::process::Command::new("kill").args([&format!("-{signal}"), &terminal.pid().to_string()]).status();
        assert!(status.expect("kill runs").success());
        assert_eq!(terminal.end(), code, "SIG{signal}");
        assert_eq!(terminal.modes(), usual, "SIG{signal}");
    }
}
