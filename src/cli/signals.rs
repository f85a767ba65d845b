//! Ctrl-C: the first stops what runs, one more stops pilotage.

use crate::error::{Error, Kind, Result};
use crate::host::Interrupt;
use crate::render::style;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of an interrupted program.
pub const INTERRUPTED: u8 = 130;

/// What Ctrl-C does, from the moment this exists.
#[derive(Debug, Clone, Default)]
pub struct Signals(Arc<State>);

#[derive(Debug, Default)]
struct State {
    interrupt: OnceLock<Interrupt>,
    presses: AtomicUsize,
    session: std::sync::atomic::AtomicBool,
}

impl Signals {
    /// Take over Ctrl-C. When this returns, no press is lost any more.
    ///
    /// # Errors
    /// When the system refuses a handler or a thread.
    pub fn listen() -> Result<Self> {
        let refused = |error: std::io::Error| Error::new(Kind::Internal, "Ctrl-C cannot be listened to").caused_by(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(refused)?;
        // Registered here and not in the thread: rustyline must find this handler in place, or it would put the
        // system's own back.
        let stream = {
            let _inside = runtime.enter();
            signal(SignalKind::interrupt()).map_err(refused)?
        };
        let signals = Self::default();
        let state = signals.0.clone();
        let work = move || runtime.block_on(state.watch(stream));
        std::thread::Builder::new().name("ctrl-c".into()).spawn(work).map_err(refused)?;
        Ok(signals)
    }

    /// From now on, Ctrl-C stops these scripts. A session survives one press more than a single command.
    pub fn stop(&self, interrupt: Interrupt, session: bool) {
        self.0.session.store(session, SeqCst);
        // There is one engine a process; a second one would be stopped by the first one's end.
        let _ = self.0.interrupt.set(interrupt);
    }

    /// A new evaluation begins: earlier presses are forgotten.
    pub fn calm(&self) {
        self.0.presses.store(0, SeqCst);
    }

    /// Whether Ctrl-C was pressed since then.
    pub fn pressed(&self) -> bool {
        self.0.presses.load(SeqCst) > 0
    }
}

impl State {
    async fn watch(&self, mut stream: Signal) {
        while stream.recv().await.is_some() {
            let presses = self.presses.fetch_add(1, SeqCst) + 1;
            let Some(interrupt) = self.interrupt.get() else { leave() };
            match (self.session.load(SeqCst), presses) {
                (_, 1) => interrupt.trigger(),
                (true, 2) => style::write_stderr("still stopping; press Ctrl-C once more to leave pilotage\n"),
                _ => leave(),
            }
        }
    }
}

fn leave() -> ! {
    std::process::exit(i32::from(INTERRUPTED))
}
