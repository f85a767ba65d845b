//! The README is true: each console block is run, and says what it says there; a session is typed at a terminal, and the screen
//! shows it. A line of `…` stands for any lines.

use crate::support::run::{TempDir, run_pilotage};
use crate::support::terminal::Terminal;

const README: &str = include_str!("../../README.md");
const TAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tapes/");

/// Commands with what they should print.
fn sessions() -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for block in README.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => found.push((command.into(), Vec::new())),
                None => found.last_mut().expect("a block begins with a command").1.push(line.into()),
            }
        }
    }
    found
}

/// Words of a command line; single quotes keep them together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(String::from)),
            _ => words.push(part.into()),
        }
    }
    words
}

/// Whether lines are as told, `…` standing for any number of them.
fn fits(told: &[String], found: &[&str]) -> bool {
    match (told.first().map(String::as_str), found.first()) {
        (None, None) => true,
        (Some("…"), _) => fits(&told[1..], found) || (!found.is_empty() && fits(told, &found[1..])),
        (Some(line), Some(first)) => line.trim_end() == first.trim_end() && fits(&told[1..], &found[1..]),
        _ => false,
    }
}

#[test]
fn every_console_block_is_true() {
    let sessions = sessions();
    assert!(sessions.len() >= 3);
    for (command, told) in sessions {
        let words = words(&command);
        assert_eq!(words.first().map(String::as_str), Some("pilotage"), "{command}");
        // Tests run in a folder of their own.
        let words: Vec<String> = words.iter().map(|word| word.replace("tests/tapes/", TAPES)).collect();
        let mut args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        args.extend(["--width", "100"]);
        let output = run_pilotage(&args, &[]);
        let found: Vec<&str> = output.stdout.lines().collect();
        assert!(fits(&told, &found), "$ {command}\n{}\n{}", output.stdout, output.stderr);
    }
}

/// What is typed in a line of a session, behind the prompt.
fn typed(line: &str) -> Option<&str> {
    line.strip_prefix("demo").and_then(|rest| rest.split_once("> ")).map(|(_, typed)| typed)
}

#[test]
fn every_session_is_true() {
    let blocks: Vec<&str> = README.split("```console session\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (command, told) = block.split_once('\n').expect("a session begins with its command");
        assert_eq!(command, "$ pilotage --demo");
        let home = TempDir::new();
        let mut terminal = Terminal::sized((80, 100), &home, &["--demo"], &[]);
        terminal.prompt();
        for line in told.lines().filter_map(typed) {
            terminal.line(line);
            terminal.prompt();
        }
        let screen = terminal.screen();
        let found: Vec<&str> = screen.trim_end().trim_end_matches("demo>").lines().collect();
        let told: Vec<String> = told.lines().map(String::from).collect();
        assert!(fits(&told, &found), "{screen}");
    }
}
