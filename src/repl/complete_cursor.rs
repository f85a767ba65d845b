//! Where in a text the cursor stands: what is being typed, and what it stands in.

use crate::host::{Token, TokenKind as K, tokens};
use std::ops::Range;

/// The text before the cursor, in pieces, without the word that is being typed.
pub struct Cursor<'a> {
    /// The text up to the cursor.
    pub text: &'a str,
    /// Its pieces, without comments and without what is being typed.
    pub tokens: Vec<Token>,
    /// Where that begins.
    pub start: usize,
    /// What stands there.
    pub spot: Spot,
    /// What the cursor stands in, the innermost last.
    pub frames: Vec<Frame>,
}

/// What stands at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// Nothing that could be completed: a comment, a number, a new name.
    Nothing,
    /// The beginning of an expression or a statement.
    Name,
    /// A name of this module.
    Module(String),
    /// A field or a method: the piece with this number ends what stands before the dot.
    Member(usize),
    /// The number of a result: in `out[…]`, where nothing or a number is typed.
    Result,
    /// A key of a map.
    Key,
    /// Text, begun with this quote.
    Text(char),
}

/// What is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Open,
    /// The number of the piece that opened it.
    pub at: usize,
    /// The number of the piece that the part at hand begins with: behind the opening, or the last comma.
    pub part: usize,
    /// How many commas came before it.
    pub commas: usize,
    /// In a map: the key whose value the cursor stands in.
    pub key: Option<String>,
    /// In a map: all keys so far.
    pub keys: Vec<String>,
}

/// What a bracket opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// The arguments of a call: the piece before it is the function's name.
    Call,
    /// The parameters of a function that is being written.
    Params,
    /// A bracket round an expression.
    Group,
    /// `[` behind a value.
    Index,
    /// A list.
    List,
    /// A map.
    Map,
    /// Statements.
    Block,
}

impl<'a> Cursor<'a> {
    /// Read the text up to the cursor.
    pub fn read(line: &'a str, pos: usize) -> Self {
        let text = &line[..pos];
        let mut pieces = tokens(text);
        let last = pieces.last().map(|last| (last.kind, last.range.clone()));
        pieces.retain(|piece| !matches!(piece.kind, K::Comment | K::OpenComment));
        let touches = |range: &Range<usize>| range.end == pos;
        let mut cursor = Self { text, tokens: pieces, start: pos, spot: Spot::Nothing, frames: Vec::new() };
        match last {
            Some((K::OpenComment, _)) => return cursor,
            Some((K::Comment, range)) if touches(&range) => return cursor,
            Some((K::Unterminated | K::Unfinished, range)) => {
                cursor.tokens.pop();
                let quote = text[range.start..].chars().next().unwrap_or_default();
                cursor.start = range.start + quote.len_utf8();
                cursor.spot = if ['"', '`'].contains(&quote) { Spot::Text(quote) } else { Spot::Nothing };
                cursor.frames = frames(text, &cursor.tokens);
                return cursor;
            }
            Some((K::Number, range)) if touches(&range) && cursor.begins_result(1) => {
                cursor.tokens.pop();
                cursor.start = range.start;
            }
            Some((K::Number | K::Wrong, range)) if touches(&range) => return cursor,
            Some((K::Name | K::Keyword | K::Reserved, range)) if touches(&range) => {
                cursor.tokens.pop();
                cursor.start = range.start;
            }
            _ => {}
        }
        cursor.frames = frames(text, &cursor.tokens);
        cursor.spot = cursor.name_spot();
        cursor
    }

    /// What of the word at the cursor is typed.
    pub fn word(&self) -> &'a str {
        &self.text[self.start..]
    }

    /// The text of a piece.
    pub fn of(&self, piece: usize) -> &'a str {
        &self.text[self.tokens[piece].range.clone()]
    }

    /// What a piece is; nothing where there is none.
    pub fn kind(&self, piece: usize) -> Option<K> {
        self.tokens.get(piece).map(|token| token.kind)
    }

    /// Whether the piece with this number is this sign or word.
    pub fn is(&self, piece: usize, sign: &str) -> bool {
        self.tokens.get(piece).is_some_and(|token| &self.text[token.range.clone()] == sign)
    }

    /// The number of the bracket that opens what this one closes.
    pub fn opening(&self, closing: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for piece in (0..=closing).rev() {
            match self.tokens[piece].kind {
                K::Close | K::InterpolationEnd => depth += 1,
                K::Open | K::InterpolationBegin => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(piece);
            }
        }
        None
    }

    /// The full name of the function whose arguments a piece opens.
    pub fn callee(&self, open: usize) -> Option<String> {
        let name = open.checked_sub(1)?;
        if self.kind(name) != Some(K::Name) {
            return None;
        }
        let module = name.checked_sub(2).filter(|_| self.kind(name - 1) == Some(K::Path));
        Some(match module {
            Some(module) => format!("{}::{}", self.of(module), self.of(name)),
            None => self.of(name).to_owned(),
        })
    }

    /// The piece that ends the subject of a method call, by the bracket that opens its arguments.
    pub fn subject(&self, open: usize) -> Option<usize> {
        let dot = open.checked_sub(2).filter(|dot| self.kind(*dot) == Some(K::Dot))?;
        dot.checked_sub(1)
    }

    /// Whether all but so many of the last pieces end in `out[`.
    fn begins_result(&self, but: usize) -> bool {
        let behind = self.tokens.len().saturating_sub(but);
        behind.checked_sub(2).is_some_and(|name| self.is(name, "out") && self.is(name + 1, "["))
    }

    fn name_spot(&self) -> Spot {
        if self.begins_result(0) && self.word().chars().all(|c| c.is_ascii_digit()) {
            return Spot::Result;
        }
        let Some(last) = self.tokens.len().checked_sub(1) else { return Spot::Name };
        match self.tokens[last].kind {
            K::Dot => return last.checked_sub(1).map_or(Spot::Nothing, Spot::Member),
            K::Path => return last.checked_sub(1).map_or(Spot::Nothing, |name| Spot::Module(self.of(name).to_owned())),
            K::Keyword if ["let", "const", "fn", "for", "as", "catch"].contains(&self.of(last)) => return Spot::Nothing,
            _ => {}
        }
        match self.frames.last() {
            Some(frame) if frame.kind == Open::Map && frame.key.is_none() => Spot::Key,
            Some(frame) if frame.kind == Open::Params => Spot::Nothing,
            _ if self.declares() => Spot::Nothing,
            _ => Spot::Name,
        }
    }

    /// Whether the cursor stands among the parameters of a closure.
    fn declares(&self) -> bool {
        let mut piece = self.tokens.len();
        while let Some(before) = piece.checked_sub(1) {
            match self.kind(before) {
                Some(K::Name | K::Comma) => piece = before,
                Some(K::Operator) if self.is(before, "|") => {
                    // A value before it makes it an operator.
                    let value = |kind| matches!(kind, K::Name | K::Number | K::Text | K::Close);
                    return before.checked_sub(1).and_then(|one| self.kind(one)).is_none_or(|kind| !value(kind));
                }
                _ => return false,
            }
        }
        false
    }
}

fn frames(text: &str, tokens: &[Token]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    // Commas between the parameters of a closure end no argument.
    let mut declares = false;
    for (at, token) in tokens.iter().enumerate() {
        let sign = &text[token.range.clone()];
        match token.kind {
            K::Operator if sign == "|" => declares = !declares && frames.last().is_some_and(|frame| frame.part == at),
            K::Comma if declares => {}
            K::Open | K::InterpolationBegin => {
                let kind = open(text, tokens, at, sign);
                frames.push(Frame { kind, at, part: at + 1, commas: 0, key: None, keys: Vec::new() });
            }
            K::Close | K::InterpolationEnd => {
                frames.pop();
            }
            K::Comma => {
                if let Some(frame) = frames.last_mut() {
                    (frame.part, frame.commas, frame.key) = (at + 1, frame.commas + 1, None);
                }
            }
            K::Colon => {
                if let (Some(frame), Some(name)) = (frames.last_mut(), at.checked_sub(1)) {
                    let name = text[tokens[name].range.clone()].trim_matches('"').to_owned();
                    frame.keys.push(name.clone());
                    (frame.part, frame.key) = (at + 1, Some(name));
                }
            }
            _ => {}
        }
    }
    frames
}

fn open(text: &str, tokens: &[Token], at: usize, sign: &str) -> Open {
    let before = at.checked_sub(1).map(|before| &tokens[before]);
    let value = before.is_some_and(|token| matches!(token.kind, K::Name | K::Close | K::Text));
    match sign {
        "#{" => Open::Map,
        "(" if before.is_some_and(|token| token.kind == K::Name) => {
            let is_new = at.checked_sub(2).is_some_and(|word| &text[tokens[word].range.clone()] == "fn");
            if is_new { Open::Params } else { Open::Call }
        }
        "(" => Open::Group,
        "[" | "?[" => {
            if value {
                Open::Index
            } else {
                Open::List
            }
        }
        _ => Open::Block,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spot, the word, and what is open, at the `|` that is written `‸`.
    fn at(marked: &str) -> (Spot, String, Vec<Open>) {
        let pos = marked.find('‸').expect("a cursor");
        let line = marked.replace('‸', "");
        let cursor = Cursor::read(&line, pos);
        (cursor.spot.clone(), cursor.word().to_owned(), cursor.frames.iter().map(|frame| frame.kind).collect())
    }

    #[test]
    fn spots_are_told_apart() {
        use Open::{Block, Call, Group, Index, List, Map};
        let cases = [
            ("po‸", Spot::Name, "po", vec![]),
            ("‸", Spot::Name, "", vec![]),
            ("let x = po‸ds", Spot::Name, "po", vec![]),
            ("let x‸", Spot::Nothing, "x", vec![]),
            ("pods().fil‸", Spot::Member(2), "fil", vec![]),
            ("pods()?.‸", Spot::Member(2), "", vec![]),
            ("jwks::st‸", Spot::Module("jwks".into()), "st", vec![]),
            ("pods(\"ol‸", Spot::Text('"'), "ol", vec![Call]),
            ("pods(\"ol‸\")", Spot::Text('"'), "ol", vec![Call]),
            ("pods(`ol‸", Spot::Text('`'), "ol", vec![Call]),
            ("clusters(p, #{ f‸", Spot::Key, "f", vec![Call, Map]),
            ("clusters(p, #{ fqdn: x‸", Spot::Name, "x", vec![Call, Map]),
            ("clusters(p, #{ fqdn: 1, ‸", Spot::Key, "", vec![Call, Map]),
            ("table(x, [\"n‸", Spot::Text('"'), "n", vec![Call, List]),
            ("x[y‸", Spot::Name, "y", vec![Index]),
            ("(x‸", Spot::Name, "x", vec![Group]),
            ("if a { b‸", Spot::Name, "b", vec![Block]),
            ("`a ${b‸", Spot::Name, "b", vec![Block]),
            ("`a ${b} c‸", Spot::Nothing, "", vec![]),
            ("x.filter(|p‸", Spot::Nothing, "p", vec![Call]),
            ("x.filter(|p| p‸", Spot::Name, "p", vec![Call]),
            ("x.reduce(|a, b| b‸", Spot::Name, "b", vec![Call]),
            ("a | b‸", Spot::Name, "b", vec![]),
            ("// po‸", Spot::Nothing, "", vec![]),
            ("/* a */ po‸", Spot::Name, "po", vec![]),
            ("12‸", Spot::Nothing, "", vec![]),
            ("fn f(a‸", Spot::Nothing, "a", vec![Open::Params]),
            ("\"é\" + f(po‸", Spot::Name, "po", vec![Call]),
        ];
        for (marked, spot, word, open) in cases {
            let (found, typed, frames) = at(marked);
            let typed = if found == Spot::Nothing && word.is_empty() { String::new() } else { typed };
            assert_eq!((found, typed.as_str(), frames), (spot, word, open), "{marked}");
        }
    }
}
