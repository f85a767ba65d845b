//! Access logs as rows, of pods, files and text.

use super::pod_arg::{all_asked, asked, is_many};
use super::source::{self, names_file};
use super::subject::Where;
use crate::backend::{LogFilter, Logs, Redactor};
use crate::envoy::{
    AccessFormats, AccessLine, AccessReader, AccessWanted, Configured, Fits, LogSource, flag_meaning, flag_meanings, flag_names,
};
use crate::host::{Call, Fallible, Row, options};
use crate::json::Node;
use crate::mesh::access_log::{self, AccessAsked, note_skipped};
use crate::mesh::pod_ref::Runs;
use crate::mesh::since::Since;
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, ImmutableString, Map};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::sync::Arc;

crate::options! {
    /// Which lines of an access log to read.
    pub struct AccessLogOptions as "access_log options" {
        /// Only requests that ended with this code: `503`, `"5xx"`, or an array of such.
        pub code: Codes,
        /// Only requests with one of these response flags: `"UF"`, `["UF", "UC"]`; `"-"` for none.
        pub flags: Words,
        /// Only rows whose fields have these values: `#{ method: "POST" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
        /// Only lines that this regular expression finds.
        pub grep: Option<String>,
        /// Only lines of this last span: `"10m"`, or seconds. Of pods only.
        pub since: Option<Since>,
        /// Only the last so many lines of each pod, counted before everything else; of a saved log, so many that fit.
        pub tail: Option<i64>,
        /// The log of the proxy's previous run. Of pods only.
        pub previous: bool,
        /// The container; without it `istio-proxy`.
        pub container: Option<String>,
        /// The format of the lines, as Envoy's format strings are written; without it the proxy is asked, and those of Envoy and
        /// Istio are known.
        pub format: Option<String>,
    }
}

/// Codes, each as its least and its greatest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Codes(Vec<(u64, u64)>);

/// One word or several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(Vec<String>);

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    // First, for one may be anything.
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn all(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(all) => all,
        }
    }
}

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = OneOrMany::<serde_json::Value>::deserialize(deserializer)?.all();
        let code = |value: &serde_json::Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_ascii_lowercase());
            let class = text.strip_suffix("xx").and_then(|class| class.parse::<u64>().ok()).filter(|class| *class < 10);
            let span = class.map(|class| (class * 100, class * 100 + 99));
            let one = || text.parse::<u64>().ok().filter(|code| *code < 1000).map(|code| (code, code));
            span.or_else(one).ok_or_else(|| D::Error::custom(format!("{text} is no code: write 503, or \"5xx\"")))
        };
        written.iter().map(code).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = OneOrMany::<String>::deserialize(deserializer)?.all();
        Ok(Self(words.iter().flat_map(|word| word.split(',')).map(|word| word.trim().to_owned()).collect()))
    }
}

/// One pod, an array of pods merged by time, a tape, a file, or text.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The access log of a proxy: requests, and connections where it sees no requests. Returns `access` rows.
    ///
    /// Of an array of pods, merged by time. A saved log is read as well (`"proxy.log"`, `"-"`, or its text). Text and JSON logs are
    /// read by the proxy's own format; Envoy's and Istio's of all versions are known. Of a ztunnel, its connections: what it says of
    /// their ends is `connection_termination_details`, and who talks to whom is in `more`. Other lines are skipped and counted in a note.
    ///
    /// Symptoms: requests that fail, and nobody knows where; `upstream connect error or disconnect/reset before headers`;
    /// `503`; `504`; `502`; `404`; slow requests.
    ///
    /// ```rhai
    /// access_log("deploy/customer.olaf-customer")[0].code    // 200
    /// ```
    #[rhai_fn(return_raw)]
    pub fn access_log(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        access_log_with(context, proxy, Map::new())
    }

    /// Those lines of a proxy's access log that fit. Returns `access` rows; takes `access_log options`.
    ///
    /// ```rhai
    /// access_log("deploy/customer.olaf-customer", #{ code: "4xx", flags: "-" })[0].details    // "jwt_authn_access_denied{Jwt_verification_fails}"
    /// ```
    #[rhai_fn(name = "access_log", return_raw)]
    pub fn access_log_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: AccessLogOptions = options(&call, more)?;
        let fields = Where::of::<AccessLine>(&call, &more.r#where)?;
        note_unknown(&call, &more.flags);
        match saved(&proxy) {
            Some(saved) => of_saved(&call, &saved, &more, fields),
            None => of_pods(&call, &proxy, more, fields),
        }
    }

    /// What response flags mean, by their short or long names: `"UF"`, `"URX,UF"`. Empty for `"-"`.
    ///
    /// Symptoms: a flag of the access log that nobody knows by heart.
    ///
    /// ```rhai
    /// flag_meaning("NC")    // "NC: the route leads to a cluster that the proxy does not have"
    /// ```
    pub fn flag_meaning(flags: &str) -> String {
        flag_meanings(flags.split(','))
    }
}

/// Flags that nobody knows are no error: a newer Envoy may have more.
fn note_unknown(call: &Call, flags: &Words) {
    for flag in flags.0.iter().filter(|flag| !flag.is_empty() && *flag != "-" && flag_meaning(flag).is_none()) {
        let near = nearest(&flag.to_uppercase(), flag_names()).map(|near| format!("did you mean {near:?}?"));
        let step = near.unwrap_or_else(|| format!("known are {}", flag_names().collect::<Vec<_>>().join(", ")));
        call.mesh().note(format!("{flag:?} is no response flag of an Envoy known here: {step}"));
    }
}

/// A log that was kept.
enum Saved {
    Text(String),
    File(String),
}

/// What is no pod: a document, a file's name, or text that no pod can be called.
fn saved(proxy: &Dynamic) -> Option<Saved> {
    const ENDINGS: [&str; 3] = [".log", ".log.gz", ".log.zst"];
    if let Some(node) = proxy.read_lock::<Node>() {
        return Some(Saved::Text(node.as_str().map_or_else(|| node.text().to_owned(), |text| text.into_owned())));
    }
    let text = proxy.read_lock::<ImmutableString>()?;
    let is_text = text.contains(['\n', '"', ' ']);
    let is_file = names_file(&text) || ENDINGS.iter().any(|ending| text.ends_with(ending));
    match (is_text, is_file) {
        (_, true) if !text.contains('\n') => Some(Saved::File(text.trim().to_owned())),
        (true, _) => Some(Saved::Text(text.to_string())),
        _ => None,
    }
}

fn wanted(call: &Call, more: &AccessLogOptions, fields: Where, grep: bool) -> Fallible<Arc<AccessWanted>> {
    let fits = |fields: Where| -> Fits { Box::new(move |line| fields.fits(line)) };
    let grep = match more.grep.as_deref().filter(|_| grep) {
        Some(pattern) => {
            // Its errors say where the pattern is wrong.
            call.check(LogFilter::new(Some(pattern)).map(drop))?;
            regex::bytes::Regex::new(pattern).ok()
        }
        None => None,
    };
    let fits = if more.r#where.is_empty() { None } else { Some(fits(fields)) };
    Ok(Arc::new(AccessWanted { codes: more.code.0.clone(), flags: more.flags.0.clone(), grep, fits }))
}

fn configured(more: &AccessLogOptions) -> Option<Configured> {
    more.format.clone().map(Configured::Text)
}

fn of_pods(call: &Call, proxy: &Dynamic, more: AccessLogOptions, fields: Where) -> Fallible<Array> {
    let pods = if is_many(proxy) { all_asked(call, proxy, Runs::Any)? } else { vec![call.check(asked(call.mesh(), proxy))?] };
    let format = configured(&more);
    // A wrong format is told before anybody is asked.
    call.check(AccessFormats::new(format.as_slice()))?;
    let wanted = wanted(call, &more, fields, false)?;
    let logs = Logs {
        container: more.container,
        since_seconds: more.since.map(|since| since.0),
        tail: more.tail,
        previous: more.previous,
        grep: more.grep,
        ..Logs::default()
    };
    let lines = call.wait(access_log::access_log(call.mesh(), &pods, &AccessAsked { logs, format, wanted }))?;
    Ok(Row::many(lines))
}

fn of_saved(call: &Call, saved: &Saved, more: &AccessLogOptions, fields: Where) -> Fallible<Array> {
    let formats = Arc::new(call.check(AccessFormats::new(configured(more).as_slice()))?);
    let mut reader = AccessReader::new(formats, LogSource::default(), wanted(call, more, fields, true)?);
    let log = match saved {
        Saved::Text(text) => {
            reader.push(text.as_bytes());
            reader.finish()
        }
        Saved::File(file) => {
            let mut lines = Lines::new(!call.session().reading().keep_secrets);
            source::streamed(call, file, move |pieces| {
                let cut = pieces(&mut |piece| lines.push(piece, &mut reader))?;
                lines.finish(&mut reader);
                Ok((reader.finish(), cut))
            })?
        }
    };
    note_skipped(call.mesh(), log.skipped);
    let mut rows = log.rows;
    if let Some(tail) = more.tail.and_then(|tail| usize::try_from(tail).ok()) {
        rows.drain(..rows.len().saturating_sub(tail));
    }
    Ok(Row::many(rows))
}

/// Hands on whole lines, for a secret may stand where a piece ends; without secrets, as what proxies answer comes without.
struct Lines {
    redactor: Option<Redactor>,
    carry: Vec<u8>,
}

impl Lines {
    fn new(clean: bool) -> Self {
        Self { redactor: clean.then(Redactor::default), carry: Vec::new() }
    }

    fn push(&mut self, piece: &[u8], reader: &mut AccessReader) {
        let whole = memchr::memrchr(b'\n', piece).map_or(0, |end| end + 1);
        if whole > 0 {
            self.carry.extend_from_slice(&piece[..whole]);
            self.finish(reader);
        }
        self.carry.extend_from_slice(&piece[whole..]);
    }

    fn finish(&mut self, reader: &mut AccessReader) {
        let clean = self.redactor.as_ref().and_then(|redactor| redactor.bytes(&self.carry, false));
        reader.push(clean.as_deref().unwrap_or(&self.carry));
        self.carry.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AccessLogOptions, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn codes_and_flags_are_written_alone_or_in_arrays() {
        let codes = |text: &str| read(&format!("{{\"code\":{text}}}")).unwrap().code.0;
        assert_eq!(codes("503"), [(503, 503)]);
        assert_eq!(codes("\"5XX\""), [(500, 599)]);
        assert_eq!(codes("[404, \"5xx\", \"0\"]"), [(404, 404), (500, 599), (0, 0)]);
        assert_eq!(read(r#"{"flags":"URX,UF"}"#).unwrap().flags.0, ["URX", "UF"]);
        assert_eq!(read(r#"{"flags":["DC"]}"#).unwrap().flags.0, ["DC"]);
        for wrong in ["\"five\"", "5000", "\"xx\"", "true", "[[1]]"] {
            let error = read(&format!("{{\"code\":{wrong}}}")).unwrap_err().to_string();
            assert!(error.contains("is no code: write 503"), "{error}");
        }
    }

    #[test]
    fn a_log_is_told_from_a_pod() {
        let kind = |text: &str| saved(&Dynamic::from(text.to_owned())).map(|saved| matches!(saved, Saved::File(_)));
        for pod in ["web", "web-0.shop", "deploy/web", "shop/web-0"] {
            assert_eq!(kind(pod), None, "{pod}");
        }
        for file in ["proxy.log", "./proxy.out", "-", "a/b.log.gz", "proxy.txt"] {
            assert_eq!(kind(file), Some(true), "{file}");
        }
        for text in ["{\"method\":\"GET\"}", "[2026] x", "a\nb.log"] {
            assert_eq!(kind(text), Some(false), "{text}");
        }
    }
}
