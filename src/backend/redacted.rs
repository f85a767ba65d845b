//! Take secrets out of every answer before anybody sees it.

use super::redact::Redactor;
use super::redact_stream::StreamRedactor;
use super::{Answer, Backend, Followed, Piece, Query, SharedBackend, Tunnel};
use crate::error::Result;
use futures::StreamExt;
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

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        Box::pin(async move {
            let followed = self.inner.follow(query).await.map_err(|error| self.redactor.error(error))?;
            let head = self.redactor.answer(query, followed.head);
            let (redactor, mut lines) = (self.redactor.clone(), StreamRedactor::new(self.redactor.clone()));
            let pieces = followed.pieces.map(move |piece| match piece {
                Ok(Piece::Lines(text)) => Ok(Piece::Lines(lines.clean(text))),
                Ok(note) => Ok(note),
                Err(error) => Err(redactor.error(error)),
            });
            Ok(Followed { head, pieces: pieces.boxed() })
        })
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        Box::pin(async move { self.inner.tunnel(query).await.map_err(|error| self.redactor.error(error)) })
    }

    forward_the_rest!(but streams);
}
