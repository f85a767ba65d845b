//! The log of a container, streamed, so that only what is asked for is ever held.

use super::kube_error;
use super::kube_http::{Api, status_message};
use super::live::check_name;
use super::{Answer, Kube, LogFilter, Logs, body};
use crate::error::Result;
use http::StatusCode;

impl Api<'_> {
    /// Read a log. What the kubelet refuses is an answer, in its words.
    pub(super) async fn logs(&self, query: &Logs) -> Result<Answer> {
        let mut filter = LogFilter::new(query.grep.as_deref())?;
        let request = Kube { method: "GET".into(), path: path(query)?, body: None };
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

fn path(query: &Logs) -> Result<String> {
    check_name("namespace", &query.namespace)?;
    check_name("pod", &query.pod)?;
    let mut path = format!("/api/v1/namespaces/{}/pods/{}/log?timestamps=true", query.namespace, query.pod);
    if let Some(container) = &query.container {
        check_name("container", container)?;
        path += &format!("&container={container}");
    }
    if let Some(seconds) = query.since_seconds {
        path += &format!("&sinceSeconds={seconds}");
    }
    if let Some(lines) = query.tail {
        path += &format!("&tailLines={lines}");
    }
    if query.previous {
        path += "&previous=true";
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
        };
        assert_eq!(
            path(&query).unwrap(),
            "/api/v1/namespaces/istio-system/pods/istiod-1/log?timestamps=true&container=discovery&sinceSeconds=60&tailLines=10&previous=true"
        );
        let odd = Logs { namespace: "a".into(), pod: "b/../../secrets".into(), ..Logs::default() };
        assert!(path(&odd).is_err());
    }
}
