//! The Kubernetes API: who asks, whether they may, and what the recording says.

use super::access::User;
use super::book::Book;
use super::http1::{self, Reply};
use super::logs::Logs;
use super::objects::{Miss, Objects};
use super::options::{ClusterOptions, Trouble};
use super::path::ApiPath;
use super::question::Question;
use super::recording::{Entry, Via};
use super::status::{Refusal, bad_request, not_found, refusal, unauthorized};
use super::{discovery, exec, portforward};
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Everything that the API serves.
pub struct Api {
    pub(super) objects: Objects,
    pub(super) book: Arc<Book>,
    logs: Logs,
    users: Vec<User>,
    /// Answers to the API's GETs and reviews, as recorded.
    recorded: Vec<Entry>,
    /// The kinds whose objects were changed: what was recorded of them is no longer true.
    edited: Vec<String>,
    latency: Duration,
    asked: Mutex<Vec<String>>,
}

/// What a request comes to, before it is put into a response.
type Outcome = Result<Response, Miss>;

impl Api {
    /// Put together what the options say; `edited` are kinds whose objects were changed beyond them.
    pub fn new(mut options: ClusterOptions, mut objects: Objects, book: Arc<Book>, mut edited: Vec<String>) -> Self {
        for (plural, edit) in std::mem::take(&mut options.edits) {
            edit(&mut objects);
            edited.push(plural);
        }
        let logs = Logs::gather(&options);
        let recorded = options.recording.via(Via::Kube).filter(|entry| entry.status != 0).cloned().collect();
        Self { objects, book, logs, users: options.users, recorded, edited, latency: options.latency, asked: Mutex::default() }
    }

    /// What was asked so far: `user GET /path?query`, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The users, those of a test first.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Answer a request, whatever becomes of it.
    pub async fn handle(self: Arc<Self>, request: Request) -> Response {
        let uri = request.uri().clone();
        let path = uri.path_and_query().map_or_else(|| uri.path().to_string(), ToString::to_string);
        let user = self.user(request.headers());
        let name = user.map_or("?", |user| user.name.as_str());
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(format!("{name} {} {path}", request.method()));
        tokio::time::sleep(self.latency).await;
        let question = Question::parse(&path);
        let outcome = match user {
            Some(user) => self.route(user, &question, request).await,
            None => Err(unauthorized().into()),
        };
        let response = outcome.unwrap_or_else(miss);
        match self.book.kube(&path) {
            Some(trouble) => befallen(response, trouble).await,
            None => response,
        }
    }

    fn user(&self, headers: &HeaderMap) -> Option<&User> {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        self.users.iter().find(|user| user.token.as_deref() == token)
    }

    async fn route(&self, user: &User, question: &Question, request: Request) -> Outcome {
        let accept = header_text(request.headers(), header::ACCEPT);
        let method = request.method().as_str().to_string();
        let Some(path) = ApiPath::parse(&question.path) else {
            user.check_path(&question.path)?;
            return discovery::answer(&self.recorded, &self.objects, question, &accept).ok_or(Miss::NoSuchPath);
        };
        match path.subresource.as_deref() {
            Some("log") => return self.log(user, &path, question),
            Some("portforward" | "exec") => return self.upgrade(user, &path, question, request).await,
            _ => {}
        }
        match method.as_str() {
            "GET" => {
                let verb = if path.name.is_some() { "get" } else { "list" };
                user.check(verb, &path)?;
                self.read(&path, question, &accept)
            }
            "POST" if path.resource.starts_with("selfsubject") => {
                user.check("create", &path)?;
                let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
                self.review(user, question, &body)
            }
            _ => {
                let message = "the server does not allow this method on the requested resource";
                Err(refusal(405, "MethodNotAllowed", message).into())
            }
        }
    }

    fn read(&self, path: &ApiPath, question: &Question, accept: &str) -> Outcome {
        if !self.edited.contains(&path.resource)
            && let Some(entry) = find(&self.recorded, question, accept)
        {
            return Ok(as_recorded(entry));
        }
        let mut object = self.objects.get(path, question)?;
        if let Some(pod) = path.pod() {
            self.logs.tell(&pod, &mut object);
        }
        let object = if accept.contains("as=PartialObjectMetadataList") { discovery::partial(object) } else { object };
        Ok(json(200, &object))
    }

    fn review(&self, user: &User, question: &Question, body: &[u8]) -> Outcome {
        let request: Value = serde_json::from_slice(body).map_err(|_| bad_request("the object provided is unrecognized"))?;
        let same = |entry: &&Entry| {
            entry.method == "POST"
                && entry.user.as_deref().unwrap_or("admin") == user.name
                && entry.question.key() == question.key()
                && entry.request.as_ref().is_some_and(|recorded| recorded["spec"] == request["spec"])
        };
        match self.recorded.iter().find(same) {
            Some(entry) => Ok(as_recorded(entry)),
            None => Ok(json(201, &user.review(&request))),
        }
    }

    fn log(&self, user: &User, path: &ApiPath, question: &Question) -> Outcome {
        user.check("get", path)?;
        let pod = path.pod().ok_or(Miss::NoSuchPath)?;
        if let Some(live) = self.logs.live(&pod, question) {
            return Ok(([(header::CONTENT_TYPE, "text/plain")], Body::from_stream(live.stream(question))).into_response());
        }
        let text = Bytes::from(self.logs.answer(&self.objects, &pod, question)?);
        // Who follows a log gets what there is, and waits for more: nothing more happens in a recording.
        let end = futures::stream::once(async { Ok::<_, std::io::Error>(text) });
        let body = if question.flag("follow") {
            Body::from_stream(end.chain(std::future::pending().into_stream()))
        } else {
            Body::from_stream(end)
        };
        Ok(([(header::CONTENT_TYPE, "text/plain")], body).into_response())
    }

    async fn upgrade(&self, user: &User, path: &ApiPath, question: &Question, request: Request) -> Outcome {
        let exec = path.subresource.as_deref() == Some("exec");
        // A socket is opened with GET; newer API servers ask for `create` as well.
        let verbs: &[&str] = if request.method() == http::Method::GET { &["get", "create"] } else { &["create"] };
        for verb in verbs {
            user.check(verb, path)?;
        }
        let name = path.name.clone().unwrap_or_default();
        let pod = path.pod().ok_or(Miss::NoSuchPath)?;
        let object = self.objects.pod(&pod).ok_or_else(|| not_found("", "pods", &name))?;
        if object["status"]["phase"] != "Running" {
            return Err(bad_request(&format!("pod {name} does not have a host assigned")).into());
        }
        let container = question.get("container").unwrap_or_default();
        if exec && !container.is_empty() && !has_container(object, container) {
            return Err(bad_request(&format!("container {container} is not valid for pod {name}")).into());
        }
        let (mut parts, _) = request.into_parts();
        let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
            return Err(bad_request("Upgrade request required").into());
        };
        let book = Arc::clone(&self.book);
        if exec {
            let command: Vec<String> = question.all("command").map(Into::into).collect();
            return Ok(upgrade.protocols(exec::PROTOCOLS).on_upgrade(move |socket| exec::serve(socket, book, pod, command)));
        }
        let ports: Vec<u16> =
            question.all("ports").flat_map(|ports| ports.split(',')).filter_map(|port| port.parse().ok()).collect();
        if ports.is_empty() {
            return Err(bad_request("query parameter \"ports\" is required").into());
        }
        Ok(upgrade.protocols(portforward::PROTOCOLS).on_upgrade(move |socket| portforward::serve(socket, book, pod, ports)))
    }
}

fn has_container(pod: &Value, name: &str) -> bool {
    let lists = ["containers", "initContainers"].into_iter().filter_map(|list| pod["spec"][list].as_array());
    lists.flatten().any(|container| container["name"] == name)
}

/// The recorded answer to exactly this GET of the administrator.
pub fn find<'a>(recorded: &'a [Entry], question: &Question, accept: &str) -> Option<&'a Entry> {
    let key = question.key();
    let plain = |accept: &str| accept.is_empty() || accept == "*/*" || accept == "application/json";
    recorded.iter().find(|entry| {
        let known = entry.accept.as_deref().unwrap_or_default();
        entry.method == "GET"
            && entry.user.as_deref().is_none_or(|user| user == "admin")
            && entry.question.key() == key
            && (known == accept || (plain(known) && plain(accept)))
    })
}

/// An answer with status, type, warning and body as recorded.
pub fn as_recorded(entry: &Entry) -> Response {
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, entry.body.clone()).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, &entry.content_type), (header::WARNING, &entry.warning)] {
        if let Some(value) = value.as_deref().and_then(|value| value.parse().ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A JSON answer.
pub fn json(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn miss(miss: Miss) -> Response {
    match miss {
        Miss::NoSuchPath => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        Miss::Refused(Refusal { code, body }) => json(code, &body),
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().into()
}

/// Do to a response what the trouble does to an answer.
async fn befallen(response: Response, trouble: &Trouble) -> Response {
    match trouble {
        Trouble::Status(code) => return broken_down(*code),
        // A response that opens a socket stays one.
        Trouble::Slow(delay) => {
            tokio::time::sleep(*delay).await;
            return response;
        }
        _ => {}
    }
    let status = response.status().as_u16();
    let content_type = Some(header_text(response.headers(), header::CONTENT_TYPE));
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    match trouble.befall(http1::Answer { status, content_type, location: None, body }) {
        Reply::Whole(answer) => whole(answer),
        Reply::Late(delay, answer) => {
            tokio::time::sleep(delay).await;
            whole(answer)
        }
        Reply::CutOff(answer) => broken(answer.body.len() as u64, answer.body.slice(..answer.body.len() / 2)),
        Reply::Huge(size) => {
            let blank = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
            let chunks = usize::try_from(size / 4096).unwrap_or(usize::MAX);
            Body::from_stream(blank.take(chunks)).into_response()
        }
        Reply::Never => std::future::pending().await,
        Reply::Close => broken(1, Bytes::new()),
    }
}

/// An API server that cannot answer now, in its own form.
fn broken_down(code: u16) -> Response {
    let reason = match code {
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let mut response = json(code, &refusal(code, reason, "it does not work today").body);
    if code == 429 {
        response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}

fn whole(answer: http1::Answer) -> Response {
    let mut entry = Entry::new(Via::Kube, "GET", Question::default());
    entry.status = answer.status;
    entry.content_type = answer.content_type;
    entry.body = answer.body;
    let mut response = as_recorded(&entry);
    if let Some(location) = answer.location.and_then(|location| location.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A body that promises so many bytes and breaks off after these.
fn broken(promised: u64, part: Bytes) -> Response {
    // The part must have left before the break, or nothing at all is sent.
    let end = futures::stream::once(async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(std::io::Error::other("the connection breaks off here"))
    });
    let parts = futures::stream::iter([Ok(part)]).chain(end);
    let mut response = Body::from_stream(parts).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, promised.into());
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
