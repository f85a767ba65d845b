//! For tests: a small API server on loopback that upgrades to port-forward and exec, and servers that misbehave.

use super::{Ask, Connect, Exec, Live, Query};
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the fake cluster holds.
#[derive(Default)]
pub(super) struct FakeApi {
    /// Ports of the pod `shop/web-1` and where their servers really are.
    pub(super) ports: HashMap<u16, SocketAddr>,
    /// Refused on upgrade, with this status.
    pub(super) upgrade_status: Option<u16>,
    /// What exec sends, by channel; channel 255 breaks the connection.
    pub(super) exec: Vec<(u8, Vec<u8>)>,
    /// How many port-forwards were opened.
    pub(super) opened: AtomicUsize,
}

type Shared = State<Arc<FakeApi>>;

impl FakeApi {
    /// Serve it, and give a live backend that asks it.
    pub(super) async fn live(self: &Arc<Self>, timeout: Duration) -> Live {
        let router = Router::new()
            .route("/api/v1/namespaces/shop/pods/{pod}/portforward", any(portforward))
            .route("/api/v1/namespaces/shop/pods/{pod}/exec", any(exec))
            .route("/api/v1/namespaces/shop/pods/{pod}/log", get(log))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        live(&format!("http://{address}"), timeout).await
    }
}

/// A live backend for the context `lab` at this API server.
pub(super) async fn live(server: &str, timeout: Duration) -> Live {
    live_as(server, "{token: abc}", timeout).await.expect("the kubeconfig is right")
}

/// The same with this user in the kubeconfig.
pub(super) async fn live_as(server: &str, user: &str, timeout: Duration) -> crate::error::Result<Live> {
    Kubeconfig::new(&format!("{{server: \"{server}\"}}"), user).live(timeout).await
}

/// A kubeconfig file with the context `lab`, removed with the test.
pub(super) struct Kubeconfig(PathBuf);

impl Kubeconfig {
    /// With this cluster and user, as YAML.
    pub(super) fn new(cluster: &str, user: &str) -> Self {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = Self(std::env::temp_dir().join(format!("pilotage-live-{}-{number}.yaml", std::process::id())));
        file.write(cluster, user);
        file
    }

    /// Change what it says.
    pub(super) fn write(&self, cluster: &str, user: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{{name: c, cluster: {cluster}}}]\n\
             users: [{{name: u, user: {user}}}]\ncontexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\n"
        );
        std::fs::write(&self.0, text).unwrap();
    }

    /// A live backend that reads it.
    pub(super) async fn live(&self, timeout: Duration) -> crate::error::Result<Live> {
        Live::connect(Connect { kubeconfig: Some(self.0.clone()), timeout, ..Connect::default() }).await
    }
}

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An HTTP proxy that only tunnels, and a SOCKS 5 proxy. Both lead every name to this address.
pub(super) async fn proxy(socks: bool, target: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, used) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = used.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                if socks {
                    // No authentication; then the request, and a success with any bound address.
                    let _ = stream.write_all(&[5, 0]).await;
                    let _ = stream.read(&mut buffer).await;
                    let _ = stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
                } else {
                    assert!(buffer.starts_with(b"CONNECT "), "only tunnels");
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                }
                let mut onward = TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    (address, used)
}

/// A question to the cluster `lab`.
pub(super) fn lab(ask: Ask) -> Query {
    Query::new("lab", ask)
}

/// Run a program in `shop/web-1`.
pub(super) fn run(command: &[&str]) -> Query {
    let command = command.iter().map(ToString::to_string).collect();
    lab(Ask::Exec(Exec { namespace: "shop".into(), pod: "web-1".into(), container: "istio-proxy".into(), command }))
}

/// A server that answers the n-th request of each connection with the n-th of these texts, then closes.
/// An answer `hang` never comes. Gives its address and the number of requests so far.
pub(super) async fn raw(answers: &'static [&'static str]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(raw_connection(stream, answers, counter.clone()));
        }
    });
    (address, requests)
}

async fn raw_connection(mut stream: TcpStream, answers: &'static [&'static str], counter: Arc<AtomicUsize>) {
    for answer in answers {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                return;
            }
            head.push(byte[0]);
        }
        counter.fetch_add(1, Ordering::Relaxed);
        if *answer == "hang" {
            std::future::pending::<()>().await;
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn refusal(status: u16, pod: &str) -> Response {
    let message = match status {
        401 => "Unauthorized".to_owned(),
        403 => format!(
            "pods \"{pod}\" is forbidden: User \"dev\" cannot get resource \"pods/x\" in API group \"\" in the namespace \"shop\""
        ),
        _ => format!("pods \"{pod}\" not found"),
    };
    let status_object =
        serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status});
    (StatusCode::from_u16(status).unwrap(), axum::Json(status_object)).into_response()
}

async fn portforward(
    State(api): Shared,
    Path(pod): Path<String>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(status) = api.upgrade_status.or((pod != "web-1").then_some(404)) {
        return refusal(status, &pod);
    }
    let port: u16 = query.unwrap_or_default().trim_matches('&').trim_start_matches("ports=").parse().unwrap();
    api.opened.fetch_add(1, Ordering::Relaxed);
    let target = api.ports.get(&port).copied();
    upgrade.protocols(["v4.channel.k8s.io"]).on_upgrade(move |socket| forward(socket, port, target))
}

async fn forward(socket: WebSocket, port: u16, target: Option<SocketAddr>) {
    let (mut sink, mut source) = socket.split();
    let frame = |channel: u8, bytes: &[u8]| Message::Binary([&[channel], bytes].concat().into());
    for channel in [0, 1] {
        sink.send(frame(channel, &port.to_le_bytes())).await.unwrap();
    }
    let Some(target) = target else {
        let reason =
            format!("error forwarding port {port} to pod abc, uid : failed to connect to localhost:{port}: connection refused");
        let _ = sink.send(frame(1, reason.as_bytes())).await;
        let _ = sink.close().await;
        return;
    };
    let (mut read, mut write) = TcpStream::connect(target).await.unwrap().into_split();
    let up = async {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Binary(bytes) = message
                && write.write_all(&bytes[1..]).await.is_err()
            {
                break;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            if sink.send(frame(0, &buffer[..length])).await.is_err() {
                break;
            }
        }
        let _ = sink.close().await;
    };
    tokio::select! { () = up => {}, () = down => {} }
}

async fn exec(State(api): Shared, Path(pod): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    if let Some(status) = api.upgrade_status {
        return refusal(status, &pod);
    }
    upgrade.protocols(["v5.channel.k8s.io"]).on_upgrade(move |mut socket| async move {
        for (channel, bytes) in &api.exec {
            if *channel == 255 {
                return;
            }
            for part in bytes.chunks(32 << 10) {
                if socket.send(Message::Binary([&[*channel], part].concat().into())).await.is_err() {
                    return;
                }
            }
        }
        let _ = socket.send(Message::Close(None)).await;
    })
}

async fn log(RawQuery(query): RawQuery) -> Response {
    match query.unwrap_or_default() {
        query if query.contains("previous") => {
            let status = serde_json::json!({"kind": "Status", "message": "previous terminated container \"app\" in pod \"web-1\" not found", "code": 400});
            (StatusCode::BAD_REQUEST, axum::Json(status)).into_response()
        }
        query if query.contains("timestamps=true") => {
            let lines: String = (0..2000).map(|n| format!("2026-11-22T10:00:00Z line {n}\n")).collect();
            lines.into_response()
        }
        _ => StatusCode::IM_A_TEAPOT.into_response(),
    }
}
