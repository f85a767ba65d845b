//! Keep every answer on a tape while it passes.

use super::redact::Redactor;
use super::tape::{self, Closing, Header, Manifest};
use super::{Answer, Backend, Query, SharedBackend};
use crate::error::{Error, Kind, Result};
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many KiB of answers may wait for the writer; then questions wait too.
const ROOM: u32 = 64 * 1024;

/// Writes every answer to a tape, in a thread of its own, and passes it on at once.
///
/// Each answer is flushed by itself, so a crash loses only what had not been written at that moment. The tape is
/// closed, with its manifest, by [`Recorder::finish`], or else when the recorder is dropped.
pub struct Recorder {
    inner: SharedBackend,
    path: PathBuf,
    redactor: Option<Arc<Redactor>>,
    room: Arc<Semaphore>,
    queue: Mutex<Option<Sender<Entry>>>,
    writer: Mutex<Option<JoinHandle<Result<u64>>>>,
    failure: Arc<Mutex<Option<Error>>>,
}

struct Entry {
    query: Query,
    answer: Result<Answer>,
    at: Timestamp,
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
            room: Arc::new(Semaphore::new(ROOM as usize)),
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
            failure,
        })
    }

    /// Close the tape. Says how many answers it holds. What is asked later is not recorded.
    ///
    /// # Errors
    /// When an answer could not be written; the tape ends before it.
    pub fn finish(&self) -> Result<u64> {
        lock(&self.queue).take();
        match lock(&self.writer).take() {
            Some(writer) => writer.join().unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the tape's writer panicked"))),
            None => Err(Error::new(Kind::Internal, format!("the tape {} is closed already", self.path.display()))),
        }
    }

    async fn keep(&self, query: &Query, answer: &Result<Answer>) {
        // These say nothing about the cluster; and a question that was given up may be asked again.
        if let Err(error) = answer
            && matches!(error.kind(), Kind::Interrupted | Kind::Refused | Kind::TapeMiss)
        {
            return;
        }
        let size = answer.as_ref().map_or(0, |answer| answer.body.len() / 1024);
        let size = u32::try_from(size).unwrap_or(ROOM).clamp(1, ROOM);
        let room = self.room.clone().acquire_many_owned(size).await.ok();
        let query = self.redactor.as_ref().map_or_else(|| query.clone(), |redactor| redactor.query(query).into_owned());
        let entry = Entry { query, answer: answer.clone(), at: self.inner.now(), _room: room };
        if let Some(queue) = &*lock(&self.queue) {
            // It fails when the writer has stopped; `failure` says why.
            let _ = queue.send(entry);
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

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn cluster(&self) -> String {
        self.inner.cluster()
    }

    fn namespace(&self) -> String {
        self.inner.namespace()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn notes(&self) -> Vec<String> {
        let failure = lock(&self.failure).as_ref().map(|error| format!("the recording is incomplete: {error}"));
        self.inner.notes().into_iter().chain(failure).collect()
    }
}

/// The open tape.
struct Writer<W: Write> {
    stream: zstd::Encoder<'static, W>,
}

impl<W: Write> Writer<W> {
    fn begin(file: W, header: &Header) -> io::Result<Self> {
        let mut stream = zstd::Encoder::new(file, 3)?;
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

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.stream.write_all(line)?;
        self.stream.flush()
    }

    fn end(mut self, manifest: Manifest) -> io::Result<W> {
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
        tape.put(&tape::line(&entry.query, &entry.answer, entry.at))?;
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, answer, at, block_on};
    use super::super::{Ask, Redacted, Tape};
    use super::*;
    use futures::FutureExt;

    /// A folder that goes away with its owner.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pilotage-recorder-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn tape(&self) -> PathBuf {
            self.0.join("case.tape")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn kube(path: &str) -> Query {
        Query::new("lab", Ask::kube(path))
    }

    #[test]
    fn what_was_heard_is_what_the_tape_tells() {
        let folder = Folder::new("heard");
        let failure = Error::new(Kind::Unreachable, "nobody answers").hint("is it up?");
        let bytes = Answer { status: 500, content_type: None, body: (&b"\xff\0"[..]).into(), ..answer("") };
        let script = Script::new([Ok(answer("{ \"a\": 1.0 }")), Err(failure.clone()), Ok(bytes.clone())]);
        let recorder = Recorder::create(script, folder.tape(), None).unwrap();
        let heard: Vec<_> = (0..3).map(|_| block_on(recorder.ask(&kube("/a")))).collect();
        assert_eq!(recorder.finish().unwrap(), 3);

        let tape = Tape::open(folder.tape()).unwrap();
        assert_eq!(tape.notes(), Vec::<String>::new());
        assert_eq!(
            (tape.cluster(), tape.namespace(), tape.recorded_at()),
            ("lab".into(), "shop".into(), at("2026-11-22T12:59:00Z"))
        );
        let told: Vec<_> = (0..3).map(|_| block_on(tape.ask(&kube("/a")))).collect();
        assert_eq!(told[0], heard[0].clone().map(|heard| Answer { body: "{\"a\":1.0}".into(), ..heard }));
        assert_eq!(told[1..], heard[1..]);
        assert_eq!(tape.manifest(), Some(&Manifest { answers: 3, redacted: None }));
    }

    #[test]
    fn secrets_never_reach_the_tape_and_the_manifest_counts_them() {
        let folder = Folder::new("secrets");
        let redacted = Redacted::new(Script::answering(r#"{"password":"s3cr3t","cookie":"s3cr3t"}"#));
        let redactor = redacted.redactor();
        let recorder = Recorder::create(Arc::new(redacted), folder.tape(), Some(redactor)).unwrap();
        let asked = kube("/proxy?token=s3cr3t");
        let heard = block_on(recorder.ask(&asked)).unwrap();
        recorder.finish().unwrap();
        let text = zstd::decode_all(File::open(folder.tape()).unwrap()).unwrap();
        assert!(!String::from_utf8(text).unwrap().contains("s3cr3t"));
        let tape = Tape::open(folder.tape()).unwrap();
        assert_eq!(block_on(tape.ask(&asked)).unwrap(), heard);
        let counts = [("credential".to_owned(), 1), ("header".to_owned(), 1)].into();
        assert_eq!(tape.manifest().unwrap().redacted, Some(counts));
    }

    #[test]
    fn a_crash_loses_nothing_that_was_flushed() {
        let folder = Folder::new("crash");
        let recorder = Recorder::create(Script::answering("[1]"), folder.tape(), None).unwrap();
        for name in ["/a", "/b", "/c"] {
            block_on(recorder.ask(&kube(name))).unwrap();
        }
        // As after a kill: the file as it is now, neither closed nor finished.
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let tape = loop {
            let tape = Tape::open(folder.tape()).unwrap();
            if tape.questions().count() == 3 || std::time::Instant::now() > soon {
                break tape;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!(block_on(tape.ask(&kube("/c"))).unwrap().text(), "[1]");
        assert!(tape.notes()[0].contains("is cut off"), "{:?}", tape.notes());
    }

    #[test]
    fn dropping_closes_the_tape_and_refusals_of_our_own_are_not_on_it() {
        let folder = Folder::new("drop");
        let refused = Err(Error::new(Kind::Refused, "not allowed"));
        let recorder = Recorder::create(Script::new([refused, Ok(answer("[1]"))]), folder.tape(), None).unwrap();
        assert!(block_on(recorder.ask(&kube("/a"))).is_err());
        assert!(block_on(recorder.ask(&kube("/a"))).is_ok());
        drop(recorder);
        assert_eq!(Tape::open(folder.tape()).unwrap().manifest().unwrap().answers, 1);
    }

    #[test]
    fn a_file_is_never_overwritten_and_folders_must_exist() {
        let folder = Folder::new("exists");
        std::fs::write(folder.tape(), "precious").unwrap();
        let error = Recorder::create(Script::answering("[1]"), folder.tape(), None).err().unwrap();
        assert_eq!((error.kind(), error.causes()), (Kind::File, &["the file exists".to_owned()][..]));
        assert_eq!(std::fs::read(folder.tape()).unwrap(), b"precious");
        let error = Recorder::create(Script::answering("[1]"), folder.0.join("no/case.tape"), None).err().unwrap();
        assert!(error.message().contains("no/case.tape") && error.next_step().is_some(), "{error:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_and_stops_nothing() {
        let recorder = Recorder::create(Script::answering("[1]"), "/dev/full", None);
        // The file exists, so `create` refuses it; what follows is the writer's own part.
        assert!(recorder.is_err());
        let header = Header {
            version: 1,
            recorded_at: at("2026-11-22T13:00:00Z"),
            tool: String::new(),
            clusters: vec![],
            namespace: None,
        };
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(Writer::begin(full, &header).err().unwrap().kind(), io::ErrorKind::StorageFull);
    }

    /// A closed tape of a few answers, and what it holds.
    fn small_tape() -> (Vec<u8>, usize) {
        let header = Header {
            version: 1,
            recorded_at: at("2026-11-22T13:00:00Z"),
            tool: "pilotage".into(),
            clusters: vec!["lab".into()],
            namespace: None,
        };
        let mut writer = Writer::begin(Vec::new(), &header).unwrap();
        for number in 0..5 {
            let body = format!("[{number},\"{}\"]", "text ".repeat(number * 10));
            writer.put(&tape::line(&kube(&format!("/{number}")), &Ok(answer(&body)), header.recorded_at)).unwrap();
        }
        (writer.end(Manifest { answers: 5, redacted: None }).unwrap(), 5)
    }

    #[test]
    fn a_tape_cut_anywhere_opens_with_a_note_or_fails_cleanly() {
        let (whole, answers) = small_tape();
        let mut most = 0;
        for cut in 0..whole.len() {
            match Tape::from_bytes("x.tape", &whole[..cut]) {
                Ok(tape) => {
                    let held = tape.questions().count();
                    assert!(held >= most, "a longer piece holds no less");
                    most = held;
                    assert!(!tape.notes().is_empty(), "cut at {cut}: it must be told");
                    for query in tape.questions() {
                        assert!(matches!(tape.ask(query).now_or_never(), Some(Ok(_))));
                    }
                }
                Err(error) => assert_eq!(error.kind(), Kind::BadTape, "cut at {cut}: {error}"),
            }
        }
        assert_eq!(most, answers, "all that was flushed is there");
        assert!(Tape::from_bytes("x.tape", &whole).unwrap().notes().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_tape_never_answers_wrongly(place in 4usize..400, with in 1u8..) {
            let (mut damaged, _) = small_tape();
            let place = place % damaged.len();
            damaged[place] ^= with;
            if let Ok(tape) = Tape::from_bytes("x.tape", &damaged) {
                for query in tape.questions() {
                    let _ = tape.ask(query).now_or_never();
                }
                let changed = place > 12; // the frame's own header has bits without meaning for the content
                proptest::prop_assert!(!changed || !tape.notes().is_empty(), "damage at {place} must be told");
            }
        }
    }
}
