//! What the line editor asks while somebody types: colours, hints, completions, and whether an input is whole.

use super::highlight::{self, Painted};
use super::hint::{self, Rest};
use super::keys::Hands;
use super::known::Known;
use super::{Session, complete, screen, validate};
use crate::render::style;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context, Helper};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

/// The answers of a session.
pub struct Assistant<'a> {
    session: &'a Session<'a>,
    hands: Arc<Hands>,
    /// What completion remembers.
    memory: complete::Memory,
    /// What can be named in this input; found out with its first key.
    known: OnceCell<Known>,
    /// The text that was shown last.
    painted: RefCell<Option<Painted>>,
    brackets: Cell<Option<(usize, usize)>>,
}

impl<'a> Assistant<'a> {
    /// Of this session.
    pub fn new(session: &'a Session<'a>, hands: Arc<Hands>) -> Self {
        Self {
            session,
            hands,
            memory: complete::Memory::default(),
            known: OnceCell::new(),
            painted: RefCell::default(),
            brackets: Cell::default(),
        }
    }

    /// An input begins: the last one may have left names behind.
    pub fn begin(&mut self) {
        self.known = OnceCell::new();
        self.painted = RefCell::default();
        self.brackets = Cell::default();
    }

    /// Ask something of a text, taken apart once.
    fn ask<T>(&self, line: &str, ask: impl FnOnce(&Painted) -> T) -> T {
        let mut slot = self.painted.borrow_mut();
        let last = slot.take().filter(|last| last.text() == line);
        let known = self.known.get_or_init(|| Known::new(self.session.pilotage()));
        ask(slot.insert(last.unwrap_or_else(|| Painted::new(line, known))))
    }

    /// Where the alias ends that the line begins with; 0 when there is none.
    fn alias(&self, line: &str) -> usize {
        let begin = line.len() - line.trim_start().len();
        let end = line[begin..].find(char::is_whitespace).map_or(line.len(), |length| begin + length);
        if self.session.settings().aliases.expand(line).is_some() { end } else { 0 }
    }
}

impl Helper for Assistant<'_> {}

impl Highlighter for Assistant<'_> {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if line.is_empty() {
            return line.into();
        }
        let look = &self.session.looks.out();
        if line.trim_start().starts_with(':') {
            return highlight::command(look, line).into();
        }
        match self.alias(line) {
            0 => self.ask(line, |painted| painted.paint(look, pos, self.brackets.get())).into(),
            end => (look.paint(style::FUNCTION, &line[..end]) + &line[end..]).into(),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.session.looks.out().paint(style::FAINT, hint).into()
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        complete::painted(candidate, &self.session.looks.out()).into()
    }

    fn highlight_char(&self, line: &str, pos: usize, kind: CmdKind) -> bool {
        // Each repaint of what is higher than the screen pushes it up once more. An empty line is asked about before it is known what
        // can be named.
        if line.is_empty() || screen::is_higher(line) {
            self.brackets.set(None);
            return false;
        }
        let brackets = if kind == CmdKind::ForcedRefresh { None } else { self.ask(line, |painted| painted.brackets(pos)) };
        self.brackets.set(brackets);
        kind == CmdKind::Other || brackets.is_some()
    }
}

impl Hinter for Assistant<'_> {
    type Hint = Rest;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Rest> {
        if line.is_empty() {
            return None;
        }
        if !line.starts_with(':') && self.ask(line, |painted| painted.is_in_text(pos)) {
            complete::prepare(&self.session.pilotage(), line, pos);
        }
        // Without colours nobody could tell it from what is typed.
        if !self.session.looks.out().color || screen::is_higher(line) {
            return None;
        }
        hint::rest(line, pos, context)
    }
}

impl Validator for Assistant<'_> {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let incomplete = !validate::is_forced(input) && self.hands.is_incomplete(input);
        Ok(if incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Assistant<'_> {
    type Candidate = complete::Candidate;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<complete::Candidate>)> {
        if let Some((start, text)) = self.hands.instead() {
            return Ok((start, vec![complete::Candidate::whole(text)]));
        }
        let room = complete::Room::now(&self.session.looks.out());
        Ok(complete::candidates(self.session, &self.memory, line, pos, room))
    }
}
