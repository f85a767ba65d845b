//! `:help` and `:doc`: the reference at hand.

use super::command::{Command, Takes};
use crate::report::Content;

/// What can be typed, what a name means, or what helps with an error.
pub const HELP: Command = Command {
    names: &["help", "h", "?"],
    argument: "[NAME]",
    takes: Takes::Topic,
    about: "shows what can be typed here; `:help NAME` tells what a function does, `:help 503 UH` what helps with an error",
    manual: "The same as `help(NAME)`. Names are those of functions, modules, playbooks, commands and rows.",
    run: |session, name| Ok(session.show_page(&Content::Page(session.pilotage().help(name)?))),
};

/// The whole reference of a name.
pub const DOC: Command = Command {
    names: &["doc"],
    argument: "[NAME]",
    takes: Takes::Entry,
    about: "shows the whole reference of a function, a module or a family: `:doc pods`",
    manual: "Where `:help` tells of a module what each function does, this tells all of all its functions.",
    run: |session, name| Ok(session.show_page(&Content::Page(session.pilotage().doc(name)?))),
};
