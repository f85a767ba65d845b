//! The configuration file: what it gives, each value with its place; what is wrong, told at its place.

use super::config_keys::{ALIASES, Key, Section, sections};
use super::places;
use crate::error::{Error, Kind};
use crate::host::{Failure, Place};
use crate::repl::settings::Aliases;
use crate::suggest::nearest;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the file gives.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The values by section and key, each with its line.
    pub values: BTreeMap<(&'static str, String), (Vec<OsString>, usize)>,
    /// What names stand for.
    pub aliases: Aliases,
    /// The line of each alias.
    pub alias_lines: BTreeMap<String, usize>,
    /// What is worth knowing: keys that mean nothing.
    pub warnings: Vec<String>,
}

/// Read the text of a file.
///
/// # Errors
/// At the first place where it is no TOML, or a value is wrong: [`Kind::Usage`].
pub fn parse(path: &Path, source: &str) -> Result<Parsed, Box<Failure>> {
    let reader = Reader { path, source };
    let document = DeTable::parse(source).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        reader.wrong(&at, Error::new(Kind::Usage, format!("the configuration is no TOML: {}", error.message())))
    })?;
    let mut parsed = Parsed::default();
    for (name, value) in in_order(document.get_ref()) {
        reader.section(name, value, &mut parsed)?;
    }
    Ok(parsed)
}

/// The entries of a table as they stand in the file.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

struct Reader<'a> {
    path: &'a Path,
    source: &'a str,
}

impl Reader<'_> {
    fn section(
        &self,
        name: &Spanned<std::borrow::Cow<str>>,
        value: &Spanned<DeValue>,
        parsed: &mut Parsed,
    ) -> Result<(), Box<Failure>> {
        let sections = sections();
        let section = sections.iter().find(|section| section.name == name.get_ref());
        if section.is_none() && name.get_ref() != ALIASES {
            parsed.warnings.push(self.stray(name, &sections, None));
            return Ok(());
        }
        let DeValue::Table(table) = value.get_ref() else {
            let error = Error::new(Kind::Usage, format!("{} is a section, and not {}", name.get_ref(), kind(value.get_ref())));
            return Err(self.wrong(&value.span(), error.hint(format!("write [{}] and below it its keys", name.get_ref()))));
        };
        for (key, value) in in_order(table) {
            match section {
                None => self.alias(key, value, parsed)?,
                Some(section) => match section.key(key.get_ref()) {
                    None => parsed.warnings.push(self.stray(key, &sections, Some(section))),
                    Some(known) => {
                        let values = self.values(&known, value)?;
                        let line = self.place(&key.span()).line;
                        parsed.values.insert((section.name, known.name().to_owned()), (values, line));
                    }
                },
            }
        }
        Ok(())
    }

    fn alias(
        &self,
        name: &Spanned<std::borrow::Cow<str>>,
        value: &Spanned<DeValue>,
        parsed: &mut Parsed,
    ) -> Result<(), Box<Failure>> {
        let wrong = |at: Range<usize>, message: String| self.wrong(&at, Error::new(Kind::Usage, message));
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("an alias stands for a text, and not for {}", kind(value.get_ref()));
            return Err(wrong(value.span(), message));
        };
        parsed.aliases.set(name.get_ref(), text).map_err(|message| wrong(name.span(), message))?;
        parsed.alias_lines.insert(name.get_ref().to_string(), self.place(&name.span()).line);
        Ok(())
    }

    /// The values of a key, checked one by one.
    fn values(&self, key: &Key, value: &Spanned<DeValue>) -> Result<Vec<OsString>, Box<Failure>> {
        match value.get_ref() {
            DeValue::Array(all) if key.is_list() => all.iter().map(|value| self.value(key, value)).collect(),
            _ => Ok(vec![self.value(key, value)?]),
        }
    }

    fn value(&self, key: &Key, value: &Spanned<DeValue>) -> Result<OsString, Box<Failure>> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(choice) => choice.to_string(),
            other => {
                let many = if key.is_list() { " or a list of them" } else { "" };
                let message = format!("{} takes a single value{many}, and not {}", key.name(), kind(other));
                return Err(self.wrong(&value.span(), Error::new(Kind::Usage, message)));
            }
        };
        let given = if key.is_path() { self.at_home(&text) } else { text.into() };
        key.check(&given).map_err(|(message, tip)| {
            let error = Error::new(Kind::Usage, message);
            self.wrong(&value.span(), tip.into_iter().fold(error, Error::hint))
        })?;
        Ok(given)
    }

    /// A path of the file begins at its folder; no shell has replaced `~` here.
    fn at_home(&self, text: &str) -> OsString {
        let path = match text.strip_prefix("~/").and_then(|rest| Some(places::home()?.join(rest))) {
            Some(path) => path,
            None if text.is_empty() => PathBuf::new(),
            None => self.path.parent().unwrap_or(Path::new("")).join(text),
        };
        path.into_os_string()
    }

    /// What to say of a key, or of a section, that means nothing.
    fn stray(&self, name: &Spanned<std::borrow::Cow<str>>, sections: &[Section], within: Option<&Section>) -> String {
        let typed = name.get_ref().replace('-', "_");
        let elsewhere = sections.iter().find(|section| section.key(&typed).is_some());
        let near = match within {
            Some(section) => nearest(&typed, section.keys().map(|key| key.name())),
            None => nearest(&typed, sections.iter().map(|section| section.name).chain([ALIASES])),
        };
        let told = match (elsewhere, near) {
            (Some(section), _) => format!("it belongs below [{}]", section.name),
            (None, Some(near)) if within.is_some() => format!("did you mean {near}?"),
            (None, Some(near)) => format!("did you mean [{near}]?"),
            (None, None) => "`pilotage config show` lists all keys".into(),
        };
        let place = self.place(&name.span());
        let within = within.map(|section| format!(" in [{}]", section.name)).unwrap_or_default();
        format!("{}:{}: {} means nothing{within}; {told}", self.path.display(), place.line, name.get_ref())
    }

    fn wrong(&self, at: &Range<usize>, error: Error) -> Box<Failure> {
        Box::new(Failure {
            error,
            position: Some(self.place(at)),
            file: self.path.display().to_string(),
            source: Some(self.source.to_owned()),
            frames: Vec::new(),
        })
    }

    fn place(&self, at: &Range<usize>) -> Place {
        place(self.source, at.start)
    }
}

/// The place of a byte.
fn place(source: &str, byte: usize) -> Place {
    let before = source.get(..byte.min(source.len())).unwrap_or(source);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<Parsed, Box<Failure>> {
        parse(Path::new("/conf/config.toml"), source)
    }

    fn value(parsed: &Parsed, section: &'static str, key: &str) -> (Vec<String>, usize) {
        let (values, line) = &parsed.values[&(section, key.to_owned())];
        (values.iter().map(|value| value.to_string_lossy().into_owned()).collect(), *line)
    }

    #[test]
    fn values_come_with_their_lines() {
        let parsed = read(
            "[options]\ntimeout = \"5s\"\nfail-on = 'warning'\nparallel = 8\nno_color = true\nverbose = 1\nkubeconfig = \"kube\"\n\
             resolve = [\"a:1:10.0.0.1\", \"b:2:10.0.0.2\"]\n[repl]\nprod = []\nhistory = 1_000\n[colors]\nbad = \"#ff8800\"\n",
        );
        let parsed = parsed.expect("it is right");
        let one = |text: &str, line| (vec![text.to_owned()], line);
        assert_eq!(value(&parsed, "options", "timeout"), one("5s", 2));
        assert_eq!(value(&parsed, "options", "fail_on"), one("warning", 3));
        assert_eq!(value(&parsed, "options", "parallel"), one("8", 4));
        assert_eq!(value(&parsed, "options", "no_color"), one("true", 5));
        assert_eq!(value(&parsed, "options", "verbose"), one("1", 6));
        assert_eq!(value(&parsed, "options", "kubeconfig"), one("/conf/kube", 7));
        assert_eq!(value(&parsed, "options", "resolve"), (vec!["a:1:10.0.0.1".into(), "b:2:10.0.0.2".into()], 8));
        assert_eq!(value(&parsed, "repl", "prod"), (Vec::new(), 10));
        assert_eq!(value(&parsed, "repl", "history"), one("1000", 11));
        assert_eq!(value(&parsed, "colors", "bad"), one("#ff8800", 13));
        assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    }

    #[test]
    fn what_means_nothing_is_told_with_its_line_and_what_was_meant() {
        let parsed =
            read("colour = 1\n[option]\nx = 1\n[options]\ntimeot = 3\nedit_mode = \"vi\"\nqqq = 1\n[repl]\nedit-mod = 1\n");
        let told = parsed.expect("only warnings").warnings;
        for (warning, parts) in told.iter().zip([
            ["/conf/config.toml:1: colour", "did you mean [colors]?"],
            ["config.toml:2: option ", "did you mean [options]?"],
            ["config.toml:5: timeot means nothing in [options]", "did you mean timeout?"],
            ["config.toml:6: edit_mode", "it belongs below [repl]"],
            ["config.toml:7: qqq", "config show"],
            ["config.toml:9: edit-mod", "did you mean edit_mode?"],
        ]) {
            assert!(parts.iter().all(|part| warning.contains(part)), "{warning}");
        }
        assert_eq!(told.len(), 6, "{told:#?}");
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        for (source, line, column, part) in [
            ("[options]\ntimeout = \"soon\"", 2, 11, "invalid value 'soon' for timeout: a duration such as 30s"),
            ("[options]\nresolve = [\"a:1:10.0.0.1\", \"x\"]", 2, 28, "'x'"),
            ("[options]\noutput = \"jsn\"", 2, 10, "possible values: text, json"),
            ("[options]\ncontext = [\"a\"]", 2, 11, "takes a single value, and not a list"),
            ("[options]\nparallel = 0", 2, 12, "at least 1"),
            ("[options]\nno_color = \"x\"", 2, 12, "no_color"),
            ("[options]\nverbose = \"loud\"", 2, 11, "verbose"),
            ("options = 3", 1, 11, "is a section"),
            ("[repl]\nedit_mode = \"nano\"", 2, 13, "emacs, vi"),
            ("[colors]\nbad = \"é rde\"", 2, 7, "for bad"),
            ("[aliases]\nlet = \"x\"", 2, 1, "hide it"),
            ("[aliases]\na = 1", 2, 5, "stands for a text"),
            ("[options]\ntimeout = ", 2, 11, "is no TOML"),
            ("[options\n", 1, 9, "is no TOML"),
            ("[options]\na = 1\na = 2\n", 3, 1, "duplicate"),
        ] {
            let failure = read(source).expect_err(source);
            let told = failure.error.message();
            assert!(told.contains(part), "{source}: {told}");
            assert_eq!(failure.position, Some(Place { line, column }), "{source}: {told}");
            assert_eq!(failure.error.kind(), Kind::Usage);
        }
        let tip = read("[options]\noutput = \"jsn\"").expect_err("a slip");
        assert!(tip.error.next_step().is_some_and(|tip| tip.contains("json")), "{tip:?}");
    }
}
