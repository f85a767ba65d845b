//! How long to wait: for each step of a question, and for all of it.

use crate::error::{Error, Kind, Result};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The longest wait for a connection, whatever the user's patience for answers.
const CONNECT: Duration = Duration::from_secs(5);
/// A big answer may take longer than one step, as long as it keeps coming; but not for ever.
const STEPS: u32 = 10;

/// The time that one question may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    step: Duration,
    end: Instant,
}

impl Patience {
    /// Patience that starts now.
    pub(super) fn new(step: Duration) -> Self {
        Self { step, end: Instant::now() + Self::longest(step) }
    }

    /// How long all steps together may take.
    pub(super) fn longest(step: Duration) -> Duration {
        step * STEPS
    }

    /// The longest wait for a connection: less than for an answer, so that the failure that is told is the connection's.
    pub(super) fn connect(step: Duration) -> Duration {
        (step * 3 / 4).min(CONNECT)
    }

    /// How long one step may take.
    pub(super) fn step(&self) -> Duration {
        self.step
    }

    /// Await one step: a connection, a response's head, the next part of a body.
    pub(super) async fn wait<T>(&self, what: &str, step: impl Future<Output = T>) -> Result<T> {
        let deadline = (Instant::now() + self.step).min(self.end);
        timeout_at(deadline, step).await.map_err(|_| self.too_long(what, deadline == self.end))
    }

    fn too_long(&self, what: &str, at_the_end: bool) -> Error {
        let message = match at_the_end {
            true => format!("{what}: the answer was still coming after {}", seconds(Self::longest(self.step))),
            false => format!("{what}: no answer within {}", seconds(self.step)),
        };
        Error::new(Kind::Timeout, message).hint("give more time with --timeout, or see what keeps the other side busy")
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_that_takes_too_long_is_an_error_that_says_how_long() {
        let patience = Patience::new(Duration::from_millis(20));
        let error = patience.wait("pod a/b:15000", std::future::pending::<()>()).await.expect_err("it never ends");
        assert_eq!((error.kind(), error.message()), (Kind::Timeout, "pod a/b:15000: no answer within 0.02 s"));
    }

    #[tokio::test]
    async fn steps_without_end_end() {
        let patience = Patience::new(Duration::from_millis(10));
        let error = loop {
            let step = patience.wait("logs a/b", tokio::time::sleep(Duration::from_millis(4))).await;
            if let Err(error) = step {
                break error;
            }
        };
        assert_eq!(error.message(), "logs a/b: the answer was still coming after 0.1 s");
    }
}
