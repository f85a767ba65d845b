//! A time limit round every question, and a bound on how many are under way at once.

use super::{Answer, Backend, Followed, Query, SharedBackend, Tunnel};
use crate::error::{Error, Kind, Result};
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Gives every question so much time, and lets only so many be under way at once.
pub struct Limit {
    inner: SharedBackend,
    timeout: Duration,
    gate: Semaphore,
}

impl Limit {
    /// How many questions may be under way at once when nobody says otherwise.
    pub const PARALLEL: usize = 32;

    /// The time counts from the moment a question is put, not while it waits for its turn. `parallel` is at least 1.
    pub fn new(inner: SharedBackend, timeout: Duration, parallel: usize) -> Self {
        Self { inner, timeout, gate: Semaphore::new(parallel.clamp(1, Semaphore::MAX_PERMITS)) }
    }

    async fn bounded<T>(&self, query: &Query, answer: BoxFuture<'_, Result<T>>) -> Result<T> {
        // The gate is never closed; were it, asking without a turn would be right.
        let _turn = self.gate.acquire().await.ok();
        let answer = tokio::time::timeout(self.timeout, answer).await;
        answer.unwrap_or_else(|_elapsed| Err(self.too_late(query)))
    }

    fn too_late(&self, query: &Query) -> Error {
        Error::new(Kind::Timeout, format!("no answer within {:?}: {query}", self.timeout))
            .hint("give it more time with --timeout, for example --timeout 60s; or ask for less")
    }
}

impl Backend for Limit {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(self.bounded(query, self.inner.ask(query)))
    }

    /// The limits are for its beginning: a log may be quiet for hours, and who follows one keeps nobody else waiting.
    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        Box::pin(self.bounded(query, self.inner.follow(query)))
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        Box::pin(self.bounded(query, self.inner.tunnel(query)))
    }

    forward_the_rest!(but streams);
}

#[cfg(test)]
mod tests {
    use super::super::Ask;
    use super::super::testing::{Script, block_on};
    use super::*;
    use futures::future::join_all;

    #[test]
    fn a_question_without_an_answer_ends_and_names_itself() {
        let limit = Limit::new(Script::silent(), Duration::from_millis(20), 1);
        let error = block_on(limit.ask(&Query::new("lab", Ask::kube("/version")))).unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout);
        assert_eq!(error.message(), "no answer within 20ms: kube GET /version");
        assert!(error.next_step().unwrap().contains("--timeout"));
    }

    #[test]
    fn only_so_many_are_under_way_and_waiting_costs_no_time_of_theirs() {
        let script = Script::slow(Duration::from_millis(60));
        let limit = Limit::new(script.clone(), Duration::from_millis(150), 2);
        let query = Query::new("lab", Ask::kube("/version"));
        let answers = block_on(async { join_all((0..6).map(|_| limit.ask(&query))).await });
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(script.most_at_once(), 2);
    }

    #[test]
    fn none_at_once_means_one() {
        let limit = Limit::new(Script::answering("{}"), Duration::from_secs(5), 0);
        assert!(block_on(limit.ask(&Query::new("lab", Ask::kube("/version")))).is_ok());
    }
}
