//! One log of several that are read together: what was read ahead of it, and whether more may come.

use super::follow::Pieces;
use super::log_messages::{Message, Messages};
use super::logs::{LogLine, lines};
use super::pod_ref::Asked;
use crate::backend::LogFilter;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// A log that has not begun yet holds up the others for so long.
const BEGINNING: Duration = Duration::from_secs(2);

/// The log of one container.
pub(super) struct Source {
    pub(super) asked: Asked,
    /// Namespace, pod and container of its rows.
    pub(super) place: LogLine,
    pub(super) rows: VecDeque<(Timestamp, LogLine)>,
    pub(super) bytes: usize,
    newest: Timestamp,
    pub(super) messages: Messages,
    pub(super) state: State,
}

/// How far reading it is.
pub(super) enum State {
    /// The next piece is waited for, since then.
    Reading {
        since: Instant,
        begun: bool,
    },
    /// Enough was read ahead.
    Parked(Pieces),
    Over,
}

impl Source {
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            asked,
            place: LogLine::default(),
            rows: VecDeque::new(),
            bytes: 0,
            newest: Timestamp::MIN,
            messages: Messages::default(),
            state: State::Reading { since: Instant::now(), begun: false },
        }
    }

    /// Whether an older row may still come from here.
    pub(super) fn holds_up(&self, now: Instant, hold: Duration) -> bool {
        self.holds_until(hold).is_some_and(|until| now < until)
    }

    /// Until when it makes others wait, if it does.
    pub(super) fn holds_until(&self, hold: Duration) -> Option<Instant> {
        match self.state {
            State::Reading { since, begun } if self.rows.is_empty() => Some(since + if begun { hold } else { BEGINNING }),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, piece: &Bytes, filter: &LogFilter) {
        let text = String::from_utf8_lossy(piece);
        for (time, text) in lines(&text) {
            for message in self.messages.push(time, text).into_iter().flatten() {
                self.row(message, filter);
            }
        }
    }

    pub(super) fn flush(&mut self, filter: &LogFilter) {
        if let Some(message) = self.messages.flush() {
            self.row(message, filter);
        }
    }

    pub(super) fn end(&mut self, filter: &LogFilter) {
        self.flush(filter);
        self.state = State::Over;
    }

    fn row(&mut self, message: Message, filter: &LogFilter) {
        let Message { time, text } = message;
        if !finds(filter, &time, &text) {
            return;
        }
        // A row without a time is as old as the one before.
        let at = time.parse().unwrap_or(self.newest);
        self.newest = at;
        let row = LogLine { time, text, ..self.place.clone() };
        self.bytes += weight(&row);
        self.rows.push_back((at, row));
    }
}

/// Whether the pattern finds a message; it sees the time stamp too, as it does when lines are chosen while they stream by.
fn finds(filter: &LogFilter, time: &str, text: &str) -> bool {
    filter.finds(|| format!("{time} {text}"))
}

/// What a row counts for.
pub(super) fn weight(row: &LogLine) -> usize {
    row.text.len() + 128
}
