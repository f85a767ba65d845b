//! Port-forward: connections to a pod's ports, many on one WebSocket.
//!
//! Protocol `v4.channel.k8s.io`: each port has two channels, 2i for data and 2i+1 for an error. The first frame of each
//! is the port as two bytes, low one first. When the pod's side of every port has ended, the socket is closed.

use super::book::{Book, Door};
use super::http1;
use super::options::PodTarget;
use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, WriteHalf};
use tokio::sync::mpsc;

/// The protocols spoken, best first.
pub const PROTOCOLS: [&str; 1] = ["v4.channel.k8s.io"];

const BUFFER: usize = 256 * 1024;
const PARTING: Duration = Duration::from_secs(1);

/// Serve one socket until either side ends it.
pub async fn serve(socket: WebSocket, book: Arc<Book>, pod: String, ports: Vec<u16>) {
    let (mut sink, mut source) = socket.split();
    let (frames, mut outgoing) = mpsc::channel::<Bytes>(64);
    let mut writers: Vec<Option<WriteHalf<DuplexStream>>> = Vec::new();
    let mut tasks = tokio::task::JoinSet::new();
    for (index, port) in ports.iter().enumerate() {
        let channel = u8::try_from(2 * index).unwrap_or(u8::MAX - 1);
        let (near, far) = tokio::io::duplex(BUFFER);
        let (reader, writer) = tokio::io::split(near);
        writers.push(Some(writer));
        tasks.spawn(from_pod(channel, *port, reader, frames.clone()));
        tasks.spawn(connect(channel + 1, *port, far, Arc::clone(&book), pod.clone(), frames.clone()));
    }
    drop(frames);
    loop {
        tokio::select! {
            frame = outgoing.recv() => match frame {
                Some(frame) => if sink.send(Message::Binary(frame)).await.is_err() { break },
                None => break,
            },
            message = source.next() => match message {
                Some(Ok(Message::Binary(frame))) => to_pod(&mut writers, &frame).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    tasks.abort_all();
    part(&mut sink, &mut source).await;
}

/// Say goodbye and wait a moment for the other side to do so: a socket that is closed under what the client still sends
/// is reset, and takes with it what the client has not read yet.
async fn part(sink: &mut SplitSink<WebSocket, Message>, source: &mut SplitStream<WebSocket>) {
    if sink.send(Message::Close(None)).await.is_ok() {
        let drained = async { while let Some(Ok(_)) = source.next().await {} };
        let _ = tokio::time::timeout(PARTING, drained).await;
    }
}

async fn to_pod(writers: &mut [Option<WriteHalf<DuplexStream>>], frame: &Bytes) {
    let Some((channel, data)) = frame.split_first() else { return };
    let Some(writer) = writers.get_mut(usize::from(channel / 2)).filter(|_| channel % 2 == 0) else { return };
    // The pod's side has hung up: what still comes for it is dropped, as by the kubelet.
    if let Some(open) = writer
        && open.write_all(data).await.is_err()
    {
        *writer = None;
    }
}

async fn from_pod(channel: u8, port: u16, mut reader: tokio::io::ReadHalf<DuplexStream>, frames: mpsc::Sender<Bytes>) {
    if frames.send(opening(channel, port)).await.is_err() {
        return;
    }
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        let mut frame = Vec::with_capacity(count + 1);
        frame.push(channel);
        frame.extend_from_slice(&buffer[..count]);
        if frames.send(Bytes::from(frame)).await.is_err() {
            return;
        }
    }
}

fn opening(channel: u8, port: u16) -> Bytes {
    let [low, high] = port.to_le_bytes();
    Bytes::from(vec![channel, low, high])
}

/// Connect the far end of a channel with what is behind the port.
async fn connect(errors: u8, port: u16, far: DuplexStream, book: Arc<Book>, pod: String, frames: mpsc::Sender<Bytes>) {
    if frames.send(opening(errors, port)).await.is_err() {
        return;
    }
    let refused = match book.door(&pod, port) {
        Door::Recorded => {
            http1::serve(far, |request| book.pod(&pod, port, request)).await;
            return;
        }
        Door::Target(PodTarget::Proxy(proxy)) => {
            http1::serve(far, |request| proxy.reply(request)).await;
            return;
        }
        Door::Target(PodTarget::Silent) => std::future::pending().await,
        Door::Target(PodTarget::Tcp(address)) => match tokio::net::TcpStream::connect(address).await {
            Ok(real) => return pipe(far, real).await,
            Err(error) => error.to_string(),
        },
        Door::Target(PodTarget::Closed) => "connection refused".to_string(),
    };
    let mut frame = vec![errors];
    frame.extend_from_slice(refusal(&pod, port, &refused).as_bytes());
    let _ = frames.send(Bytes::from(frame)).await;
}

/// Carry bytes both ways until the real server has said all it has to say.
async fn pipe(far: DuplexStream, real: tokio::net::TcpStream) {
    let (mut from_client, mut to_client) = tokio::io::split(far);
    let (mut from_server, mut to_server) = real.into_split();
    let asking = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    });
    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    let _ = to_client.shutdown().await;
    asking.abort();
}

/// The words of kubelet and container runtime.
fn refusal(pod: &str, port: u16, why: &str) -> String {
    let name = pod.rsplit('/').next().unwrap_or(pod);
    format!(
        "error forwarding port {port} to pod {name}, uid : failed to execute portforward in network namespace \"/var/run/netns/cni-0\": \
         failed to connect to localhost:{port} inside namespace \"0\", IPv4: dial tcp4 127.0.0.1:{port}: connect: {why} \
         IPv6 dial tcp6 [::1]:{port}: connect: {why}"
    )
}
