//! What the output looks like: colours if they are wanted, a width if there is one.

use super::theme::{Ink, Role, Theme};
use crate::report::Severity;
use anstyle::Style;
use std::io::Write;

pub use super::theme::{
    BAD, BRACKET, COMMENT, DOUBT, FAINT, FUNCTION, GOOD, HEADING, KEYWORD, KNOWN, NUMBER, PROD, PROMPT, STRING, UNKNOWN,
};

/// How text is made: colours and width.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Columns to fit into; `None` is as wide as it takes.
    pub width: Option<usize>,
    /// Whether colours are written.
    pub color: bool,
    /// Whether a terminal shows it: then control characters of what a cluster said are shown, not obeyed.
    pub terminal: bool,
    /// Whether the width was asked for, and stays when the terminal's changes.
    pub fixed: bool,
    /// The colours that somebody chose; `None` for the usual ones.
    pub theme: Option<Theme>,
}

impl Look {
    /// No colours, no limit: what a pipe and a test get.
    pub const fn plain() -> Self {
        Self { width: None, color: false, terminal: false, fixed: false, theme: None }
    }

    /// No colours, and this width.
    pub const fn fitted(width: usize) -> Self {
        Self { width: Some(width), ..Self::plain() }
    }

    /// What standard output asks for. `width`, unless it is 0, and `color: false` come from the command line and win.
    pub fn stdout(width: Option<usize>, color: bool) -> Self {
        Self::of(&std::io::stdout(), width, color, size(std::io::stdout()))
    }

    /// What standard error asks for.
    pub fn stderr(width: Option<usize>, color: bool) -> Self {
        Self::of(&std::io::stderr(), width, color, size(std::io::stderr()))
    }

    fn of(stream: &impl anstream::stream::RawStream, width: Option<usize>, color: bool, size: Option<u16>) -> Self {
        let terminal = stream.is_terminal();
        let width = width.filter(|width| *width > 0);
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse().ok());
        let color = color && wants_color(stream);
        let fixed = width.is_some() || columns.is_some_and(|columns: usize| columns > 0);
        Self { width: choose_width(width, terminal, columns, size), color, terminal, fixed, theme: None }
    }

    /// The same on the terminal as it is now: it may have another width than when the program began.
    #[must_use]
    pub fn now(self) -> Self {
        let size = if self.terminal && !self.fixed { size(std::io::stdout()) } else { None };
        Self { width: size.map_or(self.width, |size| choose_width(None, true, None, Some(size))), ..self }
    }

    /// The text in the colours of what it is, if colours are on.
    pub fn paint(&self, ink: impl Into<Ink>, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = self.style(ink);
        format!("{style}{text}{style:#}")
    }

    /// The colours of what a text is; none if colours are off.
    pub fn style(&self, ink: impl Into<Ink>) -> Style {
        if self.color { self.theme.as_ref().unwrap_or_else(|| Theme::usual()).style(ink) } else { Style::new() }
    }
}

/// `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM=dumb` and whether somebody looks at all.
fn wants_color(stream: &impl anstream::stream::RawStream) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// An explicit width wins; a pipe has none; a terminal has the one it says, or the user's `COLUMNS`.
fn choose_width(asked: Option<usize>, terminal: bool, columns: Option<usize>, size: Option<u16>) -> Option<usize> {
    let found = columns.or(size.map(usize::from)).filter(|width| *width > 0);
    asked.or(if terminal { found.or(Some(80)) } else { None }).map(|width| width.max(20))
}

/// The sign and word of a severity: the sign for the glance, the word for who sees no colour.
pub fn severity(severity: Severity) -> (&'static str, &'static str, Ink) {
    match severity {
        Severity::Ok => ("✓", "ok", GOOD.into()),
        Severity::Info => ("i", "info", KNOWN.into()),
        Severity::Warning => ("!", "warning", DOUBT.bold()),
        Severity::Error => ("✗", "error", BAD.bold()),
    }
}

/// The colour of a status word, whatever says it: Kubernetes, Envoy, istiod or a finding.
pub fn status(word: &str) -> Option<Role> {
    let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let begins = |start: &str| word.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    let ends = |end: &str| {
        word.len().checked_sub(end.len()).and_then(|at| word.get(at..)).is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    let good = ["ok", "healthy", "running", "ready", "synced", "active", "succeeded", "completed", "allowed", "valid", "bound"];
    let doubt =
        ["warning", "degraded", "pending", "stale", "not sent", "draining", "unknown", "terminating", "warming", "timeout"];
    let bad =
        ["error", "unhealthy", "failed", "failure", "denied", "expired", "oomkilled", "evicted", "nack", "refused", "invalid"];
    if is(&good) {
        Some(GOOD)
    } else if is(&doubt) {
        Some(DOUBT)
    } else if is(&bad) || ends("backoff") || begins("errimage") || begins("failed_") {
        Some(BAD)
    } else if is(&["info"]) {
        Some(KNOWN)
    } else {
        None
    }
}

/// Columns and lines of the terminal; of one that does not say, what was usual.
pub fn screen() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let known = size.map(|(width, height)| (usize::from(width.0), usize::from(height.0)));
    known.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((80, 24))
}

/// How many columns the terminal has, if it is one and says so.
fn size(stream: impl std::os::fd::AsFd) -> Option<u16> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| width.0)
}

/// Write to standard output, piece by piece. A reader who left (a closed pipe) has seen enough: that is no failure, and
/// ends the writing at once.
///
/// # Errors
/// When it cannot be written for another reason, such as a full disk.
pub fn to_stdout(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.flush());
    // What a failed writer still holds would only be tried again.
    drop(out.into_parts());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Write a text to standard output.
///
/// # Errors
/// As for [`to_stdout`].
pub fn write_stdout(text: &str) -> std::io::Result<()> {
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// Write a text to standard output while more is to come; `false` when that is in vain.
pub fn stream_stdout(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Write to standard error. Nobody can be told when that fails.
pub fn write_stderr(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_no_width_and_an_explicit_one_wins() {
        assert_eq!(choose_width(None, false, Some(100), Some(90)), None);
        assert_eq!(choose_width(Some(50), false, None, None), Some(50));
        assert_eq!(choose_width(None, true, Some(100), Some(90)), Some(100));
        assert_eq!(choose_width(None, true, None, Some(90)), Some(90));
        assert_eq!(choose_width(None, true, Some(0), None), Some(80));
    }

    #[test]
    fn a_width_of_nothing_is_the_terminals() {
        let look = |width| Look::of(&std::io::stdout(), width, false, Some(90));
        assert_eq!(look(Some(0)), look(None));
        assert_eq!((look(Some(50)).width, look(Some(50)).fixed), (Some(50), true));
    }

    #[test]
    fn absurd_widths_leave_room_to_say_something() {
        assert_eq!(choose_width(Some(1), true, None, None), Some(20));
    }

    #[test]
    fn colour_is_only_written_when_wanted() {
        let look = Look { color: true, ..Look::plain() };
        assert_eq!(look.paint(BAD, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Look::plain().paint(BAD, "x"), "x");
    }

    #[test]
    fn status_words_are_known_in_any_case() {
        assert_eq!(status("HEALTHY"), Some(GOOD));
        assert_eq!(status("CrashLoopBackOff"), Some(BAD));
        assert_eq!(status("shop"), None);
    }
}
