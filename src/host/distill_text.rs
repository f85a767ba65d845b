//! Cutting and quoting a script's text.

use super::tokens::{Token, TokenKind, tokens};
use rhai::Position;
use std::ops::Range;

/// Where a place lies in a text; nothing when it has none, or lies outside.
pub(super) fn offset(source: &str, at: Position) -> Option<usize> {
    let (line, column) = (at.line()?, at.position().unwrap_or(1));
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let line = source.get(start..)?.split('\n').next()?;
    let inside = line.char_indices().map(|(index, _)| index).chain([line.len()]).nth(column - 1)?;
    Some(start + inside)
}

/// The piece of the text that begins here.
pub(super) fn piece_at(source: &str, start: usize) -> Option<Range<usize>> {
    tokens(source).into_iter().map(|token| token.range).find(|range| range.start == start)
}

/// From here to the bracket that closes the first one.
pub(super) fn to_closing(source: &str, start: usize) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    for token in tokens(source).into_iter().filter(|token| token.range.start >= start) {
        depth = deeper(depth, &token);
        if depth == 0 && token.kind == TokenKind::Close {
            return Some(start..token.range.end);
        }
    }
    None
}

/// How long a text is without what follows its last code: comments, white space, semicolons.
pub(super) fn code_length(source: &str) -> usize {
    let code = |token: &&Token| !matches!(token.kind, TokenKind::Comment | TokenKind::OpenComment | TokenKind::Semicolon);
    tokens(source).iter().rev().find(code).map_or(0, |token| token.range.end)
}

/// Where a text may be cut in two: behind semicolons and closing braces that stand in no bracket.
pub(super) fn cuts(source: &str) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for token in tokens(source) {
        depth = deeper(depth, &token);
        let closes = token.kind == TokenKind::Close && source[token.range.clone()] == *"}";
        if depth == 0 && (closes || token.kind == TokenKind::Semicolon) {
            found.push(token.range.end);
        }
    }
    found
}

fn deeper(depth: usize, token: &Token) -> usize {
    match token.kind {
        TokenKind::Open | TokenKind::InterpolationBegin => depth + 1,
        TokenKind::Close | TokenKind::InterpolationEnd => depth.saturating_sub(1),
        _ => depth,
    }
}

/// A text as a literal of the language.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_only_outside_of_brackets() {
        let source = "let a = #{b: `;${1}`}; fn f() { 1; 2 } f(\";\") // ; end";
        let cut: Vec<&str> = cuts(source).into_iter().map(|at| &source[..at]).collect();
        assert_eq!(cut, ["let a = #{b: `;${1}`}", "let a = #{b: `;${1}`};", "let a = #{b: `;${1}`}; fn f() { 1; 2 }"]);
        assert_eq!(&source[..code_length(source)], "let a = #{b: `;${1}`}; fn f() { 1; 2 } f(\";\")");
        assert_eq!(&source[to_closing(source, 8).unwrap()], "#{b: `;${1}`}");
    }

    #[test]
    fn places_are_counted_in_characters() {
        let source = "let é = 1;\nlet ü = \"é\" + x;";
        let at = |line, column| offset(source, Position::new(line, column)).map(|at| &source[at..]);
        assert_eq!((at(1, 5), at(2, 15), at(2, 99), at(9, 2)), (Some("é = 1;\nlet ü = \"é\" + x;"), Some("x;"), None, None));
        assert_eq!(piece_at(source, source.find('"').unwrap()).map(|range| &source[range]), Some("\"é\""));
    }

    #[test]
    fn quoted_text_reads_back() {
        for text in ["a", "a\"b\\c", "line\nline\t", "⟨é⟩ \u{7}", "${x}"] {
            assert_eq!(rhai::Engine::new().eval::<String>(&quoted(text)).unwrap(), text);
        }
    }
}
