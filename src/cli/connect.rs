//! From options to a source of answers: the demo tape, a tape, or a live cluster, behind its decorators.

use super::options::Options;
use crate::backend::{Connect, Limit, Live, Observed, Observer, Policy, SharedBackend};
use crate::error::{Error, Kind, Result};
use std::sync::Arc;

/// The source of answers that the options name: limited, redacted, recorded, guarded and watched, in this order, so
/// that no secret reaches a tape and no refused question the world.
///
/// # Errors
/// When the options contradict each other, or the tape or context cannot be used.
pub fn backend(options: &Options, observer: Arc<dyn Observer>) -> Result<SharedBackend> {
    check(options)?;
    let mut backend = source(options)?;
    if options.record.is_some() {
        return Err(no_tapes());
    }
    backend = Arc::new(Policy::new(backend, options.allow.into()));
    Ok(Arc::new(Observed::new(backend, observer)))
}

fn source(options: &Options) -> Result<SharedBackend> {
    if options.demo || options.tape.is_some() {
        return Err(no_tapes());
    }
    Ok(Arc::new(Limit::new(Arc::new(live(options)?), Live::longest(options.timeout), options.parallel)))
}

fn no_tapes() -> Error {
    Error::new(Kind::Refused, "this build of pilotage has no tapes yet")
}

fn live(options: &Options) -> Result<Live> {
    let connect = Connect {
        kubeconfig: options.kubeconfig.clone(),
        context: options.context.clone(),
        namespace: options.namespace.clone(),
        resolve: options.resolve.clone(),
        timeout: options.timeout,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Internal, "no runtime for connecting").caused_by(&error))?;
    runtime.block_on(Live::connect(connect))
}

/// Options that cannot both be meant. Here and not in clap: they may stand on both sides of the command.
fn check(options: &Options) -> Result<()> {
    let tapes = [("--demo", options.demo), ("--tape", options.tape.is_some())];
    let live = [
        ("--context", options.context.is_some()),
        ("--kubeconfig", options.kubeconfig.is_some()),
        ("--resolve", !options.resolve.is_empty()),
    ];
    let mut given = tapes.iter().filter(|(_, given)| *given);
    let Some((tape, _)) = given.next() else { return Ok(()) };
    let other = given.next().or_else(|| live.iter().find(|(_, given)| *given));
    match other {
        Some((other, _)) => Err(Error::new(Kind::Usage, format!("{tape} and {other} cannot go together"))
            .hint(format!("{tape} answers from a recording; nothing else is asked"))),
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
