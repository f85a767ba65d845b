//! A place in the way of every question where a recording can begin, and end, while others are asked.

use super::{Answer, Backend, Followed, Query, Recorder, Redacted, SharedBackend, Tunnel};
use crate::error::{Error, Kind, Result};
use futures::future::BoxFuture;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Keeps every answer on a tape, as long as a recording goes on; else only passes them on.
pub struct Taping {
    /// What is recorded: before any redaction, as each tape counts its own.
    source: SharedBackend,
    /// What is asked while nothing is recorded.
    inner: SharedBackend,
    /// Whether secrets are to stay on tapes.
    keep_secrets: bool,
    recorder: RwLock<Option<Arc<Recorder>>>,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The tape.
    pub file: PathBuf,
    /// How many answers it holds.
    pub answers: u64,
    /// Why it does not hold all: it could not be written.
    pub failure: Option<Error>,
}

impl Recording {
    /// What became of it, in a sentence.
    pub fn told(&self) -> String {
        let plural = if self.answers == 1 { "answer is" } else { "answers are" };
        format!("{} {plural} kept in {}", self.answers, self.file.display())
    }
}

impl Taping {
    /// Ask `inner`; while a recording goes on, ask `source` instead and keep the answers, without secrets unless they are kept
    /// on purpose.
    pub fn new(source: SharedBackend, inner: SharedBackend, keep_secrets: bool) -> Self {
        Self { source, inner, keep_secrets, recorder: RwLock::default() }
    }

    /// Begin a tape in a new file.
    ///
    /// # Errors
    /// [`Kind::File`] when the file exists or cannot be written; [`Kind::BadInput`] when a recording goes on.
    pub fn begin(&self, file: &Path) -> Result<()> {
        let mut slot = self.recorder.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(recorder) = &*slot {
            let going_on = format!("{} is being recorded", recorder.path().display());
            return Err(Error::new(Kind::BadInput, going_on).hint("end it first"));
        }
        let recorder = if self.keep_secrets {
            Recorder::create(self.source.clone(), file, None)?
        } else {
            let redacted = Redacted::new(self.source.clone());
            let redactor = redacted.redactor();
            Recorder::create(Arc::new(redacted), file, Some(redactor))?
        };
        *slot = Some(Arc::new(recorder));
        Ok(())
    }

    /// Close the tape, if one is recorded. Says what it holds.
    ///
    /// # Errors
    /// When an answer could not be written; the tape ends before it.
    pub fn finish(&self) -> Result<Option<Recording>> {
        let taken = self.recorder.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(recorder) = taken else { return Ok(None) };
        let answers = recorder.finish()?;
        Ok(Some(Recording { file: recorder.path().to_owned(), answers, failure: None }))
    }

    /// The recording that goes on.
    pub fn recording(&self) -> Option<Recording> {
        let recorder = self.recorder()?;
        let (file, answers) = (recorder.path().to_owned(), recorder.answers());
        Some(Recording { file, answers, failure: recorder.failure() })
    }

    fn recorder(&self) -> Option<Arc<Recorder>> {
        self.recorder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn at_hand(&self) -> SharedBackend {
        match self.recorder() {
            Some(recorder) => recorder,
            None => self.inner.clone(),
        }
    }
}

impl Backend for Taping {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        let at_hand = self.at_hand();
        Box::pin(async move { at_hand.ask(query).await })
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        let at_hand = self.at_hand();
        Box::pin(async move { at_hand.follow(query).await })
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        let at_hand = self.at_hand();
        Box::pin(async move { at_hand.tunnel(query).await })
    }

    forward_the_rest!(but streams);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, block_on};
    use super::super::{Ask, Tape};
    use super::*;

    #[test]
    fn only_what_is_asked_between_begin_and_finish_is_kept() {
        let script = Script::answering("{\"a\":1}");
        let taping = Taping::new(script.clone(), script.clone(), false);
        let file = std::env::temp_dir().join(format!("pilotage-taping-{}.tape", std::process::id()));
        let ask = |path: &str| block_on(taping.ask(&Query::new("lab", Ask::kube(path)))).expect("an answer");
        ask("/before");
        assert_eq!((taping.recording(), taping.finish().expect("nothing to finish")), (None, None));
        taping.begin(&file).expect("a new file");
        assert_eq!(taping.begin(&file).expect_err("one at a time").kind(), Kind::BadInput);
        ask("/one");
        ask("/two");
        let going = taping.recording().expect("it goes on");
        assert_eq!((&going.file, going.answers, &going.failure), (&file, 2, &None));
        assert_eq!(taping.finish().expect("it is written"), Some(going));
        ask("/after");
        assert_eq!(taping.begin(&file).expect_err("it exists").kind(), Kind::File);
        let tape = Tape::open(&file);
        std::fs::remove_file(&file).expect("it was written");
        let mut kept: Vec<String> = tape.expect("a tape").questions().map(ToString::to_string).collect();
        kept.sort();
        assert_eq!(kept, ["kube GET /one", "kube GET /two"]);
        assert_eq!(script.asked().len(), 4);
    }
}
