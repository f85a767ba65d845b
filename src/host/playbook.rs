//! Playbooks: scripts with a manual and declared parameters, read without running them.

use super::entry::apart;
use super::failure::Failure;
use super::secret::Secret;
use crate::backend::Effect;
use crate::error::{Error, Kind, Result};
use crate::suggest::nearest;
use rhai::{AST, Dynamic, Engine, Map, ParseError, Scope};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The playbooks that ship with the program: name and source.
const SHIPPED: &[(&str, &str)] = &[
    ("jwks-certificate", include_str!("../../scripts/jwks-certificate.rhai")),
    ("log-levels", include_str!("../../scripts/log-levels.rhai")),
    ("proxy-sync", include_str!("../../scripts/proxy-sync.rhai")),
    ("watch-denials", include_str!("../../scripts/watch-denials.rhai")),
];

/// A script that can be run by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// Its name: the file's, without its ending.
    pub name: String,
    /// Where it lies; empty for shipped ones.
    pub path: Option<PathBuf>,
    /// Its text.
    pub source: String,
    /// Its manual: the `//!` lines.
    pub manual: String,
    /// What it declares of itself. A script without a `PLAYBOOK` constant declares nothing.
    pub header: Header,
}

/// The literal `PLAYBOOK` constant of a script.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Header {
    /// What it is called in reports.
    pub title: String,
    /// The levels of effect it needs.
    pub needs: Vec<Effect>,
    /// Its parameters, in alphabetical order.
    #[serde(deserialize_with = "named")]
    pub params: Vec<Param>,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its name, and that of the command line's option.
    #[serde(skip)]
    pub name: String,
    /// What it accepts.
    pub kind: ParamKind,
    /// What it is for.
    #[serde(default)]
    pub help: String,
    /// The value it has when none is given. A parameter without one must be given.
    #[serde(default)]
    pub value: Option<Value>,
    /// What a `choice` chooses from.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// What a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamKind {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// A span of time: `90s`, `5m`, `1h30m`. Scripts get seconds.
    Duration,
    /// A pod, in any form that functions accept.
    Pod,
    /// A namespace.
    Namespace,
    /// A file. Scripts get its path.
    File,
    /// Text that is never shown.
    Secret,
    /// One of `choices`.
    Choice,
}

fn named<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Vec<Param>, D::Error> {
    let params = std::collections::BTreeMap::<String, Param>::deserialize(from)?;
    Ok(params.into_iter().map(|(name, param)| Param { name, ..param }).collect())
}

/// A script's tree. Only what it declares is wanted; variables are checked when it is run, with `params` in sight.
fn compiled(source: &str) -> std::result::Result<AST, ParseError> {
    let mut engine = Engine::new();
    super::engine::language(&mut engine);
    engine.set_strict_variables(false);
    super::underscore::compile(&engine, &Scope::new(), source)
}

/// The value of its `PLAYBOOK` constant.
fn declared(ast: &AST) -> Option<Dynamic> {
    ast.iter_literal_variables(true, false).find(|(name, _, _)| *name == "PLAYBOOK").map(|(_, _, value)| value)
}

impl Playbook {
    /// Read a script's manual and header. It is compiled, not run.
    ///
    /// # Errors
    /// When it does not compile, or its header is not what a header may be.
    pub fn parse(name: &str, path: Option<PathBuf>, source: &str) -> std::result::Result<Self, Box<Failure>> {
        let file = path.as_ref().map_or_else(|| format!("{name}.rhai"), |path| path.display().to_string());
        let ast = compiled(source).map_err(|error| Box::new(super::explain::syntax(error, &file, source, None)))?;
        let header = match declared(&ast) {
            Some(value) => read_header(&value, name).map_err(|error| {
                Box::new(Failure { error, position: None, file: file.clone(), source: Some(source.into()), frames: Vec::new() })
            })?,
            None => Header::default(),
        };
        let manual = ast.doc().lines().map(|line| line.trim_start_matches("//!").trim()).collect::<Vec<_>>().join("\n");
        Ok(Self { name: name.into(), path, source: source.into(), manual: manual.trim().into(), header })
    }

    /// Whether a text declares itself a playbook. What does not compile declares nothing.
    pub fn is_declared(source: &str) -> bool {
        compiled(source).is_ok_and(|ast| declared(&ast).is_some())
    }

    /// The playbooks that ship with the program.
    pub fn shipped() -> Vec<Self> {
        SHIPPED.iter().filter_map(|(name, source)| Self::parse(name, None, source).ok()).collect()
    }

    /// The playbooks of these folders and the shipped ones, each name once: the first is the one that is run. What cannot be
    /// read is left out.
    pub fn all(folders: &[PathBuf]) -> Vec<Self> {
        let own = folders.iter().flat_map(|folder| in_folder(folder));
        let mut all: Vec<Self> = own
            .filter(|(_, path)| path.is_file())
            .filter_map(|(_, path)| Self::read(&path).ok())
            .chain(Self::shipped())
            .collect();
        let mut seen = std::collections::HashSet::new();
        all.retain(|playbook| seen.insert(playbook.name.clone()));
        all
    }

    /// Find a playbook: a path, a name here, in the user's folders, or shipped; in this order.
    ///
    /// # Errors
    /// When there is none of that name, with the nearest one; or when it does not compile.
    pub fn find(name: &str, folders: &[PathBuf]) -> std::result::Result<Self, Box<Failure>> {
        if Self::is_path(name) {
            return Self::read(Path::new(name));
        }
        let here = folders.iter().map(|folder| folder.join(format!("{name}.rhai"))).find(|path| path.is_file());
        if let Some(path) = here {
            return Self::read(&path);
        }
        match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            Some((name, source)) => Self::parse(name, None, source),
            None => Err(Box::new(unknown(name, folders).into())),
        }
    }

    /// Whether somebody who says this means a file, and not a name.
    pub fn is_path(name: &str) -> bool {
        name.contains('/') || name.ends_with(".rhai")
    }

    fn read(path: &Path) -> std::result::Result<Self, Box<Failure>> {
        let source = std::fs::read_to_string(path).map_err(|error| {
            Error::new(Kind::File, format!("the playbook {} cannot be read", path.display()))
                .caused_by(&error)
                .hint("`pilotage list` shows what can be run")
        })?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Self::parse(&name, Some(path.into()), &source)
    }

    /// The manual for people: a line a paragraph, without symptoms and codes, which are told apart.
    pub fn told(&self) -> String {
        let rest = apart(&self.manual).0;
        let paragraphs = rest.split("\n\n").filter(|paragraph| !paragraph.starts_with("Codes:"));
        paragraphs.map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
    }

    /// What somebody sees whom it helps, as its manual says.
    pub fn symptoms(&self) -> Vec<String> {
        apart(&self.manual).1
    }

    /// The codes of its findings and what each means, as its manual says (`Codes: JWKS001 keys never obtained, …`).
    pub fn codes(&self) -> Vec<(String, String)> {
        let told = self.manual.split("\n\n").filter_map(|paragraph| paragraph.strip_prefix("Codes:"));
        let items = told.flat_map(|paragraph| paragraph.trim_end_matches('.').split(',')).map(str::trim);
        let pair = |item: &str| {
            item.split_once(' ').map(|(code, text)| (code.to_owned(), text.split_whitespace().collect::<Vec<_>>().join(" ")))
        };
        items.filter_map(pair).collect()
    }

    /// How far it goes, as it says itself.
    pub fn needed(&self) -> Effect {
        self.header.needs.iter().copied().max().unwrap_or(Effect::Observe)
    }

    /// How far it goes, where no more than that is allowed.
    ///
    /// # Errors
    /// [`Kind::Refused`] where it says that it needs more.
    pub fn within(&self, allowed: Effect) -> Result<Effect> {
        let needed = self.needed();
        if needed <= allowed {
            return Ok(needed);
        }
        let refused = format!("{} needs to {}, and may only {}", self.name, needed.word(), allowed.word());
        Err(Error::new(Kind::Refused, refused))
    }

    /// The manual with each paragraph on one line, for a terminal to break where it likes.
    pub fn paragraphs(&self) -> String {
        let paragraphs = self.manual.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        paragraphs.collect::<Vec<_>>().join("\n\n")
    }

    /// The file name under which its places are shown.
    pub fn file(&self) -> String {
        self.path.as_ref().map_or_else(|| format!("scripts/{}.rhai", self.name), |path| path.display().to_string())
    }

    /// What it is called: its title, or its name.
    pub fn title(&self) -> &str {
        if self.header.title.is_empty() { &self.name } else { &self.header.title }
    }

    /// Check given values against the declared parameters and fill in what was not given.
    ///
    /// # Errors
    /// [`Kind::Usage`] for an unknown, missing or ill-typed parameter.
    pub fn bind(&self, mut given: serde_json::Map<String, Value>) -> Result<serde_json::Map<String, Value>> {
        let mut bound = serde_json::Map::new();
        for param in &self.header.params {
            let value = given.remove(&param.name).map(|value| param.check(value)).transpose()?;
            let missing = || Error::new(Kind::Usage, format!("{} needs --{}", self.name, param.name)).hint(param.help.clone());
            bound.insert(param.name.clone(), value.or_else(|| param.value.clone()).ok_or_else(missing)?);
        }
        match given.keys().next() {
            None => Ok(bound),
            Some(unknown) => Err(self.unknown_param(unknown)),
        }
    }

    fn unknown_param(&self, name: &str) -> Error {
        let names = self.header.params.iter().map(|param| param.name.as_str());
        let error = Error::new(Kind::Usage, format!("{} has no parameter --{name}", self.name));
        match nearest(name, names.clone()) {
            Some(near) => error.hint(format!("did you mean --{near}?")),
            None if self.header.params.is_empty() => error.hint("it has none"),
            None => error.hint(format!("it has: {}", names.map(|name| format!("--{name}")).collect::<Vec<_>>().join(" "))),
        }
    }

    /// The values as the script's `params` map; secrets become secret text.
    pub(super) fn scope(&self, bound: &serde_json::Map<String, Value>) -> Scope<'static> {
        let secret = |name: &str| self.header.params.iter().any(|param| param.name == name && param.kind == ParamKind::Secret);
        let params: Map = bound
            .iter()
            .map(|(name, value)| {
                let shown = match value {
                    Value::String(text) if secret(name) => Dynamic::from(Secret::new(text.as_str())),
                    other => super::convert::from_value(other.clone()),
                };
                (name.as_str().into(), shown)
            })
            .collect();
        let mut scope = Scope::new();
        scope.push_constant("params", params);
        scope
    }

    /// The values as a report may show them.
    pub(super) fn shown(&self, bound: &serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
        let secret = |name: &str| self.header.params.iter().any(|param| param.name == name && param.kind == ParamKind::Secret);
        let show = |(name, value): (&String, &Value)| match value {
            Value::String(text) if secret(name) => (name.clone(), Secret::new(text.as_str()).to_string().into()),
            other => (name.clone(), other.clone()),
        };
        bound.iter().map(show).collect()
    }
}

impl Param {
    /// Read a value from the command line.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the text is not of its kind.
    pub fn parse(&self, text: &str) -> Result<Value> {
        let value = match self.kind {
            ParamKind::Int => text.parse::<i64>().ok().map(Value::from),
            ParamKind::Bool => text.parse::<bool>().ok().map(Value::from),
            _ => Some(Value::from(text)),
        };
        self.check(value.ok_or_else(|| self.wrong(text))?)
    }

    fn check(&self, value: Value) -> Result<Value> {
        let fits = match (&value, self.kind) {
            (Value::Number(number), ParamKind::Int) => number.is_i64(),
            (Value::Bool(_), ParamKind::Bool) => true,
            (Value::Number(number), ParamKind::Duration) => number.is_i64(),
            (Value::String(text), ParamKind::Duration) => return seconds(text).map(Value::from).ok_or_else(|| self.wrong(text)),
            (Value::String(text), ParamKind::Choice) => self.choices.contains(text),
            (Value::String(_), ParamKind::Int | ParamKind::Bool) => false,
            (Value::String(_), _) => true,
            _ => false,
        };
        if fits { Ok(value) } else { Err(self.wrong(&value.to_string())) }
    }

    fn wrong(&self, text: &str) -> Error {
        let shown = if self.kind == ParamKind::Secret { "that value" } else { text };
        let expected = match self.kind {
            ParamKind::Int => "a whole number".into(),
            ParamKind::Bool => "true or false".into(),
            ParamKind::Duration => "a duration such as 90s, 5m or 1h30m".into(),
            ParamKind::Choice => format!("one of: {}", self.choices.join(", ")),
            _ => "text".to_string(),
        };
        Error::new(Kind::Usage, format!("--{} cannot be {shown}", self.name)).hint(format!("it takes {expected}"))
    }
}

fn seconds(text: &str) -> Option<i64> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Some(span.as_secs())
}

fn read_header(value: &Dynamic, name: &str) -> Result<Header> {
    serde_json::from_value(super::convert::to_value(value)).map_err(|error| {
        Error::new(Kind::Script, format!("the PLAYBOOK constant of {name} cannot be read: {error}"))
            .hint("it may hold title, needs and params; each param kind, help, value and choices")
    })
}

fn unknown(name: &str, folders: &[PathBuf]) -> Error {
    let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_string()).collect();
    names.extend(folders.iter().flat_map(|folder| in_folder(folder)).map(|(name, _)| name));
    let error = Error::new(Kind::NotFound, format!("there is no playbook {name:?}"));
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}? `pilotage list` shows all")),
        None => error.hint("`pilotage list` shows all; a path must end in .rhai"),
    }
}

/// The playbooks of a folder: names and paths, sorted. A folder that cannot be read has none.
pub fn in_folder(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let scripts = entries.filter(|path| path.extension().is_some_and(|ending| ending == "rhai"));
    // A pipe says nothing before somebody writes into it; a file that is not there is told of.
    let scripts = scripts.filter(|path| path.metadata().map_or(true, |found| found.is_file()));
    let mut named: Vec<_> = scripts.filter_map(|path| Some((path.file_stem()?.to_string_lossy().into_owned(), path))).collect();
    named.sort();
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SOURCE: &str = r#"//! Says why.
//!
//! At length,
//! over two lines.

const PLAYBOOK = #{
    title: "A title",
    needs: ["observe"],
    params: #{
        wait: #{ kind: "duration", help: "how long", value: "5m" },
        many: #{ kind: "int" },
        token: #{ kind: "secret", value: "" },
    },
};
boom();
"#;

    fn playbook() -> Playbook {
        Playbook::parse("demo", None, SOURCE).expect("it parses")
    }

    fn given(value: Value) -> serde_json::Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn the_header_is_read_without_running_the_script() {
        let playbook = playbook();
        assert_eq!((playbook.title(), playbook.manual.as_str()), ("A title", "Says why.\n\nAt length,\nover two lines."));
        assert_eq!(playbook.paragraphs(), "Says why.\n\nAt length, over two lines.");
        assert_eq!(playbook.header.params.iter().map(|param| param.name.as_str()).collect::<Vec<_>>(), ["many", "token", "wait"]);
    }

    #[test]
    fn params_are_checked_and_filled_in() {
        let bound = playbook().bind(given(json!({"many": 3, "wait": "1m30s"}))).expect("they fit");
        assert_eq!(Value::Object(bound), json!({"many": 3, "token": "", "wait": 90}));
    }

    #[test]
    fn bad_params_are_usage_errors_that_help() {
        let cases = [
            (json!({}), "demo needs --many", None),
            (json!({"many": "x"}), "--many cannot be \"x\"", Some("it takes a whole number")),
            (json!({"many": 1, "wiat": "1s"}), "demo has no parameter --wiat", Some("did you mean --wait?")),
            (json!({"many": 1, "wait": "soon"}), "--wait cannot be soon", Some("it takes a duration such as 90s, 5m or 1h30m")),
        ];
        for (values, message, hint) in cases {
            let error = playbook().bind(given(values)).expect_err("it does not fit");
            assert_eq!((error.kind(), error.message()), (Kind::Usage, message));
            assert!(hint.is_none() || error.next_step() == hint, "{error:?}");
        }
    }

    #[test]
    fn a_secret_is_redacted_in_what_a_report_shows() {
        let bound = given(json!({"token": "hunter2", "many": 1}));
        assert!(!format!("{:?}", playbook().shown(&bound)).contains("hunter2"));
    }

    #[test]
    fn a_broken_header_says_what_it_may_hold() {
        let failure = Playbook::parse("x", None, "const PLAYBOOK = #{ titel: \"x\" };").expect_err("unknown key");
        assert!(failure.error.to_string().contains("titel"), "{failure}");
    }

    #[test]
    fn the_nearest_playbook_is_suggested() {
        let failure = Playbook::find("jwks-certificat", &[]).expect_err("misspelt");
        assert_eq!(failure.error.next_step(), Some("did you mean \"jwks-certificate\"? `pilotage list` shows all"));
    }
}
