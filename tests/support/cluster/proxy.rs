//! A proxy that is not there: its log levels and how long it runs, which moves on as a real one's does.

use super::http1::{Answer, Reply, Request};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The loggers it has; all are at `warning` when it starts.
const LOGGERS: [&str; 4] = ["http", "jwt", "rbac", "upstream"];

/// The admin interface of one proxy, as far as log levels go. Clones are the same proxy.
#[derive(Debug, Clone)]
pub struct FakeProxy {
    state: Arc<Mutex<State>>,
    /// How much later each of its answers comes.
    delay: Duration,
}

#[derive(Debug)]
struct State {
    started: Instant,
    levels: BTreeMap<&'static str, String>,
}

impl FakeProxy {
    /// One that runs for so long already, and answers so much later.
    pub fn new(age: Duration, delay: Duration) -> Self {
        let now = Instant::now();
        let started = now.checked_sub(age).unwrap_or(now);
        Self { state: Arc::new(Mutex::new(State { started, levels: fresh() })), delay }
    }

    /// End it and start it anew: what was set in it is gone.
    pub fn restart(&self) {
        *self.state() = State { started: Instant::now(), levels: fresh() };
    }

    /// The level of a logger; nothing where it has no such logger.
    pub fn level(&self, logger: &str) -> Option<String> {
        self.state().levels.get(logger).cloned()
    }

    /// Set a level, as somebody else.
    pub fn set(&self, logger: &str, level: &str) {
        if let Some(known) = self.state().levels.get_mut(logger) {
            *known = level.into();
        }
    }

    /// What it says to a request. What is asked takes effect at once, whenever the answer comes.
    pub(super) fn reply(&self, request: &Request) -> Reply {
        let (path, params) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let answer = match (request.method.as_str(), path) {
            ("POST", "/logging") => self.logging(params),
            ("GET", "/server_info") => self.info(),
            _ => say(404, "text/plain; charset=UTF-8", "invalid path. admin commands are:\n"),
        };
        if self.delay.is_zero() { Reply::Whole(answer) } else { Reply::Late(self.delay, answer) }
    }

    fn logging(&self, params: &str) -> Answer {
        let pairs: Vec<(&str, &str)> = match params.strip_prefix("paths=") {
            Some(list) => list.split(',').filter_map(|pair| pair.rsplit_once(':')).collect(),
            None => params.split_once('=').into_iter().collect(),
        };
        if pairs.iter().any(|(name, _)| !LOGGERS.contains(name)) {
            return say(404, "text/plain", "error: unknown logger name\n");
        }
        for (name, level) in pairs {
            self.set(name, level);
        }
        let lines: String = self.state().levels.iter().map(|(name, level)| format!("  {name}: {level}\n")).collect();
        say(200, "text/plain", &format!("active loggers:\n{lines}\n"))
    }

    /// Whole seconds, cut off, as Envoy tells them.
    fn info(&self) -> Answer {
        let uptime = format!("{}s", self.state().started.elapsed().as_secs());
        let info = json!({"state": "LIVE", "uptime_current_epoch": uptime, "uptime_all_epochs": uptime});
        say(200, "application/json", &info.to_string())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh() -> BTreeMap<&'static str, String> {
    LOGGERS.into_iter().map(|name| (name, "warning".to_owned())).collect()
}

fn say(status: u16, kind: &str, text: &str) -> Answer {
    Answer { status, content_type: Some(kind.into()), location: None, body: text.to_owned().into() }
}
