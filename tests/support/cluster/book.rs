//! What the servers inside the pods answer: by pod, port, method and path, as recorded.

use super::envoy;
use super::http1::{Answer, Reply, Request};
use super::options::{At, PodTarget, Trouble};
use super::question::Question;
use super::recording::{Entry, Recording, Via};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Mutex;

/// The recorded answers of all servers, inside the mesh and outside of it.
pub struct Book {
    pages: HashMap<Place, HashMap<String, Vec<Answer>>>,
    /// How often a question was asked: the same question again gets the next recorded answer, and at the end the last.
    asked: Mutex<HashMap<(Place, String), usize>>,
    faults: Vec<(At, Trouble)>,
    targets: Vec<(String, u16, PodTarget)>,
}

/// `namespace/name` of a pod, or a host, and the port.
pub type Place = (String, u16);

/// What is behind a port of a pod.
pub enum Door {
    /// The recorded answers.
    Recorded,
    /// Something else.
    Target(PodTarget),
}

impl Book {
    /// Gather what a recording holds.
    pub fn gather(recording: &Recording, faults: Vec<(At, Trouble)>, targets: Vec<(String, u16, PodTarget)>) -> Self {
        let mut pages: HashMap<Place, HashMap<String, Vec<Answer>>> = HashMap::new();
        for entry in &recording.entries {
            let place = match entry.via {
                Via::Pod => entry.pod.clone().zip(entry.port),
                Via::Https => entry.host.clone().zip(entry.port),
                _ => None,
            };
            let Some(place) = place.filter(|_| entry.status != 0) else { continue };
            let key = page(&entry.method, &entry.question);
            pages.entry(place).or_default().entry(key).or_default().push(answer(entry));
        }
        Self { pages, asked: Mutex::default(), faults, targets }
    }

    /// What a connection to this port of this pod finds.
    pub fn door(&self, pod: &str, port: u16) -> Door {
        let target = self.targets.iter().find(|(name, number, _)| name == pod && *number == port);
        match target {
            Some((_, _, target)) => Door::Target(target.clone()),
            None if self.pages.contains_key(&(pod.to_string(), port)) => Door::Recorded,
            None => Door::Target(PodTarget::Closed),
        }
    }

    /// The answer of a server inside a pod.
    pub fn pod(&self, pod: &str, port: u16, request: &Request) -> Reply {
        let answer = self.recorded(&(pod.to_string(), port), &request.method, &Question::parse(&request.path));
        let fits = |at: &At| {
            matches!(at, At::Pod { pod: name, port: number, path }
                if name == pod && number.is_none_or(|number| number == port) && request.path.starts_with(path.as_str()))
        };
        self.befall(fits, answer)
    }

    /// The answer of a server outside of the mesh.
    pub fn https(&self, host: &str, port: u16, request: &Request) -> Reply {
        let answer = self.recorded(&(host.to_string(), port), &request.method, &Question::parse(&request.path));
        self.befall(|at| matches!(at, At::Https(path) if request.path.starts_with(path.as_str())), answer)
    }

    /// What befalls a request to the API server.
    pub fn kube(&self, path: &str) -> Option<&Trouble> {
        self.faults
            .iter()
            .find(|(at, _)| matches!(at, At::Kube(start) if path.starts_with(start.as_str())))
            .map(|(_, trouble)| trouble)
    }

    fn befall(&self, fits: impl Fn(&At) -> bool, answer: Answer) -> Reply {
        match self.faults.iter().find(|(at, _)| fits(at)) {
            Some((_, trouble)) => trouble.befall(answer),
            None => Reply::Whole(answer),
        }
    }

    fn recorded(&self, place: &Place, method: &str, question: &Question) -> Answer {
        let key = page(method, question);
        let Some(pages) = self.pages.get(place) else { return unknown(None) };
        if let Some(answers) = pages.get(&key) {
            let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let turn = asked.entry((place.clone(), key)).or_default();
            let answer = answers[(*turn).min(answers.len() - 1)].clone();
            *turn += 1;
            return answer;
        }
        let dump = pages.get(&page("GET", &Question::parse("/config_dump?include_eds"))).and_then(|answers| answers.first());
        let view = dump.filter(|_| method == "GET").and_then(|dump| envoy::view(&dump.body, question));
        match view {
            Some((status, kind, body)) => {
                Answer { status, content_type: Some(kind.into()), location: None, body: Bytes::from(body) }
            }
            None => unknown(pages.values().flatten().find(|answer| answer.status == 404 && is_text(answer))),
        }
    }
}

fn page(method: &str, question: &Question) -> String {
    format!("{method} {}", question.key())
}

fn answer(entry: &Entry) -> Answer {
    Answer { status: entry.status, content_type: entry.content_type.clone(), location: None, body: entry.body.clone() }
}

fn is_text(answer: &Answer) -> bool {
    answer.content_type.as_deref().is_some_and(|kind| kind.starts_with("text/plain"))
}

/// The server's own page for what it does not know, as recorded for another such question where there is one.
fn unknown(recorded: Option<&Answer>) -> Answer {
    recorded.cloned().unwrap_or_else(|| Answer {
        status: 404,
        content_type: Some("text/plain; charset=UTF-8".into()),
        location: None,
        body: Bytes::from_static(b"invalid path. admin commands are:\n"),
    })
}
