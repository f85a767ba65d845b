//! How the terminal was when the program began, for leaving it so when a signal ends the program in the middle of a line.

use crate::render::style;
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::io::stdin;

/// Ends what the line editor begins with each prompt, that pasted text is marked; then a new line.
const LEAVE_PROMPT: &[u8] = b"\x1b[?2004l\n";

/// The terminal's modes at the start; none where standard input is no terminal.
#[derive(Debug)]
pub struct Modes(Option<Termios>);

impl Modes {
    /// As they are now.
    pub fn now() -> Self {
        Self(tcgetattr(stdin()).ok())
    }

    /// Set them again if the line editor, or a program that asked for a password, has changed them.
    pub fn restore(&self) {
        let Some(first) = &self.0 else { return };
        // From the background a program must not touch its terminal: the shell uses it, and the kernel would stop us.
        let foreground = || tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp());
        let changed = |now: Termios| (now.local_modes, now.input_modes) != (first.local_modes, first.input_modes);
        if foreground() && tcgetattr(stdin()).is_ok_and(changed) {
            // A terminal that is gone needs neither.
            let _ = tcsetattr(stdin(), OptionalActions::Now, first);
            let _ = style::to_stdout(|out| out.write_all(LEAVE_PROMPT));
        }
    }
}
