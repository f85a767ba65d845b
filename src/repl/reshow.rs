//! `:table`, `:tree`, `:json`, `:yaml`, `:csv` and `:markdown`: a result that was kept, whole, in another form.

use super::command::{Command, Takes};
use super::{Next, Session, results};
use crate::error::{Error, Kind, Result};
use crate::host::Files;
use crate::pilotage::Shown;
use crate::render::tamed::Tamed;
use crate::render::{self, Format, Look, tree};
use std::io::{self, Write};
use std::path::PathBuf;

/// A command that shows a result.
const fn shows(names: &'static [&'static str], about: &'static str, run: fn(&Session, &str) -> Result<Next>) -> Command {
    Command { names, argument: "[N] [> FILE]", takes: Takes::Result(&[]), about, manual: "", run }
}

/// The whole in its usual form.
pub const TABLE: Command = Command {
    manual: MANUAL,
    ..shows(&["table"], "shows the last result, or the Nth, whole: all rows, all lines", |session, argument| {
        again(session, argument, Form::Usual)
    })
};

/// As a tree.
pub const TREE: Command = Command {
    argument: "[N] [depth=D] [> FILE]",
    takes: Takes::Result(&[DEPTH]),
    ..shows(&["tree"], "shows a result as a tree, with all that is nested in it, or so many levels of it", |session, argument| {
        again(session, argument, Form::Tree(tree::Limits::NONE))
    })
};

/// As JSON.
pub const JSON: Command = shows(&["json"], "shows a result as JSON; `:json > FILE` keeps it in a file", |session, argument| {
    again(session, argument, Form::Data(Format::Json))
});

/// As YAML.
pub const YAML: Command =
    shows(&["yaml"], "shows a result as YAML", |session, argument| again(session, argument, Form::Data(Format::Yaml)));

/// As CSV.
pub const CSV: Command =
    shows(&["csv"], "shows a result as comma-separated values, with the columns that a table leaves out", |session, argument| {
        again(session, argument, Form::Data(Format::Csv))
    });

/// As Markdown.
pub const MARKDOWN: Command = shows(&["markdown", "md"], "shows a result as Markdown, for a ticket", |session, argument| {
    again(session, argument, Form::Data(Format::Markdown))
});

/// Stands before the levels of a tree.
const DEPTH: &str = "depth=";

const MANUAL: &str = "\
Results are kept as they came: `_` is the last, `out[3]` the third, `out[-2]` the last but one, `out` lists them, and `_e` is the \
last failure. The last 100 are kept, fewer when more than half of the memory is in use that scripts may use. They are there for \
what is typed and in no playbook; `let out = …` hides them.

At a terminal a result is cut to the screen, and this shows all of it, through the pager when it is longer: `PAGER`, else less. \
`:table 3` shows the third result, and `:table > FILE` writes it to a file. `:tree 3 depth=2` shows two levels of it.
";

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Usual,
    /// As deep as that.
    Tree(tree::Limits),
    Data(Format),
}

/// What stood behind the command.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    number: i64,
    depth: Option<usize>,
    file: Option<PathBuf>,
}

impl Wanted {
    fn read(argument: &str) -> Result<Self> {
        let (typed, file) = match argument.split_once('>') {
            Some((typed, file)) => (typed.trim(), Some(file.trim())),
            None => (argument.trim(), None),
        };
        let wrong = |message: String| {
            Error::new(Kind::BadInput, message)
                .hint("as in `:json`, `:json 3` for out[3], `:json > FILE`, `:json 3 > FILE`, `:tree 3 depth=2`")
        };
        let (number, depth) = match typed.rsplit_once(DEPTH) {
            Some((number, depth)) => (number.trim(), Some(depth)),
            None => (typed, None),
        };
        let levels = |depth: &str| {
            let levels = depth.parse().ok().filter(|levels| *levels > 0);
            levels.ok_or_else(|| wrong(format!("{depth:?} is no number of levels")))
        };
        let inner = number.strip_prefix("out[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(number);
        let number = match inner {
            "" | "_" => -1,
            inner => inner.parse().map_err(|_| wrong(format!("{number:?} is no number of a result")))?,
        };
        match file {
            Some("") => Err(wrong("no file is named behind the >".into())),
            file => Ok(Self { number, depth: depth.map(levels).transpose()?, file: file.map(Files::at_home) }),
        }
    }
}

fn again(session: &Session, argument: &str, form: Form) -> Result<Next> {
    let wanted = Wanted::read(argument)?;
    let form = match (form, wanted.depth) {
        (form, None) => form,
        (Form::Tree(all), Some(depth)) => Form::Tree(tree::Limits { depth, ..all }),
        _ => return Err(Error::new(Kind::BadInput, "only a tree has a depth").hint("`:tree depth=2` shows two levels")),
    };
    let shown = session.pilotage().result(wanted.number)?;
    match wanted.file {
        None => Ok(session.show_whole(&|out, look| write(out, &shown, form, look))),
        Some(file) => {
            let failed =
                |error: &io::Error| Error::new(Kind::File, format!("{} cannot be written", file.display())).caused_by(error);
            let out = std::fs::File::create(&file).map_err(|error| failed(&error))?;
            let mut out = io::BufWriter::new(out);
            write(&mut out, &shown, form, &Look::plain()).and_then(|()| out.flush()).map_err(|error| failed(&error))?;
            session.note(&format!("out[{}] is in {}", shown.number.unwrap_or_default(), file.display()));
            Ok(Next::Go)
        }
    }
}

/// Write the whole of a result in a form.
pub(super) fn write(out: &mut dyn Write, shown: &Shown, form: Form, look: &Look) -> io::Result<()> {
    let content = &shown.content;
    match form {
        Form::Usual if look.terminal => match results::nothing(shown, look) {
            Some(line) => out.write_all(line.as_bytes()),
            None => render::brief::whole(out, content, look),
        },
        Form::Usual => render::write(out, content, Format::Text, look),
        Form::Tree(limits) => tree::write(out, &content.into(), limits, look),
        Form::Data(format) if look.terminal => {
            let mut tamed = Tamed::new(out);
            render::write(&mut tamed, content, format, look).and_then(|()| tamed.flush())
        }
        Form::Data(format) => render::write(out, content, format, look),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_file_may_stand_behind_it() {
        let read = |argument: &str| Wanted::read(argument).map(|wanted| (wanted.number, wanted.file));
        let depth = |argument: &str| Wanted::read(argument).map(|wanted| (wanted.number, wanted.depth));
        let file = |name: &str| Some(PathBuf::from(name));
        assert_eq!(read(""), Ok((-1, None)));
        assert_eq!(read("3"), Ok((3, None)));
        assert_eq!(read("out[-2]"), Ok((-2, None)));
        assert_eq!(read("_ > a b.json"), Ok((-1, file("a b.json"))));
        assert_eq!(read("3>x"), Ok((3, file("x"))));
        assert_eq!((depth("depth=2"), depth("3 depth=1")), (Ok((-1, Some(2))), Ok((3, Some(1)))));
        assert_eq!((depth("out[1] depth=4 > x"), depth("2")), (Ok((1, Some(4))), Ok((2, None))));
        for wrong in ["depth=", "depth=0", "depth=x", "depth=2 3", "3 4 depth=1"] {
            assert!(Wanted::read(wrong).is_err_and(|error| error.next_step().is_some()), "{wrong}");
        }
        for wrong in ["x", "3 4", "3 >", ">", "out[x]"] {
            assert!(Wanted::read(wrong).is_err_and(|error| error.next_step().is_some()), "{wrong}");
        }
    }
}
