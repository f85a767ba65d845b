//! Exec: a program in a container, its streams as channels of one WebSocket.
//!
//! Protocols `v5.channel.k8s.io` and `v4.channel.k8s.io`: the first byte of a frame is the channel: 0 stdin, 1 stdout,
//! 2 stderr, 3 the exit as a `Status`. The only programs here are those that ask the proxy or istiod over HTTP.

use super::book::{Book, Door};
use super::http1::{Reply, Request};
use super::options::PodTarget;
use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The protocols spoken, best first.
pub const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// What a program left behind.
struct Outcome {
    stdout: Bytes,
    stderr: String,
    code: u8,
}

/// Serve one socket: run the command, send what it printed and how it ended.
pub async fn serve(mut socket: WebSocket, book: Arc<Book>, pod: String, command: Vec<String>) {
    let Some(outcome) = run(&book, &pod, &command).await else {
        // The program hangs; so does the socket, until the client gives up.
        while let Some(Ok(_)) = socket.recv().await {}
        return;
    };
    for chunk in outcome.stdout.chunks(32 * 1024) {
        if send(&mut socket, STDOUT, chunk).await.is_err() {
            return;
        }
    }
    if !outcome.stderr.is_empty() && send(&mut socket, STDERR, outcome.stderr.as_bytes()).await.is_err() {
        return;
    }
    let _ = send(&mut socket, STATUS, exit(outcome.code).to_string().as_bytes()).await;
    if socket.send(Message::Close(None)).await.is_ok() {
        // Whoever closes a socket under what the client still sends takes from it what it has not read yet.
        let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), drained).await;
    }
}

async fn send(socket: &mut WebSocket, channel: u8, data: &[u8]) -> Result<(), axum::Error> {
    let mut frame = Vec::with_capacity(data.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(data);
    socket.send(Message::Binary(Bytes::from(frame))).await
}

async fn run(book: &Book, pod: &str, command: &[String]) -> Option<Outcome> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let (port, method, path) = match words.as_slice() {
        ["pilot-agent", "request", method, path] => (15000, *method, *path),
        ["pilot-agent", "request", "--debug-port", port, method, path] => (port.parse().unwrap_or(15000), *method, *path),
        ["pilot-discovery", "request", method, path] => (15014, *method, *path),
        [] => return Some(failed(1, "no command was given")),
        [program, ..] => return Some(failed(127, &format!("exec: \"{program}\": executable file not found in $PATH\n"))),
    };
    let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
    let door = book.door(pod, port);
    if let Door::Target(PodTarget::Tcp(address)) = door {
        let (method, path) = (method.to_string(), path.clone());
        let asked = tokio::task::spawn_blocking(move || crate::support::envoy::ask(address, &method, &path)).await;
        return Some(match asked {
            Ok((200, text)) => Outcome { stdout: text.into(), stderr: String::new(), code: 0 },
            Ok((status, _)) => failed(1, &format!("Error: received unexpected status code: {status}\n")),
            Err(error) => failed(1, &format!("Error: {error}\n")),
        });
    }
    if matches!(door, Door::Target(_)) {
        let url = format!("http://localhost:{port}{path}");
        return Some(failed(1, &format!("Error: Get \"{url}\": dial tcp [::1]:{port}: connect: connection refused\n")));
    }
    let request = Request { method: method.into(), path, body: Vec::new() };
    let answer = match book.pod(pod, port, &request) {
        Reply::Whole(answer) => answer,
        Reply::Late(delay, answer) => {
            tokio::time::sleep(delay).await;
            answer
        }
        Reply::Never | Reply::Huge(_) => return None,
        Reply::CutOff(_) | Reply::Close => return Some(failed(1, "Error: unexpected EOF\n")),
    };
    Some(if (200..300).contains(&answer.status) {
        Outcome { stdout: answer.body, stderr: String::new(), code: 0 }
    } else {
        failed(1, &format!("Error: received unexpected status code: {}\n", answer.status))
    })
}

fn failed(code: u8, stderr: &str) -> Outcome {
    Outcome { stdout: Bytes::new(), stderr: stderr.into(), code }
}

fn exit(code: u8) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}
