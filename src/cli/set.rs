//! What can be set of a session while it lives: the keys of the configuration that are read again later than at the beginning.

use super::config::{Config, OPTIONS, Origin};
use super::config_command::{told_place, value};
use super::config_keys::{Key, Section, sections};
use super::options::Options;
use crate::error::{Error, Kind, Result};
use crate::repl::{Setting, settings};
use clap::{ArgMatches, FromArgMatches};
use std::ffi::OsString;

/// How an option of every command goes from what was read to what holds.
type Take = fn(&mut Options, &Options);

/// How the options follow what was set.
pub struct Follow {
    take: Take,
    read: Options,
    /// Whether it is about how questions are put.
    pub asks: bool,
}

impl Follow {
    /// Let these options follow.
    pub fn apply(&self, options: &mut Options) {
        (self.take)(options, &self.read);
    }
}

/// An option of every command that can change while a session lives.
struct Changing {
    name: &'static str,
    take: Take,
    asks: bool,
}

const CHANGING: [Changing; 5] = [
    Changing { name: "timeout", take: |now, read| now.timeout = read.timeout, asks: true },
    Changing { name: "parallel", take: |now, read| now.parallel = read.parallel, asks: true },
    Changing { name: "output", take: |now, read| now.output = read.output, asks: false },
    Changing { name: "no_color", take: |now, read| now.no_color = read.no_color, asks: false },
    Changing { name: "width", take: |now, read| now.width = read.width, asks: false },
];

/// The sections with keys of a session.
fn of_session() -> [Section; 3] {
    let [options, repl, colors] = sections();
    [repl, options, colors]
}

fn keys(section: &Section) -> impl Iterator<Item = Key<'_>> {
    let changing = |key: &Key| CHANGING.iter().any(|one| one.name == key.name());
    section.keys().filter(move |key| section.name != OPTIONS || changing(key))
}

/// What a key is called at a prompt. Colours are named with their section: one of them is `prod`, and so are patterns.
fn called(section: &Section, key: &Key) -> String {
    let [.., colors] = sections();
    if section.name == colors.name { format!("{}.{}", section.name, key.name()) } else { key.name().into() }
}

/// All that is set of a session, as it holds now. `typed`: the command line.
pub fn all(config: &Config, typed: &ArgMatches) -> Vec<Setting> {
    let of = |section: &Section| {
        let setting = |key: Key| {
            let (values, origin) = config.holds(section.name, &key, typed);
            Setting {
                name: called(section, &key),
                about: key.about(),
                value: value(&key, &values),
                from: told_place(key.name(), &origin),
                list: key.is_list(),
                choices: key.choices(),
            }
        };
        keys(section).map(setting).collect::<Vec<_>>()
    };
    of_session().iter().flat_map(of).collect()
}

/// Note new values of a key; gives how the options follow, where it is one of them.
///
/// # Errors
/// When there is no such key, a value is wrong, or it would come too late.
pub fn set(config: &mut Config, name: &str, values: &[String]) -> Result<Option<Follow>> {
    if settings::ONCE.contains(&name) {
        return Err(Error::new(Kind::BadInput, format!("{name} is read when a session begins"))
            .hint("`:load FILE` runs a script now; for later sessions, set it in the file that `pilotage config path` names"));
    }
    let sections = of_session();
    let found =
        sections.iter().find_map(|section| keys(section).find(|key| called(section, key) == name).map(|key| (section, key)));
    let (section, key) = found.ok_or_else(|| Error::new(Kind::BadInput, format!("a session has no setting {name}")))?;
    let values: Vec<OsString> = values.iter().map(OsString::from).collect();
    for value in &values {
        key.check(value).map_err(|(wrong, tip)| {
            let error = Error::new(Kind::BadInput, wrong);
            tip.map_or(error.clone(), |tip| error.hint(tip))
        })?;
    }
    let changing = CHANGING.iter().find(|one| section.name == OPTIONS && one.name == name);
    let matches = section.with_usual(|own| (own == key.name()).then_some(values.as_slice())).try_get_matches_from([""; 0]);
    let unread = |error: clap::Error| Error::new(Kind::BadInput, format!("{name} cannot be read")).caused_by(&error);
    let matches = matches.map_err(unread)?;
    let read = |one: &Changing| {
        Options::from_arg_matches(&matches).map(|read| Follow { take: one.take, read, asks: one.asks }).map_err(unread)
    };
    let follow = changing.map(read).transpose()?;
    config.set(section.name, key.name(), (values, Origin::Session));
    Ok(follow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_can_be_set_is_named_once() {
        let sections = of_session();
        let mut seen = HashSet::new();
        for name in sections.iter().flat_map(|section| keys(section).map(|key| called(section, &key))) {
            assert!(seen.insert(name.clone()), "{name} stands twice");
        }
        assert!(CHANGING.iter().all(|one| seen.contains(one.name)), "{seen:?}");
    }
}
