//! What holds where the command line says nothing: the environment, then the user's file, then what is built in.
//!
//! A value from elsewhere becomes the usual value of its option, so that help, checks and precedence are clap's own.

use super::config_keys::{Key, Section, sections, usually};
use super::{config_env, config_file, connect, places};
use crate::backend::whose;
use crate::error::{Error, Kind};
use crate::host::Failure;
use crate::render::{Role, Theme};
use crate::repl::Settings;
use crate::repl::settings::Aliases;
use anstyle::Style;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a value comes from; what comes later wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It is built in.
    Default,
    /// This line of the file.
    File(usize),
    /// This variable of the environment.
    Environment(String),
    /// The command line.
    CommandLine,
    /// The session at a prompt.
    Session,
}

/// Values and where they come from.
pub type Given = (Vec<OsString>, Origin);

/// What the user has configured.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file, whether it exists or not.
    pub file: Option<PathBuf>,
    given: BTreeMap<(&'static str, String), Given>,
    aliases: Aliases,
    alias_lines: BTreeMap<String, usize>,
    warnings: Vec<String>,
    unknown: Vec<String>,
}

impl Config {
    /// Nothing is configured.
    pub fn nothing() -> Self {
        Self { file: places::config(), ..Self::default() }
    }

    /// Read the user's file and the environment. A file that is not there gives nothing; one that cannot be read is told.
    ///
    /// # Errors
    /// When the file is no TOML, or somebody else could have written it; or a value of it or of the environment is wrong.
    pub fn load() -> Result<Self, Box<Failure>> {
        let mut config = Self::nothing();
        if let Some(file) = &config.file.clone() {
            match whose::read(file) {
                Ok(Ok(bytes)) => config.take_file(file, bytes)?,
                // What it says can run programs, and choose the cluster that they are run on.
                Ok(Err(doubt)) => {
                    let told = format!("the configuration {} is not believed: {}", file.display(), doubt.why);
                    return Err(Error::new(Kind::Refused, told).hint(doubt.remedy).into());
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => config.warnings.push(format!("{} cannot be read, and counts as empty: {error}", file.display())),
            }
        }
        let environment = config_env::parse(std::env::vars_os())?;
        for (name, values) in environment.values {
            let origin = Origin::Environment(config_env::variable(&name));
            config.given.insert((OPTIONS, name), (values, origin));
        }
        config.unknown = environment.unknown;
        Ok(config)
    }

    fn take_file(&mut self, file: &Path, bytes: Vec<u8>) -> Result<(), Box<Failure>> {
        let text = String::from_utf8_lossy(&bytes);
        let parsed = config_file::parse(file, &text)?;
        let origin = |(key, (values, line))| (key, (values, Origin::File(line)));
        self.given.extend(parsed.values.into_iter().map(origin));
        self.aliases = parsed.aliases;
        self.alias_lines = parsed.alias_lines;
        self.warnings.extend(parsed.warnings);
        Ok(())
    }

    /// What a section's key was given.
    pub fn given(&self, section: &str, key: &str) -> Option<&Given> {
        self.given.iter().find(|((of, name), _)| *of == section && name == key).map(|(_, given)| given)
    }

    /// What holds of a key, the command line counted in, and where that comes from.
    pub fn holds(&self, section: &str, key: &Key, typed: &ArgMatches) -> Given {
        match self.given(section, key.name()) {
            Some(given) if given.1 == Origin::Session => given.clone(),
            _ if section == OPTIONS && is_typed(typed, key.name()) => (raw(typed, key.name()), Origin::CommandLine),
            Some(given) => given.clone(),
            None => (key.usual(), Origin::Default),
        }
    }

    /// From now on, this holds.
    pub fn set(&mut self, section: &'static str, key: &str, given: Given) {
        self.given.insert((section, key.to_owned()), given);
    }

    /// The command tree with what is configured as usual values. What contradicts something typed, or something said at a
    /// later place, is left out: `--demo` is not refused because a context is configured.
    pub fn apply(&mut self, command: Command, typed: Option<&ArgMatches>) -> Command {
        if let Some(typed) = typed {
            self.yield_to(typed);
        }
        let options = self.given.iter().filter(|((section, _), _)| *section == OPTIONS);
        options.fold(command, |command, ((_, name), (values, _))| command.mut_arg(name, |arg| usually(arg, Some(values))))
    }

    /// Forget what contradicts something typed, or something said at a later place.
    fn yield_to(&mut self, typed: &ArgMatches) {
        let strongest = |config: &Self, names: &[&str]| names.iter().map(|name| config.origin(name, typed)).max();
        let (replay, live) = (strongest(self, &connect::REPLAY), strongest(self, &connect::LIVE));
        let weaker = |config: &mut Self, names: &[&str], than: &Origin| {
            for name in names {
                if place(&config.origin(name, typed)) < place(than) {
                    config.given.remove(&(OPTIONS, (*name).to_owned()));
                }
            }
        };
        let (Some(replay), Some(live)) = (replay, live) else { return };
        weaker(self, &connect::LIVE, &replay);
        weaker(self, &connect::REPLAY, &live);
        // Of two tapes the one said later is meant.
        weaker(self, &connect::REPLAY, &replay);
    }

    /// Where what an option says comes from. A switch that is off says nothing.
    fn origin(&self, name: &str, typed: &ArgMatches) -> Origin {
        let off = |values: &[OsString]| values.iter().all(|value| value == "false");
        if is_typed(typed, name) {
            let values: Vec<OsString> = raw(typed, name);
            return if off(&values) { Origin::Default } else { Origin::CommandLine };
        }
        match self.given(OPTIONS, name) {
            Some((values, origin)) if !off(values) => origin.clone(),
            _ => Origin::Default,
        }
    }

    /// What the session at a prompt is told.
    pub fn settings(&self) -> Settings {
        let [_, repl, _] = sections();
        let read = self.read(&repl).and_then(|matches| Settings::from_arg_matches(&matches).ok());
        let aliases = self.aliases.clone();
        Settings { aliases, ..read.unwrap_or_default() }
    }

    /// The colours, if some are configured.
    pub fn theme(&self) -> Option<Theme> {
        let [.., colors] = sections();
        let chosen = self.given.keys().any(|(section, _)| *section == colors.name);
        let matches = chosen.then(|| self.read(&colors)).flatten()?;
        let mut theme = Theme::default();
        let style = |role: &Role| matches.get_one::<Style>(role.name()).copied();
        Role::ALL.iter().for_each(|role| theme.set(*role, style(role).unwrap_or_default()));
        Some(theme)
    }

    /// A section as clap reads it; its values were checked one by one before.
    fn read(&self, section: &Section) -> Option<ArgMatches> {
        let values = |key: &str| self.given(section.name, key).map(|(values, _)| values.as_slice());
        section.with_usual(values).try_get_matches_from([""; 0]).ok()
    }

    /// The names of the user's own, each with what it stands for and its line.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.aliases.iter().map(|(name, text)| (name, text, self.alias_lines.get(name).copied().unwrap_or_default()))
    }

    /// What is worth telling: what means nothing. `known`: whether something else knows a variable.
    pub fn warnings(&self, known: impl Fn(&str) -> bool) -> Vec<String> {
        let strays = self.unknown.iter().filter(|name| !known(name)).map(|name| config_env::stray(name));
        self.warnings.iter().cloned().chain(strays).collect()
    }
}

/// The section that the command line and the environment can change.
pub const OPTIONS: &str = "options";

/// Whether an option was typed.
pub fn is_typed(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// The values of an option as texts.
pub fn raw(matches: &ArgMatches, name: &str) -> Vec<OsString> {
    matches.get_raw(name).into_iter().flatten().map(OsString::from).collect()
}

/// The place alone: two lines of the file are the same.
fn place(origin: &Origin) -> u8 {
    match origin {
        Origin::Default => 0,
        Origin::File(_) => 1,
        Origin::Environment(_) => 2,
        Origin::CommandLine => 3,
        Origin::Session => 4,
    }
}
