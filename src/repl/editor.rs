//! The line editor at a terminal.

use super::assistant::Assistant;
use super::history_file::HistoryFile;
use super::keys::{self, Hands};
use super::settings::{EditMode, Settings};
use super::{Next, Session, external, history, leave, startup};
use crate::error::{Error, Kind, Result};
use crate::render::style;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};
use std::sync::Arc;

/// Read and evaluate until Ctrl-D.
pub(super) fn run(session: &Session) -> Result<u8> {
    let mut lines = Lines::new(session).map_err(|error| no_terminal(&error))?;
    style::write_stderr(&greeting(session));
    startup::run(session);
    let pilotage = session.pilotage();
    std::thread::scope(|scope| {
        // The first key wants to know what can be called: that is found out while the prompt is looked at. Where there is no
        // thread for it, that key does it.
        let _ = std::thread::Builder::new().name("catalog".into()).spawn_scoped(scope, move || {
            pilotage.catalog();
        });
        converse(session, &mut lines)
    })
}

fn converse(session: &Session, lines: &mut Lines) -> Result<u8> {
    let mut dropped = 0;
    loop {
        let read = lines.read(&session.prompt());
        dropped = if matches!(read, Err(ReadlineError::Interrupted)) { dropped + 1 } else { 0 };
        match read {
            Ok(input) => {
                if lines.take(input) == Next::Quit {
                    return Ok(0);
                }
            }
            // Ctrl-C drops what was being typed, as in shells. Who presses it again looks for the way out.
            Err(ReadlineError::Interrupted) if dropped == 2 => {
                style::write_stderr(&(session.looks.err().paint(style::FAINT, "Ctrl-D leaves") + "\n"));
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) if leave::may(session) => return Ok(0),
            Err(ReadlineError::Eof) => {}
            Err(error) => return Err(no_terminal(&error)),
        }
    }
}

fn greeting(session: &Session) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let place = session.ground.place();
    let acting = if place.acting.user.is_some() { format!(" {}", place.acting) } else { String::new() };
    let line = format!("pilotage {version} on {}{acting} · :help · Ctrl-D leaves", place.described);
    session.looks.err().paint(style::FAINT, &line) + "\n"
}

fn no_terminal(error: &ReadlineError) -> Error {
    Error::new(Kind::File, "the terminal cannot be read").caused_by(error)
}

/// The inputs that somebody types.
struct Lines<'a> {
    session: &'a Session<'a>,
    editor: Editor<Assistant<'a>, MemHistory>,
    hands: Arc<Hands>,
    file: Option<HistoryFile>,
}

impl<'a> Lines<'a> {
    fn new(session: &'a Session<'a>) -> rustyline::Result<Self> {
        let config = config(session)?;
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history)?;
        let hands = Hands::new(session.pilotage());
        keys::bind(&mut editor, &hands);
        editor.set_helper(Some(Assistant::new(session, hands.clone())));
        let file = session.history.as_ref().map(|path| HistoryFile::new(path, session.settings().history));
        for input in file.iter().flat_map(HistoryFile::load) {
            editor.add_history_entry(input)?;
        }
        Ok(Self { session, editor, hands, file })
    }

    /// The next input; on the way it may have been in the user's own editor.
    fn read(&mut self, prompt: &(String, String)) -> rustyline::Result<String> {
        self.hands.begin(self.session.pilotage(), self.session.settings().aliases.clone());
        if let Some(assistant) = self.editor.helper_mut() {
            assistant.begin();
        }
        self.follow()?;
        let mut draft = String::new();
        loop {
            let line = self.editor.readline_with_initial(prompt, (&draft, ""))?;
            if !self.hands.goes_elsewhere() {
                return Ok(line);
            }
            draft = self.session.aside(|| external::edit_text(&line)).unwrap_or_else(|error| {
                self.session.fail(&error);
                line
            });
        }
    }

    /// What was set since the last input holds.
    fn follow(&mut self) -> rustyline::Result<()> {
        let settings = self.session.settings();
        self.editor.set_color_mode(color_mode(self.session));
        self.editor.set_edit_mode(edit_mode(&settings));
        self.editor.set_max_history_size(settings.history)?;
        self.file = self.session.history.as_ref().map(|path| HistoryFile::new(path, settings.history));
        Ok(())
    }

    /// Take an input, and those that it leads to.
    fn take(&mut self, input: String) -> Next {
        let mut next = Next::Input(input);
        while let Next::Input(input) = next {
            self.keep(&input);
            next = self.session.take(&input);
        }
        next
    }

    /// Keep an input at once: another session, or a crash, must not lose it.
    fn keep(&mut self, input: &str) {
        if !history::keeps(input) || !self.editor.add_history_entry(input).unwrap_or(false) {
            return;
        }
        if let Some(file) = &self.file {
            // Without a writable home the history lasts as long as the session.
            let _ = file.append(input);
        }
    }
}

fn edit_mode(settings: &Settings) -> rustyline::EditMode {
    match settings.edit_mode {
        EditMode::Emacs => rustyline::EditMode::Emacs,
        EditMode::Vi => rustyline::EditMode::Vi,
    }
}

fn color_mode(session: &Session) -> ColorMode {
    if session.looks.out().color { ColorMode::Forced } else { ColorMode::Disabled }
}

fn config(session: &Session) -> rustyline::Result<Config> {
    let config = Config::builder()
        .max_history_size(session.settings().history)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .completion_prompt_limit(usize::MAX)
        .color_mode(color_mode(session))
        .edit_mode(edit_mode(&session.settings()))
        .auto_add_history(false);
    Ok(config.build())
}
