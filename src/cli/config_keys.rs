//! Which keys a configuration has, from where they are declared: the options of every command, what can be set of a session,
//! and the roles of colours. Each section is a set of options as clap knows them: names, help, usual values and checks are theirs.

use super::options::Options;
use crate::render::{Role, theme};
use crate::repl::Settings;
use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Args, Command};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The section whose keys are the user's own.
pub const ALIASES: &str = "aliases";

/// A section of the configuration.
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its keys.
    keys: Vec<Arg>,
}

/// All sections with fixed keys, in the order in which they are shown.
pub fn sections() -> [Section; 3] {
    let keys = |command: Command| command.get_arguments().cloned().collect();
    [
        Section {
            name: "options",
            about: "Options of every command; each can also be set as PILOTAGE_<KEY>, lists with commas.",
            keys: keys(Options::augment_args(Command::new("options"))),
        },
        Section { name: "repl", about: "The session at a prompt.", keys: keys(Settings::augment_args(Command::new("repl"))) },
        Section {
            name: "colors",
            about: "Colours in the words of git: a colour (black red green yellow blue magenta cyan white, a number up to 255, \
                    #rrggbb), a second one for the background, and bold dim ul italic reverse strike; or none.",
            keys: Role::ALL.iter().map(|role| color(*role)).collect(),
        },
    ]
}

fn color(role: Role) -> Arg {
    let read = |words: &str| theme::parse(words).map_err(|error| error.causes().join("; "));
    Arg::new(role.name())
        .long(role.name())
        .help(role.about().trim().trim_end_matches('.'))
        .value_name("COLOURS")
        .default_value(role.usual())
        .value_parser(ValueParser::new(read))
}

impl Section {
    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        self.keys.iter().map(Key)
    }

    /// The key of this name; dashes and underscores mean the same.
    pub fn key(&self, name: &str) -> Option<Key<'_>> {
        let name = name.replace('-', "_");
        self.keys().find(|key| key.name() == name)
    }

    /// The section as a command that reads these values where none are typed.
    pub fn with_usual<'a>(&self, given: impl Fn(&str) -> Option<&'a [OsString]>) -> Command {
        let keys = self.keys.iter().cloned().map(|arg| {
            let values = given(arg.get_id().as_str());
            usually(arg, values)
        });
        Command::new(self.name).no_binary_name(true).args(keys)
    }
}

/// An option with other values where none are typed.
pub fn usually(arg: Arg, values: Option<&[OsString]>) -> Arg {
    match values {
        Some(values) => arg.default_values(values.to_vec()),
        None => arg,
    }
}

/// The command tree with switches that can be turned off again, as `--no-color=false`: they may be on by configuration.
pub fn switches_with_values(command: Command) -> Command {
    let [options, ..] = sections();
    options.keys().filter(Key::is_switch).fold(command, |command, key| {
        command.mut_arg(key.name(), |arg| {
            arg.action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .value_name("true|false")
                .hide_possible_values(true)
                .default_missing_value("true")
                .default_value("false")
                .hide_default_value(true)
        })
    })
}

/// A key of the configuration.
#[derive(Clone, Copy)]
pub struct Key<'a>(&'a Arg);

impl<'a> Key<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        self.0.get_id().as_str()
    }

    /// What it is for, in a line.
    pub fn about(&self) -> String {
        let choices: Vec<String> = self.0.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        let help = self.0.get_help().map(ToString::to_string).unwrap_or_default();
        if choices.is_empty() || self.is_switch() { help } else { format!("{help}: {}", choices.join(", ")) }
    }

    /// The words that it may be, as far as they are known.
    pub fn choices(&self) -> Vec<String> {
        let values = self.0.get_possible_values();
        let named = values.iter().map(|value| value.get_name().to_owned());
        let placeholder = self.placeholder();
        // `auto|never|COMMAND`: what is written small is meant literally.
        let words = placeholder.split('|').filter(|word| values.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()));
        named.chain(words.map(str::to_owned)).filter(|word| !word.is_empty()).collect()
    }

    /// What stands for its value in help.
    pub fn placeholder(&self) -> String {
        self.0.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default()
    }

    /// Its values where none are given.
    pub fn usual(&self) -> Vec<OsString> {
        match self.0.get_action() {
            ArgAction::SetTrue => vec!["false".into()],
            ArgAction::Count => vec!["0".into()],
            _ => self.0.get_default_values().iter().map(|value| value.to_os_string()).collect(),
        }
    }

    /// Whether it is `true` or `false`.
    pub fn is_switch(&self) -> bool {
        matches!(self.0.get_action(), ArgAction::SetTrue)
    }

    /// Whether it may have several values.
    pub fn is_list(&self) -> bool {
        matches!(self.0.get_action(), ArgAction::Append)
    }

    /// Whether it names a file.
    pub fn is_path(&self) -> bool {
        self.0.get_value_parser().type_id() == clap::value_parser!(PathBuf).type_id()
    }

    /// Check one value.
    ///
    /// # Errors
    /// What clap says of it: what is wrong, and a tip, if there is one.
    pub fn check(&self, value: &OsStr) -> Result<(), (String, Option<String>)> {
        let mut typed = OsString::from(format!("--{}=", self.0.get_long().unwrap_or_default()));
        typed.push(value);
        let arg = self.0.clone().action(ArgAction::Set).num_args(1);
        let shown = format!("'{arg}'");
        let read = Command::new("config").no_binary_name(true).arg(arg).try_get_matches_from([typed]);
        read.map(|_| ()).map_err(|error| told(&error.render().to_string().replace(&shown, self.name())))
    }
}

/// What clap says, without what only a command line needs.
fn told(text: &str) -> (String, Option<String>) {
    let own = text.split("\n\nUsage").next().and_then(|text| text.split("\n\nFor more information").next()).unwrap_or_default();
    let (mut message, mut tip) = (Vec::new(), None);
    for line in own.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix("tip: ") {
            Some(text) => tip = Some(text.to_owned()),
            None => message.push(line.strip_prefix("error: ").unwrap_or(line)),
        }
    }
    (message.join(" "), tip)
}
