//! What the name of a statistic holds beside its name: the cluster, the listener, and the labels of Istio's metrics.

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

/// The tags in a name, found when they are looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Tags(pub(super) Arc<str>);

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tags = tags(&self.0);
        let mut map = serializer.serialize_map(Some(tags.len()))?;
        for (tag, value) in &tags {
            map.serialize_entry(tag, value)?;
        }
        map.end()
    }
}

/// The labels of Istio's metrics, in the order in which they stand in names.
const LABELS: [&str; 27] = [
    "reporter",
    "source_workload",
    "source_canonical_service",
    "source_canonical_revision",
    "source_workload_namespace",
    "source_principal",
    "source_app",
    "source_version",
    "source_cluster",
    "destination_workload",
    "destination_workload_namespace",
    "destination_principal",
    "destination_app",
    "destination_version",
    "destination_service",
    "destination_canonical_service",
    "destination_canonical_revision",
    "destination_service_name",
    "destination_service_namespace",
    "destination_cluster",
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "connection_security_policy",
    "request_operation",
    "response_code_details",
];

/// The tags of a name, in its order.
pub(super) fn tags(name: &str) -> Vec<(&str, Cow<'_, str>)> {
    if name.contains("=.=") {
        return wasm(name);
    }
    if let Some((_, labels)) = name.strip_prefix("istiocustom.").and_then(|rest| rest.split_once('.')) {
        return native(labels);
    }
    let mut tags = Vec::new();
    if let Some((kind, rest)) = name.split_once('.') {
        // Istio ends the names it gives with a semicolon, for they have dots.
        let tag = match kind {
            "cluster" => Some("cluster_name"),
            "http" => Some("http_conn_manager_prefix"),
            "listener" => Some("listener_address"),
            "tcp" => Some("tcp_prefix"),
            _ => None,
        };
        if let Some((tag, (value, _))) = tag.zip(rest.split_once(";.")) {
            tags.push((tag, value.into()));
        }
    }
    tags.extend(response(name).map(|(tag, value)| (tag, value.into())));
    tags
}

/// `…_rq_503` and `…_rq_5xx`.
fn response(name: &str) -> Option<(&'static str, &str)> {
    let (_, code) = name.rsplit_once("_rq_")?;
    let bytes = code.as_bytes();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match bytes {
        [_, _, _] if digits(bytes) => Some(("response_code", code)),
        [first, b'x', b'x'] if digits(&[*first]) => Some(("response_code_class", code)),
        _ => None,
    }
}

/// Up to Istio 1.17: `reporter=.=source;.;source_workload=.=web;.;_istio_requests_total`.
fn wasm(name: &str) -> Vec<(&str, Cow<'_, str>)> {
    name.split(";.;").filter_map(|part| part.split_once("=.=")).map(|(tag, value)| (last(tag), value.into())).collect()
}

/// A prefix may stand in front of the first.
fn last(tag: &str) -> &str {
    tag.rsplit('.').next().unwrap_or(tag)
}

/// Since then: `reporter.source.source_workload.web.…`. Values may have dots, labels have none.
fn native(labels: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut tags: Vec<(&str, Cow<'_, str>)> = Vec::new();
    let mut after_label = false;
    for word in labels.split('.') {
        match tags.last_mut() {
            _ if !after_label && LABELS.contains(&word) => tags.push((word, Cow::Borrowed(""))),
            Some((_, value)) if value.is_empty() => *value = Cow::Borrowed(word),
            Some((_, value)) => {
                value.to_mut().push('.');
                value.to_mut().push_str(word);
            }
            None => {}
        }
        // What follows a label is its value, even if it reads like a label.
        after_label = tags.last().is_some_and(|(_, value)| value.is_empty());
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Vec<(&str, String)> {
        tags(name).into_iter().map(|(tag, value)| (tag, value.into_owned())).collect()
    }

    fn pairs<'a>(all: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
        all.iter().map(|(tag, value)| (*tag, (*value).to_owned())).collect()
    }

    #[test]
    fn names_that_istio_gave_end_with_a_semicolon() {
        assert_eq!(
            told("cluster.outbound|80||a.shop.svc.cluster.local;.upstream_rq_503"),
            pairs(&[("cluster_name", "outbound|80||a.shop.svc.cluster.local"), ("response_code", "503")])
        );
        assert_eq!(
            told("http.inbound_0.0.0.0_8080;.rbac.denied"),
            pairs(&[("http_conn_manager_prefix", "inbound_0.0.0.0_8080")])
        );
        assert_eq!(told("cluster.xds-grpc;.internal.upstream_rq_2xx")[1], ("response_code_class", "2xx".to_owned()));
        for name in ["server.live", "cluster.a.b.upstream_rq_total", "cluster_manager.cds.version_text", "", "upstream_rq_abc"] {
            assert_eq!(told(name), [], "{name}");
        }
    }

    #[test]
    fn istios_metrics_have_their_labels_in_the_name() {
        let new = "istiocustom.istio_requests_total.reporter.source.source_workload.web.destination_service.a.shop.svc.cluster.local.response_code.200.response_flags.-";
        let labels = pairs(&[
            ("reporter", "source"),
            ("source_workload", "web"),
            ("destination_service", "a.shop.svc.cluster.local"),
            ("response_code", "200"),
            ("response_flags", "-"),
        ]);
        assert_eq!(told(new), labels);
        let old = "reporter=.=source;.;source_workload=.=web;.;destination_service=.=a.shop.svc.cluster.local;.;response_code=.=200;.;response_flags=.=-;.;_istio_requests_total";
        assert_eq!(told(old), labels);
    }
}
