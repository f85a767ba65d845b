//! `:examples`: what the reference shows, run before one's eyes on the demo tape.

use super::command::{Command, Takes};
use super::{Next, Session, show};
use crate::Pilotage;
use crate::backend::demo;
use crate::error::{Error, Kind, Result};
use crate::host::{Entry, Example, Output};
use crate::render::{self, Format, Look, style};
use std::sync::Arc;

/// Run the examples of a function, or of a module.
pub const EXAMPLES: Command = Command {
    names: &["examples"],
    argument: "NAME",
    takes: Takes::Entry,
    about: "runs the examples of a function, a module or a family on the demo: `:examples endpoints`",
    manual: "They run on the demo tape in an engine of their own, whatever the session is connected to: nothing of the session is \
             touched.",
    run: examples,
};

fn examples(session: &Session, name: &str) -> Result<Next> {
    if name.is_empty() {
        return Err(Error::new(Kind::BadInput, ":examples needs a name").hint("such as `:examples endpoints`"));
    }
    let pilotage = session.pilotage();
    let name = name.trim_end_matches("()").trim_end_matches("::");
    let catalog = pilotage.catalog();
    let named = catalog.named(name);
    let entries: Vec<&Entry> =
        if named.is_empty() { catalog.entries.iter().filter(|entry| entry.family == name).collect() } else { named };
    if entries.is_empty() {
        let error = Error::new(Kind::NotFound, format!("there is no function, module or family {name}"));
        return Err(match catalog.suggest(name) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint("help() shows all that there is"),
        });
    }
    session.print(&session.looks.out().paint(style::FAINT, "on the demo tape, not on what this session is connected to\n"));
    session.ground.before();
    let outcome = run_all(session, &pilotage, &entries);
    session.ground.after();
    outcome
}

fn run_all(session: &Session, pilotage: &Pilotage, entries: &[&Entry]) -> Result<Next> {
    let mut next = Next::Go;
    for example in entries.iter().flat_map(|entry| &entry.examples) {
        // Each in an engine of its own, for none needs another; and Ctrl-C stops it as it stops the session's.
        let engine = Pilotage::builder(Arc::new(demo()?))
            .interrupt(pilotage.interrupt())
            .output(Arc::new(Printer(session.looks.out())))
            .build()?;
        session.print(&format!("\n{}\n", prompted(example, &session.looks.out())));
        match engine.eval(&example.code) {
            Ok(content) => next = session.write(|out| render::write(out, &content, Format::Text, &session.looks.out())),
            Err(failure) => {
                style::write_stderr(&show::failure(&failure, &session.looks.err()));
                next = Next::Failed(failure.error.exit_code());
                if failure.error.kind() == Kind::Interrupted {
                    break;
                }
            }
        }
        for note in engine.take_notes() {
            style::write_stderr(&show::note(&note, &session.looks.err()));
        }
    }
    Ok(next)
}

/// The code as it would be typed.
fn prompted(example: &Example, look: &Look) -> String {
    let lines: Vec<String> = example
        .code
        .lines()
        .enumerate()
        .map(|(number, line)| format!("{} {}", if number == 0 { "demo>" } else { "    |" }, look.paint(style::KNOWN, line)))
        .collect();
    lines.join("\n")
}

/// What an example prints while it runs.
struct Printer(Look);

impl Output for Printer {
    fn print(&self, text: &str) {
        // A full disk shows again, and is told, when the result is written.
        let _ = style::to_stdout(|out| out.write_all(show::printed(text, &self.0).as_bytes()));
    }
}
