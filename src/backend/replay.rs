//! Answer from a tape.

use super::narrow::{list_page, narrow_list};
use super::narrow_dump::Wanted;
use super::narrow_stats;
use super::redact::Redactor;
use super::tape::{Header, Manifest};
use super::tape_read::{Contents, Recorded};
use super::{Answer, Aside, Ask, Backend, Effect, Followed, Logs, Piece, PodHttp, Query, SharedBackend, log_range};
use crate::error::{Error, Kind, Result};
use futures::future::{BoxFuture, FutureExt, ready};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A recorded case, as a backend.
///
/// The same question asked again gets the next answer, and then the last one again and again. After something was set in a
/// pod, its answers are those that were recorded after that, where there are any. A question that was not
/// recorded is answered from a wider one: part of a log from more of it, an object or a namespace from a complete list,
/// part of a proxy's configuration or statistics from the whole.
pub struct Tape {
    name: String,
    header: Header,
    held: OnceLock<Held>,
    /// The tape that comes with pilotage is read when it is first asked, and nobody waits for it at the start.
    unread: &'static [u8],
    now: Mutex<Timestamp>,
    /// The pods in which something was set, and the place in the tape of what set it.
    set: Mutex<HashMap<InPod, usize>>,
}

/// What a tape holds behind its header.
#[derive(Default)]
struct Held {
    questions: HashMap<Query, Question>,
    manifest: Option<Manifest>,
    notes: Vec<String>,
}

/// Cluster, namespace and name of a pod.
type InPod = (String, String, String);

#[derive(Default)]
struct Question {
    answers: Vec<Given>,
    given: AtomicUsize,
}

/// One answer: whole, or in the parts in which it streamed. There is at least one.
struct Given {
    /// Its place in the tape.
    place: usize,
    parts: Vec<Recorded>,
}

/// Takes what was asked for out of a whole body: a status and a body.
type Cut<'a> = dyn Fn(&[u8]) -> Option<(u16, Vec<u8>)> + 'a;

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
        let Contents { header, answers, manifest, notes } = Contents::read(&name, data)?;
        let now = Mutex::new(header.recorded_at);
        Ok(Self { name, header, held: Held::new(answers, manifest, notes).into(), unread: &[], now, set: Mutex::default() })
    }

    /// A tape that comes with this program, so that all but its first line can be read when it is first asked.
    pub(super) fn shipped(name: &str, data: &'static [u8]) -> Result<Self> {
        let header = Contents::header(name, data)?;
        let now = Mutex::new(header.recorded_at);
        Ok(Self { name: name.into(), header, held: OnceLock::new(), unread: data, now, set: Mutex::default() })
    }

    fn held(&self) -> &Held {
        self.held.get_or_init(|| match Contents::read(&self.name, self.unread) {
            Ok(Contents { answers, manifest, notes, .. }) => Held::new(answers, manifest, notes),
            Err(error) => Held { notes: vec![error.to_string()], ..Held::default() },
        })
    }

    /// When recording began.
    pub fn recorded_at(&self) -> Timestamp {
        self.header.recorded_at
    }

    /// What closed the tape, if it was closed.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.held().manifest.as_ref()
    }

    /// The questions it holds answers to, in no order.
    pub fn questions(&self) -> impl Iterator<Item = &Query> {
        self.held().questions.keys()
    }

    fn streamed(&self, query: &Query) -> Result<Followed> {
        let redacted = Redactor::default().query(query).into_owned();
        let Some(question) = self.known(query, &redacted) else {
            // Nothing more was written to a log that was only read.
            let read = |logs: &Logs| Query::new(&query.cluster, Ask::Logs(Logs { follow: false, ..logs.clone() }));
            return match &query.ask {
                Ask::Logs(logs) if logs.follow => self.answer(&read(logs)).map(Followed::whole),
                _ => self.answer(query).map(Followed::whole),
            };
        };
        let given = question.turn(self.since(query));
        self.is_now(given.at());
        given.stream()
    }

    /// The question as it was asked, or as it was recorded: without the secrets in it.
    fn known(&self, query: &Query, redacted: &Query) -> Option<&Question> {
        let questions = &self.held().questions;
        questions.get(query).or_else(|| questions.get(redacted))
    }

    /// The place in the tape behind which the answers to a question lie, as far as what was set tells.
    fn since(&self, query: &Query) -> usize {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        in_pod(query).and_then(|pod| set.get(&pod).copied()).unwrap_or(0)
    }

    /// What sets something in a pod stands before all that is asked there from now on.
    fn follows(&self, query: &Query, place: usize) {
        if query.ask.effect() > Effect::Observe
            && let Some(pod) = in_pod(query)
        {
            let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
            let since = set.entry(pod).or_default();
            *since = place.max(*since);
        }
    }

    fn is_now(&self, at: Timestamp) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
    }

    fn answer(&self, query: &Query) -> Result<Answer> {
        // Questions are recorded without the secrets in them.
        let redacted = Redactor::default().query(query).into_owned();
        let (at, answer) = match self.known(query, &redacted) {
            Some(question) => {
                let given = question.turn(self.since(query));
                self.follows(query, given.place);
                (given.at(), given.open())
            }
            None => match self.narrower(&redacted)? {
                Some(answer) => (answer.at, Ok(answer)),
                None => return Err(self.miss(&redacted)),
            },
        };
        self.is_now(at);
        answer
    }

    /// The answer to a question as it stands now: the one that was given last, or else the first. Nobody's next answer, and no time,
    /// depends on it.
    ///
    /// # Errors
    /// As for [`Backend::ask`].
    pub(super) fn look(&self, query: &Query) -> Result<Answer> {
        let redacted = Redactor::default().query(query).into_owned();
        match self.known(query, &redacted) {
            Some(question) => question.current(self.since(query)),
            None => self.narrower(&redacted)?.ok_or_else(|| self.miss(&redacted)),
        }
    }

    /// The answer from a wider one.
    fn narrower(&self, query: &Query) -> Result<Option<Answer>> {
        match &query.ask {
            Ask::Kube(kube) if kube.method == "GET" => {
                Ok(narrow_list(&kube.path, &|path, token| self.list_page(&query.cluster, path, token)))
            }
            Ask::Logs(wanted) => self.narrower_log(&query.cluster, wanted),
            Ask::Pod(page) if page.method == "GET" => Ok(self.narrower_page(&query.cluster, page)),
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
        let mut found: Vec<_> = self.held().questions.iter().filter(|(query, _)| is_it(query)).collect();
        found.sort_by_key(|(query, _)| query.to_string());
        found.first().map(|(query, question)| question.current(self.since(query)))
    }

    fn narrower_log(&self, cluster: &str, wanted: &super::Logs) -> Result<Option<Answer>> {
        let same = self.held().questions.iter().filter_map(|(query, question)| match &query.ask {
            Ask::Logs(logs) if query.cluster == cluster && log_range::same_log(logs, wanted) => {
                Some((logs, question, self.since(query)))
            }
            _ => None,
        });
        let mut same: Vec<_> = same.collect();
        same.sort_by_key(|(logs, ..)| logs.to_string());
        for (logs, question, since) in same {
            let Ok(answer) = question.current(since) else { continue };
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

    /// Part of a configuration, or some of the statistics.
    fn narrower_page(&self, cluster: &str, page: &PodHttp) -> Option<Answer> {
        if let Some(wanted) = Wanted::parse(&page.path) {
            let whole = |held: &str| Wanted::parse(held).is_some_and(|held| wanted.is_within(&held));
            return self.page_out_of(cluster, page, &whole, &|body| wanted.cut(body));
        }
        let wanted = narrow_stats::Wanted::parse(&page.path)?;
        let whole = |held: &str| narrow_stats::Wanted::parse(held).is_some_and(|held| held.is_all());
        self.page_out_of(cluster, page, &whole, &|body| Some((200, wanted.cut(body)?)))
    }

    /// What is cut out of the first page of the same server whose path is wide enough.
    fn page_out_of(&self, cluster: &str, page: &PodHttp, whole: &dyn Fn(&str) -> bool, cut: &Cut<'_>) -> Option<Answer> {
        let is_it = |query: &Query| match &query.ask {
            Ask::Pod(held) if query.cluster == cluster && held.method == "GET" => {
                (&held.namespace, &held.pod, held.port) == (&page.namespace, &page.pod, page.port) && whole(&held.path)
            }
            _ => false,
        };
        let mut found: Vec<_> = self.held().questions.iter().filter(|(query, _)| is_it(query)).collect();
        found.sort_by_key(|(query, _)| query.to_string());
        found.into_iter().find_map(|(query, question)| {
            let answer = question.current(self.since(query)).ok().filter(Answer::is_success)?;
            let (status, body) = cut(&answer.body)?;
            Some(Answer { status, body: body.into(), ..answer })
        })
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
        let near = self.held().questions.keys().filter(|held| std::mem::discriminant(&held.ask) == kind);
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

impl Held {
    fn new(answers: Vec<(Query, Recorded)>, manifest: Option<Manifest>, notes: Vec<String>) -> Self {
        let mut questions: HashMap<Query, Question> = HashMap::new();
        for (place, (query, recorded)) in answers.into_iter().enumerate() {
            questions.entry(query).or_default().add(recorded, place);
        }
        Self { questions, manifest, notes }
    }
}

fn in_pod(query: &Query) -> Option<InPod> {
    let (namespace, pod) = match &query.ask {
        Ask::Pod(page) => (&page.namespace, &page.pod),
        Ask::Exec(exec) => (&exec.namespace, &exec.pod),
        Ask::Logs(logs) => (&logs.namespace, &logs.pod),
        _ => return None,
    };
    Some((query.cluster.clone(), namespace.clone(), pod.clone()))
}

impl Question {
    fn add(&mut self, recorded: Recorded, place: usize) {
        let same = |given: &&mut Given| recorded.stream.is_some() && given.parts[0].stream == recorded.stream;
        match self.answers.iter_mut().rev().find(same) {
            Some(given) => given.parts.push(recorded),
            None => self.answers.push(Given { place, parts: vec![recorded] }),
        }
    }

    /// The next answer that lies behind this place in the tape; the last, when none does.
    fn turn(&self, since: usize) -> &Given {
        let first = self.first(since);
        let before = self.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |given| Some(given.max(first) + 1));
        &self.answers[before.unwrap_or(0).max(first).min(self.answers.len() - 1)]
    }

    /// The answer that was given last, or the first when none was; not one from before this place, where there is a later one.
    fn current(&self, since: usize) -> Result<Answer> {
        let given = self.given.load(Ordering::Relaxed).saturating_sub(1).max(self.first(since));
        self.answers[given.min(self.answers.len() - 1)].open()
    }

    fn first(&self, since: usize) -> usize {
        self.answers.partition_point(|given| given.place < since)
    }
}

impl Given {
    fn at(&self) -> Timestamp {
        self.parts[self.parts.len() - 1].answer.at
    }

    /// All of it. A stream that failed at last is what came before.
    fn open(&self) -> Result<Answer> {
        let mut whole = self.parts[0].open()?;
        if self.parts.len() > 1 {
            let parts = self.parts[1..].iter().map_while(|part| part.open().ok());
            let bodies: Vec<_> = parts.map(|part| part.body).collect();
            whole.body = bodies.concat().into();
            whole.at = self.at();
        }
        Ok(whole)
    }

    fn stream(&self) -> Result<Followed> {
        let head = self.parts[0].open()?;
        if self.parts[0].stream.is_none() {
            return Ok(Followed::whole(head));
        }
        let pieces: Vec<Recorded> = self.parts[1..].to_vec();
        let pieces = pieces.into_iter().map(|part| part.open().map(|answer| Piece::Lines(answer.body)));
        Ok(Followed { head, pieces: stream::iter(pieces).boxed() })
    }
}

impl Backend for Tape {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        ready(self.answer(query)).boxed()
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        ready(self.streamed(query)).boxed()
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cluster(&self) -> String {
        self.header.clusters.first().cloned().unwrap_or_else(|| "recorded".into())
    }

    fn aside(self: Arc<Self>) -> Option<SharedBackend> {
        Some(Arc::new(Aside::new(self)))
    }

    fn namespace(&self) -> String {
        self.header.namespace.clone().unwrap_or_else(|| "default".into())
    }

    fn describe(&self) -> String {
        format!("tape {} of {}", self.name, self.header.recorded_at.strftime("%Y-%m-%d"))
    }

    fn replays(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<String> {
        // What nobody asked yet has nothing to tell.
        self.held.get().map(|held| held.notes.clone()).unwrap_or_default()
    }
}
