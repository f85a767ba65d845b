//! Which of the language's own methods change what they are called on.
//!
//! The engine knows and does not tell, but it refuses such methods on constants, before anything is done: so it is asked.

use super::catalog::{functions, is_callable, metadata};
use rhai::{Engine, EvalAltResult, Expr, Stmt};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What an argument is, as far as it can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// A closure.
    Closure,
    /// Anything.
    Unknown,
}

/// Looks that the engine takes for changes, since their authors did not say otherwise.
const LOOKS: [&str; 3] = ["contains", "extract", "get"];

/// Whether a method of this name, given these, may. Pilotage's own never do: rows and documents are values.
pub(super) fn may_change(name: &str, given: &[Given]) -> bool {
    static CHANGING: LazyLock<HashMap<String, Vec<Vec<Given>>>> = LazyLock::new(find);
    let fits = |takes: &Vec<Given>| {
        takes.len() == given.len()
            && takes.iter().zip(given).all(|(takes, given)| takes == given || [takes, given].contains(&&Given::Unknown))
    };
    CHANGING.get(name).is_some_and(|ways| ways.iter().any(fits))
}

/// What an argument is.
pub(super) fn given(argument: &Expr) -> Given {
    match argument {
        Expr::StringConstant(..) | Expr::InterpolatedString(..) => Given::Text,
        Expr::IntegerConstant(..) => Given::Number,
        Expr::DynamicConstant(value, _) if value.is_fnptr() => Given::Closure,
        Expr::Stmt(block) if matches!(block.statements(), [Stmt::Share(..), ..]) => Given::Closure,
        _ => Given::Unknown,
    }
}

fn find() -> HashMap<String, Vec<Vec<Given>>> {
    let engine = Engine::new();
    let metadata = metadata(&engine, true);
    let mut found: HashMap<String, Vec<Vec<Given>>> = HashMap::new();
    for function in functions(&metadata) {
        let name = function["name"].as_str().unwrap_or_default();
        if is_callable(name)
            && !LOOKS.contains(&name)
            && let Some(takes) = changing(&engine, name, function)
        {
            found.entry(name.into()).or_default().push(takes);
        }
    }
    found
}

/// What a method takes that changes its subject. One that cannot be tried is taken for such.
fn changing(engine: &Engine, name: &str, function: &Value) -> Option<Vec<Given>> {
    let types: Vec<&str> = function["params"].as_array()?.iter().filter_map(|param| param["type"].as_str()).collect();
    let (subject, rest) = types.split_first()?;
    let subject = sample(subject.strip_prefix("&mut ")?);
    let arguments: Vec<_> = rest.iter().map(|kind| sample(kind)).collect();
    let takes = arguments.iter().map(|sample| sample.map_or(Given::Unknown, |(_, given)| given)).collect();
    let texts: Option<Vec<&str>> = arguments.iter().map(|sample| Some(sample.as_ref()?.0)).collect();
    let (Some((subject, _)), Some(texts)) = (subject, texts) else { return Some(takes) };
    let probe = format!("const subject = {subject}; subject.{name}({})", texts.join(", "));
    let outcome = engine.eval::<rhai::Dynamic>(&probe).map_err(|error| *error);
    matches!(outcome, Err(EvalAltResult::ErrorNonPureMethodCallOnConstant(..))).then_some(takes)
}

/// A value of a type, as it is written, and what it is.
fn sample(kind: &str) -> Option<(&'static str, Given)> {
    const SAMPLES: [(&str, &str, Given); 12] = [
        ("RangeInclusive", "0..=0", Given::Unknown),
        ("Range", "0..0", Given::Unknown),
        ("Array", "[]", Given::Unknown),
        ("Map", "#{}", Given::Unknown),
        ("Blob", "blob()", Given::Unknown),
        ("ImmutableString", "\"\"", Given::Text),
        ("&str", "\"\"", Given::Text),
        ("i64", "0", Given::Number),
        ("char", "'a'", Given::Unknown),
        ("bool", "true", Given::Unknown),
        ("FnPtr", "|item| true", Given::Closure),
        ("Dynamic", "0", Given::Unknown),
    ];
    SAMPLES.iter().find(|(name, ..)| kind.contains(name)).map(|(_, sample, given)| (*sample, *given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_its_subject_is_told_from_what_only_looks() {
        use Given::{Closure, Number, Text, Unknown};
        for (name, given) in [
            ("push", vec![Unknown]),
            ("pop", vec![]),
            ("insert", vec![Number, Text]),
            ("append", vec![Unknown]),
            ("sort", vec![]),
            ("sort_by", vec![Closure]),
            ("remove", vec![Text]),
            ("drain", vec![Closure]),
            ("retain", vec![Closure]),
            ("clear", vec![]),
            ("mixin", vec![Unknown]),
            ("trim", vec![]),
            ("split", vec![Number]),
            ("set", vec![Text, Unknown]),
        ] {
            assert!(may_change(name, &given), "{name}");
        }
        for (name, given) in [
            ("len", vec![]),
            ("filter", vec![Closure]),
            ("map", vec![Closure]),
            ("find", vec![Closure]),
            ("some", vec![Closure]),
            ("reduce", vec![Closure, Number]),
            ("sort_by", vec![Text]),
            ("contains", vec![Unknown]),
            ("keys", vec![]),
            ("split", vec![Text]),
            ("to_upper", vec![]),
            ("sub_string", vec![Number, Number]),
            ("extract", vec![Number, Number]),
            ("index_of", vec![Text]),
        ] {
            assert!(!may_change(name, &given), "{name}");
        }
    }
}
