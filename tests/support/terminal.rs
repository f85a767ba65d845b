//! The real binary on a pseudo-terminal: type keys, wait for what the screen shows.
//!
//! Tests wait for the screen and never for a time; each wait ends after [`PATIENCE`] with the screen in the message.

use super::run::{TempDir, binary};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long the screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
const ROWS: u16 = 30;
const COLUMNS: u16 = 100;

/// The line editor writes this whenever it begins to read.
const PROMPT: &[u8] = b"\x1b[?2004h";

/// Ctrl-C.
pub const CTRL_C: &str = "\u{3}";
/// Ctrl-D.
pub const CTRL_D: &str = "\u{4}";

/// A running session.
pub struct Terminal {
    parser: Arc<Mutex<vt100::Parser>>,
    prompts: Arc<AtomicUsize>,
    prompts_before: usize,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Start the binary with this home; nothing of the caller's environment reaches it but `PATH`.
    pub fn start(home: &TempDir, args: &[&str]) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal can be opened");
        let mut command = CommandBuilder::new(binary());
        command.args(args);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).expect("the program can be started");
        let number = |number| NonZeroU16::new(number).expect("not zero");
        let parser = Arc::new(Mutex::new(vt100::Parser::new(number(ROWS), number(COLUMNS), 0)));
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let (screen, prompts) = (parser.clone(), Arc::new(AtomicUsize::new(0)));
        let count = prompts.clone();
        std::thread::spawn(move || {
            let (mut bytes, mut all) = ([0; 4096], Vec::new());
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                screen.lock().expect("nobody panics with it").process(&bytes[..read]);
                all.extend_from_slice(&bytes[..read]);
                count.store(memchr::memmem::find_iter(&all, PROMPT).count(), SeqCst);
            }
        });
        let keys = pair.master.take_writer().expect("the terminal can be written");
        Self { parser, prompts, prompts_before: 0, keys, child, master: pair.master }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Press keys.
    pub fn press(&mut self, keys: &str) {
        self.prompts_before = self.prompts.load(SeqCst);
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("the terminal takes keys");
    }

    /// Press keys, then Enter.
    pub fn line(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        self.parser.lock().expect("nobody panics with it").screen().contents()
    }

    /// Wait until the screen fulfils a condition.
    #[track_caller]
    pub fn wait(&mut self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if condition(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "the screen never showed {what}:\n{screen}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Wait until the screen shows a text.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Wait until the program reads again after the last keys: only then are keys edited, and not echoed by the kernel.
    #[track_caller]
    pub fn prompt(&mut self) -> String {
        let (prompts, before) = (self.prompts.clone(), self.prompts_before);
        self.wait("a new prompt", |screen| prompts.load(SeqCst) > before && screen.trim_end().ends_with('>'))
    }

    /// How the terminal is set: what it does with what is typed, and whether it marks what is pasted.
    pub fn modes(&self) -> (String, bool) {
        let modes = self.master.get_termios().expect("a terminal has modes");
        let parser = self.parser.lock().expect("nobody panics with it");
        (format!("{:?} {:?}", modes.input_flags, modes.local_flags), parser.screen().bracketed_paste())
    }

    /// Wait for the program's end; gives its exit code.
    #[track_caller]
    pub fn end(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "the program did not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, most of the time.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
