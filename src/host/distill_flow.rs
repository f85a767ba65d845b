//! What each statement of a session depends on: the statements that made, and changed, what it uses.

use super::distill_facts::{Facts, Index};
use super::distill_pieces::Piece;
use super::distill_text::offset;
use super::results::{ALL, ERROR};
use super::underscore::NAME as LAST;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What one statement depends on.
#[derive(Debug, Default, Clone)]
pub(super) struct Needs {
    /// The statements without which it would not do what it did.
    pub pieces: BTreeSet<usize>,
    /// Which definition each function meant when this ran: who calls, by which name, which statement defined it.
    pub meant: BTreeSet<(usize, String, usize)>,
    /// Earlier results that it uses: how-manieth use, and which statement gave it.
    pub answers: BTreeMap<usize, Answer>,
    /// Which statement made each variable that it uses.
    pub makers: HashMap<String, usize>,
    /// Whether it changes what others may use.
    pub changes: bool,
}

/// Where an earlier result came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The value of this statement.
    Value(usize),
    /// The failure of this one.
    Failure(usize),
    /// It cannot be told: why.
    Lost(&'static str),
}

/// Why an earlier result cannot be had.
const GONE: &str = "nothing that can be run again gave it";

/// The number of the result that a statement meant; `last` is that of the last one before it.
fn number_of(piece: &Piece, index: Index, last: usize) -> Result<Option<usize>, &'static str> {
    match index {
        Index::Number(number) => {
            let wanted = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
            Ok(if number < 0 { (last + 1).checked_sub(wanted) } else { Some(wanted) })
        }
        Index::Changing => Err("what computes the number changes a variable besides"),
        Index::Computed(bracket) => {
            let bracket = offset(&piece.text, bracket);
            let mut numbers = piece.looked.iter().filter(|(at, _)| Some(*at) == bracket).map(|(_, number)| *number);
            match (numbers.next(), numbers.next()) {
                (Some(number), None) => Ok(Some(number)),
                (None, _) => Err("no result was looked up there: which one it means is not known"),
                (Some(_), Some(_)) => Err("it meant several results, one after the other"),
            }
        }
    }
}

/// A variable from one `let` on.
#[derive(Debug, Default)]
struct Cell {
    made_by: usize,
    /// Who changed it since it was given its value as a whole.
    changers: Vec<usize>,
    /// What closures in it hold, and whether they may change that.
    holds: BTreeSet<usize>,
    may_change: bool,
    /// Whether there may be a closure in it whose body is gone: it was made in an input that failed.
    dead: bool,
}

/// Follows a session from its first statement to its last.
#[derive(Default)]
struct Flow {
    /// The inputs that were not run.
    refused: BTreeSet<usize>,
    cells: Vec<Cell>,
    names: HashMap<String, usize>,
    functions: BTreeMap<(String, usize), usize>,
    imports: HashMap<String, usize>,
    /// The input at hand, and the functions that there were before it.
    line: Option<usize>,
    before: BTreeMap<(String, usize), usize>,
}

/// What each of these statements depends on. Some inputs were not run.
pub(super) fn needs(pieces: &[Piece], refused: &BTreeSet<usize>) -> Vec<Needs> {
    let mut flow = Flow { refused: refused.clone(), ..Flow::default() };
    (0..pieces.len()).map(|index| flow.step(pieces, index)).collect()
}

impl Flow {
    fn step(&mut self, pieces: &[Piece], index: usize) -> Needs {
        self.enter(pieces, index);
        let piece = &pieces[index];
        let facts = &piece.facts;
        let mut needs = Needs::default();
        let used = self.used(facts);
        for (name, cell) in facts.reads.iter().chain(&facts.overwrites).filter_map(|name| Some((name, *self.names.get(name)?))) {
            needs.makers.insert(name.clone(), self.cells[cell].made_by);
            needs.pieces.insert(self.cells[cell].made_by);
        }
        for cell in &used {
            needs.pieces.insert(self.cells[*cell].made_by);
            needs.pieces.extend(&self.cells[*cell].changers);
        }
        let called = facts.calls.iter().filter(|call| !call.in_function).map(|call| call.name.as_str());
        let meant = facts.reads.iter().map(String::as_str).filter(|name| !self.names.contains_key(*name));
        called.chain(meant).for_each(|name| self.calls(pieces, index, name, &mut needs));
        needs.pieces.extend(facts.modules.iter().filter_map(|module| self.imports.get(module)));
        self.answers(pieces, index, &mut needs);
        self.after(piece, index, &used, &mut needs);
        needs.pieces.remove(&index);
        needs
    }

    /// An input's functions are there before its first statement runs, and only those of one that worked stay.
    fn enter(&mut self, pieces: &[Piece], index: usize) {
        let line = pieces[index].line;
        if self.line == Some(line) {
            return;
        }
        if index > 0 && !pieces[index - 1].defines {
            self.functions = std::mem::take(&mut self.before);
        }
        self.line = Some(line);
        self.before.clone_from(&self.functions);
        for (at, piece) in pieces.iter().enumerate().skip(index).take_while(|(_, piece)| piece.line == line) {
            let defined = piece.facts.functions.iter().map(|(name, params)| ((name.clone(), params.len()), at));
            self.functions.extend(defined);
        }
    }

    /// The variables that a statement uses, with all that closures in them hold.
    fn used(&self, facts: &Facts) -> BTreeSet<usize> {
        let named = self.names.iter().filter(|(name, _)| facts.everything || facts.reads.contains(*name));
        let mut open: Vec<usize> = named.map(|(_, cell)| *cell).collect();
        let mut used = BTreeSet::new();
        while let Some(cell) = open.pop() {
            if used.insert(cell) {
                open.extend(&self.cells[cell].holds);
            }
        }
        used
    }

    /// A function that is called, and those that it calls: by what they mean now.
    fn calls(&self, pieces: &[Piece], caller: usize, name: &str, needs: &mut Needs) {
        let versions = self.functions.iter().filter(|((known, _), _)| known == name);
        for (_, defined) in versions {
            if !needs.meant.insert((caller, name.to_owned(), *defined)) {
                continue;
            }
            needs.pieces.insert(*defined);
            let facts = &pieces[*defined].facts;
            needs.pieces.extend(facts.modules.iter().filter_map(|module| self.imports.get(module)));
            let constants = facts.reads.iter().filter_map(|name| self.names.get(name));
            needs.pieces.extend(constants.map(|cell| self.cells[*cell].made_by));
            let called = facts.calls.iter().filter(|call| call.in_function);
            called.for_each(|call| self.calls(pieces, *defined, &call.name, needs));
        }
    }

    /// `_`, `_e` and `out[n]`, where they are no variables of the user's own.
    fn answers(&self, pieces: &[Piece], index: usize, needs: &mut Needs) {
        let line = pieces[index].line;
        let before = || pieces[..index].iter().enumerate().rev().filter(|(_, piece)| piece.line < line);
        for (number, used) in pieces[index].facts.uses.iter().enumerate() {
            let own = self.names.contains_key(&used.name);
            let answer = match (used.name.as_str(), used.index) {
                _ if own => continue,
                (LAST, _) => before().find(|(_, piece)| piece.shown.is_some()).map(|(at, _)| Answer::Value(at)),
                (ERROR, _) => before().find(|(_, piece)| piece.broke).map(|(at, piece)| {
                    let not_run = self.refused.range(piece.line + 1..line).next().is_some();
                    if not_run {
                        Answer::Lost("the line that failed was not run at all, as its syntax is wrong")
                    } else {
                        Answer::Failure(at)
                    }
                }),
                (ALL, Some(wanted)) => {
                    let last = before().filter_map(|(_, piece)| piece.shown).max().unwrap_or(0);
                    Some(match number_of(&pieces[index], wanted, last) {
                        Err(why) => Answer::Lost(why),
                        Ok(wanted) => {
                            let found = before().find(|(_, piece)| piece.shown == wanted);
                            found.map_or(Answer::Lost(GONE), |(at, _)| Answer::Value(at))
                        }
                    })
                }
                (ALL, None) => Some(Answer::Lost("`out`, which is all results, is there in a session only")),
                _ => continue,
            };
            let answer = match answer {
                Some(Answer::Value(at)) if pieces[at].command => Some(Answer::Lost("a command gave it, and a playbook has none")),
                answer => answer,
            };
            let answer = answer.unwrap_or(Answer::Lost(GONE));
            if let Answer::Value(at) | Answer::Failure(at) = answer {
                needs.pieces.insert(at);
            }
            needs.answers.insert(number, answer);
        }
    }

    fn after(&mut self, piece: &Piece, index: usize, used: &BTreeSet<usize>, needs: &mut Needs) {
        let facts = &piece.facts;
        let held = used.iter().filter(|cell| self.cells[**cell].may_change).flat_map(|cell| self.cells[*cell].holds.clone());
        let mut changed: BTreeSet<usize> = held.collect();
        changed.extend(facts.changes.iter().filter_map(|name| self.names.get(name)));
        if facts.everything {
            changed.extend(used);
        }
        // What fails is not assigned; a closure without a body fails before it does anything.
        let whole = facts.overwrites.as_ref().filter(|_| !piece.broke).and_then(|name| self.names.get(name)).copied();
        if piece.broke && used.iter().any(|cell| self.cells[*cell].dead) {
            changed.clear();
        }
        needs.changes = !changed.is_empty() || whole.is_some();
        for cell in &changed {
            self.cells[*cell].changers.push(index);
        }
        if piece.broke {
            return;
        }
        let captured: BTreeSet<usize> = facts.captures.iter().filter_map(|name| self.names.get(name)).copied().collect();
        let holds: BTreeSet<usize> =
            used.iter().flat_map(|cell| self.cells[*cell].holds.clone()).chain(captured.iter().copied()).collect();
        let may_change = !facts.captured_changes.is_empty() || used.iter().any(|cell| self.cells[*cell].may_change);
        // What is given to a variable that is there already may hold a closure, too.
        for cell in changed.into_iter().chain(whole).filter(|_| !holds.is_empty()) {
            self.cells[cell].holds.extend(holds.iter().filter(|held| **held != cell));
            self.cells[cell].may_change |= may_change;
        }
        if let Some(cell) = whole {
            self.cells[cell].changers = vec![index];
        }
        for name in &facts.declares {
            self.names.insert(name.clone(), self.cells.len());
            let dead = facts.closures && !piece.defines;
            self.cells.push(Cell { made_by: index, changers: Vec::new(), holds: holds.clone(), may_change, dead });
        }
        if piece.defines {
            self.imports.extend(facts.imports.iter().map(|name| (name.clone(), index)));
        }
    }
}
