//! The engine's failures, said for the person who wrote the script.

use super::catalog::Catalog;
use super::failure::{Failure, place, thrown, unwind};
use crate::error::{Error, Kind};
use rhai::{Dynamic, EvalAltResult, LexError, ParseError, ParseErrorType, Position, Scope};

/// What to do about a name that nobody declared.
const UNDECLARED: &str =
    "declare it first (`let NAME = …`), or put quotes round it if it is a text; `help()` lists the functions";

/// A script that does not compile. What it can name leads to what an unknown name meant.
pub(super) fn syntax(error: ParseError, file: &str, source: &str, known: Option<(&Catalog, &Scope)>) -> Failure {
    let plain = || Error::new(Kind::Script, format!("syntax error: {}", error.err_type())).hint(syntax_hint(error.err_type()));
    let told = match (error.err_type(), known) {
        (ParseErrorType::VariableUndefined(name), Some((catalog, scope))) => no_variable(name, catalog, scope),
        _ => plain(),
    };
    Failure { error: told, position: place(error.position()), file: file.into(), source: Some(source.into()), frames: Vec::new() }
}

fn syntax_hint(kind: &ParseErrorType) -> &'static str {
    match kind {
        ParseErrorType::VariableUndefined(_) => UNDECLARED,
        ParseErrorType::UnexpectedEOF
        | ParseErrorType::MissingToken(..)
        | ParseErrorType::BadInput(LexError::UnterminatedString) => {
            "something is not closed or left out, here or before: a bracket, a brace, a quote, a comma, a semicolon"
        }
        ParseErrorType::Reserved(_) => "this word belongs to the language: take another",
        _ => "look at this place and just before it: a comma, a semicolon or an operator may be missing, or one too many",
    }
}

/// A name that is none of a variable: a function without its brackets, a command without its colon, a misspelt variable.
fn no_variable(name: &str, catalog: &Catalog, scope: &Scope) -> Error {
    let error = Error::new(Kind::Script, format!("there is no variable {name}"));
    let entries = catalog.named(name);
    let near = || crate::suggest::nearest(name, scope.iter_raw().map(|(known, _, _)| known));
    let command = || catalog.command(name).and_then(|command| command.names.first());
    error.hint(if name == "help" {
        "`:help`, or `help()`, lists all that can be typed; `help(pods)` tells of one function".into()
    } else if let Some(entry) = entries.first() {
        let alone = entries.iter().flat_map(|entry| &entry.ways).any(|way| way.params.is_empty());
        let called = format!("{}({})", entry.full_name(), if alone { "" } else { "…" });
        format!("it is a function: `{called}` calls it, `help({name})` tells all of it")
    } else if catalog.modules().iter().any(|module| module == name) {
        format!("it is a module: `{name}::…` calls a function of it, `help({name})` lists them")
    } else if let Some(command) = command() {
        format!("as a command of a session it begins with a colon: `:{command}`")
    } else if let Some(near) = near() {
        format!("did you mean {near}?")
    } else if let Some(near) = catalog.suggest(name) {
        format!("did you mean {near}()? a variable is declared first (`let {name} = …`), and text stands in quotes")
    } else {
        UNDECLARED.into()
    })
}

/// A script that failed while it ran. `source` gives the text of a file.
pub(super) fn failure(error: EvalAltResult, file: &str, catalog: &Catalog, source: impl Fn(&str) -> Option<String>) -> Failure {
    let unwound = unwind(error, file);
    let position = unwound.fault.position();
    let file = unwound.file.unwrap_or_else(|| file.into());
    Failure {
        error: explain(unwound.fault, catalog),
        position: place(position),
        source: source(&file),
        file,
        frames: unwound.frames,
    }
}

/// What a script caught, as an error. The language gives its own failures as maps, which say less.
pub fn caught(value: &Dynamic, catalog: &Catalog) -> Error {
    use EvalAltResult as E;
    let fields = value.read_lock::<rhai::Map>();
    let text = |key: &str| fields.as_ref()?.get(key).map(ToString::to_string);
    let number = |key: &str| fields.as_ref()?.get(key)?.as_int().ok();
    let fault = |name: &str| {
        let none = Position::NONE;
        Some(match name {
            "ErrorFunctionNotFound" => E::ErrorFunctionNotFound(text("function")?, none),
            "ErrorNonPureMethodCallOnConstant" => E::ErrorNonPureMethodCallOnConstant(text("function")?, none),
            "ErrorMismatchDataType" => E::ErrorMismatchDataType(text("requested")?, text("actual")?, none),
            "ErrorArrayBounds" => E::ErrorArrayBounds(usize::try_from(number("length")?).ok()?, number("index")?, none),
            "ErrorPropertyNotFound" => E::ErrorPropertyNotFound(text("variable")?, none),
            "ErrorDataRace" => E::ErrorDataRace(text("variable")?, none),
            "ErrorModuleNotFound" => E::ErrorModuleNotFound(text("module")?, none),
            "ErrorDotExpr" => E::ErrorDotExpr(text("property")?, none),
            _ => return None,
        })
    };
    match text("error").filter(|name| name.starts_with("Error")) {
        Some(name) => match fault(&name) {
            Some(fault) => explain(fault, catalog),
            None => Error::new(Kind::Script, plain_types(&text("message").unwrap_or_default())),
        },
        None => thrown(value),
    }
}

fn explain(fault: EvalAltResult, catalog: &Catalog) -> Error {
    use EvalAltResult as E;
    match fault {
        E::ErrorRuntime(value, _) => thrown(&value),
        E::ErrorTerminated(token, _) => terminated(&token),
        E::ErrorFunctionNotFound(signature, _) => unknown_function(&signature, catalog),
        E::ErrorVariableNotFound(name, _) => unknown_name("variable", &name, catalog),
        E::ErrorModuleNotFound(name, _) => unknown_module(&name, catalog),
        E::ErrorTooManyOperations(_) => limit("the script ran too long: it reached the limit of operations")
            .hint("is there a loop that never ends? `--max-operations` raises the limit"),
        E::ErrorStackOverflow(_) => limit("calls are nested too deeply").hint("does a function call itself without end?"),
        E::ErrorParsing(kind, _) => Error::new(Kind::Script, format!("syntax error: {kind}")).hint(syntax_hint(&kind)),
        E::ErrorDotExpr(text, _) if text.contains("etter is not registered") => no_property(&text),
        E::ErrorPropertyNotFound(name, _) => Error::new(Kind::Script, format!("the map has no {name}"))
            .hint("`keys()` lists what it has; `map.name ?? other` gives something else where it is missing"),
        E::ErrorArrayBounds(count, index, _) => {
            Error::new(Kind::Script, format!("there is no item {index}: the array has {count}"))
                .hint("the first is item 0; `len()` tells how many there are")
        }
        E::ErrorNonPureMethodCallOnConstant(name, _) => {
            Error::new(Kind::Script, format!("{name} changes the value it is called on, and this one is constant"))
                .hint(format!("results and constants stay as they are; change a copy: `let copy = _; copy.{name}(…)`"))
        }
        E::ErrorDataRace(..) => Error::new(Kind::Script, "a closure uses the very value that it is called on")
            .hint("take what it needs before: `let count = rows.len(); rows.filter(|row| … count …)`"),
        E::ErrorMismatchDataType(wanted, got, _) if !wanted.is_empty() => {
            Error::new(Kind::Script, format!("expected {}, found {}", plain_types(&wanted), plain_types(&got)))
        }
        mut other => {
            // The position is shown with the source line; the sentence need not repeat it.
            other.clear_position();
            Error::new(Kind::Script, plain_types(&other.to_string()))
        }
    }
}

/// `Unknown property 'x' - a getter is not registered for type 'array'`.
fn no_property(text: &str) -> Error {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    let (name, kind) = (quoted.next().unwrap_or_default(), plain_types(quoted.next().unwrap_or("value")));
    let error = Error::new(Kind::Script, format!("{kind} has no property {name}"));
    match kind.as_str() {
        "array" => {
            error.hint(format!("name one of its items (`items[0].{name}`), or go through all: `items.map(|item| item.{name})`"))
        }
        _ => error.hint("rows and maps have properties: `keys()` lists them"),
    }
}

fn limit(message: &str) -> Error {
    Error::new(Kind::Limit, message)
}

fn terminated(token: &Dynamic) -> Error {
    token.clone().try_cast::<Error>().unwrap_or_else(|| Error::new(Kind::Interrupted, "interrupted"))
}

/// `podz (i64, map)`: no function of that name, or none that takes these.
fn unknown_function(signature: &str, catalog: &Catalog) -> Error {
    let (name, given) = signature.split_once(" (").unwrap_or((signature, ")"));
    let given = plain_types(given.trim_end_matches(')'));
    let name = name.trim();
    let known = catalog.signatures(name);
    if !known.is_empty() {
        return Error::new(Kind::Script, format!("{name} does not take ({given})"))
            .hint(format!("it can be called as {}", known.join(" or ")));
    }
    if !name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        return Error::new(Kind::Script, format!("`{name}` does not work on ({given})"))
            .hint("convert one of them first: `to_string()`, `parse_int(text)`, `parse_float(text)`");
    }
    unknown_name("function", name, catalog).cause_types(&given)
}

trait CauseTypes {
    fn cause_types(self, given: &str) -> Self;
}

impl CauseTypes for Error {
    fn cause_types(self, given: &str) -> Self {
        if given.is_empty() { self } else { self.cause(format!("called with ({given})")) }
    }
}

fn unknown_name(what: &str, name: &str, catalog: &Catalog) -> Error {
    let error = Error::new(Kind::Script, format!("there is no {what} {name}"));
    match catalog.suggest(name) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint("`help()` lists all functions; `help(\"…\")` finds what helps with an error's text"),
    }
}

fn unknown_module(name: &str, catalog: &Catalog) -> Error {
    let error = Error::new(Kind::Script, format!("there is no module {name}"));
    let modules = catalog.modules();
    match crate::suggest::nearest(name, modules.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near}::?")),
        None => error.hint("imports are looked for beside the playbook and in the user's folder of scripts"),
    }
}

/// Rust's and the engine's type names, in the words of the language.
pub(super) fn plain_types(text: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("&str | ImmutableString | String", "string"),
        ("&str | String | ImmutableString | string", "string"),
        ("ImmutableString", "string"),
        ("i64", "int"),
        ("f64", "float"),
        ("Map | map", "map"),
        ("types::dynamic::Dynamic", "any"),
        ("Dynamic", "any"),
        ("()", "nothing"),
    ];
    WORDS.iter().fold(text.to_string(), |text, (rust, word)| text.replace(rust, word))
}
