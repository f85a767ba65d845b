//! Take secrets out of every answer before anybody sees it.

use super::redact::Redactor;
use super::{Answer, Backend, Query, SharedBackend};
use crate::error::Result;
use futures::future::BoxFuture;
use std::sync::Arc;

/// Stands right above the live backend, so that screens, reports and tapes alike get no secrets.
///
/// Questions pass as they are: the server needs what is in them.
pub struct Redacted {
    inner: SharedBackend,
    redactor: Arc<Redactor>,
}

impl Redacted {
    /// Take the secrets out of the answers of this backend.
    pub fn new(inner: SharedBackend) -> Self {
        Self { inner, redactor: Arc::default() }
    }

    /// What does it, and counts; a [`super::Recorder`] wants it.
    pub fn redactor(&self) -> Arc<Redactor> {
        self.redactor.clone()
    }
}

impl Backend for Redacted {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let answer = self.inner.ask(query).await;
            answer.map(|answer| self.redactor.answer(query, answer)).map_err(|error| self.redactor.error(error))
        })
    }

    forward_the_rest!();
}
