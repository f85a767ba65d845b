//! Whose names text at the cursor stands for: those of the mesh at hand, or of the one that the call's subject was read from.

use super::complete_chain::{Base, Chain, Link, at_top, chain};
use super::complete_cursor::{Frame, Open};
use super::complete_types::{DEPTH, Types};
use crate::host::{Step, TokenKind as K, Whose};

/// The function that opens a tape.
const OPENS_TAPE: &str = "tape";

impl Types<'_> {
    /// Whose names the call wants that the cursor stands in.
    pub fn whose(&self) -> Whose {
        self.call_frame().map_or(Whose::Here, |frame| self.asked_by(frame, 0))
    }

    /// Whom a call asks, by its subject or its first argument.
    fn asked_by(&self, frame: &Frame, depth: usize) -> Whose {
        let first = match self.cursor.subject(frame.at) {
            Some(last) => Some(chain(self.cursor, last)),
            None => self.first_inside(frame.at),
        };
        first.map_or(Whose::Here, |first| self.home(&first, depth + 1))
    }

    /// The first argument of a call that goes on behind it, if it is one chain.
    fn first_inside(&self, open: usize) -> Option<Chain> {
        let cursor = self.cursor;
        let mut inside = at_top(cursor, open + 1, cursor.tokens.len());
        let end = inside.find(|piece| matches!(cursor.kind(*piece), Some(K::Comma | K::Close)))?;
        self.whole(open + 1, end)
    }

    /// These pieces, if they are one chain.
    fn whole(&self, start: usize, end: usize) -> Option<Chain> {
        let last = end.checked_sub(1).filter(|last| *last >= start)?;
        Some(chain(self.cursor, last)).filter(|found| found.first == start)
    }

    /// The mesh that a value was read from.
    pub fn home(&self, of: &Chain, depth: usize) -> Whose {
        if depth > DEPTH {
            return Whose::Here;
        }
        let inner = match &of.base {
            Base::Call(name, open) if name == OPENS_TAPE => {
                return self.text_inside(*open).map_or(Whose::Here, Whose::Tape);
            }
            Base::Variable(name) => return self.home_of_variable(name, of, depth),
            Base::Call(_, open) => self.first_inside(*open),
            Base::List(inside) | Base::Group(inside) => self.whole(inside.start, inside.end),
            _ => None,
        };
        inner.map_or(Whose::Here, |inner| self.home(&inner, depth + 1))
    }

    fn home_of_variable(&self, name: &str, of: &Chain, depth: usize) -> Whose {
        let is_parameter = |frame: &&Frame| self.place_of_parameter(frame, name, of.first).is_some();
        if let Some(frame) = self.cursor.frames.iter().rev().filter(|frame| frame.kind == Open::Call).find(is_parameter) {
            return self.asked_by(frame, depth);
        }
        if let Some((value, _)) = self.given_here(name, of.first) {
            return self.whole(value.start, value.end).map_or(Whose::Here, |value| self.home(&value, depth + 1));
        }
        let step = |link: &Link| match link {
            Link::Step(step) => Some(step.clone()),
            _ => None,
        };
        let way: Vec<Step> = of.links.iter().map_while(step).collect();
        Whose::Held(name.to_owned(), way)
    }
}
