//! Tell somebody about every question and its answer: progress, `-v`, the audit trail.

use super::{Answer, Backend, Followed, Query, SharedBackend, Tunnel};
use crate::error::Result;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Is told what is asked. Calls come from many threads and hold up the question, so they must be quick.
pub trait Observer: Send + Sync {
    /// A question is put.
    fn asked(&self, query: &Query);

    /// Its answer came, or it failed.
    fn answered(&self, query: &Query, answer: &Result<Answer>);

    /// The namespace at hand is asked for, as names that come without one do.
    fn at_home(&self, namespace: &str) {
        let _ = namespace;
    }

    /// Nobody waits for its answer any more: Ctrl-C, a time limit above, or a caller that gave up.
    fn cancelled(&self, query: &Query) {
        let _ = query;
    }
}

/// Counts questions and the bytes of their answers, and tells another observer.
pub struct Tally {
    questions: AtomicU64,
    bytes: AtomicU64,
    next: Arc<dyn Observer>,
}

impl Tally {
    /// Count from zero.
    pub fn new(next: Arc<dyn Observer>) -> Self {
        Self { questions: AtomicU64::default(), bytes: AtomicU64::default(), next }
    }

    /// How many questions were put so far, and how many bytes came back.
    pub fn so_far(&self) -> (u64, u64) {
        (self.questions.load(Relaxed), self.bytes.load(Relaxed))
    }
}

impl Observer for Tally {
    fn asked(&self, query: &Query) {
        self.questions.fetch_add(1, Relaxed);
        self.next.asked(query);
    }

    fn answered(&self, query: &Query, answer: &Result<Answer>) {
        if let Ok(answer) = answer {
            self.bytes.fetch_add(answer.body.len() as u64, Relaxed);
        }
        self.next.answered(query, answer);
    }

    fn cancelled(&self, query: &Query) {
        self.next.cancelled(query);
    }
}

/// Tells an observer about every question that passes. For each one asked it says exactly one of answered, cancelled.
pub struct Observed {
    inner: SharedBackend,
    observer: Arc<dyn Observer>,
}

impl Observed {
    /// Tell this observer.
    pub fn new(inner: SharedBackend, observer: Arc<dyn Observer>) -> Self {
        Self { inner, observer }
    }

    /// Tell that it is asked, and that it is cancelled if it is.
    async fn watch<T>(&self, query: &Query, answer: BoxFuture<'_, T>) -> T {
        self.observer.asked(query);
        let mut pending = Pending { query, observer: &*self.observer, over: false };
        let answer = answer.await;
        pending.over = true;
        answer
    }
}

/// Says "cancelled" when it is dropped before the answer came.
struct Pending<'a> {
    query: &'a Query,
    observer: &'a dyn Observer,
    over: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.observer.cancelled(self.query);
        }
    }
}

impl Backend for Observed {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let answer = self.watch(query, self.inner.ask(query)).await;
            self.observer.answered(query, &answer);
            answer
        })
    }

    /// The question is answered when the stream begins: who follows a log waits for nothing.
    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        Box::pin(async move {
            let followed = self.watch(query, self.inner.follow(query)).await;
            self.observer.answered(query, &followed.as_ref().map(|followed| followed.head.clone()).map_err(Clone::clone));
            followed
        })
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        Box::pin(async move {
            let begun = self.now();
            let tunnel = self.watch(query, self.inner.tunnel(query)).await;
            let opened = tunnel.as_ref().map(|_| Answer::ok("", begun)).map_err(Clone::clone);
            self.observer.answered(query, &opened);
            tunnel
        })
    }

    fn namespace(&self) -> String {
        let namespace = self.inner.namespace();
        self.observer.at_home(&namespace);
        namespace
    }

    forward_the_rest!(but namespace, streams);
}

#[cfg(test)]
mod tests {
    use super::super::Ask;
    use super::super::testing::{Script, block_on};
    use super::*;
    use std::sync::Mutex;
    use std::time::Duration;

    #[derive(Default)]
    struct Diary(Mutex<Vec<String>>);

    impl Observer for Diary {
        fn asked(&self, query: &Query) {
            self.0.lock().unwrap().push(format!("asked {query}"));
        }
        fn answered(&self, _: &Query, answer: &Result<Answer>) {
            self.0.lock().unwrap().push(format!("answered {}", answer.is_ok()));
        }
        fn cancelled(&self, query: &Query) {
            self.0.lock().unwrap().push(format!("cancelled {query}"));
        }
    }

    #[test]
    fn a_tally_counts_and_passes_on() {
        let diary = Arc::new(Diary::default());
        let tally = Arc::new(Tally::new(diary.clone()));
        let observed = Observed::new(Script::answering("{}"), tally.clone());
        let query = Query::new("lab", Ask::kube("/version"));
        block_on(async { (observed.ask(&query).await, observed.ask(&query).await) }).1.unwrap();
        assert_eq!((tally.so_far(), diary.0.lock().unwrap().len()), ((2, 4), 4));
    }

    #[test]
    fn every_question_is_told_with_its_end() {
        let diary = Arc::new(Diary::default());
        let query = Query::new("lab", Ask::kube("/version"));
        let answering = Observed::new(Script::answering("{}"), diary.clone());
        block_on(answering.ask(&query)).unwrap();
        let silent = Observed::new(Script::silent(), diary.clone());
        block_on(async { tokio::time::timeout(Duration::from_millis(10), silent.ask(&query)).await }).unwrap_err();
        let told = diary.0.lock().unwrap().clone();
        assert_eq!(told, ["asked kube GET /version", "answered true", "asked kube GET /version", "cancelled kube GET /version"]);
    }
}
