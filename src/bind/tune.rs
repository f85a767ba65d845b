//! What sets runtime state of processes, and puts it back.

use super::pod_arg::{PerPod, per_pod};
use crate::backend::{How, Undone, Which};
use crate::error::{Error, Kind};
use crate::host::{Call, Fallible, Row, Session, options};
use crate::mesh::log_tune::{self, LogChange, TuneOptions, Wish};
use crate::mesh::pod_ref::PodTarget;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

/// Log levels: set for a while, never for good unless asked to.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// Set a logger of a proxy to a level until the session ends. Returns `log_change` rows.
    ///
    /// Of an array of pods, all of them. `"*"` is every logger. Names and levels are the proxy's own (`log_levels` lists
    /// them); of a ztunnel, modules, and `default` for all that are not named. What was set is put back at the end, by
    /// Ctrl-C, and by `reset_log`; after a crash by `pilotage undo`. A playbook must declare it: `needs: ["tune"]`.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { set_log("deploy/customer.olaf-customer", "rback", "debug") } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(name = "set_log", return_raw)]
    pub fn set_one_log(context: NativeCallContext, pod: Dynamic, logger: &str, level: &str) -> Fallible<Array> {
        set_one_log_with(context, pod, logger, level, Map::new())
    }

    /// The same, in a way of your choice. Returns `log_change` rows; takes `tune options`.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { set_log("deploy/customer.olaf-customer", "rback", "debug", #{ keep: true }) } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(name = "set_log", return_raw)]
    pub fn set_one_log_with(context: NativeCallContext, pod: Dynamic, logger: &str, level: &str, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        tune(&call, &pod, vec![(logger.to_owned(), level.to_owned())], more)
    }

    /// Set several loggers, each to its level: all of them, or none. Returns `log_change` rows.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { set_log("deploy/customer.olaf-customer", #{ rback: "debug", jwt: "debug" }) } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(name = "set_log", return_raw)]
    pub fn set_logs(context: NativeCallContext, pod: Dynamic, levels: Map) -> Fallible<Array> {
        set_logs_with(context, pod, levels, Map::new())
    }

    /// The same, in a way of your choice. Returns `log_change` rows; takes `tune options`.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { set_log("deploy/customer.olaf-customer", #{ rback: "debug" }, #{ passing: true }) } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(name = "set_log", return_raw)]
    pub fn set_logs_with(context: NativeCallContext, pod: Dynamic, levels: Map, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let pairs = levels.into_iter().map(|(name, level)| match level.into_string() {
            Ok(level) => Ok((name.to_string(), level)),
            Err(found) => Err(Error::new(Kind::BadInput, format!("the level of {name} is a text, not {found}"))
                .hint("for example `#{ rbac: \"debug\" }`")),
        });
        let pairs = call.check(pairs.collect())?;
        tune(&call, &pod, pairs, more)
    }

    /// Put back what this session set in a proxy. Returns `log_change` rows.
    ///
    /// A level that somebody else set meanwhile is left alone, and so is a proxy that was restarted: notes say so.
    ///
    /// ```rhai
    /// reset_log("deploy/customer.olaf-customer").len()    // 0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reset_log(context: NativeCallContext, pod: Dynamic) -> Fallible<Array> {
        reset(&Call::of(&context)?, &pod, None)
    }

    /// Put back what this session set of one logger. Returns `log_change` rows.
    ///
    /// ```rhai
    /// reset_log("deploy/customer.olaf-customer", "rbac").len()    // 0
    /// ```
    #[rhai_fn(name = "reset_log", return_raw)]
    pub fn reset_one_log(context: NativeCallContext, pod: Dynamic, logger: &str) -> Fallible<Array> {
        reset(&Call::of(&context)?, &pod, Some(logger))
    }
}

fn tune(call: &Call, pod: &Dynamic, pairs: Vec<(String, String)>, more: Map) -> Fallible<Array> {
    let more: TuneOptions = options(call, more)?;
    let wish = call.check(Wish::new(pairs))?;
    if let Some(warning) = wish.warning() {
        call.session().warn(&warning);
    }
    let wish = &wish;
    lasting(call, &more, || {
        let set = per_pod(call, pod, |mesh, target| async move { log_tune::set(&mesh, &target, wish).await })?;
        Ok(match set {
            PerPod::One(rows) => Row::many(rows),
            PerPod::Many(pods) => Row::many(pods.into_iter().flat_map(|(_, rows)| rows)),
        })
    })
}

/// Set something, and see to it that it lasts as long as was asked for.
pub fn lasting<T>(call: &Call, more: &TuneOptions, set: impl FnOnce() -> Fallible<T>) -> Fallible<T> {
    if more.keep && more.passing {
        return Err(call.fail(Error::new(Kind::Usage, "keep and passing cannot go together").hint("give one of them")));
    }
    let ledger = call.session().ledger();
    let mark = ledger.mark();
    let done = set();
    if more.passing {
        ledger.pass_since(mark);
    }
    let done = done?;
    if more.keep {
        call.check(ledger.keep_since(mark))?;
    } else if !more.passing && ledger.mark() > mark {
        call.mesh()
            .note("what is set is put back when the session ends, or before by `reset_log`; `#{ keep: true }` lets it stay");
    }
    Ok(done)
}

fn reset(call: &Call, pod: &Dynamic, logger: Option<&str>) -> Fallible<Array> {
    let names = logger.map(|name| vec![name.to_owned()]);
    let undo = per_pod(call, pod, |_, target: PodTarget| {
        let which =
            Which { pod: Some((target.namespace.clone(), target.name.clone())), names: names.clone(), ..Which::default() };
        async move { Ok(call.session().ledger().undo(&which, Session::PATIENCE).await) }
    })?;
    let undone: Vec<Undone> = match undo {
        PerPod::One(undone) => undone,
        PerPod::Many(pods) => pods.into_iter().flat_map(|(_, undone)| undone).collect(),
    };
    Ok(Row::many(told(call, undone)))
}

/// What was put back, as rows; the rest as notes.
pub fn told(call: &Call, undone: Vec<Undone>) -> Vec<LogChange> {
    let mut rows = Vec::new();
    for one in undone {
        match one.how {
            How::PutBack | How::Already => rows.push(LogChange {
                namespace: one.place.namespace,
                pod: one.place.pod,
                logger: one.name,
                old: one.from,
                level: one.to,
            }),
            How::Failed(_) => call.mesh().note_missing(one.told()),
            _ => call.mesh().note(one.told()),
        }
    }
    rows
}
