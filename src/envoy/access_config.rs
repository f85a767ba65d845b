//! Which formats a proxy's access log has, by its own configuration.

use super::access_format::{ENVOY, Format, known};
use super::access_json::JsonFormat;
use super::access_text::Spans;
use super::access_ztunnel as ztunnel;
use crate::error::Result;
use memchr::memmem;
use serde_json::{Map, Value};

/// A format of access logs as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configured {
    /// A format string.
    Text(String),
    /// Keys with format strings.
    Json(Map<String, Value>),
}

/// The formats that lines are read by: the configured ones first, then those that need no configuration to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessFormats {
    text: Vec<Format>,
    json: Vec<JsonFormat>,
}

impl Default for AccessFormats {
    fn default() -> Self {
        Self::new(&[]).unwrap_or(Self { text: Vec::new(), json: vec![JsonFormat::default()] })
    }
}

/// What the line before was read by: lines of a log are alike.
#[derive(Debug, Default)]
pub(super) struct Habit {
    format: u8,
    order: Vec<u16>,
}

impl AccessFormats {
    /// No proxy has more.
    const MOST: usize = 64;

    /// These, and the known ones.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn new(configured: &[Configured]) -> Result<Self> {
        let (mut text, mut json) = (Vec::new(), Vec::new());
        for one in configured.iter().take(Self::MOST) {
            match one {
                Configured::Text(format) => text.push(Format::parse(format)?),
                Configured::Json(keys) => json.push(JsonFormat::of(keys)?),
            }
        }
        for format in known() {
            text.push(Format::parse(format)?);
        }
        json.push(JsonFormat::default());
        Ok(Self { text, json })
    }

    /// Find the values of a line, and by which format.
    #[allow(clippy::cast_possible_truncation, reason = "there are at most MOST formats of a sort, and the known ones")]
    pub(super) fn find(&self, line: &[u8], spans: &mut Spans, habit: &mut Habit) -> Option<u8> {
        let texts = self.text.len();
        if line.first() == Some(&b'{') {
            let at = self.json.iter().position(|format| {
                *spans = Spans::default();
                format.spans(line, spans, &mut habit.order)
            });
            if let Some(at) = at {
                return Some((texts + at) as u8);
            }
        }
        if self.fits(habit.format, line, spans) {
            return Some(habit.format);
        }
        let found = (0..texts as u8).find(|number| *number != habit.format && self.fits(*number, line, spans));
        habit.format = found.unwrap_or(habit.format);
        if found.is_some() {
            return found;
        }
        // Behind all others, and before what fits somehow.
        let last = (texts + self.json.len()) as u8;
        if self.spans(last, line, spans) {
            return Some(last);
        }
        (0..texts as u8).find(|number| self.spans(*number, line, spans))
    }

    fn fits(&self, format: u8, line: &[u8], spans: &mut Spans) -> bool {
        *spans = Spans::default();
        let format = self.text.get(usize::from(format));
        format.is_some_and(|format| format.fits(line, &mut |piece, start, end| spans.set(format.pieces[piece].field, start, end)))
    }

    /// Find the values of a line by this format.
    pub(super) fn spans(&self, format: u8, line: &[u8], spans: &mut Spans) -> bool {
        *spans = Spans::default();
        match self.of(format) {
            Ok(text) => text.spans(line, spans),
            Err(Some(json)) => json.spans(line, spans, &mut Vec::new()),
            Err(None) => ztunnel::spans(line, spans),
        }
    }

    fn of(&self, format: u8) -> std::result::Result<&Format, Option<&JsonFormat>> {
        let format = usize::from(format);
        self.text.get(format).ok_or_else(|| self.json.get(format - self.text.len()))
    }

    /// What a value says.
    pub(super) fn text(&self, format: u8, value: &[u8]) -> String {
        let escaped = usize::from(format) >= self.text.len() && value.contains(&b'\\');
        let plain = || String::from_utf8_lossy(value).into_owned();
        if escaped { serde_json::from_slice(&[b"\"", value, b"\""].concat()).unwrap_or_else(|_| plain()) } else { plain() }
    }

    /// What of a line has no column.
    pub(super) fn others(&self, format: u8, line: &[u8]) -> Map<String, Value> {
        match self.of(format) {
            Ok(text) => text.others(line),
            Err(Some(json)) => json.others(line),
            Err(None) => ztunnel::others(line),
        }
    }

    /// How the time is written, where that is said.
    pub(super) fn time_format(&self, format: u8) -> Option<&str> {
        self.of(format).ok()?.time_format()
    }
}

/// The formats of all access logs to standard output in a configuration, each once. One whose format cannot be read is left out.
pub fn access_formats(text: &[u8]) -> Vec<Configured> {
    let mut seen: Vec<&[u8]> = Vec::new();
    let mut found = Vec::new();
    for key in [b"\"access_log\"".as_slice(), b"\"accessLog\""] {
        for at in memmem::find_iter(text, key) {
            let rest = text[at + key.len()..].trim_ascii_start();
            let Some(rest) = rest.strip_prefix(b":") else { continue };
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
            let Some(Ok(Value::Array(logs))) = values.next() else { continue };
            let own = &rest[..values.byte_offset()];
            if seen.contains(&own) {
                continue;
            }
            seen.push(own);
            for format in logs.iter().filter_map(configured) {
                if !found.contains(&format) && AccessFormats::new(std::slice::from_ref(&format)).is_ok() {
                    found.push(format);
                }
            }
        }
    }
    found
}

fn configured(log: &Value) -> Option<Configured> {
    let config = log.get("typed_config").or_else(|| log.get("typedConfig")).or_else(|| log.get("config"))?;
    let kind = config.get("@type").and_then(Value::as_str).unwrap_or_default();
    let path = config.get("path").and_then(Value::as_str);
    let written = match path {
        Some(path) => matches!(path, "/dev/stdout" | "/dev/stderr" | "/proc/1/fd/1" | "/proc/1/fd/2"),
        None => kind.ends_with("StdoutAccessLog") || kind.ends_with("StderrAccessLog"),
    };
    written.then(|| format(config))
}

/// Today's forms, then those of older Envoys.
fn format(config: &Value) -> Configured {
    let inner = config.get("log_format").or_else(|| config.get("logFormat")).unwrap_or(config);
    let get = |names: [&str; 2]| names.iter().find_map(|name| inner.get(*name));
    let source = get(["text_format_source", "textFormatSource"]);
    let source = source.and_then(|source| source.get("inline_string").or_else(|| source.get("inlineString")));
    let json = ["json_format", "jsonFormat", "typed_json_format", "typedJsonFormat"].iter().find_map(|name| inner.get(*name));
    let text = source.or_else(|| get(["text_format", "textFormat"])).or_else(|| inner.get("format"));
    match (json, text) {
        (Some(Value::Object(keys)), _) => Configured::Json(keys.clone()),
        (_, Some(Value::String(text))) if !text.is_empty() => Configured::Text(text.clone()),
        _ => Configured::Text(ENVOY.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(configs: &[Value]) -> Vec<Configured> {
        let logs: Vec<Value> = configs.iter().map(|config| json!({"name": "x", "typed_config": config})).collect();
        access_formats(json!({"a": {"access_log": logs}, "b": {"accessLog": logs}}).to_string().as_bytes())
    }

    #[test]
    fn every_form_of_a_configured_format_is_found_once() {
        let out = |more: Value| {
            let mut config = json!({"path": "/dev/stdout"});
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            config
        };
        let text = |format: &str| Configured::Text(format.to_owned());
        let found = read(&[
            out(json!({"log_format": {"text_format_source": {"inline_string": "%PROTOCOL% 1\n"}}})),
            out(json!({"log_format": {"text_format": "%PROTOCOL% 2"}})),
            out(json!({"format": "%PROTOCOL% 3"})),
            out(json!({"log_format": {"json_format": {"code": "%RESPONSE_CODE%"}}})),
            out(json!({})),
            json!({"@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", "logFormat": {"textFormat": "%PROTOCOL% 4"}}),
            out(json!({"format": "%BROKEN"})),
            json!({"path": "/var/log/x", "format": "%PROTOCOL% 5"}),
            json!({"@type": "x.TcpGrpcAccessLogConfig"}),
        ]);
        let keys = json!({"code": "%RESPONSE_CODE%"}).as_object().unwrap().clone();
        let expected = [
            text("%PROTOCOL% 1\n"),
            text("%PROTOCOL% 2"),
            text("%PROTOCOL% 3"),
            Configured::Json(keys),
            text(ENVOY),
            text("%PROTOCOL% 4"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        assert_eq!(access_formats(br#"{"access_log": [{"typed_config": {"path": "/dev"#), []);
        assert_eq!(access_formats(br#"{"access_log_path": "/dev/stdout", "access_log": 1}"#), []);
    }

    #[test]
    fn configured_formats_come_before_known_ones() {
        let swapped =
            super::super::access_format::ISTIO.replace("%BYTES_RECEIVED% %BYTES_SENT%", "%BYTES_SENT% %BYTES_RECEIVED%");
        let formats = AccessFormats::new(&[Configured::Text(swapped)]).unwrap();
        let line = br#"[2026-11-22T13:08:40.059Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 7 9 2 3 "-" "x" "id" "host" "1.1.1.1:80" outbound|80||h 1.1.1.2:1 1.1.1.3:80 1.1.1.4:2 - default"#;
        let mut spans = Spans::default();
        assert_eq!(formats.find(line, &mut spans, &mut Habit::default()), Some(0));
        assert_eq!(spans.get(super::super::access_format::Field::BytesSent, line), Some(b"7".as_slice()));
    }
}
