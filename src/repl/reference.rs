//! `:help` and `:doc`: the reference at hand.

use super::command::{COMMANDS, Command, Takes};
use super::{Next, Session, help};
use crate::error::{Error, Kind, Result};
use crate::render::{style, terminal_markdown};

/// What can be typed, or what a name means, in short.
pub const HELP: Command = Command {
    names: &["help", "h", "?"],
    argument: "[NAME]",
    takes: Takes::Entry,
    about: "what can be typed here; `:help NAME` says what a function does",
    manual: "",
    run: |session, name| if name.is_empty() { Ok(session.print(&overview(session))) } else { explain(session, name, false) },
};

/// The whole reference of a name.
pub const DOC: Command = Command {
    names: &["doc"],
    argument: "[NAME]",
    takes: Takes::Entry,
    about: "the whole reference of a function, a module or a family: `:doc pods`",
    manual: "",
    run: |session, name| if name.is_empty() { Ok(session.print(&overview(session))) } else { explain(session, name, true) },
};

/// The commands, and the functions by family.
fn overview(session: &Session) -> String {
    let look = &session.out;
    let mut text = String::new();
    for command in COMMANDS {
        text += &format!("  {}  {}\n", look.paint(style::KNOWN, &format!("{:<6}", command.typed())), command.about);
    }
    text.push('\n');
    text.push_str(&help::overview(session.pilotage().catalog(), look));
    text
}

fn explain(session: &Session, name: &str, whole: bool) -> Result<Next> {
    let pilotage = session.pilotage();
    let catalog = pilotage.catalog();
    let entries = help::named(catalog, name);
    if entries.is_empty() {
        let error = Error::new(Kind::NotFound, format!("there is no function, module or family {name}"));
        let found: Vec<String> = catalog.search(name).into_iter().take(5).map(|entry| entry.full_name()).collect();
        return Err(match (catalog.suggest(name), found.is_empty()) {
            (Some(near), _) => error.hint(format!("did you mean {near}?")),
            (None, false) => error.hint(format!("it is spoken of in: {}", found.join(", "))),
            (None, true) => error.hint(":help lists all"),
        });
    }
    let text = if whole || entries.len() == 1 {
        terminal_markdown::render(&help::reference(&entries), &session.out)
    } else {
        help::lines(&entries, &session.out)
    };
    Ok(session.print(&text))
}
