//! A program run inside a container, for what it prints.

use super::kube_error::Asked;
use super::live::pod_api;
use super::patience::Patience;
use super::port_forward::upgrade_failed;
use super::{Answer, Exec, body};
use crate::error::{Error, Kind, Result};
use http::HeaderMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, AttachedProcess};
use kube::client::Client;
use std::io;
use tokio::io::AsyncReadExt;

/// kube's own buffer of 1 KiB makes a config dump twenty times slower.
const BUFFER: usize = 1 << 20;

/// Run it. Exit code 0 gives status 200 and the standard output, any other 500 and the standard error.
pub(super) async fn ask(client: &Client, query: &Exec, asked: Asked<'_>, patience: &Patience) -> Result<Answer> {
    let pods = pod_api(client, &query.namespace, &query.pod)?;
    let how = AttachParams::default().container(&query.container).max_stdout_buf_size(BUFFER).max_stderr_buf_size(BUFFER);
    let started = patience.wait(asked.what, pods.exec(&query.pod, query.command.clone(), &how)).await?;
    let process = started.map_err(|error| upgrade_failed(&error, "pods/exec", &query.namespace, asked))?;
    let (out, err, status) = watch(process, asked.what, patience).await?;
    judge(out, err, &status, query, asked.what)
}

/// What happens while a program runs.
enum Event {
    Out(io::Result<usize>),
    Err(io::Result<usize>),
    Ended(Option<Box<Status>>),
}

async fn watch(mut process: AttachedProcess, what: &str, patience: &Patience) -> Result<(Vec<u8>, Vec<u8>, Status)> {
    let lost = || Error::new(Kind::Internal, format!("{what}: the process has no streams"));
    let (mut stdout, mut stderr) = (process.stdout().ok_or_else(lost)?, process.stderr().ok_or_else(lost)?);
    let mut ended = std::pin::pin!(process.take_status().ok_or_else(lost)?);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (mut out_open, mut err_open, mut status) = (true, true, None);
    while out_open || err_open || status.is_none() {
        let event = patience.wait(what, async {
            tokio::select! {
                // What came is read before its end is believed.
                biased;
                came = stdout.read_buf(&mut out), if out_open => Event::Out(came),
                came = stderr.read_buf(&mut err), if err_open => Event::Err(came),
                told = &mut ended, if status.is_none() => Event::Ended(told.map(Box::new)),
            }
        });
        match event.await? {
            Event::Out(came) => out_open = more(came, &out, what)?,
            Event::Err(came) => err_open = more(came, &err, what)?,
            Event::Ended(Some(told)) => status = Some(*told),
            // When the connection breaks, kube leaves the streams open: reading on would not end.
            Event::Ended(None) => return Err(broken(what, out.len())),
        }
    }
    let status = status.ok_or_else(|| broken(what, out.len()))?;
    Ok((out, err, status))
}

fn more(came: io::Result<usize>, all: &[u8], what: &str) -> Result<bool> {
    body::bounded(all.len(), body::MAX_BYTES, what)?;
    Ok(came.map_err(|error| broken(what, all.len()).caused_by(&error))? > 0)
}

fn broken(what: &str, came: usize) -> Error {
    Error::new(Kind::BadAnswer, format!("{what}: the connection ended before the program did, after {came} bytes"))
        .hint("ask again; the pod may be restarting")
}

fn judge(out: Vec<u8>, err: Vec<u8>, status: &Status, query: &Exec, what: &str) -> Result<Answer> {
    if status.status.as_deref() == Some("Success") {
        return Ok(body::head_answer(200, &HeaderMap::new(), out.into()));
    }
    let told = status.message.clone().unwrap_or_default();
    if exit_code(status).is_some() {
        let words = if err.is_empty() { told.into_bytes() } else { err };
        return Ok(body::head_answer(500, &HeaderMap::new(), words.into()));
    }
    let program = query.command.first().map_or("", String::as_str);
    Err(Error::new(Kind::Unreachable, format!("{what}: the program could not be run"))
        .cause(told)
        .cause(String::from_utf8_lossy(&err).trim())
        .hint(format!("is there a container {} in the pod, running, with `{program}` in it?", query.container)))
}

/// The exit code, which a failed program leaves among the causes of its status.
fn exit_code(status: &Status) -> Option<i32> {
    let causes = status.details.as_ref()?.causes.as_ref()?;
    causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?.message.as_ref()?.parse().ok()
}
