//! What can be set of a session while it lives: the keys of the configuration that are read again later than at the beginning.

use super::config::{Config, OPTIONS, Origin};
use super::config_command::{place_of, value};
use super::config_keys::{Key, Section, sections};
use super::options::Options;
use crate::error::{Error, Kind, Result};
use crate::repl::{Setting, settings};
use clap::{ArgMatches, FromArgMatches};
use std::ffi::OsString;

/// How an option of every command goes from what was read to what holds.
type Take = fn(&mut Options, &Options);

/// Lets options follow what was set.
pub type Follow = Box<dyn Fn(&mut Options)>;

/// The options of every command that can change while a session lives.
const CHANGING: [(&str, Take); 2] =
    [("timeout", |now, read| now.timeout = read.timeout), ("parallel", |now, read| now.parallel = read.parallel)];

/// The sections with keys of a session.
fn of_session() -> [Section; 2] {
    let [options, repl, _] = sections();
    [repl, options]
}

fn keys(section: &Section) -> impl Iterator<Item = Key<'_>> {
    let changing = |key: &Key| CHANGING.iter().any(|(name, _)| *name == key.name());
    section.keys().filter(move |key| section.name != OPTIONS || changing(key))
}

/// All that is set of a session, as it holds now. `typed`: the command line.
pub fn all(config: &Config, typed: &ArgMatches) -> Vec<Setting> {
    let of = |section: &Section| {
        let setting = |key: Key| {
            let (values, origin) = config.holds(section.name, &key, typed);
            let (from, place) = place_of(key.name(), &origin);
            Setting {
                name: key.name().into(),
                about: key.about(),
                value: value(&key, &values),
                from: place.as_str().map_or_else(|| from.to_owned(), |place| format!("{from}, {place}")),
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
            .hint("set it in the file that `pilotage config path` names"));
    }
    let sections = of_session();
    let found = sections.iter().find_map(|section| keys(section).find(|key| key.name() == name).map(|key| (section, key)));
    let (section, key) = found.ok_or_else(|| Error::new(Kind::BadInput, format!("a session has no setting {name}")))?;
    let values: Vec<OsString> = values.iter().map(OsString::from).collect();
    for value in &values {
        key.check(value).map_err(|(wrong, tip)| {
            let error = Error::new(Kind::BadInput, wrong);
            tip.map_or(error.clone(), |tip| error.hint(tip))
        })?;
    }
    let take = CHANGING.iter().find(|(own, _)| *own == name).map(|(_, take)| *take);
    let matches = section.with_usual(|own| (own == name).then_some(values.as_slice())).try_get_matches_from([""; 0]);
    let unread = |error: clap::Error| Error::new(Kind::BadInput, format!("{name} cannot be read")).caused_by(&error);
    let matches = matches.map_err(unread)?;
    let follow = match take {
        Some(take) => {
            let read = Options::from_arg_matches(&matches).map_err(unread)?;
            Some(Box::new(move |options: &mut Options| take(options, &read)) as Follow)
        }
        None => None,
    };
    config.set(section.name, name, (values, Origin::Session));
    Ok(follow)
}
