//! Read a tape: unpack it, find its answers, and tell what is missing.

use super::tape::{self, Closing, Header, Line, Manifest};
use super::{Answer, Query};
use crate::error::{Error, Kind, Result};
use bytes::Bytes;
use serde::de::IgnoredAny;
use std::io::{BufRead, Read};

/// The most bytes that a tape may unpack to: a small file from a stranger must not fill the memory.
const MOST: u64 = 4 << 30;

/// What a tape holds, in the order in which it was recorded.
pub struct Contents {
    /// The first line.
    pub header: Header,
    /// The answers.
    pub answers: Vec<(Query, Recorded)>,
    /// What closed the tape, if it was closed.
    pub manifest: Option<Manifest>,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// An answer whose body is not looked at before somebody asks for it. Clones share the text.
#[derive(Clone)]
pub struct Recorded {
    /// All but the body.
    pub answer: Answer,
    /// Which stream it is a part of.
    pub stream: Option<u64>,
    body: Option<Bytes>,
    error: Option<Bytes>,
}

impl Contents {
    /// The first line of a tape, which says what it is; nothing else is read.
    ///
    /// # Errors
    /// As for [`Contents::read`].
    pub fn header(name: &str, data: &[u8]) -> Result<Header> {
        let damaged = |error: std::io::Error| bad(name, "cannot be unpacked").caused_by(&error);
        let unpacked = zstd::Decoder::new(data).map_err(damaged)?;
        let mut first = Vec::new();
        std::io::BufReader::new(unpacked).read_until(b'\n', &mut first).map_err(damaged)?;
        header(name, &first)
    }

    /// Read a tape, packed or as plain JSON lines. One that was cut short is read as far as it goes.
    ///
    /// # Errors
    /// [`Kind::BadTape`] when it is no tape or a newer one.
    pub fn read(name: &str, data: &[u8]) -> Result<Self> {
        let (text, cut) = unpack(name, data)?;
        let (first, rest) = split_line(&text);
        let header = header(name, first)?;
        let mut contents = Self { header, answers: Vec::new(), manifest: None, notes: Vec::new() };
        contents.lines(name, &text, rest, cut);
        Ok(contents)
    }

    fn lines(&mut self, name: &str, text: &Bytes, rest: &[u8], cut: Option<String>) {
        let mut lost = Lost { cut, ..Lost::default() };
        let mut rest = rest;
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            match self.line(text, line) {
                Held::Known => {}
                Held::Unknown => lost.unknown += 1,
                Held::Damaged if after.is_empty() && !rest.ends_with(b"\n") => {
                    lost.cut = Some("in the middle of an answer".into())
                }
                Held::Damaged => lost.damaged += 1,
            }
            rest = after;
        }
        self.notes = lost.notes(name, self.answers.len() as u64, self.manifest.as_ref());
    }

    fn line(&mut self, text: &Bytes, line: &[u8]) -> Held {
        let Ok(read) = serde_json::from_slice::<Line<'_>>(line) else {
            if let Ok(closing) = serde_json::from_slice::<Closing>(line) {
                self.manifest = Some(closing.manifest);
                return Held::Known;
            }
            let json = line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok();
            return if json || line.trim_ascii().is_empty() { Held::Known } else { Held::Damaged };
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
        let recorded = Recorded { answer, stream: read.stream, body: read.body.map(part), error: read.error.map(part) };
        self.answers.push((query, recorded));
        Held::Known
    }
}

impl Recorded {
    /// The answer with its body, or the failure.
    ///
    /// # Errors
    /// The recorded failure; or [`Kind::BadTape`] when the body has none of the known forms.
    pub fn open(&self) -> Result<Answer> {
        if let Some(error) = &self.error {
            let unknown = |_| Error::new(Kind::Internal, format!("no answer came: {}", String::from_utf8_lossy(error)));
            return Err(serde_json::from_slice(error).unwrap_or_else(unknown));
        }
        let body = self.body.as_ref().map(tape::body).transpose()?.unwrap_or_default();
        Ok(Answer { body, ..self.answer.clone() })
    }
}

/// What a line turned out to be.
enum Held {
    Known,
    Unknown,
    Damaged,
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
    let no_tape = |why: &str| bad(name, "is no tape of pilotage").cause(why).hint("a tape is made with --record FILE");
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
