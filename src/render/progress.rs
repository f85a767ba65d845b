//! What is being waited for, on standard error, when a wait lasts.

use super::style;
use super::{Looks, fit};
use crate::backend::{Answer, Observer, Query};
use crate::error::Result;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A wait that is shorter shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// To the left edge, and clear the line.
const CLEAR: &str = "\r\u{1b}[2K";
/// What moves.
const SIGNS: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];
/// How often it moves.
const TICK: Duration = Duration::from_millis(100);

/// Watches the questions; shows the oldest one that waits, how long it does, and how many wait with it.
pub struct Progress {
    looks: Looks,
    me: Weak<Self>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<(String, Instant)>,
    answered: usize,
    /// How often the line has moved, while it is shown.
    moved: Option<usize>,
    /// Nothing is shown before this moment: something was just printed there.
    quiet_until: Option<Instant>,
    /// Whether a thread moves the line already, or none ever shall.
    watched: bool,
}

impl Progress {
    /// With `shown: false` it never writes anything.
    pub fn new(looks: Looks, shown: bool) -> Arc<Self> {
        let state = Mutex::new(State { watched: !shown, ..State::default() });
        Arc::new_cyclic(|me| Self { looks, me: me.clone(), state, changed: Condvar::new() })
    }

    /// Clear the line: something is about to be printed.
    pub fn hide(&self) {
        let mut state = self.lock();
        state.hide();
        state.quiet_until = Some(Instant::now() + PATIENCE);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hide(&mut self) {
        if self.moved.take().is_some() {
            style::write_stderr(CLEAR);
        }
    }

    /// When the oldest wait becomes worth showing.
    fn due(&self) -> Option<Instant> {
        let oldest = self.waiting.first()?.1 + PATIENCE;
        Some(self.quiet_until.map_or(oldest, |quiet| quiet.max(oldest)))
    }

    fn line(&self, now: Instant, width: Option<usize>) -> String {
        let Some((question, since)) = self.waiting.first() else { return String::new() };
        let seconds = now.duration_since(*since).as_secs_f64();
        let more = self.waiting.len() - 1;
        let tail = match (more, self.answered) {
            (0, 0) => format!("  {seconds:.1} s"),
            (0, answered) => format!("  {seconds:.1} s · {answered} answered"),
            (more, answered) => format!("  {seconds:.1} s · {more} more waiting, {answered} answered"),
        };
        let room = width.unwrap_or(80).saturating_sub(fit::width(&tail) + 5).max(10);
        format!("{}{tail}", fit::middle(&fit::line(question), room))
    }
}

impl Observer for Progress {
    fn asked(&self, query: &Query) {
        let mut state = self.lock();
        state.waiting.push((query.to_string(), Instant::now()));
        if !std::mem::replace(&mut state.watched, true) {
            let me = self.me.clone();
            // Without a thread there is no line; the work goes on.
            let _ = std::thread::Builder::new().name("progress".into()).spawn(move || watch(&me));
        }
        self.changed.notify_one();
    }

    fn answered(&self, query: &Query, _answer: &Result<Answer>) {
        self.over(query);
    }

    fn cancelled(&self, query: &Query) {
        self.over(query);
    }
}

impl Progress {
    fn over(&self, query: &Query) {
        let question = query.to_string();
        let mut state = self.lock();
        if let Some(index) = state.waiting.iter().position(|(waiting, _)| *waiting == question) {
            state.waiting.remove(index);
        }
        state.answered += 1;
        if state.waiting.is_empty() {
            state.hide();
            state.answered = 0;
        }
        self.changed.notify_one();
    }
}

/// Show and move the line while somebody waits; sleep while nobody does.
fn watch(progress: &Weak<Progress>) {
    while let Some(progress) = progress.upgrade() {
        let mut state = progress.lock();
        let now = Instant::now();
        match state.due() {
            Some(due) if due <= now => {
                let moved = state.moved.map_or(0, |moved| moved + 1);
                state.moved = Some(moved);
                let look = progress.looks.err();
                let sign = look.paint(style::KNOWN, SIGNS[moved % SIGNS.len()]);
                // The cursor stays behind the text: the terminal's own `^C` must not begin another line.
                style::write_stderr(&format!("{CLEAR}{sign} {}", state.line(now, look.width)));
            }
            _ => state.hide(),
        }
        // The longer sleep only lets the thread notice that nobody needs it any more.
        let sleep = if state.waiting.is_empty() { Duration::from_secs(5) } else { TICK };
        drop(progress.changed.wait_timeout(state, sleep));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Ask;

    fn query(path: &str) -> Query {
        Query::new("lab", Ask::kube(path))
    }

    fn answer() -> Result<Answer> {
        Ok(Answer::ok("", jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn a_line_names_the_oldest_question_and_how_many_wait() {
        let progress = Progress::new(Looks::default(), false);
        progress.asked(&query("/api/v1/pods"));
        progress.asked(&query("/api/v1/services"));
        let now = progress.lock().waiting[0].1 + Duration::from_millis(1200);
        assert_eq!(progress.lock().line(now, Some(70)), "kube GET /api/v1/pods  1.2 s · 1 more waiting, 0 answered");
        progress.answered(&query("/api/v1/pods"), &answer());
        let now = progress.lock().waiting[0].1 + Duration::from_millis(700);
        assert_eq!(progress.lock().line(now, Some(70)), "kube GET /api/v1/services  0.7 s · 1 answered");
        progress.answered(&query("/api/v1/services"), &answer());
        assert_eq!(progress.lock().due(), None);
    }

    #[test]
    fn short_waits_and_fresh_prints_show_nothing() {
        let progress = Progress::new(Looks::default(), false);
        progress.asked(&query("/version"));
        let begun = progress.lock().waiting[0].1;
        assert_eq!(progress.lock().due(), Some(begun + PATIENCE));
        progress.hide();
        assert!(progress.lock().due() >= Some(begun + PATIENCE));
    }

    #[test]
    fn a_line_fits() {
        let progress = Progress::new(Looks::default(), false);
        progress.asked(&query(&"/x".repeat(100)));
        let now = Instant::now();
        assert!(fit::width(&progress.lock().line(now, Some(50))) <= 48);
    }
}
