//! What text means, by the name of the parameter, the option or the column that it stands for: functions say what they take by
//! how they name it.

use crate::host::Entry;
use regex::Regex;
use std::sync::LazyLock;

/// What text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A pod, in one of the forms that name one, or a file that holds what a proxy said.
    Proxy,
    /// A pod.
    Pod,
    /// A namespace.
    Namespace,
    /// A node.
    Node,
    /// A kind of object.
    Kind,
    /// The name of an object; of which kind, an earlier argument says.
    Object,
    /// An upstream cluster of the pod at hand.
    Cluster,
    /// A logger of the pod at hand.
    Logger,
    /// A container of the pod at hand.
    Container,
    /// A scope of istiod's log.
    Scope,
    /// A level of what the argument before it names.
    Level,
    /// A replica of istiod.
    Istiod,
    /// A revision of istiod.
    Revision,
    /// A file.
    File,
    /// A field of the rows that the function is about.
    Field,
    /// One of the words that the description lists.
    Listed,
    /// Whatever help has something on.
    Topic,
}

/// Names of parameters, options and columns, and what text under them means.
const MEANINGS: &[(&str, Means)] = &[
    ("pod", Means::Pod),
    ("proxy", Means::Proxy),
    ("left", Means::Proxy),
    ("right", Means::Proxy),
    ("which", Means::Pod),
    ("namespace", Means::Namespace),
    ("workload_namespace", Means::Namespace),
    ("service_namespace", Means::Namespace),
    ("policy_namespace", Means::Namespace),
    ("node", Means::Node),
    ("workload_node", Means::Node),
    ("kind", Means::Kind),
    ("resource", Means::Kind),
    ("name", Means::Object),
    ("cluster", Means::Cluster),
    ("logger", Means::Logger),
    ("container", Means::Container),
    ("scope", Means::Scope),
    ("level", Means::Level),
    ("istiod", Means::Istiod),
    ("revision", Means::Revision),
    ("file", Means::File),
    ("field", Means::Field),
    ("columns", Means::Field),
    ("about", Means::Topic),
    ("severity", Means::Listed),
    ("verb", Means::Listed),
    ("what", Means::Listed),
];

/// What text means under this name; nothing that could be listed for most.
pub fn of(name: &str) -> Option<Means> {
    MEANINGS.iter().find(|(known, _)| *known == name).map(|(_, means)| *means)
}

/// Maps that are no options: what their keys, and under them their values, mean.
pub fn of_map(parameter: &str) -> Option<(Means, Option<Means>)> {
    match parameter {
        "levels" => Some((Means::Logger, Some(Means::Level))),
        "fields" | "where" => Some((Means::Field, None)),
        _ => None,
    }
}

/// The words that a description lists: `a`, `b` or `c`. The longest list of two and more, without examples of code.
pub fn listed(doc: &str) -> Vec<String> {
    static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new("`\"?([A-Za-z0-9_.+-]+)\"?`").expect("a constant pattern"));
    let (mut best, mut list): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut end = 0;
    for found in WORD.captures_iter(doc) {
        let (whole, word) = (found.get(0).expect("the match itself"), &found[1]);
        let between = doc[end..whole.start()].trim().trim_start_matches([',', ';']).trim();
        if !list.is_empty() && !["", "or", "and"].contains(&between) {
            best = longer(best, std::mem::take(&mut list));
        }
        list.push(word.to_owned());
        end = whole.end();
    }
    let best = longer(best, list);
    if best.len() < 2 { Vec::new() } else { best }
}

fn longer(best: Vec<String>, list: Vec<String>) -> Vec<String> {
    if list.len() > best.len() { list } else { best }
}

/// The description of a function, without its examples.
pub fn told(entry: &Entry) -> String {
    entry.doc.split("```").step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_words_are_found_in_descriptions() {
        assert_eq!(listed("Only `inbound` or `outbound` ones."), ["inbound", "outbound"]);
        assert_eq!(listed("Its `x`: `a-b`, `c`, `\"d\"` and `e`; see `f`."), ["a-b", "c", "d", "e"]);
        assert_eq!(listed("`trace`, `debug`; `off` for none"), ["trace", "debug", "off"]);
        assert!(listed("Like `a` and more, or `#{ state: \"x\" }`").is_empty());
    }
}
