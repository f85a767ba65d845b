//! The other side of joins: what was asked for once, and found again by key.

use super::subject::{Page, Read};
use crate::envoy::Dump;
use crate::error::Result;
use crate::host::{Call, Fallible};
use crate::json::Found;
use crate::record::Record;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What joins asked for, so that a loop over rows asks once.
#[derive(Default)]
pub struct Kept(Mutex<HashMap<(TypeId, Option<Page>), Anything>>);

type Anything = Arc<dyn Any + Send + Sync>;

impl Kept {
    /// What was made once for all rows that share this.
    ///
    /// # Errors
    /// Those of making it; then it is made again the next time.
    pub fn keep<T: Send + Sync + 'static>(&self, page: Option<&Page>, make: impl FnOnce() -> Fallible<T>) -> Fallible<Arc<T>> {
        let key = (TypeId::of::<T>(), page.cloned());
        // Not held while asking: a Ctrl-C must find nothing locked.
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(&key).cloned();
        if let Some(known) = known.and_then(|known| known.downcast::<T>().ok()) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        kept().insert(key, made.clone());
        Ok(made)
    }
}

/// What else the place of some rows says, as records.
pub struct Related<R> {
    /// Where they were read.
    pub origin: Arc<Read>,
    found: Vec<Found<R>>,
    by_key: HashMap<String, Vec<usize>>,
}

impl<R: Record> Related<R> {
    /// Ask for them, or look into the document that the rows were read from: once for all rows of one place.
    ///
    /// # Errors
    /// When the proxy does not answer, and when the document does not hold them.
    pub fn of(
        call: &Call,
        read: &Read,
        page: &Page,
        make: impl FnOnce(&Dump) -> Result<Vec<Found<R>>> + Send + 'static,
        key: impl Fn(&R) -> String,
    ) -> Fallible<Arc<Self>> {
        read.kept().keep(Some(page), || {
            let (found, origin) = read.more(call, page, make)?;
            let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, found) in found.iter().enumerate() {
                by_key.entry(key(&found.record)).or_default().push(index);
            }
            Ok(Self { origin, found, by_key })
        })
    }

    /// Those of a key, in order.
    pub fn get(&self, key: &str) -> impl Iterator<Item = &Found<R>> {
        self.by_key.get(key).into_iter().flatten().filter_map(|index| self.found.get(*index))
    }
}
