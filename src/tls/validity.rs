//! How long a certificate is good for, to the second.

use jiff::Timestamp;
use jiff::civil::DateTime;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Seconds from now until a time of a certificate (`2026-11-22T13:05:41Z`, any year up to 9999); negative when it has
/// passed, nothing when it is no such time.
pub fn seconds_until(time: &str, now: Timestamp) -> Option<i64> {
    if let Ok(time) = time.parse::<Timestamp>() {
        return Some(time.as_second() - now.as_second());
    }
    // The last day of 9999, which says "does not expire", is beyond time stamps.
    let time: DateTime = time.strip_suffix('Z').filter(|time| time.len() == "9999-12-31T23:59:59".len())?.parse().ok()?;
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    Some(time.duration_since(epoch).as_secs() - now.as_second())
}

/// The seconds that are left, for a reader: `3649d`, `23h 58m`, `4m 10s`; `-660d` when so much has passed since.
pub fn time_left(seconds: i64) -> String {
    let (sign, size) = (if seconds < 0 { "-" } else { "" }, seconds.saturating_abs());
    let pair = |big: i64, word: char, small: i64, small_word: char| match size % big / small {
        0 => format!("{sign}{}{word}", size / big),
        rest => format!("{sign}{}{word} {rest}{small_word}", size / big),
    };
    match size {
        s if s < MINUTE => format!("{sign}{s}s"),
        s if s < HOUR => pair(MINUTE, 'm', 1, 's'),
        s if s < DAY => pair(HOUR, 'h', MINUTE, 'm'),
        s if s < 10 * DAY => pair(DAY, 'd', HOUR, 'h'),
        s => format!("{sign}{}d", s / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_day_is_told_from_none() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (250, "4m 10s"),
            (DAY - 1, "23h 59m"),
            (-1, "-1s"),
            (9 * DAY + HOUR, "9d 1h"),
            (3649 * DAY, "3649d"),
            (-660 * DAY, "-660d"),
            (i64::MIN, "-106751991167300d"),
        ] {
            assert_eq!(time_left(seconds), text);
        }
    }

    #[test]
    fn times_beyond_the_clock_count_too() {
        let now = "2026-11-22T13:06:00.9Z".parse().unwrap();
        assert_eq!(seconds_until("2026-11-22T13:06:10Z", now), Some(10));
        assert_eq!(seconds_until("2025-02-01T00:00:00Z", now), Some(-56_984_760));
        assert!(seconds_until("9999-12-31T23:59:59Z", now).unwrap() > 7900 * 365 * DAY);
        assert_eq!(seconds_until("2026-11-22T14:06:10+01:00", now), Some(10));
        for text in ["", "Z", "soon", "2026-11-22T13:06:10", "2026-11-22T13:06:10+01:00Z"] {
            assert_eq!(seconds_until(text, now), None, "{text}");
        }
    }
}
