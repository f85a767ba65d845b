//! Lines of access logs that are JSON objects, one a line.

use super::access_format::{Field, Format};
use super::access_text::Spans;
use crate::error::Result;
use memchr::memchr2;
use serde_json::{Map, Value};

/// Which key holds which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonFormat {
    keys: Vec<(Box<[u8]>, Target)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Column(Field),
    /// Several operators in one value.
    Text(Format),
}

/// Istio's keys, then what people call them who write their own.
const KEYS: [(&str, Field); 40] = [
    ("authority", Field::Authority),
    ("bytes_received", Field::BytesReceived),
    ("bytes_sent", Field::BytesSent),
    ("connection_termination_details", Field::ConnectionTerminationDetails),
    ("downstream_local_address", Field::DownstreamLocalAddress),
    ("downstream_remote_address", Field::DownstreamRemoteAddress),
    ("duration", Field::Duration),
    ("method", Field::Method),
    ("path", Field::Path),
    ("protocol", Field::Protocol),
    ("request_id", Field::RequestId),
    ("requested_server_name", Field::RequestedServerName),
    ("response_code", Field::Code),
    ("response_code_details", Field::Details),
    ("response_flags", Field::Flags),
    ("route_name", Field::RouteName),
    ("start_time", Field::Time),
    ("upstream_cluster", Field::UpstreamCluster),
    ("upstream_host", Field::UpstreamHost),
    ("upstream_local_address", Field::UpstreamLocalAddress),
    ("upstream_service_time", Field::UpstreamServiceTime),
    ("upstream_transport_failure_reason", Field::UpstreamTransportFailureReason),
    ("user_agent", Field::UserAgent),
    ("x_forwarded_for", Field::XForwardedFor),
    ("code", Field::Code),
    ("status", Field::Code),
    ("status_code", Field::Code),
    ("responseCode", Field::Code),
    ("flags", Field::Flags),
    ("responseFlags", Field::Flags),
    ("time", Field::Time),
    ("timestamp", Field::Time),
    ("@timestamp", Field::Time),
    ("startTime", Field::Time),
    ("host", Field::Authority),
    ("x-request-id", Field::RequestId),
    ("requestId", Field::RequestId),
    ("user-agent", Field::UserAgent),
    ("userAgent", Field::UserAgent),
    ("x-forwarded-for", Field::XForwardedFor),
];

/// So many columns make an object a line of an access log.
const ENOUGH: usize = 3;

impl Default for JsonFormat {
    fn default() -> Self {
        let key = |(name, field): (&str, Field)| (name.as_bytes().into(), Target::Column(field));
        Self { keys: KEYS.into_iter().map(key).collect() }
    }
}

impl JsonFormat {
    /// The keys of a configured `json_format`: names with format strings.
    ///
    /// # Errors
    /// When a value is no format string.
    pub fn of(labels: &Map<String, Value>) -> Result<Self> {
        let mut keys = Vec::new();
        for (name, format) in labels {
            let Some(text) = format.as_str().filter(|text| text.contains('%')) else { continue };
            let format = Format::parse(text)?;
            let target = format.single().map_or_else(|| Target::Text(format), Target::Column);
            keys.push((name.as_bytes().into(), target));
        }
        Ok(Self { keys })
    }

    fn known(&self, key: &[u8]) -> Option<usize> {
        self.keys.iter().position(|(name, _)| **name == *key)
    }

    /// The values of a line by their columns. `order` remembers where the keys of the line before were found: lines of a log are
    /// alike.
    pub(super) fn spans(&self, line: &[u8], spans: &mut Spans, order: &mut Vec<u16>) -> bool {
        let (mut found, mut telling, mut number) = (0, false, 0);
        let whole = members(line, |key, start, end| {
            let at = self.place(key, number, order);
            number += 1;
            let Some(at) = at else { return };
            found += 1;
            match &self.keys[at].1 {
                Target::Column(field) => {
                    telling |= matches!(field, Field::Code | Field::Flags | Field::Details);
                    spans.set(*field, start, end);
                }
                Target::Text(format) => {
                    let mut put = |piece: usize, from: usize, to: usize| {
                        telling |= matches!(format.pieces[piece].field, Field::Code | Field::Flags | Field::Details);
                        spans.set(format.pieces[piece].field, start + from, start + to);
                    };
                    format.read(&line[start..end], &mut put);
                }
            }
        });
        whole && telling && found >= ENOUGH.min(self.keys.len())
    }

    #[allow(clippy::cast_possible_truncation, reason = "a format has few keys")]
    fn place(&self, key: &[u8], number: usize, order: &mut Vec<u16>) -> Option<usize> {
        const NONE: u16 = u16::MAX;
        let expected = order.get(number).copied().unwrap_or(NONE);
        if self.keys.get(usize::from(expected)).is_some_and(|(name, _)| **name == *key) {
            return Some(usize::from(expected));
        }
        let at = self.known(key);
        if order.len() <= number {
            order.resize(number + 1, NONE);
        }
        order[number] = at.map_or(NONE, |at| at as u16);
        at
    }

    /// What of a line has no column.
    pub(super) fn others(&self, line: &[u8]) -> Map<String, Value> {
        let Ok(Value::Object(all)) = serde_json::from_slice(line) else { return Map::new() };
        let column = |name: &str| {
            let at = self.known(name.as_bytes());
            at.is_some_and(|at| matches!(self.keys[at].1, Target::Column(field) if field != Field::Other))
        };
        all.into_iter().filter(|(name, value)| !column(name) && !value.is_null()).collect()
    }
}

/// Go through the members of an object: the key, and where its value begins and ends (the inside of a string; nothing of `null`).
pub(super) fn members(line: &[u8], mut put: impl FnMut(&[u8], usize, usize)) -> bool {
    let mut at = blank(line, 0);
    if line.get(at) != Some(&b'{') || line.len() > Spans::LONGEST {
        return false;
    }
    at = blank(line, at + 1);
    loop {
        if line.get(at) != Some(&b'"') {
            return line.get(at) == Some(&b'}') && blank(line, at + 1) == line.len();
        }
        let Some(key_end) = string(line, at + 1) else { return false };
        let key = &line[at + 1..key_end];
        at = blank(line, key_end + 1);
        if line.get(at) != Some(&b':') {
            return false;
        }
        at = blank(line, at + 1);
        let Some(end) = value(line, at) else { return false };
        match line[at] {
            b'"' => put(key, at + 1, end - 1),
            b'n' => put(key, at, at),
            _ => put(key, at, end),
        }
        at = blank(line, end);
        match line.get(at) {
            Some(b',') => at = blank(line, at + 1),
            Some(b'}') => {}
            _ => return false,
        }
    }
}

fn blank(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b' ' | b'\t' | b'\r')) {
        at += 1;
    }
    at
}

/// Where the string ends whose inside begins here: at its quote.
#[inline]
pub(super) fn string(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = line.get(at..)?;
        let short = rest.iter().take(16).position(|byte| matches!(byte, b'"' | b'\\'));
        at += match short {
            Some(length) => length,
            None => 16 + memchr2(b'"', b'\\', rest.get(16..)?)?,
        };
        if line[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Where the value ends that begins here.
fn value(line: &[u8], start: usize) -> Option<usize> {
    match line.get(start)? {
        b'"' => Some(string(line, start + 1)? + 1),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0, start);
            loop {
                match line.get(at)? {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    b'"' => at = string(line, at + 1)?,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let length = line[start..].iter().position(|byte| matches!(byte, b',' | b'}' | b' '))?;
            (length > 0).then_some(start + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(format: &JsonFormat, line: &str, field: Field) -> Option<String> {
        let mut spans = Spans::default();
        assert!(format.spans(line.as_bytes(), &mut spans, &mut Vec::new()), "{line}");
        spans.get(field, line.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    #[test]
    fn istios_keys_are_read_in_any_order_and_nothing_is_nothing() {
        let format = JsonFormat::default();
        let line = r#" { "path" : "/a\"b" , "response_code":503,"upstream_host":null,"response_flags":"-", "x":{"a":["}"]},"start_time":"t"}"#;
        assert_eq!(get(&format, line, Field::Code).as_deref(), Some("503"));
        assert_eq!(get(&format, line, Field::Path).as_deref(), Some("/a\\\"b"));
        assert_eq!((get(&format, line, Field::UpstreamHost), get(&format, line, Field::Flags)), (None, None));
        assert_eq!(Value::Object(format.others(line.as_bytes())), serde_json::json!({"x": {"a": ["}"]}}));
    }

    #[test]
    fn own_keys_are_read_by_their_operators() {
        let labels = serde_json::json!({"c": "%RESPONSE_CODE%", "r": "%REQ(:METHOD)% %REQ(:PATH)%", "fixed": "mesh", "u": "%REQ(X-USER)%"});
        let format = JsonFormat::of(labels.as_object().unwrap()).unwrap();
        let line = r#"{"c":"200","r":"GET /x","u":"me","fixed":"mesh"}"#;
        assert_eq!(get(&format, line, Field::Code).as_deref(), Some("200"));
        assert_eq!(get(&format, line, Field::Method).as_deref(), Some("GET"));
        assert_eq!(get(&format, line, Field::Path).as_deref(), Some("/x"));
        assert_eq!(format.others(line.as_bytes())["u"], "me");
        assert!(JsonFormat::of(serde_json::json!({"c": "%BAD"}).as_object().unwrap()).is_err());
    }

    #[test]
    fn keys_may_come_and_go_between_lines() {
        let (format, mut order) = (JsonFormat::default(), Vec::new());
        let lines = [
            r#"{"method":"GET","path":"/1","response_code":1}"#,
            r#"{"path":"/2","odd":1,"response_code":2,"method":"PUT"}"#,
            r#"{"method":"GET","path":"/3","response_code":3}"#,
        ];
        for (number, line) in lines.iter().enumerate() {
            let mut spans = Spans::default();
            assert!(format.spans(line.as_bytes(), &mut spans, &mut order));
            assert_eq!(spans.get(Field::Path, line.as_bytes()).unwrap(), format!("/{}", number + 1).as_bytes());
        }
    }

    #[test]
    fn other_objects_and_broken_ones_are_none() {
        for line in [
            "",
            "{",
            "{}",
            "[1]",
            r#"{"level":"info","time":"t","msg":"status"}"#,
            r#"{"method":"GET","path":"/","response_code":2"#,
            r#"{"method":"GET","path":"/","response_code":2} x"#,
            r#"{"method":"GET","path":"/","response_code":}"#,
            r#"{"method":"GET","path":"/\"#,
        ] {
            assert!(!JsonFormat::default().spans(line.as_bytes(), &mut Spans::default(), &mut Vec::new()), "{line}");
        }
    }
}
