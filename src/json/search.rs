//! Searching one resource that was read as a tree.
//!
//! Names, wildcards and `..` are followed here, without making a path for every value passed by; filters, slices and
//! unions are jsonpath-rust's.

use super::node::Node;
use super::path::Hit;
use super::plan::{Plan, Todo};
use super::tree::Tree;
use crate::error::{Error, Kind, Result};
use jsonpath_rust::parser::model::{JpQuery, Selector};
use jsonpath_rust::query::js_path_process;
use std::fmt::Write as _;
use std::sync::Arc;

/// More hits than this are surely not what was meant, and would take all memory.
const MOST: usize = 20_000_000;
/// How many values are looked at between two questions whether to go on.
const PATIENCE: usize = 10_000;

/// Whether to go on, asked now and then.
pub(super) type GoOn<'g> = dyn Fn() -> Result<()> + Sync + 'g;

/// One step of the way to a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'t> {
    Key(&'t str),
    Index(usize),
}

/// A search of one tree.
pub(super) struct Search<'s> {
    pub(super) plan: &'s Plan,
    /// What `$` means in filters.
    pub(super) root: &'s Tree<'s>,
    /// The resource as a place in its document.
    pub(super) node: &'s Node,
    /// The way to the resource, if paths are wanted.
    pub(super) base: Option<&'s str>,
    pub(super) go_on: &'s GoOn<'s>,
    pub(super) hits: &'s mut Vec<Hit>,
    /// The way from the resource to the value at hand.
    pub(super) way: Vec<Way<'s>>,
    pub(super) looked: usize,
}

impl<'s> Search<'s> {
    /// Run what is left of the query on the resource.
    pub(super) fn run(&mut self, tree: &'s Tree<'s>, todo: Todo) -> Result<()> {
        match todo {
            Todo::From(at) => self.from(tree, at),
            Todo::Apply(at) => self.apply(tree, at),
            Todo::Test(..) => {
                // A filter tests members: make the resource one.
                let one = Tree::array(vec![Tree::of(tree)], 0);
                self.by_library(&one, todo, "$[1][0]")
            }
        }
    }

    fn from(&mut self, tree: &'s Tree<'s>, at: usize) -> Result<()> {
        match self.plan.steps.get(at) {
            None => self.hit(tree.start, ""),
            Some(step) if step.descends => self.descend(tree, at),
            Some(_) => self.apply(tree, at),
        }
    }

    /// Apply a step to a value, and to all below, each before its members.
    fn descend(&mut self, tree: &'s Tree<'s>, at: usize) -> Result<()> {
        if !tree.is_container() {
            return Ok(());
        }
        self.apply(tree, at)?;
        for (step, member) in tree.members() {
            self.way.push(step);
            self.descend(member, at)?;
            self.way.pop();
        }
        Ok(())
    }

    fn apply(&mut self, tree: &'s Tree<'s>, at: usize) -> Result<()> {
        self.looked += 1;
        if self.looked.is_multiple_of(PATIENCE) {
            (self.go_on)()?;
        }
        let Some(step) = self.plan.steps.get(at) else { return Ok(()) };
        match step.selectors.as_slice() {
            [pick] if matches!(pick.selector, Selector::Name(_)) => self.named(tree, &pick.selector, at),
            [pick] if matches!(pick.selector, Selector::Wildcard) => {
                for (step, member) in tree.members() {
                    self.way.push(step);
                    self.from(member, at + 1)?;
                    self.way.pop();
                }
                Ok(())
            }
            _ => self.by_library(tree, Todo::Apply(at), "$[1]"),
        }
    }

    fn named(&mut self, tree: &'s Tree<'s>, selector: &'s Selector, at: usize) -> Result<()> {
        let Selector::Name(name) = selector else { return Ok(()) };
        let Some(member) = tree.member(name) else { return Ok(()) };
        self.way.push(Way::Key(name));
        self.from(member, at + 1)?;
        self.way.pop();
        Ok(())
    }

    fn by_library(&mut self, tree: &Tree<'_>, todo: Todo, own_path: &str) -> Result<()> {
        let Some(query) = self.plan.query(todo) else { return Ok(()) };
        let pair = Tree::pair(self.root, tree);
        for (start, path) in select(&pair, query) {
            self.hit(start, path.strip_prefix(own_path).unwrap_or(&path))?;
        }
        Ok(())
    }

    fn hit(&mut self, start: usize, rest: &str) -> Result<()> {
        if self.hits.len() >= MOST {
            return Err(Error::new(Kind::Limit, format!("this JSONPath query selects more than {MOST} values"))
                .hint("select deeper, or filter"));
        }
        let path = self.base.map(|base| {
            let mut path = base.to_owned();
            self.way.iter().for_each(|step| push_step(&mut path, *step));
            path.push_str(rest);
            path
        });
        self.hits.push(Hit { path, node: Node::new(Arc::clone(self.node.doc()), start) });
        Ok(())
    }
}

/// Where the values stand that a query selects from the second of a pair, and their paths from the pair.
pub(super) fn select(pair: &Tree<'_>, query: &JpQuery) -> Vec<(usize, String)> {
    // The only failure is a result that is no reference, which a query of segments cannot have.
    let hits = js_path_process(query, pair).unwrap_or_default();
    hits.into_iter().map(|hit| (hit.val.start, hit.path)).collect()
}

/// Add a step to a normalized path, as RFC 9535 (2.7) writes it.
pub(super) fn push_step(path: &mut String, step: Way<'_>) {
    match step {
        Way::Index(index) => {
            // Writing to a string cannot fail.
            let _ = write!(path, "[{index}]");
        }
        Way::Key(name) => {
            path.push_str("['");
            name.chars().for_each(|c| push_char(path, c));
            path.push_str("']");
        }
    }
}

fn push_char(path: &mut String, c: char) {
    match c {
        '\u{8}' => path.push_str("\\b"),
        '\u{c}' => path.push_str("\\f"),
        '\n' => path.push_str("\\n"),
        '\r' => path.push_str("\\r"),
        '\t' => path.push_str("\\t"),
        '\'' | '\\' => path.extend(['\\', c]),
        c if c < ' ' => {
            let _ = write!(path, "\\u{:04x}", u32::from(c));
        }
        c => path.push(c),
    }
}
