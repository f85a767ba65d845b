//! Logs of many containers while they are written: merged by time as far as can be, each in its own order, in constant memory.

use super::Mesh;
use super::fan_out::told;
use super::log_source::{Source, State, weight};
use super::logs::{LogLine, LogOptions, open};
use super::pod_ref::Asked;
use crate::backend::{LogFilter, Piece};
use crate::error::{Error, Kind, Result};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// So many logs are read at the same time; each is a connection to the API server, as long as it is followed.
pub const MOST: usize = 100;
/// A log that was quiet for so long holds up no other.
const HOLD: Duration = Duration::from_millis(250);
/// The same, when another has more to say than is kept.
const SHORT_HOLD: Duration = Duration::from_millis(30);
/// So much of one log is read ahead, where not many are read.
const AHEAD: usize = 256 * 1024;
/// So much of all.
const ALL_AHEAD: usize = MOST * AHEAD;
/// So many rows are handed on at once.
const BATCH: usize = 1000;

/// Logs that are being read. Dropping it ends all their streams.
pub struct Following {
    mesh: Mesh,
    options: LogOptions,
    filter: LogFilter,
    sources: Vec<Source>,
    /// Those that are read when the first ones ended.
    waiting: VecDeque<Asked>,
    reading: FuturesUnordered<LocalBoxFuture<'static, (usize, Event)>>,
    failed: Vec<(Asked, Error)>,
    begun: bool,
    /// Something was noted that is worth telling at once.
    noted: bool,
    until: Option<Instant>,
}

pub(super) type Pieces = BoxStream<'static, Result<Piece>>;

/// What came of one source.
enum Event {
    Opened(LogLine, Pieces),
    Came(Option<Result<Piece>>, Pieces),
    Failed(Error),
}

impl Following {
    /// Begin to read the logs of these pods.
    ///
    /// # Errors
    /// When the options contradict each other, or their pattern is no regular expression.
    pub fn new(mesh: &Mesh, mut pods: Vec<Asked>, options: &LogOptions) -> Result<Self> {
        options.check()?;
        options.check_count(pods.len())?;
        let mut waiting = VecDeque::new();
        if pods.len() > MOST && !options.follow {
            mesh.note(format!("{} logs are read, {MOST} at a time: rows are in order of time among those only", pods.len()));
            waiting.extend(pods.split_off(MOST));
        }
        let mut this = Self {
            mesh: mesh.clone(),
            options: options.clone(),
            filter: LogFilter::new(options.grep.as_deref())?,
            sources: Vec::new(),
            waiting,
            reading: FuturesUnordered::new(),
            failed: Vec::new(),
            begun: false,
            noted: true,
            until: options.duration.map(|span| Instant::now() + Duration::from_secs(span.0.unsigned_abs())),
        };
        this.read(pods);
        Ok(this)
    }

    /// The next rows, as soon as there are any; `None` at the end of all logs, or of the time. No rows at all say that the mesh has
    /// a new note.
    ///
    /// Who cannot be read, and a stream that breaks for good, becomes a note.
    ///
    /// # Errors
    /// When no log could be read at all.
    pub async fn next(&mut self) -> Result<Option<Vec<LogLine>>> {
        loop {
            let now = Instant::now();
            let over = self.until.is_some_and(|until| until <= now);
            self.flush_quiet(now, over);
            let rows = self.take(now, over);
            if !rows.is_empty() || std::mem::take(&mut self.noted) {
                return Ok(Some(rows));
            }
            if over || self.sources.iter().all(|source| matches!(source.state, State::Over)) {
                if over || !self.read_more() {
                    return self.end().map(|()| None);
                }
                continue;
            }
            let wake = self.wake(now);
            let timer = async {
                match wake {
                    Some(wake) => sleep_until(wake).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((source, event)) = self.reading.next() => self.heed(source, event),
                () = timer => {}
            }
        }
    }

    fn read(&mut self, pods: Vec<Asked>) {
        for asked in pods {
            let (options, one, source) = (self.options.clone(), asked.clone(), self.sources.len());
            let begin = async move {
                match open(&one, &options).await {
                    Ok((place, pieces)) => (source, Event::Opened(place, pieces)),
                    Err(error) => (source, Event::Failed(error)),
                }
            };
            self.reading.push(Box::pin(begin));
            self.sources.push(Source::new(asked));
        }
    }

    fn read_more(&mut self) -> bool {
        let more: Vec<Asked> = self.waiting.drain(..self.waiting.len().min(MOST)).collect();
        let any = !more.is_empty();
        self.sources.clear();
        self.read(more);
        any
    }

    fn heed(&mut self, index: usize, event: Event) {
        let ahead = self.ahead();
        let source = &mut self.sources[index];
        match event {
            Event::Opened(place, pieces) => {
                source.place = place;
                self.begun = true;
                self.read_on(index, pieces);
            }
            Event::Came(Some(Ok(Piece::Lines(lines))), pieces) => {
                source.push(&lines, &self.filter);
                if source.bytes > ahead { source.state = State::Parked(pieces) } else { self.read_on(index, pieces) }
            }
            Event::Came(Some(Ok(Piece::Note(note))), pieces) => {
                self.mesh.note(note);
                self.noted = true;
                self.read_on(index, pieces);
            }
            Event::Came(Some(Err(error)), _) => {
                source.end(&self.filter);
                self.noted = true;
                self.mesh.note_missing(told("log of", &source.asked, &error));
            }
            Event::Came(None, _) => source.end(&self.filter),
            Event::Failed(error) => {
                source.state = State::Over;
                self.failed.push((source.asked.clone(), error));
                self.tell_failed();
            }
        }
    }

    fn read_on(&mut self, index: usize, mut pieces: Pieces) {
        self.sources[index].state = State::Reading { since: Instant::now(), begun: true };
        let next = async move {
            let piece = pieces.next().await;
            (index, Event::Came(piece, pieces))
        };
        self.reading.push(Box::pin(next));
    }

    /// Once one log is read, those that are not are notes.
    fn tell_failed(&mut self) {
        if self.begun && !self.failed.is_empty() {
            self.noted = true;
            for (asked, error) in self.failed.drain(..) {
                self.mesh.note_missing(told("log of", &asked, &error));
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        self.tell_failed();
        let count = self.failed.len();
        match self.failed.drain(..).next() {
            None => Ok(()),
            Some((_, error)) if count == 1 => Err(error),
            Some((asked, error)) => Err(error.context(format!("all {count} failed, one of them log of {asked}"))),
        }
    }

    /// A message of a log that has become quiet is complete.
    fn flush_quiet(&mut self, now: Instant, over: bool) {
        for source in &mut self.sources {
            let quiet = matches!(source.state, State::Reading { since, .. } if now.duration_since(since) >= HOLD);
            if (quiet || over) && source.messages.is_open() {
                source.flush(&self.filter);
            }
        }
    }

    /// Rows that no other log can come before any more.
    fn take(&mut self, now: Instant, over: bool) -> Vec<LogLine> {
        self.tell_failed();
        let mut rows = Vec::new();
        let hold = self.hold();
        while rows.len() < BATCH {
            if !over && self.sources.iter().any(|source| source.holds_up(now, hold)) {
                break;
            }
            let heads = self.sources.iter().enumerate().filter_map(|(index, source)| Some((source.rows.front()?.0, index)));
            let (mut first, mut second) = (None, None);
            for head in heads {
                if first.is_none_or(|first| head < first) {
                    second = first.replace(head);
                } else if second.is_none_or(|second| head < second) {
                    second = Some(head);
                }
            }
            let Some((_, index)) = first else { break };
            let source = &mut self.sources[index];
            // A run of rows: as long as this log has the oldest.
            let oldest = |row: &(Timestamp, LogLine)| second.is_none_or(|second| (row.0, index) <= second);
            while rows.len() < BATCH && source.rows.front().is_some_and(oldest) {
                let Some((_, row)) = source.rows.pop_front() else { break };
                source.bytes -= weight(&row);
                rows.push(row);
            }
            self.unpark(index);
        }
        rows
    }

    /// Go on reading a log of which enough was handed on.
    fn unpark(&mut self, index: usize) {
        let ahead = self.ahead();
        let source = &mut self.sources[index];
        if source.bytes > ahead / 2 {
            return;
        }
        match std::mem::replace(&mut source.state, State::Over) {
            State::Parked(pieces) => self.read_on(index, pieces),
            State::Reading { begun, .. } if source.rows.is_empty() => {
                source.state = State::Reading { since: Instant::now(), begun };
            }
            other => source.state = other,
        }
    }

    /// How much of one log is read ahead: what is kept of all together has a bound.
    fn ahead(&self) -> usize {
        AHEAD.min(ALL_AHEAD / self.sources.len().max(1))
    }

    fn hold(&self) -> Duration {
        let full = self.sources.iter().any(|source| matches!(source.state, State::Parked(_)));
        if full { SHORT_HOLD } else { HOLD }
    }

    /// When something changes although nothing comes.
    fn wake(&self, now: Instant) -> Option<Instant> {
        let hold = self.hold();
        let quiet = self.sources.iter().filter_map(|source| match source.state {
            State::Reading { since, .. } if source.messages.is_open() => Some(since + HOLD),
            State::Reading { .. } => source.holds_until(hold),
            _ => None,
        });
        quiet.filter(|wake| *wake > now).chain(self.until).min()
    }
}

impl LogOptions {
    /// That they can all be meant at once.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &str, hint: &str| Err(Error::new(Kind::BadInput, what).hint(hint));
        match self {
            Self { follow: true, previous: true, .. } => wrong(
                "the log of a previous run cannot be followed: nothing more is written to it",
                "leave `follow` or `previous` out",
            ),
            Self { follow: false, duration: Some(_), .. } => {
                wrong("`duration` says how long to follow a log", "add `follow: true`, or say `since`")
            }
            _ => Ok(()),
        }
    }

    /// That not more logs are followed than are allowed.
    pub(crate) fn check_count(&self, logs: usize) -> Result<()> {
        let most = self.most.map_or(MOST, |most| usize::try_from(most).unwrap_or_default());
        if !self.follow || logs <= most {
            return Ok(());
        }
        let told =
            format!("{logs} logs are to be followed, and at most {most} are, since each is a connection to the API server");
        let fewer = "choose fewer pods: `pods(namespace, #{ selector: \"app=web\" })`";
        Err(Error::new(Kind::Limit, told).hint(format!("{fewer}; or allow more: `#{{ follow: true, most: {logs} }}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::super::pod_ref::PodArg;
    use super::*;
    use bytes::Bytes;

    fn pod(mesh: &Mesh, name: &str) -> Asked {
        let row = serde_json::json!({"namespace": "n", "name": name, "proxy": "sidecar", "proxy_state": "running",
            "containers": ["app", "istio-proxy"]});
        Asked { mesh: mesh.clone(), pod: PodArg::Row(row.as_object().unwrap().clone()) }
    }

    fn options(text: &str) -> LogOptions {
        serde_json::from_str(text).unwrap()
    }

    /// All rows: pod and text.
    fn rows(mesh: &Mesh, pods: Vec<Asked>, options: &LogOptions) -> Result<Vec<(String, String)>> {
        wait(async {
            let mut following = Following::new(mesh, pods, options)?;
            let mut all = Vec::new();
            while let Some(rows) = following.next().await? {
                all.extend(rows.into_iter().map(|row| (row.pod, row.text)));
            }
            Ok(all)
        })
    }

    fn row(pod: &str, text: &str) -> (String, String) {
        (pod.into(), text.into())
    }

    #[test]
    fn logs_are_merged_by_time_and_none_is_put_in_another_order() {
        let mesh = Fake::new()
            .says("logs n/a -c app follow", "2026-11-22T13:00:00Z 1\n2026-11-22T13:00:03Z 4\n2026-11-22T13:00:01Z late\n")
            .says("logs n/b -c app follow", "2026-11-22T13:00:01Z 2\n2026-11-22T13:00:02.5Z 3\n2026-11-22T13:00:09Z 5\nno time")
            .mesh();
        let pods = ["a", "b"].map(|name| pod(&mesh, name)).to_vec();
        let read = rows(&mesh, pods, &options(r#"{"follow":true}"#)).unwrap();
        let expected = [("a", "1"), ("b", "2"), ("b", "3"), ("a", "4"), ("a", "late"), ("b", "5"), ("b", "no time")];
        assert_eq!(read, expected.map(|(pod, text)| row(pod, text)));
        assert!(mesh.take_notes().is_empty());
    }

    #[test]
    fn who_cannot_be_read_is_a_note_and_when_nobody_can_it_is_an_error() {
        let fake = || Fake::new().fails("logs n/b -c app follow", Kind::Timeout).fails("logs n/c -c app follow", Kind::Timeout);
        let mesh = fake().says("logs n/a -c app follow", "2026-11-22T13:00:00Z one\n").mesh();
        let some = rows(&mesh, vec![pod(&mesh, "b"), pod(&mesh, "a")], &options(r#"{"follow":true}"#)).unwrap();
        assert_eq!((some, mesh.partial()), (vec![row("a", "one")], true));
        assert!(mesh.take_notes()[0].contains("n/b"));
        let mesh = fake().mesh();
        let error = rows(&mesh, vec![pod(&mesh, "b"), pod(&mesh, "c")], &options(r#"{"follow":true}"#)).unwrap_err();
        assert!(error.message().starts_with("all 2 failed") && error.kind() == Kind::Timeout, "{error}");
    }

    #[test]
    fn five_thousand_logs_are_not_followed_unless_that_is_meant() {
        let fake = (0..200).fold(Fake::new(), |fake, number| {
            let line = format!("2026-11-22T13:00:{:02}Z from {number}\n", 59 - number % 60);
            fake.says(&format!("logs n/p{number} -c app follow"), line.clone()).says(&format!("logs n/p{number} -c app"), line)
        });
        let (mesh, fake) = fake.shared();
        let pods = |count| (0..count).map(|number| pod(&mesh, &format!("p{}", number % 200))).collect::<Vec<_>>();
        let error = rows(&mesh, pods(5000), &options(r#"{"follow":true}"#)).unwrap_err();
        assert_eq!((error.kind(), fake.asked().len()), (Kind::Limit, 0), "nothing is begun");
        assert!(error.next_step().unwrap().contains("selector") && error.next_step().unwrap().contains("most: 5000"), "{error}");
        assert_eq!(rows(&mesh, pods(150), &options(r#"{"follow":true,"most":200}"#)).unwrap().len(), 150);
        assert_eq!(rows(&mesh, pods(200), &options("{}")).unwrap().len(), 200, "what is only read is read to its end");
        assert!(mesh.take_notes()[0].contains("200 logs are read, 100 at a time"));
    }

    #[test]
    fn a_pattern_sees_a_message_as_a_whole() {
        let begin = "2026-11-22T13:00:00.1Z\tdebug\tenvoy rbac source/rbac_filter.cc:266\tchecking request:";
        let log = format!(
            "2026-11-22T13:00:00Z {begin}\n2026-11-22T13:00:00Z ':path', '/x'\n2026-11-22T13:00:00Z \tthread=1\n2026-11-22T13:00:01Z z\n"
        );
        let mesh = Fake::new().says("logs n/a -c istio-proxy follow", log).mesh();
        let more = options(r#"{"follow":true,"container":"istio-proxy","grep":"':path', '/x'"}"#);
        let read = rows(&mesh, vec![pod(&mesh, "a")], &more).unwrap();
        assert_eq!(read, [row("a", &format!("{begin}\n':path', '/x'\n\tthread=1"))]);
    }

    #[test]
    fn a_quiet_log_holds_up_nobody_for_long() {
        let mesh = Mesh::new(std::sync::Arc::new(Quiet));
        let pods = ["a", "quiet"].map(|name| pod(&mesh, name)).to_vec();
        let more = options(r#"{"follow":true,"duration":"2s"}"#);
        let begun = Instant::now();
        let took = wait(async {
            let mut following = Following::new(&mesh, pods, &more).unwrap();
            loop {
                let rows = following.next().await.unwrap().expect("not the end");
                if rows.len() == 2 {
                    return begun.elapsed();
                }
            }
        });
        assert!(took >= HOLD && took < Duration::from_secs(1), "{took:?}");
        let begun = Instant::now();
        assert_eq!(rows(&mesh, vec![pod(&mesh, "quiet")], &more).unwrap(), []);
        assert!(begun.elapsed() >= Duration::from_secs(2), "it lasts as long as was said");
    }

    /// A log with two lines, which then goes on for ever without another; and one without any.
    struct Quiet;

    impl crate::backend::Backend for Quiet {
        fn ask<'a>(&'a self, query: &'a crate::backend::Query) -> futures::future::BoxFuture<'a, Result<crate::backend::Answer>> {
            Box::pin(async move { Err(Error::new(Kind::TapeMiss, query.to_string())) })
        }

        fn follow<'a>(
            &'a self,
            query: &'a crate::backend::Query,
        ) -> futures::future::BoxFuture<'a, Result<crate::backend::Followed>> {
            let lines = Bytes::from_static(b"2026-11-22T13:00:00Z one\n2026-11-22T13:00:01Z two\n");
            let lines = if query.to_string().contains("quiet") { Vec::new() } else { vec![Ok(Piece::Lines(lines))] };
            let pieces = futures::stream::iter(lines).chain(futures::stream::pending()).boxed();
            let head = crate::backend::Answer::ok("", super::super::fake::now());
            Box::pin(async move { Ok(crate::backend::Followed { head, pieces }) })
        }

        fn cluster(&self) -> String {
            "lab".into()
        }

        fn describe(&self) -> String {
            "quiet".into()
        }
    }
}
