//! A log that streams from the API server: read on while it is written, and resumed where it broke.

use super::follow_restart::Watched;
use super::kube_error::{self, Asked};
use super::kube_http::{Api, status_message};
use super::log_resume::Seen;
use super::login::Login;
use super::logs;
use super::patience::Patience;
use super::{Answer, Ask, Followed, Kube, LogFilter, Logs, Piece, Query, body};
use crate::error::{Error, Kind, Result};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, StreamExt, stream};
use http::{StatusCode, header};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use memchr::{memchr, memrchr};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// So much is read at once, when it is there.
const PIECE: usize = 64 * 1024;
/// A longer line is cut: kubelets break lines far below this.
const LONGEST_LINE: usize = 1 << 20;
/// After so much silence the connection is made anew: one that died on the way would be silent for ever.
const SILENCE: Duration = Duration::from_secs(240);
/// An end that comes sooner is that of a container which does not run; a later one is a connection's.
const SOON: Duration = Duration::from_secs(5);
/// A log that ended so often, at once and with nothing new, has ended. The pauses let a container restart.
const ENDS: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(500), Duration::from_millis(1500)];
/// The same where its container is said to run: a pod's status may be some seconds old.
const MORE_ENDS: usize = 2;
const LATE: Duration = Duration::from_secs(3);
/// The first pause before a failing server is asked again; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A stream that could not be resumed for so long has failed.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Begin to read a log.
pub(super) async fn follow(login: Arc<Login>, query: &Query) -> Result<Followed> {
    let Ask::Logs(logs) = &query.ask else {
        return Err(Error::new(Kind::BadInput, format!("{query} is no log, and only logs are followed")));
    };
    let mut follower = Follower {
        filter: LogFilter::new(logs.grep.as_deref())?,
        login,
        logs: logs.clone(),
        cluster: query.cluster.clone(),
        what: query.to_string(),
        body: None,
        opened: Instant::now(),
        first: Timestamp::now(),
        lines: Lines::default(),
        seen: Seen::default(),
        told: VecDeque::new(),
        ends: 0,
        failing: None,
        watched: Watched::default(),
        over: false,
    };
    let head = follower.open(None).await?;
    if !head.is_success() {
        return Ok(Followed::whole(head));
    }
    follower.first = head.at;
    let pieces = stream::unfold(follower, |mut follower| async move { Some((follower.next().await?, follower)) });
    Ok(Followed { head, pieces: pieces.boxed() })
}

/// One log, whatever becomes of the connections on which it comes.
pub(super) struct Follower {
    pub(super) login: Arc<Login>,
    pub(super) cluster: String,
    pub(super) logs: Logs,
    pub(super) what: String,
    filter: LogFilter,
    body: Option<Body>,
    /// When the connection at hand was made.
    opened: Instant,
    /// When the first one was, by the server's clock.
    pub(super) first: Timestamp,
    lines: Lines,
    pub(super) seen: Seen,
    /// What is handed on next.
    told: VecDeque<Result<Piece>>,
    /// How often the log ended in a row with nothing new.
    pub(super) ends: usize,
    /// Since when it could not be resumed, and how often that was tried.
    pub(super) failing: Option<(Instant, u32)>,
    pub(super) watched: Watched,
    over: bool,
}

/// How reading went on.
enum Came {
    More,
    End,
    Broken(String),
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Piece>> {
        loop {
            if let Some(piece) = self.told.pop_front() {
                return Some(piece);
            }
            if self.over {
                return None;
            }
            match self.body.as_mut() {
                None => self.resume().await,
                Some(body) => {
                    let silence = if self.logs.follow { SILENCE } else { self.login.connect.timeout };
                    match timeout(silence, read(body, &mut self.lines)).await {
                        Ok(Came::More) => self.hand_on(),
                        Ok(Came::End) => self.ended().await,
                        Ok(Came::Broken(why)) => self.broke(&why).await,
                        Err(_) if self.logs.follow => self.body = None,
                        Err(_) => self.broke("nothing came any more").await,
                    }
                }
            }
        }
    }

    /// Hand on the whole lines that were read and not handed on before.
    fn hand_on(&mut self) {
        let Some(lines) = self.lines.take() else { return };
        let fresh = self.fresh(lines);
        if self.seen.take_lost() {
            self.note("was rotated while its stream was broken: lines may be missing");
        }
        if !fresh.is_empty() {
            self.ends = 0;
            self.failing = None;
            self.tell(fresh);
        }
    }

    fn fresh(&mut self, lines: Bytes) -> Bytes {
        let mut kept: Option<BytesMut> = None;
        let mut from = 0;
        while from < lines.len() {
            let end = memchr(b'\n', &lines[from..]).map_or(lines.len(), |end| from + end + 1);
            let line = &lines[from..end];
            match (self.seen.is_new(line), &mut kept) {
                (true, Some(kept)) => kept.extend_from_slice(line),
                (false, None) => kept = Some(BytesMut::from(&lines[..from])),
                _ => {}
            }
            from = end;
        }
        kept.map_or(lines, BytesMut::freeze)
    }

    fn tell(&mut self, lines: Bytes) {
        let chosen = match self.logs.grep {
            None => lines,
            Some(_) => {
                self.filter.push(&lines);
                self.filter.take().into()
            }
        };
        if !chosen.is_empty() {
            self.told.push_back(Ok(Piece::Lines(chosen)));
        }
    }

    pub(super) fn note(&mut self, about: &str) {
        let (namespace, pod) = (&self.logs.namespace, &self.logs.pod);
        let container = self.logs.container.as_ref().map(|name| format!(" -c {name}")).unwrap_or_default();
        self.told.push_back(Ok(Piece::Note(format!("the log of {namespace}/{pod}{container} {about}"))));
    }

    /// The server says that this is all.
    async fn ended(&mut self) {
        self.hand_on();
        self.body = None;
        if self.watched.previous {
            self.last_line();
            return self.previous_is_read();
        }
        self.watched.stopped = true;
        if self.watched.waits() {
            return;
        }
        if self.opened.elapsed() > SOON {
            self.ends = 0;
        }
        let late = (self.watched.runs && self.ends < ENDS.len() + MORE_ENDS).then_some(LATE);
        match ENDS.get(self.ends).copied().or(late).filter(|_| self.logs.follow) {
            Some(pause) => {
                self.ends += 1;
                sleep(pause).await;
            }
            None => self.finish(),
        }
    }

    /// There is nothing more to come.
    fn finish(&mut self) {
        self.last_line();
        if self.logs.follow {
            self.note("ended: its container does not run any more");
        }
        self.over = true;
    }

    /// What is left when no line end comes any more.
    fn last_line(&mut self) {
        let last = self.lines.rest();
        if !last.is_empty() && self.seen.is_new(&last) {
            self.tell(last);
        }
    }

    async fn broke(&mut self, why: &str) {
        // The line it broke in comes again, whole.
        self.hand_on();
        self.body = None;
        self.watched.stopped = true;
        if self.opened.elapsed() > SOON {
            self.failing = None;
        }
        self.failed(Error::new(Kind::BadAnswer, format!("{}: the stream broke", self.what)).cause(why)).await;
    }

    /// Wait before the next try, or give up.
    async fn failed(&mut self, error: Error) {
        let (since, tries) = self.failing.unwrap_or((Instant::now(), 0));
        if since.elapsed() > GIVE_UP {
            let hint = "the log can be followed again from where it ended, with `since`";
            let error = error.context(format!("the stream could not be resumed for {} s", GIVE_UP.as_secs()));
            self.told.push_back(Err(if error.next_step().is_some() { error } else { error.hint(hint) }));
            self.over = true;
            return;
        }
        self.failing = Some((since, tries + 1));
        sleep((PAUSE * 2_u32.saturating_pow(tries.min(8))).min(LONGEST_PAUSE)).await;
    }

    async fn resume(&mut self) {
        self.lines.rest();
        let looks = self.logs.follow && std::mem::take(&mut self.watched.stopped);
        if looks && !self.look().await {
            return;
        }
        let from = self.seen.resume().or_else(|| self.beginning());
        match self.open(from).await {
            Ok(head) if head.is_success() => {
                if self.failing.is_some() {
                    self.note("broke off and was resumed where it had ended");
                }
            }
            Ok(_) if self.watched.previous => {
                self.note("is no longer kept of the run before: what that one wrote last may be missing");
                self.previous_is_read();
            }
            Ok(head) if head.status == 404 => {
                self.note("ended: the pod is gone");
                self.over = true;
            }
            Ok(head) => {
                let message = format!("{}: the API server answers {}", self.what, head.status);
                let error = Error::new(Kind::Unreachable, message).cause(status_message(&head));
                if head.status == 403 {
                    self.told.push_back(Err(error));
                    self.over = true;
                } else {
                    self.failed(error).await;
                }
            }
            Err(error) => self.failed(error).await,
        }
    }

    /// The time from which lines were wanted at first, when only a part was and none came yet.
    fn beginning(&self) -> Option<Timestamp> {
        let back = match (self.logs.since_seconds, self.logs.tail) {
            (Some(seconds), _) => seconds,
            (None, Some(_)) => 1,
            (None, None) => return None,
        };
        self.first.checked_sub(SignedDuration::from_secs(back)).ok()
    }

    /// Ask for the log, from this time on if one is given. What is no success is read whole.
    async fn open(&mut self, from: Option<Timestamp>) -> Result<Answer> {
        let login = self.login.clone();
        let access = login.access(&self.cluster)?;
        let server = access.server();
        let asked = Asked { what: &self.what, cluster: &self.cluster, server: &server };
        let client = &login.client(asked).await?;
        let patience = &Patience::new(login.connect.timeout);
        let before = self.watched.previous;
        let logs = Logs { previous: self.logs.previous || before, follow: self.logs.follow && !before, ..self.logs.clone() };
        let request = Kube { method: "GET".into(), path: logs::path(&logs, from)?, body: None };
        let response = Api { client, asked, patience }.send(&request).await?;
        self.opened = Instant::now();
        if response.status() == StatusCode::OK {
            let (head, body) = response.into_parts();
            self.body = Some(body);
            let date = head.headers.get(header::DATE).and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
            let answer = body::head_answer(200, &head.headers, Bytes::new());
            return Ok(Answer { at: date.unwrap_or(answer.at), ..answer });
        }
        let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
        let answer = body::answer(response, body::MAX_BYTES, asked.what, patience).await?;
        if unauthorized {
            let refused = kube_error::unauthorized(asked.cluster, &status_message(&answer));
            login.heed(Some(&refused)).await;
            return Err(refused);
        }
        Ok(answer)
    }
}

/// Wait for the next part of a body, and take with it what else is there already.
async fn read(body: &mut Body, lines: &mut Lines) -> Came {
    let mut next = body.frame().await;
    loop {
        match next {
            None => return Came::End,
            Some(Err(error)) => return Came::Broken(error.to_string()),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    lines.push(&data);
                }
            }
        }
        if lines.length() >= PIECE {
            return Came::More;
        }
        match body.frame().now_or_never() {
            Some(frame) => next = frame,
            None => return Came::More,
        }
    }
}

/// What was read, and where its last line ends.
#[derive(Default)]
struct Lines {
    carry: BytesMut,
    /// The last line is too long: what comes of it is dropped.
    cut: bool,
}

impl Lines {
    fn push(&mut self, mut data: &[u8]) {
        if self.cut {
            let Some(end) = memchr(b'\n', data) else { return };
            self.cut = false;
            data = &data[end..];
        }
        self.carry.extend_from_slice(data);
        let last = memrchr(b'\n', &self.carry[self.carry.len() - data.len()..]);
        if last.is_none() && self.carry.len() > LONGEST_LINE && self.last_line() > LONGEST_LINE {
            let whole = self.carry.len() - self.last_line();
            self.carry.truncate(whole + LONGEST_LINE);
            self.cut = true;
        }
    }

    fn last_line(&self) -> usize {
        self.carry.len() - memrchr(b'\n', &self.carry).map_or(0, |end| end + 1)
    }

    fn length(&self) -> usize {
        self.carry.len()
    }

    /// All whole lines.
    fn take(&mut self) -> Option<Bytes> {
        let end = memrchr(b'\n', &self.carry)?;
        Some(self.carry.split_to(end + 1).freeze())
    }

    /// What is left without a line end.
    fn rest(&mut self) -> Bytes {
        self.cut = false;
        std::mem::take(&mut self.carry).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_a_monster_is_cut() {
        let mut lines = Lines::default();
        lines.push(b"one\ntw");
        assert_eq!(lines.take().unwrap(), "one\n");
        assert_eq!(lines.take(), None);
        lines.push(b"o\nthree");
        assert_eq!((lines.take().unwrap(), lines.rest()), (Bytes::from("two\n"), Bytes::from("three")));
        for _ in 0..40 {
            lines.push(&[b'x'; 64 * 1024]);
            assert!(lines.length() <= LONGEST_LINE);
        }
        lines.push(b"yy\nnext\n");
        let both = lines.take().unwrap();
        assert_eq!(both.len(), LONGEST_LINE + 1 + 5);
        assert!(both.ends_with(b"x\nnext\n"));
    }
}
