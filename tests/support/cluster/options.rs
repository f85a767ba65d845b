//! What a cluster serves, to whom, and what goes wrong on purpose.

use super::access::User;
use super::http1::{Answer, Reply};
use super::live_log::LiveLog;
use super::objects::Objects;
use super::proxy::FakeProxy;
use super::recording::Recording;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// A change of the served objects.
type Edit = Box<dyn FnOnce(&mut Objects) + Send>;

/// How a cluster is set up.
pub struct ClusterOptions {
    pub(super) recording: Recording,
    pub(super) user: String,
    pub(super) users: Vec<User>,
    pub(super) faults: Vec<(At, Trouble)>,
    pub(super) edits: Vec<(String, Edit)>,
    pub(super) ports: Vec<(String, u16, PodTarget)>,
    pub(super) logs: Vec<(String, String, String)>,
    pub(super) live_logs: Vec<(String, String, LiveLog)>,
    pub(super) latency: Duration,
    pub(super) handshake: Handshake,
    pub(super) https: bool,
    pub(super) clock: Option<Timestamp>,
}

/// Which questions a trouble befalls.
#[derive(Debug, Clone)]
pub enum At {
    /// Requests to the API server whose path starts so.
    Kube(String),
    /// Requests to a pod's port (any port when none is named) whose path starts so.
    Pod {
        /// `namespace/name`.
        pod: String,
        /// The port.
        port: Option<u16>,
        /// The start of the path.
        path: String,
    },
    /// Requests to the HTTPS servers outside of the mesh whose path starts so.
    Https(String),
}

impl At {
    /// Everything that this pod is asked.
    pub fn pod(pod: &str) -> Self {
        Self::Pod { pod: pod.into(), port: None, path: "/".into() }
    }

    /// What this pod's Envoy is asked under this path.
    pub fn envoy(pod: &str, path: &str) -> Self {
        Self::Pod { pod: pod.into(), port: Some(15000), path: path.into() }
    }
}

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It never comes.
    Hang,
    /// It comes late.
    Slow(Duration),
    /// It breaks off half-way through the body.
    CutOff,
    /// It is a page of HTML, with status 200 and the type of JSON.
    NotJson,
    /// Its body is empty.
    Empty,
    /// It has this status, and says no more; the API server says it in its own form.
    Status(u16),
    /// It is a redirect.
    Redirect(String),
    /// It is so many bytes long.
    Huge(u64),
    /// The connection ends without one.
    Close,
}

impl Trouble {
    /// What becomes of an answer.
    pub fn befall(&self, mut answer: Answer) -> Reply {
        let say = |status: u16, kind: &str, text: &str| Answer {
            status,
            content_type: Some(kind.into()),
            location: None,
            body: Bytes::from(text.to_string()),
        };
        match self {
            Self::Hang => Reply::Never,
            Self::Slow(delay) => Reply::Late(*delay, answer),
            Self::CutOff => Reply::CutOff(answer),
            Self::NotJson => Reply::Whole(say(200, "application/json", "<html><body>Log in to go on</body></html>\n")),
            Self::Empty => {
                answer.body = Bytes::new();
                Reply::Whole(answer)
            }
            Self::Status(status) => Reply::Whole(say(*status, "text/plain", "it does not work today\n")),
            Self::Redirect(to) => Reply::Whole(Answer { location: Some(to.clone()), ..say(302, "text/html", "") }),
            Self::Huge(size) => Reply::Huge(*size),
            Self::Close => Reply::Close,
        }
    }
}

/// What is behind a pod's port.
#[derive(Debug, Clone)]
pub enum PodTarget {
    /// Nothing: connections are refused.
    Closed,
    /// A server that accepts and never says a word.
    Silent,
    /// A real server, on this address: a real Envoy, for one.
    Tcp(SocketAddr),
    /// The admin interface of a proxy that only knows its log levels.
    Proxy(FakeProxy),
}

/// How the HTTPS servers outside of the mesh greet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handshake {
    /// With the recorded chain.
    #[default]
    Chain,
    /// With the leaf alone, as a server does whose intermediate was forgotten.
    LeafOnly,
    /// With bytes behind the leaf that are no certificate.
    GarbageAfterLeaf,
    /// In plain HTTP.
    PlainHttp,
    /// Not at all: the connection stays open.
    Silent,
    /// With a reset.
    Reset,
}

impl ClusterOptions {
    /// Serve this recording to its administrator, with nothing going wrong.
    pub fn new(recording: Recording) -> Self {
        Self {
            recording,
            user: "admin".into(),
            users: User::presets(),
            faults: Vec::new(),
            edits: Vec::new(),
            ports: Vec::new(),
            logs: Vec::new(),
            live_logs: Vec::new(),
            latency: Duration::ZERO,
            handshake: Handshake::default(),
            https: false,
            clock: None,
        }
    }

    /// The user that the kubeconfig's current context belongs to; `badtoken` has a token that nobody knows.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.user = name.into();
        self
    }

    /// One more user.
    #[must_use]
    pub fn add_user(mut self, user: User) -> Self {
        self.users.insert(0, user);
        self
    }

    /// Let this trouble befall those questions. The first that fits counts.
    #[must_use]
    pub fn fault(mut self, at: At, trouble: Trouble) -> Self {
        self.faults.push((at, trouble));
        self
    }

    /// Answer the API's requests so much later.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// How the HTTPS servers outside of the mesh greet.
    #[must_use]
    pub fn handshake(mut self, handshake: Handshake) -> Self {
        self.handshake = handshake;
        self
    }

    /// Serve the API over HTTPS, with a certificate authority that the kubeconfig names.
    #[must_use]
    pub fn https(mut self) -> Self {
        self.https = true;
        self
    }

    /// The time that clients judge certificates by, where it is not the wall clock's.
    #[must_use]
    pub fn clock(mut self, now: Timestamp) -> Self {
        self.clock = Some(now);
        self
    }

    /// Put something else behind a pod's port.
    #[must_use]
    pub fn port(mut self, pod: &str, port: u16, target: PodTarget) -> Self {
        self.ports.push((pod.into(), port, target));
        self
    }

    /// Give a container another log: lines with time stamps in front, as recordings have them.
    #[must_use]
    pub fn log(mut self, pod: &str, container: &str, text: &str) -> Self {
        self.logs.push((pod.into(), container.into(), text.into()));
        self
    }

    /// Give a container a log that is still written.
    #[must_use]
    pub fn live_log(mut self, pod: &str, container: &str, log: &LiveLog) -> Self {
        self.live_logs.push((pod.into(), container.into(), log.clone()));
        self
    }

    /// Change the served objects of one kind (`pods`, `configmaps`) of the core group.
    #[must_use]
    pub fn edit(self, plural: &str, change: impl FnOnce(&mut Vec<Value>) + Send + 'static) -> Self {
        self.edit_group("", plural, change)
    }

    /// Change the served objects of one kind.
    #[must_use]
    pub fn edit_group(mut self, group: &str, plural: &str, change: impl FnOnce(&mut Vec<Value>) + Send + 'static) -> Self {
        let (owned_group, owned_plural) = (group.to_string(), plural.to_string());
        let edit = move |objects: &mut Objects| {
            if let Some(items) = objects.items_mut(&owned_group, &owned_plural) {
                change(items);
            }
        };
        self.edits.push((plural.into(), Box::new(edit)));
        self
    }

    /// Show a pod as one that waits to be started.
    #[must_use]
    pub fn not_running(self, pod: &str) -> Self {
        let pod = pod.to_string();
        self.edit("pods", move |pods| {
            for item in pods.iter_mut().filter(|item| super::paging::key(item) == pod) {
                let conditions = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/1 nodes are available: 1 Insufficient memory."}]);
                item["status"] = json!({"phase": "Pending", "conditions": conditions, "qosClass": "Burstable"});
            }
        })
    }

    /// Show a pod without its proxy, as one made before its namespace was labelled.
    #[must_use]
    pub fn without_sidecar(self, pod: &str) -> Self {
        let owned = pod.to_string();
        let this = self.edit("pods", move |pods| {
            for item in pods.iter_mut().filter(|item| super::paging::key(item) == owned) {
                for list in
                    ["/spec/containers", "/spec/initContainers", "/status/containerStatuses", "/status/initContainerStatuses"]
                {
                    if let Some(Value::Array(containers)) = item.pointer_mut(list) {
                        containers.retain(|container| container["name"] != "istio-proxy" && container["name"] != "istio-init");
                    }
                }
                if let Some(annotations) = item.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
                    annotations.retain(|name, _| !name.starts_with("sidecar.istio.io/"));
                }
            }
        });
        [15000, 15020, 15021].into_iter().fold(this, |this, port| this.port(pod, port, PodTarget::Closed))
    }

    /// One more replica of istiod, under this name, of which nothing is recorded; it never answers.
    #[must_use]
    pub fn hanging_istiod(self, name: &str) -> Self {
        let (owned, mut this) = (name.to_string(), self);
        let istiod = this.recording.via(super::recording::Via::Pod).find(|entry| entry.port == Some(15014));
        let original = istiod.and_then(|entry| entry.pod.clone()).unwrap_or_default();
        let namespace = original.split('/').next().unwrap_or_default().to_string();
        for port in [15014, 8080, 9876, 15017] {
            this = this.port(&format!("{namespace}/{name}"), port, PodTarget::Silent);
        }
        this.edit("pods", move |pods| {
            let Some(place) = pods.iter().position(|item| super::paging::key(item) == original) else { return };
            let mut twin = pods[place].clone();
            twin["metadata"]["name"] = owned.clone().into();
            twin["metadata"]["uid"] = format!("twin-of-{}", twin["metadata"]["uid"].as_str().unwrap_or_default()).into();
            pods.insert(place + 1, twin);
        })
    }
}
