//! Backends for the tests of this folder: they answer by a script, late, or never.

use super::{Answer, Backend, Query};
use crate::error::{Error, Kind, Result};
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Gives prepared answers in order, repeats the last one, and keeps what it was asked.
pub struct Script {
    answers: Mutex<VecDeque<Result<Answer>>>,
    delay: Duration,
    asked: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Script {
    /// Gives these answers, one after the other.
    pub fn new(answers: impl IntoIterator<Item = Result<Answer>>) -> Arc<Self> {
        Self::with_delay(answers.into_iter().collect(), Duration::ZERO)
    }

    /// Always gives this body.
    pub fn answering(body: &'static str) -> Arc<Self> {
        Self::new([Ok(answer(body))])
    }

    /// Answers `{}` after a while.
    pub fn slow(delay: Duration) -> Arc<Self> {
        Self::with_delay(VecDeque::from([Ok(answer("{}"))]), delay)
    }

    /// Never answers.
    pub fn silent() -> Arc<Self> {
        Self::slow(Duration::from_secs(3600))
    }

    fn with_delay(answers: VecDeque<Result<Answer>>, delay: Duration) -> Arc<Self> {
        let counter = AtomicUsize::new(0);
        Arc::new(Self {
            answers: Mutex::new(answers),
            delay,
            asked: Mutex::default(),
            under_way: counter,
            most: AtomicUsize::new(0),
        })
    }

    /// The questions so far, one line each.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The most questions that were under way at the same time.
    pub fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn next(&self) -> Result<Answer> {
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        next.unwrap_or_else(|| Err(Error::new(Kind::Internal, "the script is empty")))
    }
}

/// A JSON answer of the minute in which the tests were written.
pub fn answer(body: &str) -> Answer {
    let mut answer = Answer::ok(body.to_owned(), at("2026-11-22T13:00:00Z"));
    answer.content_type = Some("application/json".into());
    answer
}

/// A moment, as RFC 3339 writes it.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Wait on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(future)
}

impl Backend for Script {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(query.to_string());
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            self.next()
        })
    }

    fn now(&self) -> Timestamp {
        at("2026-11-22T12:59:00Z")
    }

    fn cluster(&self) -> String {
        "lab".into()
    }

    fn namespace(&self) -> String {
        "shop".into()
    }

    fn describe(&self) -> String {
        "a script".into()
    }

    fn notes(&self) -> Vec<String> {
        vec!["scripted".into()]
    }
}
