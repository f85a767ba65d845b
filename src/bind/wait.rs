//! Waiting until something is so.

use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, convert};
use crate::mesh::since::Since;
use crate::render;
use rhai::FnPtr;
use rhai::plugin::*;
use std::time::{Duration, Instant};

/// Between the first two questions; the pauses grow from there.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So much of what was seen last is shown.
const SHOWN: usize = 400;

/// Conditions that become true in time.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// Ask a closure again and again until what it gives is so, at most for a time (`"60s"`, `"5m"`, or seconds). Returns what it gave.
    ///
    /// Not so are `false`, `()`, 0, and text, lists and maps without anything in them; of a map with a member `done` that member
    /// counts, and the rest says what is still missing. The pauses grow from a quarter of a second to five. Ctrl-C ends it, and so
    /// does an error in the closure. When the time is over, the error says what was seen last. On a tape no time passes: it is
    /// asked as often as it could have been, without pauses.
    ///
    /// ```rhai
    /// wait_until(|| proxy_status().all(|row| row.status == "SYNCED"), "60s")    // true
    /// ```
    ///
    /// ```rhai
    /// let state = wait_until(|| sync::reached("requestauthentication", "customerjwt", "olaf-customer"), "60s");
    /// state.waiting    // []
    /// ```
    #[rhai_fn(return_raw)]
    pub fn wait_until(context: NativeCallContext, condition: FnPtr, timeout: Dynamic) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let mut clock = Clock::new(call.check(span(&timeout))?, call.mesh().backend().replays());
        loop {
            let seen = condition.call_within_context::<Dynamic>(&context, ())?;
            clock.asked += 1;
            if is_so(&seen) {
                return Ok(seen);
            }
            match clock.pause() {
                None => return Err(call.fail(clock.over(&seen))),
                Some(pause) => call.wait(async move {
                    tokio::time::sleep(pause).await;
                    Ok(())
                })?,
            }
        }
    }
}

/// How long it went on, and how long it may.
struct Clock {
    most: Duration,
    begun: Instant,
    /// On a tape, the pauses that were not made.
    skipped: Option<Duration>,
    next: Duration,
    asked: usize,
}

impl Clock {
    fn new(most: Duration, replays: bool) -> Self {
        Self { most, begun: Instant::now(), skipped: replays.then_some(Duration::ZERO), next: FIRST_PAUSE, asked: 0 }
    }

    /// How long to wait before asking again; nothing when the time is over. The last question falls on the end of the time.
    fn pause(&mut self) -> Option<Duration> {
        let left = self.most.saturating_sub(self.skipped.unwrap_or_else(|| self.begun.elapsed()));
        if left.is_zero() {
            return None;
        }
        let pause = self.next.min(left);
        self.next = (self.next * 3 / 2).min(LONGEST_PAUSE);
        Some(match &mut self.skipped {
            Some(skipped) => {
                *skipped += pause;
                Duration::ZERO
            }
            None => pause,
        })
    }

    fn over(&self, seen: &Dynamic) -> Error {
        let times = if self.asked == 1 { "once".to_owned() } else { format!("{} times", self.asked) };
        let message = format!("what is waited for is not so after {:?}, asked {times}; seen last: {}", self.most, shown(seen));
        let error = Error::new(Kind::Timeout, message);
        match self.skipped {
            Some(_) => error.hint("a tape never says anything else: ask the live mesh"),
            None => error
                .hint("wait longer, or let the closure give a map `#{ done: …, … }`: its other members then say what is missing"),
        }
    }
}

fn span(timeout: &Dynamic) -> Result<Duration> {
    let wrong = |told: String| Error::new(Kind::BadInput, told);
    if let Ok(seconds) = timeout.as_float() {
        let span = Duration::try_from_secs_f64(seconds).ok().filter(|span| !span.is_zero());
        return span.ok_or_else(|| wrong(format!("`{seconds}` is no span of time: it must be more than nothing")));
    }
    let text = if timeout.is_int() || timeout.is_string() { timeout.to_string() } else { String::new() };
    let Since(seconds) = text.parse().map_err(wrong)?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}

fn is_so(seen: &Dynamic) -> bool {
    if let Some(done) = seen.read_lock::<rhai::Map>().and_then(|map| map.get("done").cloned()) {
        return is_so(&done);
    }
    match convert::to_value(seen) {
        serde_json::Value::Null => false,
        serde_json::Value::Bool(so) => so,
        serde_json::Value::Number(number) => number.as_f64() != Some(0.0),
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(items) => !items.is_empty(),
        serde_json::Value::Object(members) => !members.is_empty(),
    }
}

fn shown(seen: &Dynamic) -> String {
    let pretty = render::json::pretty(&convert::Plain(seen));
    let flat = pretty.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = flat.chars().take(SHOWN).collect();
    if short.len() < flat.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_last_question_falls_on_the_end() {
        let mut clock = Clock::new(Duration::from_secs(60), true);
        let mut until = Vec::new();
        while clock.pause().is_some() {
            until.push(clock.skipped.unwrap());
        }
        assert_eq!((until[0], *until.last().unwrap()), (FIRST_PAUSE, Duration::from_secs(60)));
        assert!((15..25).contains(&until.len()), "{}", until.len());
        let gaps: Vec<Duration> = until.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(gaps.iter().all(|gap| *gap <= LONGEST_PAUSE) && gaps[..gaps.len() - 1].is_sorted(), "{gaps:?}");
    }

    #[test]
    fn times_are_text_or_seconds() {
        for (timeout, millis) in
            [(Dynamic::from("1m30s"), 90_000), (5_i64.into(), 5000), (0.5_f64.into(), 500), ("60".into(), 60_000)]
        {
            assert_eq!(span(&timeout).unwrap(), Duration::from_millis(millis));
        }
        for timeout in [Dynamic::from("soon"), 0_i64.into(), (-1_i64).into(), 0.0_f64.into(), f64::NAN.into(), Dynamic::UNIT] {
            assert_eq!(span(&timeout).unwrap_err().kind(), Kind::BadInput, "{timeout:?}");
        }
    }

    #[test]
    fn empty_is_not_so_and_done_speaks_for_its_map() {
        let done = |value: bool| Dynamic::from(rhai::Map::from([("done".into(), value.into()), ("waiting".into(), "x".into())]));
        for seen in [
            false.into(),
            Dynamic::UNIT,
            0_i64.into(),
            0.0_f64.into(),
            "".into(),
            rhai::Array::new().into(),
            rhai::Map::new().into(),
            done(false),
        ] {
            assert!(!is_so(&seen), "{seen:?}");
        }
        for seen in [true.into(), 1_i64.into(), Dynamic::from("x"), Dynamic::from(vec![Dynamic::UNIT]), done(true)] {
            assert!(is_so(&seen), "{seen:?}");
        }
        assert_eq!(shown(&done(false)), r#"{ "done": false, "waiting": "x" }"#);
        assert!(shown(&Dynamic::from("é".repeat(2000))).ends_with('…'));
    }
}
