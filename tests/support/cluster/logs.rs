//! Container logs: any range of what was recorded.

use super::live_log::LiveLog;
use super::objects::Objects;
use super::options::ClusterOptions;
use super::question::Question;
use super::recording::Via;
use super::status::{Refusal, bad_request, not_found};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::HashMap;

/// The logs of all containers, each line with its time in front.
#[derive(Default)]
pub struct Logs {
    texts: HashMap<(String, String), Bytes>,
    previous: HashMap<(String, String), Bytes>,
    live: HashMap<(String, String), LiveLog>,
    end: Timestamp,
}

impl Logs {
    /// Gather what a recording and the options hold.
    pub fn gather(options: &ClusterOptions) -> Self {
        let mut this = Self { end: options.recording.end, ..Self::default() };
        for entry in options.recording.via(Via::Logs).filter(|entry| entry.status == 200) {
            let question = &entry.question;
            let whole = ["tailLines", "sinceSeconds", "sinceTime", "limitBytes"].iter().all(|name| question.get(name).is_none());
            let Some(pod) = entry.pod.clone().filter(|_| whole && question.flag("timestamps")) else { continue };
            let key = (pod, question.get("container").unwrap_or_default().to_string());
            let texts = if question.flag("previous") { &mut this.previous } else { &mut this.texts };
            // Asked again later, a log has only grown.
            texts.insert(key, entry.body.clone());
        }
        for (pod, container, text) in &options.logs {
            this.texts.insert((pod.clone(), container.clone()), Bytes::from(text.clone()));
        }
        this.live =
            options.live_logs.iter().map(|(pod, container, log)| ((pod.clone(), container.clone()), log.clone())).collect();
        this
    }

    /// The log of this container, if it is still written.
    pub fn live(&self, pod: &str, question: &Question) -> Option<&LiveLog> {
        let container = question.get("container").unwrap_or_default();
        let live = self.live.get(&(pod.to_string(), container.to_string()));
        live.filter(|live| !question.flag("previous") || live.has_previous())
    }

    /// Put what became of containers whose logs are still written into their pod.
    pub fn tell(&self, name: &str, pod: &mut Value) {
        for ((_, container), log) in self.live.iter().filter(|((pod, _), _)| pod == name) {
            log.tell(pod, container);
        }
    }

    /// The answer to a request for a log.
    pub fn answer(&self, objects: &Objects, pod: &str, question: &Question) -> Result<Vec<u8>, Refusal> {
        let name = pod.rsplit('/').next().unwrap_or(pod);
        let object = objects.pod(pod).ok_or_else(|| not_found("", "pods", name))?;
        let container = container(object, name, question.get("container"))?;
        if object["status"]["phase"] == "Pending" {
            let why = format!("container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating");
            return Err(bad_request(&why));
        }
        let previous = question.flag("previous");
        let texts = if previous { &self.previous } else { &self.texts };
        // Where a pod has one container, it is asked for without its name.
        let text = texts.get(&(pod.to_string(), container.clone())).or_else(|| texts.get(&(pod.to_string(), String::new())));
        match text {
            Some(text) => Ok(self.range(text, question)),
            None if previous => {
                Err(bad_request(&format!("previous terminated container \"{container}\" in pod \"{name}\" not found")))
            }
            None => Ok(Vec::new()),
        }
    }

    fn range(&self, text: &[u8], question: &Question) -> Vec<u8> {
        let since = question.number("sinceSeconds").map(|seconds| self.end - SignedDuration::from_secs(seconds));
        let since = since.or_else(|| question.get("sinceTime")?.parse().ok());
        let mut lines: Vec<&[u8]> = text
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| since.is_none_or(|since| not_before(line, since)))
            .collect();
        if let Some(tail) = question.number("tailLines").and_then(|tail| usize::try_from(tail).ok()) {
            lines.drain(..lines.len().saturating_sub(tail));
        }
        let stamped = question.flag("timestamps");
        let mut out = Vec::with_capacity(lines.iter().map(|line| line.len()).sum());
        for line in lines {
            out.extend_from_slice(if stamped { line } else { without_time(line) });
        }
        if let Some(limit) = question.number("limitBytes").and_then(|limit| usize::try_from(limit).ok()) {
            out.truncate(limit);
        }
        out
    }
}

fn container(pod: &Value, name: &str, asked: Option<&str>) -> Result<String, Refusal> {
    let lists = ["containers", "initContainers"].map(|list| pod["spec"][list].as_array().cloned().unwrap_or_default());
    let names = |list: &[Value]| -> Vec<String> {
        list.iter().filter_map(|container| container["name"].as_str()).map(Into::into).collect()
    };
    let [plain, init] = [names(&lists[0]), names(&lists[1])];
    match (asked, plain.as_slice()) {
        (Some(asked), _) if plain.iter().chain(&init).any(|known| known == asked) => Ok(asked.into()),
        (Some(asked), _) => Err(bad_request(&format!("container {asked} is not valid for pod {name}"))),
        (None, [only]) => Ok(only.clone()),
        (None, _) => {
            let mut message = format!("a container name must be specified for pod {name}, choose one of: [{}]", plain.join(" "));
            if !init.is_empty() {
                message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
            }
            Err(bad_request(&message))
        }
    }
}

fn time(line: &[u8]) -> Option<Timestamp> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    std::str::from_utf8(&line[..end]).ok()?.parse().ok()
}

fn not_before(line: &[u8], since: Timestamp) -> bool {
    time(line).is_none_or(|time| time >= since)
}

fn without_time(line: &[u8]) -> &[u8] {
    match line.iter().position(|byte| *byte == b' ') {
        Some(end) if time(line).is_some() => &line[end + 1..],
        _ => line,
    }
}
