//! Stepping from member to member of a container, through the index where there is one.

use super::doc::Doc;
use super::index::{Big, Group};
use super::lex;

/// A member of a container: where its key and its value start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The key's opening quote; none in an array.
    pub(super) key: Option<usize>,
    pub(super) value: usize,
}

/// A place between the members of one container.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    object: bool,
    big: Option<Big>,
    /// Which of the container's groups comes next.
    group: usize,
    ordinal: usize,
    /// Somewhere between the end of the last value and the next member.
    bound: usize,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The next member starts here.
    At(usize),
    /// The next member comes after this value, which was not read yet.
    Behind(usize),
    Done,
}

impl Cursor {
    /// Before the first member of the container at `start`; a scalar has none.
    pub(super) fn new(doc: &Doc, start: usize) -> Self {
        let text = doc.text();
        let open = text.get(start).copied();
        let big = doc.index().find(start).copied();
        let state = match open {
            Some(b'{' | b'[') => {
                let at = lex::skip_space(text, start + 1);
                if matches!(text.get(at), Some(b'}' | b']')) { State::Done } else { State::At(at) }
            }
            _ => State::Done,
        };
        Self { object: open == Some(b'{'), big, group: 1, ordinal: 0, bound: start, state }
    }

    /// How many members lie behind.
    pub(super) fn ordinal(&self) -> usize {
        self.ordinal
    }

    fn next_group(&self, doc: &Doc) -> Option<Group> {
        self.big.as_ref().and_then(|big| doc.index().groups(big).get(self.group)).copied()
    }

    /// Step over the next member.
    pub(super) fn next(&mut self, doc: &Doc) -> Option<Member> {
        self.settle(doc);
        let State::At(at) = self.state else { return None };
        let member = self.read(doc, at);
        self.ordinal += 1;
        self.state = State::Behind(member.value);
        Some(member)
    }

    /// Finish the last step: find where the next member starts.
    fn settle(&mut self, doc: &Doc) {
        let State::Behind(value) = self.state else { return };
        if let Some(group) = self.next_group(doc)
            && group.ordinal == self.ordinal
        {
            self.group += 1;
            (self.state, self.bound) = (State::At(group.start), group.start);
            return;
        }
        if let Some(big) = self.big
            && self.ordinal >= big.count
        {
            (self.state, self.bound) = (State::Done, big.end);
            return;
        }
        let text = doc.text();
        self.bound = doc.index().find(value).map_or_else(|| lex::value_end(text, value), |big| big.end);
        let at = lex::skip_space(text, self.bound);
        self.state = match text.get(at) {
            Some(b',') => State::At(lex::skip_space(text, at + 1)),
            _ => State::Done,
        };
    }

    /// A position behind the value stepped over last, and not behind the start of the next member.
    pub(super) fn bound(&mut self, doc: &Doc) -> usize {
        self.settle(doc);
        self.bound
    }

    /// Go to the member of this number, without reading those before it where the index allows.
    pub(super) fn seek(&mut self, doc: &Doc, ordinal: usize) {
        let Some(big) = self.big else { return };
        let groups = doc.index().groups(&big);
        let behind = groups.partition_point(|group| group.ordinal <= ordinal);
        if let Some(group) = behind.checked_sub(1).and_then(|at| groups.get(at)) {
            self.group = behind;
            self.ordinal = group.ordinal;
            self.state = State::At(group.start);
        }
    }

    /// Go to the member that starts here, whatever its number: from here on the index cannot help.
    pub(super) fn jump(&mut self, at: usize) {
        self.big = None;
        self.state = State::At(at);
    }

    fn read(&self, doc: &Doc, at: usize) -> Member {
        if !self.object {
            return Member { key: None, value: at };
        }
        let text = doc.text();
        let colon = lex::skip_space(text, lex::string_end(text, at));
        Member { key: Some(at), value: lex::skip_space(text, colon + 1) }
    }
}
