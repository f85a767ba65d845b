//! Keep every answer on a tape while it passes.

use super::redact::Redactor;
use super::tape::{self, Closing, Header, Manifest};
use super::{Answer, Backend, Followed, Piece, Query, SharedBackend, Tunnel};
use crate::error::{Error, Kind, Result};
use futures::StreamExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many KiB of answers may wait for the writer; then questions wait too.
const ROOM: u32 = 64 * 1024;
/// The lightest compression: a tape gets a little longer, and recording costs half as much.
const LEVEL: i32 = 1;

/// Writes every answer to a tape, in a thread of its own, and passes it on at once.
///
/// Each answer is flushed by itself, so a crash loses only what had not been written at that moment. The tape is
/// closed, with its manifest, by [`Recorder::finish`], or else when the recorder is dropped.
pub struct Recorder {
    inner: SharedBackend,
    path: PathBuf,
    redactor: Option<Arc<Redactor>>,
    desk: Arc<Desk>,
    /// How many logs were followed.
    streams: AtomicU64,
    writer: Mutex<Option<JoinHandle<Result<u64>>>>,
    failure: Arc<Mutex<Option<Error>>>,
}

/// Where answers wait for the writer.
struct Desk {
    room: Arc<Semaphore>,
    queue: Mutex<Option<Sender<Entry>>>,
    /// How many answers were put here.
    taken: AtomicU64,
}

struct Entry {
    query: Query,
    answer: Result<Answer>,
    at: Timestamp,
    stream: Option<u64>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Recorder {
    /// Begin a tape in a new file.
    ///
    /// `redactor` is the one that the answers of `inner` went through: questions go through it too, and its counts
    /// become the manifest. `None` says that secrets are kept on purpose.
    ///
    /// # Errors
    /// [`Kind::File`] when the file exists or cannot be written.
    pub fn create(inner: SharedBackend, path: impl AsRef<Path>, redactor: Option<Arc<Redactor>>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let header = Header {
            version: tape::VERSION,
            recorded_at: inner.now(),
            tool: concat!("pilotage ", env!("CARGO_PKG_VERSION")).into(),
            clusters: vec![inner.cluster()],
            namespace: Some(inner.namespace()),
        };
        let file = new_file(&path).map_err(|error| cannot_create(&path, &error))?;
        let tape = Writer::begin(file, &header).map_err(|error| cannot_write(&path, &error))?;
        let (queue, entries) = channel();
        let failure = Arc::new(Mutex::new(None));
        let work = {
            let (path, redactor, failure) = (path.clone(), redactor.clone(), failure.clone());
            move || {
                let written = write_all(tape, &entries, redactor.as_deref()).map_err(|error| cannot_write(&path, &error));
                *lock(&failure) = written.as_ref().err().cloned();
                written
            }
        };
        let writer = std::thread::Builder::new().name("tape".into()).spawn(work);
        let writer = writer.map_err(|error| cannot_write(&path, &error))?;
        Ok(Self {
            inner,
            path,
            redactor,
            desk: Arc::new(Desk {
                room: Arc::new(Semaphore::new(ROOM as usize)),
                queue: Mutex::new(Some(queue)),
                taken: AtomicU64::default(),
            }),
            streams: AtomicU64::default(),
            writer: Mutex::new(Some(writer)),
            failure,
        })
    }

    /// Close the tape. Says how many answers it holds. What is asked later is not recorded.
    ///
    /// # Errors
    /// When an answer could not be written; the tape ends before it.
    pub fn finish(&self) -> Result<u64> {
        lock(&self.desk.queue).take();
        match lock(&self.writer).take() {
            Some(writer) => writer.join().unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the tape's writer panicked"))),
            None => Err(Error::new(Kind::Internal, format!("the tape {} is closed already", self.path.display()))),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many answers it took so far.
    pub fn answers(&self) -> u64 {
        self.desk.taken.load(Ordering::Relaxed)
    }

    /// Why it takes no more, if it could not be written.
    pub fn failure(&self) -> Option<Error> {
        lock(&self.failure).clone()
    }

    async fn keep(&self, query: &Query, answer: &Result<Answer>) {
        // These say nothing about the cluster; and a question that was given up may be asked again.
        if let Err(error) = answer
            && matches!(error.kind(), Kind::Interrupted | Kind::Refused | Kind::TapeMiss)
        {
            return;
        }
        self.desk.put(self.as_kept(query), answer.clone(), self.inner.now(), None).await;
    }

    fn as_kept(&self, query: &Query) -> Query {
        self.redactor.as_ref().map_or_else(|| query.clone(), |redactor| redactor.query(query).into_owned())
    }

    /// Each piece of a stream is kept as it comes, so that a long one needs no memory and a crash loses little of it.
    async fn keep_stream(&self, query: &Query, followed: Followed) -> Followed {
        let Followed { head, pieces } = followed;
        let stream = self.streams.fetch_add(1, Ordering::Relaxed);
        let query = self.as_kept(query);
        self.desk.put(query.clone(), Ok(head.clone()), self.inner.now(), Some(stream)).await;
        let (desk, inner, first) = (self.desk.clone(), self.inner.clone(), head.clone());
        let pieces = pieces.then(move |piece| {
            let (desk, query, at, first) = (desk.clone(), query.clone(), inner.now(), first.clone());
            async move {
                match &piece {
                    Ok(Piece::Lines(lines)) => {
                        desk.put(query, Ok(Answer { body: lines.clone(), at, ..first }), at, Some(stream)).await;
                    }
                    Ok(Piece::Note(_)) => {}
                    Err(error) => desk.put(query, Err(error.clone()), at, Some(stream)).await,
                }
                piece
            }
        });
        Followed { head, pieces: pieces.boxed() }
    }
}

impl Desk {
    async fn put(&self, query: Query, answer: Result<Answer>, at: Timestamp, stream: Option<u64>) {
        let size = answer.as_ref().map_or(0, |answer| answer.body.len() / 1024);
        let size = u32::try_from(size).unwrap_or(ROOM).clamp(1, ROOM);
        let room = self.room.clone().acquire_many_owned(size).await.ok();
        let entry = Entry { query, answer, at, stream, _room: room };
        if let Some(queue) = &*lock(&self.queue) {
            // It fails when the writer has stopped; `failure` says why.
            if queue.send(entry).is_ok() {
                self.taken.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Whoever wants to know whether all was written calls `finish`.
        let _ = self.finish();
    }
}

impl Backend for Recorder {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let answer = self.inner.ask(query).await;
            self.keep(query, &answer).await;
            answer
        })
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        Box::pin(async move {
            match self.inner.follow(query).await {
                Ok(followed) if followed.head.is_success() => Ok(self.keep_stream(query, followed).await),
                Ok(refused) => {
                    self.keep(query, &Ok(refused.head.clone())).await;
                    Ok(refused)
                }
                Err(error) => {
                    self.keep(query, &Err(error.clone())).await;
                    Err(error)
                }
            }
        })
    }

    /// What passes through a connection is not kept: a replay could not answer it.
    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        self.inner.tunnel(query)
    }

    forward_the_rest!(but notes, streams);

    fn notes(&self) -> Vec<String> {
        let failure = self.failure().map(|error| format!("the recording is incomplete: {error}"));
        self.inner.notes().into_iter().chain(failure).collect()
    }
}

/// The open tape.
pub struct Writer<W: Write> {
    stream: zstd::Encoder<'static, W>,
}

impl<W: Write> Writer<W> {
    pub fn begin(file: W, header: &Header) -> io::Result<Self> {
        let mut stream = zstd::Encoder::new(file, LEVEL)?;
        stream.include_checksum(true)?;
        // Dumps of many proxies resemble each other; a wide window sees that.
        stream.window_log(24)?;
        stream.long_distance_matching(true)?;
        let mut tape = Self { stream };
        let mut line = serde_json::to_vec(header)?;
        line.push(b'\n');
        tape.put(&line)?;
        Ok(tape)
    }

    pub fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.stream.write_all(line)?;
        self.stream.flush()
    }

    pub fn end(mut self, manifest: Manifest) -> io::Result<W> {
        let mut line = serde_json::to_vec(&Closing { manifest })?;
        line.push(b'\n');
        self.put(&line)?;
        let mut file = self.stream.finish()?;
        file.flush()?;
        Ok(file)
    }
}

fn write_all(mut tape: Writer<File>, entries: &Receiver<Entry>, redactor: Option<&Redactor>) -> io::Result<u64> {
    let mut answers = 0;
    for entry in entries {
        tape.put(&tape::line(&entry.query, &entry.answer, entry.at, entry.stream))?;
        answers += 1;
    }
    tape.end(Manifest { answers, redacted: redactor.map(Redactor::counts) })?;
    Ok(answers)
}

/// A tape may hold what is nobody else's business, so only its owner may read the file.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn cannot_create(path: &Path, error: &io::Error) -> Error {
    let failed = Error::new(Kind::File, format!("the tape {} cannot be created", path.display()));
    match error.kind() {
        io::ErrorKind::AlreadyExists => failed.cause("the file exists").hint("give another name, or remove the file first"),
        _ => failed.caused_by(error).hint("give a file in a folder that exists and that you may write to"),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::File, format!("the tape {} cannot be written", path.display()))
        .caused_by(error)
        .hint("is the disk full? what was recorded before can still be replayed")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
