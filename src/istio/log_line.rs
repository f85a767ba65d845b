//! istiod's log lines in every form it has written: tabs, spaces, JSON, Go's own logger, klog.

use serde_json::Value;

/// A line, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line<'a> {
    /// The time that the line itself gives; empty when it gives none that is RFC 3339.
    pub time: String,
    /// `debug`, `info`, `warn`, `error`, `fatal`; empty when the line has none.
    pub level: &'static str,
    /// The logging scope: `model`, `ads`; empty when it has none.
    pub scope: String,
    /// What it says.
    pub text: std::borrow::Cow<'a, str>,
}

/// Scopes that stand in lines without tabs, where a scope looks like the message's first word.
const SCOPES: [&str; 30] = [
    "ads",
    "adsc",
    "analysis",
    "authn",
    "authorization",
    "ca",
    "controllers",
    "default",
    "delta",
    "gateway",
    "grpc",
    "installer",
    "klog",
    "krt",
    "kube",
    "model",
    "monitoring",
    "pkica",
    "pkira",
    "processing",
    "proxyconfig",
    "retry",
    "rootcertrotator",
    "security",
    "serviceentry",
    "spiffe",
    "status",
    "trustBundle",
    "validation",
    "wle",
];

/// Take a line apart. What is in no known form is all text.
pub fn parse(line: &str) -> Line<'_> {
    json(line)
        .or_else(|| tabs(line))
        .or_else(|| spaces(line))
        .or_else(|| go_logger(line))
        .or_else(|| klog(line))
        .unwrap_or_else(|| Line { text: line.into(), ..Line::default() })
}

/// How bad a level is, for comparing; nothing for a word that is no level.
pub fn rank(level: &str) -> Option<u8> {
    Some(match self::level(level)? {
        "debug" => 1,
        "info" => 2,
        "warn" => 3,
        "error" => 4,
        _ => 5,
    })
}

fn level(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "debug" | "trace" => "debug",
        "info" => "info",
        "warn" | "warning" => "warn",
        "error" | "err" => "error",
        "fatal" | "panic" | "dpanic" | "critical" => "fatal",
        _ => return None,
    })
}

fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.parse::<jiff::Timestamp>().is_ok()
}

/// `TIME\tLEVEL\t[SCOPE\t]TEXT`, today's form.
fn tabs(line: &str) -> Option<Line<'_>> {
    let (time, rest) = line.split_once('\t')?;
    let (word, rest) = rest.split_once('\t')?;
    let level = level(word)?;
    if !is_time(time) {
        return None;
    }
    let scoped = rest.split_once('\t').filter(|(scope, _)| is_scope(scope));
    let (scope, text) = scoped.unwrap_or(("", rest));
    Some(Line { time: time.into(), level, scope: scope.into(), text: text.into() })
}

fn is_scope(word: &str) -> bool {
    !word.is_empty()
        && word.len() < 40
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// `TIME LEVEL [SCOPE] TEXT`: the same with its tabs lost, as in copies and old images.
fn spaces(line: &str) -> Option<Line<'_>> {
    let (time, rest) = line.split_once(' ')?;
    if !is_time(time) {
        return None;
    }
    let (word, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let level = level(word)?;
    let rest = rest.trim_start();
    let scoped = rest.split_once(char::is_whitespace).filter(|(scope, _)| SCOPES.contains(scope));
    let (scope, text) = scoped.unwrap_or(("", rest));
    Some(Line { time: time.into(), level, scope: scope.into(), text: text.trim_start().into() })
}

/// One JSON object a line, as `--log_as_json` writes it.
fn json(line: &str) -> Option<Line<'_>> {
    if !line.starts_with('{') {
        return None;
    }
    let object: Value = serde_json::from_str(line).ok()?;
    let text = |keys: &[&str]| keys.iter().find_map(|key| object.get(key).and_then(Value::as_str)).unwrap_or_default().to_owned();
    let level = level(&text(&["level", "severity"]))?;
    let mut message = text(&["msg", "message"]);
    if let Some(error) = object.get("error").and_then(Value::as_str).filter(|error| !message.contains(*error)) {
        message += &format!(": {error}");
    }
    Some(Line { time: text(&["time", "timestamp", "ts"]), level, scope: text(&["scope", "logger"]), text: message.into() })
}

/// `2026/11/22 13:05:25 ERROR text`: Go's standard logger.
fn go_logger(line: &str) -> Option<Line<'_>> {
    let (date, rest) = line.split_once(' ')?;
    let (clock, rest) = rest.split_once(' ')?;
    let dated = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'/' } else { byte.is_ascii_digit() });
    if !dated || !clock.contains(':') {
        return None;
    }
    let leveled = rest.split_once(' ').and_then(|(word, text)| Some((level(word)?, text)));
    let (level, text) = leveled.unwrap_or(("", rest));
    Some(Line { level, text: text.into(), ..Line::default() })
}

/// `E1122 13:05:25.000000 1 file.go:12] text`: Kubernetes' own logger.
fn klog(line: &str) -> Option<Line<'_>> {
    let level = match line.as_bytes().first()? {
        b'I' => "info",
        b'W' => "warn",
        b'E' => "error",
        b'F' => "fatal",
        _ => return None,
    };
    let (head, text) = line.split_once("] ")?;
    let dated = head.len() > 5 && head.is_char_boundary(5) && head[1..5].bytes().all(|byte| byte.is_ascii_digit());
    (dated && head.contains(".go:")).then(|| Line { level, text: text.into(), ..Line::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> (String, &'static str, String, String) {
        let line = parse(line);
        (line.time, line.level, line.scope, line.text.into_owned())
    }

    fn row(time: &str, level: &'static str, scope: &str, text: &str) -> (String, &'static str, String, String) {
        (time.into(), level, scope.into(), text.into())
    }

    #[test]
    fn every_form_is_taken_apart() {
        let time = "2026-11-22T13:05:59.610913Z";
        for (line, expected) in [
            (format!("{time}\terror\tmodel\tFailed to fetch: x509"), row(time, "error", "model", "Failed to fetch: x509")),
            (format!("{time}\tinfo\tFLAG: --domain=\"x\""), row(time, "info", "", "FLAG: --domain=\"x\"")),
            (format!("{time}\tinfo\tsync complete\tname=a"), row(time, "info", "", "sync complete\tname=a")),
            (format!("{time} error model Failed to fetch"), row(time, "error", "model", "Failed to fetch")),
            (format!("{time} warn  something happened"), row(time, "warn", "", "something happened")),
            (
                format!(r#"{{"level":"warning","time":"{time}","scope":"model","msg":"no","error":"x509"}}"#),
                row(time, "warn", "model", "no: x509"),
            ),
            ("2026/11/22 13:05:25 ERROR failed to set".into(), row("", "error", "", "failed to set")),
            ("2026/11/22 13:05:25 plain".into(), row("", "", "", "plain")),
            ("E1122 13:05:25.000000  1 reflector.go:12] boom".into(), row("", "error", "", "boom")),
            ("goroutine 1 [running]:".into(), row("", "", "", "goroutine 1 [running]:")),
            ("".into(), row("", "", "", "")),
            (r#"{"no":"log"}"#.into(), row("", "", "", r#"{"no":"log"}"#)),
        ] {
            assert_eq!(parts(&line), expected, "{line}");
        }
    }

    #[test]
    fn levels_compare() {
        assert!(rank("error") > rank("Warning") && rank("info") > rank("debug") && rank("fatal") > rank("error"));
        assert_eq!(rank("loud"), None);
    }
}
