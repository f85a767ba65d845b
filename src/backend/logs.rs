//! The log of a container, streamed, so that only what is asked for is ever held.

use super::kube_error;
use super::kube_http::{Api, status_message};
use super::live::check_name;
use super::{Answer, Kube, LogFilter, Logs, body};
use crate::error::Result;
use http::StatusCode;
use jiff::Timestamp;

impl Api<'_> {
    /// Read a log. What the kubelet refuses is an answer, in its words.
    pub(super) async fn logs(&self, query: &Logs) -> Result<Answer> {
        let mut filter = LogFilter::new(query.grep.as_deref())?;
        let request = Kube { method: "GET".into(), path: path(query, None)?, body: None };
        let response = self.send(&request).await?;
        if response.status() != StatusCode::OK {
            let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
            let answer = body::answer(response, body::MAX_BYTES, self.asked.what, self.patience).await?;
            return match unauthorized {
                true => Err(kube_error::unauthorized(self.asked.cluster, &status_message(&answer))),
                false => Ok(answer),
            };
        }
        let (head, stream) = response.into_parts();
        body::drain(stream, body::announced(&head.headers), self.asked.what, self.patience, |chunk| {
            filter.push(chunk);
            body::bounded(filter.kept(), body::MAX_BYTES, self.asked.what)
        })
        .await?;
        Ok(body::head_answer(200, &head.headers, filter.finish().into()))
    }
}

/// The path to ask; from this time on, where a stream is resumed.
pub(super) fn path(query: &Logs, from: Option<Timestamp>) -> Result<String> {
    check_name("namespace", &query.namespace)?;
    check_name("pod", &query.pod)?;
    let mut path = format!("/api/v1/namespaces/{}/pods/{}/log?timestamps=true", query.namespace, query.pod);
    if let Some(container) = &query.container {
        check_name("container", container)?;
        path += &format!("&container={container}");
    }
    match from {
        Some(from) => path += &format!("&sinceTime={}", from.strftime("%Y-%m-%dT%H:%M:%SZ")),
        None => {
            path.extend(query.since_seconds.map(|seconds| format!("&sinceSeconds={seconds}")));
            path.extend(query.tail.map(|lines| format!("&tailLines={lines}")));
        }
    }
    if query.previous {
        path += "&previous=true";
    }
    if query.follow {
        path += "&follow=true";
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_range_is_asked_for() {
        let query = Logs {
            namespace: "istio-system".into(),
            pod: "istiod-1".into(),
            container: Some("discovery".into()),
            since_seconds: Some(60),
            tail: Some(10),
            previous: true,
            grep: Some("x509".into()),
            follow: false,
        };
        assert_eq!(
            path(&query, None).unwrap(),
            "/api/v1/namespaces/istio-system/pods/istiod-1/log?timestamps=true&container=discovery&sinceSeconds=60&tailLines=10&previous=true"
        );
        let from = "2026-11-22T13:05:25.9Z".parse().unwrap();
        let followed = Logs { namespace: "a".into(), pod: "b".into(), tail: Some(3), follow: true, ..Logs::default() };
        assert_eq!(
            path(&followed, Some(from)).unwrap(),
            "/api/v1/namespaces/a/pods/b/log?timestamps=true&sinceTime=2026-11-22T13:05:25Z&follow=true"
        );
        let odd = Logs { namespace: "a".into(), pod: "b/../../secrets".into(), ..Logs::default() };
        assert!(path(&odd, None).is_err());
    }
}
