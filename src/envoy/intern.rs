//! Text that many rows say alike is kept once: tables have 150,000 of them.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// So many different ones are remembered; what comes after them is mostly seldom.
const MOST: usize = 4096;

/// What was said before, for all threads that read a list.
#[derive(Default)]
pub(super) struct Intern {
    texts: Mutex<HashSet<Arc<str>>>,
    lists: Mutex<HashSet<Names>>,
}

/// A short list of names that others have, too.
pub(super) type Names = Arc<[Arc<str>]>;

impl Intern {
    /// A text; nothing when it is empty.
    pub fn some(&self, text: &str) -> Option<Arc<str>> {
        (!text.is_empty()).then(|| self.text(text))
    }

    /// A text.
    pub fn text(&self, text: &str) -> Arc<str> {
        known(&self.texts, text, || text.into())
    }

    /// A list of names.
    pub fn list<'n>(&self, names: impl Iterator<Item = &'n str>) -> Names {
        let names: Vec<Arc<str>> = names.map(|name| self.text(name)).collect();
        known(&self.lists, names.as_slice(), || names.as_slice().into())
    }
}

fn known<T: Hash + Eq + ?Sized>(all: &Mutex<HashSet<Arc<T>>>, one: &T, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = all.get(one) {
        return found.clone();
    }
    let made = make();
    if all.len() < MOST {
        all.insert(made.clone());
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_kept_once() {
        let intern = Intern::default();
        assert!(Arc::ptr_eq(&intern.text("a"), &intern.text("a")) && !Arc::ptr_eq(&intern.text("a"), &intern.text("b")));
        let list = || intern.list(["a", "b"].into_iter());
        assert!(Arc::ptr_eq(&list(), &list()) && intern.some("").is_none());
        assert_eq!(intern.list(std::iter::empty()).len(), 0);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let intern = Intern::default();
        (0..MOST + 10).for_each(|number| drop(intern.text(&number.to_string())));
        assert_eq!(intern.texts.lock().unwrap().len(), MOST);
        assert_eq!(&*intern.text("9999999"), "9999999");
    }
}
