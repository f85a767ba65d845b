//! `pilotage config`: what holds and where it comes from, where the file lies, and a first one to begin with.

use super::app::{App, Outcome};
use super::config::{Config, Origin};
use super::config_keys::{ALIASES, Key, sections};
use crate::error::{Error, Kind, Result};
use crate::report::{Content, Table};
use clap::{ArgMatches, Args, Subcommand};
use serde_json::Value;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Arguments of `pilotage config`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct Configure {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell every setting, its value, and where that comes from
    Show,
    /// Print where the file lies, whether it exists or not
    Path,
    /// Write a file with every setting and what it is for, all commented out; never over one that exists
    Init,
}

impl Configure {
    /// Whether it needs no configuration that can be read.
    pub fn only_names(&self) -> bool {
        matches!(self.what, What::Path)
    }

    /// Do it.
    pub fn main(&self, app: &App, config: &Config, matches: &ArgMatches) -> Outcome {
        match self.what {
            What::Show => show(app, config, matches)?,
            What::Path => app.print(&format!("{}\n", file(config)?.display()))?,
            What::Init => init(app, file(config)?)?,
        }
        Ok(0)
    }
}

fn file(config: &Config) -> Result<&Path> {
    let nowhere = || Error::new(Kind::File, "there is no place for a configuration").hint("set HOME or XDG_CONFIG_HOME");
    config.file.as_deref().ok_or_else(nowhere)
}

/// A row a setting.
fn show(app: &App, config: &Config, matches: &ArgMatches) -> Result<()> {
    if let Some(file) = &config.file {
        let absent = if file.exists() { "" } else { ", which does not exist: `pilotage config init` writes one to begin with" };
        app.note(&format!("the file is {}{absent}", file.display()));
    }
    let mut rows = Vec::new();
    for section in sections() {
        for key in section.keys() {
            let (values, origin) = config.holds(section.name, &key, matches);
            rows.push(row(section.name, key.name(), value(&key, &values), &origin));
        }
    }
    for (name, text, line) in config.aliases() {
        rows.push(row(ALIASES, name, text.into(), &Origin::File(line)));
    }
    let columns = ["section", "key", "value", "from", "where"].map(String::from).to_vec();
    app.show(&Content::Table(Table { columns, rows: rows.into(), ..Table::default() }))
}

fn row(section: &str, key: &str, value: Value, origin: &Origin) -> Vec<Value> {
    let (from, place) = place_of(key, origin);
    vec![section.into(), key.into(), value, from.into(), place]
}

/// Where a value comes from, in words.
fn place_of(key: &str, origin: &Origin) -> (&'static str, Value) {
    match origin {
        Origin::Default => ("default", Value::Null),
        Origin::File(line) => ("file", format!("line {line}").into()),
        Origin::Environment(variable) => ("environment", variable.as_str().into()),
        Origin::CommandLine => ("command line", format!("--{}", key.replace('_', "-")).into()),
        Origin::Session => ("session", Value::Null),
    }
}

/// The same in one text: `file, line 3`.
pub fn told_place(key: &str, origin: &Origin) -> String {
    let (from, place) = place_of(key, origin);
    place.as_str().map_or_else(|| from.to_owned(), |place| format!("{from}, {place}"))
}

/// As the file would have it.
pub fn value(key: &Key, values: &[OsString]) -> Value {
    let texts: Vec<String> = values.iter().map(|value| value.to_string_lossy().into_owned()).collect();
    match texts.as_slice() {
        all if key.is_list() => all.into(),
        [] => Value::Null,
        [text] if key.is_switch() => Value::Bool(text == "true"),
        [text] => text.parse::<u64>().map_or_else(|_| text.as_str().into(), Value::from),
        all => all.into(),
    }
}

/// Write the example, unless there is a file.
fn init(app: &App, file: &Path) -> Result<()> {
    let failed = |what: &str, error: &std::io::Error| {
        Error::new(Kind::File, format!("{} cannot be {what}", file.display())).caused_by(error)
    };
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed("written", &error))?;
    }
    // Whatever the user's mask is: a file that others may write is refused.
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut out = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::new(Kind::File, format!("{} exists already, and stays as it is", file.display()))
                .hint("`pilotage config show` tells what it sets, and what else there is")
        }
        _ => failed("written", &error),
    })?;
    out.write_all(example().as_bytes()).map_err(|error| failed("written", &error))?;
    app.note(&format!("{} is written; everything in it is commented out", file.display()));
    Ok(())
}

/// A configuration with every setting and what it is for, all commented out.
pub fn example() -> String {
    let mut text = String::from(
        "# What pilotage does unless told otherwise. The command line and the environment win over this file.\n\
         # `pilotage config show` tells what holds, and where each value comes from.\n",
    );
    for section in sections() {
        text += &format!("\n# {}\n[{}]\n", section.about, section.name);
        for key in section.keys() {
            text += &format!("# {}\n# {} = {}\n", key.about(), key.name(), written(&key));
        }
    }
    text += &format!(
        "\n# What a name at the beginning of an input stands for: an expression, or a command. What follows it stays behind it.\n\
         [{ALIASES}]\n# gateways = 'pods(\"*\").where(#{{ proxy: \"gateway\" }})'\n# d = \":doc\"\n"
    );
    text
}

/// The usual value as TOML, or what stands for one.
fn written(key: &Key) -> String {
    match value(key, &key.usual()) {
        // JSON's texts, numbers and lists are TOML's too.
        Value::Null => Value::from(key.placeholder()).to_string(),
        Value::Array(all) => format!("[{}]", all.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config_file::parse;
    use super::*;

    /// The example with its comments taken away: what it tells is what can be said.
    #[test]
    fn every_line_of_the_example_can_be_used() {
        let text = example();
        let used: Vec<&str> = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.contains(" = ") && !setting.contains(". ") => setting,
                _ => line,
            })
            // What has no usual value shows what would stand there: `width = "COLUMNS"`.
            .filter(|line| !line.starts_with("width = "))
            .collect();
        let parsed = parse(Path::new("/conf/config.toml"), &used.join("\n")).expect("all of it is right");
        assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
        let keys: usize = sections().iter().map(|section| section.keys().count()).sum();
        assert_eq!(parsed.values.len(), keys - 1, "{used:#?}");
        assert_eq!(parsed.aliases.iter().count(), 2);
        let nothing = parse(Path::new("/conf/config.toml"), &text).expect("comments are no settings");
        assert!(nothing.values.is_empty() && nothing.warnings.is_empty());
    }
}
