//! `:quit`.

use super::Next;
use super::command::{Command, Takes};

/// Leave the session.
pub const QUIT: Command = Command {
    names: &["quit", "q", "exit"],
    argument: "",
    takes: Takes::Nothing,
    about: "leave, as Ctrl-D does",
    manual: "",
    run: |_, _| Ok(Next::Quit),
};
