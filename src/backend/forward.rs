//! Ports of pods on this machine: a listener on the loopback address, and a connection into the pod for each one it takes.

use super::port_forward::port_hint;
use super::{Ask, PodPort, Query, SharedBackend, Tunnel};
use crate::error::{Error, Kind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A port that nobody listens on says so within this time.
const REFUSAL: Duration = Duration::from_millis(300);
/// Who has sent all may still be answered; not after so much silence.
const PARTING: Duration = Duration::from_secs(5);
/// How long is waited until it is looked again whether a task has ended.
const MOMENT: Duration = Duration::from_millis(1);
/// The pause after a connection could not be taken: the program may have too many files open.
const PAUSE: Duration = Duration::from_millis(100);

/// The port-forwards of a session. Clones share them.
#[derive(Clone, Default)]
pub struct Forwards(Arc<Mutex<Vec<Arc<Forward>>>>);

/// One port-forward. It is closed when it is dropped.
pub struct Forward {
    /// Where it listens: on the loopback address.
    pub local: SocketAddr,
    /// Where it leads.
    pub target: PodPort,
    /// The URL's path that is worth opening.
    pub path: String,
    counts: Arc<Counts>,
    serving: tokio::task::AbortHandle,
}

/// What passed through it so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections, open ones included.
    pub connections: u64,
    /// Connections that are open.
    pub open: u64,
    /// Bytes that came from the pod.
    pub received: u64,
    /// Bytes that went to the pod.
    pub sent: u64,
    /// Why the last connection failed, of those that did.
    pub last_error: String,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    closed: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    last_error: Mutex<String>,
}

impl Forwards {
    /// Open one more: to this port, from this local one, or from any that is free.
    ///
    /// # Errors
    /// When the local port is taken, or the pod's does not answer. What may not be done is refused before anything is opened.
    pub async fn open(&self, backend: &SharedBackend, target: PodPort, local: Option<u16>, path: &str) -> Result<Arc<Forward>> {
        let query = Query::new(backend.cluster(), Ask::Port(target.clone()));
        check(backend, &query, target.port).await?;
        let listener = listen(target.port, local).await?;
        let unknown = |error: std::io::Error| Error::new(Kind::Internal, "the local port cannot be told").caused_by(&error);
        let address = listener.local_addr().map_err(unknown)?;
        let counts = Arc::<Counts>::default();
        let serving = tokio::spawn(serve(listener, backend.clone(), query, counts.clone())).abort_handle();
        let forward = Arc::new(Forward { local: address, target, path: path.into(), counts, serving });
        self.list().push(forward.clone());
        Ok(forward)
    }

    /// Those that are open, in the order in which they were opened.
    pub fn all(&self) -> Vec<Arc<Forward>> {
        self.list().clone()
    }

    /// Close those that a test fulfils; says how many. Then nothing listens there any more.
    pub async fn close(&self, which: impl Fn(&Forward) -> bool) -> usize {
        let closed: Vec<_> = self.list().extract_if(.., |forward| which(forward)).collect();
        closed.iter().for_each(|forward| forward.serving.abort());
        let ended = async {
            while !closed.iter().all(|forward| forward.serving.is_finished()) {
                sleep(MOMENT).await;
            }
        };
        // A task that is aborted ends where it waits next, and nowhere does it work for long.
        let _ = timeout(PARTING, ended).await;
        closed.len()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Arc<Forward>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forward {
    /// What to open in a browser.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.local, self.path)
    }

    /// What passed through it so far.
    pub fn traffic(&self) -> Traffic {
        let counts = &self.counts;
        let connections = counts.connections.load(Relaxed);
        Traffic {
            connections,
            open: connections.saturating_sub(counts.closed.load(Relaxed)),
            received: counts.received.load(Relaxed),
            sent: counts.sent.load(Relaxed),
            last_error: counts.error().clone(),
        }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Counts {
    fn error(&self) -> MutexGuard<'_, String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, why: impl ToString) {
        *self.error() = why.to_string();
    }
}

/// Connect once: who may not do this, and a port that nobody listens on, are told now and not in a browser.
async fn check(backend: &SharedBackend, query: &Query, port: u16) -> Result<()> {
    let tunnel = backend.tunnel(query).await?;
    match timeout(REFUSAL, tunnel.reason).await {
        Ok(Some(reason)) => Err(Error::new(Kind::Unreachable, format!("{query}: nothing answers there"))
            .cause(reason.trim())
            .hint(port_hint(port))),
        _ => Ok(()),
    }
}

/// The same port as the pod's, where nobody has it; any other else. A port that was asked for must be free.
async fn listen(port: u16, local: Option<u16>) -> Result<TcpListener> {
    let bind = async |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    if let Some(local) = local {
        return bind(local).await.map_err(|error| {
            Error::new(Kind::Unreachable, format!("the local port {local} cannot be listened on"))
                .caused_by(&error)
                .hint("another program has it, or it needs more rights: leave it out to get a free one")
        });
    }
    // Ports below 1024 belong to the system.
    if port >= 1024
        && let Ok(listener) = bind(port).await
    {
        return Ok(listener);
    }
    bind(0).await.map_err(|error| Error::new(Kind::Unreachable, "no local port is free").caused_by(&error))
}

async fn serve(listener: TcpListener, backend: SharedBackend, query: Query, counts: Arc<Counts>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((socket, _)) => {
                    counts.connections.fetch_add(1, Relaxed);
                    connections.spawn(carry(socket, backend.clone(), query.clone(), counts.clone()));
                }
                Err(error) => {
                    counts.failed(error);
                    sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn carry(mut socket: TcpStream, backend: SharedBackend, query: Query, counts: Arc<Counts>) {
    match backend.tunnel(&query).await {
        Ok(tunnel) => {
            if let Some(reason) = both_ways(&mut socket, tunnel, &counts).await {
                counts.failed(reason.trim());
            }
        }
        Err(error) => counts.failed(error),
    }
    counts.closed.fetch_add(1, Relaxed);
}

/// Carry bytes until the pod's side ends, or nobody listens here any more; gives the reason of a failure.
async fn both_ways(socket: &mut TcpStream, tunnel: Tunnel, counts: &Counts) -> Option<String> {
    let Tunnel { stream, reason } = tunnel;
    let (mut from_pod, mut to_pod) = tokio::io::split(stream);
    let (mut from_here, mut to_here) = socket.split();
    let sending = copy(&mut from_here, &mut to_pod, &counts.sent);
    let receiving = copy(&mut from_pod, &mut to_here, &counts.received);
    tokio::pin!(sending, receiving);
    let reason = async {
        match reason.await {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(reason);
    tokio::select! {
        reason = &mut reason => return Some(reason),
        () = &mut receiving => {}
        () = &mut sending => {
            // There is no way to tell the pod that nothing more is sent: the answer is waited for as long as it comes.
            loop {
                let before = counts.received.load(Relaxed);
                let ended = timeout(PARTING, &mut receiving).await.is_ok();
                if ended || counts.received.load(Relaxed) == before {
                    break;
                }
            }
        }
    }
    // The kubelet says why a moment after it closed the port.
    timeout(REFUSAL, reason).await.ok().filter(|_| counts.received.load(Relaxed) == 0)
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), count: &AtomicU64) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(length as u64, Relaxed);
        if to.write_all(&buffer[..length]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}
