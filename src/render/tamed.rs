//! What goes to a terminal line by line, with its control characters shown and not obeyed.

use super::fit;
use std::io::{self, Write};

/// Tames what is written, and writes it on.
pub struct Tamed<'a> {
    out: &'a mut dyn Write,
    line: Vec<u8>,
}

impl<'a> Tamed<'a> {
    /// Nothing was written yet. It must be flushed at the end.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, line: Vec::new() }
    }

    fn pass(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        // The line ends of CSV are no harm.
        let (text, end) = match text.strip_suffix("\r\n") {
            Some(text) => (text, "\n"),
            None => (text.as_ref(), ""),
        };
        self.out.write_all(fit::tame(text).as_bytes())?;
        self.out.write_all(end.as_bytes())
    }
}

impl Write for Tamed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.pass()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_pieces_it_comes_in_it_is_tamed() {
        let text = "é\u{1b}[2J,\u{9b}x\r\nplain\n\u{202e}end".as_bytes();
        for size in 1..text.len() {
            let mut out = Vec::new();
            let mut tamed = Tamed::new(&mut out);
            text.chunks(size).for_each(|piece| tamed.write_all(piece).expect("memory"));
            tamed.flush().expect("memory");
            assert_eq!(String::from_utf8_lossy(&out), "é␛[2J,\\u{9b}x\nplain\n\\u{202e}end");
        }
    }
}
