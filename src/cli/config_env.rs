//! The configuration that the environment gives: `PILOTAGE_<OPTION>` for every option of every command.

use super::config_keys::sections;
use crate::error::{Error, Kind, Result};
use crate::suggest::nearest;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What all names begin with.
const PREFIX: &str = "PILOTAGE_";

/// What has a meaning besides: what the libraries log.
const OTHERS: [&str; 1] = [super::verbose::LOG];

/// What the environment gives.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The values by option.
    pub values: BTreeMap<String, Vec<OsString>>,
    /// The variables that mean nothing here; a playbook may know them.
    pub unknown: Vec<String>,
}

/// The variable of an option.
pub fn variable(option: &str) -> String {
    format!("{PREFIX}{}", option.to_uppercase())
}

/// Read the variables. One that is empty counts as not set.
///
/// # Errors
/// [`Kind::Usage`] for a value that its option does not take.
pub fn parse(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Parsed> {
    let [options, ..] = sections();
    let mut parsed = Parsed::default();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(name)) else { continue };
        if value.is_empty() {
            continue;
        }
        match options.keys().find(|key| variable(key.name()) == name) {
            Some(key) => {
                let values = if key.is_list() { several(&value) } else { vec![value] };
                for value in &values {
                    key.check(value).map_err(|(message, tip)| {
                        let error = Error::new(Kind::Usage, format!("{message}, in the environment variable {name}"));
                        tip.into_iter().fold(error, Error::hint)
                    })?;
                }
                parsed.values.insert(key.name().to_owned(), values);
            }
            None => parsed.unknown.push(name.to_owned()),
        }
    }
    parsed.unknown.sort();
    Ok(parsed)
}

/// What commas divide.
fn several(value: &OsStr) -> Vec<OsString> {
    let text = value.to_string_lossy();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect()
}

/// What to say of a variable that means nothing.
pub fn stray(name: &str) -> String {
    let [options, ..] = sections();
    // What all begin with would make all alike.
    let typed = name.strip_prefix(PREFIX).unwrap_or(name);
    let near =
        nearest(typed, options.keys().map(|key| key.name()).chain(OTHERS.map(|other| &other[PREFIX.len()..]))).map(variable);
    match near {
        Some(near) => format!("the environment variable {name} means nothing; did you mean {near}?"),
        None => format!("the environment variable {name} means nothing; `pilotage config show` lists what does"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Parsed> {
        parse(variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
    }

    #[test]
    fn variables_are_options() {
        let parsed = read(&[
            ("PILOTAGE_FAIL_ON", "warning"),
            ("PILOTAGE_RESOLVE", "a:1:10.0.0.1, b:2:10.0.0.2"),
            ("PILOTAGE_CONTEXT", ""),
            ("PILOTAGE_LOG", "debug"),
            ("HOME", "x"),
        ]);
        let parsed = parsed.expect("all is right");
        assert_eq!(parsed.values["fail_on"], ["warning"]);
        assert_eq!(parsed.values["resolve"], ["a:1:10.0.0.1", "b:2:10.0.0.2"]);
        assert_eq!(parsed.values.len(), 2);
        assert!(parsed.unknown.is_empty());
    }

    #[test]
    fn slips_are_told() {
        let parsed = read(&[("PILOTAGE_TIMOUT", "3s"), ("PILOTAGE_QQQ", "1")]).expect("nothing is wrong");
        assert_eq!(parsed.unknown, ["PILOTAGE_QQQ", "PILOTAGE_TIMOUT"]);
        assert!(stray("PILOTAGE_TIMOUT").contains("did you mean PILOTAGE_TIMEOUT?"));
        assert!(stray("PILOTAGE_QQQ").contains("config show"), "{}", stray("PILOTAGE_QQQ"));
        let error = read(&[("PILOTAGE_TIMEOUT", "soon")]).expect_err("no duration");
        assert!(error.message().contains("PILOTAGE_TIMEOUT") && error.kind() == Kind::Usage, "{error}");
    }
}
