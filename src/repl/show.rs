//! Failures and notes of scripts, as the session and the commands print them.

use crate::error::Kind;
use crate::host::{Failure, INPUT};
use crate::render::diagnostic::{self, Diagnostic};
use crate::render::{Look, style, tame};

/// A failure with its place, its way there, its causes and the next step.
pub fn failure(failure: &Failure, look: &Look) -> String {
    if failure.error.kind() == Kind::Interrupted {
        return "interrupted\n".into();
    }
    let named = |file: &str| if file == INPUT { String::new() } else { file.to_owned() };
    let frame = |frame: &crate::host::Frame| diagnostic::Frame {
        function: frame.function.clone(),
        file: named(&frame.file),
        at: frame.place.map(|place| (place.line, place.column)),
    };
    let frames: Vec<diagnostic::Frame> = failure.frames.iter().map(frame).collect();
    let file = named(&failure.file);
    let shown = Diagnostic {
        error: &failure.error,
        file: &file,
        source: failure.source.as_deref(),
        at: failure.position.map(|place| (place.line, place.column)),
        frames: &frames,
    };
    diagnostic::render(&shown, look)
}

/// Something worth knowing that is no failure.
pub fn note(text: &str, look: &Look) -> String {
    diagnostic::headline("note", style::KNOWN, text, look)
}

/// A script's print, with its line end.
pub fn printed(text: &str, look: &Look) -> String {
    if look.terminal { format!("{}\n", tame(text)) } else { format!("{text}\n") }
}

/// A size in the unit that keeps it short.
pub fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{:.1} kB", size as f64 / 1e3),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}
