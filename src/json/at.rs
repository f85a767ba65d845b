//! Where in a document something was found, in a few bytes: tables of 200,000 rows remember it for each.

use super::doc::Doc;
use super::node::Node;
use std::sync::Arc;

/// Something that was read from a document, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<R> {
    /// What was made of it.
    pub record: R,
    /// Where it stands.
    pub at: At,
}

/// A place in a document: a value that starts at a byte, and from there maybe down into two of its lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    start: usize,
    lists: &'static [&'static str],
    numbers: [u32; 2],
}

impl At {
    /// The value that starts at this byte.
    pub fn new(start: usize) -> Self {
        Self { start, lists: &[], numbers: [0; 2] }
    }

    /// This value.
    pub fn of(node: &Node) -> Self {
        Self::new(node.start())
    }

    /// In the value here: an element of one list, or of a list in an element of a list. Names are in `snake_case`; a dot goes down
    /// into an object: `endpoint_config.endpoints`.
    pub fn inside(self, lists: &'static [&'static str], numbers: [usize; 2]) -> Self {
        Self { lists, numbers: numbers.map(|number| u32::try_from(number).unwrap_or(u32::MAX)), ..self }
    }

    /// Where the value starts that it leads down from.
    pub fn start(&self) -> usize {
        self.start
    }

    /// What stands here in this document.
    pub fn node(&self, doc: &Arc<Doc>) -> Option<Node> {
        let mut node = Node::new(doc.clone(), self.start);
        for (list, number) in self.lists.iter().zip(self.numbers) {
            for name in list.split('.') {
                node = node.get(name).or_else(|| node.get(&camel(name)))?;
            }
            node = node.at(number as usize)?;
        }
        Some(node)
    }
}

/// A name as istiod and istioctl spell it: `lb_endpoints` is `lbEndpoints` there.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_string();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_in_either_spelling() {
        for text in [r#"[{"lb_endpoints":[{"x":1},{"x":2}]}]"#, r#"[{"lbEndpoints":[{"x":1},{"x":2}]}]"#] {
            let doc = Doc::parse(text.into()).unwrap();
            let at = At::new(1).inside(&["lb_endpoints"], [1, 0]);
            assert_eq!(at.node(&doc).unwrap().text(), r#"{"x":2}"#);
            assert!(At::new(1).inside(&["lb_endpoints"], [2, 0]).node(&doc).is_none());
            assert!(At::new(1).inside(&["endpoint_config.lb_endpoints"], [1, 0]).node(&doc).is_none());
        }
    }

    #[test]
    fn a_list_may_stand_in_an_object() {
        for text in [r#"{"endpoint_config":{"endpoints":[{},{"x":2}]}}"#, r#"{"endpointConfig":{"endpoints":[{},{"x":2}]}}"#] {
            let doc = Doc::parse(text.into()).unwrap();
            let at = At::new(0).inside(&["endpoint_config.endpoints"], [1, 0]);
            assert_eq!(at.node(&doc).unwrap().text(), r#"{"x":2}"#);
        }
    }
}
