//! Failures for people: what failed, where in the script, through which calls, why, and what to do next.

use super::fit;
use super::style::{self, Look};
use super::theme::{Ink, Role};
use crate::called::as_called;
use crate::error::Error;

/// A failure and the place in a script where it happened, if it happened in one.
#[derive(Debug, Clone, Copy)]
pub struct Diagnostic<'a> {
    /// What failed.
    pub error: &'a Error,
    /// The script's name; empty for what was typed.
    pub file: &'a str,
    /// The script's text, to show the line.
    pub source: Option<&'a str>,
    /// Line and column, counted from 1, in characters.
    pub at: Option<(usize, usize)>,
    /// The calls that led there, innermost first.
    pub frames: &'a [Frame],
}

/// A call on the way to the failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The function that was called.
    pub function: String,
    /// The script that called it; empty for what was typed.
    pub file: String,
    /// Line and column of the call, if known.
    pub at: Option<(usize, usize)>,
}

/// A failure that happened in no script.
pub fn error(error: &Error, look: &Look) -> String {
    render(&Diagnostic { error, file: "", source: None, at: None, frames: &[] }, look)
}

/// The whole diagnostic, several lines, ending with a line feed.
pub fn render(diagnostic: &Diagnostic, look: &Look) -> String {
    let error = diagnostic.error;
    let label = format!("error[{}]", error.kind().word());
    let mut text = headline(&label, style::BAD.bold(), error.message(), look);
    if let Some(at) = diagnostic.at {
        text += &place(diagnostic, at, look);
    }
    for frame in diagnostic.frames {
        let spot = frame.at.map(|at| format!(" {}", spot(&frame.file, at))).unwrap_or_default();
        text += &format!("  {} {}{spot}\n", look.paint(style::FAINT, "in"), fit::line(&frame.function));
    }
    for cause in error.causes() {
        text += &labelled("cause", style::DOUBT, cause, look);
    }
    if let Some(next) = error.next_step() {
        text += &labelled("next", style::GOOD, next, look);
    }
    text
}

/// How far the lines stand in that a headline goes on in; no label is shorter.
const GOES_ON: usize = 4;

/// `label: text`, at a terminal wrapped at words.
pub fn headline(label: &str, ink: impl Into<Ink>, text: &str, look: &Look) -> String {
    let text = as_called(text);
    let text = fit::tame(&text);
    let painted = look.paint(ink, label);
    let Some(width) = look.width else { return format!("{painted}: {text}\n") };
    // The label's beginning stands where the others are indented.
    let (begin, end) = label.split_at(GOES_ON.min(label.len()));
    let lines = fit::wrap(&format!("{end}: {text}"), Some(width.saturating_sub(begin.len())));
    let first = lines.first().map_or("", String::as_str);
    let mut out = format!("{painted}{}\n", &first[end.len()..]);
    for line in lines.iter().skip(1) {
        out += &format!("{}{line}\n", " ".repeat(GOES_ON));
    }
    out
}

/// `file:line:column`; what was typed has no file.
fn spot(file: &str, (line, column): (usize, usize)) -> String {
    if file.is_empty() { format!("at {line}:{column}") } else { format!("at {}:{line}:{column}", fit::line(file)) }
}

fn place(diagnostic: &Diagnostic, at: (usize, usize), look: &Look) -> String {
    let mut text = format!("  {}\n", look.paint(style::FAINT, &spot(diagnostic.file, at)));
    let line = diagnostic.source.and_then(|source| source.lines().nth(at.0.saturating_sub(1)));
    if let Some(line) = line {
        let number = at.0.to_string();
        let (shown, caret) = excerpt(line, at.1, look.width.map(|width| width.saturating_sub(number.len() + 5)));
        let bar = |number: &str| look.paint(style::FAINT, &format!("{number} |"));
        text += &format!("  {} {shown}\n", bar(&number));
        text += &format!("  {} {}{}\n", bar(&" ".repeat(number.len())), " ".repeat(caret), look.paint(style::BAD.bold(), "^"));
    }
    text
}

/// The part of a line around a column, and how far in the caret stands.
fn excerpt(line: &str, column: usize, limit: Option<usize>) -> (String, usize) {
    let clean: Vec<char> = line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let column = column.saturating_sub(1).min(clean.len());
    let indent = clean.iter().take(column).take_while(|c| **c == ' ').count();
    let limit = limit.unwrap_or(usize::MAX).max(20);
    let before: String = clean[indent..column].iter().collect();
    let after: String = clean[column..].iter().collect();
    // Most of the room goes to what stands before the caret: that is what was being said.
    let keep = if fit::width(&before) + fit::width(&after) <= limit { usize::MAX } else { limit * 2 / 3 };
    let head = if fit::width(&before) <= keep {
        before
    } else {
        let tail = fit::take(before.chars().rev(), keep - 1).chars().rev().collect::<String>();
        format!("…{tail}")
    };
    let caret = fit::width(&head);
    let room = limit.saturating_sub(caret);
    let tail = if fit::width(&after) <= room { after } else { fit::take(after.chars(), room - 1) + "…" };
    (head + tail.as_str(), caret)
}

/// `label: text`, with the following lines of the text below its first.
fn labelled(label: &str, color: Role, text: &str, look: &Look) -> String {
    let indent = " ".repeat(label.len() + 4);
    let limit = look.width.map(|width| width.saturating_sub(indent.len()).max(24));
    let lines = fit::wrap(&fit::tame(&as_called(text)), limit);
    let mut out = format!("  {}: {}\n", look.paint(color, label), lines.first().map_or("", String::as_str));
    for line in lines.iter().skip(1) {
        out += &format!("{indent}{line}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn missing() -> Error {
        Error::new(Kind::NotFound, "pod \"wbe-1\" is not in namespace shop")
            .cause("the API server says: pods \"wbe-1\" not found")
            .hint("nearest names: web-1, web-2; list them with pods(\"shop\")")
    }

    #[test]
    fn a_failure_in_a_script_shows_the_line_and_the_way_there() {
        let source = "let ns = \"shop\";\n    for pod in names { jwks::stand_ins(pod) }\n";
        let frames = [Frame { function: "jwks::stand_ins".into(), file: "check.rhai".into(), at: Some((2, 24)) }];
        let error = missing();
        let diagnostic =
            Diagnostic { error: &error, file: "check.rhai", source: Some(source), at: Some((2, 24)), frames: &frames };
        insta::assert_snapshot!(render(&diagnostic, &Look::fitted(80)), @r#"
        error[not_found]: pod "wbe-1" is not in namespace shop
          at check.rhai:2:24
          2 | for pod in names { jwks::stand_ins(pod) }
            |                    ^
          in jwks::stand_ins at check.rhai:2:24
          cause: the API server says: pods "wbe-1" not found
          next: nearest names: web-1, web-2; list them with pods("shop")
        "#);
    }

    #[test]
    fn a_long_headline_goes_on_below_at_a_terminal_only() {
        let long =
            Error::new(Kind::NotFound, "no pod of deployment \"reviews\" in namespace bookinfo answers, and none was seen");
        insta::assert_snapshot!(error(&long, &Look::fitted(50)), @r#"
        error[not_found]: no pod of deployment "reviews"
            in namespace bookinfo answers, and none was
            seen
        "#);
        assert_eq!(error(&long, &Look::plain()).lines().count(), 1);
        let narrow = error(&Error::new(Kind::NotFound, "a-name-that-is-longer-than-the-line twice"), &Look::fitted(20));
        assert_eq!(narrow, "error[not_found]:\n    a-name-that-is-longer-than-the-line\n    twice\n");
    }

    #[test]
    fn a_failure_outside_of_scripts_has_no_place() {
        insta::assert_snapshot!(error(&missing(), &Look::plain()), @r#"
        error[not_found]: pod "wbe-1" is not in namespace shop
          cause: the API server says: pods "wbe-1" not found
          next: nearest names: web-1, web-2; list them with pods("shop")
        "#);
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let line = format!("{}HERE{}", "a".repeat(200), "b".repeat(200));
        let (shown, caret) = excerpt(&line, 201, Some(60));
        assert!(fit::width(&shown) <= 60 && shown.starts_with('…') && shown.ends_with('…'));
        assert_eq!(&shown.chars().skip(caret).take(4).collect::<String>(), "HERE");
    }

    #[test]
    fn the_caret_stands_under_wide_characters_and_past_the_end() {
        assert_eq!(excerpt("  網格(x)", 5, None), ("網格(x)".into(), 4));
        assert_eq!(excerpt("ab", 9, None), ("ab".into(), 2));
        assert_eq!(excerpt("\tab", 2, None), ("ab".into(), 0));
        assert_eq!(excerpt("", 1, Some(5)), (String::new(), 0));
    }

    #[test]
    fn a_position_past_the_source_is_no_panic() {
        let error = missing();
        let diagnostic = Diagnostic { error: &error, file: "", source: Some("x"), at: Some((7, 1)), frames: &[] };
        assert!(render(&diagnostic, &Look::plain()).contains("at 7:1\n"));
    }
}
