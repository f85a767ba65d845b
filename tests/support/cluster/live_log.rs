//! A log that is still written, and the connections that follow it: they may break wherever a test wants.

use super::question::Question;
use bytes::Bytes;
use futures::stream::{self, Stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// So much is sent at once.
const CHUNK: usize = 32 * 1024;

/// How a connection ends before the log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// In the middle of a transfer.
    Reset,
    /// As if the log had ended.
    End,
}

/// A log whose lines are made when they are asked for, so that it may have any length. Clones are the same log.
#[derive(Clone)]
pub struct LiveLog(Arc<Inner>);

/// The runs of its container.
#[derive(Debug, Default, Clone)]
struct Life {
    /// The first line of this run, and of the one before.
    first: u64,
    before: Option<u64>,
    restarts: u64,
    state: State,
    started: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum State {
    /// As the pod says.
    #[default]
    Told,
    Runs,
    Stopped,
    Over,
}

struct Inner {
    life: Mutex<Life>,
    line: Box<dyn Fn(u64) -> String + Send + Sync>,
    written: AtomicU64,
    over: AtomicBool,
    changed: Notify,
    breaks: Mutex<VecDeque<(u64, Break)>>,
    connections: AtomicU64,
    open: AtomicU64,
}

/// One connection.
struct Reader {
    log: LiveLog,
    /// The run that is read, and its last line, once there will be no more.
    run: u64,
    to: Option<u64>,
    follow: bool,
    next: u64,
    left: Option<(u64, Break)>,
    ended: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.log.0.open.fetch_sub(1, SeqCst);
    }
}

impl LiveLog {
    /// A log of these lines by their number, each with a time stamp in front and a line end; nothing is written yet.
    pub fn new(line: impl Fn(u64) -> String + Send + Sync + 'static) -> Self {
        let (written, connections, open) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let (over, changed, breaks) = (AtomicBool::new(false), Notify::new(), Mutex::default());
        let life = Mutex::default();
        Self(Arc::new(Inner { life, line: Box::new(line), written, over, changed, breaks, connections, open }))
    }

    /// A log of these lines.
    pub fn of(lines: &[&str]) -> Self {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        let count = lines.len() as u64;
        let log = Self::new(move |number| lines[usize::try_from(number).expect("a number of a line")].clone());
        log.write(count)
    }

    /// Write so many more lines.
    pub fn write(self, lines: u64) -> Self {
        self.more(lines);
        self
    }

    /// Write so many more lines, while somebody follows.
    pub fn more(&self, lines: u64) {
        self.0.written.fetch_add(lines, SeqCst);
        self.0.changed.notify_waiters();
    }

    /// Nothing more will be written: the container is no more.
    pub fn end(&self) {
        self.life(|life| life.state = State::Over);
        self.0.over.store(true, SeqCst);
        self.0.changed.notify_waiters();
    }

    /// The container is killed; it will be started again.
    pub fn stop(&self) {
        self.life(|life| life.state = State::Stopped);
        self.0.over.store(true, SeqCst);
        self.0.changed.notify_waiters();
    }

    /// It runs again, since then; what is written from now on is of this run.
    pub fn restart(&self, started: &str) {
        let written = self.0.written.load(SeqCst);
        self.life(|life| {
            *life = Life {
                first: written,
                before: Some(life.first),
                restarts: life.restarts + 1,
                state: State::Runs,
                started: started.into(),
            }
        });
        self.0.over.store(false, SeqCst);
        self.0.changed.notify_waiters();
    }

    fn life<T>(&self, with: impl FnOnce(&mut Life) -> T) -> T {
        with(&mut self.0.life.lock().expect("nobody panics with it"))
    }

    /// Put what became of the container into its pod.
    pub fn tell(&self, pod: &mut Value, container: &str) {
        let Life { restarts, state, started, .. } = self.life(|life| life.clone());
        let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        let statuses = pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten();
        for status in statuses.filter(|status| status["name"] == container) {
            match state {
                State::Told => return,
                State::Over => status["state"] = json!({"terminated": {"exitCode": 0}}),
                State::Stopped => {
                    (status["state"], status["lastState"]) = (json!({"waiting": {"reason": "CrashLoopBackOff"}}), killed.clone())
                }
                State::Runs => {
                    (status["state"], status["lastState"]) = (json!({"running": {"startedAt": started}}), killed.clone())
                }
            }
            (status["restartCount"], status["containerID"]) = (restarts.into(), format!("run-{restarts}").into());
        }
        if state == State::Over {
            pod["status"]["phase"] = "Succeeded".into();
        }
    }

    /// The next connection ends after so many bytes; one after that as said next.
    pub fn breaks(&self, after: u64, how: Break) {
        self.0.breaks.lock().expect("nobody panics with it").push_back((after, how));
    }

    /// How many connections there were.
    pub fn connections(&self) -> u64 {
        self.0.connections.load(SeqCst)
    }

    /// How many are open.
    pub fn open(&self) -> u64 {
        self.0.open.load(SeqCst)
    }

    /// The answer to a request: what was written, and with `follow` what will be.
    pub fn stream(&self, question: &Question) -> impl Stream<Item = std::io::Result<Bytes>> + Send + use<> {
        self.0.connections.fetch_add(1, SeqCst);
        self.0.open.fetch_add(1, SeqCst);
        let left = self.0.breaks.lock().expect("nobody panics with it").pop_front();
        let life = self.life(|life| life.clone());
        let previous = question.flag("previous").then_some(life.before).flatten();
        let (first, run) = (previous.unwrap_or(life.first), life.restarts);
        let to = previous.map(|_| life.first);
        let next = self.start(question, first);
        let reader = Reader { log: self.clone(), run, to, follow: question.flag("follow"), next, left, ended: false };
        stream::unfold(reader, |mut reader| async move { Some((reader.chunk().await?, reader)) })
    }

    /// Whether there was a run before.
    pub fn has_previous(&self) -> bool {
        self.life(|life| life.before.is_some())
    }

    fn start(&self, question: &Question, first: u64) -> u64 {
        let written = self.0.written.load(SeqCst);
        // API servers hand the time on to kubelets in whole seconds.
        let since = question.get("sinceTime").and_then(|time| time.parse::<Timestamp>().ok()).map(Timestamp::as_second);
        let since = since.map_or(0, |since| {
            let (mut low, mut high) = (first, written);
            while low < high {
                let middle = (low + high) / 2;
                if self.second(middle) < since { low = middle + 1 } else { high = middle }
            }
            low
        });
        let tail = question.number("tailLines").and_then(|tail| u64::try_from(tail).ok());
        since.max(first).max(tail.map_or(0, |tail| written.saturating_sub(tail)))
    }

    fn second(&self, number: u64) -> i64 {
        let line = (self.0.line)(number);
        let stamp = line.split(' ').next().unwrap_or_default();
        stamp.parse::<Timestamp>().expect("lines begin with their time").as_second()
    }
}

impl Reader {
    async fn chunk(&mut self) -> Option<std::io::Result<Bytes>> {
        if self.ended {
            return None;
        }
        let log = self.log.clone();
        loop {
            let changed = log.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let life = log.life(|life| life.clone());
            if life.restarts > self.run {
                // This run ended before the one at hand.
                self.to = self.to.or(Some(life.first));
            }
            let over = log.0.over.load(SeqCst) || !self.follow || self.to.is_some();
            let text = self.text();
            if !text.is_empty() {
                return Some(Ok(self.cut(text)));
            }
            if let Some((0, how)) = self.left {
                self.ended = true;
                // What was sent before must have left.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                return (how == Break::Reset).then(|| Err(std::io::Error::other("the connection breaks off here")));
            }
            if over {
                return None;
            }
            changed.await;
        }
    }

    fn text(&mut self) -> String {
        let written = self.to.unwrap_or_else(|| self.log.0.written.load(SeqCst));
        let mut text = String::new();
        let room = self.left.map_or(u64::MAX, |(left, _)| left);
        while self.next < written && text.len() < CHUNK && (text.len() as u64) < room {
            text.push_str(&(self.log.0.line)(self.next));
            self.next += 1;
        }
        text
    }

    fn cut(&mut self, mut text: String) -> Bytes {
        if let Some((left, _)) = &mut self.left {
            text.truncate(usize::try_from(*left).unwrap_or(usize::MAX).min(text.len()));
            *left -= text.len() as u64;
        }
        Bytes::from(text)
    }
}
