//! What the pieces of a script's text are, whether it is finished or not: for colours, brackets and completion.
//!
//! The language's own lexer reads the text, so that no word is coloured as something that the parser takes for another. It
//! reads from a stream that counts bytes, because its positions count characters, and only as far as 65,535.

use super::engine::is_free_word;
use rhai::{InputStream, LexError, Position, TokenizeState, get_next_token};
use std::ops::Range;

/// A piece of a text. Between pieces there is only white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which bytes of the text; both ends stand between characters.
    pub range: Range<usize>,
    /// What it is.
    pub kind: TokenKind,
}

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A word of the language: `let`, `if`, `true`.
    Keyword,
    /// A word that the language keeps for itself and has no use for: `match`, `default`.
    Reserved,
    /// The name of a variable, a function, a module or a property.
    Name,
    /// A number, with its sign where it has one.
    Number,
    /// Text in quotes, or a part of it that stands before, between or after `${}`.
    Text,
    /// Text in double or single quotes whose end is missing in its line.
    Unterminated,
    /// Text in back-ticks or in `#"…"#`, or whose line ends in `\`, that goes on in the next line.
    Unfinished,
    /// `${`
    InterpolationBegin,
    /// The `}` that closes a `${`.
    InterpolationEnd,
    /// `(`, `[`, `{`, `#{`, `?[`
    Open,
    /// `)`, `]`, `}`
    Close,
    /// `.` and `?.`, before a property or a method.
    Dot,
    /// `::`, behind a module.
    Path,
    /// `,`
    Comma,
    /// `:`, behind the name of a map's member.
    Colon,
    /// `;`
    Semicolon,
    /// Any other sign: `+`, `==`, `|`, `=>`.
    Operator,
    /// A comment, without the end of its line.
    Comment,
    /// A comment whose `*/` is missing.
    OpenComment,
    /// What the language cannot read.
    Wrong,
}

/// Words that the language keeps, and that are called like functions.
const CALLED: [&str; 9] = ["print", "debug", "type_of", "call", "curry", "is_def_fn", "is_def_var", "is_shared", "Fn"];

/// Whether the language keeps this word for a function of its own.
pub(super) fn is_own_function(word: &str) -> bool {
    CALLED.contains(&word)
}

/// The pieces of a text, in their order. Any text will do.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text);
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    stream: Stream<'a>,
    state: TokenizeState,
    tokens: Vec<Token>,
    /// The braces that are open within each `${`, the innermost last.
    interpolations: Vec<usize>,
    /// Whether the text before ended in the `$` of a `${`.
    begins: bool,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        let state = TokenizeState {
            max_string_len: None,
            next_token_cannot_be_unary: false,
            tokenizer_control: Default::default(),
            comment_level: 0,
            include_comments: true,
            is_within_text_terminated_by: None,
            last_token: None,
        };
        Self { stream: Stream { text, at: 0 }, state, tokens: Vec::new(), interpolations: Vec::new(), begins: false }
    }

    /// Take one piece; `false` at the end.
    fn step(&mut self) -> bool {
        let inside = self.state.is_within_text_terminated_by.is_some();
        if !inside {
            self.stream.skip_space();
            if let Some((end, kind)) = self.stream.comment() {
                self.push(self.stream.at, end, kind);
                self.stream.at = end;
                return true;
            }
        }
        let start = self.stream.at;
        if start == self.stream.text.len() {
            return false;
        }
        // Each piece is the first of its line: what the language says of places is not used.
        let (token, _) = get_next_token(&mut self.stream, &mut self.state, &mut Position::new(1, 0));
        if self.stream.at == start {
            return false;
        }
        self.take(start, &token);
        true
    }

    fn take(&mut self, start: usize, token: &rhai::Token) {
        use TokenKind as K;
        use rhai::Token as T;
        let end = self.stream.at;
        let kind = match token {
            T::InterpolatedString(_) => {
                self.begins = true;
                return self.push(start, end - 1, K::Text);
            }
            T::LeftBrace | T::MapStart => return self.open_brace(start, end),
            T::RightBrace => self.close_brace(),
            T::Unit => {
                self.push(start, start + 1, K::Open);
                return self.push(start + 1, end, K::Close);
            }
            T::StringConstant(_) if self.state.is_within_text_terminated_by.take().is_some() => K::Unfinished,
            T::LexError(error) => return self.wrong(start, error),
            token => kind(token),
        };
        self.push(start, end, kind);
    }

    fn open_brace(&mut self, start: usize, end: usize) {
        if std::mem::take(&mut self.begins) {
            self.interpolations.push(1);
            return self.push(start - 1, end, TokenKind::InterpolationBegin);
        }
        if let Some(open) = self.interpolations.last_mut() {
            *open += 1;
        }
        self.push(start, end, TokenKind::Open);
    }

    fn close_brace(&mut self) -> TokenKind {
        let Some(open) = self.interpolations.last_mut() else { return TokenKind::Close };
        *open -= 1;
        if *open > 0 {
            return TokenKind::Close;
        }
        self.interpolations.pop();
        self.state.is_within_text_terminated_by = Some("`".into());
        TokenKind::InterpolationEnd
    }

    /// What the lexer stopped at.
    fn wrong(&mut self, start: usize, error: &LexError) {
        self.state.is_within_text_terminated_by = None;
        let (text, end) = (self.stream.text, self.stream.at);
        let quote = text[start..].chars().next().filter(|first| ['"', '\''].contains(first));
        match (error, quote) {
            (LexError::UnterminatedString, Some(_)) => {
                let end = start + text[start..end].trim_end_matches(['\r', '\n']).len();
                self.push(start, end, TokenKind::Unterminated);
            }
            (LexError::MalformedEscapeSequence(_), Some(quote)) => self.wrong_escape(start, quote),
            _ => self.push(start, start + text[start..end].trim_end_matches(['\r', '\n']).len(), TokenKind::Wrong),
        }
    }

    /// An escape that the language does not know: only it is wrong, and the text goes on to its quote.
    fn wrong_escape(&mut self, start: usize, quote: char) {
        let (text, end) = (self.stream.text, self.stream.at);
        let escape = text[start..end].rfind('\\').map_or(start, |at| start + at);
        // What broke a longer escape off may be the quote itself.
        let broken = text[escape..end].char_indices().nth(2).map_or(end, |(at, _)| escape + at);
        let (close, closed) = closing(text, broken, quote);
        self.stream.at = close;
        if !closed {
            return self.push(start, close, TokenKind::Unterminated);
        }
        self.push(start, escape, TokenKind::Text);
        self.push(escape, broken, TokenKind::Wrong);
        self.push(broken, close, TokenKind::Text);
    }

    fn push(&mut self, start: usize, end: usize, kind: TokenKind) {
        if start < end {
            self.tokens.push(Token { range: start..end, kind });
        }
    }
}

/// Where a text in quotes ends, and whether its quote stands there.
fn closing(text: &str, from: usize, quote: char) -> (usize, bool) {
    let mut escaped = false;
    for (at, c) in text[from..].char_indices() {
        match c {
            '\n' => return (from + at, false),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return (from + at + 1, true),
            _ => {}
        }
    }
    (text.len(), false)
}

fn kind(token: &rhai::Token) -> TokenKind {
    use TokenKind as K;
    use rhai::Token as T;
    match token {
        T::IntegerConstant(_) | T::FloatConstant(_) => K::Number,
        T::StringConstant(_) | T::CharConstant(_) => K::Text,
        T::Identifier(_) | T::Underscore => K::Name,
        T::Reserved(word) => reserved(word),
        T::LeftParen | T::LeftBracket | T::QuestionBracket => K::Open,
        T::RightParen | T::RightBracket => K::Close,
        T::Period | T::Elvis => K::Dot,
        T::DoubleColon => K::Path,
        T::Comma => K::Comma,
        T::Colon => K::Colon,
        T::SemiColon => K::Semicolon,
        T::Switch => K::Keyword,
        token if token.is_standard_keyword() => K::Keyword,
        _ => K::Operator,
    }
}

fn reserved(word: &str) -> TokenKind {
    match word {
        "this" => TokenKind::Keyword,
        word if is_free_word(word) || CALLED.contains(&word) => TokenKind::Name,
        word if word.starts_with(|first: char| first.is_alphabetic()) => TokenKind::Reserved,
        _ => TokenKind::Wrong,
    }
}

/// The characters of a text, and how many bytes were taken.
struct Stream<'a> {
    text: &'a str,
    at: usize,
}

impl Stream<'_> {
    /// White space as the language knows it.
    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
    }

    /// Where the comment ends that stands here, if one does. The lexer gives only some of them.
    fn comment(&self) -> Option<(usize, TokenKind)> {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
            return Some((self.at + end, TokenKind::Comment));
        }
        if !rest.starts_with("/*") {
            return None;
        }
        // `/**` begins one as a whole: `/**/` does not end it.
        let (mut depth, mut at) = (1_usize, if rest.starts_with("/**") { 3 } else { 2 });
        while depth > 0 {
            let Some(close) = rest[at..].find("*/") else { return Some((self.text.len(), TokenKind::OpenComment)) };
            let open = rest[at..].find("/*").filter(|open| *open < close);
            depth = if open.is_some() { depth + 1 } else { depth - 1 };
            at += open.unwrap_or(close) + 2;
        }
        Some((self.at + at, TokenKind::Comment))
    }
}

impl InputStream for Stream<'_> {
    fn unget(&mut self, ch: char) {
        self.at -= ch.len_utf8();
    }

    fn get_next(&mut self) -> Option<char> {
        let next = self.peek_next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn peek_next(&mut self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each piece with the first letters of its kind, as people would mark it.
    fn told(text: &str) -> String {
        let pieces: Vec<String> =
            tokens(text).iter().map(|token| format!("{:?}<{}>", token.kind, &text[token.range.clone()])).collect();
        pieces.join(" ")
    }

    #[test]
    fn the_pieces_of_ordinary_code() {
        assert_eq!(
            told("let e = pods(\"shop\")?.len() - -5; // all"),
            "Keyword<let> Name<e> Operator<=> Name<pods> Open<(> Text<\"shop\"> Close<)> Dot<?.> Name<len> Open<(> Close<)> \
             Operator<-> Number<-5> Semicolon<;> Comment<// all>"
        );
        assert_eq!(
            told("jwks::x(#{ a: 0x1f, b: 1.5e3 })"),
            "Name<jwks> Path<::> Name<x> Open<(> Open<#{> Name<a> Colon<:> Number<0x1f> Comma<,> Name<b> Colon<:> Number<1.5e3> \
             Close<}> Close<)>"
        );
        assert_eq!(told("this match sync print switch"), "Keyword<this> Reserved<match> Name<sync> Name<print> Keyword<switch>");
    }

    #[test]
    fn interpolations_are_code_and_the_text_round_them_is_text() {
        assert_eq!(
            told("`a ${#{x: `in ${1}`}.x} é`; 1"),
            "Text<`a > InterpolationBegin<${> Open<#{> Name<x> Colon<:> Text<`in > InterpolationBegin<${> Number<1> \
             InterpolationEnd<}> Text<`> Close<}> Dot<.> Name<x> InterpolationEnd<}> Text< é`> Semicolon<;> Number<1>"
        );
        assert_eq!(
            told("`${a} ${b"),
            "Text<`> InterpolationBegin<${> Name<a> InterpolationEnd<}> Text< > InterpolationBegin<${> Name<b>"
        );
        assert_eq!(told("`${a} \" x"), "Text<`> InterpolationBegin<${> Name<a> InterpolationEnd<}> Unfinished< \" x>");
    }

    #[test]
    fn what_is_not_closed_is_told() {
        assert_eq!(told("f(\"ab\n c"), "Name<f> Open<(> Unterminated<\"ab> Name<c>");
        assert_eq!(told("`ab\n c"), "Unfinished<`ab\n c>");
        assert_eq!(told("#\"ab\n\" c"), "Unfinished<#\"ab\n\" c>");
        assert_eq!(told("\"ab\\"), "Unfinished<\"ab\\>");
        assert_eq!(told("1 /* a /* b */"), "Number<1> OpenComment</* a /* b */>");
        assert_eq!(told("1 /* a /* b */ */ /*** 2 */ 3"), "Number<1> Comment</* a /* b */ */> Comment</*** 2 */> Number<3>");
    }

    #[test]
    fn an_escape_that_does_not_exist_is_the_only_thing_wrong() {
        assert_eq!(told("\"a\\qb\" + 1"), "Text<\"a> Wrong<\\q> Text<b\"> Operator<+> Number<1>");
        assert_eq!(told("\"a\\x4\" + 1"), "Text<\"a> Wrong<\\x> Text<4\"> Operator<+> Number<1>");
        assert_eq!(told("\"a\\qb\n1"), "Unterminated<\"a\\qb> Number<1>");
        assert_eq!(told("a § -> b"), "Name<a> Wrong<§> Wrong<->> Name<b>");
    }

    /// Pieces stand in order, overlap nowhere, end between characters, and leave only white space out.
    fn is_sound(text: &str) {
        let mut end = 0;
        for token in tokens(text) {
            assert!(token.range.start >= end && token.range.end > token.range.start, "{token:?} of {text:?}");
            assert!(text.is_char_boundary(token.range.start) && text.is_char_boundary(token.range.end), "{token:?} of {text:?}");
            assert!(text[end..token.range.start].chars().all(|c| c.is_ascii_whitespace()), "{token:?} of {text:?}");
            end = token.range.end;
        }
        assert!(text[end..].chars().all(|c| c.is_ascii_whitespace()), "the rest of {text:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            is_sound(&text);
        }

        #[test]
        fn any_pieces_of_code_are_taken(
            pieces in proptest::collection::vec(prop::sample::select(PIECES.to_vec()), 0..30)
        ) {
            is_sound(&pieces.concat());
        }

        /// What the parser takes holds nothing wrong and leaves nothing open.
        #[test]
        fn what_compiles_is_right(pieces in proptest::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12)) {
            use TokenKind::{Reserved, Unfinished, Unterminated, Wrong};
            let text = pieces.concat();
            if rhai::Engine::new_raw().compile(&text).is_ok() {
                let bad = tokens(&text).into_iter().find(|token| [Reserved, Unfinished, Unterminated, Wrong].contains(&token.kind));
                prop_assert_eq!(bad, None, "{:?}", text);
            }
        }
    }

    const PIECES: [&str; 44] = [
        "let ", "x", "é", "1", "-2", "1.", "0x", "1e", "\"", "\"a\"", "`", "`a`", "${", "$", "{", "}", "#{", "#", "#\"", "\"#",
        "'", "'c'", "(", ")", "[", "]", "\\", "\\q", "\\x4", "//", "/*", "*/", "/**", "\n", "\r\n", " ", "::", "?.", "!in", "->",
        "match", "🎉", "\u{301}", ";",
    ];
}
