//! Access logs as rows: who asked what of whom, and how it ended.

use super::access_config::AccessFormats;
use super::access_format::Field;
use super::access_text::Spans;
use super::response_flags::{meanings, short};
use crate::cell::Cell;
use crate::record;
use crate::record::{Record, Schema};
use serde_json::{Map, Value};
use std::sync::Arc;

record! {
    /// A request, or a connection where the proxy sees no requests, as a proxy's access log tells it. What the log's format
    /// leaves out, and what the log marks with a dash, is null.
    pub struct Access as "access" {
        /// When it began (RFC 3339); when it was logged, where the log does not say.
        pub time: Option<String>,
        /// The pod whose proxy wrote it.
        pub pod: Option<String>,
        /// The HTTP method; null for connections.
        pub method: Option<String>,
        /// The path with its query, as the caller sent it.
        pub path: Option<String>,
        /// The host that was asked for.
        pub authority: Option<String>,
        /// The HTTP status; 0 where none was sent: the caller left, or it was a connection.
        pub code: Option<u64>,
        /// Response flags by their short names; `flag_meaning` explains them.
        pub flags: Vec<String>,
        /// Why the response has its code: `via_upstream` when the far side answered, else what in this proxy did.
        pub details: Option<String>,
        /// The cluster that it was sent to.
        pub upstream_cluster: Option<String>,
        /// How long it took, in milliseconds.
        pub duration: Option<u64>,
        /// What the flags mean.
        [wide] pub flag_meaning: Option<String>,
        /// The endpoint that it was sent to.
        [wide] pub upstream_host: Option<String>,
        /// Why no connection to the upstream came about.
        [wide] pub upstream_transport_failure_reason: Option<String>,
        /// The route that was taken.
        [wide] pub route_name: Option<String>,
        /// How long the upstream took, in milliseconds, as its proxy says.
        [wide] pub upstream_service_time: Option<u64>,
        /// Bytes of the request's body.
        [wide] pub bytes_received: Option<u64>,
        /// Bytes of the response's body.
        [wide] pub bytes_sent: Option<u64>,
        /// The name that the caller's TLS asked for (SNI).
        [wide] pub requested_server_name: Option<String>,
        /// The caller.
        [wide] pub downstream_remote_address: Option<String>,
        /// What the caller connected to.
        [wide] pub downstream_local_address: Option<String>,
        /// From where this proxy connected to the upstream.
        [wide] pub upstream_local_address: Option<String>,
        /// The request's id, the same in the logs of all proxies that it went through.
        [wide] pub request_id: Option<String>,
        /// The caller's program.
        [wide] pub user_agent: Option<String>,
        /// The callers before the last, as `x-forwarded-for` tells them.
        [wide] pub x_forwarded_for: Option<String>,
        /// `HTTP/1.1`, `HTTP/2`, `HTTP/3`; null for connections.
        [wide] pub protocol: Option<String>,
        /// Why this proxy ended the connection.
        [wide] pub connection_termination_details: Option<String>,
        /// What the log tells beyond that, by operator or key.
        [wide] pub more: Map<String, Value>,
        /// The pod's namespace.
        [wide] pub namespace: Option<String>,
        /// The line as it was written.
        [wide] pub line: String,
    }
}

/// Whose log it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSource {
    /// The namespace, of a pod's log.
    pub namespace: Option<String>,
    /// The pod, of a pod's log.
    pub pod: Option<String>,
}

/// Some lines, and how to read them.
#[derive(Debug)]
pub(super) struct Block {
    pub text: Vec<u8>,
    pub formats: Arc<AccessFormats>,
    pub source: Arc<LogSource>,
}

/// A row of an access log: the line, taken apart when somebody looks. So a million of them need little more room than the log.
#[derive(Debug, Clone)]
pub struct AccessLine {
    pub(super) block: Arc<Block>,
    pub(super) start: u32,
    pub(super) length: u32,
    /// How long the time stamp in front is that Kubernetes adds.
    pub(super) stamp: u8,
    /// By which of the formats it is read.
    pub(super) format: u8,
}

impl AccessLine {
    /// All columns.
    pub fn access(&self) -> Access {
        self.read(None)
    }

    /// The line without Kubernetes' time stamp.
    pub fn line(&self) -> &[u8] {
        let (start, end) = (self.start as usize, (self.start + self.length) as usize);
        self.block.text.get(start + usize::from(self.stamp)..end).unwrap_or_default()
    }

    fn stamp(&self) -> Option<String> {
        let start = self.start as usize;
        let stamp = self.block.text.get(start..start + usize::from(self.stamp))?.trim_ascii();
        (!stamp.is_empty()).then(|| String::from_utf8_lossy(stamp).into_owned())
    }

    /// When it began, for sorting.
    pub fn time(&self) -> Option<jiff::Timestamp> {
        self.read(Some("time")).time?.parse().ok()
    }

    /// The columns, or only this one.
    fn read(&self, only: Option<&str>) -> Access {
        let (line, formats) = (self.line(), &self.block.formats);
        let mut spans = Spans::default();
        formats.spans(self.format, line, &mut spans);
        let wants = |name: &str| only.is_none_or(|only| only == name);
        let get = |field| spans.get(field, line).map(|text| formats.text(self.format, text));
        let text = |name, field| if wants(name) { get(field) } else { None };
        let number = |name, field| text(name, field).and_then(|text: String| text.parse().ok());
        let flags = if wants("flags") || wants("flag_meaning") { get(Field::Flags) } else { None };
        let flags: Vec<String> =
            flags.iter().flat_map(|flags| flags.split(',')).map(|flag| short(flag.trim()).to_owned()).collect();
        let meaning = if wants("flag_meaning") { meanings(flags.iter().map(String::as_str)) } else { String::new() };
        Access {
            time: if wants("time") {
                get(Field::Time).map_or_else(|| self.stamp(), |text| Some(self.moment(text)))
            } else {
                None
            },
            pod: if wants("pod") { self.block.source.pod.clone() } else { None },
            method: text("method", Field::Method),
            path: text("path", Field::Path),
            authority: text("authority", Field::Authority),
            code: number("code", Field::Code),
            flags,
            details: text("details", Field::Details),
            upstream_cluster: text("upstream_cluster", Field::UpstreamCluster),
            duration: number("duration", Field::Duration),
            flag_meaning: Some(meaning).filter(|meaning| !meaning.is_empty()),
            upstream_host: text("upstream_host", Field::UpstreamHost),
            upstream_transport_failure_reason: text("upstream_transport_failure_reason", Field::UpstreamTransportFailureReason),
            route_name: text("route_name", Field::RouteName),
            upstream_service_time: number("upstream_service_time", Field::UpstreamServiceTime),
            bytes_received: number("bytes_received", Field::BytesReceived),
            bytes_sent: number("bytes_sent", Field::BytesSent),
            requested_server_name: text("requested_server_name", Field::RequestedServerName),
            downstream_remote_address: text("downstream_remote_address", Field::DownstreamRemoteAddress),
            downstream_local_address: text("downstream_local_address", Field::DownstreamLocalAddress),
            upstream_local_address: text("upstream_local_address", Field::UpstreamLocalAddress),
            request_id: text("request_id", Field::RequestId),
            user_agent: text("user_agent", Field::UserAgent),
            x_forwarded_for: text("x_forwarded_for", Field::XForwardedFor),
            protocol: text("protocol", Field::Protocol),
            connection_termination_details: text("connection_termination_details", Field::ConnectionTerminationDetails),
            more: if wants("more") { formats.others(self.format, line) } else { Map::new() },
            namespace: if wants("namespace") { self.block.source.namespace.clone() } else { None },
            line: if wants("line") { String::from_utf8_lossy(line).into_owned() } else { String::new() },
        }
    }

    /// A time as RFC 3339. In a form that nobody can be sure of, when it was logged counts; without that, it stays as it is.
    fn moment(&self, text: String) -> String {
        if text.parse::<jiff::Timestamp>().is_ok() {
            return text;
        }
        let format = self.block.formats.time_format(self.format);
        let told = format.and_then(|format| jiff::fmt::strtime::parse(format, &text).ok()?.to_timestamp().ok());
        told.map(|time| time.to_string()).or_else(|| self.stamp()).unwrap_or(text)
    }
}

impl Record for AccessLine {
    fn schema() -> &'static Schema {
        Access::schema()
    }

    fn value(&self, column: usize) -> Value {
        match Self::schema().columns.get(column) {
            Some(only) => self.read(Some(only.name)).value(column),
            None => Value::Null,
        }
    }

    fn cell(&self, column: usize, cell: &mut Cell) {
        match Self::schema().columns.get(column) {
            Some(only) => self.read(Some(only.name)).cell(column, cell),
            None => cell.empty(),
        }
    }
}
