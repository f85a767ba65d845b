//! Services as rows.

use super::Mesh;
use super::age::age_of;
use super::dig::Dig;
use super::kube::list_in;
use crate::error::Result;
use crate::record;
use serde_json::Value;
use std::collections::BTreeMap;

record! {
    /// A service.
    pub struct Service as "service" {
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`; a service without an address of its own is `Headless`.
        pub type_name: String,
        /// Its address inside the cluster.
        pub cluster_ip: String,
        /// Where it is reached from outside.
        pub external: Vec<String>,
        /// Its ports: `http 80/TCP`.
        pub ports: Vec<String>,
        /// The labels of the pods it leads to.
        pub selector: BTreeMap<String, String>,
        /// How long ago it was made.
        pub age: String,
        /// Its labels.
        [wide] pub labels: BTreeMap<String, String>,
        /// Its host name: `NAME.NAMESPACE.svc`.
        [wide] pub host: String,
    }
}

/// The services of a namespace, or of all.
///
/// # Errors
/// When the API server refuses.
pub async fn services(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<Service>> {
    let objects = list_in(mesh, "/api/v1", mesh.scope(namespace), "services").await?;
    let now = mesh.now();
    Ok(objects.iter().map(|object| read(object, age_of(object, now))).collect())
}

fn read(service: &Value, age: String) -> Service {
    let (namespace, name) = (service.string("/metadata/namespace"), service.string("/metadata/name"));
    let cluster_ip = service.string("/spec/clusterIP");
    let stated = service.text("/spec/type").unwrap_or("ClusterIP");
    Service {
        host: format!("{name}.{namespace}.svc"),
        namespace,
        name,
        type_name: if cluster_ip == "None" { "Headless" } else { stated }.into(),
        cluster_ip: if cluster_ip == "None" { String::new() } else { cluster_ip },
        external: external(service),
        ports: service.list("/spec/ports").iter().map(port).collect(),
        selector: service.map("/spec/selector"),
        age,
        labels: service.map("/metadata/labels"),
    }
}

fn external(service: &Value) -> Vec<String> {
    let balancers = service.list("/status/loadBalancer/ingress").iter();
    let given = balancers.filter_map(|entry| entry.text("/ip").or_else(|| entry.text("/hostname"))).map(str::to_owned);
    let named = service.text("/spec/externalName").map(str::to_owned);
    given.chain(service.strings("/spec/externalIPs")).chain(named).collect()
}

/// `http 80/TCP`, with the node's port where there is one: `80:31380/TCP`. What Istio takes it for is in name and `appProtocol`.
fn port(port: &Value) -> String {
    let number = port.int("/port").unwrap_or(0);
    let node = port.int("/nodePort").filter(|node| *node != 0).map(|node| format!(":{node}")).unwrap_or_default();
    let name = port.text("/name").map(|name| format!("{name} ")).unwrap_or_default();
    let app = port.text("/appProtocol").map(|app| format!(" ({app})")).unwrap_or_default();
    format!("{name}{number}{node}/{}{app}", port.text("/protocol").unwrap_or("TCP"))
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    #[test]
    fn services_read_as_kubectl_shows_them() {
        let body = json!({"items": [
            {"metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-11-22T13:05:15Z"}, "spec": {"clusterIP": "10.0.0.1",
                "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "nodePort": 31380, "appProtocol": "http2"}, {"port": 53, "protocol": "UDP"}],
                "type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}},
            {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"clusterIP": "None"}},
            {"metadata": {"name": "out", "namespace": "shop"}, "spec": {"type": "ExternalName", "externalName": "a.example"}}]});
        let mesh = Fake::new().kube("/api/v1/namespaces/shop/services?limit=500", body.to_string()).mesh();
        let rows = wait(services(&mesh, Some("shop"))).unwrap();
        assert_eq!(rows[0].ports, ["http 80:31380/TCP (http2)", "53/UDP"]);
        assert_eq!(
            (rows[0].external[0].as_str(), rows[0].age.as_str(), rows[0].host.as_str()),
            ("lb.example", "60s", "web.shop.svc")
        );
        assert_eq!((rows[1].type_name.as_str(), rows[1].cluster_ip.as_str()), ("Headless", ""));
        assert_eq!(rows[2].external, ["a.example"]);
    }
}
