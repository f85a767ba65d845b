//! Typing: several lines, colours, hints, undo, the user's own editor, odd characters, odd terminals.

use crate::support::run::TempDir;
use crate::support::terminal::{CTRL_C, CTRL_D, LEFT, RIGHT, Terminal, UP};
use std::os::unix::fs::PermissionsExt;

const CTRL_L: &str = "\u{c}";
const CTRL_X_CTRL_E: &str = "\u{18}\u{5}";
const ALT_ENTER: &str = "\u{1b}\r";
const UNDO: &str = "\u{1f}";
const BACKSPACE: &str = "\u{7f}";

fn session(home: &TempDir) -> Terminal {
    let mut terminal = Terminal::start(home, &["--demo"]);
    terminal.prompt();
    terminal
}

/// What the last rows of the screen show, blanks at their end left out.
fn last_rows(terminal: &Terminal, count: usize) -> Vec<String> {
    let screen = terminal.screen();
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn lines_that_go_on_are_indented_and_a_closing_bracket_goes_back() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    for line in ["fn f(x) {", "if x {", "41", "}", "else { 1 }"] {
        terminal.line(line);
    }
    terminal.press("}");
    terminal.wait("the last bracket", |screen| screen.trim_end().ends_with("\n}"));
    let expected = ["demo> fn f(x) {", "    if x {", "        41", "    }", "    else { 1 }", "}"];
    assert_eq!(last_rows(&terminal, 6), expected);
    terminal.line("");
    terminal.prompt();
    terminal.line("f(true) + 1");
    terminal.shows("42");
}

#[test]
fn text_in_back_ticks_goes_on_without_blanks() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    for line in ["let t = [`a", "b`];"] {
        terminal.line(line);
    }
    terminal.prompt();
    terminal.line("t[0].len()");
    terminal.shows("3");
}

#[test]
fn enter_in_the_middle_begins_a_line_and_the_arrows_move_between_lines_first() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.line("let before = 1");
    terminal.prompt();
    for line in ["let list = [", "1,", "3", "];"] {
        terminal.line(line);
    }
    terminal.prompt();
    // The whole input comes back, and the arrows go through its lines.
    terminal.press(UP);
    terminal.wait("the input", |screen| screen.matches("let list").count() == 2);
    terminal.press(&format!("{UP}{UP}\u{5}\r2,"));
    terminal.wait("a new line", |screen| screen.contains("    1,\n    2,\n    3\n];"));
    terminal.press(&format!("{UP}{UP}{UP}"));
    terminal.wait("the line before", |screen| screen.trim_end().ends_with("> let before = 1"));
    // What was changed in it is not lost by one arrow too many.
    terminal.press(UNDO);
    terminal.wait("the changed input", |screen| screen.trim_end().ends_with("];"));
    terminal.line("");
    terminal.prompt();
    terminal.line("list.len()");
    terminal.shows("\n3");
}

#[test]
fn alt_enter_begins_a_line_in_any_case() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.press(&format!("let a = 20;{ALT_ENTER}let b = 22;"));
    terminal.wait("two lines", |screen| screen.trim_end().ends_with("let a = 20;\nlet b = 22;"));
    terminal.line("");
    terminal.prompt();
    terminal.line("a + b");
    terminal.shows("42");
}

#[test]
fn what_is_typed_has_colours() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.line("let mine = 1");
    terminal.prompt();
    terminal.press("let x = pods(`a ${mine}`).podz(12) + yours // é");
    let expected = "[bold green demo>] [magenta let] x = [cyan pods]([green `a] [magenta ${]mine[magenta }][green `]).\
                    [underlined red podz]([yellow 12]) + [underlined red yours] [dim // é]";
    terminal.wait_for_colors("yours", expected);
    terminal.press(CTRL_C);
    terminal.prompt();
    terminal.press(":help pods");
    terminal.wait_for_colors(":help", "[bold green demo>] [cyan :help] pods");
    terminal.press(CTRL_C);
    terminal.prompt();
    terminal.press("jwks::stand_ins(\"open");
    terminal.wait_for_colors("jwks", "[bold green demo>] [cyan jwks]::[cyan stand_ins]([underlined red \"open]");
}

#[test]
fn brackets_that_match_are_shown() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.press("pods([1, 2]");
    terminal.wait_for_colors("2]", "[bold green demo>] [cyan pods]([bold underlined [][yellow 1], [yellow 2][bold underlined ]]");
    terminal.press(&format!("{LEFT}{LEFT}{LEFT}"));
    terminal.wait_for_colors("2]", "[bold green demo>] [cyan pods]([[yellow 1], [yellow 2]]");
}

#[test]
fn without_colours_nothing_is_coloured_and_no_hint_is_shown() {
    let home = TempDir::new();
    for (env, args) in [(&[("NO_COLOR", "1")][..], &["--demo"][..]), (&[], &["--demo", "--no-color"])] {
        let mut terminal = Terminal::sized((30, 100), &home, args, env);
        terminal.prompt();
        terminal.line("let plain = 1");
        terminal.prompt();
        terminal.press("let pla");
        terminal.shows("> let pla");
        terminal.press("x");
        let screen = terminal.shows("> let plax");
        assert!(screen.trim_end().ends_with("> let plax"), "{screen}");
        terminal.wait_for_colors("plax", "demo> let plax");
    }
}

#[test]
fn a_dumb_terminal_gets_lines_and_no_escapes() {
    let home = TempDir::new();
    let mut terminal = Terminal::sized((24, 80), &home, &["--demo"], &[("TERM", "dumb")]);
    terminal.shows("demo> ");
    terminal.line("let rows = [1,");
    terminal.line("2];");
    terminal.line("rows.len() * 21");
    terminal.shows("42");
    terminal.line("nosuch()");
    terminal.shows("there is no function nosuch");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
    assert!(!terminal.written().contains('\u{1b}'), "{:?}", terminal.written());
}

#[test]
fn what_was_typed_before_is_hinted_and_the_arrow_takes_it() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.line("let plain_name = 41");
    terminal.prompt();
    terminal.press("let p");
    terminal.wait("the hint", |screen| screen.trim_end().ends_with("> let plain_name = 41"));
    terminal.wait_for_colors("let plain_name", "[bold green demo>] [magenta let] p[dim lain_name = 41]");
    terminal.press("\u{1b}f");
    terminal.press("X");
    terminal.wait("one word", |screen| screen.trim_end().ends_with("> let plain_nameX"));
    terminal.press(BACKSPACE);
    terminal.wait("the hint again", |screen| screen.trim_end().ends_with("> let plain_name = 41"));
    terminal.press(&format!("{RIGHT}0\r"));
    terminal.prompt();
    terminal.line("plain_name");
    terminal.shows("\n410");
}

#[test]
fn undo_and_a_clear_screen() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.line("1111 + 1");
    terminal.prompt();
    terminal.press("let kept = 1 + ");
    terminal.press("\u{15}");
    terminal.wait("nothing", |screen| screen.trim_end().ends_with("demo>"));
    terminal.press(UNDO);
    terminal.wait("the line", |screen| screen.trim_end().ends_with("let kept = 1 +"));
    terminal.press(CTRL_L);
    terminal.wait("only the line", |screen| screen.trim_end() == "demo> let kept = 1 +");
    terminal.line("41");
    terminal.prompt();
    terminal.line("kept");
    terminal.shows("42");
}

/// A program that edits a file without a user.
fn editor(home: &TempDir, script: &str) -> String {
    let file = home.write("edit.sh", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it can be made to run");
    file.display().to_string()
}

#[test]
fn the_users_own_editor_takes_the_line_and_gives_it_back() {
    let home = TempDir::new();
    let program = editor(&home, "stat -c %a \"$1\" >mode; cat \"$1\" >seen; printf 'let a = 40;\\nlet b = a + 2;\\n' >\"$1\"");
    let mut terminal = Terminal::sized((30, 100), &home, &["--demo"], &[("EDITOR", "false"), ("VISUAL", &program)]);
    terminal.prompt();
    terminal.press("let a = [");
    terminal.press(CTRL_X_CTRL_E);
    terminal.wait("what was edited", |screen| screen.trim_end().ends_with("> let a = 40;\nlet b = a + 2;"));
    terminal.line("");
    terminal.prompt();
    terminal.line("b");
    terminal.shows("\n42");
    let read = |name: &str| std::fs::read_to_string(home.file(name)).expect("the editor ran");
    assert_eq!((read("seen").as_str(), read("mode").as_str()), ("let a = [\n", "600\n"));
}

#[test]
fn what_was_edited_comes_back_with_the_arrow() {
    let home = TempDir::new();
    let program = editor(&home, "printf '6 * 7\n' >\"$1\"");
    let mut terminal = Terminal::sized((30, 100), &home, &["--demo"], &[("VISUAL", &program)]);
    terminal.prompt();
    terminal.line("let a = 1");
    terminal.prompt();
    terminal.line(":edit last");
    terminal.shows("\n42");
    terminal.prompt();
    for line in ["6 * 7", ":edit last", "let a = 1"] {
        terminal.press(UP);
        terminal.wait(line, |screen| screen.trim_end().ends_with(&format!("> {line}")));
    }
    let kept = std::fs::read_to_string(home.file(".local/share/pilotage/history")).expect("it was written");
    assert_eq!(kept, "#V2\nlet a = 1\n:edit last\n6 * 7\n");
}

#[test]
fn an_editor_that_fails_is_told_and_the_line_stays() {
    let home = TempDir::new();
    for (program, told) in [("false", "failed with exit code 1"), ("nosuch-editor", "there is no editor nosuch-editor")] {
        let mut terminal = Terminal::sized((30, 100), &home, &["--demo"], &[("VISUAL", program)]);
        terminal.prompt();
        terminal.press("6 * 7");
        terminal.shows("6 * 7");
        terminal.press(CTRL_X_CTRL_E);
        terminal.shows(told);
        terminal.wait("the line again", |screen| screen.trim_end().ends_with("> 6 * 7"));
        terminal.line("");
        terminal.shows("\n42");
    }
}

#[test]
fn wide_and_combining_characters_take_the_place_they_take() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.press("let n = `世界e\u{301}é`");
    terminal.shows("世界");
    let begins = "demo> let n = `".len() as u16;
    terminal.wait_for_column(begins + 2 * 2 + 1 + 1 + 1);
    terminal.press(&format!("{LEFT}{LEFT}{LEFT}"));
    terminal.wait_for_column(begins + 4);
    terminal.press(BACKSPACE);
    terminal.wait_for_column(begins + 2);
    terminal.press("x\r");
    terminal.prompt();
    terminal.line("n");
    let screen = terminal.wait("the value", |screen| screen.contains("\n世x"));
    assert!(screen.contains("\n世xe\u{301}é"), "{screen}");
}

#[test]
fn a_terminal_that_changes_its_size_while_somebody_types() {
    let home = TempDir::new();
    let mut terminal = Terminal::sized((24, 80), &home, &["--demo"], &[]);
    terminal.prompt();
    terminal.press(&format!("let long = `{}`", "0123456789".repeat(12)));
    terminal.shows("789`");
    for (rows, cols) in [(60, 200), (24, 40), (24, 80)] {
        terminal.resize(rows, cols);
        terminal.press(".");
        terminal.press(BACKSPACE);
        terminal.wait("the whole line", |screen| screen.replace('\n', "").trim_end().ends_with("0123456789`"));
    }
    terminal.line("");
    terminal.prompt();
    terminal.line("long.len()");
    terminal.shows("120");
}

#[test]
fn ctrl_c_at_an_empty_prompt_tells_the_way_out_and_nothing_more() {
    let home = TempDir::new();
    let mut terminal = session(&home);
    terminal.line("let kept = 41");
    terminal.prompt();
    terminal.press(CTRL_C);
    terminal.prompt();
    terminal.press(CTRL_C);
    let screen = terminal.prompt();
    assert!(screen.contains("Ctrl-D leaves\n"), "{screen}");
    for _ in 0..5 {
        terminal.press(CTRL_C);
        terminal.prompt();
    }
    terminal.line("kept + 1");
    terminal.shows("42");
    terminal.prompt();
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_c_ends_a_stream_of_lines() {
    let home = TempDir::new();
    let mut terminal = Terminal::start(&home, &["--demo", "--max-operations", "0"]);
    terminal.prompt();
    terminal.line("let n = 0; loop { n += 1; print(`line ${n}`); }");
    terminal.wait("many lines", |screen| screen.lines().any(|line| line.starts_with("line ") && line.len() > 8));
    terminal.press(CTRL_C);
    terminal.shows("interrupted");
    terminal.prompt();
    terminal.line("n > 1000");
    terminal.shows("true");
}

#[test]
fn vi_has_its_modes_and_its_own_key_for_the_editor() {
    let home = TempDir::new();
    std::fs::create_dir_all(home.file(".config/pilotage")).expect("a folder can be made");
    home.write(".config/pilotage/config.toml", "[repl]\nedit_mode = \"vi\"\n");
    let program = editor(&home, "printf '6 * 7\\n' >\"$1\"");
    let mut terminal = Terminal::sized((30, 100), &home, &["--demo"], &[("VISUAL", &program)]);
    terminal.prompt();
    terminal.press("lex x = 1");
    terminal.shows("lex x = 1");
    // To the beginning, two to the right, another letter.
    terminal.press("\u{1b}");
    terminal.wait_for_column("demo> lex x = ".len() as u16);
    terminal.press("02lrt");
    terminal.wait("the word put right", |screen| screen.trim_end().ends_with("> let x = 1"));
    terminal.press("A + 1");
    terminal.wait("insertion", |screen| screen.trim_end().ends_with("> let x = 1 + 1"));
    terminal.line("");
    terminal.prompt();
    terminal.line("fn f() {");
    terminal.press("x\u{1b}");
    terminal.wait_for_column(4);
    terminal.press("v");
    terminal.wait("what was edited", |screen| screen.trim_end().ends_with("> 6 * 7"));
    terminal.line("");
    terminal.shows("\n42");
    terminal.prompt();
    terminal.line("vx");
    terminal.shows("there is no variable vx");
}
