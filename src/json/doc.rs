//! A whole JSON text, checked and indexed, shared by everyone who looks into it.

use super::index::Index;
use super::node::Node;
use super::scan::{DEPTH, Flaw, Scanned, What, scan};
use crate::error::{Error, Kind, Result};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// From this size on, the check of the characters runs beside the check of the structure.
const PARALLEL: usize = if cfg!(test) { 200 } else { 1 << 20 };
/// How far into a text its JSON may start, behind something else.
const LEAD: usize = 4096;
/// How many places in that lead are tried.
const TRIES: usize = 8;
/// What may follow the JSON: a status code, a prompt.
const TAIL: usize = 64;

/// A checked and indexed JSON text.
pub struct Doc {
    text: Bytes,
    root: usize,
    index: Index,
    notes: Vec<String>,
    cut: bool,
    /// Positions of keys in big objects that were asked for by key, by the object's start.
    keys: Mutex<HashMap<usize, Arc<Keys>>>,
}

/// Where each key of an object starts, by hash. Of keys said twice the first counts.
pub(super) type Keys = HashMap<u64, usize>;

impl Doc {
    /// Check a text and index it. What stands before the JSON (a status code, as must-gather keeps it) is left out, with
    /// a note.
    ///
    /// # Errors
    /// The text is empty, cut off, or not JSON: which, at which byte, in which member.
    pub fn parse(text: Bytes) -> Result<Arc<Self>> {
        match check(&text) {
            Ok(found) => Ok(Self::of(text, found)),
            Err(bad) => Err(bad.explain(&text)),
        }
    }

    /// Like [`Doc::parse`], but of a text that is cut off it keeps the members that came whole, and says so in a note.
    ///
    /// # Errors
    /// As for [`Doc::parse`], and when nothing came whole.
    pub fn parse_partial(text: Bytes) -> Result<Arc<Self>> {
        Self::parse_beside(text, |_| ()).0
    }

    /// Like [`Doc::parse_partial`], while something else looks at the text: big ones by two cores.
    pub fn parse_beside<T: Send>(text: Bytes, look: impl FnOnce(&[u8]) -> T + Send) -> (Result<Arc<Self>>, T) {
        if text.len() < PARALLEL {
            let (checked, seen) = (check(&text), look(&text));
            return (Self::of_whole_or_part(text, checked), seen);
        }
        let (checked, seen) = std::thread::scope(|scope| {
            let seen = scope.spawn(|| look(&text));
            (check(&text), seen.join())
        });
        let seen = seen.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (Self::of_whole_or_part(text, checked), seen)
    }

    fn of_whole_or_part(text: Bytes, checked: std::result::Result<Found, Bad>) -> Result<Arc<Self>> {
        let bad = match checked {
            Ok(found) => return Ok(Self::of(text, found)),
            Err(bad) => bad,
        };
        let error = bad.explain(&text);
        let Bad::Flaw(flaw) = bad else { return Err(error) };
        if flaw.what != What::CutOff || flaw.open.is_empty() {
            return Err(error);
        }
        let mended = mend(text, &flaw);
        let mut found = check(&mended).map_err(|_| error)?;
        found.notes.push(format!(
            "the answer is cut off at byte {}, in {}; what came whole before is used",
            flaw.at,
            place(&flaw.trail)
        ));
        Ok(Self::of_part(mended, found, true))
    }

    /// The document of a value made elsewhere.
    ///
    /// # Errors
    /// The value nests too deep.
    pub fn from_value(value: &Value) -> Result<Arc<Self>> {
        let text = serde_json::to_vec(value).map_err(|error| Error::new(Kind::Internal, "a value is not JSON").cause(error))?;
        Self::parse(text.into())
    }

    fn of(text: Bytes, found: Found) -> Arc<Self> {
        Self::of_part(text, found, false)
    }

    fn of_part(text: Bytes, found: Found, cut: bool) -> Arc<Self> {
        Arc::new(Self { text, root: found.root, index: found.index, notes: found.notes, cut, keys: Mutex::default() })
    }

    /// The same document with another text. `same`: every value of the index lies where it lay.
    pub(super) fn rewritten(self: Arc<Self>, same: bool, text: impl FnOnce(Bytes) -> Bytes) -> Result<Arc<Self>> {
        let again = |text: &Bytes| check(text).map_err(|bad| bad.explain(text));
        let (text, found, cut) = match Arc::try_unwrap(self) {
            Ok(Self { text: old, root, index, notes, cut, .. }) => {
                let text = text(old);
                let (root, index) = if same { (root, index) } else { again(&text).map(|found| (found.root, found.index))? };
                (text, Found { root, index, notes }, cut)
            }
            Err(shared) => {
                let text = text(shared.text.clone());
                let found = Found { notes: shared.notes.clone(), ..again(&text)? };
                (text, found, shared.cut)
            }
        };
        Ok(Self::of_part(text, found, cut))
    }

    /// Where the outermost value starts.
    pub(super) fn start(&self) -> usize {
        self.root
    }

    /// The outermost value.
    pub fn root(self: &Arc<Self>) -> Node {
        Node::new(Arc::clone(self), self.root)
    }

    /// What was odd about the text, for the user to know.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether this is only what came whole of a text that was cut off.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The whole text, as it came.
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// What the index adds to the text, in bytes.
    pub fn index_bytes(&self) -> usize {
        self.index.bytes()
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The keys of the big object that starts here; gathered at the first question.
    pub(super) fn keys(&self, start: usize, gather: impl FnOnce() -> Keys) -> Arc<Keys> {
        if let Some(keys) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&start) {
            return Arc::clone(keys);
        }
        let keys = Arc::new(gather());
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(start, Arc::clone(&keys));
        keys
    }
}

impl fmt::Debug for Doc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Doc({} bytes)", self.text.len())
    }
}

/// What a check found.
struct Found {
    root: usize,
    index: Index,
    notes: Vec<String>,
}

/// Why a text is not taken.
enum Bad {
    Empty,
    NotText(usize),
    Flaw(Box<Flaw>),
    MoreAfter(usize),
}

/// Find the JSON in a text and check it.
fn check(text: &[u8]) -> std::result::Result<Found, Bad> {
    let start = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    if text.iter().skip(start).all(u8::is_ascii_whitespace) {
        return Err(Bad::Empty);
    }
    let first = match check_at(text, start) {
        Ok(found) => return Ok(found),
        Err(bad) => bad,
    };
    let early = match &first {
        Bad::Flaw(flaw) => flaw.at < LEAD && matches!(flaw.what, What::Expected(_)),
        Bad::MoreAfter(at) => *at < LEAD && !matches!(text.get(super::lex::skip_space(text, start)), Some(b'{' | b'[')),
        Bad::Empty | Bad::NotText(_) => false,
    };
    if early { check_behind_lead(text, start, first) } else { Err(first) }
}

/// Something stands before the JSON: try the places where a container could start.
fn check_behind_lead(text: &[u8], start: usize, first: Bad) -> std::result::Result<Found, Bad> {
    let lead = text.get(..text.len().min(LEAD)).unwrap_or_default();
    let places = memchr::memchr2_iter(b'{', b'[', lead).filter(|&at| at > start).take(TRIES);
    let mut furthest = first;
    for place in places {
        match check_at(text, place) {
            Ok(mut found) => {
                let lead = String::from_utf8_lossy(lead.get(start..place).unwrap_or_default());
                found.notes.push(format!("skipped {} before the JSON: `{}`", bytes(place - start), excerpt(&lead)));
                return Ok(found);
            }
            Err(bad) if bad.at() > furthest.at() => furthest = bad,
            Err(_) => {}
        }
    }
    Err(furthest)
}

/// Check the text from here on.
fn check_at(text: &[u8], start: usize) -> std::result::Result<Found, Bad> {
    let (scanned, utf8) = if text.len() < PARALLEL {
        (scan(text, start), std::str::from_utf8(text))
    } else {
        std::thread::scope(|scope| {
            let utf8 = scope.spawn(|| std::str::from_utf8(text));
            let scanned = scan(text, start);
            (scanned, utf8.join().unwrap_or_else(|_| std::str::from_utf8(text)))
        })
    };
    let cut = matches!(&scanned, Err(flaw) if flaw.what == What::CutOff);
    if let Err(error) = utf8
        && !(cut && error.error_len().is_none())
    {
        return Err(Bad::NotText(error.valid_up_to()));
    }
    let Scanned { index, end } = scanned.map_err(Bad::Flaw)?;
    let root = super::lex::skip_space(text, start);
    let notes = trailing(text, root, end)?;
    Ok(Found { root, index, notes })
}

/// What follows the JSON: nothing, or a few words that are not JSON themselves.
fn trailing(text: &[u8], root: usize, end: usize) -> std::result::Result<Vec<String>, Bad> {
    let at = super::lex::skip_space(text, end);
    let tail = text.get(at..).unwrap_or_default();
    let container = matches!(text.get(root), Some(b'{' | b'['));
    if tail.is_empty() {
        Ok(Vec::new())
    } else if container && tail.len() <= TAIL && memchr::memchr2(b'{', b'[', tail).is_none() {
        let tail = String::from_utf8_lossy(tail);
        Ok(vec![format!("left out {} after the JSON: `{}`", bytes(tail.len()), excerpt(&tail))])
    } else {
        Err(Bad::MoreAfter(at))
    }
}

/// The text up to its last whole member, with all that is open closed.
fn mend(text: Bytes, flaw: &Flaw) -> Bytes {
    let mut text = text.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
    text.truncate(flaw.whole);
    for object in flaw.open.iter().rev() {
        text.extend_from_slice(if *object { b"}" } else { b"]" });
    }
    text.freeze()
}

impl Bad {
    /// How far reading came.
    fn at(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::NotText(at) | Self::MoreAfter(at) => *at,
            Self::Flaw(flaw) => flaw.at,
        }
    }

    fn explain(&self, text: &[u8]) -> Error {
        let size = bytes(text.len());
        match self {
            Self::Empty => Error::new(Kind::BadAnswer, format!("the answer is empty ({size}), not JSON"))
                .hint("the sender gave nothing: look at its status and log, and ask again"),
            Self::NotText(at) => {
                Error::new(Kind::BadAnswer, format!("not JSON: byte {at} of {} is not UTF-8: {}", text.len(), around(text, *at)))
                    .hint("is this compressed, or a binary file?")
            }
            Self::MoreAfter(at) => {
                Error::new(Kind::BadAnswer, format!("more follows after the JSON ends, at byte {at}: {}", around(text, *at)))
                    .hint("one file must hold one JSON value")
            }
            Self::Flaw(flaw) => flaw.explain(text),
        }
    }
}

impl Flaw {
    fn explain(&self, text: &[u8]) -> Error {
        let (at, place) = (self.at, place(&self.trail));
        match self.what {
            What::CutOff => Error::new(Kind::BadAnswer, format!("the JSON is cut off: it ends at byte {at}, in {place}"))
                .hint("the connection or the copy broke off: ask again, or for less at once"),
            What::TooDeep => {
                Error::new(Kind::BadAnswer, format!("the JSON nests deeper than {DEPTH} levels at byte {at}, in {place}"))
            }
            What::Expected(what) if self.trail.is_empty() => {
                Error::new(Kind::BadAnswer, format!("not JSON: the text starts with {}", around(text, 0)))
                    .cause(format!("byte {at} should be {what}"))
                    .hint("a page or a message came in place of data: read it")
            }
            What::Expected(what) => Error::new(
                Kind::BadAnswer,
                format!("broken JSON at byte {at}, in {place}: expected {what}, found {}", around(text, at)),
            ),
        }
    }
}

/// Where something happened, in words.
fn place(trail: &str) -> String {
    if trail.is_empty() { "the outermost value".into() } else { format!("`{trail}`") }
}

/// The first characters from a byte on, quoted.
fn around(text: &[u8], at: usize) -> String {
    let end = text.len().min(at.saturating_add(80));
    format!("`{}`", excerpt(&String::from_utf8_lossy(text.get(at..end).unwrap_or_default())))
}

/// A few characters, on one line.
fn excerpt(text: &str) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    if line.chars().count() < text.trim().chars().count() { format!("{line}…") } else { line }
}

fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}
