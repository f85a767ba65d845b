//! Formats of access logs: Envoy's format strings, taken apart so that lines can be read by them.

use crate::error::{Error, Kind, Result};

/// A column of an access log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the column of that name")]
pub enum Field {
    Time,
    Method,
    Path,
    Protocol,
    Authority,
    Code,
    Flags,
    Details,
    ConnectionTerminationDetails,
    UpstreamTransportFailureReason,
    BytesReceived,
    BytesSent,
    Duration,
    UpstreamServiceTime,
    XForwardedFor,
    UserAgent,
    RequestId,
    UpstreamHost,
    UpstreamCluster,
    UpstreamLocalAddress,
    DownstreamLocalAddress,
    DownstreamRemoteAddress,
    RequestedServerName,
    RouteName,
    /// Anything else.
    Other,
}

impl Field {
    /// How many have a column.
    pub const COUNT: usize = Self::Other as usize;
}

/// What the text of a value can be. It tells where a value ends whose text holds what should follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `2026-11-22T13:05:25.194Z`.
    Time,
    /// Digits, or a dash.
    Number,
    /// `HTTP/2`, or a dash.
    Protocol,
    /// No space in it.
    Word,
    /// No space in it but between braces or brackets: older Envoys leave the spaces of a reason as they are.
    Details,
    /// Anything.
    Loose,
}

/// A value and the text between it and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub field: Field,
    pub class: Class,
    /// The operator: `REQ(:METHOD)`.
    pub operator: Box<str>,
    /// After how many bytes Envoy cuts it.
    pub cut: Option<u32>,
    /// What stands behind it.
    pub then: Box<[u8]>,
}

/// A text format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    pub(super) lead: Box<[u8]>,
    pub(super) pieces: Vec<Piece>,
}

/// Envoy's own format, where nothing else is configured.
pub const ENVOY: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#;
/// Istio's format since 1.9.
pub const ISTIO: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#;
/// Istio's formats from 1.4 to 1.8, of 1.3 and earlier 1.x with Mixer's status, with and without the route, and of 1.0.
const OLD: [&str; 4] = [
    r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% "%DYNAMIC_METADATA(istio.mixer:status)%" "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#,
    r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% "%DYNAMIC_METADATA(istio.mixer:status)%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#,
    r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% "%DYNAMIC_METADATA(istio.mixer:status)%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%"#,
    r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%"#,
];

/// The formats that need no configuration to be known, today's first.
pub fn known() -> impl Iterator<Item = &'static str> {
    [ISTIO, ENVOY].into_iter().chain(OLD)
}

impl Format {
    /// Take a format string apart.
    ///
    /// # Errors
    /// When an operator is not closed, or there is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut rest = text.trim_end_matches(['\n', '\r']);
        let mut lead = String::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut literal = String::new();
        while let Some(at) = rest.find('%') {
            literal.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                literal.push('%');
                rest = after;
                continue;
            }
            let (piece, after) = operator(rest).ok_or_else(|| unclosed(text, rest))?;
            end(&mut pieces, &mut lead, &mut literal);
            pieces.push(piece);
            rest = after;
        }
        literal.push_str(rest);
        if pieces.is_empty() {
            let error = Error::new(Kind::BadInput, format!("{text:?} is no format of access logs: it has no operator"));
            return Err(error.hint("operators stand between percent signs: `%START_TIME% %RESPONSE_CODE%`"));
        }
        end(&mut pieces, &mut lead, &mut literal);
        Ok(Self { lead: lead.into_bytes().into(), pieces })
    }

    /// The column that the whole format is, if it is a single operator.
    pub(super) fn single(&self) -> Option<Field> {
        match self.pieces.as_slice() {
            [only] if self.lead.is_empty() && only.then.is_empty() => Some(only.field),
            _ => None,
        }
    }
}

/// What stood between two operators belongs to the one before.
fn end(pieces: &mut [Piece], lead: &mut String, literal: &mut String) {
    let text = std::mem::take(literal);
    match pieces.last_mut() {
        Some(piece) => piece.then = text.into_bytes().into(),
        None => *lead = text,
    }
}

fn unclosed(format: &str, rest: &str) -> Error {
    let start: String = rest.chars().take(30).collect();
    Error::new(Kind::BadInput, format!("{format:?} is no format of access logs: the operator at {start:?} does not end"))
        .hint("operators are written `%NAME%`, `%NAME(ARGUMENTS)%` or `%NAME(ARGUMENTS):LENGTH%`; a percent sign itself is `%%`")
}

/// An operator, from behind its percent sign.
fn operator(text: &str) -> Option<(Piece, &str)> {
    let name_end = text.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')?;
    let (name, rest) = text.split_at(name_end);
    if name.is_empty() {
        return None;
    }
    let (arguments, rest) = match rest.strip_prefix('(') {
        Some(inner) => {
            let close = closing(inner)?;
            (&inner[..close], &inner[close + 1..])
        }
        None => ("", rest),
    };
    let (cut, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find('%')?;
            (Some(rest[..end].parse().ok()?), &rest[end..])
        }
        None => (None, rest),
    };
    let rest = rest.strip_prefix('%')?;
    let (field, class) = meaning(name, arguments);
    let operator = if arguments.is_empty() { name.to_owned() } else { format!("{name}({arguments})") };
    // What is cut can end in the middle of a brace.
    let class = if cut.is_some() && class == Class::Details { Class::Word } else { class };
    Some((Piece { field, class, operator: operator.into(), cut, then: Box::default() }, rest))
}

/// Where the arguments end: at a bracket that an operator can go on after.
fn closing(text: &str) -> Option<usize> {
    text.match_indices(')').map(|(at, _)| at).find(|at| {
        let rest = &text[at + 1..];
        let length = rest.strip_prefix(':').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        length.starts_with('%')
    })
}

fn meaning(name: &str, arguments: &str) -> (Field, Class) {
    use Class::{Details, Loose, Number, Protocol, Time, Word};
    match name {
        "START_TIME" if arguments.is_empty() => (Field::Time, Time),
        "START_TIME" | "START_TIME_LOCAL" => (Field::Time, Loose),
        "REQ" | "REQUEST_HEADER" | "REQ_WITHOUT_QUERY" => request(arguments),
        "PATH" => (Field::Path, Loose),
        "RESP" | "RESPONSE_HEADER" if arguments.eq_ignore_ascii_case("x-envoy-upstream-service-time") => {
            (Field::UpstreamServiceTime, Number)
        }
        "PROTOCOL" => (Field::Protocol, Protocol),
        "RESPONSE_CODE" => (Field::Code, Number),
        "RESPONSE_FLAGS" | "RESPONSE_FLAGS_LONG" => (Field::Flags, Word),
        "RESPONSE_CODE_DETAILS" => (Field::Details, Details),
        "CONNECTION_TERMINATION_DETAILS" => (Field::ConnectionTerminationDetails, Details),
        "UPSTREAM_TRANSPORT_FAILURE_REASON" => (Field::UpstreamTransportFailureReason, Loose),
        "BYTES_RECEIVED" => (Field::BytesReceived, Number),
        "BYTES_SENT" => (Field::BytesSent, Number),
        "DURATION" => (Field::Duration, Number),
        "UPSTREAM_HOST" => (Field::UpstreamHost, Word),
        "UPSTREAM_CLUSTER" | "UPSTREAM_CLUSTER_RAW" => (Field::UpstreamCluster, Word),
        "UPSTREAM_LOCAL_ADDRESS" => (Field::UpstreamLocalAddress, Word),
        "DOWNSTREAM_LOCAL_ADDRESS" => (Field::DownstreamLocalAddress, Word),
        "DOWNSTREAM_REMOTE_ADDRESS" => (Field::DownstreamRemoteAddress, Word),
        "REQUESTED_SERVER_NAME" => (Field::RequestedServerName, Word),
        "ROUTE_NAME" => (Field::RouteName, Loose),
        "STREAM_ID" | "REQUEST_ID" => (Field::RequestId, Word),
        _ => (Field::Other, Loose),
    }
}

/// A header of the request, or the one that stands in for it: `X-ENVOY-ORIGINAL-PATH?:PATH`.
fn request(header: &str) -> (Field, Class) {
    let (first, other) = header.split_once('?').unwrap_or((header, ""));
    match (first.to_ascii_lowercase().as_str(), other.to_ascii_lowercase().as_str()) {
        (":method", _) => (Field::Method, Class::Word),
        (":path", _) | (_, ":path") => (Field::Path, Class::Loose),
        (":authority" | "host", _) | (_, ":authority") => (Field::Authority, Class::Word),
        ("x-forwarded-for", _) => (Field::XForwardedFor, Class::Loose),
        ("user-agent", _) => (Field::UserAgent, Class::Loose),
        ("x-request-id", _) => (Field::RequestId, Class::Word),
        _ => (Field::Other, Class::Loose),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_arguments_lengths_and_percents_are_told_apart() {
        let format = Format::parse("a%% %START_TIME(%Y (%s) %f)% %REQ(X?Y):12%|%BYTES_SENT%%DURATION% end\n").unwrap();
        assert_eq!(&*format.lead, b"a% ");
        let pieces: Vec<_> =
            format.pieces.iter().map(|piece| (&*piece.operator, piece.cut, std::str::from_utf8(&piece.then).unwrap())).collect();
        let expected = [
            ("START_TIME(%Y (%s) %f)", None, " "),
            ("REQ(X?Y)", Some(12), "|"),
            ("BYTES_SENT", None, ""),
            ("DURATION", None, " end"),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn the_known_formats_have_the_columns_of_their_time() {
        let counts: Vec<usize> = known().map(|text| Format::parse(text).unwrap().pieces.len()).collect();
        assert_eq!(counts, [24, 15, 23, 22, 21, 20]);
        let others = |text: &str| Format::parse(text).unwrap().pieces.iter().filter(|piece| piece.field == Field::Other).count();
        assert_eq!((others(ISTIO), others(ENVOY)), (0, 0));
    }

    #[test]
    fn what_is_no_format_is_refused() {
        for text in ["", "no operator", "%START_TIME", "%REQ(x%", "%lower%", "%REQ(X):y%", "100% sure"] {
            let error = Format::parse(text).unwrap_err();
            assert!(error.kind() == Kind::BadInput && error.next_step().is_some(), "{text}");
        }
    }
}
