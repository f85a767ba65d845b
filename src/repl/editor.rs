//! The line editor at a terminal.

use super::{Next, Session, complete, history, startup};
use crate::error::{Error, Kind, Result};
use crate::render::style;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper, Highlighter, Hinter};

/// Read and evaluate until Ctrl-D.
pub(super) fn run(session: &Session) -> Result<u8> {
    let mut editor = editor(session).map_err(|error| no_terminal(&error))?;
    style::write_stderr(&greeting(session));
    startup::run(session);
    let plain = format!("{}> ", session.place);
    let prompt = (plain.clone(), session.out.paint(style::PROMPT, &plain));
    loop {
        match editor.readline(&prompt) {
            Ok(input) => {
                keep(&mut editor, session, &input);
                if session.take(&input) == Next::Quit {
                    return Ok(0);
                }
            }
            // Ctrl-C drops what was being typed, as in shells.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(0),
            Err(error) => return Err(no_terminal(&error)),
        }
    }
}

fn greeting(session: &Session) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let line = format!("pilotage {version} on {} · :help · Ctrl-D leaves", session.greeting);
    session.err.paint(style::FAINT, &line) + "\n"
}

fn no_terminal(error: &ReadlineError) -> Error {
    Error::new(Kind::File, "the terminal cannot be read").caused_by(error)
}

fn editor<'a>(session: &'a Session<'a>) -> rustyline::Result<Editor<Assistant<'a>, FileHistory>> {
    let config = Config::builder()
        .max_history_size(history::MOST)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .auto_add_history(false)
        .build();
    let history = FileHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(Assistant { session }));
    if let Some(file) = &session.history {
        // The first session has no history; an unreadable one must not keep anybody from working.
        let _ = editor.load_history(file);
    }
    Ok(editor)
}

/// Keep an input at once: another session, or a crash, must not lose it.
fn keep(editor: &mut Editor<Assistant, FileHistory>, session: &Session, input: &str) {
    if !history::keeps(input) || !editor.add_history_entry(input).unwrap_or(false) {
        return;
    }
    if let Some(file) = &session.history {
        // Without a writable home the history lasts as long as the session.
        let _ = history::prepare(file).map(|()| editor.append_history(file));
    }
}

/// What the editor asks while somebody types.
#[derive(Helper, Hinter, Highlighter)]
struct Assistant<'a> {
    session: &'a Session<'a>,
}

impl Validator for Assistant<'_> {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        // An empty line at the end forces evaluation: then the parser says what is missing.
        let incomplete = !input.ends_with("\n") && self.session.is_incomplete(input);
        Ok(if incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Assistant<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _context: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete::candidates(self.session, line, pos))
    }
}
