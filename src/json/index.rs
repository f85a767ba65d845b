//! Where the members of big containers lie. It costs less than two percent of the text.

/// A container whose text is at least this long gets its members indexed; a smaller one is read when touched.
/// (Tiny in unit tests, so that small examples use the index too.)
pub(super) const BIG: usize = if cfg!(test) { 48 } else { 32 * 1024 };
/// Members that start within this many bytes share one entry.
const GROUP: usize = if cfg!(test) { 12 } else { 1024 };

/// A container of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Big {
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many members it has.
    pub(super) count: usize,
    /// Its entries in [`Index::groups`].
    first_group: usize,
    last_group: usize,
}

/// A run of members: where its first one starts (an object's at its key), and the how-manieth that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) ordinal: usize,
}

/// The big containers of a document.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By their start.
    bigs: Vec<Big>,
    groups: Vec<Group>,
}

impl Index {
    /// The big container that starts exactly here.
    pub(super) fn find(&self, start: usize) -> Option<&Big> {
        self.bigs.binary_search_by_key(&start, |big| big.start).ok().and_then(|at| self.bigs.get(at))
    }

    /// The big containers that a byte lies in, innermost first.
    pub(super) fn around(&self, at: usize) -> impl Iterator<Item = &Big> {
        let before = self.bigs.partition_point(|big| big.start <= at);
        self.bigs.iter().take(before).rev().filter(move |big| at < big.end)
    }

    /// The entries of a container.
    pub(super) fn groups(&self, big: &Big) -> &[Group] {
        self.groups.get(big.first_group..big.last_group).unwrap_or_default()
    }

    /// What the index itself weighs.
    pub(super) fn bytes(&self) -> usize {
        self.bigs.capacity() * size_of::<Big>() + self.groups.capacity() * size_of::<Group>()
    }
}

/// A container that has not ended yet.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) start: usize,
    pub(super) object: bool,
    pub(super) count: usize,
    /// Where the current member starts.
    pub(super) member: usize,
    first_pending: usize,
}

/// Makes an index while a text is read from start to end.
#[derive(Debug, Default)]
pub(super) struct Builder {
    index: Index,
    pub(super) stack: Vec<Open>,
    /// Groups of the containers that are open; they are kept only if their container turns out big.
    pending: Vec<Group>,
}

impl Builder {
    /// A container opens.
    #[inline]
    pub(super) fn open(&mut self, start: usize, object: bool) {
        self.stack.push(Open { start, object, count: 0, member: start, first_pending: self.pending.len() });
    }

    /// A member of the innermost open container starts.
    #[inline]
    pub(super) fn member(&mut self, start: usize) {
        let Some(open) = self.stack.last_mut() else { return };
        let fresh = match self.pending.get(open.first_pending..).and_then(<[Group]>::last) {
            Some(group) => start - group.start >= GROUP,
            None => true,
        };
        if fresh {
            self.pending.push(Group { start, ordinal: open.count });
        }
        open.count += 1;
        open.member = start;
    }

    /// The innermost open container ends before `end`.
    #[inline]
    pub(super) fn close(&mut self, end: usize) {
        let Some(open) = self.stack.pop() else { return };
        if end - open.start < BIG {
            self.pending.truncate(open.first_pending);
            return;
        }
        let first_group = self.index.groups.len();
        self.index.groups.extend(self.pending.drain(open.first_pending..));
        let last_group = self.index.groups.len();
        self.index.bigs.push(Big { start: open.start, end, count: open.count, first_group, last_group });
    }

    /// The index of all that was read.
    pub(super) fn finish(mut self) -> Index {
        self.index.bigs.sort_unstable_by_key(|big| big.start);
        self.index.bigs.shrink_to_fit();
        self.index.groups.shrink_to_fit();
        self.index
    }
}
