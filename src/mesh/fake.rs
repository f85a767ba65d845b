//! A backend in memory for the tests of this folder: it says what it was told to, and remembers what it was asked.

use super::Mesh;
use crate::backend::{Answer, Ask, Backend, Query};
use crate::error::{Error, Kind, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Answers by question, as [`Query`] displays itself. What it was not told is a [`Kind::TapeMiss`].
#[derive(Default)]
pub(crate) struct Fake {
    answers: Mutex<HashMap<String, VecDeque<Result<Answer>>>>,
    asked: Mutex<Vec<String>>,
    bodies: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answer this question with status 200. Said twice: the second time with the second body, and so on.
    pub(crate) fn says(self, query: &str, body: impl Into<Bytes>) -> Self {
        self.gives(query, Ok(Answer::ok(body, now())))
    }

    /// Answer a GET of the API server.
    pub(crate) fn kube(self, path: &str, body: impl Into<Bytes>) -> Self {
        self.says(&format!("kube GET {path}"), body)
    }

    /// Answer with another status.
    pub(crate) fn refuses(self, query: &str, status: u16, body: &'static str) -> Self {
        self.gives(query, Ok(Answer { status, ..Answer::ok(body, now()) }))
    }

    /// Give no answer.
    pub(crate) fn fails(self, query: &str, kind: Kind) -> Self {
        let error = Error::new(kind, format!("no answer to {query}"));
        self.gives(query, Err(error))
    }

    fn gives(self, query: &str, answer: Result<Answer>) -> Self {
        self.answers.lock().unwrap().entry(query.to_owned()).or_default().push_back(answer);
        self
    }

    /// The mesh behind it.
    pub(crate) fn mesh(self) -> Mesh {
        self.shared().0
    }

    /// The mesh behind it, and itself, to see what was asked.
    pub(crate) fn shared(self) -> (Mesh, Arc<Self>) {
        let fake = Arc::new(self);
        (Mesh::new(fake.clone()), fake)
    }

    /// All questions so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The bodies sent so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

impl Backend for Fake {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        let key = query.to_string();
        self.asked.lock().unwrap().push(key.clone());
        match &query.ask {
            Ask::Kube(kube) => self.bodies.lock().unwrap().extend(kube.body.clone()),
            Ask::Pod(page) => self.bodies.lock().unwrap().extend(page.body.clone()),
            _ => {}
        }
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.get_mut(&key) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        };
        let answer = answer.unwrap_or_else(|| Err(Error::new(Kind::TapeMiss, format!("the fake was not told: {key}"))));
        Box::pin(async move { answer })
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn cluster(&self) -> String {
        "lab".into()
    }

    fn describe(&self) -> String {
        "a fake".into()
    }
}

/// The time in every test: when the recording was made.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T13:06:15Z".parse().expect("a time")
}

/// Run a future of a test to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}
