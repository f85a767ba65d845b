//! The workload beside the proxy: it is healthy, and one of its paths fails. And the plainest client there is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server of HTTP on loopback, for as long as the process lives.
pub struct Workload {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Workload {
    /// Listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of loopback");
        let address = listener.local_addr().expect("a bound address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address }
    }
}

/// Answer requests until the other side hangs up.
fn serve(mut stream: TcpStream) {
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        asked.extend_from_slice(&buffer[..count]);
        while let Some(end) = asked.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = asked.drain(..end + 4).collect();
            let answer = match head.starts_with(b"GET /flaky") {
                true => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 6\r\n\r\nbroken",
                false => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK",
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// GET a page: its status and its body.
pub fn get(from: SocketAddr, path: &str) -> (u16, String) {
    ask(from, "GET", path)
}

/// POST without a body: the status and the body of the answer.
pub fn post(from: SocketAddr, path: &str) -> (u16, String) {
    ask(from, "POST", path)
}

/// A request without a body: the status and the body of the answer.
pub fn ask(from: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect_timeout(&from, PATIENCE).unwrap_or_else(|error| panic!("{from}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {from}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap_or_else(|error| panic!("{from}{path}: {error}"));
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{from}{path}: no answer but {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => (status, joined(body)),
        false => (status, body.to_owned()),
    }
}

/// The text of a body that came in chunks.
fn joined(mut chunks: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
        text.push_str(rest.get(..size).expect("a whole chunk"));
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    text
}
