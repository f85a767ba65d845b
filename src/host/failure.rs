//! How a failure travels: domain error → script exception with a position → what the user is shown.

use crate::error::{Error, Kind};
use rhai::{Dynamic, EvalAltResult, Position};

/// What a native function returns to the script.
pub type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// A script that failed: what, where, and by which calls it got there.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What failed.
    pub error: Error,
    /// Where it happened, innermost.
    pub position: Option<Place>,
    /// The file the place lies in; `input` for what was typed.
    pub file: String,
    /// The text of that file, if known.
    pub source: Option<String>,
    /// The calls that led there, innermost first.
    pub frames: Vec<Frame>,
}

/// A place in a script, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One call on the way to a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The function that was called.
    pub function: String,
    /// The file the call stands in.
    pub file: String,
    /// Where it stands.
    pub place: Option<Place>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.position {
            Some(Place { line, column }) => write!(f, "{}:{line}:{column}: {}", self.file, self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, position: None, file: String::new(), source: None, frames: Vec::new() }
    }
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        Self::new(error.into())
    }
}

/// Throw an error at a place of the script. Scripts catch it as a value with `kind`, `message` and `hint`.
pub fn raise(error: Error, at: Position) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(error), at))
}

pub(super) fn place(position: Position) -> Option<Place> {
    Some(Place { line: position.line()?, column: position.position().unwrap_or(1) })
}

/// What the engine says of a failure, sorted into frames and the innermost fault.
pub(super) struct Unwound {
    pub fault: EvalAltResult,
    pub file: Option<String>,
    pub frames: Vec<Frame>,
}

/// Peel the calls off a failure. `file` is where the outermost call stands.
pub(super) fn unwind(error: EvalAltResult, file: &str) -> Unwound {
    let mut frames = Vec::new();
    let mut here = file.to_string();
    let mut fault = error;
    loop {
        match fault {
            EvalAltResult::ErrorInFunctionCall(function, source, inner, position) => {
                // The engine numbers closures; the number means nothing to whoever wrote one.
                let function = if function.starts_with("anon$") { "a closure".into() } else { function };
                frames.push(Frame { function, file: here.clone(), place: place(position) });
                if !source.is_empty() {
                    here = source;
                }
                fault = *inner;
            }
            EvalAltResult::ErrorInModule(module, inner, position) => {
                frames.push(Frame { function: format!("import {module}"), file: here.clone(), place: place(position) });
                here = module;
                fault = *inner;
            }
            other => {
                frames.reverse();
                return Unwound { fault: other, file: Some(here), frames };
            }
        }
    }
}

/// The error a thrown value stands for.
pub(super) fn thrown(value: &Dynamic) -> Error {
    if let Some(error) = value.clone().try_cast::<Error>() {
        return error;
    }
    if let Some(map) = value.read_lock::<rhai::Map>() {
        let text = |key: &str| map.get(key).map(ToString::to_string);
        // A script may say what sort it is, in the words of `e.kind`.
        let kind = text("kind").and_then(|kind| serde_json::from_value(kind.into()).ok()).unwrap_or(Kind::Script);
        let error = Error::new(kind, text("message").unwrap_or_else(|| value.to_string()));
        return match text("hint") {
            Some(hint) => error.hint(hint),
            None => error,
        };
    }
    Error::new(Kind::Script, value.to_string())
}
