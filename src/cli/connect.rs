//! From options to a source of answers: the demo tape, a tape, or a live cluster, behind its decorators.

use super::options::Options;
use super::places;
use crate::backend::{
    Acting, Aside, Connect, Effect, Ledger, Limit, Live, Observed, Observer, Policy, Redacted, SharedBackend, Shelf, Site, Tape,
    Taping, Unattended, demo,
};
use crate::error::{Error, Kind, Result};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

/// The options that name a recording.
pub const REPLAY: [&str; 2] = ["demo", "tape"];
/// The options that only a live mesh has a use for.
pub const LIVE: [&str; 7] = ["context", "kubeconfig", "cluster", "user", "as", "as_group", "resolve"];

/// A source of answers, ready to be asked.
pub struct Source {
    /// What is asked.
    pub backend: SharedBackend,
    /// What knows how to undo what was set.
    pub ledger: Arc<Ledger>,
    /// The same source for questions that nobody typed: they are neither recorded nor shown, and change nothing.
    pub aside: SharedBackend,
    /// What keeps the answers while they are recorded. It must be finished, for the tape to be whole.
    pub taping: Arc<Taping>,
    /// What is allowed there.
    pub policy: Arc<Policy>,
    /// The place itself, for both: the way there, and the namespace at hand.
    pub sites: [Arc<Site>; 2],
}

/// The source of answers that the options name: limited, redacted, recorded, ledgered, guarded and watched, in this order,
/// so that no secret reaches a tape, nothing is set whose undo is not known, and no refused question reaches the world.
///
/// # Errors
/// When the options contradict each other, or the tape or context cannot be used.
pub fn source(options: &Options, allowed: Effect, observer: Arc<dyn Observer>) -> Result<Source> {
    check(options)?;
    let (way, beside) = ways(options)?;
    let sites = [way, beside].map(|way| Arc::new(Site::new(way, options.namespace.clone())));
    let [site, beside] = sites.clone();
    let plain = redacted(options, site.clone());
    let aside = Arc::new(Policy::new(redacted(options, beside), Effect::Observe));
    let taping = Arc::new(Taping::new(site, plain.clone(), options.keep_secrets));
    if let Some(file) = &options.record {
        taping.begin(file)?;
    }
    let ledger = Arc::new(Ledger::new(taping.clone(), plain, shelf(options)).watched(&observer));
    let policy = Arc::new(Policy::new(ledger.clone(), allowed));
    Ok(Source { backend: Arc::new(Observed::new(policy.clone(), observer)), ledger, aside, taping, policy, sites })
}

/// The way to the cluster alone, for putting back what another session set.
///
/// # Errors
/// As for [`source`].
pub fn bare_source(options: &Options) -> Result<SharedBackend> {
    Ok(redacted(options, ways(options)?.0))
}

/// Where this session's ledger is kept.
pub fn shelf(options: &Options) -> Shelf {
    let named = options.kubeconfig.clone().map(|file| file.into_os_string());
    let listed = || std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty());
    let usual = || std::env::home_dir().map(|home| home.join(".kube/config")).filter(|file| file.exists());
    let kubeconfig = named.or_else(listed).or_else(|| usual().map(|file| file.into_os_string()));
    Shelf {
        folder: places::ledger(),
        kubeconfig: kubeconfig.and_then(|list| absolute(&list)),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    }
}

/// Every file of the list as it is found from any folder.
fn absolute(list: &OsStr) -> Option<String> {
    let files = std::env::split_paths(list).filter(|file| !file.as_os_str().is_empty());
    let files: Vec<PathBuf> = files.map(|file| std::path::absolute(&file).unwrap_or(file)).collect();
    std::env::join_paths(files).ok()?.into_string().ok().filter(|list| !list.is_empty())
}

/// A tape, or the world with its limits; and the same for who asks beside it: that keeps no turn from who asks.
///
/// # Errors
/// When the tape or context cannot be used.
pub fn ways(options: &Options) -> Result<(SharedBackend, SharedBackend)> {
    const BESIDE: usize = 4;
    let tape = match &options.tape {
        _ if options.demo => Some(demo()?),
        Some(file) => Some(Tape::open(file)?),
        None => None,
    };
    if let Some(tape) = tape {
        let tape = Arc::new(tape);
        return Ok((tape.clone(), Arc::new(Aside::new(tape))));
    }
    let live = Arc::new(live(options)?);
    let unattended = Arc::new(Unattended::new(live.clone()));
    // Each step of a question has --timeout of its own; this is the end for all of them together.
    let longest = Live::longest(options.timeout);
    Ok((Arc::new(Limit::new(live, longest, options.parallel)), Arc::new(Limit::new(unattended, longest, BESIDE))))
}

/// Without secrets, unless the user wants them. What a tape holds went through this when it was recorded.
fn redacted(options: &Options, backend: SharedBackend) -> SharedBackend {
    if options.keep_secrets || options.replays() { backend } else { Arc::new(Redacted::new(backend)) }
}

/// How to reach the cluster that the options name.
pub fn wish(options: &Options) -> Connect {
    Connect {
        kubeconfig: options.kubeconfig.clone(),
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
        acting: Acting { user: options.acting_as.clone(), groups: options.as_group.clone() },
        namespace: options.namespace.clone(),
        resolve: options.resolve.clone(),
        timeout: options.timeout,
    }
}

fn live(options: &Options) -> Result<Live> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Internal, "no runtime for connecting").caused_by(&error))?;
    runtime.block_on(Live::connect(wish(options)))
}

/// Options that cannot both be meant. Here and not in clap: they may stand on both sides of the command.
fn check(options: &Options) -> Result<()> {
    let tapes = [options.demo, options.tape.is_some()];
    let live = [
        options.context.is_some(),
        options.kubeconfig.is_some(),
        options.cluster.is_some(),
        options.user.is_some(),
        options.acting_as.is_some(),
        !options.as_group.is_empty(),
        !options.resolve.is_empty(),
    ];
    if options.acting_as.is_none() && !options.as_group.is_empty() {
        return Err(Error::new(Kind::Usage, "--as-group says to which groups somebody belongs, and --as does not say who")
            .hint("add --as USER, as kubectl wants it too"));
    }
    let mut given = REPLAY.into_iter().zip(tapes).filter(|(_, given)| *given);
    let Some((tape, _)) = given.next() else { return Ok(()) };
    let other = given.next().or_else(|| LIVE.into_iter().zip(live).find(|(_, given)| *given));
    match other {
        Some((other, _)) => {
            Err(Error::new(Kind::Usage, format!("--{tape} and --{} cannot go together", other.replace('_', "-")))
                .hint(format!("--{tape} answers from a recording; nothing else is asked")))
        }
        None => same_file(options),
    }
}

fn same_file(options: &Options) -> Result<()> {
    match (&options.tape, &options.record) {
        (Some(tape), Some(record)) if tape == record => {
            Err(Error::new(Kind::Usage, format!("{} cannot be read and recorded at the same time", tape.display()))
                .hint("give --record another file"))
        }
        _ => Ok(()),
    }
}
