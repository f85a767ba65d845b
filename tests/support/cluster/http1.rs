//! A small HTTP/1.1 server on any byte stream: keep-alive, whole answers, and answers that go wrong on purpose.

use bytes::Bytes;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path with query, as sent.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: Option<String>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// How an answer is given.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Whole.
    Whole(Answer),
    /// Whole, but not at once.
    Late(Duration, Answer),
    /// The connection ends half-way through the body.
    CutOff(Answer),
    /// A body of so many bytes of nothing.
    Huge(u64),
    /// The connection stays open and nothing comes.
    Never,
    /// The connection ends at once.
    Close,
}

/// Bodies above this size are sent in chunks, of unknown length, as Envoy and Go send them.
const CHUNKED_ABOVE: usize = 2048;
const HEAD_LIMIT: usize = 64 * 1024;

/// Serve requests until the other side goes away.
pub async fn serve<S, F>(mut stream: S, mut reply: F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(&Request) -> Reply,
{
    let mut buffer = Vec::new();
    while let Some((request, close)) = read(&mut stream, &mut buffer).await {
        let sent = match reply(&request) {
            Reply::Whole(answer) => write(&mut stream, &answer, close).await,
            Reply::Late(delay, answer) => {
                tokio::time::sleep(delay).await;
                write(&mut stream, &answer, close).await
            }
            Reply::CutOff(answer) => {
                let _ = write_half(&mut stream, &answer).await;
                break;
            }
            Reply::Huge(size) => write_huge(&mut stream, size).await,
            Reply::Never => std::future::pending().await,
            Reply::Close => break,
        };
        if sent.is_err() || close {
            break;
        }
    }
    let _ = stream.shutdown().await;
}

/// Read one request; the flag says whether the client wants the connection closed after it.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<(Request, bool)> {
    let end = loop {
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > HEAD_LIMIT || stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_string(), first.next()?.to_string());
    let header = |name: &str| {
        let found = head.split("\r\n").skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
        });
        found.unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer.drain(..length).collect();
    Some((Request { method, path, body }, header("connection").eq_ignore_ascii_case("close")))
}

fn head(answer: &Answer, length: Option<usize>, close: bool) -> String {
    let reason = http::StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", answer.status);
    for (name, value) in [("content-type", &answer.content_type), ("location", &answer.location)] {
        if let Some(value) = value {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    match length {
        Some(length) => head.push_str(&format!("content-length: {length}\r\n")),
        None => head.push_str("transfer-encoding: chunked\r\n"),
    }
    if close {
        head.push_str("connection: close\r\n");
    }
    head + "\r\n"
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, answer: &Answer, close: bool) -> std::io::Result<()> {
    let chunked = answer.body.len() > CHUNKED_ABOVE;
    let length = (!chunked).then_some(answer.body.len());
    stream.write_all(head(answer, length, close).as_bytes()).await?;
    if chunked {
        write_chunks(stream, &answer.body).await?;
        stream.write_all(b"0\r\n\r\n").await?;
    } else {
        stream.write_all(&answer.body).await?;
    }
    stream.flush().await
}

async fn write_chunks<S: AsyncWrite + Unpin>(stream: &mut S, body: &[u8]) -> std::io::Result<()> {
    for chunk in body.chunks(64 * 1024) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
        stream.write_all(chunk).await?;
        stream.write_all(b"\r\n").await?;
    }
    Ok(())
}

async fn write_half<S: AsyncWrite + Unpin>(stream: &mut S, answer: &Answer) -> std::io::Result<()> {
    stream.write_all(head(answer, Some(answer.body.len()), false).as_bytes()).await?;
    stream.write_all(&answer.body[..answer.body.len() / 2]).await?;
    stream.flush().await
}

async fn write_huge<S: AsyncWrite + Unpin>(stream: &mut S, size: u64) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let blank = [b' '; 16 * 1024];
    let mut left = size;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(blank.len());
        stream.write_all(&blank[..part]).await?;
        left -= part as u64;
    }
    stream.flush().await
}
