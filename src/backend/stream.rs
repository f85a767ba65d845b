//! What goes on and on: the pieces of a log that streams, and connections into pods.

use super::{Answer, Query};
use crate::error::{Error, Kind};
use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use tokio::io::{AsyncRead, AsyncWrite};

/// A part of a log that streams.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Whole lines, each with its time stamp in front; only the last one of the log may lack its line end.
    Lines(Bytes),
    /// Something worth telling about the stream itself: it broke and went on, the pod was deleted.
    Note(String),
}

/// A log that streams.
pub struct Followed {
    /// Status and time of the answer. A refusal has its words as body; else the body is empty, and the pieces are the body.
    pub head: Answer,
    /// The pieces, in order. A failure is the last of them.
    pub pieces: BoxStream<'static, crate::error::Result<Piece>>,
}

impl Followed {
    /// An answer that came at once, as a stream of one piece.
    pub fn whole(answer: Answer) -> Self {
        if !answer.is_success() {
            return Self { head: answer, pieces: stream::empty().boxed() };
        }
        let lines = Some(answer.body.clone()).filter(|body| !body.is_empty());
        let pieces = stream::iter(lines.map(|lines| Ok(Piece::Lines(lines)))).boxed();
        Self { head: Answer { body: Bytes::new(), ..answer }, pieces }
    }
}

/// What carries bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection to a port inside a pod.
pub struct Tunnel {
    /// What carries the bytes. Dropping it closes the connection.
    pub stream: Box<dyn Duplex>,
    /// Why the port failed, once the other side says so; `None` when it ended without a reason.
    pub reason: BoxFuture<'static, Option<String>>,
}

/// That nothing is live behind a backend.
pub(super) fn no_ports(place: &str, query: &Query) -> Error {
    Error::new(Kind::TapeMiss, format!("{query} cannot be opened: {place} has no live ports"))
        .hint("a port-forward needs a cluster: start pilotage with --context, without --tape and --demo")
}
