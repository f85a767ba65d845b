//! Answer a question for part of a log from a recorded log that reaches at least as far back.

use super::{LogFilter, Logs};
use crate::error::Result;
use jiff::{SignedDuration, Timestamp};
use memchr::{memchr, memchr_iter, memrchr_iter};

/// What `wanted` asks for, taken from a log that `recorded` got at that moment; `None` when it may lack lines of it.
///
/// `since_seconds` counts back from the recording. A line's age is read from the time stamp in front of it; a line
/// without one is as old as the line before.
///
/// # Errors
/// When the pattern of `wanted` is no regular expression.
pub fn narrow_log(recorded: &Logs, log: &[u8], at: Timestamp, wanted: &Logs) -> Result<Option<Vec<u8>>> {
    if !same_log(recorded, wanted) || recorded.grep.is_some() && !same_lines(recorded, wanted) {
        return Ok(None);
    }
    let oldest = wanted.since_seconds.and_then(|seconds| at.checked_sub(SignedDuration::from_secs(seconds)).ok());
    if recorded.grep.is_none() && !reaches_back(recorded, log, wanted, oldest) {
        return Ok(None);
    }
    let recent = oldest.map_or(log, |oldest| since(log, oldest));
    // A recorded pattern chose among the same last lines already.
    let recent = if recorded.grep.is_some() { recent } else { wanted.tail.map_or(recent, |lines| tail(recent, lines)) };
    let mut filter = LogFilter::new(wanted.grep.as_deref())?;
    filter.push(recent);
    Ok(Some(filter.finish()))
}

/// Whether both ask for the log of the same run of the same container.
pub fn same_log(a: &Logs, b: &Logs) -> bool {
    (&a.namespace, &a.pod, &a.container, a.previous) == (&b.namespace, &b.pod, &b.container, b.previous)
}

/// Whether a filtered recording holds what is wanted: the pattern must be the same, and `tail` too, since it counts
/// lines that the pattern dropped.
fn same_lines(recorded: &Logs, wanted: &Logs) -> bool {
    let far_enough = match (recorded.since_seconds, wanted.since_seconds) {
        (None, _) => true,
        (Some(recorded), Some(wanted)) => wanted <= recorded,
        (Some(_), None) => false,
    };
    recorded.grep == wanted.grep && recorded.tail == wanted.tail && far_enough
}

/// Whether a recorded log holds the oldest line that is wanted.
fn reaches_back(recorded: &Logs, log: &[u8], wanted: &Logs, oldest: Option<Timestamp>) -> bool {
    let holds = |lines: i64| last_lines(log, lines).is_some();
    let cut_by_tail = recorded.tail.is_some_and(holds);
    let cut_by_age = match (recorded.since_seconds, wanted.since_seconds) {
        (None, _) => false,
        (Some(recorded), Some(wanted)) => wanted > recorded,
        (Some(_), None) => true,
    };
    let older_line = || oldest.is_some_and(|oldest| stamp(log).is_some_and(|first| first < oldest));
    !cut_by_tail && !cut_by_age || wanted.tail.is_some_and(holds) || older_line()
}

/// The lines that are not older than this.
fn since(log: &[u8], oldest: Timestamp) -> &[u8] {
    // A container's log is in order of time, so what is wanted is one piece at the end.
    let mut from = 0;
    while from < log.len() {
        if stamp(&log[from..]).is_some_and(|at| at >= oldest) {
            break;
        }
        from += memchr(b'\n', &log[from..]).map_or(log.len() - from, |end| end + 1);
    }
    &log[from..]
}

/// The last so many lines; all, when there are fewer.
fn tail(log: &[u8], lines: i64) -> &[u8] {
    last_lines(log, lines).map_or(log, |from| &log[from..])
}

/// Where the last so many lines start, if there are so many.
fn last_lines(log: &[u8], lines: i64) -> Option<usize> {
    let Ok(lines @ 1..) = usize::try_from(lines) else { return Some(log.len()) };
    let body = log.strip_suffix(b"\n").unwrap_or(log);
    if let Some(end) = memrchr_iter(b'\n', body).nth(lines - 1) {
        return Some(end + 1);
    }
    let held = if log.is_empty() { 0 } else { memchr_iter(b'\n', body).count() + 1 };
    (held >= lines).then_some(0)
}

/// The RFC 3339 time stamp in front of the first line.
fn stamp(lines: &[u8]) -> Option<Timestamp> {
    let end = lines.iter().take(48).position(|byte| matches!(byte, b' ' | b'\n'))?;
    std::str::from_utf8(&lines[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;

    const LOG: &str =
        "2026-11-22T12:00:00.1Z one\n2026-11-22T12:30:00Z two\n2026-11-22T12:59:00Z three\n2026-11-22T12:59:59Z four\n";

    fn logs(since_seconds: Option<i64>, tail: Option<i64>, grep: Option<&str>) -> Logs {
        Logs { namespace: "n".into(), pod: "p".into(), since_seconds, tail, grep: grep.map(Into::into), ..Logs::default() }
    }

    /// The last words of the lines that answer `wanted`.
    fn words(recorded: &Logs, log: &str, wanted: &Logs) -> Option<Vec<String>> {
        let found = narrow_log(recorded, log.as_bytes(), at("2026-11-22T13:00:00Z"), wanted).unwrap()?;
        let text = String::from_utf8(found).unwrap();
        Some(text.lines().map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect())
    }

    fn from_all(wanted: &Logs) -> Vec<String> {
        words(&logs(None, None, None), LOG, wanted).expect("the whole log answers everything")
    }

    #[test]
    fn a_whole_log_answers_every_range() {
        assert_eq!(from_all(&logs(None, None, None)), ["one", "two", "three", "four"]);
        assert_eq!(from_all(&logs(Some(60), None, None)), ["three", "four"]);
        assert_eq!(from_all(&logs(Some(1800), Some(1), None)), ["four"]);
        assert_eq!(from_all(&logs(None, Some(9), None)), ["one", "two", "three", "four"]);
        assert_eq!(from_all(&logs(None, Some(0), None)), Vec::<String>::new());
        assert_eq!(from_all(&logs(Some(0), None, None)), Vec::<String>::new());
    }

    #[test]
    fn the_pattern_looks_at_the_chosen_lines_only() {
        assert_eq!(from_all(&logs(None, Some(3), Some("o"))), ["two", "four"]);
        assert_eq!(from_all(&logs(Some(60), None, Some("t"))), ["three"]);
    }

    #[test]
    fn a_shorter_recording_never_answers_for_lines_it_may_lack() {
        let last_hour = logs(Some(3600), None, None);
        assert_eq!(words(&last_hour, LOG, &logs(Some(60), None, None)).unwrap().len(), 2);
        assert_eq!(words(&last_hour, LOG, &logs(None, None, None)), None);
        assert_eq!(words(&last_hour, LOG, &logs(Some(7200), None, None)), None);
        assert_eq!(words(&last_hour, LOG, &logs(None, Some(4), None)).unwrap().len(), 4);
        assert_eq!(words(&last_hour, LOG, &logs(None, Some(5), None)), None);
    }

    #[test]
    fn a_tail_that_was_not_filled_is_the_whole_log() {
        assert_eq!(words(&logs(None, Some(10), None), LOG, &logs(None, None, None)).unwrap().len(), 4);
        assert_eq!(words(&logs(None, Some(4), None), LOG, &logs(None, None, None)), None);
        assert_eq!(words(&logs(None, Some(4), None), LOG, &logs(Some(60), None, None)).unwrap().len(), 2);
        assert_eq!(words(&logs(None, Some(4), None), LOG, &logs(Some(7200), None, None)), None);
    }

    #[test]
    fn a_filtered_recording_answers_the_same_pattern_only() {
        let filtered = logs(None, None, Some("t"));
        let log = "2026-11-22T12:30:00Z two\n2026-11-22T12:59:00Z three\n";
        assert_eq!(words(&filtered, log, &logs(Some(60), None, Some("t"))).unwrap(), ["three"]);
        assert_eq!(words(&filtered, log, &logs(None, None, Some("h"))), None);
        assert_eq!(words(&filtered, log, &logs(None, None, None)), None);
        assert_eq!(words(&filtered, log, &logs(None, Some(1), Some("t"))), None);
    }

    #[test]
    fn another_container_or_run_is_another_log() {
        let mut other = logs(None, None, None);
        other.container = Some("istio-proxy".into());
        assert_eq!(words(&logs(None, None, None), LOG, &other), None);
        let mut before = logs(None, None, None);
        before.previous = true;
        assert_eq!(words(&logs(None, None, None), LOG, &before), None);
    }

    #[test]
    fn lines_without_a_time_belong_to_the_line_before() {
        let log = "2026-11-22T12:00:00Z old\n at trace old\n2026-11-22T12:59:30Z new\n at trace new\n";
        let found = words(&logs(None, None, None), log, &logs(Some(60), None, None)).unwrap();
        assert_eq!(found, ["new", "new"]);
    }

    #[test]
    fn an_empty_log_is_an_answer_and_a_bad_pattern_an_error() {
        assert_eq!(words(&logs(None, None, None), "", &logs(Some(60), Some(5), Some("x"))), Some(vec![]));
        assert!(narrow_log(&logs(None, None, None), b"a\n", at("2026-11-22T13:00:00Z"), &logs(None, None, Some("("))).is_err());
    }
}
