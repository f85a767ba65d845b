//! `:table`, `:tree`, `:json`, `:yaml`, `:csv` and `:markdown`: a result that was kept, whole, in another form.

use super::command::{Command, Takes};
use super::{Next, Session};
use crate::error::{Error, Kind, Result};
use crate::host::Files;
use crate::render::tamed::Tamed;
use crate::render::{self, Format, Look, tree};
use crate::report::Content;
use std::io::{self, Write};
use std::path::PathBuf;

const ARGUMENT: &str = "[N] [> FILE]";

/// The whole in its usual form.
pub const TABLE: Command = Command {
    names: &["table"],
    argument: ARGUMENT,
    takes: Takes::Result,
    about: "shows the last result, or the Nth, whole: all rows, all lines",
    manual: MANUAL,
    run: |session, argument| again(session, argument, Form::Usual),
};

/// As a tree.
pub const TREE: Command = Command {
    names: &["tree"],
    argument: ARGUMENT,
    takes: Takes::Result,
    about: "shows a result as a tree, with all that is nested in it",
    manual: "",
    run: |session, argument| again(session, argument, Form::Tree),
};

/// As JSON.
pub const JSON: Command = Command {
    names: &["json"],
    argument: ARGUMENT,
    takes: Takes::Result,
    about: "shows a result as JSON; `:json > FILE` keeps it in a file",
    manual: "",
    run: |session, argument| again(session, argument, Form::Data(Format::Json)),
};

/// As YAML.
pub const YAML: Command = Command {
    names: &["yaml"],
    argument: ARGUMENT,
    takes: Takes::Result,
    about: "shows a result as YAML",
    manual: "",
    run: |session, argument| again(session, argument, Form::Data(Format::Yaml)),
};

/// As CSV.
pub const CSV: Command = Command {
    names: &["csv"],
    argument: ARGUMENT,
    takes: Takes::Result,
    about: "shows a result as comma-separated values, with the columns that a table leaves out",
    manual: "",
    run: |session, argument| again(session, argument, Form::Data(Format::Csv)),
};

/// As Markdown.
pub const MARKDOWN: Command = Command {
    names: &["markdown", "md"],
    argument: ARGUMENT,
    takes: Takes::Result,
    about: "shows a result as Markdown, for a ticket",
    manual: "",
    run: |session, argument| again(session, argument, Form::Data(Format::Markdown)),
};

const MANUAL: &str = "\
Results are kept as they came: `_` is the last, `out[3]` the third, `out[-2]` the last but one, `out` lists them, and `_e` is the \
last failure. The last 100 are kept, fewer when more than half of the memory is in use that scripts may use. They are there for \
what is typed and in no playbook; `let out = …` hides them.

At a terminal a result is cut to the screen, and this shows all of it, through the pager when it is longer: `PAGER`, else less. \
`:table 3` shows the third result, and `:table > FILE` writes it to a file.
";

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Usual,
    Tree,
    Data(Format),
}

/// What stood behind the command.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    number: i64,
    file: Option<PathBuf>,
}

impl Wanted {
    fn read(argument: &str) -> Result<Self> {
        let (number, file) = match argument.split_once('>') {
            Some((number, file)) => (number.trim(), Some(file.trim())),
            None => (argument.trim(), None),
        };
        let wrong = |message: String| {
            Error::new(Kind::BadInput, message).hint("as in `:json`, `:json 3` for out[3], `:json > FILE`, `:json 3 > FILE`")
        };
        let inner = number.strip_prefix("out[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(number);
        let number = match inner {
            "" | "_" => -1,
            inner => inner.parse().map_err(|_| wrong(format!("{number:?} is no number of a result")))?,
        };
        match file {
            Some("") => Err(wrong("no file is named behind the >".into())),
            file => Ok(Self { number, file: file.map(Files::at_home) }),
        }
    }
}

fn again(session: &Session, argument: &str, form: Form) -> Result<Next> {
    let wanted = Wanted::read(argument)?;
    let shown = session.pilotage().result(wanted.number)?;
    match wanted.file {
        None => Ok(session.show_whole(&|out, look| write(out, &shown.content, form, look))),
        Some(file) => {
            let failed =
                |error: &io::Error| Error::new(Kind::File, format!("{} cannot be written", file.display())).caused_by(error);
            let out = std::fs::File::create(&file).map_err(|error| failed(&error))?;
            let mut out = io::BufWriter::new(out);
            write(&mut out, &shown.content, form, &Look::plain()).and_then(|()| out.flush()).map_err(|error| failed(&error))?;
            session.note(&format!("out[{}] is in {}", shown.number.unwrap_or_default(), file.display()));
            Ok(Next::Go)
        }
    }
}

/// Write the whole of a result in a form.
pub(super) fn write(out: &mut dyn Write, content: &Content, form: Form, look: &Look) -> io::Result<()> {
    match form {
        Form::Usual if look.terminal => render::brief::whole(out, content, look),
        Form::Usual => render::write(out, content, Format::Text, look),
        Form::Tree => tree::write(out, &content.into(), tree::Limits::NONE, look),
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
        let file = |name: &str| Some(PathBuf::from(name));
        assert_eq!(read(""), Ok((-1, None)));
        assert_eq!(read("3"), Ok((3, None)));
        assert_eq!(read("out[-2]"), Ok((-2, None)));
        assert_eq!(read("_ > a b.json"), Ok((-1, file("a b.json"))));
        assert_eq!(read("3>x"), Ok((3, file("x"))));
        for wrong in ["x", "3 4", "3 >", ">", "out[x]"] {
            assert!(Wanted::read(wrong).is_err_and(|error| error.next_step().is_some()), "{wrong}");
        }
    }
}
