//! Pasting: many lines at once are one input, as in ipython; a terminal that does not mark what is pasted gives them one by one.

use crate::support::run::TempDir;
use crate::support::terminal::{CTRL_C, Terminal};
use std::fmt::Write;

/// So many statements, each with what the one before gave.
fn statements(count: usize, end: &str) -> String {
    let mut text = format!("let v0 = 0;{end}");
    for number in 1..count {
        let _ = write!(text, "let v{number} = v{} + 1; // {{ ` \"{end}", number - 1);
    }
    text
}

fn pasted(text: &str) -> String {
    format!("\u{1b}[200~{text}\u{1b}[201~")
}

fn kept(home: &TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(home.path().join(".local/share/pilotage/history")).expect("the history was written");
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn two_hundred_lines_are_one_input_on_any_screen() {
    for size in [(24, 80), (60, 200)] {
        let home = TempDir::new();
        let mut terminal = Terminal::sized(size, &home, &["--demo"], &[]);
        terminal.prompt();
        terminal.press(&pasted(&statements(200, "\r")));
        terminal.shows("let v199 = v198 + 1;");
        // It is not evaluated yet, and can be changed.
        terminal.press("let last = v199 + 1");
        let screen = terminal.shows("let last = v199 + 1");
        let shown = screen.lines().filter(|line| line.starts_with("let v")).count();
        assert!(shown >= usize::from(size.0) - 3, "the screen shows the end of it: {screen}");
        terminal.line("");
        terminal.prompt();
        terminal.line("last");
        terminal.shows("\n200");
        assert_eq!(kept(&home).len(), 2, "two inputs");
        terminal.prompt();
        terminal.press(CTRL_C);
        terminal.prompt();
    }
}

#[test]
fn unmarked_lines_are_taken_one_by_one() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo"]);
    terminal.prompt();
    terminal.press(&statements(200, "\r"));
    terminal.line("fn f(x) {\r    if x > 1 {\r        `a\r    b`\r    }\r}");
    terminal.line("v199");
    terminal.shows("\n199");
    terminal.line("f(2).len()");
    terminal.shows("\n7");
    assert_eq!(kept(&home).len(), 203);
}

#[test]
fn what_is_pasted_into_a_line_joins_it() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo"]);
    terminal.prompt();
    terminal.press("let list = [");
    terminal.press(&pasted("1,\n\t2,\r\n3"));
    terminal.line("];");
    terminal.prompt();
    terminal.line("list.len()");
    terminal.shows("\n3");
}
