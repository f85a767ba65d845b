//! What sets runtime state of processes, and puts it back.

use super::logs::each_batch;
use super::pod_arg::{PerPod, all_asked, per_pod};
use crate::backend::{How, STACK_TRACE, Undone, Which};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Row, Session, convert, options};
use crate::istio::rbac_log::{Said, denials};
use crate::mesh::log_tune::{self, LogChange, TuneOptions, Wish};
use crate::mesh::logs::{LogLine, LogOptions};
use crate::mesh::pod_ref::{PodTarget, Runs};
use crate::mesh::since::Since;
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};
use serde_json::Value;
use std::time::{Duration, Instant};

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
    /// `set_log("web-0.shop", "rbac", "debug")` on a live mesh gives a row with `old: "warning"`, `level: "debug"`. A name that the
    /// proxy does not have changes nothing:
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
        let more = options(&call, more)?;
        tune(&call, &pod, vec![(logger.to_owned(), level.to_owned())], &more)
    }

    /// Set several loggers, each to its level: all of them, or none. Returns `log_change` rows.
    ///
    /// `set_log(pods("shop"), #{ rbac: "debug", jwt: "debug" })` on a live mesh. One wrong name, and none is set:
    ///
    /// Symptoms: a log that does not tell enough.
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
        let pairs = call.check(pairs(levels))?;
        let more = options(&call, more)?;
        tune(&call, &pod, pairs, &more)
    }

    /// Raise loggers of a proxy, or of an array of them, for a while; give what they write; put them back. Returns `log_line` rows.
    ///
    /// Only what the raised loggers write. The levels are put back whatever happens: after the time, by Ctrl-C, when it fails.
    ///
    /// `rbac_denials(watch_log(pods("shop"), #{ rbac: "debug" }, "30s"))` on a live mesh gives what is refused meanwhile. A name that
    /// no proxy has is refused at once:
    ///
    /// Symptoms: what a proxy does with a request, step by step; `RBAC: access denied`, and no log says why.
    ///
    /// ```rhai
    /// let refused = "";
    /// try { watch_log("deploy/customer.olaf-customer", #{ rback: "debug" }, "30s") } catch (error) { refused = error.kind }
    /// refused    // "not_found"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn watch_log(context: NativeCallContext, pod: Dynamic, levels: Map, duration: Dynamic) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let pairs = call.check(pairs(levels))?;
        let duration = call.check(span(&duration))?;
        Ok(Row::many(watch(&call, &pod, pairs, duration)?))
    }

    /// The requests that authorization policies refuse, in what proxies write at `rbac:debug`. Returns `denial` rows.
    ///
    /// Takes `log_line` rows: of `watch_log(pods, #{ rbac: "debug" }, "30s")`, or of `logs` while the level was raised.
    ///
    /// Symptoms: `403`: `RBAC: access denied`; `rbac_access_denied_matched_policy`; which AuthorizationPolicy denies.
    ///
    /// ```rhai
    /// rbac_denials(logs("deploy/customer.olaf-customer", #{ container: "istio-proxy" })).len()    // 0
    /// ```
    pub fn rbac_denials(lines: Array) -> Array {
        let texts = |row: &Dynamic| {
            let row = convert::to_value(row);
            ["time", "namespace", "pod", "text"].map(|key| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        let lines: Vec<[String; 4]> = lines.iter().map(texts).collect();
        let said = lines.iter().map(|[time, namespace, pod, text]| Said { time, namespace, pod, text });
        Row::many(denials(said))
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

/// Loggers and levels, as a script gives them.
fn pairs(levels: Map) -> Result<Vec<(String, String)>> {
    let pair = |(name, level): (rhai::Identifier, Dynamic)| match level.into_string() {
        Ok(level) => Ok((name.to_string(), level)),
        Err(found) => Err(Error::new(Kind::BadInput, format!("the level of {name} is a text, not {found}"))
            .hint("for example `#{ rbac: \"debug\" }`")),
    };
    levels.into_iter().map(pair).collect()
}

/// A span of time, as text or in seconds.
fn span(duration: &Dynamic) -> Result<Since> {
    let wrong = |error: String| Error::new(Kind::Usage, error).hint("for example \"30s\", \"2m\", or 30");
    duration.to_string().parse().map_err(wrong)
}

/// More proxies than these are not watched at once: each is a connection to the API server.
const MOST_WATCHED: i64 = 1000;
/// More messages than these are not kept.
const MOST: usize = 200_000;

fn watch(call: &Call, pod: &Dynamic, pairs: Vec<(String, String)>, duration: Since) -> Fallible<Vec<LogLine>> {
    let mut options = LogOptions {
        container: Some("istio-proxy".into()),
        grep: pattern(&pairs),
        follow: true,
        duration: Some(duration),
        most: Some(MOST_WATCHED),
        ..LogOptions::default()
    };
    let pods = all_asked(call, pod, Runs::Any)?;
    call.check(options.check_count(pods.len()).map_err(|error| error.hint("watch fewer pods at a time")))?;
    let begun = Instant::now();
    let ledger = call.session().ledger();
    let mark = ledger.mark();
    tune(call, pod, pairs, &TuneOptions { keep: false, passing: true })?;
    options.since = Some(back(begun.elapsed()));
    let mut rows = Vec::new();
    // What fails or is interrupted here is put back when the evaluation ends: that cannot be interrupted.
    each_batch(call, pods, &options, |batch| {
        rows.extend(batch);
        Ok(rows.len() < MOST)
    })?;
    if rows.len() >= MOST {
        call.mesh().note(format!("more than {MOST} messages came: the rest was not waited for; watch fewer pods, or loggers"));
    }
    let entries: Vec<u64> = ledger.open().iter().map(|entry| entry.id).filter(|id| *id >= mark).collect();
    let within = Session::patience(entries.len());
    let which = Which { entries: Some(entries), ..Which::default() };
    let undone = call.wait(async { Ok(ledger.undo(&which, within).await) })?;
    told(call, undone);
    Ok(rows)
}

/// How far back to read, so that what was written while levels were set is seen as well: of many pods that takes a while.
fn back(setting: Duration) -> Since {
    let seconds = i64::try_from(setting.as_secs()).unwrap_or(i64::MAX);
    Since(seconds.saturating_add(2))
}

/// What finds the messages of these loggers, in Istio's format, Envoy's own and ztunnel's; nothing when all are meant.
fn pattern(pairs: &[(String, String)]) -> Option<String> {
    if pairs.iter().any(|(name, _)| name == "*" || name == "default") {
        return None;
    }
    let names: Vec<String> = pairs.iter().map(|(name, _)| regex::escape(name)).collect();
    Some(format!(r"(?:\tenvoy |\]\[|\t)(?:{})(?:::[\w:]+)?[\]\t ]", names.join("|")))
}

fn tune(call: &Call, pod: &Dynamic, pairs: Vec<(String, String)>, more: &TuneOptions) -> Fallible<Array> {
    let wish = call.check(Wish::new(pairs))?;
    if let Some(warning) = wish.warning() {
        call.session().warn(&warning);
    }
    let wish = &wish;
    lasting(call, more, || {
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
    let targets = match per_pod(call, pod, |_, target: PodTarget| async move { Ok(target) })? {
        PerPod::One(target) => vec![target],
        PerPod::Many(pods) => pods.into_iter().map(|(target, _)| target).collect(),
    };
    let pods = targets.into_iter().map(|target| (target.namespace, target.name)).collect();
    let names = logger.map(|name| vec![name.to_owned()]);
    let which = Which { pods: Some(pods), names, istiods: Some(false), ..Which::default() };
    let ledger = call.session().ledger();
    if let Some(name) = logger {
        note_unset(call, name, "logger");
    }
    let within = Session::patience(ledger.open().len());
    let undone = call.wait(async { Ok(ledger.undo(&which, within).await) })?;
    Ok(Row::many(told(call, undone)))
}

/// That nothing of this name is to be put back, with the name that may be meant.
pub fn note_unset(call: &Call, name: &str, what: &str) {
    let open = call.session().ledger().open();
    let mut set: Vec<&str> = open.iter().flat_map(|entry| &entry.settings).map(|setting| setting.name.as_str()).collect();
    set.iter_mut().for_each(|name| *name = name.trim_end_matches(STACK_TRACE));
    if set.contains(&name) {
        return;
    }
    set.sort_unstable();
    set.dedup();
    let step = match (nearest(name, set.iter().copied()), set.is_empty()) {
        (Some(near), _) => format!("did you mean {near:?}?"),
        (None, false) => format!("it set {}", set.join(", ")),
        (None, true) => "it set nothing that is still to be put back".into(),
    };
    call.mesh().note(format!("this session set no {what} {name:?}: {step}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_reaches_back_to_before_the_first_level_was_set() {
        for (setting, least) in [(0.0, 1), (0.9, 2), (2.95, 4), (60.0, 61)] {
            let Since(seconds) = back(Duration::from_secs_f64(setting));
            assert!((least..least + 2).contains(&seconds), "{setting}: {seconds}");
        }
    }
}
