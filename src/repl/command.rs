//! What begins with a colon: commands to the session itself.

use super::{Next, Session, help};
use crate::error::{Error, Kind};
use crate::render::{diagnostic, style, terminal_markdown};
use crate::suggest::nearest;

/// Names and what they do.
pub const COMMANDS: &[(&str, &str)] = &[
    (":help", "what can be typed here; `:help NAME` says what a function does"),
    (":doc", "the whole reference of a function, a module or a family: `:doc pods`"),
    (":quit", "leave, as Ctrl-D does"),
];

/// Do the command.
pub(super) fn run(session: &Session, command: &str) -> Next {
    let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let argument = argument.trim();
    match (name, argument) {
        ("quit" | "q" | "exit", _) => Next::Quit,
        ("help" | "h" | "?", "") => session.print(&overview(session)),
        ("help" | "h" | "?", name) => explain(session, name, false),
        ("doc", "") => session.print(&overview(session)),
        ("doc", name) => explain(session, name, true),
        _ => fail(session, &unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    let known = COMMANDS.iter().map(|(name, _)| name.trim_start_matches(':'));
    let error = Error::new(Kind::BadInput, format!("there is no command :{name}"));
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean :{near}?")),
        None => error.hint(":help lists all"),
    }
}

fn fail(session: &Session, error: &Error) -> Next {
    style::write_stderr(&diagnostic::error(error, &session.err));
    Next::Failed(error.exit_code())
}

/// The commands, and the functions by family.
fn overview(session: &Session) -> String {
    let look = &session.out;
    let mut text = String::new();
    for (name, about) in COMMANDS {
        text += &format!("  {}  {about}\n", look.paint(style::KNOWN, &format!("{name:<6}")));
    }
    text.push('\n');
    text.push_str(&help::overview(session.pilotage.catalog(), look));
    text
}

fn explain(session: &Session, name: &str, whole: bool) -> Next {
    let catalog = session.pilotage.catalog();
    let entries = help::named(catalog, name);
    if entries.is_empty() {
        let error = Error::new(Kind::NotFound, format!("there is no function, module or family {name}"));
        let found: Vec<String> = catalog.search(name).into_iter().take(5).map(|entry| entry.full_name()).collect();
        let error = match (catalog.suggest(name), found.is_empty()) {
            (Some(near), _) => error.hint(format!("did you mean {near}?")),
            (None, false) => error.hint(format!("it is spoken of in: {}", found.join(", "))),
            (None, true) => error.hint(":help lists all"),
        };
        return fail(session, &error);
    }
    let text = if whole || entries.len() == 1 {
        terminal_markdown::render(&help::reference(&entries), &session.out)
    } else {
        help::lines(&entries, &session.out)
    };
    session.print(&text)
}
