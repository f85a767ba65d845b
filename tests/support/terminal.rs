//! The real binary on a pseudo-terminal: type keys, wait for what the screen shows.
//!
//! Tests wait for the screen and never for a time; each wait ends after [`PATIENCE`] with the screen in the message.

use super::run::{TempDir, binary};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How long the screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked at where nothing is written.
const AGAIN: Duration = Duration::from_millis(5);
/// Rows and columns, unless a test wants others.
const SIZE: (u16, u16) = (30, 100);

/// The line editor writes this whenever it begins to read.
const PROMPT: &[u8] = b"\x1b[?2004h";

/// Ctrl-C.
pub const CTRL_C: &str = "\u{3}";
/// Ctrl-D.
pub const CTRL_D: &str = "\u{4}";
/// The arrows.
pub const UP: &str = "\u{1b}[A";
/// Down.
pub const DOWN: &str = "\u{1b}[B";
/// Right.
pub const RIGHT: &str = "\u{1b}[C";
/// Left.
pub const LEFT: &str = "\u{1b}[D";

/// All that the program wrote, and whom to tell that there is more.
#[derive(Default)]
struct Written {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Written {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().expect("nobody panics with it")
    }

    /// Wait until it is so, looking whenever more was written; gives whether it became so in time.
    fn wait(&self, is: impl Fn() -> bool) -> bool {
        let begun = Instant::now();
        let mut bytes = self.bytes();
        while !is() {
            if begun.elapsed() > PATIENCE {
                return false;
            }
            // What is waited for may be something else than what is written.
            bytes = self.more.wait_timeout(bytes, AGAIN).expect("nobody panics with it").0;
        }
        true
    }
}

/// A running session.
pub struct Terminal {
    parser: Arc<Mutex<vt100::Parser>>,
    prompts: Arc<AtomicUsize>,
    prompts_before: usize,
    raw: Arc<Written>,
    reading: std::thread::JoinHandle<()>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Start the binary with this home; nothing of the caller's environment reaches it but `PATH`.
    pub fn start(home: &TempDir, args: &[&str]) -> Self {
        Self::sized(SIZE, home, args, &[])
    }

    /// The same on a terminal of so many rows and columns, with these variables besides or instead.
    pub fn sized((rows, cols): (u16, u16), home: &TempDir, args: &[&str], env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal can be opened");
        let mut command = CommandBuilder::new(binary());
        command.args(args);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        env.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).expect("the program can be started");
        let parser = Arc::new(Mutex::new(vt100::Parser::new(number(rows), number(cols), 0)));
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let (screen, prompts) = (parser.clone(), Arc::new(AtomicUsize::new(0)));
        let (count, raw) = (prompts.clone(), Arc::<Written>::default());
        let written = raw.clone();
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                screen.lock().expect("nobody panics with it").process(&bytes[..read]);
                let mut all = written.bytes();
                let unseen = all.len().saturating_sub(PROMPT.len() - 1);
                all.extend_from_slice(&bytes[..read]);
                count.fetch_add(memchr::memmem::find_iter(&all[unseen..], PROMPT).count(), SeqCst);
                written.more.notify_all();
            }
        });
        let keys = pair.master.take_writer().expect("the terminal can be written");
        Self { parser, prompts, prompts_before: 0, raw, reading, keys, child, master: pair.master }
    }

    /// Give the terminal another size, as a user does with the mouse.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        self.parser.lock().expect("nobody panics with it").screen_mut().set_size(number(rows), number(cols));
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a terminal can be resized");
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

    /// Clear the screen, and wait until it is: what was shown before is not what comes next.
    #[track_caller]
    pub fn clear(&mut self) {
        self.press("\u{c}");
        self.wait("a clear screen", |screen| screen.trim_end().lines().count() < 2);
    }

    /// Press keys, then Enter.
    pub fn line(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        self.parser.lock().expect("nobody panics with it").screen().contents()
    }

    /// All that the program wrote.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.raw.bytes()).into_owned()
    }

    /// Where the cursor is: row and column, from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.parser.lock().expect("nobody panics with it").screen().cursor_position()
    }

    /// Wait until the cursor is in this column.
    #[track_caller]
    pub fn wait_for_column(&self, column: u16) {
        let found = self.raw.wait(|| self.cursor().1 == column);
        assert!(found, "the cursor never came to column {column} from {}", self.cursor().1);
    }

    /// Wait until the last row that shows a text has these colours. A text is there before its last colours are.
    #[track_caller]
    pub fn wait_for_colors(&self, text: &str, colors: &str) {
        let found = self.raw.wait(|| self.colors(text) == colors);
        assert!(found, "{} never became {colors}", self.colors(text));
    }

    /// The last row that shows a text, with its colours: `[magenta let] x = [yellow 1]`.
    fn colors(&self, text: &str) -> String {
        let parser = self.parser.lock().expect("nobody panics with it");
        let (screen, (rows, cols)) = (parser.screen(), parser.screen().size());
        let row = (0..rows.get()).rev().find(|row| line(screen, *row).contains(text));
        let Some(row) = row else { return format!("no row shows {text}:\n{}", screen.contents()) };
        let (mut out, mut ink) = (String::new(), String::new());
        for cell in (0..cols.get()).filter_map(|col| screen.cell(row, col)).filter(|cell| cell.has_contents()) {
            let own = if cell.contents().trim().is_empty() { ink.clone() } else { inks(cell) };
            if own != ink {
                // A blank has no colour to be seen: it stands outside.
                let blanks = out.len() - out.trim_end().len();
                out.truncate(out.len() - blanks);
                out.push_str(if ink.is_empty() { "" } else { "]" });
                out.push_str(&" ".repeat(blanks));
                out.push_str(&if own.is_empty() { String::new() } else { format!("[{own} ") });
                ink = own;
            }
            out.push_str(cell.contents());
        }
        out.trim_end().to_owned() + if ink.is_empty() { "" } else { "]" }
    }

    /// Wait until the screen fulfils a condition.
    #[track_caller]
    pub fn wait(&mut self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let last = RefCell::default();
        let found = self.raw.wait(|| {
            let screen = self.screen();
            let is = condition(&screen);
            last.replace(screen);
            is
        });
        assert!(found, "the screen never showed {what}:\n{}", last.borrow());
        last.into_inner()
    }

    /// Press keys again and again until the screen fulfils a condition: for programs that drop what was typed.
    #[track_caller]
    pub fn press_until(&mut self, keys: &str, condition: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !condition(&self.screen()) {
            assert!(begun.elapsed() < PATIENCE, "{keys:?} never did it:\n{}", self.screen());
            self.press(keys);
            std::thread::sleep(AGAIN * 10);
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
        // The screen must be looked at after that, or it may be the one from before the keys.
        self.wait("a new prompt", |_| prompts.load(SeqCst) > before);
        self.wait("a new prompt", |screen| screen.trim_end().ends_with('>'))
    }

    /// How long the program takes from these keys until it reads again.
    #[track_caller]
    pub fn takes(&mut self, keys: &str) -> Duration {
        let pressed = Instant::now();
        self.press(keys);
        while self.prompts.load(SeqCst) == self.prompts_before {
            assert!(pressed.elapsed() < PATIENCE, "there is no new prompt:\n{}", self.screen());
            std::thread::sleep(Duration::from_micros(200));
        }
        pressed.elapsed()
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
            let ended = self.child.try_wait().expect("a child can be waited for");
            // What it wrote last is on the screen when nobody can write any more.
            if let Some(status) = ended.filter(|_| self.reading.is_finished()) {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "the program did not end:\n{}", self.screen());
            std::thread::sleep(AGAIN);
        }
    }
}

fn number(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("not zero")
}

fn line(screen: &vt100::Screen, row: u16) -> String {
    screen.rows(0, screen.size().1.get()).nth(usize::from(row)).unwrap_or_default()
}

/// The colours of a cell, in words.
fn inks(cell: &vt100::Cell) -> String {
    const NAMES: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
    let color = match cell.fgcolor() {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(NAMES.get(usize::from(index)).copied().unwrap_or("bright")),
        vt100::Color::Rgb(..) => Some("rgb"),
    };
    let marks = [(cell.bold(), "bold"), (cell.dim(), "dim"), (cell.underline(), "underlined")];
    let marks = marks.into_iter().filter(|(set, _)| *set).map(|(_, name)| name);
    marks.chain(color).collect::<Vec<_>>().join(" ")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, most of the time.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
