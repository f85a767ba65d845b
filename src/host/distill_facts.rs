//! What a statement does with names.

use super::distill_roles::Role;
use rhai::Position;
use std::collections::{BTreeMap, BTreeSet};

/// What one statement does with names. Where that cannot be known, more is assumed rather than less.
#[derive(Debug, Default, Clone)]
pub(super) struct Facts {
    /// Variables of before that it uses.
    pub reads: BTreeSet<String>,
    /// Those whose value may be another one afterwards.
    pub changes: BTreeSet<String>,
    /// The one that it gives a new value, whatever it was: the whole statement is `name = …`.
    pub overwrites: Option<String>,
    /// Variables that it makes, in order.
    pub declares: Vec<String>,
    /// Variables that live on in a closure made here.
    pub captures: BTreeSet<String>,
    /// Those of them that the closure may change.
    pub captured_changes: BTreeSet<String>,
    /// Functions that it defines, with their parameters.
    pub functions: Vec<(String, Vec<String>)>,
    /// Functions of those that are methods: they may change what they are called on.
    pub methods: BTreeSet<String>,
    /// Names of modules that it imports, and of those that it uses.
    pub imports: Vec<String>,
    pub modules: BTreeSet<String>,
    /// Functions that it calls.
    pub calls: Vec<Call>,
    /// Texts that stand in it.
    pub literals: Vec<Literal>,
    /// Variables that are given where a pod, a namespace or a secret is meant.
    pub flows: Vec<(String, Role)>,
    /// Which literals a variable made here is.
    pub made_of: BTreeMap<String, Vec<usize>>,
    /// Each place where a variable of before stands.
    pub uses: Vec<Use>,
    /// Every other name that means a variable somewhere in it.
    pub locals: BTreeSet<String>,
    /// Whether closures are made in it.
    pub closures: bool,
    /// Whether it may end the script: `return` outside of functions.
    pub leaves: bool,
    /// Whether it may use any variable: it calls a function with all of them in sight.
    pub everything: bool,
    /// Whether something stands in it besides functions.
    pub runs: bool,
    /// Whether it is an expression with a value.
    pub value: bool,
    /// Whether it needs no semicolon.
    pub closed: bool,
}

/// A call by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub name: String,
    pub at: Position,
    /// Whether it stands in the body of a named function.
    pub in_function: bool,
}

/// A text that stands in a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Literal {
    pub text: String,
    pub at: Position,
    /// What it is given for.
    pub role: Option<Role>,
    pub in_function: bool,
}

/// A place where a variable of before stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Use {
    pub name: String,
    pub at: Position,
    /// What stands in brackets behind it.
    pub index: Option<Index>,
}

/// Which item is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Index {
    /// The one of this number.
    Number(i64),
    /// One that is computed: the bracket stands here.
    Computed(Position),
    /// The same, by what changes a variable besides.
    Changing,
}
