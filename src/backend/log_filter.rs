//! Keep the lines of a log that a pattern finds, while the log streams by.
//!
//! Memory is what is kept and the longest line, however long the log is.

use crate::error::{Error, Kind, Result};
use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::Look;

/// Whole lines are searched in windows of this size: large enough for the regex engine's speed, small enough that
/// a pattern which runs over line ends cannot read the rest of the log again for every line.
const WINDOW: usize = 256 * 1024;

/// Collects the lines that a pattern finds; without a pattern, all of them.
///
/// The pattern sees one line at a time, its time stamp included; `^` and `$` are the line's ends.
pub struct LogFilter {
    pattern: Option<Pattern>,
    carry: Vec<u8>,
    kept: Vec<u8>,
}

struct Pattern {
    regex: Regex,
    /// Whether looking through many lines at once finds the same lines as looking at each alone.
    many: bool,
}

impl LogFilter {
    /// A filter that keeps the lines which this regular expression finds.
    ///
    /// # Errors
    /// [`Kind::BadInput`] with the position when the pattern is no regular expression.
    pub fn new(grep: Option<&str>) -> Result<Self> {
        let pattern = grep.map(Pattern::new).transpose()?;
        Ok(Self { pattern, carry: Vec::new(), kept: Vec::new() })
    }

    /// Take the next piece of the log; it may end in the middle of a line.
    pub fn push(&mut self, chunk: &[u8]) {
        let Some(pattern) = &self.pattern else { return self.kept.extend_from_slice(chunk) };
        let mut rest = chunk;
        if !self.carry.is_empty() {
            let Some(end) = memchr(b'\n', chunk) else { return self.carry.extend_from_slice(chunk) };
            self.carry.extend_from_slice(&chunk[..=end]);
            pattern.search(&self.carry, &mut self.kept);
            self.carry.clear();
            rest = &chunk[end + 1..];
        }
        let whole = memrchr(b'\n', rest).map_or(0, |end| end + 1);
        pattern.search_windows(&rest[..whole], &mut self.kept);
        self.carry.extend_from_slice(&rest[whole..]);
    }

    /// The kept lines, in order, as they came.
    pub fn finish(mut self) -> Vec<u8> {
        if let Some(pattern) = &self.pattern {
            pattern.search(&self.carry, &mut self.kept);
        }
        self.kept
    }

    /// The lines kept so far; they are forgotten here. A last line without its end is kept for the next piece.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    /// Whether the pattern finds these lines, taken as one. Without a pattern nothing is even looked at.
    pub fn finds<T: AsRef<[u8]>>(&self, lines: impl FnOnce() -> T) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.regex.is_match(lines().as_ref()))
    }

    /// How many bytes are kept so far.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self> {
        let parsed = regex_syntax::ParserBuilder::new().utf8(false).multi_line(true).build().parse(text);
        let tree = parsed.map_err(|error| bad_pattern(text, &error))?;
        let regex = RegexBuilder::new(text).multi_line(true).build();
        let regex = regex.map_err(|error| Error::new(Kind::BadInput, format!("the pattern {text:?} cannot be used: {error}")))?;
        let looks = tree.properties().look_set();
        Ok(Self { regex, many: !looks.contains(Look::Start) && !looks.contains(Look::End) })
    }

    /// Search whole lines, a window at a time.
    fn search_windows(&self, mut lines: &[u8], kept: &mut Vec<u8>) {
        while lines.len() > WINDOW {
            let end = memrchr(b'\n', &lines[..WINDOW]).or_else(|| memchr(b'\n', lines)).map_or(lines.len(), |end| end + 1);
            self.search(&lines[..end], kept);
            lines = &lines[end..];
        }
        self.search(lines, kept);
    }

    fn search(&self, lines: &[u8], kept: &mut Vec<u8>) {
        if self.many { self.search_many(lines, kept) } else { self.search_each(lines, kept) }
    }

    /// Let the regex engine run over line ends, and look at a line only where it stops.
    ///
    /// No line is missed: what a line matches alone, it matches here at the same place or earlier.
    fn search_many(&self, lines: &[u8], kept: &mut Vec<u8>) {
        let mut from = 0;
        while let Some(found) = self.regex.find_at(lines, from) {
            let start = memrchr(b'\n', &lines[from..found.start()]).map_or(from, |end| from + end + 1);
            if start == lines.len() {
                return; // an empty match after the last line end: there is no line
            }
            let end = memchr(b'\n', &lines[found.start()..]).map_or(lines.len(), |end| found.start() + end);
            let next = lines.len().min(end + 1);
            if found.end() <= end || self.regex.is_match(&lines[start..end]) {
                kept.extend_from_slice(&lines[start..next]);
            }
            if next == lines.len() {
                return;
            }
            from = next;
        }
    }

    fn search_each(&self, lines: &[u8], kept: &mut Vec<u8>) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if self.regex.is_match(line.strip_suffix(b"\n").unwrap_or(line)) {
                kept.extend_from_slice(line);
            }
        }
    }
}

fn bad_pattern(text: &str, error: &regex_syntax::Error) -> Error {
    let (place, why) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start.offset, error.kind().to_string()),
        other => (0, other.to_string()),
    };
    let position = text.get(..place).map_or(place, |before| before.chars().count()) + 1;
    Error::new(Kind::BadInput, format!("the pattern {text:?} is no regular expression: {why}, at character {position}"))
        .hint("write a backslash before a character that is meant literally: \\( \\[ \\. \\?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grep(pattern: &str, log: &str) -> String {
        let mut filter = LogFilter::new(Some(pattern)).unwrap();
        filter.push(log.as_bytes());
        String::from_utf8(filter.finish()).unwrap()
    }

    /// What grep means, said line by line.
    fn slow(pattern: &str, log: &str) -> String {
        let regex = RegexBuilder::new(pattern).multi_line(true).build().unwrap();
        log.split_inclusive('\n').filter(|line| regex.is_match(line.trim_end_matches('\n').as_bytes())).collect()
    }

    #[test]
    fn keeps_the_lines_that_are_found_and_their_order() {
        assert_eq!(grep("b", "a\nb1\nc\nb2"), "b1\nb2");
        assert_eq!(grep("nothing", "a\nb\n"), "");
    }

    #[test]
    fn without_a_pattern_everything_is_kept() {
        let mut filter = LogFilter::new(None).unwrap();
        filter.push(b"a\n\xff");
        filter.push(b"b");
        assert_eq!(filter.finish(), b"a\n\xffb");
    }

    #[test]
    fn a_pattern_never_joins_two_lines() {
        assert_eq!(grep(r"a\s+b", "a\nb\na b\n"), "a b\n");
        assert_eq!(grep("(?s)a.*b", "a\nb\nxa\nab\n"), "ab\n");
        assert_eq!(grep("[^x]b", "a\nb\n"), "");
    }

    #[test]
    fn line_ends_are_the_pattern_s_ends() {
        assert_eq!(grep("^b$", "ab\nb\nbc\nb"), "b\nb");
        assert_eq!(grep(r"\Ab\z", "ab\nb\nbc\nb"), "b\nb");
        assert_eq!(grep("^$", "a\n\nb\n"), "\n");
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_position() {
        let error = LogFilter::new(Some("é(x")).err().unwrap();
        assert_eq!(error.kind(), Kind::BadInput);
        assert!(error.message().contains("unclosed group, at character 2"), "{error}");
    }

    #[test]
    fn memory_is_what_is_kept() {
        let mut filter = LogFilter::new(Some("needle")).unwrap();
        let chunk = "a line of the log without it\n".repeat(1000);
        for _ in 0..100 {
            filter.push(chunk.as_bytes());
        }
        assert!(filter.kept.capacity() + filter.carry.capacity() < 1000);
    }

    #[test]
    fn lines_longer_than_a_window_are_searched_too() {
        let long = format!("{}needle\nshort\n", "x".repeat(2 * WINDOW));
        assert_eq!(grep("needle", &long).len(), long.len() - 6);
    }

    proptest! {
        #[test]
        fn pieces_and_windows_do_not_matter(
            log in "[ab \n]{0,60}", cuts in prop::collection::vec(0usize..60, 0..5),
            pattern in prop::sample::select(vec!["a", "ab", "a b", "^a", "b$", r"a\s", r"\Aa", "(?s)a.b", "^$", "", r"\bab\b", "a|b{2}"]),
        ) {
            let mut filter = LogFilter::new(Some(pattern)).unwrap();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(log.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts {
                filter.push(&log.as_bytes()[from..cut]);
                from = cut;
            }
            filter.push(&log.as_bytes()[from..]);
            prop_assert_eq!(String::from_utf8(filter.finish()).unwrap(), slow(pattern, &log));
        }
    }
}
