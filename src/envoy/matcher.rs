//! Envoy's generic matchers, by which a waypoint chooses the filter chain: trees of inputs that lead to names.

use super::listener_wire::Cidr;
use super::tls_context::StringMatch;
use super::wire::{Flaws, Pairs, Raw, Text, last_word};
use std::collections::BTreeMap;

wire! {
    /// A matcher: a tree by one input, or a list of conditions.
    pub(super) struct Matcher<'de> {
        matcher_tree: Option<Tree<'de>>,
        matcher_list: Option<List<'de>>,
        on_no_match: Option<Box<OnMatch<'de>>>,
    }
}

wire! {
    /// What comes next: an end, or another matcher.
    pub(super) struct OnMatch<'de> {
        action: Option<Input<'de>>,
        matcher: Option<Box<Matcher<'de>>>,
    }
}

wire! {
    /// A named extension: what is looked at, or what is done.
    pub(super) struct Input<'de> {
        name: Text<'de>,
        typed_config: Raw<'de>,
    }
}

wire! {
    /// Branches by the value of an input.
    pub(super) struct Tree<'de> {
        input: Input<'de>,
        exact_match_map: Option<Branches<'de>>,
        prefix_match_map: Option<Branches<'de>>,
        custom_match: Option<Input<'de>>,
    }
}

wire! {
    /// By value.
    pub(super) struct Branches<'de> {
        map: Pairs<'de, OnMatch<'de>>,
    }
}

wire! {
    /// Conditions, of which the first that holds counts.
    pub(super) struct List<'de> {
        matchers: Vec<Condition<'de>>,
    }
}

wire! {
    /// One condition.
    pub(super) struct Condition<'de> {
        predicate: Predicate<'de>,
        on_match: OnMatch<'de>,
    }
}

wire! {
    /// One or more inputs that must have some value.
    pub(super) struct Predicate<'de> {
        single_predicate: Option<Single<'de>>,
        or_matcher: Option<Several<'de>>,
        and_matcher: Option<Several<'de>>,
        not_matcher: Option<Box<Predicate<'de>>>,
    }
}

wire! {
    /// One input.
    pub(super) struct Single<'de> {
        input: Input<'de>,
        value_match: Option<StringMatch<'de>>,
        custom_match: Option<Input<'de>>,
    }
}

wire! {
    /// All, or any.
    pub(super) struct Several<'de> {
        predicate: Vec<Predicate<'de>>,
    }
}

wire! {
    /// `IPMatcher`: branches by range of addresses.
    struct Ranges<'de> {
        range_matchers: Vec<RangeMatch<'de>>,
    }
}

wire! {
    struct RangeMatch<'de> {
        ranges: Vec<Cidr<'de>>,
        on_match: OnMatch<'de>,
    }
}

wire! {
    /// The names that an action is given by: a `StringValue`.
    struct StringValue<'de> {
        value: Text<'de>,
    }
}

/// What a chain is found by: `ip=10.0.0.1 -> port=80`, sorted.
pub(super) type Paths = BTreeMap<String, Vec<String>>;

impl Matcher<'_> {
    /// The ways that lead to each name.
    pub fn paths(&self, flaws: &Flaws) -> Paths {
        let mut paths = Paths::new();
        Walk { flaws, paths: &mut paths }.matcher(self, &mut Vec::new());
        paths.values_mut().for_each(|ways| ways.sort());
        paths
    }
}

/// A walk down a tree.
struct Walk<'w> {
    flaws: &'w Flaws,
    paths: &'w mut Paths,
}

impl Walk<'_> {
    fn matcher(&mut self, matcher: &Matcher<'_>, way: &mut Vec<String>) {
        if let Some(tree) = &matcher.matcher_tree {
            self.tree(tree, way);
        }
        for condition in matcher.matcher_list.iter().flat_map(|list| &list.matchers) {
            self.step(condition.predicate.text(), &condition.on_match, way);
        }
        if let Some(other) = &matcher.on_no_match {
            self.step("UNMATCHED".into(), other, way);
        }
    }

    fn tree(&mut self, tree: &Tree<'_>, way: &mut Vec<String>) {
        let input = tree.input.text();
        for (map, equals) in [(&tree.exact_match_map, "="), (&tree.prefix_match_map, "^")] {
            for (key, then) in map.iter().flat_map(|map| &map.map.0) {
                self.step(format!("{input}{equals}{key}"), then, way);
            }
        }
        let Some(custom) = &tree.custom_match else { return };
        let config = custom.typed_config.content();
        if custom.typed_config.kind().as_deref() != Some("IPMatcher") {
            // One that nobody knows leads somewhere all the same: that it is there is told.
            let kind = custom.typed_config.kind().unwrap_or_else(|| custom.name.to_string());
            self.flaws.add(format!("custom_match {kind} is not understood"));
            return;
        }
        for range in config.read::<Ranges<'_>>(self.flaws).range_matchers {
            let addresses: Vec<String> = range.ranges.iter().map(short).collect();
            self.step(format!("{input}={}", addresses.join(",")), &range.on_match, way);
        }
    }

    fn step(&mut self, text: String, then: &OnMatch<'_>, way: &mut Vec<String>) {
        way.push(text);
        if let Some(matcher) = &then.matcher {
            self.matcher(matcher, way);
        }
        if let Some(action) = &then.action {
            self.paths.entry(action.target(self.flaws)).or_default().push(way.join(" -> "));
        }
        way.pop();
    }
}

/// A range; a single address without its length.
fn short(range: &Cidr<'_>) -> String {
    let whole = if range.address_prefix.contains(':') { 128 } else { 32 };
    if range.prefix_len == whole { range.address_prefix.to_string() } else { range.text() }
}

impl Input<'_> {
    /// What is looked at: by its name, or by its type.
    fn text(&self) -> String {
        if self.name.is_empty() { self.typed_config.kind().unwrap_or_default() } else { last_word(&self.name).to_owned() }
    }

    /// The chain that an action names.
    fn target(&self, flaws: &Flaws) -> String {
        let value: StringValue<'_> = self.typed_config.content().read(flaws);
        if value.value.is_empty() { self.name.to_string() } else { value.value.into_owned() }
    }
}

impl Predicate<'_> {
    fn text(&self) -> String {
        let several = |all: &Several<'_>, word: &str| {
            let texts: Vec<String> = all.predicate.iter().map(|one| one.text()).collect();
            format!("({})", texts.join(word))
        };
        match self {
            Self { single_predicate: Some(single), .. } => single.text(),
            Self { or_matcher: Some(any), .. } => several(any, " or "),
            Self { and_matcher: Some(all), .. } => several(all, " and "),
            Self { not_matcher: Some(other), .. } => format!("not {}", other.text()),
            _ => "ANY".into(),
        }
    }
}

impl Single<'_> {
    fn text(&self) -> String {
        let value = self.value_match.as_ref().and_then(StringMatch::short);
        let custom = || self.custom_match.as_ref().map(Input::text);
        format!("{}={}", self.input.text(), value.or_else(custom).unwrap_or_else(|| "*".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read;
    use super::*;
    use serde_json::{Value, json};

    fn paths(matcher: Value) -> (Paths, Option<String>) {
        let text = matcher.to_string();
        let flaws = Flaws::default();
        let (matcher, _) = read::<Matcher<'_>>(text.as_bytes(), &flaws);
        (matcher.paths(&flaws), flaws.line())
    }

    fn chain(name: &str) -> Value {
        json!({"action": {"name": name, "typed_config": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": name}}})
    }

    fn by_ip(ranges: Value) -> Value {
        json!({"input": {"name": "ip", "typed_config": {"@type": "x/a.DestinationIPInput"}}, "custom_match": {"name": "ip",
            "typed_config": {"@type": "type.googleapis.com/xds.type.matcher.v3.IPMatcher", "range_matchers": ranges}}})
    }

    #[test]
    fn a_waypoints_tree_is_written_as_istioctl_writes_it() {
        let port =
            |chains: Value| json!({"matcher": {"matcher_tree": {"input": {"name": "port"}, "exact_match_map": {"map": chains}}}});
        let tree = by_ip(json!([
            {"ranges": [{"address_prefix": "10.96.0.7", "prefix_len": 32}], "on_match": port(json!({"80": chain("http"), "443": chain("tls")}))},
            {"ranges": [{"addressPrefix": "fd00::", "prefixLen": 64}, {"address_prefix": "fd01::7", "prefix_len": 128}], "on_match": chain("tls")}]));
        let (paths, flaws) = paths(json!({"matcher_tree": tree, "on_no_match": chain("other")}));
        assert_eq!(paths["http"], ["ip=10.96.0.7 -> port=80"]);
        assert_eq!(paths["tls"], ["ip=10.96.0.7 -> port=443", "ip=fd00::/64,fd01::7"]);
        assert_eq!((paths["other"].as_slice(), flaws), (&["UNMATCHED".to_string()][..], None));
    }

    #[test]
    fn prefixes_lists_and_inputs_without_a_name_are_told_too() {
        let single =
            |name: &str, exact: &str| json!({"single_predicate": {"input": {"name": name}, "value_match": {"exact": exact}}});
        let (found, _) = paths(json!({"matcher_list": {"matchers": [
            {"predicate": {"or_matcher": {"predicate": [single("sni", "a"), {"not_matcher": single("sni", "b")}]}}, "on_match": chain("x")}]}}));
        assert_eq!(found["x"], ["(sni=a or not sni=b)"]);
        let (found, _) = paths(json!({"matcher_tree": {"input": {"typed_config": {"@type": "x/a.ServerNameInput"}},
            "prefix_match_map": {"map": {"a.": chain("x")}}}}));
        assert_eq!(found["x"], ["ServerNameInput^a."]);
    }

    #[test]
    fn an_unknown_matcher_is_told_and_breaks_nothing() {
        let (paths, flaws) = paths(
            json!({"matcher_tree": {"input": {"name": "x"}, "custom_match": {"typed_config": {"@type": "x/a.NewMatcher"}}},
            "on_no_match": chain("other")}),
        );
        assert_eq!((paths.len(), flaws.as_deref()), (1, Some("custom_match NewMatcher is not understood")));
    }
}
