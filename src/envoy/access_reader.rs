//! Reading an access log while it streams by: memory is what is kept, however long the log is.

use super::access_config::{AccessFormats, Habit};
use super::access_format::Field;
use super::access_log::{AccessLine, Block, LogSource};
use super::access_text::Spans;
use super::response_flags::short;
use memchr::{memchr, memrchr};
use regex::bytes::Regex;
use std::sync::Arc;

/// Lines are kept in blocks of this size.
const BLOCK: usize = 256 * 1024;

/// What a line must fulfil.
pub type Fits = Box<dyn Fn(&AccessLine) -> bool + Send + Sync>;

/// Which lines to keep. Everything must fit; nothing said fits all.
#[derive(Default)]
pub struct AccessWanted {
    /// One of these codes, each as its least and its greatest.
    pub codes: Vec<(u64, u64)>,
    /// One of these flags, by short or long name; `-` for none.
    pub flags: Vec<String>,
    /// Lines that this finds.
    pub grep: Option<Regex>,
    /// What else must hold.
    pub fits: Option<Fits>,
}

/// Takes a log in pieces, gives its rows.
pub struct AccessReader {
    formats: Arc<AccessFormats>,
    source: Arc<LogSource>,
    wanted: Arc<AccessWanted>,
    habit: Habit,
    carry: Vec<u8>,
    block: Vec<u8>,
    /// Start, length, stamp and format of the lines of the block.
    entries: Vec<(u32, u32, u8, u8)>,
    rows: Vec<AccessLine>,
    lines: usize,
    skipped: usize,
}

/// What was read.
#[derive(Debug)]
pub struct AccessLog {
    /// The lines that fit, in their order.
    pub rows: Vec<AccessLine>,
    /// How many lines of an access log there were.
    pub lines: usize,
    /// How many other lines there were.
    pub skipped: usize,
}

impl AccessReader {
    /// Read the log of this source by these formats.
    pub fn new(formats: Arc<AccessFormats>, source: LogSource, wanted: Arc<AccessWanted>) -> Self {
        Self {
            formats,
            source: Arc::new(source),
            wanted,
            habit: Habit::default(),
            carry: Vec::new(),
            block: Vec::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            lines: 0,
            skipped: 0,
        }
    }

    /// Take the next piece; it may end in the middle of a line.
    pub fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if !self.carry.is_empty() {
            let Some(end) = memchr(b'\n', piece) else { return self.carry.extend_from_slice(piece) };
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(&piece[..end]);
            self.line(&line);
            line.clear();
            self.carry = line;
            rest = &piece[end + 1..];
        }
        let whole = memrchr(b'\n', rest).map_or(0, |end| end + 1);
        let mut lines = &rest[..whole];
        while let Some(end) = memchr(b'\n', lines) {
            self.line(&lines[..end]);
            lines = &lines[end + 1..];
        }
        self.carry.extend_from_slice(&rest[whole..]);
    }

    /// What was read.
    pub fn finish(mut self) -> AccessLog {
        let last = std::mem::take(&mut self.carry);
        self.line(&last);
        self.seal();
        AccessLog { rows: self.rows, lines: self.lines, skipped: self.skipped }
    }

    #[allow(clippy::cast_possible_truncation, reason = "blocks and stamps are small; no longer line is read")]
    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        let mut spans = Spans::default();
        let mut stamp = stamp(line);
        let mut found = self.formats.find(&line[stamp..], &mut spans, &mut self.habit);
        if found.is_none() && stamp > 0 {
            // The format itself may begin with a time.
            stamp = 0;
            found = self.formats.find(line, &mut spans, &mut self.habit);
        }
        let Some(format) = found else { return self.skipped += 1 };
        self.lines += 1;
        if !self.wanted.takes(&line[stamp..], &spans) {
            return;
        }
        self.entries.push((self.block.len() as u32, line.len() as u32, stamp as u8, format));
        self.block.extend_from_slice(line);
        if self.block.len() >= BLOCK {
            self.seal();
        }
    }

    /// The block is full: its lines become rows.
    fn seal(&mut self) {
        let (text, entries) = (std::mem::take(&mut self.block), std::mem::take(&mut self.entries));
        let block = self.sealed(text);
        let row = |(start, length, stamp, format)| AccessLine { block: block.clone(), start, length, stamp, format };
        let Some(fits) = &self.wanted.fits else { return self.rows.extend(entries.into_iter().map(row)) };
        let kept: Vec<AccessLine> = entries.into_iter().map(row).filter(|line| fits(line)).collect();
        let bytes: usize = kept.iter().map(|line| line.length as usize).sum();
        if bytes > block.text.len() / 2 {
            return self.rows.extend(kept);
        }
        let moved = self.moved(&kept, bytes);
        self.rows.extend(moved);
    }

    fn sealed(&self, text: Vec<u8>) -> Arc<Block> {
        Arc::new(Block { text, formats: self.formats.clone(), source: self.source.clone() })
    }

    /// A few lines of a block, in a block of their own.
    #[allow(clippy::cast_possible_truncation, reason = "blocks are small")]
    fn moved(&self, kept: &[AccessLine], bytes: usize) -> Vec<AccessLine> {
        let mut text = Vec::with_capacity(bytes);
        let mut starts = Vec::with_capacity(kept.len());
        for line in kept {
            starts.push(text.len() as u32);
            text.extend_from_slice(&line.block.text[line.start as usize..(line.start + line.length) as usize]);
        }
        let block = self.sealed(text);
        kept.iter().zip(starts).map(|(line, start)| AccessLine { block: block.clone(), start, ..*line }).collect()
    }
}

impl AccessWanted {
    fn takes(&self, line: &[u8], spans: &Spans) -> bool {
        let word = |field| spans.get(field, line).and_then(|text| std::str::from_utf8(text).ok());
        let coded = self.codes.is_empty() || {
            let code = word(Field::Code).and_then(|text| text.parse::<u64>().ok());
            code.is_some_and(|code| self.codes.iter().any(|(least, most)| (*least..=*most).contains(&code)))
        };
        let flagged = || {
            let flags = word(Field::Flags).unwrap_or("-");
            flags.split(',').any(|flag| self.flags.iter().any(|wanted| short(wanted) == short(flag)))
        };
        coded && (self.flags.is_empty() || flagged()) && self.grep.as_ref().is_none_or(|grep| grep.is_match(line))
    }
}

/// How long the time stamp is that Kubernetes puts in front of a line, with its space; 0 when there is none.
fn stamp(line: &[u8]) -> usize {
    let looks = line.len() > 20 && line[0].is_ascii_digit() && line[4] == b'-' && line[10] == b'T' && line[13] == b':';
    if !looks {
        return 0;
    }
    line[19..line.len().min(40)].iter().position(|byte| *byte == b' ').map_or(0, |space| 19 + space + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    const STAMP: &str = "2026-11-22T13:08:41.268507000Z ";

    fn text(code: u16, flags: &str) -> String {
        format!(
            r#"[2026-11-22T13:08:40.059Z] "GET /x HTTP/1.1" {code} {flags} via_upstream - "-" 0 152 3 2 "-" "curl" "id" "ratings" "10.88.1.5:8080" outbound|80||ratings - 10.89.32.99:80 10.88.1.3:53636 - default"#
        )
    }

    fn json(code: u16) -> String {
        format!(r#"{{"method":"PUT","path":"/\u00e9","response_code":{code},"response_flags":"URX,UF","start_time":null}}"#)
    }

    fn log() -> String {
        format!(
            "{STAMP}{}\n\n{STAMP}info envoy starting\r\n{}\n{STAMP}{}\r\n{}",
            text(200, "-"),
            text(503, "UH"),
            json(504),
            json(0)
        )
    }

    fn read(wanted: AccessWanted, log: &str, piece: usize) -> AccessLog {
        let source = LogSource { namespace: Some("n".into()), pod: Some("p".into()) };
        let mut reader = AccessReader::new(Arc::default(), source, Arc::new(wanted));
        log.as_bytes().chunks(piece).for_each(|piece| reader.push(piece));
        reader.finish()
    }

    fn codes(log: &AccessLog) -> Vec<u64> {
        log.rows.iter().map(|row| row.access().code.unwrap()).collect()
    }

    #[test]
    fn lines_become_rows_whatever_the_pieces_and_others_are_counted() {
        for piece in [1, 7, 100, 10_000] {
            let found = read(AccessWanted::default(), &log(), piece);
            assert_eq!((codes(&found), found.lines, found.skipped), (vec![200, 503, 504, 0], 4, 1));
            let row = found.rows[2].access();
            assert_eq!(row.path.as_deref(), Some("/é"));
            assert_eq!(row.time.as_deref(), Some(STAMP.trim()), "the time of logging stands in");
            assert_eq!((row.pod.as_deref(), row.flags), (Some("p"), vec!["URX".to_owned(), "UF".to_owned()]));
            assert!(row.flag_meaning.unwrap().contains("UF: no connection"));
        }
    }

    #[test]
    fn a_column_alone_says_the_same_as_in_the_whole() {
        for row in read(AccessWanted::default(), &log(), 100).rows {
            let all = row.access();
            for column in 0..=AccessLine::schema().columns.len() {
                assert_eq!(row.value(column), all.value(column));
                let mut cells = [Cell::default(), Cell::default()];
                row.cell(column, &mut cells[0]);
                all.cell(column, &mut cells[1]);
                assert_eq!(cells[0].text(), cells[1].text());
            }
        }
    }

    use crate::cell::Cell;

    #[test]
    fn only_what_is_wanted_is_kept() {
        let keep = |wanted| codes(&read(wanted, &log(), 100));
        assert_eq!(keep(AccessWanted { codes: vec![(500, 599)], ..AccessWanted::default() }), [503, 504]);
        assert_eq!(keep(AccessWanted { flags: vec!["UF".into()], ..AccessWanted::default() }), [504, 0]);
        assert_eq!(
            keep(AccessWanted { flags: vec!["-".into(), "NoHealthyUpstream".into()], ..AccessWanted::default() }),
            [200, 503]
        );
        assert_eq!(keep(AccessWanted { grep: Regex::new("PUT").ok(), ..AccessWanted::default() }), [504, 0]);
        let get = |line: &AccessLine| line.access().method.as_deref() == Some("GET");
        assert_eq!(keep(AccessWanted { fits: Some(Box::new(get)), ..AccessWanted::default() }), [200, 503]);
    }

    #[test]
    fn what_is_not_kept_needs_no_room() {
        let line = format!("{}\n", text(200, "-"));
        let seldom = |line: &AccessLine| line.access().code == Some(503);
        let wanted = AccessWanted { fits: Some(Box::new(seldom)), ..AccessWanted::default() };
        let mut reader = AccessReader::new(Arc::default(), LogSource::default(), Arc::new(wanted));
        for _ in 0..3 {
            (0..1000).for_each(|_| reader.push(line.as_bytes()));
            reader.push(format!("{}\n", text(503, "UH")).as_bytes());
        }
        let found = reader.finish();
        assert_eq!((found.rows.len(), found.lines), (3, 3003));
        assert!(found.rows.iter().all(|row| row.block.text.len() < 1000));
    }

    #[test]
    fn a_format_may_begin_with_a_time_itself() {
        let formats = AccessFormats::new(&[super::super::access_config::Configured::Text(
            "%START_TIME% %RESPONSE_CODE% %REQ(X-A)%".into(),
        )])
        .unwrap();
        for line in ["2026-11-22T13:08:40.059Z 404 me", "2026-11-22T13:08:41.26Z 2026-11-22T13:08:40.059Z 404 me"] {
            let mut reader = AccessReader::new(Arc::new(formats.clone()), LogSource::default(), Arc::default());
            reader.push(line.as_bytes());
            let row = reader.finish().rows[0].access();
            assert_eq!((row.time.as_deref(), row.code), (Some("2026-11-22T13:08:40.059Z"), Some(404)));
            assert_eq!(row.more["REQ(X-A)"], "me");
        }
    }

    #[test]
    fn times_in_other_forms_are_told_in_one() {
        let formats = "[%START_TIME(%Y/%m/%dT%H:%M:%S%z)%] %RESPONSE_CODE%".to_owned();
        let formats = AccessFormats::new(&[super::super::access_config::Configured::Text(formats)]).unwrap();
        let mut reader = AccessReader::new(Arc::new(formats), LogSource::default(), Arc::default());
        reader.push(b"[2026/11/22T13:08:40+0000] 200");
        assert_eq!(reader.finish().rows[0].access().time.as_deref(), Some("2026-11-22T13:08:40Z"));
    }
}
