//! A JSONPath query, cut at each of its segments, so that it can be begun on the index and ended inside a resource.

use super::probe::Wants;
use super::rebase;
use crate::error::{Error, Kind, Result};
use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use memchr::memmem::Finder;

/// A query, ready to run on many documents.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What its filters look up from the root.
    pub(super) from_root: Wants,
}

/// One segment of a query, with all that follows.
#[derive(Debug)]
pub(super) struct Step {
    /// Whether it is a `..`.
    pub(super) descends: bool,
    pub(super) selectors: Vec<Pick>,
    /// This segment and all after it.
    full: JpQuery,
    /// The same without the descent.
    apply: JpQuery,
    /// Keys that a text must hold for this segment and those after it to find anything.
    keys: Vec<Finder<'static>>,
}

/// A selector, and what a filter wants to see of the value that it tests.
#[derive(Debug)]
pub(super) struct Pick {
    pub(super) selector: Selector,
    pub(super) wants: Wants,
    /// The selector alone.
    pub(super) test: JpQuery,
    /// The selector, and all segments after its own.
    full: JpQuery,
}

/// How far a query has come on its way to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Todo {
    /// The segments from this one on.
    From(usize),
    /// The selectors of this segment, its descent being done, and the segments after it.
    Apply(usize),
    /// A filter of this segment has yet to accept the node; then the segments after it.
    Test(usize, usize),
}

impl Plan {
    pub(super) fn parse(query: &str) -> Result<Self> {
        let parsed = parse_json_path(query).map_err(|error| explain(query, &error.to_string()))?;
        let mut segments = parsed.segments;
        let from_root = Wants::of_root(&segments);
        rebase::segments(&mut segments);
        let steps = (0..segments.len()).map(|at| Step::new(&segments[at..])).collect();
        Ok(Self { steps, from_root })
    }

    /// What is left to run, on a pair of the root and the node; none when the node is a hit.
    pub(super) fn query(&self, todo: Todo) -> Option<&JpQuery> {
        match todo {
            Todo::From(at) => self.steps.get(at).map(|step| &step.full),
            Todo::Apply(at) => self.steps.get(at).map(|step| &step.apply),
            Todo::Test(at, pick) => self.steps.get(at)?.selectors.get(pick).map(|pick| &pick.full),
        }
    }

    /// Whether what is left can find anything in this text. True when in doubt.
    pub(super) fn may_match(&self, todo: Todo, text: &[u8]) -> bool {
        let at = match todo {
            Todo::From(at) | Todo::Apply(at) => at,
            Todo::Test(at, _) => at + 1,
        };
        let Some(step) = self.steps.get(at) else { return true };
        let missing = |key: &Finder<'_>| key.find(text).is_none();
        !step.keys.iter().any(missing) || memchr::memmem::find(text, b"\\u").is_some()
    }
}

impl Step {
    fn new(segments: &[Segment]) -> Self {
        let (first, rest) = segments.split_first().map_or((None, segments), |(first, rest)| (Some(first), rest));
        let (descends, inner) = match first {
            Some(Segment::Descendant(inner)) => (true, Some(inner.as_ref())),
            other => (false, other),
        };
        let selectors = match inner {
            Some(Segment::Selector(selector)) => vec![selector.clone()],
            Some(Segment::Selectors(selectors)) => selectors.clone(),
            Some(Segment::Descendant(_)) | None => Vec::new(),
        };
        let apply = second(inner.into_iter().chain(rest).cloned());
        let selectors = selectors.into_iter().map(|selector| Pick::new(selector, rest)).collect();
        let keys = segments.iter().filter_map(key).map(|key| Finder::new(&key).into_owned()).collect();
        Self { descends, selectors, full: second(segments.iter().cloned()), apply, keys }
    }
}

impl Pick {
    fn new(selector: Selector, rest: &[Segment]) -> Self {
        let wants = if let Selector::Filter(filter) = &selector { Wants::of_item(filter) } else { Wants::default() };
        let alone = std::iter::once(Segment::Selector(selector.clone()));
        let (test, full) = (second(alone.clone()), second(alone.chain(rest.iter().cloned())));
        Self { selector, wants, test, full }
    }
}

/// A query for the second of a pair, whose first is the root.
fn second(segments: impl Iterator<Item = Segment>) -> JpQuery {
    JpQuery::new(std::iter::once(Segment::Selector(Selector::Index(1))).chain(segments).collect())
}

/// The key that a segment cannot do without, in quotes, if it can be written in one way only (but for `\u`).
fn key(segment: &Segment) -> Option<Vec<u8>> {
    let name = match segment {
        Segment::Selector(Selector::Name(name)) => name,
        Segment::Descendant(inner) => return key(inner),
        _ => return None,
    };
    let plain = name.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\\' | '/'));
    plain.then(|| format!("\"{name}\"").into_bytes())
}

/// What is wrong with a query, where, and how to write it.
fn explain(query: &str, error: &str) -> Error {
    let column = error.split_once("--> ").and_then(|(_, rest)| {
        let (line, rest) = rest.split_once(':')?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let (line, column) = (line.parse::<usize>().ok()?, digits.parse::<usize>().ok()?);
        let before: usize = query.split('\n').take(line.saturating_sub(1)).map(|line| line.chars().count() + 1).sum();
        Some(before + column)
    });
    let error = match column {
        Some(column) if column <= query.chars().count() => {
            let rest: String = query.chars().skip(column - 1).take(40).collect();
            Error::new(
                Kind::BadInput,
                format!("bad JSONPath query `{query}`: not understood from character {column} on, `{rest}`"),
            )
        }
        Some(_) => Error::new(Kind::BadInput, format!("bad JSONPath query `{query}`: it ends too early")),
        None => Error::new(Kind::BadInput, format!("bad JSONPath query `{query}`")).cause(error),
    };
    error.hint(advice(query))
}

fn advice(query: &str) -> &'static str {
    if !query.starts_with('$') {
        "a query starts with `$`: $.configs[*]['@type']"
    } else if query.contains(".@") || query.contains('-') {
        "keys with other signs than letters, digits and `_` go in brackets: $['@type'], $.labels['a-b']"
    } else {
        "for example: $..lb_endpoints[?@.health_status == 'UNHEALTHY'].endpoint"
    }
}
