//! What reaches a tape, and what a tape says that was cut off or damaged.

use super::recorder::{Recorder, Writer};
use super::tape::{self, Header, Manifest};
use super::testing::{Script, answer, at, block_on};
use super::{Answer, Backend, Followed, Logs, Piece, Query};
use super::{Ask, Redacted, Tape};
use crate::error::{Error, Kind};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

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
    assert_eq!((tape.cluster(), tape.namespace(), tape.recorded_at()), ("lab".into(), "shop".into(), at("2026-11-22T12:59:00Z")));
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
    let header =
        Header { version: 1, recorded_at: at("2026-11-22T13:00:00Z"), tool: String::new(), clusters: vec![], namespace: None };
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
        writer.put(&tape::line(&kube(&format!("/{number}")), &Ok(answer(&body)), header.recorded_at, None)).unwrap();
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
    fn a_damaged_tape_tells_or_holds_the_same(place in 4usize..400, with in 1u8..) {
        let (whole, _) = small_tape();
        let mut damaged = whole.clone();
        let place = place % damaged.len();
        damaged[place] ^= with;
        if let Ok(tape) = Tape::from_bytes("x.tape", &damaged) {
            for query in tape.questions() {
                let _ = tape.ask(query).now_or_never();
            }
            // Some bits of a packed file mean nothing.
            let unpacked = |data: &[u8]| zstd::decode_all(data).ok();
            let same = unpacked(&damaged) == unpacked(&whole);
            proptest::prop_assert!(same || !tape.notes().is_empty(), "damage at {place} must be told");
        }
    }
}

/// Streams these pieces whenever it is followed.
struct Streaming(Vec<Result<Piece, Error>>);

impl Backend for Streaming {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move { Err(Error::new(Kind::Internal, format!("{query} is to be followed"))) })
    }

    fn follow<'a>(&'a self, _query: &'a Query) -> BoxFuture<'a, Result<Followed, Error>> {
        let pieces = futures::stream::iter(self.0.clone()).boxed();
        Box::pin(async move { Ok(Followed { head: answer(""), pieces }) })
    }

    fn cluster(&self) -> String {
        "lab".into()
    }

    fn describe(&self) -> String {
        "a stream".into()
    }
}

fn log(follow: bool) -> Query {
    Query::new("lab", Ask::Logs(Logs { namespace: "n".into(), pod: "p".into(), follow, ..Logs::default() }))
}

fn followed(backend: &dyn Backend, follow: bool) -> Vec<Result<Piece, Error>> {
    block_on(async { backend.follow(&log(follow)).await.unwrap().pieces.collect().await })
}

#[test]
fn a_stream_is_on_the_tape_in_its_pieces_and_as_a_whole() {
    let folder = Folder::new("stream");
    let lines = |text: &'static str| Ok(Piece::Lines(Bytes::from_static(text.as_bytes())));
    let broken = Err(Error::new(Kind::Unreachable, "it broke"));
    let one = "2026-11-22T13:00:00Z authorization: Bearer s3cr3ts3cr3t\n";
    let pieces = vec![lines(one), Ok(Piece::Note("resumed".into())), lines("2026-11-22T13:00:01Z two\n"), broken.clone()];
    let redacted = Redacted::new(Arc::new(Streaming(pieces)));
    let redactor = redacted.redactor();
    let recorder = Recorder::create(Arc::new(redacted), folder.tape(), Some(redactor)).unwrap();
    let heard = followed(&recorder, true);
    assert_eq!(followed(&recorder, true), heard, "twice at once or after another: each is a stream of its own");
    // The second was given up after its first piece.
    block_on(async { recorder.follow(&log(true)).await.unwrap().pieces.next().await });
    recorder.finish().unwrap();

    let tape = Tape::open(folder.tape()).unwrap();
    assert!(tape.notes().is_empty() && tape.manifest().unwrap().answers == 10, "{:?}", tape.manifest());
    let told = followed(&tape, true);
    let heard: Vec<_> = heard.into_iter().filter(|piece| !matches!(piece, Ok(Piece::Note(_)))).collect();
    assert_eq!(told, heard);
    assert!(
        told[0].as_ref().is_ok_and(|piece| matches!(piece, Piece::Lines(text) if !text.windows(6).any(|six| six == b"s3cr3t")))
    );
    assert_eq!(told[2], broken);
    assert_eq!(followed(&tape, true).len(), 3);
    assert_eq!(followed(&tape, true).len(), 1, "the one that was given up");
    let whole = block_on(tape.ask(&log(false))).unwrap();
    assert!(whole.text().contains("⟨redacted:header:") && whole.text().ends_with('\n'), "{}", whole.text());
}

#[test]
fn a_log_that_was_only_read_can_be_followed_to_its_end() {
    let folder = Folder::new("read");
    let recorder = Recorder::create(Script::answering("2026-11-22T13:00:00Z one\n"), folder.tape(), None).unwrap();
    block_on(recorder.ask(&log(false))).unwrap();
    recorder.finish().unwrap();
    let tape = Tape::open(folder.tape()).unwrap();
    assert_eq!(followed(&tape, true), [Ok(Piece::Lines("2026-11-22T13:00:00Z one\n".into()))]);
}
