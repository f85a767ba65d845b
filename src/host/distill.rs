//! A session turned into a playbook: what its last result and its findings depend on, with pods and namespaces as parameters.
//!
//! Its inputs are cut into statements (`distill_pieces`), each is asked what it does with names
//! (`distill_walk`), and from that follows what depends on what (`distill_flow`). What is kept is chosen here;
//! then literals become parameters (`distill_lift`) and the text is written (`distill_write`).

use super::distill_flow::{Answer, Needs, needs};
use super::distill_pieces::{Cutter, Piece, Tellers};
use super::distill_roles::Roles;
use super::distill_write::{Form, write};
use super::failure::{Failure, Place};
use super::results::{ALL, ERROR};
use super::session::Deeds;
use super::{Catalog, Host, INPUT, Playbook};
use crate::backend::Effect;
use crate::error::{Error, Kind, Result};
use rhai::Engine;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// One input of a session.
#[derive(Debug, Clone)]
pub struct Input {
    /// What was typed.
    pub text: String,
    /// How it ended.
    pub end: End,
    /// The number of the result that it gave, when something was shown.
    pub result: Option<usize>,
    /// What it did besides.
    pub deeds: Deeds,
}

impl Input {
    /// An input that gave the result of this number, or none that is shown, or failed.
    pub fn new(text: &str, deeds: Deeds, outcome: std::result::Result<Option<usize>, &Failure>) -> Self {
        let (end, result) = match outcome {
            Ok(result) => (End::Worked, result),
            Err(_) if !deeds.ran => (End::Refused, None),
            Err(failure) => (End::Failed(reached(failure)), None),
        };
        Self { text: text.into(), end, result, deeds }
    }

    /// A command that gave the result of this number: no script can say it.
    pub fn command(typed: &str, result: Option<usize>) -> Self {
        Self { text: typed.into(), end: End::Command, result, deeds: Deeds::default() }
    }
}

/// How far an input came that failed: the outermost call that stands in it.
fn reached(failure: &Failure) -> Option<Place> {
    match failure.frames.last() {
        Some(call) => call.place.filter(|_| call.file == INPUT),
        None => failure.position.filter(|_| failure.file == INPUT),
    }
}

/// How an input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Well.
    Worked,
    /// It failed or was interrupted, here if that is known; what stands before was done.
    Failed(Option<Place>),
    /// It was not run at all.
    Refused,
    /// Well, and it was a command to the session.
    Command,
}

/// What is told of a session in its playbook.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// What the playbook is called.
    pub name: String,
    /// When: a date and a time.
    pub at: String,
    /// Where: a context, a tape.
    pub place: String,
    /// Whether somebody chose the namespace of names that came without one: a run has another unless told.
    pub chosen: bool,
}

/// What of a session is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// What its last result and its findings depend on.
    Needed,
    /// Every statement that worked.
    All,
}

/// A session as a playbook.
#[derive(Debug, Clone)]
pub struct Distilled {
    /// Its text.
    pub text: String,
    /// The level of effect that it needs.
    pub needs: Effect,
    /// Its parameters, in the order in which they were found.
    pub params: Vec<super::Param>,
    /// The namespace that a run must be told, for names that come without one.
    pub namespace: Option<String>,
    /// What whoever saves it should know.
    pub notes: Vec<String>,
    /// How many statements are kept, and of how many.
    pub kept: (usize, usize),
}

/// What is kept, and what becomes of each.
pub(super) struct Plan {
    pub forms: BTreeMap<usize, Form>,
    /// The namespace that a run must be told.
    pub namespace: Option<String>,
    /// Names of functions that are there in several versions: in which statement, the old name, the new one.
    pub renamed: Vec<(usize, String, String)>,
    /// What is to be told of statements that worked and are not among them.
    pub unsaid: Vec<String>,
}

impl Host {
    /// Turn a session into a playbook.
    ///
    /// # Errors
    /// When there is nothing to keep, or it cannot be said in one script.
    pub fn distill(&self, inputs: &[Input], recorded: &Recorded, keep: Keep) -> Result<Distilled> {
        let mut engine = Engine::new();
        super::engine::language(&mut engine);
        engine.set_strict_variables(false);
        let mut cutter = Cutter::new(&engine, Roles::new(self.catalog()), tellers(self.catalog()));
        let pieces = cutter.cut(inputs);
        let refused = inputs.iter().enumerate().filter(|(_, input)| input.end == End::Refused).map(|(line, _)| line).collect();
        let needs = needs(&pieces, &refused);
        let mut plan = plan(&pieces, &needs, keep)?;
        let homes = homes(&pieces, inputs, &plan);
        plan.namespace = homes.last().filter(|_| recorded.chosen || homes.len() > 1).cloned();
        let effect = plan.forms.keys().map(|index| inputs[pieces[*index].line].deeds.effect).max().unwrap_or(Effect::Observe);
        let mut distilled = write(self.catalog(), &pieces, &needs, &plan, recorded, effect);
        distilled.notes.extend(left_out(inputs).into_iter().chain(several(&homes)).chain(plan.unsaid));
        self.check(&distilled, &recorded.name)?;
        Ok(distilled)
    }

    /// That it compiles: a playbook that cannot be run is none.
    fn check(&self, distilled: &Distilled, name: &str) -> Result<()> {
        let wrong = |why: &str| {
            Error::new(Kind::Internal, "the session does not make a playbook that can be run")
                .cause(why)
                .hint("this is a defect; please report it. `save(_, FILE)` keeps a result, `:history` shows what was typed")
        };
        let playbook = Playbook::parse(name, None, &distilled.text).map_err(|failure| wrong(&failure.to_string()))?;
        let value = |param: &super::Param| (param.name.clone(), param.value.clone().unwrap_or(Value::String(String::new())));
        let values: Map<String, Value> = playbook.header.params.iter().map(value).collect();
        let (compiled, _) = self.compile(&playbook.scope(&values), &distilled.text);
        compiled.map(|_| ()).map_err(|error| wrong(&error.to_string()))
    }
}

/// That commands are no part of it, each told once.
fn left_out(inputs: &[Input]) -> Vec<String> {
    let commands: BTreeSet<&str> = inputs.iter().filter(|one| one.end == End::Command).map(|one| one.text.as_str()).collect();
    commands.into_iter().map(|one| format!("`{one}` is no part of the playbook: run that one beside it")).collect()
}

/// Where names without a namespace were looked for by what is kept: each place once, in the order in which it was left.
fn homes(pieces: &[Piece], inputs: &[Input], plan: &Plan) -> Vec<String> {
    let all = plan.forms.keys().filter_map(|index| inputs[pieces[*index].line].deeds.home.clone());
    let mut homes: Vec<String> = Vec::new();
    for home in all {
        homes.retain(|known| *known != home);
        homes.push(home);
    }
    homes
}

/// One run has one namespace.
fn several(homes: &[String]) -> Option<String> {
    let (last, before) = homes.split_last().filter(|(_, before)| !before.is_empty())?;
    Some(format!(
        "names without a namespace were looked for in {} and then in {last}; the playbook looks in {last} only: write such names as NAME.NAMESPACE, and save again",
        before.join(", ")
    ))
}

/// The functions that write into a report, and those of them that judge.
fn tellers(catalog: &Catalog) -> Tellers {
    let of_report = |name: &dyn Fn(&super::Entry) -> bool| -> BTreeSet<String> {
        catalog.entries.iter().filter(|entry| entry.family == "report" && name(entry)).map(|entry| entry.name.clone()).collect()
    };
    let mut all = of_report(&|_| true);
    all.extend(["print", "debug"].map(String::from));
    Tellers { all, judges: of_report(&|entry| entry.summary.starts_with("Report ")) }
}

fn plan(pieces: &[Piece], needs: &[Needs], keep: Keep) -> Result<Plan> {
    let (mut forms, shown) = roots(pieces, needs, keep)?;
    let mut open: Vec<usize> = forms.keys().copied().collect();
    while let Some(index) = open.pop() {
        for needed in &needs[index].pieces {
            if !forms.contains_key(needed) {
                forms.insert(*needed, Form::default());
                open.push(*needed);
            }
        }
    }
    for index in shown {
        forms.entry(index).or_default().show = true;
    }
    // What failed for want of a function that was defined later must not work now.
    let later = |index: usize, name: &str| {
        pieces[index + 1..].iter().any(|piece| piece.facts.functions.iter().any(|(defined, _)| defined == name))
    };
    let wanting = |index: usize| {
        let unknown = |name: &str| !needs[index].meant.iter().any(|(_, known, _)| known == name);
        let mut calls = pieces[index].facts.calls.iter();
        calls.any(|call| !call.in_function && unknown(&call.name) && later(index, &call.name))
    };
    forms.retain(|index, _| !pieces[*index].broke || !wanting(*index));
    for index in forms.keys() {
        if pieces[*index].facts.leaves {
            let error = cannot(&pieces[*index], "`return` stands outside of a function: the playbook would end there");
            return Err(error.hint("type it again without `return`: what stands last in a line is its result"));
        }
    }
    name_answers(pieces, needs, &mut forms)?;
    let renamed = versions(pieces, needs, &forms)?;
    let unsaid = if keep == Keep::All { unsaid(pieces, &forms) } else { Vec::new() };
    Ok(Plan { forms, namespace: None, renamed, unsaid })
}

/// What is kept for its own sake, and which values are shown.
fn roots(pieces: &[Piece], needs: &[Needs], keep: Keep) -> Result<(BTreeMap<usize, Form>, Vec<usize>)> {
    let whole = || pieces.iter().enumerate().filter(|(_, piece)| !piece.broke && !piece.command);
    let shows = |piece: &Piece| piece.shown.is_some() && !piece.tells;
    let mut forms: BTreeMap<usize, Form> = BTreeMap::new();
    let mut shown = Vec::new();
    if keep == Keep::All {
        let kept = || whole().filter(|(index, piece)| can_be_said(piece, &needs[*index]));
        forms.extend(kept().map(|(index, _)| (index, Form::default())));
        shown.extend(kept().filter(|(_, piece)| shows(piece)).map(|(index, _)| index));
    } else {
        let mut told = HashSet::new();
        for (index, piece) in whole().filter(|(_, piece)| piece.tells || piece.acts) {
            // The same said again of the same things is said once.
            let again = !piece.acts && !needs[index].changes && !told.insert((&piece.text, &needs[index].pieces));
            if !again {
                forms.insert(index, Form::default());
            }
        }
        let last = whole().rfind(|(_, piece)| piece.shown.is_some());
        if let Some((index, piece)) = last.filter(|_| !whole().any(|(_, piece)| piece.judges)) {
            forms.insert(index, Form::default());
            shown.extend(shows(piece).then_some(index));
        }
    }
    if forms.is_empty() {
        let made = whole().filter_map(|(index, piece)| Some((index, last_made(piece)?))).next_back();
        let (index, name) = made.ok_or_else(nothing)?;
        forms.insert(index, Form { then_show: Some(name), ..Form::default() });
    }
    Ok((forms, shown))
}

/// Whether a statement can stand in a playbook.
fn can_be_said(piece: &Piece, needs: &Needs) -> bool {
    !piece.facts.leaves && !needs.answers.values().any(|answer| matches!(answer, Answer::Lost(_)))
}

/// What is told of statements that worked and are left out all the same. A look at `out` gave nothing that could be missed.
fn unsaid(pieces: &[Piece], forms: &BTreeMap<usize, Form>) -> Vec<String> {
    let gave = |piece: &Piece| piece.shown.is_some() || last_made(piece).is_some() || piece.tells || piece.acts;
    let whole = pieces.iter().enumerate().filter(|(_, piece)| !piece.broke && !piece.command);
    let left = whole.filter(|(index, piece)| !forms.contains_key(index) && gave(piece));
    left.map(|(_, piece)| format!("left out, as it cannot stand in a playbook: {}", first_line(piece))).collect()
}

fn first_line(piece: &Piece) -> &str {
    piece.text.lines().next().unwrap_or_default()
}

/// The variable that a statement made or changed.
fn last_made(piece: &Piece) -> Option<String> {
    let facts = &piece.facts;
    facts.declares.last().or(facts.overwrites.as_ref()).or(facts.changes.last()).cloned()
}

fn nothing() -> Error {
    Error::new(Kind::NotFound, "this session has nothing to save: no result was shown, and nothing was found")
        .hint("`:save! NAME` keeps every line that worked")
}

fn cannot(piece: &Piece, why: &str) -> Error {
    Error::new(Kind::BadInput, format!("this line cannot become part of a playbook: {}", first_line(piece))).cause(why)
}

/// Give names to earlier results that later lines use as `_` or `out[n]`.
fn name_answers(pieces: &[Piece], needs: &[Needs], forms: &mut BTreeMap<usize, Form>) -> Result<()> {
    let mut taken: BTreeSet<String> = ["params", "PLAYBOOK"].map(String::from).into();
    for index in forms.keys() {
        let facts = &pieces[*index].facts;
        taken.extend(facts.declares.iter().chain(&facts.locals).chain(&facts.reads).cloned());
    }
    let kept: Vec<usize> = forms.keys().copied().collect();
    let answers = kept.iter().flat_map(|index| needs[*index].answers.iter().map(move |(used, answer)| (*index, *used, answer)));
    for (index, used, answer) in answers {
        let (at, base) = match answer {
            Answer::Lost(why) => {
                return Err(cannot(&pieces[index], why).hint(match pieces[index].facts.uses[used].name.as_str() {
                    ERROR => "type that line again without what failed there, or `:save` before it",
                    ALL => "type it again with the number of each result, `out[3]`; or give results names where they are made (`let NAME = …`)",
                    _ => "give the result a name where it is made (`let NAME = …`), and use that",
                }));
            }
            Answer::Value(at) => (*at, pieces[*at].facts.calls.first().map_or("result", |call| last_word(&call.name))),
            Answer::Failure(at) => (*at, "error"),
        };
        let form = forms.entry(at).or_default();
        if form.name.is_none() {
            form.name = Some(fresh(base, &mut taken));
        }
    }
    Ok(())
}

fn last_word(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// A name that is not taken; it is, from now on.
fn fresh(base: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    let name = std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(name.clone());
    name
}

/// In one script a function has one meaning: earlier ones that still matter get another name.
fn versions(pieces: &[Piece], needs: &[Needs], forms: &BTreeMap<usize, Form>) -> Result<Vec<(usize, String, String)>> {
    let mut defined: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
    for index in forms.keys() {
        for (name, params) in &pieces[*index].facts.functions {
            defined.entry((name, params.len())).or_default().push(*index);
        }
    }
    let mut taken: BTreeSet<String> = defined.keys().map(|(name, _)| (*name).to_owned()).collect();
    let meant: BTreeSet<&(usize, String, usize)> = forms.keys().flat_map(|index| &needs[*index].meant).collect();
    let mut renamed = Vec::new();
    for ((name, _), versions) in defined {
        let calls = || meant.iter().filter(|(_, called, _)| called == name);
        for first in forms.keys().take_while(|index| **index < versions[0]) {
            let before = pieces[*first].facts.calls.iter().any(|call| !call.in_function && call.name == name);
            if before && !calls().any(|(caller, _, _)| caller == first) {
                let why = format!("`{name}` is the session's own function only from a later line on");
                return Err(cannot(&pieces[*first], &why).hint("give the function another name"));
            }
        }
        let (_, old) = versions.split_last().unwrap_or((&0, &[]));
        for version in old {
            let new = fresh(name, &mut taken);
            renamed.push((*version, name.to_owned(), new.clone()));
            for (caller, ..) in calls().filter(|(_, _, target)| target == version) {
                if calls().any(|(other, _, target)| other == caller && target != version && versions.contains(target)) {
                    let why = format!("it used two versions of the function `{name}`, one after the other");
                    return Err(cannot(&pieces[*caller], &why).hint("give one of the two another name"));
                }
                renamed.push((*caller, name.to_owned(), new.clone()));
            }
        }
    }
    renamed.sort();
    renamed.dedup();
    Ok(renamed)
}

#[cfg(test)]
#[path = "distill_tests.rs"]
mod tests;
