//! A request path with its query, taken apart: `/api/v1/pods?limit=2`.

/// Path and query, percent-decoded, so that two spellings of one question are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Question {
    /// The path, without the query.
    pub path: String,
    /// The query's names and values, in the order they were asked.
    pub query: Vec<(String, String)>,
}

impl Question {
    /// Take a path with its query apart.
    pub fn parse(text: &str) -> Self {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self { path: decode(path), query: query.collect() }
    }

    /// The first value under this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values under this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this name is there, with or without a value that says yes.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "false" && value != "0")
    }

    /// The value under this name as a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// One text for all spellings of this question: the order of the query's parts does not matter.
    pub fn key(&self) -> String {
        let mut pairs: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.sort();
        format!("{}?{}", self.path, pairs.join("&"))
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped =
            tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_and_order_do_not_matter() {
        let one = Question::parse("/stats?filter=%28rbac%7Cjwt%29&format=json");
        let other = Question::parse("/stats?format=json&filter=(rbac|jwt)");
        assert_eq!(one.key(), other.key());
        assert_eq!(one.get("filter"), Some("(rbac|jwt)"));
    }

    #[test]
    fn flags_and_broken_escapes() {
        let question = Question::parse("/config_dump?include_eds&x=%zz&previous=false");
        assert!(question.flag("include_eds") && !question.flag("previous") && !question.flag("absent"));
        assert_eq!(question.get("x"), Some("%zz"));
    }
}
