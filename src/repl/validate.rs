//! What Enter does: take the input, or begin another line of it, and how far that one is indented.

use crate::host::{Token, TokenKind, tokens};
use std::ops::Range;

/// One level.
const STEP: usize = 4;

/// What a press of Enter means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enter {
    /// The input is whole, or somebody insists: evaluate it.
    Take,
    /// This is put in: a line end, and the blanks that the next line begins with.
    Break(String),
}

/// What Enter means with the cursor there. In any line but the last it begins another one, so that a text can be changed in its
/// middle; in the last it takes what the parser takes. An empty last line insists: then the parser says what is missing.
pub fn enter(text: &str, cursor: usize, is_incomplete: impl FnOnce(&str) -> bool) -> Enter {
    let (before, after) = text.split_at(cursor);
    let in_the_middle = after.trim_end().contains('\n');
    if in_the_middle || (!is_forced(text) && is_incomplete(text)) {
        return Enter::Break(line_break(before, after));
    }
    Enter::Take
}

/// Whether the last line is there and empty.
pub fn is_forced(text: &str) -> bool {
    text.rsplit_once('\n').is_some_and(|(_, last)| last.trim().is_empty())
}

/// A line end, and as many blanks as fit what is open there.
pub fn line_break(before: &str, after: &str) -> String {
    let pieces = tokens(before);
    if goes_on(&pieces) {
        return "\n".into();
    }
    let closes = after.trim_start_matches(' ').starts_with(['}', ')', ']']);
    let blanks = match innermost(before, &pieces) {
        Some(open) => blanks_of(before, line_at(before, open)) + if closes { 0 } else { STEP },
        None => blanks_of(before, line_at(before, before.len())),
    };
    format!("\n{}", " ".repeat(blanks))
}

/// What the line becomes where a bracket is closed: that many blanks before the bracket. Nothing, when the line holds more than
/// blanks or is the only one.
pub fn dedent(before: &str) -> Option<usize> {
    let line = line_at(before, before.len());
    // Before the pieces are looked at: most brackets close nothing but a call.
    if line.start == 0 || before[line.clone()].is_empty() || !before[line].trim().is_empty() {
        return None;
    }
    let pieces = tokens(before);
    if goes_on(&pieces) {
        return None;
    }
    Some(blanks_of(before, line_at(before, innermost(before, &pieces)?)))
}

/// Whether blanks would become part of a text or a comment.
fn goes_on(pieces: &[Token]) -> bool {
    pieces.last().is_some_and(|last| matches!(last.kind, TokenKind::Unfinished | TokenKind::OpenComment))
}

/// Where the bracket stands that is open at the end.
fn innermost(text: &str, pieces: &[Token]) -> Option<usize> {
    let mut open = Vec::new();
    for piece in pieces {
        match piece.kind {
            TokenKind::Open | TokenKind::InterpolationBegin => open.push(piece.range.start),
            TokenKind::Close | TokenKind::InterpolationEnd => drop(open.pop()),
            _ => {}
        }
    }
    open.pop().filter(|at| *at < text.len())
}

/// The line that a place is in, without its end.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    start..end
}

fn blanks_of(text: &str, line: Range<usize>) -> usize {
    let line = &text[line];
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` marks the cursor.
    fn pressed(marked: &str, incomplete: bool) -> Enter {
        let cursor = marked.find('|').expect("a cursor");
        enter(&marked.replacen('|', "", 1), cursor, |_| incomplete)
    }

    fn breaks(blanks: usize) -> Enter {
        Enter::Break(format!("\n{}", " ".repeat(blanks)))
    }

    #[test]
    fn a_whole_input_is_taken_wherever_the_cursor_is_in_its_last_line() {
        for text in ["1|", "|pods()", "po|ds()", "if a {\n    b\n}|", "if a {\n    b\n|}", "let a = 1\n\n|a", "|"] {
            assert_eq!(pressed(text, false), Enter::Take, "{text}");
        }
    }

    #[test]
    fn in_the_middle_of_several_lines_a_line_begins() {
        assert_eq!(pressed("if a {|\n    b\n}", false), breaks(4));
        assert_eq!(pressed("if a {\n    b|\n}", false), breaks(4));
        assert_eq!(pressed("a|\nb", false), breaks(0));
        assert_eq!(pressed("a|\n\n", false), Enter::Take, "empty lines behind it are no lines");
    }

    #[test]
    fn what_is_open_is_indented_once_a_line() {
        assert_eq!(pressed("fn f() {|", true), breaks(4));
        assert_eq!(pressed("let x = f(#{|", true), breaks(4));
        assert_eq!(pressed("fn f() {\n    if a {|", true), breaks(8));
        assert_eq!(pressed("fn f() {\n    if a {\n        b\n    }|", true), breaks(4));
        assert_eq!(pressed("pods()\n    .len() +|", true), breaks(4), "as the line before");
        assert_eq!(pressed("[1,|]", true), breaks(0));
        assert_eq!(pressed("let a =|", true), breaks(0));
        assert_eq!(pressed("`{[(${f(|", true), breaks(4), "only the brackets of code count");
    }

    #[test]
    fn text_and_comments_that_go_on_are_not_indented() {
        assert_eq!(pressed("f({ `abc|", true), breaks(0));
        assert_eq!(pressed("f({ /* abc|", true), breaks(0));
        assert_eq!(pressed("f({ `a|\nb` })", false), breaks(0));
    }

    #[test]
    fn an_empty_last_line_insists() {
        assert_eq!(pressed("[1, 2\n    |", true), Enter::Take);
        assert_eq!(pressed("[1, 2\n|", true), Enter::Take);
        assert_eq!(pressed("[1, 2\n    |3", true), breaks(4));
    }

    #[test]
    fn a_closing_bracket_goes_back_to_where_its_line_began() {
        assert_eq!(dedent("if a {\n    "), Some(0));
        assert_eq!(dedent("if a {\n    if b {\n        "), Some(4));
        for text in ["if a {\n    b", "    ", "a\n    ", "if a {\n", "`{\n    "] {
            assert_eq!(dedent(text), None, "{text}");
        }
    }
}
