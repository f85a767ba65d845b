//! What begins with a colon: commands to the session itself. Each says in its own file what it is; here is the list.

use super::{Next, Session, again, effects, examples, leave, load, places, recording, reference, reshow, run, save, set};
use crate::error::{Error, Kind, Result};
use crate::host::CommandEntry;
use crate::suggest::nearest;

/// A command to the session. Help, completion and the reference are made of this.
pub struct Command {
    /// What is typed behind the colon: the usual name first, then its short forms.
    pub names: &'static [&'static str],
    /// What stands behind the name, for people: `[NAME]`. Empty when nothing does.
    pub argument: &'static str,
    /// What stands behind the name, for completion.
    pub takes: Takes,
    /// What it does, in one line.
    pub about: &'static str,
    /// Whatever else is worth knowing, Markdown. May be empty.
    pub manual: &'static str,
    /// Do it, with what stood behind the name.
    pub run: fn(&Session, &str) -> Result<Next>,
}

/// What stands behind a command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// The name of a function, a module, a family or a playbook.
    Entry,
    /// Whatever help has something on: also a command, or what somebody sees.
    Topic,
    /// The name of a command, without its colon.
    Command,
    /// The name of a context.
    Context,
    /// The name of a namespace.
    Namespace,
    /// A file, or one of these words.
    FileOr(&'static [&'static str]),
    /// One of these words.
    Words(&'static [&'static str]),
    /// The name of a playbook, then its parameters.
    Playbook,
    /// What can be set of the session, then its value.
    Setting,
    /// The number of a kept result, one of these words, then maybe `> FILE`.
    Result(&'static [&'static str]),
    /// An expression, as without a command.
    Expression,
    /// Any text.
    Text,
}

/// What help says of the commands.
pub fn entries() -> Vec<CommandEntry> {
    let entry = |command: &Command| CommandEntry {
        names: command.names,
        argument: command.argument,
        about: command.about,
        manual: command.manual,
    };
    COMMANDS.iter().map(entry).collect()
}

/// All commands, in the order in which they are listed.
pub const COMMANDS: &[Command] = &[
    reference::HELP,
    reference::DOC,
    examples::EXAMPLES,
    reshow::TABLE,
    reshow::TREE,
    reshow::JSON,
    reshow::YAML,
    reshow::CSV,
    reshow::MARKDOWN,
    places::CONTEXT,
    places::NAMESPACE,
    places::TAPE,
    recording::RECORD,
    effects::ALLOW,
    effects::UNDO,
    effects::FORWARDS,
    load::LOAD,
    run::RUN,
    set::SET,
    load::TIME,
    again::HISTORY,
    again::EDIT,
    save::SAVE,
    save::SAVE_ALL,
    leave::QUIT,
];

impl Command {
    /// Its usual name, with the colon.
    pub fn typed(&self) -> String {
        format!(":{}", self.names.first().copied().unwrap_or_default())
    }
}

/// The command of this name, given without its colon.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.names.contains(&name))
}

/// Do what was typed behind a colon.
pub(super) fn run(session: &Session, typed: &str) -> Result<Next> {
    let (name, argument) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let (command, argument) = (find(name).ok_or_else(|| unknown(name))?, argument.trim());
    if command.takes == Takes::Nothing && !argument.is_empty() {
        return Err(Error::new(Kind::BadInput, format!("{} takes nothing, but {argument} stood behind it", command.typed())));
    }
    (command.run)(session, argument)
}

fn unknown(name: &str) -> Error {
    let known = COMMANDS.iter().flat_map(|command| command.names.iter().copied());
    let error = Error::new(Kind::BadInput, format!("there is no command :{name}"));
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean :{near}?")),
        None => error.hint(":help lists all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_name_means_one_command_and_each_command_says_what_it_does() {
        let mut seen = HashSet::new();
        for command in COMMANDS {
            assert!(!command.names.is_empty() && command.about.len() > 10, "{}", command.typed());
            let says = command.about.split([' ', ',']).next().unwrap_or_default();
            assert!(says.ends_with('s'), "{} speaks in another voice than the others: {says}", command.typed());
            assert_eq!(command.takes == Takes::Nothing, command.argument.is_empty(), "{}", command.typed());
            for name in command.names {
                assert!(seen.insert(name), "{name} stands twice");
                assert_eq!(find(name).map(Command::typed), Some(command.typed()));
            }
        }
    }
}
