//! Requests to the Kubernetes API server, as they are asked, and logs that stream through a filter.

use super::kube_error::{self, Asked};
use super::patience::Patience;
use super::{Answer, Kube, body};
use crate::error::{Error, Kind, Result};
use http::{HeaderMap, Method, Request, Response, StatusCode, header, uri::PathAndQuery};
use kube::client::{Body, Client};
use std::time::Duration;
use tokio::time::Instant;

/// How often an overloaded server is asked at most.
const ATTEMPTS: u32 = 4;
/// The first pause before asking again, when the server names none; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(250);

/// A request, its client, and how long to wait.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub(super) client: &'a Client,
    pub(super) asked: Asked<'a>,
    pub(super) patience: &'a Patience,
}

impl Api<'_> {
    /// Send a request and read the whole answer, whatever its status; only 401 is an error.
    pub(super) async fn ask(&self, query: &Kube) -> Result<Answer> {
        let response = self.send(query).await?;
        let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
        let answer = body::answer(response, body::MAX_BYTES, self.asked.what, self.patience).await?;
        match unauthorized {
            true => Err(kube_error::unauthorized(self.asked.cluster, &status_message(&answer))),
            false => Ok(answer),
        }
    }

    /// Send a request; a GET that meets an overloaded server is repeated while there is time.
    pub(super) async fn send(&self, query: &Kube) -> Result<Response<Body>> {
        let deadline = Instant::now() + self.patience.step();
        let mut attempt = 1;
        loop {
            let request = request(query, self.asked.what)?;
            let sent = self.patience.wait(self.asked.what, self.client.send(request)).await?;
            let response = sent.map_err(|error| kube_error::no_answer(&error, self.asked))?;
            let pause = pause(&response, attempt).filter(|pause| Instant::now() + *pause < deadline);
            match pause {
                Some(pause) if query.method == "GET" => tokio::time::sleep(pause).await,
                _ => return Ok(response),
            }
            attempt += 1;
        }
    }
}

/// How long to wait before asking again, if that makes sense.
fn pause<B>(response: &Response<B>, attempt: u32) -> Option<Duration> {
    let overloaded = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let told = retry_after(response.headers());
    (overloaded && attempt < ATTEMPTS).then(|| told.unwrap_or(PAUSE * 2_u32.pow(attempt - 1)))
}

/// What form the answer should have. Which kinds there are comes in two answers instead of thirty, where the server can.
fn accept(query: &Kube) -> &'static str {
    match query.path.as_str() {
        "/api" | "/apis" => concat!(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,",
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
        ),
        _ => "application/json",
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn request(query: &Kube, what: &str) -> Result<Request<Body>> {
    let wrong = |about: &str| {
        Error::new(Kind::BadInput, format!("{what}: {about}"))
            .hint("give a method, and a path that begins with /: GET /api/v1/namespaces")
    };
    let method = Method::from_bytes(query.method.as_bytes()).map_err(|_| wrong("this is no HTTP method"))?;
    let path: PathAndQuery = query.path.parse().map_err(|_| wrong("this is no path"))?;
    // `//host` would read as another server.
    if !query.path.starts_with('/') || query.path.starts_with("//") {
        return Err(wrong("this is no path"));
    }
    let mut request = Request::builder().method(method).uri(path.as_str()).header(header::ACCEPT, accept(query));
    if query.body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = query.body.clone().unwrap_or_default().into_bytes();
    request.body(Body::from(body)).map_err(|error| wrong(&error.to_string()))
}

/// The message of a `Status`, or what else was answered, shortened.
pub(super) fn status_message(answer: &Answer) -> String {
    let status: Option<kube::core::Status> = serde_json::from_slice(&answer.body).ok();
    match status {
        Some(status) if !status.message.is_empty() => status.message,
        _ => answer.text().trim().chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry_after: Option<&str>) -> Response<()> {
        let mut response = Response::builder().status(status);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        response.body(()).unwrap()
    }

    #[test]
    fn kinds_are_asked_for_all_at_once() {
        let accepts = |path: &str| {
            let query = Kube { method: "GET".into(), path: path.into(), body: None };
            request(&query, "x").unwrap().headers()[header::ACCEPT].to_str().unwrap().to_owned()
        };
        assert!(accepts("/apis").contains("as=APIGroupDiscoveryList") && accepts("/apis").ends_with(",application/json"));
        assert_eq!(accepts("/apis/apps/v1"), "application/json");
    }

    #[test]
    fn only_an_overloaded_server_is_asked_again_and_only_some_times() {
        assert_eq!(pause(&response(503, None), 1), Some(Duration::from_millis(250)));
        assert_eq!(pause(&response(503, None), 3), Some(Duration::from_secs(1)));
        assert_eq!(pause(&response(429, Some("2")), 1), Some(Duration::from_secs(2)));
        assert_eq!(pause(&response(503, None), ATTEMPTS), None);
        for status in [200, 403, 404, 500, 504] {
            assert_eq!(pause(&response(status, None), 1), None, "{status}");
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for path in ["", "api/v1/pods", "//evil.example/api", "http://evil.example/", "/a b"] {
            let query = Kube { method: "GET".into(), path: path.into(), body: None };
            assert_eq!(request(&query, "kube").map(|_| ()).expect_err(path).kind(), Kind::BadInput);
        }
        let query = Kube { method: "GET".into(), path: "/api/v1/pods?limit=500".into(), body: None };
        assert_eq!(request(&query, "kube").unwrap().uri(), "/api/v1/pods?limit=500");
    }
}
