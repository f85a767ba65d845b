//! What requests a route takes, and for which hosts, in short texts.

use super::route_wire::{HeaderMatch, QueryMatch, RouteMatch};
use super::wire::Text;
use std::collections::HashSet;

impl RouteMatch<'_> {
    /// The path, as istioctl writes it; headers, parameters and methods are said apart.
    pub fn path_text(&self) -> String {
        let mut conditions = Vec::new();
        if !self.prefix.is_empty() {
            conditions.push(format!("{}*", self.prefix));
        }
        if !self.path_separated_prefix.is_empty() {
            conditions.push(format!("PathPrefix:{}", self.path_separated_prefix));
        }
        if !self.path.is_empty() {
            conditions.push(self.path.to_string());
        }
        let regex = self.safe_regex.as_ref().map(|regex| regex.regex.as_ref());
        if let Some(regex) = regex.or((!self.regex.is_empty()).then_some(self.regex.as_ref())) {
            conditions.push(format!("regex {regex}"));
        }
        conditions.join(" ")
    }

    /// The methods; any when empty.
    pub fn methods(&self) -> Vec<String> {
        let connect = self.connect_matcher.is_some().then(|| "CONNECT".to_owned());
        let named = self.headers.iter().filter(|header| header.name == ":method").map(HeaderMatch::value);
        connect.into_iter().chain(named).collect()
    }

    /// The other headers, each as `name=value`.
    pub fn header_texts(&self) -> Vec<String> {
        self.headers.iter().filter(|header| header.name != ":method").map(HeaderMatch::text).collect()
    }

    /// The parameters of the query, each as `name=value`.
    pub fn query_texts(&self) -> Vec<String> {
        self.query_parameters.iter().map(QueryMatch::text).collect()
    }
}

impl HeaderMatch<'_> {
    /// `x-team=blue`, `x-team=blue*`, `x-team=~b.*`; with `!` in front for the opposite; the name alone when it has only to be
    /// there.
    fn text(&self) -> String {
        let not = if self.invert_match != (self.present_match == Some(false)) { "!" } else { "" };
        match self.condition() {
            Some(value) => format!("{not}{}={value}", self.name),
            None => format!("{not}{}", self.name),
        }
    }

    /// The same without the name.
    fn value(&self) -> String {
        let not = if self.invert_match { "!" } else { "" };
        format!("{not}{}", self.condition().unwrap_or_else(|| "*".into()))
    }

    fn condition(&self) -> Option<String> {
        let text = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
        let range = || self.range_match.as_ref().map(|range| format!("[{}, {})", range.start, range.end));
        self.string_match
            .as_ref()
            .and_then(|matches| matches.short())
            .or_else(|| text(&self.exact_match))
            .or_else(|| text(&self.prefix_match).map(|prefix| format!("{prefix}*")))
            .or_else(|| text(&self.suffix_match).map(|suffix| format!("*{suffix}")))
            .or_else(|| text(&self.contains_match).map(|part| format!("*{part}*")))
            .or_else(|| self.safe_regex_match.as_ref().map(|regex| format!("~{}", regex.regex)))
            .or_else(|| text(&self.regex_match).map(|regex| format!("~{regex}")))
            .or_else(range)
    }
}

impl QueryMatch<'_> {
    fn text(&self) -> String {
        match self.string_match.as_ref().and_then(|matches| matches.short()) {
            Some(value) => format!("{}={value}", self.name),
            None if self.present_match == Some(false) => format!("!{}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// The domains of a virtual host, as istioctl shortens them: without ports, without the longer forms of one that stands there
/// in short, and only the first two.
pub(super) fn shown_domains(domains: &[&str]) -> String {
    if let [] | [_] = domains {
        return domains.first().map(ToString::to_string).unwrap_or_default();
    }
    let names: Vec<&str> = domains.iter().copied().filter(|domain| !has_port(domain)).collect();
    // Looked up in a set only where a list is long: most have six.
    let set: Option<HashSet<&str>> = (names.len() > 32).then(|| names.iter().copied().collect());
    let has = |name: &str| set.as_ref().map_or_else(|| names.contains(&name), |set| set.contains(name));
    let known = |short: Option<&str>| short.is_some_and(has);
    let longer = |name: &str| known(name.strip_suffix(".svc.cluster.local")) || known(name.strip_suffix(".svc"));
    let shown: Vec<&str> = names.iter().copied().filter(|name| !longer(name)).collect();
    match shown.as_slice() {
        [first, second, rest @ ..] if !rest.is_empty() => format!("{first}, {second} + {} more...", rest.len()),
        all => all.join(", "),
    }
}

/// Whether a domain names a port. An IPv6 address in brackets has colons of its own.
fn has_port(domain: &str) -> bool {
    let colons = domain.bytes().filter(|byte| *byte == b':').count();
    colons > 0 && !(colons > 2 && domain.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Flaws, read};
    use super::*;

    fn matches(json: &str) -> RouteMatch<'_> {
        read(json.as_bytes(), &Flaws::default()).0
    }

    fn domains(list: &[&str]) -> String {
        shown_domains(list)
    }

    #[test]
    fn paths_are_written_as_istioctl_writes_them() {
        for (json, text) in [
            (r#"{"prefix":"/a"}"#, "/a*"),
            (r#"{"pathSeparatedPrefix":"/a"}"#, "PathPrefix:/a"),
            (r#"{"path":"/a"}"#, "/a"),
            (r#"{"safe_regex":{"google_re2":{},"regex":"/li.e"}}"#, "regex /li.e"),
            (r#"{"regex":"/old.*"}"#, "regex /old.*"),
            (r#"{"headers":[{"name":"a"}]}"#, ""),
            (r#"{"prefix":["x"]}"#, ""),
        ] {
            assert_eq!(matches(json).path_text(), text, "{json}");
        }
        assert_eq!(matches(r#"{"connect_matcher":{}}"#).methods(), ["CONNECT"]);
    }

    #[test]
    fn headers_parameters_and_methods_are_told() {
        let found = matches(
            r#"{"headers":[{"name":":method","string_match":{"exact":"GET"}},{"name":":method","exact_match":"PUT","invert_match":true},
            {"name":"a","exact_match":"1"},{"name":"b","present_match":true,"invert_match":true},{"name":"c","present_match":false},
            {"name":"d","range_match":{"start":"1","end":"9"}},{"name":"e","safe_regex_match":{"regex":"x+"}},
            {"name":"f","stringMatch":{"prefix":"p"}},{"name":"g","suffix_match":"s"},{"name":"h"}],
            "query_parameters":[{"name":"q","string_match":{"contains":"v"}},{"name":"r","present_match":true},{"name":"s"}]}"#,
        );
        assert_eq!(found.methods(), ["GET", "!PUT"]);
        assert_eq!(found.header_texts(), ["a=1", "!b", "!c", "d=[1, 9)", "e=~x+", "f=p*", "g=*s", "h"]);
        assert_eq!(found.query_texts(), ["q=*v*", "r", "s"]);
    }

    #[test]
    fn domains_are_shortened_as_istioctl_shortens_them() {
        assert_eq!(domains(&[]), "");
        assert_eq!(domains(&["a.svc:80"]), "a.svc:80");
        let all = ["api.shop.svc.cluster.local", "api.shop.svc.cluster.local.", "api", "api.shop.svc", "api.shop", "10.0.0.1"];
        assert_eq!(domains(&all), "api.shop.svc.cluster.local., api + 2 more...");
        assert_eq!(domains(&["a", "a:80", "[fd00:10::7]", "[fd00:10::7]:80"]), "a, [fd00:10::7]");
        assert_eq!(domains(&["a.svc", "a"]), "a");
        assert_eq!(domains(&["a:1", "b:1"]), "");
        assert_eq!(domains(&["a", "b", "c"]), "a, b + 1 more...");
        let many: Vec<String> = (0..50).flat_map(|number| [format!("s{number}"), format!("s{number}.svc")]).collect();
        assert_eq!(shown_domains(&many.iter().map(String::as_str).collect::<Vec<_>>()), "s0, s1 + 48 more...");
    }
}
