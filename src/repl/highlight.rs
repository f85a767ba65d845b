//! Colours of an input while it is typed: what each piece is, whether there is such a function, and which brackets match.

use super::command;
use super::known::{Known, declared};
use crate::host::{Token, TokenKind, tokens};
use crate::render::style::{self, COMMENT, FUNCTION, KEYWORD, NUMBER, STRING, UNKNOWN};
use crate::render::{Look, theme};
use std::fmt::Write;
use theme::Role;

/// An input, taken apart. Cheap to ask for its colours again, with the cursor elsewhere.
pub struct Painted {
    text: String,
    pieces: Vec<Piece>,
    /// For each piece the bracket that belongs to it, by its place among the pieces.
    pairs: Vec<Option<usize>>,
}

struct Piece {
    token: Token,
    role: Option<Role>,
    /// A name that is not known: while the cursor stands behind it, it is still being typed.
    doubtful: bool,
}

impl Painted {
    /// Take an input apart.
    pub fn new(text: &str, known: &Known) -> Self {
        let tokens = tokens(text);
        let pairs = pairs(text, &tokens);
        let own = declared(text, &tokens);
        let role = |at: usize| role(text, &tokens, at, &pairs, &|name, use_| known.is(name, use_) || own.has(name, use_));
        let mut pieces: Vec<Piece> = Vec::with_capacity(tokens.len());
        for (at, token) in tokens.iter().enumerate() {
            let role = role(at);
            let doubtful = token.kind == TokenKind::Name && role == Some(UNKNOWN);
            pieces.push(Piece { token: token.clone(), role, doubtful });
        }
        Self { text: text.to_owned(), pieces, pairs }
    }

    /// Of which text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The two brackets, one of them at the cursor or before it, as bytes of the text.
    pub fn brackets(&self, cursor: usize) -> Option<(usize, usize)> {
        let place = |at: usize| self.pieces[at].token.range.start;
        let under = self.pieces.partition_point(|piece| piece.token.range.end <= cursor);
        let candidates = [Some(under).filter(|at| *at < self.pieces.len()), under.checked_sub(1)];
        candidates.into_iter().flatten().find_map(|at| {
            let range = &self.pieces[at].token.range;
            let other = self.pairs[at].filter(|_| range.start <= cursor && cursor <= range.end)?;
            Some((place(at), place(other)))
        })
    }

    /// Whether the cursor stands in text, or where one ends.
    pub fn is_in_text(&self, cursor: usize) -> bool {
        use TokenKind as K;
        let at = self.pieces.partition_point(|piece| piece.token.range.end < cursor);
        self.pieces.get(at).is_some_and(|piece| {
            piece.token.range.start < cursor && matches!(piece.token.kind, K::Text | K::Unterminated | K::Unfinished)
        })
    }

    /// The input in colours. Without them it is the same text.
    pub fn paint(&self, look: &Look, cursor: usize, brackets: Option<(usize, usize)>) -> String {
        let mut out = String::with_capacity(self.text.len() * 2);
        let mut end = 0;
        for piece in &self.pieces {
            let range = piece.token.range.clone();
            out.push_str(&self.text[end..range.start]);
            end = range.end;
            let typed = &self.text[range.clone()];
            let is_bracket = brackets.is_some_and(|(one, other)| range.start == one || range.start == other);
            let role = if is_bracket { Some(style::BRACKET) } else { piece.role };
            match role.filter(|_| look.color && !(piece.doubtful && range.end == cursor)) {
                Some(role) => {
                    let style = look.style(role);
                    // A text takes whatever is written.
                    let _ = write!(out, "{style}{typed}{style:#}");
                }
                None => out.push_str(typed),
            }
        }
        out.push_str(&self.text[end..]);
        out
    }
}

/// A command to the session: its name, and whatever stands behind it.
pub fn command(look: &Look, line: &str) -> String {
    let name = line.trim_start().trim_start_matches(':');
    let end = name.find(char::is_whitespace).unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let begins = || command::COMMANDS.iter().flat_map(|command| command.names).any(|known| known.starts_with(name));
    let role = match command::find(name) {
        Some(_) => Some(FUNCTION),
        None if rest.is_empty() && begins() => None,
        None => Some(UNKNOWN),
    };
    let typed = &line[..line.len() - rest.len()];
    role.map_or_else(|| line.to_owned(), |role| look.paint(role, typed) + rest)
}

/// How a name is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// `name(…)`
    Function,
    /// `value.name(…)`
    Method,
    /// `name::`
    Module,
    /// `name`
    Variable,
}

fn role(text: &str, tokens: &[Token], at: usize, pairs: &[Option<usize>], is_known: &dyn Fn(&str, Use) -> bool) -> Option<Role> {
    use TokenKind as K;
    match tokens[at].kind {
        K::Keyword => Some(KEYWORD),
        K::Number => Some(NUMBER),
        K::Text | K::Unfinished => Some(STRING),
        K::Comment | K::OpenComment => Some(COMMENT),
        K::Reserved | K::Unterminated | K::Wrong => Some(UNKNOWN),
        K::InterpolationBegin | K::InterpolationEnd => Some(KEYWORD),
        K::Close if pairs[at].is_none() => Some(UNKNOWN),
        K::Name => name(text, tokens, at, is_known),
        _ => None,
    }
}

fn name(text: &str, tokens: &[Token], at: usize, is_known: &dyn Fn(&str, Use) -> bool) -> Option<Role> {
    use TokenKind as K;
    let piece = |at: usize| &text[tokens[at].range.clone()];
    let name = piece(at);
    let before = at.checked_sub(1).map(|before| tokens[before].kind);
    let after = tokens.get(at + 1).map(|after| after.kind);
    let called = after == Some(K::Open) && piece(at + 1) == "(";
    let told = |known: bool| Some(if known { FUNCTION } else { UNKNOWN });
    match (before, after) {
        // A member of a map, a part of a switch.
        (_, Some(K::Colon)) => None,
        (_, Some(K::Path)) => told(is_known(name, Use::Module)),
        (Some(K::Path), _) if called => {
            let module = at.checked_sub(2).map(piece).unwrap_or_default();
            told(is_known(&format!("{module}::{name}"), Use::Function))
        }
        (Some(K::Path), _) => None,
        (Some(K::Dot), _) if called => told(is_known(name, Use::Method)),
        (Some(K::Dot), _) => None,
        _ if called => told(is_known(name, Use::Function)),
        _ if is_known(name, Use::Variable) => None,
        _ => Some(UNKNOWN),
    }
}

/// Which brackets belong together, by their places among the pieces.
fn pairs(text: &str, tokens: &[Token]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut pairs = vec![None; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open | TokenKind::InterpolationBegin => open.push(at),
            TokenKind::Close | TokenKind::InterpolationEnd => {
                let ends = |begin: usize| closing(&text[tokens[begin].range.clone()]) == &text[token.range.clone()];
                if let Some(begin) = open.pop_if(|begin| ends(*begin)) {
                    pairs[begin] = Some(at);
                    pairs[at] = Some(begin);
                }
            }
            _ => {}
        }
    }
    pairs
}

fn closing(open: &str) -> &'static str {
    match open.as_bytes().last() {
        Some(b'(') => ")",
        Some(b'[') => "]",
        _ => "}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pilotage;
    use crate::backend::demo;
    use proptest::prelude::*;
    use std::sync::{Arc, LazyLock};

    static ENGINE: LazyLock<Arc<Pilotage>> = LazyLock::new(|| {
        let engine = Pilotage::builder(Arc::new(demo().expect("the demo tape"))).build().expect("an engine");
        engine.eval("let mine = 1; fn double(x) { x * 2 }").expect("it runs");
        Arc::new(engine)
    });

    fn known() -> Known {
        Known::new(ENGINE.clone())
    }

    const COLORS: Look = Look { color: true, ..Look::plain() };

    /// The pieces with a role: `role:text`.
    fn told(text: &str) -> String {
        let painted = Painted::new(text, &known());
        let named = |piece: &Piece| Some(format!("{}:{}", piece.role?.name(), &text[piece.token.range.clone()]));
        painted.pieces.iter().filter_map(named).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn functions_that_exist_are_told_from_those_that_do_not() {
        assert_eq!(told("pods().filter(|p| p.x).nosuch()"), "function:pods function:filter unknown:nosuch");
        assert_eq!(told("podz(); double(mine); half(mine)"), "unknown:podz function:double unknown:half");
        assert_eq!(
            told("jwks::stand_ins(1); jwks::no(1); no::x(2)").replace("number:1 ", ""),
            "function:jwks function:stand_ins function:jwks unknown:no unknown:no unknown:x number:2"
        );
        assert_eq!(
            told("jwks::stand_ins(1) + jwks(1)").replace("number:1 ", ""),
            "function:jwks function:stand_ins unknown:jwks number:1"
        );
        assert_eq!(told("print(type_of(mine))"), "function:print function:type_of");
        assert_eq!(told("fn f(a) { a } f(mine)"), "keyword:fn function:f function:f");
        assert_eq!(told("import `x` as y; y::z(mine)"), "keyword:import string:`x` keyword:as unknown:y function:y function:z");
    }

    #[test]
    fn variables_are_those_in_scope_and_those_that_the_input_declares() {
        assert_eq!(told("mine + other"), "unknown:other");
        assert_eq!(
            told("let a = mine; for (x, i) in a { x + i } for y in a { y }"),
            "keyword:let keyword:for keyword:in keyword:for keyword:in"
        );
        assert_eq!(told("try { mine } catch (e) { e.kind }"), "keyword:try keyword:catch");
        assert_eq!(told("mine.map(|a, b| a + b) | mine"), "function:map");
        assert_eq!(told("#{ a: mine, b: mine }.a"), "");
        assert_eq!(told("switch mine { 1 => mine, _ => mine }"), "keyword:switch number:1");
    }

    #[test]
    fn text_numbers_comments_and_what_is_wrong_have_roles() {
        assert_eq!(told("`a ${mine} b` + 1.5 // c"), "string:`a  keyword:${ keyword:} string: b` number:1.5 comment:// c");
        assert_eq!(told("\"open"), "unknown:\"open");
        assert_eq!(told("`goes on"), "string:`goes on");
        assert_eq!(told("match § ("), "unknown:match unknown:§");
        assert_eq!(told("(mine] }"), "unknown:] unknown:}");
    }

    #[test]
    fn a_name_that_is_being_typed_is_not_called_wrong() {
        let painted = Painted::new("pod", &known());
        assert_eq!(painted.paint(&COLORS, 3, None), "pod");
        assert_ne!(painted.paint(&COLORS, 0, None), "pod");
    }

    #[test]
    fn brackets_match_at_the_cursor_and_before_it() {
        let painted = Painted::new("f(a[1], `)${b}`)", &known());
        assert_eq!(painted.brackets(1), Some((1, 15)));
        assert_eq!(painted.brackets(16), Some((15, 1)), "behind the last one");
        assert_eq!(painted.brackets(6), Some((5, 3)));
        assert_eq!(painted.brackets(9), None, "text is no code");
        assert_eq!(painted.brackets(10), Some((10, 13)));
        assert_eq!(painted.brackets(0), None);
        let shown = painted.paint(&COLORS, 1, Some((1, 15)));
        assert_eq!(shown.matches("\u{1b}[1m\u{1b}[4m").count(), 2, "{shown:?}");
    }

    #[test]
    fn a_cursor_in_text_is_told_from_one_in_code() {
        let text = "f(\"a\", `b${c}d`) + \"e";
        let painted = Painted::new(text, &known());
        let inside: Vec<usize> = (0..=text.len()).filter(|at| painted.is_in_text(*at)).collect();
        assert_eq!(inside, [3, 4, 5, 8, 9, 14, 15, 20, 21], "{text}");
    }

    #[test]
    fn commands_are_known_or_not() {
        let painted = |line: &str| command(&COLORS, line);
        assert_eq!(painted(":help pods"), format!("{} pods", COLORS.paint(FUNCTION, ":help")));
        assert_eq!(painted(":hel"), ":hel");
        assert_eq!(painted(":hel x"), format!("{} x", COLORS.paint(UNKNOWN, ":hel")));
        assert_eq!(painted(":nosuch"), COLORS.paint(UNKNOWN, ":nosuch"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

        /// Without its colours it is the same text, whatever it is.
        #[test]
        fn colours_change_no_text(text in "[a-z(){}\\[\\]`\"'${}#/*|.:;, \n\u{300}é世🎉\u{1b}0-9]{0,40}|\\PC{0,30}", at in 0..40_usize) {
            let painted = Painted::new(&text, &known());
            let cursor = at.min(text.len());
            let brackets = painted.brackets(cursor);
            let shown = painted.paint(&COLORS, cursor, brackets);
            prop_assert_eq!(without_colors(&shown, &text), text.clone());
            prop_assert_eq!(painted.paint(&Look::plain(), cursor, brackets), text);
        }
    }

    /// Take away what `paint` writes round a piece; an escape that was typed stays.
    fn without_colors(shown: &str, typed: &str) -> String {
        let mut styles: Vec<String> = Role::ALL.iter().map(|role| COLORS.style(*role).to_string()).collect();
        styles.sort_by_key(|style| std::cmp::Reverse(style.len()));
        let (mut out, mut rest, mut left) = (String::new(), shown, typed);
        while let Some(c) = rest.chars().next() {
            let style =
                styles.iter().map(String::as_str).chain(["\u{1b}[0m"]).find(|style| !style.is_empty() && rest.starts_with(style));
            match style {
                Some(style) if !left.starts_with(style) => rest = &rest[style.len()..],
                _ => {
                    out.push(c);
                    rest = &rest[c.len_utf8()..];
                    left = left.strip_prefix(c).unwrap_or(left);
                }
            }
        }
        out
    }
}
