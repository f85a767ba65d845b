//! How old something is, in kubectl's short form.

use super::dig::Dig;
use jiff::Timestamp;
use serde_json::Value;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// The age of an object, by its creation time; empty when that is unknown.
pub(crate) fn age_of(object: &Value, now: Timestamp) -> String {
    time(object, "/metadata/creationTimestamp").map(|born| human(now.as_second() - born.as_second())).unwrap_or_default()
}

/// The time stamp at a JSON pointer.
pub(crate) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    object.text(pointer)?.parse().ok()
}

/// So many seconds for a reader: two units while they matter, one when they no longer do.
pub(crate) fn human(seconds: i64) -> String {
    let pair = |big: i64, sign: char, small: i64, small_sign: char| match seconds % big / small {
        0 => format!("{}{sign}", seconds / big),
        rest => format!("{}{sign}{rest}{small_sign}", seconds / big),
    };
    match seconds {
        ..0 => "0s".into(),
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 10 * MINUTE => pair(MINUTE, 'm', 1, 's'),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 8 * HOUR => pair(HOUR, 'h', MINUTE, 'm'),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 8 * DAY => pair(DAY, 'd', HOUR, 'h'),
        s if s < 2 * YEAR => format!("{}d", s / DAY),
        s if s < 8 * YEAR => pair(YEAR, 'y', DAY, 'd'),
        s => format!("{}y", s / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        for (seconds, text) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (185, "3m5s"),
            (3 * 3600 - 1, "179m"),
            (5 * 3600 + 60, "5h1m"),
            (47 * 3600, "47h"),
            (3 * 86400 + 7200, "3d2h"),
            (400 * 86400, "400d"),
            (800 * 86400, "2y70d"),
            (9 * 365 * 86400, "9y"),
        ] {
            assert_eq!(human(seconds), text);
        }
    }

    #[test]
    fn an_unreadable_birthday_has_no_age() {
        let now = "2026-11-22T13:06:00Z".parse().unwrap();
        assert_eq!(age_of(&json!({"metadata": {"creationTimestamp": "2026-11-22T13:05:00Z"}}), now), "60s");
        assert_eq!(age_of(&json!({"metadata": {"creationTimestamp": "soon"}}), now), "");
    }
}
