//! Put other strings in the place of some, without reading the text again and without a second copy of it.

use super::doc::Doc;
use super::lex;
use crate::error::Result;
use bytes::BytesMut;
use std::ops::Range;
use std::sync::Arc;

/// The bytes of a value, and what is to stand there.
pub type Edit = (Range<usize>, Vec<u8>);

impl Doc {
    /// The resource that a byte lies in: the innermost object around it that is an element of a long list. Without one, the
    /// whole value.
    pub fn resource(&self, at: usize) -> Range<usize> {
        let text = self.text();
        for list in self.index().around(at).filter(|big| text.get(big.start) == Some(&b'[')) {
            let groups = self.index().groups(list);
            let behind = groups.partition_point(|group| group.start <= at);
            let Some(group) = behind.checked_sub(1).and_then(|last| groups.get(last)) else { continue };
            let mut start = group.start;
            while start <= at {
                let end = self.end_of(start);
                if at < end {
                    if text.get(start) == Some(&b'{') {
                        return start..end;
                    }
                    break;
                }
                start = lex::skip_space(text, lex::skip_space(text, end) + 1);
            }
        }
        self.start()..self.end_of(self.start())
    }

    /// Where the value ends that starts here.
    fn end_of(&self, start: usize) -> usize {
        self.index().find(start).map_or_else(|| lex::value_end(self.text(), start), |big| big.end)
    }

    /// The document with these values replaced; they are in order, lie apart, and are no containers.
    ///
    /// # Errors
    /// When what is put in is no JSON.
    pub fn with(self: Arc<Self>, edits: &[Edit]) -> Result<Arc<Self>> {
        if edits.is_empty() {
            return Ok(self);
        }
        let fit = edits.iter().all(|(place, new)| new.len() <= place.len());
        self.rewritten(fit, |text| {
            let mut text = text.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
            put_shorter(&mut text, edits);
            put_longer(&mut text, edits);
            text.freeze()
        })
    }
}

/// What is shorter leaves blanks behind, so that nothing moves and the index stays true.
fn put_shorter(text: &mut BytesMut, edits: &[Edit]) {
    for (place, new) in edits {
        if let Some(old) = text.get_mut(place.clone()).filter(|old| new.len() <= old.len()) {
            let (head, rest) = old.split_at_mut(new.len());
            head.copy_from_slice(new);
            rest.fill(b' ');
        }
    }
}

/// What is longer moves all that follows; from the end, so that each byte moves once.
fn put_longer(text: &mut BytesMut, edits: &[Edit]) {
    let longer = || edits.iter().filter(|(place, new)| new.len() > place.len());
    let (mut from, more) = (text.len(), longer().map(|(place, new)| new.len() - place.len()).sum::<usize>());
    let mut to = from + more;
    text.resize(to, b' ');
    for (place, new) in longer().rev() {
        to -= from - place.end;
        text.copy_within(place.end..from, to);
        to -= new.len();
        if let Some(room) = text.get_mut(to..to + new.len()) {
            room.copy_from_slice(new);
        }
        from = place.start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_byte_leads_to_its_resource() {
        let value = json!({"version": "x", "configs": [{"list": [
            {"name": "one", "inner": {"ports": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}},
            {"name": "two", "why": "because of what it is"}]}, {"name": "small"}]});
        let text = value.to_string();
        let doc = Doc::parse(text.clone().into()).unwrap();
        let around = |word: &str| &text[doc.resource(text.find(word).unwrap())];
        assert_eq!(around("because"), value["configs"][0]["list"][1].to_string());
        assert_eq!(around("17"), value["configs"][0]["list"][0].to_string(), "numbers are no resources");
        assert_eq!(around("small"), r#"{"name":"small"}"#);
        assert_eq!(around("version"), text);
        let plain = Doc::parse(" 7 ".into()).unwrap();
        assert_eq!(plain.resource(1), 1..2);
    }

    #[test]
    fn shorter_and_longer_values_take_their_places() {
        let list: Vec<_> =
            (0..40).map(|number| json!({"name": format!("n{number}"), "key": "a long secret of its owner"})).collect();
        let text = json!({"configs": list}).to_string();
        let places: Vec<usize> = text.match_indices("\"a long").map(|(at, _)| at).collect();
        for new in ["\"x\"", "\"something that is longer than what was there\""] {
            let doc = Doc::parse(text.clone().into()).unwrap();
            let edits: Vec<Edit> = places.iter().map(|at| (*at..*at + 28, new.as_bytes().to_vec())).collect();
            let doc = doc.with(&edits).unwrap();
            for at in [0, 17, 39] {
                let node = doc.root().get("configs").unwrap().at(at).unwrap();
                let wanted = json!({"name": format!("n{at}"), "key": serde_json::from_str::<String>(new).unwrap()});
                assert_eq!(node.to_value().unwrap(), wanted);
            }
        }
    }
}
