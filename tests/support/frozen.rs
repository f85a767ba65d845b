//! A backend whose clock stands still: what a recording says is judged by the time it was recorded at.

use futures::future::BoxFuture;
use jiff::Timestamp;
use pilotage::backend::{Answer, Backend, Query, SharedBackend};
use pilotage::error::Result;

/// Answers of another backend, all given at one moment.
pub struct Frozen {
    inner: SharedBackend,
    at: Timestamp,
}

impl Frozen {
    /// Let it be this moment for ever.
    pub fn new(inner: SharedBackend, at: Timestamp) -> Self {
        Self { inner, at }
    }
}

impl Backend for Frozen {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move { Ok(Answer { at: self.at, ..self.inner.ask(query).await? }) })
    }

    fn now(&self) -> Timestamp {
        self.at
    }

    fn cluster(&self) -> String {
        self.inner.cluster()
    }

    fn namespace(&self) -> String {
        self.inner.namespace()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn notes(&self) -> Vec<String> {
        self.inner.notes()
    }
}
