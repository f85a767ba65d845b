//! Moves a query's root one level down: `$` becomes `$[0]` in every filter.
//!
//! jsonpath-rust knows one root only, the value that it is given. Here that is a pair of the true root (what filters see of
//! it) and the resource that the query has come to.

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, Segment, Selector, SingularQuery, SingularQuerySegment, Test, TestFunction,
};

/// Rebase all filters of these segments.
pub(super) fn segments(segments: &mut [Segment]) {
    for segment in segments {
        match segment {
            Segment::Descendant(inner) => self::segments(std::slice::from_mut(inner)),
            Segment::Selector(one) => selector(one),
            Segment::Selectors(many) => many.iter_mut().for_each(selector),
        }
    }
}

fn selector(selector: &mut Selector) {
    if let Selector::Filter(inner) = selector {
        filter(inner);
    }
}

fn filter(outer: &mut Filter) {
    match outer {
        Filter::Or(filters) | Filter::And(filters) => filters.iter_mut().for_each(filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => test(expr),
        Filter::Atom(FilterAtom::Comparison(inner)) => comparison(inner),
    }
}

fn test(test: &mut Test) {
    match test {
        Test::RelQuery(inner) => segments(inner),
        Test::AbsQuery(query) => {
            segments(&mut query.segments);
            query.segments.insert(0, Segment::Selector(Selector::Index(0)));
        }
        Test::Function(inner) => function(inner),
    }
}

fn function(function: &mut TestFunction) {
    match function {
        TestFunction::Custom(_, args) => args.iter_mut().for_each(arg),
        TestFunction::Length(inner) => arg(inner),
        TestFunction::Value(inner) | TestFunction::Count(inner) => arg(inner),
        TestFunction::Search(one, two) | TestFunction::Match(one, two) => {
            arg(one);
            arg(two);
        }
    }
}

fn arg(arg: &mut FnArg) {
    match arg {
        FnArg::Literal(_) => {}
        FnArg::Test(inner) => test(inner),
        FnArg::Filter(inner) => filter(inner),
    }
}

fn comparison(comparison: &mut Comparison) {
    let (Comparison::Eq(left, right)
    | Comparison::Ne(left, right)
    | Comparison::Gt(left, right)
    | Comparison::Gte(left, right)
    | Comparison::Lt(left, right)
    | Comparison::Lte(left, right)) = comparison;
    for side in [left, right] {
        match side {
            Comparable::SingularQuery(SingularQuery::Root(names)) => names.insert(0, SingularQuerySegment::Index(0)),
            Comparable::Function(inner) => function(inner),
            Comparable::SingularQuery(SingularQuery::Current(_)) | Comparable::Literal(_) => {}
        }
    }
}
