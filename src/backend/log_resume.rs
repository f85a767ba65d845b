//! What of a log was handed on lately, so that a stream which broke goes on without losing or doubling a line.
//!
//! The API server takes a time to go on from in whole seconds, and sends all lines from there on again. Lines of one container may
//! be a little out of order, since what it writes to its two outputs is stamped apart. So the lines of the last two seconds are
//! remembered, each by a hash, and what comes again is known by it.

use jiff::Timestamp;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A stamp's part up to the second: `2026-11-22T13:05:25`.
const TO_THE_SECOND: usize = 19;

/// The lines that were handed on in the last two seconds of a log, by its own time stamps.
#[derive(Default)]
pub(super) struct Seen {
    hasher: RandomState,
    /// The newest second, as a number and as it was written.
    second: i64,
    written: [u8; TO_THE_SECOND],
    newest: HashMap<u64, u32>,
    before: HashMap<u64, u32>,
    /// What will come again after the stream was resumed.
    again: HashMap<u64, u32>,
    catching_up: bool,
    lost: bool,
}

impl Seen {
    /// Whether a line was handed on yet.
    pub(super) fn any(&self) -> bool {
        self.second != 0
    }

    /// The newest second that was seen.
    pub(super) fn newest(&self) -> Option<i64> {
        self.any().then_some(self.second)
    }

    /// What comes now is another log, of which no line was seen, whatever its time.
    pub(super) fn forget_lines(&mut self) {
        self.newest.clear();
        self.before.clear();
        self.again.clear();
        (self.catching_up, self.lost) = (false, false);
    }

    /// The time to ask from; what comes from there on is looked at again.
    pub(super) fn resume(&mut self) -> Option<Timestamp> {
        let from = Timestamp::from_second(self.second - 1).ok().filter(|_| self.any())?;
        self.again = self.before.clone();
        for (line, count) in &self.newest {
            *self.again.entry(*line).or_default() += count;
        }
        self.catching_up = true;
        Some(from)
    }

    /// Whether this line was not handed on before. From then on it was.
    pub(super) fn is_new(&mut self, line: &[u8]) -> bool {
        let second = self.second_of(line);
        let hash = self.hasher.hash_one(line);
        if self.catching_up && self.came_before(second, hash) {
            return false;
        }
        if second > self.second {
            self.before = std::mem::take(&mut self.newest);
            if second > self.second + 1 {
                self.before.clear();
            }
            self.second = second;
            self.written.copy_from_slice(&line[..TO_THE_SECOND]);
        }
        // What is older still is never asked for again.
        match self.second - second {
            0 => *self.newest.entry(hash).or_default() += 1,
            1 => *self.before.entry(hash).or_default() += 1,
            _ => {}
        }
        true
    }

    /// Whether lines were missing that should have come again: the log begins later now than it did.
    pub(super) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    fn came_before(&mut self, second: i64, hash: u64) -> bool {
        if second > self.second {
            self.catching_up = false;
            self.lost = !self.again.is_empty();
            self.again = HashMap::new();
            return false;
        }
        match self.again.get_mut(&hash) {
            Some(1) => {
                self.again.remove(&hash);
                // All that was known has come: whatever its clock says, the rest is new.
                self.catching_up = !self.again.is_empty();
                true
            }
            Some(count) => {
                *count -= 1;
                true
            }
            // Not every server heeds the time; what is older than that was handed on before.
            None => second < self.second - 1,
        }
    }

    /// The second of a line's stamp; a line without one belongs to the line before.
    fn second_of(&self, line: &[u8]) -> i64 {
        match line.get(..TO_THE_SECOND) {
            Some(written) if written == self.written => self.second,
            Some(_) => stamp(line).map_or(self.second, Timestamp::as_second),
            None => self.second,
        }
    }
}

/// The RFC 3339 time stamp in front of a line.
fn stamp(line: &[u8]) -> Option<Timestamp> {
    let end = line.iter().take(48).position(|byte| matches!(byte, b' ' | b'\n')).unwrap_or(line.len().min(48));
    std::str::from_utf8(&line[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A line of this millisecond after noon.
    fn line(milli: u64, text: &str) -> Vec<u8> {
        let at = Timestamp::from_millisecond(1_795_348_800_000 + i64::try_from(milli).unwrap()).unwrap();
        format!("{at} {text}\n").into_bytes()
    }

    fn fresh(seen: &mut Seen, lines: &[Vec<u8>]) -> usize {
        lines.iter().filter(|line| seen.is_new(line)).count()
    }

    #[test]
    fn what_comes_again_is_known_and_what_is_new_is_not_lost() {
        let mut seen = Seen::default();
        assert_eq!(seen.resume(), None);
        let lines: Vec<_> = [0, 900, 1000, 1500, 1500].map(|milli| line(milli, "a")).to_vec();
        assert_eq!(fresh(&mut seen, &lines), 5);
        let from = seen.resume().unwrap();
        assert_eq!(from.as_millisecond(), 1_795_348_800_000);
        assert_eq!(fresh(&mut seen, &lines), 0);
        assert_eq!(
            fresh(&mut seen, &[line(1500, "a"), line(1500, "b"), line(1999, "c"), line(7000, "d")]),
            4,
            "a third one is new"
        );
        assert!(!seen.take_lost());
        assert_eq!(seen.resume().unwrap().as_millisecond(), 1_795_348_806_000);
        assert_eq!(fresh(&mut seen, &[line(7000, "d"), line(7001, "e")]), 1);
    }

    #[test]
    fn a_line_that_was_written_late_is_not_lost() {
        let mut seen = Seen::default();
        assert_eq!(fresh(&mut seen, &[line(900, "a"), line(1000, "b")]), 2);
        seen.resume();
        assert_eq!(fresh(&mut seen, &[line(900, "a"), line(1000, "b"), line(950, "late")]), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_hides_nothing() {
        let mut seen = Seen::default();
        assert_eq!(fresh(&mut seen, &[line(90_000, "a"), line(90_001, "b"), line(5, "c"), line(6, "d")]), 4);
        seen.resume();
        assert_eq!(fresh(&mut seen, &[line(90_000, "a"), line(90_001, "b"), line(7, "e"), line(8, "f")]), 2);
    }

    #[test]
    fn a_log_that_was_rotated_away_is_told() {
        let mut seen = Seen::default();
        assert_eq!(fresh(&mut seen, &[line(0, "a"), line(1, "b")]), 2);
        seen.resume();
        assert_eq!(fresh(&mut seen, &[line(9000, "z")]), 1);
        assert!(seen.take_lost() && !seen.take_lost());
    }

    #[test]
    fn a_server_that_sends_everything_again_doubles_nothing() {
        let mut seen = Seen::default();
        let lines: Vec<_> = (0..10).map(|second| line(second * 1000, "x")).collect();
        assert_eq!(fresh(&mut seen, &lines), 10);
        seen.resume();
        assert_eq!(fresh(&mut seen, &lines), 0);
    }

    proptest! {
        #[test]
        fn any_break_loses_and_doubles_nothing(
            steps in prop::collection::vec((0u64..400, 0u8..3), 1..60), breaks in prop::collection::vec(0usize..60, 0..5),
        ) {
            let mut milli = 0;
            let lines: Vec<_> = steps.iter().map(|(step, word)| { milli += step; line(milli, ["a", "b", "c"][*word as usize]) }).collect();
            let mut seen = Seen::default();
            let (mut got, mut from) = (Vec::new(), None::<Timestamp>);
            let mut breaks: Vec<usize> = breaks.into_iter().map(|at| at.min(lines.len())).collect();
            breaks.sort_unstable();
            breaks.push(lines.len());
            for at in breaks {
                let asked = |line: &&Vec<u8>| from.is_none_or(|from| stamp(line).unwrap() >= from);
                got.extend(lines[..at].iter().filter(asked).filter(|line| seen.is_new(line)).cloned());
                from = seen.resume();
            }
            prop_assert_eq!(got, lines);
        }
    }
}
