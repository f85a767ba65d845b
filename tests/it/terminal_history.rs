//! What was typed before: found again, shared by sessions, safe from whatever ends them.

use crate::support::run::TempDir;
use crate::support::terminal::{CTRL_C, CTRL_D, Terminal, UP};

const CTRL_R: &str = "\u{12}";

fn session(home: &TempDir) -> Terminal {
    let mut terminal = Terminal::start(home, &["--demo"]);
    terminal.prompt();
    terminal
}

fn kept(home: &TempDir) -> String {
    std::fs::read_to_string(home.path().join(".local/share/pilotage/history")).expect("the history was written")
}

#[test]
fn sessions_at_once_share_it_and_lose_nothing() {
    let home = TempDir::new();
    let mut one = session(&home);
    let mut other = session(&home);
    for number in 0..5 {
        one.line(&format!("let one = {number}"));
        one.prompt();
        other.line(&format!("let other = {number}"));
        other.prompt();
    }
    // Each goes back through its own.
    one.press(UP);
    one.wait("its own", |screen| screen.trim_end().ends_with("> let one = 4"));
    for mut terminal in [one, other] {
        terminal.press(CTRL_C);
        terminal.prompt();
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), 0);
    }
    let mut third = session(&home);
    for expected in ["let other = 4", "let one = 4", "let other = 3", "let one = 3"] {
        third.press(UP);
        third.wait(expected, |screen| screen.trim_end().ends_with(&format!("> {expected}")));
    }
    assert_eq!(kept(&home).lines().count(), 11);
}

#[test]
fn a_session_that_is_killed_leaves_it_whole() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.line("let first = 1");
    terminal.prompt();
    terminal.press("let half");
    terminal.shows("let half");
    let killed = std::process::Command::new("kill").args(["-9", &terminal.pid().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    terminal.end();
    assert_eq!(kept(&home), "#V2\nlet first = 1\n");
    // A half line, as if it had been killed in the middle of writing.
    let file = home.path().join(".local/share/pilotage/history");
    std::fs::write(&file, "#V2\nlet first = 1\nlet sec").expect("it can be written");
    let mut again = session(&home);
    again.press(UP);
    again.wait("the whole line", |screen| screen.trim_end().ends_with("> let first = 1"));
    again.press(CTRL_C);
    again.prompt();
    again.line("let third = `a\nb`");
    again.prompt();
    assert_eq!(kept(&home), "#V2\nlet first = 1\nlet third = `a\\nb`\n");
}

#[test]
fn ctrl_r_finds_what_was_typed() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    for line in ["let alpha = 40", "let beta = alpha + 2", "let gamma = 1"] {
        terminal.line(line);
        terminal.prompt();
    }
    terminal.press(CTRL_R);
    terminal.shows("search");
    terminal.press("bet");
    terminal.wait("the match", |screen| screen.trim_end().ends_with("let beta = alpha + 2"));
    terminal.press("\r");
    terminal.prompt();
    terminal.line("beta");
    terminal.shows("\n42");
}

#[test]
fn no_secret_goes_into_it() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    for line in ["let password = \"hunter2\"", "let t = #{ token: `hunter2` }", " let spaced = 1", "let plain = 1"] {
        terminal.line(line);
        terminal.prompt();
    }
    assert_eq!(kept(&home), "#V2\nlet plain = 1\n");
    terminal.press(UP);
    terminal.wait("the plain one", |screen| screen.trim_end().ends_with("> let plain = 1"));
}
