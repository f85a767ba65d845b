//! Reads a whole text once: checks that it is JSON, and notes where the members of big containers lie.

use super::index::{Builder, Index};
use super::lex;

/// How deep containers may nest. serde_json has the same limit; a config dump nests about thirty deep.
pub(super) const DEPTH: usize = 127;

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Flaw {
    /// The byte, counted from the start of the text.
    pub(super) at: usize,
    pub(super) what: What,
    /// The way to the place: `configs[1].cluster`.
    pub(super) trail: String,
    /// Where the last whole member ends.
    pub(super) whole: usize,
    /// The containers open at that place, outermost first; true is an object.
    pub(super) open: Vec<bool>,
}

/// The sorts of flaws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The text ends too early.
    CutOff,
    /// Something else stands where this should.
    Expected(&'static str),
    /// Containers nest deeper than [`DEPTH`].
    TooDeep,
}

/// The index, and where the value ends.
pub(super) struct Scanned {
    pub(super) index: Index,
    pub(super) end: usize,
}

/// Read the value that starts at or after `from`.
pub(super) fn scan(text: &[u8], from: usize) -> Result<Scanned, Box<Flaw>> {
    let mut scanner = Scanner { text, at: from, whole: from, builder: Builder::default() };
    match scanner.value() {
        Ok(()) => Ok(Scanned { end: scanner.at, index: scanner.builder.finish() }),
        Err(what) => Err(Box::new(scanner.flaw(what))),
    }
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    whole: usize,
    builder: Builder,
}

type Step<T> = Result<T, What>;

impl Scanner<'_> {
    /// Read one value with all that it holds. Iterative: nesting costs no stack.
    fn value(&mut self) -> Step<()> {
        loop {
            match self.next()? {
                b'{' => {
                    if self.open(true)? {
                        continue;
                    }
                }
                b'[' => {
                    if self.open(false)? {
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return Err(What::Expected("a value")),
            }
            if self.value_ended()? {
                return Ok(());
            }
        }
    }

    /// The next byte that is not white space; it is not consumed.
    #[inline]
    fn next(&mut self) -> Step<u8> {
        self.at = lex::skip_space(self.text, self.at);
        self.text.get(self.at).copied().ok_or(What::CutOff)
    }

    /// Enter a container. False when it is empty, and so has ended already.
    #[inline]
    fn open(&mut self, object: bool) -> Step<bool> {
        if self.builder.stack.len() >= DEPTH {
            return Err(What::TooDeep);
        }
        self.builder.open(self.at, object);
        self.at += 1;
        let close = if object { b'}' } else { b']' };
        if self.next()? == close {
            self.at += 1;
            self.builder.close(self.at);
            return Ok(false);
        }
        self.member(object)?;
        Ok(true)
    }

    /// A member starts here: read an object's key and colon.
    #[inline]
    fn member(&mut self, object: bool) -> Step<()> {
        self.builder.member(self.at);
        if !object {
            return Ok(());
        }
        if self.text.get(self.at) != Some(&b'"') {
            return Err(What::Expected("a key in quotes"));
        }
        self.string()?;
        if self.next()? != b':' {
            return Err(What::Expected("`:` after the key"));
        }
        self.at += 1;
        Ok(())
    }

    /// After a value: go on to the next member, leaving every container that ends here. True at the very end.
    #[inline]
    fn value_ended(&mut self) -> Step<bool> {
        loop {
            let Some(open) = self.builder.stack.last() else { return Ok(true) };
            let object = open.object;
            // A number that the text ends with may have had more digits.
            if self.at < self.text.len() || !self.text.last().is_some_and(u8::is_ascii_digit) {
                self.whole = self.at;
            }
            match (self.next()?, object) {
                (b',', _) => {
                    self.at += 1;
                    self.next()?;
                    self.member(object)?;
                    return Ok(false);
                }
                (b'}', true) | (b']', false) => {
                    self.at += 1;
                    self.builder.close(self.at);
                }
                (_, true) => return Err(What::Expected("`,` or `}`")),
                (_, false) => return Err(What::Expected("`,` or `]`")),
            }
        }
    }

    /// Read a string, with its escapes.
    #[inline]
    fn string(&mut self) -> Step<()> {
        self.at += 1;
        loop {
            self.at = lex::string_stop(self.text, self.at);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(What::Expected("an escape such as \\n for a control character")),
                None => return Err(What::CutOff),
            }
        }
    }

    fn escape(&mut self) -> Step<()> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.code_unit()? {
                0xD800..=0xDBFF => self.low_surrogate(),
                0xDC00..=0xDFFF => Err(What::Expected("a leading surrogate before a trailing one")),
                _ => Ok(()),
            },
            Some(_) => Err(What::Expected("a known escape after `\\`")),
            None => self.cut_off(),
        }
    }

    fn low_surrogate(&mut self) -> Step<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.len() < 2 && b"\\u".starts_with(rest) {
            return self.cut_off();
        }
        if !rest.starts_with(b"\\u") || !matches!(self.code_unit()?, 0xDC00..=0xDFFF) {
            return Err(What::Expected("a trailing surrogate after a leading one"));
        }
        Ok(())
    }

    /// Read `\uXXXX`.
    fn code_unit(&mut self) -> Step<u32> {
        let mut code = 0;
        for at in self.at + 2..self.at + 6 {
            let Some(&byte) = self.text.get(at) else { return self.cut_off() };
            let digit = char::from(byte).to_digit(16).ok_or(What::Expected("four hexadecimal digits after `\\u`"))?;
            code = code * 16 + digit;
        }
        self.at += 6;
        Ok(code)
    }

    #[inline]
    fn number(&mut self) -> Step<()> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.text.get(self.at) {
            Some(byte) if byte.is_ascii_alphanumeric() => Err(What::Expected("the end of the number")),
            _ => Ok(()),
        }
    }

    #[inline]
    fn digits(&mut self) -> Step<()> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        match (self.at > start, self.at < self.text.len()) {
            (true, _) => Ok(()),
            (false, true) => Err(What::Expected("a digit")),
            (false, false) => Err(What::CutOff),
        }
    }

    fn word(&mut self, word: &'static str) -> Step<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        if word.as_bytes().starts_with(rest) { self.cut_off() } else { Err(What::Expected("a value")) }
    }

    /// The text ends within what is read now.
    fn cut_off<T>(&mut self) -> Step<T> {
        self.at = self.text.len();
        Err(What::CutOff)
    }

    fn flaw(&self, what: What) -> Flaw {
        let whole = self.whole;
        let open = self.builder.stack.iter().filter(|open| open.start < whole).map(|open| open.object).collect();
        Flaw { at: self.at.min(self.text.len()), what, trail: self.trail(), open, whole }
    }

    /// The way to where reading stopped.
    fn trail(&self) -> String {
        let mut trail = String::new();
        for open in self.builder.stack.iter().filter(|open| open.count > 0) {
            if !open.object {
                trail.push_str(&format!("[{}]", open.count - 1));
                continue;
            }
            let end = lex::string_end(self.text, open.member);
            if end < open.member + 2 || self.text.get(end - 1) != Some(&b'"') {
                break;
            }
            let key = self.text.get(open.member + 1..end.saturating_sub(1)).unwrap_or_default();
            let dot = if trail.is_empty() { "" } else { "." };
            trail.push_str(&format!("{dot}{}", String::from_utf8_lossy(key)));
        }
        trail
    }
}
