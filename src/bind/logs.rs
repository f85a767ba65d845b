//! Logs of containers: as rows, or line by line while they are written.

use super::pod_arg;
use crate::error::{Error, Kind};
use crate::host::{Call, Fallible, Row, options};
use crate::mesh::follow::Following;
use crate::mesh::logs::{self, LogLine, LogOptions};
use crate::mesh::pod_ref::{Asked, Runs};
use rhai::plugin::*;
use rhai::{FnPtr, Map};

/// What containers write.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The log of a pod, or of an array of pods merged by time. Returns `log_line` rows.
    ///
    /// Symptoms: an application that crashes.
    ///
    /// ```rhai
    /// logs("deploy/customer.olaf-customer").len() > 0    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn logs(context: NativeCallContext, pod: Dynamic) -> Fallible<Dynamic> {
        logs_with(context, pod, Map::new())
    }

    /// Part of the log of a pod, or of an array of pods merged by time. Returns `log_line` rows; takes `log options`.
    ///
    /// Who is asked and does not answer becomes a note. With `follow` the lines are printed as they come, until Ctrl-C or for
    /// `duration`; nothing is returned then.
    ///
    /// ```rhai
    /// logs(pods("olaf"), #{ container: "istio-proxy", tail: 5 }).len()    // 5
    /// ```
    #[rhai_fn(name = "logs", return_raw)]
    pub fn logs_with(context: NativeCallContext, pod: Dynamic, more: Map) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let more: LogOptions = options(&call, more)?;
        call.check(more.check())?;
        let pods = pod_arg::all_asked(&call, &pod, Runs::Any)?;
        if more.follow {
            print(&call, pods, &more)?;
            return Ok(Dynamic::UNIT);
        }
        Ok(Row::many(call.wait(logs::logs(call.mesh(), &pods, &more))?).into())
    }

    /// Call a closure with each `log_line` row of these logs, as it comes: no log is too long. Takes `log options`.
    ///
    /// With `follow` this goes on until Ctrl-C or for `duration`. A closure that gives `false` ends it. Several logs are merged by
    /// time, as far as their lines are there; the order within each stays. A stream that breaks is resumed without losing or
    /// doubling a line, and a container that restarts is followed into its next run. Of more than a hundred pods it takes `most`.
    ///
    /// ```rhai
    /// let said = [];
    /// logs(pods("olaf"), #{ follow: true, duration: "30s", grep: "warn" }, |line| { said.push(line.text); });
    /// said.len() > 0    // true
    /// ```
    #[rhai_fn(name = "logs", return_raw)]
    pub fn logs_each(context: NativeCallContext, pod: Dynamic, more: Map, each: FnPtr) -> Fallible<()> {
        let call = Call::of(&context)?;
        let more: LogOptions = options(&call, more)?;
        let pods = pod_arg::all_asked(&call, &pod, Runs::Any)?;
        each_batch(&call, pods, &more, |rows| {
            for row in Row::many(rows) {
                call.check(call.go_on())?;
                let answer = each.call_within_context::<Dynamic>(&context, (row,))?;
                if answer.as_bool().is_ok_and(|go_on| !go_on) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

/// Print the lines as they come; those of many pods say where they come from.
fn print(call: &Call, pods: Vec<Asked>, options: &LogOptions) -> Fallible<()> {
    if call.session().reports() && options.duration.is_none() {
        let error = Error::new(Kind::BadInput, "a report that follows a log is never finished");
        return Err(call.fail(error.hint("say for how long: `duration: \"30s\"`, or give a closure")));
    }
    let many = pods.len() > 1;
    each_batch(call, pods, options, |rows| {
        let lines: Vec<String> = rows.iter().map(|row| printed(row, many, options.timestamps)).collect();
        Ok(lines.is_empty() || call.session().stream(&lines.join("\n")))
    })
}

fn printed(row: &LogLine, source: bool, time: bool) -> String {
    let mut line = String::with_capacity(row.text.len() + 100);
    if time {
        line.push_str(&format!("{} ", row.time));
    }
    if source {
        line.push_str(&format!("{}/{} {}  ", row.namespace, row.pod, row.container));
    }
    line.push_str(&row.text);
    line
}

/// Give rows to `take` as they come, until it says no. What is worth a note is told at once, where that is possible.
pub(super) fn each_batch(
    call: &Call,
    pods: Vec<Asked>,
    options: &LogOptions,
    mut take: impl FnMut(Vec<LogLine>) -> Fallible<bool>,
) -> Fallible<()> {
    let mut following = call.check(Following::new(call.mesh(), pods, options))?;
    while let Some(rows) = call.wait(following.next())? {
        let notes = call.mesh().take_notes();
        notes.into_iter().filter(|note| !call.session().note(note)).for_each(|note| call.mesh().note(note));
        if !take(rows)? {
            break;
        }
    }
    Ok(())
}
