//! How results are shown: at a terminal as much as the screen holds, with their number; whole when that is asked for, and
//! always where nobody types.

use super::reshow::{self, Form};
use super::{Next, Session, pager};
use crate::error::{Error, Kind};
use crate::host::{Interrupt, TokenKind, is_secret_typed, tokens};
use crate::pilotage::Shown;
use crate::render::{self, Format, Look, brief, style, tame};
use crate::report::{Content, Report};
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// A wait that is shorter is not worth telling.
const LONG: Duration = Duration::from_secs(1);
/// The most bytes that are written before Ctrl-C is heard.
const AT_ONCE: usize = 1 << 13;

impl Session<'_> {
    /// Whether somebody types here and looks at what comes.
    fn is_typed(&self) -> bool {
        self.looks.out().terminal && io::stdin().is_terminal()
    }

    /// Print a value as text.
    pub(super) fn show(&self, content: &Content) -> Next {
        self.write(|out| render::write(out, content, Format::Text, &self.looks.out()))
    }

    /// Print what an input gave, and how long that took.
    pub(super) fn show_result(&self, shown: &Shown, took: Duration) -> Next {
        match self.ground.format() {
            Format::Text if matches!(shown.content, Content::Page(_)) => return self.show_page(&shown.content),
            Format::Text if self.is_typed() => {}
            Format::Text => return self.show(&shown.content),
            format => return self.show_as(shown, format, took),
        }
        let look = self.looks.out();
        let label = label(shown, took);
        if let Some(line) = beside(&shown.content, &label, &look) {
            return self.print(&line);
        }
        let (_, lines) = style::screen();
        let next = match nothing(shown, &look) {
            Some(line) => self.print(&line),
            None => self.write(|out| brief::write(out, &shown.content, &look, lines)),
        };
        self.tell_label(&label);
        next
    }

    /// Print it whole, in the form that was chosen.
    fn show_as(&self, shown: &Shown, format: Format, took: Duration) -> Next {
        if matches!(shown.content, Content::Nothing) {
            return Next::Go;
        }
        let next = self.show_whole(&|out, look| reshow::write(out, shown, Form::Data(format), look));
        if self.is_typed() {
            self.tell_label(&label(shown, took));
        }
        next
    }

    /// Print a report, and the number that it has among the results.
    pub(super) fn show_report(&self, report: &Report, kept: &Shown, took: Duration) -> Next {
        let format = self.ground.format();
        let next = self.show_whole(&|out, look| render::write_report(out, report, format, look));
        if self.is_typed() {
            self.tell_label(&label(kept, took));
        }
        next
    }

    fn tell_label(&self, label: &str) {
        if !label.is_empty() {
            style::write_stderr(&(self.looks.err().paint(style::FAINT, label) + "\n"));
        }
    }

    /// Print a page of help.
    pub(super) fn show_page(&self, page: &Content) -> Next {
        self.show_whole(&|out, look| render::write(out, page, Format::Text, look))
    }

    /// Print something that may be longer than the screen: through a pager then, if somebody looks and there is one.
    pub(super) fn show_whole(&self, write: &dyn Fn(&mut dyn Write, &Look) -> io::Result<()>) -> Next {
        let look = self.looks.out();
        if !self.is_typed() {
            return self.write(|out| write(out, &look));
        }
        if let Some(command) = pager::command(&self.settings().pager) {
            match self.aside(|| pager::page(&command, style::screen(), |out| write(out, &look))) {
                Ok(pager::Paged::Shown) => return Next::Go,
                Ok(pager::Paged::NotRun) => self.note(&format!("the pager {command} cannot be run; `PAGER` names another")),
                Err(error) => {
                    return self.fail(&Error::new(Kind::File, "the pager could not be written to").caused_by(&error));
                }
            }
        }
        let interrupt = self.pilotage().interrupt();
        interrupt.renew();
        self.ground.before();
        let next = self.write(|out| write(&mut Stoppable { out, interrupt: &interrupt }, &look));
        if interrupt.is_triggered() {
            return self.fail_interrupted();
        }
        next
    }

    fn fail_interrupted(&self) -> Next {
        style::write_stderr("interrupted\n");
        Next::Failed(Error::new(Kind::Interrupted, "interrupted").exit_code())
    }
}

/// `out[3] · 12 rows · 2.3 s`
fn label(shown: &Shown, took: Duration) -> String {
    let mut parts = Vec::new();
    if let Some(number) = shown.number {
        parts.push(format!("out[{number}]"));
    }
    if let Content::Table(table) = &shown.content
        && table.rows.len() > 1
    {
        parts.push(format!("{} rows", render::grouped(table.rows.len())));
    }
    if took >= LONG {
        parts.push(format!("{:.1} s", took.as_secs_f64()));
    }
    parts.join(" · ")
}

/// What is shown in place of a result that is empty: what was asked, since a name that is wrong in it is often why.
pub(super) fn nothing(shown: &Shown, look: &Look) -> Option<String> {
    let empty = match &shown.content {
        Content::Table(table) => table.rows.is_empty(),
        Content::Value(Value::Array(items)) => items.is_empty(),
        _ => false,
    };
    let asked = last_statement(&shown.typed);
    if !empty || asked.is_empty() || is_secret_typed(&shown.typed) {
        return None;
    }
    let line = render::line(&format!("no rows: {asked}")).into_owned();
    let fitted = look.width.map_or(line.as_str().into(), |width| render::middle(&line, width));
    Some(look.paint(style::FAINT, &fitted) + "\n")
}

/// The last statement of a text, without comments around it. After a block that no semicolon ends, the block is part of it.
fn last_statement(typed: &str) -> &str {
    let (mut depth, mut last, mut ended) = (0_usize, 0..0, true);
    for token in tokens(typed) {
        match token.kind {
            TokenKind::Comment | TokenKind::OpenComment => continue,
            TokenKind::Semicolon if depth == 0 => {
                ended = true;
                continue;
            }
            TokenKind::Open | TokenKind::InterpolationBegin => depth += 1,
            TokenKind::Close | TokenKind::InterpolationEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = if std::mem::take(&mut ended) { token.range } else { last.start..token.range.end };
    }
    &typed[last]
}

/// A scalar with the label at the right edge of its line, if both have room there.
fn beside(content: &Content, label: &str, look: &Look) -> Option<String> {
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Value(value) if !value.is_array() && !value.is_object() => match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
        _ => return None,
    };
    let text = tame(&text);
    let left = look.width?.checked_sub(render::width(&text) + render::width(label))?;
    let plain = !text.is_empty() && !text.contains(['\n', '\t']) && !label.is_empty();
    (plain && left > 2).then(|| format!("{text}{}{}\n", " ".repeat(left), look.paint(style::FAINT, label)))
}

/// Hears Ctrl-C between two pieces.
struct Stoppable<'a> {
    out: &'a mut dyn Write,
    interrupt: &'a Interrupt,
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupt.is_triggered() {
            // As when a reader leaves: nobody wants to see more.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.out.write(&bytes[..bytes.len().min(AT_ONCE)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(value: Value, number: usize) -> Shown {
        Shown { content: Content::Value(value), number: Some(number), typed: String::new() }
    }

    #[test]
    fn the_label_tells_number_rows_and_a_long_time() {
        assert_eq!(label(&shown(json!(1), 3), Duration::from_millis(900)), "out[3]");
        assert_eq!(label(&shown(json!(1), 3), Duration::from_millis(2345)), "out[3] · 2.3 s");
        let rows = vec![vec![json!(1)]; 1200];
        let table = crate::report::Table { columns: vec!["n".into()], rows: rows.into(), ..Default::default() };
        let table = Shown { content: Content::Table(table), ..shown(json!(1), 4) };
        assert_eq!(label(&table, Duration::ZERO), "out[4] · 1,200 rows");
        assert_eq!(label(&Shown { content: Content::Nothing, number: None, typed: String::new() }, Duration::ZERO), "");
    }

    #[test]
    fn where_nothing_was_found_stands_what_was_asked() {
        let none = |typed: &str, width| nothing(&Shown { typed: typed.into(), ..shown(json!([]), 1) }, &Look::fitted(width));
        for (typed, asked) in [
            ("pods(\"shopp\")", "pods(\"shopp\")"),
            (
                "let ns = \"a;b\"; pods(ns).filter(|p| { let x = 1; x == p }) // none",
                "pods(ns).filter(|p| { let x = 1; x == p })",
            ),
            ("pods(`a${1;2}`)\n  .where(#{ a: 1 })", "pods(`a${1;2}`)↵  .where(#{ a: 1 })"),
            ("let x = 1; []; ", "[]"),
        ] {
            assert_eq!(none(typed, 100), Some(format!("no rows: {asked}\n")), "{typed}");
        }
        assert_eq!(none("pods(\"a-very-long-namespace\")", 24).as_deref(), Some("no rows: pod…namespace\")\n"));
        assert_eq!(none("decode(\"token=hunter2hunter2hunter2hunter2\")", 100), None, "a secret is not said again");
        assert_eq!(nothing(&Shown { typed: "[1]".into(), ..shown(json!([1]), 1) }, &Look::plain()), None);
    }

    #[test]
    fn a_scalar_has_its_number_at_the_edge() {
        let look = Look::fitted(20);
        let line = |value| beside(&Content::Value(value), "out[3]", &look);
        assert_eq!(line(json!(42)).as_deref(), Some("42            out[3]\n"));
        assert_eq!(line(json!("網")).as_deref(), Some("網            out[3]\n"));
        assert_eq!(line(json!("a text that needs it")), None);
        assert_eq!((line(json!("a\nb")), line(json!("")), line(json!([1]))), (None, None, None));
        assert_eq!(beside(&Content::Value(json!(1)), "", &look), None);
    }

    #[test]
    fn ctrl_c_ends_the_writing() {
        let interrupt = Interrupt::default();
        let mut out = Vec::new();
        let mut stoppable = Stoppable { out: &mut out, interrupt: &interrupt };
        stoppable.write_all(&[b'x'; 100_000]).expect("it is not stopped");
        interrupt.trigger();
        assert_eq!(stoppable.write_all(b"more").expect_err("stopped").kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(out.len(), 100_000);
    }
}
