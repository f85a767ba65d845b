//! Lines that ztunnel writes of connections that ended: a message of its scope `access`, with pairs `key=value` or as JSON.

use super::access_format::Field;
use super::access_json::{members, string};
use super::access_text::Spans;
use memchr::memmem;
use serde_json::{Map, Value};

/// What the message says. That a connection was opened is written as well, at debug: of each there shall be one row.
const MESSAGE: &[u8] = b"connection complete";

/// Find the values of a line.
pub(super) fn spans(line: &[u8], spans: &mut Spans) -> bool {
    let (mut source, mut direction) = (false, false);
    let whole = pairs(line, |key, start, end| {
        source |= key == b"src.addr";
        direction |= key == b"direction";
        if let Some(field) = column(key) {
            let length = if field == Field::Duration { digits(&line[start..end]) } else { end - start };
            spans.set(field, start, start + length);
        }
    });
    whole && source && direction
}

/// What of a line has no column: identities, workloads, the direction.
pub(super) fn others(line: &[u8]) -> Map<String, Value> {
    let mut others = Map::new();
    pairs(line, |key, start, end| {
        let said = [b"level".as_slice(), b"scope", b"message"].contains(&key);
        if column(key).is_none() && !said {
            let (value, plain) = (&line[start..end], |text: &[u8]| String::from_utf8_lossy(text).into_owned());
            let quoted = [b"\"", value, b"\""].concat();
            let value = serde_json::from_slice(&quoted).unwrap_or_else(|_| plain(value));
            others.insert(plain(key), value.into());
        }
    });
    others
}

fn column(key: &[u8]) -> Option<Field> {
    Some(match key {
        b"time" => Field::Time,
        b"src.addr" => Field::DownstreamRemoteAddress,
        b"dst.addr" => Field::UpstreamHost,
        b"dst.service" => Field::Authority,
        b"bytes_recv" => Field::BytesReceived,
        b"bytes_sent" => Field::BytesSent,
        b"duration" => Field::Duration,
        b"error" => Field::ConnectionTerminationDetails,
        _ => return None,
    })
}

/// `3ms`: how much of it is the number.
fn digits(value: &[u8]) -> usize {
    value.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Go through the pairs of a line: the key, and where its value begins and ends, without its quotes.
fn pairs(line: &[u8], mut put: impl FnMut(&[u8], usize, usize)) -> bool {
    if line.len() > Spans::LONGEST {
        return false;
    }
    let Some(message) = memmem::find(line, MESSAGE) else { return false };
    if line.first() == Some(&b'{') {
        let mut scoped = false;
        return members(line, |key, start, end| {
            scoped |= key == b"scope" && line[start..end] == *b"access";
            put(key, start, end);
        }) && scoped;
    }
    let mut words = line[..message].split(|byte| matches!(byte, b'\t' | b' ')).rev().filter(|word| !word.is_empty());
    // The level stands before the scope, and the time before that, unless it was taken away with the stamp.
    let (scope, level, time) = (words.next(), words.next(), words.next());
    if scope != Some(b"access") || level.is_none() || words.next().is_some() {
        return false;
    }
    if let Some(time) = time {
        if !line.starts_with(time) {
            return false;
        }
        put(b"time", 0, time.len());
    }
    let mut at = message + MESSAGE.len();
    while let Some(start) = line[at..].iter().position(|byte| !matches!(byte, b'\t' | b' ')).map(|blank| at + blank) {
        let Some(equals) = line[start..].iter().position(|byte| *byte == b'=').map(|length| start + length) else { return false };
        let (from, to, next) = if line.get(equals + 1) == Some(&b'"') {
            let Some(end) = string(line, equals + 2) else { return false };
            (equals + 2, end, end + 1)
        } else {
            let rest = &line[equals + 1..];
            let end = equals + 1 + rest.iter().position(|byte| matches!(byte, b'\t' | b' ')).unwrap_or(rest.len());
            (equals + 1, end, end)
        };
        put(&line[start..equals], from, to);
        at = next;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::access_log::{Access, LogSource};
    use super::super::access_reader::AccessReader;
    use std::sync::Arc;

    const PAIRS: &str = r#"src.addr=10.42.0.9:33772 src.workload="curl-5f4c" src.namespace="default" src.identity="spiffe://cluster.local/ns/default/sa/curl" dst.addr=10.42.0.5:15008 dst.hbone_addr=10.42.0.5:9080 dst.service="productpage.default.svc.cluster.local" direction="inbound" bytes_sent=4508 bytes_recv=216 duration="3ms""#;

    fn read(line: &str) -> Vec<Access> {
        let mut reader = AccessReader::new(Arc::default(), LogSource::default(), Arc::default());
        reader.push(line.as_bytes());
        reader.finish().rows.iter().map(super::super::access_log::AccessLine::access).collect()
    }

    #[test]
    fn a_connection_is_a_row_with_or_without_a_stamp() {
        let own = format!("2026-11-22T13:08:41.2Z\tinfo\taccess\tconnection complete\t{PAIRS}");
        let shown = format!("2026-11-22T13:08:41.2Z info access connection complete {PAIRS}");
        for line in [own.clone(), format!("2026-11-22T13:08:41.3Z {own}"), shown] {
            let row = read(&line).remove(0);
            assert_eq!(row.time.as_deref(), Some("2026-11-22T13:08:41.2Z"), "{line}");
            assert_eq!((row.bytes_sent, row.bytes_received, row.duration, row.code), (Some(4508), Some(216), Some(3), None));
            assert_eq!(row.downstream_remote_address.as_deref(), Some("10.42.0.9:33772"));
            assert_eq!(row.upstream_host.as_deref(), Some("10.42.0.5:15008"));
            assert_eq!(row.authority.as_deref(), Some("productpage.default.svc.cluster.local"));
            assert_eq!(row.connection_termination_details, None);
            assert_eq!((&row.more["direction"], &row.more["src.workload"]), (&"inbound".into(), &"curl-5f4c".into()));
            assert_eq!((row.more.len(), row.more["dst.hbone_addr"].as_str()), (5, Some("10.42.0.5:9080")));
        }
    }

    #[test]
    fn json_and_errors_say_the_same() {
        let text = format!("2026-11-22T13:08:41.2Z\terror\taccess\tconnection complete\t{PAIRS} error=\"closed: \\\"x\\\" y=1\"");
        assert_eq!(read(&text)[0].connection_termination_details.as_deref(), Some("closed: \"x\" y=1"));
        let json = r#"{"level":"error","time":"2026-11-22T13:08:41.2Z","scope":"access","message":"connection complete","src.addr":"1.1.1.1:1","direction":"outbound","bytes_sent":0,"duration":"12ms","error":"closed: \"x\""}"#;
        let row = read(json).remove(0);
        assert_eq!((row.duration, row.bytes_sent, row.more.len()), (Some(12), Some(0), 1));
        assert_eq!(row.connection_termination_details.as_deref(), Some("closed: \"x\""));
        assert_eq!(row.time.as_deref(), Some("2026-11-22T13:08:41.2Z"));
    }

    #[test]
    fn other_messages_are_none() {
        for line in [
            format!("2026-11-22T13:08:41.2Z\tdebug\taccess\tconnection opened\t{PAIRS}"),
            format!("2026-11-22T13:08:41.2Z\tinfo\tproxy\tconnection complete\t{PAIRS}"),
            format!("many words before info access connection complete {PAIRS}"),
            "2026-11-22T13:08:41.2Z\tinfo\taccess\tconnection complete".into(),
            format!("2026-11-22T13:08:41.2Z\tinfo\taccess\tconnection complete\t{PAIRS} x=\"open"),
            format!("2026-11-22T13:08:41.2Z\tinfo\taccess\tconnection complete\t{PAIRS} words"),
            r#"{"scope":"other","message":"connection complete","src.addr":"1","direction":"outbound"}"#.into(),
        ] {
            assert!(read(&line).is_empty(), "{line}");
        }
    }
}
