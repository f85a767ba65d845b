//! What is longer than the screen goes through the user's pager.

use super::settings::Pager;
use crate::render::style;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufWriter, Write, stdin};
use std::process::{Child, Command, Stdio};

/// What a shell says for a command that it does not find, or may not run.
const NOT_RUN: [i32; 2] = [126, 127];
/// What pages where the user chose nothing.
const STANDARD: &str = "less";

/// What pages: a command for a shell. Nothing when nothing shall, or can.
pub(super) fn command(setting: &Pager) -> Option<String> {
    let chosen = match setting {
        Pager::Never => return None,
        Pager::Command(command) => return Some(command.clone()),
        Pager::Auto => std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty()),
    };
    // What cannot move the cursor cannot page.
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    chosen.or_else(|| (!dumb && is_installed(STANDARD)).then(|| STANDARD.to_owned()))
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// How paging went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Paged {
    /// It was shown, or as much of it as somebody wanted to see.
    Shown,
    /// The pager could not be run: nothing was shown.
    NotRun,
}

/// Write to standard output what fits the screen, and anything longer to a pager. Who leaves a pager has seen enough: that is
/// no failure.
///
/// # Errors
/// Those of writing; never those of the pager.
pub(super) fn page(
    command: &str,
    screen: (usize, usize),
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Paged> {
    let mut out = Out { command, screen, held: Vec::new(), lines: 0, pager: None };
    let mut buffered = BufWriter::with_capacity(1 << 13, &mut out);
    let written = write(&mut buffered).and_then(|()| buffered.flush());
    // What a failed writer still holds would only be tried again.
    drop(buffered.into_parts());
    let Some(Running { child, modes, .. }) = out.pager.take() else {
        written?;
        return style::to_stdout(|stdout| stdout.write_all(&out.held)).map(|()| Paged::Shown);
    };
    let outcome = end(child);
    restore(modes);
    match (written, outcome) {
        (_, Ok(false)) | (Err(_), Err(_)) => Ok(Paged::NotRun),
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Ok(Paged::NotRun),
        (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(Paged::Shown),
    }
}

/// Wait until the user has left it; `false` when there never was one.
fn end(mut child: Child) -> io::Result<bool> {
    // The end of the text: a pager waits for it.
    drop(child.stdin.take());
    let status = child.wait()?;
    Ok(!status.code().is_some_and(|code| NOT_RUN.contains(&code)))
}

/// A pager that was killed leaves the terminal as it used it.
fn restore(modes: Option<Termios>) {
    if let Some(modes) = modes {
        // A terminal that is gone needs it no more.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
    }
}

struct Running {
    child: Child,
    modes: Option<Termios>,
}

/// Holds a screenful; with more, starts the pager.
struct Out<'a> {
    command: &'a str,
    /// Columns and lines.
    screen: (usize, usize),
    held: Vec<u8>,
    lines: usize,
    pager: Option<Running>,
}

impl Out<'_> {
    fn start(&mut self) -> io::Result<&mut Running> {
        let modes = tcgetattr(stdin()).ok();
        let mut command = Command::new("sh");
        command.arg("-c").arg(self.command).stdin(Stdio::piped());
        // Colours pass, a screen's text stays after the end; a terminal that forgot to say so shows UTF-8 all the same.
        for (name, value) in [("LESS", "FRX"), ("LESSCHARSET", "utf-8"), ("LV", "-c")] {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        let child = command.spawn()?;
        Ok(self.pager.insert(Running { child, modes }))
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(running) = &mut self.pager {
            return into(running, bytes);
        }
        let (columns, lines) = self.screen;
        self.held.extend_from_slice(bytes);
        // A long line takes several of the screen.
        self.lines += memchr::memchr_iter(b'\n', bytes).count().max(bytes.len() / columns.max(1));
        if self.lines + 1 >= lines {
            let held = std::mem::take(&mut self.held);
            self.start()?;
            self.write_all(&held)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn into(running: &mut Running, bytes: &[u8]) -> io::Result<usize> {
    match &mut running.child.stdin {
        Some(pipe) => pipe.write(bytes),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(out: &mut dyn Write) -> io::Result<()> {
        (0..50_000).try_for_each(|number| writeln!(out, "line {number}"))
    }

    #[test]
    fn all_of_a_long_text_reaches_the_pager() {
        let file = std::env::temp_dir().join(format!("pilotage-paged-{}", std::process::id()));
        let command = format!("sh -c 'printenv LESSCHARSET; cat' > {}", file.display());
        assert_eq!(page(&command, (80, 24), long).expect("it is written"), Paged::Shown);
        let text = std::fs::read_to_string(&file).expect("it was written");
        std::fs::remove_file(&file).expect("it is there");
        assert_eq!(
            (text.lines().count(), text.lines().nth(1), text.lines().last()),
            (50_001, Some("line 0"), Some("line 49999"))
        );
    }

    #[test]
    fn who_leaves_a_pager_has_seen_enough() {
        for command in ["head -1 >/dev/null", "true", "false", "kill -9 $$"] {
            assert_eq!(page(command, (80, 24), long).expect(command), Paged::Shown, "{command}");
        }
    }

    #[test]
    fn a_pager_that_is_not_there_is_told_from_one_that_was_left() {
        assert_eq!(page("no-such-pager 2>/dev/null", (80, 24), long).expect("no failure"), Paged::NotRun);
        let broken = |_: &mut dyn Write| Err(io::Error::other("the disk is gone"));
        assert!(page("cat", (80, 24), broken).is_err());
    }

    #[test]
    fn a_setting_wins_over_the_environment() {
        assert_eq!(command(&Pager::Never), None);
        assert_eq!(command(&Pager::Command("more".into())).as_deref(), Some("more"));
        assert!(is_installed("sh") && !is_installed("no-such-program"));
    }
}
