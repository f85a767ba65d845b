//! Reading a response to its end, or saying how much of it came.

use super::Answer;
use super::patience::Patience;
use crate::error::{Error, Kind, Result};
use bytes::{Buf, Bytes};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use jiff::Timestamp;

/// No answer that pilotage asks for is bigger; a server that sends more is broken or hostile.
pub(super) const MAX_BYTES: u64 = 2 << 30;
/// What is reserved for an announced body before any of it came.
const RESERVE: u64 = 256 << 20;

/// Read a whole response into an answer.
pub(super) async fn answer<B>(response: http::Response<B>, max: u64, what: &str, patience: &Patience) -> Result<Answer>
where
    B: Body<Data: Buf, Error: std::fmt::Display> + Unpin,
{
    let (head, body) = response.into_parts();
    let announced = announced(&head.headers);
    if announced.is_some_and(|bytes| bytes > max) {
        return Err(too_big(what, max));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced.unwrap_or(0).min(RESERVE)).unwrap_or(0));
    drain(body, announced, what, patience, |chunk| {
        bounded(bytes.len() + chunk.len(), max, what)?;
        bytes.extend_from_slice(chunk);
        Ok(())
    })
    .await?;
    Ok(head_answer(head.status.as_u16(), &head.headers, bytes.into()))
}

/// An answer with this head and body.
pub(super) fn head_answer(status: u16, headers: &HeaderMap, body: Bytes) -> Answer {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let content_type = text(header::CONTENT_TYPE).map(|all| all.split(';').next().unwrap_or_default().trim().to_owned());
    Answer { status, content_type, location: text(header::LOCATION), body, at: Timestamp::now(), ms: 0 }
}

/// The length that the server announced.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Hand every part of a body to `sink` as it comes. A body that ends early is an error.
pub(super) async fn drain<B>(
    mut body: B,
    announced: Option<u64>,
    what: &str,
    patience: &Patience,
    mut sink: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()>
where
    B: Body<Data: Buf, Error: std::fmt::Display> + Unpin,
{
    let mut came = 0;
    while let Some(frame) = patience.wait(what, body.frame()).await.map_err(|error| late(error, came, announced))? {
        let Ok(mut data) = frame.map_err(|error| cut_off(what, came, announced).cause(error))?.into_data() else { continue };
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            came += length as u64;
            sink(chunk)?;
            data.advance(length);
        }
    }
    match announced {
        Some(bytes) if bytes != came => Err(cut_off(what, came, announced)),
        _ => Ok(()),
    }
}

fn late(error: Error, came: u64, announced: Option<u64>) -> Error {
    error.cause(format!("{} came before the silence", amount(came, announced)))
}

fn cut_off(what: &str, came: u64, announced: Option<u64>) -> Error {
    Error::new(Kind::BadAnswer, format!("{what}: the answer was cut off after {}", amount(came, announced))).hint(
        "ask again; if it happens each time, look for a restarting pod, or a proxy or load balancer that limits time or size",
    )
}

/// Refuse what is longer than anything that was asked for.
pub(super) fn bounded(length: usize, max: u64, what: &str) -> Result<()> {
    if length as u64 > max { Err(too_big(what, max)) } else { Ok(()) }
}

fn too_big(what: &str, max: u64) -> Error {
    Error::new(Kind::BadAnswer, format!("{what}: the answer has more than {max} bytes"))
        .hint("this is not what was asked for, or ask for less of it")
}

fn amount(came: u64, announced: Option<u64>) -> String {
    match announced {
        Some(all) => format!("{came} of {all} bytes"),
        None => format!("{came} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use std::time::Duration;

    fn patience() -> Patience {
        Patience::new(Duration::from_millis(50))
    }

    fn parts(
        parts: &[&'static str],
        broken: bool,
    ) -> StreamBody<impl stream::Stream<Item = std::result::Result<Frame<Bytes>, String>> + Unpin> {
        let mut items: Vec<_> = parts.iter().map(|part| Ok(Frame::data(Bytes::from(*part)))).collect();
        if broken {
            items.push(Err("connection reset".to_owned()));
        }
        StreamBody::new(stream::iter(items))
    }

    #[tokio::test]
    async fn keeps_status_type_and_location_of_any_answer() {
        let response = http::Response::builder()
            .status(302)
            .header("content-type", "text/html; charset=utf-8")
            .header("location", "/login")
            .body(Full::new(Bytes::from("moved")))
            .unwrap();
        let answer = answer(response, 100, "x", &patience()).await.unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_deref(), answer.location.as_deref()),
            (302, Some("text/html"), Some("/login"))
        );
        assert_eq!(answer.text(), "moved");
    }

    #[tokio::test]
    async fn a_body_that_ends_early_says_how_much_came() {
        let response = http::Response::builder().header("content-length", "10").body(parts(&["ab", "cd"], true)).unwrap();
        let error = answer(response, 100, "pod a/b:15000 GET /x", &patience()).await.expect_err("it is cut off");
        assert_eq!(error.kind(), Kind::BadAnswer);
        assert_eq!(error.to_string(), "pod a/b:15000 GET /x: the answer was cut off after 4 of 10 bytes: connection reset");

        let response = http::Response::builder().header("content-length", "10").body(parts(&["abcd"], false)).unwrap();
        let error = answer(response, 100, "x", &patience()).await.expect_err("a quiet end is no better");
        assert_eq!(error.message(), "x: the answer was cut off after 4 of 10 bytes");
    }

    #[tokio::test]
    async fn more_than_the_limit_is_refused_announced_or_not() {
        let announced = http::Response::builder().header("content-length", "11").body(parts(&[], false)).unwrap();
        let silent = http::Response::new(parts(&["abcdef", "ghijk"], false));
        for response in [announced, silent] {
            let error = answer(response, 10, "x", &patience()).await.expect_err("it is too big");
            assert_eq!((error.kind(), error.message()), (Kind::BadAnswer, "x: the answer has more than 10 bytes"));
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_a_timeout() {
        use futures::StreamExt;
        let stuck = stream::iter([Ok::<_, String>(Frame::data(Bytes::from("ab")))]).chain(stream::pending());
        let response = http::Response::new(StreamBody::new(Box::pin(stuck)));
        let error = answer(response, 10, "x", &patience()).await.expect_err("it never ends");
        assert_eq!(error.kind(), Kind::Timeout);
        assert!(error.to_string().contains("2 bytes came"), "{error}");
    }
}
