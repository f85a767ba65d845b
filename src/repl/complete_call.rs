//! The call that the cursor stands in: which function, which parameter, what its other arguments are.

use super::complete_chain::{Base, Link, at_top, chain};
use super::complete_cursor::{Frame, Open};
use super::complete_types::Types;
use crate::host::{Entry, TokenKind as K};
use crate::record::Schema;
use std::ops::Range;

/// A parameter that the cursor stands at.
#[derive(Debug, Clone)]
pub struct Parameter<'a> {
    /// The function; none for one that was typed in this session.
    pub entry: Option<&'a Entry>,
    /// The parameter's name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The names of the parameters before it.
    pub before: Vec<String>,
}

/// What a map at the cursor is for.
pub enum Keys<'a> {
    /// Options.
    Options(&'static Schema),
    /// Something else that the parameter, or the option, of this name says.
    Named(Parameter<'a>, String),
}

impl<'a> Types<'a> {
    /// The parameters that the argument at hand may be: a function may be called in several ways.
    pub fn parameters(&self, frame: &Frame) -> Vec<Parameter<'a>> {
        let Some(name) = self.cursor.callee(frame.at).filter(|_| frame.kind == Open::Call) else { return Vec::new() };
        let is_method = self.cursor.subject(frame.at).is_some();
        let at = frame.commas + usize::from(is_method);
        let entries = self.pilotage.catalog().entries.iter().filter(|entry| entry.full_name() == name);
        let ways = entries.flat_map(|entry| entry.ways.iter().map(move |way| (entry, way)));
        let mut found: Vec<Parameter> = ways
            .filter_map(|(entry, way)| {
                let (name, kind) = way.params.get(at)?;
                let before = way.params[..at].iter().map(|(name, _)| name.clone()).collect();
                Some(Parameter { entry: Some(entry), name: name.clone(), kind: kind.clone(), before })
            })
            .collect();
        if found.is_empty() {
            found.extend(self.own_parameter(&name, at));
        }
        found
    }

    /// That of a function that was typed in this session.
    fn own_parameter(&self, function: &str, at: usize) -> Option<Parameter<'a>> {
        let functions = self.pilotage.names().functions;
        let (_, params) = functions.into_iter().find(|(name, params)| name == function && params.len() > at)?;
        Some(Parameter { entry: None, name: params[at].clone(), kind: "any".into(), before: params[..at].to_vec() })
    }

    /// What the innermost map is for, by the call that it is an argument of.
    pub fn keys(&self, depth: usize) -> Option<Keys<'a>> {
        let frames = &self.cursor.frames;
        let outer = frames.len().checked_sub(depth + 2).map(|outer| &frames[outer])?;
        match outer.kind {
            Open::Call => {
                let mut params = self.parameters(outer).into_iter().filter(|param| param.kind == "map" || param.entry.is_none());
                let param = params.next()?;
                let options =
                    param.entry.and_then(|entry| entry.options).filter(|_| ["more", "which", "options"].contains(&&*param.name));
                let name = param.name.clone();
                Some(options.map_or_else(|| Keys::Named(param, name), Keys::Options))
            }
            // A map within the options.
            Open::Map => match self.keys(depth + 1)? {
                Keys::Options(_) => {
                    let call = frames.len().checked_sub(depth + 3).map(|call| &frames[call])?;
                    let param = self.parameters(call).into_iter().find(|param| param.kind == "map")?;
                    Some(Keys::Named(param, outer.key.clone()?))
                }
                Keys::Named(..) => None,
            },
            _ => None,
        }
    }

    /// The call that the cursor stands in, in whatever it stands there.
    pub fn call_frame(&self) -> Option<&'a Frame> {
        self.cursor.frames.iter().rev().find(|frame| frame.kind == Open::Call)
    }

    /// The pieces of an argument that stands before the one at hand; the subject of a method is the first.
    fn argument(&self, frame: &Frame, at: usize) -> Option<Range<usize>> {
        let cursor = self.cursor;
        let subject = cursor.subject(frame.at);
        let at = match subject {
            Some(last) if at == 0 => return Some(chain(cursor, last).first..last + 1),
            Some(_) => at - 1,
            None => at,
        };
        let end = |from: usize| at_top(cursor, from, cursor.tokens.len()).find(|piece| cursor.kind(*piece) == Some(K::Comma));
        let mut from = frame.at + 1;
        for _ in 0..at {
            from = end(from)? + 1;
        }
        let end = end(from).unwrap_or(cursor.tokens.len());
        (from < end).then_some(from..end)
    }

    /// The text of an argument, if it is text or a variable that holds some.
    pub fn argument_text(&self, frame: &Frame, at: usize) -> Option<String> {
        let range = self.argument(frame, at)?;
        let found = chain(self.cursor, range.end - 1);
        match found.base {
            _ if found.first != range.start => None,
            // `old.pod("web-0.shop")` is that pod.
            _ if let [.., Link::Method(name, open)] = found.links.as_slice()
                && name == "pod" =>
            {
                self.text_inside(*open)
            }
            _ if !found.links.is_empty() => None,
            Base::Text => Some(self.cursor.of(range.start).trim_matches(['"', '`']).to_owned()),
            Base::Variable(name) => self.text_here(&name, range.start).or_else(|| self.pilotage.text_of(&name)),
            _ => None,
        }
    }

    /// The first argument of a call that is closed, if it is text.
    pub fn text_inside(&self, open: usize) -> Option<String> {
        let text = open + 1;
        let alone = matches!(self.cursor.kind(text + 1)?, K::Comma | K::Close);
        (alone && self.cursor.kind(text) == Some(K::Text)).then(|| self.cursor.of(text).trim_matches(['"', '`']).to_owned())
    }

    /// The text that a variable was given in the text at hand.
    fn text_here(&self, name: &str, before: usize) -> Option<String> {
        let cursor = self.cursor;
        let is_let = |at: &usize| {
            cursor.of(*at) == name && cursor.is(at - 1, "let") && cursor.is(at + 1, "=") && cursor.kind(at + 2) == Some(K::Text)
        };
        let at = (1..before).rev().find(is_let)?;
        Some(cursor.of(at + 2).trim_matches(['"', '`']).to_owned())
    }
}
