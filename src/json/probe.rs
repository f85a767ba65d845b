//! Testing a filter on a big container without reading it whole: only what the filter looks at is read.

use super::doc::Doc;
use super::node::Node;
use super::tree::Tree;
use crate::error::{Error, Kind, Result};
use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, Segment, Selector, SingularQuery, SingularQuerySegment, Test, TestFunction,
};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest text that a filter may read whole.
const WHOLE: usize = 64 * 1024 * 1024;

/// The parts of a value that filters look at.
#[derive(Debug, Default)]
pub(super) struct Wants {
    /// Everything below; else the named members alone.
    all: bool,
    names: BTreeMap<String, Wants>,
}

/// A name to follow, or the end of what can be followed by name.
type Name<'q> = Option<&'q str>;

impl Wants {
    /// What a filter looks at in the value that it tests.
    pub(super) fn of_item(filter: &Filter) -> Self {
        let mut wants = Self::default();
        Collector { wants: &mut wants, root: false }.filter(filter);
        wants
    }

    /// What all filters of a query look at from the root.
    pub(super) fn of_root(segments: &[Segment]) -> Self {
        let mut wants = Self::default();
        Collector { wants: &mut wants, root: true }.inside(segments);
        wants
    }

    fn add<'q>(&mut self, names: impl IntoIterator<Item = Name<'q>>, whole: bool) {
        let mut wants = self;
        for name in names {
            let Some(name) = name else {
                wants.all = true;
                return;
            };
            wants = wants.names.entry(name.to_owned()).or_default();
        }
        wants.all |= whole;
    }
}

/// Read what is wanted of the value at `start`; the rest is left out.
pub(super) fn read<'d>(doc: &'d Arc<Doc>, start: usize, wants: &Wants) -> Result<Tree<'d>> {
    match doc.text().get(start) {
        Some(b'[') if !wants.all => Ok(Tree::array(Vec::new(), start)),
        Some(b'{') if !wants.all => {
            let node = Node::new(Arc::clone(doc), start);
            let mut members = Vec::new();
            for (name, wants) in &wants.names {
                if let Some(child) = node.get(name) {
                    members.push((Cow::Owned(name.clone()), read(doc, child.start(), wants)?));
                }
            }
            Ok(Tree::object(members, start))
        }
        _ => whole(doc, start),
    }
}

fn whole(doc: &Arc<Doc>, start: usize) -> Result<Tree<'_>> {
    let size = Node::new(Arc::clone(doc), start).size();
    if size > WHOLE {
        let size = size / 1_048_576;
        return Err(Error::new(Kind::Limit, format!("a filter of this JSONPath query looks into {size} MB at once"))
            .hint("let the filter look at members by name, `?@.a.b == 1`, and select deeper before filtering"));
    }
    Ok(Tree::read(doc, start, start + size))
}

/// Gathers what filters look at: in the tested value, or from the root.
struct Collector<'w> {
    wants: &'w mut Wants,
    root: bool,
}

impl Collector<'_> {
    /// The filters among these segments.
    fn inside(&mut self, segments: &[Segment]) {
        for segment in segments {
            match segment {
                Segment::Descendant(inner) => self.inside(std::slice::from_ref(inner)),
                Segment::Selector(selector) => self.selector(selector),
                Segment::Selectors(selectors) => selectors.iter().for_each(|selector| self.selector(selector)),
            }
        }
    }

    fn selector(&mut self, selector: &Selector) {
        if let Selector::Filter(filter) = selector {
            self.filter(filter);
        }
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::Or(filters) | Filter::And(filters) => filters.iter().for_each(|filter| self.filter(filter)),
            Filter::Atom(FilterAtom::Filter { expr, .. }) => self.filter(expr),
            Filter::Atom(FilterAtom::Test { expr, .. }) => self.test(expr, false),
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.comparison(comparison),
        }
    }

    /// A test for existence, or (`whole`) a value given to a function.
    fn test(&mut self, test: &Test, whole: bool) {
        match test {
            Test::RelQuery(segments) => self.query(segments, whole, false),
            Test::AbsQuery(query) => self.query(&query.segments, whole, true),
            Test::Function(function) => self.function(function),
        }
    }

    fn query(&mut self, segments: &[Segment], whole: bool, from_root: bool) {
        if self.root == from_root {
            self.wants.add(segments.iter().map(name_of_segment), whole);
        }
        // A filter inside tests other values, but `$` is the same root there.
        if self.root {
            self.inside(segments);
        }
    }

    fn function(&mut self, function: &TestFunction) {
        match function {
            TestFunction::Custom(_, args) => args.iter().for_each(|arg| self.arg(arg)),
            TestFunction::Length(arg) => self.arg(arg),
            TestFunction::Value(arg) | TestFunction::Count(arg) => self.arg(arg),
            TestFunction::Search(one, two) | TestFunction::Match(one, two) => {
                self.arg(one);
                self.arg(two);
            }
        }
    }

    fn arg(&mut self, arg: &FnArg) {
        match arg {
            FnArg::Literal(_) => {}
            FnArg::Test(test) => self.test(test, true),
            FnArg::Filter(filter) => self.filter(filter),
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        let (left, right) = comparison.vals();
        for side in [left, right] {
            match side {
                Comparable::Literal(_) => {}
                Comparable::Function(function) => self.function(function),
                Comparable::SingularQuery(SingularQuery::Current(names)) if !self.root => self.singular(names),
                Comparable::SingularQuery(SingularQuery::Root(names)) if self.root => self.singular(names),
                Comparable::SingularQuery(_) => {}
            }
        }
    }

    fn singular(&mut self, names: &[SingularQuerySegment]) {
        let names = names.iter().map(|segment| match segment {
            SingularQuerySegment::Name(name) => Some(name.as_str()),
            SingularQuerySegment::Index(_) => None,
        });
        self.wants.add(names, true);
    }
}

fn name_of_segment(segment: &Segment) -> Name<'_> {
    match segment {
        Segment::Selector(Selector::Name(name)) => Some(name),
        _ => None,
    }
}
