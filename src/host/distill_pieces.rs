//! A session's inputs, cut into their statements.

use super::distill::{End, Input};
use super::distill_changes::may_change;
use super::distill_facts::Facts;
use super::distill_roles::Roles;
use super::distill_text::{cuts, offset};
use super::distill_walk::{facts, is_anonymous};
use super::failure::Place;
use super::results::ALL;
use super::underscore;
use crate::backend::Effect;
use rhai::{AST, Engine, Position, Scope};
use std::collections::BTreeSet;

/// A statement of a session, or an input that could not be cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    /// Its text, with the comments before it.
    pub text: String,
    /// Which input it stood in.
    pub line: usize,
    /// What it does with names.
    pub facts: Facts,
    /// Which result each `out[…]` was: where the bracket stands in the text, and the number.
    pub looked: Vec<(usize, usize)>,
    /// The number of the result that its value became.
    pub shown: Option<usize>,
    /// Whether it failed in the middle.
    pub broke: bool,
    /// Whether it is none, but a command that gave a result.
    pub command: bool,
    /// Whether the functions and imports of its input live on.
    pub defines: bool,
    /// Whether it may do something that cannot be seen in it: its input did, and it may have been this.
    pub acts: bool,
    /// Whether it may say something in the report.
    pub tells: bool,
    /// Whether that may be a finding.
    pub judges: bool,
}

impl Piece {
    /// What stands for a command among the statements.
    fn command(line: usize, input: &Input) -> Self {
        Self { text: input.text.clone(), line, shown: input.result, command: true, ..Self::default() }
    }
}

/// The functions that tell something in a report, by name.
pub(super) struct Tellers {
    pub all: BTreeSet<String>,
    pub judges: BTreeSet<String>,
}

/// Cuts inputs into pieces.
pub(super) struct Cutter<'a> {
    pub engine: &'a Engine,
    pub roles: Roles,
    pub tellers: Tellers,
    /// Names of the session's own functions that may change what they are called on.
    methods: BTreeSet<String>,
    /// Whether `out` is one of the session's own variables.
    hides_results: bool,
}

impl<'a> Cutter<'a> {
    pub fn new(engine: &'a Engine, roles: Roles, tellers: Tellers) -> Self {
        Self { engine, roles, tellers, methods: BTreeSet::new(), hides_results: false }
    }

    /// The statements that ran, in order.
    pub fn cut(&mut self, inputs: &[Input]) -> Vec<Piece> {
        inputs.iter().enumerate().flat_map(|(line, input)| self.input(line, input)).collect()
    }

    fn input(&mut self, line: usize, input: &Input) -> Vec<Piece> {
        let reached = match input.end {
            End::Refused => return Vec::new(),
            End::Command => return vec![Piece::command(line, input)],
            End::Failed(at) => Some(at),
            End::Worked => None,
        };
        let mut pieces = Vec::new();
        for range in self.ranges(&input.text) {
            let text = &input.text[range.clone()];
            let Some(ast) = self.compile(text) else { continue };
            let over = pieces.iter().any(|piece: &Piece| piece.broke);
            if count(&ast) == 0 || (over && !ast.statements().is_empty()) {
                continue;
            }
            let broke = !over && reached.is_some_and(|at| at.is_none_or(|at| holds(&input.text, &range, at)));
            let code = text.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
            let mut piece = self.piece(code.trim_end(), line, broke, reached.is_none());
            piece.looked = looked(input, range.end - code.len());
            pieces.push(piece);
        }
        let last = pieces.iter_mut().rfind(|piece| piece.facts.runs);
        if let Some(last) = last.filter(|last| (last.facts.value || last.facts.leaves) && reached.is_none()) {
            last.shown = input.result;
        }
        self.blame(&mut pieces, input);
        pieces
    }

    fn piece(&mut self, text: &str, line: usize, broke: bool, defines: bool) -> Piece {
        let methods = self.methods.clone();
        let changes = |name: &str, given: &[_]| may_change(name, given) || methods.contains(name);
        let ast = self.compile(text).unwrap_or_default();
        let facts = facts(&ast, &self.roles, &changes, self.hides_results);
        self.hides_results |= !broke && facts.declares.iter().any(|name| name == ALL);
        if defines {
            self.methods.extend(facts.methods.iter().cloned());
            for (name, parameters) in &facts.functions {
                self.roles.learn(name, &parameters.iter().map(String::as_str).collect::<Vec<_>>());
                self.learn_teller(name, &facts);
            }
        }
        let calls = |known: &BTreeSet<String>| facts.calls.iter().any(|call| !call.in_function && known.contains(&call.name));
        let (tells, judges) = (calls(&self.tellers.all), calls(&self.tellers.judges));
        Piece { text: text.into(), line, facts, broke, defines, tells, judges, ..Piece::default() }
    }

    /// A function of the session that calls one which tells something does so, too.
    fn learn_teller(&mut self, name: &str, facts: &Facts) {
        for known in [&mut self.tellers.all, &mut self.tellers.judges] {
            if facts.calls.iter().any(|call| call.in_function && known.contains(&call.name)) {
                known.insert(name.into());
            }
        }
    }

    /// What an input did and no statement shows may have been done by any of them that calls something.
    fn blame(&self, pieces: &mut [Piece], input: &Input) {
        let deeds = &input.deeds;
        let acted = deeds.effect > Effect::Observe || deeds.wrote;
        let told = deeds.told && !pieces.iter().any(|piece| piece.tells);
        for piece in pieces.iter_mut().filter(|piece| !piece.broke) {
            let calls = piece.facts.calls.iter().any(|call| !call.in_function);
            piece.acts |= acted && calls;
            piece.tells |= told && calls;
            piece.judges |= told && deeds.judged && calls;
        }
    }

    /// Where its statements stand; all in one where it cannot be cut, or where it may have ended before the last of them.
    fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let Some(ast) = self.compile(text) else { return Vec::new() };
        let leaves = facts(&ast, &self.roles, &may_change, self.hides_results).leaves;
        let mut left = if leaves { 1 } else { count(&ast) };
        let mut ranges = Vec::new();
        let mut start = 0;
        for at in cuts(text) {
            let counted = |part: &str| self.compile(part).map(|ast| count(&ast));
            if left > 1 && at > start && counted(&text[start..at]) == Some(1) && counted(&text[at..]) == Some(left - 1) {
                // A comment behind it in the same line belongs to it.
                let rest = text[at..].split('\n').next().unwrap_or_default();
                let end = if rest.trim_start().starts_with("//") { at + rest.len() } else { at };
                ranges.push(start..end);
                start = end;
                left -= 1;
            }
        }
        ranges.push(start..text.len());
        ranges
    }

    fn compile(&self, text: &str) -> Option<AST> {
        underscore::compile(self.engine, &Scope::new(), text).ok()
    }
}

/// Statements and named functions.
fn count(ast: &AST) -> usize {
    let statements = ast.statements().iter().filter(|statement| !statement.is_noop()).count();
    statements + ast.iter_functions().filter(|function| !is_anonymous(function.name)).count()
}

/// Whether a place lies in this part of a text.
fn holds(text: &str, range: &std::ops::Range<usize>, at: Place) -> bool {
    offset(text, position(at)).is_none_or(|at| range.contains(&at) || at >= text.len())
}

fn position(at: Place) -> Position {
    let place = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    Position::new(place(at.line), place(at.column))
}

/// Which results an input looked at, by places counted from where a piece of it begins.
fn looked(input: &Input, start: usize) -> Vec<(usize, usize)> {
    let place = |at: &Place| offset(&input.text, position(*at))?.checked_sub(start);
    input.deeds.looked.iter().filter_map(|(at, number)| Some((place(at)?, *number))).collect()
}
