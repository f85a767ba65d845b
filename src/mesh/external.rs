//! Control planes that live outside of this cluster: the injection webhook names where they are.

use super::Mesh;
use super::dig::{Dig, label};
use super::istiod_choice::WEBHOOKS;
use super::kube::list;
use crate::error::Result;
use serde_json::Value;
use std::collections::BTreeSet;

/// A control plane outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct External {
    /// The revision whose pods it injects.
    pub revision: String,
    /// Its host, with the port if the webhook names one.
    pub host: String,
}

/// The control planes outside that inject into this cluster.
///
/// # Errors
/// When the webhooks may not be read.
pub(crate) async fn external(mesh: &Mesh) -> Result<Vec<External>> {
    Ok(of_webhooks(&list(mesh, WEBHOOKS).await?))
}

/// Those that these webhooks name, each once.
pub(crate) fn of_webhooks(webhooks: &[Value]) -> Vec<External> {
    let found: BTreeSet<External> = webhooks.iter().flat_map(of_webhook).collect();
    found.into_iter().collect()
}

fn of_webhook(configuration: &Value) -> Vec<External> {
    let revision = label(configuration, "istio.io/rev").filter(|rev| !rev.is_empty()).unwrap_or("default");
    let own = configuration.list("/webhooks").iter().filter(|webhook| is_injector(configuration, webhook));
    let hosts = own.filter_map(|webhook| host(webhook.text("/clientConfig/url")?));
    hosts.map(|host| External { revision: revision.to_owned(), host }).collect()
}

fn is_injector(configuration: &Value, webhook: &Value) -> bool {
    webhook.string("/name").ends_with("sidecar-injector.istio.io") || label(configuration, "app") == Some("sidecar-injector")
}

fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next()?;
    let host = host.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    #[test]
    fn only_injectors_with_a_url_are_outside() {
        let client = |url: &str| json!({"name": "rev.namespace.sidecar-injector.istio.io", "clientConfig": {"url": url}});
        let list = json!({"items": [
            {"metadata": {"name": "a", "labels": {"istio.io/rev": "prod"}},
             "webhooks": [client("https://istiod.example.com:15017/inject/cluster/c1/net/n1"), client("https://istiod.example.com:15017/inject")]},
            {"metadata": {"name": "b", "labels": {"app": "sidecar-injector"}},
             "webhooks": [{"name": "x", "clientConfig": {"service": {"name": "istiod", "namespace": "istio-system"}}}]},
            {"metadata": {"name": "c"}, "webhooks": [{"name": "other.example.com", "clientConfig": {"url": "https://other"}}]},
            {"metadata": {"name": "d"}, "webhooks": [client("https://10.0.0.1/inject")]}]});
        let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=500";
        let found = wait(external(&Fake::new().kube(path, list.to_string()).mesh())).unwrap();
        let told: Vec<(&str, &str)> = found.iter().map(|one| (one.revision.as_str(), one.host.as_str())).collect();
        assert_eq!(told, [("default", "10.0.0.1"), ("prod", "istiod.example.com:15017")]);
    }
}
