//! Signals: the first Ctrl-C stops what runs, one more stops pilotage; a closed terminal and SIGTERM end it in good order.

use super::terminal_modes::Modes;
use crate::error::{Error, Kind, Result};
use crate::host::Interrupt;
use crate::render::style;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of an interrupted program.
pub const INTERRUPTED: u8 = 130;
/// The number of SIGHUP: the terminal was closed.
const HANGUP: i32 = 1;
/// The number of SIGTERM.
const TERMINATE: i32 = 15;

/// How the program ends by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With everything put back.
    Orderly,
    /// Now.
    AtOnce,
}

/// What a signal still does before the program ends.
type AtEnd = Box<dyn Fn(End) + Send + Sync>;

/// What signals do, from the moment this exists.
#[derive(Clone)]
pub struct Signals(Arc<State>);

struct State {
    /// How the terminal was when the program began.
    modes: Modes,
    interrupt: OnceLock<Interrupt>,
    at_end: OnceLock<AtEnd>,
    presses: AtomicUsize,
    session: AtomicBool,
    /// Another program has the terminal.
    aside: AtomicBool,
    /// A signal ends the program: nobody else does.
    ending: AtomicBool,
}

struct Streams {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Take over Ctrl-C and the signals that end a program. When this returns, none is lost any more.
    ///
    /// # Errors
    /// When the system refuses a handler or a thread.
    pub fn listen() -> Result<Self> {
        let refused = |error: std::io::Error| Error::new(Kind::Internal, "Ctrl-C cannot be listened to").caused_by(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(refused)?;
        // Registered here and not in the thread: rustyline must find this handler in place, or it would put the
        // system's own back.
        let streams = {
            let _inside = runtime.enter();
            Streams::open().map_err(refused)?
        };
        let signals = Self(Arc::new(State::new()));
        let state = signals.0.clone();
        let work = move || runtime.block_on(state.watch(streams));
        std::thread::Builder::new().name("ctrl-c".into()).spawn(work).map_err(refused)?;
        Ok(signals)
    }

    /// From now on, Ctrl-C stops these scripts. A session survives one press more than a single command.
    pub fn stop(&self, interrupt: Interrupt, session: bool) {
        self.0.session.store(session, SeqCst);
        // There is one engine a process; a second one would be stopped by the first one's end.
        let _ = self.0.interrupt.set(interrupt);
    }

    /// What is still to be done when a signal ends the program.
    pub fn at_end(&self, work: impl Fn(End) + Send + Sync + 'static) {
        let _ = self.0.at_end.set(Box::new(work));
    }

    /// A new evaluation begins: earlier presses are forgotten.
    pub fn calm(&self) {
        self.0.presses.store(0, SeqCst);
    }

    /// Another program has the terminal, or has it no more: Ctrl-C reaches that one too, and is for it.
    pub fn aside(&self, other: bool) {
        self.0.aside.store(other, SeqCst);
    }

    /// Whether Ctrl-C was pressed since then.
    pub fn pressed(&self) -> bool {
        self.0.presses.load(SeqCst) > 0
    }

    /// All that was asked for is done: what is left is to put things back, and one more press leaves that.
    /// When a signal ends the program, this does not return: its thread does what is left.
    pub fn last_steps(&self) {
        self.0.session.store(false, SeqCst);
        while self.0.ending.load(SeqCst) {
            std::thread::park();
        }
    }
}

impl Streams {
    fn open() -> std::io::Result<Self> {
        // Under nohup the program is to outlive its terminal.
        let hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hangup })
    }

    async fn next(&mut self) -> Option<i32> {
        let hangup = async {
            match &mut self.hangup {
                Some(stream) => stream.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            pressed = self.interrupt.recv() => pressed.map(|()| 0),
            told = self.terminate.recv() => told.map(|()| TERMINATE),
            closed = hangup => closed.map(|()| HANGUP),
        }
    }
}

/// Whether the program was started with SIGHUP ignored. Where that cannot be told, it was not.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

impl State {
    fn new() -> Self {
        Self {
            modes: Modes::now(),
            interrupt: OnceLock::new(),
            at_end: OnceLock::new(),
            presses: AtomicUsize::new(0),
            session: AtomicBool::new(false),
            aside: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        }
    }

    async fn watch(self: Arc<Self>, mut streams: Streams) {
        while let Some(number) = streams.next().await {
            match number {
                0 => self.pressed(),
                number => self.end(number),
            }
        }
    }

    fn pressed(&self) {
        if self.aside.load(SeqCst) {
            return;
        }
        let presses = self.presses.fetch_add(1, SeqCst) + 1;
        let Some(interrupt) = self.interrupt.get().filter(|_| !self.ending.load(SeqCst)) else {
            self.leave(i32::from(INTERRUPTED))
        };
        match (self.session.load(SeqCst), presses) {
            (_, 1) => interrupt.trigger(),
            (true, 2) => style::write_stderr("still stopping; press Ctrl-C once more to leave pilotage\n"),
            _ => self.leave(i32::from(INTERRUPTED)),
        }
    }

    /// End the program for a signal, as its exit code tells; a second one does so at once.
    fn end(self: &Arc<Self>, number: i32) {
        let code = 128 + number;
        if self.ending.swap(true, SeqCst) {
            self.leave(code);
        }
        if let Some(interrupt) = self.interrupt.get() {
            interrupt.trigger();
        }
        let state = self.clone();
        // In a thread of its own, so that a second signal is heard.
        let work = move || {
            state.modes.restore();
            if let Some(at_end) = state.at_end.get() {
                at_end(End::Orderly);
            }
            std::process::exit(code)
        };
        if std::thread::Builder::new().name("end".into()).spawn(work).is_err() {
            self.leave(code);
        }
    }

    fn leave(&self, code: i32) -> ! {
        self.modes.restore();
        if let Some(at_end) = self.at_end.get() {
            at_end(End::AtOnce);
        }
        std::process::exit(code)
    }
}
