//! The way to a value as a JSON path of RFC 9535, in the document's own spelling: evidence that people can look up.

use super::wire::{Flaws, Pairs, Raw, snake};
use crate::json::camel;

/// A JSON path that grows.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    path: String,
    camel: bool,
}

impl Trail {
    /// From here on, in a document of this spelling.
    pub fn new(path: &str, camel: bool) -> Self {
        Self { path: path.to_owned(), camel }
    }

    /// The path.
    pub fn path(self) -> String {
        self.path
    }

    /// An element of a list.
    pub fn at(&self, number: usize) -> Self {
        Self { path: format!("{}[{number}]", self.path), ..*self }
    }

    /// A field, its name given in `snake_case`; dots lead on.
    pub fn to(&self, names: &str) -> Self {
        let spell = |path: Self, name: &str| path.key(&if self.camel { camel(name) } else { name.to_owned() });
        names.split('.').filter(|name| !name.is_empty()).fold(self.clone(), spell)
    }

    /// A member of this name: `$.a`, or `$['a-b']` where the short form is not allowed.
    pub fn key(&self, name: &str) -> Self {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.is_empty() && name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) {
            return Self { path: format!("{}.{name}", self.path), ..*self };
        }
        let quoted: String =
            name.chars().flat_map(|c| ['\\'].into_iter().filter(move |_| c == '\'' || c == '\\').chain([c])).collect();
        Self { path: format!("{}['{quoted}']", self.path), ..*self }
    }

    /// A field of this object, as it is spelled there: what users write themselves need not be spelled as the rest.
    pub fn within(&self, object: Raw<'_>, name: &str) -> Self {
        let members: Pairs<'_, Raw<'_>> = object.read(&Flaws::default());
        match members.0.iter().find(|(own, _)| snake(own.as_ref().into()) == name) {
            Some((own, _)) => self.key(own),
            None => self.to(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read;
    use super::*;

    #[test]
    fn names_are_spelled_as_in_the_document() {
        assert_eq!(Trail::new("$", false).to("a_b.c_d").at(3).path(), "$.a_b.c_d[3]");
        assert_eq!(Trail::new("$", true).to("a_b.c_d").at(3).path(), "$.aB.cD[3]");
        let object: Raw<'_> = read(br#"{"localJwks":{},"x_y":1}"#, &Flaws::default()).0;
        let trail = Trail::new("$", false);
        assert_eq!(trail.within(object, "local_jwks").path(), "$.localJwks");
        assert_eq!(trail.within(object, "not_there").path(), "$.not_there");
    }

    #[test]
    fn what_is_no_word_is_quoted() {
        let key = |name: &str| Trail::new("$", false).key(name).path();
        assert_eq!(key(r"it's\"), r"$['it\'s\\']");
        assert_eq!((key("0"), key("origins-0"), key("")), ("$['0']".into(), "$['origins-0']".into(), "$['']".into()));
    }
}
