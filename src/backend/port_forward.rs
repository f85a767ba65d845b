//! HTTP to a port inside a pod: a port-forward stream as the connection, kept for the next question, no local port.

use super::kube_error::{self, Asked};
use super::live::pod_api;
use super::patience::Patience;
use super::{Answer, PodHttp, PodPort, body};
use crate::error::{Error, Kind, Result};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use kube::api::Portforwarder;
use kube::client::Client;
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// An idle connection is closed after this time.
const IDLE: Duration = Duration::from_secs(15);
/// More idle connections than this are not kept.
const KEEP: usize = 64;
/// A failed port says why within this time, or never.
const REASON: Duration = Duration::from_secs(1);

/// Connections to pods that wait for their next question.
#[derive(Default)]
pub(super) struct Tunnels {
    idle: Mutex<HashMap<Place, Vec<Tunnel>>>,
}

/// A port inside a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    namespace: String,
    pod: String,
    port: u16,
}

/// One HTTP connection through one port-forward.
struct Tunnel {
    sender: SendRequest<Full<Bytes>>,
    /// Why the port failed, once the kubelet says so.
    reason: Shared<BoxFuture<'static, Option<String>>>,
    _open: Open,
    used: std::time::Instant,
}

impl Tunnels {
    /// Put a question to a pod, over an idle connection if there is one.
    pub(super) async fn ask(
        self: &Arc<Self>,
        client: &Client,
        query: &PodHttp,
        asked: Asked<'_>,
        patience: &Patience,
    ) -> Result<Answer> {
        let place = Place { namespace: query.namespace.clone(), pod: query.pod.clone(), port: query.port };
        while let Some(mut tunnel) = self.take(&place) {
            // A connection that idled may have been closed meanwhile; that shows at once, or when the question is sent.
            let Ok(()) = patience.wait(asked.what, tunnel.sender.ready()).await? else { continue };
            if let Ok(response) = patience.wait(asked.what, tunnel.sender.send_request(request(query, asked.what)?)).await? {
                return self.finish(place, tunnel, response, asked, patience).await;
            }
            if query.method != "GET" {
                return Err(Error::new(Kind::Unreachable, format!("{}: the connection ended before an answer came", asked.what))
                    .hint("see whether it took effect before you ask again"));
            }
        }
        let mut tunnel = Tunnel::open(client, &place, asked, patience).await?;
        match patience.wait(asked.what, tunnel.sender.send_request(request(query, asked.what)?)).await? {
            Ok(response) => self.finish(place, tunnel, response, asked, patience).await,
            Err(error) => Err(tunnel.failed(&error, query, asked.what).await),
        }
    }

    async fn finish(
        self: &Arc<Self>,
        place: Place,
        tunnel: Tunnel,
        response: Response<Incoming>,
        asked: Asked<'_>,
        patience: &Patience,
    ) -> Result<Answer> {
        match body::answer(response, body::MAX_BYTES, asked.what, patience).await {
            Ok(answer) => {
                self.keep(place, tunnel);
                Ok(answer)
            }
            Err(error) => match tunnel.reason().await {
                Some(reason) => Err(error.cause(reason)),
                None => Err(error),
            },
        }
    }

    fn take(&self, place: &Place) -> Option<Tunnel> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let tunnels = idle.get_mut(place)?;
        std::iter::from_fn(|| tunnels.pop()).find(|tunnel| !tunnel.sender.is_closed() && tunnel.used.elapsed() < IDLE)
    }

    fn keep(self: &Arc<Self>, place: Place, mut tunnel: Tunnel) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if tunnel.sender.is_closed() || idle.values().map(Vec::len).sum::<usize>() >= KEEP {
            return;
        }
        tunnel.used = std::time::Instant::now();
        idle.entry(place).or_default().push(tunnel);
        tokio::spawn(close_later(Arc::downgrade(self)));
    }

    fn close_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, tunnels| {
            tunnels.retain(|tunnel| tunnel.used.elapsed() < IDLE && !tunnel.sender.is_closed());
            !tunnels.is_empty()
        });
    }
}

async fn close_later(tunnels: Weak<Tunnels>) {
    tokio::time::sleep(IDLE).await;
    if let Some(tunnels) = tunnels.upgrade() {
        tunnels.close_idle();
    }
}

/// A connection to a port inside a pod, for whoever wants to speak to it.
pub(super) async fn tunnel(client: &Client, port: &PodPort, asked: Asked<'_>, patience: &Patience) -> Result<super::Tunnel> {
    let place = Place { namespace: port.namespace.clone(), pod: port.pod.clone(), port: port.port };
    let forward = forward(client, &place, asked, patience).await?;
    let reason = forward.reason.clone();
    Ok(super::Tunnel { stream: Box::new(Held { stream: forward.stream, _open: forward.open }), reason: reason.boxed() })
}

/// A port-forward that is open.
struct Forward<S> {
    stream: S,
    reason: Shared<BoxFuture<'static, Option<String>>>,
    open: Open,
}

/// Without this, kube's task lives on until the API server closes its side.
struct Open(Portforwarder);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A stream that keeps its port-forward open.
struct Held<S> {
    stream: S,
    _open: Open,
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

async fn forward(
    client: &Client,
    place: &Place,
    asked: Asked<'_>,
    patience: &Patience,
) -> Result<Forward<impl AsyncRead + AsyncWrite + Unpin + Send + use<>>> {
    let pods = pod_api(client, &place.namespace, &place.pod)?;
    let opened = patience.wait(asked.what, pods.portforward(&place.pod, &[place.port])).await?;
    let mut forwarder = opened.map_err(|error| upgrade_failed(&error, "pods/portforward", &place.namespace, asked))?;
    let lost = || Error::new(Kind::Internal, format!("{}: the port-forward has no stream", asked.what));
    let stream = forwarder.take_stream(place.port).ok_or_else(lost)?;
    let reason = forwarder.take_error(place.port).ok_or_else(lost)?.boxed().shared();
    Ok(Forward { stream, reason, open: Open(forwarder) })
}

impl Tunnel {
    async fn open(client: &Client, place: &Place, asked: Asked<'_>, patience: &Patience) -> Result<Self> {
        let Forward { stream, reason, open } = forward(client, place, asked, patience).await?;
        let lost = || Error::new(Kind::Internal, format!("{}: the port-forward has no stream", asked.what));
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| lost().caused_by(&error))?;
        tokio::spawn(connection);
        Ok(Self { sender, reason, _open: open, used: std::time::Instant::now() })
    }

    async fn reason(&self) -> Option<String> {
        timeout(REASON, self.reason.clone()).await.ok().flatten().map(|text| text.trim().to_owned())
    }

    async fn failed(&self, error: &hyper::Error, query: &PodHttp, what: &str) -> Error {
        let reason = self.reason().await;
        if error.is_parse() {
            return Error::new(Kind::BadAnswer, format!("{what}: the port does not speak HTTP"))
                .cause(error)
                .hint(port_hint(query.port));
        }
        let failure = Error::new(Kind::Unreachable, format!("{what}: the port does not answer"));
        match reason {
            Some(reason) => failure.cause(reason).hint(port_hint(query.port)),
            None => failure.cause("the connection ended before an answer came").hint(port_hint(query.port)),
        }
    }
}

/// The upgrade to a port-forward or exec was refused, or never came.
pub(super) fn upgrade_failed(error: &kube::Error, resource: &str, namespace: &str, asked: Asked<'_>) -> Error {
    let failure = kube_error::no_answer(error, asked);
    match failure.kind() {
        Kind::Forbidden => failure.hint(format!(
            "ask for the verbs get and create on {resource} in namespace {namespace} (which of the two counts depends on the Kubernetes version)"
        )),
        Kind::NotFound => failure.hint("the pod may have been replaced meanwhile: list the pods again"),
        Kind::NotRunning => failure.hint("wait for the pod to run, or see its events"),
        _ => failure,
    }
}

/// What may be wrong with a port that does not answer.
pub(super) fn port_hint(port: u16) -> String {
    match port {
        15000 => "is there a proxy in the pod, and its admin port not moved? (proxyAdminPort in the mesh config or the pod's proxy.istio.io/config, 15000 by default)".into(),
        15014 => "does this pod run istiod, and its monitoring port not moved? (15014 by default)".into(),
        port => format!("does a container of the pod listen on {port}, also on its loopback address?"),
    }
}

fn request(query: &PodHttp, what: &str) -> Result<Request<Full<Bytes>>> {
    let request = match query.path.starts_with('/') {
        true => Request::builder()
            .method(query.method.as_str())
            .uri(query.path.as_str())
            .header(header::HOST, format!("localhost:{}", query.port))
            .header(header::ACCEPT, "*/*")
            .body(Full::from(query.body.clone().unwrap_or_default()))
            .ok(),
        false => None,
    };
    request.ok_or_else(|| {
        Error::new(Kind::BadInput, format!("{what}: this is no method and path")).hint("a path begins with /: /config_dump")
    })
}
