//! The rest of an input, as it was typed before: shown faintly behind the cursor, taken with the right arrow.

use rustyline::Context;
use rustyline::hint::Hint;
use rustyline::history::SearchDirection;

/// What follows the cursor in the newest input that begins the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Rest {
    rest: String,
    shown: String,
}

impl Hint for Rest {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        Some(&self.rest)
    }
}

/// The hint behind a line, when its cursor is at the end.
pub fn rest(line: &str, pos: usize, context: &Context<'_>) -> Option<Rest> {
    if line.trim().is_empty() || pos < line.len() {
        return None;
    }
    let newest = context.history_index().min(context.history().len().checked_sub(1)?);
    let found = context.history().starts_with(line, newest, SearchDirection::Reverse).ok()??;
    let rest = found.entry.get(line.len()..).filter(|rest| !rest.is_empty())?;
    Some(Rest { rest: rest.to_owned(), shown: first_line(rest) })
}

/// One line is enough to know it again.
fn first_line(rest: &str) -> String {
    match rest.split_once('\n') {
        Some((first, _)) => format!("{first} …"),
        None => rest.to_owned(),
    }
}

/// The first word of a hint, with what stands before it.
pub fn first_word(rest: &str) -> &str {
    let start = rest.find(|c: char| c.is_alphanumeric() || c == '_').unwrap_or(rest.len());
    let length = rest[start..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len() - start);
    &rest[..start + length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustyline::history::{DefaultHistory, History};

    #[test]
    fn the_newest_input_that_begins_the_same_goes_on() {
        let mut history = DefaultHistory::new();
        for line in ["pods(`old`)", "pods(`shop`)", "let a = [\n1]", "proxies()"] {
            history.add(line).unwrap();
        }
        let context = Context::new(&history);
        let shown = |line: &str| rest(line, line.len(), &context).map(|rest| (rest.shown, rest.rest));
        assert_eq!(shown("pod"), Some(("s(`shop`)".into(), "s(`shop`)".into())));
        assert_eq!(shown("let a"), Some((" = [ …".into(), " = [\n1]".into())));
        assert_eq!((shown("proxies()"), shown(""), shown("nothing")), (None, None, None));
        assert_eq!(rest("pods", 2, &context), None);
        assert_eq!(rest("a", 1, &Context::new(&DefaultHistory::new())), None);
    }

    #[test]
    fn a_hint_is_taken_word_by_word() {
        assert_eq!(first_word("s(`shop`)"), "s");
        assert_eq!(first_word("(`shop`)"), "(`shop");
        assert_eq!(first_word("`)"), "`)");
        assert_eq!(first_word(""), "");
    }
}
