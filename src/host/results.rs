//! What typed lines gave, kept to be looked at again: `_`, `out[n]`, and the last failure, `_e`.
//!
//! A result is kept as it came and by reference: looking at it again copies nothing, and nothing that a line does to its own
//! copy changes it.

use super::convert::type_word;
use super::failure::{Fallible, place, raise};
use super::limits::Limits;
use super::session::Call;
use super::{Entered, is_secret_typed, underscore};
use crate::error::{Error, Kind, Result};
use crate::json::Node;
use crate::report::{Content, Page, Table};
use rhai::plugin::*;
use rhai::{Array, Dynamic, INT, ImmutableString, Module, Scope};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many are kept at most.
const MOST: usize = 100;
/// The name of all of them.
pub(super) const ALL: &str = "out";
/// The name of the last failure.
pub(super) const ERROR: &str = "_e";
/// So many names stand at the bottom of the scope.
const NAMES: usize = 3;
/// How much of what was typed a list of results shows.
const TYPED: usize = 60;

/// The results of a session. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Results(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    results: VecDeque<One>,
    /// How many were given up again.
    dropped: usize,
    error: Option<Error>,
}

struct One {
    /// Shared: `_` is the same.
    value: Dynamic,
    /// What was typed.
    typed: String,
    /// What it is, in a few words.
    what: String,
    /// The beginning of what was typed, as lists show it.
    shown: String,
}

/// A result in a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub number: usize,
    /// What it is, in a few words.
    pub what: String,
    /// What was typed that gave it: its beginning, on one line. Nothing of it when a secret stands in it.
    pub typed: String,
}

impl Results {
    /// Keep what was typed and what it gave; nothing is kept of nothing, of the results themselves, or of help: it is looked up
    /// in the middle of work, and what was found stays at hand.
    ///
    /// The oldest are given up when there are too many, or when more than half of the memory is in use that scripts may use.
    pub(super) fn keep(&self, source: &str, value: Dynamic, limits: Limits) -> Entered {
        let typed = source.trim().to_owned();
        if value.is_unit() || value.is::<Self>() || value.is::<Page>() {
            return Entered { value, number: None, typed };
        }
        // Marked inside, as it will be shared: no method changes it, whatever way leads to it.
        let marked = value.is_shared() && value.is_read_only();
        let value = if marked { value } else { value.flatten().into_read_only().into_shared() };
        let one = One { what: what(&value), shown: shown(&typed), value: value.clone(), typed: typed.clone() };
        let mut kept = self.lock();
        kept.results.push_back(one);
        let crowded = || limits.memory.is_some_and(|(most, used)| used() > most / 2);
        while kept.results.len() > MOST || (kept.results.len() > 1 && crowded()) {
            kept.results.pop_front();
            kept.dropped += 1;
        }
        Entered { value, number: Some(kept.last()), typed }
    }

    /// Keep why a line failed.
    pub(super) fn failed(&self, error: &Error) {
        if error.kind() != Kind::Interrupted {
            self.lock().error = Some(error.clone());
        }
    }

    /// The result of this number, or so many from the end.
    ///
    /// # Errors
    /// When there is none, or not any more.
    pub(super) fn get(&self, number: INT) -> Result<Entered> {
        let kept = self.lock();
        let found = match number {
            0.. => usize::try_from(number).ok(),
            _ => usize::try_from(number.unsigned_abs()).ok().and_then(|back| (kept.last() + 1).checked_sub(back)),
        };
        let one = found.and_then(|number| Some((number, kept.results.get(number.checked_sub(kept.dropped + 1)?)?)));
        let entered =
            |(number, one): (usize, &One)| Entered { value: one.value.clone(), number: Some(number), typed: one.typed.clone() };
        one.map(entered).ok_or_else(|| kept.missing(number))
    }

    /// The result that a text names and nothing else: a look at it is no new one.
    pub(super) fn named(&self, source: &str, scope: &Scope) -> Option<Entered> {
        let source = source.trim();
        let number = if source == underscore::NAME {
            -1
        } else {
            let index = source.strip_prefix(ALL)?.trim().strip_prefix('[')?.strip_suffix(']')?;
            // A variable may have taken the name.
            index.trim().parse().ok().filter(|_| scope.get_value::<Self>(ALL).is_some())?
        };
        self.get(number).ok()
    }

    /// The names of the results at the bottom of a scope, which may be there already; what typed lines declared stands above
    /// them and may hide them. Only what was put into `_` is dropped: that name is for the last result.
    pub(super) fn name_in(&self, before: Scope<'static>, named: bool) -> Scope<'static> {
        let kept = self.lock();
        let mut scope = Scope::new();
        let last = kept.results.back().map_or(Dynamic::UNIT, |one| one.value.clone());
        scope.push_constant_dynamic(underscore::NAME, last);
        scope.push_constant_dynamic(ERROR, kept.error.clone().map_or(Dynamic::UNIT, Dynamic::from));
        scope.push_constant(ALL, self.clone());
        drop(kept);
        for (name, value, _) in before.into_iter().skip(if named { NAMES } else { 0 }) {
            if name != underscore::NAME {
                scope.push_dynamic(name, value);
            }
        }
        scope
    }

    /// All of them as a table: number, what it is, what was typed.
    pub(super) fn content(&self) -> Content {
        let row = |one: Listed| vec![Value::from(one.number), one.what.into(), one.typed.into()];
        let rows = self.list().into_iter().map(row).collect();
        Content::Table(Table { columns: ["out", "result", "typed"].map(String::from).to_vec(), rows, ..Table::default() })
    }

    /// All of them, the oldest first.
    pub(super) fn list(&self) -> Vec<Listed> {
        let kept = self.lock();
        let listed = |(index, one): (usize, &One)| Listed {
            number: kept.dropped + index + 1,
            what: one.what.clone(),
            typed: one.shown.clone(),
        };
        kept.results.iter().enumerate().map(listed).collect()
    }

    fn values(&self) -> Vec<Dynamic> {
        self.lock().results.iter().map(|one| one.value.flatten_clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The number of the last one.
    fn last(&self) -> usize {
        self.dropped + self.results.len()
    }

    fn missing(&self, number: INT) -> Error {
        let error = Error::new(Kind::NotFound, format!("there is no result {number}"));
        let (first, last) = (self.dropped + 1, self.last());
        match usize::try_from(number) {
            _ if self.results.is_empty() => return error.hint("none is kept yet: a line that gives a value makes one"),
            Ok(old) if (1..first).contains(&old) => {
                error.cause(format!("the oldest are given up: the last {MOST} are kept, fewer when memory runs short"))
            }
            Ok(0) => error.cause("results are counted from 1, as they are shown"),
            _ => error,
        }
        .hint(format!("{ALL}[{first}] to {ALL}[{last}] are kept; {ALL}[-1] is the last; `{ALL}` lists them"))
    }
}

/// The beginning of what was typed, on one line. Lists are shown long after the line has gone from the screen: no secret comes
/// back with them.
fn shown(typed: &str) -> String {
    if is_secret_typed(typed) {
        return "…".into();
    }
    let more = if typed.chars().count() > TYPED { "…" } else { "" };
    let begin = typed.chars().take(TYPED).map(|c| if c.is_whitespace() { ' ' } else { c });
    begin.chain(more.chars()).collect()
}

/// What a result is, in a few words.
fn what(value: &Dynamic) -> String {
    if let Some(items) = value.read_lock::<Array>() {
        let count = items.len();
        return match items.first().filter(|first| items.iter().all(|item| item.type_name() == first.type_name())) {
            Some(first) => format!("{count} × {}", kind(first)),
            None => format!("array of {count}"),
        };
    }
    if let Some(table) = value.read_lock::<Table>() {
        return format!("table of {}", table.rows.len());
    }
    match value.read_lock::<ImmutableString>() {
        Some(text) => format!("text of {} characters", text.chars().count()),
        // What is shared says so of itself.
        None if value.is_int() || value.is_float() || value.is_bool() => value.flatten_clone().to_string(),
        None => kind(value),
    }
}

/// A row's kind, or a value's type.
fn kind(value: &Dynamic) -> String {
    match value.read_lock::<super::Row>() {
        Some(row) => row.shape().kind.clone(),
        None if value.is::<Node>() => "document".into(),
        None => type_word(value),
    }
}

/// What can be done with all results.
pub(super) fn functions() -> Module {
    let mut module = rhai::exported_module!(of_results);
    module.set_custom_type::<Results>("results");
    let values = |value: Dynamic| value.cast::<Results>().values().into_iter();
    module.set_iter(std::any::TypeId::of::<Results>(), move |value| Box::new(values(value)));
    module
}

#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
mod of_results {
    #[rhai_fn(index_get, pure, return_raw)]
    pub fn result(context: NativeCallContext, results: &mut Results, number: INT) -> Fallible<Dynamic> {
        let found = results.get(number).map_err(|error| raise(error, Position::NONE))?;
        if let (Some(at), Some(number)) = (place(context.call_position()), found.number) {
            Call::of(&context)?.session().looked(at, number);
        }
        Ok(found.value)
    }

    #[rhai_fn(pure)]
    pub fn len(results: &mut Results) -> INT {
        INT::try_from(results.lock().results.len()).unwrap_or(INT::MAX)
    }

    #[rhai_fn(pure)]
    pub fn is_empty(results: &mut Results) -> bool {
        results.lock().results.is_empty()
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show(results: &mut Results) -> String {
        format!("{} results", results.lock().results.len())
    }
}

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
