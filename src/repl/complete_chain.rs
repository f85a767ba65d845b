//! What stands before a dot: a value, and the way from it, read backwards.

use super::complete_cursor::Cursor;
use crate::host::{Step, TokenKind as K};
use std::ops::Range;

/// A value, and the way from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Where it begins.
    pub base: Base,
    /// What follows.
    pub links: Vec<Link>,
    /// The number of its first piece.
    pub first: usize,
}

/// What a chain begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// A variable, named at this piece.
    Variable(String),
    /// A call of a function of this full name, whose arguments this piece opens.
    Call(String, usize),
    /// Text.
    Text,
    /// A number: whether it is whole.
    Number(bool),
    /// Yes or no.
    Bool,
    /// A list: the pieces of its first item.
    List(Range<usize>),
    /// A map with these keys.
    Map(Vec<String>),
    /// An expression in brackets.
    Group(Range<usize>),
    /// Something else.
    Unknown,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A field, or an index that is known.
    Step(Step),
    /// Another index.
    Index,
    /// A method, whose arguments this piece opens.
    Method(String, usize),
}

/// The chain whose last piece this is.
pub fn chain(cursor: &Cursor, last: usize) -> Chain {
    let mut links = Vec::new();
    let mut at = last;
    let (base, first) = loop {
        match link(cursor, at) {
            Some((link, before)) => {
                links.push(link);
                at = before;
            }
            None => break base(cursor, at),
        }
    };
    links.reverse();
    Chain { base, links, first }
}

/// The link that ends at a piece, and the piece before it.
fn link(cursor: &Cursor, at: usize) -> Option<(Link, usize)> {
    match cursor.kind(at)? {
        K::Name | K::Keyword | K::Reserved => {
            let dot = at.checked_sub(1).filter(|dot| cursor.kind(*dot) == Some(K::Dot))?;
            Some((Link::Step(Step::Field(cursor.of(at).to_owned())), dot.checked_sub(1)?))
        }
        K::Close if cursor.is(at, ")") => {
            let open = cursor.opening(at)?;
            let before = cursor.subject(open)?;
            Some((Link::Method(cursor.of(open - 1).to_owned(), open), before))
        }
        K::Close if cursor.is(at, "]") => {
            let open = cursor.opening(at)?;
            let before = open.checked_sub(1)?;
            let value = matches!(cursor.kind(before)?, K::Name | K::Close | K::Text);
            value.then(|| (index(cursor, open + 1..at), before))
        }
        _ => None,
    }
}

fn index(cursor: &Cursor, inside: Range<usize>) -> Link {
    let text = cursor.of(inside.start);
    if inside.len() == 2 && text == "-" {
        let back: Option<i64> = cursor.of(inside.start + 1).parse().ok();
        return back.map_or(Link::Index, |back| Link::Step(Step::Item(-back)));
    }
    if inside.len() != 1 {
        return Link::Index;
    }
    match cursor.kind(inside.start) {
        Some(K::Number) => text.parse().map_or(Link::Index, |index| Link::Step(Step::Item(index))),
        Some(K::Text) => Link::Step(Step::Field(text.trim_matches('"').to_owned())),
        _ => Link::Index,
    }
}

/// What a chain begins with whose first part ends at this piece, and where that begins.
fn base(cursor: &Cursor, at: usize) -> (Base, usize) {
    let text = cursor.of(at);
    match cursor.tokens[at].kind {
        K::Name if at.checked_sub(1).is_none_or(|before| cursor.kind(before) != Some(K::Path)) => {
            (Base::Variable(text.to_owned()), at)
        }
        K::Keyword if text == "this" => (Base::Variable(text.to_owned()), at),
        K::Keyword if ["true", "false"].contains(&text) => (Base::Bool, at),
        K::Number => (Base::Number(!text.contains('.')), at),
        K::Text => (Base::Text, text_start(cursor, at)),
        K::Close => closed(cursor, at).unwrap_or((Base::Unknown, at)),
        _ => (Base::Unknown, at),
    }
}

/// Where text begins that ends in this piece: before its interpolations.
fn text_start(cursor: &Cursor, at: usize) -> usize {
    let mut first = at;
    while let Some(end) = first.checked_sub(1).filter(|end| cursor.kind(*end) == Some(K::InterpolationEnd)) {
        match cursor.opening(end).and_then(|begin| begin.checked_sub(1)) {
            Some(before) => first = before,
            None => break,
        }
    }
    first
}

fn closed(cursor: &Cursor, at: usize) -> Option<(Base, usize)> {
    let open = cursor.opening(at)?;
    Some(match cursor.of(open) {
        "(" => match cursor.callee(open) {
            Some(name) => {
                let first = open - if name.contains("::") { 3 } else { 1 };
                (Base::Call(name, open), first)
            }
            None => (Base::Group(open + 1..at), open),
        },
        "[" => (Base::List(open + 1..first_item(cursor, open + 1, at)), open),
        "#{" => (Base::Map(keys(cursor, open + 1, at)), open),
        _ => (Base::Unknown, at),
    })
}

fn first_item(cursor: &Cursor, from: usize, end: usize) -> usize {
    at_top(cursor, from, end).find(|piece| cursor.kind(*piece) == Some(K::Comma)).unwrap_or(end)
}

fn keys(cursor: &Cursor, from: usize, end: usize) -> Vec<String> {
    let colons = at_top(cursor, from, end).filter(|piece| cursor.kind(*piece) == Some(K::Colon));
    colons.filter_map(|colon| Some(cursor.of(colon.checked_sub(1)?).trim_matches('"').to_owned())).collect()
}

/// The pieces that stand in no bracket of their own.
pub fn at_top<'a>(cursor: &'a Cursor, from: usize, end: usize) -> impl Iterator<Item = usize> + use<'a> {
    let mut depth = 0_i32;
    (from..end).filter(move |piece| {
        let before = depth;
        match cursor.tokens[*piece].kind {
            K::Open | K::InterpolationBegin => depth += 1,
            K::Close | K::InterpolationEnd => depth -= 1,
            _ => {}
        }
        before == 0
    })
}

#[cfg(test)]
mod tests {
    use super::super::complete_cursor::Spot;
    use super::*;

    fn before_dot(text: &str) -> Chain {
        let cursor = Cursor::read(text, text.len());
        let Spot::Member(last) = cursor.spot else { panic!("{text}: {:?}", cursor.spot) };
        chain(&cursor, last)
    }

    #[test]
    fn values_and_their_ways_are_read_backwards() {
        let field = |name: &str| Link::Step(Step::Field(name.into()));
        let variable = |name: &str| Base::Variable(name.into());
        let cases = [
            ("a.", variable("a"), vec![]),
            ("1 + a.b[0].c.", variable("a"), vec![field("b"), Link::Step(Step::Item(0)), field("c")]),
            ("a[i][\"k\"].", variable("a"), vec![Link::Index, field("k")]),
            ("a[-2].", variable("a"), vec![Link::Step(Step::Item(-2))]),
            ("a[i - 2].", variable("a"), vec![Link::Index]),
            ("f(1, g(2)).", Base::Call("f".into(), 1), vec![]),
            ("m::f().", Base::Call("m::f".into(), 3), vec![]),
            (
                "f().filter(|p| p.x == 1)[0].",
                Base::Call("f".into(), 1),
                vec![Link::Method("filter".into(), 5), Link::Step(Step::Item(0))],
            ),
            ("\"a\".", Base::Text, vec![]),
            ("`a ${b} c`.", Base::Text, vec![]),
            ("(a + b).", Base::Group(1..4), vec![]),
            ("[a, b].", Base::List(1..2), vec![]),
            ("#{ x: 1, \"y\": #{ z: 1 } }.", Base::Map(vec!["x".into(), "y".into()]), vec![]),
            ("if x { y }.", Base::Unknown, vec![]),
            ("true.", Base::Bool, vec![]),
        ];
        for (text, base, links) in cases {
            let found = before_dot(text);
            assert_eq!((found.base, found.links), (base, links), "{text}");
        }
        assert_eq!(before_dot("let x = m::f(1).g().").first, 3);
        assert_eq!(before_dot("1 + `a ${b} c`.").first, 2);
    }
}
