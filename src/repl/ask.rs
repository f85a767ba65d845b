//! Ask the user yes or no.

use super::Session;
use rustix::termios::{QueueSelector, tcflush};
use rustyline::error::ReadlineError;
use std::io::IsTerminal;

/// Whether somebody is there who can be asked.
pub fn somebody() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Forget what was typed so far: it was meant for something else than the question that comes now.
pub fn forget_typed() {
    // Where there is no terminal, nothing was typed.
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
}

/// Whether the user says yes. Enter and Ctrl-D are `usual`, and so is the absence of a user; Ctrl-C is no.
pub fn yes(session: &Session, question: &str, usual: bool) -> bool {
    session.ground.after();
    if !somebody() {
        return usual;
    }
    // An editor of its own: the answer is no history, and Ctrl-C is a key here.
    let Ok(mut editor) = rustyline::DefaultEditor::new() else { return usual };
    forget_typed();
    let choice = if usual { "[Y/n]" } else { "[y/N]" };
    match editor.readline(&format!("{question} {choice} ")) {
        Ok(answer) => match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => true,
            "" => usual,
            _ => false,
        },
        Err(ReadlineError::Eof) => usual,
        Err(_) => false,
    }
}
