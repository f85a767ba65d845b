//! What this program does for its session: it knows where questions go, and goes elsewhere.

use super::app::{App, Engine};
use super::config::Config;
use super::connect::{self, Source};
use super::options::Options;
use super::{app, meant, set, undo};
use crate::Pilotage;
use crate::backend::{ContextOf, Effect, Entry, Live, Recording, Which, contexts};
use crate::called::called;
use crate::error::{Error, Kind, Result};
use crate::host::{Failure, Session as Shared};
use crate::render::{Format, diagnostic};
use crate::repl::{self, Ground, Meant, Place, Setting, Settings, Target};
use crate::report::Table;
use crate::suggest::nearest;
use clap::ArgMatches;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// This program, around a session.
pub struct Here<'a> {
    app: &'a App,
    engine: &'a Engine,
    /// The options as they would have to be given to begin at the place at hand.
    now: Mutex<Options>,
    /// The same of the last live place.
    live: Mutex<Options>,
    /// What is configured, and what was set since.
    config: Mutex<Config>,
    /// The command line.
    typed: &'a ArgMatches,
}

impl<'a> Here<'a> {
    /// Where the options of the command line lead.
    pub fn new(app: &'a App, engine: &'a Engine, config: Config, typed: &'a ArgMatches) -> Self {
        let now = Options { record: None, ..app.options.clone() };
        let live = Options { tape: None, demo: false, ..now.clone() };
        Self { app, engine, now: Mutex::new(now), live: Mutex::new(live), config: Mutex::new(config), typed }
    }

    /// Go on asking the same place, as these options say.
    fn renew(&self, options: &Options) -> Result<()> {
        let source = self.source();
        if !source.backend.replays() {
            let here = source.backend.cluster();
            let known = options.context.is_none() && self.contexts()?.iter().any(|context| context.name == here);
            // The kubeconfig may name another context as the current one by now.
            let options = if known { Options { context: Some(here.clone()), ..options.clone() } } else { options.clone() };
            let (way, beside) = connect::ways(&options)?;
            if way.cluster() != here {
                let elsewhere = format!("the kubeconfig leads to {} by now, and no longer to {here}", way.cluster());
                return Err(Error::new(Kind::NoCluster, elsewhere).hint("`:context NAME` goes to one that it names"));
            }
            for (site, way) in source.sites.iter().zip([way, beside]) {
                site.renew(way);
            }
        }
        self.engine.pilotage.set_parallel(options.parallel);
        Ok(())
    }

    fn source(&self) -> Arc<Source> {
        self.engine.source.get()
    }

    /// The options that lead there.
    fn options(&self, to: &Target) -> Result<Options> {
        let live = lock(&self.live).clone();
        Ok(match to {
            Target::Live => live,
            Target::Demo => Options { demo: true, ..bare(&live) },
            Target::Tape(file) => {
                let written = self.source().taping.recording().is_some_and(|recording| recording.file == *file);
                if written {
                    let going_on = format!("{} is being recorded", file.display());
                    return Err(Error::new(Kind::BadInput, going_on).hint("`:record off` closes it; then it can be replayed"));
                }
                Options { tape: Some(file.clone()), ..bare(&live) }
            }
            Target::Context(name) => {
                self.known(name)?;
                // Another cluster or user than the context's was said of the place at hand.
                Options { context: Some(name.clone()), namespace: None, cluster: None, user: None, ..live }
            }
        })
    }

    /// A context that the kubeconfig has.
    fn known(&self, name: &str) -> Result<()> {
        let all = self.contexts()?;
        if all.iter().any(|context| context.name == name) {
            return Ok(());
        }
        let error = Error::new(Kind::NoCluster, format!("the kubeconfig has no context {name}"));
        Err(match (nearest(name, all.iter().map(|context| context.name.as_str())), all.is_empty()) {
            (Some(near), _) => error.hint(format!("did you mean {near}? :context lists all")),
            (None, false) => error.hint(":context lists those there are"),
            (None, true) => error.hint("it has none at all, or there is none: log in to the cluster first, or set KUBECONFIG"),
        })
    }

    /// Leave the place at hand as it was found.
    fn leave(&self) -> Result<()> {
        let (source, pilotage) = (self.source(), &self.engine.pilotage);
        let open = source.ledger.open().len();
        if open > 0 && !source.backend.replays() {
            let undone = pilotage.put_back(&Which::default(), Shared::patience(open));
            self.app.quiet();
            let Some(undone) = undone else {
                let stays = format!("interrupted while levels were put back: still on {}", source.backend.describe());
                return Err(Error::new(Kind::Interrupted, stays).hint("`:undo list` shows what is still set"));
            };
            undo::tell(&undone, &self.app.err());
        }
        match pilotage.close_forwards(|_| true) {
            0 => {}
            1 => self.app.note("a port-forward was closed"),
            closed => self.app.note(&format!("{closed} port-forwards were closed")),
        }
        match source.taping.finish() {
            Ok(None) => {}
            Ok(Some(kept)) => self.app.note(&format!("the recording ends here, as a tape is of one place: {}", kept.told())),
            Err(error) => self.app.tell(&diagnostic::error(&error, &self.app.err())),
        }
        source.policy.leave();
        Ok(())
    }
}

/// What leads nowhere in particular.
fn bare(live: &Options) -> Options {
    Options {
        context: None,
        kubeconfig: None,
        cluster: None,
        user: None,
        acting_as: None,
        as_group: Vec::new(),
        namespace: None,
        resolve: Vec::new(),
        ..live.clone()
    }
}

impl Ground for Here<'_> {
    fn pilotage(&self) -> Arc<Pilotage> {
        self.engine.pilotage.clone()
    }

    fn before(&self) {
        self.engine.signals.calm();
    }

    fn after(&self) {
        self.app.quiet();
    }

    fn aside(&self, other: bool) {
        self.engine.signals.aside(other);
    }

    fn place(&self) -> Place {
        let (source, options) = (self.source(), lock(&self.now));
        let backend = &source.backend;
        let (kind, name) = match &options.tape {
            _ if options.demo => (repl::Source::Demo, "demo".into()),
            Some(file) => (repl::Source::Tape, file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()),
            None => match backend.cluster() {
                name if name == Live::NOBODY => (repl::Source::Nobody, name),
                name => (repl::Source::Live, options.cluster.iter().fold(name, |name, cluster| format!("{name}@{cluster}"))),
            },
        };
        let open = if backend.replays() { Vec::new() } else { source.ledger.open() };
        Place {
            source: kind,
            name,
            namespace: backend.namespace(),
            chosen: options.namespace.as_ref().is_some_and(|name| !name.is_empty()),
            described: backend.describe(),
            acting: backend.acting(),
            recording: source.taping.recording(),
            allowed: source.policy.allowed(),
            set: open.iter().map(|entry| entry.settings.len()).sum(),
        }
    }

    fn contexts(&self) -> Result<Vec<ContextOf>> {
        contexts(&connect::wish(&lock(&self.live)))
    }

    fn go(&self, to: &Target) -> Result<()> {
        let options = self.options(to)?;
        // What may be changed was said of the place at hand.
        let allowed = self.source().policy.allowed().min(Effect::Tune);
        let fresh = Arc::new(connect::source(&options, allowed, self.engine.tally.clone())?);
        self.leave()?;
        self.engine.pilotage.go(fresh.backend.clone(), fresh.ledger.clone(), Some(fresh.aside.clone()));
        fresh.backend.notes().iter().for_each(|note| self.app.note(note));
        self.engine.source.set(fresh);
        if !options.replays() {
            lock(&self.live).clone_from(&options);
        }
        *lock(&self.now) = options;
        Ok(())
    }

    fn choose_namespace(&self, name: &str) {
        self.source().sites.iter().for_each(|site| site.choose(name));
        let mut now = lock(&self.now);
        now.namespace = Some(name.to_owned());
        if !now.replays() {
            lock(&self.live).namespace.clone_from(&now.namespace);
        }
    }

    fn record(&self, file: &Path) -> Result<()> {
        self.source().taping.begin(file)
    }

    fn end_recording(&self) -> Result<Option<Recording>> {
        self.source().taping.finish()
    }

    fn allow(&self, level: Effect) {
        self.source().policy.allow(level);
    }

    fn undo(&self, dry_run: bool) -> Option<Table> {
        let which = Which { dry_run, ..Which::default() };
        let within = Shared::patience(self.source().ledger.open().len());
        let undone = self.engine.pilotage.put_back(&which, within);
        self.app.quiet();
        let undone = undone?;
        undone.iter().filter(|one| !one.is_settled()).for_each(|one| self.app.note(&one.told()));
        Some(undo::table(&undone, dry_run))
    }

    fn mark(&self) -> u64 {
        self.source().ledger.mark()
    }

    fn undo_since(&self, mark: u64) -> bool {
        let source = self.source();
        let fresh: Vec<u64> = source.ledger.open().iter().map(|entry| entry.id).filter(|id| *id >= mark).collect();
        if fresh.is_empty() || source.backend.replays() {
            return true;
        }
        let within = Shared::patience(fresh.len());
        let undone = self.engine.pilotage.put_back(&Which { entries: Some(fresh), ..Which::default() }, within);
        self.app.quiet();
        undone.is_some_and(|undone| undo::tell(&undone, &self.app.err()))
    }

    fn still_set(&self) -> Vec<String> {
        let source = self.source();
        let open = if source.backend.replays() { Vec::new() } else { source.ledger.open() };
        open.iter().flat_map(Entry::told).collect()
    }

    fn settings(&self) -> Vec<Setting> {
        set::all(&lock(&self.config), self.typed)
    }

    fn set(&self, name: &str, values: &[String]) -> Result<Settings> {
        let mut config = lock(&self.config).clone();
        if let Some(follow) = set::set(&mut config, name, values)? {
            let mut options = lock(&self.now).clone();
            follow.apply(&mut options);
            if follow.asks {
                self.renew(&options)?;
            }
            *lock(&self.now) = options;
            follow.apply(&mut lock(&self.live));
        }
        app::look(&self.app.looks, &lock(&self.now), &config);
        let settings = config.settings();
        *lock(&self.config) = config;
        Ok(settings)
    }

    fn format(&self) -> Format {
        lock(&self.now).output.into()
    }

    fn playbook(&self, words: &[String]) -> std::result::Result<Meant, Box<Failure>> {
        meant::playbook(words, &lock(&self.now), &self.app.err())
    }

    fn run_line(&self, words: &[String]) -> String {
        let place = lock(&self.now).place();
        let words = words.iter().chain(&place).map(|word| shlex::try_quote(word).unwrap_or_default());
        format!("{} run {}", called(), words.collect::<Vec<_>>().join(" "))
    }

    fn asked(&self) -> (u64, u64) {
        self.engine.tally.so_far()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
