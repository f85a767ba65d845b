//! Results at a terminal: cut to the screen and kept whole, shown again in other forms, through a pager, on any terminal.

use crate::support::run::{PATIENCE, TempDir, finish, pilotage};
use crate::support::terminal::{CTRL_C, CTRL_D, Terminal};
use std::io::Write;
use std::process::Stdio;

/// Rows with names of several widths.
const ROWS: &str = "let rows = []; for n in 0..COUNT { rows.push(#{ name: `pod-${n}`, status: if n % 2 == 0 { \"Running\" } else { \"Failed\" }, n: n }); } rows";

fn rows(count: usize) -> String {
    ROWS.replace("COUNT", &count.to_string())
}

/// A session on a terminal of this size.
fn session(home: &TempDir, size: (u16, u16), env: &[(&str, &str)]) -> Terminal {
    let mut terminal = Terminal::sized(size, home, &["--demo", "--max-operations", "0"], env);
    terminal.prompt();
    terminal
}

/// What the screen shows from the last line on that has a text.
fn since(screen: &str, begin: &str) -> String {
    let lines: Vec<&str> = screen.lines().collect();
    let from = lines.iter().rposition(|line| line.contains(begin)).unwrap_or_default();
    lines[from..].iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_table_is_cut_to_the_screen_and_kept_whole() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[]);
    terminal.line(&rows(1000));
    let screen = terminal.prompt();
    insta::assert_snapshot!(since(&screen, "n  name"), @r#"
     n  name    status
     0  pod-0   Running
     1  pod-1   Failed
     2  pod-2   Running
     3  pod-3   Failed
     4  pod-4   Running
     5  pod-5   Failed
     6  pod-6   Running
     7  pod-7   Failed
     8  pod-8   Running
     9  pod-9   Failed
    10  pod-10  Running
    11  pod-11  Failed
    12  pod-12  Running
    13  pod-13  Failed
    14  pod-14  Running
    15  pod-15  Failed
    16  pod-16  Running
    … 983 more rows · :table shows all
    out[1] · 1,000 rows
    demo>
    "#);
    terminal.line("_.len() + out[1].len()");
    terminal.shows("2000");
    terminal.prompt();
    terminal.line("out[9]");
    terminal.shows("out[1] to out[2] are kept");
    terminal.prompt();
    terminal.line("_e.message");
    terminal.shows("there is no result 9  ");
}

#[test]
fn a_big_screen_holds_more() {
    let home = TempDir::new();
    let mut terminal = session(&home, (60, 200), &[]);
    terminal.line("pods(\"olaf-customer\")");
    let screen = terminal.prompt();
    insta::assert_snapshot!(since(&screen, "namespace"), @r#"
    namespace      name                                app             proxy    ready  status   restarts  age  ip         node
    olaf-customer  customer-686cf5bf47-mtgsn           customer        sidecar  2/2    Running         0  51s  10.88.1.6  lab-node
    olaf-customer  preference-v1-5b86dc984b-jftdp      preference      sidecar  2/2    Running         0  53s  10.88.1.5  lab-node
    olaf-customer  recommendation-v1-54cf68f5fb-kmkbj  recommendation  sidecar  2/2    Running         0  58s  10.88.1.3  lab-node
    olaf-customer  recommendation-v2-5fb7467455-nkssc  recommendation  sidecar  2/2    Running         0  56s  10.88.1.4  lab-node
    out[1] · 4 rows
    demo>
    "#);
    terminal.line(&rows(50));
    let screen = terminal.prompt();
    assert!(screen.contains("pod-49") && screen.contains("out[2] · 50 rows") && !screen.contains('…'), "{screen}");
}

#[test]
fn wide_and_combining_characters_keep_their_columns() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[]);
    terminal
        .line("[#{ name: \"網格-1\", n: 1, z: 7 }, #{ name: \"cafe\u{301}\", n: 20, z: 7 }, #{ name: \"plain\", n: 300, z: 7 }]");
    let screen = terminal.prompt();
    insta::assert_snapshot!(since(&screen, "n  name"), @r#"
      n  name    z
      1  網格-1  7
     20  café    7
    300  plain   7
    out[1] · 3 rows
    demo>
    "#);
}

#[test]
fn a_document_is_shown_by_its_shape_and_goes_on() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[("PAGER", "cat")]);
    terminal.line("config_dump(\"deploy/customer.olaf-customer\")");
    let screen = terminal.prompt();
    insta::assert_snapshot!(since(&screen, "json object"), @r#"
    json object of 1 key, 234 KB
    └─ configs [6]
       ├─ 0 {…3} BootstrapConfigDump, 84 KB
       ├─ 1 {…4} ClustersConfigDump, 37 KB
       ├─ 2 {…4} ListenersConfigDump, 92 KB
       ├─ 3 {…1} ScopedRoutesConfigDump
       ├─ 4 {…3} RoutesConfigDump, 14 KB
       └─ 5 {…2} SecretsConfigDump, 5 KB
    _.configs goes on · :tree and :json show all
    out[1]
    demo>
    "#);
    terminal.line(":json > dump.json");
    terminal.shows("out[1] is in dump.json");
    terminal.prompt();
    let text = std::fs::read_to_string(home.file("dump.json")).expect("it was written");
    assert!(serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON")["configs"].is_array());
}

#[test]
fn a_result_is_shown_again_in_other_forms() {
    let home = TempDir::new();
    let mut terminal = session(&home, (40, 80), &[("PAGER", "cat")]);
    terminal.line("[#{ name: \"a,b\", more: [#{ x: 1 }] }]");
    terminal.prompt();
    terminal.line("41 + 1");
    terminal.shows("out[2]");
    terminal.prompt();
    for (command, shown) in [
        (":json 1", "\"name\": \"a,b\""),
        (":yaml 1", "  - x: 1"),
        (":csv 1", "\"[{\"\"x\"\":1}]\",\"a,b\""),
        (":markdown 1", "| more | name |"),
        (":tree 1", "└─ name: a,b"),
        (":tree 1 depth=1", "└─ 0 {…2} a,b"),
        (":table 1", "[{\"x\":1}]  a,b"),
    ] {
        terminal.line(command);
        terminal.shows(shown);
        terminal.prompt();
    }
    terminal.line(":json 7");
    terminal.shows("there is no result 7");
    terminal.prompt();
    terminal.line(":json x");
    terminal.shows("is no number of a result");
    terminal.prompt();
    terminal.line(":json depth=2");
    terminal.shows("only a tree has a depth");
    terminal.prompt();
    terminal.press(":yaml \t");
    let screen = terminal.wait("the list", |screen| screen.contains("42 · 41 + 1") && screen.contains("1 × map · "));
    let listed: Vec<&str> = screen.lines().filter(|line| line.starts_with(['1', '2'])).map(str::trim_end).collect();
    assert_eq!(listed, ["2  42 · 41 + 1", "1  1 × map · [#{ name: \"a,b\", more: [#{ x: 1 }] }]"], "{screen}");
}

#[test]
fn where_nothing_was_found_stands_what_was_asked() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[("PAGER", "cat")]);
    terminal.line("let ns = \"shopp\"; pods(\"olaf\").where(#{ namespace: ns })");
    terminal.shows("no rows: pods(\"olaf\").where(#{ namespace: ns })");
    terminal.prompt();
    terminal.clear();
    terminal.line("1 + 1");
    terminal.prompt();
    terminal.line(":table 1");
    terminal.shows("no rows: pods(\"olaf\")");
}

#[test]
fn a_long_table_goes_through_the_pager_which_may_be_left() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[]);
    let usual = terminal.modes();
    terminal.line(&rows(5000));
    terminal.prompt();
    terminal.line(":table");
    let screen = terminal.wait("the pager", |screen| screen.lines().last().is_some_and(|line| line.starts_with(':')));
    assert!(screen.contains("pod-20") && !screen.contains("demo>"), "{screen}");
    terminal.press(" ");
    terminal.shows("pod-40");
    // Ctrl-C is the pager's, however often it is pressed.
    for _ in 0..4 {
        terminal.press(CTRL_C);
    }
    // It drops what was typed before it heard of them all.
    terminal.press_until("G", |screen| screen.contains("pod-4999"));
    terminal.resize(30, 60);
    terminal.shows("~");
    terminal.press("q");
    terminal.prompt();
    assert_eq!(terminal.modes(), usual);
    terminal.line("6 * 7");
    let screen = terminal.shows("out[2]");
    assert!(screen.contains(&format!("{:<54}out[2]", 42)), "it fits the new width: {screen}");
    terminal.prompt();
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_long_page_of_help_goes_through_the_pager_and_a_short_one_does_not() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[]);
    for asked in [":help", "help()", ":doc pods", "help(pods)"] {
        terminal.line(asked);
        let screen = terminal.wait("the pager", |screen| screen.lines().last().is_some_and(|line| line.starts_with(':')));
        assert!(!screen.contains("demo>"), "{asked}: {screen}");
        terminal.press("q");
        terminal.prompt();
    }
    for (asked, part) in [(":help :quit", "Leaves, as Ctrl-D does"), ("help(\":quit\")", "Leaves, as Ctrl-D does")] {
        terminal.line(asked);
        let screen = terminal.shows(part);
        assert!(screen.contains("demo>"), "{asked}: {screen}");
        terminal.prompt();
    }
}

#[test]
fn a_long_headline_goes_on_below_at_words() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 60), &[]);
    terminal.line("throw \"some words that are longer than the line of sixty columns is wide\"");
    let goes_on = |line: &str| line.starts_with("    ") && line.trim_end().ends_with("is wide");
    terminal.wait("the rest below", |screen| screen.lines().any(goes_on));
    terminal.prompt();
    let long = "a word ".repeat(60);
    let piped = finish(pilotage(home.path(), &["--demo", "eval", &format!("throw \"{long}\"")]), PATIENCE);
    assert!(piped.stderr.lines().next().is_some_and(|line| line.contains(long.trim())), "{piped:#?}");
}

#[test]
fn ctrl_c_ends_a_long_table_on_a_terminal_that_cannot_page() {
    let home = TempDir::new();
    let mut terminal = Terminal::sized((24, 80), &home, &["--demo", "--max-operations", "0"], &[("TERM", "dumb")]);
    terminal.shows("demo>");
    terminal.line("let kept = 41; let rows = []; for n in 0..200000 { rows.push(#{ n: n }); } rows");
    terminal.shows("… 199,983 more rows · :table shows all");
    assert!(!terminal.written().contains('\u{1b}'), "no colours: {:?}", terminal.written());
    terminal.line(":table");
    let is_row = |line: &str| line.trim().parse::<u32>().is_ok_and(|number| number > 100);
    terminal.wait("rows", |screen| screen.lines().any(is_row));
    terminal.press(CTRL_C);
    terminal.shows("interrupted");
    terminal.line("kept + 1");
    terminal.shows("42");
}

#[test]
fn a_pager_that_is_missing_is_no_failure() {
    let home = TempDir::new();
    let mut terminal = session(&home, (24, 80), &[("PAGER", "no-such-pager -x")]);
    terminal.line(&rows(100));
    terminal.prompt();
    terminal.line(":table");
    let screen = terminal.shows("pod-99");
    terminal.prompt();
    assert!(terminal.written().contains("the pager no-such-pager -x cannot be run"), "{screen}");
}

#[test]
fn without_colours_words_say_the_same() {
    let home = TempDir::new();
    let mut plain = session(&home, (24, 80), &[("NO_COLOR", "1")]);
    let mut coloured = session(&home, (24, 80), &[]);
    let [plain_screen, coloured_screen] = [&mut plain, &mut coloured].map(|terminal| {
        terminal.line(&rows(3));
        terminal.prompt()
    });
    assert_eq!(since(&plain_screen, "n  name"), since(&coloured_screen, "n  name"));
    assert!(coloured.written().contains("\u{1b}[31mFailed") && !plain.written().contains("\u{1b}[31m"));
}

#[test]
fn in_a_pipe_everything_is_whole_and_bare() {
    let home = TempDir::new();
    let mut command = pilotage(home.path(), &["--demo"]);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::from(reader));
    let lines = format!("{}\n_.len()\n:csv 1\n:tree 2\n", rows(300));
    writer.write_all(lines.as_bytes()).expect("it fits into the pipe");
    drop(writer);
    let output = finish(command, PATIENCE);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!((lines.len(), output.code), (301 + 1 + 301 + 1, Some(0)), "{output:?}");
    assert!(!output.stdout.contains("out[") && !output.stdout.contains('…') && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_reader_who_leaves_is_no_failure() {
    let home = TempDir::new();
    let script = "printf 'let rows = []; for n in 0..50000 { rows.push(#{ n: n }); } rows\\n:json\\n' | \"$0\" --demo --max-operations 0 | head -2";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(crate::support::run::binary()).env_clear().env("HOME", home.path());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    let output = finish(command, PATIENCE);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("    n\n    0\n", ""), "{output:?}");
}
