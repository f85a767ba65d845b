//! Answer from a tape.

use super::narrow::{list_page, narrow_list};
use super::redact::Redactor;
use super::tape::{self, Closing, Header, Line, Manifest};
use super::{Answer, Ask, Backend, Query, log_range};
use crate::error::{Error, Kind, Result};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most bytes that a tape may unpack to: a small file from a stranger must not fill the memory.
const MOST: u64 = 4 << 30;

/// A recorded case, as a backend.
///
/// The same question asked again gets the next answer, and then the last one again and again. A question that was not
/// recorded is answered from a wider one: part of a log from more of it, an object or a namespace from a complete list.
pub struct Tape {
    name: String,
    header: Header,
    questions: HashMap<Query, Question>,
    manifest: Option<Manifest>,
    notes: Vec<String>,
    now: Mutex<Timestamp>,
}

#[derive(Default)]
struct Question {
    answers: Vec<Recorded>,
    given: AtomicUsize,
}

/// An answer whose body is not looked at before somebody asks for it.
struct Recorded {
    answer: Answer,
    body: Option<Bytes>,
    error: Option<Bytes>,
}

impl Tape {
    /// Read a tape from a file.
    ///
    /// # Errors
    /// [`Kind::File`] when it cannot be read, [`Kind::BadTape`] when it is no tape or a newer one. A tape that was cut
    /// short is no error: [`Backend::notes`] tells.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let data = std::fs::read(path).map_err(|error| {
            Error::new(Kind::File, format!("the tape {} cannot be read", path.display()))
                .caused_by(&error)
                .hint("is the name right? a tape is made with --record FILE")
        })?;
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        Self::from_bytes(name, &data)
    }

    /// Read a tape that is in memory; packed, or as plain JSON lines.
    ///
    /// # Errors
    /// [`Kind::BadTape`] when it is no tape or a newer one.
    pub fn from_bytes(name: impl Into<String>, data: &[u8]) -> Result<Self> {
        let name = name.into();
        let (text, cut) = unpack(&name, data)?;
        let (first, rest) = split_line(&text);
        let header = header(&name, first)?;
        let now = Mutex::new(header.recorded_at);
        let mut tape = Self { name, header, questions: HashMap::new(), manifest: None, notes: Vec::new(), now };
        let rest = text.slice_ref(rest);
        tape.read_lines(&rest, cut);
        Ok(tape)
    }

    /// When recording began.
    pub fn recorded_at(&self) -> Timestamp {
        self.header.recorded_at
    }

    /// What closed the tape, if it was closed.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The questions it holds answers to, in no order.
    pub fn questions(&self) -> impl Iterator<Item = &Query> {
        self.questions.keys()
    }

    fn read_lines(&mut self, text: &Bytes, cut: Option<String>) {
        let mut lost = Lost { cut, ..Lost::default() };
        let mut rest: &[u8] = text;
        let mut answers = 0;
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            match self.read_line(text, line) {
                Held::Answer => answers += 1,
                Held::Unknown => lost.unknown += 1,
                Held::Damaged if after.is_empty() && !rest.ends_with(b"\n") => {
                    lost.cut = Some("in the middle of an answer".into())
                }
                Held::Damaged => lost.damaged += 1,
                Held::Other => {}
            }
            rest = after;
        }
        self.notes = lost.notes(&self.name, answers, self.manifest.as_ref());
    }

    fn read_line(&mut self, text: &Bytes, line: &[u8]) -> Held {
        let Ok(read) = serde_json::from_slice::<Line<'_>>(line) else {
            if let Ok(closing) = serde_json::from_slice::<Closing>(line) {
                self.manifest = Some(closing.manifest);
                return Held::Other;
            }
            let json = line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok();
            return if json || line.trim_ascii().is_empty() { Held::Other } else { Held::Damaged };
        };
        let Ok(query) = serde_json::from_str::<Query>(read.q.get()) else { return Held::Unknown };
        let part = |json: &serde_json::value::RawValue| text.slice_ref(json.get().as_bytes());
        let answer = Answer {
            status: read.status,
            content_type: read.content_type,
            location: read.location,
            body: Bytes::new(),
            at: read.at,
            ms: read.ms,
        };
        let recorded = Recorded { answer, body: read.body.map(part), error: read.error.map(part) };
        self.questions.entry(query).or_default().answers.push(recorded);
        Held::Answer
    }

    fn answer(&self, query: &Query) -> Result<Answer> {
        // Questions are recorded without the secrets in them.
        let redacted = Redactor::default().query(query).into_owned();
        let (at, answer) = match self.questions.get(query).or_else(|| self.questions.get(&redacted)) {
            Some(question) => question.next(),
            None => match self.narrower(&redacted)? {
                Some(answer) => (answer.at, Ok(answer)),
                None => return Err(self.miss(&redacted)),
            },
        };
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
        answer
    }

    /// The answer from a wider one.
    fn narrower(&self, query: &Query) -> Result<Option<Answer>> {
        match &query.ask {
            Ask::Kube(kube) if kube.method == "GET" => {
                Ok(narrow_list(&kube.path, &|path, token| self.list_page(&query.cluster, path, token)))
            }
            Ask::Logs(wanted) => self.narrower_log(&query.cluster, wanted),
            _ => Ok(None),
        }
    }

    fn list_page(&self, cluster: &str, path: &str, token: Option<&str>) -> Option<Result<Answer>> {
        let is_it = |query: &Query| match &query.ask {
            Ask::Kube(kube) if kube.method == "GET" && query.cluster == cluster && kube.path.starts_with(path) => {
                list_page(&kube.path).is_some_and(|(bare, held)| bare == path && held.as_deref() == token)
            }
            _ => false,
        };
        let mut found: Vec<_> = self.questions.iter().filter(|(query, _)| is_it(query)).collect();
        found.sort_by_key(|(query, _)| query.to_string());
        found.first().map(|(_, question)| question.current())
    }

    fn narrower_log(&self, cluster: &str, wanted: &super::Logs) -> Result<Option<Answer>> {
        let same = self.questions.iter().filter_map(|(query, question)| match &query.ask {
            Ask::Logs(logs) if query.cluster == cluster && log_range::same_log(logs, wanted) => Some((logs, question)),
            _ => None,
        });
        let mut same: Vec<_> = same.collect();
        same.sort_by_key(|(logs, _)| logs.to_string());
        for (logs, question) in same {
            let Ok(answer) = question.current() else { continue };
            if !answer.is_success() {
                // A refusal does not depend on the range.
                return Ok(Some(answer));
            }
            if let Some(body) = log_range::narrow_log(logs, &answer.body, answer.at, wanted)? {
                return Ok(Some(Answer { body: body.into(), ..answer }));
            }
        }
        Ok(None)
    }

    fn miss(&self, query: &Query) -> Error {
        let miss = Error::new(Kind::TapeMiss, format!("the tape {} does not hold the answer to: {query}", self.name));
        let again = "record it: the same command against the cluster, with --record FILE";
        match self.nearest(query) {
            near if near.is_empty() => miss.hint(format!("it holds no question of this kind; {again}")),
            near => miss.hint(format!("the nearest it holds: {}; {again}", near.join("; "))),
        }
    }

    /// The questions of the same kind that are most like this one.
    fn nearest(&self, query: &Query) -> Vec<String> {
        let kind = std::mem::discriminant(&query.ask);
        let asked = query.to_string();
        let near = self.questions.keys().filter(|held| std::mem::discriminant(&held.ask) == kind);
        let mut near: Vec<(f64, String)> = near
            .map(|held| {
                let elsewhere =
                    if held.cluster == query.cluster { String::new() } else { format!(" (cluster {})", held.cluster) };
                let held = held.to_string();
                (strsim::normalized_damerau_levenshtein(&asked, &held), format!("{held}{elsewhere}"))
            })
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        near.into_iter().take(3).map(|(_, held)| held).collect()
    }
}

enum Held {
    Answer,
    Unknown,
    Damaged,
    Other,
}

/// What could not be read.
#[derive(Default)]
struct Lost {
    cut: Option<String>,
    unknown: usize,
    damaged: usize,
}

impl Lost {
    fn notes(self, name: &str, answers: u64, manifest: Option<&Manifest>) -> Vec<String> {
        let mut notes = Vec::new();
        match (self.cut, manifest) {
            (Some(cut), _) => notes.push(format!("the tape {name} is cut off {cut}: {answers} answers could be read")),
            (None, None) => notes.push(format!("the tape {name} was not closed: it may lack answers after its {answers}")),
            (None, Some(manifest)) if manifest.answers != answers && self.unknown + self.damaged == 0 => {
                notes.push(format!("the tape {name} holds {answers} of the {} answers that were recorded", manifest.answers));
            }
            _ => {}
        }
        if self.damaged > 0 {
            notes.push(format!("the tape {name} is damaged: {} lines could not be read", self.damaged));
        }
        if self.unknown > 0 {
            notes.push(format!("the tape {name} holds {} answers to questions that this version does not know", self.unknown));
        }
        notes
    }
}

impl Question {
    fn next(&self) -> (Timestamp, Result<Answer>) {
        let turn = self.given.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        (self.answers[turn].answer.at, self.answers[turn].open())
    }

    /// The answer that was given last; the first, when none was.
    fn current(&self) -> Result<Answer> {
        let given = self.given.load(Ordering::Relaxed);
        self.answers[given.saturating_sub(1).min(self.answers.len() - 1)].open()
    }
}

impl Recorded {
    fn open(&self) -> Result<Answer> {
        if let Some(error) = &self.error {
            let unknown = |_| Error::new(Kind::Internal, format!("no answer came: {}", String::from_utf8_lossy(error)));
            return Err(serde_json::from_slice(error).unwrap_or_else(unknown));
        }
        let body = self.body.as_ref().map(tape::body).transpose()?.unwrap_or_default();
        Ok(Answer { body, ..self.answer.clone() })
    }
}

impl Backend for Tape {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        ready(self.answer(query)).boxed()
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cluster(&self) -> String {
        self.header.clusters.first().cloned().unwrap_or_else(|| "recorded".into())
    }

    fn namespace(&self) -> String {
        self.header.namespace.clone().unwrap_or_else(|| "default".into())
    }

    fn describe(&self) -> String {
        format!("tape {} of {}", self.name, self.header.recorded_at.strftime("%Y-%m-%d"))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// The first line without its end, and what follows it.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    memchr::memchr(b'\n', text).map_or((text, &[]), |end| (&text[..end], &text[end + 1..]))
}

/// The lines of a tape, and where it was cut off, if it was.
fn unpack(name: &str, data: &[u8]) -> Result<(Bytes, Option<String>)> {
    const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    if data.is_empty() {
        return Err(bad(name, "is empty").hint("nothing was recorded, or the copy failed"));
    }
    if !data.starts_with(&MAGIC) {
        // A tape unpacked with zstd -d, to be looked at or edited, is still a tape.
        return Ok((Bytes::copy_from_slice(data), None));
    }
    let mut text = Vec::new();
    let packed = zstd::Decoder::with_buffer(data).map_err(|error| bad(name, "cannot be unpacked").caused_by(&error))?;
    let read = packed.take(MOST).read_to_end(&mut text);
    if text.len() as u64 == MOST {
        return Err(bad(name, "is too large: more than 4 GiB").hint("record less at once, or one namespace at a time"));
    }
    match read {
        Ok(_) => Ok((text.into(), None)),
        Err(error) if text.is_empty() => Err(bad(name, "cannot be unpacked").caused_by(&error).hint("copy it again")),
        Err(error) => Ok((text.into(), Some(format!("({error})")))),
    }
}

fn header(name: &str, line: &[u8]) -> Result<Header> {
    #[derive(serde::Deserialize)]
    struct Version {
        pilotage_tape: u64,
        #[serde(default)]
        tool: String,
    }
    let no_tape = |why: &str| {
        bad(name, "is no tape of pilotage").cause(why).hint("a tape is made with --record FILE or pilotage capture FILE")
    };
    let version: Version = serde_json::from_slice(line).map_err(|error| no_tape(&error.to_string()))?;
    if version.pilotage_tape == 0 {
        return Err(no_tape("its version is 0"));
    }
    if version.pilotage_tape > tape::VERSION {
        let tool = if version.tool.is_empty() { "a newer pilotage" } else { &version.tool };
        let found = format!("has format {}; this pilotage reads up to {}", version.pilotage_tape, tape::VERSION);
        return Err(bad(name, &found).hint(format!("get {tool}, which wrote it, or a later one")));
    }
    serde_json::from_slice(line).map_err(|error| no_tape(&error.to_string()))
}

fn bad(name: &str, what: &str) -> Error {
    Error::new(Kind::BadTape, format!("{name} {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, at, block_on};
    use super::super::{HttpGet, Logs};
    use super::*;
    use crate::backend::tape::line;

    const HEADER: &str = r#"{"pilotage_tape":1,"recorded_at":"2026-11-22T12:00:00Z","tool":"pilotage 9.9","clusters":["lab"],"namespace":"shop","later":1}"#;

    fn kube(path: &str) -> Query {
        Query::new("lab", Ask::kube(path))
    }

    fn plain(lines: &[String]) -> Vec<u8> {
        let body: String = lines.iter().map(String::as_str).collect();
        format!("{HEADER}\n{body}{{\"manifest\":{{\"answers\":{}}}}}\n", lines.len()).into_bytes()
    }

    fn told(query: &Query, answer: Result<Answer>) -> String {
        String::from_utf8(line(query, &answer, at("2026-11-22T13:30:00Z"))).unwrap()
    }

    fn body(path: &str, body: &str) -> String {
        told(&kube(path), Ok(answer(body)))
    }

    fn tape(lines: &[String]) -> Tape {
        Tape::from_bytes("case.tape", &plain(lines)).expect("a tape")
    }

    fn ask(tape: &Tape, query: &Query) -> Result<String> {
        block_on(tape.ask(query)).map(|answer| answer.text().into_owned())
    }

    #[test]
    fn the_next_answer_each_time_and_then_the_last_again() {
        let tape = tape(&[body("/a", "[1]"), body("/b", "[9]"), body("/a", "[2]")]);
        let given: Vec<_> = (0..4).map(|_| ask(&tape, &kube("/a")).unwrap()).collect();
        assert_eq!(given, ["[1]", "[2]", "[2]", "[2]"]);
    }

    #[test]
    fn the_clock_is_the_tape_s() {
        let mut later = answer("{}");
        later.at = at("2026-11-22T15:00:00Z");
        let tape = tape(&[told(&kube("/late"), Ok(later)), body("/early", "{}")]);
        assert_eq!(tape.now(), at("2026-11-22T12:00:00Z"));
        ask(&tape, &kube("/late")).unwrap();
        ask(&tape, &kube("/early")).unwrap();
        assert_eq!(tape.now(), at("2026-11-22T15:00:00Z"), "it never goes back");
        assert_eq!(
            (tape.cluster(), tape.namespace(), tape.describe()),
            ("lab".into(), "shop".into(), "tape case.tape of 2026-11-22".into())
        );
        assert_eq!(tape.notes(), Vec::<String>::new());
    }

    #[test]
    fn a_failure_is_replayed_in_its_own_words() {
        let failure = Error::new(Kind::Timeout, "no answer within 5s").cause("slow").hint("wait");
        let tape = tape(&[told(&kube("/a"), Err(failure.clone()))]);
        assert_eq!(ask(&tape, &kube("/a")), Err(failure));
    }

    #[test]
    fn a_failure_of_a_kind_that_came_later_is_still_a_failure() {
        let line = r#"{"q":{"cluster":"lab","to":"kube","method":"GET","path":"/a"},"at":"2026-11-22T13:00:00Z","error":{"kind":"bored","message":"m"}}"#;
        let error = ask(&tape(&[format!("{line}\n")]), &kube("/a")).unwrap_err();
        assert!(error.message().contains("bored"), "{error}");
    }

    #[test]
    fn a_miss_names_the_question_and_the_nearest_ones() {
        let lines = ["/api/v1/services?limit=500", "/api/v1/nodes?limit=500", "/api/v1/pods?limit=500", "/version"]
            .map(|path| body(path, "{}"));
        let error = ask(&tape(&lines), &kube("/api/v1/pods?limit=501")).unwrap_err();
        assert_eq!(error.kind(), Kind::TapeMiss);
        assert_eq!(error.message(), "the tape case.tape does not hold the answer to: kube GET /api/v1/pods?limit=501");
        let hint = error.next_step().unwrap();
        assert!(
            hint.starts_with("the nearest it holds: kube GET /api/v1/pods?limit=500; kube GET /api/v1/nodes?limit=500; "),
            "{hint}"
        );
        assert!(hint.contains("--record"), "{hint}");
        let log = Query::new("lab", Ask::Logs(Logs::default()));
        assert!(ask(&tape(&lines), &log).unwrap_err().next_step().unwrap().starts_with("it holds no question of this kind"));
    }

    #[test]
    fn another_cluster_is_another_question() {
        let error = ask(&tape(&[body("/version", "{}")]), &Query::new("other", Ask::kube("/version"))).unwrap_err();
        assert!(error.next_step().unwrap().contains("kube GET /version (cluster lab)"), "{error:?}");
    }

    #[test]
    fn wider_answers_do() {
        let pods =
            r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"web","namespace":"shop"}}]}"#;
        let logs = |tail| Logs { namespace: "shop".into(), pod: "web".into(), tail, ..Logs::default() };
        let all = Query::new("lab", Ask::Logs(logs(None)));
        let log = answer("2026-11-22T12:00:00Z one\n2026-11-22T12:00:01Z two\n");
        let tape = tape(&[body("/api/v1/pods?limit=500", pods), told(&all, Ok(log))]);
        assert!(
            ask(&tape, &kube("/api/v1/namespaces/shop/pods/web")).unwrap().starts_with(r#"{"kind":"Pod","apiVersion":"v1","#)
        );
        assert_eq!(ask(&tape, &Query::new("lab", Ask::Logs(logs(Some(1))))).unwrap(), "2026-11-22T12:00:01Z two\n");
        assert_eq!(
            ask(&tape, &Query::new("other", Ask::kube("/api/v1/namespaces/shop/pods/web"))).unwrap_err().kind(),
            Kind::TapeMiss
        );
    }

    #[test]
    fn a_refused_log_stays_refused_for_every_range() {
        let logs = |tail| Query::new("lab", Ask::Logs(Logs { namespace: "a".into(), pod: "b".into(), tail, ..Logs::default() }));
        let tape = tape(&[told(&logs(None), Ok(Answer { status: 403, ..answer("{}") }))]);
        assert_eq!(block_on(tape.ask(&logs(Some(5)))).unwrap().status, 403);
    }

    #[test]
    fn secrets_in_a_question_do_not_hide_its_answer() {
        let get = |url: &str| {
            Query::new("lab", Ask::Http(HttpGet { url: url.into(), trust: super::super::Trust::System, max_bytes: 9 }))
        };
        let asked = get("https://me:s3cr3t@host/keys");
        let written = Redactor::default().query(&asked).into_owned();
        let line = told(&written, Ok(answer("{}")));
        assert!(!line.contains("s3cr3t"), "{line}");
        assert!(ask(&tape(&[line]), &asked).is_ok());
        let kept = told(&asked, Ok(answer("{}")));
        assert!(ask(&tape(&[kept]), &asked).is_ok(), "a tape that kept its secrets answers too");
        let error = ask(&tape(&[]), &asked).unwrap_err();
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }

    #[test]
    fn what_is_no_tape_is_refused_with_a_reason() {
        let packed = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
        for (data, says) in [
            (Vec::new(), "is empty"),
            (b"garbage".to_vec(), "is no tape"),
            (b"{}\n".to_vec(), "is no tape"),
            (packed(b"[1]\n"), "is no tape"),
            (packed(b""), "is no tape"),
            (vec![0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3], "cannot be unpacked"),
            (packed(HEADER.as_bytes())[..8].to_vec(), "cannot be unpacked"),
            (br#"{"pilotage_tape":1}"#.to_vec(), "is no tape"),
            (br#"{"pilotage_tape":0,"recorded_at":"2026-11-22T12:00:00Z"}"#.to_vec(), "is no tape"),
        ] {
            let error = Tape::from_bytes("x.tape", &data).err().expect(says);
            assert_eq!(error.kind(), Kind::BadTape);
            assert!(error.message().starts_with(&format!("x.tape {says}")), "{error}");
            assert!(error.next_step().is_some(), "{error}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_with_the_version_to_get() {
        let error = Tape::from_bytes("x", br#"{"pilotage_tape":2,"tool":"pilotage 7.1.0","other":"shape"}"#).err().unwrap();
        assert_eq!(error.kind(), Kind::BadTape);
        assert!(error.message().contains("format 2") && error.next_step().unwrap().contains("pilotage 7.1.0"), "{error:?}");
    }

    #[test]
    fn a_missing_file_is_told_by_its_name() {
        let error = Tape::open("/nowhere/case.tape").err().unwrap();
        assert_eq!(error.kind(), Kind::File);
        assert!(error.message().contains("/nowhere/case.tape"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_answers() {
        let future = r#"{"q":{"cluster":"lab","to":"dns","host":"x"},"at":"2026-11-22T13:00:00Z","status":200}"#;
        let text =
            format!("{HEADER}\n{}{future}\n{{\"new\":\"line\"}}\nrubbish\n{}", body("/a", "[1]"), &body("/b", "[2]")[..40]);
        let tape = Tape::from_bytes("x", text.as_bytes()).unwrap();
        assert_eq!(ask(&tape, &kube("/a")).unwrap(), "[1]");
        assert_eq!(
            tape.notes(),
            [
                "the tape x is cut off in the middle of an answer: 1 answers could be read",
                "the tape x is damaged: 1 lines could not be read",
                "the tape x holds 1 answers to questions that this version does not know",
            ]
        );
    }

    #[test]
    fn a_tape_that_was_not_closed_or_lost_lines_says_so() {
        let open = Tape::from_bytes("x", format!("{HEADER}\n{}", body("/a", "[1]")).as_bytes()).unwrap();
        assert_eq!(open.notes(), ["the tape x was not closed: it may lack answers after its 1"]);
        let closing = "{\"manifest\":{\"answers\":3,\"redacted\":{\"jwt\":2}}}\n";
        let short = Tape::from_bytes("x", format!("{HEADER}\n{}{closing}", body("/a", "[1]")).as_bytes()).unwrap();
        assert_eq!(short.notes(), ["the tape x holds 1 of the 3 answers that were recorded"]);
        assert_eq!(short.manifest().unwrap().redacted.as_ref().unwrap()["jwt"], 2);
    }
}
